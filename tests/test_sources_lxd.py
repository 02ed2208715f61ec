# SPDX-License-Identifier: Apache-2.0
"""LXD's socket: a server of our own behind a socket of the machine's, as the documentation of devlxd has it."""

from __future__ import annotations

import json
import socket
import socketserver
import tempfile
import threading
import time
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootagent.errors import DocumentError, SourceError
from bootagent.formats.lxd import name_unused, parse_listing
from bootagent.identity import Identity, read_identity
from bootagent.root import Root
from bootagent.sources import lxd
from bootagent.sources._http import Connector
from tests.netconfig import facts

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from bootagent.model.instance import Instance

META = b"#cloud-config\ninstance-id: 0c1d2e3f-0000-4000-8000-000000000001\nlocal-hostname: abc\n"
CONFIG = b"""\
version: 2
ethernets:
  enp5s0:
    addresses: [192.0.2.5/24]
    routes: [{to: default, via: 192.0.2.1}]
"""
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOflAKvYJxaL6s2wOpnswu59XJc0wvUR+A3PErwCb4+j ann"


class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    """What LXD has behind the socket: HTTP, one answer a path."""

    daemon_threads = True
    answers: Mapping[str, bytes | int]

    def __init__(self, path: str) -> None:
        self.answers = {}
        self.requests: list[tuple[str, dict[str, str]]] = []
        super().__init__(path, Handler)


class Handler(BaseHTTPRequestHandler):
    """Status 404 where there is no answer, another where it is a number."""

    protocol_version = "HTTP/1.1"
    server: Server

    def do_GET(self) -> None:
        self.server.requests.append((self.path, {name.lower(): value for name, value in self.headers.items()}))
        answer = self.server.answers.get(self.path, 404)
        status, body = (answer, b"not found") if isinstance(answer, int) else (200, answer)
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """The test looks at ``requests``."""


@pytest.fixture
def place(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A root whose path is short enough for a socket's, unix(7)."""
    with tempfile.TemporaryDirectory(prefix="lxd-") as directory:
        (Path(directory) / "dev/lxd").mkdir(parents=True)
        monkeypatch.setattr(lxd, "SOCKET", f"{directory}/dev/lxd/sock")
        yield Path(directory)


@pytest.fixture
def server(place: Path) -> Iterator[Server]:
    with Server(f"{place}/dev/lxd/sock") as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        yield server
        server.shutdown()


def read(place: Path) -> tuple[Instance, list[str]]:
    where, instance = lxd.fetch(Connector(Identity(), (), time.monotonic() + 60))
    assert where == f"{place}/dev/lxd/sock"
    return instance, [f"{problem.severity} {problem}".replace(str(place), "") for problem in instance.problems]


def listing(*keys: str) -> bytes:
    return json.dumps([f"/1.0/config/{key}" for key in keys]).encode()


def test_it_is_known_by_its_socket_and_by_the_port_of_the_agent_that_makes_it() -> None:
    with tempfile.TemporaryDirectory() as directory:
        for path in ("dev/lxd/sock", "dev/virtio-ports/org.linuxcontainers.lxd"):
            assert lxd.detect(read_identity(Root(directory), "")) == ""
            (Path(directory) / path).parent.mkdir(parents=True)
            (Path(directory) / path).touch()
            assert lxd.detect(read_identity(Root(directory), "")).endswith(f" /{path}")
            (Path(directory) / path).unlink()


def test_an_instance_in_three_requests(server: Server, place: Path) -> None:
    server.answers = {
        "/1.0/meta-data": META + f"public-keys: {KEY}\n".encode(),  # what user.meta-data adds
        "/1.0/config": listing("cloud-init.network-config", "user.network-config"),
        "/1.0/config/cloud-init.network-config": CONFIG,
        "/1.0/config/user.network-config": b"version: 3",
    }
    instance, problems = read(place)
    assert (instance.id, instance.hostname) == ("0c1d2e3f-0000-4000-8000-000000000001", "abc")
    assert (instance.ssh_keys, instance.documents, problems) == ((KEY,), ("meta-data", "network-config"), [])
    assert instance.network
    assert [facts(link) for link in instance.network.links] == [
        {"name": "enp5s0", "addresses": ["192.0.2.5/24"], "routes": ["0.0.0.0/0 via 192.0.2.1"]}
    ]
    assert server.requests == [
        ("/1.0/meta-data", {"host": "localhost"}),
        ("/1.0/config", {"host": "localhost"}),
        ("/1.0/config/cloud-init.network-config", {"host": "localhost"}),
    ]


def test_an_old_lxd_has_the_network_under_another_key(server: Server, place: Path) -> None:
    server.answers = {
        "/1.0/meta-data": META,
        "/1.0/config": listing("user.network-config"),
        "/1.0/config/user.network-config": CONFIG,
    }
    instance, problems = read(place)
    assert (instance.network is not None, problems) == (True, [])


def test_without_a_network_configuration_nothing_is_said_of_it(server: Server, place: Path) -> None:
    server.answers = {"/1.0/meta-data": META, "/1.0/config": b"[]"}
    instance, problems = read(place)
    assert (instance.network, instance.ssh_keys, problems) == (None, (), [])
    assert len(server.requests) == 2


def test_what_is_not_done_is_named(server: Server, place: Path) -> None:
    keys = ("cloud-init.user-data", "user.vendor-data", "user.any", "cloud-init.ssh-keys.ann")
    server.answers = {"/1.0/meta-data": META, "/1.0/config": listing(*keys)}
    assert read(place)[1] == [
        "warning cloud-init.ssh-keys.ann: not handled: keys of a user that LXD names",
        "info cloud-init.user-data: not looked at here: see the option user-data",
        "info user.vendor-data: not handled",
    ]


@pytest.mark.parametrize("key", ["cloud-init.user-data", "user.user-data", ""])
def test_what_is_to_be_run_is_read_only_when_it_is_asked_for(server: Server, key: str) -> None:
    server.answers = {f"/1.0/config/{key}": b"#!/bin/sh\n"} if key else {}
    found = lxd.fetch_user_data(Connector(Identity(), (), time.monotonic() + 5))
    assert found == (b"#!/bin/sh\n" if key else None)


@pytest.mark.parametrize(
    ("answers", "broken", "problem"),
    [
        ({"/1.0/config": b"<html>"}, "config", "error /dev/lxd/sock: config: line 1 column 1: not JSON"),
        ({"/1.0/config": 403}, "config", "error /dev/lxd/sock/1.0/config: status 403"),
        (
            {"/1.0/config/user.network-config": 403},
            "network-config",
            "error /dev/lxd/sock/1.0/config/user.network-config: status 403",
        ),
        ({"/1.0/config/user.network-config": b"a: b: c"}, "network-config", "error network-config: line 1: not YAML"),
    ],
)
def test_one_answer_that_is_broken_leaves_the_others(
    server: Server, place: Path, answers: dict[str, bytes | int], broken: str, problem: str
) -> None:
    good = {"/1.0/meta-data": META, "/1.0/config": listing("user.network-config")}
    server.answers = {**good, "/1.0/config/user.network-config": CONFIG, **answers}
    instance, problems = read(place)
    assert (instance.hostname, set(instance.broken), problems) == ("abc", {broken}, [problem])
    assert instance.network is None


@pytest.mark.parametrize(("status", "reason"), [(403, "status 403"), (404, "it has no meta-data")])
def test_a_host_that_refuses_is_an_error_at_once(server: Server, place: Path, status: int, reason: str) -> None:
    server.answers = {"/1.0/meta-data": status}
    with pytest.raises(SourceError, match=f"{reason}$"):
        read(place)
    assert len(server.requests) == 1


@pytest.mark.parametrize("kind", ["absent", "refused", "silent", "file"])
def test_nobody_at_the_socket_is_an_error_in_time(place: Path, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lxd, "SECONDS", 1.0)
    path = f"{place}/dev/lxd/sock"
    if kind == "file":
        Path(path).touch()
    with socket.socket(socket.AF_UNIX) as listener:
        if kind in ("refused", "silent"):
            listener.bind(path)
        if kind == "silent":
            listener.listen()
        start = time.monotonic()
        with pytest.raises(SourceError, match=r"sock/1\.0/meta-data: .*, until the time was up$"):
            read(place)
    assert time.monotonic() - start < 5


def test_a_server_that_is_there_a_little_later_is_found(place: Path) -> None:
    """lxd-agent makes the socket, and may be a moment behind."""
    path = f"{place}/dev/lxd/sock"
    with socket.socket(socket.AF_UNIX) as stale:
        stale.bind(path)
    started = []

    def serve() -> None:
        time.sleep(0.4)
        Path(path).unlink()
        started.append(Server(path))
        started[0].answers = {"/1.0/meta-data": META, "/1.0/config": b"[]"}
        started[0].serve_forever(poll_interval=0.02)

    threading.Thread(target=serve, daemon=True).start()
    assert read(place)[0].hostname == "abc"
    started[0].shutdown()
    started[0].server_close()


@given(st.binary(max_size=60) | st.lists(st.text(max_size=9)).map(lambda items: json.dumps(items).encode()))
def test_any_bytes_give_keys_or_an_error(data: bytes) -> None:
    try:
        keys = parse_listing(data)
    except DocumentError:
        return
    assert all(isinstance(key, str) for key in keys)


@given(st.lists(st.text(max_size=9).map(lambda text: f"cloud-init.ssh-keys.{text}")))
def test_any_key_can_be_named(keys: list[str]) -> None:
    assert all(problem.where.isprintable() for problem in name_unused(keys))
