# SPDX-License-Identifier: Apache-2.0
"""The sections of one NetworkManager profile that are not about addresses.

https://networkmanager.dev/docs/api/latest/nm-settings-keyfile.html
"""

from __future__ import annotations

try:
    from _blake2 import blake2b  # what hashlib gives, without hashlib's start of OpenSSL
except ImportError:
    from hashlib import blake2b

from bootagent.renderers._networkmanager_bond import bond_lines
from bootagent.renderers._networkmanager_ip import gives_up, ip_sections

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from bootagent.host import Host
    from bootagent.model.instance import Problem
    from bootagent.model.network import Interface

    Sections = tuple[tuple[str, list[str]], ...]  # (name, lines); one without lines is not written

# Above what images and other agents leave behind (0 to 120), below what a person may still set (999).
AUTOCONNECT_PRIORITY = 200
OUR_STEM = "bootagent-"


def profile_uuid(stem: str) -> str:
    """The uuid of the profile in the file ``stem``, the same on every machine and each time: RFC 9562 5.8."""
    octets = bytearray(blake2b(stem.encode(), digest_size=16).digest())
    octets[6] = octets[6] & 0x0F | 0x80
    octets[8] = octets[8] & 0x3F | 0x80
    text = octets.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def is_infiniband(interface: Interface, host: Host) -> bool:
    """Whether the interface is a NIC with IP over InfiniBand."""
    match = interface.match
    if match is None:
        return False
    wide = (match.mac and len(match.mac) > 17) or any(nic.is_infiniband for nic in host.nics if nic.name == match.name)
    return bool(wide)


def profile_sections(
    interface: Interface, interfaces: Mapping[str, Interface], infiniband: bool, problems: list[Problem]
) -> Sections:
    """All sections of the profile of ``interface``, ``[connection]`` first and without its identity."""
    kind = "bond" if interface.bond else "vlan" if interface.vlan else "infiniband" if infiniband else "ethernet"
    bond = bond_lines(interface, interface.bond, interfaces, problems) if interface.bond else []
    return (
        ("connection", _connection(interface, kind)),
        ("bond", bond),
        ("vlan", _vlan(interface)),
        ("infiniband" if infiniband else "ethernet", _hardware(interface, infiniband)),
        ("match", [f"driver={interface.match.driver};"] if interface.match and interface.match.driver else []),
        *(() if interface.master else ip_sections(interface, problems)),
    )


def _connection(interface: Interface, kind: str) -> list[str]:
    lines = [f"type={kind}"]
    if interface.match is None or interface.match.name or not interface.match.mac:
        name = (interface.match and interface.match.name) or interface.name or interface.label
        lines.append(f"interface-name={name}")
    lines.append(f"autoconnect-priority={AUTOCONNECT_PRIORITY}")
    if gives_up(interface):
        lines.append("autoconnect-retries=1")  # another round comes after five minutes, when nobody waits any more
    if interface.master:
        # Names of 1.30 that 1.52 still reads; the uuid tells our bond from another profile for a device of its name.
        lines += [f"master={profile_uuid(OUR_STEM + interface.master)}", "slave-type=bond"]
    return lines


def _vlan(interface: Interface) -> list[str]:
    """The parent by its profile: its kernel name may not be known, or change."""
    if interface.vlan is None:
        return []
    return [f"parent={profile_uuid(OUR_STEM + interface.vlan.parent)}", f"id={interface.vlan.id}", "flags=1"]


def _hardware(interface: Interface, infiniband: bool) -> list[str]:
    """The address to find a NIC by, or to give to a made device, and the MTU."""
    lines = [f"mac-address={interface.match.mac}"] if interface.match and interface.match.mac else []
    if infiniband:
        lines.append("transport-mode=datagram")
    elif interface.mac:
        lines.append(f"cloned-mac-address={interface.mac}")
    if interface.mtu:
        lines.append(f"mtu={interface.mtu}")
    return lines
