# SPDX-License-Identifier: Apache-2.0
"""The agent is killed, or asked to end, at a system call; or the call fails.  Each call of a boot has its turn."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

from tests.reliability.agent import inject, list_calls, run_agent
from tests.reliability.outcome import Row, judge_books, judge_files, judge_next, judge_words

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from tests.reliability.agent import Call
    from tests.reliability.scenes import Scene


def find_calls(scene: Scene, tmp: Path) -> list[Call]:
    """The system calls of the scene's boot."""
    scene.restore()
    calls = list_calls(scene.path, tmp / "calls")
    scene.restore()
    return calls


def kill_at(scene: Scene, calls: Iterable[Call], name: str = "SIGKILL") -> Row:
    """A signal as each call begins: what it would have done is not done."""
    broken = []
    tries = 0
    for call in calls:
        scene.restore()
        done = run_agent(scene.path, *inject(f"{call.name}:signal={name}:when={call.number}"))
        tries += 1
        wrong = judge_files(scene, scene.path)
        if done.returncode not in (-signal.Signals[name], 128 + signal.Signals[name]):
            wrong.append(f"not killed: {done.returncode} {done.stderr}")
        wrong += judge_next(scene, scene.path)
        broken += [f"{name} at {call.line[:90]}: {what}" for what in wrong]
    return Row(f"{name} at a system call", scene.name, tries, tuple(broken))


def fail_at(scene: Scene, calls: Iterable[Call], error: str) -> Row:
    """Each call fails once, for this reason."""
    broken = []
    tries = 0
    for call in calls:
        scene.restore()
        done = run_agent(scene.path, *inject(f"{call.name}:error={error}:when={call.number}"))
        tries += 1
        wrong = [*judge_words(done), *judge_files(scene, scene.path), *judge_next(scene, scene.path, failed=True)]
        broken += [f"{error} at {call.line[:90]}: {what}" for what in wrong]
    return Row(f"a call fails: {error}", scene.name, tries, tuple(broken))


def misread_at(scene: Scene, calls: Iterable[Call]) -> Row:
    """Each read fails once: what is not known is another machine, but nothing is half, and nobody sees a traceback."""
    broken = []
    tries = 0
    for call in calls:
        scene.restore()
        done = run_agent(scene.path, *inject(f"{call.name}:error=EIO:when={call.number}"))
        tries += 1
        wrong = [*judge_words(done), *judge_books(scene.path)]
        if "manifest.json" in call.line:
            wrong += [*judge_files(scene, scene.path), *judge_next(scene, scene.path, failed=True)]
        broken += [f"EIO at {call.line[:90]}: {what}" for what in wrong]
    return Row("a call fails that reads: EIO", scene.name, tries, tuple(broken))
