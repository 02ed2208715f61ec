# SPDX-License-Identifier: Apache-2.0
"""The devices of a network configuration while it is read, and the names of what in it is not followed.

Both versions say first what devices there are and may speak of one again later: its name server, its route.
"""

from __future__ import annotations

from bootagent.formats.links import resolve_links
from bootagent.formats.prefixes import make_network
from bootagent.model.values import InterfaceName, shown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Container, Mapping
    from typing import Any

    from bootagent.formats.addressing import AddressingDraft
    from bootagent.formats.report import Report
    from bootagent.model.ip import IPAddress, IPNetwork
    from bootagent.model.network import Addressing, Link

MAX_DEVICES = 4096
HARMLESS = ("optional", "wakeonlan")  # whether they are followed or not, the machine is reached the same way


class Devices:
    """Links with the drafts of their addressing, in document order.  Cost is linear, whatever the document says."""

    def __init__(self, report: Report) -> None:
        self.refused: set[str] = set()  # ids of those that are left out
        self._found: list[tuple[Link, AddressingDraft]] = []
        self._by_id: dict[str, AddressingDraft] = {}
        self._by_subnet: dict[IPNetwork, AddressingDraft] | None = None
        self._members: dict[str, list[str]] = {}  # of the bonds, by origin
        self._refusals: dict[str, str] = {}  # where router advertisements are refused, by origin of the link
        self._report = report

    def add(self, link: Link, draft: AddressingDraft, members: list[str] | None = None) -> None:
        """Take a device; ``members`` are the ids of a bond's."""
        self._found.append((link, draft))
        self._by_id[link.id] = draft
        if members is not None:
            self._members[link.origin] = members

    def draft_of(self, identity: str) -> AddressingDraft | None:
        """The addressing of the device with this id; of several the last, which references mean."""
        return self._by_id.get(identity)

    def draft_beside(self, gateway: IPAddress) -> AddressingDraft | None:
        """The addressing of the device that has the gateway in a subnet, the smallest; or of the only device."""
        if self._by_subnet is None:  # asked when all devices are known
            self._by_subnet = {subnet: draft for _, draft in reversed(self._found) for subnet in draft.subnets}
        for length in range(gateway.max_prefixlen, 0, -1):
            draft = self._by_subnet.get(make_network(gateway, length)[0])
            if draft is not None:
                return draft
        return self._found[0][1] if len(self._found) == 1 else None

    def accept_ra(self, value: object, where: str, origin: str, draft: AddressingDraft) -> None:
        """Take ``accept-ra``: its absence says nothing, and what follows from the rest is decided for every format."""
        said = parse_flag(value, where, self._report)
        if said:
            draft.slaac = True
        elif said is not None:
            self._refusals[origin] = where

    def finish(self, keys: Mapping[str, str]) -> tuple[Link, ...]:
        """The sound links; ``keys`` as in ``links.resolve_links``."""
        links = []
        for link, draft in self._found:
            asked = draft.finish(self._report)
            if link.origin in self._refusals and _takes_advertisements(asked):
                self._report.warning(self._refusals[link.origin], "they are taken: its other IPv6 settings need them")
            links.append(link._replace(addressing=asked))
        return tuple(resolve_links(links, self.refused, self._members, [], keys, self._report).by_id.values())


def _takes_advertisements(asked: Addressing) -> bool:
    """Whether router advertisements are listened to for this: decision 5 of docs/design.rst."""
    default = any(route.to.version == 6 and route.to.prefixlen == 0 for route in asked.routes)
    static = any(address.ip.version == 6 for address in asked.addresses)
    return bool(asked.slaac or asked.dhcp6 or (static and not default))


def parse_flag(value: object, where: str, report: Report) -> bool | None:
    """True or False, also as text or as 1 and 0; None if it is not said, or in no way that is understood."""
    if value is None or isinstance(value, bool):
        return value
    text = value.lower() if isinstance(value, str) else ""
    if isinstance(value, int) and value in (0, 1):
        return bool(value)
    if text in ("true", "yes", "on", "false", "no", "off"):
        return text in ("true", "yes", "on")
    report.warning(where, f"{shown(value)} is neither true nor false")
    return None


def parse_name(value: object, where: str, report: Report) -> InterfaceName | None:
    """The kernel name of a device to be made, or to be found by it; None with the problem reported."""
    try:
        return InterfaceName(value)
    except ValueError as error:
        report.warning(where, f"{error}, not used")
        return None


def at(key: object) -> str:
    """What stands for a key in a place: ``.mtu``, or ``['a key of the cloud']``."""
    if isinstance(key, str) and len(key) <= 40 and key.isascii() and key.replace("-", "_").isidentifier():
        return f".{key}"
    return f"[{shown(key)}]"


def below(place: str, key: object) -> str:
    """The place of what ``key`` says there; ``place`` may be a whole document's too (``"network-config: "``)."""
    step = at(key)
    return place + step.removeprefix(".") if place.endswith(": ") else place.removesuffix(".") + step


def report_unused(raw: dict[str, Any], known: Container[str], place: str, report: Report) -> None:
    """Name every key that says something and is not followed."""
    for key, value in raw.items():
        if key not in known and value is not None and value is not False and value not in ("", {}):
            (report.info if key in HARMLESS else report.warning)(below(place, key), "not used")
