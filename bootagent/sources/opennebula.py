# SPDX-License-Identifier: Apache-2.0
"""OpenNebula: https://docs.opennebula.io/6.10/management_and_operations/references/template.html#context-section.

An ISO 9660 file system with the label ``CONTEXT`` and the document ``context.sh`` at its top, variables in the language
of a shell.
"""

from __future__ import annotations

from bootagent.errors import MediaError, SourceError
from bootagent.formats import opennebula
from bootagent.sources import Documents

TYPE_CHECKING = False
if TYPE_CHECKING:
    from bootagent.media import Volume
    from bootagent.model.instance import Instance

SUMMARY = (
    "OpenNebula's context drive: label ``CONTEXT``, ``context.sh``. A NIC that is passed through with another address "
    "of its own (``PCIx_MAC``) is only named; a host name is not asked of the DNS"
)
LABEL = "context"
NOT_OURS: frozenset[str] = frozenset()


def holds(volume: Volume) -> bool:
    """Whether the tree is that of a context drive."""
    try:
        names = volume.names("") or ()
    except MediaError:
        return False
    return any(name.lower() == opennebula.CONTEXT for name in names)


def read(volume: Volume) -> Instance:
    """The instance that the drive describes; ``SourceError`` if it has no document."""
    documents = Documents(volume)
    documents.read(opennebula.CONTEXT, (opennebula.CONTEXT,))
    if not documents.found and not documents.problems:
        raise SourceError(volume.place, f"a drive without {opennebula.CONTEXT}")
    return documents.parse(opennebula.parse_documents)


def read_user_data(volume: Volume) -> bytes | None:
    """What the user wants to be run; ``None`` where there is nothing."""
    content = volume.read(opennebula.CONTEXT)
    return opennebula.parse_user_data(content) if content else None
