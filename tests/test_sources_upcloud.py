# SPDX-License-Identifier: Apache-2.0
"""UpCloud: the one document as its reference has it, asked on the wire, and what may be wrong in it."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from bootagent.errors import SourceError
from bootagent.formats.upcloud import parse_documents
from bootagent.identity import Identity
from bootagent.sources import upcloud
from tests.netconfig import facts
from tests.test_formats_openstack import key
from tests.wire import Wire

ADDRESS = "169.254.169.254"
PATH = "/metadata/v1.json"
SECRET = "geheim-4711"
ANN = key(1, "ann@laptop")
PUBLIC, IPV6, PRIVATE = "de:ad:be:ef:3f:c5", "de:ad:be:ef:63:e7", "de:ad:be:ef:8a:e1"


def address(text: str, network: str, **changes: object) -> dict[str, Any]:
    """An address as the service describes it."""
    family = "IPv6" if ":" in text else "IPv4"
    record = {"address": text, "dhcp": True, "dns": None, "family": family, "floating": False, "gateway": ""}
    return {**record, "network": network, **changes}


SERVER: dict[str, Any] = {
    "cloud_name": "upcloud",
    "hostname": "metadata.example.com",
    "instance_id": "00bf9504-a4cb-4839-88ff-124a2c95e169",
    "network": {
        "dns": ["192.0.2.53", "192.0.2.54"],
        "interfaces": [
            {
                "index": 1,
                "ip_addresses": [
                    address("198.51.100.9", "198.51.100.0/24", gateway="198.51.100.1", dns=["192.0.2.53"]),
                    address("203.0.113.7", "203.0.113.7/32", dhcp=False, floating=True, dns=[]),
                ],
                "mac": PUBLIC,
                "type": "public",
            },
            {
                "index": 2,
                "ip_addresses": [address("2001:db8:0:1::9", "2001:db8:0:1::/64", gateway="2001:db8:0:1::1")],
                "mac": IPV6,
                "type": "public",
            },
            {
                "index": 3,
                "ip_addresses": [
                    address("192.0.2.130", "192.0.2.128/26", dhcp=False, gateway="192.0.2.129", dns=["192.0.2.131"])
                ],
                "mac": PRIVATE,
                "type": "private",
            },
        ],
    },
    "platform": "servers",
    "public_keys": [ANN],
    "storage": {"disks": []},
    "user_data": f"#!/bin/sh\necho {SECRET}\n",
    "vendor_data": "",
}


def parse(data: object) -> Any:
    """The instance that the document describes."""
    instance = parse_documents({"v1.json": json.dumps(data).encode()})
    assert SECRET not in str(instance)
    return instance


def test_it_is_known_by_its_vendor() -> None:
    assert upcloud.detect(Identity(dmi={"sys_vendor": "UpCloud"})) == "DMI sys_vendor: UpCloud"
    assert upcloud.detect(Identity(dmi={"sys_vendor": "QEMU"})) == ""


def test_one_request_says_it_all() -> None:
    with Wire(ADDRESS) as wire:
        wire.answers[PATH] = json.dumps(SERVER).encode()
        place, instance = wire.call(lambda: upcloud.fetch(wire.connector()))
    assert place == "http://169.254.169.254"
    assert (instance.id, instance.hostname) == ("00bf9504-a4cb-4839-88ff-124a2c95e169", "metadata.example.com")
    assert instance.ssh_keys == (ANN,)
    assert (instance.documents, instance.problems, instance.broken) == (("v1.json",), (), frozenset())
    assert instance.network
    assert [facts(link) for link in instance.network.links] == [
        {"mac": PUBLIC, "dhcp4": True, "addresses": ["203.0.113.7/32"]},
        {"mac": IPV6, "slaac": True},
        {
            "mac": PRIVATE,
            "addresses": ["192.0.2.130/26"],
            "routes": ["0.0.0.0/0 via 192.0.2.129"],
            "dns": ["192.0.2.131"],
        },
    ]
    assert [str(server) for server in instance.network.dns.servers] == ["192.0.2.53", "192.0.2.54"]
    assert [(request.method, request.path) for request in wire.requests] == [("GET", PATH)]
    assert set(wire.requests[0].headers) == {"host"}


def test_a_service_that_is_turned_off_is_an_error() -> None:
    message = r"^http://169\.254\.169\.254: no server is known by our address$"
    with Wire(ADDRESS) as wire, pytest.raises(SourceError, match=message):
        wire.call(lambda: upcloud.fetch(wire.connector()))


@pytest.mark.parametrize("page", [b"<html></html>", b"[]", b"", b'{"network": {', b"null"])
def test_what_is_no_object_is_a_broken_document(page: bytes) -> None:
    instance = parse_documents({"v1.json": page})
    assert instance.broken == {"v1.json"}
    assert (instance.ssh_keys, instance.network, bool(instance.problems)) == (None, None, True)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"network": None}, "error v1.json: network.interfaces[0].ip_addresses[1].network: no address"),
        (
            {"address": "203.0.113"},
            "error v1.json: network.interfaces[0].ip_addresses[1].address: '203.0.113' is not an IP address",
        ),
    ],
)
def test_what_is_wrong_in_an_address_costs_only_that(changes: dict[str, object], said: str) -> None:
    server = copy.deepcopy(SERVER)
    server["network"]["interfaces"][0]["ip_addresses"][1].update(changes)
    instance = parse(server)
    assert facts(instance.network.links[0]) == {"mac": PUBLIC, "dhcp4": True}
    assert [f"{problem.severity} {problem}" for problem in instance.problems] == [said]


def test_no_keys_are_not_the_same_as_none_said() -> None:
    assert parse({**SERVER, "public_keys": []}).ssh_keys == ()
    assert parse({name: value for name, value in SERVER.items() if name != "public_keys"}).ssh_keys is None


@pytest.mark.parametrize(("text", "expected"), [("#!/bin/sh\n", b"#!/bin/sh\n"), ("", None), (None, None), (7, None)])
def test_user_data_stands_in_the_document(text: object, expected: bytes | None) -> None:
    with Wire(ADDRESS) as wire:
        wire.answers[PATH] = json.dumps({**SERVER, "user_data": text}).encode()
        assert wire.call(lambda: upcloud.fetch_user_data(wire.connector())) == expected


def test_user_data_in_a_document_that_is_broken_is_an_error() -> None:
    with Wire(ADDRESS) as wire:
        wire.answers[PATH] = f"{{{SECRET}".encode()
        with pytest.raises(SourceError, match=r"v1\.json: line 1 column 2: not JSON$"):
            wire.call(lambda: upcloud.fetch_user_data(wire.connector()))
        wire.answers[PATH] = json.dumps({"user_data": f"{SECRET}\ud800"}).encode()
        with pytest.raises(SourceError, match=r"v1\.json: user_data: no Unicode text$"):
            wire.call(lambda: upcloud.fetch_user_data(wire.connector()))
