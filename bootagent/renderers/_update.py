# SPDX-License-Identifier: Apache-2.0
"""What a network daemon that is at work is to take: of what changed each renderer makes the commands for its own."""

from __future__ import annotations

from bootagent.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

BEFORE = "/run/bootagent/network-before"  # our part of what the daemon was started with, for those that need it


class Update(Record):
    """The difference between what the daemon has and what it is to have."""

    changed: tuple[str, ...] = ()  # the files of ours that were written or removed
    old: Mapping[str, str] = {}  # our files before, as far as the renderer reads them
    new: Mapping[str, str] = {}  # our files now
    fresh: frozenset[str] = frozenset()  # the names of devices that came since, whatever the files say
