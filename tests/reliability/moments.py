# SPDX-License-Identifier: Apache-2.0
"""When the power of a machine is cut: at random, most often while the agent is at work, as its console tells.

A moment is so much work of the emulation after a line of the console, not so long after power-on: two boots are never
equally fast, the less so where machines share a processor.
"""

from __future__ import annotations

import random
import re
import time
from itertools import cycle, islice
from typing import TYPE_CHECKING, NamedTuple

from tests.vm.machine import GuestError

if TYPE_CHECKING:
    from tests.vm.machine import Machine

BEFORE, AT_WORK, AFTER = PHASES = ("before the agent", "while the agent works", "after the agent")
# What systemd says as each begins; of a unit by its name, whose start is ours and whose end may have been cut short.
BEGINS = {
    BEFORE: re.compile(r"Welcome to "),
    AT_WORK: re.compile(r"Starting \S*bootagent\.service"),
    AFTER: re.compile(r"Finished \S*bootagent\.service"),
}
# Of seven cuts one is before, four meanwhile, two after: there, host keys and the machine's id are made.
TURNS = (AT_WORK, AFTER, BEFORE, AT_WORK, AT_WORK, AFTER, AT_WORK)
LONGEST_S = 240


class Window(NamedTuple):
    """When an undisturbed boot came to each phase, and when it was done, by ``Machine.worked_s``."""

    begins: tuple[float, ...]
    booted: float


class Moment(NamedTuple):
    """So many seconds of the emulation's work after this phase has begun."""

    phase: str
    seconds: float

    def __str__(self) -> str:
        return f"{self.seconds:.2f} s into {self.phase!r}"


def choose(window: Window, tries: int, seed: int) -> list[Moment]:
    """So many moments; the same for the same window and seed."""
    generator = random.Random(seed)
    ends = (*window.begins[1:], window.booted)
    lengths = {phase: end - begin for phase, begin, end in zip(PHASES, window.begins, ends)}
    return [Moment(phase, generator.uniform(0, lengths[phase])) for phase in islice(cycle(TURNS), tries)]


def watch(machine: Machine) -> Window:
    """When each phase begins."""
    begins = tuple(_wait_until(machine, phase) for phase in PHASES)
    machine.wait_booted()
    return Window(begins, machine.worked_s())


def wait_for(machine: Machine, moment: Moment) -> None:
    """Return at the moment; a machine that has nothing to do any more comes to none that is left."""
    begin = _wait_until(machine, moment.phase)
    deadline = time.monotonic() + LONGEST_S
    while machine.worked_s() < begin + moment.seconds and time.monotonic() < deadline:
        time.sleep(0.002)


def phase_of(console: str) -> str:
    """The phase that the console shows last."""
    return next((phase for phase in reversed(PHASES) if BEGINS[phase].search(console)), BEFORE)


def _wait_until(machine: Machine, phase: str) -> float:
    """Wait until the phase begins; when that was."""
    deadline = time.monotonic() + LONGEST_S
    while not BEGINS[phase].search(machine.console_text()):
        if time.monotonic() > deadline or not machine.is_on():
            message = f"the console never showed {BEGINS[phase].pattern!r}; it ends: {machine.console_tail()}"
            raise GuestError(message)
        time.sleep(0.005)
    return machine.worked_s()
