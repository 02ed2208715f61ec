# SPDX-License-Identifier: Apache-2.0
"""DigitalOcean's metadata service: https://docs.digitalocean.com/reference/api/metadata/.

All of it is one document, one request.  A Droplet without DHCP has no other way to it than a link-local address of its
own on the first NIC.
"""

from __future__ import annotations

from bootagent.errors import SourceError
from bootagent.formats.digitalocean import DOCUMENT, parse_documents
from bootagent.sources._answers import Answers, check_serial

TYPE_CHECKING = False
if TYPE_CHECKING:
    from bootagent.identity import Identity
    from bootagent.model.instance import Instance
    from bootagent.sources._http import Connector

SUMMARY = (
    "DigitalOcean's metadata service, by a link-local address: every address is static. A reserved IPv6 address is "
    "not put on the NIC"
)
NEEDS = "link-local"
ADDRESS = "169.254.169.254"


def detect(identity: Identity) -> str:
    """Why this machine is a Droplet."""
    return identity.says("sys_vendor", "DigitalOcean")


def fetch(connector: Connector) -> tuple[str, Instance]:
    """Where the service is, and the Droplet that it describes."""
    http = connector.open(ADDRESS)
    answers = Answers(http)
    if not answers.require(DOCUMENT, "/metadata/v1.json"):
        raise SourceError(http.place, "no Droplet is known by our address")
    instance = answers.parse(parse_documents)
    check_serial(instance, connector.identity, http.place)
    return http.place, instance


def fetch_user_data(connector: Connector) -> bytes | None:
    """The Droplet's user data, if it has any."""
    return connector.open(ADDRESS).get("/metadata/v1/user-data")
