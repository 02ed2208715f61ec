# SPDX-License-Identifier: Apache-2.0
"""The libraries of the distribution, loaded where they are needed.

The boot starts Python without ``site`` (``-S``), which would cost it a third of its start, so the distribution's
packages are out of sight until a run turns out to need one of them: the options file, for one.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def load_library(name: str) -> Any:
    """The module ``name``; ``ImportError`` where the image does not have it."""
    import importlib

    try:
        return importlib.import_module(name)
    except ImportError:
        import site

        site.main()
        return importlib.import_module(name)
