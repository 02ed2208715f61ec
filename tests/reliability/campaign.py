# SPDX-License-Identifier: Apache-2.0
"""Which faults are tried on a boot, and at which of its calls.  tests/test_reliability.py takes a few of each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.reliability import cut, faults, kills
from tests.reliability.agent import READING
from tests.reliability.scenes import Scene

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from tests.reliability.agent import Call
    from tests.reliability.outcome import Row

ERRORS = ("EIO", "ENOSPC", "EROFS")  # of a call that changes something


def changing(calls: Sequence[Call]) -> list[Call]:
    """Those of which the disk can tell whether they were done."""
    return [call for call in calls if call.changes]


def reading(calls: Sequence[Call]) -> list[Call]:
    """Those by which the agent looks at the machine; not the interpreter at its modules."""
    return [call for call in calls if call.name in READING and not call.changes and not call.of_interpreter]


def campaign(tmp: Path, name: str, every: int) -> Iterator[Row]:
    """All of it on one scene: each call is killed; each is cut, failed and asked to end where ``every`` is 1."""
    scene = Scene(name, tmp)
    work = scene.path.parent / "work"  # beside it, for LD_PRELOAD without a space in its path
    work.mkdir()
    calls = kills.find_calls(scene, work)
    some = changing(calls)[::every]
    yield kills.kill_at(scene, changing(calls), "SIGKILL")
    yield kills.kill_at(scene, some, "SIGTERM")
    for how in cut.FLAGS:
        yield cut.cut_at(scene, [*some, cut.after(calls)], work, how)
        if name == "another instance, networkd":
            yield cut.cut_at(scene, [*some, cut.after(calls)], work, how, ("var",))
    yield from whole_boots(scene, work, pages=40 // every + 1, tries=3)
    yield kills.misread_at(scene, reading(calls)[::every])
    for error in ERRORS:
        yield kills.fail_at(scene, some, error)


def whole_boots(scene: Scene, tmp: Path, pages: int, tries: int) -> Iterator[Row]:
    """The faults that last for a whole boot."""
    yield faults.full_disk(scene, range(pages))
    yield from faults.read_only(scene)
    yield faults.slow(scene)
    yield from faults.little_memory(scene)
    yield from faults.no_entropy(scene, tmp)
    yield from faults.early_clock(scene, tmp)
    yield from faults.two_agents(scene, tries)
