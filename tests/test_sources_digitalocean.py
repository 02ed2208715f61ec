# SPDX-License-Identifier: Apache-2.0
"""DigitalOcean: the one document as its reference has it, asked on the wire, and what may be wrong in it."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from bootagent.errors import SourceError
from bootagent.formats.digitalocean import parse_documents
from bootagent.identity import Identity
from bootagent.sources import digitalocean
from tests.netconfig import facts
from tests.wire import Answer, Wire

ADDRESS = "169.254.169.254"
PATH = "/metadata/v1.json"
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOflAKvYJxaL6s2wOpnswu59XJc0wvUR+A3PErwCb4+j ann"
SECRET = "c2VjcmV0LWF1dGgta2V5"
PUBLIC, PRIVATE = "04:01:2a:0f:2a:01", "04:01:2a:0f:2a:02"
# The shape of https://docs.digitalocean.com/reference/api/metadata/droplet-properties/.
DROPLET: dict[str, Any] = {
    "droplet_id": 2756294,
    "hostname": "sample-droplet",
    "vendor_data": "#cloud-config\nusers: []\n",
    "user_data": f"password: {SECRET}",
    "auth_key": SECRET,
    "public_keys": [KEY],
    "region": "nyc3",
    "interfaces": {
        "public": [
            {
                "ipv4": {"ip_address": "198.51.100.75", "netmask": "255.255.240.0", "gateway": "198.51.96.1"},
                "ipv6": {"ip_address": "2001:DB8:0:10::18:D001", "cidr": 64.0, "gateway": "2001:DB8:0:10::1"},
                "anchor_ipv4": {"ip_address": "10.17.0.5", "netmask": "255.255.0.0", "gateway": "10.17.0.1"},
                "mac": PUBLIC.upper(),
                "type": "public",
            }
        ],
        "private": [
            {
                "ipv4": {"ip_address": "10.132.255.113", "netmask": "255.255.0.0", "gateway": "10.132.0.1"},
                "mac": PRIVATE,
                "type": "private",
            }
        ],
    },
    "floating_ip": {"ipv4": {"active": False}},
    "reserved_ip": {"ipv4": {"active": False}},
    "dns": {"nameservers": ["2001:db8:53::44", "192.0.2.53"]},
    "features": {"dhcp_enabled": True},
    "tags": ["web"],
}


def parse(data: object) -> tuple[dict[str, dict[str, object]], list[str]]:
    """What each link asks for, by its address, and the problems."""
    instance = parse_documents({"v1.json": json.dumps(data).encode()})
    links = instance.network.links if instance.network else ()
    assert SECRET not in str(instance)
    return {str(link.mac): facts(link) for link in links}, [f"{p.severity} {p}" for p in instance.problems]


def with_public(**changes: object) -> dict[str, Any]:
    """The document, its public NIC changed."""
    droplet = copy.deepcopy(DROPLET)
    droplet["interfaces"]["public"][0].update(changes)
    return droplet


@pytest.mark.parametrize(
    ("identity", "why"),
    [
        (Identity(dmi={"sys_vendor": "DigitalOcean", "product_serial": "2756294"}), "DMI sys_vendor: DigitalOcean"),
        (Identity(dmi={"sys_vendor": "QEMU"}), ""),
    ],
)
def test_it_is_known_by_the_vendor(identity: Identity, why: str) -> None:
    assert digitalocean.detect(identity) == why


def test_one_request_without_a_header_says_it_all() -> None:
    with Wire(ADDRESS) as wire:
        wire.answers[PATH] = json.dumps(DROPLET).encode()
        place, instance = wire.call(lambda: digitalocean.fetch(wire.connector()))
    assert place == "http://169.254.169.254"
    assert (instance.id, instance.hostname, instance.ssh_keys) == ("2756294", "sample-droplet", (KEY,))
    assert (instance.documents, instance.problems, instance.broken) == (("v1.json",), (), frozenset())
    assert instance.network
    assert [str(server) for server in instance.network.dns.servers] == ["2001:db8:53::44", "192.0.2.53"]
    public, private = instance.network.links
    assert facts(public) == {
        "mac": PUBLIC,
        "addresses": ["198.51.100.75/20", "2001:db8:0:10::18:d001/64", "10.17.0.5/16"],
        "routes": ["0.0.0.0/0 via 198.51.96.1", "::/0 via 2001:db8:0:10::1"],
    }
    assert facts(private) == {"mac": PRIVATE, "addresses": ["10.132.255.113/16"]}
    assert public.addressing.addresses[2].origin == "v1.json: interfaces.public[0].anchor_ipv4.ip_address"
    assert [(request.method, request.path) for request in wire.requests] == [("GET", PATH)]
    assert set(wire.requests[0].headers) == {"host"}


def test_the_document_in_a_list_as_in_the_references_example() -> None:
    assert parse([DROPLET]) == parse(DROPLET)


def test_a_service_that_does_not_know_us_is_an_error() -> None:
    with Wire(ADDRESS) as wire:
        with pytest.raises(SourceError, match=r"^http://169\.254\.169\.254: no Droplet is known by our address$"):
            wire.call(lambda: digitalocean.fetch(wire.connector()))
        assert len(wire.requests) == 1


@pytest.mark.parametrize(("serial", "is_ours"), [("2756294", True), ("", True), ("2756295", False)])
def test_a_document_of_another_droplet_is_refused(serial: str, is_ours: bool) -> None:
    identity = Identity(dmi={"sys_vendor": "DigitalOcean", "product_serial": serial})
    with Wire(ADDRESS) as wire:
        wire.answers[PATH] = json.dumps(DROPLET).encode()
        if is_ours:
            assert wire.call(lambda: digitalocean.fetch(wire.connector(identity)))[1].id == "2756294"
            return
        with pytest.raises(SourceError, match=r"169\.254: it describes '2756294', and the firmware says '2756295'$"):
            wire.call(lambda: digitalocean.fetch(wire.connector(identity)))


def test_a_service_that_stays_busy_is_an_error_in_time() -> None:
    with Wire(ADDRESS) as wire:
        wire.answers[PATH] = Answer(status=503)
        with pytest.raises(
            SourceError, match=r"^http://169\.254\.169\.254/metadata/v1\.json: .*, until the time was up$"
        ):
            wire.call(lambda: digitalocean.fetch(wire.connector(seconds=1.0)))
        assert len(wire.requests) >= 2


def test_a_page_of_html_is_a_broken_document() -> None:
    with Wire(ADDRESS) as wire:
        wire.answers[PATH] = b"<html>login</html>"
        _, instance = wire.call(lambda: digitalocean.fetch(wire.connector()))
    assert instance.broken == {"v1.json"}
    assert (instance.network, instance.ssh_keys) == (None, None)
    assert [str(problem) for problem in instance.problems] == ["v1.json: line 1 column 1: not JSON"]


def test_user_data_is_its_own_request() -> None:
    with Wire(ADDRESS) as wire:
        assert wire.call(lambda: digitalocean.fetch_user_data(wire.connector())) is None
        wire.answers["/metadata/v1/user-data"] = b"#!/bin/sh\n"
        assert wire.call(lambda: digitalocean.fetch_user_data(wire.connector())) == b"#!/bin/sh\n"
        assert [request.path for request in wire.requests] == ["/metadata/v1/user-data"] * 2


def test_a_droplet_with_one_nic_and_nothing_else() -> None:
    links, problems = parse({"interfaces": {"public": [{"mac": PUBLIC, "ipv4": {}}]}})
    assert (links, problems) == ({PUBLIC: {"mac": PUBLIC}}, [])


def test_without_interfaces_nothing_is_said_of_the_network() -> None:
    instance = parse_documents({"v1.json": b'{"droplet_id": 7, "public_keys": []}'})
    assert (instance.id, instance.network, instance.ssh_keys, instance.problems) == ("7", None, (), ())


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"mac": None}, "error v1.json: interfaces.public[0].mac: no MAC address to find the NIC by: left out"),
        ({"mac": "x"}, "error v1.json: interfaces.public[0].mac: 'x' is not a MAC address"),
    ],
)
def test_a_nic_that_cannot_be_found_leaves_the_other(changes: dict[str, object], problem: str) -> None:
    links, problems = parse(with_public(**changes))
    assert (list(links), problems) == ([PRIVATE], [problem])


IPV4 = DROPLET["interfaces"]["public"][0]["ipv4"]


@pytest.mark.parametrize(
    ("ipv4", "addresses", "problem"),
    [
        ({**IPV4, "netmask": None}, [], "error {}: an address without a netmask"),
        ({**IPV4, "netmask": "255.0.255.0"}, [], "error {}.ip_address: netmask '255.0.255.0' has a gap"),
        ({**IPV4, "ip_address": "300.1.1.1"}, [], "error {}.ip_address: '300.1.1.1' is not an IP address"),
        ({**IPV4, "gateway": "2001:db8::1"}, ["198.51.100.75/20"], "error {}.gateway: gateway 2001:db8::1 is not"),
        ([], [], ""),
        ("198.51.100.75", [], "error {}: not an object"),
        ({**IPV4, "netmask": None, "cidr": 20.5}, [], "error {}.ip_address: 20.5 is not a whole number"),
    ],
)
def test_what_is_wrong_in_one_address_costs_that_one(ipv4: object, addresses: list[str], problem: str) -> None:
    links, problems = parse(with_public(ipv4=ipv4))
    assert links[PUBLIC]["addresses"] == [*addresses, "2001:db8:0:10::18:d001/64", "10.17.0.5/16"]
    assert links[PUBLIC]["routes"] == ["::/0 via 2001:db8:0:10::1"]
    place = problem.format("v1.json: interfaces.public[0].ipv4")
    assert (len(problems), problems[0][: len(place)] if problems else "") == (1 if problem else 0, place)


@pytest.mark.parametrize(
    ("interfaces", "problems"),
    [
        ([], ["error v1.json: interfaces: not an object"]),
        ({"public": {}, "private": None}, ["error v1.json: interfaces.public: not a list"]),
        ({"public": [7]}, ["error v1.json: interfaces.public[0]: not an object"]),
    ],
)
def test_interfaces_of_another_shape_are_named(interfaces: object, problems: list[str]) -> None:
    assert parse({**DROPLET, "interfaces": interfaces}) == ({}, problems)
