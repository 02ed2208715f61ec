# SPDX-License-Identifier: Apache-2.0
"""Network configuration version 1: https://docs.cloud-init.io/en/latest/reference/network-config-format-v1.html.

A list of devices with their subnets, and beside them name servers and routes that may belong to any of them.
"""

from __future__ import annotations

from bootagent.formats.addressing import AddressingDraft, Resolvers
from bootagent.formats.bonds import parse_bond
from bootagent.formats.links import parse_mac, parse_mtu
from bootagent.formats.netconfig_addresses import parse_route, report_no_mapping
from bootagent.formats.netconfig_devices import MAX_DEVICES, Devices, at, parse_name, report_unused
from bootagent.formats.netconfig_made import make_link, parse_members, parse_vlan
from bootagent.formats.netconfig_subnets import parse_subnets, route_key
from bootagent.model.bond import option_name
from bootagent.model.network import Link, Network
from bootagent.model.values import shown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from bootagent.formats.report import Report
    from bootagent.model.network import Bond

KEYS = {"id": ".name", "members": ".bond_interfaces", "primary": ".params", "parent": ".vlan_link"}
PHYSICAL = ("physical", "infiniband")
# What ``id`` says is not needed: devices are referred to by name.
_DEVICE_KEYS = ("type", "id", "name", "mac_address", "mtu", "subnets", "accept-ra")
_OTHER_KEYS = {"bond": ("bond_interfaces", "params"), "vlan": ("vlan_link", "vlan_id")}


def parse_v1(data: dict[str, Any], base: str, report: Report) -> Network:
    """The network of a document whose version is 1; ``base`` is what places begin with."""
    report_unused(data, ("version", "config"), base, report)
    items = data.get("config")
    if not isinstance(items, list):
        report.error(f"{base}config", "not a list")
        return Network()
    devices = Devices(report)
    common = Resolvers()
    later = []
    for index, raw in enumerate(items[:MAX_DEVICES]):
        place = f"{base}config[{index}]"
        if report_no_mapping(raw, place, report):
            continue
        kind = raw.get("type")
        if kind in ("nameserver", "route"):
            later.append((raw, place))
        elif kind == "loopback":
            _parse_loopback(raw, place, common, report)
        else:
            _parse_device(raw, place, devices, report)
    if len(items) > MAX_DEVICES:
        report.error(f"{base}config", f"more than {MAX_DEVICES} entries, the rest left out")
    for raw, place in later:
        if raw["type"] == "route":
            _parse_common_route(raw, place, devices, report)
        else:
            _parse_nameserver(raw, place, devices, common, report)
    links = devices.finish(KEYS)
    return Network(links, common.without(links))


def _parse_device(raw: dict[str, Any], place: str, devices: Devices, report: Report) -> None:
    kind, said = raw.get("type"), raw.get("name")
    identity = said if isinstance(said, str) else ""
    link = members = None
    if kind in PHYSICAL:
        link = _parse_physical(raw, identity, place, report)
    elif kind == "bond":
        members = parse_members(raw.get("bond_interfaces"), f"{place}.bond_interfaces", report)
        link = make_link(raw, identity, "mac_address", place, report, bond=_parse_bond(raw, place, report))
    elif kind == "vlan":
        vlan = parse_vlan(raw, "vlan_id", "vlan_link", place, report)
        link = vlan and make_link(raw, identity, "mac_address", place, report, vlan=vlan)
    elif kind == "bridge":
        report.error(place, "no bridge is made")
    else:
        report.error(f"{place}.type", f"{shown(kind)} is not a type that is known, left out")
    if link is None:
        devices.refused.add(identity)
        return
    report_unused(raw, (*_DEVICE_KEYS, *_OTHER_KEYS.get(str(kind), ())), place, report)
    draft = AddressingDraft()
    parse_subnets(raw.get("subnets"), f"{place}.subnets", draft, report)
    devices.accept_ra(raw.get("accept-ra"), f"{place}.accept-ra", place, draft)
    devices.add(link, draft, members)


def _parse_physical(raw: dict[str, Any], identity: str, place: str, report: Report) -> Link | None:
    said = raw.get("mac_address")
    mac = parse_mac(said, f"{place}.mac_address", report)
    if mac is None and said:
        return None  # broken is not absent: its name could be that of another NIC
    name = parse_name(identity, f"{place}.name", report) if identity else None
    if mac is None and name is None:
        report.error(place, "neither a MAC address nor a device name to find it by")
        return None
    if mac is not None and name is not None:
        report.info(f"{place}.name", f"the NIC with this address is not renamed to {name}")
    mtu = parse_mtu(raw.get("mtu"), f"{place}.mtu", report)
    return Link(identity or place, mac, name, mtu, origin=place)


def _parse_bond(raw: dict[str, Any], place: str, report: Report) -> Bond:
    params = raw.get("params")
    if params is not None and not isinstance(params, dict):
        report.error(f"{place}.params", "not a mapping")
    items = params.items() if isinstance(params, dict) else ()
    return parse_bond([(option_name(key), value, f"{place}.params{at(key)}") for key, value in items], place, report)


def _parse_loopback(raw: dict[str, Any], place: str, common: Resolvers, report: Report) -> None:
    """Its name servers are those of the whole machine (what cloud-init makes of ``interfaces`` files)."""
    report_unused(raw, ("type", "name", "subnets"), place, report)
    subnets = raw.get("subnets")
    for index, subnet in enumerate(subnets if isinstance(subnets, list) else ()):
        where = f"{place}.subnets[{index}]"
        if isinstance(subnet, dict):
            common.add_servers(subnet.get("dns_nameservers"), f"{where}.dns_nameservers", report)
            common.add_search(subnet.get("dns_search"), f"{where}.dns_search", report)
            if subnet.get("address"):
                report.error(f"{where}.address", "the loopback device gets no addresses")


def _parse_nameserver(raw: dict[str, Any], place: str, devices: Devices, common: Resolvers, report: Report) -> None:
    report_unused(raw, ("type", "address", "search", "interface"), place, report)
    name = raw.get("interface")
    draft = devices.draft_of(name) if isinstance(name, str) else None
    if name and draft is None:
        report.warning(f"{place}.interface", f"no device is called {shown(name)}: for all of them")
    resolvers = draft or common
    resolvers.add_servers(raw.get("address"), f"{place}.address", report)
    resolvers.add_search(raw.get("search"), f"{place}.search", report)


def _parse_common_route(raw: dict[str, Any], place: str, devices: Devices, report: Report) -> None:
    report_unused(raw, ("type", "destination", "network", "netmask", "prefix", "gateway", "metric"), place, report)
    route = parse_route(raw, route_key(raw), raw.get("prefix") or raw.get("netmask"), "gateway", place, report)
    if route is None:
        return
    draft = devices.draft_beside(route.via) if route.via else None
    if draft is None:
        report.error(f"{place}.gateway", "no device has a subnet with it: left out")
    else:
        draft.add_route(route)
