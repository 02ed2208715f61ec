# SPDX-License-Identifier: Apache-2.0
"""The only module that speaks HTTP: GET and PUT, bounded in time and size, to a metadata service and to nobody else.

No proxy, no redirect, no cookie, no header that the source did not ask for.  Before one deadline for all of it a
service that is not there yet, or says that it is busy (RFC 9110 15.5.9, 15.6; RFC 6585 4), is asked again.
"""

from __future__ import annotations

import http.client
import os
import time

from bootagent.errors import SourceError
from bootagent.sources._connect import Changes, connect, find_targets

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from bootagent.host import Nic
    from bootagent.identity import Identity
    from bootagent.sources._connect import DeadlineSocket, Target

MAX_BODY = 1 << 20  # bytes
ATTEMPT = 10.0  # seconds for one exchange: one that hangs is begun anew
PAUSES = (0.25, 0.5, 1.0, 2.0, 4.0)  # seconds between two exchanges; the last one again and again
MAX_PAUSE = 30.0  # seconds, of those that a service asks for (RFC 9110 10.2.3)
BUSY = frozenset((408, 429, *range(500, 600)))


class Connector:
    """Opens services until ``end``, a time of the monotonic clock; ``nics`` are the ways to link-local addresses."""

    def __init__(self, identity: Identity, nics: tuple[Nic, ...], end: float) -> None:
        self.identity = identity
        self.nics = nics
        self.end = end

    def open(self, *addresses: str, port: int = 80, proof: tuple[str, str] | None = None) -> Http:
        """The service that is at each of ``addresses``: the first that answers is asked.

        ``proof`` is a header, with its value, that the cloud promises in each answer: one without it is another's.
        """
        return Http(self, addresses, port, proof)


class Http:
    """One service; an answer is the body, or ``None`` where there is no such document (404) or nothing in it (204)."""

    def __init__(
        self, connector: Connector, addresses: tuple[str, ...], port: int, proof: tuple[str, str] | None = None
    ) -> None:
        self._connector = connector
        self._addresses = addresses
        self._port = port
        self._proof = proof
        self._taken: Target | None = None

    @property
    def place(self) -> str:
        """Where the service is, for messages: ``http://169.254.169.254``, or the path of a socket."""
        if self._addresses[0].startswith("/"):
            return self._addresses[0]
        taken = self._taken if len(self._addresses) > 1 else None  # a name is more than where it leads: RFC 9110 7.2
        address = str(taken.address[0]) if taken else self._addresses[0]
        host = f"[{address}]" if ":" in address else address
        return f"http://{host}" + (f":{self._port}" if self._port != 80 else "")

    def get(self, path: str, headers: Mapping[str, str] | None = None) -> bytes | None:
        """The document at ``path``; ``SourceError`` where the service does not give an answer in time."""
        return self._ask("GET", path, headers or {})

    def put(self, path: str, headers: Mapping[str, str]) -> bytes | None:
        """What a PUT without a body is answered with: a token."""
        return self._ask("PUT", path, headers)

    def _ask(self, method: str, path: str, headers: Mapping[str, str]) -> bytes | None:
        changes = Changes()
        try:
            for pause in _pauses():
                asked_for = 0.0
                is_silent = False
                try:
                    status, body, asked_for = self._exchange(method, path, headers)
                except (OSError, http.client.HTTPException) as error:
                    reason = _reason(error)
                    is_silent = True
                    self._taken = None
                else:
                    if status in (404, 204):
                        return None
                    if status == 200:
                        return body
                    if status not in BUSY:
                        raise SourceError(f"{self.place}{path}", f"status {status}")
                    reason = f"status {status}"
                left = self._connector.end - time.monotonic()
                wait = max(pause, min(asked_for, MAX_PAUSE))
                if left <= wait:
                    raise SourceError(f"{self.place}{path}", f"{reason}, until the time was up")
                if is_silent:
                    time.sleep(0.05)  # a network that comes up says a lot
                    changes.wait(wait)
                else:
                    time.sleep(wait)
        finally:
            changes.close()
        raise AssertionError("the pauses never end")

    def _exchange(self, method: str, path: str, headers: Mapping[str, str]) -> tuple[int, bytes, float]:
        """Status, body, and the pause in seconds that the service asks for."""
        end = min(self._connector.end, time.monotonic() + ATTEMPT)
        connection = http.client.HTTPConnection("metadata")  # a name that nobody asks for: it is connected already
        connection.auto_open = 0
        connection.sock = self._connect(end)
        try:
            connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
            host = "localhost" if self.place.startswith("/") else self.place[len("http://") :]
            for name, value in {"Host": host, **headers}.items():
                connection.putheader(name, value)
            if method == "PUT":
                connection.putheader("Content-Length", "0")
            connection.endheaders()
            response = connection.getresponse()
            if response.status == 200 and self._proof and response.getheader(self._proof[0]) != self._proof[1]:
                raise SourceError(f"{self.place}{path}", f"the answer has no {': '.join(self._proof)}")
            asked_for = response.getheader("Retry-After", "")
            body = response.read(MAX_BODY + 1) if response.status == 200 else b""
            if len(body) > MAX_BODY:
                raise SourceError(f"{self.place}{path}", f"more than {MAX_BODY} bytes")
            if response.status == 200 and response.length:
                raise http.client.IncompleteRead(body, response.length)
            return response.status, body, float(asked_for) if asked_for.isdecimal() else 0.0
        finally:
            connection.close()

    def _connect(self, end: float) -> DeadlineSocket:
        if self._taken is None:
            nics, port = self._connector.nics, self._port
            targets = [target for address in self._addresses for target in find_targets(address, port, nics)]
        else:
            targets = [self._taken]
        connection, self._taken = connect(targets, end)
        return connection


def _pauses() -> Iterator[float]:
    yield from PAUSES
    while True:
        yield PAUSES[-1]


def _reason(error: Exception) -> str:
    if isinstance(error, OSError):
        number = error.errno or 0  # those of getaddrinfo(3) are its own, and below 0
        return ((os.strerror(number) if number > 0 else error.strerror) or "no answer").lower()
    return "no sound HTTP answer"
