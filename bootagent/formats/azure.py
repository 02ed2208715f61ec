# SPDX-License-Identifier: Apache-2.0
"""The metadata of a VM of Azure: https://learn.microsoft.com/en-us/azure/virtual-machines/instance-metadata-service.

The primary NIC stands first.  Of a NIC's addresses DHCP gives the first of each family; the others are static, and
alone, as those of formats/meta_tree.py are:
https://learn.microsoft.com/en-us/azure/virtual-network/ip-services/virtual-network-multiple-ip-addresses-portal.
"""

from __future__ import annotations

from bootagent.formats.addressing import AddressingDraft
from bootagent.formats.answers import check_mapping, find_mac, find_records, parse_one
from bootagent.formats.meta_data import parse_hostname, parse_id, parse_keys
from bootagent.formats.netconfig_addresses import add_address
from bootagent.model.instance import Instance
from bootagent.model.ip import BITS
from bootagent.model.network import Link, Network

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from bootagent.formats.report import Report
    from bootagent.model.sshkey import SshKey

DOCUMENT = "instance"
IDS = ("vmId",)
FAMILIES = (("ipv4", 4), ("ipv6", 6))


def parse_documents(documents: Mapping[str, bytes]) -> Instance:
    """The instance that the document describes, which may be absent or broken."""
    return parse_one(documents, DOCUMENT, _describe)


def _describe(data: dict[str, Any], place: str, report: Report) -> Instance:
    base = f"{place}compute."
    vm = check_mapping(data.get("compute"), f"{place}compute", report) or {}
    profile = check_mapping(vm.get("osProfile"), f"{base}osProfile", report) or {}
    # The name of the VM is that of a resource, and the guest's only where it was given none of its own.
    named = (profile, f"{base}osProfile.", "computerName") if profile.get("computerName") else (vm, base, "name")
    return Instance(
        parse_id(vm, base, report, IDS),
        parse_hostname(named[0], named[1], report, (named[2],)),
        _parse_keys(vm, base, report),
        _parse_network(data, report),
    )


def _parse_keys(vm: dict[str, Any], base: str, report: Report) -> tuple[SshKey, ...] | None:
    if vm.get("publicKeys") is None:
        return None
    found = dict(find_records(vm["publicKeys"], "publicKeys", report))
    texts = {f"{place}.keyData": record.get("keyData") for place, record in found.items()}
    return parse_keys(texts, base, report, tuple(texts))


def _parse_network(data: dict[str, Any], report: Report) -> Network | None:
    network = check_mapping(data.get("network"), f"{DOCUMENT}: network", report) or {}
    links = []
    for place, raw in find_records(network.get("interface"), f"{DOCUMENT}: network.interface", report):
        mac = find_mac({"macAddress": _with_colons(raw.get("macAddress"))}, "macAddress", place, report)
        if mac is None:
            continue
        draft = AddressingDraft()
        found = {version: _find_addresses(raw, key, place, report) for key, version in FAMILIES}
        draft.dhcp4 = bool(found[4]) or not found[6]
        draft.dhcp6 = "stateful" if found[6] else ""
        for version, addresses in found.items():
            for where, text in addresses[1:]:
                add_address(text, BITS[version], where, draft, report)
        links.append(Link(place, mac, addressing=draft.finish(report), origin=place))
    return Network(tuple(links)) if links else None


def _find_addresses(raw: dict[str, Any], key: str, place: str, report: Report) -> list[tuple[str, object]]:
    """The private addresses of one family, with their places; what public addresses lead to is one of them."""
    part = check_mapping(raw.get(key), f"{place}.{key}", report) or {}
    records = find_records(part.get("ipAddress"), f"{place}.{key}.ipAddress", report)
    pairs = [(f"{where}.privateIpAddress", record.get("privateIpAddress")) for where, record in records]
    return [(where, text) for where, text in pairs if text not in (None, "")]


def _with_colons(value: object) -> object:
    """A MAC address that is spelled ``000D3A123456``."""
    if not isinstance(value, str) or len(value) != 12:
        return value
    return ":".join(value[start : start + 2] for start in range(0, 12, 2))
