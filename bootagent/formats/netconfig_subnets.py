# SPDX-License-Identifier: Apache-2.0
"""The ``subnets`` of a device in version 1: https://docs.cloud-init.io/en/latest/reference/network-config-format-v1.html.

What DHCP and router advertisements bring is not written down, so the address that some writers put into a subnet of
such a type is for information (they made it of OpenStack's documents).
"""

from __future__ import annotations

from bootagent.formats.addressing import parse_metric
from bootagent.formats.netconfig_addresses import add_address, parse_route, report_no_mapping
from bootagent.formats.netconfig_devices import report_unused
from bootagent.model.values import shown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from bootagent.formats.addressing import AddressingDraft
    from bootagent.formats.report import Report

# The family of each type, and how addresses come about.
TYPES = {
    "static": (4, "static"),
    "static4": (4, "static"),
    "static6": (6, "static"),
    "dhcp": (4, "dhcp4"),
    "dhcp4": (4, "dhcp4"),
    "dhcp6": (6, "dhcp6"),
    "ipv6_dhcpv6-stateful": (6, "stateful"),
    "ipv6_dhcpv6-stateless": (6, "stateless"),
    "ipv6_slaac": (6, "slaac"),
    "manual": (0, "none"),
    "loopback": (0, "none"),
}

# ``ipv4`` and ``ipv6`` repeat what the type says; a broadcast address follows from the netmask.
_KEYS = frozenset(
    "type address ip_address netmask prefix gateway routes dns_nameservers dns_search metric control ipv4 ipv6"
    " broadcast network_id".split()
)
_ROUTE_KEYS = ("destination", "network", "netmask", "prefix", "gateway", "metric")


def parse_subnets(items: object, place: str, draft: AddressingDraft, report: Report) -> None:
    """Add what a device's subnets say to its addressing."""
    if items is None:
        return
    if not isinstance(items, list):
        report.error(place, "not a list")
        return
    for index, raw in enumerate(items):
        where = f"{place}[{index}]"
        if not report_no_mapping(raw, where, report):
            _parse_subnet(raw, where, draft, report)


def route_key(raw: dict[str, Any]) -> str:
    """The key under which a route has its destination."""
    return "network" if raw.get("destination") in (None, "") and raw.get("network") else "destination"


def _parse_subnet(raw: dict[str, Any], place: str, draft: AddressingDraft, report: Report) -> None:
    report_unused(raw, _KEYS, place, report)
    kind = raw.get("type")
    family, method = TYPES.get(kind.lower() if isinstance(kind, str) else "", (0, ""))
    if not method and kind in (None, "") and raw.get("address"):
        report.warning(f"{place}.type", "no type, taken as static for its address")
        method = "static"
    if not method:
        report.error(f"{place}.type", f"{shown(kind)} is not a type of subnet, left out")
        return
    if raw.get("control") == "manual":
        report.warning(f"{place}.control", "it is brought up all the same")
    draft.add_servers(raw.get("dns_nameservers"), f"{place}.dns_nameservers", report)
    draft.add_search(raw.get("dns_search"), f"{place}.dns_search", report)
    if method == "static":
        key = "ip_address" if raw.get("ip_address") and not raw.get("address") else "address"
        mask = raw.get("prefix") or raw.get("netmask")
        version = add_address(raw.get(key), mask, f"{place}.{key}", draft, report)
        if not version:
            return  # no address, so no routes
        if version == 4 and family == 6:
            report.warning(f"{place}.type", f"{shown(kind)} with an IPv4 address")
        family = version  # "static" with an IPv6 address is usual
    elif method == "none":
        if raw.get("address") or raw.get("gateway") or raw.get("routes"):
            report.info(place, "its type says that it is not configured")
        return
    elif method == "dhcp4":
        draft.dhcp4 = True
    else:
        draft.slaac = draft.slaac or method in ("slaac", "stateless")
        if method != "slaac":
            draft.dhcp6 = "stateless" if method == "stateless" and draft.dhcp6 != "stateful" else "stateful"
    # OpenStack's types repeat the default route that its routers advertise.
    advertised = method in ("slaac", "stateful", "stateless")
    _parse_ways(raw, family, advertised, place, draft, report)


def _parse_ways(
    raw: dict[str, Any], family: int, advertised: bool, place: str, draft: AddressingDraft, report: Report
) -> None:
    """The gateway and the routes of a subnet, without the default route where the router ``advertised`` it."""
    metric = parse_metric(raw.get("metric"), f"{place}.metric", report)
    if raw.get("gateway"):
        if advertised:
            report.info(f"{place}.gateway", "the router says it itself")
        else:
            draft.add_gateway(raw["gateway"], family, f"{place}.gateway", report, metric)
    routes = raw.get("routes")
    if routes is not None and not isinstance(routes, list):
        report.error(f"{place}.routes", "not a list")
        return
    for index, item in enumerate(routes or ()):
        where = f"{place}.routes[{index}]"
        if report_no_mapping(item, where, report):
            continue
        report_unused(item, _ROUTE_KEYS, where, report)
        mask = item.get("prefix") if item.get("netmask") in (None, "") else item["netmask"]
        route = parse_route(item, route_key(item), mask, "gateway", where, report)
        if route is None:
            continue
        if advertised and route.to.version == 6 and route.to.prefixlen == 0:
            report.info(where, "the router says it itself")
        else:
            draft.add_route(route)
