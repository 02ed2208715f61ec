# SPDX-License-Identifier: Apache-2.0
"""A scratch machine mounted as a running system has it: starts commands in it, and measures, traces and checks them.

To be used in mount and UTS namespaces of its own. Each command is started by the machine's shell, which then becomes
an interpreter that prints the rusage of the shell's children: a process starts with the peak memory of the one that it
was forked from, and a shell has little.
"""

from __future__ import annotations

import collections
import json
import os
import re
import shlex
import shutil
import socket
import stat
import subprocess
import tempfile
import time
from typing import TYPE_CHECKING, NamedTuple

from . import documents

if TYPE_CHECKING:
    import pathlib

UNITS = "usr/lib/systemd/system"
BOOT_UNIT = "bootagent.service"
CHECK_UNIT = "bootagent-unchanged.service"  # what a boot starts instead where nothing changed
UNCHANGED = "run/bootagent/unchanged"
STATE = "var/lib/bootagent"
PYTHON = "/usr/bin/python3"
REPORT = f"""\
echo >&3
"$@" >/dev/null
code=$?
echo >&3
exec {PYTHON} -I -S -c '
import resource, sys
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(sys.argv[1], used.ru_utime + used.ru_stime, used.ru_maxrss)' $code
"""
# What PID 1 gives a service.
ENVIRONMENT = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin", "LANG": "C.UTF-8"}
NODES = {"null": (1, 3), "zero": (1, 5), "full": (1, 7), "random": (1, 8), "urandom": (1, 9)}
WRITTEN = ("etc", "root", "tmp")  # where the agents write what stays, but for their directories in /var/lib
# The calls that get a column of their own, by the names that they have in strace.
KINDS = {
    "openat": ("open", "openat", "openat2"),
    "read": ("read", "pread64", "readv", "preadv"),
    "write": ("write", "pwrite64", "writev", "pwritev"),
    "stat": ("stat", "lstat", "fstat", "newfstatat", "statx"),
    "fsync": ("fsync", "fdatasync", "sync", "syncfs"),
    "rename": ("rename", "renameat", "renameat2"),
    "execve": ("execve", "execveat"),
    "fork": ("clone", "clone3", "fork", "vfork"),
}
CALL = re.compile(r"(\d+) +(\w+)\(")
# The first file that an interpreter opens of its library, whoever started it and by whatever name.
INTERPRETER = re.compile(r'(\d+) +openat\(.*"/usr/lib/python3[^"]*/encodings')


class Usage(NamedTuple):
    """Of one command, all its processes: seconds, seconds, and KiB of the largest."""

    cpu: float
    wall: float
    peak_kib: int


class Machine:
    """The tree, mounted as a running system has it."""

    def __init__(self, tree: pathlib.Path, sysfs: pathlib.Path, devices: dict[str, str]) -> None:
        self.tree = tree
        for kind, name in (("proc", "proc"), ("tmpfs", "sys"), ("tmpfs", "run"), ("tmpfs", "dev")):
            subprocess.run(["mount", "-t", kind, kind, str(tree / name)], check=True)
        shutil.copytree(sysfs, tree / "sys", symlinks=True, dirs_exist_ok=True)
        for name, (major, minor) in NODES.items():
            os.mknod(tree / "dev" / name, stat.S_IFCHR | 0o666, os.makedev(major, minor))
        for name, device in devices.items():
            os.mknod(tree / "dev" / name, stat.S_IFBLK | 0o600, os.stat(device).st_rdev)
        self._before = {path: _content(path) for top in WRITTEN for path in (tree / top).rglob("*")}

    def command(self, unit: str) -> list[str]:
        """What a unit of the agent starts; one that starts more than one command is not what is measured here."""
        (command,) = self._said(unit, "Exec\\w+")
        return shlex.split(command.lstrip("-@:+!"))

    def _said(self, name: str, key: str) -> list[str]:
        """The values of a key, or of some, in a unit of the agent."""
        unit = self.tree / UNITS / name
        return re.findall(rf"^{key}=(.*)$", unit.read_text(encoding="ascii"), re.MULTILINE) if unit.exists() else []

    def reset(self) -> None:
        """As the machine was before it ever booted.

        Nothing is unlinked: ext4 would pass over each inode that was freed within a minute when it looks for a free
        one (``recently_deleted()``), which makes each of many files dearer, and which no first boot has to do.
        """
        aside = tempfile.mkdtemp(prefix="aside.", dir=self.tree.parent)
        written = [path for top in WRITTEN for path in (self.tree / top).rglob("*") if path not in self._before]
        for number, path in enumerate(sorted(written, reverse=True)):
            path.rename(f"{aside}/{number}")
        for path, content in self._before.items():
            if content is not None and _content(path) != content:
                path.write_bytes(content)
        if (self.tree / STATE).exists():
            (self.tree / STATE).rename(f"{aside}/state")
        self.power_on()

    def power_on(self) -> None:
        """/run has what systemd makes for the unit, the kernel has the name in /etc/hostname; all writing is over."""
        for path in (self.tree / "run").iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        for unit in (BOOT_UNIT, CHECK_UNIT):
            for name in self._said(unit, "RuntimeDirectory"):
                (self.tree / "run" / name).mkdir(mode=0o755, exist_ok=True)
        socket.sethostname((self.tree / "etc/hostname").read_text(encoding="ascii").strip())
        os.sync()

    def measure(self, command: list[str]) -> Usage:
        """Run it; ``RuntimeError`` if it fails."""
        read_end, write_end = os.pipe()
        shell = ["chroot", str(self.tree), "/bin/sh", "-c", f"exec 3>&{write_end}\n{REPORT}", "sh", *command]
        with subprocess.Popen(
            shell,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            pass_fds=(write_end,),
            env=ENVIRONMENT,
            text=True,
        ) as process:
            os.close(write_end)
            with os.fdopen(read_end, "rb", buffering=0) as marks:
                moments = [time.perf_counter() for _ in iter(lambda: marks.read(1), b"")]
            output, errors = process.communicate()
        words = output.split()
        if process.returncode or len(words) != 3 or words[0] != "0":
            message = f"{shlex.join(command)} failed: {output}{errors}"
            raise RuntimeError(message)
        return Usage(float(words[1]), moments[1] - moments[0], int(words[2]))

    def trace(self, command: list[str]) -> dict[str, int]:
        """The system calls of a command, all its processes, by kind."""
        log = self.tree.parent / "calls"
        strace = ["strace", "-f", "-qq", "-o", str(log)]
        subprocess.run(
            [*strace, "chroot", str(self.tree), *command],
            check=True,
            env=ENVIRONMENT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )
        return count_calls(log.read_text(encoding="utf-8", errors="replace"), command[0])

    def require_links(self, directory: str, number: int) -> None:
        """``RuntimeError`` unless the files below this directory have the address of each of so many links."""
        written = "".join(path.read_text() for path in (self.tree / directory).iterdir() if path.is_file())
        for index in range(number):
            if not re.search(rf"\b{re.escape(documents.address(index))}\b", written):
                raise RuntimeError(f"{directory} lacks {documents.address(index)}")
        if not re.search(rf"\b{re.escape(documents.GATEWAY)}\b", written):
            raise RuntimeError(f"{directory} lacks the gateway")

    def require_login(self) -> None:
        """``RuntimeError`` unless the key and the host name are in their files."""
        if documents.KEY not in (self.tree / "root/.ssh/authorized_keys").read_text():
            raise RuntimeError("the key is not in authorized_keys")
        if (self.tree / "etc/hostname").read_text().strip() != documents.HOSTNAME:
            raise RuntimeError("the host name was not written")

    def require_ok(self) -> None:
        """``RuntimeError`` unless the agent says of this boot that all is well, and the name is the kernel's."""
        status = json.loads((self.tree / "run/bootagent/status.json").read_text())
        if status["state"] != "ok":
            raise RuntimeError(f"status: {status['state']}: {status['problems']}")
        if socket.gethostname() != documents.HOSTNAME:
            raise RuntimeError("the kernel's host name was not set")


def _content(path: pathlib.Path) -> bytes | None:
    """Of a regular file."""
    return path.read_bytes() if path.is_file() and not path.is_symlink() else None


def count_calls(trace: str, program: str) -> dict[str, int]:
    """From what strace wrote, the calls by kind since ``program`` was started, all of them, and how many processes were
    interpreters at some time.
    """
    lines = trace.splitlines()
    # What chroot did itself goes first.
    start = next(number for number, line in enumerate(lines) if f'execve("{program}"' in line)
    called = collections.Counter(found[2] for found in map(CALL.match, lines[start:]) if found)
    calls = {kind: sum(called[name] for name in names) for kind, names in KINDS.items()}
    interpreters = {found[1] for found in map(INTERPRETER.match, lines[start:]) if found}
    return {"total": sum(called.values()), **calls, "interpreters": len(interpreters)}
