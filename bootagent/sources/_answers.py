# SPDX-License-Identifier: Apache-2.0
"""The documents of one service, as ``sources.Documents`` are those of one volume."""

from __future__ import annotations

from bootagent.errors import ChangedError, SourceError
from bootagent.formats.base64text import parse_base64
from bootagent.model.instance import Problem
from bootagent.model.values import shown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from bootagent.identity import Identity
    from bootagent.model.instance import Instance
    from bootagent.sources._http import Http

    Parser = Callable[[Mapping[str, bytes]], Instance]


def check_serial(instance: Instance, identity: Identity, place: str, field: str = "product_serial") -> None:
    """Refuse a description of another machine, where the cloud gives the instance's id in a DMI field too."""
    serial = identity.dmi.get(field)
    if serial and instance.id and serial != instance.id:
        raise SourceError(place, f"it describes {shown(instance.id)}, and the firmware says {shown(serial)}")


def decode_base64(data: bytes | None, place: str) -> bytes | None:
    """User data of a service that gives it in base64, because whoever set it had to; it is never shown."""
    try:
        return parse_base64(data) if data is not None else None
    except ValueError as error:
        raise SourceError(place, str(error)) from None


class Answers:
    """What a service gave: ``found`` by name, ``damaged`` those that it did not give, ``problems`` why."""

    def __init__(self, http: Http) -> None:
        self._http = http
        self.found: dict[str, bytes] = {}
        self.damaged: set[str] = set()
        self.problems: list[Problem] = []

    def require(self, name: str, path: str, headers: Mapping[str, str] | None = None) -> bool:
        """Ask for the document that must be there: whether it is; ``SourceError`` where there is no answer."""
        self._required = name, path, headers
        return self._take(*self._required)

    def ask(self, name: str, path: str, headers: Mapping[str, str] | None = None) -> None:
        """Ask for a document that may be absent; where there is no answer, the others count all the same."""
        try:
            self._take(name, path, headers)
        except SourceError as error:
            self.damaged.add(name)
            self.problems.append(Problem("error", error.place, error.reason))

    def confirm(self, parser: Parser) -> None:
        """Ask once more for what is required; ``ChangedError`` where it says something else than at first.

        Not by the bytes: nova's has other random ones each time.  A service that is gone by now has said all.
        """
        name, path, headers = self._required
        try:
            content = self._http.get(path, headers)
        except SourceError as error:
            self.problems.append(Problem("warning", error.place, f"not confirmed: {error.reason}"))
            return
        if content is None or _said(parser({name: content})) != _said(parser({name: self.found[name]})):
            raise ChangedError(f"{self._http.place}{path}", "another answer than a moment ago")

    def parse(self, parser: Parser) -> Instance:
        """What ``parser`` makes of them, with what was not answered added to it."""
        instance = parser(self.found)
        return instance._replace(broken=instance.broken | self.damaged, problems=(*self.problems, *instance.problems))

    def _take(self, name: str, path: str, headers: Mapping[str, str] | None) -> bool:
        content = self._http.get(path, headers)
        if content is not None:
            self.found[name] = content
        return content is not None


def _said(instance: Instance) -> tuple[object, ...]:
    return instance.id, instance.hostname, instance.ssh_keys, instance.network
