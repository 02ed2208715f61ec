# SPDX-License-Identifier: Apache-2.0
"""Binding links to NICs, and the policies of docs/design.rst: decisions 4 to 9."""

from __future__ import annotations

from typing import Any

import pytest

from bootagent.host import Host, Nic
from bootagent.model.ip import IPAddress, IPInterface, IPNetwork
from bootagent.model.network import (
    Address,
    Addressing,
    Bond,
    BoundNetwork,
    Dns,
    Interface,
    Link,
    Match,
    Network,
    Route,
    Vlan,
)
from bootagent.model.values import InterfaceName, MacAddress, Mtu, VlanId
from bootagent.planners.network import bind

NO_DNS = Dns()
A, B, C = (MacAddress(f"52:54:00:00:00:0{n}") for n in "abc")
NOTHING = Addressing()


def host(*nics: tuple[str, str] | tuple[str, str, str]) -> Host:
    return Host(has_sysfs=True, nics=tuple(Nic(InterfaceName(n[0]), MacAddress(n[1]), *n[2:]) for n in nics))


def static(*texts: str, via: tuple[str, ...] = ()) -> Addressing:
    return Addressing(
        addresses=tuple(Address(IPInterface.parse(text)) for text in texts),
        routes=tuple(route("::/0" if ":" in text else "0.0.0.0/0", text) for text in via),
    )


def route(to: str, via: str | None = None, metric: int | None = None) -> Route:
    return Route(IPNetwork.parse(to), IPAddress.parse(via) if via else None, metric)


def nic(mac: MacAddress, addressing: Addressing = NOTHING, **more: Any) -> Link:
    return Link(f"nic {mac}", mac, addressing=addressing, origin=f"links {mac}", **more)


def bound(
    links: tuple[Link, ...], machine: Host, dns: Dns = NO_DNS, fallback: str = "dhcp"
) -> tuple[BoundNetwork, list[str]]:
    network, problems = bind(Network(links, dns), machine, fallback)
    return network, [f"{problem.severity} {problem}" for problem in problems]


def only(addressing: Addressing, **more: object) -> Interface:
    network, problems = bound((nic(A, addressing, **more),), host(("ens3", A)))
    assert problems == []
    return network.interfaces[0]


def test_a_nic_is_found_by_its_address_whatever_its_name() -> None:
    network, problems = bound((nic(B), nic(A)), host(("eth0", A), ("eth1", B)))
    assert [(i.name, i.match, i.label) for i in network.interfaces] == [
        ("eth1", Match(mac=B), "52540000000b"),
        ("eth0", Match(mac=A), "52540000000a"),
    ]
    assert problems == []


def test_a_link_without_address_is_found_by_its_name() -> None:
    link = Link("eth0", name=InterfaceName("eth0"), addressing=static("192.0.2.5/24"))
    network, problems = bound((link,), host(("eth0", A)))
    assert network.interfaces[0].match == Match(name=InterfaceName("eth0"))
    assert network.unlisted == ()
    assert problems == []


def test_a_nic_that_is_not_there_is_an_error_with_its_place_and_still_planned() -> None:
    network, problems = bound((nic(C, static("192.0.2.5/24")), nic(A)), host(("ens3", A)))
    assert problems == [f"error links {C}: no NIC with the address {C}"]
    assert network.interfaces[0].name is None
    assert network.interfaces[0].match == Match(mac=C)


def test_an_image_does_not_know_its_nics_and_misses_none() -> None:
    assert bound((nic(A),), Host())[1] == []


def test_infiniband_is_known_by_the_middle_of_its_address_and_matched_by_name() -> None:
    long = "80:00:02:08:fe:80:00:00:00:00:00:00:f4:52:14:03:00:7b:cb:a1"
    link = nic(MacAddress("f4:52:14:7b:cb:a1"), static("192.0.2.5/24"))
    network, problems = bound((link,), host(("ib0", long)))
    assert (network.interfaces[0].name, network.interfaces[0].match) == ("ib0", Match(name=InterfaceName("ib0")))
    assert network.unlisted == ()
    assert problems == []


def test_two_nics_of_one_address_are_told_apart_by_driver_or_left_alone() -> None:
    network, problems = bound((nic(A),), host(("eth0", A, "hv_netvsc"), ("enP1", A, "mlx5_core")))
    assert network.interfaces[0].name == "eth0"
    assert network.interfaces[0].match == Match(mac=A, driver="hv_netvsc")
    assert problems == []
    network, problems = bound((nic(A), nic(B)), host(("eth0", A), ("eth1", A), ("eth2", B)))
    assert [i.name for i in network.interfaces] == ["eth2"]
    assert problems == [f"error links {A}: eth0, eth1 all have the address {A}: none is configured"]


def test_two_links_of_one_address_are_one_device() -> None:
    links = (nic(A, static("192.0.2.5/24")), Link("again", A, addressing=static("192.0.2.6/24"), origin="again"))
    network, problems = bound(links, host(("ens3", A)))
    assert [str(item.ip) for item in network.interfaces[0].addresses] == ["192.0.2.5/24", "192.0.2.6/24"]
    assert problems == ["warning again: another link is of ens3 too: taken as one"]


def test_a_link_by_address_and_one_by_name_of_one_nic_are_one_device() -> None:
    """Two devices of one name would be two files of one path."""
    named = Link("again", name=InterfaceName("ens3"), addressing=static("192.0.2.6/24"), origin="again")
    for links in ((nic(A, static("192.0.2.5/24")), named), (named, nic(A, static("192.0.2.5/24")))):
        network, problems = bound(links, host(("ens3", A)))
        assert [(i.name, len(i.addresses)) for i in network.interfaces] == [("ens3", 2)]
        assert problems == [f"warning {links[1].origin}: another link is of ens3 too: taken as one"]


@pytest.mark.parametrize("name", ["ens9", A.compact])
def test_a_bond_does_not_take_the_name_that_a_nic_has_or_goes_by(name: str) -> None:
    """``ens9`` is not there, but may come; the address without its colons is what a NIC goes by until it is named."""
    late = Link("late", name=InterfaceName("ens9"), origin="late")
    bond = Link("bond", name=InterfaceName(name), bond=Bond("active-backup", members=(f"nic {A}",)), origin="bond")
    network, problems = bound((nic(A), late, bond), host(("ens3", A)))
    assert [i.name for i in network.interfaces] == ["ens3", "ens9", "bond0"]
    assert f"warning bond: the name {name} is taken: bond0" in problems


def test_a_bond_may_share_its_members_address_and_comes_after_them() -> None:
    bond = Link("bond", A, addressing=static("192.0.2.5/24"), bond=Bond("802.3ad", members=("nic " + B, "nic " + A)))
    network, problems = bound((bond, nic(A), nic(B)), host(("ens3", A), ("ens4", B)))
    first, second, made = network.interfaces
    assert [(i.name, i.master, i.required) for i in (first, second)] == [
        ("ens3", "bond0", False),
        ("ens4", "bond0", False),
    ]
    assert (made.name, made.mac, made.match, made.required) == ("bond0", A, None, True)
    assert made.bond == Bond("802.3ad", (("miimon", "100"),), ("52540000000b", "52540000000a"))
    assert problems == []


def test_a_bond_without_an_address_takes_its_first_members() -> None:
    bond = Link("bond", bond=Bond("active-backup", (("arp_interval", "200"),), ("nic " + B, "nic " + A), "nic " + A))
    made = bound((nic(A), nic(B), bond), host(("ens3", A), ("ens4", B)))[0].interfaces[2]
    assert made.mac == B
    assert made.bond
    assert made.bond.options == (("arp_interval", "200"),)
    assert made.bond.primary == "52540000000a"


def test_a_bond_keeps_the_members_that_there_are() -> None:
    bond = Link("bond", bond=Bond("active-backup", members=("nic " + A, "gone")), origin="bond")
    made = bound((nic(A), bond), host(("ens3", A)))[0].interfaces[1]
    assert made.bond
    assert made.bond.members == ("52540000000a",)
    network, problems = bound((Link("bond", bond=Bond("active-backup", members=("gone",)), origin="bond"),), host())
    assert network.interfaces == ()
    assert problems == ["error bond: none of the bond's members is there: left out"]


MII = ("miimon", "100")


@pytest.mark.parametrize(
    ("mode", "options", "kept"),
    [
        ("active-backup", (("lacp_rate", "fast"), MII), (MII,)),
        ("balance-xor", (("ad_select", "count"), ("packets_per_slave", "4"), MII), (MII,)),
        ("802.3ad", (("arp_interval", "100"), ("arp_validate", "all"), MII), (MII,)),
        ("802.3ad", (("fail_over_mac", "active"), MII), (MII,)),
        ("active-backup", (("downdelay", "100"), ("miimon", "0")), (("miimon", "0"),)),
        ("active-backup", (("arp_interval", "100"), MII), (MII,)),
    ],
)
def test_what_the_kernel_would_refuse_of_a_bond_is_left_out_and_named(
    mode: str, options: tuple[tuple[str, str], ...], kept: tuple[tuple[str, str], ...]
) -> None:
    """``unsuppmodes`` of drivers/net/bonding/bond_options.c, and ``bond_changelink`` of bond_netlink.c."""
    bond = Link("bond", bond=Bond(mode, options, ("nic " + A,)), origin="bond")
    network, problems = bound((nic(A), bond), host(("ens3", A)))
    assert network.interfaces[1].bond == Bond(mode, kept, ("52540000000a",))
    gone = [name for name, value in options if (name, value) not in kept]
    assert [problem.partition(" is left out: ")[0] for problem in problems] == [
        f"warning bond: bond option {name}" for name in gone
    ]


def test_delays_are_kept_where_the_default_monitor_carries_them() -> None:
    """A bond without a monitor gets miimon, and modes without ARP monitoring have one of their own."""
    for mode in ("active-backup", "802.3ad"):
        bond = Link("bond", bond=Bond(mode, (("updelay", "100"),), ("nic " + A,)))
        network, problems = bound((nic(A), bond), host(("ens3", A)))
        assert network.interfaces[1].bond == Bond(mode, (("updelay", "100"), MII), ("52540000000a",))
        assert problems == []


def test_a_primary_where_the_mode_has_none_is_left_out_and_named() -> None:
    bond = Link("bond", bond=Bond("802.3ad", (MII,), ("nic " + A,), "nic " + A), origin="bond")
    network, problems = bound((nic(A), bond), host(("ens3", A)))
    assert network.interfaces[1].bond == Bond("802.3ad", (MII,), ("52540000000a",))
    assert problems == ["warning bond: bond option primary is left out: it has no meaning in mode 802.3ad"]


def test_a_members_addresses_are_refused() -> None:
    bond = Link("bond", bond=Bond("active-backup", members=("nic " + A,)))
    network, problems = bound((nic(A, static("192.0.2.5/24")), bond), host(("ens3", A)))
    assert network.interfaces[0].addresses == ()
    assert problems == [f"error links {A}: a member of bond0 takes no addresses"]


def test_names_are_the_clouds_if_free_or_else_bond_and_vlan_with_a_number() -> None:
    def vlan(number: int, name: str | None = None, parent: str = A) -> Link:
        return Link(
            f"v{number}{name}{parent}",
            name=InterfaceName(name) if name else None,
            vlan=Vlan(VlanId(number), "nic " + parent),
            origin="v",
        )

    links = (nic(A), nic(C), vlan(20), vlan(20, parent=C), vlan(30, "storage"), vlan(31, "ens3"))
    network, problems = bound(links, host(("ens3", A), ("vlan20", B), ("ens4", C)))
    assert [i.name for i in network.interfaces[2:]] == ["vlan20-1", "vlan20-2", "storage", "vlan31"]
    assert problems == ["warning v: the name ens3 is taken: vlan31"]


def test_a_vlan_on_a_vlan_finds_its_parent_wherever_it_stands() -> None:
    inner = Link("inner", vlan=Vlan(VlanId(7), "outer"))
    outer = Link("outer", vlan=Vlan(VlanId(8), "nic " + A))
    network, problems = bound((inner, outer, nic(A)), host(("ens3", A)))
    assert [(i.label, i.vlan.parent) for i in network.interfaces if i.vlan] == [
        ("vlan8", "52540000000a"),
        ("vlan7", "vlan8"),
    ]
    assert problems == []
    _, problems = bound((Link("lost", vlan=Vlan(VlanId(7), "gone"), origin="lost"),), host())
    assert problems == ["error lost: the VLAN's parent is not there: left out"]


def test_of_two_vlans_of_one_id_on_one_parent_the_kernel_takes_one() -> None:
    links = (nic(A), *(Link(name, vlan=Vlan(VlanId(7), "nic " + A), origin=name) for name in ("first", "second")))
    network, problems = bound(links, host(("ens3", A)))
    assert [i.origin for i in network.interfaces[1:]] == ["first"]
    assert problems == ["error second: another VLAN 7 has the same parent: the kernel takes one"]


def test_a_vlans_mtu_fits_its_parents() -> None:
    def mtus(parent: int | None, child: int) -> tuple[list[int | None], list[str]]:
        vlan = Link("v", mtu=Mtu(child), vlan=Vlan(VlanId(7), "nic " + A), origin="v")
        network, problems = bound((nic(A, mtu=Mtu(parent) if parent else None), vlan), host(("ens3", A)))
        return [i.mtu for i in network.interfaces], problems

    assert mtus(9000, 1500) == ([9000, 1500], [])
    assert mtus(None, 1400) == ([None, 1400], [])
    assert mtus(None, 9000) == ([9000, 9000], [])
    assert mtus(1500, 9000) == ([1500, 1500], ["warning v: MTU 9000 is above the parent's 1500: the parent's is taken"])


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (static("192.0.2.5/24"), "off"),
        (static("2001:db8::5/64", via=("2001:db8::1",)), "off"),
        (static("2001:db8::5/64", via=("192.0.2.1",)), "routes"),
        (static("2001:db8::5/64"), "routes"),
        (Addressing(slaac=True), "full"),
        (Addressing(dhcp6="stateful"), "routes"),
        (Addressing(dhcp6="stateless"), "full"),
        (Addressing(dhcp4=True), "off"),
        (static("2001:db8::5/64", via=("2001:db8::1",))._replace(slaac=True), "full"),
    ],
)
def test_router_advertisements_follow_decision_5(asked: Addressing, expected: str) -> None:
    assert only(asked).ra == expected


@pytest.mark.parametrize(
    ("address", "gateway", "expected"),
    [
        ("192.0.2.5/24", "192.0.2.1", False),
        ("192.0.2.5/32", "203.0.113.1", True),
        ("192.0.2.5/24", "203.0.113.1", True),
        ("192.0.2.5/24", "169.254.0.1", True),
        ("2001:db8::5/64", "fe80::1", False),
        ("2001:db8::5/64", "2001:db8::1", False),
        ("2001:db8::5/64", "2001:db8:1::1", True),
        ("2001:db8::5/128", "2001:db8::1", True),
    ],
)
def test_a_gateway_that_no_address_covers_is_on_the_link(address: str, gateway: str, expected: bool) -> None:
    assert only(static(address, via=(gateway,))).routes[0].onlink is expected


def test_one_default_route_needs_no_metric_and_several_get_them_in_order() -> None:
    one = static("192.0.2.5/24", via=("192.0.2.1",))
    two = static("198.51.100.5/24", "2001:db8::5/64", via=("198.51.100.1", "2001:db8::1"))
    network, _ = bound((nic(A, one), nic(B, two)), host(("ens3", A), ("ens4", B)))
    assert [[r.metric for r in i.routes] for i in network.interfaces] == [[100], [200, None]]
    network, _ = bound((nic(A, one), nic(B)), host(("ens3", A), ("ens4", B)))
    assert network.interfaces[0].routes[0].metric is None


def test_dynamic_default_routes_take_their_place_in_the_order() -> None:
    links = (
        nic(A, Addressing(dhcp4=True)),
        nic(B, static("192.0.2.5/24", via=("192.0.2.1",))),
        nic(C, Addressing(slaac=True)),
    )
    network, _ = bound(links, host(("e1", A), ("e2", B), ("e3", C)))
    assert [i.metric for i in network.interfaces] == [100, None, None]
    assert network.interfaces[1].routes[0].metric == 200


def test_a_metric_of_the_document_stands() -> None:
    asked = static("192.0.2.5/24")._replace(
        routes=(route("0.0.0.0/0", "192.0.2.1", 7), route("0.0.0.0/0", "192.0.2.2"))
    )
    assert [r.metric for r in only(asked).routes] == [7, 200]


def test_the_same_host_route_on_two_links_gets_metrics_too() -> None:
    links = tuple(nic(mac, Addressing(routes=(route("10.0.0.0/8", "192.0.2.1"),))) for mac in (A, B))
    network, _ = bound(links, host(("e1", A), ("e2", B)))
    assert [i.routes[0].metric for i in network.interfaces] == [100, 200]


def test_one_address_twice_on_a_link_is_once() -> None:
    assert [str(a.ip) for a in only(static("192.0.2.5/24", "192.0.2.6/24", "192.0.2.5/24")).addresses] == [
        "192.0.2.5/24",
        "192.0.2.6/24",
    ]


def test_dns_of_no_link_goes_to_those_that_lead_outside() -> None:
    dns = Dns((IPAddress.parse("192.0.2.53"),))
    links = (nic(A, static("192.0.2.5/24", via=("192.0.2.1",))), nic(B, static("10.0.0.5/24")))
    network, _ = bound(links, host(("e1", A), ("e2", B)), dns)
    assert [i.dns for i in network.interfaces] == [dns, Dns()]
    network, _ = bound((nic(A), nic(B, static("10.0.0.5/24"))), host(("e1", A), ("e2", B)), dns)
    assert [i.dns for i in network.interfaces] == [Dns(), dns]
    assert network.dns == Dns()
    network, problems = bound((nic(A),), host(("e1", A)), dns)
    assert network.dns == dns
    assert problems == ["info network: no link takes the DNS servers of all: the resolver does"]


def test_online_waits_for_addresses_only() -> None:
    vlan = Link("v", addressing=static("192.0.2.5/24"), vlan=Vlan(VlanId(7), "nic " + A))
    network, _ = bound((nic(A), nic(B, Addressing(dhcp4=True)), vlan), host(("e1", A), ("e2", B)))
    assert [i.required for i in network.interfaces] == [False, True, True]


def test_nics_that_no_document_names_are_the_fallback() -> None:
    machine = host(("e1", A), ("e2", B), ("e3", C))
    assert bound((nic(B),), machine)[0].unlisted == ("e1", "e3")
    assert bound((), machine)[0].unlisted == ("e1", "e2", "e3")
    assert bound((nic(B),), machine, fallback="none")[0].unlisted is None
