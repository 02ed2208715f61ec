# SPDX-License-Identifier: Apache-2.0
"""The boots of one disk: as instance A, as A again, as A with the drive detached, and as instance B."""

from __future__ import annotations

import contextlib
import os
import pathlib
import shutil
import tempfile
from concurrent.futures import Future
from typing import TYPE_CHECKING, NamedTuple

from . import base, drives, images, snapshot
from .machine import Drive, Hardware, Machine
from .network import NICS, Network

if TYPE_CHECKING:
    from collections.abc import Callable


OPTIONS = "bootagent.user-data=scripts bootagent.verify=on"


class Boot(NamedTuple):
    """One boot of the machine: who it should be, and what it was; ``evidence`` is for a person."""

    instance: drives.Instance
    snapshot: snapshot.Snapshot
    evidence: str


class Journey:
    """One disk of one image, booted again and again.

    ``travel`` runs in a thread of its own, so that several machines boot side by side; a test waits for the boot that
    it is about. Every boot leaves its evidence in the cache directory.
    """

    def __init__(
        self, suite: str, image: str, boots: int, install: Callable[[pathlib.Path], None] = images.install_agent
    ) -> None:
        self.suite = suite
        self.image = image
        self.backend = base.BACKEND_OF[image]
        self._boots = boots
        self.first: Future[Boot] = Future()
        self.again: Future[Boot] = Future()
        self.rebooted: Future[Boot] = Future()
        self.other: Future[Boot] = Future()
        self._install = install
        self._directory = pathlib.Path(tempfile.mkdtemp(prefix=f"bootagent-vm.{suite}-{image}."))
        self._evidence = base.cache_directory() / "evidence" / f"{suite}-{image}"
        self._keys = {name: drives.make_key(self._directory / f"key-{name}") for name in ("a", "b")}
        self.a = drives.instance_a(self._keys["a"])
        self.b = drives.instance_b(self._keys["b"])
        self._machine: Machine | None = None
        self._abandoned = False

    def travel(self) -> None:
        """Make the disk and boot it; an error is that of every boot from there on."""
        boots = [self.first, self.again, self.rebooted, self.other][: self._boots]
        try:
            shutil.rmtree(self._evidence, ignore_errors=True)
            self._evidence.mkdir(parents=True)
            # A's drive is a disk; B's is the CD-ROM that nova makes of it by default.
            drive_a = Drive(drives.make_drive(self.a, self._directory), "virtio")
            drive_b = Drive(drives.make_drive(self.b, self._directory), "cdrom")
            disk = images.make_disk(self.suite, self.image, self._directory, self._install)
            stages = (
                ("1-first", self.a, drive_a),
                ("2-again", self.a, drive_a),
                ("3-rebooted", self.a, None),
                ("4-other", self.b, drive_b),
            )
            for stage, instance, drive in stages[: self._boots]:
                boot = self._boot(stage, instance, Hardware(disk, instance.uuid, NICS, drive, OPTIONS))
                boots.pop(0).set_result(boot)
        except BaseException as error:
            for future in boots:
                future.set_exception(error)

    def abandon(self) -> None:
        """End the journey where it is, if it is not over; nobody waits for it any more."""
        self._abandoned = True
        if self._machine is not None:
            self._machine.kill()

    def remove(self) -> None:
        """Remove what an ended journey needed."""
        shutil.rmtree(self._directory)

    def _boot(self, stage: str, instance: drives.Instance, hardware: Hardware) -> Boot:
        with contextlib.ExitStack() as stack:
            namespace = f"bootagent-vm-{os.getpid()}-{self.suite}-{self.image}"
            network = stack.enter_context(Network(namespace, self._directory))
            stack.callback(self._keep_logs, stage)
            self._machine = stack.enter_context(Machine(hardware, namespace, self._directory))
            if self._abandoned:
                raise InterruptedError
            taken = snapshot.take(self._machine, network, instance, self._keys)
            self._machine.power_off()
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
