# SPDX-License-Identifier: Apache-2.0
"""Where the bytes are: one module a cloud source, its file name the source's name.

A source has a docstring with the address of its specification, and ``SUMMARY``, its text in README.rst.  One on a
drive has::

    LABEL = "config-2"              # of its file systems, in lower case
    NOT_OURS = frozenset()          # serial numbers of file systems that have the label and are not for us
    def holds(volume): -> bool      # whether a drive that was named, and has neither label, has this source's tree
    def read(volume): -> Instance   # raises SourceError where it says nothing

A source that is asked, over the network or a channel of the hypervisor's, has (and may have what a drive has too)::

    NEEDS = "dhcp"                  # what it is reached by: "dhcp", "link-local", a "socket", or "" for a channel
    def detect(identity) -> str     # why this machine is its, "DMI sys_vendor: Vultr"; "" if nothing says so.  Pure
    def fetch(connector) -> (place, Instance)             # where NEEDS is not ""; place: "http://169.254…"
    def read_channel(root, identity) -> (place, Instance) # where NEEDS is ""

both of which raise SourceError where nothing is said.  A drive always beats them.

User data is had by a function of its own, which a boot never calls (``userdata.py``)::

    def read_user_data(volume) -> bytes | None      # of a drive, where it has any
    def fetch_user_data(connector) -> bytes | None  # of a source that is asked, likewise

Presence in this directory is registration, but for ``LABELS``: a boot imports the one source whose label it has seen,
however many there are; and for ``_services.SERVICES``, the order in which the others are asked who they are.  A boot
without a drive imports all of those: what one needs only to be asked, it imports then.
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
    from bootagent.identity import Identity
    from bootagent.media import Volume
    from bootagent.root import Root
    from bootagent.sources._http import Connector

    class Source(Protocol):
        """What a module in this package is."""

        SUMMARY: str
        LABEL: str
        NOT_OURS: frozenset[str]

        def holds(self, volume: Volume) -> bool: ...

        def read(self, volume: Volume) -> Instance: ...

        def read_user_data(self, volume: Volume) -> bytes | None: ...

    class Service(Protocol):
        """What a module in this package is that can be asked."""

        SUMMARY: str
        NEEDS: str

        def detect(self, identity: Identity) -> str: ...

        def fetch(self, connector: Connector) -> tuple[str, Instance]: ...

        def read_channel(self, root: Root, identity: Identity) -> tuple[str, Instance]: ...

        def fetch_user_data(self, connector: Connector) -> bytes | None: ...


# The source of each label; where nothing else tells two drives apart, the first of them is preferred.  A copy of what
# the modules declare, and tests/test_sources.py holds it to that: to ask them would import them all.
LABELS = {"config-2": "configdrive", "cidata": "nocloud", "context": "opennebula", "cloudmd": "rbxcloud"}


class Found(Record):
    """What a source gave."""

    source: str  # the module's name
    place: str  # "/dev/vdb"
    instance: Instance
    reach: int = 0  # all that it said is in so many of the first bytes of the drive ``place``; 0: not on one drive
    why: str = ""  # it is this machine's source
    is_drive: bool = False


class Look(Record):
    """Why a source was not taken."""

    source: str
    reason: str


class Search(Record):
    """What looking for a source came to."""

    found: Found | None = None
    awaited: Choice | None = None  # the service that is to be asked once the network is up
    looks: tuple[Look, ...] = ()  # at the services, where no drive speaks
    problems: tuple[Problem, ...] = ()


class Choice(Record):
    """The service that is this machine's."""

    source: str  # the module's name
    why: str
    needs: str  # as the module's NEEDS


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
                self.problems.append(Problem("error", f"{self._volume.place}: {path}", error.reason))
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


def load_service(name: str) -> Service:
    """The module of a source that is asked."""
    module: Service = __import__(f"{__name__}.{name}", fromlist=["detect"])
    return module


def find(
    root: Root, host: Host, drive: str | None, asked: tuple[str, ...] | None = None, online: float | None = None
) -> Search:
    """The source that is here and speaks, of those that are ``asked`` if it is not all: a drive, or else a service.

    ``drive``, a path outside the root, leaves no choice.  ``online`` is the time of the monotonic clock until which
    services are asked over the network; ``None`` where there is none yet.
    """
    found, problems = _find_drive(root, host, drive, asked)
    if found is not None:
        return Search(found, problems=problems)
    from bootagent.sources._services import search

    asked_too = search(root, host.nics, () if drive is not None else asked, online)
    return asked_too._replace(problems=(*problems, *asked_too.problems))


def must_be_drive(drive: str | None, asked: tuple[str, ...] | None) -> bool:
    """Whether an option says that there is a drive: it itself, or sources of drives and no other."""
    return drive is not None or (bool(asked) and set(asked or ()) <= set(LABELS.values()))


def _find_drive(
    root: Root, host: Host, drive: str | None, asked: tuple[str, ...] | None
) -> tuple[Found | None, tuple[Problem, ...]]:
    """The drive that speaks; one that is here and cannot be read is a problem, and the others are asked."""
    found: list[tuple[Drive, Found]] = []
    errors: list[SourceError] = []
    if drive is not None:
        try:
            return read_drive(drive, drive)._replace(why="an option names it"), ()
        except SourceError as error:
            errors.append(error)
    for candidate in host.drives:
        name = source_of(candidate.labels)
        if name and (asked is None or name in asked) and candidate.serial not in load(name).NOT_OURS:
            try:
                found.append((candidate, read_drive(root.host_path(candidate.path), candidate.path)))
            except SourceError as error:
                errors.append(error)
    unread = tuple(Problem("warning" if found else "error", error.place, error.reason) for error in errors)
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
    why = "a drive with its label" if source_of(volume.labels) else "a drive with its documents"
    return Found(name, place, instance, drive.reach, why, is_drive=True)


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
    raise SourceError(place, "a drive without a source's label, and without the documents of any")
