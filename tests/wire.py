# SPDX-License-Identifier: Apache-2.0
"""A metadata service on the wire: a real HTTP server at its real addresses, in a network namespace of its own.

::

    with Wire("169.254.169.254", "fd00:ec2::254") as wire:
        wire.answers["/latest/meta-data/instance-id"] = b"i-1"
        place, instance = wire.call(lambda: ec2.fetch(wire.connector()))
        assert [request.path for request in wire.requests] == [...]

An answer is a body, or an ``Answer``, or a function of the ``Request`` that gives one; what is not there is 404.
"""

from __future__ import annotations

import contextlib
import ctypes
import itertools
import os
import subprocess
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, NamedTuple, TypeVar, Union

from bootagent.identity import Identity
from bootagent.sources._http import Connector

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from bootagent.host import Nic

    T = TypeVar("T")

CLONE_NEWNET = 0x40000000  # linux/sched.h
NUMBERS = itertools.count()
NOBODY = Identity()


class Request(NamedTuple):
    """What a client asked."""

    method: str
    path: str
    headers: Mapping[str, str]  # names in lower case
    client: str  # its address


class Answer(NamedTuple):
    """What it is answered."""

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = {}


Reply = Union[bytes, Answer, "Callable[[Request], Union[bytes, Answer]]"]


class Wire:
    """One namespace, with the service's addresses on its loopback, and the server."""

    def __init__(self, *addresses: str, port: int = 80, namespace: str = "") -> None:
        """``namespace`` is one that is there, and has the addresses; by default one is made."""
        self.name = namespace or f"wire-{os.getpid()}-{next(NUMBERS)}"
        self._is_guest = bool(namespace)
        self.addresses = addresses
        self.port = port
        self.answers: dict[str, Reply] = {}
        self.requests: list[Request] = []
        self._servers: list[ThreadingHTTPServer] = []

    def __enter__(self) -> Wire:
        if not self._is_guest:
            subprocess.run(["ip", "netns", "add", self.name], check=True)
            self.change("link", "set", "lo", "up")
            for address in self.addresses:
                self.change("address", "add", address, "dev", "lo", *(("nodad",) if ":" in address else ()))
        for address in self.addresses:
            self.serve(address)
        return self

    def __exit__(self, *_: object) -> None:
        for server in self._servers:
            server.shutdown()
            server.server_close()
        if not self._is_guest:
            subprocess.run(["ip", "netns", "delete", self.name], check=True)

    def change(self, *arguments: str) -> None:
        """Change the namespace as ip(8) does."""
        subprocess.run(["ip", "-n", self.name, *arguments], check=True)

    def serve(self, address: str) -> None:
        """Answer at one more address of the namespace."""
        self._servers.append(self.call(lambda: self._listen(address)))
        threading.Thread(target=self._servers[-1].serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def connector(self, identity: Identity = NOBODY, nics: tuple[Nic, ...] = (), seconds: float = 20.0) -> Connector:
        """What a source's ``fetch`` is given; to be used within ``call``."""
        return Connector(identity, nics, time.monotonic() + seconds)

    def call(self, function: Callable[[], T]) -> T:
        """``function`` in a thread that is inside the namespace; sockets that it makes stay there."""
        result: list[T] = []
        failure: list[BaseException] = []

        def run() -> None:
            try:
                with open(f"/run/netns/{self.name}", "rb") as namespace:
                    if ctypes.CDLL(None, use_errno=True).setns(namespace.fileno(), CLONE_NEWNET):
                        raise OSError(ctypes.get_errno(), "setns")
                result.append(function())
            except BaseException as error:
                failure.append(error)

        thread = threading.Thread(target=run)
        thread.start()
        thread.join()
        if failure:
            raise failure[0]
        return result[0]

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a program inside the namespace."""
        return subprocess.run(["ip", "netns", "exec", self.name, *command], capture_output=True, text=True, check=False)

    def _listen(self, address: str) -> ThreadingHTTPServer:
        import socket

        wire = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self) -> None:
                headers = {name.lower(): value for name, value in self.headers.items()}
                request = Request(self.command, self.path, headers, self.client_address[0])
                wire.requests.append(request)
                reply = wire.answers.get(self.path, Answer(status=404))
                reply = reply(request) if callable(reply) else reply
                answer = reply if isinstance(reply, Answer) else Answer(reply)
                with contextlib.suppress(OSError):
                    self.send_response(answer.status)
                    for name, value in {"Content-Length": str(len(answer.body)), **answer.headers}.items():
                        self.send_header(name, value)
                    self.end_headers()
                    self.wfile.write(answer.body)

            do_GET = do_PUT = answer  # noqa: N815

            def log_message(self, *_: Any) -> None:
                """The test looks at ``requests``."""

        class Server(ThreadingHTTPServer):
            address_family = socket.AF_INET6 if ":" in address else socket.AF_INET
            daemon_threads = True

        host, _, zone = address.partition("%")
        place = (
            (host, self.port, 0, socket.if_nametoindex(zone) if zone else 0) if ":" in address else (host, self.port)
        )
        return Server(place, Handler)
