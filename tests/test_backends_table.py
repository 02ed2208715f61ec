# SPDX-License-Identifier: Apache-2.0
"""docs/backends.rst says what the renderers declare, and has a row for all that they can declare."""

from __future__ import annotations

import pytest

from bootagent import renderers
from tests.backends_table import PAGE, ROWS, page


def test_the_page_is_what_the_renderers_declare() -> None:
    """``make docs`` writes it."""
    assert PAGE.read_text(encoding="utf-8") == page()


@pytest.mark.parametrize("backend", renderers.names())
def test_all_that_a_renderer_declares_has_a_row(backend: str) -> None:
    """Else a field could be declared away without anybody seeing it."""
    renderer = renderers.load(backend)
    declared = {*renderer.UNSUPPORTED, *renderer.PARTLY}

    assert declared <= {name for row in ROWS for name in row.names}
