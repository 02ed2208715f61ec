# SPDX-License-Identifier: Apache-2.0
"""A tree of EC2's kind, whose documents are its leaves: who the instance is, and the addresses of its NICs.

A document that is there and empty is a leaf that the service does not have.  Of a NIC's addresses DHCP gives the
primary one, with the subnet, the routes and the resolvers.  The others are static and alone: with the subnet's prefix
the kernel could take one of them for the subnet's own source address, if it comes before the lease (inet_insert_ifa()
in net/ipv4/devinet.c makes each further address of a subnet a secondary one).
"""

from __future__ import annotations

from bootagent.formats.addressing import AddressingDraft
from bootagent.formats.links import parse_mac
from bootagent.formats.meta_data import parse_hostname, parse_id, parse_keys
from bootagent.formats.netconfig_addresses import add_address
from bootagent.formats.prefixes import read_host
from bootagent.model.instance import Instance
from bootagent.model.network import Link

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from bootagent.formats.report import Report
    from bootagent.model.values import MacAddress

    Addresses = list[tuple[str, str]]  # the place of each, and its text

MAX_DOCUMENT = 1 << 16  # bytes of a leaf that count
MACS = "network/interfaces/macs/"


def read_text(documents: Mapping[str, bytes], name: str) -> str:
    """A leaf as text, without white space around it; empty where it is not there."""
    return documents.get(name, b"")[:MAX_DOCUMENT].decode("utf-8", "replace").strip()


def read_lines(documents: Mapping[str, bytes], name: str) -> list[str]:
    """The lines of a leaf that are not empty."""
    return [line.strip() for line in read_text(documents, name).split("\n") if line.strip()]


def read_addresses(documents: Mapping[str, bytes], name: str) -> Addresses:
    """The addresses in a leaf, one a line."""
    return [(f"{name}: line {number}", text) for number, text in enumerate(read_lines(documents, name), 1)]


def parse_instance(documents: Mapping[str, bytes], hostname: str, keys: Iterable[str], report: Report) -> Instance:
    """Who the instance is; ``hostname`` is the leaf of its name and ``keys`` are those of its keys."""
    names = read_text(documents, hostname).split()  # of a VPC whose DHCP options have several domains there are several
    answered = [name for name in keys if name in documents]
    texts = {name: read_text(documents, name) for name in answered}
    return Instance(
        parse_id({"instance-id": read_text(documents, "instance-id")}, "", report, ("instance-id",)),
        parse_hostname({hostname: names[0] if names else None}, "", report, (hostname,)),
        parse_keys(texts, "", report, answered) if answered else None,
        documents=tuple(name for name in documents if documents[name].strip()),
    )


def find_nics(documents: Mapping[str, bytes], report: Report) -> list[tuple[str, MacAddress]]:
    """The NICs in the listing, each with the part of the tree that is its."""
    found = []
    for number, line in enumerate(read_lines(documents, MACS), 1):
        mac = parse_mac(line.rstrip("/"), f"{MACS}: line {number}", report)
        if mac is not None:
            found.append((f"{MACS}{line.rstrip('/')}/", mac))
    return found


def make_link(base: str, mac: MacAddress, v4: Addresses, v6: Addresses, primary: str, report: Report) -> Link:
    """A NIC with the addresses ``v4`` and ``v6``; ``primary`` is the IPv4 address that DHCP gives.

    Of those of IPv6 it gives the first.  A NIC of which no address is known is asked for by DHCP all the same.
    """
    draft = AddressingDraft()
    draft.dhcp4 = bool(v4) or not v6
    draft.dhcp6 = "stateful" if v6 else ""
    for place, text in [pair for pair in v4 if pair[1] != primary] + v6[1:]:
        try:
            add_address(text, read_host(text).max_prefixlen, place, draft, report)
        except ValueError as error:
            report.error(place, str(error))
    return Link(base, mac, addressing=draft.finish(report), origin=base.rstrip("/"))
