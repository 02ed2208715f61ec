# SPDX-License-Identifier: Apache-2.0
"""An image's tree, and the changes to it: every path is inside the tree, whatever its symlinks say."""

from __future__ import annotations

import contextlib
import fnmatch
import os
import shutil
import stat

from bootagent.root import Root

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator


class Tree:
    """The tree below one directory; ``written`` and ``made`` are the files and the directories that were not there."""

    def __init__(self, path: str) -> None:
        self.path = Root(path).path
        self.written: list[str] = []
        self.made: list[str] = []

    @property
    def root(self) -> Root:
        """The tree for reading, as it is now: a ``Root`` remembers directories, and these come and go."""
        return Root(self.path)

    def is_writable(self, path: str) -> bool:
        """Whether this can be written, or made in the first directory above it that there is."""
        while True:
            try:
                fd = self.root.open_directory(path)
            except FileNotFoundError:
                path = path.rpartition("/")[0]
                continue
            except OSError:
                return False
            try:
                return os.access(f"/proc/self/fd/{fd}", os.W_OK)
            finally:
                os.close(fd)

    def place(self, path: str) -> str:
        """The path outside the tree, its directory made; symlinks such as /lib are followed inside the tree."""
        parent, _, name = path.rpartition("/")
        missing = []
        above = parent
        while above and not self._has_directory(above):
            missing.append(above)
            above = above.rpartition("/")[0]
        fd = self.root.open_directory(parent, make=(0o755, 0, 0))
        self.made += reversed(missing)
        try:
            return f"{os.readlink(f'/proc/self/fd/{fd}')}/{name}"
        finally:
            os.close(fd)

    def _has_directory(self, path: str) -> bool:
        try:
            os.close(self.root.open_directory(path))
        except FileNotFoundError:
            return False
        return True

    def write(self, path: str, content: bytes, mode: int | None = None) -> None:
        """Old or new, whole; without ``mode`` the file keeps its mode and owner.  A symlink becomes a file."""
        place = self.place(path)
        status = os.lstat(place) if os.path.isfile(place) and not os.path.islink(place) else None
        if status is None and not os.path.lexists(place):
            self.written.append(path)
        temporary = f"{place}.bootagent"
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
        with open(temporary, "xb") as file:
            file.write(content)
            kept = stat.S_IMODE(status.st_mode) if status and mode is None else mode
            if status and mode is None:
                os.fchown(file.fileno(), status.st_uid, status.st_gid)
            os.fchmod(file.fileno(), 0o644 if kept is None else kept)
        os.replace(temporary, place)

    def link(self, path: str, target: str) -> None:
        """A symlink, where there is none yet."""
        place = self.place(path)
        if not os.path.islink(place):
            os.symlink(target, place)
            self.written.append(path)

    def empty(self, path: str) -> None:
        """No bytes in this file, which is no symlink: programs that have it open go on writing to it."""
        os.close(os.open(self._existing(path), os.O_WRONLY | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC))

    def remove(self, path: str) -> bool:
        """Remove the file, the symlink or the directory with all that is in it; whether there was anything."""
        try:
            place = self._existing(path)
            if os.path.isdir(place) and not os.path.islink(place):
                shutil.rmtree(place)
            else:
                os.unlink(place)
        except (FileNotFoundError, NotADirectoryError):
            return False
        return True

    def remove_empty(self, path: str) -> None:
        """Remove the directory, if nothing is in it."""
        with contextlib.suppress(OSError):
            os.rmdir(self._existing(path))

    def _existing(self, path: str) -> str:
        parent, _, name = path.rpartition("/")
        fd = self.root.open_directory(parent)
        try:
            return f"{os.readlink(f'/proc/self/fd/{fd}')}/{name}"
        finally:
            os.close(fd)

    def is_file(self, path: str) -> bool:
        """Whether it is a regular file, and no symlink."""
        try:
            return stat.S_ISREG(os.lstat(self._existing(path)).st_mode)
        except OSError:
            return False

    def size(self, path: str) -> int:
        """The bytes of a file."""
        return os.lstat(self._existing(path)).st_size

    def text(self, path: str) -> str:
        """What is in a file, bytes that are no text as ``surrogateescape``; empty where none can be read."""
        try:
            return (self.root.read(path) or b"").decode("utf-8", "surrogateescape")
        except OSError:
            return ""

    def match(self, *patterns: str) -> list[str]:
        """What is there of these patterns, ``*`` in the last part of each, sorted."""
        found: set[str] = set()
        for pattern in patterns:
            directory, _, name = pattern.rpartition("/")
            found.update(f"{directory}/{entry}" for entry in self.root.names(directory) if fnmatch.fnmatch(entry, name))
        return sorted(found)

    def files(self, directory: str) -> Iterator[str]:
        """The regular files below a directory, sorted; symlinks are not followed."""
        for name in self.root.names(directory):
            path = f"{directory}/{name}"
            if self.is_file(path):
                yield path
            elif self.root.link(path) is None:
                yield from self.files(path)
