# SPDX-License-Identifier: Apache-2.0
"""The netplan renderer, judged by netplan's own generator: what it writes is what the model says, key by key.

The keys are those of systemd.network(5), systemd.netdev(5) and nm-settings-keyfile(5).
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bootagent.host import Host, Nic
from bootagent.model.bond import MODES
from bootagent.model.network import Address, Bond, BoundNetwork, Dns, Interface, Match, Route, Vlan
from bootagent.model.plan import Action
from bootagent.model.values import DomainName, InterfaceName, MacAddress, Mtu, VlanId
from bootagent.renderers import render_for, running
from bootagent.renderers._netplan_yaml import yaml_lines
from tests import strategies
from tests.test_renderers import ip, net, nic

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bootagent.model.instance import Problem

GENERATOR = next(filter(os.path.exists, ("/usr/libexec/netplan/generate", "/usr/lib/netplan/generate")), "")

PATH = "/etc/netplan/90-bootagent.yaml"
NM = Host(enabled=frozenset({"NetworkManager.service"}))
BOND = InterfaceName("bond0")

Sections = list[tuple[str, list[tuple[str, str]]]]


def made(name: str, **fields: Any) -> Interface:
    return Interface(name, InterfaceName(name), **{"origin": "network_data.json: links[9]", **fields})


DROP_INS = "/etc/systemd/network/10-netplan-"


def text_of(*interfaces: Interface, host: Host | None = None, **network: Any) -> str:
    """The one file, or nothing."""
    files = render_for("netplan", BoundNetwork(interfaces, **network), host or Host()).files
    files = tuple(file for file in files if not file.path.startswith(DROP_INS))
    assert [(file.path, file.mode, file.owner) for file in files] == [(PATH, 0o600, "root:root")] * len(files)
    return "".join(file.content for file in files)


def devices_of(*interfaces: Interface, host: Host | None = None, **network: Any) -> Any:
    """What stands below ``network``, as a YAML reader sees it."""
    return yaml.safe_load(text_of(*interfaces, host=host, **network))["network"]


def drop_ins_of(*interfaces: Interface, host: Host | None = None, **network: Any) -> dict[str, list[str]]:
    """What is said to systemd-networkd beside netplan: the lines by the id that netplan has for the device."""
    plan = render_for("netplan", BoundNetwork(interfaces, **network), host or Host())
    found = {file.path: file.content.splitlines()[1:] for file in plan.files if file.path.startswith(DROP_INS)}
    tail = ".network.d/50-bootagent.conf"
    assert all(path.endswith(tail) for path in found)
    return {path[len(DROP_INS) : -len(tail)]: lines for path, lines in found.items()}


def test_what_netplan_cannot_say_to_networkd_is_in_drop_ins() -> None:
    """systemd.network(5).  netplan 1.1 has "optional" where systemd does not look on the boot that makes the file."""
    member = nic(1, master=InterfaceName("bond0"), required=False)
    bond = Interface("bond0", InterfaceName("bond0"), bond=Bond("802.3ad", (), ("eth1",)), required=False)
    vlan = Interface("vlan20", InterfaceName("vlan20"), dhcp4=True, vlan=Vlan(VlanId(20), "bond0"))
    routed = nic(2, addresses=(Address(ip("2001:db8::5/64")),), ra="routes", metric=200)

    assert drop_ins_of(nic(0, dhcp4=True), member, routed, bond, vlan, unlisted=()) == {
        "05-bootagent-eth1": ["[Link]", "RequiredForOnline=no"],
        "05-bootagent-eth2": [
            *("[DHCPv6]", "RouteMetric=200", ""),
            *("[IPv6AcceptRA]", "UseAutonomousPrefix=no", "DHCPv6Client=no", "RouteMetric=200"),
        ],
        "bond0": ["[Link]", "RequiredForOnline=carrier"],
        "zz-bootagent-unlisted-en": ["[Link]", "RequiredForOnline=no"],
        "zz-bootagent-unlisted-eth": ["[Link]", "RequiredForOnline=no"],
    }
    assert drop_ins_of(member, routed, bond, vlan, host=NM) == {}


def problems_of(*interfaces: Interface, host: Host) -> tuple[Problem, ...]:
    return render_for("netplan", BoundNetwork(interfaces), host).problems


def generated(text: str) -> dict[str, Sections]:
    """What the generator makes of the file for the daemons, by file name."""
    with tempfile.TemporaryDirectory() as root:
        place = Path(root + PATH)
        place.parent.mkdir(parents=True)
        place.write_text(text)
        place.chmod(0o600)
        done = subprocess.run([GENERATOR, "--root-dir", root], capture_output=True, text=True, timeout=30, check=False)
        assert done.returncode == 0, done.stderr + text
        paths = [*Path(root).glob("run/systemd/network/*"), *Path(root).glob("run/NetworkManager/system-connections/*")]
        return {path.name.replace("10-netplan-", ""): list(sections(path.read_text())) for path in paths}


def sections(text: str) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """The sections of a file in order, without comments and what only one version of netplan writes."""
    for block in text.strip().split("\n["):
        title, *lines = (line for line in block.split("\n") if line.strip() and not line.startswith("#"))
        pairs = [(key, value) for key, _, value in (line.partition("=") for line in lines)]
        yield title.strip("[]"), [pair for pair in pairs if pair[0] != "RequiredForOnline"]


def said(found: Sections) -> Sections:
    """Sections that say something, each with its lines in order of the alphabet."""
    return sorted((title, sorted(lines)) for title, lines in found if lines)


# The document, as netplan(5) has it.


def test_a_dual_stack_static_nic() -> None:
    """A NIC is found by its permanent address and never renamed; a default route has its destination written out."""
    interface = nic(
        0,
        mtu=Mtu(1442),
        addresses=(Address(ip("192.0.2.5/32")), Address(ip("2001:db8::5/64"))),
        routes=(
            Route(net("0.0.0.0/0"), ip("203.0.113.1"), 100, onlink=True),
            Route(net("::/0"), ip("fe80::1")),
            Route(net("198.51.100.0/24")),
        ),
        dns=Dns((ip("192.0.2.53"), ip("2001:db8::53")), (DomainName("a.example"), DomainName("b.example"))),
    )

    assert (
        text_of(interface)
        == """\
# Generated by bootagent
network:
  version: 2
  renderer: "networkd"
  ethernets:
# from network_data.json: links[0]
    "05-bootagent-eth0":
      match:
        macaddress: "fa:16:3e:00:00:00"
      mtu: 1442
      dhcp4: false
      dhcp6: false
      accept-ra: false
      link-local:
        - "ipv6"
      addresses:
        - "192.0.2.5/32"
        - "2001:db8::5/64"
      routes:
        - to: "0.0.0.0/0"
          via: "203.0.113.1"
          on-link: true
          metric: 100
        - to: "::/0"
          via: "fe80::1"
        - to: "198.51.100.0/24"
          scope: "link"
      nameservers:
        search:
          - "a.example"
          - "b.example"
        addresses:
          - "192.0.2.53"
          - "2001:db8::53"
"""
    )


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"dhcp4": True}, {"dhcp4": True, "dhcp6": False, "accept-ra": False, "link-local": ["ipv6"]}),
        ({"ra": "full"}, {"dhcp4": False, "dhcp6": False, "accept-ra": True, "link-local": ["ipv6"]}),
        (
            {"dhcp4": True, "ra": "full", "dhcp6": "stateful", "metric": 200, "mtu": Mtu(1400)},
            {
                "mtu": 1400,
                "dhcp4": True,
                "dhcp6": True,
                "dhcp4-overrides": {"route-metric": 200, "use-mtu": False},
                "dhcp6-overrides": {"route-metric": 200, "use-mtu": False},
                "accept-ra": True,
                "link-local": ["ipv6"],
            },
        ),
        (
            {"required": False},
            {"dhcp4": False, "dhcp6": False, "accept-ra": False, "link-local": [], "optional": True},
        ),
    ],
)
def test_dynamic_addresses(fields: dict[str, Any], expected: dict[str, Any]) -> None:
    """The overrides of both kinds of DHCP are the same, as netplan wants; a link without addresses has none at all."""
    assert devices_of(nic(0, **fields))["ethernets"] == {
        "05-bootagent-eth0": {"match": {"macaddress": "fa:16:3e:00:00:00"}, **expected}
    }


@pytest.mark.parametrize(
    ("match", "expected"),
    [
        (Match(name=InterfaceName("ibp3s0")), {"name": "ibp3s0"}),
        (
            Match(mac=MacAddress("52:54:00:12:34:56"), driver="mlx5_core"),
            {"macaddress": "52:54:00:12:34:56", "driver": "mlx5_core"},
        ),
        (None, {"name": "eth0"}),
        (Match(), {"name": "eth0"}),
    ],
)
def test_how_a_nic_is_found(match: Match | None, expected: dict[str, str]) -> None:
    """By name where there is no address; never by an empty mapping, which is any NIC."""
    assert devices_of(nic(0)._replace(match=match))["ethernets"]["05-bootagent-eth0"]["match"] == expected


def test_what_netplan_cannot_say_of_a_route_is_reported() -> None:
    """A gateway of the other family would end the generator; 0.106 writes a large metric as a negative one."""
    routes = (Route(net("0.0.0.0/0"), ip("fe80::1")), Route(net("::/0"), ip("fe80::1"), 2**31))
    interface = nic(0, addresses=(Address(ip("192.0.2.5/32")),), routes=routes, metric=2**32 - 1, dhcp4=True)

    found = devices_of(interface)["ethernets"]["05-bootagent-eth0"]

    assert found["routes"] == [{"to": "::/0", "via": "fe80::1"}]
    assert "dhcp4-overrides" not in found
    assert [
        (problem.severity, problem.message.partition("=")[0]) for problem in problems_of(interface, host=Host())
    ] == [
        ("warning", "interface.metric"),
        ("error", "route.via"),
        ("warning", "route.metric"),
    ]


def test_an_order_of_servers_that_netplan_does_not_keep_is_reported() -> None:
    """It has two lists, one a family."""
    interface = nic(0, dhcp4=True, dns=Dns((ip("2001:db8::53"), ip("192.0.2.53"))))

    assert [problem.severity for problem in problems_of(interface, host=Host())] == ["info"]


PARAMETERS = {
    ("lacp_rate", "fast"): {"lacp-rate": "fast"},
    ("miimon", "100"): {"mii-monitor-interval": 100},
    ("min_links", "2"): {"min-links": 2},
    ("xmit_hash_policy", "layer3+4"): {"transmit-hash-policy": "layer3+4"},
    ("ad_select", "count"): {"ad-select": "count"},
    ("all_slaves_active", "1"): {"all-slaves-active": True},
    ("arp_interval", "1000"): {"arp-interval": 1000},
    ("arp_ip_target", "192.0.2.1,192.0.2.2"): {"arp-ip-targets": ["192.0.2.1", "192.0.2.2"]},
    ("arp_validate", "all"): {"arp-validate": "all"},
    ("arp_all_targets", "any"): {"arp-all-targets": "any"},
    ("updelay", "200"): {"up-delay": 200},
    ("downdelay", "0"): {"down-delay": 0},
    ("fail_over_mac", "follow"): {"fail-over-mac-policy": "follow"},
    ("num_grat_arp", "5"): {"gratuitous-arp": 5},
    ("packets_per_slave", "7"): {"packets-per-slave": 7},
    ("primary_reselect", "better"): {"primary-reselect-policy": "better"},
    ("resend_igmp", "3"): {"resend-igmp": 3},
    ("lp_interval", "5"): {"learn-packet-interval": 5},
}
# The same for the daemons: systemd.netdev(5), and the kernel's names that NetworkManager has.
NETDEV = {
    "lacp-rate": "LACPTransmitRate=fast",
    "mii-monitor-interval": "MIIMonitorSec=100ms",
    "min-links": "MinLinks=2",
    "transmit-hash-policy": "TransmitHashPolicy=layer3+4",
    "ad-select": "AdSelect=count",
    "all-slaves-active": "AllSlavesActive=1",
    "arp-interval": "ARPIntervalSec=1000ms",
    "arp-ip-targets": "ARPIPTargets=192.0.2.1 192.0.2.2",
    "arp-validate": "ARPValidate=all",
    "arp-all-targets": "ARPAllTargets=any",
    "up-delay": "UpDelaySec=200ms",
    "down-delay": "DownDelaySec=0ms",
    "fail-over-mac-policy": "FailOverMACPolicy=follow",
    "gratuitous-arp": "GratuitousARP=5",
    "packets-per-slave": "PacketsPerSlave=7",
    "primary-reselect-policy": "PrimaryReselectPolicy=better",
    "resend-igmp": "ResendIGMP=3",
    "learn-packet-interval": "LearnPacketIntervalSec=5",
}
OPTIONS = pytest.mark.parametrize(("option", "expected"), PARAMETERS.items(), ids=str)


def bond_of(*options: tuple[str, str], mode: str = "802.3ad", host: Host | None = None) -> str:
    return text_of(nic(1, master=BOND), made("bond0", bond=Bond(mode, options, ("eth1",))), host=host)


@OPTIONS
def test_bond_parameters(option: tuple[str, str], expected: dict[str, Any]) -> None:
    """Every option that netplan has a word for, with the type that it has there."""
    bond = yaml.safe_load(bond_of(option))["network"]["bonds"]["bond0"]

    assert bond["interfaces"] == ["05-bootagent-eth1"]
    assert bond["parameters"] == {"mode": "802.3ad", **expected}


@OPTIONS
def test_bond_parameters_reach_both_daemons(option: tuple[str, str], expected: dict[str, Any]) -> None:
    """In the unit and under the name that each of them has."""
    key, _, value = NETDEV[next(iter(expected))].partition("=")
    netdev = generated(bond_of(option))["bond0.netdev"]
    keyfile = dict(generated(bond_of(option, host=NM))["netplan-bond0.nmconnection"])

    assert ("Bond", [("Mode", "802.3ad"), (key, value)]) in netdev
    # NetworkManager reads "true" as the kernel's 1, nm_setting_bond.
    assert dict(keyfile["bond"])[option[0]] in (option[1], "true" if option[1] == "1" else "", f"{option[1]};")


@pytest.mark.parametrize("mode", MODES)
def test_bond_modes(mode: str) -> None:
    """By the kernel's names."""
    assert yaml.safe_load(bond_of(mode=mode))["network"]["bonds"]["bond0"]["parameters"] == {"mode": mode}


BONDED = (
    nic(1, master=BOND, required=False),
    nic(2, master=BOND, required=False),
    made(
        "bond0",
        mac=MacAddress("fa:16:3e:00:00:99"),
        mtu=Mtu(9000),
        bond=Bond("active-backup", (("miimon", "100"),), ("eth1", "eth2"), "eth2"),
        required=False,
    ),
    made(
        "vlan20",
        mac=MacAddress("fa:16:3e:00:00:20"),
        addresses=(Address(ip("192.0.2.5/24")),),
        vlan=Vlan(VlanId(20), "bond0"),
    ),
)


def test_a_bond_with_a_vlan_above() -> None:
    """Members by id; a parent without addresses is up and no more; each has the address that it is to have."""
    bare = {"dhcp4": False, "dhcp6": False, "accept-ra": False, "link-local": [], "optional": True}

    assert devices_of(*BONDED) == {
        "version": 2,
        "renderer": "networkd",
        "ethernets": {
            "05-bootagent-eth1": {"match": {"macaddress": "fa:16:3e:00:00:01"}, **bare},
            "05-bootagent-eth2": {"match": {"macaddress": "fa:16:3e:00:00:02"}, **bare},
        },
        "bonds": {
            "bond0": {
                "interfaces": ["05-bootagent-eth1", "05-bootagent-eth2"],
                "parameters": {"mode": "active-backup", "mii-monitor-interval": 100, "primary": "05-bootagent-eth2"},
                "macaddress": "fa:16:3e:00:00:99",
                "mtu": 9000,
                **bare,
            }
        },
        "vlans": {
            "vlan20": {
                "id": 20,
                "link": "bond0",
                "macaddress": "fa:16:3e:00:00:20",
                "dhcp4": False,
                "dhcp6": False,
                "accept-ra": False,
                "link-local": ["ipv6"],
                "addresses": ["192.0.2.5/24"],
            }
        },
    }


def test_a_bond_without_an_address_takes_its_first_member_s() -> None:
    """As the kernel would; systemd-networkd would make one up, which no port security lets through."""
    bond = made("bond0", bond=Bond("802.3ad", (), ("eth1", "eth2")))

    assert devices_of(*BONDED[1::-1], bond)["bonds"]["bond0"]["macaddress"] == "fa:16:3e:00:00:01"


FALLBACK = {
    "dhcp4": True,
    "dhcp6": True,
    "dhcp4-overrides": {"route-metric": 4096},
    "dhcp6-overrides": {"route-metric": 4096},
    "accept-ra": True,
    "link-local": ["ipv6"],
}
UNLISTED = {
    "zz-bootagent-unlisted-en": {"match": {"name": "en*"}},
    "zz-bootagent-unlisted-eth": {"match": {"name": "eth*"}},
}


def test_nics_that_the_document_does_not_name() -> None:
    """Those that have a physical device's name, now and later, and those that are there; behind all that is ours."""
    named = {"zz-bootagent-unlisted-ib0": {"match": {"name": "ib0"}}}
    names = (InterfaceName("ib0"), InterfaceName("eth9"))

    found = devices_of(nic(0), unlisted=names)["ethernets"]

    assert found.pop("05-bootagent-eth0")
    assert found == {name: {**match, **FALLBACK, "optional": True} for name, match in {**UNLISTED, **named}.items()}
    assert list(devices_of(nic(0))["ethernets"]) == ["05-bootagent-eth0"]


def test_online_wants_one_required_link() -> None:
    """Where nothing else is required, the fallback is."""
    expected = {name: {**match, **FALLBACK} for name, match in UNLISTED.items()}

    assert devices_of(unlisted=())["ethernets"] == expected
    assert text_of() == ""


@given(network=strategies.bound_networks(), host=strategies.hosts())
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
def test_a_yaml_reader_finds_every_string_a_string(network: BoundNetwork, host: Host) -> None:
    """None is read as a number, a time or a truth value (``52:54:00:12:34:56`` is one, in YAML 1.1)."""

    def strings(value: Any) -> Iterator[str]:
        for item in (*value, *value.values()) if isinstance(value, dict) else value if isinstance(value, list) else ():
            yield from strings(item)
        if isinstance(value, str):
            yield value
        assert isinstance(value, (str, int, dict, list))

    text = text_of(*network.interfaces, host=host, unlisted=network.unlisted)
    found = {*strings(yaml.safe_load(text))} if text else set()

    assert {*text.split('"')[1::2]} <= found
    for interface in network.interfaces:
        assert {str(address.ip) for address in interface.addresses} | {*interface.dns.search} <= found


SCALARS = st.booleans() | st.integers(0, 2**32) | st.text("abc.:-019~ *&", max_size=8)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(SCALARS, max_size=3)
        | st.dictionaries(st.sampled_from(("to", "use-mtu")), inner, max_size=3)
        | st.lists(st.dictionaries(st.sampled_from(("to", "via")), inner, min_size=1, max_size=2), max_size=2)
    ),
)


@given(document=st.dictionaries(st.sampled_from(("match", "dhcp4", "routes")), VALUES))
def test_yaml_is_what_a_yaml_reader_reads(document: dict[str, Any]) -> None:
    """Scalars, mappings, sequences of both, and empty ones."""
    assert (yaml.safe_load("\n".join(yaml_lines(document, 0))) or {}) == document


def test_an_origin_cannot_make_the_file_unreadable() -> None:
    """YAML allows no control character, not even in a comment."""
    text = text_of(nic(0, origin="a\x07\x00\n\x85\u2028é"))

    assert list(yaml.safe_load(text)["network"]["ethernets"]) == ["05-bootagent-eth0"]
    assert text.isascii()


# What the generator makes of it for systemd-networkd.


def expected_network(interface: Interface, network: BoundNetwork) -> Sections:
    """The ``.network`` file for an interface, from systemd.network(5)."""
    is_made = bool(interface.bond or interface.vlan)
    match = interface.match or Match(name=interface.name)
    found = {
        "PermanentMACAddress": match.mac,
        "Name": interface.name if is_made else match.name,
        "Driver": match.driver,
    }
    by_label = {other.label: other for other in network.interfaces}
    mac = interface.mac
    if interface.bond and not mac:
        first = by_label[interface.bond.members[0]].match
        mac = first.mac if first else None
    dhcp = ("", "ipv4", "ipv6", "yes")[interface.dhcp4 + 2 * bool(interface.dhcp6)]
    local = not interface.master and (interface.is_addressed or interface.ra != "off")
    primaries = {other.bond.primary for other in network.interfaces if other.bond}
    vlans = [other.name for other in network.interfaces if other.vlan and other.vlan.parent == interface.label]
    metric = interface.metric if interface.metric is not None and interface.metric < 2**31 else 100
    main = {
        "DHCP": dhcp,
        "LinkLocalAddressing": "ipv6" if local else "no",
        "IPv6AcceptRA": "no" if interface.ra == "off" else "yes",
        "Domains": " ".join(interface.dns.search),
        "ConfigureWithoutCarrier": "yes" if is_made else "",
        "Bond": interface.master,
        "PrimarySlave": "true" if interface.label in primaries else "",
    }
    several = [("Address", str(address.ip)) for address in interface.addresses]
    several += [("DNS", str(server)) for server in interface.dns.servers]
    several += [("VLAN", str(name)) for name in vlans]
    return said(
        [
            ("Match", pairs(found)),
            ("Link", pairs({"MTUBytes": interface.mtu, "MACAddress": mac if is_made else None})),
            ("Network", pairs(main) + several),
            *{route.to: ("Route", expected_route(route)) for route in interface.routes if fits(route)}.values(),
            ("DHCP", pairs({"RouteMetric": metric, "UseMTU": "false" if interface.mtu else "true"}) if dhcp else []),
        ]
    )


def pairs(lines: dict[str, Any]) -> list[tuple[str, str]]:
    return [(key, str(value)) for key, value in lines.items() if value not in (None, "")]


def fits(route: Route) -> bool:
    return route.via is None or route.via.version == route.to.version


def expected_route(route: Route) -> list[tuple[str, str]]:
    metric = route.metric if route.metric is not None and route.metric < 2**31 else None
    onlink = "true" if route.onlink else ""
    scope = "" if route.via else "link"
    return pairs(
        {"Destination": route.to, "Gateway": route.via, "GatewayOnLink": onlink, "Metric": metric, "Scope": scope}
    )


@given(network=strategies.bound_networks())
@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
def test_systemd_networkd_gets_what_the_model_says(network: BoundNetwork) -> None:
    """Key by key; and the generator takes any network."""
    network = network._replace(interfaces=tuple(map(distinct, network.interfaces)))

    found = generated(text_of(*network.interfaces, unlisted=network.unlisted)) if network.interfaces else {}

    for interface in network.interfaces:
        is_made = interface.bond or interface.vlan
        name = f"{interface.name if is_made else f'05-bootagent-{interface.label}'}"
        assert said(found[f"{name}.network"]) == expected_network(interface, network)
        assert (f"{name}.netdev" in found) == bool(is_made)


def distinct(interface: Interface) -> Interface:
    """Without what is there twice, which netplan drops: one route a destination, no address or server again."""
    routes = {route.to: route for route in interface.routes if fits(route)}
    addresses = {str(address.ip): address for address in interface.addresses}
    dns = Dns(tuple(dict.fromkeys(interface.dns.servers)), tuple(dict.fromkeys(interface.dns.search)))
    return interface._replace(routes=tuple(routes.values()), addresses=tuple(addresses.values()), dns=dns)


def test_the_made_devices_of_systemd_networkd() -> None:
    """Kind, address and MTU, and the fallback behind all other files."""
    found = generated(text_of(nic(0), *BONDED, unlisted=()))

    assert said(found["bond0.netdev"]) == [
        ("Bond", [("MIIMonitorSec", "100ms"), ("Mode", "active-backup")]),
        ("NetDev", [("Kind", "bond"), ("MACAddress", "fa:16:3e:00:00:99"), ("MTUBytes", "9000"), ("Name", "bond0")]),
    ]
    assert said(found["vlan20.netdev"]) == [
        ("NetDev", [("Kind", "vlan"), ("MACAddress", "fa:16:3e:00:00:20"), ("Name", "vlan20")]),
        ("VLAN", [("Id", "20")]),
    ]
    networks = sorted(name for name in found if name.endswith(".network"))
    assert networks[-2:] == ["zz-bootagent-unlisted-en.network", "zz-bootagent-unlisted-eth.network"]
    assert ("Match", [("Name", "en*")]) in found[networks[-2]]
    assert ("DHCP", [("RouteMetric", "4096"), ("UseMTU", "true")]) in found[networks[-2]]


def test_online_does_not_wait_for_what_is_optional() -> None:
    """Said in the file up to netplan 0.107, and by the devices that are waited for since 1.0."""
    with tempfile.TemporaryDirectory() as root:
        place = Path(root + PATH)
        place.parent.mkdir(parents=True)
        place.write_text(text_of(*BONDED))
        subprocess.run([GENERATOR, "--root-dir", root], check=True, capture_output=True)
        units = Path(root, "run/systemd/system/systemd-networkd-wait-online.service.d/10-netplan.conf")
        networks = Path(root, "run/systemd/network").glob("*.network")
        optional = {path.name for path in networks if "\nRequiredForOnline=no\n" in path.read_text()}

        if units.exists():
            assert "-i vlan20:degraded" in units.read_text()
            assert "bond0" not in units.read_text()
        else:
            names = ("05-bootagent-eth1", "05-bootagent-eth2", "bond0")
            assert optional == {f"10-netplan-{name}.network" for name in names}


# What the generator makes of it for NetworkManager.

V4 = (Address(ip("192.0.2.5/24")),)
V6 = (Address(ip("2001:db8::5/64")),)
DNS = Dns((ip("192.0.2.53"), ip("2001:db8::53")), (DomainName("a.example"),))
IGNORED = {"addr-gen-mode", "ip6-privacy"}


def keyfile_of(*interfaces: Interface) -> dict[str, dict[str, str]]:
    """The profile of the last of the interfaces, which NetworkManager takes."""
    last = interfaces[-1]
    name = last.name if last.bond or last.vlan else f"05-bootagent-{last.label}"
    text = text_of(*interfaces, host=NM)
    found = generated(text)[f"netplan-{name}.nmconnection"]
    return {title: {key: value for key, value in lines if key not in IGNORED} for title, lines in found}


LINK_LOCAL = {"method": "link-local"}
DISABLED = {"method": "disabled"}


@pytest.mark.parametrize(
    ("fields", "ipv4", "ipv6"),
    [
        (
            {"addresses": V4 + V6, "dns": DNS, "routes": (Route(net("0.0.0.0/0"), ip("192.0.2.1"), 50),)},
            {
                "method": "manual",
                "address1": "192.0.2.5/24",
                "dns": "192.0.2.53;",
                "dns-search": "a.example;",
                "route1": "0.0.0.0/0,192.0.2.1,50",
            },
            {"method": "manual", "address1": "2001:db8::5/64", "dns": "2001:db8::53;", "dns-search": "a.example;"},
        ),
        (
            {"addresses": V4, "routes": (Route(net("0.0.0.0/0"), ip("203.0.113.1"), onlink=True),)},
            {
                "method": "manual",
                "address1": "192.0.2.5/24",
                "route1": "0.0.0.0/0,203.0.113.1",
                "route1_options": "onlink=true",
            },
            LINK_LOCAL,
        ),
        ({"addresses": V6}, DISABLED, {"method": "manual", "address1": "2001:db8::5/64"}),
        ({"addresses": V6, "ra": "routes"}, DISABLED, {"method": "auto", "address1": "2001:db8::5/64"}),
        ({"dhcp4": True, "metric": 200}, {"method": "auto", "route-metric": "200"}, LINK_LOCAL),
        ({"ra": "full", "dhcp6": "stateful", "metric": 7}, DISABLED, {"method": "auto", "route-metric": "7"}),
        ({"required": False}, DISABLED, DISABLED),
    ],
)
def test_methods_of_networkmanager(fields: dict[str, Any], ipv4: dict[str, str], ipv6: dict[str, str]) -> None:
    """Nothing but what the document asks for: no address of its own making, and no heed to a router."""
    found = keyfile_of(nic(0, **fields))

    assert (found["ipv4"], found["ipv6"]) == (ipv4, ipv6)
    assert found["connection"]["type"] == "ethernet"
    assert found["ethernet"]["mac-address"] == "fa:16:3e:00:00:00"


def test_made_devices_of_networkmanager() -> None:
    """The primary is named as the kernel names it; members stand under their bond."""
    member, bond, vlan = keyfile_of(*BONDED[1:2], *BONDED[2:3], BONDED[0]), keyfile_of(*BONDED[:3]), keyfile_of(*BONDED)

    assert {**member["connection"], "id": ""} == {"id": "", "type": "ethernet", "slave-type": "bond", "master": "bond0"}
    assert (bond["connection"]["type"], bond["connection"]["interface-name"]) == ("bond", "bond0")
    assert bond["bond"] == {"mode": "active-backup", "miimon": "100", "primary": "eth2"}
    assert bond["ethernet"] == {"cloned-mac-address": "fa:16:3e:00:00:99", "mtu": "9000"}
    assert (bond["ipv4"], bond["ipv6"]) == (DISABLED, DISABLED)
    assert vlan["vlan"] == {"id": "20", "parent": "bond0"}
    assert vlan["ethernet"] == {"cloned-mac-address": "fa:16:3e:00:00:20"}


@pytest.mark.parametrize(
    "interfaces",
    [
        BONDED,
        (nic(0, addresses=V4, dns=DNS, routes=(Route(net("2001:db8::/32"), ip("fe80::1")),)),),
        (nic(0, addresses=V6, dns=DNS, ra="routes", mtu=Mtu(1400)),),
        (nic(0, dns=DNS), made("vlan7", dhcp4=True, ra="full", metric=300, vlan=Vlan(VlanId(7), "eth0"))),
    ],
    ids=["bond", "v4", "v6", "vlan"],
)
def test_networkmanager_takes_every_profile(interfaces: tuple[Interface, ...]) -> None:
    """It refuses a profile for a single server of a family that the link does not have."""
    profiles = generated(text_of(*interfaces, host=NM))

    for found in (found for name, found in profiles.items() if name.endswith(".nmconnection")):
        blocks = ("\n".join([f"[{title}]", *(f"{key}={value}" for key, value in lines)]) for title, lines in found)
        command = ["nmcli", "--offline", "connection", "modify", "connection.autoconnect", "yes"]
        done = subprocess.run(command, input="\n\n".join(blocks) + "\n", capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr


def test_what_cannot_be_said_to_networkmanager_is_reported() -> None:
    """A driver would end the generator, and NetworkManager would refuse the profile for the rest."""
    match = Match(mac=MacAddress("fa:16:3e:00:00:00"), driver="mlx5_core")
    late = Interface("fa163e000002", None, Match(mac=MacAddress("fa:16:3e:00:00:02")), master=BOND, required=False)
    bond = made("bond0", bond=Bond("active-backup", (), (late.label,), late.label))
    routes = (Route(net("2001:db8::/32"), ip("fe80::1")),)
    interface = nic(0, addresses=V4, dns=DNS, routes=routes, required=False)._replace(match=match)

    found = devices_of(interface, late, bond, host=NM)
    problems = problems_of(interface, late, bond, host=NM)

    assert found["ethernets"]["05-bootagent-eth0"]["match"] == {"macaddress": "fa:16:3e:00:00:00"}
    assert "routes" not in found["ethernets"]["05-bootagent-eth0"]
    assert found["ethernets"]["05-bootagent-eth0"]["nameservers"]["addresses"] == ["192.0.2.53"]
    assert "primary" not in found["bonds"]["bond0"]["parameters"]
    assert [(problem.severity, problem.message.partition("=")[0]) for problem in problems] == [
        ("warning", "match.driver"),
        ("info", "interface.required"),
        ("warning", "route.to"),
        ("warning", "dns.servers"),
        ("warning", "bond.primary"),
    ]
    search = nic(3, dns=Dns(search=(DomainName("a.example"),)))
    assert [problem.message.partition("=")[0] for problem in problems_of(search, host=NM)] == ["dns.search"]


def test_nics_that_the_document_does_not_name_with_networkmanager() -> None:
    """By name: it takes all others by itself.  Those that other files configure are left to them."""
    wide = MacAddress("80:00:02:08:fe:80:00:00:00:00:00:00:e4:1d:2d:03:00:48:aa:01")
    texts = {"/etc/netplan/50-site.yaml": "network:\n  ethernets:\n    eth8: {dhcp4: true}\n"}
    host = NM._replace(nics=(Nic(InterfaceName("ib0"), wide),), texts=texts)
    unlisted = tuple(map(InterfaceName, ("eth8", "eth9", "ib0")))

    plan = render_for("netplan", BoundNetwork((nic(0),), unlisted), host)

    found = yaml.safe_load(plan.files[0].content)["network"]["ethernets"]
    assert list(found) == ["05-bootagent-eth0", "zz-bootagent-unlisted-eth9"]
    # A link-local address is always ready, so that NetworkManager-wait-online does not wait for a server.
    assert found["zz-bootagent-unlisted-eth9"] == {
        "match": {"name": "eth9"},
        "dhcp4": True,
        "dhcp6": False,
        "dhcp4-overrides": {"route-metric": 4096},
        "accept-ra": False,
        "link-local": ["ipv6"],
        "optional": True,
        "networkmanager": {"passthrough": {"ipv6.method": "link-local", "ipv4.dhcp-timeout": "2147483647"}},
    }
    assert [(problem.severity, problem.where) for problem in plan.problems] == [("info", "/etc/netplan/50-site.yaml")]


# The machine: what runs there, and the files of others.


def test_it_is_available_where_its_generator_and_a_daemon_are() -> None:
    """The generator enables systemd-networkd by itself, but not NetworkManager."""
    both = frozenset({"netplan", "networkd"})

    assert dict(running(Host(installed=both))).get("netplan", "") == "netplan's generator is installed"
    assert "netplan" in dict(running(NM._replace(installed=frozenset({"netplan"}))))
    assert "netplan" not in dict(running(Host(installed=frozenset({"netplan"}))))
    assert "netplan" not in dict(running(Host(installed=frozenset({"networkd"}))))
    assert "netplan" not in dict(running(NM))


def test_the_generator_runs_again_on_a_live_machine() -> None:
    """It ran before the agent on this boot."""
    action = Action("netplan-generate", "/etc/netplan")

    assert render_for("netplan", BoundNetwork((nic(0),)), Host(live=True)).actions == (action,)
    assert render_for("netplan", BoundNetwork(), Host(live=True)).actions == (action,)
    assert render_for("netplan", BoundNetwork((nic(0),)), Host()).actions == ()


BOTH = frozenset({"NetworkManager.service", "systemd-networkd.service"})


@pytest.mark.parametrize(
    ("enabled", "texts", "expected"),
    [
        (frozenset(), {}, "networkd"),
        (NM.enabled, {}, "NetworkManager"),
        (BOTH, {}, "networkd"),
        (BOTH, {"/usr/lib/netplan/00-all.yaml": "NetworkManager"}, "NetworkManager"),
        (NM.enabled, {"/etc/netplan/01-site.yaml": "'networkd' # ours"}, "networkd"),
        (NM.enabled, {"/etc/netplan/01-site.yaml.bak": "networkd"}, "NetworkManager"),
        (NM.enabled, {PATH: "networkd", "/run/netplan/90-bootagent.yaml": "networkd"}, "NetworkManager"),
        (NM.enabled, {"/etc/netplan/1.yaml": "NetworkManager", "/usr/lib/netplan/2.yaml": "networkd"}, "networkd"),
        (NM.enabled, {"/etc/netplan/1.yaml": "networkd", "/run/netplan/1.yaml": "NetworkManager"}, "NetworkManager"),
    ],
)
def test_which_daemon_netplan_writes_for(enabled: frozenset[str], texts: dict[str, str], expected: str) -> None:
    """As other files say, the last by name, a file in /run before its namesake; or the one that is enabled."""
    head = "network:\n  version: 2\n  ethernets:\n    e0:\n      renderer: sriov\n  renderer: "
    host = Host(enabled=enabled, texts={path: f"{head}{value}\n" for path, value in texts.items()})

    assert devices_of(nic(0), host=host)["renderer"] == expected


CLOUD_INIT = """\
# This file is generated from information provided by the datasource.
network:
    version: 2
    ethernets:
        ens3:
            dhcp4: true
            match:
                macaddress: FA:16:3E:00:00:01
            set-name: ens3
"""
INSTALLER = """\
network:
  ethernets:
    eth1:
      dhcp4: true
      addresses: ["192.0.2.7/24"]
      nameservers: {addresses: [192.0.2.53]}
  version: 2
"""
IMAGE = "network:\n  version: 2\n  ethernets:\n    all-eth:\n      match:\n        name: eth*\n      dhcp4: true\n"
FLOW = 'network:\n  ethernets:\n    x:\n      match: { macaddress: "fa:16:3e:00:00:01" }\n      optional: true\n'


@pytest.mark.parametrize(
    ("text", "host", "expected"),
    [
        (CLOUD_INIT, Host(), ["its 'ens3' is for eth1 too: ours is taken"]),
        (INSTALLER, Host(), ["its 'eth1' is for eth1 too: ours is taken"]),
        (INSTALLER, NM, ["its 'eth1' is for eth1 too: NetworkManager may take either"]),
        (FLOW, Host(), ["its 'x' is for eth1 too: ours is taken"]),
        (IMAGE, Host(), ["its 'all-eth' is for eth1 too: ours is taken, but netplan 1.0 lets the boot wait for it"]),
        (f"{IMAGE}      optional: true\n", Host(), []),
        (IMAGE.replace("eth*", "en*"), Host(), []),
        (IMAGE, NM, ["its 'all-eth' is for eth1, eth3 too: NetworkManager may take either"]),
        (IMAGE.replace("all-eth", "00-any"), Host(), ["its '00-any' is for eth1, eth3 too: it is taken, not ours"]),
        ("network:\n  bonds:\n    bond0: {}\n", Host(), ["its 'bond0' is for bond0 too: netplan merges the two"]),
        ("network:\n  bridges:\n    eth1:\n      dhcp4: true\n", Host(), []),
        ("network: {config: disabled}\n", Host(), []),
        ("%YAML\n\x00: : :\n- a\n", Host(), []),
    ],
)
def test_files_of_others_that_compete(text: str, host: Host, expected: list[str]) -> None:
    """Those for a device of ours; a pattern that ours is taken before is harmless, if nothing waits for it."""
    path = "/etc/netplan/50-cloud-init.yaml"
    bond = made("bond0", dhcp4=True, bond=Bond("active-backup", (), ("eth1",)))
    interfaces = (nic(1, master=BOND, required=False), nic(3, dhcp4=True), bond)

    problems = problems_of(*interfaces, host=host._replace(texts={path: text, f"{path}.dpkg-old": text}))

    assert [(problem.severity, problem.where) for problem in problems] == [("warning", path)] * len(expected)
    assert [problem.message for problem in problems] == expected


def test_a_pattern_may_take_a_made_device() -> None:
    """systemd-networkd has its file for any device of that name, unless ours comes first."""
    texts = {"/etc/netplan/00.yaml": IMAGE}
    vlans = [made(name, dhcp4=True, vlan=Vlan(VlanId(5), "eth0")) for name in ("eth0.5", "aeth0.6")]

    problems = problems_of(nic(0), *vlans, host=Host(texts=texts))

    assert [problem.message for problem in problems] == ["its 'all-eth' is for eth0.5 too: it is taken, not ours"]


def test_a_name_that_is_another_kind_elsewhere() -> None:
    """The generator takes none of the files then."""
    text = "network:\n  bridges:\n    vlan5: {}\n"
    vlan = made("vlan5", dhcp4=True, vlan=Vlan(VlanId(5), "eth0"))

    problems = problems_of(nic(0), vlan, host=Host(texts={"/etc/netplan/00.yaml": text}))

    assert [(problem.severity, problem.where) for problem in problems] == [("error", "/etc/netplan/00.yaml")]
    with tempfile.TemporaryDirectory() as root:
        Path(root, "etc/netplan").mkdir(parents=True)
        Path(root, "etc/netplan/00.yaml").write_text(text)
        Path(root + PATH).write_text(text_of(nic(0), vlan))
        done = subprocess.run([GENERATOR, "--root-dir", root], capture_output=True, check=False)
    assert done.returncode != 0


def test_a_definition_by_driver() -> None:
    """Where the driver of the NIC is known."""
    texts = {"/etc/netplan/00.yaml": "network:\n  ethernets:\n    '00-any':\n      match: {driver: virtio*}\n"}
    here = (Nic(InterfaceName("eth1"), MacAddress("fa:16:3e:00:00:01"), "virtio_net"),)

    assert problems_of(nic(1), host=Host(texts=texts)) == ()
    problems = problems_of(nic(1), host=Host(texts=texts, nics=here))
    assert [problem.message for problem in problems] == ["its '00-any' is for eth1 too: it is taken, not ours"]
