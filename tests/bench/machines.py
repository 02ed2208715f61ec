# SPDX-License-Identifier: Apache-2.0
"""The timed boots: round after round over all contenders, two rounds side by side.

``python3 -m tests.bench.machines --only bootagent-networkd --rounds 1`` boots one contender and prints its record;
``--plot FILE`` keeps the picture of ``systemd-analyze plot``, and prints what the critical path was.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import pathlib
import subprocess
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import bootagent
from tests.vm import base
from tests.vm.conftest import missing_tools
from tests.vm.images import CHECKOUT
from tests.vm.network import Network

from . import boots, contenders, drive
from .results import BACKENDS, FIRST, LATER, Boot

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from tests.vm.images import Disk
    from tests.vm.machine import Machine

    from .contenders import Contender

ANALYSIS = """systemd-analyze time
systemd-analyze critical-chain --no-pager ssh.service network.target
systemd-analyze blame --no-pager | head -15"""

# Rounds side by side, on a machine of two processors.
AT_ONCE = 2
# A later boot of the others does nothing that the bars are about, and takes as long as their first.
BOOTED_TWICE = ("static", "bootagent")
# What the versions of the benchmark are called in the images' packages.
PACKAGES = {
    "python": "python3.11",
    "kernel of the guest": "linux-image-cloud-amd64",
    "systemd": "systemd",
    "ifupdown": "ifupdown",
    "openssh": "openssh-server",
    "dracut": "dracut-core",
    "cloud-init": "cloud-init",
}


def run(rounds: int, record: Callable[[Boot], None]) -> None:
    """Boot every contender in each round, first and later, and pass on each boot as soon as it is over."""
    _run(contenders.ALL, rounds, record)


def versions() -> dict[str, str]:
    """What was compared, on what; of packages, the distribution's whole version."""
    trees = [base.base_tree(contenders.SUITE, one.image, one.extra) for one in contenders.ALL]
    found = {"bootagent": bootagent.__version__, "glean": contenders.GLEAN.partition("==")[2]}
    for name, package in PACKAGES.items():
        installed = filter(None, (_installed(tree, package) for tree in trees))
        found[name] = next(installed)
    emulator = subprocess.run(["qemu-system-x86_64", "--version"], capture_output=True, text=True, check=True)
    # Where the checkout is at; one that was changed since is marked.
    where = ["git", "-C", str(CHECKOUT), "describe", "--always", "--dirty"]
    commit = subprocess.run(where, capture_output=True, text=True, check=True).stdout.strip()
    return found | {"qemu": emulator.stdout.split("version ")[1].split()[0], "commit that was booted": commit}


@contextlib.contextmanager
def stands(count: int) -> Iterator[list[boots.Stand]]:
    """Networks for so many machines at once, and the drive that all have; gone afterwards, with every disk."""
    if missing := missing_tools():
        message = f"the boots lack: {', '.join(missing)}"
        raise RuntimeError(message)
    with tempfile.TemporaryDirectory(prefix="bootagent-bench.") as name:
        directory = pathlib.Path(name)
        instance = drive.make_instance(directory)
        with contextlib.ExitStack() as stack:
            made = []
            for number in range(count):
                place = directory / f"stand-{number}"
                place.mkdir()
                network = stack.enter_context(Network(f"bootagent-bench-{os.getpid()}-{number}", place))
                # The machine is found without a question, which the kernel would repeat once in a second only.
                neighbour = ("ip", "neigh", "replace", drive.ADDRESS, "lladdr", drive.NIC.mac, "dev", drive.NIC.tap)
                network.run(*neighbour, "nud", "permanent").check_returncode()
                made.append(boots.Stand(network, instance, place))
            yield made


def make_disks(chosen: Iterable[Contender], where: boots.Stand) -> dict[str, Disk]:
    """A disk that never booted for each contender, by title."""
    disks = {}
    for contender in chosen:
        place = where.directory / contender.title
        place.mkdir()
        disks[contender.title] = contender.make_disk(where.instance, place)
    return disks


def fresh(disk: Disk, where: boots.Stand) -> Disk:
    """A copy to boot from, in place of the one of the stand's boot before."""
    copy = where.directory / "booted.img"
    subprocess.run(["cp", "--sparse=always", "--reflink=auto", str(disk.root), str(copy)], check=True)
    return disk._replace(root=copy)


def _run(
    chosen: Sequence[Contender],
    rounds: int,
    record: Callable[[Boot], None],
    look: Callable[[Machine], None] | None = None,
) -> None:
    with stands(AT_ONCE) as free, ThreadPoolExecutor(AT_ONCE) as pool:
        disks = make_disks(chosen, free[0])
        one = threading.Lock()

        def keep(boot: Boot) -> None:
            with one:
                record(boot)

        def turn(number: int) -> None:
            where = free.pop()
            try:
                # There and back again: none is always the one after the same other.
                for contender in chosen if number % 2 else reversed(chosen):
                    _boot(contender, fresh(disks[contender.title], where), where, number, keep, look)
            finally:
                free.append(where)

        list(pool.map(turn, range(1, rounds + 1)))


def _boot(
    contender: Contender,
    disk: Disk,
    where: boots.Stand,
    number: int,
    record: Callable[[Boot], None],
    look: Callable[[Machine], None] | None,
) -> None:
    twice = contender.name in BOOTED_TWICE and contender.backend in BACKENDS
    stages = (FIRST, LATER) if twice else (FIRST,)
    for stage in stages:
        record(boots.take(contender, disk, where, number, stage, look, again=stage != stages[-1]))


def _installed(tree: pathlib.Path, package: str) -> str:
    """The version of the package in the tree, empty if it has none."""
    query = ["dpkg-query", f"--admindir={tree / 'var/lib/dpkg'}", "--show", "--showformat=${Version}", package]
    return subprocess.run(query, capture_output=True, text=True, check=False).stdout


def main() -> None:
    """One contender or some, for work on them."""
    titles = [contender.title for contender in contenders.ALL]
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", action="append", choices=titles, help="one contender, or this option again for more")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--plot", metavar="FILE", type=pathlib.Path, help="the SVG file to write, one for each boot")
    options = parser.parse_args()
    chosen = [contender for contender in contenders.ALL if contender.title in (options.only or titles)]
    pictures: dict[int, str] = {}  # by the thread that boots

    def look(machine: Machine) -> None:
        print(machine.shell(ANALYSIS))
        pictures[threading.get_ident()] = machine.shell("systemd-analyze plot")

    def record(boot: Boot) -> None:
        print(boot._asdict())
        if options.plot:
            name = f"{options.plot.stem}-{boot.contender}-{boot.backend}-{boot.boot}.svg"
            picture = pictures.pop(threading.get_ident())
            options.plot.with_name(name).write_text(picture, encoding="utf-8")

    _run(chosen, options.rounds, record, look if options.plot else None)


if __name__ == "__main__":
    main()
