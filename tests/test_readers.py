# SPDX-License-Identifier: Apache-2.0
"""Each backend's files, read back by its manual, say the network that they were made of: field by field, both ways."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, Phase, assume, given, settings

from bootagent import renderers
from bootagent.boot import Prepared, prepare
from bootagent.host import Host
from bootagent.model import bond as bonding
from bootagent.model.network import Bond
from bootagent.root import Root
from tests import strategies
from tests.readers import BY_FLAGS, Device, reader
from tests.readers._excuses import compare
from tests.test_cases import CASES, NAMES
from tests.test_renderers import BACKENDS, FLIPS, NETWORK, _two_values, changed, rendered

if TYPE_CHECKING:
    from bootagent.model.network import BoundNetwork, Interface, Route
    from bootagent.model.plan import Plan

# A network is much to draw, and more to shrink; the difference itself says where to look.
FEW = settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)


def differences(backend: str, network: BoundNetwork, plan: Plan, resolver: str) -> list[str]:
    """What the plan's files say otherwise than the network, and no problem names."""
    fed = resolver in renderers.load(backend).FEEDS
    excused = frozenset() if fed else frozenset(("dns", "search"))  # the planner's then
    files = {file.path: file.content for file in plan.files}
    return compare(network, backend, files, plan.problems, excused)


def resolver_of(backend: str) -> str:
    return next(iter(renderers.load(backend).FEEDS), "")


def as_planned(network: BoundNetwork) -> BoundNetwork:
    """``network`` as the planner could have bound it, with a place of its own for each link and each route."""
    interfaces = tuple(planned(network, index) for index in range(len(network.interfaces)))
    names = {interface.name for interface in interfaces}
    unlisted = network.unlisted and tuple(name for name in network.unlisted if name not in names)
    return network._replace(interfaces=interfaces, unlisted=unlisted)


def planned(network: BoundNetwork, index: int) -> Interface:
    """One interface: no bond lacks; online waits for what is addressed; DHCPv6 does not go without advertisements."""
    interface, place = network.interfaces[index], f"{strategies.MARK}.json: links[{index}]"
    dhcp6, ra = interface.dhcp6, interface.ra
    first = interface.bond and next(i for i in network.interfaces if i.label == interface.bond.members[0])
    return interface._replace(
        mac=interface.mac or (first.match.mac if first and first.match else None),
        bond=interface.bond and fit(interface.bond),
        master=interface.master if interface.master in [other.name for other in network.interfaces] else None,
        required=interface.is_addressed,
        ra="full" if dhcp6 == "stateless" else "routes" if dhcp6 and ra == "off" else ra,
        origin=place,
        addresses=tuple(address._replace(origin=place) for address in interface.addresses),
        routes=planned_routes(interface.routes, f"{strategies.MARK}.json: networks[{index}]"),
    )


def planned_routes(routes: tuple[Route, ...], place: str) -> tuple[Route, ...]:
    """One to a destination with one metric, as the kernel has it; a gateway is off the subnet or it is not."""
    onlink = {route.via for route in routes if route.onlink}
    unique = {(route.to, route.metric or None): route for route in routes}
    return tuple(
        route._replace(onlink=route.via in onlink, origin=f"{place}.routes[{number}]")
        for number, route in enumerate(unique.values())
    )


def fit(bond: Bond) -> Bond:
    """``bond`` with a monitor, and without what the kernel refuses."""
    monitors = ("miimon", "arp_interval") if bond.mode in bonding.OPTION_MODES["arp_interval"] else ("miimon",)
    monitored = any(name in monitors for name, _ in bond.options)
    options = bond.options if monitored else (*bond.options, ("miimon", "100"))
    refused = bonding.refusals(bond.mode, (*options, ("primary", bond.primary)) if bond.primary else options)
    kept = tuple(option for option in options if option[0] not in refused)
    return bond._replace(options=kept, primary="" if "primary" in refused else bond.primary)


@BACKENDS
@pytest.mark.parametrize("field", ["", *FLIPS])
def test_a_network_is_read_back(backend: str, field: str) -> None:
    """The network in which every field says something, and what it is with each field changed."""
    network = NETWORK
    for path, value in FLIPS.get(field, ()):
        network = changed(network, path, value)
    network = as_planned(network)
    if field == "Interface.required":  # the planner requires whatever has addresses
        network = changed(network, *FLIPS[field][0])

    assert differences(backend, network, rendered(backend, network), resolver_of(backend)) == []


@BACKENDS
@pytest.mark.parametrize("option", strategies.OPTIONS)
def test_every_bond_option_is_read_back(backend: str, option: str) -> None:
    """Each option in each mode that has it, with the monitor that it needs and without the one that it excludes."""
    ports_and_bond = NETWORK._replace(interfaces=(*NETWORK.interfaces[1:3], NETWORK.interfaces[4]))
    for mode in sorted(bonding.OPTION_MODES.get(option, bonding.MODES)):
        for value in _two_values(option):
            monitor = () if option.startswith("arp_") else (("miimon", "200"),)
            options = dict((*monitor, (option, value)))
            bond = Bond(mode, tuple(options.items()), ("eth1", "eth2"), "eth1")
            network = as_planned(changed(ports_and_bond, "interfaces.2.bond", bond))

            assert differences(backend, network, rendered(backend, network), resolver_of(backend)) == []


@BACKENDS
@FEW
@given(network=strategies.bound_networks())
def test_every_network_is_read_back(backend: str, network: BoundNetwork) -> None:
    network = as_planned(network)
    names = {str(interface.name) for interface in network.interfaces}
    # To ifup(8) a full stop behind the name of another device makes a VLAN.
    assume(not any(name.rpartition(".")[0] in names for name in names))
    plan = rendered(backend, network, Host(resolver=resolver_of(backend)))

    assert differences(backend, network, plan, resolver_of(backend)) == []


@cache
def prepared(case: str, backend: str) -> Prepared:
    machine = CASES / case / "in"
    return prepare(Root(str(machine)), {"drive": str(machine / "drive"), "backend": backend})


@BACKENDS
@pytest.mark.parametrize("case", NAMES)
def test_every_case_is_read_back(case: str, backend: str) -> None:
    found = prepared(case, backend)
    network = found.decision.network

    assert network is not None
    assert differences(backend, network, found.decision.plan, found.host.resolver) == []


@pytest.mark.parametrize("field", ["", *FLIPS])
def test_what_netplan_gives_to_networkmanager_is_read_back(field: str) -> None:
    """netplan hands its files to one of two daemons, which do not take the same."""
    network = NETWORK
    for path, value in FLIPS.get(field, ()):
        network = changed(network, path, value)
    network = as_planned(network)
    host = Host(enabled=frozenset(("NetworkManager.service",)), resolver="systemd-resolved")
    plan = rendered("netplan", network, host)

    assert any("NetworkManager" in file.content for file in plan.files)
    assert differences("netplan", network, plan, host.resolver) == []


# Each reader beside files written by hand from its manual: what they say, fact by fact.


def test_networkd_files_are_read_by_their_manual() -> None:
    """Sections of routes stay apart, an empty value takes back, the first file that matches is applied."""
    files = {
        "/etc/systemd/network/10-nic.network": """\
# a comment
[Match]
PermanentMACAddress=52:54:00:00:00:01
Driver=virtio_net
[Link]
MTUBytes=2K
RequiredForOnline=no
[Network]
DHCP=ipv4
IPv6AcceptRA=yes
LinkLocalAddressing=ipv6
DNS=192.0.2.1
DNS=
DNS=192.0.2.53
Domains=a.example ~b.example
Address=192.0.2.5/24
VLAN=vlan20
[Address]
Address=2001:db8::5/64
[Route]
Gateway=192.0.2.1
Metric=100
[Route]
Destination=198.51.100.0/24
Gateway=203.0.113.1
GatewayOnLink=yes
[Route]
Destination=2001:db8:1::/48
[DHCPv4]
RouteMetric=7
[IPv6AcceptRA]
RouteMetric=7
UseAutonomousPrefix=no
DHCPv6Client=always
""",
        "/etc/systemd/network/20-nic.network": "[Match]\nPermanentMACAddress=52:54:00:00:00:01\n[Network]\nDHCP=no\n",
        "/etc/systemd/network/30-port.network": """\
[Match]
Name=eth1
[Link]
RequiredForOnline=no
[Network]
LinkLocalAddressing=no
Bond=bond0
PrimarySlave=yes
""",
        "/etc/systemd/network/40-bond.netdev": """\
[NetDev]
Name=bond0
Kind=bond
MACAddress=52:54:00:00:00:02
[Bond]
Mode=active-backup
MIIMonitorSec=1s 500ms
ARPIPTargets=192.0.2.1 192.0.2.2
AllSlavesActive=true
LearnPacketIntervalSec=2
""",
        "/etc/systemd/network/40-bond.network": """\
[Match]
Name=bond0
[Network]
DHCP=yes
[DHCPv6]
WithoutRA=solicit
""",
        "/etc/systemd/network/50-vlan.netdev": "[NetDev]\nName=vlan20\nKind=vlan\n[VLAN]\nId=20\n",
        "/etc/systemd/network/50-vlan.network": "[Match]\nName=vlan20\n[Network]\nIPv6AcceptRA=no\n",
        "/etc/systemd/network/90-rest.network": "[Match]\nName=en* eth*\n[Network]\nDHCP=yes\n",
        "/etc/resolv.conf": "nameserver 192.0.2.53\n",
    }
    assert reader("networkd").read(files) == {
        "52:54:00:00:00:01": Device(
            addresses=frozenset(("192.0.2.5/24", "2001:db8::5/64")),
            routes=frozenset(
                (
                    ("0.0.0.0/0", "192.0.2.1", 100, False),
                    ("198.51.100.0/24", "203.0.113.1", None, True),
                    ("2001:db8:1::/48", "", None, False),
                )
            ),
            dns=("192.0.2.53",),
            search=("a.example",),
            dhcp4=True,
            dhcp6="stateful",
            ra="routes",
            metric=7,
            mtu=2048,
            driver="virtio_net",
            required=False,
            local=True,
        ),
        "eth1": Device(master="bond0", required=False, local=False),
        "bond0": Device(
            dhcp4=True,
            dhcp6="stateful",
            ra="full",
            mac="52:54:00:00:00:02",
            bond="active-backup",
            options=frozenset(
                (
                    ("miimon", "1500"),
                    ("arp_ip_target", "192.0.2.1,192.0.2.2"),
                    ("all_slaves_active", "1"),
                    ("lp_interval", "2"),
                )
            ),
            members=frozenset(("eth1",)),
            primary="eth1",
            local=True,
        ),
        "vlan20": Device(vlan=20, parent="52:54:00:00:00:01", local=True),
    }


def test_networkd_takes_what_nobody_says_from_the_network() -> None:
    """Advertisements are on by default, and start DHCPv6 as they say; without IPv6 there are none."""
    path, head = "/etc/systemd/network/1.network", "[Match]\nName=eth0\n[Network]\n"
    read = reader("networkd").read

    assert read({path: head}) == {"eth0": Device(ra="full", dhcp6=BY_FLAGS, local=True)}
    assert read({path: f"{head}LinkLocalAddressing=no\n"}) == {"eth0": Device(local=False)}
    assert read({path: f"{head}DHCP=ipv4\n[DHCPv4]\nRouteMetric=5\n"})["eth0"].metric == -1
    with pytest.raises(ValueError, match=r"bond0: no \.network file"):
        read({"/etc/systemd/network/1.netdev": "[NetDev]\nName=bond0\nKind=bond\n"})


def test_keyfiles_are_read_by_their_manual() -> None:
    """References by UUID lead to the device; a profile for no device in particular is not looked at."""
    bond = "0e1b4a76-3c0d-4f4c-9f4a-000000000001"
    files = {
        "/etc/NetworkManager/system-connections/nic.nmconnection": """\
# a comment
[connection]
id=nic
uuid=0e1b4a76-3c0d-4f4c-9f4a-000000000002
type=802-3-ethernet
[802-3-ethernet]
mac-address=52:54:00:00:00:01
mtu=1400
[match]
driver=virtio_net;
[ipv4]
method=manual
address1=192.0.2.5/24
gateway=192.0.2.1
route1=198.51.100.0/24,192.0.2.9,50
route2=203.0.113.0/24,,60
route3=203.0.114.0/24,203.0.115.1
route3_options=onlink=true
dns=192.0.2.53;192.0.2.54;
dns-search=a.example;
[ipv6]
method=auto
route-metric=7
dns=2001:db8::53
""",
        "/etc/NetworkManager/system-connections/port.nmconnection": f"""\
[connection]
id=port
uuid=0e1b4a76-3c0d-4f4c-9f4a-000000000003
type=ethernet
interface-name=eth1
master={bond}
slave-type=bond
""",
        "/etc/NetworkManager/system-connections/bond.nmconnection": f"""\
[connection]
id=bond
uuid={bond}
type=bond
interface-name=bond0
[bond]
mode=802.3ad
miimon=100
lacp_rate=1
[ethernet]
cloned-mac-address=52:54:00:00:00:02
[ipv4]
method=disabled
[ipv6]
method=disabled
""",
        "/etc/NetworkManager/system-connections/vlan.nmconnection": f"""\
[connection]
id=vlan
uuid=0e1b4a76-3c0d-4f4c-9f4a-000000000004
type=vlan
interface-name=vlan20
[vlan]
id=20
parent={bond}
""",
        "/etc/NetworkManager/system-connections/rest.nmconnection": """\
[connection]
id=rest
uuid=0e1b4a76-3c0d-4f4c-9f4a-000000000005
type=ethernet
[match]
interface-name=!eth9;
[ipv4]
method=auto
""",
        "/etc/NetworkManager/conf.d/50.conf": "[main]\nno-auto-default=*\n",
    }
    assert reader("networkmanager").read(files) == {
        "52:54:00:00:00:01": Device(
            addresses=frozenset(("192.0.2.5/24",)),
            routes=frozenset(
                (
                    ("0.0.0.0/0", "192.0.2.1", None, False),
                    ("198.51.100.0/24", "192.0.2.9", 50, False),
                    ("203.0.113.0/24", "", 60, False),
                    ("203.0.114.0/24", "203.0.115.1", None, True),
                )
            ),
            dns=("192.0.2.53", "192.0.2.54", "2001:db8::53"),
            search=("a.example",),
            dhcp6=BY_FLAGS,
            ra="full",
            metric=7,
            mtu=1400,
            driver="virtio_net",
            required=None,
            local=True,
        ),
        "eth1": Device(master="bond0", required=None, local=False),
        "bond0": Device(
            mac="52:54:00:00:00:02",
            bond="802.3ad",
            options=frozenset((("miimon", "100"), ("lacp_rate", "fast"))),
            members=frozenset(("eth1",)),
            required=None,
            local=False,
        ),
        # Without the groups both families come from the network.
        "vlan20": Device(dhcp4=True, dhcp6=BY_FLAGS, ra="full", vlan=20, parent="bond0", local=True),
    }


NETPLAN = """\
network:
  version: 2
  renderer: networkd
  ethernets:
    nic:
      match: {macaddress: "52:54:00:00:00:01", driver: virtio_net}
      mtu: 1400
      dhcp4: true
      dhcp6: yes
      dhcp4-overrides: &overrides {route-metric: 7}
      dhcp6-overrides: *overrides
      addresses: [192.0.2.5/24, "2001:db8::5/64"]
      routes:
        - {to: default, via: 192.0.2.1, metric: 100}
        - {to: 198.51.100.0/24, via: 203.0.113.1, on-link: true}
        - {to: "2001:db8:1::/48", scope: link}
      nameservers: {addresses: ["2001:db8::53", 192.0.2.53], search: [a.example]}
      optional: true
    eth1: {}
    rest: {match: {name: en*}, dhcp4: true}
  bonds:
    bond0:
      interfaces: [eth1]
      macaddress: "52:54:00:00:00:02"
      accept-ra: false
      link-local: []
      parameters:
        mode: active-backup
        mii-monitor-interval: 1s
        up-delay: 200
        arp-ip-targets: [192.0.2.1, 192.0.2.2]
        all-members-active: true
        learn-packet-interval: 2
        primary: eth1
  vlans:
    vlan20: {id: 20, link: nic}
"""


def test_netplan_files_are_read_by_their_manual() -> None:
    """Identifiers lead to devices; times have the unit of their parameter; later files stand."""
    assert reader("netplan").read({"/etc/netplan/50.yaml": NETPLAN}) == {
        "52:54:00:00:00:01": Device(
            addresses=frozenset(("192.0.2.5/24", "2001:db8::5/64")),
            routes=frozenset(
                (
                    ("0.0.0.0/0", "192.0.2.1", 100, False),
                    ("198.51.100.0/24", "203.0.113.1", None, True),
                    ("2001:db8:1::/48", "", None, False),
                )
            ),
            dns=("192.0.2.53", "2001:db8::53"),
            search=("a.example",),
            dhcp4=True,
            dhcp6=BY_FLAGS,
            ra="full",
            metric=7,
            mtu=1400,
            driver="virtio_net",
            required=False,
            local=True,
        ),
        "eth1": Device(master="bond0", local=False),
        "bond0": Device(
            mac="52:54:00:00:00:02",
            bond="active-backup",
            options=frozenset(
                (
                    ("miimon", "1000"),
                    ("updelay", "200"),
                    ("arp_ip_target", "192.0.2.1,192.0.2.2"),
                    ("all_slaves_active", "1"),
                    ("lp_interval", "2"),
                )
            ),
            members=frozenset(("eth1",)),
            primary="eth1",
            local=False,
        ),
        "vlan20": Device(ra="full", dhcp6=BY_FLAGS, vlan=20, parent="52:54:00:00:00:01", local=True),
    }
    later = "network: {ethernets: {nic: {mtu: 1300}}}"
    merged = reader("netplan").read({"/etc/netplan/50.yaml": NETPLAN, "/etc/netplan/60.yaml": later})
    assert merged["52:54:00:00:00:01"].mtu == 1300


def test_systemd_takes_what_stands_beside_netplans_files() -> None:
    """systemd.network(5): a drop-in directory of the file that netplan writes for the device, 10-netplan-ID.network."""
    files = {
        "/etc/netplan/50.yaml": "network: {ethernets: {eth0: {dhcp4: true, dhcp4-overrides: {route-metric: 7}}}}",
        "/etc/systemd/network/10-netplan-eth0.network.d/50.conf": """\
[Link]
RequiredForOnline=no
[IPv6AcceptRA]
UseAutonomousPrefix=no
DHCPv6Client=no
RouteMetric=7
""",
    }
    assert reader("netplan").read(files) == {
        "eth0": Device(dhcp4=True, ra="routes", metric=7, required=False, local=True)
    }
    with pytest.raises(ValueError, match=r"50\.conf:1: no section"):
        reader("netplan").read({**files, "/etc/systemd/network/10-netplan-eth0.network.d/50.conf": "[Netwrok]\n"})


def test_netplan_says_less_to_networkmanager() -> None:
    """src/nm.c: routes and domains stand with addresses only, IPv6 is ignored without, a passed property stands."""
    text = """\
network:
  renderer: NetworkManager
  ethernets:
    eth0:
      dhcp4: true
      optional: true
      routes: [{to: "2001:db8::/32", scope: link}, {to: 198.51.100.0/24, via: 192.0.2.9}]
    eth1: {addresses: ["2001:db8::5/64"], networkmanager: {passthrough: {ipv4.method: disabled}}}
"""
    assert reader("netplan").read({"/etc/netplan/50.yaml": text}) == {
        "eth0": Device(
            routes=frozenset((("198.51.100.0/24", "192.0.2.9", None, False),)),
            dhcp4=True,
            ra="full",
            required=None,
            local=True,
        ),
        "eth1": Device(addresses=frozenset(("2001:db8::5/64",)), required=None, local=True),
    }


def test_interfaces_of_ifupdown_are_read_by_their_manual() -> None:
    """Stanzas of one device add up, in order; methods have defaults, and do more than their options."""
    text = """\
# a comment
auto eth0 bond0
allow-hotplug eth0.30
iface eth0 inet static
    address 192.0.2.5/24
    gateway 192.0.2.1
    metric 100
    mtu 1400
    dns-nameservers 192.0.2.53 2001:db8::53
    dns-search a.example
iface eth0 inet6 static
    address 2001:db8::5/64
    gateway 2001:db8::1
    up ip -6 route replace 2001:db8:1::/48 via 2001:db8::9 dev eth0 onlink metric 50 || true
iface eth0.30 inet dhcp
    metric 7
iface eth0.30 inet6 auto
    dhcp 1
    pre-up echo 7 >/proc/sys/net/ipv6/conf/eth0.30/ra_defrtr_metric
iface eth1 inet manual
iface bond0 inet manual
    pre-up [ -d /sys/class/net/bond0 ] || ip link add bond0 address 52:54:00:00:00:02 type bond mode 1 miimon 100
    pre-up echo +192.0.2.1 >/sys/class/net/bond0/bonding/arp_ip_target
    pre-up echo 1 >/proc/sys/net/ipv6/conf/bond0/addr_gen_mode
    pre-up sysctl -q -w net.ipv6.conf.bond0.accept_ra=0
    pre-up ip link set dev eth1 down && ip link set eth1 master bond0 || true
    up if command -v dhclient >/dev/null; then dhclient -e IF_METRIC=9 bond0; else dhcpcd -4 -m 9 bond0; fi
    post-down ip link del dev bond0 2>/dev/null || true
"""
    assert reader("ifupdown").read({"/etc/network/interfaces": text}) == {
        "eth0": Device(
            addresses=frozenset(("192.0.2.5/24", "2001:db8::5/64")),
            routes=frozenset(
                (
                    ("0.0.0.0/0", "192.0.2.1", 100, True),
                    ("::/0", "2001:db8::1", None, True),
                    ("2001:db8:1::/48", "2001:db8::9", 50, True),
                )
            ),
            dns=("192.0.2.53", "2001:db8::53"),
            search=("a.example",),
            mtu=1400,
            required=None,
            local=True,
        ),
        "eth0.30": Device(
            dhcp4=True, dhcp6="stateless", ra="full", metric=7, vlan=30, parent="eth0", required=False, local=True
        ),
        "eth1": Device(master="bond0", required=False, local=False),
        "bond0": Device(
            dhcp4=True,
            metric=9,
            mac="52:54:00:00:00:02",
            bond="active-backup",
            options=frozenset((("miimon", "100"), ("arp_ip_target", "192.0.2.1"))),
            members=frozenset(("eth1",)),
            local=False,
        ),
    }


def test_interfaces_of_ifupdown_ng_are_read_by_their_manual() -> None:
    """Keywords make bonds and VLANs, executors give defaults, and commands come after them."""
    text = """\
auto eth0
iface eth0
    address 192.0.2.5/24
    address 2001:db8::5/64
    gateway 192.0.2.1
    mtu 1400
    ipv6-accept-ra 2
    ipv6-autoconf 0
    up (echo nameserver 192.0.2.53; echo search a.example) | resolvconf -a eth0.own || true

auto vlan20
iface vlan20
    vlan-raw-device bond0
    hwaddress 52:54:00:00:00:03
    use dhcp

auto eth0.30
iface eth0.30
    pre-up echo 0 >/proc/sys/net/ipv6/conf/eth0.30/accept_ra
    up (if command -v dhcpcd; then dhcpcd -4 -m 7 eth0.30; else IF_METRIC=7 udhcpc -i eth0.30; fi) >/dev/null 2>&1 &

iface bond0
    bond-members eth1
    bond-mode 802.3ad
    bond-lacp-rate 1
    bond-num-unsol-na 3
iface eth1
"""
    assert reader("ifupdown-ng").read({"/etc/network/interfaces": text}) == {
        "eth0": Device(
            addresses=frozenset(("192.0.2.5/24", "2001:db8::5/64")),
            routes=frozenset((("0.0.0.0/0", "192.0.2.1", 1, False),)),
            dns=("192.0.2.53",),
            search=("a.example",),
            ra="routes",
            mtu=1400,
            required=None,
            local=True,
        ),
        "vlan20": Device(dhcp4=True, ra="full", mac="52:54:00:00:00:03", vlan=20, parent="bond0", local=True),
        "eth0.30": Device(dhcp4=True, metric=7, vlan=30, parent="eth0", required=False, local=True),
        "bond0": Device(
            ra="full",
            bond="802.3ad",
            options=frozenset((("lacp_rate", "fast"), ("num_grat_arp", "3"))),
            members=frozenset(("eth1",)),
            required=None,
            local=True,
        ),
        "eth1": Device(master="bond0", required=None, local=False),
    }


NETWORKD = ("networkd", "/etc/systemd/network/1.network", "[Match]\nName=eth0\n")
NETDEV = ("networkd", "/etc/systemd/network/1.netdev", "[NetDev]\nName=bond0\nKind=bond\n")
KEYFILE = (
    "networkmanager",
    "/etc/NetworkManager/system-connections/a.nmconnection",
    "[connection]\nid=a\nuuid=0e1b4a76-3c0d-4f4c-9f4a-000000000001\ntype=ethernet\ninterface-name=eth0\n",
)
YAML = ("netplan", "/etc/netplan/1.yaml", "network:\n  ethernets:\n")
ENI = ("ifupdown", "/etc/network/interfaces", "auto eth0\niface eth0 inet manual\n")
NG = ("ifupdown-ng", "/etc/network/interfaces", "auto eth0\niface eth0\n")


REFUSED = [
    (NETWORKD, "[Netwrok]"),
    (NETWORKD, "[Network]\nIPv6AcceptRa=no"),
    (NETWORKD, "[Network]\nDHCP=both"),
    (NETWORKD, "[Network]\nGateway"),
    (NETWORKD, "[Network]\nDNS=resolver.example"),
    (NETWORKD, "[Network]\nAddress=192.0.2.5"),
    (NETWORKD, "[Link]\nMTUBytes=1500B"),
    (NETWORKD, "[Link]\nRequiredForOnline=maybe"),
    (NETWORKD, "[Route]\nDestination=192.0.2.1/24"),
    (NETWORKD, "[Route]\nMetric=4294967296"),
    (NETWORKD, "[Address]\nAddress=192.0.2.5/24\nAddress=192.0.2.6/24"),
    (NETWORKD, "[DHCPv6]\nWithoutRA=yes"),
    (NETDEV, "[Bond]\nMode=1"),
    (NETDEV, "[Bond]\nMIIMonitorSec=100 ticks"),
    (NETDEV, "[Bond]\nLACPActive=yes"),
    (NETDEV, "[Bond]\nTransmitHashPolicy=vlan+srcmac"),
    (NETDEV, "[Bond]\nAdActorSystem=52:54:00:00:00"),
    (NETDEV, "[VLAN]\nId=20"),
    (KEYFILE, "[ip4]"),
    (KEYFILE, "[ipv4]\nadress1=192.0.2.5/24"),
    (KEYFILE, "[ipv4]\nmethod=static"),
    (KEYFILE, "[ipv4]\nmethod=manual"),
    (KEYFILE, "[ipv4]\nmethod=disabled\naddress1=192.0.2.5/24"),
    (KEYFILE, "[ipv4]\nmethod=manual\naddress1=2001:db8::5/64"),
    (KEYFILE, "[ipv4]\nmethod=auto\nroute1=198.51.100.0/24,192.0.2.9,50,1"),
    (KEYFILE, "[ipv4]\nmethod=auto\nroute1=198.51.100.0/24,192.0.2.9\nroute1_options=onlink=yes"),
    (KEYFILE, "[ipv4]\nmethod=auto\ndns=192.0.2.53,192.0.2.54"),
    (KEYFILE, "[ethernet]\nmac-address=52-54-00-00-00-01"),
    (KEYFILE, "[bond]\nmode=7"),
    (KEYFILE, "[bond]\nbalance-slb=1"),
    (KEYFILE, "[connection]\nslave-type=bond"),
    (KEYFILE, "[connection]\nmaster=bond0\nslave-type=bond\n[ipv4]\nmethod=disabled"),
    (YAML, "    eth0: {dhcpv4: true}"),
    (YAML, '    eth0: {dhcp4: "true"}'),
    (YAML, "    eth0: {dhcp4: true, dhcp4: false}"),
    (YAML, "    eth0: {macaddress: 52:54:00:00:00}"),
    (YAML, "    eth0: {addresses: 192.0.2.5/24}"),
    (YAML, "    eth0: {routes: [{to: 192.0.2.1/24}]}"),
    (YAML, "    eth0: {match: [eth0]}"),
    (YAML, "    eth0: {mtu: 0x5dc}"),
    (YAML, "    eth0: {dhcp4: true, dhcp6: true, dhcp4-overrides: {route-metric: 7}}"),
    (YAML, "  bonds: {bond0: {interfaces: [eth1]}}"),
    (YAML, "  bonds: {bond0: {interfaces: [], parameters: {mii-monitor-interval: 100us}}}"),
    (YAML, "  bonds: {bond0: {interfaces: [], parameters: {gratuitous-arp: 0}}}"),
    (YAML, "  vlans: {vlan20: {id: 20}}"),
    (YAML, "    eth0: {"),
    (YAML, "    eth0: {renderer: NetworkManager, match: {name: eth0, driver: virtio_net}, dhcp4: true}"),
    (ENI, "    adress 192.0.2.5/24"),
    (ENI, "iface eth0 inet dhcp6"),
    (ENI, "iface eth0 inet static"),
    (ENI, "iface eth0 inet static\n    address 2001:db8::5/64"),
    (ENI, "iface eth0 inet static\n    address 192.0.2.5"),
    (ENI, "    mtu 1500\n    mtu 1400"),
    (ENI, "iface eth1 inet manual"),
    (ENI, "    up ip route replace 192.0.2.1/24 dev eth0"),
    (ENI, "    up ip -4 route replace 2001:db8::/32 dev eth0"),
    (ENI, "    up ip route replace 192.0.2.0/24 via fe80::1 dev eth0"),
    (ENI, "    up ip route replace 192.0.2.0/24 gateway 192.0.2.1 dev eth0"),
    (ENI, "    up ip link set dev eth0 mut 1400"),
    (ENI, "    up ifconfig eth0 up"),
    (ENI, "    up echo 1 >/sys/class/net/bond0/bonding/mimon"),
    (ENI, "    up echo 3 >/proc/sys/net/ipv6/conf/eth0/accept_ra"),
    (ENI, "    up dhclient -5 eth0"),
    (ENI, "    up dhcpcd -6 --ia_na eth0"),
    (ENI, "    up dhclient -4 eth0 || dhcpcd -4 eth0"),
    (ENI, "    up if command -v dhclient; then dhclient -4 eth0; else dhcpcd -6 --noipv6rs --ia_na eth0; fi"),
    (ENI, "    up if command -v dhclient"),
    (ENI, "    up ip link add link eth0 name vlan20 type vlan id 4095"),
    (ENI, "    up ip link add vlan20 type bridge"),
    (ENI, "    up true )"),
    (NG, "    adress 192.0.2.5/24"),
    (NG, "iface eth0 inet static"),
    (NG, "    address 192.0.2.5"),
    (NG, "    vlan-id 4095"),
    (NG, "    use wifi"),
    (NG, "    bond-mode 7"),
    (NG, "iface eth1"),
    (NG, "    up echo servername 192.0.2.53 | resolvconf -a eth0.own"),
    (NG, "    up for _ in 1 2; do dhclient -4 eth0; done"),
]


@pytest.mark.parametrize(("file", "lines"), REFUSED)
def test_what_no_manual_knows_is_refused(file: tuple[str, str, str], lines: str) -> None:
    """An unknown key and a value outside of its grammar are errors that say where, not facts left out."""
    backend, path, head = file

    # What comes before is sound, where it is whole.
    assert file in (NETDEV, YAML) or reader(backend).read({path: head})
    with pytest.raises(ValueError):
        reader(backend).read({path: f"{head}{lines}\n"})


@pytest.mark.parametrize(
    ("file", "line"),
    [
        (NETWORKD, "[Network]\nIPv6AcceptRa=no"),
        (KEYFILE, "[ipv4]\nmethod=static"),
        (YAML, "    eth0: {dhcpv4: true}"),
        (ENI, "    mtu 1\n    adress 192.0.2.5/24"),
        (NG, "    adress 192.0.2.5/24"),
    ],
)
def test_an_error_says_file_and_line(file: tuple[str, str, str], line: str) -> None:
    """The one who changed a renderer finds the place."""
    backend, path, head = file
    first = head.count("\n") + 1

    with pytest.raises(ValueError, match=rf"^{path}:({first}|{first + 1}): "):
        reader(backend).read({path: f"{head}{line}\n"})
