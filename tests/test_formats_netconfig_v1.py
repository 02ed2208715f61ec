# SPDX-License-Identifier: Apache-2.0
"""Network configuration version 1: every type of device and subnet, and what of it is only named."""

from __future__ import annotations

import pytest

from tests.netconfig import facts, links_of, parse, routes_of

MAC = "52:54:00:00:00:01"


def device(subnets: str, *expected: str) -> dict[str, object]:
    """What a NIC asks for that has these subnets, in flow style."""
    return facts(
        links_of(f"{{version: 1, config: [{{type: physical, name: eth0, subnets: {subnets}}}]}}", *expected)["eth0"]
    )


def test_a_nic_is_found_by_its_address_and_not_renamed() -> None:
    text = f"""
        version: 1
        config:
        - type: physical
          name: eth0
          mac_address: {MAC.upper()}
          mtu: 9000
        """
    assert facts(links_of(text, "info config[0].name")["eth0"]) == {"mac": MAC, "name": "eth0", "mtu": 9000}


def test_a_nic_without_an_address_is_found_by_its_name() -> None:
    assert device("[]") == {"name": "eth0"}


def test_infiniband_is_a_nic_with_a_longer_address() -> None:
    mac = "80:00:00:48:fe:80:00:00:00:00:00:00:00:02:c9:03:00:ab:cd:ef"
    text = f"{{version: 1, config: [{{type: infiniband, name: ib0, mac_address: '{mac}'}}]}}"
    assert facts(links_of(text, "info config[0].name")["ib0"]) == {"mac": mac, "name": "ib0"}


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        ("{type: physical}", "error config[0]"),
        ("{type: physical, name: a/b}", "warning config[0].name"),
        ("{type: physical, name: eth0, mac_address: nonsense}", "error config[0].mac_address"),
        ("{type: bridge, name: br0, bridge_interfaces: [eth0]}", "error config[0]"),
        ("{type: vrf, name: v}", "error config[0].type"),
        ("{name: eth0}", "error config[0].type"),
        ("enabled", "error config[0]"),
    ],
)
def test_a_device_that_cannot_be_is_left_out(entry: str, problem: str) -> None:
    network, problems = parse(f"{{version: 1, config: [{entry}, {{type: physical, name: eth9}}]}}")
    assert network
    assert [link.id for link in network.links] == ["eth9"]
    assert problems[0] == problem


def test_what_stands_on_a_bridge_falls_with_it() -> None:
    text = """
        version: 1
        config:
        - {type: bridge, name: br0, bridge_interfaces: []}
        - {type: vlan, name: br0.7, vlan_link: br0, vlan_id: 7}
        """
    assert links_of(text, "error config[0]", "error config[1].vlan_link") == {}


@pytest.mark.parametrize(
    ("subnets", "wanted"),
    [
        ("[{type: dhcp}]", {"dhcp4": True}),
        ("[{type: dhcp4}]", {"dhcp4": True}),
        ("[{type: dhcp6}]", {"dhcp6": "stateful"}),
        ("[{type: ipv6_dhcpv6-stateful}]", {"dhcp6": "stateful"}),
        ("[{type: ipv6_dhcpv6-stateless}]", {"dhcp6": "stateless", "slaac": True}),
        ("[{type: ipv6_slaac}]", {"slaac": True}),
        ("[{type: dhcp4}, {type: dhcp6}]", {"dhcp4": True, "dhcp6": "stateful"}),
        ("[{type: manual}]", {}),
        ("[]", {}),
        ("[{type: static, address: 192.0.2.5/24}]", {"addresses": ["192.0.2.5/24"]}),
        ("[{type: static, address: 192.0.2.5, netmask: 255.255.255.0}]", {"addresses": ["192.0.2.5/24"]}),
        ("[{type: static, address: 192.0.2.5, netmask: 24}]", {"addresses": ["192.0.2.5/24"]}),
        ("[{type: static, address: 192.0.2.5, prefix: 24}]", {"addresses": ["192.0.2.5/24"]}),
        ("[{type: static, address: '2001:db8::5/64'}]", {"addresses": ["2001:db8::5/64"]}),
        ("[{type: static6, address: '2001:db8::5', netmask: 'ffff:ffff:ffff::'}]", {"addresses": ["2001:db8::5/48"]}),
        ("[{type: static6, address: '2001:db8::5/64'}]", {"addresses": ["2001:db8::5/64"]}),
        (
            "[{type: static, address: 192.0.2.5/24, gateway: 192.0.2.1, metric: 7}]",
            {"addresses": ["192.0.2.5/24"], "routes": ["0.0.0.0/0 via 192.0.2.1 metric 7"]},
        ),
        (
            "[{type: static6, address: '2001:db8::5/64', gateway: 'fe80::1'}]",
            {"addresses": ["2001:db8::5/64"], "routes": ["::/0 via fe80::1"]},
        ),
        (
            "[{type: static, address: 192.0.2.5/24, dns_nameservers: 192.0.2.53, dns_search: a.example b.example}]",
            {"addresses": ["192.0.2.5/24"], "dns": ["192.0.2.53"], "search": ["a.example", "b.example"]},
        ),
        (
            "[{type: dhcp4, dns_nameservers: [192.0.2.53, '2001:db8::53'], dns_search: [a.example]}]",
            {"dhcp4": True, "dns": ["192.0.2.53", "2001:db8::53"], "search": ["a.example"]},
        ),
    ],
)
def test_every_type_of_subnet(subnets: str, wanted: dict[str, object]) -> None:
    assert device(subnets) == {"name": "eth0", **wanted}


def test_a_subnet_without_a_type_is_static_for_its_address() -> None:
    text = "[{address: '2001:db8::5/64', gateway: 'fe80::1'}]"
    assert device(text, "warning config[0].subnets[0].type") == {
        "name": "eth0",
        "addresses": ["2001:db8::5/64"],
        "routes": ["::/0 via fe80::1"],
    }
    assert device("[{gateway: 192.0.2.1}]", "error config[0].subnets[0].type") == {"name": "eth0"}


def test_a_netmask_that_is_not_said_is_that_of_cloud_init() -> None:
    subnets = "[{type: static, address: 192.0.2.5}, {type: static6, address: '2001:db8::5'}]"
    places = [f"warning config[0].subnets[{n}].address" for n in (0, 1)]
    assert device(subnets, *places)["addresses"] == ["192.0.2.5/24", "2001:db8::5/64"]


@pytest.mark.parametrize(
    ("route", "wanted"),
    [
        ("{destination: 10.0.0.0/8, gateway: 192.0.2.2}", "10.0.0.0/8 via 192.0.2.2"),
        ("{network: 10.0.0.0, netmask: 255.0.0.0, gateway: 192.0.2.2, metric: 5}", "10.0.0.0/8 via 192.0.2.2 metric 5"),
        ("{network: 10.0.0.0, prefix: 8, gateway: 192.0.2.2}", "10.0.0.0/8 via 192.0.2.2"),
        ("{destination: 0.0.0.0/0, gateway: 192.0.2.2}", "0.0.0.0/0 via 192.0.2.2"),
        ("{network: 0.0.0.0, netmask: 0.0.0.0, gateway: 192.0.2.2}", "0.0.0.0/0 via 192.0.2.2"),
        ("{destination: '::/0', gateway: 'fe80::1'}", "::/0 via fe80::1"),
        ("{network: '2001:db8:1::', netmask: 'ffff:ffff:ffff::', gateway: 'fe80::1'}", "2001:db8:1::/48 via fe80::1"),
        ("{destination: 10.0.0.0/8}", "10.0.0.0/8 via None"),
    ],
)
def test_routes_of_a_subnet(route: str, wanted: str) -> None:
    assert device(f"[{{type: static, address: 192.0.2.5/24, routes: [{route}]}}]")["routes"] == [wanted]


@pytest.mark.parametrize(
    ("subnet", "problem"),
    [
        ("{type: static}", "error .address"),
        ("{type: static, address: 192.0.2.300}", "error .address"),
        ("{type: static, address: 192.0.2.5, netmask: 255.0.255.0}", "error .address"),
        ("{type: static, address: 127.0.0.1/8}", "error .address"),
        ("{type: static, address: 192.0.2.5/24, gateway: 'fe80::1'}", "error .gateway"),
        ("{type: static, address: 192.0.2.5/24, gateway: 192.0.2.5}", "error .gateway"),
        ("{type: static6, address: 192.0.2.5/24}", "warning .type"),
        ("{type: static, address: 192.0.2.5/24, routes: 7}", "error .routes"),
        ("{type: static, address: 192.0.2.5/24, routes: [7]}", "error .routes[0]"),
        ("{type: dhcp4, routes: [{gateway: 192.0.2.1}]}", "error .routes[0].destination"),
        ("{type: dhcp4, routes: [{destination: 10.0.0.1/8, gateway: 192.0.2.1}]}", "warning .routes[0].destination"),
        ("{type: dhcp4, routes: [{destination: 0.0.0.0/0}]}", "error .routes[0].gateway"),
        ("{type: dhcp4, routes: [{destination: 10.0.0.0/8, gateway: x}]}", "error .routes[0].gateway"),
        (
            "{type: dhcp4, routes: [{destination: 10.0.0.0/8, gateway: 192.0.2.1, metric: x}]}",
            "warning .routes[0].metric",
        ),
        ("{type: dhcp4, routes: [{destination: 10.0.0.0/8, mtu: 1400}]}", "warning .routes[0].mtu"),
        ("{type: dhcp4, dns_nameservers: [x]}", "warning .dns_nameservers"),
        ("{type: dhcp4, dns_search: ['a b/c']}", "warning .dns_search"),
        ("{type: dhcp4, control: manual}", "warning .control"),
        ("{type: dhcp4, scope: link}", "warning .scope"),
        ("{type: manual, address: 192.0.2.5/24}", "info "),
        ("{type: ipv6_slaac, address: '2001:db8::5/64', gateway: 'fe80::1'}", "info .gateway"),
        ("{type: ipv6_slaac, routes: [{destination: '::/0', gateway: 'fe80::1'}]}", "info .routes[0]"),
        ("{type: pppoe}", "error .type"),
        ("{}", "error .type"),
        ("static", "error "),
    ],
)
def test_what_is_wrong_costs_its_own_place(subnet: str, problem: str) -> None:
    severity, _, where = problem.partition(" ")
    found = device(f"[{subnet}, {{type: static, address: 198.51.100.5/24}}]", f"{severity} config[0].subnets[0]{where}")
    addresses = found["addresses"]
    assert isinstance(addresses, list)
    assert addresses[-1] == "198.51.100.5/24"


def test_a_bond_with_its_parameters_in_every_spelling() -> None:
    text = """
        version: 1
        config:
        - type: bond
          name: bond0
          mac_address: '52:54:00:00:00:0b'
          mtu: 9000
          bond_interfaces: [eth0, eth1]
          params:
            bond-mode: 802.3ad
            bond_miimon: 100
            bond-xmit-hash-policy: layer3+4
            lacp_rate: fast
            bond-primary: eth1
          subnets: [{type: dhcp4}]
        - {type: physical, name: eth0}
        - {type: physical, name: eth1}
        """
    options = {"miimon": "100", "xmit_hash_policy": "layer3+4", "lacp_rate": "fast"}
    assert facts(links_of(text)["bond0"]) == {
        "mac": "52:54:00:00:00:0b",
        "name": "bond0",
        "mtu": 9000,
        "dhcp4": True,
        "bond": ("802.3ad", options, ("eth0", "eth1"), "eth1"),
    }


def test_a_bond_without_members_or_with_members_that_are_not_there() -> None:
    text = """
        version: 1
        config:
        - {type: bond, name: bond0, params: {mode: active-backup, num_unsol_na: 3, active_slave: eth0}}
        - {type: bond, name: bond1, bond_interfaces: [eth0, eth9], params: {mode: 1}}
        - {type: physical, name: eth0}
        """
    wanted = [
        "warning config[0].params.active_slave",
        "error config[0]",
        "warning config[1].bond_interfaces",
    ]
    links = links_of(text, *wanted)
    assert facts(links["bond1"])["bond"] == ("active-backup", {}, ("eth0",), "")
    assert "bond0" not in links


def test_a_vlan_and_vlans_that_cannot_be() -> None:
    text = """
        version: 1
        config:
        - {type: physical, name: eth0}
        - {type: vlan, name: eth0.7, vlan_link: eth0, vlan_id: 7, mtu: 1400, mac_address: '52:54:00:00:00:07'}
        - {type: vlan, name: a, vlan_link: eth0, vlan_id: 4095}
        - {type: vlan, name: b, vlan_id: 7}
        - {type: vlan, name: c, vlan_link: eth9, vlan_id: 7}
        """
    problems = ["error config[2].vlan_id", "error config[3].vlan_link", "error config[4].vlan_link"]
    assert facts(links_of(text, *problems)["eth0.7"]) == {
        "mac": "52:54:00:00:00:07",
        "name": "eth0.7",
        "mtu": 1400,
        "vlan": (7, "eth0"),
    }


def test_name_servers_of_all_and_of_one_device() -> None:
    text = """
        version: 1
        config:
        - {type: nameserver, address: 192.0.2.53, search: [a.example]}
        - {type: nameserver, address: ['2001:db8::53'], search: b.example, interface: eth0}
        - {type: nameserver, address: [192.0.2.54], interface: eth9}
        - {type: physical, name: eth0}
        """
    network, problems = parse(text)
    assert problems == ["warning config[2].interface"]
    assert network
    assert [str(server) for server in network.dns.servers] == ["192.0.2.53", "192.0.2.54"]
    assert network.dns.search == ("a.example",)
    assert facts(network.links[0]) == {"name": "eth0", "dns": ["2001:db8::53"], "search": ["b.example"]}


def test_name_servers_of_the_loopback_device_are_those_of_all() -> None:
    text = """
        version: 1
        config:
        - type: loopback
          name: lo
          subnets: [{type: loopback, dns_nameservers: [192.0.2.53], dns_search: [a.example]}]
        - {type: loopback, name: lo, subnets: [{type: static, address: 192.0.2.9/32}]}
        """
    network, problems = parse(text)
    assert problems == ["error config[1].subnets[0].address"]
    assert network
    assert (network.links, [str(server) for server in network.dns.servers]) == ((), ["192.0.2.53"])


def test_a_route_goes_to_the_device_beside_its_gateway() -> None:
    text = """
        version: 1
        config:
        - {type: route, destination: 10.0.0.0/8, gateway: 198.51.100.1, metric: 3}
        - {type: route, destination: 10.1.0.0/16, gateway: 203.0.113.1}
        - {type: route, destination: 10.2.0.0/16}
        - {type: physical, name: eth0, subnets: [{type: static, address: 192.0.2.5/24}]}
        - {type: physical, name: eth1, subnets: [{type: static, address: 198.51.100.5/24}]}
        """
    links = links_of(text, "error config[1].gateway", "error config[2].gateway")
    assert routes_of(links["eth0"].addressing) == []
    assert routes_of(links["eth1"].addressing) == ["10.0.0.0/8 via 198.51.100.1 metric 3"]


def test_a_route_on_a_machine_with_one_device_is_its_own() -> None:
    text = """
        version: 1
        config:
        - {type: physical, name: eth0, subnets: [{type: dhcp4}]}
        - {type: route, destination: 10.1.0.0/16, gateway: 203.0.113.1}
        """
    assert routes_of(links_of(text)["eth0"].addressing) == ["10.1.0.0/16 via 203.0.113.1"]


def test_keys_that_are_not_followed_are_named() -> None:
    text = """
        version: 1
        extra: 1
        config:
        - {type: physical, name: eth0, wakeonlan: true, keep_configuration: false, vif_id: '', "odd\\nkey": 1}
        """
    links_of(text, "warning extra", "info config[0].wakeonlan", "warning config[0]['odd\\nkey']")


@pytest.mark.parametrize(
    ("said", "subnets", "slaac", "problems"),
    [
        ("true", "[{type: static6, address: '2001:db8::5/64'}]", True, []),
        ("false", "[{type: static6, address: '2001:db8::5/64', gateway: 'fe80::1'}]", False, []),
        ("false", "[{type: static6, address: '2001:db8::5/64'}]", False, ["warning config[0].accept-ra"]),
        ("false", "[{type: dhcp6}]", False, ["warning config[0].accept-ra"]),
        ("false", "[{type: dhcp4}]", False, []),
        ("maybe", "[]", False, ["warning config[0].accept-ra"]),
    ],
)
def test_router_advertisements(said: str, subnets: str, slaac: bool, problems: list[str]) -> None:
    text = f"{{version: 1, config: [{{type: physical, name: eth0, accept-ra: {said}, subnets: {subnets}}}]}}"
    assert links_of(text, *problems)["eth0"].addressing.slaac is slaac


def test_one_name_twice_is_said() -> None:
    first, second = f"{{type: physical, name: eth0, mac_address: '{MAC}'}}", "{type: physical, name: eth0}"
    text = f"{{version: 1, config: [{first}, {second}]}}"
    assert len(links_of(text, "info config[0].name", "warning config[0].name")) == 2
