# SPDX-License-Identifier: Apache-2.0
"""Rootbox and HyperOne: https://docs.cloud-init.io/en/latest/reference/datasources/rbxcloud.html.

A FAT file system with the label ``CLOUDMD`` and the document ``cloud.json`` at its top; ``user.data`` beside it says
what to run.
"""

from __future__ import annotations

from bootagent.errors import MediaError, SourceError
from bootagent.formats import rbxcloud
from bootagent.model.instance import Problem
from bootagent.sources import Documents

TYPE_CHECKING = False
if TYPE_CHECKING:
    from bootagent.media import Volume
    from bootagent.model.instance import Instance

SUMMARY = (
    "Rootbox and HyperOne: label ``CLOUDMD``, ``cloud.json``. Neighbours are not told of the addresses (no gratuitous "
    "ARP)"
)
LABEL = "cloudmd"
NOT_OURS: frozenset[str] = frozenset()
USER_DATA = "user.data"


def holds(volume: Volume) -> bool:
    """Whether the tree is that of this cloud's drive."""
    try:
        names = volume.names("") or ()
    except MediaError:
        return False
    return any(name.lower() == rbxcloud.CLOUD for name in names)


def read(volume: Volume) -> Instance:
    """The instance that the drive describes; ``SourceError`` if it has no document."""
    documents = Documents(volume)
    documents.read(rbxcloud.CLOUD, (rbxcloud.CLOUD,))
    if not documents.found and not documents.problems:
        raise SourceError(volume.place, f"a drive without {rbxcloud.CLOUD}")
    instance = documents.parse(rbxcloud.parse_documents)
    notes = (Problem("info", USER_DATA, "not looked at here: see the option user-data"),)
    return instance._replace(problems=instance.problems + (notes if _has_content(volume) else ()))


def read_user_data(volume: Volume) -> bytes | None:
    """What the user wants to be run; ``None`` where there is nothing."""
    return volume.read(USER_DATA) or None


def _has_content(volume: Volume) -> bool:
    try:
        return bool((volume.read(USER_DATA) or b"").strip())
    except MediaError:  # there, whatever is in it
        return True
