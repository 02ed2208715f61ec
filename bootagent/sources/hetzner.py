# SPDX-License-Identifier: Apache-2.0
"""Hetzner Cloud's metadata service: https://docs.hetzner.cloud/reference/cloud#server-metadata.

Three requests: one document has all but the private networks; it is asked for at the end once more.
"""

from __future__ import annotations

from bootagent.errors import SourceError
from bootagent.formats.hetzner import METADATA, PRIVATE, parse_documents
from bootagent.sources._answers import Answers, check_serial

TYPE_CHECKING = False
if TYPE_CHECKING:
    from bootagent.identity import Identity
    from bootagent.model.instance import Instance
    from bootagent.sources._http import Connector

SUMMARY = (
    "Hetzner Cloud's metadata service (YAML, which needs PyYAML): IPv4 by DHCP, IPv6 static, private networks by DHCP "
    "with their alias addresses"
)
NEEDS = "dhcp"
ADDRESS = "169.254.169.254"


def detect(identity: Identity) -> str:
    """Why this machine is a server of Hetzner Cloud."""
    return identity.says("sys_vendor", "Hetzner")


def fetch(connector: Connector) -> tuple[str, Instance]:
    """Where the service is, and the server that it describes."""
    http = connector.open(ADDRESS)
    answers = Answers(http)
    if not answers.require(METADATA, "/hetzner/v1/metadata"):
        raise SourceError(http.place, "no server is known by our address")
    answers.ask(PRIVATE, "/hetzner/v1/metadata/private-networks")
    answers.confirm(parse_documents)
    instance = answers.parse(parse_documents)
    check_serial(instance, connector.identity, http.place)
    return http.place, instance


def fetch_user_data(connector: Connector) -> bytes | None:
    """The server's user data, if it has any; the service takes text only, so it may be in base64."""
    import base64
    import binascii

    data = connector.open(ADDRESS).get("/hetzner/v1/userdata")
    try:
        return base64.b64decode(data, validate=True) if data else data
    except binascii.Error:
        return data
