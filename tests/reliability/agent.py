# SPDX-License-Identifier: Apache-2.0
"""The agent as a boot starts it, alone or below strace(1), whose ``inject`` has the kernel fail a call for real."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

CHECKOUT = Path(__file__).resolve().parent.parent.parent
MARK = "/start"
# As the launcher of an image; the umask is the unit's.
CODE = f"""\
import gc, os, sys
gc.disable()
os.umask(0o077)
sys.path.insert(0, {str(CHECKOUT)!r})
from bootagent.cli import run
os.access({MARK!r}, os.F_OK)
run()
"""
CHANGING = (
    *("openat", "write", "fsync", "fchmod", "fchown", "rename", "renameat", "renameat2", "unlink", "unlinkat"),
    *("rmdir", "mkdir", "mkdirat", "symlink", "symlinkat", "flock"),
)
READING = ("openat", "read", "pread64", "getdents64", "newfstatat", "fstat", "readlinkat", "readlink", "lseek")


class Call(NamedTuple):
    """One system call of a run: the n-th of its name since the process began."""

    name: str
    number: int
    line: str

    @property
    def changes(self) -> bool:
        """Whether it may change the machine."""
        return self.name in CHANGING and (self.name != "openat" or "O_CREAT" in self.line)

    @property
    def of_interpreter(self) -> bool:
        """Whether it looks for a module, or reads one."""
        return any(word in self.line for word in (sys.base_prefix, str(CHECKOUT), "site-packages"))


def command(path: Path) -> list[str]:
    """The boot of the machine at ``path``."""
    return [sys.executable, "-I", "-S", "-B", "-c", CODE, "apply", "--root", str(path)]


def run_agent(path: Path, *prefix: str) -> subprocess.CompletedProcess[str]:
    """Boot, below the program that ``prefix`` names."""
    words = [*prefix, *command(path)]
    return subprocess.run(words, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)


def inject(*rules: str, log: str = "/dev/null") -> list[str]:
    """The strace that does this to the agent's calls: ``fsync:error=EIO:when=3``."""
    names = ",".join(rule.partition(":")[0] for rule in rules)
    asked = [word for rule in rules for word in ("-e", f"inject={rule}")]
    return ["strace", "-f", "-qq", "-o", log, "-e", f"trace={names}", *asked]


def list_calls(path: Path, log: Path) -> list[Call]:
    """Boot, and list each system call since the interpreter was ready."""
    done = run_agent(path, "strace", "-f", "-qq", "-y", "-s", "200", "-o", str(log))
    assert (done.returncode, done.stderr) == (0, "")
    calls: list[Call] = []
    counts: dict[str, int] = {}
    marked = 0
    for line in log.read_text(encoding="utf-8", errors="replace").splitlines():
        match = re.match(r"\d+ +(\w+)\(", line)
        if match:
            name = match[1]
            counts[name] = counts.get(name, 0) + 1
            calls.append(Call(name, counts[name], line.partition(" ")[2].strip()))
            marked = len(calls) if f'"{MARK}"' in line else marked
    assert marked
    return calls[marked:]
