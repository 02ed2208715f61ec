# SPDX-License-Identifier: Apache-2.0
"""UpCloud's metadata service: https://upcloud.com/docs/products/cloud-servers/features/metadata-service/.

All of it is one document, one request.
"""

from __future__ import annotations

from bootagent.errors import DocumentError, SourceError
from bootagent.sources._answers import Answers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from bootagent.identity import Identity
    from bootagent.model.instance import Instance
    from bootagent.sources._http import Connector

SUMMARY = (
    "UpCloud's metadata service: what it says is by DHCP, and IPv6 by router advertisements; floating addresses and "
    "others static"
)
NEEDS = "dhcp"
ADDRESS = "169.254.169.254"
PATH = "/metadata/v1.json"


def detect(identity: Identity) -> str:
    """Why this machine is a server at UpCloud."""
    return identity.says("sys_vendor", "UpCloud")


def fetch(connector: Connector) -> tuple[str, Instance]:
    """Where the service is, and the server that it describes; a server may have it turned off."""
    from bootagent.formats.upcloud import DOCUMENT, parse_documents

    http = connector.open(ADDRESS)
    answers = Answers(http)
    if not answers.require(DOCUMENT, PATH):
        raise SourceError(http.place, "no server is known by our address")
    return http.place, answers.parse(parse_documents)


def fetch_user_data(connector: Connector) -> bytes | None:
    """The server's user data, if it has any; it stands in the one document."""
    from bootagent.formats.upcloud import parse_user_data

    http = connector.open(ADDRESS)
    data = http.get(PATH)
    try:
        return parse_user_data(data) if data is not None else None
    except DocumentError as error:
        raise SourceError(f"{http.place}{PATH}", str(error)) from None
