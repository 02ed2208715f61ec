# SPDX-License-Identifier: Apache-2.0
"""Where the bytes are: one module a cloud source, its file name the source's name.

A source on a drive has a docstring with the address of its specification, and::

    LABEL = "config-2"              # of its file systems, in lower case
    NOT_OURS = frozenset()          # serial numbers of file systems that have the label and are not for us
    def holds(volume): -> bool      # whether a drive that was named, and has neither label, has this source's tree
    def read(volume): -> Instance   # raises SourceError where it says nothing

Presence in this directory is registration, but for ``LABELS``: a boot imports the one source whose label it has seen,
however many there are.
"""

from __future__ import annotations

import os

from bootagent import media
from bootagent.errors import MediaError, SourceError
from bootagent.model.instance import Instance, Problem
from bootagent.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import Protocol

    from bootagent.host import Drive, Host
    from bootagent.media import Volume
    from bootagent.root import Root

    class Source(Protocol):
        """What a module in this package is."""

        LABEL: str
        NOT_OURS: frozenset[str]

        def holds(self, volume: Volume) -> bool: ...

        def read(self, volume: Volume) -> Instance: ...


# The source of each label; where nothing else tells two drives apart, the first of them is preferred.  A copy of what
# the modules declare, and tests/test_sources.py holds it to that: to ask them would import them all.
LABELS = {"config-2": "configdrive", "cidata": "nocloud"}


class Found(Record):
    """What a source gave."""

    source: str  # the module's name
    place: str  # "/dev/vdb"
    instance: Instance
    reach: int = 0  # all that it said is in so many of the first bytes of the drive ``place``; 0: not on one drive


class Documents:
    """The documents of one volume: ``found`` by name, ``damaged`` those that cannot be read, ``problems`` why."""

    def __init__(self, volume: Volume) -> None:
        self._volume = volume
        self.found: dict[str, bytes] = {}
        self.damaged: set[str] = set()
        self.problems: list[Problem] = []

    def read(self, name: str, paths: Iterable[str]) -> None:
        """Take the document ``name`` from the first of ``paths`` where it is and can be read; it may be absent."""
        for path in paths:
            try:
                content = self._volume.read(path)
            except MediaError as error:
                self.damaged.add(name)
                self.problems.append(Problem("error", f"{self._volume.place}: {path}", _reason(error)))
                continue
            if content is not None:
                self.damaged.discard(name)
                self.found[name] = content
                return

    def parse(self, parser: Callable[[Mapping[str, bytes]], Instance]) -> Instance:
        """What ``parser`` makes of them, with what the drive's damage adds to it."""
        instance = parser(self.found)
        return instance._replace(broken=instance.broken | self.damaged, problems=(*self.problems, *instance.problems))


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
    """The source that is here and speaks, of those that are ``asked`` if it is not all.

    ``drive``, a path outside the root, leaves no choice.

    A drive that is here and cannot be read is a problem, and the others are asked.
    """
    found: list[tuple[Drive, Found]] = []
    errors: list[SourceError] = []
    if drive is not None:
        try:
            return read_drive(drive, drive), ()
        except SourceError as error:
            errors.append(error)
    for candidate in host.drives:
        name = source_of(candidate.labels)
        if name and (asked is None or name in asked) and candidate.serial not in load(name).NOT_OURS:
            try:
                found.append((candidate, read_drive(root.host_path(candidate.path), candidate.path)))
            except SourceError as error:
                errors.append(error)
    unread = tuple(Problem("warning" if found else "error", error.place, _reason(error)) for error in errors)
    if not found:
        return None, (*unread, *host.damaged)
    if len(found) == 1:
        return found[0][1], unread
    from bootagent.sources._choice import choose

    best, doubts = choose(host, found)
    return best, (*doubts, *unread)


def source_of(labels: Iterable[str]) -> str:
    """The source whose drives have one of these labels, in any case; "" if none has."""
    return next((LABELS[label.lower()] for label in labels if label.lower() in LABELS), "")


def read_drive(path: str, place: str) -> Found:
    """What one drive says, by the source of its label or else of its tree; ``SourceError`` if it says nothing."""
    drive = media.open_volumes(path, place)
    with drive as volumes:
        name, volume = _tell(volumes, place)
        instance = load(name).read(volume)
    return Found(name, place, instance, drive.reach)


def _tell(volumes: tuple[Volume, ...], place: str) -> tuple[str, Volume]:
    """Of the file systems on one disk the one that a source's label is on; a drive that was named needs none."""
    for volume in volumes:
        name = source_of(volume.labels)
        if name:
            return name, volume
    for volume in volumes:
        for name in LABELS.values():
            if load(name).holds(volume):
                return name, volume
    raise SourceError(place, "a drive without a source's label, and without openstack/ or meta-data")


def _reason(error: SourceError) -> str:
    return str(error)[len(error.place) + 2 :]
