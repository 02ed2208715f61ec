# SPDX-License-Identifier: Apache-2.0
"""The metadata of a server at UpCloud: https://upcloud.com/docs/products/cloud-servers/features/metadata-service/.

Each address says whether it is had by DHCP, which for IPv6 means router advertisements; floating ones are static.
"""

from __future__ import annotations

from bootagent.errors import DocumentError
from bootagent.formats.addressing import AddressingDraft, Resolvers
from bootagent.formats.answers import check_mapping, find_mac, find_records, parse_one
from bootagent.formats.meta_data import parse_hostname, parse_id, parse_keys
from bootagent.formats.netconfig_addresses import add_address
from bootagent.formats.openstack import parse_json
from bootagent.formats.prefixes import split_address
from bootagent.model.instance import Instance
from bootagent.model.network import Link, Network

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from bootagent.formats.report import Report

DOCUMENT = "v1.json"
IDS = ("instance_id",)
HOSTNAMES = ("hostname",)
KEYS = "public_keys"


def parse_documents(documents: Mapping[str, bytes]) -> Instance:
    """The instance that the document describes, which may be absent or broken."""
    return parse_one(documents, DOCUMENT, _describe)


def _describe(data: dict[str, Any], base: str, report: Report) -> Instance:
    return Instance(
        parse_id(data, base, report, IDS),
        parse_hostname(data, base, report, HOSTNAMES),
        parse_keys(data, base, report, (KEYS,)) if KEYS in data else None,
        _parse_network(data, base, report),
    )


def parse_user_data(data: bytes) -> bytes | None:
    """The user data in the document; ``DocumentError`` where it cannot be read."""
    value = parse_json(DOCUMENT, data)
    text = value.get("user_data") if isinstance(value, dict) else None
    try:
        return text.encode() if isinstance(text, str) and text else None
    except UnicodeEncodeError:  # JSON can say half of a surrogate pair
        raise DocumentError(DOCUMENT, "user_data", "no Unicode text") from None


def _parse_network(data: dict[str, Any], base: str, report: Report) -> Network | None:
    network = check_mapping(data.get("network"), f"{base}network", report)
    if network is None:
        return None
    links = []
    for place, raw in find_records(network.get("interfaces"), f"{base}network.interfaces", report):
        mac = find_mac(raw, "mac", place, report)
        if mac is None:
            continue
        draft = AddressingDraft()
        for where, record in find_records(raw.get("ip_addresses"), f"{place}.ip_addresses", report):
            _add(record, where, draft, report)
        links.append(Link(place, mac, addressing=draft.finish(report), origin=place))
    resolvers = Resolvers()
    resolvers.add_servers(network.get("dns"), f"{base}network.dns", report)
    return Network(tuple(links), resolvers.dns()) if links else None


def _add(raw: dict[str, Any], place: str, draft: AddressingDraft, report: Report) -> None:
    if raw.get("dhcp"):
        is_v6 = raw.get("family") == "IPv6"
        draft.slaac, draft.dhcp4 = draft.slaac or is_v6, draft.dhcp4 or not is_v6
        return
    try:
        length = split_address(raw.get("network"))[1]
    except ValueError as error:
        report.error(f"{place}.network", str(error))
        return
    version = add_address(raw.get("address"), length, f"{place}.address", draft, report)
    if version:
        draft.add_gateway(raw.get("gateway"), version, f"{place}.gateway", report)
        draft.add_servers(raw.get("dns"), f"{place}.dns", report)
