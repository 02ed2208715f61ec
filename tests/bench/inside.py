# SPDX-License-Identifier: Apache-2.0
"""What runs below unshare(1), so that neither this host's mounts nor its name change: ``python -m tests.bench.inside``.

Its argument is one of the jobs below as JSON. Prints JSON, an object a line.
"""

from __future__ import annotations

import json
import pathlib
import subprocess
import sys
from typing import TYPE_CHECKING, Any

from tests.vm.images import CHECKOUT

from .mounted import BOOT_UNIT, CHECK_UNIT, PYTHON, UNCHANGED, Machine

if TYPE_CHECKING:
    from .scratch import Hardware

BARE = [PYTHON, "-I", "-S", "-c", "pass"]
NETWORK_FILES = "etc/systemd/network"
CONFIG = "mnt/config"  # where glean's early unit mounts the drive


def run(tree: pathlib.Path, hardware: Hardware, job: dict[str, Any]) -> list[dict[str, Any]]:
    """Do a job in this machine, from outside; ``CalledProcessError`` if it fails, which says why on standard error."""
    whole = {"tree": str(tree), "sys": str(hardware.sys), "devices": hardware.devices, "files": str(hardware.files)}
    unshared = ["unshare", "--mount", "--uts", "--propagation", "private", "--"]
    command = [*unshared, sys.executable, "-m", "tests.bench.inside", json.dumps({**whole, **job})]
    done = subprocess.run(command, cwd=CHECKOUT, stdout=subprocess.PIPE, text=True, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def measure_rounds(machine: Machine, rounds: int) -> None:
    """A bare interpreter, a first boot and an unchanged one; round 0 warms the caches. The last line is the traces."""
    command, check = machine.command(BOOT_UNIT), machine.command(CHECK_UNIT)
    for number in range(rounds + 1):
        machine.reset()  # leaves the processor's caches cold: before each of the two, or before none
        used = {"bare": machine.measure(BARE)}
        machine.reset()
        used["first"] = machine.measure(command)
        machine.require_links(NETWORK_FILES, 1)
        machine.require_login()
        machine.require_ok()
        machine.power_on()
        used["unchanged"] = machine.measure(check)
        if not (machine.tree / UNCHANGED).exists():
            message = "a boot on which nothing changed would start the agent"
            raise RuntimeError(message)
        machine.require_links(NETWORK_FILES, 1)
        machine.require_login()
        for what, usage in used.items() if number else ():
            print(json.dumps({"round": number, "what": what, **usage._asdict()}))
    machine.reset()
    calls = {"first": machine.trace(command)}
    machine.power_on()
    print(json.dumps(calls | {"unchanged": machine.trace(check)}))


def measure_links(machine: Machine, files: str, command: list[str] | None, output: str, links: int) -> None:
    """One run of a command, or of the agent's own, that has to write this many links into files below ``output``.

    The drive's files are where glean looks for them too: this host's kernel may not be able to mount one.
    """
    drive = machine.tree / CONFIG
    drive.mkdir(parents=True, exist_ok=True)
    subprocess.run(["mount", "--bind", files, str(drive)], check=True)
    machine.power_on()
    try:
        usage = machine.measure(command or machine.command(BOOT_UNIT))
        machine.require_links(output, links)
    finally:
        machine.reset()
    print(json.dumps(usage._asdict()))


def main(text: str) -> None:
    """Do the job."""
    job = json.loads(text)
    machine = Machine(pathlib.Path(job["tree"]), pathlib.Path(job["sys"]), job["devices"])
    if "rounds" in job:
        measure_rounds(machine, job["rounds"])
    else:
        measure_links(machine, job["files"], job["command"], job["output"], job["links"])


if __name__ == "__main__":
    main(sys.argv[1])
