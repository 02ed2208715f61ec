# SPDX-License-Identifier: Apache-2.0
"""Oracle Cloud: its two documents as the reference has them, asked on the wire, and what may be wrong in them."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from bootagent.errors import SourceError
from bootagent.formats.oracle import parse_documents
from bootagent.identity import Identity
from bootagent.sources import oracle
from tests.netconfig import facts
from tests.test_formats_openstack import key
from tests.wire import Answer, Request, Wire

V4, V6 = oracle.ADDRESSES
PATHS = ["/opc/v2/instance/", "/opc/v2/vnics/"]
ANN, BOB = key(1, "ann@laptop"), key(2)
SECRET = "geheim-4711"
FIRST, SECOND, THIRD = "02:00:17:05:d1:db", "00:00:17:02:2b:b1", "00:00:17:02:2b:b2"
INSTANCE: dict[str, Any] = {
    "availabilityDomain": "EMIr:PHX-AD-1",
    "canonicalRegionName": "us-phoenix-1",
    "displayName": "my-example-instance",
    "hostname": "my-hostname",
    "id": "ocid1.instance.oc1.phx.exampleuniqueid",
    "metadata": {"ssh_authorized_keys": f"{ANN}\n{BOB}\n", "user_data": "IyEvYmluL3NoCg==", "dbPassword": SECRET},
    "shape": "VM.Standard.E3.Flex",
}
# A virtual machine: its VNICs have tags, which the hypervisor takes off.
VIRTUAL: list[dict[str, Any]] = [
    {
        "macAddr": FIRST.upper(),
        "privateIp": "192.0.2.5",
        "subnetCidrBlock": "192.0.2.0/24",
        "virtualRouterIp": "192.0.2.1",
        "vlanTag": 1054,
        "vnicId": "ocid1.vnic.oc1.phx.one",
    },
    {
        "macAddr": SECOND,
        "privateIp": "198.51.100.9",
        "subnetCidrBlock": "198.51.100.0/25",
        "virtualRouterIp": "198.51.100.1",
        "vlanTag": 2210,
        "vnicId": "ocid1.vnic.oc1.phx.two",
        "ipv6Addresses": ["2001:db8:0:9::9"],
        "ipv6SubnetCidrBlock": "2001:db8:0:9::/64",
        "ipv6VirtualRouterIp": "fe80::200:17ff:fe4a:5b6c",
    },
]
SECOND_FACTS = {
    "mac": SECOND,
    "addresses": ["198.51.100.9/25", "2001:db8:0:9::9/64"],
    "routes": ["0.0.0.0/0 via 198.51.100.1", "::/0 via fe80::200:17ff:fe4a:5b6c"],
}
# Bare metal with two physical NICs, and a VLAN on each.
METAL = [
    {**VIRTUAL[0], "vlanTag": 0, "nicIndex": 0},
    {**VIRTUAL[1], "vlanTag": 0, "nicIndex": 1},
    {
        "macAddr": THIRD,
        "privateIp": "203.0.113.9",
        "subnetCidrBlock": "203.0.113.0/24",
        "virtualRouterIp": "203.0.113.1",
        "vlanTag": 396,
        "nicIndex": 1,
        "vnicId": "ocid1.vnic.oc1.phx.three",
    },
]


def parse(vnics: object, instance: object = INSTANCE) -> tuple[list[dict[str, object]], list[str]]:
    """What the links ask for, and the problems."""
    found = parse_documents({"instance": json.dumps(instance).encode(), "vnics": json.dumps(vnics).encode()})
    assert SECRET not in str(found)
    links = found.network.links if found.network else ()
    return [facts(link) for link in links], [f"{p.severity} {p}" for p in found.problems]


def serve(wire: Wire, *documents: object) -> None:
    """Answer with the documents, to whoever has the header."""

    def make(document: object) -> Any:
        def answer(request: Request) -> Answer:
            known = request.headers.get("authorization") == "Bearer Oracle"
            return Answer(json.dumps(document).encode()) if known else Answer(status=403)

        return answer

    wire.answers.update({path: make(document) for path, document in zip(PATHS, documents)})


@pytest.mark.parametrize(
    ("identity", "why"),
    [
        (Identity(dmi={"chassis_asset_tag": "OracleCloud.com"}), "DMI chassis_asset_tag: OracleCloud.com"),
        (Identity(dmi={"sys_vendor": "Oracle Corporation", "product_name": "VirtualBox"}), ""),
    ],
)
def test_it_is_known_by_its_asset_tag(identity: Identity, why: str) -> None:
    assert oracle.detect(identity) == why


@pytest.mark.parametrize(("address", "place"), [(V4, "http://169.254.169.254"), (V6, "http://[fd00:c1::a9fe:a9fe]")])
def test_three_requests_with_the_header_say_it_all(address: str, place: str) -> None:
    with Wire(address) as wire:
        serve(wire, INSTANCE, VIRTUAL)
        found, instance = wire.call(lambda: oracle.fetch(wire.connector()))
    assert found == place
    assert (instance.id, instance.hostname) == ("ocid1.instance.oc1.phx.exampleuniqueid", "my-hostname")
    assert instance.ssh_keys == (ANN, BOB)
    assert (instance.documents, instance.problems, instance.broken) == (("instance", "vnics"), (), frozenset())
    assert instance.network
    assert [facts(link) for link in instance.network.links] == [{"mac": FIRST, "dhcp4": True}, SECOND_FACTS]
    assert [(request.method, request.path) for request in wire.requests] == [
        ("GET", path) for path in (*PATHS, PATHS[0])
    ]
    assert {name for request in wire.requests for name in request.headers} == {"host", "authorization"}


def test_a_service_that_does_not_know_us_is_an_error() -> None:
    message = r"^http://169\.254\.169\.254: no instance is known by our address$"
    with Wire(V4) as wire, pytest.raises(SourceError, match=message):
        wire.call(lambda: oracle.fetch(wire.connector()))


def test_vnics_that_are_not_answered_cost_only_the_network() -> None:
    with Wire(V4) as wire:
        serve(wire, INSTANCE)
        wire.answers[PATHS[1]] = Answer(status=403)
        _, instance = wire.call(lambda: oracle.fetch(wire.connector()))
    assert instance.broken == {"vnics"}
    assert (instance.ssh_keys, instance.network is None) == ((ANN, BOB), True)
    assert [str(problem) for problem in instance.problems] == ["http://169.254.169.254/opc/v2/vnics/: status 403"]


@pytest.mark.parametrize("page", [b"<html></html>", b"[]", b"", b'{"id": {', b"null"])
def test_a_broken_document_costs_only_itself(page: bytes) -> None:
    instance = parse_documents({"instance": page, "vnics": json.dumps(VIRTUAL).encode()})
    assert instance.broken == {"instance"}
    assert (instance.ssh_keys, bool(instance.network), bool(instance.problems)) == (None, True, True)


@pytest.mark.parametrize("metadata", [None, {}, {"user_data": "eA=="}])
def test_an_instance_to_which_no_key_was_given_has_none(metadata: object) -> None:
    document = json.dumps({**INSTANCE, "metadata": metadata}).encode()
    assert parse_documents({"instance": document}).ssh_keys == ()


def test_on_bare_metal_a_tag_makes_a_vlan_on_the_nic_of_its_index() -> None:
    links, problems = parse(METAL)
    assert problems == []
    assert links == [
        {"mac": FIRST, "dhcp4": True},
        SECOND_FACTS,
        {
            "mac": THIRD,
            "addresses": ["203.0.113.9/24"],
            "routes": ["0.0.0.0/0 via 203.0.113.1"],
            "vlan": (396, "vnics[1]"),
        },
    ]


@pytest.mark.parametrize(
    ("number", "changes", "count", "said"),
    [
        (2, {"nicIndex": 7}, 2, ["error vnics[2].nicIndex: no VNIC before it is the NIC 7: left out"]),
        (2, {"vlanTag": 4095}, 2, ["error vnics[2].vlanTag: VLAN id 4095 is not in 1..4094"]),
        (2, {"subnetCidrBlock": None}, 3, ["error vnics[2].subnetCidrBlock: no address"]),
        (2, {"virtualRouterIp": "x"}, 3, ["error vnics[2].virtualRouterIp: gateway 'x' is not an IP address"]),
        (2, {"privateIp": "127.0.0.1"}, 3, ["error vnics[2].privateIp: 127.0.0.1 is a loopback address"]),
        (2, {"macAddr": ""}, 2, ["error vnics[2].macAddr: no MAC address to find the NIC by: left out"]),
    ],
)
def test_what_is_wrong_in_a_vnic_costs_only_that(
    number: int, changes: dict[str, object], count: int, said: list[str]
) -> None:
    vnics = copy.deepcopy(METAL)
    vnics[number].update(changes)
    links, problems = parse(vnics)
    assert (len(links), problems) == (count, said)


def test_no_other_vnic_takes_the_place_of_a_primary_one_that_is_broken() -> None:
    links, _ = parse([{**VIRTUAL[0], "macAddr": "x"}, VIRTUAL[1]])
    assert links == [SECOND_FACTS]


def test_the_primary_vnic_has_its_first_ipv6_address_by_dhcp() -> None:
    links, problems = parse([{**VIRTUAL[0], "ipv6Addresses": ["2001:db8::5", "2001:db8::6"]}])
    assert problems == []
    assert links == [{"mac": FIRST, "dhcp4": True, "dhcp6": "stateful", "addresses": ["2001:db8::6/128"]}]


def test_user_data_is_asked_for_by_itself() -> None:
    path = "/opc/v2/instance/metadata/user_data"
    with Wire(V4) as wire:
        wire.answers[path] = b"IyEvYmluL3NoCg=="
        assert wire.call(lambda: oracle.fetch_user_data(wire.connector())) == b"#!/bin/sh\n"
        assert [request.path for request in wire.requests] == [path]
        wire.answers[path] = SECRET.encode()
        with pytest.raises(SourceError, match=r"user_data: not base64$"):
            wire.call(lambda: oracle.fetch_user_data(wire.connector()))
