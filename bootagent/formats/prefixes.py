# SPDX-License-Identifier: Apache-2.0
"""The ways in which clouds spell addresses, prefixes and netmasks.

A mask is a dotted quad, an IPv6 address of leading ones, or a prefix length as text or number; a "/N" behind the
address wins over it.  Each ``ipaddress`` object is made once, from numbers where that saves a second parse.
"""

from __future__ import annotations

import functools
import ipaddress

from bootagent.model.values import parse_address, shown, whole_number

TYPE_CHECKING = False
if TYPE_CHECKING:
    from bootagent.model.network import IPAddress, IPInterface, IPNetwork

BITS = {4: 32, 6: 128}
DEFAULT: dict[int, IPNetwork] = {4: ipaddress.IPv4Network((0, 0)), 6: ipaddress.IPv6Network((0, 0))}


def split_address(text: object) -> tuple[IPAddress, str | None]:
    """An address and what follows its slash, if there is one; ``ValueError`` if it is no address."""
    if not isinstance(text, str) or not text:
        raise ValueError("no address" if text in (None, "") else f"{shown(text)} is not an IP address")
    host, _, suffix = text.partition("/")
    return _address(host.strip()), suffix.strip() or None


def read_host(text: object) -> IPAddress:
    """An address that a machine can have on a link; ``ValueError`` if it is none, 0.0.0.0 and :: among them."""
    return _host(text.strip()) if isinstance(text, str) else parse_address(text)


@functools.lru_cache(maxsize=256)  # a document says one gateway, or one resolver, many times
def _host(text: str) -> IPAddress:
    address = _address(text)
    fault = fault_of_host(address)
    if fault:
        raise ValueError(f"{address} {fault}")
    return address


@functools.lru_cache(maxsize=64)  # and most of all the destination of the default route
def _address(text: str) -> IPAddress:
    if ":" in text and "%" not in text:  # parse_address would try it as IPv4 first
        try:
            return ipaddress.IPv6Address(text)
        except ValueError:
            pass
    return parse_address(text)


def prefix_length(mask: object, version: int) -> int:
    """The prefix length that a netmask of any spelling stands for; ``ValueError`` if it stands for none."""
    if isinstance(mask, str):
        mask = mask.strip()
        if ":" in mask or "." in mask:
            return _mask_length(mask, version)
    length = whole_number(mask)
    if not 0 <= length <= BITS[version]:
        raise ValueError(f"prefix length {length} is not in 0..{BITS[version]}")
    return length


@functools.lru_cache(maxsize=64)
def _mask_length(text: str, version: int) -> int:
    """The number of leading ones in a mask; one with a gap, or a host mask, is refused."""
    mask = parse_address(text)
    if mask.version != version:
        raise ValueError(f"{shown(text)} is not an IPv{version} netmask")
    hosts = int(mask) ^ (1 << BITS[version]) - 1
    if hosts & (hosts + 1):
        raise ValueError(f"netmask {shown(text)} has a gap")
    return BITS[version] - hosts.bit_length()


def make_interface(address: IPAddress, length: int) -> IPInterface:
    """An address with its prefix length; host bits are what makes it an address."""
    pair = (int(address), length)
    return ipaddress.IPv4Interface(pair) if address.version == 4 else ipaddress.IPv6Interface(pair)


def make_network(address: IPAddress, length: int) -> tuple[IPNetwork, bool]:
    """The network that holds ``address``, and whether bits outside the prefix had to be cleared."""
    number = int(address)
    hosts = BITS[address.version] - length
    base = number >> hosts << hosts
    return _network(address.version, base, length), base != number


@functools.lru_cache(maxsize=64)
def _network(version: int, base: int, length: int) -> IPNetwork:
    return ipaddress.IPv4Network((base, length)) if version == 4 else ipaddress.IPv6Network((base, length))


def fault_of_host(address: IPAddress) -> str:
    """Why ``address`` can never be that of a host on a link, or ""; on numbers, as ``is_*`` cost microseconds each."""
    number = int(address)
    if number == 0:
        return "is the unspecified address"
    if address.version == 4:
        if number >> 28 == 0xE or number == 0xFFFFFFFF:
            return "is a group address"
        return "is a loopback address" if number >> 24 == 127 else ""
    if number >> 120 == 0xFF:
        return "is a group address"
    if number >> 32 == 0xFFFF:
        return "is an IPv4 address in IPv6 clothes"  # RFC 4291 2.5.5.2: never on a link
    return "is a loopback address" if number == 1 else ""
