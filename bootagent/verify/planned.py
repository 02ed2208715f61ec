# SPDX-License-Identifier: Apache-2.0
"""The network that was planned, from the status that the agent left of it."""

from __future__ import annotations

from bootagent.errors import SourceError
from bootagent.model.ip import IPAddress, IPInterface, IPNetwork
from bootagent.model.network import Address, Bond, BoundNetwork, Dns, Interface, Match, Route, Vlan
from bootagent.model.values import InterfaceName, MacAddress, Mtu, VlanId
from bootagent.state import LAST_STATUS
from bootagent.status import read_last_status, read_status

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from bootagent.root import Root


def read_planned(root: Root) -> tuple[str, BoundNetwork]:
    """Where it stands and what it is; ``SourceError`` where nothing is on record."""
    place, status = read_status(root)
    if not status.get("interfaces") and not status.get("unlisted"):
        # Nothing was planned on this boot, because what an earlier one configured stays: that one's counts.
        place, status = LAST_STATUS, read_last_status(root)
    try:
        return place, parse_planned(status)
    except (KeyError, TypeError, ValueError) as error:
        raise SourceError(place, "damaged, or of another version of the agent") from error


def parse_planned(status: dict[str, Any]) -> BoundNetwork:
    """The network of a status."""
    return BoundNetwork(
        tuple(_interface(item) for item in status["interfaces"]),
        tuple(InterfaceName(name) for name in status["unlisted"]),
        _dns(status["dns"]),
    )


def _interface(item: dict[str, Any]) -> Interface:
    mac = MacAddress(item["mac"]) if item["mac"] else None
    name = InterfaceName(item["name"]) if item["name"] else None
    vlan = None if item["vlan"] is None else Vlan(VlanId(item["vlan"]), str(item["parent"]))
    return Interface(
        str(item["label"]),
        name,
        None if item["made"] else Match(mac, None if mac else name),
        mac if item["made"] else None,
        Mtu(item["mtu"]) if item["mtu"] else None,
        tuple(Address(IPInterface.parse(held["address"]), held["origin"]) for held in item["addresses"]),
        tuple(_route(route) for route in item["routes"]),
        _dns(item["dns"]),
        bool(item["dhcp4"]),
        str(item["ra"]),
        str(item["dhcp6"]),
        bond=Bond(item["bond"]) if item["bond"] else None,
        vlan=vlan,
        master=InterfaceName(item["master"]) if item["master"] else None,
        origin=str(item["origin"]),
    )


def _route(item: dict[str, Any]) -> Route:
    via = IPAddress.parse(item["via"]) if item["via"] else None
    return Route(IPNetwork.parse(item["to"]), via, origin=item["origin"])


def _dns(servers: list[str]) -> Dns:
    return Dns(tuple(IPAddress.parse(server) for server in servers))
