# SPDX-License-Identifier: Apache-2.0
"""What the benchmark measured: the records, and the one JSON document that keeps them.

Seconds and KiB throughout. A figure that could not be measured is ``None``, never zero. Every part of the benchmark
fills its own fields of ``Results`` and leaves the others as they were, so that a cut run keeps what it has.
"""

from __future__ import annotations

import json
import os
import statistics
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import pathlib
    from collections.abc import Iterable

CONTENDERS = ("static", "bootagent", "glean", "cloud-init")
BACKENDS = ("networkd", "ifupdown")
# What "backend" is in records of first boots with an initramfs that dracut made, and with systemd-networkd.
DRACUT = "dracut"
DRACUT_CONTENDERS = ("static", "bootagent", "bootagent-early")  # early: in the initramfs
FIRST, LATER = "first", "later"  # later: the same disk started again, nothing changed
MOMENTS = ("network.target", "sshd", "login", "multi-user.target")


class Boot(NamedTuple):
    """One boot of one machine."""

    round: int
    contender: str  # of CONTENDERS, or of DRACUT_CONTENDERS
    backend: str  # of BACKENDS, or DRACUT
    boot: str  # FIRST or LATER
    wrong: str  # empty, or one line: what is wrong with the machine that it ended as
    seconds: dict[str, float]  # MOMENTS that came, since the start of user space; with DRACUT, of the kernel
    cpu: float  # of the agent's units, children included; 0.0 for the static image
    units: dict[str, float]  # the same by unit
    manager: float = 0.0  # CPU of systemd itself when the boot was done


class Count(NamedTuple):
    """What one boot's agent did, from a boot that is traced and not timed."""

    contender: str
    backend: str
    boot: str
    processes: int
    interpreters: int
    peak_kib: int | None  # of the largest process
    written: int  # bytes
    fsyncs: int


class Work(NamedTuple):
    """One process of the agent, or a bare interpreter, on the host."""

    round: int
    what: str  # "bare", "first" or "unchanged"
    cpu: float  # user and system, children included
    wall: float
    peak_kib: int


class Piece(NamedTuple):
    """A unit that has a part of what ``bootagent.service`` has and does, see ``profile.PROBES``."""

    what: str
    cpu: float  # of the whole unit, in seconds of the guest's clock


class Growth(NamedTuple):
    """One agent's whole work for a number of links."""

    agent: str
    links: int
    round: int
    cpu: float
    peak_kib: int  # of the largest process


class Results(NamedTuple):
    """All that is known, in the order in which it was measured."""

    versions: dict[str, str]
    machine: dict[str, str | int]
    rounds: int  # of the boots
    boots: tuple[Boot, ...]
    counts: tuple[Count, ...]
    ratio: tuple[Work, ...]
    calls: dict[str, dict[str, int]]  # "first" and "unchanged" -> system call -> number; "total" is all of them
    growth: tuple[Growth, ...]
    pieces: tuple[Piece, ...]
    installed: dict[str, int]  # bytes of what is in an image: "bootagent" (as in the checkout) and "bytecode"
    took: dict[str, int]  # part of the benchmark -> seconds


EMPTY = Results({}, {}, 0, (), (), (), {}, (), (), {}, {})


class Spread(NamedTuple):
    """A sample, as a table shows it."""

    median: float
    low: float
    high: float


def spread(values: Iterable[float]) -> Spread | None:
    """Median, minimum and maximum; ``None`` of nothing."""
    known = sorted(values)
    return Spread(statistics.median(known), known[0], known[-1]) if known else None


def read_results(path: pathlib.Path) -> Results:
    """The document, or ``EMPTY`` where there is none yet; a field that it lacks is empty."""
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return EMPTY
    return EMPTY._replace(**raw)._replace(
        boots=tuple(Boot(**entry) for entry in raw.get("boots", ())),
        counts=tuple(Count(**entry) for entry in raw.get("counts", ())),
        ratio=tuple(Work(**entry) for entry in raw.get("ratio", ())),
        growth=tuple(Growth(**entry) for entry in raw.get("growth", ())),
        pieces=tuple(Piece(**entry) for entry in raw.get("pieces", ())),
    )


def write_results(path: pathlib.Path, results: Results) -> None:
    """Replace the document whole: one record a line, so that a change of one is a change of one line."""
    fields = []
    for name, value in results._asdict().items():
        if isinstance(value, tuple):
            lines = ",\n".join("  " + json.dumps(record._asdict()) for record in value)
            fields.append(f"{json.dumps(name)}: [\n{lines}\n]" if lines else f"{json.dumps(name)}: []")
        else:
            fields.append(f"{json.dumps(name)}: {json.dumps(value, indent=1)}")
    temporary = path.with_suffix(".new")
    temporary.write_text("{\n" + ",\n".join(fields) + "\n}\n", encoding="utf-8")
    os.replace(temporary, path)
