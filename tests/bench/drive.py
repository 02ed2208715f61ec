# SPDX-License-Identifier: Apache-2.0
"""The one instance that every contender is to become, and its config drive: one NIC, no DHCP, as nova describes it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

from tests import images as media
from tests.vm import drives
from tests.vm import network as outside

if TYPE_CHECKING:
    import pathlib

UUID = "7d0f1c52-3e0b-4f6a-9a51-00000000be9c"
# The name that the user gave is the first label of what nova makes of it: not every contender reads the latter.
NAME = "bench"
HOSTNAME = f"{NAME}.bootagent.test"

# The network outside has a router of this subnet behind this NIC, and a DNS server beyond it.
(NIC,) = (nic for nic in outside.NICS if nic.tap == "multi")
ADDRESS, PREFIX, NETMASK = "10.30.0.10", 24, "255.255.255.0"
GATEWAY = "10.30.0.1"
DNS = outside.WORLD_V4

# As a disk: what a guest does with a CD-ROM is mostly its kernel looking for one, in emulated IDE.
BUS = "virtio"


class Instance(NamedTuple):
    """The private key that is to let in, its public half as a line, and the image of the drive that says all this."""

    key: pathlib.Path
    public_key: str
    drive: pathlib.Path


def make_instance(directory: pathlib.Path) -> Instance:
    """A new key, and the drive that injects it."""
    key = drives.make_key(directory / "key")
    public_key = key.with_suffix(".pub").read_text(encoding="utf-8")
    files: dict[str, bytes] = {}
    for version in (drives.DATED, "latest"):
        documents = {
            "meta_data.json": _meta_data(public_key),
            "network_data.json": _network_data(),
            "vendor_data.json": {},
            "vendor_data2.json": {"static": {}},
        }
        files |= {f"openstack/{version}/{name}": json.dumps(value).encode() for name, value in documents.items()}
    return Instance(key, public_key, media.make_iso(directory, files, *media.NOVA_FLAGS))


def _meta_data(public_key: str) -> dict[str, Any]:
    return {
        "uuid": UUID,
        "hostname": HOSTNAME,
        "name": NAME,
        "launch_index": 0,
        "availability_zone": "nova",
        "public_keys": {"test": public_key},
        "keys": [{"name": "test", "type": "ssh", "data": public_key}],
    }


def _network_data() -> dict[str, Any]:
    dns = [{"type": "dns", "address": DNS}]
    link = {"id": "tap0c1f5f4e-01", "vif_id": "0c1f5f4e-0a2b", "type": "bridge", "mtu": 1500}
    network = {
        "id": "network0",
        "network_id": "7a3b0000-0000-4000-8000-000000000000",
        "type": "ipv4",
        "link": link["id"],
        "ip_address": ADDRESS,
        "netmask": NETMASK,
        "routes": [{"network": "0.0.0.0", "netmask": "0.0.0.0", "gateway": GATEWAY}],
        "services": dns,
    }
    return {"links": [link | {"ethernet_mac_address": NIC.mac}], "networks": [network], "services": dns}
