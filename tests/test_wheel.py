# SPDX-License-Identifier: Apache-2.0
"""The sdist, the wheel that is built from it, and what pip makes of that: nothing that an image needs is left out."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
import tarfile
import venv
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

if TYPE_CHECKING:
    from tests.conftest import MachineDirectory

CHECKOUT = Path(__file__).resolve().parent.parent
NOT_COPIED = shutil.ignore_patterns(".*", "build", "dist", "*.egg-info", "__pycache__", "cases")
# Where pip puts what is beside the package, below the prefix.
PLACES = {
    "systemd/*.service": "lib/systemd/system",
    "systemd/*.preset": "lib/systemd/system-preset",
    "udev": "lib/udev/rules.d",
    "openrc": "share/bootagent/openrc",
    "dracut": "lib/dracut/modules.d",
    "elements": "share/bootagent/elements",
}
# One program of each tree, whatever else there is: modes count.
MADE_UP = ("dracut/50bootagent/made-up.sh", "elements/bootagent/install.d/99-made-up")


class Built(NamedTuple):
    """What was built, and the tree that it was built from."""

    source: Path
    sdist: Path
    wheel: Path

    def shipped(self) -> dict[str, Path]:
        """Each file beside the package by its path below the prefix."""
        found = {}
        for origin, place in PLACES.items():
            directory, _, pattern = origin.partition("/")
            for path in (self.source / directory).rglob(pattern or "*"):
                if path.is_file():
                    found[f"{place}/{path.relative_to(self.source / directory)}"] = path
        return found


def run(*command: str | Path, **environment: str) -> str:
    kept = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    done = subprocess.run(
        [str(word) for word in command],
        env={**kept, **environment},
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
    return done.stdout


def is_executable(mode: int) -> bool:
    return bool(mode & stat.S_IXUSR)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    directory = tmp_path_factory.mktemp("built")
    source = directory / "source"
    shutil.copytree(CHECKOUT, source, ignore=NOT_COPIED, symlinks=True)
    for name in MADE_UP:
        path = source / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("#!/bin/sh\n", encoding="utf-8")
        path.chmod(0o755)
    run(sys.executable, "-m", "build", "--outdir", directory / "dist", source)  # the wheel from the sdist
    (sdist,) = (directory / "dist").glob("*.tar.gz")
    (wheel,) = (directory / "dist").glob("*.whl")
    return Built(source, sdist, wheel)


def test_the_sdist_carries_every_file_with_its_mode(built: Built) -> None:
    with tarfile.open(built.sdist) as archive:
        members = {member.name.partition("/")[2]: member.mode for member in archive if member.isfile()}
    expected = {str(path.relative_to(built.source)): path.stat().st_mode for path in built.shipped().values()}
    package = {str(p.relative_to(built.source)) for p in (built.source / "bootagent").rglob("*") if p.is_file()}
    assert package <= members.keys()
    assert {"LICENSE", "README.rst", *MADE_UP} <= members.keys()
    assert {name: is_executable(members[name]) for name in expected} == {
        name: is_executable(mode) for name, mode in expected.items()
    }


def test_the_wheel_carries_every_file_with_its_mode(built: Built) -> None:
    with zipfile.ZipFile(built.wheel) as archive:
        modes = {info.filename: info.external_attr >> 16 for info in archive.infolist()}
    data = {name.partition(".data/data/")[2]: mode for name, mode in modes.items() if ".data/data/" in name}
    shipped = built.shipped()
    assert set(data) == set(shipped)
    assert {name for name in data if is_executable(data[name])} == {
        name for name, path in shipped.items() if is_executable(path.stat().st_mode)
    }
    package = {str(p.relative_to(built.source)) for p in (built.source / "bootagent").rglob("*") if p.is_file()}
    assert package <= modes.keys()


def add_image(machine: MachineDirectory) -> None:
    machine.write("/usr/lib/systemd/systemd", "")
    machine.write("/usr/sbin/sshd", "")
    machine.enable("systemd-networkd.service")
    machine.add_python()


def installed(machine: MachineDirectory) -> dict[str, bytes]:
    """The files that install put into the image, but for the bytecode."""
    listed = machine.read("/usr/lib/bootagent/installed").splitlines()
    places = {path: machine.path / path.lstrip("/") for path in listed if not path.endswith("/")}
    return {path: place.read_bytes() for path, place in places.items() if not place.is_symlink()}


def from_checkout(tmp_path: Path) -> dict[str, bytes]:
    from tests.conftest import MachineDirectory

    (tmp_path / "by-checkout").mkdir()
    machine = MachineDirectory(tmp_path / "by-checkout")
    add_image(machine)
    run(sys.executable, "-m", "bootagent", "install", "--root", machine.path, PYTHONPATH=str(CHECKOUT))
    return installed(machine)


def test_a_bare_environment_installs_the_same_as_a_checkout(
    built: Built, machine: MachineDirectory, tmp_path: Path
) -> None:
    environment = tmp_path / "environment"
    venv.create(environment, with_pip=False)
    python = environment / "bin/python"
    run(sys.executable, "-m", "pip", "--python", python, "install", "-q", "--no-deps", built.wheel)
    assert "bootagent:" in run(environment / "bin/bootagent", "demo")
    for name, path in built.shipped().items():
        assert (environment / name).read_bytes() == path.read_bytes()
        assert is_executable((environment / name).stat().st_mode) is is_executable(path.stat().st_mode)
    add_image(machine)
    run(environment / "bin/bootagent", "install", "--root", machine.path)
    assert installed(machine) == from_checkout(tmp_path)


def test_a_prefix_below_a_root_installs_the_same_as_a_checkout(
    built: Built, machine: MachineDirectory, tmp_path: Path
) -> None:
    """Not the prefix of the interpreter that runs it."""
    where = ("--root", tmp_path / "staged", "--prefix", "/usr")
    run(sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-warn-script-location", *where, built.wheel)
    assert {name for name in built.shipped() if not (tmp_path / "staged/usr" / name).is_file()} == set()
    (package,) = (tmp_path / "staged/usr").glob("lib*/python3*/*-packages")
    add_image(machine)
    run(sys.executable, "-m", "bootagent", "install", "--root", machine.path, PYTHONPATH=str(package))
    assert installed(machine) == from_checkout(tmp_path)
