# SPDX-License-Identifier: Apache-2.0
"""Azure: the one document as its reference has it, asked on the wire, and what may be wrong in it."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from bootagent.errors import SourceError
from bootagent.formats.azure import parse_documents
from bootagent.identity import Identity
from bootagent.sources import azure
from tests.netconfig import facts
from tests.test_formats_openstack import key
from tests.wire import Wire

ADDRESS = "169.254.169.254"
PATH = "/metadata/instance?api-version=2021-01-01"
ANN, BOB = key(1, "ann@laptop"), key(2)
SECRET = "geheim-4711"
PRIVATE = "instance: network.interface[0].ipv4.ipAddress[1].privateIpAddress"
FIRST, SECOND = "00:0d:3a:f8:06:ec", "00:0d:3a:f8:06:ed"
# The shape of "Sample 1" of the reference.
VM: dict[str, Any] = {
    "compute": {
        "azEnvironment": "AzurePublicCloud",
        "customData": "",
        "name": "example-vm-resource",
        "osProfile": {"adminUsername": "admin", "computerName": "web1", "disablePasswordAuthentication": "true"},
        "provider": "Microsoft.Compute",
        "publicKeys": [
            {"keyData": f"{ANN}\r\n", "path": "/home/ann/.ssh/authorized_keys"},
            {"keyData": BOB, "path": "/home/bob/.ssh/authorized_keys"},
        ],
        "tags": f"password:{SECRET}",
        "userData": "Zm9v",
        "vmId": "02aab8a4-74ef-476e-8182-f6d2ba4166a6",
    },
    "network": {
        "interface": [
            {
                "ipv4": {
                    "ipAddress": [
                        {"privateIpAddress": "192.0.2.5", "publicIpAddress": "203.0.113.9"},
                        {"privateIpAddress": "192.0.2.6", "publicIpAddress": ""},
                    ],
                    "subnet": [{"address": "192.0.2.0", "prefix": "24"}],
                },
                "ipv6": {"ipAddress": []},
                "macAddress": "000D3AF806EC",
            },
            {
                "ipv4": {
                    "ipAddress": [{"privateIpAddress": "198.51.100.9", "publicIpAddress": ""}],
                    "subnet": [{"address": "198.51.100.0", "prefix": "24"}],
                },
                "ipv6": {"ipAddress": [{"privateIpAddress": "2001:db8::9"}, {"privateIpAddress": "2001:db8::a"}]},
                "macAddress": "000D3AF806ED",
            },
        ]
    },
}


def parse(data: object) -> Any:
    """The instance that the document describes."""
    instance = parse_documents({"instance": json.dumps(data).encode()})
    assert SECRET not in str(instance)
    return instance


def with_compute(**changes: object) -> dict[str, Any]:
    """The document, changed in what it says of the VM."""
    vm = copy.deepcopy(VM)
    vm["compute"].update(changes)
    return vm


def with_nic(**changes: object) -> dict[str, Any]:
    """The document with one NIC, changed."""
    vm = copy.deepcopy(VM)
    vm["network"]["interface"] = [{**vm["network"]["interface"][0], **changes}]
    return vm


def problems(instance: Any) -> list[str]:
    return [f"{problem.severity} {problem}" for problem in instance.problems]


@pytest.mark.parametrize(
    ("identity", "why"),
    [
        (
            Identity(dmi={"chassis_asset_tag": "7783-7084-3265-9085-8269-3286-77"}),
            "DMI chassis_asset_tag: 7783-7084-3265-9085-8269-3286-77",
        ),
        (Identity(dmi={"sys_vendor": "Microsoft Corporation", "product_name": "Virtual Machine"}), ""),
    ],
)
def test_it_is_known_by_its_asset_tag(identity: Identity, why: str) -> None:
    assert azure.detect(identity) == why


def test_one_request_with_the_header_says_it_all() -> None:
    with Wire(ADDRESS) as wire:
        wire.answers[PATH] = json.dumps(VM).encode()
        place, instance = wire.call(lambda: azure.fetch(wire.connector()))
    assert place == "http://169.254.169.254"
    assert (instance.id, instance.hostname) == ("02aab8a4-74ef-476e-8182-f6d2ba4166a6", "web1")
    assert instance.ssh_keys == (ANN, BOB)
    assert (instance.documents, instance.problems, instance.broken) == (("instance",), (), frozenset())
    assert instance.network
    assert [facts(link) for link in instance.network.links] == [
        {"mac": FIRST, "dhcp4": True, "addresses": ["192.0.2.6/32"]},
        {"mac": SECOND, "dhcp4": True, "dhcp6": "stateful", "addresses": ["2001:db8::a/128"]},
    ]
    assert instance.network.links[0].addressing.addresses[0].origin == PRIVATE
    assert [(request.method, request.path) for request in wire.requests] == [("GET", PATH)]
    assert set(wire.requests[0].headers) == {"host", "metadata"}
    assert wire.requests[0].headers["metadata"] == "true"


def test_a_service_that_does_not_know_us_is_an_error() -> None:
    message = r"^http://169\.254\.169\.254: no VM is known by our address$"
    with Wire(ADDRESS) as wire, pytest.raises(SourceError, match=message):
        wire.call(lambda: azure.fetch(wire.connector()))


@pytest.mark.parametrize("page", [b"<html></html>", b"[]", b"", b'{"compute": {', b"null"])
def test_what_is_no_object_is_a_broken_document(page: bytes) -> None:
    instance = parse_documents({"instance": page})
    assert instance.broken == {"instance"}
    assert (instance.ssh_keys, instance.network, bool(instance.problems)) == (None, None, True)


@pytest.mark.parametrize(
    ("changes", "hostname"),
    [
        ({"osProfile": {}}, "example-vm-resource"),
        ({"osProfile": None}, "example-vm-resource"),
        ({"osProfile": {"computerName": "db_1"}}, "db-1"),
        ({"osProfile": {}, "name": ""}, None),
    ],
)
def test_the_host_name_is_that_of_the_guest(changes: dict[str, object], hostname: str | None) -> None:
    assert parse(with_compute(**changes)).hostname == hostname


@pytest.mark.parametrize(
    ("value", "expected", "said"),
    [
        (None, None, []),
        ([], (), []),
        ([{"keyData": SECRET}], (), ["warning instance: compute.publicKeys[0].keyData: not an OpenSSH public key"]),
        ([{"path": "/x"}, {"keyData": BOB}], (BOB,), []),
    ],
)
def test_no_keys_are_not_the_same_as_none_said(value: object, expected: object, said: list[str]) -> None:
    instance = parse(with_compute(publicKeys=value))
    assert (instance.ssh_keys, problems(instance)) == (expected, said)


@pytest.mark.parametrize(
    ("changes", "expected", "said"),
    [
        ({"ipv4": None, "ipv6": None}, {"mac": FIRST, "dhcp4": True}, []),
        (
            {"ipv4": {"ipAddress": []}, "ipv6": {"ipAddress": [{"privateIpAddress": "2001:db8::5"}]}},
            {"mac": FIRST, "dhcp6": "stateful"},
            [],
        ),
        (
            {"ipv4": {"ipAddress": [{"privateIpAddress": "192.0.2.5"}, {"privateIpAddress": "192.0.2"}]}},
            {"mac": FIRST, "dhcp4": True},
            [f"error {PRIVATE}: '192.0.2' is not an IP address"],
        ),
    ],
)
def test_what_a_nic_asks_for(changes: dict[str, object], expected: dict[str, object], said: list[str]) -> None:
    instance = parse(with_nic(**changes))
    assert [facts(link) for link in instance.network.links] == [expected]
    assert problems(instance) == said


@pytest.mark.parametrize("mac", ["000D3AF806E", "", None, "xxxxxxxxxxxx"])
def test_a_nic_without_an_address_is_left_out(mac: str | None) -> None:
    instance = parse(with_nic(macAddress=mac))
    assert instance.network is None
    assert problems(instance)[0].startswith("error instance: network.interface[0].macAddress: ")


def test_user_data_is_asked_for_by_itself() -> None:
    path = "/metadata/instance/compute/userData?api-version=2021-01-01&format=text"
    with Wire(ADDRESS) as wire:
        wire.answers[path] = b"IyEvYmluL3NoCg=="
        assert wire.call(lambda: azure.fetch_user_data(wire.connector())) == b"#!/bin/sh\n"
        assert [request.path for request in wire.requests] == [path]
        wire.answers[path] = SECRET.encode()
        with pytest.raises(SourceError, match=r"text: not base64$"):
            wire.call(lambda: azure.fetch_user_data(wire.connector()))
