# SPDX-License-Identifier: Apache-2.0
"""Which faults are tried on which boots.  ``sample`` takes a few of each: the same code, for ``make check``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.reliability import cut, faults, kills
from tests.reliability.agent import READING
from tests.reliability.scenes import make_scenes

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from tests.reliability.agent import Call
    from tests.reliability.outcome import Row
    from tests.reliability.scenes import Scene

ERRORS = ("EIO", "ENOSPC", "EROFS")  # of a call that changes something


def changing(calls: Sequence[Call]) -> list[Call]:
    """Those of which the disk can tell whether they were done."""
    return [call for call in calls if call.changes]


def reading(calls: Sequence[Call]) -> list[Call]:
    """Those by which the agent looks at the machine; not the interpreter at its modules."""
    return [call for call in calls if call.name in READING and not call.changes and not call.of_interpreter]


def campaign(tmp: Path) -> Iterator[Row]:
    """All of it."""
    for number, scene in enumerate(make_scenes(tmp)):
        work = tmp / f"work{number}"
        work.mkdir()
        calls = kills.find_calls(scene, work)
        yield kills.kill_at(scene, changing(calls), "SIGKILL")
        yield kills.kill_at(scene, changing(calls)[::3], "SIGTERM")
        for how in cut.FLAGS:
            yield cut.cut_at(scene, [*changing(calls), cut.after(calls)], work, how)
        for error in ERRORS:
            yield kills.fail_at(scene, changing(calls), error)
        yield kills.fail_at(scene, reading(calls), "EIO")
        yield from whole_boots(scene, work, pages=40, tries=10)
        if scene.name.startswith("another instance, networkd"):
            for how in cut.FLAGS:
                yield cut.cut_at(scene, [*changing(calls), cut.after(calls)], work, how, ("var",))


def whole_boots(scene: Scene, tmp: Path, pages: int, tries: int) -> Iterator[Row]:
    """The faults that last for a whole boot."""
    yield faults.full_disk(scene, range(pages))
    yield from faults.read_only(scene)
    yield faults.slow(scene)
    yield from faults.little_memory(scene)
    yield from faults.no_entropy(scene, tmp)
    yield from faults.early_clock(scene, tmp)
    yield from faults.two_agents(scene, tries)
