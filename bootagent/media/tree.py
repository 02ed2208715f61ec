# SPDX-License-Identifier: Apache-2.0
"""A directory that holds a drive's tree: a mounted drive, a seed directory, a test case.

Links are followed inside of the tree and refused where they lead out of it. Only regular files are opened, and
without waiting: a FIFO or a device node under the name of a document must not hold up the boot.
"""

from __future__ import annotations

import os
import stat

from bootagent.errors import MediaError
from bootagent.media import MAX_FILE, split_path

# NOFOLLOW: the path is resolved already, what is a link now was changed in between.
_FLAGS = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY | os.O_NOFOLLOW


class Tree:
    """``Volume`` over a directory."""

    kind = "directory"

    def __init__(self, path: str, place: str) -> None:
        self.place = place
        self.labels: tuple[str, ...] = ()
        self.serial = ""
        self._root = os.path.realpath(path)

    def read(self, path: str) -> bytes | None:
        """The file's bytes, or None where there is no such file."""
        try:
            real = self._resolve(path)
            if real is None:
                return None
            # Looked at before it is opened: to open some devices is to use them.
            self._check_regular(os.stat(real).st_mode, path)
            return self._content(real, path)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise MediaError(self.place, f"{path}: {error.strerror or error}") from error

    def names(self, path: str) -> tuple[str, ...] | None:
        """The names in a directory, sorted, or None where there is no such directory."""
        try:
            real = self._resolve(path)
            if real is None or not stat.S_ISDIR(os.stat(real).st_mode):
                return None
            return tuple(name for name in sorted(os.listdir(real)) if name.isprintable())
        except FileNotFoundError:
            return None
        except OSError as error:
            raise MediaError(self.place, f"{path}: {error.strerror or error}") from error

    def _resolve(self, path: str) -> str | None:
        """The real path, or None if a name on the way is absent; every step must stay inside of the tree."""
        parts = split_path(path)
        if parts is None:
            return None
        current = self._root
        inside = os.path.join(self._root, "")  # "/" stays "/"
        for part in parts:
            step = os.path.join(current, part)
            if not os.path.lexists(step):
                name = _other_case(current, part)
                if name is None:
                    return None
                step = os.path.join(current, name)
            current = os.path.realpath(step)
            if current != self._root and not current.startswith(inside):
                raise MediaError(self.place, f"{path}: a link that leads out of the drive")
        return current

    def _content(self, real: str, path: str) -> bytes:
        fd = os.open(real, _FLAGS)
        try:
            status = os.fstat(fd)
            self._check_regular(status.st_mode, path)
            pieces = []
            left = MAX_FILE + 1
            # The size of some files is known only at their end, so the limit is one on what is read.
            while left > 0:
                piece = os.read(fd, min(left, 1 << 16))
                if not piece:
                    break
                pieces.append(piece)
                left -= len(piece)
        finally:
            os.close(fd)
        if left <= 0:
            size = max(status.st_size, MAX_FILE + 1)
            raise MediaError(self.place, f"{path}: {size} bytes, more than {MAX_FILE}")
        return b"".join(pieces)

    def _check_regular(self, mode: int, path: str) -> None:
        if stat.S_ISDIR(mode):
            raise MediaError(self.place, f"{path}: a directory, not a file")
        if not stat.S_ISREG(mode):
            raise MediaError(self.place, f"{path}: not a regular file")


def _other_case(directory: str, name: str) -> str | None:
    """The name as the directory has it; a tree that was copied from FAT or plain ISO 9660 may be in upper case."""
    try:
        present = sorted(os.listdir(directory))
    except NotADirectoryError:
        return None
    folded = name.lower()
    for other in present:
        if other.lower() == folded:
            return other
    return None
