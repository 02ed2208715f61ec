# SPDX-License-Identifier: Apache-2.0
"""Names that come into a directory, one that may itself be still to come: inotify(7), by way of the C library.

It hears from the moment when it is made.  Who then looks whether what is waited for is there, and after that waits,
misses nothing.
"""

from __future__ import annotations

import errno
import os
import select
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

# sys/inotify.h, whose IN_CLOEXEC and IN_NONBLOCK are O_CLOEXEC and O_NONBLOCK.
IN_MOVED_TO = 0x00000080
IN_CREATE = 0x00000100
IN_ONLYDIR = 0x01000000
EVENT = "iIII"  # struct inotify_event: number of the watch, mask, cookie, bytes of the name that is behind
BUFFER = 65536


class Watch:
    """What gets a name in ``directory`` that begins with ``prefix``; ``OSError`` where the kernel does not tell."""

    def __init__(self, directory: str, prefix: str) -> None:
        import ctypes  # nobody else has a use for it, and few have to wait

        self._library = ctypes.CDLL(None, use_errno=True)
        self._errno = ctypes.get_errno
        self._directory = directory
        self._prefix = prefix.encode()
        self._fd = self._check(self._library.inotify_init1(os.O_CLOEXEC | os.O_NONBLOCK), "inotify")
        self._poll = select.poll()
        self._poll.register(self._fd, select.POLLIN)
        try:
            self._number = self._watch(directory)
        except OSError:
            self.close()
            raise

    def wait(self, seconds: float) -> None:
        """Until there is a reason to look, or the time is over."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0 and self._poll.poll(left * 1000):
            events = list(self._read())
            # Of a directory above, of one that went, or that there were too many to be told.
            if any(number != self._number or not name for number, name in events):
                self._number = self._watch(self._directory)
                return
            if any(name.startswith(self._prefix) for _, name in events):
                return

    def close(self) -> None:
        """Hear nothing any more."""
        os.close(self._fd)

    def _watch(self, path: str) -> int:
        """Watch a directory; where it is not there, what is above it, and then once more: it may have come since."""
        number = self._add(path)
        if number < 0:
            self._watch(os.path.dirname(path))
            number = self._add(path)
        return number

    def _add(self, path: str) -> int:
        """The number of the directory's watch, which it keeps; less than 0 where it is not there."""
        number: int = self._library.inotify_add_watch(self._fd, os.fsencode(path), IN_MOVED_TO | IN_CREATE | IN_ONLYDIR)
        if number < 0 and self._errno() == errno.ENOENT:
            return number
        return self._check(number, path)

    def _check(self, result: int, what: str) -> int:
        if result < 0:
            raise OSError(self._errno(), os.strerror(self._errno()), what)
        return result

    def _read(self) -> Iterator[tuple[int, bytes]]:
        """The number of a watch and the name that came, of each event; no name where it is about the watch itself."""
        import struct

        data = os.read(self._fd, BUFFER)
        place, head = 0, struct.calcsize(EVENT)
        while place < len(data):
            number, _, _, length = struct.unpack_from(EVENT, data, place)
            place += head + length
            yield number, data[place - length : place].rstrip(b"\0")
