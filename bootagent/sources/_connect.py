# SPDX-License-Identifier: Apache-2.0
"""A connection to a metadata service that has several addresses, on a machine whose network is still coming up.

All addresses are tried at once and the first that answers is taken, as RFC 8305 does.  Whoever finds none waits for the
kernel to say that a link, an address or a route came (rtnetlink(7)), which beats any interval.
"""

from __future__ import annotations

import errno
import os
import select
import socket
import time

from bootagent.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any, Union

    from bootagent.host import Nic

    Address = Union[str, tuple[str, int], tuple[str, int, int, int]]  # a path: unix(7)

# RTMGRP_LINK, IPV4_IFADDR, IPV4_ROUTE, IPV6_IFADDR and IPV6_ROUTE of linux/rtnetlink.h
CHANGES = 0x1 | 0x10 | 0x40 | 0x100 | 0x400


class Target(Record):
    """One way to a service."""

    family: int
    address: Address
    source: Address | None = None


class DeadlineSocket(socket.socket):
    """A socket on which all that is done together ends at ``end``, however slowly the other side trickles."""

    end = 0.0  # by the monotonic clock

    def _arm(self) -> None:
        left = self.end - time.monotonic()
        if left <= 0:
            raise TimeoutError(errno.ETIMEDOUT, os.strerror(errno.ETIMEDOUT))
        self.settimeout(left)

    def recv_into(self, *arguments: Any) -> int:
        """As socket.recv_into."""
        self._arm()
        return super().recv_into(*arguments)

    def sendall(self, *arguments: Any) -> None:
        """As socket.sendall."""
        self._arm()
        super().sendall(*arguments)


class Changes:
    """What the kernel says about links, addresses and routes, from now on."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_NONBLOCK, socket.NETLINK_ROUTE)
        self._socket.bind((0, CHANGES))

    def wait(self, seconds: float) -> None:
        """Until something changed, or for so long."""
        select.select([self._socket], [], [], seconds)
        try:
            while self._socket.recv(65536):
                pass
        except OSError:  # nothing more, or more than the buffer holds
            pass

    def close(self) -> None:
        """Hear no more."""
        self._socket.close()


def connect(targets: Iterable[Target], end: float) -> tuple[DeadlineSocket, Target]:
    """A connection to the first target that answers before ``end``; ``OSError`` of the last one if none does."""
    attempts: dict[DeadlineSocket, Target] = {}
    failure = OSError(errno.ENETUNREACH, os.strerror(errno.ENETUNREACH))
    winner: DeadlineSocket | None = None
    try:
        for target in targets:
            try:
                attempt = _start(target)
            except OSError as error:
                failure = error
                continue
            attempts[attempt] = target
        waiting = set(attempts)
        while waiting and winner is None:
            left = end - time.monotonic()
            ready = select.select([], waiting, [], max(left, 0))[1]
            if not ready:
                raise TimeoutError(errno.ETIMEDOUT, os.strerror(errno.ETIMEDOUT))
            for attempt in ready:
                code = attempt.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
                if code == 0:
                    winner = attempt
                    break
                failure = OSError(code, os.strerror(code))
                waiting.discard(attempt)
    finally:
        for attempt in attempts:
            if attempt is not winner:
                attempt.close()
    if winner is None:
        raise failure
    winner.end = end
    return winner, attempts[winner]


def _start(target: Target) -> DeadlineSocket:
    attempt = DeadlineSocket(target.family, socket.SOCK_STREAM)
    try:
        attempt.setblocking(False)
        if target.source is not None:
            attempt.bind(target.source)
        code = attempt.connect_ex(target.address)
        if code not in (0, errno.EINPROGRESS):
            raise OSError(code, os.strerror(code))
    except OSError:
        attempt.close()
        raise
    return attempt


def find_targets(address: str, port: int, nics: Iterable[Nic]) -> Iterator[Target]:
    """The ways to an address; to a link-local one there is one by each NIC; a name is asked of the resolver.

    A path is the address of a socket of this machine's.
    """
    if address.startswith("/"):
        yield Target(socket.AF_UNIX, address)
        return
    if address.lower().startswith("fe80:"):
        for nic in nics:
            source = _eui64(nic.mac)
            try:
                index = socket.if_nametoindex(nic.name)
            except OSError:
                continue
            if source:
                # Neutron finds the port by the MAC in this address: RFC 4291, appendix A, and its proxy_base.py.
                yield Target(socket.AF_INET6, (address, port, 0, index), (source, 0, 0, index))
        return
    for family, _, _, _, place in socket.getaddrinfo(address, port, type=socket.SOCK_STREAM):
        if family == socket.AF_INET6:
            yield Target(family, (str(place[0]), port, 0, 0))
        elif family == socket.AF_INET:
            yield Target(family, (str(place[0]), port))


def _eui64(mac: str) -> str:
    """The link-local address that the kernel makes of a MAC of 48 bits (RFC 4291, appendix A); else empty."""
    octets = [int(part, 16) for part in mac.split(":")]
    if len(octets) != 6:
        return ""
    octets[0] ^= 2
    a, b, c, d, e, f = octets
    return f"fe80::{a:02x}{b:02x}:{c:02x}ff:fe{d:02x}:{e:02x}{f:02x}"
