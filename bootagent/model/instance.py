# SPDX-License-Identifier: Apache-2.0
"""What the cloud says about this instance, as values, and what was wrong with how it said it."""

from __future__ import annotations

from bootagent.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from bootagent.model.network import Network
    from bootagent.model.sshkey import SshKey
    from bootagent.model.values import FilePath, Hostname, Secret


class Problem(Record):
    """Something that is wrong, or was adjusted, in one place, and costs only that place."""

    severity: str  # "error": asked for and not done; "warning": done, but look; "info": adjusted as expected
    where: str  # document and place: "network_data.json: links[2].vlan_id"; or a path, or a device
    message: str

    def __str__(self) -> str:
        return f"{self.where}: {self.message}"


class InjectedFile(Record):
    """A file that the cloud wants to be on the machine."""

    path: FilePath
    content: str  # its bytes are this text's in UTF-8 with surrogateescape
    where: str  # as a problem's


class Instance(Record):
    """One instance.  ``None`` means that the cloud did not say; an empty tuple means that it said "none"."""

    id: str | None = None  # printable ASCII, at most 128 bytes; identity only, never a path
    hostname: Hostname | None = None
    ssh_keys: tuple[SshKey, ...] | None = None
    network: Network | None = None
    broken: frozenset[str] = frozenset()  # documents that are there and could not be read at all
    documents: tuple[str, ...] = ()  # documents that were used, as paths on the source
    origins: Mapping[str, str] = {}  # of the fields above: "meta_data.json: hostname, preferred to name"
    problems: tuple[Problem, ...] = ()
    files: tuple[InjectedFile, ...] | None = None
    seed: Secret | None = None  # for the kernel's random pool
