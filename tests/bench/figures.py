# SPDX-License-Identifier: Apache-2.0
"""What the page shows, computed from the results: spreads, ratios to the static image, and the budgets."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from .results import BACKENDS, LATER, MOMENTS, spread

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .results import Results, Spread

LINKS = (1, 8, 64, 512)
CPU, MANAGER = "cpu", "manager"
# How much dearer one more link may be among hundreds than among dozens before growth is called more than linear.  A
# term in the square of the links would make it 8 times as dear; the rest is room for noise.
LINEAR = 1.25


class Group(NamedTuple):
    """All boots of one contender with one backend."""

    rounds: int
    wrong: str  # empty, or what was wrong, and how often
    spreads: dict[str, Spread]  # of MOMENTS, CPU and MANAGER
    ratios: dict[str, float]  # of the medians to the static image's, where that one is not wrong itself


class Budget(NamedTuple):
    """One row: ``met`` is ``None`` where nothing was measured."""

    what: str
    bar: str
    reached: str
    met: bool | None


def group(results: Results, contender: str, backend: str, boot: str) -> Group | None:
    """``None`` where there was no such boot.  With one wrong boot it is wrong: times of another outcome."""
    found = [b for b in results.boots if (b.contender, b.backend, b.boot) == (contender, backend, boot)]
    if not found:
        return None
    reasons = [b.wrong or ", ".join(f"no {name}" for name in MOMENTS if name not in b.seconds) for b in found]
    wrong = [reason for reason in reasons if reason]
    if wrong:
        often = "" if len(wrong) == len(found) else f" (in {len(wrong)} of {len(found)} boots)"
        return Group(len(found), "; ".join(dict.fromkeys(wrong)) + often, {}, {})
    spreads = {name: known for name in MOMENTS if (known := spread(b.seconds[name] for b in found))}
    spent = {field: known for field in (CPU, MANAGER) if (known := spread(getattr(b, field) for b in found))}
    static = None if contender == "static" else group(results, "static", backend, boot)
    baked = static.spreads if static else {}  # empty where the static image is wrong
    ratios = {name: own.median / baked[name].median for name, own in spreads.items() if name in baked}
    return Group(len(found), "", {**spreads, **spent}, ratios)


def work(results: Results, what: str, field: str) -> Spread | None:
    """Of the processes on the host: ``what`` as in ``Work``, ``field`` its "cpu", "wall" or "peak_kib"."""
    return spread(getattr(entry, field) for entry in results.ratio if entry.what == what)


def pieces(results: Results) -> dict[str, float]:
    """What each thing that a first boot's unit has adds to its CPU, in seconds of the guest's clock."""
    known = {piece.what: piece.cpu for piece in results.pieces}
    if not known:
        return {}
    unit = known["unit"]
    return {
        "a unit, of /bin/true": unit,
        "its sandbox": known["sandbox"] - unit,
        "an interpreter": known["interpreter"] - unit,
        "the agent": known["agent"] - known["interpreter"],
        "all of it, in one unit": known["all"],
    }


def growth(results: Results, agent: str, links: int, field: str = CPU) -> Spread | None:
    """Of one agent with this many links."""
    return spread(getattr(e, field) for e in results.growth if (e.agent, e.links) == (agent, links))


def agents(results: Results) -> list[str]:
    """Those whose growth was measured, in the order of their first run."""
    return list(dict.fromkeys(entry.agent for entry in results.growth))


def bend(results: Results, agent: str) -> float | None:
    """The CPU of one more link between 64 and 512, over that between 8 and 64: 1 is a straight line."""
    few, some, many = (growth(results, agent, links) for links in LINKS[1:])
    if not (few and some and many) or some.median <= few.median:
        return None
    steps = (many.median - some.median) / (LINKS[3] - LINKS[2]), (some.median - few.median) / (LINKS[2] - LINKS[1])
    return steps[0] / steps[1]


def budgets(results: Results) -> list[Budget]:
    """Section 5 of the design, row by row."""
    rows = [_ratio_row(results, "CPU of a whole first boot's agent work, over a bare interpreter start", CPU, 3.0)]
    for moment in ("network.target", "sshd"):
        for backend in BACKENDS:
            known = group(results, "bootagent", backend, "first")
            ratio = known.ratios.get(moment) if known else None
            reached = f"{ratio:.3f} ×" if ratio else f"wrong: {known.wrong}" if known and known.wrong else ""
            what = f"time to {moment} on a first boot, over the static image: {backend}"
            rows.append(Budget(what, "≤ 1.05 ×", reached, ratio <= 1.05 if ratio else _missing(reached)))
    rows += [*_unchanged_rows(results), *_growth_rows(results)]
    rows.append(_ratio_row(results, "resident memory, over a bare interpreter", "peak_kib", 1.5))
    size = results.installed.get("bootagent")
    reached = f"{size / 1000:.0f} KB" if size else ""
    rows.append(Budget("installed size, sources", "≤ 400 KB", reached, size <= 400_000 if size else None))
    return rows


def _missing(reached: str) -> bool | None:
    """A wrong machine meets no budget; one that was not booted is not measured."""
    return False if reached else None


def _ratio_row(results: Results, what: str, field: str, bar: float) -> Budget:
    bare, first = work(results, "bare", field), work(results, "first", field)
    if not (bare and first):
        return Budget(what, f"≤ {bar} ×", "", None)
    ratio = first.median / bare.median
    sizes = [f"{s.median * 1000:.1f} ms" if field == CPU else f"{s.median / 1024:.1f} MiB" for s in (first, bare)]
    return Budget(what, f"≤ {bar} ×", f"{ratio:.2f} × ({' over '.join(sizes)})", ratio <= bar)


def _unchanged_rows(results: Results) -> Iterable[Budget]:
    started = {"on the host": results.calls["unchanged"]["interpreters"]} if "unchanged" in results.calls else {}
    for count in results.counts:
        if (count.contender, count.boot) == ("bootagent", LATER):
            started[count.backend] = count.interpreters
    reached = ", ".join(f"{number} ({where})" for where, number in started.items())
    met = not any(started.values()) if started else None
    yield Budget("interpreters started by a later boot on which nothing changed", "0", reached, met)
    cpu = work(results, "unchanged", CPU)
    reached = f"{cpu.median * 1000:.1f} ms" if cpu else ""
    yield Budget("CPU of such a boot's check", "< 5 ms", reached, cpu.median < 0.005 if cpu else None)


def _growth_rows(results: Results) -> Iterable[Budget]:
    calls = results.calls.get("first")
    processes = 1 + calls["fork"] if calls else None
    yield Budget("processes of a first boot", "1", str(processes or ""), processes == 1 if processes else None)
    bent = bend(results, "bootagent")
    reached = f"{bent:.2f} ×" if bent else ""
    what = "CPU of one more link, between 64 and 512 over between 8 and 64 (linear: 1)"
    yield Budget(what, f"≤ {LINEAR} ×", reached, bent <= LINEAR if bent else None)
    own = growth(results, "bootagent", LINKS[-1])
    for agent in agents(results):
        peer = growth(results, agent, LINKS[-1])
        if agent.startswith("glean"):
            part = peer.median / own.median if own and peer else None
            reached = f"1/{part:.1f}" if part else ""
            yield Budget(f"CPU per link at {LINKS[-1]}, over {agent}", "≤ 1/20", reached, part >= 20 if part else None)
