# SPDX-License-Identifier: Apache-2.0
"""The cloud's random seed: mixed and credited once for an instance, by the unit's own command, and never shown."""

from __future__ import annotations

import base64
import json
import os
import re
import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import pytest

from bootagent.cli import main
from bootagent.commit import Writer
from bootagent.formats.openstack import parse_documents
from bootagent.handover import hand_over
from bootagent.model.instance import Instance
from bootagent.model.values import Secret
from bootagent.options import Options
from bootagent.root import Root
from bootagent.sources import Found
from bootagent.state import SEED, USER_DATA, Manifest

if TYPE_CHECKING:
    from bootagent.boot import Prepared
    from tests.conftest import MachineDirectory

UNIT = Path(__file__).resolve().parent.parent / "systemd/bootagent-seed.service"
BYTES = bytes(range(256)) * 2


@pytest.fixture
def booting(machine: MachineDirectory, tmp_path: Path) -> tuple[MachineDirectory, Path]:
    """A machine with a drive; of its random device the test sees what was written last."""
    machine.enable("systemd-networkd.service")
    machine.write("/dev/urandom", "")
    return machine, tmp_path / "drive"


def boot(booting: tuple[MachineDirectory, Path], identity: str | None, seed: object) -> str:
    """What is handed to the unit; and what is said stays without it."""
    machine, drive = booting
    machine.write("/dev/urandom", "")
    (machine.path / SEED.lstrip("/")).unlink(missing_ok=True)
    place = drive / "openstack/latest/meta_data.json"
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(json.dumps({"uuid": identity, "random_seed": seed}))
    assert main(["apply", "--root", str(machine), "--drive", str(drive)]) == 0
    return "handed over" if machine.has(SEED) else ""


def test_it_is_handed_over_and_mixed_on_the_first_boot_of_each_instance(
    booting: tuple[MachineDirectory, Path], capfd: pytest.CaptureFixture[str]
) -> None:
    machine, _ = booting
    text = base64.b64encode(BYTES).decode()
    for identity, is_first in (("id-1", True), ("id-1", False), ("id-2", True), ("id-2", False)):
        assert boot(booting, identity, text) == ("handed over" if is_first else "")
        assert (machine.path / "dev/urandom").read_bytes() == (BYTES if is_first else b"")
        if is_first:
            assert (machine.path / SEED.lstrip("/")).read_bytes() == BYTES
            assert (machine.path / SEED.lstrip("/")).stat().st_mode & 0o777 == 0o600
    written = [
        path for path in machine.path.rglob("*") if path.is_file() and path.name not in ("urandom", "random-seed")
    ]
    assert [path for path in written if BYTES[:64] in path.read_bytes() or text[:64] in path.read_text()] == []
    out, err = capfd.readouterr()
    assert text[:16] not in out + err


def test_one_that_came_over_the_network_is_mixed_and_not_credited(booting: tuple[MachineDirectory, Path]) -> None:
    machine, _ = booting
    found = Found("openstack", "http://169.254.169.254", Instance("id-1", seed=Secret(BYTES)))
    prepared = SimpleNamespace(found=found, options=Options(user_data="scripts"), manifest=Manifest())
    root = Root(str(machine))
    assert hand_over(root, Writer(root), cast("Prepared", prepared)).problems == ()
    assert (machine.path / "dev/urandom").read_bytes() == BYTES
    assert not machine.has(SEED)
    assert json.loads(machine.read(USER_DATA)) == {"source": "openstack", "path": "", "instance": "id-1"}


def test_who_is_nobody_has_no_first_boot(booting: tuple[MachineDirectory, Path]) -> None:
    assert boot(booting, None, base64.b64encode(BYTES).decode()) == ""


@pytest.mark.parametrize("seed", ["!!!!", "YQ", "YQ=", "Y=Q=", 5, ["YQ=="], {}, "\xff" * 4, "QUFB" * 2000])
def test_a_broken_one_costs_nothing_else(booting: tuple[MachineDirectory, Path], seed: object) -> None:
    assert boot(booting, "id-1", seed) == ""
    instance = parse_documents({"meta_data.json": json.dumps({"uuid": "id-1", "random_seed": seed}).encode()})
    assert (instance.id, instance.seed) == ("id-1", None)
    assert [problem.where for problem in instance.problems] == ["meta_data.json: random_seed"]
    assert str(seed)[:4] not in instance.problems[0].message


@pytest.mark.parametrize("seed", [None, ""])
def test_none_is_no_problem(seed: object) -> None:
    instance = parse_documents({"meta_data.json": json.dumps({"uuid": "id-1", "random_seed": seed}).encode()})
    assert (instance.seed, instance.problems) == (None, ())


def test_white_space_in_it_does_not_count_and_nothing_shows_it() -> None:
    document = json.dumps({"uuid": "id-1", "random_seed": "QUFB QUFB\nQUFB"}).encode()
    instance = parse_documents({"meta_data.json": document})
    assert instance.seed == b"AAAAAAAAA"
    assert "AAA" not in f"{instance} {instance.seed} {instance!r}"


def test_the_units_command_credits_every_bit_of_it_and_leaves_other_bytes(tmp_path: Path) -> None:
    """systemd's program in a mount namespace as the unit makes it; the kernel is asked by RNDADDENTROPY, random(4)."""
    text = UNIT.read_text()
    source, target = found(text, "BindPaths=(.*):(.*)")
    assert (source, target) == (SEED, "/var/lib/systemd/random-seed")
    (setting,), (command,) = found(text, "Environment=(.*)"), found(text, "ExecStart=-(.*)")
    seed, log = tmp_path / "seed", tmp_path / "calls"
    seed.write_bytes(os.urandom(512))
    before = seed.read_bytes()
    script = f"""
        mount -t tmpfs none {os.path.dirname(target)} && touch {target} && mount --bind {seed} {target} &&
        {setting} strace -e trace=ioctl,write -s 600 -x -o {log} {command}
    """
    subprocess.run(["unshare", "--mount", "sh", "-ec", script], check=True, stdin=subprocess.DEVNULL)
    (call,) = re.findall(r"RNDADDENTROPY, {entropy_count=(\d+), buf_size=(\d+), buf=\"([^\"]*)\"", log.read_text())
    assert call[:2] == ("4096", "512")
    assert call[2].encode().decode("unicode_escape").encode("latin-1")[:32] == before[:32]
    assert len(seed.read_bytes()) == 512
    assert seed.read_bytes() != before


def found(text: str, pattern: str) -> tuple[str, ...]:
    match = re.search(f"^{pattern}$", text, re.MULTILINE)
    assert match, pattern
    return match.groups()
