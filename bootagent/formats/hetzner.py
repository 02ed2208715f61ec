# SPDX-License-Identifier: Apache-2.0
"""The metadata of a server at Hetzner: https://docs.hetzner.cloud/reference/cloud#server-metadata.

``network-config`` has the public NIC: IPv4 by DHCP, IPv6 static behind fe80::1.  A private network is a NIC of its own:
DHCP gives it its one address, and none of its alias addresses (``alias_ips`` of the action "attach to network").
"""

from __future__ import annotations

from bootagent.formats.addressing import AddressingDraft
from bootagent.formats.answers import Answered, find_mac, find_records
from bootagent.formats.meta_data import parse_hostname, parse_id, parse_keys
from bootagent.formats.netconfig import parse_netconfig
from bootagent.formats.netconfig_addresses import add_address
from bootagent.formats.report import Report
from bootagent.formats.yamltext import parse_text
from bootagent.model.instance import Instance
from bootagent.model.network import Link, Network

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from bootagent.model.instance import Problem

METADATA = "metadata"
PRIVATE = "private-networks"
NETWORK = "network-config"
IDS = ("instance-id",)
HOSTNAMES = ("hostname",)


def parse_documents(documents: Mapping[str, bytes]) -> Instance:
    """The instance that the documents describe; any of them may be absent, and any may be broken."""
    report = Report()
    answered = Answered(documents, report)
    data = answered.mapping(METADATA, parse_text)
    private, place = answered.value(PRIVATE, parse_text), f"{PRIVATE}: "
    instance = Instance()
    public: Network | None = None
    doubts: tuple[Problem, ...] = ()
    if data is not None:
        base = f"{METADATA}: "
        instance = Instance(
            parse_id(data, base, report, IDS),
            parse_hostname(data, base, report, HOSTNAMES),
            parse_keys(data, base, report),
        )
        public, doubts = parse_netconfig(data.get(NETWORK), f"{METADATA}: {NETWORK}")
        if PRIVATE not in documents:
            private, place = data.get(PRIVATE), f"{base}{PRIVATE}"
    network = _add_private(public, private, place, report)
    return instance._replace(
        network=network,
        broken=frozenset(answered.broken),
        documents=tuple(name for name in (METADATA, PRIVATE) if name in documents and name not in answered.broken),
        origins=report.origins,
        problems=(*report.problems(), *doubts),
    )


def _add_private(network: Network | None, value: object, place: str, report: Report) -> Network | None:
    """``network`` with the NICs of the private networks; None where neither is said."""
    links = []
    for where, raw in find_records(value, place, report):
        mac = find_mac(raw, "mac_address", where, report)
        if mac is None:
            continue
        draft = AddressingDraft()
        draft.dhcp4 = True
        aliases = raw.get("alias_ips")
        for index, text in enumerate(aliases if isinstance(aliases, list) else ()):
            add_address(text, 32, f"{where}.alias_ips[{index}]", draft, report)
        links.append(Link(where, mac, addressing=draft.finish(report), origin=where))
    if network is None:
        return Network(tuple(links)) if links else None
    return network._replace(links=(*network.links, *links))
