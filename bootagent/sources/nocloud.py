# SPDX-License-Identifier: Apache-2.0
"""NoCloud: https://docs.cloud-init.io/en/latest/reference/datasources/nocloud.html.

An ISO 9660 or FAT file system with the label ``cidata``, on a whole disk or a partition, or a directory, with the
documents ``meta-data`` and ``network-config`` at its top.  Its other documents say what to run: of ``user-data`` only
keys and host name count, ``vendor-data`` is named only.
"""

from __future__ import annotations

from bootagent.errors import MediaError, SourceError
from bootagent.formats import nocloud
from bootagent.model.instance import Problem
from bootagent.sources import Documents

TYPE_CHECKING = False
if TYPE_CHECKING:
    from bootagent.media import Volume
    from bootagent.model.instance import Instance

LABEL = "cidata"
NOT_OURS: frozenset[str] = frozenset()
DOCUMENTS = ("meta-data", "network-config")
VENDOR_DATA = "vendor-data"


def holds(volume: Volume) -> bool:
    """Whether the tree is that of a NoCloud drive."""
    try:
        names = volume.names("") or ()
    except MediaError:
        return False
    return any(name.lower() in DOCUMENTS for name in names)


def read(volume: Volume) -> Instance:
    """The instance that the drive describes; ``SourceError`` if it has neither document."""
    documents = Documents(volume)
    for name in DOCUMENTS:
        documents.read(name, (name,))
    if not documents.found and not documents.problems:
        raise SourceError(volume.place, "a drive without meta-data and network-config")
    documents.read(nocloud.USER_DATA, (nocloud.USER_DATA,))
    instance = documents.parse(nocloud.parse_documents)
    if nocloud.USER_DATA in documents.damaged and not instance.ssh_keys:
        instance = instance._replace(ssh_keys=None)  # what cannot be read has not said that there are none
    if not _has_content(volume, VENDOR_DATA):
        return instance
    return instance._replace(problems=(*instance.problems, Problem("info", VENDOR_DATA, "not handled")))


def read_user_data(volume: Volume) -> bytes | None:
    """The instance's user data, ``None`` where it has none."""
    return volume.read(nocloud.USER_DATA)


def _has_content(volume: Volume, name: str) -> bool:
    try:
        return bool((volume.read(name) or b"").strip())
    except MediaError:  # there, whatever is in it
        return True
