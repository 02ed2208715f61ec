# SPDX-License-Identifier: Apache-2.0
"""The networkd renderer, against files written by hand from the manual, its table of keys, and the daemon itself."""

from __future__ import annotations

import json
import os
import re
import subprocess
import time
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings

from bootagent.host import Host, Nic
from bootagent.model.bond import MODES
from bootagent.model.network import Address, Bond, BoundNetwork, Dns, Interface, Match, Route, Vlan
from bootagent.model.values import DomainName, InterfaceName, MacAddress, Mtu, VlanId
from bootagent.renderers import render_for, running
from tests import strategies
from tests.test_renderers import ip, net, nic

if TYPE_CHECKING:
    from pathlib import Path

DAEMON = "/lib/systemd/systemd-networkd"

NAME = r"[\w.-]{1,15}"
V4 = r"\d+\.\d+\.\d+\.\d+"
IP = rf"({V4}|[0-9a-f:.]*:[0-9a-f:.]*)"
MAC = r"([0-9a-f]{2}:){5}[0-9a-f]{2}"
NUMBER = r"\d+"
SWITCH = r"(yes|no)"
MILLISECONDS = r"\d+ms"

# Section, key, grammar of the value: systemd.network(5) of systemd 247, 252 and 257, and what the first of them lacks.
NETWORK_KEYS = {
    "Match": {
        "PermanentMACAddress": MAC,
        "Name": rf"{NAME}( {NAME})*",
        "Driver": r"!?[\w ]+",
        "Type": "ether",
        "Kind": r"!\*",  # 251
    },
    "Link": {"MTUBytes": NUMBER, "RequiredForOnline": r"(no|carrier)"},
    "Network": {
        "DHCP": r"(no|ipv4|ipv6|yes)",
        "LinkLocalAddressing": r"(no|ipv6)",
        "IPv6AcceptRA": SWITCH,
        "Bond": NAME,
        "PrimarySlave": "yes",
        "VLAN": NAME,
        "DNS": IP,
        "Domains": r"[\w.-]+( [\w.-]+)*",
    },
    "Address": {"Address": rf"{IP}/\d+"},
    "Route": {
        "Destination": rf"{IP}/\d+",
        "Gateway": IP,
        "GatewayOnLink": "yes",
        "Metric": NUMBER,
        "Scope": "link",
    },
    "DHCPv4": {"RouteMetric": NUMBER, "UseMTU": "yes"},
    "DHCPv6": {"RouteMetric": NUMBER, "WithoutRA": r"(solicit|information-request)"},
    "IPv6AcceptRA": {"UseAutonomousPrefix": "no", "DHCPv6Client": "no", "RouteMetric": NUMBER},  # RouteMetric: 249
}
# systemd.netdev(5) of the same versions.
NETDEV_KEYS = {
    "NetDev": {"Name": NAME, "Kind": r"(bond|vlan)", "MACAddress": MAC},
    "VLAN": {"Id": NUMBER},
    "Bond": {
        "Mode": "|".join(map(re.escape, MODES)),
        "TransmitHashPolicy": r"layer2|layer3\+4|layer2\+3|encap2\+3|encap3\+4",
        "LACPTransmitRate": "slow|fast",
        "MIIMonitorSec": MILLISECONDS,
        "PeerNotifyDelaySec": MILLISECONDS,  # 256
        "UpDelaySec": MILLISECONDS,
        "DownDelaySec": MILLISECONDS,
        "LearnPacketIntervalSec": r"\d+s",
        "AdSelect": "stable|bandwidth|count",
        "AdActorSystemPriority": NUMBER,
        "AdUserPortKey": NUMBER,
        "AdActorSystem": MAC,
        "FailOverMACPolicy": "none|active|follow",
        "ARPValidate": "none|active|backup|all",
        "ARPIntervalSec": MILLISECONDS,
        "ARPIPTargets": rf"{V4}( {V4}){{0,15}}",
        "ARPAllTargets": "any|all",
        "PrimaryReselectPolicy": "always|better|failure",
        "ResendIGMP": NUMBER,
        "PacketsPerSlave": NUMBER,
        "GratuitousARP": NUMBER,
        "AllSlavesActive": SWITCH,
        "DynamicTransmitLoadBalancing": SWITCH,
        "MinLinks": NUMBER,
        "ARPMissedMax": NUMBER,  # 256
    },
}
REPEATED = {"Network": {"VLAN", "DNS"}}  # keys that may stand several times in one section


def files_of(*interfaces: Interface, host: Host | None = None, **network: Any) -> dict[str, str]:
    """What is written, by file name."""
    plan = render_for("networkd", BoundNetwork(interfaces, **network), host or Host())
    return {os.path.basename(file.path): file.content for file in plan.files}


def network_of(interface: Interface) -> str:
    """The ``.network`` file of one interface, without its first line."""
    return files_of(interface)[f"05-bootagent-{interface.label}.network"].partition("\n")[2]


def bond_of(mode: str, *options: tuple[str, str]) -> tuple[list[str], list[tuple[str, str]]]:
    """The lines of [Bond] behind ``Mode=``, and the problems."""
    bond = Interface("bond0", InterfaceName("bond0"), bond=Bond(mode, options), origin="here")
    plan = render_for("networkd", BoundNetwork((bond,)), Host())
    lines = plan.files[0].content.partition("[Bond]\n")[2].splitlines()
    assert lines[0] == f"Mode={mode}"
    assert all(problem.where == "here" for problem in plan.problems)
    return lines[1:], [(problem.severity, problem.message) for problem in plan.problems]


def test_a_dual_stack_static_nic() -> None:
    """Each address and route has a section; a default route has its destination written out."""
    gateway = ip("203.0.113.1")
    interface = nic(
        0,
        mtu=Mtu(1442),
        addresses=(Address(ip("192.0.2.5/32")), Address(ip("2001:db8::5/64"))),
        routes=(
            Route(net("0.0.0.0/0"), gateway, 100, onlink=True),
            Route(net("::/0"), ip("fe80::1")),
            Route(net("198.51.100.0/24")),
            Route(net("2001:db8:1::/48"), metric=0),
        ),
        dns=Dns((ip("192.0.2.53"), ip("2001:db8::53")), (DomainName("a.example"), DomainName("b.example"))),
    )

    assert files_of(interface) == {
        "05-bootagent-eth0.network": """\
# Generated by bootagent from network_data.json: links[0]
[Match]
PermanentMACAddress=fa:16:3e:00:00:00

[Link]
MTUBytes=1442

[Network]
DHCP=no
LinkLocalAddressing=ipv6
IPv6AcceptRA=no
DNS=192.0.2.53
DNS=2001:db8::53
Domains=a.example b.example

[Address]
Address=192.0.2.5/32

[Address]
Address=2001:db8::5/64

[Route]
Destination=0.0.0.0/0
Gateway=203.0.113.1
GatewayOnLink=yes
Metric=100

[Route]
Destination=::/0
Gateway=fe80::1

[Route]
Destination=198.51.100.0/24
Scope=link

[Route]
Destination=2001:db8:1::/48
Metric=0
"""
    }


def test_dhcp_takes_the_mtu_that_the_document_does_not_give() -> None:
    """Without an MTU of our own the lease's counts, and the metric is the lease's routes'."""
    assert (
        network_of(nic(0, dhcp4=True, metric=200))
        == """\
[Match]
PermanentMACAddress=fa:16:3e:00:00:00

[Network]
DHCP=ipv4
LinkLocalAddressing=ipv6
IPv6AcceptRA=no

[DHCPv4]
RouteMetric=200
UseMTU=yes
"""
    )
    assert "[DHCPv4]" not in network_of(nic(0, dhcp4=True, mtu=Mtu(1400)))


STATIC6 = "[Address]\nAddress=2001:db8::5/64\n\n"
RA = "LinkLocalAddressing=ipv6\nIPv6AcceptRA=yes\n\n"
FULL = "[IPv6AcceptRA]\nDHCPv6Client=no\n"
ROUTES = "[IPv6AcceptRA]\nUseAutonomousPrefix=no\nDHCPv6Client=no\n"
STATEFUL = "[DHCPv6]\nWithoutRA=solicit\n\n"
STATELESS = "[DHCPv6]\nWithoutRA=information-request\n"
METRIC = "RouteMetric=300\n"


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"ra": "full"}, f"DHCP=no\n{RA}{FULL}"),
        ({"ra": "routes", "addresses": (Address(ip("2001:db8::5/64")),)}, f"DHCP=no\n{RA}{STATIC6}{ROUTES}"),
        ({"ra": "routes", "dhcp6": "stateful"}, f"DHCP=ipv6\n{RA}{STATEFUL}{ROUTES}"),
        (
            {"ra": "full", "dhcp6": "stateless", "metric": 300},
            f"DHCP=ipv6\n{RA}{STATELESS}{METRIC}\n{FULL}{METRIC}",
        ),
        (
            {"dhcp4": True, "ra": "full", "dhcp6": "stateful"},
            f"DHCP=yes\n{RA}[DHCPv4]\nUseMTU=yes\n\n{STATEFUL}{FULL}",
        ),
        ({}, "DHCP=no\nLinkLocalAddressing=no\nIPv6AcceptRA=no\n"),
    ],
)
def test_the_ways_of_ipv6(fields: dict[str, Any], expected: str) -> None:
    """DHCPv6 starts when the document says so, whatever flags a router sets, and never when it does not."""
    assert network_of(nic(0, **fields)).partition("[Network]\n")[2] == expected


@pytest.mark.parametrize(
    ("match", "expected"),
    [
        (Match(mac=MacAddress("FA-16-3E-00-11-22")), "PermanentMACAddress=fa:16:3e:00:11:22"),
        (Match(name=InterfaceName("ibp3s0")), "Name=ibp3s0"),
        (
            Match(mac=MacAddress("fa:16:3e:00:11:22"), driver="mlx5_core"),
            "PermanentMACAddress=fa:16:3e:00:11:22\nDriver=mlx5_core",
        ),
        (None, "Name=eth0"),
        (Match(), "Name=eth0"),
    ],
)
def test_how_a_device_is_matched(match: Match | None, expected: str) -> None:
    """Every part that is given is asked for; a section without any would match every device of the machine."""
    text = network_of(nic(0)._replace(match=match))

    assert text.startswith(f"[Match]\n{expected}\n\n[Network]\n")


def test_a_bond_with_a_vlan_above() -> None:
    """Members join by name and have no address; the VLAN is made above its parent; a header names each origin."""
    members = (
        nic(1, master=InterfaceName("bond0"), required=False),
        nic(2, master=InterfaceName("bond0"), required=False),
    )
    bond = Interface(
        "bond0",
        InterfaceName("bond0"),
        mac=MacAddress("fa:16:3e:00:00:99"),
        mtu=Mtu(9000),
        bond=Bond("active-backup", (("updelay", "200"), ("miimon", "100")), ("eth1", "eth2"), "eth2"),
        required=False,
        origin="network_data.json: links[3]",
    )
    vlan = Interface(
        "vlan20",
        InterfaceName("vlan20"),
        mtu=Mtu(1500),
        addresses=(Address(ip("192.0.2.5/24")),),
        vlan=Vlan(VlanId(20), "bond0"),
        origin="network_data.json: links[4]",
    )
    unaddressed = "DHCP=no\nLinkLocalAddressing=no\nIPv6AcceptRA=no\n"

    files = files_of(*members, bond, vlan)

    assert list(files) == [
        "05-bootagent-eth1.network",
        "05-bootagent-eth2.network",
        "05-bootagent-bond0.netdev",
        "05-bootagent-bond0.network",
        "05-bootagent-vlan20.netdev",
        "05-bootagent-vlan20.network",
    ]
    assert files["05-bootagent-eth1.network"].endswith(
        f"[Link]\nRequiredForOnline=no\n\n[Network]\n{unaddressed}Bond=bond0\n"
    )
    assert files["05-bootagent-eth2.network"].endswith(f"[Network]\n{unaddressed}Bond=bond0\nPrimarySlave=yes\n")
    assert files["05-bootagent-bond0.netdev"] == (
        "# Generated by bootagent from network_data.json: links[3]\n"
        "[NetDev]\nName=bond0\nKind=bond\nMACAddress=fa:16:3e:00:00:99\n\n"
        "[Bond]\nMode=active-backup\nMIIMonitorSec=100ms\nUpDelaySec=200ms\n"
    )
    assert files["05-bootagent-bond0.network"] == (
        "# Generated by bootagent from network_data.json: links[3]\n"
        f"[Match]\nName=bond0\n\n[Link]\nMTUBytes=9000\nRequiredForOnline=carrier\n\n[Network]\n{unaddressed}VLAN=vlan20\n"
    )
    assert files["05-bootagent-vlan20.netdev"] == (
        "# Generated by bootagent from network_data.json: links[4]\n[NetDev]\nName=vlan20\nKind=vlan\n\n[VLAN]\nId=20\n"
    )
    assert files["05-bootagent-vlan20.network"].startswith(
        "# Generated by bootagent from network_data.json: links[4]\n"
        "[Match]\nName=vlan20\n\n[Link]\nMTUBytes=1500\n\n[Network]\n"
    )


def test_a_bond_without_an_address_takes_its_first_member_s() -> None:
    """As the kernel would; networkd would make one up, which no port security lets through."""
    members = (nic(2, master=InterfaceName("bond0")), nic(1, master=InterfaceName("bond0")))
    bond = Interface("bond0", InterfaceName("bond0"), bond=Bond("802.3ad", (), ("eth1", "eth2")))

    assert "\nMACAddress=fa:16:3e:00:00:01\n" in files_of(*members, bond)["05-bootagent-bond0.netdev"]


def test_vlans_stand_in_order_and_a_made_address_is_kept() -> None:
    """``VLAN=`` once for each, in the order of the document."""
    vlans = [
        Interface(name, InterfaceName(name), mac=MacAddress("fa:16:3e:00:00:aa"), vlan=Vlan(VlanId(7), "eth0"))
        for name in ("vlan9", "vlan10", "vlan8")
    ]

    files = files_of(nic(0), *vlans)

    assert "VLAN=vlan9\nVLAN=vlan10\nVLAN=vlan8\n" in files["05-bootagent-eth0.network"]
    assert "Kind=vlan\nMACAddress=fa:16:3e:00:00:aa\n" in files["05-bootagent-vlan9.netdev"]


def test_bond_options_have_units_and_the_manual_s_order() -> None:
    """A number without a unit would be seconds."""
    options = (
        ("min_links", "1"),
        ("all_slaves_active", "1"),
        ("num_grat_arp", "255"),
        ("lp_interval", "5"),
        ("downdelay", "0"),
        ("miimon", "50"),
        ("xmit_hash_policy", "layer3+4"),
        ("peer_notif_delay", "300"),
        ("lacp_rate", "fast"),
        ("ad_actor_system", "fa:16:3e:00:00:50"),
    )

    lines, problems = bond_of("802.3ad", *options)

    assert problems == []
    assert lines == [
        "TransmitHashPolicy=layer3+4",
        "LACPTransmitRate=fast",
        "MIIMonitorSec=50ms",
        "PeerNotifyDelaySec=300ms",
        "DownDelaySec=0ms",
        "LearnPacketIntervalSec=5s",
        "AdActorSystem=fa:16:3e:00:00:50",
        "GratuitousARP=255",
        "AllSlavesActive=yes",
        "MinLinks=1",
    ]


def test_arp_monitoring() -> None:
    """Targets are parted by blanks."""
    lines, problems = bond_of(
        "active-backup",
        ("arp_interval", "1000"),
        ("arp_ip_target", "192.0.2.1,192.0.2.2"),
        ("arp_validate", "all"),
        ("arp_missed_max", "3"),
    )

    assert problems == []
    assert lines == [
        "ARPValidate=all",
        "ARPIntervalSec=1000ms",
        "ARPIPTargets=192.0.2.1 192.0.2.2",
        "ARPMissedMax=3",
    ]


@pytest.mark.parametrize(
    ("mode", "option"),
    [
        ("active-backup", ("use_carrier", "0")),
        ("802.3ad", ("lacp_active", "off")),
        ("802.3ad", ("xmit_hash_policy", "vlan+srcmac")),
        ("active-backup", ("arp_validate", "filter_active")),
        ("balance-alb", ("tlb_dynamic_lb", "1")),
    ],
)
def test_what_networkd_cannot_say_is_left_out_and_reported(mode: str, option: tuple[str, str]) -> None:
    """No key, or no such value of it: https://github.com/systemd/systemd/blob/main/src/network/netdev/bond.c."""
    lines, problems = bond_of(mode, option)

    assert lines == []
    assert [severity for severity, _ in problems] == ["warning"]
    assert f"bond.{option[0]}" in problems[0][1]


def test_an_option_that_says_the_default_is_no_warning() -> None:
    """Nothing is lost: the kernel does that anyway."""
    _, problems = bond_of("802.3ad", ("use_carrier", "1"), ("lacp_active", "on"))

    assert [severity for severity, _ in problems] == ["info", "info"]


UNLISTED = """\
# Generated by bootagent: DHCP for each NIC that the document does not name
[Match]
Type=ether
Kind=!*
Driver=!veth tun dummy openvswitch

[Link]
RequiredForOnline=no

[Network]
DHCP=yes
LinkLocalAddressing=ipv6
IPv6AcceptRA=yes

[DHCPv4]
RouteMetric=4096
UseMTU=yes

[DHCPv6]
RouteMetric=4096

[IPv6AcceptRA]
RouteMetric=4096
"""


def test_nics_that_the_document_does_not_name() -> None:
    """Every physical NIC, there or not, without a name; not where there is to be no fallback."""
    assert files_of(nic(0), unlisted=())["90-bootagent-unlisted.network"] == UNLISTED
    assert files_of(nic(0), unlisted=(InterfaceName("eth9"),))["90-bootagent-unlisted.network"] == UNLISTED
    assert list(files_of(nic(0))) == ["05-bootagent-eth0.network"]


def test_online_wants_one_required_link() -> None:
    """Where nothing else is required, wait-online would fail after its whole timeout, lease or not."""
    expected = UNLISTED.replace("[Link]\nRequiredForOnline=no\n\n", "")

    assert files_of(unlisted=()) == {"90-bootagent-unlisted.network": expected}
    assert files_of(nic(0, required=False), unlisted=())["90-bootagent-unlisted.network"] == expected


def test_infiniband_nics_that_the_document_does_not_name() -> None:
    """They have the kind "ipoib", so they are named."""
    address = MacAddress("80:00:02:08:fe:80:00:00:00:00:00:00:e4:1d:2d:03:00:48:aa:01")
    host = Host(nics=(Nic(InterfaceName("ib0"), address), Nic(InterfaceName("eth9"), MacAddress("fa:16:3e:00:00:09"))))

    files = files_of(nic(0), unlisted=(InterfaceName("ib0"), InterfaceName("eth9")), host=host)

    assert files["90-bootagent-unlisted.network"] == UNLISTED
    assert files["90-bootagent-unlisted-infiniband.network"] == UNLISTED.replace(
        "Type=ether\nKind=!*\nDriver=!veth tun dummy openvswitch\n", "Name=ib0\n"
    )


def test_files_are_the_daemon_s_to_read_and_nobody_s_to_guess() -> None:
    """Mode and owner of every file; networkd runs as systemd-network."""
    for file in render_for("networkd", BoundNetwork((nic(0),), ()), Host()).files:
        assert (file.mode, file.owner) == (0o640, "root:systemd-network")
        assert file.path.startswith("/etc/systemd/network/")


def test_it_is_available_where_it_is_enabled() -> None:
    assert "networkd" in dict(running(Host(enabled=frozenset({"systemd-networkd.service"}))))
    assert "networkd" not in dict(running(Host(enabled=frozenset({"networking.service"}))))


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(network=strategies.bound_networks(), host=strategies.hosts())
def test_every_line_stands_in_the_manual(network: BoundNetwork, host: Host) -> None:
    """Every key is one of its section, every value of the key's grammar, no key twice where only the last counts."""
    for file in render_for("networkd", network, host).files:
        keys = NETDEV_KEYS if file.path.endswith(".netdev") else NETWORK_KEYS
        comment, _, body = file.content.partition("\n")
        assert comment.startswith("# Generated by bootagent")
        for block in body[:-1].split("\n\n"):
            title, *lines = block.split("\n")
            seen = set()
            for line in lines:
                key, _, value = line.partition("=")
                assert re.fullmatch(keys[title[1:-1]][key], value), f"{title} {line}"
                assert key not in seen or key in REPEATED.get(title[1:-1], ())
                seen.add(key)
            assert seen


def in_namespace(tmp_path: Path, interfaces: tuple[Interface, ...], ready: str, script: str) -> tuple[str, str]:
    """The log of the daemon that is installed here, and what ``script`` prints once ``ready`` succeeds.

    It sees a namespace with a veth pair eth0 and peer0, an empty /run and these files: nothing of this machine.
    """
    for file in render_for("networkd", BoundNetwork(interfaces, ()), Host()).files:
        place = tmp_path / os.path.basename(file.path)
        place.write_text(file.content)
        place.chmod(0o644)
    tmp_path.chmod(0o755)
    shell = f"""
        set -e
        mount --make-rprivate /
        mount -t tmpfs run /run
        install -d -o systemd-network -g systemd-network /run/systemd/netif
        mount -t tmpfs etc /etc/systemd/network
        cp {tmp_path}/*.net* /etc/systemd/network/
        mount -t sysfs -o ro sysfs /sys
        ip link set lo up
        ip link add eth0 type veth peer name peer0
        ip link set peer0 up
        SYSTEMD_LOG_TARGET=console {DAEMON} >{tmp_path}/log 2>&1 &
        for _ in $(seq 100); do {ready} && break; sleep 0.2; done
        {script}
        kill %1 2>/dev/null || kill $!
        wait || true
    """
    command = ["unshare", "--net", "--mount", "--pid", "--fork", "--mount-proc", "bash", "-c", shell]
    result = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert result.returncode == 0, result.stderr
    return (tmp_path / "log").read_text(), result.stdout


def test_the_daemon_takes_every_line_and_the_kernel_gets_it(tmp_path: Path) -> None:
    """The installed daemon reads all kinds of files without a complaint, and does what one of them says."""
    members = (nic(1, master=InterfaceName("bond0")), nic(2, master=InterfaceName("bond0")))
    bond = Interface(
        "bond0",
        InterfaceName("bond0"),
        bond=Bond("active-backup", (("miimon", "100"), ("updelay", "200")), ("eth1", "eth2"), "eth1"),
    )
    vlan = Interface("vlan20", InterfaceName("vlan20"), dhcp4=True, vlan=Vlan(VlanId(20), "bond0"))
    dynamic = nic(3, dhcp4=True, ra="full", dhcp6="stateful", metric=200)
    static = nic(
        0,
        mtu=Mtu(1442),
        addresses=(Address(ip("192.0.2.5/24")), Address(ip("2001:db8::5/64"))),
        routes=(
            Route(net("0.0.0.0/0"), ip("203.0.113.1"), 100, onlink=True),
            Route(net("::/0"), ip("fe80::1")),
            Route(net("198.51.100.0/24")),
        ),
        dns=Dns((ip("192.0.2.53"),), (DomainName("a.example"),)),
    )._replace(match=Match(name=InterfaceName("eth0")))  # a veth has no permanent address
    ready = "ip -6 route show dev eth0 | grep -q ^default"
    script = "ip -j addr show eth0; ip -j route show dev eth0; ip -j -6 route show dev eth0"

    log, output = in_namespace(tmp_path, (static, *members, bond, vlan, dynamic), ready, script)

    assert [line for line in log.splitlines() if line.startswith("/etc/systemd/network/")] == []
    link, routes4, routes6 = (json.loads(line) for line in output.splitlines())
    assert link[0]["mtu"] == 1442
    addresses = {f"{address['local']}/{address['prefixlen']}" for address in link[0]["addr_info"]}
    assert {"192.0.2.5/24", "2001:db8::5/64"} <= addresses
    default = next(route for route in routes4 if route["dst"] == "default")
    assert (default["gateway"], default["metric"], default["flags"]) == ("203.0.113.1", 100, ["onlink"])
    assert next(route["scope"] for route in routes4 if route["dst"] == "198.51.100.0/24") == "link"
    assert next(route["gateway"] for route in routes6 if route["dst"] == "default") == "fe80::1"


def test_many_interfaces_cost_in_proportion() -> None:
    """Eight times the VLANs take no more than about eight times the time."""

    def seconds(count: int) -> float:
        vlans = [Interface(f"v{i}", InterfaceName(f"v{i}"), vlan=Vlan(VlanId(i + 1), "eth0")) for i in range(count)]
        network = BoundNetwork((nic(0), *vlans))
        start = time.process_time()
        render_for("networkd", network, Host())
        return time.process_time() - start

    assert min(seconds(2048) for _ in range(3)) < 24 * min(seconds(256) for _ in range(3))
