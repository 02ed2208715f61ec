# SPDX-License-Identifier: Apache-2.0
"""Hetzner Cloud: its two documents, YAML, asked on the wire, and what may be wrong in them."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from bootagent.errors import SourceError
from bootagent.formats.hetzner import parse_documents
from bootagent.identity import Identity
from bootagent.sources import hetzner
from tests.netconfig import facts
from tests.wire import Answer, Wire

ADDRESS = "169.254.169.254"
PATHS = ["/hetzner/v1/metadata", "/hetzner/v1/metadata/private-networks"]
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOflAKvYJxaL6s2wOpnswu59XJc0wvUR+A3PErwCb4+j ann"
METADATA = f"""\
availability-zone: hel1-dc2
hostname: my-server
instance-id: 42
local-ipv4: ''
network-config:
  config:
  - mac_address: 96:00:00:08:19:da
    name: eth0
    subnets:
    - dns_nameservers:
      - 192.0.2.53
      ipv4: true
      type: dhcp
    - address: 2001:db8:beef:1::1/64
      dns_nameservers:
      - 2001:db8:53::2
      - 2001:db8:53::1
      gateway: fe80::1
      ipv6: true
      type: static
    type: physical
  version: 1
network-sysconfig: "DEVICE='eth0'\\nTYPE=Ethernet\\nBOOTPROTO=dhcp\\n"
public-ipv4: 198.51.100.4
public-keys:
- {KEY}
region: eu-central
vendor_data: "#cloud-config\\nchpasswd: {{list: ['root:geheim']}}\\n"
""".encode()
PRIVATE_NETWORKS = b"""\
- ip: 10.0.0.2
  alias_ips:
  - 10.0.0.7
  - 10.0.0.8
  interface_num: 1
  mac_address: 86:00:00:98:40:6e
  network_id: 4124728
  network_name: foo
  network: 10.0.0.0/16
  subnet: 10.0.0.0/24
  gateway: 10.0.0.1
- ip: 10.128.0.2
  alias_ips: []
  interface_num: 2
  mac_address: 86:00:00:98:40:6d
  network_id: 4451335
  network_name: bar
  network: 10.128.0.0/16
  subnet: 10.128.0.0/16
  gateway: 10.128.0.1
"""
PUBLIC_FACTS = {
    "mac": "96:00:00:08:19:da",
    "name": "eth0",
    "addresses": ["2001:db8:beef:1::1/64"],
    "routes": ["::/0 via fe80::1"],
    "dns": ["192.0.2.53", "2001:db8:53::2", "2001:db8:53::1"],
    "dhcp4": True,
}
PRIVATE_FACTS = [
    {"mac": "86:00:00:98:40:6e", "dhcp4": True, "addresses": ["10.0.0.7/32", "10.0.0.8/32"]},
    {"mac": "86:00:00:98:40:6d", "dhcp4": True},
]
# The same as JSON, which is YAML: for tests that change something in it.
SERVER: dict[str, Any] = {
    "hostname": "my-server",
    "instance-id": 42,
    "network-config": {
        "config": [
            {
                "mac_address": "96:00:00:08:19:da",
                "name": "eth0",
                "subnets": [
                    {"ipv4": True, "type": "dhcp"},
                    {"address": "2001:db8:beef:1::1/64", "gateway": "fe80::1", "ipv6": True, "type": "static"},
                ],
                "type": "physical",
            }
        ],
        "version": 1,
    },
    "public-keys": [KEY],
}
PRIVATE: list[dict[str, Any]] = [
    {"ip": "10.0.0.2", "alias_ips": ["10.0.0.7"], "mac_address": "86:00:00:98:40:6e", "network": "10.0.0.0/16"}
]


def parse(metadata: object, private: object = None) -> tuple[list[dict[str, object]], list[str]]:
    """What the links ask for, and the problems that are more than notes."""
    documents = {"metadata": json.dumps(metadata).encode()}
    if private is not None:
        documents["private-networks"] = json.dumps(private).encode()
    instance = parse_documents(documents)
    links = instance.network.links if instance.network else ()
    return [facts(link) for link in links], [f"{p.severity} {p}" for p in instance.problems if p.severity != "info"]


@pytest.mark.parametrize(
    ("identity", "why"),
    [
        (Identity(dmi={"sys_vendor": "Hetzner", "product_serial": "42"}), "DMI sys_vendor: Hetzner"),
        (Identity(dmi={"sys_vendor": "Hetzner Online"}), ""),
    ],
)
def test_it_is_known_by_the_vendor(identity: Identity, why: str) -> None:
    assert hetzner.detect(identity) == why


def test_three_requests_without_a_header_say_it_all() -> None:
    with Wire(ADDRESS) as wire:
        wire.answers.update(zip(PATHS, (METADATA, PRIVATE_NETWORKS)))
        place, instance = wire.call(lambda: hetzner.fetch(wire.connector()))
    assert place == "http://169.254.169.254"
    assert (instance.id, instance.hostname, instance.ssh_keys) == ("42", "my-server", (KEY,))
    assert instance.documents == ("metadata", "private-networks")
    assert [f"{p.severity} {p.where}" for p in instance.problems] == ["info metadata: network-config: config[0].name"]
    assert instance.network
    assert [facts(link) for link in instance.network.links] == [PUBLIC_FACTS, *PRIVATE_FACTS]
    public = instance.network.links[0]
    assert public.addressing.addresses[0].origin == "metadata: network-config: config[0].subnets[1].address"
    assert instance.network.links[1].addressing.addresses[0].origin == "private-networks: [0].alias_ips[0]"
    assert [(request.method, request.path) for request in wire.requests] == [
        ("GET", path) for path in (*PATHS, PATHS[0])
    ]
    assert {name for request in wire.requests for name in request.headers} == {"host"}


@pytest.mark.parametrize("answer", [Answer(status=404), Answer(status=204), b"", b"[]\n"])
def test_a_server_without_private_networks(answer: Answer | bytes) -> None:
    with Wire(ADDRESS) as wire:
        wire.answers.update(zip(PATHS, (METADATA, answer)))
        _, instance = wire.call(lambda: hetzner.fetch(wire.connector()))
    assert instance.broken == frozenset()
    assert instance.network
    assert [facts(link) for link in instance.network.links] == [PUBLIC_FACTS]


@pytest.mark.parametrize("answer", [Answer(status=500), b"- a: b: c\n"])
def test_private_networks_that_cannot_be_had_leave_the_rest(answer: Answer | bytes) -> None:
    with Wire(ADDRESS) as wire:
        wire.answers.update(zip(PATHS, (METADATA, answer)))
        _, instance = wire.call(lambda: hetzner.fetch(wire.connector(seconds=3.0)))
    assert instance.broken == {"private-networks"}
    assert instance.documents == ("metadata",)
    assert instance.network
    assert [facts(link) for link in instance.network.links] == [PUBLIC_FACTS]
    assert [p.severity for p in instance.problems if "private-networks" in p.where] == ["error"]


def test_a_service_that_does_not_know_us_is_an_error() -> None:
    with Wire(ADDRESS) as wire:
        with pytest.raises(SourceError, match=r"^http://169\.254\.169\.254: no server is known by our address$"):
            wire.call(lambda: hetzner.fetch(wire.connector()))
        assert len(wire.requests) == 1


def test_a_document_of_another_server_is_refused() -> None:
    identity = Identity(dmi={"sys_vendor": "Hetzner", "product_serial": "43"})
    with Wire(ADDRESS) as wire:
        wire.answers.update(zip(PATHS, (METADATA, PRIVATE_NETWORKS)))
        with pytest.raises(SourceError, match=r"169\.254: it describes '42', and the firmware says '43'$"):
            wire.call(lambda: hetzner.fetch(wire.connector(identity)))


@pytest.mark.parametrize("page", [b"<html><body>a: b: c</body></html>", b"just text", b"- list\n", b""])
def test_what_is_no_mapping_is_a_broken_document(page: bytes) -> None:
    with Wire(ADDRESS) as wire:
        wire.answers.update(zip(PATHS, (page, PRIVATE_NETWORKS)))
        _, instance = wire.call(lambda: hetzner.fetch(wire.connector()))
    assert instance.broken == {"metadata"}
    assert (instance.id, instance.ssh_keys) == (None, None)
    assert instance.network
    assert [facts(link) for link in instance.network.links] == PRIVATE_FACTS


@pytest.mark.parametrize(
    ("said", "data"),
    [
        (b"#!/bin/sh\necho 1\n", b"#!/bin/sh\necho 1\n"),
        (b"IyEvYmluL3NoCmVjaG8gMQo=", b"#!/bin/sh\necho 1\n"),
        (Answer(status=204), None),
        (Answer(status=404), None),
    ],
)
def test_user_data_may_be_in_base64(said: Answer | bytes, data: bytes | None) -> None:
    with Wire(ADDRESS) as wire:
        wire.answers["/hetzner/v1/userdata"] = said
        assert wire.call(lambda: hetzner.fetch_user_data(wire.connector())) == data


def test_private_networks_within_the_metadata_count_too() -> None:
    links, problems = parse({**SERVER, "private-networks": PRIVATE})
    assert links[1] == {"mac": "86:00:00:98:40:6e", "dhcp4": True, "addresses": ["10.0.0.7/32"]}
    assert problems == []


def test_a_server_with_private_networks_only() -> None:
    server = {key: value for key, value in SERVER.items() if key != "network-config"}
    assert parse(server, PRIVATE)[0] == [{"mac": "86:00:00:98:40:6e", "dhcp4": True, "addresses": ["10.0.0.7/32"]}]
    assert parse_documents({"metadata": json.dumps(server).encode()}).network is None


def test_ipv6_without_the_type_that_older_documents_left_out() -> None:
    server = copy.deepcopy(SERVER)
    del server["network-config"]["config"][0]["subnets"][1]["type"]
    links, problems = parse(server)
    assert (links[0]["addresses"], links[0]["routes"]) == (["2001:db8:beef:1::1/64"], ["::/0 via fe80::1"])
    place = "metadata: network-config: config[0].subnets[1].type"
    assert problems == [f"warning {place}: no type, taken as static for its address"]


@pytest.mark.parametrize(
    ("private", "count", "problem"),
    [
        ([{**PRIVATE[0], "mac_address": None}, PRIVATE[0]], 1, "[0].mac_address: no MAC address to find the NIC by"),
        ([{**PRIVATE[0], "alias_ips": ["x"]}], 1, "[0].alias_ips[0]: 'x' is not an IP address"),
        (["x", PRIVATE[0]], 1, "[0]: not an object"),
    ],
)
def test_one_private_network_that_is_wrong_leaves_the_others(private: object, count: int, problem: str) -> None:
    links, problems = parse(SERVER, private)
    assert len(links) == 1 + count
    assert [text[: len(problem) + 24] for text in problems] == [f"error private-networks: {problem}"]
