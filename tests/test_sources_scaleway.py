# SPDX-License-Identifier: Apache-2.0
"""Scaleway: the one document in the shapes that it has had, asked on the wire by both families."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bootagent.errors import SourceError
from bootagent.formats.scaleway import parse_documents
from bootagent.identity import Identity
from bootagent.sources import scaleway
from tests.netconfig import facts
from tests.wire import Wire

V4, V6 = "169.254.42.42", "fd00:42::42"
PATH = "/conf?format=json"
BLOB = "AAAAC3NzaC1lZDI1NTE5AAAAI"
ANN = f"ssh-ed25519 {BLOB}OflAKvYJxaL6s2wOpnswu59XJc0wvUR+A3PErwCb4+j ann"
BOB = f"ssh-ed25519 {BLOB}Oe/qj6g7shxd7AFPOJQY7VuCP+gkH97A6sC+3AIGwnN"
MAC, PRIVATE = "de:00:00:58:4f:8f", "02:00:00:15:7b:01"


def address(text: str, mode: str, gateway: str, netmask: str) -> dict[str, object]:
    """One of the routed addresses."""
    family = "inet6" if ":" in text else "inet"
    said = {"address": text, "family": family, "gateway": gateway, "netmask": netmask, "provisioning_mode": mode}
    return {"id": "8eb23745", "dynamic": False, "state": "attached", "tags": [], **said}


FIRST = address("198.51.100.77", "dhcp", "203.0.113.1", "32")
SECOND = address("198.51.100.78", "dhcp", "203.0.113.1", "32")
SIX = address("2001:db8:911:46:dc00:ff:fe58:4f8f", "slaac", "fe80::dc00:ff:fe58:4f90", "64")
ROUTED: dict[str, Any] = {
    "id": "daa2ea5a-0ee6-4cdc-9f1a-e0d1cb4e6d86",
    "name": "web one",
    "hostname": "scw-web-one",
    "commercial_type": "STARDUST1-S",
    "mac_address": MAC,
    "ipv6": None,
    "private_ip": None,
    "private_nics": [{"id": "11", "mac_address": PRIVATE, "private_network_id": "22", "zone": "nl-ams-1"}],
    "public_ip": FIRST,
    "public_ips": [FIRST, SECOND, SIX],
    "public_ips_v4": [FIRST, SECOND],
    "public_ips_v6": [SIX],
    "routed_ip_enabled": True,
    "ssh_public_keys": [{"key": ANN, "fingerprint": "256 SHA256:x ann (ED25519)", "id": "33"}],
    "tags": ["web", f"AUTHORIZED_KEY={BOB.replace(' ', '_')}"],
    "zone": "nl-ams-1",
}
STATIC_SIX = "2001:db8:911:46:dc00:ff:fe58:4f8f/64"
# From before 2023: an address of its own by DHCP, the public one in front of it, IPv6 behind a gateway.
BEFORE: dict[str, Any] = {
    "id": "8419932b-485e-42da-bb09-cb73d7d27d71",
    "hostname": "scw-old",
    "mac_address": MAC,
    "private_ip": "10.1.2.3",
    "public_ip": {"dynamic": True, "id": "44", "address": "198.51.100.91"},
    "ipv6": {"address": "2001:db8:0:9::1", "gateway": "2001:db8:0:9::", "netmask": "127"},
    "ssh_public_keys": [],
    "tags": [],
}
BEFORE_FACTS = {
    "mac": MAC,
    "dhcp4": True,
    "addresses": ["2001:db8:0:9::1/127"],
    "routes": ["::/0 via 2001:db8:0:9::"],
}


def parse(data: object) -> tuple[list[dict[str, object]], list[str]]:
    """What the links ask for, and the problems."""
    instance = parse_documents({"conf": json.dumps(data).encode()})
    links = instance.network.links if instance.network else ()
    return [facts(link) for link in links], [f"{p.severity} {p}" for p in instance.problems]


@pytest.mark.parametrize(
    ("identity", "why"),
    [
        (Identity(dmi={"sys_vendor": "Scaleway"}), "DMI sys_vendor: Scaleway"),
        (Identity(cmdline="root=/dev/vda scaleway boot=local"), "kernel command line: scaleway"),
        (Identity(cmdline="root=LABEL=scaleway-root"), ""),
    ],
)
def test_it_is_known_by_the_vendor_or_the_kernel_command_line(identity: Identity, why: str) -> None:
    assert scaleway.detect(identity) == why


@pytest.mark.parametrize(("at", "wanted"), [(V4, "http://169.254.42.42"), (V6, "http://[fd00:42::42]")])
def test_one_request_by_either_family_says_it_all(at: str, wanted: str) -> None:
    with Wire(at) as wire:
        wire.answers[PATH] = json.dumps(ROUTED).encode()
        place, instance = wire.call(lambda: scaleway.fetch(wire.connector()))
    assert place == wanted
    assert instance.id == "daa2ea5a-0ee6-4cdc-9f1a-e0d1cb4e6d86"
    assert (instance.hostname, instance.ssh_keys) == ("scw-web-one", (ANN, BOB))
    assert (instance.documents, instance.problems, instance.broken) == (("conf",), (), frozenset())
    assert instance.network
    public, private = instance.network.links
    # One IPv4 by DHCP, the others on the NIC; IPv6 static, with the route that is advertised.
    assert facts(public) == {"mac": MAC, "dhcp4": True, "addresses": ["198.51.100.78/32", STATIC_SIX]}
    assert facts(private) == {"mac": PRIVATE, "dhcp4": True}
    assert public.addressing.addresses[0].origin == "conf: public_ips[1].address"
    assert [(request.method, request.path) for request in wire.requests] == [("GET", PATH)]
    assert set(wire.requests[0].headers) == {"host"}


def test_a_service_that_does_not_know_us_is_an_error() -> None:
    with Wire(V4) as wire:
        with pytest.raises(SourceError, match=r"^http://169\.254\.42\.42: no Instance is known by our address$"):
            wire.call(lambda: scaleway.fetch(wire.connector()))
        assert len(wire.requests) == 1


@pytest.mark.parametrize("page", [b"ID=daa2ea5a\nHOSTNAME=web\n", b"", b"[]"])
def test_what_is_no_object_is_a_broken_document(page: bytes) -> None:
    with Wire(V4) as wire:
        wire.answers[PATH] = page
        _, instance = wire.call(lambda: scaleway.fetch(wire.connector()))
    assert instance.broken == {"conf"}
    assert (instance.network, instance.ssh_keys) == (None, None)


def test_the_addresses_by_family_say_the_same() -> None:
    without = {key: value for key, value in ROUTED.items() if key != "public_ips"}
    assert parse(without) == parse(ROUTED)


def test_a_document_from_before_addresses_were_routed() -> None:
    assert parse(BEFORE) == ([BEFORE_FACTS], [])
    # They were listed already, but stood in front of the instance.
    listed = {**BEFORE, "public_ips_v4": [address("198.51.100.91", "dhcp", "", "32")], "public_ips_v6": []}
    assert parse(listed) == ([BEFORE_FACTS], [])


def test_the_oldest_document_does_not_say_which_nic_it_is() -> None:
    old = {key: value for key, value in BEFORE.items() if key != "mac_address"}
    assert parse(old) == ([], ["error conf: mac_address: none: the NIC of the static addresses cannot be found"])
    assert parse({**old, "ipv6": None}) == ([], [])


def test_an_instance_with_ipv6_only() -> None:
    only = {**ROUTED, "public_ip": SIX, "public_ips": [SIX], "public_ips_v4": [], "private_nics": []}
    assert parse(only) == ([{"mac": MAC, "addresses": [STATIC_SIX]}], [])


def test_an_instance_in_private_networks_only() -> None:
    nothing: dict[str, Any] = {"public_ip": None, "public_ips": [], "public_ips_v4": [], "public_ips_v6": []}
    assert parse({**ROUTED, **nothing}) == ([{"mac": PRIVATE, "dhcp4": True}], [])
    assert parse({**ROUTED, **nothing, "private_nics": []}) == ([], [])


def test_addresses_that_nothing_provides_are_static_behind_their_gateway() -> None:
    manual = [
        address("198.51.100.77", "manual", "203.0.113.1", "32"),
        address("2001:db8:911:46::5", "manual", "fe80::1", "64"),
    ]
    wanted = {
        "mac": MAC,
        "addresses": ["198.51.100.77/32", "2001:db8:911:46::5/64"],
        "routes": ["0.0.0.0/0 via 203.0.113.1", "::/0 via fe80::1"],
    }
    assert parse({**ROUTED, "public_ips": manual, "private_nics": []}) == ([wanted], [])


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"public_ips": [FIRST, {**SECOND, "address": "x"}]}, "error conf: public_ips[1].address: 'x' is not an"),
        ({"public_ips": [FIRST, 7]}, "error conf: public_ips[1]: not an object"),
        ({"ipv6": "2001:db8::1"}, "error conf: ipv6: not an object"),
        ({"private_nics": [{}]}, "error conf: private_nics[0].mac_address: no MAC address to find the NIC by"),
        ({"ssh_public_keys": [{"key": "secret"}]}, "warning conf: ssh_public_keys[0]: not an OpenSSH public key"),
        ({"tags": ["AUTHORIZED_KEY=secret"]}, "warning conf: tags[0]: not an OpenSSH public key"),
    ],
)
def test_what_is_wrong_in_one_place_leaves_the_rest(changes: dict[str, object], problem: str) -> None:
    links, problems = parse({**ROUTED, **changes})
    assert links[0]["dhcp4"]
    assert [text[: len(problem)] for text in problems] == [problem]
    assert "secret" not in str(problems)
