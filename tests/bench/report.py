# SPDX-License-Identifier: Apache-2.0
"""The page ``docs/benchmarks.rst``, written from the results and from nothing else, and its two pictures."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from . import figures, svg
from .results import BACKENDS, CONTENDERS, DRACUT, DRACUT_CONTENDERS, FIRST, LATER, MOMENTS

if TYPE_CHECKING:
    import pathlib
    from collections.abc import Iterable, Iterator

    from .results import Results, Spread

NOTHING = "—"  # not measured, or not of a machine that anybody wants
PAGE, BOOT_PICTURE, GROWTH_PICTURE = "benchmarks.rst", "benchmarks-boot.svg", "benchmarks-growth.svg"

HEAD = """\
==========
Benchmarks
==========

.. Written by ``make bench`` from benchmarks.json; nothing here is written by hand.

What it costs a machine to be configured at boot: by bootagent, by glean, by cloud-init, and by nobody, which is an
image in which a person wrote the configuration beforehand ("static"). All of them are the same Debian with one static
NIC and the same config drive, with systemd-networkd or with ifupdown, booted in turn: every round boots each contender
once.

The guests are emulated, and their clock counts their instructions, four nanoseconds each, so that the host's load and
speed do not show; while a guest waits, the time of day goes on. Waits weigh less than on a processor that is faster.

Figures are medians, with the lowest and the highest in parentheses. ``×`` is the ratio of the medians to those of the
static image in the same run. A machine that did not end as its drive says is shown as wrong, and has no figures.

"""

BOOTS = f"""\
.. image:: {BOOT_PICTURE}
   :alt: seconds to sshd and to the first login, by contender

Seconds from the start of user space to the target, to sshd listening, and to the first login over SSH from outside
with the drive's key. CPU is that of all of the agent's own units, children included, in seconds, and that of systemd
itself, which has more to do for more units; what runs outside of both, as cloud-init's ds-identify does in a generator,
is not in it. How each contender is put into the image: ``tests/bench/contenders.py``. glean's installer puts its unit
for systemd-networkd only into what it takes for a Gentoo, so it was made to take Debian for one.
"""

EARLY = """\
The same with an initramfs that dracut made, and systemd-networkd. "bootagent" works in the real root, and
"bootagent-early" in the initramfs, where dracut's module of it was asked for. Seconds from the start of the kernel,
because the initramfs is what differs; CPU that was spent there is in no unit that can be asked later.

"""

PIECES = """\
CPU of ``bootagent.service`` in a guest with systemd-networkd, by what each thing adds; milliseconds of the guest's
clock, of which one is a quarter of a million instructions. Memory that two things map is in each of them.
"""

COUNTS = """\
Processes, interpreters among them, KiB of the largest process, bytes written to files and calls of fsync and its kin,
by the agent's own units, in boots that were traced and not timed.
"""

WORK = """\
The command of ``bootagent.service`` on this host, in the tree of the same Debian with one NIC, a root disk and the
drive as block devices, in namespaces of its own; all that it writes goes to a disk, fsyncs included. "bare" is
``python3 -I -S -c pass`` of that tree; "first" a machine that never booted; "unchanged" the next boot of the same.
Interleaved, with warm caches; the processes' own rusage, children included. What the kernel's threads do for them, as
writing a file system's journal, is in nobody's rusage.
"""

GROWTH = f"""\
.. image:: {GROWTH_PICTURE}
   :alt: CPU by the number of links

A document with 1 to 512 links, each a NIC with a static IPv4 address; every agent has to write all of them. They do not
do the same work:

- bootagent: the whole boot, as above.
- glean: keys and hostname by its early unit, then as udev starts it under ifupdown, once for each NIC; all its
  processes together. Mounting the drive, and the ``ifup`` of each unit, are not in it.
- "glean, once": the same, but for the network as its unit for systemd-networkd starts it, once.
- cloud-init: ``cloud-init devel net-convert`` to systemd-networkd, which is the rendering of the network and no more.

Seconds of CPU, and MiB of the largest process. What takes more than a minute is measured once.
"""

AGAIN = """\
``make bench``, as root, on a Linux with the tools that it names if they are missing: those of ``make check-vm``,
losetup, strace and unshare. It fetches Debian's packages, and glean from PyPI. ``python -m tests.bench --help`` says
how to run a part of it.
"""


def write_pages(results: Results, directory: pathlib.Path) -> None:
    """The page and the pictures."""
    (directory / BOOT_PICTURE).write_text(svg.boots(results), encoding="utf-8")
    (directory / GROWTH_PICTURE).write_text(svg.growth(results), encoding="utf-8")
    (directory / PAGE).write_text(page(results), encoding="utf-8")


def page(results: Results) -> str:
    """The whole page; what was not measured says so."""
    parts = [HEAD, *_section("Budgets", _budgets(results)), *_section("Boots", BOOTS)]
    for boot, title in ((FIRST, "first boot"), (LATER, "later boot, nothing changed")):
        for backend in BACKENDS:
            parts += _section(f"{backend}, {title}", _boots(results, backend, boot), "-")
    parts += _section("dracut's initramfs, first boot", EARLY + _early(results), "-")
    parts += _section("What a first boot's unit is made of", PIECES + "\n" + _pieces(results))
    parts += _section("What the agents do", COUNTS + "\n" + _counts(results))
    parts += _section("bootagent's work beside a bare interpreter", WORK + "\n" + _work(results))
    parts += _section("Growth", GROWTH + "\n" + _growth(results))
    parts += _section("What this was measured on", _machine(results))
    parts += _section("How to run it again", AGAIN + _took(results))
    return "".join(parts).rstrip("\n") + "\n"


def _section(title: str, text: str, line: str = "=") -> Iterator[str]:
    yield f"{title}\n{line * len(title)}\n\n{text.rstrip()}\n\n"


def _budgets(results: Results) -> str:
    words = {True: "yes", False: "no", None: "not measured"}
    rows = [[row.what, row.bar, row.reached or NOTHING, words[row.met]] for row in figures.budgets(results)]
    return table(["what", "bar", "reached", "met"], rows)


def _boots(results: Results, backend: str, boot: str) -> str:
    return _times(
        results,
        backend,
        boot,
        CONTENDERS,
        {**{name: name for name in MOMENTS}, figures.CPU: "CPU of its units", figures.MANAGER: "CPU of systemd"},
    )


def _early(results: Results) -> str:
    return _times(results, DRACUT, FIRST, DRACUT_CONTENDERS, {name: name for name in MOMENTS})


def _times(results: Results, backend: str, boot: str, contenders: tuple[str, ...], names: dict[str, str]) -> str:
    """A row for each contender that was booted; ``names`` are the columns, and what stands above them."""
    rows, notes = [], []
    for contender in contenders:
        known = figures.group(results, contender, backend, boot)
        if known is None:
            continue
        if known.wrong:
            notes.append(f"{known.rounds} boots, and no figures: the time to a machine that is wrong says nothing.")
            rows.append([contender, f"wrong: {known.wrong} [#]_", *[NOTHING] * (len(names) - 1)])
            continue
        cells = [_cell(known.spreads.get(name), known.ratios.get(name)) for name in names]
        rows.append([contender, *cells])
    if not rows:
        return "Not measured.\n"
    return "\n".join([table(["contender", *names.values()], rows), *(f".. [#] {note}" for note in notes)])


def _cell(known: Spread | None, ratio: float | None) -> str:
    if known is None:
        return NOTHING
    figure = f"{known.median:.2f} ({known.low:.2f}–{known.high:.2f})"
    return figure if ratio is None else f"{figure} {ratio:.2f} ×"


def _pieces(results: Results) -> str:
    rows = [[what, f"{cpu * 1000:.1f}"] for what, cpu in figures.pieces(results).items()]
    return table(["what", "CPU ms"], rows) if rows else "Not measured.\n"


def _counts(results: Results) -> str:
    rows = [
        [
            *(count.contender, count.backend, count.boot, str(count.processes), str(count.interpreters)),
            *(str(count.peak_kib or NOTHING), str(count.written), str(count.fsyncs)),
        ]
        for count in results.counts
    ]
    names = ["contender", "backend", "boot", "processes", "interpreters", "peak KiB", "bytes written", "fsyncs"]
    return table(names, rows) if rows else "Not measured.\n"


def _work(results: Results) -> str:
    rows = []
    bare = {field: figures.work(results, "bare", field) for field in ("cpu", "peak_kib")}
    for what in ("bare", "first", "unchanged"):
        cpu, wall, peak = (figures.work(results, what, field) for field in ("cpu", "wall", "peak_kib"))
        if not (cpu and wall and peak and bare["cpu"] and bare["peak_kib"]):
            return "Not measured.\n"
        times = [f"{s.median * 1000:.2f} ({s.low * 1000:.2f}–{s.high * 1000:.2f})" for s in (cpu, wall)]
        ratios = [cpu.median / bare["cpu"].median, peak.median / bare["peak_kib"].median]
        rows.append([what, times[0], f"{ratios[0]:.2f} ×", times[1], f"{peak.median:.0f}", f"{ratios[1]:.2f} ×"])
    rounds = max(entry.round for entry in results.ratio)
    calls = sorted(results.calls.items())
    kinds = list(calls[0][1]) if calls else []
    text = f"{rounds} rounds.\n\n" + table(["what", "CPU ms", "over bare", "wall ms", "peak KiB", "over bare"], rows)
    text += (
        "\nSystem calls by kind, all processes, by strace; an interpreter is a process that opens Python's library.\n\n"
    )
    return text + table(["what", *kinds], [[what, *(str(known[kind]) for kind in kinds)] for what, known in calls])


def _growth(results: Results) -> str:
    rows = []
    for agent in figures.agents(results):
        known = [figures.growth(results, agent, links) for links in figures.LINKS]
        cells = [f"{s.median:.3f} ({s.low:.3f}–{s.high:.3f})" if s else NOTHING for s in known]
        each = f"{known[-1].median / figures.LINKS[-1] * 1000:.2f}" if known[-1] else NOTHING
        bent = figures.bend(results, agent)
        peak = figures.growth(results, agent, figures.LINKS[-1], "peak_kib")
        rounds = len([e for e in results.growth if (e.agent, e.links) == (agent, figures.LINKS[-1])])
        rest = [f"{bent:.2f} ×" if bent else NOTHING, f"{peak.median / 1024:.1f}" if peak else NOTHING, str(rounds)]
        rows.append([agent, *cells, each, *rest])
    if not rows:
        return "Not measured.\n"
    most = figures.LINKS[-1]
    names = ["agent", *map(str, figures.LINKS), f"ms a link at {most}", "bend", f"MiB at {most}", f"rounds at {most}"]
    return table(names, rows) + (
        '\n"bend": the CPU of one more link between 64 and 512, over that between 8 and 64; 1 is a straight line.\n'
    )


def _machine(results: Results) -> str:
    known = {**results.machine, **results.versions}
    rows = [[name.replace("_mib", ", MiB"), str(value)] for name, value in known.items()]
    if results.boots:
        rows.append(["rounds of boots", str(max(boot.round for boot in results.boots))])
    return table(["what", "which"], rows) if rows else "Nothing.\n"


def _took(results: Results) -> str:
    if not results.took:
        return ""
    parts = ", ".join(f"{name} {seconds / 60:.0f}" for name, seconds in results.took.items())
    return f"\nIt took, in minutes: {parts}.\n"


def escape(text: str) -> str:
    """Text that means nothing to reStructuredText."""
    return re.sub(r"([\\*_`|])", r"\\\1", text)


def table(names: list[str], rows: Iterable[list[str]]) -> str:
    """A simple table of reStructuredText; a mark of a footnote stays one."""
    lines = [[escape(cell).replace("[#]\\_", "[#]_") for cell in row] for row in (names, *rows)]
    widths = [max(map(len, column)) for column in zip(*lines)]
    border = "  ".join("=" * width for width in widths)
    body = ["  ".join(cell.ljust(width) for cell, width in zip(cells, widths)).rstrip() for cells in lines]
    return "\n".join([border, body[0], border, *body[1:], border]) + "\n"
