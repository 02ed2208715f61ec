# SPDX-License-Identifier: Apache-2.0
"""What an unprivileged user, or a drive's maker, has planted where the agent goes: nothing of it steers a write."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Callable

import pytest

from bootagent import media
from bootagent.cli import main
from tests.images import make_fat, make_iso, replace_once, write_tree
from tests.test_online import KEY, META, STATIC

if TYPE_CHECKING:
    from tests.conftest import MachineDirectory

CHECKOUT = Path(__file__).resolve().parent.parent
USER = 1000
VICTIM = "what only its owner may change\n"
NETWORK = "/etc/systemd/network/05-bootagent-fa163e000001.network"
KEYS = "/root/.ssh/authorized_keys"
STATE = ("/var/lib/bootagent/manifest.json", "/run/bootagent/status.json")
PLACES = (NETWORK, KEYS, "/etc/hostname", "/etc/hosts", *STATE)


@pytest.fixture
def drive(tmp_path: Path) -> Path:
    documents = {"meta_data.json": META, "network_data.json": STATIC}
    return write_tree(
        tmp_path / "drive", {f"openstack/latest/{name}": json.dumps(data).encode() for name, data in documents.items()}
    )


@pytest.fixture
def nova(machine: MachineDirectory) -> MachineDirectory:
    machine.add_nic("eth0", "fa:16:3e:00:00:01")
    machine.enable("systemd-networkd.service")
    machine.write("/etc/passwd", "root:x:0:0:root:/root:/bin/sh\n")
    return machine


def apply(machine: MachineDirectory, drive: Path) -> int:
    return main(["apply", "--root", str(machine), "--drive", str(drive)])


def symlink(place: Path, victim: Path) -> None:
    place.symlink_to(os.path.relpath(victim, place.parent))
    os.chown(place, USER, USER, follow_symlinks=False)


def hard_link(place: Path, victim: Path) -> None:
    os.link(victim, place)


def fifo(place: Path, victim: Path) -> None:
    os.mkfifo(place, 0o666)
    os.chown(place, USER, USER)


def copy(place: Path, victim: Path) -> None:
    place.write_text(VICTIM)
    place.chmod(0o666)
    os.chown(place, USER, USER)


def directory(place: Path, victim: Path) -> None:
    place.mkdir()
    os.chown(place, USER, USER)
    (place / "inside").write_text(VICTIM)


@pytest.mark.parametrize("others", ["root's directory", "a user's directory"])
@pytest.mark.parametrize("at", ["the place", "the temporary name"])
@pytest.mark.parametrize("plant", [symlink, hard_link, fifo, copy, directory])
@pytest.mark.parametrize("path", PLACES)
def test_what_is_planted_at_a_place_of_ours_is_replaced_and_never_written_through(
    nova: MachineDirectory, drive: Path, path: str, plant: Callable[[Path, Path], None], at: str, others: str
) -> None:
    """Replaced by root's own file, or left and reported; whoever's file it leads to keeps what it was."""
    victim = nova.write("/home/user/victim", VICTIM, 0o640)
    os.chown(victim, USER, USER)
    before = victim.stat()
    place = nova.path / path.lstrip("/")
    place.parent.mkdir(parents=True, exist_ok=True)
    if others == "a user's directory" and not path.startswith("/run/"):
        os.chown(place.parent, USER, USER)
    planted = place if at == "the place" else place.with_name(f".{place.name}.bootagent")
    plant(planted, victim)

    assert apply(nova, drive) == 0

    after = victim.stat()
    assert victim.read_text() == VICTIM
    assert (after.st_ino, after.st_uid, after.st_mode) == (before.st_ino, before.st_uid, before.st_mode)
    if place.is_file() and not place.is_symlink() and place.read_text() != VICTIM:
        status = place.lstat()
        assert (status.st_uid, status.st_gid) == (0, 0)
        assert status.st_ino != before.st_ino
        assert not status.st_mode & 0o022
    else:
        said = json.loads(nova.read(STATE[1])) if path != STATE[1] else None
        assert said is None or path in {problem["where"] for problem in said["problems"]}
    # The rest of the boot is as it would have been.
    for other in PLACES:
        assert other == path or nova.has(other)


@pytest.mark.parametrize("plant", ["a user's directory", "a directory for all", "a user's symlink"])
def test_a_runtime_directory_of_somebody_else_is_refused(
    nova: MachineDirectory, drive: Path, capsys: pytest.CaptureFixture[str], plant: str
) -> None:
    """Root runs a script from there: nothing is put where another user could put another one."""
    place = nova.path / "run/bootagent"
    elsewhere = nova.path / "home/user"
    elsewhere.mkdir(parents=True)
    place.parent.mkdir()
    if plant == "a user's symlink":
        symlink(place, elsewhere)
    else:
        place.mkdir()
        place.chmod(0o1777 if plant == "a directory for all" else 0o755)
        os.chown(place, *((0, 0) if plant == "a directory for all" else (USER, USER)))

    assert apply(nova, drive) == 6

    error = capsys.readouterr().err
    assert error.startswith("bootagent: error: /run/bootagent/lock: no lock: ")
    assert error.count("\n") == 1
    assert list(elsewhere.iterdir()) == []
    assert [path for path in PLACES if nova.has(path)] == []


def test_a_home_that_is_its_users_gets_keys_that_are_its_users(nova: MachineDirectory, drive: Path) -> None:
    """The directory is the user's, links in it are not followed, and the file is the user's as sshd wants it."""
    nova.write("/etc/passwd", f"root:x:0:0::/root:/bin/sh\nann:x:{USER}:{USER}::/home/ann:/bin/sh\n")
    nova.write("/etc/bootagent.yaml", "users: [ann]\n")
    home = nova.path / "home/ann"
    (home / ".ssh").mkdir(parents=True)
    secret = nova.write("/root/secret", VICTIM, 0o600)
    hard_link(home / ".ssh/.authorized_keys.bootagent", secret)
    for path in (home, home / ".ssh"):
        os.chown(path, USER, USER)
    assert apply(nova, drive) == 0
    status = (home / ".ssh/authorized_keys").stat()
    assert KEY in nova.read("/home/ann/.ssh/authorized_keys")
    assert (status.st_uid, status.st_gid, status.st_mode & 0o7777) == (USER, USER, 0o600)
    assert (secret.read_text(), secret.stat().st_uid) == (VICTIM, 0)


def test_no_directory_that_all_may_write_to_is_touched(nova: MachineDirectory, drive: Path, tmp_path: Path) -> None:
    """Neither a lock nor a temporary file: the root and the drive of this test are all below one path."""
    log = tmp_path / "calls"
    subprocess.run(
        [
            *("strace", "-f", "-qq", "-s", "4096", "-e", "trace=%file", "-o", log, sys.executable, "-I", "-c"),
            "import sys; sys.path.insert(0, sys.argv.pop(1)); sys.argv[0] = 'x'; from bootagent.cli import run; run()",
            *(CHECKOUT, "apply", "--root", nova.path, "--drive", drive),
        ],
        check=True,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
    )
    calls = log.read_text()
    named = {Path(path) for path in re.findall(r'"(/(?:tmp|var/tmp|dev/shm)(?:/[^"]*)?)"', calls)}
    known = (tmp_path, CHECKOUT, Path(sys.prefix))  # and the way to them
    strange = [path for path in named if not any(at in (path, *path.parents) or path in at.parents for at in known)]
    assert f'"{drive}/openstack/latest' in calls
    assert strange == []


ROCK = (b"NM\x09\1\0evil", [b"NM\x09\1\0../x", b"NM\x09\1\0a/bc", b"NM\x09\1\0e\0il", b"NM\x09\1\0e\nil"])
LONG = (
    "evil ".encode("utf-16-le"),
    [text.encode("utf-16-le") for text in ("../..", "a/b c", "e\0il ", "e\nil ", "e\u2028il ")],
)


@pytest.mark.parametrize("name", ROCK[1])
def test_a_name_of_rock_ridge_leads_nowhere(tmp_path: Path, name: bytes) -> None:
    image = make_iso(tmp_path, {"evil": b"x", "fine": b"y"}, "-R")
    replace_once(image, ROCK[0], name)
    _check_names(image, name[5:].decode())


@pytest.mark.parametrize("name", LONG[1])
def test_a_long_name_of_fat_leads_nowhere(tmp_path: Path, name: bytes) -> None:
    image = make_fat(tmp_path, {"evil name": b"x", "fine": b"y"}, 160, "-s", "1")
    replace_once(image, LONG[0], name)
    _check_names(image, name.decode("utf-16-le") + "name")


def _check_names(image: Path, evil: str) -> None:
    with media.open_volumes(str(image)) as (volume,):
        names = volume.names("") or ()
        assert "fine" in names
        assert not any(set(name) & set("/\0\n\u2028") or name in (".", "..") for name in names)
        for path in (evil, f"../{evil}", "..", "../../etc/passwd", "/../fine", f"fine/../{evil}"):
            assert volume.read(path) is None
        assert volume.read("fine") == b"y"
