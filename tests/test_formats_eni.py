# SPDX-License-Identifier: Apache-2.0
"""The Debian ``interfaces`` file as clouds write it: what of it is followed, and what is only reported."""

from __future__ import annotations

import textwrap

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bootagent.formats.eni import MAX_TEXT, parse_eni
from bootagent.formats.eni_routes import parse_route_command
from bootagent.model.instance import Problem
from bootagent.model.ip import IPAddress, IPInterface, IPNetwork
from bootagent.model.network import Address, Addressing, Bond, Dns, Link, Network, Route
from bootagent.model.values import DomainName, InterfaceName, MacAddress
from tests.conftest import EXAMPLES

DOC = "network_config"


def parse(text: str) -> tuple[Network, list[str]]:
    network, problems = parse_eni(textwrap.dedent(text).encode(), DOC)
    return network, [f"{p.severity} {p.where}" for p in problems]


def clean(text: str) -> tuple[Link, ...]:
    """The links of a file in which nothing is wrong."""
    network, problems = parse(text)
    assert problems == []
    return network.links


def only(text: str) -> Addressing:
    (link,) = clean(text)
    return link.addressing


def facts(asked: Addressing) -> tuple[list[str], list[str]]:
    routes = [f"{r.to} via {r.via}" + (f" metric {r.metric}" if r.metric is not None else "") for r in asked.routes]
    return [str(a.ip) for a in asked.addresses], routes


# Producers


def test_nova_template_dual_stack_with_route_commands() -> None:
    text = """\
        # Injected by Nova on instance boot
        #
        # This file describes the network interfaces available on your system
        # and how to activate them. For more information, see interfaces(5).

        # The loopback network interface
        auto lo
        iface lo inet loopback

        auto eth0
        iface eth0 inet static
            hwaddress ether BC:76:4E:00:00:01
            address 192.0.2.10
            netmask 255.255.255.0
            broadcast 192.0.2.255
            gateway 192.0.2.1
            dns-nameservers 192.0.2.53 192.0.2.54
            post-up ip route add 10.208.0.0/12 via 192.0.2.2 dev eth0
            pre-down ip route del 10.208.0.0/12 via 192.0.2.2 dev eth0

        iface eth0 inet6 static
            hwaddress ether bc:76:4e:00:00:01
            address 2001:db8::a
            netmask 64
            gateway fe80::def
    """
    network, problems = parse(text)
    at4, at6 = f"{DOC}: line 11", f"{DOC}: line 21"
    expected = Link(
        id="eth0",
        mac=MacAddress("bc:76:4e:00:00:01"),
        name=InterfaceName("eth0"),
        addressing=Addressing(
            addresses=(
                Address(IPInterface.parse("192.0.2.10/24"), at4),
                Address(IPInterface.parse("2001:db8::a/64"), at6),
            ),
            routes=(
                Route(IPNetwork.parse("0.0.0.0/0"), IPAddress.parse("192.0.2.1"), origin=f"{DOC}: line 16"),
                Route(
                    IPNetwork.parse("10.208.0.0/12"),
                    IPAddress.parse("192.0.2.2"),
                    origin=f"{DOC}: line 18",
                ),
                Route(IPNetwork.parse("::/0"), IPAddress.parse("fe80::def"), origin=f"{DOC}: line 25"),
            ),
            dns=Dns((IPAddress.parse("192.0.2.53"), IPAddress.parse("192.0.2.54"))),
        ),
        origin=at4,
    )
    assert network == Network((expected,))
    assert problems == [f"info {DOC}: line 19"]


def test_proxmox() -> None:
    text = """\
        auto lo
        iface lo inet loopback

                dns_nameservers 10.0.0.53
                dns_search example.org
        auto eth0
        iface eth0 inet static
                address 10.0.0.5
                netmask 255.255.255.0
                gateway 10.0.0.1
        auto eth0
        iface eth0 inet6 static
                address 2001:db8::5
                netmask 64
                gateway 2001:db8::1
        auto eth1
        iface eth1 inet dhcp
        iface eth1 inet6 dhcp
        auto eth2
        iface eth2 inet6 auto
    """
    network, problems = parse(text)
    assert problems == []
    assert network.dns == Dns((IPAddress.parse("10.0.0.53"),), (DomainName("example.org"),))
    links = network.links
    assert facts(links[0].addressing) == (
        ["10.0.0.5/24", "2001:db8::5/64"],
        ["0.0.0.0/0 via 10.0.0.1", "::/0 via 2001:db8::1"],
    )
    assert links[1].addressing == Addressing(dhcp4=True, dhcp6="stateful")
    assert links[2].addressing == Addressing(slaac=True)
    assert [(link.name, link.mac) for link in links] == [("eth0", None), ("eth1", None), ("eth2", None)]


def test_a_bond_with_a_vlan_above_it() -> None:
    text = """\
        auto bond0
        iface bond0 inet manual
            hwaddress 52:54:00:aa:00:01
            mtu 9000
            bond-slaves eth0 eth1
            bond-mode 4
            bond_miimon 100
            bond-lacp-rate fast
            bond-xmit-hash-policy layer3+4
            bond-primary eth1
        auto bond0.20
        iface bond0.20 inet static
            address 10.20.0.5/24
            vlan-raw-device bond0
        auto vlan0030
        iface vlan0030 inet static
            address 10.30.0.5/24
            vlan_raw_device bond0
        iface eth0 inet manual
            hwaddress ether 52:54:00:aa:00:01
    """
    bond, tagged, named, nic, implied = clean(text)
    assert bond.bond == Bond(
        "802.3ad",
        (("miimon", "100"), ("lacp_rate", "fast"), ("xmit_hash_policy", "layer3+4")),
        ("eth0", "eth1"),
        "eth1",
    )
    assert (bond.name, bond.mac, bond.mtu) == ("bond0", "52:54:00:aa:00:01", 9000)
    assert (tagged.name, tagged.vlan, named.name, named.vlan) == ("bond0.20", (20, "bond0"), "vlan0030", (30, "bond0"))
    assert (nic.id, nic.mac, implied.id, implied.name, implied.mac) == (
        "eth0",
        "52:54:00:aa:00:01",
        "eth1",
        "eth1",
        None,
    )


def test_members_that_name_their_bond() -> None:
    text = """\
        iface eth0 inet manual
            bond-master bond0
        iface eth1 inet manual
            bond-master bond0
        iface bond0 inet dhcp
            bond-mode active-backup
            bond-slaves none
    """
    assert clean(text)[2].bond == Bond("active-backup", (), ("eth0", "eth1"))


def test_a_vlan_makes_its_parent_known() -> None:
    vlan, parent = clean("iface ens3.7 inet static\n address 10.7.0.5/24\n")
    assert (vlan.vlan, parent.id, parent.name) == ((7, "ens3"), "ens3", "ens3")
    assert parent.addressing == Addressing()


# Grammar


def test_continued_lines_comments_tabs_and_line_ends() -> None:
    text = "# \\\nauto eth0\r\niface\teth0 inet \\\n  static\r\n\taddress\t10.0.0.5\n  # netmask 8\n\tnetmask \\\n 24\n"
    assert facts(only(text))[0] == ["10.0.0.5/24"]


def test_a_byte_order_mark_and_nuls() -> None:
    network, problems = parse_eni(b"\xef\xbb\xbfiface eth0 inet dhcp\n\0\0\0", DOC)
    assert (len(network.links), problems) == (1, ())


def test_alias_stanzas_and_repeated_stanzas_are_addresses_of_one_device() -> None:
    text = """\
        iface eth0 inet static
            address 10.0.0.5/24
        iface eth0:0 inet static
            address 10.0.1.5
            netmask 255.255.255.0
        iface eth0 inet static
            address 10.0.2.5/24
    """
    assert facts(only(text))[0] == ["10.0.0.5/24", "10.0.1.5/24", "10.0.2.5/24"]


def test_a_stanza_without_a_method_is_what_its_options_say() -> None:
    """As ifupdown2 and ifupdown-ng write it."""
    text = "iface eth0\n address 10.0.0.5/24\n address 2001:db8::5/64\n gateway 10.0.0.1\n"
    assert facts(only(text)) == (["10.0.0.5/24", "2001:db8::5/64"], ["0.0.0.0/0 via 10.0.0.1"])
    assert only("auto eth0\niface eth0\n") == Addressing()


def test_slaac_with_a_stateless_server() -> None:
    assert only("iface eth0 inet6 auto\n dhcp 1\n accept_ra 2\n") == Addressing(slaac=True, dhcp6="stateless")


def test_metric_mtu_and_dns() -> None:
    text = """\
        iface eth0 inet static
            address 10.0.0.5/24
            gateway 10.0.0.1
            metric 50
            mtu 1450
            dns-nameserver 10.0.0.53
            dns-nameserver 2001:db8::53
            dns-search a.example b.example
            dns-domain c.example
    """
    (link,) = clean(text)
    assert link.mtu == 1450
    assert facts(link.addressing)[1] == ["0.0.0.0/0 via 10.0.0.1 metric 50"]
    assert [str(server) for server in link.addressing.dns.servers] == ["10.0.0.53", "2001:db8::53"]
    assert link.addressing.dns.search == ("a.example", "b.example", "c.example")


@pytest.mark.parametrize(
    "line", ["source /etc/network/interfaces.d/*", "source-directory x", "mapping eth0\n script /bin/x", "rename a=b"]
)
def test_other_files_are_not_followed(line: str) -> None:
    network, problems = parse(f"{line}\niface eth0 inet dhcp\n")
    assert len(network.links) == 1
    assert problems == [f"info {DOC}: line 1"]


# Commands


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("ip route add 10.9.0.0/16 via 10.0.0.2 dev eth0", "10.9.0.0/16 via 10.0.0.2"),
        ("ip route add 10.9.0.0/16 via 10.0.0.2 dev $IFACE || true", "10.9.0.0/16 via 10.0.0.2"),
        ("/sbin/ip -4 route replace 10.9.0.0/16 via 10.0.0.2 metric 7", "10.9.0.0/16 via 10.0.0.2 metric 7"),
        ("ip route add 10.9.0.1 via 10.0.0.2", "10.9.0.1/32 via 10.0.0.2"),
        ("ip route add 10.9.0.0/16 dev eth0", "10.9.0.0/16 via None"),
        ("ip route add default via 10.0.0.2", "0.0.0.0/0 via 10.0.0.2"),
        ("ip route add default via fe80::1 dev eth0", "::/0 via fe80::1"),
        ("ip -6 route add default via fe80::1 dev eth0", "::/0 via fe80::1"),
        ("ip -6 route add fd30::/48 via fe80::1 dev eth0", "fd30::/48 via fe80::1"),
        ("ip route append ::/0 via fe80::1 dev eth0", "::/0 via fe80::1"),
        ("route add -net 10.9.0.0 netmask 255.255.0.0 gw 10.0.0.2", "10.9.0.0/16 via 10.0.0.2"),
        ("route add -net 10.9.0.0/16 gw 10.0.0.2 dev eth0", "10.9.0.0/16 via 10.0.0.2"),
        ("/sbin/route add -net 10.9.0.0/16 gw 10.0.0.2 eth0", "10.9.0.0/16 via 10.0.0.2"),
        ("route add -host 10.9.0.1 gw 10.0.0.2 metric 3 || :", "10.9.0.1/32 via 10.0.0.2 metric 3"),
        ("route add -host 10.9.0.1 dev eth0", "10.9.0.1/32 via None"),
        ("route add default gw 10.0.0.2", "0.0.0.0/0 via 10.0.0.2"),
        ("route add -net default gw 10.0.0.2", "0.0.0.0/0 via 10.0.0.2"),
        ("route -A inet6 add ::/0 gw fe80::1", "::/0 via fe80::1"),
        ("route add -A inet6 fd30::/48 gw fe80::1 dev eth0", "fd30::/48 via fe80::1"),
        ("route -6 add default gw fe80::1 dev eth0", "::/0 via fe80::1"),
    ],
)
@pytest.mark.parametrize("key", ["up", "post-up"])
def test_a_command_that_adds_a_route_is_that_route(key: str, command: str, expected: str) -> None:
    asked = only(f"iface eth0 inet static\n address 10.0.0.5/24\n {key} {command}\n")
    assert facts(asked)[1] == [expected]


def test_an_onlink_route() -> None:
    asked = only(
        "iface eth0 inet static\n address 10.0.0.5/32\n up ip route add default via 10.9.9.9 dev eth0 onlink\n"
    )
    assert asked.routes[0].onlink


@pytest.mark.parametrize(
    "command",
    [
        "reboot",
        "ip route add 10.9.0.0/16 via 10.0.0.2; reboot",
        "ip route add 10.9.0.0/16 via 10.0.0.2 && reboot",
        "ip route add 10.9.0.0/16 via $(reboot)",
        "ip route add 10.9.0.0/16 via 10.0.0.2 dev eth1",
        "ip route add 10.9.0.0/16 via 10.0.0.2 table 7",
        "ip route add 10.9.0.0/16 via",
        "ip route add 10.9.0.0/16 via fe80::1",
        "ip -6 route add 10.9.0.0/16 via 10.0.0.2",
        "ip route add default dev eth0",
        "ip route add 10.9.0.0/40 via 10.0.0.2",
        "ip route add 10.9.0.0/16 via 10.0.0.2 metric -1",
        "ip route add 10.9.0.0/16 via 10.0.0.2 metric 99999999999",
        "ip route add 10.9.0.0/16 via 10.0.0.2 via 10.0.0.3",
        "ip route del 10.9.0.0/16",
        "ip addr add 10.9.0.1/16 dev eth0",
        "ip route",
        "ip",
        "route",
        "route add",
        "route add -net",
        "route add -net 10.9.0.0 gw 10.0.0.2",
        "route del default",
        "route add -net 10.9.0.0 netmask 255.234.0.0 gw 10.0.0.2",
        "sh -c 'ip route add 10.9.0.0/16 via 10.0.0.2'",
        "",
    ],
)
def test_any_other_command_is_reported_and_followed_no_further(command: str) -> None:
    network, problems = parse(f"iface eth0 inet static\n address 10.0.0.5/24\n up {command}\n")
    assert facts(network.links[0].addressing) == (["10.0.0.5/24"], [])
    assert problems == [f"warning {DOC}: line 3"]


def test_host_bits_of_a_commands_destination_are_cleared() -> None:
    network, problems = parse("iface eth0 inet dhcp\n up ip route add 10.9.1.2/16 via 10.0.0.2\n")
    assert facts(network.links[0].addressing)[1] == ["10.9.0.0/16 via 10.0.0.2"]
    assert problems == [f"warning {DOC}: line 2"]


@pytest.mark.parametrize("key", ["pre-up", "down", "pre-down", "post-down"])
def test_commands_at_other_times_are_never_executed_and_said_so(key: str) -> None:
    network, problems = parse(f"iface eth0 inet dhcp\n {key} touch /tmp/x\n")
    assert len(network.links) == 1
    assert problems == [f"info {DOC}: line 2"]


@given(
    st.lists(
        st.sampled_from("ip route add -net -host default via dev gw metric 10.0.0.1 ::/0 eth0 -6 -A inet6 x".split())
    )
)
def test_any_words_are_a_route_or_no_command(words: list[str]) -> None:
    try:
        route, _ = parse_route_command(" ".join(words), "eth0", "here")
    except ValueError:
        return
    assert route.via is not None or route.to.prefixlen > 0


# Bad input, named by the rule it breaks

GOOD = "iface good inet static\n address 10.9.0.5/24\n"


@pytest.mark.parametrize(
    ("rule", "stanza", "expected"),
    [
        ("a name that is none", "iface eth0/../x inet dhcp\n mtu 9", ["error 1"]),
        ("a name too long", "iface abcdefghijklmnop inet dhcp", ["error 1"]),
        ("no name", "iface", ["error 1"]),
        ("an unknown family", "iface eth0 ipx static", ["error 1"]),
        ("an unknown method", "iface ppp0 inet ppp\n provider x", ["error 1"]),
        ("static without address", "iface eth0 inet static\n gateway 10.0.0.1", ["error 1"]),
        ("no netmask", "iface eth0 inet static\n address 10.0.0.5\n gateway 10.0.0.1", ["error 2"]),
        ("a netmask with a gap", "iface eth0 inet static\n address 10.0.0.5\n netmask 255.0.255.0", ["error 3"]),
        ("a group address", "iface eth0 inet static\n address 224.0.0.5/24", ["error 2"]),
        (
            "a gateway of the other family",
            "iface eth0 inet static\n address 10.0.0.5/24\n gateway fe80::1",
            ["error 3"],
        ),
        ("its own gateway", "iface eth0 inet static\n address 10.0.0.5/24\n gateway 10.0.0.5", ["error 3"]),
        ("no MAC", "iface eth0 inet dhcp\n hwaddress ether random", ["error 2"]),
        ("an empty MAC", "iface eth0 inet dhcp\n hwaddress", []),
        ("an MTU out of range", "iface eth0 inet dhcp\n mtu 99999", ["warning 2"]),
        ("a metric out of range", "iface eth0 inet dhcp\n gateway 10.0.0.1\n metric x", ["warning 3"]),
        ("an unknown option", "iface eth0 inet dhcp\n wpa-psk x", ["warning 2"]),
        ("an unknown DNS option", "iface eth0 inet dhcp\n dns-sortlist x", ["warning 2"]),
        ("a bad DNS server", "iface eth0 inet dhcp\n dns-nameservers x 10.0.0.53", ["warning 2"]),
        ("inherits", "iface eth0 inet dhcp inherits eth1", ["warning 1"]),
        ("an option before any stanza", "mtu 1500\nmtu 1500", ["warning 1"]),
        ("a bridge", "iface br0 inet dhcp\n bridge-ports eth0", ["error 2"]),
        ("a VLAN id out of range", "iface eth0.5000 inet dhcp", ["error 1"]),
        ("a VLAN without parent", "iface vlan20 inet dhcp", ["error 1"]),
        (
            "a VLAN that is its own parent",
            "iface eth0.5 inet dhcp\n vlan-raw-device eth0.5",
            ["error 1: vlan-raw-device"],
        ),
        (
            "a VLAN whose parent is no name",
            "iface a.5 inet dhcp\n vlan-raw-device a/b",
            ["warning 1", "error 1: vlan-raw-device"],
        ),
        ("a bond without members", "iface b inet dhcp\n bond-mode 1\n bond-slaves none", ["error 1"]),
        ("a bond without mode", "iface b inet dhcp\n bond-slaves eth0", ["warning 1"]),
        ("an unknown bond option", "iface b inet dhcp\n bond-slaves eth0\n bond-mode 1\n bond-x y", ["warning 4"]),
        (
            "a member that is no name",
            "iface b inet dhcp\n bond-slaves e e/f\n bond-mode 1",
            ["warning 2", "warning 1: bond-slaves"],
        ),
        ("a v6 address in inet", "iface eth0 inet static\n address 2001:db8::5/64", ["warning 2"]),
        ("no v6 netmask", "iface eth0 inet6 static\n address 2001:db8::5", ["warning 2"]),
    ],
    ids=lambda value: value if isinstance(value, str) and "\n" not in value else "",
)
def test_what_is_wrong_costs_only_its_place(rule: str, stanza: str, expected: list[str]) -> None:
    network, problems = parse(f"{stanza}\n{GOOD}")
    assert problems == [f"{e.partition(' ')[0]} {DOC}: line {e.partition(' ')[2]}" for e in expected]
    assert facts(network.links[-1].addressing)[0] == ["10.9.0.5/24"] or "good" in {link.id for link in network.links}


def test_a_static_stanza_without_a_sound_address_has_no_routes() -> None:
    network, _ = parse(
        "iface eth0 inet static\n address x\n gateway 10.0.0.1\n up ip route add 10.9.0.0/16 via 10.0.0.2\n"
    )
    assert network.links[0].addressing.routes == ()


def test_a_file_too_large_is_an_error() -> None:
    network, problems = parse_eni(b"#" * (MAX_TEXT + 1), DOC)
    assert network == Network()
    assert problems == (Problem("error", DOC, f"more than {MAX_TEXT} bytes"),)


words = st.sampled_from(
    "iface auto eth0 eth0.5 bond0 inet inet6 static dhcp manual address netmask gateway 10.0.0.5 10.0.0.5/24 :: up ip"
    " route add via hwaddress mtu bond-slaves bond-master bond-mode vlan-raw-device dns-nameservers \\ # x \n \n".split(
        " "
    )
)


@settings(max_examples=3 * EXAMPLES, deadline=None)
@given(st.binary() | st.lists(words).map(lambda items: " ".join(items).encode()))
def test_any_bytes_give_a_sound_network(data: bytes) -> None:
    """Nothing is raised, references resolve, problems are printable and name the document."""
    network, problems = parse_eni(data, DOC)
    ids = {link.id for link in network.links}
    for link in network.links:
        assert link.vlan is None or link.vlan.parent in ids
        assert link.bond is None or (link.bond.members and ids.issuperset(link.bond.members))
    for problem in problems:
        assert problem.where.startswith(DOC)
        assert str(problem).isprintable()
        assert str(problem).isascii()
