# SPDX-License-Identifier: Apache-2.0
"""The two pictures, as SVG by hand: bars of the first boots with whiskers, and lines of the growth on logarithmic axes.

https://www.w3.org/TR/SVG11/.  The background is white in light and dark pages, so all colours are for white.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from . import figures
from .results import BACKENDS, CONTENDERS, FIRST

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .results import Results

WIDTH = 840
FONT = "font-family='DejaVu Sans, Verdana, sans-serif'"
INK, GRID, WRONG = "#222222", "#d8d8d8", "#b00020"
BARS = {"sshd": "#1b6ca8", "login": "#e08e2b"}
LINES = ("#1b6ca8", "#2a7f3f", "#7a4fa3", "#e08e2b", "#b00020")
LEFT, RIGHT = 110, 60  # of the plot, in both
BAR, GAP, CONTENDER, GROUP = 13, 1, 40, 34  # heights


def boots(results: Results) -> str:
    """Seconds to sshd and to the first login of each contender's first boots, by backend."""
    groups = {
        backend: {name: known for name in CONTENDERS if (known := figures.group(results, name, backend, FIRST))}
        for backend in BACKENDS
    }
    highest = max(
        (
            s.high
            for shown in groups.values()
            for known in shown.values()
            for m, s in known.spreads.items()
            if m in BARS
        ),
        default=1.0,
    )
    step = _step(highest)
    end = math.ceil(highest / step) * step
    scale = (WIDTH - LEFT - RIGHT) / end
    rows: list[str] = []
    y = 78
    for backend, shown in groups.items():
        rows.append(_text(LEFT, y, backend, weight="bold"))
        y += 12
        for contender, known in shown.items():
            rows.append(_text(LEFT - 8, y + BAR + 4, contender, anchor="end"))
            if known.wrong:
                rows.append(_text(LEFT + 6, y + BAR + 4, f"wrong: {known.wrong}", colour=WRONG))
            for index, (moment, colour) in enumerate(BARS.items()):
                if moment in known.spreads:
                    low, middle, high = (getattr(known.spreads[moment], of) * scale for of in ("low", "median", "high"))
                    rows += _bar(y + index * (BAR + GAP), middle, low, high, colour)
                    label = f"{known.spreads[moment].median:.1f}"
                    rows.append(_text(LEFT + high + 6, y + index * (BAR + GAP) + 11, label, size=11))
            y += CONTENDER
        y += GROUP - 12
    bottom = y - GROUP + 8
    ticks = [number * step for number in range(round(end / step) + 1)]
    grid = [_line(LEFT + t * scale, 64, LEFT + t * scale, bottom, GRID) for t in ticks]
    grid += [_text(LEFT + t * scale, bottom + 16, f"{t:g}", anchor="middle", size=11) for t in ticks]
    title = [_text(LEFT, 24, "First boot: seconds from the start of user space", weight="bold", size=15)]
    for index, (moment, colour) in enumerate(BARS.items()):
        title.append(_box(LEFT + index * 150, 38, 12, 12, colour))
        name = {"sshd": "sshd listening", "login": "first login"}[moment]
        title.append(_text(LEFT + 18 + index * 150, 48, name, size=12))
    title.append(_text(LEFT + 300, 48, "median; whiskers: lowest and highest", size=12))
    return _document(bottom + 30, [*grid, *title, *rows])


def growth(results: Results) -> str:
    """Seconds of CPU by the number of links; straight lines of slope 1 are linear growth."""
    top, bottom, right = 60, 400, WIDTH - 170
    points = {
        agent: [(n, known.median) for n in figures.LINKS if (known := figures.growth(results, agent, n))]
        for agent in figures.agents(results)
    }
    values = [cpu for line in points.values() for _, cpu in line] or [0.01, 1.0]
    first, last = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))

    def place(links: int, cpu: float) -> tuple[float, float]:
        across = math.log2(links) / math.log2(figures.LINKS[-1])
        return LEFT + across * (right - LEFT), bottom - (math.log10(cpu) - first) / (last - first) * (bottom - top)

    rows = [_text(LEFT, 24, "Growth: seconds of CPU by the number of links", weight="bold", size=15)]
    rows.append(_text(LEFT, 44, "medians; both axes are logarithmic", size=12))
    for power in range(first, last + 1):
        y = place(1, 10.0**power)[1]
        label = f"{10.0**power:g} s" if power >= 0 else f"{10 ** (power + 3):g} ms"
        rows += [_line(LEFT, y, right, y, GRID), _text(LEFT - 8, y + 4, label, anchor="end", size=12)]
    for links in figures.LINKS:
        x = place(links, values[0])[0]
        rows += [_line(x, top, x, bottom, GRID), _text(x, bottom + 18, str(links), anchor="middle", size=12)]
    rows.append(_text((LEFT + right) / 2, bottom + 38, "links", anchor="middle", size=12))
    ends = []
    for colour, (agent, line) in zip(LINES, points.items()):
        where = [place(*point) for point in line]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in where)
        rows.append(f"<polyline points='{path}' fill='none' stroke='{colour}' stroke-width='2.5'/>")
        rows += [f"<circle cx='{x:.1f}' cy='{y:.1f}' r='4' fill='{colour}'/>" for x, y in where]
        ends.append((where[-1][1], f"{agent}, {line[-1][1]:.2g} s", colour))
    below = 0.0
    for y, label, colour in sorted(ends):
        below = max(y + 4, below + 16)
        rows.append(_text(right + 10, below, label, colour=colour, size=12))
    return _document(bottom + 56, rows)


def _step(highest: float) -> float:
    """The distance of some five to ten ticks: 1, 2 or 5 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(highest / 5))
    return next(power * factor for factor in (1, 2, 5, 10) if highest / (power * factor) <= 8)


def _bar(y: float, middle: float, low: float, high: float, colour: str) -> list[str]:
    centre = y + BAR / 2
    ends = [_line(LEFT + x, centre - 4, LEFT + x, centre + 4, INK) for x in (low, high)]
    return [_box(LEFT, y, middle, BAR, colour), _line(LEFT + low, centre, LEFT + high, centre, INK), *ends]


def _box(x: float, y: float, width: float, height: float, colour: str) -> str:
    return f"<rect x='{x:.1f}' y='{y:.1f}' width='{width:.1f}' height='{height:.1f}' fill='{colour}'/>"


def _line(x1: float, y1: float, x2: float, y2: float, colour: str) -> str:
    return f"<line x1='{x1:.1f}' y1='{y1:.1f}' x2='{x2:.1f}' y2='{y2:.1f}' stroke='{colour}' stroke-width='1.2'/>"


def _text(
    x: float, y: float, words: str, anchor: str = "start", size: int = 13, weight: str = "normal", colour: str = INK
) -> str:
    plain = words.replace("&", "&amp;").replace("<", "&lt;")
    place = f"x='{x:.1f}' y='{y:.1f}' text-anchor='{anchor}'"
    return f"<text {place} font-size='{size}' font-weight='{weight}' fill='{colour}' {FONT}>{plain}</text>"


def _document(height: float, shapes: Iterable[str]) -> str:
    size = f"width='{WIDTH}' height='{height:.0f}' viewBox='0 0 {WIDTH} {height:.0f}'"
    head = f"<svg xmlns='http://www.w3.org/2000/svg' {size}>\n<rect width='100%' height='100%' fill='#ffffff'/>"
    return "\n".join([head, *shapes, "</svg>"]) + "\n"
