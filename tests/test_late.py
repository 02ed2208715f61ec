# SPDX-License-Identifier: Apache-2.0
"""What is late is waited for, on udev's word and no longer than the deadline: real files, and an inotify that is real.

tests/vm/test_hotplug.py and tests/vm/test_late.py have a udev that is.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import pytest

from bootagent import late
from bootagent.host import Host, read_nics
from bootagent.model.network import Link, Network
from bootagent.model.values import MacAddress
from bootagent.options import Options
from bootagent.root import Root
from bootagent.sources import must_be_drive
from tests.conftest import put_in_place
from tests.test_unchanged import add_disk, documents, make_drive

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.conftest import MachineDirectory

PINNED = Options(sources=("configdrive",))
MAC = "52:54:00:00:00:0a"
LONG = 20.0  # seconds that no wait here may take that something ends
SHORT = 0.4  # the deadline of one that nothing does


class Udev(threading.Thread):
    """Something happens after the other, each with a pause before it."""

    def __init__(self, machine: MachineDirectory) -> None:
        super().__init__()
        (machine.path / "run/udev/data").mkdir(parents=True, exist_ok=True)
        self._machine = machine
        self.happening: list[Callable[[], object]] = []

    def run(self) -> None:
        for one in self.happening:
            time.sleep(0.1)
            one()

    def done(self, name: str, *properties: str) -> None:
        """It is done with a device, as far as its database says."""
        lines = ("I:1234567", *(f"E:{one}" for one in properties), "G:systemd")
        put_in_place(self._machine.path / "run/udev/data" / name, "".join(f"{line}\n" for line in lines))


@pytest.mark.parametrize(
    ("drive", "asked", "must"),
    [
        (None, None, False),
        ("/dev/vdb", None, True),
        (None, ("configdrive",), True),
        (None, ("configdrive", "nocloud"), True),
        (None, ("configdrive", "openstack"), False),
        (None, ("openstack",), False),
    ],
)
def test_only_an_option_says_that_there_must_be_one(
    drive: str | None, asked: tuple[str, ...] | None, must: bool
) -> None:
    assert must_be_drive(drive, asked) is must


@pytest.fixture
def deadline(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    return lambda seconds: monkeypatch.setattr(late, "DEADLINE", seconds)


def wait_for_drive(machine: MachineDirectory, options: Options, udev: Udev) -> tuple[Host, float]:
    """The machine once the drive is there, and the seconds that it took."""
    udev.start()
    begin = time.monotonic()
    host, problems = late.wait_for_drive(Root(str(machine)), Host(), options)
    seconds = time.monotonic() - begin
    udev.join()
    assert problems == ()
    return host, seconds


def test_a_drive_is_taken_when_it_comes(
    machine: MachineDirectory, tmp_path: Path, deadline: Callable[[float], None]
) -> None:
    deadline(LONG)
    content = make_drive(tmp_path, documents())
    udev = Udev(machine)
    udev.happening = [
        lambda: add_disk(machine, "vdb", bytes(1 << 20)),
        lambda: udev.done("b254:16"),
        lambda: udev.done("n2"),
        lambda: add_disk(machine, "vdc", make_drive_of_another_source(content)),
        lambda: udev.done("b254:32"),
        lambda: add_disk(machine, "vdd", content),
        lambda: udev.done("b254:48"),
    ]
    host, seconds = wait_for_drive(machine, PINNED, udev)
    assert [drive.path for drive in host.drives if drive.labels == ("config-2",)] == ["/dev/vdd"]
    assert seconds < LONG / 2


def make_drive_of_another_source(content: bytes) -> bytes:
    """The same with another label, in the places of the volume descriptors (ECMA-119 8.4.7) and of Joliet's."""
    joliet = "config-2".encode("utf-16-be"), "archives".encode("utf-16-be")
    return content.replace(b"config-2", b"archives").replace(*joliet)


def test_one_that_is_there_is_not_waited_for(
    machine: MachineDirectory, tmp_path: Path, deadline: Callable[[float], None]
) -> None:
    deadline(LONG)
    add_disk(machine, "vdb", make_drive(tmp_path, documents()))
    host, seconds = wait_for_drive(machine, PINNED, Udev(machine))
    assert host.drives
    broken = machine.write("/dev/vdz", b"not a drive")
    seconds += wait_for_drive(machine, Options(drive=str(broken)), Udev(machine))[1]
    assert seconds < LONG / 2


def test_one_that_came_between_the_look_and_the_watch_is_not_waited_for(
    machine: MachineDirectory, deadline: Callable[[float], None]
) -> None:
    deadline(LONG)
    begin = time.monotonic()
    assert late._wait(Root(str(machine)), "b", lambda: True) == ()
    assert time.monotonic() - begin < LONG / 2


def test_one_that_comes_while_it_is_looked_for_is_heard(
    machine: MachineDirectory, deadline: Callable[[float], None]
) -> None:
    deadline(LONG)
    udev = Udev(machine)
    entry = machine.path / "run/udev/data/b254:16"

    def look() -> bool:
        was_there = entry.exists()
        if not was_there:
            udev.done(entry.name)
        return was_there

    begin = time.monotonic()
    assert late._wait(Root(str(machine)), "b", look) == ()
    assert time.monotonic() - begin < LONG / 2


def test_a_named_drive_may_be_a_link_that_is_made_late(
    machine: MachineDirectory, deadline: Callable[[float], None]
) -> None:
    deadline(LONG)
    path = machine.path / "dev/disk/by-label/config-2"
    path.parent.mkdir(parents=True)
    udev = Udev(machine)
    udev.happening = [lambda: udev.done("b11:0"), path.touch, lambda: udev.done("b11:0")]
    assert wait_for_drive(machine, Options(drive=str(path)), udev)[1] < LONG / 2


def test_udev_may_start_when_it_is_waited_for(machine: MachineDirectory, deadline: Callable[[float], None]) -> None:
    deadline(LONG)
    path = machine.path / "dev/vdb"
    (machine.path / "dev").mkdir()
    udev = Udev(machine)
    data = machine.path / "run/udev/data"
    data.rmdir()
    data.parent.rmdir()
    udev.happening = [data.parent.mkdir, data.mkdir, path.touch, lambda: udev.done("b254:16")]
    assert wait_for_drive(machine, Options(drive=str(path)), udev)[1] < LONG / 2


def test_no_longer_than_the_deadline(machine: MachineDirectory, deadline: Callable[[float], None]) -> None:
    """However much there is to hear, of other devices of the kind too."""
    deadline(SHORT)
    udev = Udev(machine)
    udev.happening = [lambda: udev.done("b254:16"), lambda: udev.done("n2")] * 5
    host, seconds = wait_for_drive(machine, PINNED, udev)
    assert host.drives == ()
    assert SHORT <= seconds < SHORT + 2


def test_a_udev_that_cannot_be_heard_is_a_problem_and_no_wait(
    machine: MachineDirectory, deadline: Callable[[float], None]
) -> None:
    deadline(LONG)
    machine.write("/run/udev/data", "")
    begin = time.monotonic()
    _, problems = late.wait_for_drive(Root(str(machine)), Host(), PINNED)
    assert time.monotonic() - begin < LONG / 2
    assert [(problem.severity, problem.where) for problem in problems] == [("warning", "udev")]
    assert "Not a directory" in problems[0].message


def plug(machine: MachineDirectory, name: str, mac: str = MAC) -> None:
    machine.add_nic(name, mac)
    machine.write(f"/sys/class/net/{name}/ifindex", "2\n")


def wait_for_nic(machine: MachineDirectory, udev: Udev) -> tuple[list[str], float]:
    """The names of the NICs once the one that is named is there, and the seconds that it took."""
    machine.write("/run/udev/control", "")
    root = Root(str(machine))
    udev.start()
    begin = time.monotonic()
    nics, problems = late.wait_for_nics(root, Network((Link("tap0", MacAddress(MAC)),)), read_nics(root))
    seconds = time.monotonic() - begin
    udev.join()
    assert problems == ()
    return [nic.name for nic in nics], seconds


def test_a_nic_is_there_when_udev_is_done_with_it(machine: MachineDirectory, deadline: Callable[[float], None]) -> None:
    """It has its last name by then: an entry says until when it is being renamed."""
    deadline(LONG)
    udev = Udev(machine)
    net = machine.path / "sys/class/net"
    udev.happening = [
        lambda: plug(machine, "eth0"),
        lambda: udev.done("b254:16"),
        lambda: udev.done("n2", "ID_RENAMING=1", "ID_BUS=pci"),
        lambda: (net / "eth0").rename(net / "ens3"),
        lambda: udev.done("n2", "ID_BUS=pci"),
    ]
    names, seconds = wait_for_nic(machine, udev)
    assert names == ["ens3"]
    assert seconds < LONG / 2


def test_a_nic_that_never_comes_costs_the_deadline(
    machine: MachineDirectory, deadline: Callable[[float], None]
) -> None:
    deadline(SHORT)
    plug(machine, "eth0", "52:54:00:00:00:0b")
    udev = Udev(machine)
    udev.happening = [lambda: udev.done("n2")]
    names, seconds = wait_for_nic(machine, udev)
    assert names == ["eth0"]
    assert SHORT <= seconds < SHORT + 2


def test_a_nic_that_is_there_is_not_waited_for(machine: MachineDirectory, deadline: Callable[[float], None]) -> None:
    deadline(LONG)
    plug(machine, "ens3")
    udev = Udev(machine)
    udev.done("n2")
    assert wait_for_nic(machine, udev)[1] < LONG / 2
