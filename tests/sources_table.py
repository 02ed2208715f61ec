# SPDX-License-Identifier: Apache-2.0
"""README.rst's table of the sources, made from what they declare: ``make docs`` writes it, a test compares it."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

from bootagent import sources
from bootagent.sources._services import SERVICES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bootagent.sources import Source

PAGE = Path(__file__).resolve().parent.parent / "README.rst"
BEGIN = (
    ".. Made by ``make docs`` from the declarations in bootagent/sources; tests/test_sources_table.py compares it.\n"
)
END = ".. End of what is made.\n"
WAYS = {
    "": "a channel of the machine's own",
    "socket": "HTTP, by a socket of the machine's own",
    "link-local": "HTTP, by a link-local address",
    "dhcp": "HTTP, by DHCP",
}
WIDTH = 80


def names() -> list[str]:
    """Drives in the order in which they are preferred, then the others in the order in which they are asked."""
    return list(dict.fromkeys((*sources.LABELS.values(), *SERVICES)))


def table() -> str:
    """The table as it stands in the page, between ``BEGIN`` and ``END``."""
    lines = [
        ".. list-table::",
        "   :header-rows: 1",
        "",
        "   * - name",
        "     - by",
        "     - user data",
        "     - what it is",
    ]
    for name in names():
        lines += _row(name, sources.load(name))
    return "\n".join(lines) + "\n"


def _row(name: str, module: Source) -> Iterator[str]:
    yield f"   * - ``{name}``"
    yield from _cell("; ".join(_ways(module)))
    yield from _cell("yes" if hasattr(module, "read_user_data") or hasattr(module, "fetch_user_data") else "no")
    yield from _cell(f"{module.SUMMARY}. {_specification(module)}")


def _ways(module: Source) -> Iterator[str]:
    if hasattr(module, "LABEL"):
        yield f"drive ``{module.LABEL}``"
    if hasattr(module, "NEEDS"):
        yield WAYS[str(module.NEEDS)]


def _specification(module: Source) -> str:
    """A link to the first address in the module's docstring."""
    (address, *_) = (word.rstrip(".,;") for word in (module.__doc__ or "").split() if word.startswith("https://"))
    return f"`Specification <{address}>`__"


def _cell(text: str) -> list[str]:
    first, *rest = textwrap.wrap(text, WIDTH - 7, break_long_words=False, break_on_hyphens=False)
    return [f"     - {first}", *(f"       {line}" for line in rest)]


def with_table(page: str) -> str:
    """``page`` with the table as it is to be."""
    before, _, rest = page.partition(BEGIN)
    return f"{before}{BEGIN}\n{table()}\n{END}{rest.partition(END)[2]}"


if __name__ == "__main__":
    PAGE.write_text(with_table(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
