# SPDX-License-Identifier: Apache-2.0
"""Oracle Cloud's metadata service: https://docs.oracle.com/en-us/iaas/Content/Compute/Tasks/gettingmetadata.htm.

Version 2 only, which wants a header.  Three requests: the instance, its NICs, and whether it is the same one still.
"""

from __future__ import annotations

from bootagent.errors import SourceError
from bootagent.sources._answers import Answers, decode_base64

TYPE_CHECKING = False
if TYPE_CHECKING:
    from bootagent.identity import Identity
    from bootagent.model.instance import Instance
    from bootagent.sources._http import Connector

SUMMARY = (
    "Oracle Cloud's metadata service, version 2, by IPv4 and IPv6: the primary VNIC by DHCP, the others static, as "
    "VLANs on bare metal. It does not say a VNIC's secondary IPv4 addresses, nor what MTU the static ones may have"
)
NEEDS = "dhcp"
ADDRESSES = ("169.254.169.254", "fd00:c1::a9fe:a9fe")
HEADERS = {"Authorization": "Bearer Oracle"}


def detect(identity: Identity) -> str:
    """Why this machine, virtual or not, is an instance of Oracle Cloud."""
    return identity.says("chassis_asset_tag", "OracleCloud.com")


def fetch(connector: Connector) -> tuple[str, Instance]:
    """Where the service is, and the instance that it describes."""
    from bootagent.formats.oracle import INSTANCE, VNICS, parse_documents

    http = connector.open(*ADDRESSES)
    answers = Answers(http)
    if not answers.require(INSTANCE, "/opc/v2/instance/", HEADERS):
        raise SourceError(http.place, "no instance is known by our address")
    answers.ask(VNICS, "/opc/v2/vnics/", HEADERS)
    answers.confirm(parse_documents)
    return http.place, answers.parse(parse_documents)


def fetch_user_data(connector: Connector) -> bytes | None:
    """The instance's user data, if it has any."""
    path = "/opc/v2/instance/metadata/user_data"
    http = connector.open(*ADDRESSES)
    return decode_base64(http.get(path, HEADERS), f"{http.place}{path}")
