# SPDX-License-Identifier: Apache-2.0
"""HTTP to a service that is slow, broken, busy, lying or not there: bounded, one clear line."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from typing import TYPE_CHECKING

import pytest

from bootagent.errors import SourceError
from bootagent.host import Nic
from bootagent.model.values import InterfaceName, MacAddress
from bootagent.sources import _http
from tests.wire import Answer, Request, Wire

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

V4, V6 = "169.254.169.254", "fd00:ec2::254"


@pytest.fixture
def wire() -> Iterator[Wire]:
    with Wire(V4) as made:
        yield made


def get(wire: Wire, path: str = "/x", seconds: float = 3.0, *addresses: str) -> bytes | None:
    return wire.call(lambda: wire.connector(seconds=seconds).open(*(addresses or (V4,))).get(path))


def refused(wire: Wire, seconds: float = 1.5, *addresses: str) -> tuple[str, float]:
    """The error's line, and how long it took."""
    begin = time.monotonic()
    with pytest.raises(SourceError) as caught:
        get(wire, "/x", seconds, *addresses)
    return str(caught.value), time.monotonic() - begin


class Raw:
    """A server that sends the bytes it is told, at its own pace, to whoever connects."""

    def __init__(self, wire: Wire, talk: Callable[[socket.socket], None], address: str = V6) -> None:
        self._listener = wire.call(lambda: socket.create_server((address, 80), family=socket.AF_INET6))
        self.connections = 0
        self._talk = talk
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        while True:
            try:
                peer = self._listener.accept()[0]
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._answer, args=(peer,), daemon=True).start()

    def _answer(self, peer: socket.socket) -> None:
        with contextlib.suppress(OSError), peer:
            peer.recv(65536)
            self._talk(peer)

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


@pytest.fixture
def raw(wire: Wire) -> Iterator[Callable[[Callable[[socket.socket], None]], Raw]]:
    made: list[Raw] = []
    wire.change("address", "add", V6, "dev", "lo", "nodad")

    def make(talk: Callable[[socket.socket], None]) -> Raw:
        made.append(Raw(wire, talk))
        return made[-1]

    yield make
    for server in made:
        server.close()


def test_an_answer_and_that_there_is_none(wire: Wire) -> None:
    wire.answers["/x"] = b"hello"
    wire.answers["/empty"] = Answer(status=204)
    assert get(wire) == b"hello"
    assert get(wire, "/not-there") is None
    assert get(wire, "/empty") is None
    assert [dict(request.headers) for request in wire.requests] == [{"host": V4}] * 3


def test_no_proxy_and_no_redirect(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://192.0.2.1:3128")
    wire.answers["/x"] = Answer(status=302, headers={"Location": f"http://{V4}/y"})
    wire.answers["/y"] = b"elsewhere"
    line, seconds = refused(wire)
    assert line == f"http://{V4}/x: status 302"
    assert seconds < 1
    assert [request.path for request in wire.requests] == ["/x"]


@pytest.mark.parametrize("status", [500, 502, 503, 429, 408])
def test_who_is_busy_is_asked_again(wire: Wire, status: int) -> None:
    wire.answers["/x"] = lambda _: b"at last" if len(wire.requests) == 3 else Answer(status=status)
    begin = time.monotonic()
    assert get(wire) == b"at last"
    assert 0.7 < time.monotonic() - begin < 2


@pytest.mark.parametrize(
    ("headers", "expected"),
    [({"X-Cloud": "Ours"}, b"hello"), ({"x-cloud": "Ours"}, b"hello"), ({"X-Cloud": "Theirs"}, None), ({}, None)],
)
def test_an_answer_without_what_the_cloud_promises_in_each_is_refused(
    wire: Wire, headers: dict[str, str], expected: bytes | None
) -> None:
    wire.answers["/x"] = Answer(b"hello", headers=headers)
    http = wire.connector(seconds=3.0).open(V4, proof=("X-Cloud", "Ours"))
    if expected is None:
        with pytest.raises(SourceError, match=rf"^http://{V4}/x: the answer has no X-Cloud: Ours$"):
            wire.call(lambda: http.get("/x"))
    else:
        assert wire.call(lambda: http.get("/x")) == expected
    assert wire.call(lambda: http.get("/absent")) is None
    assert len(wire.requests) == 2


@pytest.mark.parametrize("status", [301, 400, 401, 403, 410])
def test_any_other_status_is_an_answer(wire: Wire, status: int) -> None:
    wire.answers["/x"] = Answer(status=status)
    assert refused(wire)[0] == f"http://{V4}/x: status {status}"
    assert len(wire.requests) == 1


def test_a_service_says_when_to_come_again(wire: Wire) -> None:
    def answer(_: Request) -> Answer:
        return Answer(b"ok") if len(wire.requests) > 1 else Answer(status=429, headers={"Retry-After": "1"})

    wire.answers["/x"] = answer
    begin = time.monotonic()
    assert get(wire) == b"ok"
    assert time.monotonic() - begin >= 1


def test_who_stays_busy_is_given_up_before_the_deadline(wire: Wire) -> None:
    wire.answers["/x"] = Answer(status=503)
    line, seconds = refused(wire)
    assert line == f"http://{V4}/x: status 503, until the time was up"
    assert seconds <= 1.6
    assert 2 <= len(wire.requests) <= 4


def test_nobody_listens(wire: Wire) -> None:
    line, seconds = refused(wire, 1.0, "127.0.0.1")
    assert line == "http://127.0.0.1/x: connection refused, until the time was up"
    assert seconds <= 1.1


def test_no_way_there(wire: Wire) -> None:
    assert refused(wire, 1.0, "192.0.2.1")[0] == "http://192.0.2.1/x: network is unreachable, until the time was up"


def test_it_is_asked_as_soon_as_there_is_a_way(wire: Wire) -> None:
    """The kernel's news end the wait: with an interval alone the fourth try would be after 1.75 s or 3.75 s."""
    wire.answers["/x"] = b"hello"
    wire.change("link", "add", "eth0", "type", "veth", "peer", "name", "cloud")
    wire.change("link", "set", "cloud", "up")

    def come_up() -> None:
        time.sleep(2.0)
        wire.change("link", "set", "eth0", "up")
        wire.change("address", "add", "192.0.2.7/24", "dev", "eth0")

    server = "192.0.2.7"
    listener = wire.call(lambda: socket.socket(socket.AF_INET))
    listener.setsockopt(socket.SOL_IP, 15, 1)  # IP_FREEBIND, linux/in.h: before the address is there
    listener.bind((server, 80))
    listener.listen()

    def answer() -> None:
        peer = listener.accept()[0]
        with peer:
            peer.recv(65536)
            peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")

    threading.Thread(target=answer, daemon=True).start()
    threading.Thread(target=come_up).start()
    begin = time.monotonic()
    assert get(wire, "/x", 8.0, server) == b"hi"
    assert 1.9 < time.monotonic() - begin < 2.6
    listener.close()


def test_of_two_addresses_the_one_that_is_there_is_taken(wire: Wire) -> None:
    wire.answers["/x"] = b"hello"
    begin = time.monotonic()
    assert get(wire, "/x", 3.0, "fd00:ec2::254", V4) == b"hello"
    assert get(wire, "/x", 3.0, V4, "fd00:ec2::254") == b"hello"
    assert time.monotonic() - begin < 0.5


def test_one_that_hangs_does_not_keep_the_other_one_waiting(wire: Wire) -> None:
    """A host that drops what it gets, beside one that answers."""
    wire.answers["/x"] = b"hello"
    wire.change("link", "add", "eth0", "type", "veth", "peer", "name", "cloud")
    wire.change("link", "set", "cloud", "up")
    wire.change("link", "set", "eth0", "up")
    wire.change("route", "add", "192.0.2.0/24", "dev", "eth0")
    begin = time.monotonic()
    assert get(wire, "/x", 3.0, "192.0.2.1", V4) == b"hello"
    assert time.monotonic() - begin < 0.5


def test_a_link_local_service_is_asked_from_the_address_that_has_the_mac(wire: Wire) -> None:
    """Neutron looks the port up by it; the kernel's own choice could be a stable-privacy address (RFC 7217)."""
    mac = MacAddress("52:54:00:00:00:0a")
    wire.change("link", "add", "eth0", "address", mac, "type", "veth", "peer", "name", "cloud")
    wire.change("link", "set", "eth0", "addrgenmode", "none")
    for name in ("eth0", "cloud"):
        wire.change("link", "set", name, "up")
    wire.change("address", "add", "fe80::5054:ff:fe00:a/64", "dev", "eth0", "nodad")
    wire.change("address", "add", "fe80::1234/64", "dev", "eth0", "nodad")
    # One kernel has both ends here: the way there is by the loopback, but the source is still ours to choose.
    wire.change("address", "add", "fe80::a9fe:a9fe/64", "dev", "eth0", "nodad")
    wire.serve("fe80::a9fe:a9fe%eth0")
    wire.answers["/x"] = b"hello"
    nics = (Nic(InterfaceName("eth0"), mac),)
    body = wire.call(lambda: wire.connector(nics=nics, seconds=3.0).open("fe80::a9fe:a9fe").get("/x"))
    assert body == b"hello"
    assert wire.requests[0].client.partition("%")[0] == "fe80::5054:ff:fe00:a"
    assert wire.requests[0].headers["host"] == "[fe80::a9fe:a9fe]"


def test_a_body_is_bounded(wire: Wire) -> None:
    wire.answers["/x"] = b"x" * (_http.MAX_BODY + 1)
    assert refused(wire)[0] == f"http://{V4}/x: more than {_http.MAX_BODY} bytes"
    wire.answers["/x"] = b"x" * _http.MAX_BODY
    assert get(wire) == b"x" * _http.MAX_BODY


def endless(peer: socket.socket) -> None:
    peer.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        peer.sendall(b"10000\r\n" + b"x" * 65536 + b"\r\n")


def test_gigabytes_are_cut_off(wire: Wire, raw: Callable[[Callable[[socket.socket], None]], Raw]) -> None:
    raw(endless)
    line, seconds = refused(wire, 5.0, V6)
    assert line == f"http://[{V6}]/x: more than {_http.MAX_BODY} bytes"
    assert seconds < 3


def trickle(peer: socket.socket) -> None:
    peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    while True:
        peer.sendall(b"x")
        time.sleep(0.05)


def trickle_headers(peer: socket.socket) -> None:
    peer.sendall(b"HTTP/1.1 200 OK\r\n")
    while True:
        peer.sendall(b"X-A: b\r\n")
        time.sleep(0.05)


def hang(peer: socket.socket) -> None:
    peer.recv(1)


def early_hints(peer: socket.socket) -> None:
    while True:
        peer.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        time.sleep(0.01)


@pytest.mark.parametrize("talk", [trickle, trickle_headers, hang, early_hints])
def test_slowness_ends_at_the_deadline(
    wire: Wire, raw: Callable[[Callable[[socket.socket], None]], Raw], talk: Callable[[socket.socket], None]
) -> None:
    raw(talk)
    line, seconds = refused(wire, 1.0, V6)
    assert line.startswith(f"http://[{V6}]/x: ")
    assert line.endswith(", until the time was up")
    assert 0.9 < seconds < 1.3


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 20\xff0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 1000 + b"\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100000 + b"\r\n\r\n",
    ],
)
def test_what_is_no_sound_http_is_asked_again_and_then_an_error(
    wire: Wire, raw: Callable[[Callable[[socket.socket], None]], Raw], answer: bytes
) -> None:
    server = raw(lambda peer: peer.sendall(answer))
    line, _ = refused(wire, 2.0, V6)
    assert line.startswith(f"http://[{V6}]/x: ")
    assert line.endswith(", until the time was up")
    assert server.connections >= 2, line
