# SPDX-License-Identifier: Apache-2.0
"""What the documents of metadata services have in common: one value each, records in lists, NICs by their address."""

from __future__ import annotations

from bootagent.errors import DocumentError
from bootagent.formats.links import parse_mac
from bootagent.formats.openstack import parse_json
from bootagent.formats.report import Report
from bootagent.model.instance import Instance

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from typing import Any

    from bootagent.model.values import MacAddress


class Answered:
    """The documents of a service, read one by one; ``broken`` are those that could not be."""

    def __init__(self, documents: Mapping[str, bytes], report: Report) -> None:
        self.broken: set[str] = set()
        self._documents = documents
        self._report = report

    def value(self, name: str, parse: Callable[[str, bytes], object]) -> object:
        """The value of a document; None where it is absent, or broken, which is reported."""
        if name not in self._documents:
            return None
        try:
            return parse(name, self._documents[name])
        except DocumentError as error:
            where = f"{name}: {error.where}" if error.where else name
            self._report.error(where, str(error)[len(where) + 2 :])
            self.broken.add(name)
            return None

    def mapping(self, name: str, parse: Callable[[str, bytes], object]) -> dict[str, Any] | None:
        """The same of a document that must be a mapping: one that is not, or is empty, is broken."""

        def parse_mapping(name: str, data: bytes) -> object:
            value = parse(name, data)
            if not isinstance(value, dict):
                raise DocumentError(name, "", "not an object")
            return value

        return check_mapping(self.value(name, parse_mapping), name, self._report)


def parse_one(
    documents: Mapping[str, bytes],
    name: str,
    describe: Callable[[dict[str, Any], str, Report], Instance],
    parse: Callable[[str, bytes], object] = parse_json,
) -> Instance:
    """The instance that one document describes alone, which may be absent or broken.

    ``describe`` makes it of the mapping in it, the beginning of each place in it, and a report.
    """
    report = Report()
    answered = Answered(documents, report)
    data = answered.mapping(name, parse)
    if data is None:
        return Instance(broken=frozenset(answered.broken), problems=report.problems())
    instance = describe(data, f"{name}: ", report)
    problems = (*report.problems(), *instance.problems)
    return instance._replace(documents=(name,), origins=report.origins, problems=problems)


def check_mapping(value: object, name: str, report: Report) -> dict[str, Any] | None:
    """``value`` where it is a mapping; None, reported unless nothing is there, where it is not."""
    if isinstance(value, dict):
        return value
    if value is not None:
        report.error(name, "not an object")
    return None


def find_records(value: object, place: str, report: Report) -> Iterator[tuple[str, dict[str, Any]]]:
    """The mappings of the list ``value`` with their places; what is no such thing is reported."""
    if value is not None and not isinstance(value, list):
        report.error(place, "not a list")
        return
    for index, item in enumerate(value or ()):
        if isinstance(item, dict):
            yield f"{place}[{index}]", item
        else:
            report.error(f"{place}[{index}]", "not an object")


def find_mac(raw: dict[str, Any], key: str, place: str, report: Report) -> MacAddress | None:
    """The address by which a NIC is found; None, reported, where there is none: the NIC is left out."""
    mac = parse_mac(raw.get(key), f"{place}.{key}", report)
    if mac is None and not raw.get(key):
        report.error(f"{place}.{key}", "no MAC address to find the NIC by: left out")
    return mac
