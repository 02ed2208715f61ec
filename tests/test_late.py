# SPDX-License-Identifier: Apache-2.0
"""A drive that an option says must be there, and is not yet.  tests/vm/test_hotplug.py has udev's real events."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from bootagent import late
from bootagent.host import Host
from bootagent.options import Options
from bootagent.root import Root
from bootagent.sources import must_be_drive
from tests.test_unchanged import add_disk, documents, make_drive

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.conftest import MachineDirectory

PINNED = Options(sources=("configdrive",))


class Events:
    """udev's: each is one thing that happens; then there is silence."""

    def __init__(self, *happening: Callable[[], None]) -> None:
        self._happening = list(happening)
        self.heard: list[str] = []

    def listen(self, subsystem: str) -> Events:
        self.heard.append(subsystem)
        return self

    def poll(self, timeout: float) -> None:
        if self._happening:
            self._happening.pop(0)()
        else:
            time.sleep(timeout)


def wait(machine: MachineDirectory, events: Events, options: Options, monkeypatch: pytest.MonkeyPatch) -> Host:
    monkeypatch.setattr(late, "_listen", events.listen)
    monkeypatch.setattr(late, "DEADLINE", 0.4)
    host, problems = late.wait_for_drive(Root(str(machine)), Host(), options)
    assert problems == ()
    return host


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


def test_a_drive_is_taken_when_it_comes(
    machine: MachineDirectory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = make_drive(tmp_path, documents())
    other = make_drive_of_another_source(content)
    events = Events(
        lambda: add_disk(machine, "vdb", bytes(1 << 20)),
        lambda: add_disk(machine, "vdc", other),
        lambda: add_disk(machine, "vdd", content),
        lambda: pytest.fail("it waits for more than the drive"),
    )
    host = wait(machine, events, PINNED, monkeypatch)
    assert events.heard == ["block"]
    assert [drive.path for drive in host.drives if drive.labels == ("config-2",)] == ["/dev/vdd"]


def make_drive_of_another_source(content: bytes) -> bytes:
    """The same with another label, in the places of the volume descriptors (ECMA-119 8.4.7) and of Joliet's."""
    joliet = "config-2".encode("utf-16-be"), "archives".encode("utf-16-be")
    return content.replace(b"config-2", b"archives").replace(*joliet)


def test_one_that_is_there_is_not_waited_for(
    machine: MachineDirectory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_disk(machine, "vdb", make_drive(tmp_path, documents()))
    events = Events(lambda: pytest.fail("it waits"))
    assert wait(machine, events, PINNED, monkeypatch).drives
    broken = machine.write("/dev/vdz", b"not a drive")
    wait(machine, events, Options(drive=str(broken)), monkeypatch)
    assert events.heard == []


def test_a_named_drive_may_be_a_link_that_is_made_late(
    machine: MachineDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = machine.path / "dev/disk/by-label/config-2"
    events = Events(lambda: None, lambda: make(path))
    wait(machine, events, Options(drive=str(path)), monkeypatch)
    assert path.exists()


def make(path: Path) -> None:
    path.parent.mkdir(parents=True)
    path.touch()


def test_no_longer_than_the_deadline(machine: MachineDirectory, monkeypatch: pytest.MonkeyPatch) -> None:
    begin = time.monotonic()
    events = Events(*[lambda: time.sleep(0.1)] * 50)
    assert wait(machine, events, PINNED, monkeypatch).drives == ()
    assert 0.4 <= time.monotonic() - begin < 2
