# SPDX-License-Identifier: Apache-2.0
"""The metadata of an instance at Vultr: https://www.vultr.com/metadata/.

The public NIC has DHCP and router advertisements, each address beside those and each private NIC is static.  Where the
service makes a configuration of version 1 of it all (``cloud_interfaces``), that is it.  What the document does not say
(MTU and resolvers of a private network) is not made up.
"""

from __future__ import annotations

from bootagent.formats.addressing import AddressingDraft
from bootagent.formats.answers import check_mapping, find_mac, find_records, parse_one
from bootagent.formats.links import parse_mtu
from bootagent.formats.meta_data import parse_hostname, parse_id, parse_keys
from bootagent.formats.netconfig_addresses import add_address, parse_route
from bootagent.formats.netconfig_subnets import route_key
from bootagent.model.instance import Instance
from bootagent.model.network import Link, Network

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from bootagent.formats.report import Report
    from bootagent.model.instance import Problem

DOCUMENT = "v1.json"
MADE = "cloud_interfaces"
IDS = ("instance-v2-id", "instanceid")
HOSTNAMES = ("hostname",)


def parse_documents(documents: Mapping[str, bytes]) -> Instance:
    """The instance that the document describes, which may be absent or broken."""
    return parse_one(documents, DOCUMENT, _describe)


def _describe(data: dict[str, Any], base: str, report: Report) -> Instance:
    network, doubts = _parse_network(data, base, report)
    return Instance(
        parse_id(data, base, report, IDS),
        parse_hostname(data, base, report, HOSTNAMES),
        parse_keys(data, base, report),
        network,
        problems=doubts,
    )


def _parse_network(data: dict[str, Any], base: str, report: Report) -> tuple[Network | None, tuple[Problem, ...]]:
    if data.get(MADE):
        from bootagent.formats.netconfig import parse_netconfig

        return parse_netconfig(data[MADE], f"{base}{MADE}")
    if data.get("interfaces") is None:
        return None, ()
    links: list[Link] = []
    for place, raw in find_records(data["interfaces"], f"{base}interfaces", report):
        link = _parse_link(raw, raw.get("network-type", "private" if links else "public"), place, report)
        if link is not None:
            links.append(link)
    return Network(tuple(links)), ()


def _parse_link(raw: dict[str, Any], kind: object, place: str, report: Report) -> Link | None:
    mac = find_mac(raw, "mac", place, report)
    if mac is None:
        return None
    draft = AddressingDraft()
    if not raw.get("unconfigured"):
        ipv4 = check_mapping(raw.get("ipv4") or None, f"{place}.ipv4", report) or {}
        ipv6 = check_mapping(raw.get("ipv6") or None, f"{place}.ipv6", report) or {}
        if kind == "public":
            draft.dhcp4 = True
            draft.slaac = bool(ipv6.get("network") or ipv6.get("address"))
        else:
            if ipv4.get("address"):
                add_address(ipv4["address"], ipv4.get("netmask"), f"{place}.ipv4.address", draft, report)
            draft.slaac = bool(raw.get("accept-ra"))
        _add_routes(raw, place, draft, report)
        for where, item in find_records(ipv4.get("additional"), f"{place}.ipv4.additional", report):
            add_address(item.get("address"), item.get("netmask"), f"{where}.address", draft, report)
            _add_routes(item, where, draft, report)
        for where, item in find_records(ipv6.get("additional"), f"{place}.ipv6.additional", report):
            # Vultr's own reader (cloud-init) takes the network itself for an address of the instance.
            add_address(item.get("network"), item.get("prefix"), f"{where}.network", draft, report)
            _add_routes(item, where, draft, report)
    mtu = parse_mtu(raw.get("mtu"), f"{place}.mtu", report)
    return Link(place, mac, mtu=mtu, addressing=draft.finish(report), origin=place)


def _add_routes(raw: dict[str, Any], place: str, draft: AddressingDraft, report: Report) -> None:
    """Take routes, which are spelled as in a configuration of version 1."""
    for where, item in find_records(raw.get("routes"), f"{place}.routes", report):
        mask = item.get("prefix") if item.get("netmask") in (None, "") else item["netmask"]
        route = parse_route(item, route_key(item), mask, "gateway", where, report)
        if route is not None:
            draft.add_route(route)
