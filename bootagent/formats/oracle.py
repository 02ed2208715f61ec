# SPDX-License-Identifier: Apache-2.0
"""The metadata of an instance of Oracle Cloud: https://docs.oracle.com/en-us/iaas/Content/Compute/Tasks/gettingmetadata.htm.

The first VNIC is the primary one.  DHCP is for it alone, with the MTU of 9000 and the route to the boot volume of a
machine whose root is on iSCSI.  The others are static; on bare metal those with a ``vlanTag`` are VLANs, with an
address of their own, on the physical NIC of their ``nicIndex``:
https://docs.oracle.com/en-us/iaas/Content/Network/Tasks/managingVNICs.htm.
"""

from __future__ import annotations

from bootagent.formats.addressing import AddressingDraft
from bootagent.formats.answers import Answered, check_mapping, find_mac, find_records
from bootagent.formats.meta_data import parse_hostname, parse_id, parse_keys
from bootagent.formats.netconfig_addresses import add_address
from bootagent.formats.openstack import parse_json
from bootagent.formats.prefixes import split_address
from bootagent.formats.report import Report
from bootagent.model.instance import Instance
from bootagent.model.network import Link, Network, Vlan
from bootagent.model.values import VlanId, shown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from bootagent.model.sshkey import SshKey

INSTANCE, VNICS = "instance", "vnics"
IDS = ("id",)
HOSTNAMES = ("hostname", "displayName")
KEYS = "ssh_authorized_keys"


def parse_documents(documents: Mapping[str, bytes]) -> Instance:
    """The instance that the documents describe; either may be absent, and either may be broken."""
    report = Report()
    answered = Answered(documents, report)
    data = answered.mapping(INSTANCE, parse_json)
    instance = Instance()
    if data is not None:
        base = f"{INSTANCE}: "
        identity, hostname = parse_id(data, base, report, IDS), parse_hostname(data, base, report, HOSTNAMES)
        instance = Instance(identity, hostname, _parse_keys(data, base, report))
    network = _parse_network(answered.value(VNICS, parse_json), report)
    return instance._replace(
        network=network,
        broken=frozenset(answered.broken),
        documents=tuple(name for name in (INSTANCE, VNICS) if name in documents and name not in answered.broken),
        origins=report.origins,
        problems=report.problems(),
    )


def _parse_keys(data: dict[str, Any], base: str, report: Report) -> tuple[SshKey, ...]:
    said = check_mapping(data.get("metadata"), f"{base}metadata", report) or {}  # absent where nothing was set
    return parse_keys(said, f"{base}metadata.", report, (KEYS,))


def _parse_network(value: object, report: Report) -> Network | None:
    links: list[Link] = []
    ports: dict[object, str] = {}  # the physical NIC of each nicIndex
    for place, raw in find_records(value, VNICS, report):
        mac = find_mac(raw, "macAddr", place, report)
        if mac is None:
            continue
        draft = AddressingDraft()
        vlan = None
        is_primary = place == f"{VNICS}[0]"
        if is_primary:
            draft.dhcp4 = True
            v6 = raw.get("ipv6Addresses")
            draft.dhcp6 = "stateful" if v6 else ""
            for number, text in enumerate(v6[1:] if isinstance(v6, list) else (), 1):  # DHCPv6 gives the first
                add_address(text, 128, f"{place}.ipv6Addresses[{number}]", draft, report)
        else:
            _add_static(raw, place, draft, report)
        index = str(raw.get("nicIndex", ""))
        # The tag of a virtual machine's VNIC is between the hypervisor and the network: only bare metal has nicIndex.
        if not is_primary and index and raw.get("vlanTag"):
            vlan = _parse_vlan(raw, ports.get(index), place, report)
            if vlan is None:
                continue
        elif index:
            ports.setdefault(index, place)
        links.append(Link(place, mac, addressing=draft.finish(report), vlan=vlan, origin=place))
    return Network(tuple(links)) if links else None


def _add_static(raw: dict[str, Any], place: str, draft: AddressingDraft, report: Report) -> None:
    """The addresses of a VNIC, each with the prefix of its subnet, and the routers."""
    texts = raw.get("ipv6Addresses")
    v6 = texts if isinstance(texts, list) else []
    for text, where, block, router, version in (
        (raw.get("privateIp"), "privateIp", "subnetCidrBlock", "virtualRouterIp", 4),
        *((text, f"ipv6Addresses[{n}]", "ipv6SubnetCidrBlock", "ipv6VirtualRouterIp", 6) for n, text in enumerate(v6)),
    ):
        if text in (None, ""):
            continue
        try:
            length = split_address(raw.get(block))[1]
        except ValueError as error:
            report.error(f"{place}.{block}", str(error))
            continue
        if add_address(text, length, f"{place}.{where}", draft, report) == version:
            draft.add_gateway(raw.get(router), version, f"{place}.{router}", report)


def _parse_vlan(raw: dict[str, Any], parent: str | None, place: str, report: Report) -> Vlan | None:
    if parent is None:
        report.error(f"{place}.nicIndex", f"no VNIC before it is the NIC {shown(raw.get('nicIndex'))}: left out")
        return None
    try:
        return Vlan(VlanId(raw.get("vlanTag")), parent)
    except ValueError as error:
        report.error(f"{place}.vlanTag", str(error))
        return None
