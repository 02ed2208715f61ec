# SPDX-License-Identifier: Apache-2.0
"""What the reader of this machine, network-scripts or NetworkManager, cannot do for a device.

https://github.com/fedora-sysv/initscripts/blob/main/network-scripts/ifup
https://networkmanager.dev/docs/api/latest/nm-settings-ifcfg-rh.html
"""

from __future__ import annotations

from bootagent.model.instance import Problem
from bootagent.renderers._ifcfg_device import aliases, loses_dhcp6
from bootagent.renderers._ifcfg_routes import is_unsaid

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from bootagent.model.network import Interface

DNS_MAX = 10  # DNS1 to DNS10


def find_limits(interface: Interface, nm: bool, fed: bool) -> Iterator[Problem]:
    """A problem for each thing that is left out or changed; ``fed``: NetworkManager feeds the resolver."""
    where = interface.origin or interface.label
    for route in interface.routes:
        if is_unsaid(route):
            message = f"route.via={route.via} is left out: NetworkManager reads no gateway of the other family"
            yield Problem("error", route.origin or where, message)
    if interface.ra == "routes" and nm:
        yield Problem("info", where, "interface.ra=routes: NetworkManager takes addresses from routers as well")
    if nm and interface.metric is not None and any(route.metric is None for route in interface.routes):
        message = f"route.metric=None: NetworkManager gives the route its device's, {interface.metric}"
        yield Problem("info", where, message)
    if loses_dhcp6(interface, nm):
        message = "interface.dhcp6=stateful is left out: dhclient would remove the static IPv6 addresses"
        yield Problem("warning", where, message)
    if interface.dhcp4:
        placed = sum(1 for _ in aliases(interface))
        for item in [item for item in interface.addresses if item.ip.version == 4][placed:]:
            message = f"{item.ip} is left out: beside DHCP it needs a label, and {interface.name} is too long for one"
            yield Problem("error", item.origin or where, message)
    if fed:
        yield from _unread_servers(interface, where)


def _unread_servers(interface: Interface, where: str) -> Iterator[Problem]:
    has_ipv4 = interface.dhcp4 or any(item.ip.version == 4 for item in interface.addresses)
    for number, server in enumerate(interface.dns.servers, 1):
        if number > DNS_MAX:
            yield Problem("info", where, f"NetworkManager reads {DNS_MAX} servers, not {server}")
        elif server.version == 4 and not has_ipv4:
            yield Problem("warning", where, f"NetworkManager reads the server {server} only beside an IPv4 address")


def misleads(interface: Interface) -> bool:
    """Whether the name of a VLAN, like ``eth0.20`` or ``vlan20``, says another id: NetworkManager believes the name."""
    if interface.vlan is None or interface.name is None:
        return False
    stem, _, digits = interface.name.partition(".")
    digits = digits or (stem[4:] if stem.startswith("vlan") else "")
    return digits.isdecimal() and int(digits) < 4096 and int(digits) != interface.vlan.id


def find_order(devices: Mapping[str, Interface]) -> Iterator[Problem]:
    """VLANs whose turn comes before that of what they stand on: ifup leaves them out without an error."""
    for interface in devices.values():
        parent = devices[interface.vlan.parent] if interface.vlan else interface
        if (parent.bond or parent.vlan) and _turn(str(interface.name)) < _turn(str(parent.name)):
            message = f"network-scripts go by names: {interface.name} comes before its parent {parent.name}, and fails"
            yield Problem("error", interface.origin or interface.label, message)


def _turn(name: str) -> tuple[bool, str, int, str]:
    """When the network script brings a device up: names of VLANs last, and digits count as a number."""
    length = next((index for index, char in enumerate(name) if char.isdecimal()), len(name))
    rest = name[length:]
    digits = rest[: len(rest) - len(rest.lstrip("0123456789"))]
    return "." in name or name.startswith("vlan"), name[:length], int(digits or 0), name
