# SPDX-License-Identifier: Apache-2.0
"""One boot of one contender: when it was ready by its own systemd and journal, and what is wrong with the machine.

All times are of the guest's monotonic clock, counted from where systemd takes over from the initrd, or from the start
of the kernel where it is the initrd that is compared. That clock counts instructions while the guest works, and the
time of day only while it waits, so that it does not show what else the host does.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, NamedTuple

from tests.vm.machine import Drive, GuestError, Hardware, Machine

from . import drive
from .login import Login
from .results import DRACUT, Boot

if TYPE_CHECKING:
    import pathlib
    from collections.abc import Callable

    from tests.vm.images import Disk
    from tests.vm.network import Network

    from .contenders import Contender
    from .drive import Instance

# A login that was not possible when the boot was done is waited for so long.
PATIENCE_S = 20
# https://www.qemu.org/docs/master/devel/tcg-icount.html: an instruction is 2 to the power of this many nanoseconds.
CLOCK = "shift=2"
TARGETS = ("network.target", "multi-user.target")
# sshd says so for each address family, one after the other.
LISTENS = re.compile(r"Server listening on (0\.0\.0\.0|::) port 22\.")
ACCEPTED = re.compile(r"Accepted publickey for root from ")

QUESTIONS = {
    "userspace": "systemctl show --value -p UserspaceTimestampMonotonic",
    "targets": "systemctl show --value -p ActiveEnterTimestampMonotonic " + " ".join(TARGETS),
    "sshd": "journalctl --boot --output=json --identifier=sshd",
    "manager": "systemctl show --value -p CPUUsageNSec init.scope",
    "units": "systemctl show --all -p Id,CPUUsageNSec {patterns}",
    "failed": "systemctl list-units --all --plain --no-legend --state=failed {patterns}",
    "hostname": "cat /proc/sys/kernel/hostname",
    "addresses": "ip -j -4 addr",
    "routes": "ip -j -4 route",
    "dns": "cat /etc/resolv.conf; resolvectl dns",
}


class Stand(NamedTuple):
    """What a machine is plugged into: the network outside, the instance that it is to become, a directory for logs."""

    network: Network
    instance: Instance
    directory: pathlib.Path

    def machine(self, disk: Disk) -> Machine:
        """The machine with this disk, switched on."""
        tray = Drive(self.instance.drive, drive.BUS)
        hardware = Hardware(disk, drive.UUID, (drive.NIC,), tray, tuning="", clock=CLOCK)
        return Machine(hardware, self.network.namespace, self.directory)


def take(
    contender: Contender,
    disk: Disk,
    stand: Stand,
    number: int,
    stage: str,
    look: Callable[[Machine], None] | None = None,
    again: bool = True,
) -> Boot:
    """Boot the disk once; if it is to be booted ``again``, shut the machine down in order.

    ``look`` may ask the machine for more before that. A machine that hangs or dies is a wrong one.
    """
    named = (number, contender.name, contender.backend, stage)
    try:
        with stand.machine(disk) as machine, Login(stand.network, stand.instance) as login:
            machine.wait_booted()
            let_in = login.wait(PATIENCE_S)
            said = ask(machine, contender.units or ("none",))
            if look is not None:
                look(machine)
            if again:
                machine.power_off()
    except GuestError as error:
        return Boot(*named, str(error).partition(";")[0], {}, 0.0, {})
    seconds = _seconds(said, 0 if contender.backend == DRACUT else int(said["userspace"]))
    units = _units(said["units"]) if contender.units else {}
    wrong = "; ".join(_faults(said, let_in and "login" in seconds))
    manager = round(int(said["manager"]) / 1e9, 4)
    return Boot(*named, wrong, seconds, round(sum(units.values(), 0.0), 4), units, manager)


def ask(machine: Machine, patterns: tuple[str, ...]) -> dict[str, str]:
    """All questions in one go: every round trip costs an emulated machine dearly. Of what fails there is no answer."""
    quoted = " ".join(f"'{pattern}'" for pattern in patterns)
    script = "".join(
        f"echo; echo '@@ {name}'; ( {question.format(patterns=quoted)} ) 2>/dev/null\n"
        for name, question in QUESTIONS.items()
    )
    said = {}
    for answer in machine.shell(script + "true").split("\n@@ ")[1:]:
        name, _, text = answer.partition("\n")
        said[name] = text.strip()
    return said


def _seconds(said: dict[str, str], begun: int) -> dict[str, float]:
    """The moments that came, by name, in the order of ``results.MOMENTS``; ``begun`` in µs."""
    reached = dict(zip(TARGETS, map(int, said["targets"].split()), strict=True))
    entries = [json.loads(line) for line in said["sshd"].splitlines()]
    moments = {
        "network.target": reached["network.target"],
        "sshd": _sent(entries, LISTENS),
        "login": _sent(entries, ACCEPTED),
        "multi-user.target": reached["multi-user.target"],
    }
    return {name: round((moment - begun) / 1e6, 3) for name, moment in moments.items() if moment}


def _sent(entries: list[dict[str, str]], pattern: re.Pattern[str]) -> int:
    """When the first such message was sent, in µs of the monotonic clock; 0 if none was.

    The journal keeps the time of sending by the wall clock only, and both clocks for when it got the message.
    """
    for entry in entries:
        if pattern.match(entry["MESSAGE"]):
            late = int(entry["__REALTIME_TIMESTAMP"]) - int(entry["_SOURCE_REALTIME_TIMESTAMP"])
            return int(entry["__MONOTONIC_TIMESTAMP"]) - late
    return 0


def _units(shown: str) -> dict[str, float]:
    """Seconds of CPU by unit. systemd keeps the figure of a unit that ended, for as long as it has the unit loaded."""
    units = {}
    for block in shown.split("\n\n"):
        unit = dict(line.split("=", 1) for line in block.splitlines())
        spent = unit.get("CPUUsageNSec", "")
        if spent.isdigit():
            units[unit["Id"]] = round(int(spent) / 1e9, 4)
    return units


def _faults(said: dict[str, str], let_in: bool) -> list[str]:
    """What is wrong with the machine, seen from outside and from inside."""
    faults = [] if let_in else ["no login over SSH with the injected key"]
    if said["hostname"] not in (drive.NAME, drive.HOSTNAME):
        faults.append(f"hostname is {said['hostname']!r}")
    links = json.loads(said["addresses"] or "[]")
    found = {f"{entry['local']}/{entry['prefixlen']}" for link in links for entry in link["addr_info"]}
    if f"{drive.ADDRESS}/{drive.PREFIX}" not in found:
        faults.append("no address")
    routes = json.loads(said["routes"] or "[]")
    if drive.GATEWAY not in [route.get("gateway") for route in routes if route["dst"] == "default"]:
        faults.append("no default route")
    if drive.DNS not in said["dns"].split():
        faults.append("no DNS server")
    failed = [line.split()[0] for line in said["failed"].splitlines()]
    return faults + [f"{unit} failed" for unit in failed]
