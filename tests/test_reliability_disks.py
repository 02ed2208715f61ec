# SPDX-License-Identifier: Apache-2.0
"""What a power cut of a whole machine is judged by sees what is wrong with a disk: debugfs(8) makes it so."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING, NamedTuple

import pytest

from tests.reliability import disks
from tests.reliability.agent import run_agent
from tests.reliability.outcome import INPUTS
from tests.reliability.scenes import MANIFEST, STATUS, Scene

if TYPE_CHECKING:
    from pathlib import Path

    from tests.reliability.scenes import Tree

HOSTNAME = "etc/hostname"
KEYS = "root/.ssh/authorized_keys"


class Disks(NamedTuple):
    """The disk of a machine before its first boot and after it, and what is on each."""

    directory: Path
    after: Path
    image: Tree
    undisturbed: Tree

    def judge(self, *commands: str) -> list[str]:
        """What is wrong, for a power cut, once debugfs has done this to the disk."""
        tree, wrong = disks.read_disk(self.change(*commands), self.directory)
        return wrong + disks.judge_cut(self.image, self.undisturbed, tree)

    def change(self, *commands: str) -> Path:
        """The disk after the boot, with this done to it."""
        changed = disks.copy_disk(self.after, self.directory / "changed.img")
        for command in commands:
            done = subprocess.run(["debugfs", "-w", "-R", command, str(changed)], capture_output=True, check=True)
            assert len(done.stderr.splitlines()) == 1, done.stderr  # the first says which debugfs it is
        return changed


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Disks:
    directory = tmp_path_factory.mktemp("disks")
    scene = Scene("first boot, networkd", directory)
    (scene.path / "etc/ssh").mkdir()
    before = _make_disk(scene.path, directory / "before.img")
    key = scene.path / "etc/ssh/ssh_host_ed25519_key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    assert run_agent(scene.path).returncode == 0
    after = _make_disk(scene.path, directory / "after.img")
    (image, no_fault), (undisturbed, none) = (disks.read_disk(disk, directory) for disk in (before, after))
    assert (no_fault, none) == ([], [])
    return Disks(directory, after, image, undisturbed)


def _make_disk(tree: Path, disk: Path) -> Path:
    subprocess.run(["mke2fs", "-q", "-t", "ext4", "-d", str(tree), str(disk), "16M"], check=True)
    return disk


def test_old_and_new_are_as_promised(made: Disks) -> None:
    assert disks.judge_cut(made.image, made.undisturbed, made.image) == []
    assert made.judge() == []
    assert disks.judge_end(made.undisturbed, made.undisturbed) == []
    assert disks.judge_end(made.undisturbed, made.image) != []
    there, whole = disks.count_written(made.undisturbed, made.undisturbed)
    assert there == whole
    assert disks.count_written(made.undisturbed, made.image) == (0, whole)


@pytest.mark.parametrize("place", [HOSTNAME, KEYS, MANIFEST])
def test_a_file_that_is_half_is_seen(made: Disks, place: str) -> None:
    assert f"{place} is half" in " ".join(made.judge(f"set_inode_field /{place} size 3"))


def test_a_mode_and_an_owner_that_are_not_yet_right_are_seen(made: Disks) -> None:
    assert f"{KEYS} is half" in " ".join(made.judge(f"set_inode_field /{KEYS} mode 0100644"))
    assert f"{KEYS} is half" in " ".join(made.judge(f"set_inode_field /{KEYS} uid 1000"))


def test_a_file_that_the_image_had_is_not_lost(made: Disks) -> None:
    assert f"{HOSTNAME} is half" in " ".join(made.judge(f"rm /{HOSTNAME}"))


@pytest.mark.parametrize("place", [STATUS, INPUTS])
def test_what_is_not_flushed_may_be_empty_until_the_next_boot(made: Disks, place: str) -> None:
    commands = (f"punch /{place} 0", f"set_inode_field /{place} size 0")
    assert made.judge(*commands) == []
    tree, _ = disks.read_disk(made.change(*commands), made.directory)
    assert [what.split()[0] for what in disks.judge_end(made.undisturbed, tree)] == [place]


def test_an_empty_host_key_is_seen(made: Disks) -> None:
    (wrong,) = made.judge("set_inode_field /etc/ssh/ssh_host_ed25519_key size 0")
    assert wrong.startswith("etc/ssh/ssh_host_ed25519_key is no key: 0 bytes")


def test_a_host_key_that_is_not_there_is_seen(made: Disks) -> None:
    tree, wrong = disks.read_disk(made.change("rm /etc/ssh/ssh_host_ed25519_key"), made.directory)
    assert wrong == []
    wrong = disks.judge_end(made.undisturbed, tree)
    assert wrong == ["etc/ssh/ssh_host_ed25519_key is not there"]
