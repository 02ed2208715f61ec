# SPDX-License-Identifier: Apache-2.0
"""The metadata of a Droplet: https://docs.digitalocean.com/reference/api/metadata/.

Every address is static, whatever ``features`` says of DHCP.  The gateway of a private NIC leads nowhere but to the
network that it is in, and that of the anchor address is only for who wants to answer by a reserved IP:
https://docs.digitalocean.com/products/networking/reserved-ips/.
"""

from __future__ import annotations

from bootagent.formats.addressing import AddressingDraft, Resolvers
from bootagent.formats.answers import check_mapping, find_mac, find_records, parse_one
from bootagent.formats.meta_data import parse_hostname, parse_id, parse_keys
from bootagent.formats.netconfig_addresses import add_address
from bootagent.formats.openstack import parse_json
from bootagent.model.instance import Instance
from bootagent.model.network import Link, Network

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from bootagent.formats.report import Report

DOCUMENT = "v1.json"
IDS = ("droplet_id",)
HOSTNAMES = ("hostname",)
KINDS = ("public", "private")
# The address that the anchor stands beside comes first: it is the one that the machine itself is to use.
ADDRESSES = (("ipv4", 4), ("ipv6", 6), ("anchor_ipv4", 0), ("anchor_ipv6", 0))  # 0: without a default route


def parse_documents(documents: Mapping[str, bytes]) -> Instance:
    """The instance that the document describes, which may be absent or broken."""
    return parse_one(documents, DOCUMENT, _describe, _parse_json)


def _describe(data: dict[str, Any], base: str, report: Report) -> Instance:
    return Instance(
        parse_id(data, base, report, IDS),
        parse_hostname(data, base, report, HOSTNAMES),
        parse_keys(data, base, report),
        _parse_network(data, base, report),
    )


def _parse_json(name: str, data: bytes) -> object:
    value = parse_json(name, data)
    return value[0] if isinstance(value, list) and len(value) == 1 else value  # so in the reference's example


def _parse_network(data: dict[str, Any], base: str, report: Report) -> Network | None:
    interfaces = check_mapping(data.get("interfaces"), f"{base}interfaces", report)
    if interfaces is None:
        return None
    links = []
    for kind in KINDS:
        for place, raw in find_records(interfaces.get(kind), f"{base}interfaces.{kind}", report):
            link = _parse_link(raw, kind == "public", place, report)
            if link is not None:
                links.append(link)
    resolvers = Resolvers()
    dns = check_mapping(data.get("dns"), f"{base}dns", report) or {}
    resolvers.add_servers(dns.get("nameservers"), f"{base}dns.nameservers", report)
    return Network(tuple(links), resolvers.dns())


def _parse_link(raw: dict[str, Any], is_public: bool, place: str, report: Report) -> Link | None:
    mac = find_mac(raw, "mac", place, report)
    if mac is None:
        return None
    draft = AddressingDraft()
    for key, version in ADDRESSES:
        where = f"{place}.{key}"
        part = check_mapping(raw.get(key) or None, where, report) or {}
        if not part.get("ip_address"):
            continue
        mask = part.get("netmask") or _whole(part.get("cidr"))
        if not mask:
            report.error(where, "an address without a netmask")
        elif add_address(part["ip_address"], mask, f"{where}.ip_address", draft, report) and is_public and version:
            draft.add_gateway(part.get("gateway"), version, f"{where}.gateway", report)
    return Link(place, mac, addressing=draft.finish(report), origin=place)


def _whole(length: object) -> object:
    """A prefix length, which the service has also sent as 64.0."""
    return int(length) if isinstance(length, float) and length.is_integer() else length
