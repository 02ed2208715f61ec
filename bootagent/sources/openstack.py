# SPDX-License-Identifier: Apache-2.0
"""OpenStack's metadata service: https://docs.openstack.org/nova/latest/user/metadata.html#the-metadata-service.

The documents of the config drive, at most four requests: where one is left, the first is made once more at the end.
By IPv6 Neutron knows an instance by the MAC in its EUI-64 address,
https://docs.openstack.org/neutron/latest/admin/config-ipv6.html.  What only a drive has (``files``, ``admin_pass``) is
not here.
"""

from __future__ import annotations

from bootagent.errors import SourceError
from bootagent.formats import openstack
from bootagent.sources._answers import Answers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from bootagent.identity import Identity
    from bootagent.model.instance import Instance
    from bootagent.sources._http import Connector

SUMMARY = (
    "OpenStack's metadata service, by IPv4 and by IPv6's link-local address; Huawei Cloud, Open Telekom Cloud, SAP, "
    "Samsung"
)
NEEDS = "dhcp"
ADDRESSES = ("169.254.169.254", "fe80::a9fe:a9fe")
PRODUCTS = ("OpenStack Nova", "OpenStack Compute")
# Public clouds that set their own: cloud-init's ds-identify has the list.
ASSET_TAGS = (*PRODUCTS, "HUAWEICLOUD", "OpenTelekomCloud", "SAP CCloud VM", "Samsung Cloud Platform")


def detect(identity: Identity) -> str:
    """Why this machine is an instance of OpenStack."""
    if identity.product in PRODUCTS:
        return f"init's product_name: {identity.product}"
    return (
        identity.says("product_name", *PRODUCTS)
        or identity.says("chassis_asset_tag", *ASSET_TAGS)
        or identity.says("sys_vendor", "OpenStack Foundation")
    )


def fetch(connector: Connector) -> tuple[str, Instance]:
    """Where the service is, and the instance that it describes; ``SourceError`` if it knows none."""
    http = connector.open(*ADDRESSES)
    answers = Answers(http)
    version = "latest"
    if not answers.require("meta_data.json", "/openstack/latest/meta_data.json"):
        version = _newest(http.get("/openstack") or b"")
        if not version or not answers.require("meta_data.json", f"/openstack/{version}/meta_data.json"):
            raise SourceError(http.place, "no instance is known by our address")
    answers.ask("network_data.json", f"/openstack/{version}/network_data.json")
    if "network_data.json" in answers.found:
        if version == "latest":
            answers.confirm(openstack.parse_documents)
    elif version == "latest":
        answers.ask("vendor_data.json", "/openstack/latest/vendor_data.json")
        config = openstack.network_config_path(answers.found["meta_data.json"])
        if config is not None:
            answers.ask("network_config", f"/openstack{config}")
    return http.place, answers.parse(openstack.parse_documents)


def fetch_user_data(connector: Connector) -> bytes | None:
    """The instance's user data, ``None`` where it has none."""
    return connector.open(*ADDRESSES).get("/openstack/latest/user_data")


def _newest(listing: bytes) -> str:
    """The newest dated version of a list of them, one a line; empty if there is none."""
    names = (line.strip().rstrip("/") for line in listing.decode("ascii", "replace").split("\n"))
    dated = (name for name in names if len(name) == 10 and name[4] == name[7] == "-" and name[:4].isdecimal())
    return max((name for name in dated if name.replace("-", "").isdecimal()), default="")
