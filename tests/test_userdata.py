# SPDX-License-Identifier: Apache-2.0
"""User data, from its drive or service to the processes of its scripts: what runs, once, and what is said of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from bootagent.cli import main
from bootagent.errors import CommitError, SourceError
from bootagent.root import Root
from bootagent.state import STATUS, USER_DATA, USER_DATA_RUN, user_data_run
from bootagent.userdata import SCRIPTS, run_user_data
from tests.images import NOVA_FLAGS, make_iso_of, write_tree
from tests.wire import Wire

if TYPE_CHECKING:
    from tests.conftest import MachineDirectory

CHECKOUT = Path(__file__).resolve().parent.parent
ON = "bootagent.user-data=scripts\n"
OPENSTACK = "openstack/latest/user_data"


class Drive:
    """An instance's drive, an image that can be made again, and the machine that it is attached to."""

    def __init__(self, machine: MachineDirectory, path: Path) -> None:
        self.machine = machine
        self.path = path

    def attach(self, user_data: bytes | None, identity: str = "id-1", name: str = OPENSTACK) -> None:
        """Put it in as the machine's only one."""
        tree = self.path / f"tree-{len(list(self.path.iterdir()))}"
        files = {"openstack/latest/meta_data.json": json.dumps({"uuid": identity}).encode()}
        flags: tuple[str, ...] = NOVA_FLAGS
        if not name.startswith("openstack"):
            files = {"meta-data": json.dumps({"instance-id": identity}).encode()}
            flags = ("-J", "-r", "-V", "cidata")
        files |= {name: user_data} if user_data is not None else {}
        image = make_iso_of(write_tree(tree, files), tree.with_suffix(".iso"), *flags)
        self.machine.write("/dev/vdb", image.read_bytes())
        self.machine.write("/sys/class/block/vdb/size", "800\n")

    def boot(self) -> None:
        """The boot itself, and then the unit of user data."""
        assert main(["apply", "--root", str(self.machine)]) == 0
        run_user_data(Root(str(self.machine)))


@pytest.fixture
def drive(machine: MachineDirectory, tmp_path: Path) -> Drive:
    machine.write("/proc/cmdline", ON)
    machine.enable("systemd-networkd.service")
    path = tmp_path / "drives"
    path.mkdir()
    return Drive(machine, path)


def recording(path: Path, line: str = "x") -> bytes:
    """A script that adds a line to a file."""
    return f"#!/bin/sh\necho {line} >>{path}\n".encode()


def multipart(*scripts: bytes) -> bytes:
    parts = b"".join(b"--b\nContent-Type: text/x-shellscript\n\n" + script + b"\n" for script in scripts)
    return b"Content-Type: multipart/mixed; boundary=b\n\n" + parts + b"--b--\n"


@pytest.mark.parametrize("name", [OPENSTACK, "openstack/2018-08-27/user_data", "user-data"])
def test_a_script_is_run_once_for_an_instance(drive: Drive, tmp_path: Path, name: str) -> None:
    log = tmp_path / "log"
    drive.attach(recording(log), name=name)
    drive.boot()
    assert log.read_text() == "x\n"
    drive.boot()
    assert log.read_text() == "x\n"
    drive.attach(recording(log, "y"), "id-2", name)
    drive.boot()
    assert log.read_text() == "x\ny\n"
    drive.attach(recording(log), "id-1", name)
    drive.boot()
    assert log.read_text() == "x\ny\n"


def test_nothing_is_run_and_nothing_waits_without_the_option(drive: Drive, tmp_path: Path) -> None:
    drive.machine.write("/proc/cmdline", "quiet\n")
    drive.attach(recording(tmp_path / "log"))
    drive.boot()
    assert not (tmp_path / "log").exists()
    assert not drive.machine.has(USER_DATA_RUN)
    drive.machine.write("/etc/bootagent.yaml", "user-data: off\n")
    drive.boot()
    assert not drive.machine.has(USER_DATA)
    drive.machine.write("/etc/bootagent.yaml", "user-data: scripts\n")
    drive.boot()
    assert (tmp_path / "log").read_text() == "x\n"


def test_a_value_that_the_option_has_not_is_reported(drive: Drive) -> None:
    drive.machine.write("/etc/bootagent.yaml", "user-data: on\n")
    drive.machine.write("/proc/cmdline", "quiet\n")
    drive.attach(b"")
    drive.boot()
    problems = json.loads(drive.machine.read(STATUS))["problems"]
    assert {"severity": "warning", "where": "/etc/bootagent.yaml: user-data",
            "message": "True is not one of scripts, off"} in problems  # fmt: skip
    assert not drive.machine.has(USER_DATA_RUN)


def test_without_an_identity_it_is_not_run_and_that_is_said(drive: Drive, tmp_path: Path) -> None:
    drive.attach(recording(tmp_path / "log"))
    tree = write_tree(tmp_path / "drive", {"openstack/latest/meta_data.json": b'{"hostname": "web"}'})
    write_tree(tree, {OPENSTACK: recording(tmp_path / "log")})
    drive.machine.write("/dev/vdb", make_iso_of(tree, tmp_path / "drive.iso", *NOVA_FLAGS).read_bytes())
    drive.boot()
    assert not (tmp_path / "log").exists()
    problems = json.loads(drive.machine.read(STATUS))["problems"]
    assert [item["severity"] for item in problems if item["where"] == "user data"] == ["warning"]


def test_a_power_cut_while_it_runs_never_runs_it_twice(drive: Drive, tmp_path: Path) -> None:
    """The agent is killed by its own script, with all that it may have left to write."""
    log = tmp_path / "log"
    drive.attach(recording(log) + b"kill -9 $PPID\n")
    assert main(["apply", "--root", str(drive.machine)]) == 0
    code = f"from bootagent.userdata import *; run_user_data(Root({str(drive.machine)!r}))"
    code = f"from bootagent.root import Root; {code}"
    done = subprocess.run([sys.executable, "-c", code], cwd=CHECKOUT, capture_output=True, check=False)
    assert done.returncode == -9
    assert log.read_text() == "x\n"
    drive.boot()
    assert log.read_text() == "x\n"


def test_that_it_is_run_is_on_the_disk_before_it_is(drive: Drive, tmp_path: Path) -> None:
    """fsync of the file and of its directory, and only then the first process."""
    log = tmp_path / "calls"
    drive.attach(recording(tmp_path / "log"))
    assert main(["apply", "--root", str(drive.machine)]) == 0
    code = "import sys; from bootagent.root import Root; from bootagent.userdata import run_user_data; "
    code += "run_user_data(Root(sys.argv[1]))"
    command = ["strace", "-f", "-y", "-o", str(log), "-e", "trace=fsync,rename,renameat,renameat2,execve"]
    subprocess.run([*command, sys.executable, "-c", code, str(drive.machine)], cwd=CHECKOUT, check=True)
    record = user_data_run("id-1")
    calls = [line.split(" ", 1)[1].strip() for line in log.read_text().splitlines()]
    at = [index for index, call in enumerate(calls) if call.startswith("execve(") and SCRIPTS in call]
    before = [call for call in calls[: at[0]] if call.startswith("fsync(")]
    assert any(f".{os.path.basename(record)}.bootagent>" in call for call in before)
    assert any(f"{USER_DATA_RUN}>" in call for call in before)


def test_where_that_cannot_be_written_nothing_is_run(drive: Drive, tmp_path: Path) -> None:
    drive.attach(recording(tmp_path / "log"))
    drive.machine.write(USER_DATA_RUN, "no directory")
    assert main(["apply", "--root", str(drive.machine)]) == 0
    with pytest.raises(CommitError, match="nothing is run"):
        run_user_data(Root(str(drive.machine)))
    assert not (tmp_path / "log").exists()
    assert not drive.machine.has(USER_DATA)


def test_a_script_finds_a_clean_and_private_place(
    drive: Drive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = tmp_path / "log"
    monkeypatch.setenv("SECRET", "1")
    monkeypatch.setenv("JOURNAL_STREAM", "8:1")
    text = f'#!/bin/sh\nexec >{log}\nenv | sort\npwd\nstat -c "%a %U" "$0" "${{0%/*}}"\nreadlink /proc/self/fd/0\n'
    drive.attach(text.encode())
    drive.boot()
    said = [line for line in log.read_text().splitlines() if not line.startswith(("PWD=", "_=", "SHLVL=", "OLDPWD="))]
    assert said == [
        "HOME=/root",
        "LOGNAME=root",
        "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "SHELL=/bin/sh",
        "USER=root",
        *("/", "700 root", "700 root", "/dev/null"),
    ]
    assert list((drive.machine.path / SCRIPTS.lstrip("/")).iterdir()) == []


def test_how_each_one_ended_is_said_and_no_more(drive: Drive, capfd: pytest.CaptureFixture[str]) -> None:
    scripts = (
        b"#!/bin/sh\necho first\n# secret",
        b"#!/bin/sh\necho second\nexit 3\n# secret",
        b"#!/bin/sh\nkill -TERM $$\n# secret",
        b"#!/nonexistent/secret\n",
        b"#!/bin/sh\r\necho secret\r\n",
        b"#!/bin/sh\necho last\n",
    )
    drive.attach(multipart(*scripts).replace(b"\n\n#!/bin/sh\necho first", b"; name=one.sh\n\n#!/bin/sh\necho first"))
    assert main(["apply", "--root", str(drive.machine)]) == 0
    capfd.readouterr()
    assert run_user_data(Root(str(drive.machine))) == 1
    out, err = capfd.readouterr()
    assert out.split() == ["first", "second", "last"]
    crlf = ", and its first line ends in a carriage return"
    assert [line.partition(" after ")[0] for line in err.splitlines()] == [
        "bootagent: info: user data: part 1 (one.sh): ended with 0",
        "bootagent: error: user data: part 2: ended with 3",
        "bootagent: error: user data: part 3: ended by SIGTERM",
        "bootagent: error: user data: part 4: not started: No such file or directory",
        f"bootagent: error: user data: part 5: not started: No such file or directory{crlf}",
        "bootagent: info: user data: part 6: ended with 0",
    ]


def test_what_is_no_script_is_named_and_it_is_not_run(drive: Drive, capfd: pytest.CaptureFixture[str]) -> None:
    drive.attach(b"#cloud-config\npassword: secret\n")
    drive.boot()
    out, err = capfd.readouterr()
    assert "bootagent: warning: user data: #cloud-config is not handled\n" in err
    assert "bootagent: no scripts in the user data\n" in out
    assert "secret" not in out + err


@pytest.mark.parametrize("user_data", [None, b""])
def test_none_is_as_good_as_done(drive: Drive, user_data: bytes | None) -> None:
    drive.attach(user_data)
    drive.boot()
    assert drive.machine.has(user_data_run("id-1"))


def test_another_drive_by_now_is_not_run_and_the_next_boot_looks_again(drive: Drive, tmp_path: Path) -> None:
    drive.attach(recording(tmp_path / "log"))
    assert main(["apply", "--root", str(drive.machine)]) == 0
    drive.attach(recording(tmp_path / "log"), "id-2")
    with pytest.raises(SourceError, match="another instance"):
        run_user_data(Root(str(drive.machine)))
    assert not drive.machine.has(USER_DATA)
    drive.attach(recording(tmp_path / "log"))
    drive.boot()
    assert (tmp_path / "log").read_text() == "x\n"


@pytest.mark.parametrize("content", ["", "{", "[]", '{"source": "x"}', '{"a": 1}', "\0"])
def test_a_damaged_note_is_one_line(machine: MachineDirectory, content: str) -> None:
    machine.write(USER_DATA, content)
    with pytest.raises(SourceError, match=f"{USER_DATA}: damaged"):
        run_user_data(Root(str(machine)))
    assert run_user_data(Root(str(machine))) == 0


def test_a_boot_on_which_it_still_waits_is_not_like_the_one_before(drive: Drive, tmp_path: Path) -> None:
    """The power failed before the network was up: the agent starts again, until it was run."""
    from tests.test_unchanged import CHANGED, SKIPPED, add_nic, end_boot, start

    machine = drive.machine
    add_nic(machine, "eth0", "52:54:00:00:00:0a", "0000:00:03.0")
    machine.write("/etc/machine-id", "0123456789abcdef0123456789abcdef\n")
    (machine.path / "lib").symlink_to("usr/lib")
    drive.attach(recording(tmp_path / "log"))
    assert main(["apply", "--root", str(machine)]) == 0
    assert json.loads(machine.read(STATUS))["state"] == "ok"
    end_boot(machine)
    assert start(machine) == CHANGED
    drive.boot()
    end_boot(machine)
    assert start(machine) == SKIPPED


def test_a_service_is_asked_for_it_by_this_unit_alone(machine: MachineDirectory, tmp_path: Path) -> None:
    waiting = {"source": "openstack", "path": "", "instance": "c0ffee"}
    machine.write(USER_DATA, json.dumps(waiting))
    with Wire("169.254.169.254") as wire:
        wire.answers["/openstack/latest/user_data"] = recording(tmp_path / "log")
        assert wire.call(lambda: run_user_data(Root(str(machine)))) == 0
        assert [request.path for request in wire.requests] == ["/openstack/latest/user_data"]
        machine.write(USER_DATA, json.dumps({**waiting, "instance": "cafe"}))
        del wire.answers["/openstack/latest/user_data"]
        assert wire.call(lambda: run_user_data(Root(str(machine)))) == 0
    assert (tmp_path / "log").read_text() == "x\n"


def test_a_source_of_which_we_do_not_know_any_is_named(machine: MachineDirectory) -> None:
    """Whatever it is that the boot found, one line says so; the names are of modules that have no such function."""
    machine.write(USER_DATA, json.dumps({"source": "_answers", "path": "", "instance": "c0ffee"}))
    with pytest.raises(SourceError, match="does not know its user data"):
        run_user_data(Root(str(machine)))
