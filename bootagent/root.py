# SPDX-License-Identifier: Apache-2.0
"""One directory that stands for the machine: ``/``, an image's tree, a test's.

Every path is taken as if the process were chrooted there: symlinks are followed inside and cannot lead out.  A symlink
is believed only if it and the directory that holds it belong to root (or to whoever runs us), so that an unprivileged
user cannot steer a write, the idea of fs.protected_symlinks, https://docs.kernel.org/admin-guide/sysctl/fs.html.
"""

from __future__ import annotations

import errno
import os
import stat

MAX_READ = 1 << 20  # bytes of any file that is read whole: documents, /etc/passwd, authorized_keys
_MAX_LINKS = 40  # as the kernel's MAXSYMLINKS
_MAX_PASSED = 64  # descriptors that are kept, of the 1024 that a process has
_OPEN_DIR = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class Root:
    """All access to the machine's files below one directory."""

    def __init__(self, path: str = "/") -> None:
        self.path = os.path.realpath(path)
        self.live = self.path == "/"
        self._trusted = {0, os.geteuid()}
        # Directories on the way to what was asked for, because most of it lies side by side: by the path that was asked
        # for, a descriptor, and the path without symlinks.
        self._passed: dict[str, tuple[int, str]] = {}

    def __del__(self) -> None:
        self._forget()

    def _forget(self) -> None:
        while self._passed:
            os.close(self._passed.popitem()[1][0])

    def host_path(self, path: str) -> str:
        """Where ``path`` is outside the root, symlinks not resolved; for device nodes and messages."""
        return path if self.live else self.path + path

    def open_directory(self, path: str, make: tuple[int, int, int] | None = None) -> int:
        """A descriptor of the directory ``path``; missing ones are made with ``make`` = (mode, uid, gid)."""
        return self._walk(path, make) if make else self._open(path)[0]

    def resolve(self, path: str) -> str:
        """The directory that ``path`` leads to, without symlinks, inside the root; ``OSError`` where there is none."""
        fd, place = self._open(path)
        os.close(fd)
        return place

    def _pass(self, path: str, links: int = 0) -> tuple[int, str]:
        """As ``_open``, but the descriptor is the root's, good until the next call."""
        if path not in self._passed:
            if len(self._passed) >= _MAX_PASSED:
                self._forget()
            self._passed[path] = self._open(path, links)
        return self._passed[path]

    def _open(self, path: str, links: int = 0) -> tuple[int, str]:
        """A descriptor of the directory ``path``, to which so many symlinks led, and where it is without symlinks."""
        parent, _, name = path.rpartition("/")
        if name in ("", ".", ".."):
            fd = self._walk(path, None)
            place = os.readlink(f"/proc/self/fd/{fd}")
            return fd, place.rstrip("/") if self.live else place[len(self.path) :]
        directory, place = self._pass(parent, links)
        try:
            return os.open(name, _OPEN_DIR, dir_fd=directory), f"{place}/{name}"
        except OSError as error:
            target = self._follow(error.errno, name, directory, links)
            if target is None:
                raise
        return self._open(_join(place, target), links + 1)

    def _follow(self, error: int | None, name: str, directory: int, links: int) -> str | None:
        """The target of ``name``, which could not be opened; ``None`` where it is no symlink."""
        if error not in (errno.ELOOP, errno.ENOTDIR):
            return None
        if links >= _MAX_LINKS:
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), name) from None
        status = os.stat(name, dir_fd=directory, follow_symlinks=False)
        if not stat.S_ISLNK(status.st_mode):
            return None
        if not {status.st_uid, os.fstat(directory).st_uid} <= self._trusted:
            raise OSError(errno.EPERM, "symlink of an unprivileged user", name) from None
        return os.readlink(name, dir_fd=directory)

    def _walk(self, path: str, make: tuple[int, int, int] | None) -> int:
        """The directory ``path`` step by step, each symlink looked at."""
        chain = [os.open(self.path, _OPEN_DIR)]
        pending = [part for part in path.split("/") if part][::-1]
        links = 0
        try:
            while pending:
                part = pending.pop()
                if part == "..":
                    if len(chain) > 1:
                        os.close(chain.pop())
                elif part != ".":
                    target = self._step(chain, part, make, links)
                    if target is not None:
                        links += 1
                        if target.startswith("/"):
                            while len(chain) > 1:
                                os.close(chain.pop())
                        pending += [piece for piece in target.split("/") if piece][::-1]
            return chain.pop()
        finally:
            for fd in chain:
                os.close(fd)

    def _step(self, chain: list[int], part: str, make: tuple[int, int, int] | None, links: int) -> str | None:
        """Open ``part`` below the last of ``chain`` and append it, or return the target of the symlink that it is."""
        here = chain[-1]
        try:
            chain.append(os.open(part, _OPEN_DIR, dir_fd=here))
        except FileNotFoundError:
            if make is None:
                raise
            chain.append(_make_directory(part, here, make))
        except OSError as error:
            target = self._follow(error.errno, part, here, links)
            if target is None:
                raise
            return target
        return None

    def open_file(self, path: str) -> int:
        """A descriptor of a regular file for reading; symlinks as for directories, and never a wait for a FIFO."""
        links = 0
        while True:
            parent, _, name = path.rpartition("/")
            directory, place = self._pass(parent, links)
            try:
                fd = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=directory)
            except OSError as error:
                target = self._follow(error.errno, name, directory, links)
                if target is None:
                    raise
                path = _join(place, target)
                links += 1
                continue
            if not stat.S_ISREG(os.fstat(fd).st_mode):
                os.close(fd)
                raise OSError(errno.EINVAL, "not a regular file", path)
            return fd

    def read(self, path: str, limit: int = MAX_READ) -> bytes | None:
        """The first ``limit`` bytes of a file; ``None`` where there is none, ``OSError`` where it cannot be read."""
        try:
            fd = self.open_file(path)
        except (FileNotFoundError, NotADirectoryError):
            return None
        try:
            parts = []
            while limit > 0:
                part = os.read(fd, min(limit, 65536))
                if not part:
                    break
                parts.append(part)
                limit -= len(part)
            return b"".join(parts)
        finally:
            os.close(fd)

    def names(self, path: str) -> tuple[str, ...]:
        """The names in a directory, sorted; none where there is no directory that we may list."""
        try:
            fd = self.open_directory(path)
        except OSError:
            return ()
        try:
            return tuple(sorted(os.listdir(fd)))
        except OSError:
            return ()
        finally:
            os.close(fd)

    def link(self, path: str) -> str | None:
        """The target of a symlink, ``None`` where there is none."""
        parent, _, name = path.rpartition("/")
        try:
            return os.readlink(name, dir_fd=self._pass(parent)[0])
        except OSError:
            return None

    def exists(self, path: str) -> bool:
        """Whether something has this name, a dangling symlink included."""
        parent, _, name = path.rpartition("/")
        try:
            os.stat(name, dir_fd=self._pass(parent)[0], follow_symlinks=False)
        except OSError:
            return False
        return True


def _make_directory(name: str, parent: int, mode_and_owner: tuple[int, int, int]) -> int:
    """Made under another name, as a file is: mode and owner of what is there are not looked at by the next run."""
    mode, uid, gid = mode_and_owner
    temporary = f".{name}.bootagent"
    try:
        os.mkdir(temporary, 0o700, dir_fd=parent)
    except FileExistsError:  # of a run that was cut
        os.rmdir(temporary, dir_fd=parent)
        os.mkdir(temporary, 0o700, dir_fd=parent)
    fd = os.open(temporary, _OPEN_DIR, dir_fd=parent)
    try:
        os.fchmod(fd, mode)
        if os.geteuid() == 0:
            os.fchown(fd, uid, gid)
        os.rename(temporary, name, src_dir_fd=parent, dst_dir_fd=parent)
    except OSError:
        os.close(fd)
        os.rmdir(temporary, dir_fd=parent)
        raise
    return fd


def _join(place: str, target: str) -> str:
    """Where a symlink in the directory ``place`` leads, which has no symlink itself: above it without a look, then."""
    if target.startswith("/"):
        return target
    while target.startswith("../"):
        place, target = place.rpartition("/")[0], target[3:]
    return f"{place}/{target}"
