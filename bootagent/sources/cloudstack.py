# SPDX-License-Identifier: Apache-2.0
"""CloudStack's virtual router: https://docs.cloudstack.apache.org/en/latest/adminguide/virtual_machines/user-data.html.

The router is DHCP server, resolver and metadata server of its network, and its resolver calls it ``data-server``.  Its
address stands in the lease too, but each DHCP client keeps that elsewhere, and some nowhere.  Four requests.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from bootagent.identity import Identity
    from bootagent.model.instance import Instance
    from bootagent.sources._http import Connector, Http

SUMMARY = (
    "CloudStack's virtual router, where the machine's resolver knows it as ``data-server``; it is not looked for in "
    "leases. It says nothing of NICs: each has DHCP. Without such a router CloudStack has a config drive"
)
NEEDS = "dhcp"
SERVER = "data-server"


def detect(identity: Identity) -> str:
    """Why this machine is an instance of CloudStack."""
    return identity.begins("product_name", "CloudStack")


def fetch(connector: Connector) -> tuple[str, Instance]:
    """Where the service is, and the instance that it describes."""
    return describe(connector.open(SERVER), "/latest/meta-data/")


def describe(http: Http, base: str) -> tuple[str, Instance]:
    """The same, of a service that has the router's leaves below ``base``."""
    from bootagent.formats.cloudstack import HOSTNAME, ID, KEYS, parse_documents
    from bootagent.sources._tree import Tree

    tree = Tree(http, base)
    tree.read_id(ID)
    tree.read(HOSTNAME)
    tree.read(KEYS)
    tree.confirm(parse_documents)
    return http.place, tree.parse(parse_documents)


def fetch_user_data(connector: Connector) -> bytes | None:
    """The instance's user data, if it has any."""
    return connector.open(SERVER).get("/latest/user-data")
