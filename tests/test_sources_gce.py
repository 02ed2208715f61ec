# SPDX-License-Identifier: Apache-2.0
"""Google Compute Engine: the one document as its reference lists it, asked on the wire, and what may be wrong in it."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from bootagent.errors import SourceError
from bootagent.formats.gce import parse_documents
from bootagent.identity import Identity
from bootagent.sources import gce
from tests.netconfig import facts
from tests.test_formats_openstack import key
from tests.wire import Answer, Wire

V4, V6 = gce.ADDRESSES
PATH = "/computeMetadata/v1/?recursive=true&alt=json"
FLAVOR = {"Metadata-Flavor": "Google"}
SECRET = "geheim-4711"
ANN, BOB, EVE, OLD = key(1, "ann@laptop"), key(2), key(3), key(4)
FORWARDED = (
    "info v1: instance.networkInterfaces[0].forwardedIps: not put on the NIC: they come and go while the machine runs"
)
YEAR_2026, YEAR_2027 = 1767225600.0, 1798761600.0  # 1 January, UTC
FIRST, SECOND = "42:01:c0:00:02:05", "42:01:c6:33:64:09"
# The keys of https://cloud.google.com/compute/docs/metadata/predefined-metadata-keys that concern us, and others.
VM: dict[str, Any] = {
    "instance": {
        "attributes": {"ssh-keys": f"ann:{ANN}\nbob:{BOB}", "user-data": f"#!/bin/sh\necho {SECRET}\n"},
        "hostname": "web1.europe-west1-b.c.proj.internal",
        "id": 3418573629471029345,
        "name": "web1",
        "networkInterfaces": [
            {
                "accessConfigs": [{"externalIp": "203.0.113.9", "type": "ONE_TO_ONE_NAT"}],
                "dnsServers": ["169.254.169.254"],
                "forwardedIps": [],
                "gateway": "192.0.2.1",
                "ip": "192.0.2.5",
                "ipAliases": ["192.0.2.77/32", "198.51.100.0/28"],
                "mac": FIRST,
                "mtu": 1460,
                "network": "projects/1/networks/default",
                "subnetmask": "255.255.255.0",
                "targetInstanceIps": [],
            },
            {"ip": "198.51.100.9", "mac": SECOND, "mtu": 8896, "dhcpv6Refresh": "1764000000"},
        ],
        "serviceAccounts": {"default": {"email": "1-compute@developer.gserviceaccount.com"}},
    },
    "oslogin": {"authenticate": {"sessions": {}}},
    "project": {"attributes": {"ssh-keys": f"eve:{EVE}"}, "numericProjectId": 1, "projectId": "proj"},
}


def parse(data: object, now: float = 0.0) -> Any:
    """The instance that the document describes."""
    instance = parse_documents({"v1": json.dumps(data).encode()}, now)
    assert SECRET not in str(instance)
    return instance


def with_attributes(own: dict[str, Any], common: dict[str, Any]) -> dict[str, Any]:
    """The document with these attributes of the instance and of the project."""
    vm = copy.deepcopy(VM)
    vm["instance"]["attributes"] = own
    vm["project"]["attributes"] = common
    return vm


def with_nic(**changes: object) -> dict[str, Any]:
    """The document with one NIC, changed."""
    vm = copy.deepcopy(VM)
    vm["instance"]["networkInterfaces"] = [{"ip": "192.0.2.5", "mac": FIRST, **changes}]
    return vm


def problems(instance: Any) -> list[str]:
    return [f"{problem.severity} {problem}" for problem in instance.problems]


@pytest.mark.parametrize(
    ("identity", "why"),
    [
        (Identity(dmi={"product_name": "Google Compute Engine"}), "DMI product_name: Google Compute Engine"),
        (Identity(dmi={"product_serial": "GoogleCloud-2A5C"}), "DMI product_serial: GoogleCloud-2A5C"),
        (Identity(dmi={"sys_vendor": "Google", "product_name": "Pixelbook"}), ""),
    ],
)
def test_it_is_known_by_its_product_or_serial_number(identity: Identity, why: str) -> None:
    assert gce.detect(identity) == why


@pytest.mark.parametrize(("address", "place"), [(V4, "http://169.254.169.254"), (V6, "http://[fd20:ce::254]")])
def test_one_request_with_the_header_says_it_all(address: str, place: str) -> None:
    with Wire(address) as wire:
        wire.answers[PATH] = Answer(json.dumps(VM).encode(), headers=FLAVOR)
        found, instance = wire.call(lambda: gce.fetch(wire.connector()))
    assert found == place
    assert (instance.id, instance.hostname) == ("3418573629471029345", "web1.europe-west1-b.c.proj.internal")
    assert instance.ssh_keys == (ANN, BOB, EVE)
    assert (instance.documents, instance.broken) == (("v1",), frozenset())
    assert instance.network
    assert [facts(link) for link in instance.network.links] == [
        {"mac": FIRST, "mtu": 1460, "dhcp4": True, "addresses": ["192.0.2.77/32"]},
        {"mac": SECOND, "mtu": 8896, "dhcp4": True, "dhcp6": "stateful"},
    ]
    assert problems(instance) == [
        "info v1: instance.networkInterfaces[0].ipAliases[1]: '198.51.100.0/28' is a range, and not put on the NIC"
    ]
    assert [(request.method, request.path) for request in wire.requests] == [("GET", PATH)]
    assert set(wire.requests[0].headers) == {"host", "metadata-flavor"}
    assert wire.requests[0].headers["metadata-flavor"] == "Google"


@pytest.mark.parametrize("headers", [{}, {"Metadata-Flavor": "Goggle"}])
def test_an_answer_without_the_header_is_not_the_services(headers: dict[str, str]) -> None:
    with Wire(V4) as wire:
        wire.answers[PATH] = Answer(json.dumps(VM).encode(), headers=headers)
        with pytest.raises(SourceError, match=r"recursive=true&alt=json: the answer has no Metadata-Flavor: Google$"):
            wire.call(lambda: gce.fetch(wire.connector()))
        assert len(wire.requests) == 1


def test_a_service_that_does_not_know_us_is_an_error() -> None:
    message = r"^http://169\.254\.169\.254: no VM is known by our address$"
    with Wire(V4) as wire, pytest.raises(SourceError, match=message):
        wire.call(lambda: gce.fetch(wire.connector()))


@pytest.mark.parametrize("page", [b"<html></html>", b"[]", b"", b'{"instance": {', b"null"])
def test_what_is_no_object_is_a_broken_document(page: bytes) -> None:
    instance = parse_documents({"v1": page})
    assert instance.broken == {"v1"}
    assert (instance.ssh_keys, instance.network, bool(instance.problems)) == (None, None, True)


@pytest.mark.parametrize(
    ("own", "common", "expected"),
    [
        ({}, {}, []),
        ({"ssh-keys": f"ann:{ANN}", "block-project-ssh-keys": "TRUE"}, {"ssh-keys": f"eve:{EVE}"}, [ANN]),
        ({"ssh-keys": f"ann:{ANN}", "block-project-ssh-keys": "false"}, {"ssh-keys": f"eve:{EVE}"}, [ANN, EVE]),
        ({"sshKeys": f"old:{OLD}"}, {"ssh-keys": f"eve:{EVE}"}, [OLD]),
        ({"ssh-keys": f"ann:{ANN}"}, {"sshKeys": f"old:{OLD}"}, [ANN, OLD]),
        ({"ssh-keys": f"ann:{ANN}\n\r\n  bob:{BOB}  \n"}, {}, [ANN, BOB]),
        ({"ssh-keys": f"ann:{ANN}"}, {"ssh-keys": f"ann:{ANN}"}, [ANN]),
    ],
)
def test_the_keys_are_those_of_the_instance_and_its_project(
    own: dict[str, str], common: dict[str, str], expected: list[str]
) -> None:
    instance = parse(with_attributes(own, common))
    assert list(instance.ssh_keys) == expected
    assert [line for line in problems(instance) if "ssh" in line.lower()] == []


@pytest.mark.parametrize(
    ("own", "common", "count"),
    [
        ({"enable-oslogin": "TRUE"}, {}, 0),
        ({}, {"enable-oslogin": "true"}, 0),
        ({"enable-oslogin": "FALSE"}, {"enable-oslogin": "TRUE"}, 1),
        ({"enable-oslogin": True}, {}, 0),
    ],
)
def test_under_os_login_the_keys_do_not_count(own: dict[str, Any], common: dict[str, str], count: int) -> None:
    instance = parse(with_attributes({"ssh-keys": f"ann:{ANN}", **own}, common))
    assert len(instance.ssh_keys) == count
    assert any("OS Login is not done" in line for line in problems(instance)) == (count == 0)


@pytest.mark.parametrize(
    ("comment", "now", "is_good"),
    [
        ('google-ssh {"userName":"ann@example.com","expireOn":"2026-06-30T12:00:00+0000"}', YEAR_2026, True),
        ('google-ssh {"userName":"ann@example.com","expireOn":"2026-06-30T12:00:00+0000"}', YEAR_2027, False),
        ('google-ssh {"userName":"ann@example.com","expireOn":"2026-12-31T23:00:00-0200"}', YEAR_2027, True),
        ('google-ssh {"userName":"ann@example.com"}', YEAR_2027, True),
        ("google-ssh ann", YEAR_2027, True),
    ],
)
def test_a_key_that_has_expired_is_left_out(comment: str, now: float, is_good: bool) -> None:
    instance = parse(with_attributes({"ssh-keys": f"ann:{key(1)} {comment}"}, {}), now)
    assert list(instance.ssh_keys) == ([f"{key(1)} {comment}"] if is_good else [])
    expired = "info v1: instance.attributes.ssh-keys: line 1: the key has expired on "
    assert any(line.startswith(expired) for line in problems(instance)) == (not is_good)


@pytest.mark.parametrize("text", ['"soon"', "7", "null", '"2026-06-30T12:00:00+0000'])
def test_a_key_whose_end_cannot_be_read_is_left_out(text: str) -> None:
    instance = parse(with_attributes({"ssh-keys": f'ann:{ANN} google-ssh {{"expireOn":{text}}}'}, {}))
    assert instance.ssh_keys == ()
    place = "warning v1: instance.attributes.ssh-keys: line 1"
    assert f"{place}: when the key expires cannot be read: left out" in problems(instance)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (7, "warning v1: instance.attributes.ssh-keys: not text"),
        ("nobody", "warning v1: instance.attributes.ssh-keys: line 1: no user name before the key: left out"),
        (f"ann:{SECRET}", "warning v1: instance.attributes.ssh-keys[0]: not an OpenSSH public key"),
    ],
)
def test_what_is_no_key_is_named_and_not_shown(value: object, expected: str) -> None:
    instance = parse(with_attributes({"ssh-keys": value}, {}))
    assert instance.ssh_keys == ()
    assert expected in problems(instance)


@pytest.mark.parametrize(
    ("changes", "expected", "said"),
    [
        ({}, {"mac": FIRST, "dhcp4": True}, []),
        ({"ip": "", "dhcpv6Refresh": "1"}, {"mac": FIRST, "dhcp6": "stateful"}, []),
        ({"ipAliases": ["192.0.2.8"]}, {"mac": FIRST, "dhcp4": True, "addresses": ["192.0.2.8/32"]}, []),
        (
            {"ipAliases": ["x"], "mtu": 9},
            {"mac": FIRST, "dhcp4": True},
            [
                "error v1: instance.networkInterfaces[0].ipAliases[0]: 'x' is not an IP address",
                "warning v1: instance.networkInterfaces[0].mtu: MTU 9 is not in 68..65535",
            ],
        ),
        (
            {"forwardedIps": ["203.0.113.7"], "ipAliases": 7},
            {"mac": FIRST, "dhcp4": True},
            [
                "error v1: instance.networkInterfaces[0].ipAliases: not a list",
                FORWARDED,
            ],
        ),
    ],
)
def test_what_a_nic_asks_for(changes: dict[str, object], expected: dict[str, object], said: list[str]) -> None:
    instance = parse(with_nic(**changes))
    assert [facts(link) for link in instance.network.links] == [expected]
    assert problems(instance) == said


def test_a_nic_without_an_address_is_left_out() -> None:
    instance = parse(with_nic(mac=None))
    assert instance.network is None
    assert problems(instance) == [
        "error v1: instance.networkInterfaces[0].mac: no MAC address to find the NIC by: left out"
    ]


def test_user_data_is_asked_for_by_itself() -> None:
    path = "/computeMetadata/v1/instance/attributes/user-data"
    with Wire(V4) as wire:
        wire.answers[path] = Answer(b"#!/bin/sh\n", headers=FLAVOR)
        assert wire.call(lambda: gce.fetch_user_data(wire.connector())) == b"#!/bin/sh\n"
    assert [request.path for request in wire.requests] == [path]
