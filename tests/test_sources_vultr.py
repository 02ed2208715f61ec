# SPDX-License-Identifier: Apache-2.0
"""Vultr: the one document as its reference has it, asked on the wire, and what may be wrong in it."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from bootagent.errors import SourceError
from bootagent.formats.vultr import parse_documents
from bootagent.identity import Identity
from bootagent.sources import vultr
from tests.netconfig import facts
from tests.wire import Wire

ADDRESS = "169.254.169.254"
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOflAKvYJxaL6s2wOpnswu59XJc0wvUR+A3PErwCb4+j ann"
SECRET = "$6$SxXx$k2mJNIzZB5vMCDBlYT1"
PUBLIC, PRIVATE = "56:00:03:1b:4e:ca", "5a:00:03:1b:4e:ca"
# The shape of https://www.vultr.com/metadata/, with what it sends to whoever says the header.
GUEST: dict[str, Any] = {
    "bgp": {"ipv4": {"my-address": "", "my-asn": ""}, "ipv6": {"my-address": "", "my-asn": ""}},
    "hostname": "vultr-guest",
    "instanceid": "42872224",
    "instance-v2-id": "36e9cf60-5d93-4e31-8ebf-613b3d2874fb",
    "interfaces": [
        {
            "ipv4": {
                "additional": [{"address": "192.0.2.3", "netmask": "255.255.255.0"}],
                "address": "192.0.2.2",
                "gateway": "192.0.2.1",
                "netmask": "255.255.255.0",
            },
            "ipv6": {
                "additional": [{"network": "2001:db8:0:2::", "prefix": "64"}],
                "address": "2001:db8:0:1:5428:d5ff:fe28:1910",
                "network": "2001:db8:0:1::",
                "prefix": "64",
            },
            "mac": PUBLIC,
            "network-type": "public",
        },
        {
            "ipv4": {"additional": [], "address": "10.1.112.3", "gateway": "", "netmask": "255.255.240.0"},
            "ipv6": {"additional": [], "network": "", "prefix": ""},
            "mac": PRIVATE,
            "network-type": "private",
            "networkid": "net5e7155329d730",
        },
    ],
    "public-keys": [f"{KEY}\n"],
    "region": {"regioncode": "EWR"},
    "user-defined": [],
    "vendor-data": f"#cloud-config\nchpasswd:\n  list: ['root:{SECRET}']\n",
    "user-data": [],
}
PUBLIC_FACTS = {"mac": PUBLIC, "dhcp4": True, "slaac": True, "addresses": ["192.0.2.3/24", "2001:db8:0:2::/64"]}
PRIVATE_FACTS = {"mac": PRIVATE, "addresses": ["10.1.112.3/20"]}


def parse(data: object) -> tuple[list[dict[str, object]], list[str]]:
    """What the links ask for, and the problems."""
    instance = parse_documents({"v1.json": json.dumps(data).encode()})
    assert SECRET not in str(instance)
    links = instance.network.links if instance.network else ()
    return [facts(link) for link in links], [f"{p.severity} {p}" for p in instance.problems]


def with_nic(number: int, **changes: object) -> dict[str, Any]:
    """The document, one NIC changed."""
    guest = copy.deepcopy(GUEST)
    guest["interfaces"][number].update(changes)
    return guest


@pytest.mark.parametrize(
    ("identity", "why"),
    [
        (Identity(dmi={"sys_vendor": "Vultr"}), "DMI sys_vendor: Vultr"),
        (Identity(dmi={"sys_vendor": "Supermicro"}, cmdline="root=/dev/sda1 vultr ro"), "kernel command line: vultr"),
        (Identity(cmdline="root=/dev/vultr"), ""),
    ],
)
def test_it_is_known_by_the_vendor_or_the_kernel_command_line(identity: Identity, why: str) -> None:
    assert vultr.detect(identity) == why


def test_one_request_with_the_header_says_it_all() -> None:
    with Wire(ADDRESS) as wire:
        wire.answers["/v1.json"] = json.dumps(GUEST).encode()
        place, instance = wire.call(lambda: vultr.fetch(wire.connector()))
    assert place == "http://169.254.169.254"
    assert instance.id == "36e9cf60-5d93-4e31-8ebf-613b3d2874fb"
    assert (instance.hostname, instance.ssh_keys) == ("vultr-guest", (KEY,))
    assert (instance.documents, instance.problems, instance.broken) == (("v1.json",), (), frozenset())
    assert instance.network
    assert [facts(link) for link in instance.network.links] == [PUBLIC_FACTS, PRIVATE_FACTS]
    public = instance.network.links[0].addressing
    assert public.addresses[0].origin == "v1.json: interfaces[0].ipv4.additional[0].address"
    assert [(request.method, request.path) for request in wire.requests] == [("GET", "/v1.json")]
    assert set(wire.requests[0].headers) == {"host", "metadata-token"}
    assert wire.requests[0].headers["metadata-token"] == "cloudinit"


def test_a_service_that_does_not_know_us_is_an_error() -> None:
    with Wire(ADDRESS) as wire:
        with pytest.raises(SourceError, match=r"^http://169\.254\.169\.254: no instance is known by our address$"):
            wire.call(lambda: vultr.fetch(wire.connector()))
        assert len(wire.requests) == 1


@pytest.mark.parametrize("page", [b"<html></html>", b"[]", b"", b'{"interfaces": [', b"null"])
def test_what_is_no_object_is_a_broken_document(page: bytes) -> None:
    with Wire(ADDRESS) as wire:
        wire.answers["/v1.json"] = page
        _, instance = wire.call(lambda: vultr.fetch(wire.connector()))
    assert instance.broken == {"v1.json"}
    assert (instance.network, instance.ssh_keys) == (None, None)
    assert [problem.severity for problem in instance.problems] == ["error"]


def test_user_data_is_its_own_request() -> None:
    with Wire(ADDRESS) as wire:
        wire.answers["/latest/user-data"] = b"#!/bin/sh\n"
        assert wire.call(lambda: vultr.fetch_user_data(wire.connector())) == b"#!/bin/sh\n"


def test_the_older_id_where_there_is_no_other_and_the_name_as_it_can_be() -> None:
    instance = parse_documents({"v1.json": b'{"instanceid": "42506325", "hostname": "CLOUD_1", "public-keys": ""}'})
    assert (instance.id, instance.hostname, instance.ssh_keys) == ("42506325", "CLOUD-1", ())
    assert instance.network is None


def test_without_ipv6_no_router_is_listened_to() -> None:
    links, problems = parse(with_nic(0, ipv6={"additional": [], "network": "", "prefix": ""}))
    assert (links[0], problems) == ({"mac": PUBLIC, "dhcp4": True, "addresses": ["192.0.2.3/24"]}, [])


def test_the_first_nic_is_the_public_one_where_no_type_is_said() -> None:
    guest = copy.deepcopy(GUEST)
    for nic in guest["interfaces"]:
        del nic["network-type"]
    assert parse(guest) == ([PUBLIC_FACTS, PRIVATE_FACTS], [])


def test_an_instance_in_a_private_network_only() -> None:
    assert parse({**GUEST, "interfaces": GUEST["interfaces"][1:]}) == ([PRIVATE_FACTS], [])


def test_mtu_routes_and_advertisements_that_the_document_asks_for() -> None:
    routes = [{"network": "10.9.0.0", "netmask": "255.255.0.0", "gateway": "10.1.112.1"}]
    links, problems = parse(with_nic(1, mtu=1450, routes=routes, **{"accept-ra": 1}))
    wanted = {**PRIVATE_FACTS, "mtu": 1450, "slaac": True, "routes": ["10.9.0.0/16 via 10.1.112.1"]}
    assert (links[1], problems) == (wanted, [])


def test_a_nic_that_is_to_be_left_alone_is_named_and_gets_no_address() -> None:
    links, problems = parse(with_nic(1, unconfigured=True))
    assert (links, problems) == ([PUBLIC_FACTS, {"mac": PRIVATE}], [])


def test_what_the_service_has_made_of_it_counts_alone() -> None:
    made = {
        "version": 1,
        "config": [
            {"type": "nameserver", "address": ["192.0.2.53"]},
            {
                "type": "physical",
                "mac_address": PUBLIC,
                "accept-ra": 1,
                "subnets": [{"type": "dhcp", "control": "auto"}, {"type": "ipv6_slaac", "control": "auto"}],
            },
        ],
    }
    instance = parse_documents({"v1.json": json.dumps({**GUEST, "cloud_interfaces": made, "interfaces": []}).encode()})
    assert instance.problems == ()
    assert instance.network
    assert [facts(link) for link in instance.network.links] == [{"mac": PUBLIC, "dhcp4": True, "slaac": True}]
    assert [str(server) for server in instance.network.dns.servers] == ["192.0.2.53"]


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"mac": ""}, "error v1.json: interfaces[1].mac: no MAC address to find the NIC by: left out"),
        ({"ipv4": "10.1.112.3"}, "error v1.json: interfaces[1].ipv4: not an object"),
        (
            {"ipv4": {"address": "x", "netmask": "255.255.255.0"}},
            "error v1.json: interfaces[1].ipv4.address: 'x' is not an IP address",
        ),
        ({"routes": {}}, "error v1.json: interfaces[1].routes: not a list"),
        ({"mtu": "big"}, "warning v1.json: interfaces[1].mtu: 'big' is not a whole number"),
    ],
)
def test_what_is_wrong_with_one_nic_leaves_the_other(changes: dict[str, object], problem: str) -> None:
    links, problems = parse(with_nic(1, **changes))
    assert links[0] == PUBLIC_FACTS
    assert problems == [problem]
