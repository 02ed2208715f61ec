# SPDX-License-Identifier: Apache-2.0
"""Scaleway's metadata service: https://www.scaleway.com/en/docs/instances/how-to/use-cloud-init/.

All of it is one document, one request, at an IPv4 and an IPv6 address of its own
(https://docs.cloud-init.io/en/latest/reference/datasources/scaleway.html).
"""

from __future__ import annotations

from bootagent.errors import SourceError
from bootagent.formats.scaleway import DOCUMENT, parse_documents
from bootagent.sources._answers import Answers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from bootagent.identity import Identity
    from bootagent.model.instance import Instance
    from bootagent.sources._http import Connector

SUMMARY = (
    "Scaleway's metadata service, by IPv4 and IPv6: the first IPv4 address and private networks by DHCP, further "
    "routed addresses and IPv6 static; keys of tags too. No user data, which it gives to ports below 1024 only"
)
NEEDS = "dhcp"
ADDRESSES = ("169.254.42.42", "fd00:42::42")


def detect(identity: Identity) -> str:
    """Why this machine is an Instance of Scaleway; its kernels that are not in the image say so when they start."""
    said = "kernel command line: scaleway" if "scaleway" in identity.cmdline.split() else ""
    return said or identity.says("sys_vendor", "Scaleway")


def fetch(connector: Connector) -> tuple[str, Instance]:
    """Where the service is, and the Instance that it describes."""
    http = connector.open(*ADDRESSES)
    answers = Answers(http)
    if not answers.require(DOCUMENT, "/conf?format=json"):
        raise SourceError(http.place, "no Instance is known by our address")
    return http.place, answers.parse(parse_documents)
