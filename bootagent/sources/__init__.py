# SPDX-License-Identifier: Apache-2.0
"""Where the bytes are: one module a cloud source, its file name the source's name.

A source module has a docstring with the address of its specification, and::

    PRIORITY = 10                     # the lowest is asked first; a drive comes before the network
    def detect(host): -> bool         # whether this machine has it: pure, local, no packet
    def read(root, host, drive): -> Found    # raises SourceError where it is there and says nothing

Presence in this directory is registration.
"""

from __future__ import annotations

import os

from bootagent.errors import SourceError
from bootagent.model.instance import Instance, Problem
from bootagent.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    from bootagent.host import Host
    from bootagent.root import Root

    class Source(Protocol):
        """What a module in this package is."""

        PRIORITY: int

        def detect(self, host: Host) -> bool: ...

        def read(self, root: Root, host: Host, drive: str | None) -> Found: ...


class Found(Record):
    """What a source gave."""

    source: str  # the module's name
    place: str  # "/dev/vdb"
    instance: Instance
    problems: tuple[Problem, ...] = ()  # about the source itself, not about its documents
    reach: int = 0  # all that it said is in so many of the first bytes of the drive ``place``; 0: not on one drive


def names() -> tuple[str, ...]:
    """The sources there are, sorted."""
    found = (entry.partition(".")[0] for entry in os.listdir(os.path.dirname(__file__)))
    return tuple(sorted({name for name in found if name and name[0] != "_"}))


def load(name: str) -> Source:
    """The module of a source."""
    module: Source = __import__(f"{__name__}.{name}", fromlist=["read"])
    return module


def find(
    root: Root, host: Host, drive: str | None, asked: tuple[str, ...] | None = None
) -> tuple[Found | None, tuple[Problem, ...]]:
    """The first source that is here and speaks, of those that are ``asked`` if it is not all.

    ``drive``, a path outside the root, leaves no choice.

    A source that is here and cannot be read is a problem, and the next one is asked.
    """
    problems = []
    candidates = ("configdrive",) if drive else asked or names()
    for source in sorted(map(load, candidates), key=lambda source: source.PRIORITY):
        if drive or source.detect(host):
            try:
                found = source.read(root, host, drive)
            except SourceError as error:
                problems.append(Problem("error", error.place, str(error)[len(error.place) + 2 :]))
            else:
                return found, (*problems, *found.problems)
    return None, (*problems, *host.damaged)
