# SPDX-License-Identifier: Apache-2.0
"""The metadata of a Linode: https://techdocs.akamai.com/cloud-computing/docs/metadata-service-api.

What ``/v1/network`` says of addresses it ties to no NIC, neither by MAC address nor by name, so that nothing can be
made of it: the public IPv4 address comes by DHCP, and IPv6 by router advertisements, without it.
"""

from __future__ import annotations

from bootagent.formats.answers import Answered
from bootagent.formats.meta_data import parse_hostname, parse_id, parse_keys
from bootagent.formats.openstack import parse_json
from bootagent.formats.report import Report
from bootagent.model.instance import Instance

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

INSTANCE, KEYS = "instance", "ssh-keys"
IDS = ("id",)
HOSTNAMES = ("label",)  # the only name there is
USERS = "users"


def parse_documents(documents: Mapping[str, bytes]) -> Instance:
    """The instance that the documents describe; either may be absent, and either may be broken."""
    report = Report()
    answered = Answered(documents, report)
    data = answered.mapping(INSTANCE, parse_json)
    keys = answered.mapping(KEYS, parse_json)
    said = data or {}
    identity = parse_id(said, f"{INSTANCE}: ", report, IDS)
    hostname = parse_hostname(said, f"{INSTANCE}: ", report, HOSTNAMES)
    found = parse_keys(keys, f"{KEYS}: ", report, (USERS,)) if keys is not None else None
    return Instance(
        identity,
        hostname,
        found,
        broken=frozenset(answered.broken),
        documents=tuple(name for name in (INSTANCE, KEYS) if name in documents and name not in answered.broken),
        origins=report.origins,
        problems=report.problems(),
    )
