# SPDX-License-Identifier: Apache-2.0
"""OpenNebula's context: every method of a NIC, aliases, routes, and what of it is only named.

What is expected is what the template reference says and one-context does (netcfg-networkd of one-apps).
"""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootagent.errors import DocumentError
from bootagent.formats.opennebula import MAX_NICS, parse_documents, parse_user_data
from bootagent.host import Host
from bootagent.model.instance import Instance
from bootagent.planners.network import bind
from tests.netconfig import facts

MAC = "02:00:c0:00:02:05"
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOflAKvYJxaL6s2wOpnswu59XJc0wvUR+A3PErwCb4+j ann"


def parse(text: str) -> tuple[Instance, list[str]]:
    instance = parse_documents({"context.sh": text.encode()})
    places = [f"{p.severity} {p.where.removeprefix('context.sh: ')}" for p in instance.problems]
    return instance, places


def nic(**values: str) -> tuple[dict[str, object], list[str]]:
    """What ETH0 asks for with these variables."""
    text = "".join(f"ETH0_{name}='{value}'\n" for name, value in {"MAC": MAC, **values}.items())
    instance, problems = parse(text)
    assert instance.network
    assert len(instance.network.links) == 1
    found = facts(instance.network.links[0])
    assert found.pop("mac") == MAC
    return found, problems


V4 = {"IP": "192.0.2.5", "MASK": "255.255.255.0"}
V6 = {"IP6": "2001:db8::5", "IP6_PREFIX_LENGTH": "48"}


@pytest.mark.parametrize(
    ("values", "wanted"),
    [
        (V4, {"addresses": ["192.0.2.5/24"]}),
        ({**V4, "METHOD": "static"}, {"addresses": ["192.0.2.5/24"]}),
        (
            {**V4, "GATEWAY": "192.0.2.1", "METRIC": "7"},
            {"addresses": ["192.0.2.5/24"], "routes": ["0.0.0.0/0 via 192.0.2.1 metric 7"]},
        ),
        (V6, {"addresses": ["2001:db8::5/48"]}),
        ({"IP6": "2001:db8::5"}, {"addresses": ["2001:db8::5/64"]}),
        ({"IPV6": "2001:db8::5"}, {"addresses": ["2001:db8::5/64"]}),
        ({**V6, "IP6_ULA": "fd00::5"}, {"addresses": ["2001:db8::5/48", "fd00::5/64"]}),
        (
            {**V6, "IP6_GATEWAY": "fe80::1", "METRIC": "7"},
            {"addresses": ["2001:db8::5/48"], "routes": ["::/0 via fe80::1 metric 7"]},
        ),
        (
            {**V6, "GATEWAY6": "2001:db8::1", "METRIC": "7", "IP6_METRIC": "8"},
            {"addresses": ["2001:db8::5/48"], "routes": ["::/0 via 2001:db8::1 metric 8"]},
        ),
        ({"METHOD": "dhcp"}, {"dhcp4": True, "dhcp6": "stateful"}),
        ({**V4, **V6, "METHOD": "dhcp", "GATEWAY": "192.0.2.1"}, {"dhcp4": True, "dhcp6": "stateful"}),
        ({"METHOD": "dhcp", "IP6_METHOD": "disable"}, {"dhcp4": True}),
        ({"METHOD": "dhcp", "IP6_METHOD": "auto"}, {"dhcp4": True, "slaac": True}),
        ({**V4, **V6, "IP6_METHOD": "auto"}, {"addresses": ["192.0.2.5/24"], "slaac": True}),
        ({**V4, **V6, "IP6_METHOD": "disable"}, {"addresses": ["192.0.2.5/24"]}),
        ({**V4, "GATEWAY": "192.0.2.1", "IP6_GATEWAY": "2001:db8::1", "IP": ""}, {}),
        (
            {**V4, "DNS": "192.0.2.53 2001:db8::53", "SEARCH_DOMAIN": "example.com example.org", "MTU": "1400"},
            {
                "addresses": ["192.0.2.5/24"],
                "dns": ["192.0.2.53", "2001:db8::53"],
                "search": ["example.com", "example.org"],
                "mtu": 1400,
            },
        ),
        (
            {**V4, "ROUTES": "10.0.0.0/8 via 192.0.2.2, 10.9.9.9 via 192.0.2.3 dev eth0 metric 5"},
            {
                "addresses": ["192.0.2.5/24"],
                "routes": ["10.0.0.0/8 via 192.0.2.2", "10.9.9.9/32 via 192.0.2.3 metric 5"],
            },
        ),
        (
            {
                **V4,
                "ALIAS1_IP": "192.0.2.7",
                "ALIAS1_MASK": "255.255.255.0",
                "ALIAS0_IP": "198.51.100.6",
                "ALIAS0_MASK": "255.255.255.128",
                "ALIAS0_IP6": "2001:db8:1::6",
            },
            {"addresses": ["192.0.2.5/24", "198.51.100.6/25", "2001:db8:1::6/64", "192.0.2.7/24"]},
        ),
        ({**V4, "ALIAS0_IP": "192.0.2.6", "ALIAS0_EXTERNAL": "YES"}, {"addresses": ["192.0.2.5/24"]}),
        ({**V4, "ALIAS0_IP": "192.0.2.6", "ALIAS0_DETACH": "1"}, {"addresses": ["192.0.2.5/24"]}),
        ({**V4, "VLAN_ID": "12", "NETWORK": "192.0.2.0", "VROUTER_IP": "192.0.2.9"}, {"addresses": ["192.0.2.5/24"]}),
    ],
)
def test_what_a_nic_asks_for(values: dict[str, str], wanted: dict[str, object]) -> None:
    assert nic(**values) == (wanted, [])


@pytest.mark.parametrize(
    ("values", "wanted", "problems"),
    [
        ({"IP": "192.0.2.5"}, {"addresses": ["192.0.2.5/24"]}, ["info ETH0_MASK"]),
        ({**V4, **V6, "METHOD": "skip"}, {}, ["info ETH0_METHOD"]),
        (
            {**V4, **V6, "METHOD": "skip", "IP6_METHOD": "static"},
            {"addresses": ["2001:db8::5/48"]},
            ["info ETH0_METHOD"],
        ),
        ({**V4, **V6, "IP6_METHOD": "skip"}, {"addresses": ["192.0.2.5/24"]}, ["info ETH0_IP6_METHOD"]),
        ({**V4, **V6, "METHOD": "magic"}, {"addresses": ["2001:db8::5/48"]}, ["error ETH0_METHOD"]),
        ({**V4, **V6, "IP6_METHOD": "magic"}, {"addresses": ["192.0.2.5/24"]}, ["error ETH0_IP6_METHOD"]),
        ({**V6, "IP": "nonsense"}, {"addresses": ["2001:db8::5/48"]}, ["info ETH0_MASK", "error ETH0_IP"]),
        ({**V4, "MASK": "255.0.255.0"}, {}, ["error ETH0_IP"]),
        ({**V4, "GATEWAY": "2001:db8::1"}, {"addresses": ["192.0.2.5/24"]}, ["error ETH0_GATEWAY"]),
        ({**V4, "MTU": "big"}, {"addresses": ["192.0.2.5/24"]}, ["warning ETH0_MTU"]),
        ({**V4, "DNS": "x"}, {"addresses": ["192.0.2.5/24"]}, ["warning ETH0_DNS"]),
        ({**V4, "COLOUR": "red"}, {"addresses": ["192.0.2.5/24"]}, ["info ETH0_COLOUR"]),
        (
            {**V4, "ROUTES": "10.0.0.0/8, 10.0.0.0/8 over 192.0.2.2, x via 192.0.2.2, 10.1.0.0/16 via 192.0.2.2"},
            {"addresses": ["192.0.2.5/24"], "routes": ["10.1.0.0/16 via 192.0.2.2"]},
            ["error ETH0_ROUTES"] * 2 + ["error ETH0_ROUTES.to"],
        ),
    ],
)
def test_what_is_wrong_costs_only_itself(
    values: dict[str, str], wanted: dict[str, object], problems: list[str]
) -> None:
    assert nic(**values) == (wanted, problems)


@pytest.mark.parametrize(
    ("text", "wanted", "problems"),
    [
        ("VMID='7'\nSET_HOSTNAME='web'\n", ("7", "web", ()), []),
        ("VMID='7'\nSET_HOSTNAME='web.example.com'\nHOSTNAME='other'\n", ("7", "web.example.com", ()), []),
        ("HOSTNAME='other'\n", (None, "other", ()), []),
        ("SET_HOSTNAME='a_b'\n", (None, "a-b", ()), ["info SET_HOSTNAME"]),
        ("DNS_HOSTNAME='YES'\n", (None, None, ()), ["info DNS_HOSTNAME"]),
        ("DNS_HOSTNAME='YES'\nSET_HOSTNAME='web'\n", (None, "web", ()), []),
        (f"SSH_PUBLIC_KEY='{KEY}'\n", (None, None, (KEY,)), []),
        (f"EC2_PUBLIC_KEY='{KEY}\n{KEY}\n'\n", (None, None, (KEY,)), []),
        (f"SSH_PUBLIC_KEY=''\nSSH_KEY='{KEY}'\n", (None, None, (KEY,)), []),
        ("SSH_PUBLIC_KEY='secret'\n", (None, None, ()), ["warning SSH_PUBLIC_KEY"]),
        ("USERNAME='root'\n", (None, None, ()), []),
        ("USERNAME='ann'\n", (None, None, ()), ["info USERNAME"]),
        ("USER_DATA='x'\nSTART_SCRIPT=''\n", (None, None, ()), ["info USER_DATA"]),
        ("PCI0_MAC='02:00:00:00:00:01'\n", (None, None, ()), ["warning PCI0_MAC"]),
        ("TARGET='hdb'\nPASSWORD='secret'\nETHEREUM_IP='1'\n", (None, None, ()), []),
    ],
)
def test_who_the_instance_is(text: str, wanted: tuple[object, ...], problems: list[str]) -> None:
    instance, places = parse(text)
    assert (instance.id, instance.hostname, instance.ssh_keys) == wanted
    assert (places, instance.network, instance.documents) == (problems, None, ("context.sh",))
    assert "secret" not in str(instance)


def test_nics_are_in_the_order_of_their_numbers_and_dns_of_all_belongs_to_none() -> None:
    text = "".join(f"ETH{n}_MAC='02:00:00:00:00:{n:02}'\nETH{n}_IP='192.0.2.{n}'\n" for n in (10, 2, 0))
    text += "ETH2_DNS='192.0.2.53'\nDNS='192.0.2.53 198.51.100.53'\nSEARCH_DOMAIN='example.com'\n"
    instance, _ = parse(text)
    assert instance.network
    assert [link.id for link in instance.network.links] == ["ETH0", "ETH2", "ETH10"]
    dns = instance.network.dns
    assert ([str(server) for server in dns.servers], list(dns.search)) == (["198.51.100.53"], ["example.com"])


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        ("ETH1_IP='192.0.2.6'\n", ["error ETH1_MAC"]),
        ("ETH1_MAC='x'\nETH1_IP='192.0.2.6'\n", ["error ETH1_MAC"]),
        (f"ETH1_MAC='{MAC}'\n", ["error ETH1_MAC"]),
        (f"ETH{MAX_NICS}_MAC='02:00:00:00:00:09'\n", [f"error ETH{MAX_NICS}_MAC"]),
        ("ETH1_MAC=$(id)\n", ["error line 3"]),
    ],
)
def test_a_nic_that_cannot_be_found_leaves_the_others(text: str, problems: list[str]) -> None:
    instance, places = parse(f"ETH0_MAC='{MAC}'\nETH0_IP=192.0.2.5\n{text}ETH0_MASK=24\n")
    assert instance.network
    assert [link.mac for link in instance.network.links] == [MAC]
    assert places == problems


@pytest.mark.parametrize("data", [b"", b"# nothing\n", b"\xff\n", b"<html>\n", b"PASSWORD='secret"])
def test_a_document_that_says_nothing_is_broken(data: bytes) -> None:
    instance = parse_documents({"context.sh": data})
    assert instance.broken == {"context.sh"}
    assert instance.ssh_keys is None
    assert instance.problems
    assert "secret" not in str(instance)


def test_no_document_is_no_instance() -> None:
    assert parse_documents({}) == Instance()


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("USER_DATA='#!/bin/sh\nid\n'\n", b"#!/bin/sh\nid\n"),
        ("USER_DATA='IyEvYmluL3NoCg=='\nUSER_DATA_ENCODING='base64'\n", b"#!/bin/sh\n"),
        ("USERDATA='IyEvYmluL3NoCg=='\nUSERDATA_ENCODING='base64'\n", b"#!/bin/sh\n"),
        ("START_SCRIPT_BASE64='IyEvYmluL3NoCg=='\nSTART_SCRIPT='other'\n", b"#!/bin/sh\n"),
        ("START_SCRIPT='#!/bin/sh\n'\n", b"#!/bin/sh\n"),
        ("VMID='7'\n", None),
    ],
)
def test_what_is_to_be_run(text: str, wanted: bytes | None) -> None:
    assert parse_user_data(text.encode()) == wanted


def test_what_is_to_be_run_and_cannot_be_read_is_an_error_that_does_not_show_it() -> None:
    with pytest.raises(DocumentError, match=r"^context\.sh: its user data is not base64$"):
        parse_user_data(b"USER_DATA='a'\nUSER_DATA_ENCODING='base64'\n")


names = st.sampled_from(
    [f"{nic}_{key}" for nic in ("ETH0", "ETH7", "ETH0_ALIAS0", "PCI0") for key in ("MAC", "IP", "IP6", "ROUTES", "DNS")]
    + ["ETH", "ETH_", "ETH0_", "ETH0_ALIAS_IP", "ETH99999_IP", "VMID", "SSH_PUBLIC_KEY", "SET_HOSTNAME", "DNS"]
)
values = st.text(max_size=20) | st.sampled_from([MAC, "192.0.2.5", "2001:db8::5", "0.0.0.0/0 via 192.0.2.1", KEY])


@given(st.lists(st.tuples(names, values), max_size=20))
def test_any_variables_give_an_instance_that_can_be_bound(pairs: list[tuple[str, str]]) -> None:
    text = "".join("{}='{}'\n".format(name, value.replace("'", "'\\''")) for name, value in pairs)
    instance = parse_documents({"context.sh": text.encode("utf-8", "surrogateescape")})
    assert all(p.where.isprintable() and p.message.isprintable() for p in instance.problems)
    if instance.network:
        bind(instance.network, Host(), "dhcp")


@given(st.binary(max_size=200))
def test_any_bytes_give_an_instance(data: bytes) -> None:
    assert parse_documents({"context.sh": data}).broken <= {"context.sh"}
    with contextlib.suppress(DocumentError):
        parse_user_data(data)
