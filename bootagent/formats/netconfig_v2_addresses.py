# SPDX-License-Identifier: Apache-2.0
"""What version 2 says of the addresses of a device: https://netplan.readthedocs.io/en/stable/netplan-yaml/.

Settings of the DHCP client are the backend's affair, whatever the document asks for: each is named.
"""

from __future__ import annotations

from bootagent.formats.netconfig_addresses import add_address, parse_route, report_no_mapping, whole_address
from bootagent.formats.netconfig_devices import at, parse_flag, report_unused
from bootagent.model.values import shown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from bootagent.formats.addressing import AddressingDraft
    from bootagent.formats.report import Report

KEYS = (
    *("dhcp4", "dhcp6", "dhcp4-overrides", "dhcp6-overrides", "accept-ra", "addresses", "gateway4", "gateway6"),
    *("nameservers", "routes", "mtu"),
)
# "on-link" says what the planner finds out by itself: whether an address of the device covers the gateway.
_ROUTE_KEYS = ("to", "via", "metric", "on-link", "type", "scope", "table")
_MAIN_TABLE = 254  # RT_TABLE_MAIN, include/uapi/linux/rtnetlink.h


def parse_addressing(raw: dict[str, Any], place: str, draft: AddressingDraft, report: Report) -> None:
    """Add what a device says to its addressing."""
    draft.dhcp4 = bool(parse_flag(raw.get("dhcp4"), f"{place}.dhcp4", report))
    draft.dhcp6 = "stateful" if parse_flag(raw.get("dhcp6"), f"{place}.dhcp6", report) else ""
    for key, asked in (("dhcp4-overrides", draft.dhcp4), ("dhcp6-overrides", bool(draft.dhcp6))):
        if raw.get(key) is not None and asked:  # without DHCP they have no effect
            _report_overrides(raw[key], f"{place}.{key}", report)
    for index, item in enumerate(_list(raw.get("addresses"), f"{place}.addresses", report)):
        _parse_address(item, f"{place}.addresses[{index}]", draft, report)
    for version, key in ((4, "gateway4"), (6, "gateway6")):
        if raw.get(key):
            draft.add_gateway(raw[key], version, f"{place}.{key}", report)
    for index, item in enumerate(_list(raw.get("routes"), f"{place}.routes", report)):
        _parse_route(item, f"{place}.routes[{index}]", draft, report)
    servers = raw.get("nameservers")
    if servers is not None and not report_no_mapping(servers, f"{place}.nameservers", report):
        report_unused(servers, ("addresses", "search"), f"{place}.nameservers", report)
        draft.add_servers(servers.get("addresses"), f"{place}.nameservers.addresses", report)
        draft.add_search(servers.get("search"), f"{place}.nameservers.search", report)


def _list(value: object, place: str, report: Report) -> list[Any]:
    if value is not None and not isinstance(value, list):
        report.error(place, "not a list")
    return value if isinstance(value, list) else []


def _report_overrides(overrides: object, place: str, report: Report) -> None:
    """Name what differs from what a client does that nobody told anything."""
    if report_no_mapping(overrides, place, report):
        return
    assert isinstance(overrides, dict)
    for key, value in overrides.items():
        default = parse_flag(value, f"{place}{at(key)}", report) if key.startswith(("use-", "send-")) else None
        if default is not True or key == "use-domains":
            report.warning(f"{place}{at(key)}", "not followed: it is as the backend has it")


def _parse_address(item: object, place: str, draft: AddressingDraft, report: Report) -> None:
    """An address with its prefix length, or a mapping of one to its settings."""
    if isinstance(item, dict) and len(item) == 1:
        ((item, settings),) = item.items()
        if isinstance(settings, dict):
            report_unused(settings, (), place, report)
    if isinstance(item, str) and "/" not in item:
        report.error(place, f"{shown(item)} has no prefix length")
    else:
        add_address(item, None, place, draft, report)


def _parse_route(raw: object, place: str, draft: AddressingDraft, report: Report) -> None:
    if report_no_mapping(raw, place, report):
        return
    assert isinstance(raw, dict)
    report_unused(raw, _ROUTE_KEYS, place, report)
    wrong = {
        "type": raw.get("type") not in (None, "unicast"),
        "table": raw.get("table") not in (None, _MAIN_TABLE, str(_MAIN_TABLE)),
        "scope": raw.get("scope") not in (None, "global", "link"),
    }
    for key in filter(wrong.get, wrong):
        report.error(f"{place}.{key}", f"{shown(raw[key])} cannot be said: the route is left out")
    if not any(wrong.values()):
        route = parse_route({**raw, "to": whole_address(raw.get("to"))}, "to", None, "via", place, report)
        if route is not None:
            draft.add_route(route)
