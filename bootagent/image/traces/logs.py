# SPDX-License-Identifier: Apache-2.0
"""Logs, which name the addresses that the machine had, and what root typed.

A log is emptied and stays: not every program makes its log again, and its owner and mode are the distribution's.
"""

from __future__ import annotations

import fnmatch

from bootagent.image.traces import Trace, places

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from bootagent.image.tree import Tree

LOGS = "/var/log"
JOURNAL = f"{LOGS}/journal"
ROTATED = ("*.gz", "*.xz", "*.bz2", "*.zst", "*.old", "*.[0-9]", "*-20[0-9][0-9][0-9][0-9][0-9][0-9]")
TYPED = (
    (
        "what root typed or read",
        tuple(
            f"/root/{name}"
            for name in (
                *(".bash_history", ".ash_history", ".sh_history", ".zsh_history", ".python_history", ".lesshst"),
                ".viminfo",
            )
        ),
    ),
)


def find(tree: Tree) -> Iterator[Trace]:
    """The traces of this kind."""
    yield from places(tree, (("the journal of another machine", (f"{JOURNAL}/*",)),))
    for path in tree.files(LOGS):
        if path.startswith(f"{JOURNAL}/"):
            continue
        if any(fnmatch.fnmatchcase(path.rpartition("/")[2], pattern) for pattern in ROTATED):
            yield Trace(path, "a log of another machine")
        elif tree.size(path):
            yield Trace(path, "a log of another machine", "")
    yield from places(tree, TYPED)
