# SPDX-License-Identifier: Apache-2.0
"""What the machine that an image was built on, or booted as, left in it: one module a kind of trace.

Each has ``find(tree)``, which looks at a list of known places and changes nothing.
"""

from __future__ import annotations

from bootagent.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from bootagent.image.tree import Tree

__all__ = ["Trace", "find_traces", "places"]


class Trace(Record):
    """A file that every clone would have, or a file that is missing, and what comes of it."""

    path: str
    harm: str
    content: str | None = None  # what is to be in the file; None: it is to be removed


def places(tree: Tree, harms: Iterable[tuple[str, tuple[str, ...]]]) -> Iterator[Trace]:
    """A trace to be removed for each thing that is there of these patterns."""
    for harm, patterns in harms:
        for path in tree.match(*patterns):
            yield Trace(path, harm)


def find_traces(tree: Tree) -> list[Trace]:
    """All traces in the tree, in the order in which they go; of two for one path the first."""
    from bootagent.image.traces import identity, leases, logs, memory, profiles

    found: dict[str, Trace] = {}
    for kind in (memory, identity, leases, profiles, logs):
        for trace in kind.find(tree):
            found.setdefault(trace.path, trace)
    return list(found.values())
