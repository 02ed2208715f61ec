# SPDX-License-Identifier: Apache-2.0
"""What the ifupdown renderer writes, judged by Debian's ifup(8) and ifquery(8), and by what the kernel then has.

The kernel's part runs in network namespaces with veth pairs; bonds and VLANs, which need modules, are the VM tests'.
Nothing is installed: where there is no ifup, the package is fetched by apt-get and unpacked in a cache of its own.
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
from bootagent.renderers import _interfaces, ifupdown, running
from tests import strategies
from tests.debs import unpacked

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bootagent.model.plan import Plan

NEEDED = ("ip", "radvd")
SOURCES = "source /etc/network/interfaces.d/*\n"
SYSFS = "/sys/class/net"
SYSCTL = "/proc/sys/net/ipv6/conf"
UNIT = pathlib.Path(__file__).resolve().parents[1] / "systemd/bootagent-ifupdown.service"


class Daemon(NamedTuple):
    """The programs of one ifupdown."""

    ifup: str
    ifdown: str
    ifquery: str


@pytest.fixture(scope="session")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Daemon:
    """The programs as installed, or as apt-get gives it, under its three names."""
    lacking = [name for name in NEEDED if shutil.which(name) is None]
    assert not lacking, f"missing tools: {', '.join(lacking)}"
    assert os.geteuid() == 0, "network namespaces need root"
    program = shutil.which("ifup") or str(next(unpacked("ifupdown").glob("**/sbin/ifup")))
    directory = tmp_path_factory.mktemp("ifupdown")
    for name in Daemon._fields:
        (directory / name).symlink_to(program)
    return Daemon(*(str(directory / name) for name in Daemon._fields))


class Namespace:
    """A network namespace with NICs, whose other ends are in a second one, and an /etc/network."""

    def __init__(self, name: str, directory: pathlib.Path, daemon: Daemon) -> None:
        self.name, self.peer = f"{name}-m", f"{name}-p"
        self.directory, self.daemon = directory, daemon
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

    def run(self, *command: str, code: int = 0) -> str:
        result = subprocess.run(
            ["ip", "netns", "exec", self.name, *command], check=False, capture_output=True, text=True, timeout=60
        )
        assert result.returncode == code, result.stderr
        return result.stdout + result.stderr

    def ip(self, *arguments: str) -> Any:
        return json.loads(self.run("ip", "-j", *arguments) or "[]")

    def write(self, plan: Plan) -> list[str]:
        """The files of the plan, and the arguments that make ifup read them."""
        for file in plan.files:
            path = self.directory / file.path.lstrip("/")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(file.content.replace("/etc/network/", f"{self.directory}/etc/network/"))
        interfaces = f"{self.directory}/etc/network/interfaces"
        return ["--interfaces", interfaces, "--state-dir", f"{self.directory}/run", "--no-scripts", "--exclude=lo"]

    def up(self, network: BoundNetwork, *classes: str) -> str:
        """What networking.service does; and after it, with a class, what our own unit does."""
        arguments = self.write(ifupdown.render(network, Host()))
        return self.run(self.daemon.ifup, "-a", *classes, *arguments)

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
    plan = ifupdown.render(BoundNetwork(interfaces, names), Host(resolver=resolver))
    return next(file.content for file in plan.files if file.path == _interfaces.OURS)


STATIC = nic(
    "eth0",
    addresses=addresses("203.0.113.5/24", "2001:db8::5/64", "192.0.2.5/25", "2001:db8:1::5/64"),
    routes=(
        route("0.0.0.0/0", "198.51.100.1", 100, onlink=True),
        route("10.0.0.0/8", "192.0.2.1"),
        route("172.16.0.0/12"),
        route("::/0", "fe80::1"),
        route("2001:db8:f::/48", "2001:db8:1::1", 50),
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


def test_kernel_has_static_addresses_and_routes(namespace: Namespace) -> None:
    """Several addresses of both families, and routes in every shape: the second address's gateway, onlink, metric."""
    namespace.add_nic("eth0")
    namespace.up(BoundNetwork((STATIC,)))
    assert {"203.0.113.5/24", "192.0.2.5/25", "2001:db8::5/64", "2001:db8:1::5/64"} <= namespace.addresses("eth0")
    assert {
        "default 198.51.100.1 eth0 100 onlink",
        "10.0.0.0/8 192.0.2.1 eth0",
        "172.16.0.0/12 eth0",
    } == namespace.routes("-4")
    assert {"default fe80::1 eth0 1024", "2001:db8:f::/48 2001:db8:1::1 eth0 50"} == namespace.routes("-6")


def test_static_needs_no_carrier(namespace: Namespace) -> None:
    """A NIC whose cable comes later has all that is static, at once: no wait for duplicate address detection."""
    namespace.add_nic("eth0")
    subprocess.run(["ip", "-n", namespace.peer, "link", "set", "dev", "eth0", "down"], check=True)
    start = time.monotonic()
    namespace.up(BoundNetwork((STATIC,)))
    assert time.monotonic() - start < 3
    assert {"203.0.113.5/24", "192.0.2.5/25", "2001:db8::5/64", "2001:db8:1::5/64"} <= namespace.addresses("eth0")
    assert len(namespace.routes("-6")) == 2


def test_refused_route_costs_only_itself(namespace: Namespace) -> None:
    namespace.add_nic("eth0")
    routes = (route("10.0.0.0/8", "192.0.2.1"), route("10.1.0.0/16", "203.0.113.1"))
    namespace.up(BoundNetwork((nic("eth0", addresses=addresses("203.0.113.5/24", "2001:db8::5/64"), routes=routes),)))
    assert {"10.1.0.0/16 203.0.113.1 eth0"} == namespace.routes("-4")
    assert "2001:db8::5/64" in namespace.addresses("eth0")


def test_address_of_full_length_answers(namespace: Namespace) -> None:
    """203.0.113.5/32, whose broadcast address ifupdown computes to be the same, is still a local one."""
    namespace.add_nic("eth0")
    namespace.up(BoundNetwork((nic("eth0", addresses=addresses("203.0.113.5/32")),)))
    namespace.run("ip", "link", "set", "dev", "lo", "up")
    assert namespace.ip("route", "get", "203.0.113.5")[0]["type"] == "local"


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
    arguments = namespace.write(ifupdown.render(BoundNetwork((STATIC,)), Host()))
    namespace.run(namespace.daemon.ifup, "-a", *arguments)
    namespace.run(namespace.daemon.ifup, "-a", *arguments)
    namespace.run(namespace.daemon.ifdown, "-a", *arguments)
    assert namespace.addresses("eth0") == set()
    namespace.run(namespace.daemon.ifup, "-a", *arguments)
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
        VLAN._replace(label="bond0.8", name=InterfaceName("bond0.8"), vlan=Vlan(VlanId(8), "bond0")),
    ),
    (InterfaceName("eth9"),),
)


def test_ifquery_reads_every_stanza(namespace: Namespace) -> None:
    """It says nothing on stderr, and lists what the boot brings up apart from what it does not wait for."""
    arguments = namespace.write(ifupdown.render(EVERYTHING, Host(resolver="resolvconf")))
    listed = namespace.run(namespace.daemon.ifquery, "--list", *arguments).split()
    assert listed == ["eth0", "eth3", "eth4", "bond0", "vlan7", "bond0.8"]
    unawaited = namespace.run(namespace.daemon.ifquery, "--list", "--allow=bootagent", *arguments)
    assert unawaited.split() == ["eth5", "eth9"]
    assert namespace.run(namespace.daemon.ifquery, "--list", "--allow=hotplug", *arguments) == ""
    for name in ("eth1", "eth2"):
        namespace.run(namespace.daemon.ifquery, name, *arguments)


def test_ifup_makes_bond_before_vlan(namespace: Namespace) -> None:
    """The dry run of ifup: the commands in the order in which it would run them."""
    arguments = namespace.write(ifupdown.render(BoundNetwork((*MEMBERS, BOND, VLAN)), Host()))
    lines = namespace.run(namespace.daemon.ifup, "-a", "--no-act", *arguments).splitlines()
    wanted = [
        f"[ -d {SYSFS}/bond0 ] || ip link add dev bond0 address 52:54:00:00:00:02 type bond mode 802.3ad",
        f"echo 100 >{SYSFS}/bond0/bonding/miimon || true",
        f"echo 200 >{SYSFS}/bond0/bonding/updelay || true",
        f"echo +192.0.2.1 >{SYSFS}/bond0/bonding/arp_ip_target || true",
        f"echo +192.0.2.2 >{SYSFS}/bond0/bonding/arp_ip_target || true",
        f"echo 1 >{SYSCTL}/bond0/addr_gen_mode || true",
        "ip link set dev eth1 down && ip link set dev eth1 master bond0 && ip link set dev eth1 up || true",
        "ip link set dev eth2 down && ip link set dev eth2 master bond0 && ip link set dev eth2 up || true",
        f"echo eth2 >{SYSFS}/bond0/bonding/primary || true",
        "ip link set dev bond0 mtu 9000 || true",
        f"[ -d {SYSFS}/vlan7 ] || ip link add link bond0 name vlan7 address 52:54:00:00:00:03 type vlan id 7",
        "ip addr add 10.7.0.5/255.255.255.0 broadcast 10.7.0.255 \t  dev vlan7 label vlan7",
        "ip link set dev vlan7 mtu 1500 || true",
        "ip address replace 10.7.0.5/24 dev vlan7 || true",
    ]
    assert wanted == [line for line in lines if line in wanted]


def test_vlan_with_a_misleading_name_is_made_anew() -> None:
    """By itself, ifupdown makes eth0.7 above eth0, whatever the document says of it."""
    text = stanzas(nic("eth0"), nic("eth1"), VLAN._replace(name=InterfaceName("eth0.7"), vlan=Vlan(VlanId(8), "eth1")))
    assert "    pre-up ip link del dev eth0.7 2>/dev/null || true\n" in text
    assert "ip link add link eth1 name eth0.7 address 52:54:00:00:00:03 type vlan id 8\n" in text
    assert "post-down" not in text


def test_vlan_with_the_name_that_ifupdown_makes_keeps_its_address() -> None:
    text = stanzas(nic("eth0"), VLAN._replace(name=InterfaceName("eth0.7"), vlan=Vlan(VlanId(7), "eth0")))
    assert "ip link del" not in text
    assert "    pre-up ip link set dev eth0.7 address 52:54:00:00:00:03\n" in text


@pytest.mark.parametrize("mac", ["52:54:00:00:00:01", None])
def test_absent_nic_is_reported_and_costs_what_needs_it(mac: str | None) -> None:
    """The bond keeps its other member; the VLAN above the absent NIC is left out."""
    absent = Interface("absent", match=Match(MacAddress(mac) if mac else None), origin="network_data.json: links[3]")
    bond = BOND._replace(bond=Bond("active-backup", (), ("eth1", "absent"), "absent"))
    orphan = VLAN._replace(name=InterfaceName("vlan9"), vlan=Vlan(VlanId(9), "absent"), origin="links[4]")
    plan = ifupdown.render(BoundNetwork((MEMBERS[0], absent, bond, VLAN, orphan)), Host())
    text = plan.files[0].content
    assert "set dev eth1 master bond0" in text
    assert "bonding/primary" not in text
    assert "vlan7" in text
    assert "vlan9" not in text
    assert [(problem.severity, str(problem)) for problem in plan.problems] == [
        ("error", f"network_data.json: links[3]: no NIC {f'with the address {mac}' if mac else 'for this link'}"),
        ("error", "links[4]: the parent of vlan9 is not there: left out"),
    ]


def test_bond_without_any_member_is_left_out() -> None:
    plan = ifupdown.render(BoundNetwork((BOND, VLAN)), Host())
    assert "iface" not in plan.files[0].content
    assert [problem.severity for problem in plan.problems] == ["error", "error"]


def test_dhcp_waits_for_nobody_where_it_is_not_required() -> None:
    """Only a device that may wait for a server is taken out of the boot."""
    text = stanzas(
        nic("eth0", dhcp4=True, required=False),
        nic("eth1", addresses=addresses("192.0.2.5/24"), required=False),
        nic("eth2", dhcp4=True, metric=200),
        unlisted=("eth3",),
    )
    assert "allow-bootagent eth0\n" in text
    assert "auto eth1\n" in text
    assert "auto eth2\n" in text
    assert "allow-bootagent eth3\niface eth3 inet manual\n    up if command -v dhclient" in text


def test_the_unit_finds_the_names_of_those_and_no_file_where_there_is_none() -> None:
    """No process is started on a machine whose document names every NIC."""
    devices = (nic("eth0", dhcp4=True, required=False), nic("eth1", addresses=addresses("192.0.2.5/24")))
    plan = ifupdown.render(BoundNetwork(devices, unlisted=(InterfaceName("eth3"),)), Host())
    assert [file.content for file in plan.files if file.path == ifupdown.LATER] == ["later eth0\nlater eth3\n"]
    plan = ifupdown.render(BoundNetwork(devices[1:]), Host())
    assert ifupdown.LATER not in [file.path for file in plan.files]
    unit = UNIT.read_text(encoding="ascii")
    assert f"\nConditionPathExists={ifupdown.LATER}\n" in unit
    assert f"done <{ifupdown.LATER}; wait'" in unit
    assert "ExecCondition" not in unit


def test_dhcp_clients_get_the_metric_and_leave_advertisements_to_the_kernel() -> None:
    """Each client's own spelling; dhcpcd would otherwise answer advertisements itself."""
    text = stanzas(nic("eth0", dhcp4=True, dhcp6="stateful", ra="routes", metric=200))
    files = "-pf /run/dhclient.eth0.pid -lf /var/lib/dhcp/dhclient.eth0.leases"
    assert f"then dhclient -4 -i {files} -e IF_METRIC=200 eth0; " in text
    assert "then udhcpc -n -p /run/udhcpc.eth0.pid -i eth0; " in text
    assert "else dhcpcd -4 -L -m 200 eth0; fi\n" in text
    assert "else dhcpcd -6 --noipv6rs --ia_na eth0; fi\n" in text


@settings(max_examples=50, deadline=None)
@given(network=strategies.bound_networks())
def test_every_network_is_read_without_complaint(
    daemon: Daemon, tmp_path_factory: pytest.TempPathFactory, network: BoundNetwork
) -> None:
    """By ifquery: each device by name, nothing on stderr.  By sh -n: each command that ifup would give to it."""
    directory = tmp_path_factory.mktemp("any")
    text = ifupdown.render(network, Host(resolver="resolvconf")).files[0].content
    (directory / "interfaces").write_text(text)
    names = sorted({line.split()[1] for line in text.splitlines() if line.startswith("iface ")})
    arguments = ["--interfaces", str(directory / "interfaces"), "--state-dir", str(directory)]
    command = [daemon.ifquery, "--list", *arguments, "lo", *names]
    result = subprocess.run(command, check=True, capture_output=True, text=True)
    assert (result.stdout.split(), result.stderr) == (["lo", *names], "")
    words = [line.strip().partition(" ") for line in text.splitlines()]
    commands = [command for word, _, command in words if word in ("pre-up", "up", "down", "post-down")]
    subprocess.run(["sh", "-n"], input="\n".join(commands), check=True, text=True)


def test_static_comes_before_dhcp() -> None:
    """A server that does not answer costs nothing that is static."""
    text = stanzas(STATIC._replace(dhcp4=True, dhcp6="stateful", ra="full"))
    methods = [line.split(maxsplit=2)[2] for line in text.splitlines() if line.startswith("iface")]
    static = ["inet static"] * 2 + ["inet6 static"] * 2
    assert methods == [*static, "inet6 manual", "inet manual", "inet6 manual"]
    assert text.rindex("up ip -6 route") < text.index("dhclient")


@pytest.mark.parametrize(("resolver", "fed"), [("resolvconf", True), ("systemd-resolved", False), ("", False)])
def test_dns_goes_to_the_last_stanza_where_it_is_read(resolver: str, fed: bool) -> None:
    """The hook of resolvconf runs per stanza: the empty record of a later one would replace an earlier one's."""
    domains = DomainName("a.example"), DomainName("b.example")
    dns = Dns((IPAddress.parse("192.0.2.53"), IPAddress.parse("2001:db8::53")), domains)
    text = stanzas(STATIC._replace(dns=dns), resolver=resolver)
    assert fed == text.endswith("    dns-nameservers 192.0.2.53 2001:db8::53\n    dns-search a.example b.example\n")
    assert text.count("dns-") == (2 if fed else 0)


def _edited(text: str | None) -> str | None:
    texts = {} if text is None else {_interfaces.INTERFACES: text}
    files = ifupdown.render(BoundNetwork(), Host(texts=texts)).files
    edited = {file.path: file for file in files}.get(_interfaces.INTERFACES)
    assert edited is None or edited.block
    return edited.content if edited else None


@pytest.mark.parametrize(
    "line",
    [
        "source /etc/network/interfaces.d/*",
        "  source\tinterfaces.d/*",
        "source /etc/network/interfaces.d/50-bootagent",
        "source-directory /etc/network/interfaces.d",
        "source-directory interfaces.d/",
    ],
)
def test_interfaces_that_sources_ours_is_left_alone(namespace: Namespace, line: str) -> None:
    text = f"# mine\nauto lo\niface lo inet loopback\n{line}\n"
    assert _edited(text) is None
    assert _listed(namespace, text) == ["eth0"]


@pytest.mark.parametrize(
    "text",
    [
        None,
        "\n",
        "auto lo\niface lo inet loopback\n",
        "iface eth8 inet static\n  address 192.0.2.1/24",
        "iface eth8 inet manual\n    up true \\\n",
        "#source /etc/network/interfaces.d/*\n",
        "source /etc/network/interfaces.d/*.cfg\n",
        "source /etc/network/other.d/*\n",
    ],
)
def test_interfaces_is_edited_once_so_that_it_sources_ours(namespace: Namespace, text: str | None) -> None:
    """What was there stays as it was, ifupdown finds our file, and the next run changes nothing."""
    edited = _edited(text)
    assert edited is not None
    assert edited.startswith((text or "").rstrip())
    assert _edited(edited) == edited
    assert _listed(namespace, edited) == ["eth0"]


def _listed(namespace: Namespace, text: str) -> list[str]:
    """What ifquery finds to be brought up, with our file for eth0 below this /etc/network/interfaces."""
    plan = ifupdown.render(BoundNetwork((nic("eth0"),)), Host(texts={_interfaces.INTERFACES: text}))
    arguments = namespace.write(plan)
    path = namespace.directory / "etc/network/interfaces"
    if not path.exists():
        path.write_text(text.replace("/etc/network/", f"{path.parent}/"))
    return namespace.run(namespace.daemon.ifquery, "--list", *arguments).split()


def test_competing_stanza_is_reported_and_a_person_keeps_an_unlisted_nic() -> None:
    text = f"{SOURCES}auto eth0 eth9\niface eth0 inet dhcp\niface eth9 inet dhcp\niface eth00 inet dhcp\n"
    host = Host(texts={_interfaces.INTERFACES: text})
    plan = ifupdown.render(BoundNetwork((STATIC,), (InterfaceName("eth9"),)), host)
    assert "eth9" not in plan.files[0].content
    assert [(problem.severity, str(problem)) for problem in plan.problems] == [
        ("warning", "/etc/network/interfaces: it configures eth0 too: a competing stanza"),
        ("info", "/etc/network/interfaces: eth9 is left to it"),
    ]


def test_origin_stays_in_its_comment() -> None:
    text = stanzas(nic("eth0", origin="a\n    up touch /pwned\x85iface \u2028x \\"))
    assert text.splitlines()[2] == "# a up touch /pwned iface x \\"


def test_available_only_where_networking_service_runs() -> None:
    assert "ifupdown" in dict(running(Host(enabled=frozenset({"networking.service"}))))
    assert "ifupdown" not in dict(running(Host(enabled=frozenset({"systemd-networkd.service"}))))
