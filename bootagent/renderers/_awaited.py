# SPDX-License-Identifier: Apache-2.0
"""What "online" has to wait for beside the devices with addresses."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from bootagent.model.network import Interface


def awaited_parents(interfaces: Sequence[Interface]) -> set[str]:
    """The labels of the devices on which a VLAN stands that "online" waits for.

    A daemon makes the VLAN when its parent is up: until then it does not know that there is one to wait for (seen with
    systemd-networkd 257, which was online before the VLAN was there).
    """
    awaited: set[str] = set()
    for interface in reversed(interfaces):  # a VLAN comes behind its parent
        if interface.vlan and (interface.required or interface.label in awaited):
            awaited.add(interface.vlan.parent)
    return awaited
