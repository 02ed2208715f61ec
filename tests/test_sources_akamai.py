# SPDX-License-Identifier: Apache-2.0
"""Akamai: its two documents as the reference has them, asked on the wire, and what may be wrong in them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootagent.errors import SourceError
from bootagent.formats.akamai import parse_documents
from bootagent.identity import Identity
from bootagent.sources import akamai
from tests.test_formats_openstack import key
from tests.test_formats_services import check, json_values
from tests.wire import Answer, Request, Wire

V4, V6 = akamai.ADDRESSES
TOKEN = "e80eb80eb80e"
ANN, BOB = key(1, "ann@laptop"), key(2)
LINODE: dict[str, Any] = {
    "backups": {"enabled": False, "status": None},
    "host_uuid": "a1b2c3",
    "id": 12345678,
    "label": "my-linode",
    "region": "us-iad",
    "specs": {"disk": 51200, "gpus": 0, "memory": 2048, "transfer": 2000, "vcpus": 1},
    "tags": [],
    "type": "g6-standard-1",
}
KEYS = {"users": {"root": [ANN], "bob": [BOB, ANN]}}


def serve(wire: Wire, **documents: object) -> None:
    """Answer with the documents as JSON, to whoever has the token and asks for JSON."""

    def give_token(request: Request) -> Answer:
        seconds = request.headers.get("metadata-token-expiry-seconds", "")
        return Answer(TOKEN.encode()) if request.method == "PUT" and seconds.isdecimal() else Answer(status=400)

    def make(document: object) -> Any:
        def answer(request: Request) -> Answer:
            if request.headers.get("metadata-token") != TOKEN:
                return Answer(status=401)
            wants_json = request.headers.get("accept") == "application/json"
            return Answer(json.dumps(document).encode() if wants_json else b"id: 12345678\n")

        return answer

    wire.answers["/v1/token"] = give_token
    wire.answers.update({f"/v1/{name.replace('_', '-')}": make(value) for name, value in documents.items()})


@pytest.mark.parametrize(
    ("vendor", "why"), [("Linode", "DMI sys_vendor: Linode"), ("Akamai", "DMI sys_vendor: Akamai"), ("QEMU", "")]
)
def test_it_is_known_by_its_vendor(vendor: str, why: str) -> None:
    assert akamai.detect(Identity(dmi={"sys_vendor": vendor})) == why


@pytest.mark.parametrize(("address", "place"), [(V4, "http://169.254.169.254"), (V6, "http://[fd00:a9fe:a9fe::1]")])
def test_four_requests_say_it_all(address: str, place: str) -> None:
    with Wire(address) as wire:
        serve(wire, instance=LINODE, ssh_keys=KEYS)
        found, instance = wire.call(lambda: akamai.fetch(wire.connector()))
    assert found == place
    assert (instance.id, instance.hostname, instance.ssh_keys) == ("12345678", "my-linode", (ANN, BOB))
    assert (instance.documents, instance.problems) == (("instance", "ssh-keys"), ())
    assert instance.network is None
    assert [(request.method, request.path) for request in wire.requests] == [
        ("PUT", "/v1/token"),
        ("GET", "/v1/instance"),
        ("GET", "/v1/ssh-keys"),
        ("GET", "/v1/instance"),
    ]


def test_a_description_of_another_machine_is_refused() -> None:
    identity = Identity(dmi={"product_serial": "7"})
    with Wire(V4) as wire:
        serve(wire, instance=LINODE, ssh_keys=KEYS)
        with pytest.raises(SourceError, match="it describes '12345678', and the firmware says '7'"):
            wire.call(lambda: akamai.fetch(wire.connector(identity)))


@pytest.mark.parametrize(
    ("keys", "expected"), [({"users": {}}, ()), ({"users": None}, ()), ({"users": {"root": []}}, ())]
)
def test_a_linode_without_keys_has_none(keys: object, expected: object) -> None:
    assert parse_documents({"ssh-keys": json.dumps(keys).encode()}).ssh_keys == expected


def test_keys_that_are_not_answered_are_not_none() -> None:
    with Wire(V4) as wire:
        serve(wire, instance=LINODE)
        wire.answers["/v1/ssh-keys"] = Answer(status=403)
        _, instance = wire.call(lambda: akamai.fetch(wire.connector()))
    assert (instance.ssh_keys, instance.hostname, instance.broken) == (None, "my-linode", frozenset(("ssh-keys",)))


def test_a_service_that_knows_no_linode_is_an_error() -> None:
    message = r"^http://169\.254\.169\.254: no Linode is known by our address$"
    with Wire(V4) as wire:
        serve(wire)
        with pytest.raises(SourceError, match=message):
            wire.call(lambda: akamai.fetch(wire.connector()))


@given(st.dictionaries(st.sampled_from(("instance", "ssh-keys")), st.binary() | json_values))
def test_any_documents_give_an_instance(documents: dict[str, Any]) -> None:
    raw = {name: x if isinstance(x, bytes) else json.dumps(x).encode() for name, x in documents.items()}
    check(parse_documents, raw)


def test_user_data_is_asked_for_by_itself() -> None:
    with Wire(V4) as wire:
        serve(wire)
        wire.answers["/v1/user-data"] = b"IyEvYmluL3NoCg==\n"
        assert wire.call(lambda: akamai.fetch_user_data(wire.connector())) == b"#!/bin/sh\n"
    assert [request.path for request in wire.requests] == ["/v1/token", "/v1/user-data"]
