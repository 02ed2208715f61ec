# SPDX-License-Identifier: Apache-2.0
"""``install`` and ``uninstall`` on small trees: what is refused, and that a refused tree is as it was."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from bootagent.cli import main

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.conftest import MachineDirectory

CHECKOUT = Path(__file__).resolve().parent.parent
WANTS = "/etc/systemd/system/multi-user.target.wants"
HOSTKEYS = "/usr/lib/systemd/system/bootagent-hostkeys.service"


def snapshot(directory: Path) -> dict[str, tuple[object, ...]]:
    """Everything below a directory: kind, mode, content, and when it was changed."""
    found: dict[str, tuple[object, ...]] = {}
    for path in sorted([directory, *directory.rglob("*")]):
        status = path.lstat()
        content = os.readlink(path) if path.is_symlink() else path.read_bytes() if path.is_file() else None
        found[str(path.relative_to(directory))] = (stat.filemode(status.st_mode), content, status.st_mtime_ns)
    return found


def contents(directory: Path) -> dict[str, object]:
    return {name: what[:2] for name, what in snapshot(directory).items()}


@pytest.fixture
def image(machine: MachineDirectory) -> MachineDirectory:
    """A small image with systemd, an interpreter and one network daemon."""
    machine.write("/usr/lib/systemd/systemd", "", 0o755)
    machine.enable("systemd-networkd.service")
    machine.add_python()
    return machine


def without_python(image: MachineDirectory) -> None:
    (image.path / "usr/bin/python3").unlink()


def with_an_old_python(image: MachineDirectory) -> None:
    image.add_python("3.8")


def with_an_old_library_only(image: MachineDirectory) -> None:
    (image.path / "usr/bin/python3").unlink()
    image.write("/usr/bin/python3", "a wrapper", 0o755)
    image.write("/usr/lib/python3.6/os.py", "")


def with_a_python_of_no_version(image: MachineDirectory) -> None:
    (image.path / "usr/bin/python3").unlink()
    image.write("/usr/bin/python3", "a wrapper", 0o755)


def with_a_python_that_leads_nowhere(image: MachineDirectory) -> None:
    (image.path / "usr/bin/python3.11").unlink()


def without_a_daemon(image: MachineDirectory) -> None:
    (image.path / f"{WANTS}/systemd-networkd.service".lstrip("/")).unlink()


def with_a_daemon_that_nobody_writes_for(image: MachineDirectory) -> None:
    without_a_daemon(image)
    image.enable("dhcpcd.service")


def with_two_daemons(image: MachineDirectory) -> None:
    image.enable("NetworkManager.service")


def with_a_daemon_that_nobody_writes_for_beside(image: MachineDirectory) -> None:
    image.enable("dhcpcd.service")


REFUSED: list[tuple[Callable[[MachineDirectory], None], tuple[str, ...]]] = [
    (without_python, ("no /usr/bin/python3", "3.9")),
    (with_an_old_python, ("/usr/bin/python3 is Python 3.8", "3.9")),
    (with_an_old_library_only, ("/usr/bin/python3 is Python 3.6", "3.9")),
    (with_a_python_of_no_version, ("/usr/bin/python3", "version")),
    (with_a_python_that_leads_nowhere, ("/usr/bin/python3 leads to /usr/bin/python3.11",)),
    (without_a_daemon, ("no network daemon",)),
    (with_a_daemon_that_nobody_writes_for, ("no network daemon",)),
    (with_two_daemons, ("2 network daemons", "networkd", "networkmanager", "/etc/bootagent.yaml")),
    (with_a_daemon_that_nobody_writes_for_beside, ("2 network daemons", "networkd", "dhcpcd")),
]


@pytest.mark.parametrize(("spoil", "said"), REFUSED, ids=[spoil.__name__ for spoil, _ in REFUSED])
def test_what_could_not_boot_right_is_refused_and_left_as_it_was(
    image: MachineDirectory,
    capsys: pytest.CaptureFixture[str],
    spoil: Callable[[MachineDirectory], None],
    said: tuple[str, ...],
) -> None:
    spoil(image)
    before = snapshot(image.path)
    assert main(["install", "--root", str(image)]) == 8
    output = capsys.readouterr()
    (line,) = output.err.splitlines()
    assert line.startswith(f"bootagent: error: {image}: ")
    assert [word for word in said if word not in line] == []
    assert output.out == ""
    assert snapshot(image.path) == before


def test_two_daemons_are_accepted_where_the_image_names_one(image: MachineDirectory) -> None:
    with_two_daemons(image)
    image.write("/etc/bootagent.yaml", "backend: networkmanager\n")
    assert main(["install", "--root", str(image)]) == 0
    assert image.has("/usr/sbin/bootagent")


def test_netplan_and_the_daemon_that_it_writes_for_are_one(image: MachineDirectory) -> None:
    image.write("/usr/lib/systemd/system-generators/netplan", "", 0o755)
    assert main(["install", "--root", str(image)]) == 0


def test_an_interpreter_of_another_architecture_tells_its_version_by_its_library(
    image: MachineDirectory, capsys: pytest.CaptureFixture[str]
) -> None:
    with_an_old_library_only(image)
    image.write("/usr/lib/python3.12/os.py", "")
    assert main(["install", "--root", str(image)]) == 0
    assert "not compiled: /usr/bin/python3 of the image does not run here" in capsys.readouterr().out


@pytest.fixture
def read_only(image: MachineDirectory) -> Iterator[MachineDirectory]:
    """The image on a file system that is mounted read-only."""
    subprocess.run(["mount", "--bind", image.path, image.path], check=True)
    try:
        subprocess.run(["mount", "-o", "remount,bind,ro", image.path], check=True)
        yield image
    finally:
        subprocess.run(["umount", image.path], check=True)


def test_a_read_only_tree_is_refused(read_only: MachineDirectory, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["install", "--root", str(read_only)]) == 8
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"bootagent: error: {read_only}: /")
    assert "cannot be written: a read-only tree?" in line
    assert not read_only.has("/usr/sbin/bootagent")


def test_a_disk_that_fills_up_leaves_the_tree_as_it_was(
    image: MachineDirectory, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    small = tmp_path / "small"
    small.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=300k", "tmpfs", small], check=True)
    try:
        shutil.copytree(image.path, small, symlinks=True, dirs_exist_ok=True)
        before = contents(small)
        assert main(["install", "--root", str(small)]) == 6
        assert "No space left on device" in capsys.readouterr().err
        assert contents(small) == before
    finally:
        subprocess.run(["umount", small], check=True)


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/etc/systemd/system/cloud-init.target.wants/cloud-init.service", "cloud-init"),
        ("/etc/systemd/system/multi-user.target.wants/glean.service", "glean"),
        ("/etc/udev/rules.d/99-glean.rules", "glean"),
    ],
)
def test_an_agent_that_competes_is_named_and_left(
    image: MachineDirectory, capsys: pytest.CaptureFixture[str], path: str, name: str
) -> None:
    image.write(f"/usr/lib/systemd/system/{path.rpartition('/')[2]}", "")
    place = image.write(path, "")
    assert main(["install", "--root", str(image)]) == 0
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"bootagent: warning: {image}: {name} would configure the network too: ")
    assert place.exists()


def test_a_cloud_init_that_is_switched_off_does_not_compete(
    image: MachineDirectory, capsys: pytest.CaptureFixture[str]
) -> None:
    image.enable("cloud-init.service")
    image.write("/etc/cloud/cloud-init.disabled", "")
    assert main(["install", "--root", str(image)]) == 0
    assert capsys.readouterr().err == ""


def test_uninstall_leaves_the_tree_as_it_was_before_install(
    image: MachineDirectory, capsys: pytest.CaptureFixture[str]
) -> None:
    image.write("/usr/sbin/sshd", "", 0o755)
    image.write("/etc/bootagent.yaml", "fallback: none\n")
    before = contents(image.path)
    assert main(["install", "--root", str(image)]) == 0
    assert main(["install", "--root", str(image)]) == 0
    listed = image.read("/usr/lib/bootagent/installed").splitlines()
    added = {f"/{name}" for name in contents(image.path).keys() - before.keys()}
    files = {name for name in added if not (image.path / name[1:]).is_dir()}
    assert {name for name in listed if not name.endswith("/")} == files
    assert {name.rstrip("/") for name in listed} == added
    image.write("/var/lib/bootagent/status.json", "{}")
    capsys.readouterr()
    assert main(["uninstall", "--root", str(image)]) == 0
    said = capsys.readouterr().out.splitlines()
    assert said == [f"bootagent: removed {len(files) + 1} files", "bootagent: left /etc/bootagent.yaml"]
    shutil.rmtree(image.path / "var")
    assert contents(image.path) == before
    assert main(["uninstall", "--root", str(image)]) == 0
    assert capsys.readouterr().out.splitlines()[0] == "bootagent: nothing to remove"


def test_a_list_that_somebody_edited_removes_no_directory_and_nothing_outside(
    image: MachineDirectory, tmp_path: Path
) -> None:
    stranger = tmp_path / "stranger"
    stranger.write_text("", encoding="utf-8")
    assert main(["install", "--root", str(image)]) == 0
    image.write("/usr/lib/bootagent/installed", f"/etc\n/etc/\n/usr/../../stranger\n../stranger\n{stranger}\n")
    assert main(["uninstall", "--root", str(image)]) == 0
    assert stranger.exists()
    assert image.has(f"{WANTS}/systemd-networkd.service")


def test_what_an_earlier_version_installed_and_this_one_does_not_is_removed(image: MachineDirectory) -> None:
    assert main(["install", "--root", str(image)]) == 0
    image.write("/usr/lib/bootagent/bootagent/sources/old.py", "")
    listed = image.read("/usr/lib/bootagent/installed")
    image.write("/usr/lib/bootagent/installed", f"{listed}/usr/lib/bootagent/bootagent/sources/old.py\n")
    assert main(["install", "--root", str(image)]) == 0
    assert not image.has("/usr/lib/bootagent/bootagent/sources/old.py")


def test_an_earlier_version_that_kept_no_list_is_replaced(image: MachineDirectory) -> None:
    image.write("/usr/lib/bootagent/bootagent/image.py", "")
    image.write("/usr/lib/bootagent/bootagent/__pycache__/cli.cpython-311.pyc", "")
    assert main(["install", "--root", str(image)]) == 0
    assert not image.has("/usr/lib/bootagent/bootagent/image.py")
    assert not image.has("/usr/lib/bootagent/bootagent/__pycache__/cli.cpython-311.pyc")


def test_presets_enable_what_install_enables(image: MachineDirectory) -> None:
    image.write("/usr/sbin/sshd", "", 0o755)
    assert main(["install", "--root", str(image)]) == 0
    lines = image.read("/usr/lib/systemd/system-preset/50-bootagent.preset").splitlines()
    enabled = {line.split()[1] for line in lines if line.startswith("enable ")}
    assert enabled == {link.name for link in image.path.glob("etc/systemd/system/*.wants/bootagent*")}


@pytest.mark.parametrize(
    ("path", "text", "has_unit"),
    [
        ("/usr/sbin/sshd", "", True),  # Debian 12
        ("/usr/lib/systemd/system/sshd-keygen@.service", "ExecStart=/usr/libexec/openssh/sshd-keygen %i\n", False),
        ("/usr/lib/systemd/system/sshd-keygen.service", "ExecStart=ssh-keygen -A\n", False),
        # Debian 13: on the first boot alone.
        (
            "/usr/lib/systemd/system/sshd-keygen.service",
            "[Unit]\nConditionFirstBoot=yes\n[Service]\nExecStart=ssh-keygen -A\n",
            True,
        ),
        ("/usr/lib/systemd/system/sshdgenkeys.service", "ExecStart=/usr/bin/ssh-keygen -A\n", False),  # Arch
        ("/usr/lib/systemd/system/sshd.service", "ExecStartPre=/usr/sbin/sshd-gen-keys-start\n", False),  # SUSE
        ("/usr/lib/systemd/system/ssh.service", "# not ssh-keygen\nExecStart=/usr/sbin/sshd -D\n", True),
    ],
)
def test_host_keys_are_made_at_boot_where_the_image_does_not(
    image: MachineDirectory, path: str, text: str, has_unit: bool
) -> None:
    image.write("/usr/sbin/sshd", "", 0o755)
    image.write(path, text)
    assert main(["install", "--root", str(image)]) == 0
    assert image.has(HOSTKEYS) is has_unit
    assert image.has(f"{WANTS}/bootagent-hostkeys.service") is has_unit


def test_an_image_without_sshd_gets_no_host_keys(image: MachineDirectory) -> None:
    assert main(["install", "--root", str(image)]) == 0
    assert not image.has(HOSTKEYS)


def test_an_installed_agent_says_where_the_verbs_of_the_builder_are(image: MachineDirectory) -> None:
    assert main(["install", "--root", str(image)]) == 0
    command = [sys.executable, "-S", "-m", "bootagent", "seal", "--root", str(image)]
    environment = {**os.environ, "PYTHONPATH": f"{image}/usr/lib/bootagent", "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(command, cwd="/", env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("bootagent: error: seal: not in an image")
