# SPDX-License-Identifier: Apache-2.0
"""Azure's metadata service: https://learn.microsoft.com/en-us/azure/virtual-machines/instance-metadata-service.

All of it is one document, one request.  The drive with ovf-env.xml, which Azure attaches to a VM on its first start, is
not read, and nobody tells the fabric (168.63.129.16) that the VM is ready: what is here is what goes on for the whole
life of the VM.
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
    "Azure's metadata service: NICs by DHCP (and DHCPv6), further addresses static. Nobody reports to Azure that "
    "the VM is ready, so that a deployment from a generalized image ends in ``OSProvisioningTimedOut``, though the "
    "VM runs; one from a specialized image waits for no report. The drive with ``ovf-env.xml`` is not read: no "
    "password, no custom data"
)
NEEDS = "dhcp"
ADDRESS = "169.254.169.254"
ASSET_TAG = "7783-7084-3265-9085-8269-3286-77"
HEADERS = {"Metadata": "true"}
VERSION = "2021-01-01"  # the first that has all: publicKeys 2018-04-02, osProfile 2020-07-15, userData 2021-01-01


def detect(identity: Identity) -> str:
    """Why this machine is a VM of Azure: any other one under Hyper-V has another tag."""
    return identity.says("chassis_asset_tag", ASSET_TAG)


def fetch(connector: Connector) -> tuple[str, Instance]:
    """Where the service is, and the VM that it describes."""
    from bootagent.formats.azure import DOCUMENT, parse_documents

    http = connector.open(ADDRESS)
    answers = Answers(http)
    if not answers.require(DOCUMENT, f"/metadata/instance?api-version={VERSION}", HEADERS):
        raise SourceError(http.place, "no VM is known by our address")
    return http.place, answers.parse(parse_documents)


def fetch_user_data(connector: Connector) -> bytes | None:
    """The VM's user data, if it has any; its custom data is on the drive only."""
    path = f"/metadata/instance/compute/userData?api-version={VERSION}&format=text"
    http = connector.open(ADDRESS)
    return decode_base64(http.get(path, HEADERS), f"{http.place}{path}")
