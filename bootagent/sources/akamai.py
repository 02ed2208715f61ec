# SPDX-License-Identifier: Apache-2.0
"""Akamai's (Linode's) metadata service: https://techdocs.akamai.com/cloud-computing/docs/metadata-service-api.

Four requests: the token, the Linode, its keys, and whether it is the same Linode still.
"""

from __future__ import annotations

from bootagent.errors import SourceError
from bootagent.sources._answers import Answers, check_serial, decode_base64

TYPE_CHECKING = False
if TYPE_CHECKING:
    from bootagent.identity import Identity
    from bootagent.model.instance import Instance
    from bootagent.sources._http import Connector, Http

SUMMARY = (
    "Akamai's (Linode's) metadata service, by IPv4 and IPv6: keys, and the label as host name. It ties addresses to "
    "no NIC: each has DHCP and router advertisements, private and VLAN addresses are not set"
)
NEEDS = "dhcp"
ADDRESSES = ("169.254.169.254", "fd00:a9fe:a9fe::1")
VENDORS = ("Linode", "Akamai")


def detect(identity: Identity) -> str:
    """Why this machine is a Linode."""
    return identity.says("sys_vendor", *VENDORS)


def fetch(connector: Connector) -> tuple[str, Instance]:
    """Where the service is, and the Linode that it describes."""
    from bootagent.formats.akamai import INSTANCE, KEYS, parse_documents

    http = connector.open(*ADDRESSES)
    headers = {**_fetch_token(http), "Accept": "application/json"}
    answers = Answers(http)
    if not answers.require(INSTANCE, "/v1/instance", headers):
        raise SourceError(http.place, "no Linode is known by our address")
    answers.ask(KEYS, "/v1/ssh-keys", headers)
    answers.confirm(parse_documents)
    instance = answers.parse(parse_documents)
    check_serial(instance, connector.identity, http.place)
    return http.place, instance


def _fetch_token(http: Http) -> dict[str, str]:
    from bootagent.sources._token import fetch_token

    return fetch_token(http, "/v1/token", "Metadata-Token-Expiry-Seconds", "Metadata-Token")


def fetch_user_data(connector: Connector) -> bytes | None:
    """The Linode's user data, if it has any."""
    http = connector.open(*ADDRESSES)
    return decode_base64(http.get("/v1/user-data", _fetch_token(http)), f"{http.place}/v1/user-data")
