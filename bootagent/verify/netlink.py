# SPDX-License-Identifier: Apache-2.0
"""The kernel's tables of links, addresses and neighbours as rtnetlink(7) gives them, and word of their changes.

Read and heard only: nothing here asks the kernel for a change.  Formats: include/uapi/linux/netlink.h, rtnetlink.h,
if_link.h, if_addr.h and neighbour.h; https://docs.kernel.org/userspace-api/netlink/intro.html.
"""

from __future__ import annotations

import os
import select
import socket
import struct
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

LINKS, ADDRESSES, NEIGHBOURS = 18, 22, 30  # RTM_GETLINK, RTM_GETADDR, RTM_GETNEIGH
BODIES = {LINKS: 16, ADDRESSES: 8, NEIGHBOURS: 12}  # bytes of ifinfomsg, ifaddrmsg, ndmsg
_DUMP = 0x301  # NLM_F_REQUEST | NLM_F_DUMP
_ERROR, _DONE = 2, 3
_HEADER = struct.Struct("=IHHII")  # nlmsghdr: length, type, flags, sequence, port
_ATTRIBUTE = struct.Struct("=HH")  # nlattr: length, type
_TYPE = 0x3FFF  # NLA_TYPE_MASK
# RTMGRP_LINK, RTMGRP_NEIGH, and _IFADDR and _ROUTE of IPv4 and IPv6.
_GROUPS = 0x1 | 0x4 | 0x10 | 0x40 | 0x100 | 0x400
_ROOM = 1 << 17  # bytes of one answer; the kernel makes them of 32 KiB at most
_SETTLE = 0.5  # seconds: changes come in flocks


def dump(table: int) -> Iterator[tuple[bytes, dict[int, bytes]]]:
    """Each entry of a table: its fixed part, and its attributes by their number; or an ``OSError``."""
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, socket.NETLINK_ROUTE) as asked:
        asked.settimeout(5)
        asked.bind((0, 0))
        body = bytes(BODIES[table])
        asked.send(_HEADER.pack(_HEADER.size + len(body), table, _DUMP, 1, 0) + body)
        while True:
            answer = asked.recv(_ROOM)
            at = 0
            while at + _HEADER.size <= len(answer):
                length, kind = _HEADER.unpack_from(answer, at)[:2]
                message = answer[at + _HEADER.size : at + length]
                if kind == _DONE or length < _HEADER.size:
                    return
                if kind == _ERROR:
                    number = -struct.unpack_from("=i", message)[0]
                    raise OSError(number, os.strerror(number))
                yield message[: BODIES[table]], parse_attributes(message[BODIES[table] :])
                at += (length + 3) & ~3


def parse_attributes(data: bytes) -> dict[int, bytes]:
    """Attributes by their number; those of a nested one are parsed from its value likewise."""
    found = {}
    at = 0
    while at + _ATTRIBUTE.size <= len(data):
        length, kind = _ATTRIBUTE.unpack_from(data, at)
        if length < _ATTRIBUTE.size:
            break
        found[kind & _TYPE] = data[at + _ATTRIBUTE.size : at + length]
        at += (length + 3) & ~3
    return found


class Listener:
    """Hears of changes to links, addresses, neighbours and routes: ``with Listener() as listener``."""

    def __init__(self) -> None:
        flags = socket.SOCK_RAW | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK
        self._socket = socket.socket(socket.AF_NETLINK, flags, socket.NETLINK_ROUTE)
        self._socket.bind((0, _GROUPS))

    def __enter__(self) -> Listener:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def wait(self, seconds: float) -> bool:
        """Whether something changed within so many seconds; what comes with it is waited for, a little."""
        if not select.select([self._socket], [], [], max(seconds, 0))[0]:
            return False
        time.sleep(_SETTLE)
        while True:
            try:
                self._socket.recv(_ROOM)
            except BlockingIOError:
                return True
            except OSError:  # ENOBUFS: more changes than there was room for
                continue
