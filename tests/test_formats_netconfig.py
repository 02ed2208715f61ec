# SPDX-License-Identifier: Apache-2.0
"""Which version a network configuration is of, and documents that are of none."""

from __future__ import annotations

import contextlib
import json
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bootagent.errors import DocumentError
from bootagent.formats import nocloud
from bootagent.formats.netconfig import parse_netconfig
from bootagent.formats.netconfig_devices import MAX_DEVICES
from bootagent.formats.yamltext import parse_text
from bootagent.host import Host
from bootagent.model.network import Network
from bootagent.planners.network import bind
from tests.conftest import EXAMPLES
from tests.netconfig import DOC, facts, links_of, parse

V1 = {"version": 1, "config": [{"type": "physical", "name": "eth0", "subnets": [{"type": "dhcp4"}]}]}
V2 = {"version": 2, "ethernets": {"eth0": {"dhcp4": True}}}
WANTED = {"name": "eth0", "dhcp4": True}


@pytest.mark.parametrize("document", [V1, V2], ids=["1", "2"])
@pytest.mark.parametrize("wrapped", [False, True])
@pytest.mark.parametrize("as_text", [False, True])
def test_both_versions_bare_and_below_network(document: dict[str, Any], wrapped: bool, as_text: bool) -> None:
    document = {**document, "version": str(document["version"])} if as_text else document
    text = json.dumps({"network": document} if wrapped else document)
    assert facts(links_of(text)["eth0"]) == WANTED


@pytest.mark.parametrize("document", [V1, V2], ids=["1", "2"])
def test_a_version_that_is_not_said_is_seen_from_the_rest(document: dict[str, Any]) -> None:
    text = json.dumps({key: value for key, value in document.items() if key != "version"})
    assert facts(links_of(text, "warning version")["eth0"]) == WANTED


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        ("", []),
        ("{}", []),
        ("network: {}", []),
        ("network:", []),
        ("[]", ["error network-config"]),
        ("a word", ["error network-config"]),
        ("version: 3", ["error version"]),
        ("version: true", ["error version"]),
        ("network: {config: disabled}", ["warning network.config"]),
        ("version: 1\nconfig: disabled", ["warning config"]),
    ],
)
def test_a_document_that_asks_for_no_network(text: str, problems: list[str]) -> None:
    network, found = parse(text)
    assert network in (None, Network())
    assert sorted(found) == sorted(problems)


def test_keys_beside_network_are_named() -> None:
    document = {"network": V2, "users": ["x"]}
    assert facts(links_of(json.dumps(document), "warning 'users'")["eth0"]) == WANTED


# Any document

scalars = st.none() | st.booleans() | st.integers(-9, 70000) | st.text(max_size=8)
words = st.sampled_from(
    "1 2 version config network ethernets bonds vlans bridges match macaddress name set-name type physical bond"
    " vlan route nameserver loopback infiniband subnets address netmask gateway static static6 dhcp dhcp4 dhcp6"
    " ipv6_slaac manual ipv6_dhcpv6-stateless routes destination to via default metric dns_nameservers search"
    " params bond_interfaces interfaces parameters mode primary vlan_link vlan_id link id addresses nameservers"
    " 192.0.2.1/24 192.0.2.1 2001:db8::1 2001:db8::1/64 ::/0 255.255.255.0 fe80::1 52:54:00:00:00:01 eth0 eth1"
    " bond0 active-backup yes mtu accept-ra lo gateway4 gateway6 dhcp4-overrides use-dns on-link table lifetime"
    " interface control".split()
)
documents = st.recursive(
    scalars | words,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(words, inner, max_size=5),
    max_leaves=40,
)
entries = st.lists(st.dictionaries(words, documents, max_size=7), max_size=4)
shaped = st.one_of(
    st.fixed_dictionaries({"version": st.just(1), "config": entries}),
    st.fixed_dictionaries(
        {"version": st.just(2)},
        optional={
            kind: st.dictionaries(words, st.dictionaries(words, documents, max_size=6), max_size=3)
            for kind in ("ethernets", "bonds", "vlans", "bridges")
        },
    ),
)


@given(documents | shaped)
@settings(max_examples=2 * EXAMPLES)
def test_any_value_gives_a_network_or_problems_and_can_be_bound(data: object) -> None:
    network, problems = parse_netconfig(data, DOC)
    for problem in problems:
        assert problem.where.startswith(DOC)
        assert problem.where.isprintable()
        assert problem.message.isprintable()
    if network is not None:
        assert len({link.id for link in network.links}) == len(network.links)
        bind(network, Host(), "dhcp")


@given(st.binary(max_size=200), st.binary(max_size=200))
def test_any_bytes_give_an_instance(meta: bytes, config: bytes) -> None:
    instance = nocloud.parse_documents({"meta-data": meta, "network-config": config})
    assert instance.broken <= {"meta-data", "network-config"}


def repeated(kind: str) -> dict[str, Any]:
    """As much of one thing as the bounds of a document allow."""
    many = range(8000)
    if kind == "devices":
        return {"version": 1, "config": [{"type": "physical", "name": f"e{n}"} for n in many]}
    if kind == "subnets":
        subnets = [{"type": "static", "address": f"10.{n >> 8}.{n & 255}.1/24"} for n in many]
        return {"version": 1, "config": [{"type": "physical", "name": "eth0", "subnets": subnets}]}
    if kind == "routes":
        nics = [
            {
                "type": "physical",
                "name": f"e{n}",
                "subnets": [{"type": "static", "address": f"10.{n >> 8}.{n & 255}.1"}],
            }
            for n in range(2000)
        ]
        routes = [{"type": "route", "destination": f"11.0.{n & 255}.0/24", "gateway": "12.0.0.1"} for n in range(2000)]
        return {"version": 1, "config": nics + routes}
    if kind == "vlans":
        vlans = {f"v{n}": {"id": n % 4094 + 1, "link": f"v{n + 1}"} for n in many}
        return {"version": 2, "vlans": vlans}
    if kind == "bonds":
        return {"version": 2, "bonds": {f"b{n}": {"interfaces": ["eth0"] * 1000} for n in range(30)}}
    return {"version": 2, "ethernets": {f"e{n}": {"match": {"name": "e*"}, "wakeonlan": True} for n in many}}


@pytest.mark.parametrize("kind", ["devices", "subnets", "routes", "vlans", "bonds", "unused"])
def test_the_largest_documents_take_bounded_time(kind: str) -> None:
    """Seconds, on a busy machine; what grows with the square takes minutes."""
    data = repeated(kind)
    start = time.process_time()
    network, problems = parse_netconfig(data, DOC)
    assert time.process_time() - start < 10
    assert len(problems) <= 1001
    assert network is not None
    assert len(network.links) <= MAX_DEVICES


def test_aliases_do_not_multiply_the_work() -> None:
    lists = "\n".join(f"x{n}: &x{n} [{', '.join([f'*x{n - 1}'] * 9)}]" for n in range(1, 9))
    text = f"x0: &x0 [{{type: dhcp4}}]\n{lists}\nversion: 1\nconfig: [{{type: physical, name: eth0, subnets: *x8}}]\n"
    with contextlib.suppress(DocumentError):
        parse_netconfig(parse_text(DOC, text.encode()), DOC)
        pytest.fail("a bomb was taken")
