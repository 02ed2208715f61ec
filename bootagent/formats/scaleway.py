# SPDX-License-Identifier: Apache-2.0
"""The metadata of an Instance at Scaleway: https://www.scaleway.com/en/docs/instances/how-to/use-flexips/.

It has no page of its own; its fields are those of scaleway-sdk-go, api/instance/v1/instance_metadata_sdk.go.  Of the
routed addresses DHCP gives one IPv4.  An IPv6 one is the address of its prefix that router advertisements would give to
the NIC's MAC: it is static, so that it is the published one whatever else the image makes of its MAC, with the route
that is advertised.  Before 2023 (``private_ip``) a public IPv4 address stood in front of the Instance, not on it, and
``ipv6`` had a gateway.
"""

from __future__ import annotations

from bootagent.formats.addressing import AddressingDraft
from bootagent.formats.answers import check_mapping, find_mac, find_records, parse_one
from bootagent.formats.links import parse_mac
from bootagent.formats.meta_data import parse_hostname, parse_id, parse_keys
from bootagent.formats.netconfig_addresses import add_address
from bootagent.model.instance import Instance
from bootagent.model.network import Addressing, Link, Network

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from bootagent.formats.report import Report
    from bootagent.model.sshkey import SshKey

DOCUMENT = "conf"
IDS = ("id",)
HOSTNAMES = ("hostname", "name")
# Where the public addresses stand: the first of these that has any; one that is there says that they are routed.
ROUTED = (("public_ips",), ("public_ips_v4", "public_ips_v6"))
KEY_TAG = "AUTHORIZED_KEY="


def parse_documents(documents: Mapping[str, bytes]) -> Instance:
    """The instance that the document describes, which may be absent or broken."""
    return parse_one(documents, DOCUMENT, _describe)


def _describe(data: dict[str, Any], base: str, report: Report) -> Instance:
    return Instance(
        parse_id(data, base, report, IDS),
        parse_hostname(data, base, report, HOSTNAMES),
        _parse_keys(data, base, report),
        _parse_network(data, base, report),
    )


def _parse_keys(data: dict[str, Any], base: str, report: Report) -> tuple[SshKey, ...]:
    """The keys of the project, and those that tags add, in which an underscore is a blank."""
    keys, tags = data.get("ssh_public_keys"), data.get("tags")
    if isinstance(keys, list):
        keys = [item.get("key") if isinstance(item, dict) else item for item in keys]
    texts = [tag if isinstance(tag, str) else "" for tag in tags] if isinstance(tags, list) else []
    said = {
        "ssh_public_keys": keys,
        "tags": [tag[len(KEY_TAG) :].replace("_", " ") if tag.startswith(KEY_TAG) else None for tag in texts],
    }
    return parse_keys(said, base, report, tuple(said))


def _parse_network(data: dict[str, Any], base: str, report: Report) -> Network | None:
    links = []
    asked = _parse_public(data, base, report)
    mac = parse_mac(data.get("mac_address"), f"{base}mac_address", report)
    if mac is not None and asked != Addressing():
        links.append(Link("public", mac, addressing=asked, origin=f"{base}mac_address"))
    elif asked.addresses and not data.get("mac_address"):
        report.error(f"{base}mac_address", "none: the NIC of the static addresses cannot be found")
    for place, raw in find_records(data.get("private_nics"), f"{base}private_nics", report):
        mac = find_mac(raw, "mac_address", place, report)
        if mac is not None:
            links.append(Link(place, mac, addressing=Addressing(dhcp4=True), origin=place))
    return Network(tuple(links)) if links else None


def _parse_public(data: dict[str, Any], base: str, report: Report) -> Addressing:
    """What the NIC with the public addresses asks for; nothing where it has none."""
    draft = AddressingDraft()
    found = _find_addresses(data, base, report)
    v4 = [pair for pair in found if ":" not in str(pair[1].get("address"))]
    v6 = [pair for pair in found if ":" in str(pair[1].get("address"))]
    is_routed = any(data.get(key) is not None for keys in ROUTED for key in keys)
    if data.get("private_ip") or not is_routed:
        v4, draft.dhcp4 = [], True
    leased = next((pair for pair in v4 if pair[1].get("provisioning_mode") in (None, "dhcp")), None)
    draft.dhcp4 = draft.dhcp4 or leased is not None
    for place, raw in (pair for pair in v4 if pair is not leased):
        version = add_address(raw.get("address"), raw.get("netmask") or 32, f"{place}.address", draft, report)
        if version and not draft.dhcp4:
            draft.add_gateway(raw.get("gateway"), version, f"{place}.gateway", report)
    for place, raw in v6:
        version = add_address(raw.get("address"), raw.get("netmask"), f"{place}.address", draft, report)
        if version and raw.get("provisioning_mode") != "slaac":
            draft.add_gateway(raw.get("gateway"), version, f"{place}.gateway", report)
    return draft.finish(report)


def _find_addresses(data: dict[str, Any], base: str, report: Report) -> list[tuple[str, dict[str, Any]]]:
    """The records of the public addresses, with their places."""
    found: list[tuple[str, dict[str, Any]]] = []
    for keys in ROUTED:
        if not found:
            found = [pair for key in keys for pair in find_records(data.get(key), f"{base}{key}", report)]
    before = check_mapping(data.get("ipv6") or None, f"{base}ipv6", report)
    return [*found, (f"{base}ipv6", before)] if before else found
