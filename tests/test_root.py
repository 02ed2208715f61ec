# SPDX-License-Identifier: Apache-2.0
"""A root directory is a chroot: nothing leads out of it, and no unprivileged user steers it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from bootagent.root import Root

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import MachineDirectory


def test_an_absolute_symlink_is_taken_inside_the_root(machine: MachineDirectory) -> None:
    machine.write("/usr/etc/hostname", "inside\n")
    (machine.path / "etc").symlink_to("/usr/etc")
    assert Root(str(machine)).read("/etc/hostname") == b"inside\n"


def test_dotdot_in_a_symlink_does_not_leave_the_root(machine: MachineDirectory, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("outside")
    machine.write("/secret", "inside")
    (machine.path / "up").symlink_to("../../../../../secret")
    (machine.path / "dir").symlink_to("..")
    assert Root(str(machine)).read("/up") == b"inside"
    assert Root(str(machine)).read("/dir/secret") == b"inside"


def test_a_symlink_loop_is_an_error_and_not_a_hang(machine: MachineDirectory) -> None:
    (machine.path / "a").symlink_to("b")
    (machine.path / "b").symlink_to("a")
    with pytest.raises(OSError, match="symbolic links"):
        Root(str(machine)).read("/a/file")
    with pytest.raises(OSError, match="symbolic links"):
        Root(str(machine)).read("/a")


def test_what_is_absent_is_none_and_what_is_no_file_is_an_error(machine: MachineDirectory) -> None:
    root = Root(str(machine))
    assert root.read("/etc/hostname") is None
    assert root.names("/etc") == ()
    os.mkfifo(machine.path / "pipe")
    with pytest.raises(OSError, match="not a regular file"):
        root.read("/pipe")


def test_the_symlink_of_an_unprivileged_user_is_not_followed(machine: MachineDirectory) -> None:
    machine.write("/etc/shadow", "secret")
    home = machine.path / "home/user"
    home.mkdir(parents=True)
    (home / ".ssh").symlink_to("/etc")
    (home / "link").symlink_to("/etc/shadow")
    os.chown(home, 1000, 1000)
    root = Root(str(machine))
    with pytest.raises(PermissionError):
        root.open_directory("/home/user/.ssh")
    with pytest.raises(PermissionError):
        root.read("/home/user/link")


def test_no_descriptor_outlives_the_root(machine: MachineDirectory) -> None:
    machine.write("/usr/etc/deep/file", "text")
    (machine.path / "etc").symlink_to("/usr/etc")
    before = os.listdir("/proc/self/fd")
    root = Root(str(machine))
    root.read("/etc/deep/file")
    root.read("/etc/absent/file")
    root.names("/etc/deep")
    root.exists("/etc/deep/file/below")
    root.link("/etc")
    del root
    assert os.listdir("/proc/self/fd") == before


def test_few_descriptors_are_kept(machine: MachineDirectory) -> None:
    """A machine with hundreds of NICs has hundreds of directories, and a process 1024 descriptors."""
    root = Root(str(machine))
    before = len(os.listdir("/proc/self/fd"))
    for number in range(200):
        machine.write(f"/sys/class/net/eth{number}/address", f"{number}")
        assert root.read(f"/sys/class/net/eth{number}/address") == f"{number}".encode()
    assert len(os.listdir("/proc/self/fd")) - before <= 64


def test_a_directory_that_was_passed_is_looked_into_anew(machine: MachineDirectory) -> None:
    root = Root(str(machine))
    machine.write("/run/a", "1")
    assert root.names("/run") == ("a",)
    machine.write("/run/b", "2")
    assert root.names("/run") == ("a", "b")
    assert root.read("/run/b") == b"2"
