# SPDX-License-Identifier: Apache-2.0
"""The power of whole machines is cut at random moments of their first boot.

``python3 -m tests.reliability.machines 50`` cuts so many boots, and writes its part of the page; ``--seed`` makes the
moments.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from tests.reliability import moments
from tests.reliability.first_boot import FirstBoot, Image, places
from tests.reliability.outcome import Row
from tests.reliability.page import write_machines
from tests.vm.conftest import missing_tools

if TYPE_CHECKING:
    import queue
    from collections.abc import Iterable, Iterator, Sequence

    from tests.reliability.first_boot import Place, Try
    from tests.reliability.moments import Moment

# The first has all of the tries, the others one in so many: to make host keys takes an emulated machine long.
IMAGES = {
    Image("bookworm", "networkd", sealed=False): 1,
    Image("bookworm", "networkd", sealed=True): 4,
    Image("trixie", "ifupdown", sealed=True): 8,
}
SIDE_BY_SIDE = 2
TOOLS = {"debugfs": "e2fsprogs", "e2fsck": "e2fsprogs"}  # and those of the VM tests


def campaign(tries: int, seed: int) -> list[Row]:
    """All of it, and its part of the page."""
    start = time.monotonic()
    if missing := missing_tools(TOOLS):
        sys.exit(f"the machines lack: {', '.join(missing)}")
    rows, words = try_machines(((image, max(1, tries // share)) for image, share in IMAGES.items()), seed)
    write_machines(rows, words, time.monotonic() - start)
    return rows


def any_seed() -> int:
    """Another one each time."""
    return random.SystemRandom().randrange(1 << 32)


def try_machines(wanted: Iterable[tuple[Image, int]], seed: int) -> tuple[list[Row], str]:
    """So many cuts of each image, each told as it is over; the rows, and what no row tells."""
    rows: list[Row] = []
    words = [f"Seed {seed}."]
    for image, tries in wanted:
        with tempfile.TemporaryDirectory(prefix="bootagent-cut.") as name, places(SIDE_BY_SIDE, Path(name)) as free:
            boot = FirstBoot(image, Path(name))
            window = boot.measure(free)
            print(f"{image.name}, seed {seed}; undisturbed: {window}", flush=True)
            done = [_tell(one) for one in run(boot, moments.choose(window, tries, seed), free)]
        rows += rows_of(image.name, done)
        partly = sum(0 < one.written[0] < one.written[1] for one in done)
        words.append(f"{image.name}: {partly} cuts found the disk with a part of the agent's files.")
    return rows, "\n".join(words)


def run(boot: FirstBoot, chosen: Sequence[Moment], free: queue.Queue[Place]) -> Iterator[Try]:
    """Cut at each moment, as many machines side by side as there are places."""

    def cut(moment: Moment) -> Try:
        place = free.get()
        try:
            return boot.cut(moment, place)
        finally:
            free.put(place)

    pool = ThreadPoolExecutor(free.qsize())
    try:
        yield from pool.map(cut, chosen)
    finally:
        pool.shutdown(cancel_futures=True)  # what has not begun, where the run is interrupted


def rows_of(name: str, tries: Sequence[Try]) -> list[Row]:
    """A row for each phase of a first boot."""
    rows = []
    for phase in moments.PHASES:
        some = [one for one in tries if one.phase == phase]
        broken = [f"{one.moment}: {what}" for one in some for what in one.broken]
        rows.append(Row(f"power cut of a machine {phase}", f"first boot, {name}", len(some), tuple(broken)))
    return rows


def _tell(one: Try) -> Try:
    there, whole = one.written
    print(f"{one.moment}, cut {one.phase}; {there} of {whole} files; {len(one.broken)} not as promised", flush=True)
    for what in one.broken:
        print(f"    {what}", flush=True)
    return one


def main() -> int:
    """1 where anything was not as promised."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tries", type=int)
    parser.add_argument("--seed", type=int, default=any_seed())
    options = parser.parse_args()
    return 1 if any(row.broken for row in campaign(options.tries, options.seed)) else 0


if __name__ == "__main__":
    sys.exit(main())
