# SPDX-License-Identifier: Apache-2.0
"""What a first boot asks of the kernel, counted: a guard of its speed that needs no clock.

One NIC, an ISO drive, keys, host name, networkd. Counted is the boot alone, not the imports, which have a budget of
their own in ``tests/test_imports.py``: the same boot ran before in the same process.
"""

from __future__ import annotations

import collections
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import MachineDirectory
from tests.test_unchanged import add_disk, add_nic, documents, make_drive

CHECKOUT = Path(__file__).resolve().parent.parent
BOOT = """
import os, sys
sys.path.insert(0, {checkout!r})
sys.stdout = open(os.devnull, "w")
from bootagent import boot
from bootagent.report import console_block
from bootagent.root import Root
for root in sys.argv[1:]:
    os.access("/start", os.F_OK)
    sys.stdout.write(console_block(boot.apply(Root(root), {{}})))
"""
# A file: its manifest, two of networkd, keys, host name, hosts. Each is flushed once, and then the directories of them.
# This machine has no directory for any of them: /run, /var/lib and below them ours, /etc/systemd/network, /root/.ssh.
EXACTLY = {"fsync": 6 + 4, "rename": 6 + 3 + 8, "fork": 0, "execve": 0, "socket": 0}
AT_MOST = {"open": 175, "stat": 60, "read": 45, "write": 12, "getdents": 32}
KINDS = {
    "open": ("openat", "open"),
    "stat": ("newfstatat", "fstatat64", "stat", "lstat", "fstat", "statx"),
    "read": ("read", "pread64"),
    "write": ("write", "pwrite64"),
    "getdents": ("getdents64",),
    "fsync": ("fsync", "fdatasync", "sync", "syncfs"),
    "rename": ("rename", "renameat", "renameat2"),
    "fork": ("clone", "clone3", "fork", "vfork"),
    "execve": ("execve", "execveat"),
    "socket": ("socket",),
}


def make_machine(path: Path, name: str) -> MachineDirectory:
    """A machine that has not booted yet."""
    (path / name).mkdir()
    machine = MachineDirectory(path / name)
    add_nic(machine, "ens3", "52:54:00:00:00:0a", "0000:00:03.0")
    key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOflAKvYJxaL6s2wOpnswu59XJc0wvUR+A3PErwCb4+j ann"
    add_disk(machine, "vdb", make_drive(path / f"{name}.drive", documents(key=key)))
    machine.enable("systemd-networkd.service")
    machine.enable("systemd-resolved.service")
    machine.write("/etc/hosts", "127.0.0.1 localhost\n")
    return machine


@pytest.fixture(scope="module")
def counted(tmp_path_factory: pytest.TempPathFactory) -> collections.Counter[str]:
    """The calls of the second of two first boots, by kind."""
    path = tmp_path_factory.mktemp("calls")
    machines = [str(make_machine(path, name)) for name in ("warm", "cold")]
    log = path / "log"
    code = BOOT.format(checkout=str(CHECKOUT))
    command = ["strace", "-f", "-qq", "-o", str(log), sys.executable, "-I", "-S", "-B", "-c", code, *machines]
    subprocess.run(command, check=True, capture_output=True)
    boot = log.read_text().split('access("/start"')[-1]
    names = re.findall(r"^\d+ +(\w+)\(", boot, re.MULTILINE)
    kind_of = {name: kind for kind, all_names in KINDS.items() for name in all_names}
    return collections.Counter(kind_of[name] for name in names if name in kind_of)


@pytest.mark.parametrize("kind", EXACTLY)
def test_what_costs_most_is_done_as_often_as_it_must(counted: collections.Counter[str], kind: str) -> None:
    assert counted[kind] == EXACTLY[kind]


@pytest.mark.parametrize("kind", AT_MOST)
def test_no_more_calls_than_the_list_says(counted: collections.Counter[str], kind: str) -> None:
    assert 0 < counted[kind] <= AT_MOST[kind]
