# SPDX-License-Identifier: Apache-2.0
"""README.rst has each source, as it declares itself."""

from __future__ import annotations

from bootagent import sources
from tests.sources_table import BEGIN, END, PAGE, names, table, with_table


def test_the_table_is_what_the_sources_declare() -> None:
    """``make docs`` writes it."""
    page = PAGE.read_text(encoding="utf-8")
    assert page.count(BEGIN) == page.count(END) == 1
    assert with_table(page) == page


def test_each_source_has_one_row() -> None:
    assert sorted(names()) == sorted(sources.names())
    assert [line[len("   * - ``") : -2] for line in table().splitlines() if line.startswith("   * - ``")] == names()
