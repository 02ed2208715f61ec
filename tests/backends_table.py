# SPDX-License-Identifier: Apache-2.0
"""The table of docs/backends.rst, made from what the renderers declare: ``make docs`` writes it, a test compares it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from bootagent import renderers
from bootagent.model import bond as bonding

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from bootagent.renderers import Renderer

PAGE = Path(__file__).resolve().parent.parent / "docs" / "backends.rst"
HEAD = """\
========
Backends
========

.. Made by ``make docs`` from the declarations in bootagent/renderers; tests/test_backends_table.py compares it.

What each backend can say of the model, ``bootagent/model/network.py``. "yes": rendered. "no" and "partly" with a
number: for the reason below the table; what is asked for and cannot be said is reported by ``plan`` and ``status`` with
that reason. What a renderer declares is held by ``tests/test_renderers.py`` (every field is flipped),
``tests/test_readers.py`` (every network is read back) and ``tests/vm`` (the daemon's kernel is asked).

"""


class Row(NamedTuple):
    """One line of the table: the names by which a renderer would declare that it cannot say this."""

    title: str
    names: tuple[str, ...]


ROWS = (
    Row("static IPv4 and IPv6, several addresses", ("interface.addresses",)),
    Row("DHCPv4", ("interface.dhcp4",)),
    Row("DHCPv6, stateful", ("interface.dhcp6=stateful", "interface.dhcp6")),
    Row("DHCPv6, stateless", ("interface.dhcp6=stateless", "interface.dhcp6")),
    Row("SLAAC", ("interface.ra=full",)),
    Row("router advertisements off", ("interface.ra=off",)),
    Row("router advertisements: routes, no addresses", ("interface.ra=routes",)),
    Row("host routes", ("interface.routes", "route.to")),
    Row("gateway off the subnet (on-link)", ("route.onlink",)),
    Row("gateway, link-local ones too", ("route.via",)),
    Row("metric of a route", ("route.metric",)),
    Row("metric of what DHCP and routers bring", ("interface.metric",)),
    Row("DNS servers of a link", ("dns.servers",)),
    Row("search domains of a link", ("dns.search",)),
    Row("MTU", ("interface.mtu",)),
    *(Row(f"bond mode ``{mode}``", (f"bond.mode={mode}",)) for mode in bonding.MODES),
    Row("bond ``primary``", ("bond.primary",)),
    *(
        Row(
            f"bond ``{name}``",
            (f"bond.{name}", *(f"bond.{name}={value}" for value in ("0", *bonding.ENUMS.get(name, ())))),
        )
        for name in sorted({*bonding.ENUMS, *bonding.RANGES, "arp_ip_target", "ad_actor_system"})
    ),
    Row("VLAN on a NIC and on a bond", ("interface.vlan", "vlan.id", "vlan.parent")),
    Row("own MAC of a bond and a VLAN", ("interface.mac",)),
    Row("InfiniBand (found by name)", ("match.name",)),
    Row("two NICs of one MAC, told apart by driver", ("match.driver",)),
    Row("not required for online", ("interface.required=False",)),
    Row("NICs that no document names", ("network.unlisted",)),
)


def page() -> str:
    """The whole page."""
    backends = renderers.names()
    notes: dict[str, int] = {}
    lines = [["what", *(f"``{name}``" for name in backends)]]
    lines += [[row.title, *(_cell(row, renderers.load(name), notes) for name in backends)] for row in ROWS]
    lines.append(["a NIC is found by", *(_match(renderers.load(name)) for name in backends)])
    lines.append(["DNS goes through it to", *(_list(renderers.load(name).FEEDS) for name in backends)])
    lines.append(["with ``render-to: run``", *(_list(renderers.load(name).RUN.values()) for name in backends)])
    return HEAD + "\n".join([*_table(lines), "", *_notes(notes)]) + "\n"


def _cell(row: Row, renderer: Renderer, notes: dict[str, int]) -> str:
    words = []
    for word, declared in (("no", renderer.UNSUPPORTED), ("partly", renderer.PARTLY)):
        numbers = {_number(name, declared[name], len(row.names) > 1, notes) for name in row.names if name in declared}
        if numbers:
            whole = word == "no" and all("=" not in name for name in row.names if name in declared)
            words.append(f"{word if whole or len(row.names) == 1 else 'partly'} {', '.join(map(str, sorted(numbers)))}")
    return "; ".join(words) or "yes"


def _number(name: str, reason: str, with_value: bool, notes: dict[str, int]) -> int:
    value = name.partition("=")[2]
    return notes.setdefault(f"``{value}``: {reason}" if value and with_value else reason, len(notes) + 1)


def _match(renderer: Renderer) -> str:
    return "name, looked up by MAC" if renderer.NEEDS_NAMES else "permanent MAC"


def _list(items: Iterable[str]) -> str:
    return ", ".join(f"``{item}``" for item in sorted(items)) or "--"


def _table(lines: list[list[str]]) -> Iterator[str]:
    """A simple table of reStructuredText."""
    widths = [max(map(len, column)) for column in zip(*lines)]
    border = "  ".join("=" * width for width in widths)
    rows = ["  ".join(cell.ljust(width) for cell, width in zip(cells, widths)).rstrip() for cells in lines]
    yield from (border, rows[0], border, *rows[1:], border)


def _notes(notes: dict[str, int]) -> Iterator[str]:
    for text, number in notes.items():
        yield f"{number}. {text}"


if __name__ == "__main__":
    sys.stdout.write(page())
