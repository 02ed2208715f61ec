# SPDX-License-Identifier: Apache-2.0
"""Alibaba Cloud: the tree of leaves that its reference lists, asked on the wire, and what may be wrong in it."""

from __future__ import annotations

from typing import Any

import pytest

from bootagent.errors import SourceError
from bootagent.formats.alibaba import parse_documents
from bootagent.identity import Identity
from bootagent.sources import alibaba
from tests.netconfig import facts
from tests.test_formats_openstack import key
from tests.wire import Answer, Request, Wire

ADDRESS = "100.100.100.200"
TOKEN = "AQAAAOgeheimgeheim="
BASE = "/latest/meta-data/"
MACS = "network/interfaces/macs/"
ANN, BOB = key(1, "ann@laptop"), key(2)
FIRST, SECOND = "00:16:3e:0f:00:05", "00:16:3e:0f:00:09"
LEAVES = {
    "instance-id": "i-bp13znx0m0me8cquu000",
    "hostname": "iZbp13znx0m0me8cquu000Z",
    "public-keys/": "0/",
    "public-keys/0/openssh-key": ANN,
    MACS: f"{FIRST}/",
    f"{MACS}{FIRST}/ipv6s": "[2001:db8:0:1::5]",
    f"{MACS}{FIRST}/private-ipv4s": '["192.0.2.5"]',
}
# A second NIC, which the listing has first, and further addresses; the primary one need not be the first.
TWO = {
    **LEAVES,
    MACS: f"{SECOND}/\n{FIRST}/",
    "mac": FIRST,
    f"{MACS}{FIRST}/ipv6s": "[2001:db8:0:1::5, 2001:db8:0:1::6]",
    f"{MACS}{FIRST}/private-ipv4s": '["192.0.2.6","192.0.2.5","192.0.2.7"]',
    f"{MACS}{FIRST}/primary-ip-address": "192.0.2.5",
    f"{MACS}{SECOND}/private-ipv4s": '["198.51.100.9"]',
}
FIRST_FACTS = {
    "mac": FIRST,
    "dhcp4": True,
    "dhcp6": "stateful",
    "addresses": ["192.0.2.6/32", "192.0.2.7/32", "2001:db8:0:1::6/128"],
}


def serve(wire: Wire, leaves: dict[str, str]) -> None:
    """Answer with these leaves, to whoever has the token, which a PUT with a lifetime gives."""

    def give_token(request: Request) -> Answer:
        lifetime = request.headers.get("x-aliyun-ecs-metadata-token-ttl-seconds", "")
        return Answer(TOKEN.encode()) if request.method == "PUT" and lifetime.isdecimal() else Answer(status=400)

    def leaf(text: str) -> Any:
        def answer(request: Request) -> Answer:
            known = request.headers.get("x-aliyun-ecs-metadata-token") == TOKEN
            return Answer(text.encode()) if known else Answer(status=403)

        return answer

    wire.answers["/latest/api/token"] = give_token
    wire.answers.update({BASE + name: leaf(text) for name, text in leaves.items()})


def test_it_is_known_by_its_product() -> None:
    assert alibaba.detect(Identity(dmi={"product_name": "Alibaba Cloud ECS"})) == "DMI product_name: Alibaba Cloud ECS"
    assert alibaba.detect(Identity(dmi={"sys_vendor": "Alibaba Cloud", "product_name": "KVM"})) == ""


def test_an_instance_with_one_nic_takes_nine_requests() -> None:
    with Wire(ADDRESS) as wire:
        serve(wire, LEAVES)
        place, instance = wire.call(lambda: alibaba.fetch(wire.connector()))
    assert place == "http://100.100.100.200"
    assert (instance.id, instance.hostname) == ("i-bp13znx0m0me8cquu000", "iZbp13znx0m0me8cquu000Z")
    assert (instance.ssh_keys, instance.problems, instance.broken) == ((ANN,), (), frozenset())
    assert instance.network
    assert [facts(link) for link in instance.network.links] == [{"mac": FIRST, "dhcp4": True, "dhcp6": "stateful"}]
    assert [(request.method, request.path) for request in wire.requests] == [
        ("PUT", "/latest/api/token"),
        *(("GET", BASE + name) for name in (*LEAVES, "instance-id")),
    ]
    assert {name for request in wire.requests[1:] for name in request.headers} == {
        "host",
        "x-aliyun-ecs-metadata-token",
    }


def test_of_several_nics_the_primary_one_comes_first() -> None:
    with Wire(ADDRESS) as wire:
        serve(wire, TWO)
        _, instance = wire.call(lambda: alibaba.fetch(wire.connector()))
    assert instance.network
    assert [facts(link) for link in instance.network.links] == [FIRST_FACTS, {"mac": SECOND, "dhcp4": True}]
    assert (instance.problems, len(wire.requests)) == ((), 9 + 2 + 2)


def test_every_key_is_asked_for() -> None:
    leaves = {**LEAVES, "public-keys/": "0=ann\nkey-pair-1/\n../x\n", "public-keys/key-pair-1/openssh-key": BOB}
    with Wire(ADDRESS) as wire:
        serve(wire, leaves)
        _, instance = wire.call(lambda: alibaba.fetch(wire.connector()))
    assert instance.ssh_keys == (ANN, BOB)
    assert not any("../" in request.path for request in wire.requests)


def test_an_instance_without_a_key_pair_has_no_keys() -> None:
    with Wire(ADDRESS) as wire:
        serve(wire, {name: text for name, text in LEAVES.items() if not name.startswith("public-keys")})
        _, instance = wire.call(lambda: alibaba.fetch(wire.connector()))
    assert (instance.ssh_keys, instance.problems) == ((), ())


@pytest.mark.parametrize("path", ["public-keys/", "public-keys/0/openssh-key"])
def test_keys_that_are_not_answered_are_not_none(path: str) -> None:
    with Wire(ADDRESS) as wire:
        serve(wire, LEAVES)
        wire.answers[BASE + path] = Answer(status=403)
        _, instance = wire.call(lambda: alibaba.fetch(wire.connector()))
    assert (instance.ssh_keys, instance.broken) == (None, frozenset((path,)))


def test_a_service_without_a_token_is_not_ours() -> None:
    with Wire(ADDRESS) as wire:
        serve(wire, LEAVES)
        del wire.answers["/latest/api/token"]
        with pytest.raises(SourceError, match=r"^http://100\.100\.100\.200/latest/api/token: no token"):
            wire.call(lambda: alibaba.fetch(wire.connector()))
        assert len(wire.requests) == 1


@pytest.mark.parametrize(
    ("text", "addresses"),
    [
        ("", []),
        ("[]", []),
        ('["192.0.2.5"]', []),
        ('["192.0.2.5", "192.0.2.6"]', ["192.0.2.6/32"]),
        ("192.0.2.5,192.0.2.6", ["192.0.2.6/32"]),
        ('["192.0.2.5", "192.0.2.x", "192.0.2.6"]', ["192.0.2.6/32"]),
    ],
)
def test_a_list_of_addresses_is_read_however_it_is_spelled(text: str, addresses: list[str]) -> None:
    instance = parse_documents({MACS: FIRST.encode(), f"{MACS}{FIRST}/private-ipv4s": text.encode()})
    assert instance.network
    (link,) = instance.network.links
    assert [str(address.ip) for address in link.addressing.addresses] == addresses
    place = f"error {MACS}{FIRST}/private-ipv4s: [1]: '192.0.2.x' is not an IP address"
    assert [f"{p.severity} {p}" for p in instance.problems] == ([place] if "x" in text else [])


def test_user_data_is_asked_for_by_itself() -> None:
    with Wire(ADDRESS) as wire:
        serve(wire, LEAVES)
        wire.answers["/latest/user-data"] = b"#!/bin/sh\n"
        assert wire.call(lambda: alibaba.fetch_user_data(wire.connector())) == b"#!/bin/sh\n"
    assert [request.path for request in wire.requests] == ["/latest/api/token", "/latest/user-data"]
