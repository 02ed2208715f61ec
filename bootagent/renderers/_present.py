# SPDX-License-Identifier: Apache-2.0
"""The devices that a backend can configure which finds them by kernel name."""

from __future__ import annotations

from bootagent.model.instance import Problem

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from bootagent.model.network import BoundNetwork, Interface

    Devices = Mapping[str, Interface]


def present(
    network: BoundNetwork, refuse: Callable[[Interface, Devices], str] = lambda _interface, _devices: ""
) -> tuple[dict[str, Interface], list[Problem]]:
    """The devices by label, and a problem for each that has no name yet or stands on one that is not there.

    ``refuse`` says why the backend will not have a device beside those before it, or "".
    """
    devices: dict[str, Interface] = {}
    problems = []
    for interface in network.interfaces:
        problem = _missing(interface, devices) or refuse(interface, devices)
        if problem:
            problems.append(Problem("error", interface.origin or interface.label, problem))
        else:
            devices[interface.label] = interface
    return devices, problems


def _missing(interface: Interface, devices: Devices) -> str:
    if interface.name is None:
        address = interface.match.mac if interface.match else None
        return f"no NIC with the address {address}" if address else "no NIC for this link"
    if interface.vlan and interface.vlan.parent not in devices:
        return f"the parent of {interface.name} is not there: left out"
    if interface.bond and not any(label in devices for label in interface.bond.members):
        return f"no member of {interface.name} is there: left out"
    return ""
