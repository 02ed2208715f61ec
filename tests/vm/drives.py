# SPDX-License-Identifier: Apache-2.0
"""The two instances that one disk becomes, as nova's documents, and the config drive of each.

A is the kitchen sink. B has other addresses on the same NICs, no bond and no VLAN. Link and network entries are in the
shape of nova's (bond: of its ironic driver's), see inputs.md 1.2 and 1.3.
"""

from __future__ import annotations

import base64
import email.message
import gzip
import json
import subprocess
from typing import TYPE_CHECKING, Any, NamedTuple

from . import network as outside

if TYPE_CHECKING:
    import pathlib

DATED = "2025-04-04"
V6_MASK = "ffff:ffff:ffff:ffff::"
RACKSPACE_UUID, RACKSPACE_NAME = "08a2d427-1036-503f-b535-72275dc80203", "mirror.bootagent.test"
RACKSPACE_ADDRESSES = ("203.0.113.77", "2001:db8:1::77", "10.30.0.77")
RACKSPACE_ROUTER = "203.0.113.1"
MAC_OF = {nic.tap: nic.mac for nic in outside.NICS}


# What a script of the user data leaves, and files that the cloud injects: no text, and one that B has not.
RAN = "/var/lib/vmtest-user-data"
INJECTED = b"\0\xff injected \r\n"
SCRIPT = f"""#!/bin/sh
echo "$(basename "$0") as $(id -u), $(systemctl is-active network-online.target), HOME=$HOME" >>{RAN}
echo said by a script
"""


class Instance(NamedTuple):
    """An instance: what the drive says, and the addresses that it is to answer on, the static NIC's first."""

    uuid: str
    hostname: str
    key: pathlib.Path
    network_data: dict[str, Any]
    addresses: tuple[str, ...]
    injected: tuple[str, ...]
    user_data: bytes


def instance_a(key: pathlib.Path) -> Instance:
    """Everything at once; the static NIC is named first, so that its default routes are preferred."""
    bond_members = ("b9f4-port-a", "b9f4-port-b")
    links = [
        _link("tap0c1f5f4e-01", "ovs", MAC_OF["static"], 1500),
        # nova's ironic driver: the bond first, then its members, which have neither mtu nor vif_id.
        _link("tap0c1f5f4e-02", "bond", MAC_OF["bond-a"], 9000)
        | {"bond_mode": "active-backup", "bond_links": list(bond_members), "bond_miimon": "100", "bond_updelay": 200},
        {"id": bond_members[0], "type": "phy", "ethernet_mac_address": MAC_OF["bond-a"]},
        {"id": bond_members[1], "type": "phy", "ethernet_mac_address": MAC_OF["bond-b"]},
        {
            "id": "tap0c1f5f4e-03",
            "type": "vlan",
            "mtu": 1500,
            "vlan_link": "tap0c1f5f4e-02",
            "vlan_id": outside.VLAN_ID,
            "vlan_mac_address": outside.VLAN_MAC,
        },
        _link("tap0c1f5f4e-04", "bridge", MAC_OF["multi"], 1400),
        _link("tap0c1f5f4e-05", "ovs", MAC_OF["dhcp"], None),
        _link("tap0c1f5f4e-06", "ovs", MAC_OF["slaac"], None),
    ]
    networks = [
        _static_v4(links[0], outside.STATIC_V4[0], 32, outside.GATEWAY_V4, outside.WORLD_V4),
        _static_v6(links[0], outside.STATIC_V6[0], outside.GATEWAY_V6, outside.WORLD_V6),
        _static_v4(links[4], "10.20.0.10", 24),
        _static_v4(links[5], "10.30.0.10", 24) | {"routes": [_route("10.77.0.0", "255.255.0.0", "10.30.0.1")]},
        _static_v4(links[5], "10.31.0.10", 24),
        _static_v6(links[5], "2001:db8:30::10") | {"routes": [_route("2001:db8:77::", V6_MASK, "2001:db8:30::1")]},
        _static_v6(links[5], "2001:db8:31::10"),
        {"type": "ipv4_dhcp", "link": links[6]["id"]},
        _slaac(links[7]),
    ]
    answering = [entry["ip_address"] for entry in networks if entry["type"] in ("ipv4", "ipv6")]
    uuid = "7d0f1c52-3e0b-4f6a-9a51-000000000a0a"
    files = ("/etc/injected/everyone's", "/etc/injected/alpha's")
    document = _document(links, networks)
    return Instance(uuid, "alpha.bootagent.test", key, document, tuple(answering), files, _multipart())


def instance_b(key: pathlib.Path) -> Instance:
    """The same machine as another instance: fewer links, other addresses, another DNS server."""
    links = [
        _link("tap7e22aa90-01", "ovs", MAC_OF["static"], 1500),
        _link("tap7e22aa90-02", "ovs", MAC_OF["bond-a"], 1500),
        _link("tap7e22aa90-03", "ovs", MAC_OF["multi"], 1500),
        _link("tap7e22aa90-04", "ovs", MAC_OF["dhcp"], None),
        _link("tap7e22aa90-05", "ovs", MAC_OF["slaac"], None),
    ]
    networks = [
        _static_v4(links[0], outside.STATIC_V4[1], 32, outside.GATEWAY_V4, outside.OTHER_DNS),
        _static_v6(links[0], outside.STATIC_V6[1], outside.GATEWAY_V6),
        _static_v4(links[1], "10.21.0.20", 24),
        _static_v4(links[2], "10.30.0.20", 24),
        {"type": "ipv4_dhcp", "link": links[3]["id"]},
        _slaac(links[4]),
    ]
    answering = [entry["ip_address"] for entry in networks if entry["type"] in ("ipv4", "ipv6")]
    uuid = "7d0f1c52-3e0b-4f6a-9a51-000000000b0b"
    files, document = ("/etc/injected/everyone's",), _document(links, networks)
    return Instance(uuid, "beta.bootagent.test", key, document, tuple(answering), files, SCRIPT.encode())


def make_key(path: pathlib.Path) -> pathlib.Path:
    """A new private key at this path, its public half beside it."""
    command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", path.name, "-f", str(path)]
    subprocess.run(command, check=True)
    return path


def make_drive(instance: Instance, directory: pathlib.Path) -> pathlib.Path:
    """The instance's config drive, as an ISO."""
    public_key = instance.key.with_suffix(".pub").read_text(encoding="utf-8")
    meta_data = {
        "uuid": instance.uuid,
        "hostname": instance.hostname,
        "name": "kitchen sink",
        "launch_index": 0,
        "availability_zone": "nova",
        "random_seed": base64.b64encode(instance.uuid.encode() * 14).decode(),
        "files": [
            {"path": path, "content_path": f"/content/{number:04}"} for number, path in enumerate(instance.injected)
        ],
        "public_keys": {"test": public_key},
        "keys": [{"name": "test", "type": "ssh", "data": public_key}],
    }
    tree = directory / f"drive-{instance.uuid}"
    for version in (DATED, "latest"):
        place = tree / "openstack" / version
        place.mkdir(parents=True)
        (place / "meta_data.json").write_text(json.dumps(meta_data), encoding="utf-8")
        (place / "network_data.json").write_text(json.dumps(instance.network_data), encoding="utf-8")
        (place / "vendor_data.json").write_text("{}", encoding="utf-8")
        (place / "vendor_data2.json").write_text('{"static": {}}', encoding="utf-8")
        (place / "user_data").write_bytes(instance.user_data)
    content = tree / "openstack" / "content"
    content.mkdir()
    for number in range(len(instance.injected)):
        (content / f"{number:04}").write_bytes(INJECTED)
    return burn(tree)


def _multipart() -> bytes:
    """Two scripts with something between them that is not done, compressed."""
    whole = email.message.EmailMessage()
    whole.make_mixed()
    for name, kind, text in (
        ("first.sh", "x-shellscript", SCRIPT),
        ("config.yaml", "cloud-config", "#cloud-config\npassword: hidden\n"),
        ("second.sh", "x-shellscript", SCRIPT),
    ):
        whole.add_attachment(text, subtype=kind, filename=name)
    return gzip.compress(whole.as_bytes())


def rackspace_drive(key: pathlib.Path, directory: pathlib.Path) -> pathlib.Path:
    """A drive as Rackspace had it: ``network_info`` among the vendor's data, link types null, MACs in upper case.

    The public NIC has its router in its subnet, or a link-local one; the private one has routes and no default.
    """
    public_v4, public_v6, private_v4 = RACKSPACE_ADDRESSES
    public, private = ({"id": name, "type": None, "mtu": None} for name in ("vif-a", "vif-b"))
    public["ethernet_mac_address"] = MAC_OF["static"].upper()
    private["ethernet_mac_address"] = MAC_OF["multi"].upper()
    networks = [
        _static_v4(public, public_v4, 24, RACKSPACE_ROUTER, outside.WORLD_V4),
        _static_v6(public, public_v6, outside.GATEWAY_V6),
        _static_v4(private, private_v4, 24) | {"routes": [_route("10.77.0.0", "255.255.0.0", "10.30.0.1")]},
    ]
    vendor_data = {"provider": "Rackspace", "network_info": _document([public, private], networks)}
    meta_data = {
        "uuid": RACKSPACE_UUID,
        "name": RACKSPACE_NAME,
        "hostname": RACKSPACE_NAME,
        "launch_index": 0,
        "availability_zone": None,
        "public_keys": {"ops": key.with_suffix(".pub").read_text(encoding="utf-8")},
    }
    place = directory / "drive" / "openstack" / "latest"
    place.mkdir(parents=True)
    (place / "meta_data.json").write_text(json.dumps(meta_data), encoding="utf-8")
    (place / "vendor_data.json").write_text(json.dumps(vendor_data), encoding="utf-8")
    return burn(directory / "drive")


def burn(tree: pathlib.Path, label: str = "config-2") -> pathlib.Path:
    """The ISO of a drive's tree, beside it, made with the options that nova makes it with."""
    image = tree.with_suffix(".iso")
    command = ["genisoimage", "-quiet", "-o", str(image), "-ldots", "-allow-lowercase", "-allow-multidot", "-l"]
    command += ["-publisher", "bootagent VM test", "-J", "-r", "-V", label, str(tree)]
    subprocess.run(command, check=True, capture_output=True)
    return image


def _link(link_id: str, kind: str, mac: str, mtu: int | None) -> dict[str, Any]:
    return {"id": link_id, "vif_id": f"{link_id}-vif", "type": kind, "mtu": mtu, "ethernet_mac_address": mac}


def _route(network: str, netmask: str, gateway: str) -> dict[str, str]:
    return {"network": network, "netmask": netmask, "gateway": gateway}


def _static_v4(
    link: dict[str, Any], address: str, prefix: int, gateway: str | None = None, dns: str | None = None
) -> dict[str, Any]:
    netmask = {24: "255.255.255.0", 32: "255.255.255.255"}[prefix]
    routes = [_route("0.0.0.0", "0.0.0.0", gateway)] if gateway else []
    services = [{"type": "dns", "address": dns}] if dns else []
    static = {"type": "ipv4", "link": link["id"], "ip_address": address, "netmask": netmask}
    return static | {"routes": routes, "services": services}


def _static_v6(
    link: dict[str, Any], address: str, gateway: str | None = None, dns: str | None = None
) -> dict[str, Any]:
    routes = [_route("::", "::", gateway)] if gateway else []
    services = [{"type": "dns", "address": dns}] if dns else []
    static = {"type": "ipv6", "link": link["id"], "ip_address": address, "netmask": V6_MASK}
    return static | {"routes": routes, "services": services}


def _slaac(link: dict[str, Any]) -> dict[str, Any]:
    """As nova sends it: with an address that is for information, and must not become a static one."""
    return _static_v6(link, f"{outside.SLAAC_PREFIX}bad") | {"type": "ipv6_slaac"}


def _document(links: list[dict[str, Any]], networks: list[dict[str, Any]]) -> dict[str, Any]:
    """nova numbers the networks over all links, and gathers the DNS servers of all at the top."""
    for index, entry in enumerate(networks):
        entry |= {"id": f"network{index}", "network_id": f"7a3b0000-0000-4000-8000-00000000000{index}"}
    services = [service for entry in networks for service in entry.get("services", [])]
    return {"links": links, "networks": networks, "services": services}
