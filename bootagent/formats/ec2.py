# SPDX-License-Identifier: Apache-2.0
"""The metadata of an instance of EC2: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-instance-metadata.html.

NICs stand in the order of their device numbers, so that the default route of the primary one (device 0) is preferred.
Prefixes that are delegated to a NIC (``ipv4-prefix``, ``ipv6-prefix``) are for what runs on the machine.
"""

from __future__ import annotations

from bootagent.formats.meta_tree import MACS, find_nics, make_link, parse_instance, read_addresses, read_text
from bootagent.formats.report import Report
from bootagent.model.network import Link, Network
from bootagent.model.values import shown, whole_number

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from bootagent.model.instance import Instance

ID = "instance-id"
HOSTNAME = "local-hostname"
KEY = "public-keys/0/openssh-key"  # an instance is launched with one key pair, or none
NUMBER, V4, V6 = "device-number", "local-ipv4s", "ipv6s"  # below a NIC


def parse_documents(documents: Mapping[str, bytes]) -> Instance:
    """The instance that the leaves describe; any of them may be absent."""
    report = Report()
    instance = parse_instance(documents, HOSTNAME, (KEY,), report)
    nics = find_nics(documents, report)
    links: list[tuple[int, Link]] = []
    for base, mac in nics:
        v4, v6 = read_addresses(documents, base + V4), read_addresses(documents, base + V6)
        link = make_link(base, mac, v4, v6, v4[0][1] if v4 else "", report)
        links.append((_parse_number(documents, base, report) if len(nics) > 1 else 0, link))
    links.sort(key=lambda pair: pair[0])
    network = Network(tuple(link for _, link in links)) if read_text(documents, MACS) else None
    return instance._replace(network=network, origins=report.origins, problems=report.problems())


def _parse_number(documents: Mapping[str, bytes], base: str, report: Report) -> int:
    text = read_text(documents, base + NUMBER)
    try:
        return whole_number(text)
    except ValueError:
        report.warning(base + NUMBER, f"{shown(text)} is no number: the NIC comes last")
        return 1 << 32
