# SPDX-License-Identifier: Apache-2.0
"""Bounded, read-only access to a stretch of a drive: the only place where bytes come from an image or a device.

Every size and offset on a drive is a claim. ``Blocks.read`` checks it against what is there before any memory is
taken, and ``Device`` counts the work, so that a hostile image costs a known number of reads and not more.
"""

from __future__ import annotations

import os

from bootagent.errors import MediaError

# A config drive has 64 MiB at most (ironic's partition); who asks for more than all of it walks in circles.
MAX_WORK = 64 << 20
# Below a page a read costs the call, not the bytes.
MIN_COST = 4096
# A byte of a directory costs about 64 times a byte of a file: it is looked at, not copied.
DIRECTORY_COST = 64

# NONBLOCK: a CD drive without a disc does not wait for one; NOCTTY and CLOEXEC as everywhere.
OPEN_FLAGS = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY


class Device:
    """An open image file or block device, its size, and the work done on it so far.

    ``reach`` is the end of the last byte that was read: no byte behind it had a say in anything.
    """

    __slots__ = ("fd", "reach", "size", "work")

    def __init__(self, path: str) -> None:
        self.work = self.reach = 0
        self.fd = os.open(path, OPEN_FLAGS)
        try:
            # Block devices have no st_size; the end can be sought on both.
            self.size = os.lseek(self.fd, 0, os.SEEK_END)
        except OSError:
            self.close()
            raise

    def close(self) -> None:
        """Close once; later reads fail with EBADF and never hit a descriptor that was given out again."""
        fd, self.fd = self.fd, -1
        if fd >= 0:
            os.close(fd)


class Blocks:
    """``size`` bytes of a device from ``start`` on: the whole of it or one partition."""

    __slots__ = ("_device", "_start", "place", "size")

    def __init__(self, device: Device, start: int, size: int, place: str) -> None:
        self._device = device
        self._start = start
        self.size = size
        self.place = place

    def part(self, start: int, size: int, place: str) -> Blocks:
        """A stretch of this stretch, cut where this one ends."""
        return Blocks(self._device, self._start + start, max(0, min(size, self.size - start)), place)

    def read(self, offset: int, size: int, what: str) -> bytes:
        """Exactly ``size`` bytes, or ``MediaError``; ``what`` is for the message."""
        if offset < 0 or size < 0 or offset + size > self.size:
            raise MediaError(
                self.place, f"{what}: bytes {offset} to {offset + size} of {self.size}: damaged or cut off"
            )
        if size == 0:
            return b""
        self.charge(max(size, MIN_COST), what)
        try:
            data = os.pread(self._device.fd, size, self._start + offset)
        except OSError as error:
            raise MediaError(self.place, f"{what}: {error.strerror} at byte {offset}") from error
        self._device.reach = max(self._device.reach, self._start + offset + size)
        if len(data) != size:
            raise MediaError(self.place, f"{what}: {len(data)} of {size} bytes at byte {offset}: cut off")
        return data

    def charge(self, cost: int, what: str) -> None:
        """Count work; a drive that asks for too much of it is refused."""
        self._device.work += cost
        if self._device.work > MAX_WORK:
            raise MediaError(self.place, f"{what}: more reading than any drive needs: damaged, given up")
