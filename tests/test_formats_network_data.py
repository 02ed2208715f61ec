# SPDX-License-Identifier: Apache-2.0
"""network_data.json in the shape of every producer, with values of our own, and what a broken rule costs."""

from __future__ import annotations

import copy
import json
import time
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bootagent.formats import network_data
from bootagent.formats.network_data import parse_network
from bootagent.formats.network_links import MAX_LINKS, PHYSICAL_TYPES
from bootagent.formats.report import MAX_PROBLEMS
from bootagent.model.instance import Problem
from bootagent.model.ip import IPAddress, IPInterface, IPNetwork
from bootagent.model.network import Address, Addressing, Bond, Dns, Link, Network, Route, Vlan
from bootagent.model.values import DomainName, MacAddress, Mtu, VlanId
from tests.conftest import EXAMPLES

DOC = "network_data.json"
MAC = "52:54:00:00:00:01"
DEFAULT4 = {"network": "0.0.0.0", "netmask": "0.0.0.0", "gateway": "10.0.0.1"}


def parse(data: object) -> tuple[Network, list[Problem]]:
    network, problems = parse_network(data, DOC)
    return network, list(problems)


def clean(data: object) -> Network:
    """The network of a document in which nothing is wrong."""
    network, problems = parse(data)
    assert problems == []
    return network


def one(*networks: dict[str, Any], **link: Any) -> dict[str, Any]:
    """A document of one NIC with these networks."""
    links = [{"id": "l", "type": "phy", "ethernet_mac_address": MAC, **link}]
    return {"links": links, "networks": [{"link": "l", **network} for network in networks]}


def static(**changes: Any) -> dict[str, Any]:
    return {"type": "ipv4", "ip_address": "10.0.0.5", "netmask": "255.255.255.0", **changes}


def addressing(data: object) -> Addressing:
    return clean(data).links[0].addressing


def facts(asked: Addressing) -> tuple[list[str], list[str]]:
    """Addresses and routes as text."""
    routes = [f"{r.to} via {r.via}" + (f" metric {r.metric}" if r.metric is not None else "") for r in asked.routes]
    return [str(a.ip) for a in asked.addresses], routes


def servers(asked: Addressing) -> list[str]:
    return [str(server) for server in asked.dns.servers]


def where(problems: list[Problem]) -> list[str]:
    """Severity and place of each problem."""
    return [f"{p.severity} {p.where}" for p in problems]


# Producers (reference/inputs.md 1.2 to 1.5)


def test_nova_ovn_dual_stack_with_stateful_dhcpv6_takes_no_v6_address_and_no_v6_default() -> None:
    data = {
        "links": [
            {
                "id": "tap0a1b2c3d-4e",
                "vif_id": "v",
                "type": "ovs",
                "mtu": 1442,
                "ethernet_mac_address": "fa:16:3e:00:11:22",
            }
        ],
        "networks": [
            {
                "id": "network0",
                "type": "ipv4",
                "link": "tap0a1b2c3d-4e",
                "ip_address": "10.0.0.5",
                "netmask": "255.255.255.0",
                "routes": [
                    DEFAULT4,
                    {"network": "10.9.0.0", "netmask": "255.255.0.0", "gateway": "10.0.0.2"},
                ],
                "network_id": "a",
                "services": [{"type": "dns", "address": "10.0.0.53"}],
            },
            {
                "id": "network1",
                "type": "ipv6_dhcpv6-stateful",
                "link": "tap0a1b2c3d-4e",
                "ip_address": "2001:db8::5",
                "netmask": "ffff:ffff:ffff:ffff::",
                "routes": [
                    {"network": "::", "netmask": "::", "gateway": "2001:db8::1"},
                    {"network": "2001:db8:9::", "netmask": "ffff:ffff:ffff::", "gateway": "2001:db8::2"},
                ],
                "network_id": "a",
                "services": [],
            },
        ],
        "services": [{"type": "dns", "address": "10.0.0.53"}, {"type": "dns", "address": "10.0.0.54"}],
    }
    at0, at1 = f"{DOC}: networks[0]", f"{DOC}: networks[1]"
    gateway, second = IPAddress.parse("10.0.0.1"), IPAddress.parse("10.0.0.2")
    expected = Link(
        id="tap0a1b2c3d-4e",
        mac=MacAddress("fa:16:3e:00:11:22"),
        mtu=Mtu(1442),
        addressing=Addressing(
            addresses=(Address(IPInterface.parse("10.0.0.5/24"), at0),),
            routes=(
                Route(IPNetwork.parse("0.0.0.0/0"), gateway, origin=f"{at0}.routes[0]"),
                Route(IPNetwork.parse("10.9.0.0/16"), second, origin=f"{at0}.routes[1]"),
                Route(
                    IPNetwork.parse("2001:db8:9::/48"),
                    IPAddress.parse("2001:db8::2"),
                    origin=f"{at1}.routes[1]",
                ),
            ),
            dns=Dns((IPAddress.parse("10.0.0.53"),)),
            dhcp6="stateful",
        ),
        origin=f"{DOC}: links[0]",
    )
    assert clean(data) == Network((expected,), Dns((IPAddress.parse("10.0.0.54"),)))


def test_nova_with_dhcp_has_nothing_but_the_type_and_keeps_its_dns_at_the_top() -> None:
    data = one({"type": "ipv4_dhcp", "id": "network0"}, mtu=None)
    data["services"] = [{"type": "dns", "address": "10.0.0.53"}]
    network = clean(data)
    assert network.links[0].mtu is None
    assert network.links[0].addressing == Addressing(dhcp4=True)
    assert network.dns == Dns((IPAddress.parse("10.0.0.53"),))


def test_nova_ironic_bond_before_its_members_with_properties_as_text() -> None:
    data = {
        "links": [
            {
                "id": "tapaaaa",
                "type": "bond",
                "vif_id": "v",
                "mtu": 9000,
                "ethernet_mac_address": "52:54:00:aa:00:01",
                "bond_mode": "802.3ad",
                "bond_links": ["port-1", "port-2"],
                "bond_miimon": "100",
                "bond_xmit_hash_policy": "layer3+4",
            },
            {"id": "port-1", "type": "phy", "ethernet_mac_address": "52:54:00:aa:00:01"},
            {"id": "port-2", "type": "phy", "ethernet_mac_address": "52:54:00:aa:00:02"},
        ],
        "networks": [static(link="tapaaaa", routes=[DEFAULT4])],
    }
    network = clean(data)
    assert [link.id for link in network.links] == ["tapaaaa", "port-1", "port-2"]
    bond = network.links[0]
    assert bond.bond == Bond("802.3ad", (("miimon", "100"), ("xmit_hash_policy", "layer3+4")), ("port-1", "port-2"))
    assert (bond.mac, bond.mtu, bond.name) == ("52:54:00:aa:00:01", 9000, None)
    assert facts(bond.addressing) == (["10.0.0.5/24"], ["0.0.0.0/0 via 10.0.0.1"])


def test_ironic_itself_two_addresses_of_a_family_and_the_other_spelling_of_the_v6_default() -> None:
    data = {
        "links": [{"id": "my port", "type": "vif", "ethernet_mac_address": MAC, "vif_id": "v", "mtu": 1500}],
        "networks": [
            static(link="my port", id="sub-a", routes=[DEFAULT4]),
            static(link="my port", id="sub-b", ip_address="10.2.0.5", routes=[]),
            {
                "link": "my port",
                "type": "ipv6",
                "ip_address": "2001:db8::5",
                "netmask": "ffff:ffff:ffff:ffff::",
                "routes": [{"network": "::0", "netmask": "::0", "gateway": "2001:db8::1"}],
            },
        ],
        "services": [],
    }
    addresses, routes = facts(addressing(data))
    assert addresses == ["10.0.0.5/24", "10.2.0.5/24", "2001:db8::5/64"]
    assert routes == ["0.0.0.0/0 via 10.0.0.1", "::/0 via 2001:db8::1"]


def test_ironic_regenerated_bond_borrows_the_members_that_were_written_into_the_first_link() -> None:
    data = {
        "links": [
            {
                "id": "iface0",
                "type": "phy",
                "ethernet_mac_address": MAC,
                "mtu": 1500,
                "bond_links": ["iface2", "iface3"],
            },
            {
                "id": "iface1",
                "type": "bond",
                "ethernet_mac_address": "52:54:00:aa:00:01",
                "bond_links": ["gone-1", "gone-2"],
            },
            {"id": "iface2", "type": "phy", "ethernet_mac_address": "52:54:00:aa:00:01"},
            {"id": "iface3", "type": "phy", "ethernet_mac_address": "52:54:00:aa:00:02"},
        ],
        "networks": [],
    }
    network, problems = parse(data)
    assert network.links[0].bond is None
    assert network.links[1].bond == Bond("active-backup", members=("iface2", "iface3"))
    assert where(problems) == [f"warning {DOC}: links[1]", f"warning {DOC}: links[1].bond_links"]


def test_ironic_networking_has_links_and_nothing_else() -> None:
    data = {
        "links": [
            {"id": "u", "type": "phy", "ethernet_mac_address": MAC},
            {"id": "u_vlan_7", "type": "vlan", "vlan_id": 7, "vlan_link": "u", "vlan_mac_address": MAC},
        ]
    }
    assert clean(data).links[1].vlan == Vlan(VlanId(7), "u")


def test_metal3_forward_references_names_instead_of_macs_and_dns_in_a_route() -> None:
    data = {
        "links": [
            {
                "type": "bond",
                "id": "bond0",
                "mtu": 1500,
                "bond_mode": "active-backup",
                "bond_xmit_hash_policy": "",
                "bond_links": ["p1", "p2"],
                "bond_miimon": "100",
            },
            {"type": "phy", "id": "p1", "mtu": 1500, "ethernet_mac_address": "52:54:00:AA:00:01"},
            {"type": "phy", "id": "p2", "mtu": 1500, "name": "ens4"},
            {"type": "vlan", "id": "v20", "mtu": 1500, "vlan_link": "bond0", "vlan_id": 20},
        ],
        "networks": [
            {
                **static(link="v20", ip_address="10.20.0.7"),
                "routes": [
                    {**DEFAULT4, "gateway": "10.20.0.1", "services": [{"type": "dns", "address": "10.20.0.53"}]}
                ],
            },
            {"type": "ipv6_slaac", "id": "n6", "link": "v20", "routes": []},
        ],
        "services": [],
    }
    network = clean(data)
    bond, first, second, vlan = network.links
    assert bond.bond == Bond("active-backup", (("miimon", "100"),), ("p1", "p2"))
    assert (bond.name, bond.mac) == ("bond0", None)
    assert (first.mac, first.name) == ("52:54:00:aa:00:01", None)
    assert (second.mac, second.name) == (None, "ens4")
    assert (vlan.name, vlan.mac, vlan.vlan) == ("v20", None, (20, "bond0"))
    assert vlan.addressing.slaac
    assert facts(vlan.addressing) == (["10.20.0.7/24"], ["0.0.0.0/0 via 10.20.0.1"])
    assert servers(vlan.addressing) == ["10.20.0.53"]
    assert network.dns == Dns()


def test_bifrost_vlan_before_its_parent_with_text_for_numbers_and_nameservers_on_the_network() -> None:
    parent = "52:54:00:00:00:06"
    data = {
        "links": [
            {"id": f"vlan-{parent}", "type": "vlan", "vlan_id": "30", "vlan_link": parent, "vlan_mac_address": parent},
            {"id": parent, "type": "phy", "ethernet_mac_address": parent, "mtu": "9000"},
        ],
        "networks": [static(link=f"vlan-{parent}", dns_nameservers=["10.4.0.53"], routes=[])],
        "services": [],
    }
    vlan, nic = clean(data).links
    assert (vlan.vlan, vlan.mac, vlan.name) == ((30, parent), parent, None)
    assert nic.mtu == 9000
    assert servers(vlan.addressing) == ["10.4.0.53"]


def test_metalsmith_dhcp_keeps_routes_and_dns_but_not_the_address() -> None:
    routes = [DEFAULT4, {"network": "10.9.0.0", "netmask": "255.255.0.0", "gateway": "10.0.0.2"}]
    asked = addressing(one(static(type="ipv4_dhcp", routes=routes, services=[{"type": "dns", "address": "10.0.0.53"}])))
    assert facts(asked) == ([], ["0.0.0.0/0 via 10.0.0.1", "10.9.0.0/16 via 10.0.0.2"])
    assert asked.dhcp4
    assert servers(asked) == ["10.0.0.53"]


def test_cloudstack_one_id_for_all_and_the_v6_default_by_prefix_length() -> None:
    data = {
        "links": [{"id": "eth0", "type": "phy", "ethernet_mac_address": MAC}],
        "networks": [
            static(id="eth0", link="eth0", routes=[DEFAULT4]),
            {
                "id": "eth0",
                "link": "eth0",
                "type": "ipv6",
                "ip_address": "2001:db8:5::5",
                "netmask": "64",
                "routes": [{"network": "::", "netmask": "0", "gateway": "fe80::1"}],
            },
        ],
        "services": [],
    }
    network = clean(data)
    assert network.links[0].name is None  # an id beside a MAC address is the hypervisor's
    addresses, routes = facts(network.links[0].addressing)
    assert addresses == ["10.0.0.5/24", "2001:db8:5::5/64"]
    assert routes == ["0.0.0.0/0 via 10.0.0.1", "::/0 via fe80::1"]


def test_ovirt_no_mac_a_gateway_on_the_network_and_no_v6_netmask() -> None:
    data = {
        "links": [{"id": "eth0", "name": "eth0", "type": "phy"}],
        "networks": [
            {"type": "ipv4", "link": "eth0", "ip_address": "10.3.0.5", "netmask": "24", "gateway": "10.3.0.1"},
            {"type": "ipv6", "link": "eth0", "ip_address": "2001:db8:3::5", "gateway": "2001:db8:3::1"},
        ],
        "services": [{"type": "dns", "address": "10.3.0.53"}],
    }
    network, problems = parse(data)
    assert (network.links[0].mac, network.links[0].name) == (None, "eth0")
    addresses, routes = facts(network.links[0].addressing)
    assert addresses == ["10.3.0.5/24", "2001:db8:3::5/64"]
    assert routes == ["0.0.0.0/0 via 10.3.0.1", "::/0 via 2001:db8:3::1"]
    assert network.links[0].addressing.routes[0].origin == f"{DOC}: networks[0].gateway"
    assert where(problems) == [f"warning {DOC}: networks[1].netmask"]


def test_ovirt_without_links_means_device_names() -> None:
    network, problems = parse({"networks": [static(link="eth0"), static(link="eth0", ip_address="10.1.0.5")]})
    assert [(link.id, link.name, link.mac) for link in network.links] == [("eth0", "eth0", None)]
    assert facts(network.links[0].addressing)[0] == ["10.0.0.5/24", "10.1.0.5/24"]
    assert where(problems) == [f"warning {DOC}: networks[0].link"]


def test_rackspace_null_types_upper_case_macs_link_local_gateways_and_a_v4_resolver_on_v6() -> None:
    data = one(
        {
            "type": "ipv6",
            "ip_address": "2001:db8:7::a",
            "netmask": "64",
            "routes": [
                {"network": "::", "netmask": "::", "gateway": "fe80::def"},
                {"network": "fd30::", "netmask": "ffff:ffff:ffff::", "gateway": "fe80::f001"},
            ],
            "services": [{"type": "dns", "address": "192.0.2.3"}],
        },
        type=None,
        ethernet_mac_address="BC:76:4E:00:00:01",
    )
    link = clean(data).links[0]
    assert link.mac == "bc:76:4e:00:00:01"
    assert facts(link.addressing)[1] == ["::/0 via fe80::def", "fd30::/48 via fe80::f001"]
    assert servers(link.addressing) == ["192.0.2.3"]


def test_ibm_private_nic_has_host_routes_and_no_default() -> None:
    routes = [{"network": "10.0.0.0", "netmask": "255.0.0.0", "gateway": "10.0.0.1"}]
    data = one(static(netmask="255.255.255.192", routes=routes), mtu=None, name="eth0")
    link = clean(data).links[0]
    assert (link.name, link.mac) == ("eth0", MAC)
    assert facts(link.addressing)[1] == ["10.0.0.0/8 via 10.0.0.1"]


def test_talos_sample_null_vlan_mac_and_a_gateway_key_beside_a_prefix_in_the_address() -> None:
    data = {
        "links": [
            {"id": "vl", "type": "vlan", "vlan_id": 40, "vlan_link": "bd", "vlan_mac_address": None},
            {"id": "bd", "type": "bond", "bond_mode": "802.3ad", "bond_miimon": "100", "bond_links": ["b0"]},
            {"id": "b0", "type": "bridge", "ethernet_mac_address": "A4:BF:00:10:20:30"},
        ],
        "networks": [{"type": "ipv6", "link": "vl", "ip_address": "2001:db8:0:1::5/56", "gateway": "2001:db8:0:1::1"}],
    }
    vlan, bond, nic = clean(data).links
    assert (vlan.mac, nic.bond, bond.bond and bond.bond.members) == (None, None, ("b0",))
    assert facts(vlan.addressing) == (["2001:db8:0:1::5/56"], ["::/0 via 2001:db8:0:1::1"])


def test_cloud_init_bond_by_number_and_vlans_with_two_mac_keys() -> None:
    data = {
        "links": [
            {"id": "m", "type": "phy", "ethernet_mac_address": MAC},
            {
                "id": "b",
                "type": "bond",
                "bond_mode": "4",
                "bond_miimon": 100,
                "bond_links": ["m"],
                "ethernet_mac_address": MAC,
            },
            {
                "id": "v",
                "type": "vlan",
                "vlan_id": 5,
                "vlan_link": "b",
                "ethernet_mac_address": MAC,
                "vlan_mac_address": "52:54:00:00:00:02",
            },
        ],
        "networks": [
            {**static(type="static", link="v", routes=[])},
            {"type": "static6", "link": "v", "ip_address": "2001:db8::7/128", "broadcast": "x", "scope": "y"},
        ],
    }
    _, bond, vlan = clean(data).links
    assert bond.bond is not None
    assert bond.bond.mode == "802.3ad"
    assert vlan.mac == "52:54:00:00:00:02"
    assert facts(vlan.addressing)[0] == ["10.0.0.5/24", "2001:db8::7/128"]


def test_shaken_fist_duplicate_link_ids_keep_both_links_and_mean_the_last() -> None:
    data = {
        "links": [
            {"id": "eth0", "type": "vif", "ethernet_mac_address": "52:54:00:00:00:01"},
            {"id": "eth0", "type": "vif", "ethernet_mac_address": "52:54:00:00:00:02"},
        ],
        "networks": [static(link="eth0"), static(link="eth0", ip_address="10.1.0.5")],
    }
    network, problems = parse(data)
    assert [link.mac for link in network.links] == ["52:54:00:00:00:01", "52:54:00:00:00:02"]
    assert len({link.id for link in network.links}) == 2
    assert network.links[1].id == "eth0"
    assert [len(link.addressing.addresses) for link in network.links] == [0, 2]
    assert where(problems) == [f"warning {DOC}: links[0].id"]


def test_a_link_that_is_said_twice_is_one_link() -> None:
    data = one(static())
    data["links"] *= 2
    network, problems = parse(data)
    assert len(network.links) == 1
    assert where(problems) == [f"warning {DOC}: links[0].id"]


@pytest.mark.parametrize(
    "empty", [{}, {"links": [], "networks": [], "services": []}, {"links": None, "networks": None}]
)
def test_an_empty_document_is_an_empty_network(empty: dict[str, Any]) -> None:
    assert clean(empty) == Network()


# Links


@pytest.mark.parametrize("kind", [*sorted(PHYSICAL_TYPES), None])
def test_every_known_type_is_a_physical_device(kind: str | None) -> None:
    link = clean(one(type=kind)).links[0]
    assert (link.bond, link.vlan) == (None, None)


@pytest.mark.parametrize("kind", ["wormhole", "Bond", 5, ["bond"], "x" * 999])
def test_an_unknown_type_is_a_physical_device_and_said_so(kind: object) -> None:
    network, problems = parse(one(type=kind))
    assert len(network.links) == 1
    assert where(problems) == [f"info {DOC}: links[0].type"]


@pytest.mark.parametrize("mtu", [None, 0, "", "0"])
def test_an_mtu_that_is_not_said_is_none(mtu: object) -> None:
    assert clean(one(mtu=mtu)).links[0].mtu is None


@pytest.mark.parametrize("mtu", [67, 65536, "jumbo", 1500.5, [1500], True])
def test_an_mtu_that_no_device_has_costs_only_itself(mtu: object) -> None:
    network, problems = parse(one(static(), mtu=mtu))
    assert network.links[0].mtu is None
    assert network.links[0].addressing.addresses
    assert where(problems) == [f"warning {DOC}: links[0].mtu"]


@pytest.mark.parametrize("mac", ["01:00:5e:00:00:01", "52:54:00:00:00", "52:54:00:00:00:0g", 5, "00:00:00:00:00:00"])
def test_a_bad_mac_leaves_the_link_and_its_networks_out_and_nothing_else(mac: object) -> None:
    data = one(static(), ethernet_mac_address=mac, id="no device name")
    data["links"].append({"id": "k", "ethernet_mac_address": MAC})
    data["networks"][0]["link"] = "no device name"
    network, problems = parse(data)
    assert [link.id for link in network.links] == ["k"]
    assert where(problems) == [
        f"error {DOC}: links[0].ethernet_mac_address",
        f"error {DOC}: networks[0].link",
    ]


def test_a_mac_with_dashes_and_one_of_infiniband_are_macs() -> None:
    long = ":".join(["80"] * 20)
    assert clean(one(ethernet_mac_address="52-54-00-00-00-0A")).links[0].mac == "52:54:00:00:00:0a"
    assert clean(one(ethernet_mac_address=long)).links[0].mac == long


@pytest.mark.parametrize("name", ["a name", "x" * 16, "../etc", "all", 7])
def test_a_name_that_is_none_is_not_used(name: object) -> None:
    network, problems = parse(one(name=name))
    assert network.links[0].name is None
    assert where(problems) == [f"info {DOC}: links[0].name"]


def test_a_link_without_id_cannot_be_referred_to() -> None:
    network, problems = parse({"links": [{"type": "phy", "ethernet_mac_address": MAC}]})
    assert network.links[0].mac == MAC
    assert where(problems) == [f"warning {DOC}: links[0].id"]


def test_ids_may_be_numbers() -> None:
    data = {"links": [{"id": 0, "ethernet_mac_address": MAC}], "networks": [static(link=0)]}
    assert clean(data).links[0].addressing.addresses


# Bonds and VLANs


def bonded(**changes: Any) -> dict[str, Any]:
    bond = {"id": "b", "type": "bond", "bond_mode": "802.3ad", "bond_links": ["m0", "m1"], **changes}
    links = [bond] + [
        {"id": f"m{i}", "ethernet_mac_address": f"52:54:00:00:00:0{i}", "name": f"ens{i}"} for i in (0, 1)
    ]
    return {"links": links, "networks": [static(link="b")]}


def bond_of(data: object) -> tuple[Bond | None, list[str]]:
    network, problems = parse(data)
    return next(link.bond for link in network.links if link.id == "b"), where(problems)


@pytest.mark.parametrize("mode", ["802.3ad", "4", 4, "802.3AD"])
def test_a_bond_mode_in_every_spelling(mode: object) -> None:
    assert bond_of(bonded(bond_mode=mode)) == (Bond("802.3ad", (), ("m0", "m1")), [])


def test_the_bond_mode_with_the_slip_of_the_specification() -> None:
    assert bond_of(bonded(bond_mode="802.1ad")) == (
        Bond("802.3ad", (), ("m0", "m1")),
        [f"info {DOC}: links[0].bond_mode"],
    )


@pytest.mark.parametrize("mode", ["round-robin", 7, [], {}])
def test_a_bond_of_unknown_mode_is_active_backup(mode: object) -> None:
    assert bond_of(bonded(bond_mode=mode)) == (
        Bond("active-backup", (), ("m0", "m1")),
        [f"warning {DOC}: links[0].bond_mode"],
    )


@pytest.mark.parametrize("mode", [None, ""])
def test_a_bond_without_mode_is_active_backup(mode: object) -> None:
    assert bond_of(bonded(bond_mode=mode)) == (Bond("active-backup", (), ("m0", "m1")), [f"warning {DOC}: links[0]"])


@pytest.mark.parametrize(
    ("key", "value", "option"),
    [
        ("bond_miimon", "100", ("miimon", "100")),
        ("bond-miimon", 100, ("miimon", "100")),
        ("miimon", 100, ("miimon", "100")),
        ("bond_lacp_rate", 1, ("lacp_rate", "fast")),
        ("bond_lacp_rate", "slow", ("lacp_rate", "slow")),
        ("bond_xmit_hash_policy", "layer2+3", ("xmit_hash_policy", "layer2+3")),
        ("bond_arp_ip_target", "10.0.0.1,10.0.0.2", ("arp_ip_target", "10.0.0.1,10.0.0.2")),
        ("bond_arp_ip_target", ["10.0.0.1"], ("arp_ip_target", "10.0.0.1")),
        ("bond_num_unsol_na", 2, ("num_grat_arp", "2")),
    ],
)
def test_a_bond_option_in_every_spelling(key: str, value: object, option: tuple[str, str]) -> None:
    assert bond_of(bonded(**{key: value})) == (Bond("802.3ad", (option,), ("m0", "m1")), [])


@pytest.mark.parametrize("value", [None, ""])
def test_an_empty_bond_option_is_absent(value: object) -> None:
    assert bond_of(bonded(bond_xmit_hash_policy=value)) == (Bond("802.3ad", (), ("m0", "m1")), [])


@pytest.mark.parametrize(("key", "value"), [("bond_miimon", "often"), ("bond_colour", "red"), ("bond_lacp_rate", 9)])
def test_a_bond_option_that_the_driver_has_not_costs_only_itself(key: str, value: object) -> None:
    assert bond_of(bonded(**{key: value})) == (Bond("802.3ad", (), ("m0", "m1")), [f"warning {DOC}: links[0].{key}"])


@pytest.mark.parametrize("primary", ["m1", "ens1", "52:54:00:00:00:01", "52-54-00-00-00-01"])
def test_a_primary_is_a_member_by_id_name_or_mac(primary: str) -> None:
    bond, problems = bond_of(bonded(bond_mode=1, bond_primary=primary))
    assert bond is not None
    assert (bond.primary, bond.options, problems) == ("m1", (), [])


def test_a_primary_that_is_no_member_is_none() -> None:
    bond, problems = bond_of(bonded(bond_primary="eth7"))
    assert bond is not None
    assert (bond.primary, problems) == ("", [f"warning {DOC}: links[0].bond_primary"])


def test_an_unknown_member_costs_only_itself() -> None:
    assert bond_of(bonded(bond_links=["m1", "gone"])) == (
        Bond("802.3ad", (), ("m1",)),
        [f"warning {DOC}: links[0].bond_links"],
    )


@pytest.mark.parametrize("members", [None, [], "m0", ["gone"], ["b"]])
def test_a_bond_without_members_is_left_out_with_all_that_stands_on_it(members: object) -> None:
    data = bonded(bond_links=members)
    data["links"].insert(0, {"id": "v", "type": "vlan", "vlan_id": 3, "vlan_link": "b"})
    data["networks"].append(static(link="v"))
    network, problems = parse(data)
    assert [link.id for link in network.links] == ["m0", "m1"]
    assert [p for p in where(problems) if p.startswith("error") and "bond_links" not in p] == [
        f"error {DOC}: links[1]",
        f"error {DOC}: links[0].vlan_link",
        f"error {DOC}: networks[0].link",
        f"error {DOC}: networks[1].link",
    ]


def test_a_nic_is_in_one_bond_only() -> None:
    data = bonded()
    data["links"].append({"id": "b2", "type": "bond", "bond_mode": 1, "bond_links": ["m1"]})
    network, problems = parse(data)
    assert [link.id for link in network.links] == ["b", "m0", "m1"]
    assert where(problems) == [f"error {DOC}: links[3].bond_links", f"error {DOC}: links[3]"]


def test_stray_members_of_a_nic_are_ignored() -> None:
    assert clean(one(bond_links=["x"], bond_mode="nonsense")).links[0].bond is None


def vlan(name: str, parent: object, number: object = 5) -> dict[str, Any]:
    return {"id": name, "type": "vlan", "vlan_id": number, "vlan_link": parent}


@pytest.mark.parametrize("number", [0, 4095, "x", None, 5.0, True])
def test_a_vlan_id_out_of_range_leaves_it_and_its_networks_out(number: object) -> None:
    data = {"links": [vlan("v", "m", number), {"id": "m", "ethernet_mac_address": MAC}], "networks": [static(link="v")]}
    network, problems = parse(data)
    assert [link.id for link in network.links] == ["m"]
    assert where(problems) == [f"error {DOC}: links[0].vlan_id", f"error {DOC}: networks[0].link"]


@pytest.mark.parametrize("parent", ["gone", None, ""])
def test_a_vlan_without_its_parent_is_left_out(parent: object) -> None:
    data = {"links": [vlan("v", parent)], "networks": [static(link="v")]}
    network, problems = parse(data)
    assert network.links == ()
    assert where(problems) == [f"error {DOC}: links[0].vlan_link", f"error {DOC}: networks[0].link"]


def test_vlans_that_are_each_others_parents_are_left_out() -> None:
    data = {
        "links": [
            vlan("a", "b"),
            vlan("b", "c"),
            vlan("c", "b"),
            vlan("d", "d"),
            {"id": "m", "ethernet_mac_address": MAC},
        ]
    }
    network, problems = parse(data)
    assert [link.id for link in network.links] == ["m"]
    assert sorted(where(problems)) == [f"error {DOC}: links[{i}].vlan_link" for i in range(4)]


def test_a_vlan_in_a_vlan_is_one() -> None:
    data = {"links": [vlan("inner", "outer", 6), vlan("outer", "m"), {"id": "m", "ethernet_mac_address": MAC}]}
    assert [link.vlan for link in clean(data).links] == [(6, "outer"), (5, "m"), None]


# Networks


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("ipv4_dhcp", Addressing(dhcp4=True)),
        ("dhcp4", Addressing(dhcp4=True)),
        ("IPv4-DHCP", Addressing(dhcp4=True)),
        ("ipv6_dhcp", Addressing(dhcp6="stateful")),
        ("dhcp6", Addressing(dhcp6="stateful")),
        ("ipv6_dhcpv6-stateful", Addressing(dhcp6="stateful")),
        ("ipv6_dhcpv6_stateful", Addressing(dhcp6="stateful")),
        ("ipv6_dhcpv6-stateless", Addressing(slaac=True, dhcp6="stateless")),
        ("ipv6_dhcpv6_stateless", Addressing(slaac=True, dhcp6="stateless")),
        ("ipv6_slaac", Addressing(slaac=True)),
        ("slaac", Addressing(slaac=True)),
        ("manual", Addressing()),
        ("none", Addressing()),
    ],
)
def test_every_type_of_network_that_brings_no_address(kind: str, expected: Addressing) -> None:
    assert addressing(one({"type": kind})) == expected


@pytest.mark.parametrize("kind", ["ipv6_slaac", "ipv6_dhcpv6-stateful", "ipv6_dhcpv6-stateless"])
def test_the_address_and_the_default_of_a_v6_network_with_advertisements_are_informational(kind: str) -> None:
    routes = [{"network": "::", "netmask": "::", "gateway": "2001:db8::1"}]
    data = one({"type": kind, "ip_address": "2001:db8::5", "netmask": "64", "gateway": "2001:db8::1", "routes": routes})
    asked = addressing(data)
    assert (asked.addresses, asked.routes) == ((), ())


def test_plain_dhcpv6_keeps_its_default_route_because_no_router_may_advertise_one() -> None:
    """KubeVirt: the address of DHCPv6, the gateway of the document."""
    asked = addressing(one({"type": "ipv6_dhcp", "ip_address": "2001:db8::5", "gateway": "2001:db8::1"}))
    assert (asked.addresses, asked.dhcp6) == ((), "stateful")
    assert [(str(route.to), str(route.via)) for route in asked.routes] == [("::/0", "2001:db8::1")]


def test_stateful_wins_over_stateless_on_one_link() -> None:
    data = one({"type": "ipv6_dhcpv6-stateful"}, {"type": "ipv6_dhcpv6-stateless"})
    assert addressing(data) == Addressing(slaac=True, dhcp6="stateful")


@pytest.mark.parametrize("kind", ["ipv5", None, "", 4, ["ipv4"], {}])
def test_an_unknown_type_of_network_costs_only_that_network(kind: object) -> None:
    network, problems = parse(one({"type": kind}, static()))
    assert facts(network.links[0].addressing)[0] == ["10.0.0.5/24"]
    assert where(problems) == [f"warning {DOC}: networks[0].type"]


def test_a_network_without_type_is_as_static_as_its_address() -> None:
    network, problems = parse(one(static(type=None)))
    assert facts(network.links[0].addressing)[0] == ["10.0.0.5/24"]
    assert where(problems) == [f"warning {DOC}: networks[0].type"]


@pytest.mark.parametrize("kind", ["manual", "none"])
def test_a_manual_network_is_not_configured(kind: str) -> None:
    network, problems = parse(one(static(type=kind, routes=[DEFAULT4])))
    assert network.links[0].addressing == Addressing()
    assert where(problems) == [f"info {DOC}: networks[0]"]


@pytest.mark.parametrize(
    ("address", "netmask", "expected"),
    [
        ("10.0.0.5", "255.255.255.0", "10.0.0.5/24"),
        ("10.0.0.5", "24", "10.0.0.5/24"),
        ("10.0.0.5", 24, "10.0.0.5/24"),
        ("10.0.0.5/20", None, "10.0.0.5/20"),
        ("10.0.0.5/20", "", "10.0.0.5/20"),
        ("10.0.0.5/20", "255.255.255.0", "10.0.0.5/20"),
        ("10.0.0.5/255.255.240.0", None, "10.0.0.5/20"),
        ("10.0.0.5", "255.255.255.255", "10.0.0.5/32"),
        ("10.0.0.5", "255.0.0.0", "10.0.0.5/8"),
        (" 10.0.0.5 ", " 24 ", "10.0.0.5/24"),
        ("2001:db8::5", "ffff:ffff:ffff:ffff::", "2001:db8::5/64"),
        ("2001:db8::5", "ffff:ffff::", "2001:db8::5/32"),
        ("2001:db8::5", "64", "2001:db8::5/64"),
        ("2001:db8::5", 128, "2001:db8::5/128"),
        ("2001:db8::5", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "2001:db8::5/128"),
        ("2001:db8::5/56", "64", "2001:db8::5/56"),
        ("2001:DB8::5/128", None, "2001:db8::5/128"),
    ],
)
def test_an_address_with_its_mask_in_every_spelling(address: str, netmask: object, expected: str) -> None:
    kind = "ipv6" if ":" in address else "ipv4"
    assert facts(addressing(one({"type": kind, "ip_address": address, "netmask": netmask})))[0] == [expected]


@pytest.mark.parametrize(
    ("address", "netmask", "place"),
    [
        ("10.0.0.5", None, "netmask"),
        ("10.0.0.5", "", "netmask"),
        ("10.0.0.5", "255.234.255.0", "netmask"),
        ("10.0.0.5", "0.0.0.255", "netmask"),
        ("10.0.0.5", "33", "netmask"),
        ("10.0.0.5", -1, "netmask"),
        ("10.0.0.5", 24.0, "netmask"),
        ("10.0.0.5", True, "netmask"),
        ("10.0.0.5", "ffff:ffff::", "netmask"),
        ("10.0.0.5/33", "24", "ip_address"),
        ("10.0.0.5/24/24", "24", "ip_address"),
        ("2001:db8::5", "ff:ff:ff:ff::", "netmask"),
        ("2001:db8::5", "255.255.255.0", "netmask"),
        ("2001:db8::5", "129", "netmask"),
        ("10.0.0.256", "24", "ip_address"),
        ("010.0.0.1", "24", "ip_address"),
        ("fe80::1%eth0", "64", "ip_address"),
        ("224.0.0.1", "24", "ip_address"),
        ("255.255.255.255", "24", "ip_address"),
        ("127.0.0.1", "8", "ip_address"),
        ("0.0.0.0", "0", "ip_address"),
        ("::", "64", "ip_address"),
        ("::1", "128", "ip_address"),
        ("ff02::1", "64", "ip_address"),
        ("::ffff:10.0.0.5", "128", "ip_address"),
        (None, "24", "ip_address"),
        ("", "24", "ip_address"),
        (167772165, "24", "ip_address"),
        (["10.0.0.5"], "24", "ip_address"),
        ("10.0.0.5\n", "255.255.255.0\nx", "netmask"),
    ],
)
def test_a_bad_address_leaves_that_network_and_its_routes_out(address: object, netmask: object, place: str) -> None:
    bad = {"type": "ipv6" if ":" in str(address) else "ipv4", "ip_address": address, "netmask": netmask}
    data = one({**bad, "routes": [DEFAULT4], "gateway": "10.0.0.1"}, static(ip_address="10.1.0.5"))
    network, problems = parse(data)
    assert facts(network.links[0].addressing) == (["10.1.0.5/24"], [])
    assert where(problems) == [f"error {DOC}: networks[0].{place}"]


def test_an_address_of_the_other_family_is_believed() -> None:
    network, problems = parse(one({"type": "ipv4", "ip_address": "2001:db8::5/64", "gateway": "2001:db8::1"}))
    assert facts(network.links[0].addressing) == (["2001:db8::5/64"], ["::/0 via 2001:db8::1"])
    assert where(problems) == [f"warning {DOC}: networks[0].type"]


def test_one_address_on_two_links_is_not_our_business() -> None:
    data = one(static(ip_address="192.0.2.2"))
    data["links"].append({"id": "k", "ethernet_mac_address": "52:54:00:00:00:09"})
    data["networks"].append(static(ip_address="192.0.2.2", link="k"))
    assert [facts(link.addressing)[0] for link in clean(data).links] == [["192.0.2.2/24"]] * 2


@pytest.mark.parametrize("link", ["gone", None, "", ["l"], {}])
def test_a_network_of_no_link_costs_only_itself(link: object) -> None:
    data = one(static(), static(ip_address="10.1.0.5"))
    data["networks"][0]["link"] = link
    network, problems = parse(data)
    assert facts(network.links[0].addressing)[0] == ["10.1.0.5/24"]
    assert where(problems) == [f"error {DOC}: networks[0].link"]


# Routes


def route(**fields: Any) -> dict[str, Any]:
    return one(static(routes=[fields]))


@pytest.mark.parametrize(
    ("network", "netmask", "gateway", "expected"),
    [
        ("0.0.0.0", "0.0.0.0", "10.0.0.1", "0.0.0.0/0"),
        ("0.0.0.0", "0", "10.0.0.1", "0.0.0.0/0"),
        ("0.0.0.0", 0, "10.0.0.1", "0.0.0.0/0"),
        ("0.0.0.0/0", None, "10.0.0.1", "0.0.0.0/0"),
        ("::", "::", "fe80::1", "::/0"),
        ("::", "::0", "fe80::1", "::/0"),
        ("::", "0", "fe80::1", "::/0"),
        ("::", 0, "fe80::1", "::/0"),
        ("::0", "::0", "fe80::1", "::/0"),
        ("::/0", None, "fe80::1", "::/0"),
        ("0.0.0.0", "255.255.255.0", "10.0.0.1", "0.0.0.0/24"),
        ("::", "ffff:ffff:ffff::", "fe80::1", "::/48"),
        ("192.168.1.0", "255.255.255.255", "10.0.0.1", "192.168.1.0/32"),
        ("10.9.0.0", "16", "10.0.0.1", "10.9.0.0/16"),
        ("fd30::", 48, "fe80::1", "fd30::/48"),
    ],
)
def test_a_destination_in_every_spelling(network: str, netmask: object, gateway: str, expected: str) -> None:
    asked = addressing(route(network=network, netmask=netmask, gateway=gateway))
    assert facts(asked)[1] == [f"{expected} via {gateway}"]


def test_a_destination_of_one_word() -> None:
    assert facts(addressing(route(destination="10.9.0.0/16", gateway="10.0.0.1")))[1] == ["10.9.0.0/16 via 10.0.0.1"]


@pytest.mark.parametrize("gateway", [None, "", "0.0.0.0"])
def test_a_route_without_gateway_is_on_the_link(gateway: object) -> None:
    asked = addressing(route(network="10.9.0.0", netmask="255.255.0.0", gateway=gateway))
    assert facts(asked)[1] == ["10.9.0.0/16 via None"]


@pytest.mark.parametrize(
    ("fields", "place"),
    [
        ({"network": "10.9.0.0", "netmask": "255.234.255.0", "gateway": "10.0.0.1"}, ".netmask"),
        ({"network": "fd30::", "netmask": "ff:ff:ff:ff::", "gateway": "fe80::1"}, ".netmask"),
        ({"network": "10.9.0.0", "gateway": "10.0.0.1"}, ".netmask"),
        ({"network": "10.9.0.0", "netmask": "", "gateway": "10.0.0.1"}, ".netmask"),
        ({"network": "10.9.0.0/40", "gateway": "10.0.0.1"}, ".network"),
        ({"network": "10.9.0.0", "netmask": "16", "gateway": "fe80::1"}, ".gateway"),
        ({"network": "fd30::", "netmask": "16", "gateway": "10.0.0.1"}, ".gateway"),
        ({"network": "10.9.0.0", "netmask": "16", "gateway": "router"}, ".gateway"),
        ({"network": "10.9.0.0", "netmask": "16", "gateway": "224.0.0.1"}, ".gateway"),
        ({"network": "10.9.0.0", "netmask": "16", "gateway": 1}, ".gateway"),
        ({"network": "0.0.0.0", "netmask": "0"}, ".gateway"),
        ({"network": "::", "netmask": "0", "gateway": "::"}, ".gateway"),
        ({"network": "here", "netmask": "16", "gateway": "10.0.0.1"}, ".network"),
        ({"netmask": "16", "gateway": "10.0.0.1"}, ".destination"),
        ({"network": "10.9.0.0", "netmask": "16", "gateway": "10.0.0.5"}, ""),
    ],
)
def test_a_bad_route_costs_only_itself(fields: dict[str, Any], place: str) -> None:
    network, problems = parse(one(static(routes=[fields, DEFAULT4])))
    assert facts(network.links[0].addressing) == (["10.0.0.5/24"], ["0.0.0.0/0 via 10.0.0.1"])
    assert where(problems) == [f"error {DOC}: networks[0].routes[0]{place}"]


def test_host_bits_of_a_destination_are_cleared() -> None:
    network, problems = parse(route(network="10.9.1.2", netmask="255.255.0.0", gateway="10.0.0.1"))
    assert facts(network.links[0].addressing)[1] == ["10.9.0.0/16 via 10.0.0.1"]
    assert where(problems) == [f"warning {DOC}: networks[0].routes[0].network"]


def test_a_destination_of_zeros_without_mask_is_the_default() -> None:
    network, problems = parse(route(network="0.0.0.0", gateway="10.0.0.1"))
    assert facts(network.links[0].addressing)[1] == ["0.0.0.0/0 via 10.0.0.1"]
    assert where(problems) == [f"warning {DOC}: networks[0].routes[0].netmask"]


def test_an_off_subnet_gateway_is_kept() -> None:
    data = one(
        {
            "type": "ipv4",
            "ip_address": "198.51.100.9",
            "netmask": "255.255.255.255",
            "routes": [{**DEFAULT4, "gateway": "203.0.113.254"}],
        }
    )
    assert facts(addressing(data)) == (["198.51.100.9/32"], ["0.0.0.0/0 via 203.0.113.254"])


@pytest.mark.parametrize(
    ("metric", "expected"), [(0, 0), ("100", 100), (4294967295, 4294967295), (None, None), ("", None)]
)
def test_a_metric(metric: object, expected: int | None) -> None:
    assert addressing(one(static(routes=[{**DEFAULT4, "metric": metric}]))).routes[0].metric == expected


@pytest.mark.parametrize("metric", [-1, 4294967296, "low", 1.5, []])
def test_a_bad_metric_costs_only_itself(metric: object) -> None:
    network, problems = parse(one(static(routes=[{**DEFAULT4, "metric": metric}])))
    assert network.links[0].addressing.routes[0].metric is None
    assert where(problems) == [f"warning {DOC}: networks[0].routes[0].metric"]


def test_a_gateway_of_the_network_repeats_a_route_in_silence() -> None:
    data = one(static(routes=[{**DEFAULT4, "metric": 7}, {**DEFAULT4, "metric": 7}], gateway="10.0.0.1"))
    assert facts(addressing(data))[1] == ["0.0.0.0/0 via 10.0.0.1 metric 7"]


def test_another_gateway_of_the_network_is_another_default() -> None:
    asked = addressing(one(static(routes=[DEFAULT4], gateway="10.0.0.2")))
    assert facts(asked)[1] == ["0.0.0.0/0 via 10.0.0.1", "0.0.0.0/0 via 10.0.0.2"]


def test_a_gateway_of_the_network_in_the_other_family_is_refused() -> None:
    network, problems = parse(one(static(gateway="fe80::1")))
    assert facts(network.links[0].addressing) == (["10.0.0.5/24"], [])
    assert where(problems) == [f"error {DOC}: networks[0].gateway"]


# DNS


def test_dns_of_all_four_places_in_order_and_each_once() -> None:
    network = static(
        services=[{"type": "dns", "address": "10.0.0.51"}, {"type": "ntp", "address": "not ours"}],
        dns_nameservers=["10.0.0.52", "2001:db8::53", "10.0.0.51"],
        dns_search="a.example, b.example",
        routes=[{**DEFAULT4, "services": [{"type": "dns", "address": "10.0.0.54"}]}],
    )
    data = one(network)
    data["services"] = [{"type": "dns", "address": address} for address in ("10.0.0.51", "10.0.0.55")]
    data["dns_search"] = ["a.example", "c.example"]
    result = clean(data)
    assert servers(result.links[0].addressing) == ["10.0.0.51", "10.0.0.52", "2001:db8::53", "10.0.0.54"]
    assert result.links[0].addressing.dns.search == ("a.example", "b.example")
    assert result.dns == Dns((IPAddress.parse("10.0.0.55"),), (DomainName("c.example"),))


@pytest.mark.parametrize("value", ["10.0.0.51 10.0.0.52", "10.0.0.51,10.0.0.52", ["10.0.0.51", "10.0.0.52"]])
def test_nameservers_as_list_or_text(value: object) -> None:
    assert servers(addressing(one(static(dns_nameservers=value)))) == ["10.0.0.51", "10.0.0.52"]


@pytest.mark.parametrize(
    ("fields", "place"),
    [
        ({"services": [{"type": "dns", "address": "x"}]}, "services[0].address"),
        ({"services": [{"type": "dns"}]}, "services[0].address"),
        ({"services": [{"type": "dns", "address": "0.0.0.0"}]}, "services[0].address"),
        ({"services": ["10.0.0.53"]}, "services[0]"),
        ({"services": "10.0.0.53"}, "services"),
        ({"dns_nameservers": ["ns.example"]}, "dns_nameservers"),
        ({"dns_nameservers": 7}, "dns_nameservers"),
        ({"dns_search": ["bad name"]}, "dns_search"),
        ({"dns_search": "a\nb..c"}, "dns_search"),
    ],
)
def test_bad_dns_costs_only_itself(fields: dict[str, Any], place: str) -> None:
    network, problems = parse(one(static(**fields, routes=[DEFAULT4])))
    assert facts(network.links[0].addressing) == (["10.0.0.5/24"], ["0.0.0.0/0 via 10.0.0.1"])
    assert where(problems) == [f"warning {DOC}: networks[0].{place}"]


# Bounds and properties


@pytest.mark.parametrize("key", ["links", "networks"])
def test_the_wrong_kind_of_list_costs_only_itself(key: str) -> None:
    data = one(static())
    data[key] = "text"
    assert f"error {DOC}: {key}" in where(parse(data)[1])


@pytest.mark.parametrize("value", [None, [], "x", 5])
def test_a_document_that_is_no_object_is_an_error(value: object) -> None:
    assert parse(value) == (Network(), [Problem("error", DOC, "not an object")])


def test_places_inside_another_document() -> None:
    _, problems = parse_network({"links": [5]}, "vendor_data.json", "network_info.")
    assert [p.where for p in problems] == ["vendor_data.json: network_info.links[0]"]


def test_too_many_links_networks_and_routes_are_reported_once(monkeypatch: pytest.MonkeyPatch) -> None:
    links = [{"id": i, "ethernet_mac_address": f"52:54:00:00:{i >> 8:02x}:{i & 255:02x}"} for i in range(MAX_LINKS + 5)]
    network, problems = parse({"links": links})
    assert len(network.links) == MAX_LINKS
    assert where(problems) == [f"error {DOC}: links"]
    monkeypatch.setattr(network_data, "MAX_NETWORKS", 3)
    monkeypatch.setattr(network_data, "MAX_ROUTES", 3)
    routes = [{"network": f"10.{i}.0.0", "netmask": "16", "gateway": "10.0.0.1"} for i in range(1, 3)]
    network, problems = parse(one(*[static(ip_address=f"10.0.0.{i + 5}", routes=routes) for i in range(5)]))
    assert len(network.links[0].addressing.addresses) == 3
    assert where(problems) == [f"error {DOC}: networks[1].routes", f"error {DOC}: networks"]


def test_problems_are_bounded_and_the_last_says_so() -> None:
    _, problems = parse({"links": [None] * 2000})
    assert len(problems) == MAX_PROBLEMS + 1
    assert (problems[-1].severity, problems[-1].where) == ("error", DOC)


def test_cost_is_linear() -> None:
    """Eight times the links take about eight times the time; twice that is allowed for a machine that is busy."""

    def seconds(count: int) -> float:
        links = [
            {"id": f"l{i}", "ethernet_mac_address": f"52:54:00:00:{i >> 8:02x}:{i & 255:02x}"} for i in range(count)
        ]
        networks = [static(link=f"l{i}", routes=[DEFAULT4]) for i in range(count)]
        best = 9.9
        for _ in range(3):
            start = time.process_time()
            clean({"links": links, "networks": networks})
            best = min(best, time.process_time() - start)
        return best

    assert seconds(1024) < 16 * seconds(128)


@pytest.mark.parametrize(
    "data",
    [
        {"links": [{"id": f"v{i}", "type": "vlan", "vlan_id": 2, "vlan_link": f"v{i + 1}"} for i in range(4096)]},
        {"links": [{"id": f"b{i}", "type": "bond", "bond_links": ["x"] * 50} for i in range(4096)]},
        {
            "links": [
                {"id": "a", "ethernet_mac_address": f"52:54:00:00:{i >> 8:02x}:{i & 255:02x}"} for i in range(4096)
            ]
        },
        one(*[static(ip_address=f"10.0.{i >> 8}.{i & 255}", gateway="10.9.0.1") for i in range(5, 4096)]),
    ],
    ids=["chain", "bonds", "ids", "gateways"],
)
def test_no_document_takes_more_than_its_time(data: dict[str, Any]) -> None:
    start = time.process_time()
    parse(data)
    assert time.process_time() - start < 2


WHOLE = {
    "links": [
        {
            "id": "b",
            "type": "bond",
            "mtu": 9000,
            "ethernet_mac_address": MAC,
            "bond_mode": "802.3ad",
            "bond_links": ["p"],
            "bond_miimon": 100,
            "bond_primary": "p",
            "name": "bond0",
        },
        {"id": "p", "type": "phy", "ethernet_mac_address": MAC},
        {"id": "v", "type": "vlan", "vlan_id": 20, "vlan_link": "b", "vlan_mac_address": MAC},
    ],
    "networks": [
        {
            "id": "n",
            "link": "v",
            "type": "ipv4",
            "ip_address": "10.0.0.5",
            "netmask": "255.255.255.0",
            "gateway": "10.0.0.1",
            "dns_nameservers": ["10.0.0.53"],
            "dns_search": ["a.example"],
            "services": [{"type": "dns", "address": "10.0.0.53"}],
            "routes": [{"network": "10.9.0.0", "netmask": "16", "gateway": "10.0.0.2", "metric": 5, "services": []}],
        },
        {"link": "v", "type": "ipv6_slaac", "routes": []},
    ],
    "services": [{"type": "dns", "address": "10.0.0.54"}],
}


def places(value: object, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The path of every value in a JSON document."""
    keys: Any = value.keys() if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    inner: Any = value
    return [path, *(found for key in keys for found in places(inner[key], (*path, key)))]


scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from(["p", "v", "b", "bond", "vlan", "::", "0", "10.0.0.5/0", "ipv6", "\n", "x" * 300, "fe80::1"])
)
json_values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4), max_leaves=8
)


@settings(max_examples=4 * EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(places(WHOLE)), json_values)
def test_any_value_at_any_place_gives_a_sound_network(path: tuple[Any, ...], value: object) -> None:
    """Nothing is raised, every reference resolves, every problem has its place and is printable."""
    data: Any = copy.deepcopy(WHOLE)
    if path:
        target = data
        for key in path[:-1]:
            target = target[key]
        target[path[-1]] = value
    else:
        data = value
    network, problems = parse(data)
    ids = {link.id for link in network.links}
    assert len(ids) == len(network.links)
    for link in network.links:
        assert link.vlan is None or link.vlan.parent in ids
        assert link.bond is None or (link.bond.members and ids.issuperset(link.bond.members))
        assert link.bond is None or link.bond.primary in ("", *link.bond.members)
        assert link.mac or link.name or link.bond or link.vlan
    for problem in problems:
        assert problem.severity in ("error", "warning", "info")
        assert problem.where.startswith(DOC)
        assert str(problem).isprintable()
        assert str(problem).isascii()
        assert len(str(problem)) < 300


def test_a_document_and_what_was_made_of_it_hold_the_same() -> None:
    """The sample above is sound as a whole, so that the property above starts from a sound document."""
    before = json.dumps(WHOLE)
    network = clean(WHOLE)
    assert json.dumps(WHOLE) == before
    assert [link.name for link in network.links] == ["bond0", None, None]
