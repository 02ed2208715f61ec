# SPDX-License-Identifier: Apache-2.0
"""The unit that makes SSH host keys, in a directory of its own: the next boot completes what was cut at any point."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.reliability.agent import CHECKOUT, inject
from tests.reliability.disks import judge_host_keys

if TYPE_CHECKING:
    from pathlib import Path

UNIT = (CHECKOUT / "systemd/bootagent-hostkeys.service").read_text(encoding="utf-8").replace("\\\n", "")
KINDS = ("ecdsa", "ed25519", "rsa")
MADE = sorted(f"ssh_host_{kind}_key{end}" for kind in KINDS for end in ("", ".pub"))
CUT = 3  # of the renames by which ssh-keygen gives names to the keys, two each: the first key alone has its name


def lines(key: str) -> list[str]:
    return [line for line in UNIT.splitlines() if line.startswith(key)]


def is_started(directory: Path) -> bool:
    """Whether systemd would start the unit, by what systemd itself makes of its conditions."""
    conditions = [line.replace("/etc/ssh", str(directory)) for line in lines("ConditionPathExists")]
    done = subprocess.run(["systemd-analyze", "condition", *conditions], capture_output=True, check=False)
    return done.returncode == 0


def make_keys(directory: Path, *prefix: str, until: str = "") -> None:
    """What the unit does, below the program that ``prefix`` names; with ``until``, up to the command that begins so."""
    (start,) = lines("ExecStart")
    script = start.split("'")[1]
    # This machine's keys are not touched.
    assert script.startswith("cd /etc/ssh;")
    assert script.count("/etc/ssh") == 1 + script.count(" .bootagent/etc/ssh")
    script = script.replace("cd /etc/ssh", f"cd {directory}")
    if until:
        script = script.partition(until)[0]
    subprocess.run([*prefix, "/bin/sh", "-ec", script], check=False, capture_output=True, umask=0o077)


def judge(directory: Path) -> list[str]:
    """What is not as it is to be; ``directory`` is the ``etc/ssh`` of a tree."""
    assert sorted(path.name for path in directory.iterdir()) == MADE
    assert {path.name: oct(path.stat().st_mode)[-3:] for path in directory.iterdir()} == {
        name: "644" if name.endswith(".pub") else "600" for name in MADE
    }
    return judge_host_keys(directory.parents[1])


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    place = tmp_path / "etc/ssh"
    place.mkdir(parents=True)
    return place


def test_keys_are_made_once(directory: Path) -> None:
    assert is_started(directory)
    make_keys(directory)
    assert judge(directory) == []
    assert not is_started(directory)


def test_a_cut_while_keys_are_made_leaves_no_key_alone(directory: Path) -> None:
    make_keys(directory, *inject(f"rename:signal=SIGKILL:when={CUT}"))
    assert [path.name for path in directory.iterdir()] == [".bootagent"]
    assert len(list(directory.rglob("ssh_host_*_key"))) == 1
    assert is_started(directory)
    make_keys(directory)
    assert judge(directory) == []


@pytest.mark.parametrize("moved", [1, len(MADE)])
def test_a_cut_while_keys_take_their_place_is_made_good(directory: Path, moved: int) -> None:
    make_keys(directory, until="mv ")
    for name in MADE[:moved]:
        (directory / ".bootagent/etc/ssh" / name).rename(directory / name)
    assert is_started(directory)
    make_keys(directory)
    assert judge(directory) == []
    assert not is_started(directory)
