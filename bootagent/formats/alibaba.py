# SPDX-License-Identifier: Apache-2.0
"""The metadata of an ECS instance: https://www.alibabacloud.com/help/en/ecs/user-guide/instance-metadata-items.

A tree of EC2's kind, with lists of addresses in brackets, in quotes or not.  The NIC that ``mac`` names is the primary
one and comes first, so that its default route is preferred.
"""

from __future__ import annotations

from bootagent.formats.meta_tree import MACS, find_nics, make_link, parse_instance, read_text
from bootagent.formats.report import Report
from bootagent.model.network import Network

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from bootagent.formats.meta_tree import Addresses
    from bootagent.model.instance import Instance

ID = "instance-id"
HOSTNAME = "hostname"
KEYS = "public-keys/"
KEY = "/openssh-key"  # below one of KEYS
PRIMARY = "mac"
V4, V4_PRIMARY, V6 = "private-ipv4s", "primary-ip-address", "ipv6s"  # below a NIC


def parse_documents(documents: Mapping[str, bytes]) -> Instance:
    """The instance that the leaves describe; any of them may be absent."""
    report = Report()
    keys = tuple(name for name in documents if name.startswith(KEYS) and name.endswith(KEY))
    instance = parse_instance(documents, HOSTNAME, keys, report)
    if KEYS in documents and instance.ssh_keys is None and not documents[KEYS].strip():
        instance = instance._replace(ssh_keys=())
    primary = read_text(documents, PRIMARY).lower()
    links = []
    for base, mac in sorted(find_nics(documents, report), key=lambda nic: nic[1] != primary):
        v4, v6 = split_list(documents, base + V4), split_list(documents, base + V6)
        first = read_text(documents, base + V4_PRIMARY) or (v4[0][1] if v4 else "")
        links.append(make_link(base, mac, v4, v6, first, report))
    network = Network(tuple(links)) if read_text(documents, MACS) else None
    return instance._replace(network=network, origins=report.origins, problems=report.problems())


def split_list(documents: Mapping[str, bytes], name: str) -> Addresses:
    """The addresses in a leaf like ``["192.0.2.5","192.0.2.6"]``, which need not have quotes."""
    texts = [part.strip(" \"'\t\r\n") for part in read_text(documents, name).strip("[]").split(",")]
    return [(f"{name}: [{number}]", text) for number, text in enumerate(texts) if text]
