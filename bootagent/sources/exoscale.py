# SPDX-License-Identifier: Apache-2.0
"""Exoscale's metadata service: https://community.exoscale.com/documentation/compute/cloud-init/.

Four requests, for CloudStack's leaves.  It says nothing of NICs: the public one has DHCP and router advertisements.
"""

from __future__ import annotations

from bootagent.sources.cloudstack import describe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from bootagent.identity import Identity
    from bootagent.model.instance import Instance
    from bootagent.sources._http import Connector

SUMMARY = (
    "Exoscale's metadata service. It says nothing of NICs: each has DHCP and router advertisements. Passwords are "
    "not set"
)
NEEDS = "dhcp"
ADDRESS = "169.254.169.254"


def detect(identity: Identity) -> str:
    """Why this machine is an instance at Exoscale."""
    return identity.begins("product_name", "Exoscale")


def fetch(connector: Connector) -> tuple[str, Instance]:
    """Where the service is, and the instance that it describes."""
    return describe(connector.open(ADDRESS), "/1.0/meta-data/")


def fetch_user_data(connector: Connector) -> bytes | None:
    """The instance's user data, if it has any."""
    return connector.open(ADDRESS).get("/1.0/user-data")
