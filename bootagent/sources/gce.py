# SPDX-License-Identifier: Apache-2.0
"""Google Compute Engine's metadata service: https://cloud.google.com/compute/docs/metadata/querying-metadata.

All of it is one document, one request; who asks says a header, and so does who answers.  metadata.google.internal is
the first of the two addresses, so no resolver is needed.
"""

from __future__ import annotations

import time

from bootagent.errors import SourceError
from bootagent.sources._answers import Answers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from bootagent.identity import Identity
    from bootagent.model.instance import Instance
    from bootagent.sources._http import Connector

SUMMARY = (
    "Google Compute Engine's metadata service, by IPv4 and IPv6: NICs by DHCP, MTU, single alias addresses. "
    "Everybody whose key stands in ``ssh-keys`` may become root there, so each key goes to the users that the "
    "options name, whatever name stands before it; one that has expired is left out, at boot only. Under OS Login, "
    "which is not done, there are no keys. No alias ranges, forwarded addresses or VLANs"
)
NEEDS = "dhcp"
ADDRESSES = ("169.254.169.254", "fd20:ce::254")
FLAVOR = ("Metadata-Flavor", "Google")
ROOT = "/computeMetadata/v1/"


def detect(identity: Identity) -> str:
    """Why this machine is a VM of Google Compute Engine."""
    return identity.says("product_name", "Google Compute Engine") or identity.begins("product_serial", "GoogleCloud-")


def fetch(connector: Connector) -> tuple[str, Instance]:
    """Where the service is, and the VM that it describes."""
    from bootagent.formats.gce import DOCUMENT, parse_documents

    http = connector.open(*ADDRESSES, proof=FLAVOR)
    answers = Answers(http)
    if not answers.require(DOCUMENT, f"{ROOT}?recursive=true&alt=json", dict([FLAVOR])):
        raise SourceError(http.place, "no VM is known by our address")
    now = time.time()
    return http.place, answers.parse(lambda documents: parse_documents(documents, now))


def fetch_user_data(connector: Connector) -> bytes | None:
    """The VM's user data, if it has any; ``startup-script`` is for Google's own agent."""
    http = connector.open(*ADDRESSES, proof=FLAVOR)
    return http.get(f"{ROOT}instance/attributes/user-data", dict([FLAVOR]))
