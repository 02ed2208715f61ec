# SPDX-License-Identifier: Apache-2.0
"""EC2: the tree of leaves that its user guide lists, asked on the wire, and what may be wrong in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bootagent.errors import SourceError
from bootagent.formats.ec2 import parse_documents
from bootagent.host import Host, Nic
from bootagent.identity import Identity
from bootagent.model.values import InterfaceName, MacAddress
from bootagent.planners.network import bind
from bootagent.sources import ec2
from tests.netconfig import facts
from tests.wire import Answer, Request, Wire

if TYPE_CHECKING:
    from collections.abc import Callable

V4, V6 = ec2.ADDRESSES
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOflAKvYJxaL6s2wOpnswu59XJc0wvUR+A3PErwCb4+j ann"
TOKEN = "AQAEAGeheimGeheimGeheim=="
BASE = "/latest/meta-data/"
MACS = "network/interfaces/macs/"
FIRST, SECOND = "02:29:96:8f:6a:2d", "02:13:7c:51:0e:b4"
LEAVES = {
    "instance-id": "i-0abc1234def567890",
    "local-hostname": "ip-192-0-2-5.eu-west-1.compute.internal",
    "public-keys/0/openssh-key": f"{KEY}\n",
    "network/interfaces/macs/": f"{FIRST}/",
    f"network/interfaces/macs/{FIRST}/local-ipv4s": "192.0.2.5\n192.0.2.6\n192.0.2.7",
    f"network/interfaces/macs/{FIRST}/ipv6s": "2001:db8::5\n2001:db8::6",
}
# A second NIC, which the listing has first: the names of NICs are in no order.
TWO = {
    **LEAVES,
    "network/interfaces/macs/": f"{SECOND}/\n{FIRST}/",
    f"network/interfaces/macs/{FIRST}/device-number": "0",
    f"network/interfaces/macs/{SECOND}/device-number": "1",
    f"network/interfaces/macs/{SECOND}/local-ipv4s": "198.51.100.9",
}
FIRST_FACTS = {
    "mac": FIRST,
    "addresses": ["192.0.2.6/32", "192.0.2.7/32", "2001:db8::6/128"],
    "dhcp4": True,
    "dhcp6": "stateful",
}
NITRO = {"bios_vendor": "Amazon EC2", "board_vendor": "Amazon EC2", "sys_vendor": "Amazon EC2"}


def give_token(request: Request) -> Answer:
    """As the service does: to a PUT with a lifetime only."""
    good = request.method == "PUT" and request.headers.get("x-aws-ec2-metadata-token-ttl-seconds", "").isdecimal()
    return Answer(TOKEN.encode()) if good else Answer(status=400)


def serve(wire: Wire, leaves: dict[str, str]) -> None:
    """Answer with these leaves, to whoever has the token."""

    def leaf(text: str) -> Callable[[Request], Answer]:
        def answer(request: Request) -> Answer:
            known = request.headers.get("x-aws-ec2-metadata-token") == TOKEN
            return Answer(text.encode()) if known else Answer(status=401)

        return answer

    wire.answers["/latest/api/token"] = give_token
    for name, text in leaves.items():
        wire.answers[BASE + name] = leaf(text)


def parse(leaves: dict[str, str]) -> tuple[list[dict[str, object]], list[str]]:
    """What the links ask for, and the problems."""
    instance = parse_documents({name: text.encode() for name, text in leaves.items()})
    links = instance.network.links if instance.network else ()
    return [facts(link) for link in links], [f"{p.severity} {p}" for p in instance.problems]


@pytest.mark.parametrize(
    ("identity", "why"),
    [
        (
            Identity(dmi={**NITRO, "product_uuid": "ec2e1916-9099-7caf-fd21-012345abcdef"}),
            "DMI sys_vendor: Amazon EC2, product_uuid: ec2e1916-9099-7caf-fd21-012345abcdef",
        ),
        (
            Identity(dmi={"bios_vendor": "Amazon EC2", "product_uuid": "ec2e1916-9099-7caf-fd21-012345abcdef"}),
            "DMI bios_vendor: Amazon EC2, product_uuid: ec2e1916-9099-7caf-fd21-012345abcdef",
        ),
        (  # the user guide's example of the other byte order
            Identity(dmi={"board_vendor": "Amazon EC2", "product_uuid": "45E12AEC-DCD1-B213-94ED-012345ABCDEF"}),
            "DMI board_vendor: Amazon EC2, product_uuid: 45E12AEC-DCD1-B213-94ED-012345ABCDEF",
        ),
        (
            Identity(dmi={"bios_vendor": "Xen", "bios_version": "4.11.amazon", "product_uuid": "EC2F0D75-0000"}),
            "DMI bios_version: 4.11.amazon, product_uuid: EC2F0D75-0000",
        ),
        (
            Identity(hypervisor="xen", hypervisor_uuid="ec2f0d75-9099-7caf-fd21-012345abcdef"),
            "/sys/hypervisor/uuid: ec2f0d75-9099-7caf-fd21-012345abcdef",
        ),
        # One UUID of 4096 begins so anywhere.
        (Identity(dmi={"bios_vendor": "SeaBIOS", "product_uuid": "ec2e1916-9099-7caf-fd21-012345abcdef"}), ""),
        (Identity(dmi={"bios_version": "4.17"}, hypervisor="xen", hypervisor_uuid="ec2f0d75-9099"), ""),
        (Identity(dmi={**NITRO, "product_uuid": "f6a1b2c3-9099-7caf-fd21-012345abcdef"}), ""),
        # Look-alikes of other clouds.
        (Identity(dmi={"sys_vendor": "zstack.io", "product_serial": "vm.brightbox.com"}), ""),
    ],
)
def test_it_is_known_by_the_uuid_and_the_vendor(identity: Identity, why: str) -> None:
    assert ec2.detect(identity) == why


def test_an_instance_with_one_nic_takes_eight_requests() -> None:
    with Wire(V4) as wire:
        serve(wire, LEAVES)
        place, instance = wire.call(lambda: ec2.fetch(wire.connector()))
    assert place == "http://169.254.169.254"
    assert instance.id == "i-0abc1234def567890"
    assert instance.hostname == "ip-192-0-2-5.eu-west-1.compute.internal"
    assert (instance.ssh_keys, instance.problems, instance.broken) == ((KEY,), (), frozenset())
    assert instance.network
    assert [facts(link) for link in instance.network.links] == [FIRST_FACTS]
    origin = f"network/interfaces/macs/{FIRST}/local-ipv4s: line 2"
    assert instance.network.links[0].addressing.addresses[0].origin == origin
    assert set(instance.documents) == set(LEAVES)
    assert [(request.method, request.path) for request in wire.requests] == [
        ("PUT", "/latest/api/token"),
        *(("GET", BASE + name) for name in (*LEAVES, "instance-id")),
    ]
    assert set(wire.requests[0].headers) == {"host", "content-length", "x-aws-ec2-metadata-token-ttl-seconds"}
    assert {name for request in wire.requests[1:] for name in request.headers} == {"host", "x-aws-ec2-metadata-token"}


def test_where_there_is_no_ipv4_the_service_is_asked_by_ipv6() -> None:
    only_v6 = {name: text for name, text in LEAVES.items() if not name.endswith("local-ipv4s")}
    with Wire(V6) as wire:
        serve(wire, only_v6)
        place, instance = wire.call(lambda: ec2.fetch(wire.connector()))
    assert place == "http://[fd00:ec2::254]"
    assert instance.network
    assert [facts(link) for link in instance.network.links] == [
        {"mac": FIRST, "addresses": ["2001:db8::6/128"], "dhcp6": "stateful"}
    ]


def test_of_several_nics_the_primary_one_comes_first() -> None:
    with Wire(V4) as wire:
        serve(wire, TWO)
        _, instance = wire.call(lambda: ec2.fetch(wire.connector()))
    assert instance.network
    assert [facts(link) for link in instance.network.links] == [FIRST_FACTS, {"mac": SECOND, "dhcp4": True}]
    assert (instance.problems, len(wire.requests)) == ((), 6 + 3 * 2)


def test_each_nic_gets_a_default_route_and_that_of_the_primary_one_is_preferred() -> None:
    network = parse_documents({name: text.encode() for name, text in TWO.items()}).network
    assert network
    nics = (Nic(InterfaceName("ens6"), MacAddress(SECOND)), Nic(InterfaceName("ens5"), MacAddress(FIRST)))
    bound, problems = bind(network, Host(nics=nics), "dhcp")
    assert [(i.name, i.dhcp4, i.metric, i.routes) for i in bound.interfaces] == [
        ("ens5", True, 100, ()),
        ("ens6", True, 200, ()),
    ]
    assert (bound.unlisted, problems) == ((), ())


@pytest.mark.parametrize(
    "answer",
    [Answer(status=404), Answer(status=403), Answer(status=405), Answer(b"<html> no </html>"), Answer(b"a\nb"), b""],
)
def test_a_service_without_a_token_is_not_ours(answer: Answer) -> None:
    with Wire(V4) as wire:
        serve(wire, LEAVES)
        wire.answers["/latest/api/token"] = answer
        with pytest.raises(SourceError, match=r"^http://169\.254\.169\.254/latest/api/token: ") as caught:
            wire.call(lambda: ec2.fetch(wire.connector()))
        assert (len(wire.requests), "geheim" in str(caught.value).lower()) == (1, False)


def test_a_service_that_knows_no_instance_is_an_error() -> None:
    with Wire(V4) as wire:
        serve(wire, {})
        with pytest.raises(SourceError, match=r"^http://169\.254\.169\.254: no instance is known by our address$"):
            wire.call(lambda: ec2.fetch(wire.connector()))


@pytest.mark.parametrize(("tag", "is_refused"), [("i-0abc1234def567890", False), ("i-0f", True), ("Other", False)])
def test_a_description_of_another_machine_is_refused(tag: str, is_refused: bool) -> None:
    identity = Identity(dmi={**NITRO, "board_asset_tag": tag})
    with Wire(V4) as wire:
        serve(wire, LEAVES)
        if is_refused:
            with pytest.raises(SourceError, match="it describes 'i-0abc1234def567890', and the firmware says 'i-0f'"):
                wire.call(lambda: ec2.fetch(wire.connector(identity)))
        else:
            wire.call(lambda: ec2.fetch(wire.connector(identity)))


def test_an_instance_without_a_key_pair_has_no_keys() -> None:
    with Wire(V4) as wire:
        serve(wire, {name: text for name, text in LEAVES.items() if name != "public-keys/0/openssh-key"})
        _, instance = wire.call(lambda: ec2.fetch(wire.connector()))
    assert (instance.ssh_keys, instance.problems) == ((), ())


def test_a_leaf_that_is_not_answered_costs_only_itself() -> None:
    with Wire(V4) as wire:
        serve(wire, LEAVES)
        wire.answers[f"{BASE}public-keys/0/openssh-key"] = Answer(status=401)
        _, instance = wire.call(lambda: ec2.fetch(wire.connector()))
    assert instance.ssh_keys is None
    assert instance.broken == {"public-keys/0/openssh-key"}
    assert instance.hostname
    assert instance.network
    assert [str(problem) for problem in instance.problems] == [
        "http://169.254.169.254/latest/meta-data/public-keys/0/openssh-key: status 401"
    ]


@pytest.mark.parametrize(
    ("text", "hostname"),
    [
        ("ip-192-0-2-5.example.org sub.example.net", "ip-192-0-2-5.example.org"),
        ("i-0abc1234def567890.eu-west-1.compute.internal", "i-0abc1234def567890.eu-west-1.compute.internal"),
        ("", None),
    ],
)
def test_the_host_name_is_the_first_of_several(text: str, hostname: str | None) -> None:
    assert parse_documents({"local-hostname": text.encode()}).hostname == hostname


@pytest.mark.parametrize(
    ("changes", "expected", "problems"),
    [
        ({f"{FIRST}/local-ipv4s": "192.0.2.5"}, {"mac": FIRST, "dhcp4": True}, []),
        ({f"{FIRST}/local-ipv4s": ""}, {"mac": FIRST, "dhcp4": True}, []),
        (
            {f"{FIRST}/local-ipv4s": "192.0.2.5\nnot one\n192.0.2.7"},
            {"mac": FIRST, "dhcp4": True, "addresses": ["192.0.2.7/32"]},
            [
                f"error network/interfaces/macs/{FIRST}/local-ipv4s: line 2: 'not one' is not an IP address",
            ],
        ),
    ],
)
def test_a_nic_of_which_little_is_known_gets_dhcp(
    changes: dict[str, str], expected: dict[str, object], problems: list[str]
) -> None:
    leaves = {name: text for name, text in LEAVES.items() if FIRST not in name}
    assert parse({**leaves, **{MACS + name: text for name, text in changes.items()}}) == ([expected], problems)


def test_a_nic_without_a_number_comes_last() -> None:
    links, problems = parse({**TWO, f"{MACS}{FIRST}/device-number": "eth0"})
    assert [link["mac"] for link in links] == [SECOND, FIRST]
    assert problems == [f"warning {MACS}{FIRST}/device-number: 'eth0' is no number: the NIC comes last"]


def test_a_listing_leads_nowhere_but_to_nics() -> None:
    with Wire(V4) as wire:
        serve(wire, {**LEAVES, MACS: f"../../../user-data\n{FIRST}/\nx HTTP/1.1"})
        _, instance = wire.call(lambda: ec2.fetch(wire.connector()))
    assert instance.network
    assert [link.mac for link in instance.network.links] == [FIRST]
    assert not any("user-data" in request.path for request in wire.requests)


def test_without_a_listing_nothing_is_said_of_the_network() -> None:
    assert parse_documents({"instance-id": b"i-1", MACS: b""}).network is None


def test_user_data_is_asked_for_by_itself() -> None:
    with Wire(V4) as wire:
        serve(wire, LEAVES)
        wire.answers["/latest/user-data"] = b"#!/bin/sh\n"
        assert wire.call(lambda: ec2.fetch_user_data(wire.connector())) == b"#!/bin/sh\n"
    assert [request.path for request in wire.requests] == ["/latest/api/token", "/latest/user-data"]
