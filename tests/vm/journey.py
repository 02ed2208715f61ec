# SPDX-License-Identifier: Apache-2.0
"""The boots of one disk: as instance A, as A again, as A with the drive detached, and as instance B."""

from __future__ import annotations

import contextlib
import os
import pathlib
import shutil
import tempfile
from typing import TYPE_CHECKING, NamedTuple

from . import base, drives, images, snapshot
from .machine import Drive, Hardware, Machine
from .network import NICS, Network

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


OPTIONS = "bootagent.user-data=scripts bootagent.verify=on"


class Boot(NamedTuple):
    """One boot of the machine: who it should be, and what it was; ``evidence`` is for a person."""

    instance: drives.Instance
    snapshot: snapshot.Snapshot
    evidence: str


class Journey:
    """One disk of one image, booted again and again.

    ``stages`` are those of its boots, of ``first``, ``again``, ``rebooted`` and ``other``, in that order. Every boot
    leaves its evidence in the cache directory.
    """

    def __init__(self, suite: str, image: str, stages: Sequence[str], install: Callable[[pathlib.Path], None]) -> None:
        self.suite = suite
        self.image = image
        self.backend = base.BACKEND_OF[image]
        self._stages = stages
        self._boots: dict[str, Boot] = {}
        self._error: Exception | None = None
        self._install = install
        self._directory = pathlib.Path(tempfile.mkdtemp(prefix=f"bootagent-vm.{suite}-{image}."))
        self._evidence = base.cache_directory() / "evidence" / f"{suite}-{image}"
        self._keys = {name: drives.make_key(self._directory / f"key-{name}") for name in ("a", "b")}
        self.a = drives.instance_a(self._keys["a"])
        self.b = drives.instance_b(self._keys["b"])

    def boot(self, stage: str) -> Boot:
        """The boot of this name; an error is that of every boot from there on."""
        if stage not in self._boots:
            raise RuntimeError(stage) from self._error
        return self._boots[stage]

    def travel(self) -> None:
        """Make the disk and boot it."""
        try:
            shutil.rmtree(self._evidence, ignore_errors=True)
            self._evidence.mkdir(parents=True)
            # A's drive is a disk; B's is the CD-ROM that nova makes of it by default.
            drive_a = Drive(drives.make_drive(self.a, self._directory), "virtio")
            drive_b = Drive(drives.make_drive(self.b, self._directory), "cdrom")
            disk = images.make_disk(self.suite, self.image, self._directory, self._install)
            given = {
                "first": (self.a, drive_a),
                "again": (self.a, drive_a),
                "rebooted": (self.a, None),
                "other": (self.b, drive_b),
            }
            for number, stage in enumerate(self._stages, 1):
                instance, drive = given[stage]
                hardware = Hardware(disk, instance.uuid, NICS, drive, OPTIONS)
                self._boots[stage] = self._boot(f"{number}-{stage}", instance, hardware)
        except Exception as error:
            self._error = error

    def remove(self) -> None:
        """Remove what an ended journey needed."""
        shutil.rmtree(self._directory)

    def _boot(self, stage: str, instance: drives.Instance, hardware: Hardware) -> Boot:
        with contextlib.ExitStack() as stack:
            namespace = f"bootagent-vm-{os.getpid()}-{self.suite}-{self.image}"
            network = stack.enter_context(Network(namespace, self._directory))
            stack.callback(self._keep_logs, stage)
            machine = stack.enter_context(Machine(hardware, namespace, self._directory))
            taken = snapshot.take(machine, network, instance, self._keys)
            machine.power_off()
        return Boot(instance, taken, self._keep_evidence(stage, taken))

    def _keep_logs(self, stage: str) -> None:
        for name in ("console.log", "dnsmasq.log", "qemu.log"):
            source = self._directory / name
            if source.exists():
                shutil.move(source, self._evidence / f"{stage}.{name}")

    def _keep_evidence(self, stage: str, taken: snapshot.Snapshot) -> str:
        """All answers go to a file; what a person asks first is returned."""
        title = f"===== {self.suite} {self.image} {stage}: boot done after {taken.booted_s:.0f} s ====="
        logins = "\n".join(f"ssh key {login.key} {login.address}: {login.output.strip()}" for login in taken.logins)
        answers = "\n".join(f"@@ {name}\n{text}" for name, text in taken.said.items())
        (self._evidence / f"{stage}.txt").write_text(f"{title}\n\n{logins}\n\n{answers}\n", encoding="utf-8")
        shown = [taken.said[name] for name in ("evidence", "bonds", "nameservers", "agent_journal")]
        return "\n\n".join([title, *shown, logins, ""])
