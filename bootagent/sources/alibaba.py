# SPDX-License-Identifier: Apache-2.0
"""Alibaba Cloud's metadata service: https://www.alibabacloud.com/help/en/ecs/user-guide/instance-metadata-items.

Asked as in its security hardening mode, which wants a token; an instance that is not in that mode gives one too.

Nine requests for an instance with one NIC, one address and one key: the token, who it is, what it is called, which
keys there are and the one, its NICs, of each NIC the addresses of both families, and who it is still; one more for
each NIC with several IPv4 addresses, and where there are several NICs.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from bootagent.identity import Identity
    from bootagent.model.instance import Instance
    from bootagent.sources._http import Connector, Http

SUMMARY = (
    "Alibaba Cloud's metadata service, with a token as in its security hardening mode: the primary address of each "
    "NIC by DHCP (and DHCPv6), further ones static. No policy routing for a second NIC, no delegated prefixes"
)
NEEDS = "dhcp"
ADDRESS = "100.100.100.200"


def detect(identity: Identity) -> str:
    """Why this machine is an ECS instance."""
    return identity.says("product_name", "Alibaba Cloud ECS")


def fetch(connector: Connector) -> tuple[str, Instance]:
    """Where the service is, and the instance that it describes."""
    from bootagent.formats import alibaba
    from bootagent.formats.meta_tree import MACS
    from bootagent.sources._tree import Tree

    http = connector.open(ADDRESS)
    tree = Tree(http, "/latest/meta-data/", _fetch_token(http))
    tree.read_id(alibaba.ID)
    tree.read(alibaba.HOSTNAME)
    for key in tree.read_names(alibaba.KEYS):
        tree.read(f"{alibaba.KEYS}{key}{alibaba.KEY}")
    nics = tree.read_nics(MACS)
    if len(nics) > 1:
        tree.read(alibaba.PRIMARY)
    for nic in nics:
        base = f"{MACS}{nic}/"
        tree.read(base + alibaba.V6)
        tree.read(base + alibaba.V4)
        if len(alibaba.split_list(tree.found, base + alibaba.V4)) > 1:
            tree.read(base + alibaba.V4_PRIMARY)
    tree.confirm(alibaba.parse_documents)
    return http.place, tree.parse(alibaba.parse_documents)


def _fetch_token(http: Http) -> dict[str, str]:
    from bootagent.sources._token import fetch_token

    names = ("X-aliyun-ecs-metadata-token-ttl-seconds", "X-aliyun-ecs-metadata-token")
    return fetch_token(http, "/latest/api/token", *names)


def fetch_user_data(connector: Connector) -> bytes | None:
    """The instance's user data, if it has any."""
    http = connector.open(ADDRESS)
    return http.get("/latest/user-data", _fetch_token(http))
