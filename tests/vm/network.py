# SPDX-License-Identifier: Apache-2.0
"""The world outside the guest: a network namespace, one tap for each NIC, and what a cloud has behind each.

=========  =====================================================================================================
static     a router: its v4 address is in no subnet of the guest's, its v6 address is only ``fe80::1``
bond       a switch that both members are plugged into; VLAN 20 leaves it for a router of its own
multi      routers of two v4 and two v6 subnets, and of what the host routes lead to
dhcp       dnsmasq, the only DHCP server
slaac      radvd
unnamed    nothing
=========  =====================================================================================================

Behind them all are addresses that stand for the rest of the world, with a DNS server on three of them.
"""

from __future__ import annotations

import ipaddress
import pathlib
import subprocess
import sys
import time

from typing_extensions import Self

from .machine import Nic

# The names of the taps in the namespace, and of the NICs in the documents; in the order of the guest's PCI slots.
NICS = (
    Nic("52:54:00:b0:07:01", "static"),
    Nic("52:54:00:b0:07:02", "bond-a"),
    Nic("52:54:00:b0:07:03", "bond-b"),
    Nic("52:54:00:b0:07:04", "multi"),
    Nic("52:54:00:b0:07:05", "dhcp"),
    Nic("52:54:00:b0:07:06", "slaac"),
    Nic("52:54:00:b0:07:07", "unnamed"),
)
VLAN_ID = 20
VLAN_MAC = "52:54:00:b0:07:20"

GATEWAY_V4 = "198.51.100.1"
GATEWAY_V6 = "fe80::1"
WORLD_V4, WORLD_V6 = "192.0.2.53", "2001:db8:53::53"
OTHER_DNS = "192.0.2.54"
ROUTED_V4, ROUTED_V6 = "10.77.0.1", "2001:db8:77::1"
DHCP_ROUTER = "10.40.0.1"
SLAAC_PREFIX = "2001:db8:50::"
LOOKUP_NAME, LOOKUP_V4, LOOKUP_V6 = "lookup.bootagent.test", "192.0.2.99", "2001:db8:53::99"

# What the guest's static NIC may be called on the outside; the router has a host route to each.
STATIC_V4 = ("203.0.113.10", "203.0.113.20")
STATIC_V6 = ("2001:db8:1::10", "2001:db8:1::20")

RADVD_CONF = f"""interface slaac {{
    AdvSendAdvert on;
    MaxRtrAdvInterval 30;
    prefix {SLAAC_PREFIX}/64 {{ AdvOnLink on; AdvAutonomous on; }};
}};
"""


class Network:
    """The namespace and its servers; a context manager that leaves neither behind."""

    def __init__(self, namespace: str, directory: pathlib.Path) -> None:
        self.namespace = namespace
        self.dns_log = directory / "dnsmasq.log"
        self._directory = directory
        self._servers: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Self:
        try:
            self._make()
        except BaseException:
            self._remove()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._remove()

    def run(self, *command: str, timeout: float = 60) -> subprocess.CompletedProcess[str]:
        """Run a command outside of the guest, in its network."""
        return subprocess.run(
            ["ip", "netns", "exec", self.namespace, *command],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    def add_service(self, addresses: tuple[str, ...], tap: str, guest: str) -> None:
        """Put a metadata service's addresses into the world, and a router where the guest is to be."""
        for address in addresses:
            place, _, zone = address.partition("%")
            length, more = ("128", ["nodad"]) if ":" in place else ("32", [])
            length = {"128": "64", "32": "16"}[length] if zone else length
            self._must("ip", "addr", "add", f"{place}/{length}", "dev", zone or "lo", *more)
        subnet = ipaddress.ip_interface(guest).network
        if subnet.num_addresses > 1 and not self.run("ip", "addr", "show", "to", str(subnet)).stdout:
            self._must("ip", "addr", "add", f"{subnet[1]}/{subnet.prefixlen}", "dev", tap)

    def _make(self) -> None:
        subprocess.run(["ip", "netns", "add", self.namespace], check=True)
        for key in ("net.ipv4.conf.all.rp_filter=0", "net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1"):
            self._must("sysctl", "-q", "-w", key)
        self._must("ip", "link", "set", "lo", "up")
        for address in (WORLD_V4, OTHER_DNS, LOOKUP_V4, ROUTED_V4):
            self._must("ip", "addr", "add", f"{address}/32", "dev", "lo")
        for address in (WORLD_V6, LOOKUP_V6, ROUTED_V6):
            self._must("ip", "addr", "add", f"{address}/128", "dev", "lo", "nodad")
        self._must("ip", "link", "add", "switch", "type", "bridge")
        for tap in (*(nic.tap for nic in NICS), "trunk", "vlan"):
            self._must("ip", "tuntap", "add", "dev", tap, "mode", "tap")
        for tap in ("bond-a", "bond-b", "trunk"):
            self._must("ip", "link", "set", tap, "mtu", "9000", "master", "switch")
        for link in ("switch", *(nic.tap for nic in NICS), "trunk", "vlan"):
            self._must("ip", "link", "set", link, "up")
        self._address_routers()
        self._start(
            "trunk", sys.executable, str(pathlib.Path(__file__).with_name("trunk.py")), "trunk", "vlan", str(VLAN_ID)
        )
        self._start_dnsmasq()
        config = self._directory / "radvd.conf"
        config.write_text(RADVD_CONF, encoding="utf-8")
        pid = self._directory / "radvd.pid"
        self._start("radvd", "radvd", "--nodaemon", "-C", str(config), "-p", str(pid), "-m", "stderr")
        time.sleep(0.5)
        for server in self._servers:
            if server.poll() is not None:
                message = f"{server.args!r} ended with {server.returncode}, see the logs in {self._directory}"
                raise RuntimeError(message)

    def _address_routers(self) -> None:
        routers = {
            "static": (f"{GATEWAY_V4}/32", f"{GATEWAY_V6}/64"),
            "vlan": ("10.20.0.1/24",),
            "switch": ("10.21.0.1/24",),
            "multi": ("10.30.0.1/24", "10.31.0.1/24", "2001:db8:30::1/64", "2001:db8:31::1/64"),
            "dhcp": (f"{DHCP_ROUTER}/24",),
            "slaac": (f"{SLAAC_PREFIX}1/64",),
        }
        for link, addresses in routers.items():
            for address in addresses:
                self._must("ip", "addr", "add", address, "dev", link, *(["nodad"] if ":" in address else []))
        for address in STATIC_V4:
            self._must("ip", "route", "add", f"{address}/32", "dev", "static")
        for address in STATIC_V6:
            self._must("ip", "-6", "route", "add", f"{address}/128", "dev", "static")

    def _start_dnsmasq(self) -> None:
        options = ["--keep-in-foreground", "--conf-file=/dev/null", "--user=root", "--pid-file=", "--no-resolv"]
        options += ["--no-hosts", "--bind-dynamic", "--interface=dhcp", "--dhcp-authoritative", "--log-dhcp"]
        options += [f"--listen-address={address}" for address in (WORLD_V4, OTHER_DNS, WORLD_V6)]
        options += ["--dhcp-range=10.40.0.100,10.40.0.150,1h", f"--dhcp-leasefile={self._directory / 'leases'}"]
        options += [f"--address=/{LOOKUP_NAME}/{LOOKUP_V4}", f"--address=/{LOOKUP_NAME}/{LOOKUP_V6}"]
        self._start("dnsmasq", "dnsmasq", *options, "--log-queries", f"--log-facility={self.dns_log}")

    def _start(self, name: str, *command: str) -> None:
        with (self._directory / f"{name}.out").open("w") as log:
            whole = ["ip", "netns", "exec", self.namespace, *command]
            self._servers.append(subprocess.Popen(whole, stdin=subprocess.DEVNULL, stdout=log, stderr=log))

    def _must(self, *command: str) -> None:
        result = self.run(*command)
        if result.returncode:
            message = f"{' '.join(command)}: {result.stderr.strip()}"
            raise RuntimeError(message)

    def _remove(self) -> None:
        for server in self._servers:
            server.terminate()
        for server in self._servers:
            try:
                server.wait(5)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()
        subprocess.run(["ip", "netns", "del", self.namespace], check=False)
