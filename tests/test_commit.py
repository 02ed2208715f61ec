# SPDX-License-Identifier: Apache-2.0
"""Commit: each file is old or new, never half; what is right is not touched; one failure costs one file."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from bootagent.commit import Lock, Writer
from bootagent.model.plan import Action, File, Plan
from bootagent.root import Root

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.conftest import MachineDirectory


def commit(machine: MachineDirectory, plan: Plan) -> dict[str, str]:
    writer = Writer(Root(str(machine)))
    changes = [*writer.commit(plan), *writer.close()]
    return {change.path: change.result for change in changes}


def test_files_get_content_mode_and_directories(machine: MachineDirectory) -> None:
    plan = Plan((File("/etc/a/b.conf", "text\n", 0o640), File("/root/.ssh/authorized_keys", "key\n", 0o600)))
    assert commit(machine, plan) == {"/etc/a/b.conf": "written", "/root/.ssh/authorized_keys": "written"}
    assert machine.read("/etc/a/b.conf") == "text\n"
    assert stat.S_IMODE((machine.path / "etc/a/b.conf").stat().st_mode) == 0o640
    assert stat.S_IMODE((machine.path / "etc/a").stat().st_mode) == 0o755
    assert stat.S_IMODE((machine.path / "root/.ssh").stat().st_mode) == 0o700


def test_the_umask_does_not_matter(machine: MachineDirectory) -> None:
    old = os.umask(0o077)
    try:
        commit(machine, Plan((File("/etc/hostname", "web\n"),)))
    finally:
        os.umask(old)
    assert stat.S_IMODE((machine.path / "etc/hostname").stat().st_mode) == 0o644
    assert stat.S_IMODE((machine.path / "etc").stat().st_mode) == 0o755


def test_a_second_commit_touches_nothing(machine: MachineDirectory) -> None:
    plan = Plan((File("/etc/hostname", "web\n"),))
    commit(machine, plan)
    before = (machine.path / "etc/hostname").stat()
    assert commit(machine, plan) == {"/etc/hostname": "unchanged"}
    after = (machine.path / "etc/hostname").stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


@pytest.mark.parametrize("damage", ["content", "mode"])
def test_a_file_that_differs_is_replaced_by_another_inode(machine: MachineDirectory, damage: str) -> None:
    place = machine.write("/etc/hostname", "web\n")
    if damage == "content":
        place.write_text("wab\n")
    else:
        place.chmod(0o666)
    inode = place.stat().st_ino
    assert commit(machine, Plan((File("/etc/hostname", "web\n"),))) == {"/etc/hostname": "written"}
    assert place.read_text() == "web\n"
    assert stat.S_IMODE(place.stat().st_mode) == 0o644
    assert place.stat().st_ino != inode


def test_a_dangling_symlink_is_replaced_itself(machine: MachineDirectory) -> None:
    (machine.path / "etc").mkdir()
    (machine.path / "etc/resolv.conf").symlink_to("../run/systemd/resolve/stub-resolv.conf")
    commit(machine, Plan((File("/etc/resolv.conf", "nameserver 192.0.2.53\n"),)))
    assert not (machine.path / "etc/resolv.conf").is_symlink()
    assert machine.read("/etc/resolv.conf") == "nameserver 192.0.2.53\n"


def test_a_directory_in_the_way_costs_only_its_file(machine: MachineDirectory) -> None:
    (machine.path / "etc/hostname").mkdir(parents=True)
    plan = Plan((File("/etc/hostname", "web\n"), File("/etc/hosts", "127.0.0.1 localhost\n")))
    assert commit(machine, plan) == {"/etc/hostname": "failed", "/etc/hosts": "written"}
    assert [entry for entry in os.listdir(machine.path / "etc") if "bootagent" in entry] == []


def test_remove_takes_a_file_and_forgives_its_absence(machine: MachineDirectory) -> None:
    machine.write("/etc/old", "x")
    plan = Plan(actions=(Action("remove", "/etc/old"), Action("remove", "/etc/none"), Action("remove", "/no/dir")))
    assert commit(machine, plan) == {"/etc/old": "removed", "/etc/none": "unchanged", "/no/dir": "unchanged"}
    assert not machine.has("/etc/old")


def test_owners_are_looked_up_in_the_root(machine: MachineDirectory) -> None:
    machine.write("/etc/passwd", "root:x:0:0::/root:/bin/sh\nsystemd-network:x:991:990::/:/bin/false\n")
    machine.write("/etc/group", "root:x:0:\nsystemd-network:x:993:\n")
    commit(machine, Plan((File("/etc/n", "x", 0o640, "root:systemd-network"), File("/u", "x", 0o600, "nobody:1234"))))
    assert (machine.path / "etc/n").stat().st_uid == 0
    assert (machine.path / "etc/n").stat().st_gid == 993
    assert (machine.path / "u").stat().st_gid == 1234


def test_a_users_symlink_does_not_redirect_the_keys(machine: MachineDirectory) -> None:
    (machine.path / "etc").mkdir()
    home = machine.path / "home/user"
    home.mkdir(parents=True)
    (home / ".ssh").symlink_to("/etc")
    os.chown(home, 1000, 1000)
    plan = Plan((File("/home/user/.ssh/authorized_keys", "key\n", 0o600, "1000:1000"),))
    assert commit(machine, plan) == {"/home/user/.ssh/authorized_keys": "failed"}
    assert os.listdir(machine.path / "etc") == []


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system with room for a few pages."""
    place = tmp_path / "small"
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16k", "none", str(place)], check=True)
    yield place
    subprocess.run(["umount", str(place)], check=True)


def test_a_full_disk_keeps_the_old_file(small_disk: Path) -> None:
    (small_disk / "etc").mkdir()
    (small_disk / "etc/hosts").write_text("127.0.0.1 localhost\n")
    with (small_disk / "filler").open("wb", buffering=0) as filler, pytest.raises(OSError, match="space"):
        while True:
            filler.write(b"x" * 4096)
    writer = Writer(Root(str(small_disk)))
    change = writer.write(File("/etc/hosts", "new\n" * 2000))
    writer.close()
    assert change.result == "failed"
    assert change.error == "/etc/hosts: No space left on device"
    assert (small_disk / "etc/hosts").read_text() == "127.0.0.1 localhost\n"
    assert os.listdir(small_disk / "etc") == ["hosts"]


def test_a_read_only_file_system_is_one_line_a_file(small_disk: Path) -> None:
    (small_disk / "etc").mkdir()
    (small_disk / "etc/hosts").write_text("127.0.0.1 localhost\n")
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    writer = Writer(Root(str(small_disk)))
    change = writer.write(File("/etc/hosts", "new\n"))
    writer.close()
    assert change.error == "/etc/hosts: Read-only file system"
    assert (small_disk / "etc/hosts").read_text() == "127.0.0.1 localhost\n"


def test_the_lock_holds_against_another_process_and_is_let_go(machine: MachineDirectory) -> None:
    code = (
        f"from bootagent.commit import Lock\nfrom bootagent.root import Root\nwith Lock(Root({str(machine)!r})): pass"
    )
    command = [sys.executable, "-c", code]
    with Lock(Root(str(machine))):
        other = subprocess.run(command, capture_output=True, text=True, check=False)
        assert other.stderr.splitlines()[-1].endswith("BusyError: /run/bootagent/lock: another bootagent is at work")
    subprocess.run(command, check=True)


KILLABLE = "openat,write,fchmod,fchown,fsync,rename,renameat,renameat2,unlinkat,close"
PROGRAM = """
import sys
from bootagent.commit import Writer
from bootagent.model.plan import File, Plan
from bootagent.root import Root
root = Root(sys.argv[1])
open(sys.argv[2], "wb", 0).close()
writer = Writer(root)
writer.commit(Plan(tuple(File(f"/etc/{name}", f"new {name}\\n") for name in ("one", "two", "three"))))
writer.close()
"""


def run_traced(machine: MachineDirectory, *options: str) -> subprocess.CompletedProcess[str]:
    ready = str(machine.path / "ready")
    command = ["strace", "-qq", *options, sys.executable, "-c", PROGRAM, str(machine), ready]
    # Bytecode of its own: what others compile meanwhile would change the number of calls.
    environment = {**os.environ, "PYTHONPYCACHEPREFIX": str(machine.path.parent / "bytecode")}
    return subprocess.run(command, check=False, capture_output=True, text=True, env=environment)


def prepare_old(machine: MachineDirectory) -> None:
    machine.write("/etc/one", "old one\n")
    machine.write("/etc/two", "old two\n")
    (machine.path / "etc/three").unlink(missing_ok=True)


def test_a_kill_at_any_system_call_leaves_old_or_new_and_the_next_run_completes(machine: MachineDirectory) -> None:
    """The kernel kills the process at its n-th call, for every n: strace's inject does it for real."""
    run_traced(machine, "-o", "/dev/null")  # compiles
    prepare_old(machine)
    log = machine.path.parent / "log"
    run_traced(machine, "-o", str(log), "-e", f"trace={KILLABLE}")
    calls = log.read_text().splitlines()
    first = next(number for number, line in enumerate(calls) if '/ready"' in line) + 1
    last = max(number for number, line in enumerate(calls) if "fsync" in line) + 1
    assert last - first > 20
    seen = set()
    counts = dict.fromkeys(KILLABLE.split(","), 0)
    for number, line in enumerate(calls[:last]):
        name = line.partition("(")[0]
        counts[name] += 1
        if number < first:
            continue
        prepare_old(machine)
        done = run_traced(machine, "-o", "/dev/null", "-e", f"inject={name}:signal=SIGKILL:when={counts[name]}")
        assert done.returncode != 0
        state = tuple(machine.read(f"/etc/{name}") for name in ("one", "two"))
        assert set(state) <= {"old one\n", "new one\n", "old two\n", "new two\n"}
        assert not machine.has("/etc/three") or machine.read("/etc/three") == "new three\n"
        seen.add(state)
        plan = Plan(tuple(File(f"/etc/{name}", f"new {name}\n") for name in ("one", "two", "three")))
        commit(machine, plan)
        assert sorted(os.listdir(machine.path / "etc")) == ["one", "three", "two"]
        for name in ("one", "two", "three"):
            assert machine.read(f"/etc/{name}") == f"new {name}\n"
    assert ("old one\n", "old two\n") in seen
    assert ("new one\n", "old two\n") in seen


def test_a_symlink_is_made_replaced_and_left_alone(machine: MachineDirectory) -> None:
    """The mode says that it is one."""
    link = File("/etc/init.d/net.eth0", "net.lo", stat.S_IFLNK | 0o777)
    machine.write("/etc/init.d/net.eth0", "a copy that somebody made\n")

    assert commit(machine, Plan((link,))) == {"/etc/init.d/net.eth0": "written"}
    assert os.readlink(machine.path / "etc/init.d/net.eth0") == "net.lo"
    assert commit(machine, Plan((link,))) == {"/etc/init.d/net.eth0": "unchanged"}
    assert commit(machine, Plan(actions=(Action("remove", link.path),))) == {"/etc/init.d/net.eth0": "removed"}
    assert not machine.has("/etc/init.d/net.eth0")


def test_netplan_without_its_generator_is_a_failure_that_costs_nothing_else(machine: MachineDirectory) -> None:
    plan = Plan((File("/etc/hostname", "web\n"),), (Action("netplan-generate", "/etc/netplan"),))
    assert commit(machine, plan) == {"/etc/hostname": "written", "/etc/netplan": "failed"}
