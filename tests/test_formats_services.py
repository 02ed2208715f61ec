# SPDX-License-Identifier: Apache-2.0
"""The grammars of metadata services: whatever a service sends, the answer is an instance."""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bootagent.formats import azure, digitalocean, gce, hetzner, oracle, scaleway, upcloud, vultr
from bootagent.host import Host
from bootagent.planners.network import bind
from tests.conftest import EXAMPLES
from tests.test_sources_azure import VM as AZURE_VM
from tests.test_sources_digitalocean import DROPLET
from tests.test_sources_gce import VM as GCE_VM
from tests.test_sources_hetzner import PRIVATE, SERVER
from tests.test_sources_oracle import INSTANCE, METAL
from tests.test_sources_scaleway import ROUTED
from tests.test_sources_upcloud import SERVER as UPCLOUD_SERVER
from tests.test_sources_vultr import GUEST

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from bootagent.model.instance import Instance

    Parser = Callable[[Mapping[str, bytes]], Instance]

# A format's parser with documents as its service sends them, the first one JSON.
FORMATS: dict[str, tuple[Parser, dict[str, Any]]] = {
    "azure": (azure.parse_documents, {"instance": AZURE_VM}),
    "digitalocean": (digitalocean.parse_documents, {"v1.json": DROPLET}),
    "gce": (gce.parse_documents, {"v1": GCE_VM}),
    "hetzner": (hetzner.parse_documents, {"metadata": SERVER, "private-networks": PRIVATE}),
    "oracle": (oracle.parse_documents, {"instance": INSTANCE, "vnics": METAL}),
    "scaleway": (scaleway.parse_documents, {"conf": ROUTED}),
    "upcloud": (upcloud.parse_documents, {"v1.json": UPCLOUD_SERVER}),
    "vultr": (vultr.parse_documents, {"v1.json": GUEST}),
}
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just("192.0.2.7") | st.just("2001:db8::7"),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner, max_size=4),
    max_leaves=12,
)


def check(parse: Parser, documents: dict[str, bytes]) -> None:
    """What comes of the documents is an instance that a machine can be planned with."""
    instance = parse(documents)
    assert instance.broken <= documents.keys()
    assert set(instance.documents) <= documents.keys()
    assert not instance.broken or instance.problems
    for problem in instance.problems:
        assert str(problem).isprintable()
    if instance.network is not None:
        bind(instance.network, Host(), "none")


def places(value: object, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Where a value could stand in a document, each as the keys that lead there."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, item in items for place in places(item, (*path, key)))]


def change(value: Any, path: tuple[Any, ...], new: object) -> object:
    """``value`` with ``new`` at ``path``."""
    if not path:
        return new
    value = copy.copy(value)
    value[path[0]] = change(value[path[0]], path[1:], new)
    return value


@pytest.mark.parametrize("name", FORMATS)
def test_what_a_service_sends_is_understood_without_a_problem(name: str) -> None:
    parse, documents = FORMATS[name]
    instance = parse({key: json.dumps(value).encode() for key, value in documents.items()})
    assert instance.id
    assert instance.hostname
    assert instance.ssh_keys
    assert instance.network
    assert {"id", "hostname", "ssh_keys"} <= instance.origins.keys()
    assert [problem for problem in instance.problems if problem.severity != "info"] == []


@pytest.mark.parametrize("name", FORMATS)
@settings(max_examples=EXAMPLES)
@given(data=st.data())
def test_any_bytes_give_an_instance(name: str, data: st.DataObject) -> None:
    parse, documents = FORMATS[name]
    values = st.binary() | json_values.map(lambda value: json.dumps(value).encode())
    check(parse, data.draw(st.dictionaries(st.sampled_from(sorted(documents)), values)))


@pytest.mark.parametrize("name", FORMATS)
@settings(max_examples=2 * EXAMPLES)
@given(data=st.data())
def test_any_value_in_any_place_gives_an_instance(name: str, data: st.DataObject) -> None:
    parse, documents = FORMATS[name]
    path = data.draw(st.sampled_from([place for place in places(documents) if place]))
    changed = change(documents, path, data.draw(json_values))
    assert isinstance(changed, dict)
    check(parse, {key: json.dumps(value).encode() for key, value in changed.items()})


@pytest.mark.parametrize("name", FORMATS)
@settings(max_examples=EXAMPLES)
@given(data=st.data())
def test_any_damage_gives_an_instance(name: str, data: st.DataObject) -> None:
    parse, documents = FORMATS[name]
    raw = {key: json.dumps(value).encode() for key, value in documents.items()}
    key = data.draw(st.sampled_from(sorted(raw)))
    start = data.draw(st.integers(0, len(raw[key])))
    end = data.draw(st.integers(start, len(raw[key])))
    check(parse, {**raw, key: raw[key][:start] + data.draw(st.binary(max_size=8)) + raw[key][end:]})
