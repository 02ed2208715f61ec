# SPDX-License-Identifier: Apache-2.0
"""Commands that make a device and tune it before it is up, for the ip(8) of iproute2 and of busybox alike.

ifupdown-ng's own "bond" executor is no way to make a bond: the one of Alpine does nothing, and the one of Debian gives
all options to one command, so that the bond is lost to a single one that ip or the kernel refuses.
https://docs.kernel.org/networking/bonding.html, https://docs.kernel.org/networking/ip-sysctl.html
"""

from __future__ import annotations

from bootagent.renderers._iproute2 import bond_option_commands, ipv6_settings, ports

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from bootagent.model.network import Bond, Interface, Vlan


def is_made_by_name(name: str, parent: str, vlan: Vlan) -> bool:
    """Whether the "link" executor, told the parent and the id, makes the right VLAN of this name.

    It believes the name more than the options: what follows the last dot, or the word "vlan", is the id.
    """
    if name.startswith("vlan"):
        return name == f"vlan{vlan.id}"
    return "." not in name or name == f"{parent}.{vlan.id}"


def is_taken_for_vlan(interface: Interface, devices: Mapping[str, Interface]) -> bool:
    """Whether the "link" executor would make another VLAN of this name, or fail, unless the device is there already."""
    name = str(interface.name)
    if "." not in name or name.startswith("vlan"):
        return False
    return not (interface.vlan and is_made_by_name(name, str(devices[interface.vlan.parent].name), interface.vlan))


def make_device(interface: Interface, devices: Mapping[str, Interface]) -> str:
    """The command that makes a bond or a VLAN with its address at once, so that udev never gives it another."""
    name = str(interface.name)
    address = f" address {interface.mac}" if interface.mac else ""
    if interface.vlan:
        parent = devices[interface.vlan.parent].name
        make = f"ip link add link {parent} name {name}{address} type vlan id {interface.vlan.id}"
    else:
        make = f"ip link add dev {name}{address} type bond"  # busybox passes over a mode that would follow
    return f"[ -d /sys/class/net/{name} ] || {make}"


def tune_bond(name: str, bond: Bond) -> Iterator[str]:
    """The mode and the options one by one, while the bond is down and has no members."""
    yield f"echo {bond.mode} >/sys/class/net/{name}/bonding/mode || true"
    yield from bond_option_commands(name, bond)


def enslave(name: str, bond: Bond, devices: Mapping[str, Interface]) -> Iterator[str]:
    """Members enter while they are down; a member that is not there costs only itself."""
    members = ports(bond, devices)
    for member in members.values():
        device = f"ip link set dev {member.name}"
        yield f"{device} down && {device} master {name} && {device} up || true"
        if member.mtu is not None:  # on entering, it got the bond's
            yield f"{device} mtu {member.mtu} || true"
    if bond.primary in members:
        yield f"echo {members[bond.primary].name} >/sys/class/net/{name}/bonding/primary || true"


def tune_ipv6(interface: Interface) -> Iterator[str]:
    """What the kernel makes of router advertisements and by itself; the "ipv6-ra" executor comes when it is up."""
    settings = ipv6_settings(interface)
    if any(item.ip.version == 6 for item in interface.addresses):
        # Else Alpine's /etc/network/if-up.d/dad waits for duplicate detection, and without a carrier in vain.
        settings["accept_dad"] = 0
    for name, value in settings.items():
        yield f"echo {value} >/proc/sys/net/ipv6/conf/{interface.name}/{name} || true"
