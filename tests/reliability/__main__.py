# SPDX-License-Identifier: Apache-2.0
"""The whole campaign, and its page: ``make reliability``; with ``EVERY=5`` most faults at every fifth call only.

With ``CUTS=7`` so few whole machines, too; ``CUTS=0``: none.
"""

from __future__ import annotations

import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from tests.reliability import machines
from tests.reliability.campaign import campaign
from tests.reliability.page import write_page
from tests.reliability.scenes import NAMES

if TYPE_CHECKING:
    from tests.reliability.outcome import Row


def main(every: int, cuts: int) -> int:
    """1 where anything was not as promised; the page says so too."""
    start = time.monotonic()
    # Processes: a program that one thread starts would hold for a moment what another has open on a disk.
    with tempfile.TemporaryDirectory(prefix="reliability-") as directory, ProcessPoolExecutor(4) as pool:
        found = pool.map(partial(_run, Path(directory), every), NAMES)
        rows = [row for some in found for row in some]
    write_page(rows, every, time.monotonic() - start)
    if cuts:
        rows += machines.campaign(cuts, machines.any_seed())
    return 1 if any(row.broken for row in rows) else 0


def _run(tmp: Path, every: int, name: str) -> list[Row]:
    rows = []
    for row in campaign(tmp, name, every):
        rows.append(row)
        print(f"{row.fault}; {row.scene}: {row.tries} tries, {len(row.broken)} not as promised", flush=True)
        for what in row.broken:
            print(f"    {what}", flush=True)
    return rows


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
