# SPDX-License-Identifier: Apache-2.0
"""The switch port that a VLAN leaves: 802.1Q frames on one tap, the same frames untagged on another.

A process of its own, in the network namespace, because not every kernel that runs these tests has 8021q; and the peer
of a VLAN should not be the code under test. ``python3 trunk.py TRUNK_TAP ACCESS_TAP VLAN_ID``.
"""

from __future__ import annotations

import fcntl
import os
import select
import struct
import sys

TUNSETIFF = 0x400454CA
IFF_TAP_NO_PI = 0x0002 | 0x1000
ETHERTYPE_8021Q = b"\x81\x00"
MAC_BYTES = 12
LONGEST_FRAME = 65536


def open_tap(name: str) -> int:
    """The file descriptor of an existing tap."""
    descriptor = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(descriptor, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TAP_NO_PI))
    return descriptor


def untag(frame: bytes, vlan_id: int) -> bytes | None:
    """The frame without its tag; ``None`` for what is not of this VLAN."""
    if frame[MAC_BYTES : MAC_BYTES + 2] != ETHERTYPE_8021Q:
        return None
    (control,) = struct.unpack_from("!H", frame, MAC_BYTES + 2)
    return frame[:MAC_BYTES] + frame[MAC_BYTES + 4 :] if control & 0x0FFF == vlan_id else None


def tag(frame: bytes, vlan_id: int) -> bytes:
    """The frame with the VLAN's tag."""
    return frame[:MAC_BYTES] + ETHERTYPE_8021Q + struct.pack("!H", vlan_id) + frame[MAC_BYTES:]


def main(trunk_name: str, access_name: str, vlan_id: int) -> None:
    """Carry frames until killed."""
    trunk, access = open_tap(trunk_name), open_tap(access_name)
    while True:
        for descriptor in select.select([trunk, access], [], [])[0]:
            frame = os.read(descriptor, LONGEST_FRAME)
            if descriptor == access:
                os.write(trunk, tag(frame, vlan_id))
            elif (untagged := untag(frame, vlan_id)) is not None:
                os.write(access, untagged)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
