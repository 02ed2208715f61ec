# SPDX-License-Identifier: Apache-2.0
"""A service that describes another instance from one request to the next: no machine becomes half of two."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from bootagent.errors import ChangedError
from bootagent.identity import Identity
from bootagent.sources import _services, load_service
from tests.wire import Answer, Wire

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.wire import Request

LINK_LOCAL = "169.254.169.254"
TREE = "/latest/meta-data/"
PATIENCE = 5.0  # seconds


class Service(NamedTuple):
    """A service with several documents: where it is, and what says whose machine it is, of an instance ``{}``."""

    source: str
    path: str
    document: str
    others: tuple[str, ...]  # paths that answer for the instance too: with its id
    address: str = LINK_LOCAL
    token: str = ""
    identity: Identity = Identity()


SERVICES = (
    Service(
        "openstack",
        "/openstack/latest/meta_data.json",
        # As nova's: other random bytes in each answer.
        '{{"uuid": "{id}", "hostname": "{id}", "random_seed": "{noise}"}}',
        ("/openstack/latest/network_data.json",),
    ),
    Service("akamai", "/v1/instance", '{{"id": "{id}", "label": "{id}"}}', ("/v1/ssh-keys",), token="/v1/token"),
    Service("alibaba", f"{TREE}instance-id", "{id}", (f"{TREE}hostname",), "100.100.100.200", "/latest/api/token"),
    Service("ec2", f"{TREE}instance-id", "{id}", (f"{TREE}local-hostname",), token="/latest/api/token"),
    Service("exoscale", "/1.0/meta-data/instance-id", "{id}", ("/1.0/meta-data/local-hostname",)),
    Service(
        "hetzner",
        "/hetzner/v1/metadata",
        "instance-id: {id}\nhostname: {id}\n",
        ("/hetzner/v1/metadata/private-networks",),
    ),
    Service(
        "nocloud_net",
        "/seed/meta-data",
        "instance-id: {id}\nlocal-hostname: {id}\n",
        ("/seed/user-data",),
        identity=Identity(cmdline=f"ds=nocloud;s=http://{LINK_LOCAL}/seed/"),
    ),
    Service("oracle", "/opc/v2/instance/", '{{"id": "{id}", "hostname": "{id}"}}', ("/opc/v2/vnics/",)),
)


@pytest.fixture(params=SERVICES, ids=lambda service: service.source)
def service(request: pytest.FixtureRequest) -> Service:
    given: Service = request.param
    return given


def serve(wire: Wire, service: Service, ids: Iterator[str]) -> list[str]:
    """Describe the next of ``ids`` each time that somebody asks whose machine it is; what was asked after each."""
    asked: list[str] = []

    def describe(_request: Request) -> bytes:
        name = next(ids)
        asked.append(name)
        return service.document.format(id=name, noise=f"bm9pc2U{len(asked)}").encode()

    wire.answers[service.path] = describe
    for path in service.others:
        wire.answers[path] = b""
    if service.token:
        wire.answers[service.token] = Answer(b"T0KEN")
    return asked


def fetch(wire: Wire, service: Service) -> Any:
    module = load_service(service.source)
    return wire.call(lambda: _services._fetch(module, wire.connector(service.identity, seconds=PATIENCE)))


def test_an_instance_that_is_another_meanwhile_is_read_once_more(service: Service) -> None:
    with Wire(service.address) as wire:
        asked = serve(wire, service, iter(["old", "new", "new", "new"]))
        _, instance = fetch(wire, service)
    assert asked == ["old", "new", "new", "new"]
    assert instance.id == "new"


def test_an_instance_that_stays_is_read_once(service: Service) -> None:
    with Wire(service.address) as wire:
        asked = serve(wire, service, iter(["one", "one"]))
        assert fetch(wire, service)[1].id == "one"
    assert asked == ["one", "one"]


def test_a_service_that_never_says_the_same_twice_is_not_believed(service: Service) -> None:
    """Asked three times, in one clear line; what an earlier boot configured stays (``test_online.py``)."""
    with Wire(service.address) as wire:
        asked = serve(wire, service, iter(map(str, range(9))))
        with pytest.raises(ChangedError) as caught:
            fetch(wire, service)
    assert str(caught.value) == f"http://{service.address}{service.path}: another answer than a moment ago"
    assert len(asked) == 6


def test_a_service_that_is_gone_by_then_has_said_all() -> None:
    answers = iter((Answer(json.dumps({"uuid": "c0ffee"}).encode()), Answer(status=403)))
    with Wire(LINK_LOCAL) as wire:
        wire.answers["/openstack/latest/meta_data.json"] = lambda _request: next(answers)
        wire.answers["/openstack/latest/network_data.json"] = b"{}"
        _, instance = wire.call(lambda: load_service("openstack").fetch(wire.connector(seconds=PATIENCE)))
    assert instance.id == "c0ffee"
    place = f"http://{LINK_LOCAL}/openstack/latest/meta_data.json"
    assert [str(problem) for problem in instance.problems][:1] == [f"{place}: not confirmed: status 403"]


def test_a_service_that_forgets_us_meanwhile_is_not_believed() -> None:
    answers = iter((Answer(json.dumps({"uuid": "c0ffee"}).encode()), Answer(status=404)))
    with Wire(LINK_LOCAL) as wire:
        wire.answers["/openstack/latest/meta_data.json"] = lambda _request: next(answers)
        wire.answers["/openstack/latest/network_data.json"] = b"{}"
        with pytest.raises(ChangedError):
            wire.call(lambda: load_service("openstack").fetch(wire.connector(seconds=PATIENCE)))
