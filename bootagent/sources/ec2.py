# SPDX-License-Identifier: Apache-2.0
"""EC2's metadata service: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/configuring-instance-metadata-service.html.

Version 2 only: without a token it is another cloud's, and not for us.  The token's answer goes one hop by default
(HttpPutResponseHopLimit), which is enough on the machine itself and not in a container with a network of its own.

Eight requests for an instance with one NIC, and 6 + 3 n with n of them: the token, who it is, what it is called, its
key and its NICs; of each NIC the addresses of both families, and its number where there are several; who it is still.
"""

from __future__ import annotations

from bootagent.sources._answers import check_serial

TYPE_CHECKING = False
if TYPE_CHECKING:
    from bootagent.identity import Identity
    from bootagent.model.instance import Instance
    from bootagent.sources._http import Connector, Http

SUMMARY = (
    "EC2's metadata service, version 2 only, by IPv4 and IPv6: the primary address of each NIC by DHCP (and "
    "DHCPv6), further ones static, default routes preferred by device number. No policy routing for a second NIC, "
    "no delegated prefixes"
)
NEEDS = "dhcp"
ADDRESSES = ("169.254.169.254", "fd00:ec2::254")
VENDOR = "Amazon EC2"
VENDORS = ("sys_vendor", "bios_vendor", "board_vendor")
XEN = ".amazon"  # end of bios_version: "4.11.amazon"


def detect(identity: Identity) -> str:
    """Why this machine is an instance of EC2.

    https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/identify_ec2_instances.html: the UUID begins with "ec2", maybe
    with the bytes of its first group turned round; one of 4096 elsewhere does so too, hence the vendor.
    """
    xen = identity.dmi.get("bios_version", "").endswith(XEN)
    if identity.hypervisor_uuid.lower().startswith("ec2") and (xen or not identity.dmi):
        return f"/sys/hypervisor/uuid: {identity.hypervisor_uuid}"
    uuid = identity.dmi.get("product_uuid", "")
    vendor = next(filter(None, (identity.says(field, VENDOR) for field in VENDORS)), "")
    if not vendor and xen:
        vendor = f"DMI bios_version: {identity.dmi['bios_version']}"
    return f"{vendor}, product_uuid: {uuid}" if vendor and _is_ours(uuid.lower()) else ""


def _is_ours(uuid: str) -> bool:
    return uuid.startswith("ec2") or (uuid[6:8] == "ec" and uuid[4:5] == "2")


def fetch(connector: Connector) -> tuple[str, Instance]:
    """Where the service is, and the instance that it describes."""
    from bootagent.formats import ec2
    from bootagent.formats.meta_tree import MACS
    from bootagent.sources._tree import Tree

    http = connector.open(*ADDRESSES)
    tree = Tree(http, "/latest/meta-data/", _fetch_token(http))
    tree.read_id(ec2.ID)
    tree.read(ec2.HOSTNAME)
    tree.read(ec2.KEY)
    nics = tree.read_nics(MACS)
    for nic in nics:
        for leaf in (ec2.V4, ec2.V6, *((ec2.NUMBER,) if len(nics) > 1 else ())):
            tree.read(f"{MACS}{nic}/{leaf}")
    tree.confirm(ec2.parse_documents)
    instance = tree.parse(ec2.parse_documents)
    if connector.identity.begins("board_asset_tag", "i-"):  # so on Nitro; Xen's firmware does not say it
        check_serial(instance, connector.identity, http.place, "board_asset_tag")
    return http.place, instance


def _fetch_token(http: Http) -> dict[str, str]:
    from bootagent.sources._token import fetch_token

    names = ("X-aws-ec2-metadata-token-ttl-seconds", "X-aws-ec2-metadata-token")
    return fetch_token(http, "/latest/api/token", *names)


def fetch_user_data(connector: Connector) -> bytes | None:
    """The instance's user data, if it has any."""
    http = connector.open(*ADDRESSES)
    return http.get("/latest/user-data", _fetch_token(http))
