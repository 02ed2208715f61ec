# SPDX-License-Identifier: Apache-2.0
"""What a backend's files say, read by the backend's manual and without our renderer: one module a backend.

Each has ``read(files) -> Reading``: ``files`` are texts by path.  A reading is compared with ``expected``, the same
facts taken from the model, so that a field which a renderer drops or misspells shows on every network there is.
"""

from __future__ import annotations

import contextlib
import ipaddress
import re
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from importlib import import_module
from typing import TYPE_CHECKING, Any

from bootagent import renderers

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bootagent.model.network import BoundNetwork, Interface

# The value that a text stands for; ``ValueError`` where the manual does not know it.
Grammar = Callable[[str], Any]

# DHCPv6 as the flags of router advertisements tell (RFC 4861 4.2): addresses, other information, or nothing.
BY_FLAGS = "as advertisements tell"

# to, gateway or "", metric or None, whether the gateway is on the link whatever the addresses say
Route = tuple[str, str, "int | None", bool]


@dataclass(frozen=True)
class Device:
    """One device; references to others are keys: the address by which it is matched, or else its name."""

    addresses: frozenset[str] = frozenset()  # "192.0.2.5/24"
    routes: frozenset[Route] = frozenset()
    dns: tuple[str, ...] = ()
    search: tuple[str, ...] = ()
    dhcp4: bool = False
    dhcp6: str = ""
    ra: str = "off"
    metric: int | None = None
    mtu: int | None = None
    mac: str | None = None  # to be given to a made device
    driver: str = ""
    bond: str = ""  # the mode
    options: frozenset[tuple[str, str]] = frozenset()  # by the kernel's names, in the kernel's units
    members: frozenset[str] = frozenset()
    primary: str = ""
    vlan: int | None = None
    parent: str = ""
    master: str = ""  # name of the bond
    required: bool | None = True  # None: there is nothing to wait for
    local: bool | None = None  # whether IPv6 gives itself a link-local address; None: not known, or of no matter


Reading = dict[str, Device]  # by key


def reader(backend: str) -> Any:
    """The module that reads a backend's files."""
    return import_module(f"{__name__}.{backend.replace('-', '_')}")


def key_of(interface: Interface, by_name: bool) -> str:
    """How a backend finds the device: the permanent address if it can, else the kernel name."""
    match = interface.match
    if match and match.mac and not by_name:
        return str(match.mac)
    return str(interface.name or (match and match.name) or interface.label)


def expected(network: BoundNetwork, backend: str) -> Reading:
    """What the files for ``network`` have to say; devices that are not there are left out where names are needed."""
    by_name = renderers.load(backend).NEEDS_NAMES
    there = {i.label: i for i in network.interfaces if i.name is not None or not by_name}
    for interface in network.interfaces:
        lost_parent = interface.vlan and interface.vlan.parent not in there
        lost_members = interface.bond and not any(member in there for member in interface.bond.members)
        if lost_parent or lost_members:
            there.pop(interface.label, None)
    keys = {label: key_of(interface, by_name) for label, interface in there.items()}
    reading = {keys[label]: _device(interface, keys) for label, interface in there.items()}
    # A name has been looked up with the driver in view already.
    return {key: replace(device, driver="") for key, device in reading.items()} if by_name else reading


def _device(interface: Interface, keys: Mapping[str, str]) -> Device:
    bond, vlan, ra = interface.bond, interface.vlan, interface.ra != "off"
    return Device(
        addresses=frozenset(str(address.ip) for address in interface.addresses),
        routes=frozenset(
            (str(route.to), str(route.via) if route.via else "", route.metric, route.onlink)
            for route in interface.routes
        ),
        dns=tuple(map(str, interface.dns.servers)),
        search=tuple(interface.dns.search),
        dhcp4=interface.dhcp4,
        dhcp6=interface.dhcp6,
        ra=interface.ra,
        metric=interface.metric if interface.dhcp4 or ra else None,
        mtu=interface.mtu,
        mac=interface.mac,
        driver=interface.match.driver if interface.match else "",
        bond=bond.mode if bond else "",
        options=frozenset(bond.options) if bond else frozenset(),
        members=frozenset(keys[label] for label in bond.members if label in keys) if bond else frozenset(),
        primary=keys.get(bond.primary, "") if bond else "",
        vlan=vlan.id if vlan else None,
        parent=keys[vlan.parent] if vlan else "",
        master=str(interface.master or ""),
        required=interface.required,
        local=None if not interface.master and (interface.is_addressed or interface.routes or ra) else False,
    )


def spelled(value: Any) -> Any:
    """``value`` with every address in it spelled one way: the C library has the last half of some in decimals."""
    if isinstance(value, (tuple, frozenset)):
        return type(value)(map(spelled, value))
    for kind in (ipaddress.ip_address, ipaddress.ip_interface):
        with contextlib.suppress(ValueError):
            return str(kind(value)) if isinstance(value, str) else value
    return value


def differences(wanted: Reading, found: Reading, excused: frozenset[str] = frozenset()) -> list[str]:
    """One line for each fact on which two readings differ; ``excused`` names fields of ``Device`` or bond options."""
    lines = [f"{key}: not configured" for key in wanted.keys() - found.keys()]
    lines += [f"{key}: not asked for" for key in found.keys() - wanted.keys()]
    for key in sorted(wanted.keys() & found.keys()):
        for field in fields(Device):
            want, have = getattr(wanted[key], field.name), getattr(found[key], field.name)
            if field.name in ("addresses", "routes", "dns"):
                want, have = spelled(want), spelled(have)
            if field.name == "options":
                want = {option for option in want if option[0] not in excused}
                have = {option for option in have if option[0] not in excused}
            if field.name in ("local", "required") and None in (want, have):
                continue
            if want != have and field.name not in excused:
                lines.append(f"{key}: {field.name} is {have!r}, not {want!r}")
    return lines


def matching(pattern: str) -> Grammar:
    """Text of which all matches ``pattern``."""

    def parse(text: str) -> str:
        if not re.fullmatch(pattern, text, re.ASCII):
            raise ValueError(f"{text!r} is not {pattern}")
        return text

    return parse


def number(low: int, high: int) -> Grammar:
    """Whole decimal numbers in a range."""

    def parse(text: str) -> int:
        value = int(matching(r"\d{1,10}")(text))
        if not low <= value <= high:
            raise ValueError(f"{value} is not in {low}..{high}")
        return value

    return parse


def choice(*words: str, **others: Any) -> Grammar:
    """One of ``words``, or one of ``others`` with what it stands for."""
    values = {**{word: word for word in words}, **others}

    def parse(text: str) -> Any:
        if text not in values:
            raise ValueError(f"{text!r} is not one of {', '.join(values)}")
        return values[text]

    return parse


NAME = matching(r"(?!\d+$)[^\s/:.][^\s/:]{0,14}")  # of a device: dev_valid_name() in net/core/dev.c
METRIC = number(0, 2**32 - 1)


def mac(text: str) -> str:
    """A hardware address of Ethernet or InfiniBand, with colons; lower case."""
    return str(matching(r"[0-9a-f]{2}(:[0-9a-f]{2}){5}((:[0-9a-f]{2}){14})?")(text.lower()))


def ip(text: str) -> str:
    """An address of either family."""
    return str(ipaddress.ip_address(text))


def ip4(text: str) -> str:
    """An IPv4 address."""
    return str(ipaddress.IPv4Address(text))


def prefixed(text: str) -> str:
    """An address with the length of its prefix."""
    matching(r"[^/]+/\d+")(text)
    return str(ipaddress.ip_interface(text))


def prefix(text: str) -> str:
    """A destination with its length; no bit is set behind it."""
    matching(r"[^/]+/\d+")(text)
    return str(ipaddress.ip_network(text))


def at(place: str, grammar: Grammar, text: str) -> Any:
    """What ``text`` stands for; an error says the place, a file and a line."""
    try:
        return grammar(text)
    except ValueError as error:
        raise ValueError(f"{place}: {error}") from None
