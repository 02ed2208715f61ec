# SPDX-License-Identifier: Apache-2.0
"""What the ifupdown-ng renderer writes, judged by the real ifup(8), by its executors, and by what the kernel then has.

The kernel's part runs in network namespaces with veth pairs, with the ip(8) of iproute2 and with that of busybox;
bonds and VLANs need modules, so that only their commands are judged.  Nothing is installed: the packages are fetched by
apt-get and unpacked in a cache of their own, and what stands in for a DHCP client is mounted in the namespace alone.
"""

from __future__ import annotations

import json
import os
import pathlib
import shutil
import subprocess
import time
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from hypothesis import given, settings

from bootagent.host import Host
from bootagent.model.ip import IPAddress, IPInterface, IPNetwork
from bootagent.model.network import Address, Bond, BoundNetwork, Dns, Interface, Match, Route, Vlan
from bootagent.model.values import DomainName, InterfaceName, MacAddress, Mtu, VlanId
from bootagent.renderers import ifupdown_ng, running
from bootagent.renderers._interfaces import INTERFACES, OURS
from tests import strategies
from tests.debs import unpacked

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bootagent.model.plan import Plan

NEEDED = ("ip", "radvd", "apt-get")
PROGRAMS = ("sbin/ifupdown", "usr/sbin/ifupdown", "usr/sbin/ifupdown-ng")  # of Debian 12, of upstream, of Debian 13
SOURCES = "source-directory /etc/network/interfaces.d\n"
SYSFS = "/sys/class/net"
SYSCTL = "/proc/sys/net/ipv6/conf"
SCRIPTS = "/usr/local/sbin"  # the first place in which a shell without a PATH looks


class Daemon(NamedTuple):
    """The programs of one ifupdown-ng, its executors, and a busybox."""

    ifup: str
    ifdown: str
    ifquery: str
    executors: str
    busybox: str


@pytest.fixture(scope="session")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Daemon:
    """The programs as apt-get gives them, under their three names."""
    lacking = [name for name in NEEDED if shutil.which(name) is None]
    assert not lacking, f"missing tools: {', '.join(lacking)}"
    assert os.geteuid() == 0, "network namespaces need root"
    place = unpacked("ifupdown-ng")
    program = next(place / path for path in PROGRAMS if (place / path).exists())
    directory = tmp_path_factory.mktemp("ifupdown-ng")
    ifup, ifdown, ifquery = (directory / name for name in ("ifup", "ifdown", "ifquery"))
    for path in (ifup, ifdown, ifquery):
        path.symlink_to(program)
    busybox = next(path for path in unpacked("busybox").glob("**/bin/busybox"))
    return Daemon(str(ifup), str(ifdown), str(ifquery), str(place / "usr/libexec/ifupdown-ng"), str(busybox))


class Namespace:
    """A network namespace with NICs, whose other ends are in a second one, and an /etc/network."""

    def __init__(self, name: str, directory: pathlib.Path, daemon: Daemon) -> None:
        self.name, self.peer = f"{name}-m", f"{name}-p"
        self.directory, self.daemon = directory, daemon
        self.mounts: list[tuple[str, str]] = []  # what stands in for what, for the commands of run()
        for namespace in (self.name, self.peer):
            subprocess.run(["ip", "netns", "add", namespace], check=True)

    def remove(self) -> None:
        for namespace in (self.name, self.peer):
            subprocess.run(["ip", "netns", "del", namespace], check=True)

    def add_nic(self, name: str) -> None:
        command = ["ip", "-n", self.name, "link", "add", name, "type", "veth", "peer", "name", name, "netns", self.peer]
        subprocess.run(command, check=True)
        subprocess.run(["ip", "-n", self.peer, "link", "set", "dev", name, "up"], check=True)
        # A neighbour that does not forward says so, and the kernel then forgets the default route through it.
        forward = f"echo 1 >{SYSCTL}/all/forwarding"
        subprocess.run(["ip", "netns", "exec", self.peer, "sh", "-c", forward], check=True)

    def use_busybox(self) -> None:
        """From here on, ip(8) is busybox's."""
        place = self.directory / "ip"
        shutil.copy(self.daemon.busybox, place)
        self.mounts.append((str(place), str(pathlib.Path(shutil.which("ip") or "").resolve())))

    def add_script(self, name: str, text: str) -> pathlib.Path:
        """A program of this name that does what ``text`` says; returns the file to which it may write."""
        (self.directory / "bin").mkdir(exist_ok=True)
        path, log = self.directory / "bin" / name, self.directory / f"{name}.log"
        path.write_text(f"#!/bin/sh\n{text.replace('LOG', str(log))}\n")
        path.chmod(0o755)
        self.mounts.append((str(path.parent), SCRIPTS))
        return log

    def run(self, *command: str, code: int = 0, mounts: tuple[tuple[str, str], ...] = ()) -> str:
        enter = ["ip", "netns", "exec", self.name]  # which has its own mounts as well
        script = "".join(f"mount --bind {what} {where}; " for what, where in mounts) + 'exec "$@"'
        full = [*enter, "sh", "-ec", script, "sh", *command]
        result = subprocess.run(full, check=False, capture_output=True, text=True, timeout=60)
        assert result.returncode == code, result.stdout + result.stderr
        return result.stdout + result.stderr

    def ip(self, *arguments: str) -> Any:
        return json.loads(self.run("ip", "-j", *arguments) or "[]")

    def write(self, plan: Plan) -> list[str]:
        """The files of the plan, and the arguments that make ifup read them."""
        for file in plan.files:
            path = self.directory / file.path.lstrip("/")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(file.content.replace("/etc/network/", f"{self.directory}/etc/network/"))
        interfaces = f"{self.directory}{INTERFACES}"
        return ["-i", interfaces, "-S", f"{self.directory}/ifstate", "-E", self.daemon.executors, "-X", "lo"]

    def up(self, network: BoundNetwork) -> str:
        """What networking.service does; Alpine's service calls ifup for each device, in the same order."""
        arguments = self.write(ifupdown_ng.render(network, Host()))
        return self.run(self.daemon.ifup, *arguments, "-a", mounts=tuple(self.mounts))

    def dry_run(self, network: BoundNetwork) -> list[str]:
        """The commands of ifup, without those of its executors."""
        arguments = self.write(ifupdown_ng.render(network, Host()))
        return self.run(self.daemon.ifup, *arguments, "-a", "-n", "-v").splitlines()

    def addresses(self, name: str) -> set[str]:
        links = self.ip("address", "show", "dev", name)
        return {f"{item['local']}/{item['prefixlen']}" for item in links[0]["addr_info"]}

    def routes(self, family: str) -> set[str]:
        routes = self.ip(family, "route", "show", "table", "main")
        words = ("dst", "gateway", "dev", "metric")
        return {
            " ".join([*(str(route[word]) for word in words if word in route), *route["flags"]])
            for route in routes
            if route.get("protocol") != "kernel"
        }

    def read(self, path: str) -> str:
        return self.run("cat", path).strip()


@pytest.fixture
def namespace(daemon: Daemon, tmp_path: pathlib.Path) -> Iterator[Namespace]:
    new = Namespace(f"bootagent{os.getpid()}", tmp_path, daemon)
    yield new
    new.remove()


def nic(name: str, **fields: Any) -> Interface:
    return Interface(name, InterfaceName(name), Match(MacAddress("52:54:00:00:00:01")), **fields)


def route(to: str, via: str | None = None, metric: int | None = None, onlink: bool = False) -> Route:
    return Route(IPNetwork.parse(to), IPAddress.parse(via) if via else None, metric, onlink)


def addresses(*texts: str) -> tuple[Address, ...]:
    return tuple(Address(IPInterface.parse(text)) for text in texts)


def stanzas(*interfaces: Interface, resolver: str = "", unlisted: tuple[str, ...] = ()) -> str:
    """Our file for these devices."""
    names = tuple(map(InterfaceName, unlisted))
    plan = ifupdown_ng.render(BoundNetwork(interfaces, names), Host(resolver=resolver))
    return next(file.content for file in plan.files if file.path == OURS)


STATIC = nic(
    "eth0",
    addresses=addresses("203.0.113.5/24", "2001:db8::5/64", "192.0.2.5/25", "2001:db8:1::5/64"),
    routes=(
        route("0.0.0.0/0", "198.51.100.1", 100, onlink=True),
        route("10.0.0.0/8", "192.0.2.1"),
        route("172.16.0.0/12"),
        route("198.18.0.7/32", "192.0.2.2"),
        route("::/0", "fe80::1"),
        route("2001:db8:f::/48", "2001:db8:1::1", 50),
        route("2001:db8:e::1/128", "2001:db8:7::1", onlink=True),
    ),
)
BOND = Interface(
    "bond0",
    InterfaceName("bond0"),
    mac=MacAddress("52:54:00:00:00:02"),
    mtu=Mtu(9000),
    bond=Bond(
        "802.3ad",
        (("updelay", "200"), ("miimon", "100"), ("arp_ip_target", "192.0.2.1,192.0.2.2")),
        ("eth1", "eth2"),
        "eth2",
    ),
)
MEMBERS = tuple(nic(name, master=InterfaceName("bond0"), required=False) for name in ("eth1", "eth2"))
VLAN = Interface(
    "vlan7",
    InterfaceName("vlan7"),
    mac=MacAddress("52:54:00:00:00:03"),
    mtu=Mtu(1500),
    vlan=Vlan(VlanId(7), "bond0"),
    addresses=addresses("10.7.0.5/24"),
)


def named(vlan: Interface, name: str, number: int, parent: str) -> Interface:
    return vlan._replace(label=name, name=InterfaceName(name), vlan=Vlan(VlanId(number), parent))


@pytest.mark.parametrize("busybox", [False, True])
def test_kernel_has_static_addresses_and_routes(namespace: Namespace, busybox: bool) -> None:
    """Several addresses of both families, and routes in every shape: host routes, onlink, metrics, on the link."""
    namespace.add_nic("eth0")
    if busybox:
        namespace.use_busybox()
    namespace.up(BoundNetwork((STATIC,)))
    assert {"203.0.113.5/24", "192.0.2.5/25", "2001:db8::5/64", "2001:db8:1::5/64"} <= namespace.addresses("eth0")
    assert {
        "default 198.51.100.1 eth0 100 onlink",
        "10.0.0.0/8 192.0.2.1 eth0",
        "172.16.0.0/12 eth0",
        "198.18.0.7 192.0.2.2 eth0",
    } == namespace.routes("-4")
    assert {
        "default fe80::1 eth0 1024",
        "2001:db8:f::/48 2001:db8:1::1 eth0 50",
        "2001:db8:e::1 2001:db8:7::1 eth0 1024 onlink",
    } == namespace.routes("-6")


def test_static_needs_no_carrier(namespace: Namespace) -> None:
    """A NIC whose cable comes later has all that is static, at once, and no address waits for duplicate detection."""
    namespace.add_nic("eth0")
    subprocess.run(["ip", "-n", namespace.peer, "link", "set", "dev", "eth0", "down"], check=True)
    namespace.up(BoundNetwork((STATIC,)))
    assert {"203.0.113.5/24", "192.0.2.5/25", "2001:db8::5/64", "2001:db8:1::5/64"} <= namespace.addresses("eth0")
    assert len(namespace.routes("-6")) == 3
    assert "tentative" not in namespace.run("ip", "-6", "address", "show", "dev", "eth0")


def test_refused_line_costs_only_itself(namespace: Namespace) -> None:
    """An MTU above what the device can have, and a route whose gateway nothing leads to."""
    namespace.add_nic("eth0")
    routes = (route("10.0.0.0/8", "192.0.2.1"), route("10.1.0.0/16", "203.0.113.1"))
    own = addresses("203.0.113.5/24", "2001:db8::5/64")
    namespace.up(BoundNetwork((nic("eth0", mtu=Mtu(65535), addresses=own, routes=routes),)))
    assert {"10.1.0.0/16 203.0.113.1 eth0"} == namespace.routes("-4")
    assert "2001:db8::5/64" in namespace.addresses("eth0")
    assert "eth0" in (namespace.directory / "ifstate").read_text()


def test_route_that_is_there_already_is_replaced(namespace: Namespace) -> None:
    """What an initramfs left behind stays in nobody's way."""
    namespace.add_nic("eth0")
    namespace.run("ip", "link", "set", "dev", "eth0", "up")
    namespace.run("ip", "address", "add", "203.0.113.5/24", "dev", "eth0")
    namespace.run("ip", "route", "add", "default", "via", "203.0.113.9", "dev", "eth0")
    own = addresses("203.0.113.5/24")
    namespace.up(BoundNetwork((nic("eth0", addresses=own, routes=(route("0.0.0.0/0", "203.0.113.1"),)),)))
    assert {"default 203.0.113.1 eth0"} == namespace.routes("-4")


def test_kernel_has_mtu(namespace: Namespace) -> None:
    """Of a static, an unaddressed and an IPv6-only device; below what IPv6 needs, IPv4 goes on."""
    networks = {
        "eth0": nic("eth0", mtu=Mtu(1400), addresses=addresses("192.0.2.5/24")),
        "eth1": nic("eth1", mtu=Mtu(9000)),
        "eth2": nic("eth2", mtu=Mtu(1300), addresses=addresses("2001:db8::5/64")),
        "eth3": nic("eth3", mtu=Mtu(600), addresses=addresses("198.51.100.5/24")),
    }
    for name in networks:
        namespace.add_nic(name)
    namespace.up(BoundNetwork(tuple(networks.values())))
    for name, interface in networks.items():
        assert interface.mtu == namespace.ip("link", "show", "dev", name)[0]["mtu"]
        assert "UP" in namespace.ip("link", "show", "dev", name)[0]["flags"]
        assert {str(item.ip) for item in interface.addresses} <= namespace.addresses(name)


def _advertise(namespace: Namespace, name: str) -> Callable[[], None]:
    """A router on the other side of one NIC; the result stops it."""
    config = namespace.directory / "radvd.conf"
    config.write_text(
        f"interface {name} {{ AdvSendAdvert on; MinRtrAdvInterval 3; MaxRtrAdvInterval 4;\n"
        "prefix 2001:db8:aa::/64 { AdvOnLink on; AdvAutonomous on; }; };\n"
    )
    config.chmod(0o600)
    command = ["radvd", "-n", "-C", str(config), "-p", f"{config}.pid", "-m", "stderr"]
    enter = ["ip", "netns", "exec", namespace.peer]
    process = subprocess.Popen([*enter, *command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def stop() -> None:
        process.terminate()
        process.wait(10)

    return stop


@pytest.mark.parametrize("ra", ["off", "routes", "full"])
@pytest.mark.parametrize("static", [False, True])
def test_advertisements_are_taken_as_the_model_says(namespace: Namespace, ra: str, static: bool) -> None:
    """With "off" nothing, with "routes" the default route, with "full" an address too; and the static one is kept."""
    namespace.add_nic("eth0")
    own = addresses("2001:db8::5/64") if static else addresses("192.0.2.5/24")
    stop = _advertise(namespace, "eth0")
    try:
        namespace.up(BoundNetwork((nic("eth0", addresses=own, ra=ra, metric=77),)))
        deadline = time.monotonic() + (10 if ra != "off" else 5)
        while time.monotonic() < deadline and not (ra != "off" and namespace.routes("-6")):
            time.sleep(0.2)
        routes, found = namespace.routes("-6"), namespace.addresses("eth0")
    finally:
        stop()
    assert (ra != "off") == any(text.startswith("default") and "77" in text.split() for text in routes)
    assert (ra == "full") == any(text.startswith("2001:db8:aa:") for text in found)
    assert str(own[0].ip) in found


def test_unaddressed_device_has_no_link_local_address(namespace: Namespace) -> None:
    """What only carries a VLAN takes no part in the untagged network."""
    namespace.add_nic("eth0")
    namespace.up(BoundNetwork((nic("eth0"),)))
    assert namespace.addresses("eth0") == set()
    assert "UP" in namespace.ip("link", "show", "dev", "eth0")[0]["flags"]
    assert namespace.read(f"{SYSCTL}/eth0/accept_ra") == "0"


def test_ifup_twice_and_ifdown(namespace: Namespace) -> None:
    namespace.add_nic("eth0")
    arguments = namespace.write(ifupdown_ng.render(BoundNetwork((STATIC,)), Host()))
    namespace.run(namespace.daemon.ifup, *arguments, "-a")
    namespace.run(namespace.daemon.ifup, *arguments, "-a")
    namespace.run(namespace.daemon.ifdown, *arguments, "eth0")
    assert namespace.addresses("eth0") == set()
    namespace.run(namespace.daemon.ifup, *arguments, "-a")
    assert "203.0.113.5/24" in namespace.addresses("eth0")


EVERYTHING = BoundNetwork(
    (
        STATIC,
        *MEMBERS,
        nic("eth3", dhcp4=True, metric=200, mtu=Mtu(1400)),
        nic("eth4", ra="full", dhcp6="stateless"),
        nic("eth5", ra="routes", dhcp6="stateful", dhcp4=True, required=False),
        BOND,
        VLAN,
        named(VLAN, "bond0.8", 8, "bond0"),
    ),
    (InterfaceName("eth9"),),
)


def test_ifquery_reads_every_stanza(namespace: Namespace) -> None:
    """It says nothing on stderr, and a bond's members are no business of the boot's."""
    arguments = namespace.write(ifupdown_ng.render(EVERYTHING, Host(resolver="resolvconf")))
    listed = namespace.run(namespace.daemon.ifquery, *arguments, "-a", "--list").split()
    assert sorted(listed) == ["bond0", "bond0.8", "eth0", "eth3", "eth4", "eth5", "eth9", "vlan7"]
    every = namespace.run(namespace.daemon.ifquery, *arguments, "--list").split()
    assert sorted(every) == sorted([*listed, "eth1", "eth2"])


def test_ifup_makes_bond_before_vlan(namespace: Namespace) -> None:
    """The dry run of ifup: the commands in the order in which it would run them, the executors' left out."""
    lines = namespace.dry_run(BoundNetwork((*MEMBERS, BOND, VLAN)))
    assert [line for line in lines if "/libexec/" not in line and not line.startswith(("+", "ifup"))] == [
        f"[ -d {SYSFS}/bond0 ] || ip link add dev bond0 address 52:54:00:00:00:02 type bond",
        f"echo 802.3ad >{SYSFS}/bond0/bonding/mode || true",
        f"echo 100 >{SYSFS}/bond0/bonding/miimon || true",
        f"echo 200 >{SYSFS}/bond0/bonding/updelay || true",
        f"echo +192.0.2.1 >{SYSFS}/bond0/bonding/arp_ip_target || true",
        f"echo +192.0.2.2 >{SYSFS}/bond0/bonding/arp_ip_target || true",
        "ip link set dev bond0 mtu 9000 || true",
        f"echo 0 >{SYSCTL}/bond0/accept_ra || true",
        f"echo 1 >{SYSCTL}/bond0/addr_gen_mode || true",
        "ip link set dev eth1 down && ip link set dev eth1 master bond0 && ip link set dev eth1 up || true",
        "ip link set dev eth2 down && ip link set dev eth2 master bond0 && ip link set dev eth2 up || true",
        f"echo eth2 >{SYSFS}/bond0/bonding/primary || true",
        "ip link set dev vlan7 address 52:54:00:00:00:03 || true",
        "ip link set dev vlan7 mtu 1500 || true",
        f"echo 0 >{SYSCTL}/vlan7/accept_ra || true",
    ]


def _executed(daemon: Daemon, phase: str, name: str, options: dict[str, str]) -> str:
    """What the "link" executor would run, or what it waits for."""
    environment = {"PHASE": phase, "IFACE": name, "MOCK": "echo", **options}
    command = ["sh", f"{daemon.executors}/link"]
    return subprocess.run(command, check=False, env=environment, capture_output=True, text=True).stdout.strip()


@pytest.mark.parametrize(
    ("name", "number", "parent"),
    [
        ("vlan7", 7, "eth1"),
        ("vlan07", 7, "eth1"),
        ("vlan8", 7, "eth1"),
        ("vlan7-1", 7, "eth1"),
        ("vlan.7", 7, "eth1"),
        ("storage", 7, "eth1"),
        ("eth1.7", 7, "eth1"),
        ("eth1.8", 7, "eth1"),
        ("eth0.7", 7, "eth1"),
        ("eth0.x", 7, "eth1"),
    ],
)
def test_vlan_is_above_the_right_parent_with_the_right_id(
    namespace: Namespace, name: str, number: int, parent: str
) -> None:
    """Either the executor makes it from our options, or one of our commands comes first, whatever the name says."""
    wanted = f"link {parent} name {name}"
    vlan = named(VLAN, name, number, parent)
    text = stanzas(nic("eth0"), nic("eth1"), vlan)
    own = text.partition(f"iface {name}\n")[2]
    words = [line.split() for line in own.splitlines()]
    options = {f"IF_{line[0].upper().replace('-', '_')}": line[1] for line in words if line[0].startswith("vlan-")}
    executed = _executed(namespace.daemon, "create", name, options)
    if options:
        assert executed == f"ip link add {wanted} type vlan id {number}"
        assert _executed(namespace.daemon, "depend", name, options) == parent
        return
    command = f"[ -d {SYSFS}/{name} ] || ip link add {wanted} address {vlan.mac} type vlan id {number}"
    lines = namespace.dry_run(BoundNetwork((nic("eth0"), nic("eth1"), vlan)))
    made = next(place for place, line in enumerate(lines) if line.startswith(command))
    if executed:  # it would make another: the device must be there when the executor looks
        assert f"requires {parent}" in own
        before = "\n".join(lines[:made])
        assert f"echo 0 >{SYSCTL}/{parent}/accept_ra" in before
        assert f"/{name}/" not in before
    else:
        assert f"    pre-up {command}\n" in own


def test_bond_with_the_name_of_a_vlan_is_made_by_its_member(namespace: Namespace) -> None:
    """Else the executor fails to make a VLAN of it, and ifup gives it up before our commands come."""
    bond = BOND._replace(name=InterfaceName("bond.a"), label="bond.a")
    members = tuple(member._replace(master=bond.name) for member in MEMBERS)
    lines = namespace.dry_run(BoundNetwork((*members, bond)))
    made = f"[ -d {SYSFS}/bond.a ] || ip link add dev bond.a address 52:54:00:00:00:02 type bond || true"
    assert lines.index(made) < lines.index(f"echo 802.3ad >{SYSFS}/bond.a/bonding/mode || true")
    assert "    requires eth1\n" in stanzas(*members, bond)


@pytest.mark.parametrize("mac", ["52:54:00:00:00:01", None])
def test_absent_nic_is_reported_and_costs_what_needs_it(mac: str | None) -> None:
    """The bond keeps its other member; the VLAN above the absent NIC is left out."""
    absent = Interface("absent", match=Match(MacAddress(mac) if mac else None), origin="network_data.json: links[3]")
    bond = BOND._replace(bond=Bond("active-backup", (), ("eth1", "absent"), "absent"))
    orphan = named(VLAN, "vlan9", 9, "absent")._replace(origin="links[4]")
    plan = ifupdown_ng.render(BoundNetwork((MEMBERS[0], absent, bond, VLAN, orphan)), Host())
    text = plan.files[0].content
    assert "set dev eth1 master bond0" in text
    assert "bonding/primary" not in text
    assert "vlan7" in text
    assert "vlan9" not in text
    assert [(problem.severity, str(problem)) for problem in plan.problems] == [
        ("error", f"network_data.json: links[3]: no NIC {f'with the address {mac}' if mac else 'for this link'}"),
        ("error", "links[4]: the parent of vlan9 is not there: left out"),
    ]


def test_only_a_required_device_waits_for_its_server(namespace: Namespace) -> None:
    """And each client gets its metric, while router advertisements stay the kernel's."""
    for name in ("eth0", "eth1", "eth2"):
        namespace.add_nic(name)
    answer = namespace.directory / "answer"
    wait = f"for _ in $(seq 300); do [ -e {answer} ] && break; sleep 0.1; done"
    log = namespace.add_script("dhcpcd", f'case $* in *eth0) ;; *) {wait};; esac; echo "$*" >>LOG')
    interfaces = (
        nic("eth1", dhcp4=True, required=False),
        nic("eth0", dhcp4=True, dhcp6="stateful", ra="routes", metric=200),
    )
    namespace.up(BoundNetwork(interfaces, (InterfaceName("eth2"),)))
    assert log.read_text().splitlines() == ["-4 -L -m 200 eth0", "-6 --noipv6rs --ia_na eth0"]
    answer.touch()
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline and log.read_text().count("\n") < 4:
        time.sleep(0.1)
    assert sorted(log.read_text().splitlines()[2:]) == ["-4 -L -m 4096 eth2", "-4 -L eth1"]
    assert namespace.read(f"{SYSCTL}/eth2/ra_defrtr_metric") == "4096"


def test_required_device_waits_and_failure_costs_nothing_static(namespace: Namespace) -> None:
    namespace.add_nic("eth0")
    namespace.add_script("dhcpcd", "sleep 1; exit 1")
    start = time.monotonic()
    namespace.up(BoundNetwork((STATIC._replace(dhcp4=True),)))
    assert time.monotonic() - start >= 1
    assert len(namespace.routes("-4")) == 4
    assert "eth0" in (namespace.directory / "ifstate").read_text()


def test_static_survives_a_client_that_flushes(namespace: Namespace) -> None:
    """As the scripts of udhcpc do, when the client starts."""
    namespace.add_nic("eth0")
    namespace.add_script("dhcpcd", "ip -4 address flush dev eth0")
    namespace.up(BoundNetwork((STATIC._replace(dhcp4=True),)))
    assert {"203.0.113.5/24", "192.0.2.5/25"} <= namespace.addresses("eth0")
    assert len(namespace.routes("-4")) == 4


def test_static_comes_before_dhcp() -> None:
    """A server that does not answer delays nothing that is static."""
    text = stanzas(STATIC._replace(dhcp4=True, dhcp6="stateful", ra="full"))
    assert text.index("up ip -6 route") < text.index("command -v")
    assert text.index("up ip route replace 0.0.0.0/0") < text.index("command -v")


def test_clients_leave_resolv_conf_alone_where_it_has_an_owner() -> None:
    dns = Dns((IPAddress.parse("192.0.2.53"),))
    dhcp = nic("eth0", dhcp4=True, dhcp6="stateful")
    text = stanzas(dhcp, nic("eth1", dns=dns))
    assert "dhcpcd -4 -L -C resolv.conf eth0" in text
    assert "dhcpcd -6 -C resolv.conf --noipv6rs --ia_na eth0" in text
    assert "udhcpc -b -R -o -O subnet -O router -p /run/udhcpc.eth0.pid -i eth0" in text
    plan = ifupdown_ng.render(BoundNetwork((dhcp, nic("eth1", dns=dns))), Host())
    assert "/etc/dhcp/dhclient-enter-hooks.d/bootagent" in {file.path for file in plan.files}
    assert "resolv.conf" not in stanzas(dhcp)
    assert "resolv.conf" not in stanzas(dhcp, nic("eth1", dns=dns), resolver="resolvconf")


def test_resolvconf_gets_the_record_of_a_device(namespace: Namespace) -> None:
    """By a command, because its hooks in if-up.d want an address family, of which ifupdown-ng knows nothing."""
    namespace.add_nic("eth0")
    log = namespace.add_script("resolvconf", '{ echo "$*"; cat; } >>LOG')
    domains = DomainName("a.example"), DomainName("b.example")
    dns = Dns((IPAddress.parse("192.0.2.53"), IPAddress.parse("2001:db8::53")), domains)
    plan = ifupdown_ng.render(BoundNetwork((STATIC._replace(dns=dns),)), Host(resolver="resolvconf"))
    arguments = namespace.write(plan)
    namespace.run(namespace.daemon.ifup, *arguments, "-a", mounts=tuple(namespace.mounts))
    assert log.read_text().splitlines() == [
        "-a eth0.bootagent",
        "nameserver 192.0.2.53",
        "nameserver 2001:db8::53",
        "search a.example b.example",
    ]
    namespace.run(namespace.daemon.ifdown, *arguments, "eth0", mounts=tuple(namespace.mounts))
    assert log.read_text().splitlines()[4] == "-d eth0.bootagent"
    assert "resolvconf" not in stanzas(STATIC._replace(dns=dns))


@settings(max_examples=50, deadline=None)
@given(network=strategies.bound_networks())
def test_every_network_is_read_without_complaint(
    daemon: Daemon, tmp_path_factory: pytest.TempPathFactory, network: BoundNetwork
) -> None:
    """By ifquery: each device by name, nothing on stderr.  By sh -n: each command that ifup would give to it."""
    path = tmp_path_factory.mktemp("any") / "interfaces"
    text = ifupdown_ng.render(network, Host(resolver="resolvconf")).files[0].content
    path.write_text(text)
    names = sorted({line.split()[1] for line in text.splitlines() if line.startswith("iface ")})
    command = [daemon.ifquery, "-i", str(path), "-E", daemon.executors, "--list"]
    result = subprocess.run(command, check=True, capture_output=True, text=True)
    assert set(names) <= set(result.stdout.split())
    assert result.stderr == ""
    words = [line.strip().partition(" ") for line in text.splitlines()]
    commands = [command for word, _, command in words if word in ("pre-up", "up", "down", "post-down")]
    assert not any(sign in command for command in commands for sign in "#\\")
    subprocess.run(["sh", "-n"], input="\n".join(commands), check=True, text=True)


def _edited(text: str | None, *beside: str) -> str | None:
    files = ifupdown_ng.render(BoundNetwork(), Host(texts=_texts(text, *beside))).files
    edited = {file.path: file for file in files}.get(INTERFACES)
    assert edited is None or edited.block
    return edited.content if edited else None


def _texts(text: str | None, *beside: str) -> dict[str, str]:
    texts = {f"{INTERFACES}.d/{name}": f"auto {name}\niface {name}\n" for name in beside}
    return texts if text is None else {INTERFACES: text, **texts}


@pytest.mark.parametrize(
    "line",
    [
        "source /etc/network/interfaces.d/50-bootagent",
        "  source-directory\t/etc/network/interfaces.d",
        "source-directory /etc/network/interfaces.d/",
    ],
)
def test_interfaces_that_sources_ours_is_left_alone(namespace: Namespace, line: str) -> None:
    text = f"# mine\nauto lo\niface lo inet loopback\n{line}\n"
    assert _edited(text) is None
    assert _listed(namespace, text) == ["lo", "eth0"]


@pytest.mark.parametrize(
    "text",
    [
        None,
        "\n",
        "auto lo\niface lo inet loopback\n",
        "iface eth8 inet static\n  address 192.0.2.1/24",
        "iface eth8 inet manual\n    up true \\\n",
        "#source /etc/network/interfaces.d/*\n",
        "source-directory /etc/network\n",
    ],
)
def test_interfaces_is_edited_once_so_that_it_sources_ours(namespace: Namespace, text: str | None) -> None:
    """What was there stays as it was, ifupdown-ng finds our file, and the next run changes nothing."""
    edited = _edited(text)
    assert edited is not None
    assert edited.startswith((text or "").rstrip())
    assert _edited(edited) == edited
    assert "eth0" in _listed(namespace, edited)


@pytest.mark.parametrize("path", ["/etc/network/interfaces.d/*", "interfaces.d/*"])
def test_pattern_is_spelled_as_every_version_reads_it(namespace: Namespace, path: str) -> None:
    """Debian's installer writes it, and up to 0.12 ifupdown-ng then reads nothing at all."""
    text = f"auto lo\n# all\nsource {path}\niface eth8\n"
    edited = _edited(text)
    assert edited is not None
    assert edited.split("\n")[:2] == ["auto lo", "# all"]
    assert edited.endswith("source-directory /etc/network/interfaces.d\niface eth8\n")
    assert _edited(edited) == edited
    assert "eth0" in _listed(namespace, edited)


def test_files_beside_ours_stay_unread_where_they_were() -> None:
    """A file that somebody put aside does not come to life because of us."""
    text = "auto lo\n"
    assert _edited(text) == "auto lo\n\n# Generated by bootagent\nsource-directory /etc/network/interfaces.d\n"
    assert (_edited(text, "old") or "").endswith("\nsource /etc/network/interfaces.d/50-bootagent\n")


def test_file_of_ours_that_is_gone_costs_nothing_else(namespace: Namespace) -> None:
    arguments = namespace.write(ifupdown_ng.render(BoundNetwork((STATIC,)), Host(texts=_texts("auto eth8\n"))))
    (namespace.directory / OURS.lstrip("/")).unlink()
    assert namespace.run(namespace.daemon.ifquery, *arguments, "--list").split() == ["eth8"]


def test_pattern_that_cannot_be_spelled_otherwise_is_reported() -> None:
    text = f"{SOURCES}source /etc/network/interfaces.d/*.cfg\n"
    plan = ifupdown_ng.render(BoundNetwork(), Host(texts={INTERFACES: text}))
    [problem] = plan.problems
    assert problem.severity == "error"
    assert problem.where == INTERFACES
    assert "interfaces.d/*.cfg" in problem.message


def _listed(namespace: Namespace, text: str) -> list[str]:
    """What ifquery finds, with our file for eth0 below this /etc/network/interfaces."""
    plan = ifupdown_ng.render(BoundNetwork((nic("eth0"),)), Host(texts={INTERFACES: text}))
    arguments = [argument for argument in namespace.write(plan) if argument not in ("-X", "lo")]
    path = namespace.directory / INTERFACES.lstrip("/")
    if not path.exists():
        path.write_text(text.replace("/etc/network/", f"{path.parent}/"))
    return namespace.run(namespace.daemon.ifquery, *arguments, "--list").split()


def test_competing_stanza_is_reported_and_a_person_keeps_an_unlisted_nic() -> None:
    text = f"{SOURCES}auto eth0 eth9\niface eth0 inet dhcp\niface eth9 inet dhcp\niface eth00 inet dhcp\n"
    host = Host(texts={INTERFACES: text})
    plan = ifupdown_ng.render(BoundNetwork((STATIC,), (InterfaceName("eth9"),)), host)
    assert "eth9" not in plan.files[0].content
    assert [(problem.severity, str(problem)) for problem in plan.problems] == [
        ("warning", "/etc/network/interfaces: it configures eth0 too: its lines are added to ours"),
        ("info", "/etc/network/interfaces: eth9 is left to it"),
    ]


def test_gateway_of_the_other_family_needs_iproute2() -> None:
    """Which Debian's package depends on, and Alpine's does not."""
    routes = (Route(IPNetwork.parse("0.0.0.0/0"), IPAddress.parse("fe80::1")),)
    network = BoundNetwork((nic("eth0", addresses=addresses("192.0.2.5/24"), routes=routes, origin="links[0]"),))
    assert "up ip route replace 0.0.0.0/0 via inet6 fe80::1 dev eth0 || true\n" in stanzas(*network.interfaces)
    assert ifupdown_ng.render(network, Host(enabled=frozenset({"networking.service"}))).problems == ()
    [problem] = ifupdown_ng.render(network, Host(enabled=frozenset({"networking"}))).problems
    assert str(problem).startswith("links[0]: route.via=fe80::1 needs the package iproute2")


def test_origin_stays_in_its_comment() -> None:
    text = stanzas(nic("eth0", origin="a\n    up touch /pwned\x85iface \u2028x \\"))
    assert text.splitlines()[2] == "# a up touch /pwned iface x \\"


@pytest.mark.parametrize("service", ["networking", "networking.service"])
def test_available_only_where_a_service_runs_it(service: str) -> None:
    installed = frozenset({"ifupdown-ng"})
    assert "ifupdown-ng" in dict(running(Host(enabled=frozenset({service}), installed=installed)))
    assert "ifupdown-ng" not in dict(running(Host(enabled=frozenset({service}))))
    assert "ifupdown-ng" not in dict(
        running(Host(enabled=frozenset({"systemd-networkd.service"}), installed=installed))
    )
