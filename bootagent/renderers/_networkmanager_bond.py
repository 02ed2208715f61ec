# SPDX-License-Identifier: Apache-2.0
"""The ``[bond]`` section of a NetworkManager profile: the kernel's own names and values.

https://networkmanager.dev/docs/api/latest/settings-bond.html

``arp_missed_max`` and ``lacp_active`` need NetworkManager 1.44; an older one ignores them.
"""

from __future__ import annotations

from bootagent.model.instance import Problem

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from bootagent.model.network import Bond, Interface

DEFAULT_MIIMON = 100  # NetworkManager's, where no monitor is asked for


def bond_lines(
    interface: Interface, bond: Bond, interfaces: Mapping[str, Interface], problems: list[Problem]
) -> list[str]:
    """The lines of the section, without what NetworkManager refuses: it would refuse the whole profile."""
    options = dict(bond.options)

    def refuse(option: str, reason: str) -> None:
        message = f"bond.{option} is left out: {reason}"
        problems.append(Problem("warning", interface.origin or interface.label, message))

    for option, needed in (("arp_interval", "arp_ip_target"), ("arp_ip_target", "arp_interval")):
        if options.get(option, "0") != "0" and options.get(needed, "0") == "0":
            del options[option]
            refuse(option, f"NetworkManager takes it with {needed} only")
    if "peer_notif_delay" in options:
        miimon = int(options.get("miimon", DEFAULT_MIIMON)) or 1
        # As the kernel does with what is no multiple of miimon.
        options["peer_notif_delay"] = str(int(options["peer_notif_delay"]) // miimon * miimon)
    primary = interfaces.get(bond.primary)
    if primary is not None and primary.name is not None:
        options["primary"] = primary.name
    elif bond.primary:
        refuse("primary", "NetworkManager knows it by kernel name only, and the NIC is not there")
    return [f"mode={bond.mode}", *(f"{option}={value}" for option, value in options.items())]
