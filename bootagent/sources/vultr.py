# SPDX-License-Identifier: Apache-2.0
"""Vultr's metadata service: https://www.vultr.com/metadata/.

All of it is one document, one request; the header is what an agent that sets up the instance says (cloud-init's
DataSourceVultr, which is Vultr's).  Bare metal is known by the kernel command line of its images.
"""

from __future__ import annotations

from bootagent.errors import SourceError
from bootagent.formats.vultr import DOCUMENT, parse_documents
from bootagent.sources._answers import Answers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from bootagent.identity import Identity
    from bootagent.model.instance import Instance
    from bootagent.sources._http import Connector

SUMMARY = (
    "Vultr's metadata service: DHCP and router advertisements on the public NIC, additional addresses and private "
    "NICs static. The metadata has no resolver but what DHCP gives, and no MTU"
)
NEEDS = "dhcp"
ADDRESS = "169.254.169.254"
HEADERS = {"Metadata-Token": "cloudinit"}


def detect(identity: Identity) -> str:
    """Why this machine is an instance of Vultr."""
    said = "kernel command line: vultr" if "vultr" in identity.cmdline.split() else ""
    return said or identity.says("sys_vendor", "Vultr")


def fetch(connector: Connector) -> tuple[str, Instance]:
    """Where the service is, and the instance that it describes."""
    http = connector.open(ADDRESS)
    answers = Answers(http)
    if not answers.require(DOCUMENT, "/v1.json", HEADERS):
        raise SourceError(http.place, "no instance is known by our address")
    return http.place, answers.parse(parse_documents)


def fetch_user_data(connector: Connector) -> bytes | None:
    """The instance's user data, if it has any."""
    return connector.open(ADDRESS).get("/latest/user-data", HEADERS)
