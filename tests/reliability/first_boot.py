# SPDX-License-Identifier: Apache-2.0
"""The first boot of a machine: one that nothing disturbs, and those of which the power is cut, by killing QEMU.

What the guest had sent to its disk is there then, and what it had not written back is lost.
"""

from __future__ import annotations

import contextlib
import os
import queue
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from tests.reliability import booted, disks, moments
from tests.reliability.booted import Outside
from tests.vm import base, drives, images
from tests.vm.machine import Drive, GuestError, Hardware, Machine
from tests.vm.network import NICS, Network

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.reliability.moments import Moment, Window
    from tests.reliability.scenes import Tree
    from tests.vm.images import Disk


# What an emulated machine has to do that is about something else.
ARGUMENTS = " ".join(
    f"systemd.mask={unit}.service"
    for unit in ("systemd-logind", "getty@tty1", "serial-getty@ttyS0", "systemd-binfmt", "systemd-update-utmp")
)
PLUGGED_IN = NICS[:3]  # the static NIC, and a bond's members


class Image(NamedTuple):
    """An image of the VM tests; where it is ``sealed``, host keys are made at the first boot."""

    suite: str
    network: str
    sealed: bool

    @property
    def name(self) -> str:
        """As the page has it."""
        return f"{self.suite}, {self.network}{', sealed' if self.sealed else ''}"


class Place(NamedTuple):
    """Where one machine at a time runs: its directory, and the network that it is plugged into."""

    directory: Path
    network: Network


class Undisturbed(NamedTuple):
    """A first boot that nothing disturbs: when, its disk before and after, and what the machine came to."""

    window: Window
    image: Tree
    disk: Tree
    state: dict[str, str]


class Try(NamedTuple):
    """What came of one cut."""

    moment: Moment
    phase: str  # when it really was
    written: tuple[int, int]  # how many of the agent's files were there, and how many it has
    broken: tuple[str, ...]


class FirstBoot:
    """One image that never booted, and an undisturbed first boot of it to compare with."""

    def __init__(self, image: Image, directory: Path) -> None:
        self._key = drives.make_key(directory / "key")
        self._instance = _instance(self._key)
        self._drive = Drive(drives.make_drive(self._instance, directory), "virtio")
        install = images.install_and_seal if image.sealed else images.install_agent
        self._disk = images.make_disk(image.suite, image.network, directory, install, needs_online=False)
        self._undisturbed: Undisturbed | None = None

    def boot_undisturbed(self, place: Place) -> Undisturbed:
        """The boot that all others are compared with; it is made once."""
        if self._undisturbed is None:
            image, wrong = disks.read_disk(self._disk.root, place.directory)
            with self._machine(self._fresh(place), place) as machine:
                window = moments.watch(machine)
                state = booted.look(machine, self._outside(place))
                if unsound := booted.differences({**state, **booted.SOUND}, state):
                    message = f"the undisturbed boot: {unsound}, see {_keep_evidence(machine)}"
                    raise GuestError(message)
                machine.shell("sync")
            disk, wrong_too = disks.read_disk(place.directory / "root.img", place.directory)
            assert (wrong, wrong_too) == ([], [])
            self._undisturbed = Undisturbed(window, image, disk, state)
        return self._undisturbed

    def measure(self, free: queue.Queue[Place]) -> Window:
        """When the undisturbed boot came to each phase."""
        place = free.get()
        try:
            return self.boot_undisturbed(place).window
        finally:
            free.put(place)

    def cut(self, moment: Moment, place: Place) -> Try:
        """Boot a fresh disk, cut the power at the moment, look at the disk, and boot it again."""
        undisturbed = self.boot_undisturbed(place)
        disk = self._fresh(place)
        with self._machine(disk, place) as machine:
            moments.wait_for(machine, moment)
            machine.kill()
            phase = moments.phase_of(machine.console_text())
        tree, wrong = disks.read_disk(disk.root, place.directory)
        wrong += disks.judge_cut(undisturbed.image, undisturbed.disk, tree)
        written = disks.count_written(undisturbed.disk, tree)
        wrong += [f"after the next boot {what}" for what in self._boot_again(disk, place, undisturbed)]
        return Try(moment, phase, written, tuple(wrong))

    def _boot_again(self, disk: Disk, place: Place, undisturbed: Undisturbed) -> list[str]:
        """What is not as in the machine that nothing disturbed."""
        try:
            with self._machine(disk, place) as machine:
                state = booted.look(machine, self._outside(place), undisturbed.state)
                wrong = booted.differences(undisturbed.state, state)
                if wrong:
                    wrong.append(f"as its journal may tell: {_keep_evidence(machine)}")
                machine.shell("sync")
        except GuestError as error:
            return [str(error)]
        tree, half = disks.read_disk(disk.root, place.directory)
        return [*half, *disks.judge_end(undisturbed.disk, tree), *wrong]

    def _outside(self, place: Place) -> Outside:
        return Outside(place.network, self._instance, self._key)

    def _machine(self, disk: Disk, place: Place) -> Machine:
        hardware = Hardware(disk, self._instance.uuid, PLUGGED_IN, self._drive, ARGUMENTS)
        return Machine(hardware, place.network.namespace, place.directory)

    def _fresh(self, place: Place) -> Disk:
        return self._disk._replace(root=disks.copy_disk(self._disk.root, place.directory / "root.img"))


@contextlib.contextmanager
def places(count: int, directory: Path) -> Iterator[queue.Queue[Place]]:
    """So many places for machines; whoever takes one puts it back."""
    free: queue.Queue[Place] = queue.Queue()
    with contextlib.ExitStack() as stack:
        for number in range(count):
            place = directory / f"place-{number}"
            place.mkdir()
            free.put(Place(place, stack.enter_context(Network(f"bootagent-cut-{os.getpid()}-{number}", place))))
        yield free


def _instance(key: Path) -> drives.Instance:
    """Of the first instance of the VM tests the static NIC, the bond and the VLAN on it."""
    whole = drives.instance_a(key)
    links = whole.network_data["links"][:5]
    names = {link["id"] for link in links}
    networks = [entry for entry in whole.network_data["networks"] if entry["link"] in names]
    data = {**whole.network_data, "links": links, "networks": networks}
    return whole._replace(network_data=data, addresses=tuple(entry["ip_address"] for entry in networks))


def _keep_evidence(machine: Machine) -> Path:
    """What the machine says to a person, in a new file in the cache directory of the VM tests."""
    directory = base.cache_directory() / "evidence" / "power-cut"
    directory.mkdir(parents=True, exist_ok=True)
    file = Path(tempfile.mkstemp(prefix="journal-", suffix=".txt", dir=directory)[1])
    file.write_text(machine.try_shell(booted.EVIDENCE)[1], encoding="utf-8")
    return file
