# SPDX-License-Identifier: Apache-2.0
"""The instance of the benchmark's host half, as nova's documents: a number of NICs, each with a static IPv4 address.

https://docs.openstack.org/nova/latest/user/metadata.html.  The first NIC has the default route and the DNS server.
"""

from __future__ import annotations

from typing import Any

UUID = "4f6a9a51-7d0f-4c52-8e0b-00000000be7c"
HOSTNAME = "bench.bootagent.test"
GATEWAY = "10.0.0.1"
DNS = "192.0.2.53"
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHRoZSBiZW5jaG1hcmsgb2YgYm9vdGFnZW50OiBub25l bench"


def mac(index: int) -> str:
    """The address of a NIC, from 0."""
    return f"52:54:00:be:{index >> 8:02x}:{index & 255:02x}"


def address(index: int) -> str:
    """The static address of a NIC, from 0, in a /24 of its own."""
    return f"10.{index >> 8}.{index & 255}.10"


def network_data(links: int) -> dict[str, Any]:
    """``network_data.json`` with this many links of type phy."""
    entries = [_network(index) for index in range(links)]
    return {
        "links": [_link(index) for index in range(links)],
        "networks": entries,
        "services": [{"type": "dns", "address": DNS}],
    }


def meta_data() -> dict[str, Any]:
    """``meta_data.json`` of the instance: its key in the two places where nova has it."""
    return {
        "uuid": UUID,
        "hostname": HOSTNAME,
        "name": "bench",
        "launch_index": 0,
        "availability_zone": "nova",
        "public_keys": {"bench": KEY},
        "keys": [{"name": "bench", "type": "ssh", "data": KEY}],
    }


def _link(index: int) -> dict[str, Any]:
    name = f"tap{index:08x}-be"
    return {"id": name, "vif_id": f"{name}-vif", "type": "phy", "mtu": 1500, "ethernet_mac_address": mac(index)}


def _network(index: int) -> dict[str, Any]:
    route = {"network": "0.0.0.0", "netmask": "0.0.0.0", "gateway": GATEWAY}
    return {
        "id": f"network{index}",
        "network_id": f"7a3b0000-0000-4000-8000-{index:012d}",
        "type": "ipv4",
        "link": _link(index)["id"],
        "ip_address": address(index),
        "netmask": "255.255.255.0",
        "routes": [] if index else [route],
        "services": [] if index else [{"type": "dns", "address": DNS}],
    }
