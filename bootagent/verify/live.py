# SPDX-License-Identifier: Apache-2.0
"""What the kernel has now: devices, addresses, routes, neighbours; and whom the machine asks for names.

Addresses by netifaces, or by netlink where it is not installed; all else from the kernel's own tables:
rtnetlink(7), /proc/net/route, /proc/net/ipv6_route and /proc/net/if_inet6 (proc_net(5)).
"""

from __future__ import annotations

import struct
import sys

from bootagent.libraries import load_library
from bootagent.model.bond import MODES
from bootagent.model.instance import Problem
from bootagent.model.ip import IPAddress, IPInterface
from bootagent.record import Record
from bootagent.verify import netlink

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from bootagent.model.ip import IPNetwork
    from bootagent.root import Root

RESOLV_CONF = "/etc/resolv.conf"
RESOLVED = "/run/systemd/resolve/resolv.conf"  # whom systemd-resolved asks, systemd-resolved.service(8)
STUBS = frozenset({"127.0.0.53", "127.0.0.54"})
# if_link.h
_ADDRESS, _NAME, _MTU, _PARENT, _MASTER, _INFO, _CARRIER, _PERMANENT = 1, 3, 4, 5, 10, 18, 33, 54
_KIND, _DATA, _MEMBER_DATA = 1, 2, 5  # of IFLA_LINKINFO
_VLAN_ID = _BOND_MODE = 1  # of their IFLA_INFO_DATA
_MEMBER_ADDRESS = 4  # IFLA_BOND_SLAVE_PERM_HWADDR
_IFF_UP = 0x1
_RTF_UP, _RTF_REJECT = 0x1, 0x200  # include/uapi/linux/route.h
_FAILED, _TENTATIVE = 0x08, 0x40  # IFA_F_DADFAILED, IFA_F_TENTATIVE


class Device(Record):
    """A network device."""

    name: str
    kind: str = ""  # "bond", "vlan", "veth" ...; "" of a physical one
    mac: str = ""
    permanent: str = ""  # the MAC address that a member of a bond has of its own
    mtu: int = 0
    is_up: bool = False
    has_carrier: bool = False
    parent: str = ""  # of a VLAN
    master: str = ""
    vlan: int | None = None
    mode: str = ""  # of a bond
    addresses: tuple[IPInterface, ...] = ()


class Way(Record):
    """A route of the main table."""

    to: IPNetwork
    via: IPAddress | None
    device: str


class Live(Record):
    """All of it."""

    devices: Mapping[str, Device] = {}
    ways: tuple[Way, ...] = ()
    neighbours: Mapping[tuple[str, str], int] = {}  # state (NUD_*) by device and address
    failed: frozenset[tuple[str, str]] = frozenset()  # addresses that another machine on the link has
    tentative: frozenset[tuple[str, str]] = frozenset()  # addresses of which that is not known yet
    servers: tuple[str, ...] = ()  # of names
    notes: tuple[Problem, ...] = ()  # how it was read, where that is not as usual


def read_live(root: Root) -> Live:
    """The live machine; ``root`` is ``/``."""
    entries = list(netlink.dump(netlink.LINKS))
    names = {_number(fixed, 4): _string(found.get(_NAME, b"")) for fixed, found in entries}
    addresses, notes = _read_addresses(names)
    devices = [_device(fixed, found, names) for fixed, found in entries]
    states = dict(_read_states(root))
    return Live(
        {device.name: device._replace(addresses=tuple(addresses.get(device.name, ()))) for device in devices},
        (*_read_ways_v4(root), *_read_ways_v6(root)),
        dict(_read_neighbours(names)),
        frozenset(key for key, flags in states.items() if flags & _FAILED),
        frozenset(key for key, flags in states.items() if flags & _TENTATIVE and not flags & _FAILED),
        read_servers(root),
        notes,
    )


def _device(fixed: bytes, found: Mapping[int, bytes], names: Mapping[int, str]) -> Device:
    info = netlink.parse_attributes(found.get(_INFO, b""))
    kind = _string(info.get(_KIND, b""))
    data = netlink.parse_attributes(info.get(_DATA, b""))
    member = netlink.parse_attributes(info.get(_MEMBER_DATA, b""))
    mac = _mac(found.get(_ADDRESS, b""))
    mode = data.get(_BOND_MODE, b"\xff")[0] if kind == "bond" else len(MODES)
    return Device(
        _string(found.get(_NAME, b"")),
        kind,
        mac,
        _mac(found.get(_PERMANENT, b"") or member.get(_MEMBER_ADDRESS, b"")) or mac,
        _number(found.get(_MTU, bytes(4))),
        bool(_number(fixed, 8) & _IFF_UP),
        found.get(_CARRIER, b"\0") != b"\0",
        names.get(_number(found.get(_PARENT, bytes(4))), "") if kind == "vlan" else "",
        names.get(_number(found.get(_MASTER, bytes(4))), ""),
        int(struct.unpack("=H", data[_VLAN_ID][:2])[0]) if kind == "vlan" and _VLAN_ID in data else None,
        MODES[mode] if mode < len(MODES) else "",
    )


def _read_addresses(names: Mapping[int, str]) -> tuple[dict[str, list[IPInterface]], tuple[Problem, ...]]:
    try:
        netifaces = load_library("netifaces")
    except ImportError:
        note = Problem("info", "netifaces", "not installed: addresses were read by netlink")
        return _collect(_by_netlink(names)), (note,)
    return _collect(_by_netifaces(netifaces)), ()


def _collect(held: Iterator[tuple[str, IPInterface]]) -> dict[str, list[IPInterface]]:
    table: dict[str, list[IPInterface]] = {}
    for name, address in held:
        table.setdefault(name, []).append(address)
    return table


def _by_netifaces(netifaces: Any) -> Iterator[tuple[str, IPInterface]]:
    """Of both distributions of the module: one says ``netmask``, the other ``mask``."""
    for name in netifaces.interfaces():
        try:
            families = netifaces.ifaddresses(name)
        except (ValueError, OSError):  # it went since
            continue
        for family in (netifaces.AF_INET, netifaces.AF_INET6):
            for entry in families.get(family, ()):
                mask = str(entry.get("netmask") or entry.get("mask") or "").partition("/")[0]
                if mask:
                    length = bin(IPAddress.parse(mask).number).count("1")
                    ip = IPInterface(IPAddress.parse(entry["addr"].partition("%")[0]), length)
                    yield name.partition(":")[0], ip  # "eth0:1" is a label of eth0's


def _by_netlink(names: Mapping[int, str]) -> Iterator[tuple[str, IPInterface]]:
    for fixed, found in netlink.dump(netlink.ADDRESSES):
        packed = found.get(2) or found.get(1)  # IFA_LOCAL; IFA_ADDRESS is the other end's where there is one
        if packed and len(packed) in (4, 16):
            yield names.get(_number(fixed, 4), ""), IPInterface(IPAddress.unpack(packed), fixed[1])


def _read_states(root: Root) -> Iterator[tuple[tuple[str, str], int]]:
    """The flags of IPv6 addresses, by device and address."""
    for words in _lines(root, "/proc/net/if_inet6"):
        if len(words) == 6:
            yield (words[5], str(IPAddress.unpack(bytes.fromhex(words[0])))), int(words[4], 16)


def _read_ways_v4(root: Root) -> Iterator[Way]:
    for words in _lines(root, "/proc/net/route")[1:]:
        if len(words) >= 8 and int(words[3], 16) & (_RTF_UP | _RTF_REJECT) == _RTF_UP:
            to, via, mask = (_v4(words[at]) for at in (1, 2, 7))
            length = bin(mask.number).count("1")
            yield Way(IPInterface(to, length).network, via if via.number else None, words[0])


def _v4(text: str) -> IPAddress:
    """An address as its four bytes look to the processor as one number."""
    return IPAddress.unpack(int(text, 16).to_bytes(4, sys.byteorder))


def _read_ways_v6(root: Root) -> Iterator[Way]:
    for words in _lines(root, "/proc/net/ipv6_route"):
        if len(words) == 10 and int(words[8], 16) & (_RTF_UP | _RTF_REJECT) == _RTF_UP:
            network = IPInterface(IPAddress.unpack(bytes.fromhex(words[0])), int(words[1], 16)).network
            via = IPAddress.unpack(bytes.fromhex(words[4]))
            yield Way(network, via if via.number else None, words[9])


def _read_neighbours(names: Mapping[int, str]) -> Iterator[tuple[tuple[str, str], int]]:
    for fixed, found in netlink.dump(netlink.NEIGHBOURS):
        packed = found.get(1, b"")  # NDA_DST
        if len(packed) in (4, 16):
            name = names.get(_number(fixed, 4), "")
            yield (name, str(IPAddress.unpack(packed))), int(struct.unpack_from("=H", fixed, 8)[0])


def read_servers(root: Root) -> tuple[str, ...]:
    """Whom the machine asks for names: resolv.conf(5), or whom systemd-resolved asks behind it."""
    servers = _nameservers(root, RESOLV_CONF)
    return _nameservers(root, RESOLVED) if servers and STUBS.issuperset(servers) else servers


def _nameservers(root: Root, path: str) -> tuple[str, ...]:
    lines = (words for words in _lines(root, path) if len(words) > 1 and words[0] == "nameserver")
    return tuple(words[1].partition("%")[0] for words in lines)


def _lines(root: Root, path: str) -> list[list[str]]:
    try:
        content = root.read(path) or b""
    except OSError:
        return []
    return [line.split() for line in content.decode("utf-8", "replace").splitlines()]


def _number(data: bytes, at: int = 0) -> int:
    return int(struct.unpack_from("=I", data, at)[0])


def _string(data: bytes) -> str:
    return data.rstrip(b"\0").decode("utf-8", "replace")


def _mac(data: bytes) -> str:
    return data.hex(":") if any(data) else ""
