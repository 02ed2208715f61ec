# SPDX-License-Identifier: Apache-2.0
"""Network configuration version 2: how a NIC is found, every kind of device, and what of it is only named."""

from __future__ import annotations

import pytest

from tests.netconfig import facts, links_of, parse

MAC = "52:54:00:00:00:01"
ETH0 = "ethernets.eth0"


def device(body: str, *expected: str) -> dict[str, object]:
    """What the NIC eth0 asks for; ``body`` in flow style, the problems below ``ethernets.eth0``."""
    places = [f"{severity} {ETH0}{where}" for severity, _, where in (problem.partition(" ") for problem in expected)]
    found = facts(links_of(f"{{version: 2, ethernets: {{eth0: {body}}}}}", *places)["eth0"])
    assert found.pop("name", "eth0") == "eth0"
    return found


@pytest.mark.parametrize(
    ("body", "wanted", "problems"),
    [
        ("{}", {"name": "eth0"}, []),
        ("", {"name": "eth0"}, []),
        (f"{{match: {{macaddress: '{MAC.upper()}'}}}}", {"mac": MAC}, []),
        (f"{{match: {{macaddress: {MAC}}}, set-name: wan}}", {"mac": MAC}, ["info .set-name"]),
        ("{match: {name: ens192}}", {"name": "ens192"}, []),
        ("{match: {name: ens192}, set-name: ens192}", {"name": "ens192"}, []),
        (
            f"{{match: {{macaddress: '{MAC}', name: 'en*', driver: virtio_net}}}}",
            {"mac": MAC},
            ["info .match.name", "info .match.driver"],
        ),
        ("{match: {name: ens192, driver: vmxnet3}}", {"name": "ens192"}, ["warning .match.driver"]),
        ("{match: {name: 'ens*'}}", {"pattern": ("ens*", ())}, []),
        ("{match: {name: 'ens[0-9]'}, set-name: lan}", {"pattern": ("ens[0-9]", ())}, ["info .set-name"]),
        ("{match: {driver: virtio_net}}", {"pattern": ("", ("virtio_net",))}, []),
        ("{match: {name: 'en*', driver: [ixgbe, 'bnx*']}}", {"pattern": ("en*", ("ixgbe", "bnx*"))}, []),
        (f"{{match: {{macaddress: '{MAC}', path: pci-1}}}}", {"mac": MAC}, ["warning .match.path"]),
    ],
)
def test_how_a_nic_is_found(body: str, wanted: dict[str, object], problems: list[str]) -> None:
    places = [f"{severity} {ETH0}{where}" for severity, _, where in (problem.partition(" ") for problem in problems)]
    assert facts(links_of(f"{{version: 2, ethernets: {{eth0: {body}}}}}", *places)["eth0"]) == wanted


@pytest.mark.parametrize(
    ("body", "problems"),
    [
        ("{match: {}}", ["error "]),
        ("{match: {name: 'ens*', driver: [7]}}", ["warning .match.driver", "error "]),
        ("{match: {driver: ''}}", ["error "]),
        ("{match: {name: ['ens*']}}", ["warning .match.name", "error "]),
        (f"{{match: {{name: '{'e' * 64}*'}}}}", ["warning .match.name", "error "]),
        ("{match: {macaddress: nonsense, name: ens192}}", ["error .match.macaddress", "error "]),
        ("{match: {name: a/b}}", ["warning .match.name", "error "]),
        ("{match: {name: 7}}", ["warning .match.name", "error "]),
        ("{match: 7}", ["error .match", "error "]),
        ("[]", ["error "]),
    ],
)
def test_a_nic_that_cannot_be_found_is_left_out(body: str, problems: list[str]) -> None:
    places = [f"{severity} {ETH0}{where}" for severity, _, where in (problem.partition(" ") for problem in problems)]
    assert list(links_of(f"{{version: 2, ethernets: {{eth0: {body}, eth1: {{}}}}}}", *places)) == ["eth1"]


@pytest.mark.parametrize(
    ("body", "wanted"),
    [
        ("{dhcp4: true}", {"dhcp4": True}),
        ("{dhcp4: yes, dhcp6: no}", {"dhcp4": True}),
        ("{dhcp4: 'true'}", {"dhcp4": True}),
        ("{dhcp6: true}", {"dhcp6": "stateful"}),
        ("{dhcp4: false, dhcp6: false}", {}),
        ("{accept-ra: true}", {"slaac": True}),
        ("{accept-ra: false}", {}),
        ("{mtu: 9000}", {"mtu": 9000}),
        ("{addresses: [192.0.2.5/24, '2001:db8::5/64']}", {"addresses": ["192.0.2.5/24", "2001:db8::5/64"]}),
        ("{gateway4: 192.0.2.1}", {"routes": ["0.0.0.0/0 via 192.0.2.1"]}),
        ("{gateway6: 'fe80::1'}", {"routes": ["::/0 via fe80::1"]}),
        (
            "{nameservers: {addresses: [192.0.2.53], search: [a.example]}}",
            {"dns": ["192.0.2.53"], "search": ["a.example"]},
        ),
        ("{nameservers: {}}", {}),
        ("{nameservers: {search: []}, routes: [], addresses: []}", {}),
        ("{optional: false, wakeonlan: false, critical: false, link-local: null}", {}),
        ("{dhcp4: true, dhcp4-overrides: {use-dns: true, send-hostname: true}}", {"dhcp4": True}),
        ("{dhcp4-overrides: {use-dns: false}}", {}),  # without DHCP it has no effect
    ],
)
def test_what_a_device_is_told(body: str, wanted: dict[str, object]) -> None:
    assert device(body) == wanted


@pytest.mark.parametrize(
    ("route", "wanted"),
    [
        ("{to: default, via: 192.0.2.1}", "0.0.0.0/0 via 192.0.2.1"),
        ("{to: default, via: 'fe80::1'}", "::/0 via fe80::1"),
        ("{to: 0.0.0.0/0, via: 192.0.2.1, metric: 50}", "0.0.0.0/0 via 192.0.2.1 metric 50"),
        ("{to: '::/0', via: '2001:db8::1', on-link: true}", "::/0 via 2001:db8::1"),
        ("{to: 10.0.0.0/8, via: 192.0.2.1, type: unicast, scope: global, table: 254}", "10.0.0.0/8 via 192.0.2.1"),
        ("{to: 10.0.0.1, via: 192.0.2.1}", "10.0.0.1/32 via 192.0.2.1"),
        ("{to: '2001:db8:1::1', via: 'fe80::1'}", "2001:db8:1::1/128 via fe80::1"),
        ("{to: 10.0.0.0/8, scope: link}", "10.0.0.0/8 via None"),
    ],
)
def test_routes(route: str, wanted: str) -> None:
    assert device(f"{{routes: [{route}]}}")["routes"] == [wanted]


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ("{addresses: [192.0.2.5]}", "error .addresses[0]"),
        ("{addresses: [nonsense/24]}", "error .addresses[0]"),
        ("{addresses: [7]}", "error .addresses[0]"),
        ("{addresses: [[]]}", "error .addresses[0]"),
        ("{addresses: 192.0.2.5/24}", "error .addresses"),
        ("{addresses: [{192.0.2.5/24: {label: 'eth0:1'}}]}", "warning .addresses[0].label"),
        ("{addresses: [{192.0.2.5/24: {lifetime: 0}}]}", "warning .addresses[0].lifetime"),
        ("{gateway4: 'fe80::1'}", "error .gateway4"),
        ("{gateway6: 192.0.2.1}", "error .gateway6"),
        ("{routes: [{to: default}]}", "error .routes[0].via"),
        ("{routes: [{to: 0.0.0.0/0}]}", "error .routes[0].via"),
        ("{routes: [{to: nonsense, via: 192.0.2.1}]}", "error .routes[0].to"),
        ("{routes: [{via: 192.0.2.1}]}", "error .routes[0].to"),
        ("{routes: [{to: 10.0.0.0/8, via: 'fe80::1'}]}", "error .routes[0].via"),
        ("{routes: [{to: 10.0.0.1/8, via: 192.0.2.1}]}", "warning .routes[0].to"),
        ("{routes: [{to: 10.0.0.0/8, via: 192.0.2.1, table: 7}]}", "error .routes[0].table"),
        ("{routes: [{to: 10.0.0.0/8, type: blackhole}]}", "error .routes[0].type"),
        ("{routes: [{to: 10.0.0.0/8, via: 192.0.2.1, scope: host}]}", "error .routes[0].scope"),
        ("{routes: [{to: 10.0.0.0/8, via: 192.0.2.1, from: 192.0.2.5}]}", "warning .routes[0].from"),
        ("{routes: [{to: 10.0.0.0/8, via: 192.0.2.1, mtu: 1400}]}", "warning .routes[0].mtu"),
        ("{routes: [{to: 10.0.0.0/8, via: 192.0.2.1, metric: x}]}", "warning .routes[0].metric"),
        ("{routes: [7]}", "error .routes[0]"),
        ("{routes: {}}", "error .routes"),
        ("{nameservers: [192.0.2.53]}", "error .nameservers"),
        ("{nameservers: {addresses: [x]}}", "warning .nameservers.addresses"),
        ("{nameservers: {options: x}}", "warning .nameservers.options"),
        ("{dhcp4: maybe}", "warning .dhcp4"),
        ("{dhcp4: true, dhcp4-overrides: {route-metric: 100}}", "warning .dhcp4-overrides.route-metric"),
        ("{dhcp4: true, dhcp4-overrides: {use-dns: false}}", "warning .dhcp4-overrides.use-dns"),
        ("{dhcp4: true, dhcp4-overrides: {use-domains: true}}", "warning .dhcp4-overrides.use-domains"),
        ("{dhcp4: true, dhcp4-overrides: 7}", "error .dhcp4-overrides"),
        ("{dhcp6: true, accept-ra: false}", "warning .accept-ra"),
        ("{mtu: 7}", "warning .mtu"),
        ("{optional: true}", "info .optional"),
        ("{wakeonlan: true}", "info .wakeonlan"),
        ("{macaddress: '52:54:00:00:00:99'}", "warning .macaddress"),
        ("{link-local: []}", "warning .link-local"),
        ("{routing-policy: [{from: 192.0.2.5, table: 7}]}", "warning .routing-policy"),
        ("{dhcp-identifier: mac}", "warning .dhcp-identifier"),
        ("{renderer: networkd}", "warning .renderer"),
    ],
)
def test_what_cannot_be_said_is_named_and_costs_its_own_place(body: str, problem: str) -> None:
    device(body, problem)


def test_a_bond_with_its_parameters() -> None:
    text = """
        version: 2
        ethernets: {a: {match: {name: eth0}}, b: {match: {name: eth1}}}
        bonds:
          bond0:
            interfaces: [a, b]
            macaddress: '52:54:00:00:00:0b'
            mtu: 9000
            parameters:
              mode: active-backup
              primary: b
              mii-monitor-interval: 1s
              up-delay: 200ms
              down-delay: 300
              fail-over-mac-policy: active
              primary-reselect-policy: failure
              gratuitous-arp: 3
              resend-igmp: 2
              all-slaves-active: true
              min-links: 1
            addresses: [192.0.2.5/24]
        """
    options = {
        "miimon": "1000",
        "updelay": "200",
        "downdelay": "300",
        "fail_over_mac": "active",
        "primary_reselect": "failure",
        "num_grat_arp": "3",
        "resend_igmp": "2",
        "all_slaves_active": "1",
        "min_links": "1",
    }
    assert facts(links_of(text)["bond0"]) == {
        "mac": "52:54:00:00:00:0b",
        "name": "bond0",
        "mtu": 9000,
        "addresses": ["192.0.2.5/24"],
        "bond": ("active-backup", options, ("a", "b"), "b"),
    }


@pytest.mark.parametrize(
    ("parameters", "mode", "options"),
    [
        (
            "{mode: 802.3ad, lacp-rate: fast, transmit-hash-policy: layer3+4, ad-select: count}",
            "802.3ad",
            {"lacp_rate": "fast", "xmit_hash_policy": "layer3+4", "ad_select": "count"},
        ),
        (
            "{mode: 2, arp-interval: 9, arp-ip-targets: [192.0.2.1], arp-validate: all, arp-all-targets: any}",
            "balance-xor",
            {
                "arp_interval": "9",
                "arp_ip_target": "192.0.2.1",
                "arp_validate": "all",
                "arp_all_targets": "any",
            },
        ),
        ("{mode: balance-rr, packets-per-slave: 4}", "balance-rr", {"packets_per_slave": "4"}),
        ("{mode: balance-rr, packets-per-member: 4, all-members-active: false}", "balance-rr",
         {"packets_per_slave": "4", "all_slaves_active": "0"}),
        ("{mode: balance-alb, learn-packet-interval: 5}", "balance-alb", {"lp_interval": "5"}),
    ],
)  # fmt: skip
def test_every_parameter_has_the_kernels_name(parameters: str, mode: str, options: dict[str, str]) -> None:
    text = f"{{version: 2, ethernets: {{e: {{}}}}, bonds: {{bond0: {{interfaces: [e], parameters: {parameters}}}}}}}"
    assert facts(links_of(text)["bond0"])["bond"] == (mode, options, ("e",), "")


@pytest.mark.parametrize(
    ("body", "problems"),
    [
        ("{interfaces: [e], parameters: {mode: nonsense}}", ["warning .parameters.mode"]),
        (
            "{interfaces: [e], parameters: {mode: 1, mii-monitor-interval: soon}}",
            ["warning .parameters.mii-monitor-interval"],
        ),
        ("{interfaces: [e], parameters: {mode: 1, unknown: 7}}", ["warning .parameters.unknown"]),
        ("{interfaces: [e, x], parameters: {mode: 1}}", ["warning .interfaces"]),
        ("{interfaces: [e], parameters: 7}", ["error .parameters", "warning "]),
        ("{interfaces: [e], parameters: {mode: 1}, set-name: x}", ["warning .set-name"]),
    ],
)
def test_what_is_wrong_in_a_bond_is_named(body: str, problems: list[str]) -> None:
    places = [f"{s} bonds.bond0{where}" for s, _, where in (problem.partition(" ") for problem in problems)]
    text = f"{{version: 2, ethernets: {{e: {{}}}}, bonds: {{bond0: {body}}}}}"
    assert facts(links_of(text, *places)["bond0"])["bond"] == ("active-backup", {}, ("e",), "")


def test_a_vlan_and_vlans_that_cannot_be() -> None:
    text = """
        version: 2
        vlans:
          vlan7: {id: 7, link: uplink, addresses: [192.0.2.5/24], macaddress: '52:54:00:00:00:07'}
          "uplink.8": {id: '8', link: uplink}
          a: {id: 4095, link: uplink}
          b: {id: 7}
          c: {id: 7, link: nothing}
        ethernets:
          uplink: {match: {name: eth0}}
        """
    links = links_of(text, "error vlans.a.id", "error vlans.b.link", "error vlans.c.link")
    assert facts(links["vlan7"]) == {
        "mac": "52:54:00:00:00:07",
        "name": "vlan7",
        "addresses": ["192.0.2.5/24"],
        "vlan": (7, "uplink"),
    }
    assert facts(links["uplink.8"]) == {"name": "uplink.8", "vlan": (8, "uplink")}
    assert list(links) == ["vlan7", "uplink.8", "uplink"]  # the document's order decides on metrics


@pytest.mark.parametrize("kind", ["bridges", "wifis", "modems", "tunnels", "vrfs", "dummy-devices"])
def test_a_device_that_is_not_made_is_named_with_what_stands_on_it(kind: str) -> None:
    text = f"{{version: 2, ethernets: {{eth0: {{}}}}, {kind}: {{x0: {{}}}}, vlans: {{v: {{id: 7, link: x0}}}}}}"
    assert list(links_of(text, f"error {kind}.x0", "error vlans.v.link")) == ["eth0"]


def test_the_rest_of_the_document() -> None:
    text = "{version: 2, renderer: networkd, openvswitch: {x: 1}, ethernets: {'a b': {}, eth0: {}}, bonds: 7, vlans: }"
    network, problems = parse(text)
    assert network
    assert [link.id for link in network.links] == ["eth0"]
    assert problems == [
        "warning openvswitch",
        "info renderer",
        "warning ethernets['a b']",
        "error ethernets['a b']",
        "error bonds",
    ]
