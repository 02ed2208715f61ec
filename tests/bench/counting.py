# SPDX-License-Identifier: Apache-2.0
"""What the agents do at boot, from boots that are not timed: processes, interpreters, memory, bytes, flushes."""

from __future__ import annotations

import os.path
import shlex
from typing import TYPE_CHECKING

from . import boots, contenders, machines, tracing
from .results import BACKENDS, FIRST, LATER, Count

if TYPE_CHECKING:
    import pathlib

    from tests.vm.machine import Machine

    from .contenders import Contender
    from .drive import Instance

# Between the traces, which are text in lines.
NEXT = "@@ next trace"
READ_TRACES = f"for trace in {tracing.TRACES}*; do cat \"$trace\"; echo '{NEXT}'; done"
READ_PEAKS = f"cat {tracing.PEAKS}"


def run() -> list[Count]:
    """A first and a later boot of each contender that has an agent; a machine that is wrong is an error.

    Not with dracut's initramfs: the agent does the same there.
    """
    traced = (contender for contender in contenders.ALL if contender.units and contender.backend in BACKENDS)
    return [count for contender in traced for count in count_boots(contender)]


def count_boots(contender: Contender) -> list[Count]:
    """The two boots of one contender."""
    counts = []
    with machines.stands(1) as (where,):
        traced = _traced(contender)
        place = where.directory / traced.title
        place.mkdir()
        disk = traced.make_disk(where.instance, place)
        for stage in (FIRST, LATER):
            found: list[Count] = []

            def look(machine: Machine, stage: str = stage, found: list[Count] = found) -> None:
                found.append(_count(machine, contender, stage))

            boot = boots.take(traced, disk, where, 0, stage, look)
            if boot.wrong:
                message = f"{contender.title}, {stage} boot, traced: {boot.wrong}"
                raise RuntimeError(message)
            counts += found
    return counts


def _traced(contender: Contender) -> Contender:
    name, packages, finish = contender.extra

    def install(tree: pathlib.Path, instance: Instance) -> None:
        contender.install(tree, instance)
        tracing.add_tracers(tree, contender.units)

    extra = contender.extra._replace(
        name="-".join(filter(None, (name, "traced"))), packages=(*packages, *tracing.PACKAGES), finish=finish
    )
    return contender._replace(extra=extra, install=install)


def _count(machine: Machine, contender: Contender, stage: str) -> Count:
    code, text = machine.try_shell(READ_TRACES)
    trace = tracing.read_traces([] if code else text.split(NEXT)[:-1])
    peaks = machine.try_shell(READ_PEAKS)[1].split()
    interpreters = sum(_is_python(program) for program in _resolved(machine, trace.programs))
    return Count(
        contender.name,
        contender.backend,
        stage,
        trace.processes,
        interpreters,
        max((int(peak) for peak in peaks if peak.isdigit()), default=None),
        trace.written,
        trace.fsyncs,
    )


def _resolved(machine: Machine, programs: tuple[str, ...]) -> list[str]:
    """The program that the kernel runs for each: a script's interpreter, a link's end."""
    if not programs:
        return []
    script = "".join(
        f"sed -n '1s/^#! *//p;q' {path} | tr -d '\\0' | grep . || readlink -f {path}; "
        for path in map(shlex.quote, programs)
    )
    return [line.split()[0] for line in machine.shell(script).splitlines()]


def _is_python(program: str) -> bool:
    return os.path.basename(program).startswith("python")
