# SPDX-License-Identifier: Apache-2.0
"""What the cloud says about this instance, as values, and what was wrong with how it said it."""

from typing import FrozenSet, NamedTuple, Optional, Tuple

from bootagent.model.network import Network
from bootagent.model.sshkey import SshKey
from bootagent.model.values import Hostname


class Problem(NamedTuple):
    """Something that is wrong, or was adjusted, in one place, and costs only that place."""

    severity: str  # "error": asked for and not done; "warning": done, but look; "info": adjusted as expected
    where: str  # document and place: "network_data.json: links[2].vlan_id"; or a path, or a device
    message: str

    def __str__(self) -> str:
        return f"{self.where}: {self.message}"


class Instance(NamedTuple):
    """One instance.  ``None`` means that the cloud did not say; an empty tuple means that it said "none"."""

    id: Optional[str] = None  # printable ASCII, at most 128 bytes; identity only, never a path
    hostname: Optional[Hostname] = None
    ssh_keys: Optional[Tuple[SshKey, ...]] = None
    network: Optional[Network] = None
    broken: FrozenSet[str] = frozenset()  # documents that are there and could not be read at all
    documents: Tuple[str, ...] = ()  # documents that were used, as paths on the source
    problems: Tuple[Problem, ...] = ()
