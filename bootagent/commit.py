# SPDX-License-Identifier: Apache-2.0
"""The only module that changes the machine.

A file is made under another name in its directory, gets mode, owner and content, is flushed, and then takes the name:
whoever looks sees the old one or the new one.  Directories are flushed together, where the order counts and at the end.
What is as it should be is not touched.  One failed file costs only that file.
"""

from __future__ import annotations

import errno
import fcntl
import os
import stat

from bootagent.errors import BusyError, CommitError
from bootagent.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from bootagent.model.plan import File, Plan
    from bootagent.root import Root

RUN_DIR = "/run/bootagent"
LOCK = f"{RUN_DIR}/lock"
KERNEL_HOSTNAME = "/proc/sys/kernel/hostname"
# Of selinuxfs, where a policy is loaded; and what gives files the labels that it has for them, restorecon(8).
SELINUX = "/sys/fs/selinux/enforce"
RESTORECON = ("/usr/sbin/restorecon", "/sbin/restorecon")
NETPLAN = ("/usr/libexec/netplan/generate", "/usr/lib/netplan/generate", "/lib/netplan/generate")


class Change(Record):
    """What became of one file or action."""

    path: str
    result: str  # "written", "unchanged", "removed", "done" or "failed"
    error: str | None = None  # of "failed": one line that names the path


class Lock:
    """The one agent at work on a root: ``with Lock(root):``; if there is another one, it ``waits``, or ``BusyError``.

    The kernel lets go of it however the process ends (flock(2)).
    """

    def __init__(self, root: Root, waits: bool = False) -> None:
        self._how = fcntl.LOCK_EX if waits else fcntl.LOCK_EX | fcntl.LOCK_NB
        for last in (False, False, False, True):
            try:
                self._fd = self._open(root)
                break
            except OSError as error:
                if last or error.errno not in (errno.ENOENT, errno.EEXIST, errno.ENOTEMPTY):
                    raise CommitError(LOCK, f"no lock: {error.strerror}") from error

    @staticmethod
    def _open(root: Root) -> int:
        # Another agent may make the directory at the same time: the lock is not there yet that says whose turn it is.
        directory = root.open_directory(RUN_DIR, make=(0o755, 0, 0))
        try:
            _require_private(directory)
            return os.open("lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600, dir_fd=directory)
        finally:
            os.close(directory)

    def __enter__(self) -> None:
        try:
            fcntl.flock(self._fd, self._how)
        except OSError:
            os.close(self._fd)
            raise BusyError(LOCK, "another bootagent is at work") from None

    def __exit__(self, *_: object) -> None:
        os.close(self._fd)


class Writer:
    """Makes the changes of one run; ``flush`` has the directories that it changed on the disk, and ``close`` too."""

    def __init__(self, root: Root) -> None:
        self._root = root
        self._directories: dict[str, int] = {}
        self._changed: set[str] = set()
        self._ids: dict[str, dict[str, int]] = {}
        self._wanted: dict[str, None] = {}

    def commit(self, plan: Plan) -> tuple[Change, ...]:
        """Carry out a plan, files first."""
        return tuple([self.write(file) for file in plan.files] + [self.run(*action) for action in plan.actions])

    def write(self, file: File, durable: bool = True) -> Change:
        """Put one file in place; ``durable`` is False for files that need not outlive the boot."""
        self._wanted[file.path] = None
        try:
            return Change(file.path, "written" if self._put(file, durable) else "unchanged")
        except OSError as error:
            return Change(file.path, "failed", f"{file.path}: {error.strerror}")

    def run(self, name: str, argument: str) -> Change:
        """Carry out one action."""
        try:
            if name == "remove":
                return Change(argument, "removed" if self._remove(argument) else "unchanged")
            if name == "set-hostname":
                self._set_hostname(argument)
                return Change(KERNEL_HOSTNAME, "done")
            if name == "netplan-generate":
                self._generate_netplan()
                return Change(argument, "done")
        except OSError as error:
            return Change(argument, "failed", f"{argument}: {name}: {error.strerror}")
        raise ValueError(f"no action {name}")

    def relabel(self) -> tuple[Change, ...]:
        """With SELinux, give all files that were to be there, and their directories, the labels of the policy.

        What is made anew has its directory's instead: with that, sshd may not read a key.  What did not change may be
        from a run that a power cut ended before this.
        """
        if not self._root.live or not self._wanted or not os.path.exists(SELINUX):
            return ()
        paths = dict.fromkeys(place for path in self._wanted for place in (path.rpartition("/")[0], path))
        try:
            self._spawn(RESTORECON, "-i", *paths)
        except OSError as error:
            return (Change(SELINUX, "failed", f"restorecon: {error.strerror}"),)
        return ()

    def mix(self, seed: bytes) -> None:
        """Stir the kernel's random pool, which never makes it worse and needs no power: random(4).

        It is not credited as entropy: that needs CAP_SYS_ADMIN, and bootagent-seed.service has it.
        """
        try:
            fd = os.open(self._root.host_path("/dev/urandom"), os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except OSError:  # an image's tree has none
            return
        try:
            os.write(fd, seed)
        finally:
            os.close(fd)

    def flush(self) -> tuple[Change, ...]:
        """Flush the directories that were changed so far; what could not be flushed is returned."""
        failed = []
        for path in sorted(self._changed):
            try:
                os.fsync(self._directories[path])
            except OSError as error:
                failed.append(Change(path, "failed", f"{path}: {error.strerror}"))
        self._changed.clear()
        return tuple(failed)

    def close(self) -> tuple[Change, ...]:
        """Flush, and let go of all directories; what could not be flushed is returned."""
        failed = self.flush()
        while self._directories:
            os.close(self._directories.popitem()[1])
        return failed

    def _put(self, file: File, durable: bool) -> bool:
        parent, _, name = file.path.rpartition("/")
        uid, gid = self._owner(file.owner)
        is_link = stat.S_ISLNK(file.mode)
        private = file.mode & 0o077 == 0
        directory = self._directory(parent, (0o700, uid, gid) if private else (0o755, 0, 0))
        content = file.content.encode("utf-8", "surrogateescape")
        if is_link:
            if _link_target(directory, name) == file.content:
                return False
        elif _is_there(directory, name, content, file.mode, uid, gid):
            return False
        temporary = f".{name}.bootagent"
        _unlink(temporary, directory)
        try:
            if is_link:
                os.symlink(file.content, temporary, dir_fd=directory)
            else:
                self._fill(temporary, directory, content, (file.mode, uid, gid), durable)
            os.rename(temporary, name, src_dir_fd=directory, dst_dir_fd=directory)
        except OSError:
            _unlink(temporary, directory)
            raise
        if durable:
            self._changed.add(parent)
        return True

    @staticmethod
    def _fill(name: str, directory: int, content: bytes, mode_and_owner: tuple[int, int, int], durable: bool) -> None:
        fd = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600, dir_fd=directory)
        try:
            view = memoryview(content)
            while view:
                view = view[os.write(fd, view) :]
            mode, uid, gid = mode_and_owner
            if os.geteuid() == 0:
                os.fchown(fd, uid, gid)
            os.fchmod(fd, mode)
            if durable:
                os.fsync(fd)
        finally:
            os.close(fd)

    def _remove(self, path: str) -> bool:
        parent, _, name = path.rpartition("/")
        try:
            directory = self._directory(parent, None)
        except FileNotFoundError:
            return False
        if not _unlink(name, directory):
            return False
        self._changed.add(parent)
        return True

    def _set_hostname(self, name: str) -> None:
        # The sysctl needs uid 0 and no capability, unlike sethostname(2), which needs CAP_SYS_ADMIN.
        fd = os.open(self._root.host_path(KERNEL_HOSTNAME), os.O_WRONLY | os.O_CLOEXEC)
        try:
            os.write(fd, name.encode("ascii"))
        finally:
            os.close(fd)

    def _generate_netplan(self) -> None:
        """Have netplan write its daemons' files: as a generator of systemd it ran before ours were there.

        The program behind ``netplan generate``, netplan-generate(8): without a Python of its own.
        """
        umask = os.umask(0o022)  # with ours, systemd-networkd could not read what it writes
        try:
            self._spawn(NETPLAN)
        finally:
            os.umask(umask)

    def _spawn(self, programs: tuple[str, ...], *arguments: str) -> None:
        """Run the first of these that is installed, to its end."""
        for program in programs:
            if self._root.exists(program):
                # netplan asks systemctl(1) things, whose answers do not belong on the console.
                silent = [(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]
                child = os.posix_spawn(program, [program, *arguments], os.environ, file_actions=silent)
                code = os.waitpid(child, 0)[1]
                if code:
                    raise OSError(errno.EIO, f"{program} ended with {os.waitstatus_to_exitcode(code)}")
                return
        raise FileNotFoundError(errno.ENOENT, f"{programs[0]} is not installed")

    def _directory(self, path: str, make: tuple[int, int, int] | None) -> int:
        if path not in self._directories:
            self._directories[path] = self._root.open_directory(path, make)
        return self._directories[path]

    def _owner(self, owner: str) -> tuple[int, int]:
        """uid and gid of ``user:group`` in the root's own tables; root where the root has no such name."""
        user, _, group = owner.partition(":")
        return self._id("/etc/passwd", user), self._id("/etc/group", group)

    def _id(self, table: str, name: str) -> int:
        if name == "root" or name.isdecimal():
            return 0 if name == "root" else int(name)
        if table not in self._ids:
            text = (self._root.read(table) or b"").decode("utf-8", "replace")
            rows = (line.split(":") for line in text.splitlines())
            self._ids[table] = {row[0]: int(row[2]) for row in rows if len(row) > 2 and row[2].isdecimal()}
        return self._ids[table].get(name, 0)


def _require_private(directory: int) -> None:
    """Whoever could write there could have root run what is in it: the directory is refused."""
    status = os.fstat(directory)
    if status.st_uid not in (0, os.geteuid()) or status.st_mode & 0o022:
        raise OSError(errno.EPERM, f"{RUN_DIR} is another user's to write to")


def _is_there(directory: int, name: str, content: bytes, mode: int, uid: int, gid: int) -> bool:
    try:
        fd = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=directory)
    except OSError:
        return False
    try:
        status = os.fstat(fd)
        same_owner = (status.st_uid, status.st_gid) == (uid, gid) or os.geteuid() != 0
        if not stat.S_ISREG(status.st_mode) or status.st_size != len(content) or not same_owner:
            return False
        return stat.S_IMODE(status.st_mode) == mode and os.read(fd, len(content) + 1) == content
    finally:
        os.close(fd)


def _link_target(directory: int, name: str) -> str | None:
    try:
        return os.readlink(name, dir_fd=directory)
    except OSError:
        return None


def _unlink(name: str, directory: int) -> bool:
    try:
        os.unlink(name, dir_fd=directory)
    except FileNotFoundError:
        return False
    return True
