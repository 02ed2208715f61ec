# SPDX-License-Identifier: Apache-2.0
"""Lines for people: problems on standard error, one each, and the time that each step took.

Below systemd a line starts with its priority, ``<3>`` for an error, which the journal takes off (sd-daemon(3)).
``logging`` would cost the boot more than all else that is imported for this, so lines are written as they are.
"""

from __future__ import annotations

import os
import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from bootagent.model.instance import Problem

MAX_LINES = 50
PRIORITIES = {"error": 3, "warning": 4, "info": 6}  # syslog(3)


def write_line(severity: str, message: str) -> None:
    """One line on standard error; control characters cannot come through."""
    prefix = f"<{PRIORITIES[severity]}>" if "JOURNAL_STREAM" in os.environ else f"bootagent: {severity}: "
    text = "".join(char if char.isprintable() else "?" for char in message)
    sys.stderr.write(f"{prefix}{text}\n")


def write_problems(problems: Iterable[Problem]) -> None:
    """A line for each problem that a person should look at; of very many, the first."""
    doubts = [problem for problem in dict.fromkeys(problems) if problem.severity != "info"]
    for problem in doubts[:MAX_LINES]:
        write_line(problem.severity, str(problem))
    if len(doubts) > MAX_LINES:
        write_line("warning", f"and {len(doubts) - MAX_LINES} more problems")


class Clock:
    """Seconds that each step took, by the monotonic clock: the wall clock jumps at boot."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._last = time.monotonic()

    def step(self, name: str) -> None:
        """End the step ``name`` now."""
        now = time.monotonic()
        self.seconds[name] = round(now - self._last, 6)
        self._last = now
