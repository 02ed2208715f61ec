# SPDX-License-Identifier: Apache-2.0
"""docs/reliability.rst: what was tried, how often, and what came of it, as the campaign found it."""

from __future__ import annotations

import platform
import subprocess
from typing import TYPE_CHECKING

from tests.reliability.agent import CHECKOUT

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from tests.reliability.outcome import Row

PAGE = CHECKOUT / "docs" / "reliability.rst"
BEGIN = ".. Made by ``make reliability``, from here on.\n"
END = ".. End of what is made.\n"
MACHINES_BEGIN = ".. Made by ``python3 -m tests.reliability.machines``, from here on.\n"
MACHINES_END = ".. End of what the machines made.\n"


def write_page(rows: Sequence[Row], every: int, seconds: float, page: Path = PAGE) -> None:
    """Put the table into the page, in the place of the one that is there."""
    tries, tracer = _tries(rows), _version("strace")
    head = (
        f"{tries} disturbed boots in {seconds / 60:.0f} minutes, with Python {platform.python_version()}, Linux\n"
        f"{platform.release()}, {tracer}. SIGKILL at each call that changes something; the other\n"
        f"faults of single calls at {'each' if every == 1 else f'one in {every}'}.\n"
    )
    _put(page, BEGIN, head, rows, END)


def write_machines(rows: Sequence[Row], words: str, seconds: float, page: Path = PAGE) -> None:
    """The same of the machines whose power was cut; ``words`` tell what no row does."""
    tries, minutes = _tries(rows), seconds / 60
    head = f"{tries} machines in {minutes:.0f} minutes, with {_version('qemu-system-x86_64')}.\n{words}\n"
    _put(page, MACHINES_BEGIN, head, rows, MACHINES_END)


def _put(page: Path, begin: str, head: str, rows: Sequence[Row], end: str) -> None:
    before, _, rest = page.read_text(encoding="utf-8").partition(begin)
    made = "\n".join([head, *_table(rows)])
    page.write_text(f"{before}{begin}\n{made}\n\n{end}{rest.partition(end)[2]}", encoding="utf-8")


def _tries(rows: Iterable[Row]) -> int:
    return sum(row.tries for row in rows)


def _version(program: str) -> str:
    return subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout.split("\n")[0]


def _table(rows: Iterable[Row]) -> list[str]:
    lines = [".. list-table::", "   :header-rows: 1", ""]
    for cells in (("fault", "boot", "tries", "as promised"), *map(_cells, rows)):
        lines += [f"   {'* -' if first else '  -'} {cell}" for first, cell in zip((True, False, False, False), cells)]
    return lines


def _cells(row: Row) -> tuple[str, str, str, str]:
    broken = len({what.partition(":")[0] for what in row.broken})
    return row.fault, row.scene, str(row.tries), "all" if not broken else f"all but {broken}"
