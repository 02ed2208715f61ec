# SPDX-License-Identifier: Apache-2.0
"""CloudStack's virtual router and Exoscale: the same leaves in two places, asked on the wire."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from bootagent.errors import SourceError
from bootagent.formats.cloudstack import parse_documents
from bootagent.identity import Identity
from bootagent.sources import cloudstack, exoscale
from tests.test_formats_openstack import key
from tests.wire import Answer, Wire

if TYPE_CHECKING:
    from collections.abc import Iterator

ANN, BOB = key(1, "ann@laptop"), key(2)
LEAVES = {
    "instance-id": "ab4e80b0-3e7e-4936-bdc5-e334ba5b0139",
    "local-hostname": "web1",
    "public-keys": f"{ANN}\n{BOB}\n",
}
ROUTER = "192.0.2.1"
# What a boot does, by itself: the resolver of this process was chosen before the namespace had its own.
ASK = """
import sys, time
from bootagent.identity import Identity
from bootagent.sources import cloudstack
from bootagent.sources._http import Connector
from bootagent.errors import SourceError
connector = Connector(Identity(), (), time.monotonic() + float(sys.argv[1]))
try:
    place, instance = cloudstack.fetch(connector)
    print(place, instance.id, instance.hostname, len(instance.ssh_keys), len(instance.problems), instance.network)
    print(cloudstack.fetch_user_data(connector))
except SourceError as error:
    print(error)
"""


def serve(wire: Wire, base: str) -> None:
    wire.answers.update({base + name: text.encode() for name, text in LEAVES.items()})


@pytest.fixture
def router() -> Iterator[Wire]:
    """A virtual router; nobody knows its name yet."""
    with Wire(ROUTER) as wire:
        serve(wire, "/latest/meta-data/")
        own = Path("/etc/netns", wire.name)  # ip-netns(8): /etc of the namespace
        own.mkdir(parents=True)
        (own / "resolv.conf").write_text("nameserver 192.0.2.1\noptions timeout:1 attempts:1\n")
        (own / "hosts").write_text("127.0.0.1 localhost\n")
        yield wire
        shutil.rmtree(own)


def ask(wire: Wire, seconds: float = 10.0) -> list[str]:
    """What a boot in the namespace says."""
    checkout = str(Path(__file__).resolve().parent.parent)
    done = wire.run("env", f"PYTHONPATH={checkout}", sys.executable, "-S", "-c", ASK, str(seconds))
    assert done.stderr == ""
    return done.stdout.splitlines()


@pytest.mark.parametrize(
    ("product", "why"),
    [
        ("CloudStack KVM Hypervisor", "DMI product_name: CloudStack KVM Hypervisor"),
        ("KVM", ""),
    ],
)
def test_cloudstack_is_known_by_its_product(product: str, why: str) -> None:
    assert cloudstack.detect(Identity(dmi={"product_name": product})) == why


def test_exoscale_is_known_by_its_product() -> None:
    assert exoscale.detect(Identity(dmi={"product_name": "Exoscale Compute Platform"})) == (
        "DMI product_name: Exoscale Compute Platform"
    )
    assert exoscale.detect(Identity(dmi={"sys_vendor": "Exoscale"})) == ""


def test_the_router_is_asked_by_the_name_that_the_resolver_knows(router: Wire) -> None:
    Path("/etc/netns", router.name, "hosts").write_text(f"{ROUTER} data-server\n")
    router.answers["/latest/user-data"] = b"#!/bin/sh\n"
    assert ask(router) == [
        "http://data-server ab4e80b0-3e7e-4936-bdc5-e334ba5b0139 web1 2 0 None",
        repr(b"#!/bin/sh\n"),
    ]
    paths = [f"/latest/meta-data/{name}" for name in (*LEAVES, "instance-id")]
    assert [request.path for request in router.requests] == [*paths, "/latest/user-data"]
    assert {tuple(request.headers.items()) for request in router.requests} == {(("host", "data-server"),)}


def test_without_the_name_nobody_is_asked(router: Wire) -> None:
    (line,) = ask(router, 0.5)
    assert line.startswith("http://data-server/latest/meta-data/instance-id: ")
    assert line.endswith(", until the time was up")
    assert "name" in line.partition(": ")[2]
    assert "unknown error" not in line
    assert router.requests == []


def test_exoscale_takes_four_requests() -> None:
    with Wire("169.254.169.254") as wire:
        serve(wire, "/1.0/meta-data/")
        place, instance = wire.call(lambda: exoscale.fetch(wire.connector()))
    assert place == "http://169.254.169.254"
    assert (instance.id, instance.hostname) == (LEAVES["instance-id"], "web1")
    assert (instance.ssh_keys, instance.problems) == ((ANN, BOB), ())
    assert instance.network is None
    assert set(instance.documents) == set(LEAVES)
    assert [(request.method, request.path) for request in wire.requests] == [
        ("GET", f"/1.0/meta-data/{name}") for name in (*LEAVES, "instance-id")
    ]
    assert {name for request in wire.requests for name in request.headers} == {"host"}


def test_exoscale_gives_user_data_by_itself() -> None:
    with Wire("169.254.169.254") as wire:
        wire.answers["/1.0/user-data"] = b"#!/bin/sh\n"
        assert wire.call(lambda: exoscale.fetch_user_data(wire.connector())) == b"#!/bin/sh\n"
        assert len(wire.requests) == 1


def test_a_service_that_knows_no_instance_is_an_error() -> None:
    message = r"^http://169\.254\.169\.254: no instance is known by our address$"
    with Wire("169.254.169.254") as wire, pytest.raises(SourceError, match=message):
        wire.call(lambda: exoscale.fetch(wire.connector()))


def test_keys_that_are_not_answered_are_not_none() -> None:
    with Wire("169.254.169.254") as wire:
        serve(wire, "/1.0/meta-data/")
        wire.answers["/1.0/meta-data/public-keys"] = Answer(status=403)
        _, instance = wire.call(lambda: exoscale.fetch(wire.connector()))
    assert (instance.ssh_keys, instance.hostname, instance.broken) == (None, "web1", frozenset(("public-keys",)))


@pytest.mark.parametrize(("text", "count"), [(b"", 0), (b"\n", 0), (b"<html></html>", 0), (ANN.encode(), 1)])
def test_the_keys_are_all_in_one_leaf(text: bytes, count: int) -> None:
    keys = parse_documents({"instance-id": b"i", "public-keys": text}).ssh_keys
    assert keys is not None
    assert len(keys) == count
