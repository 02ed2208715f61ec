# SPDX-License-Identifier: Apache-2.0
"""IP addresses as records of numbers, read and spelled by the C library (inet_pton(3), inet_ntop(3)).

Attributes are named as those of the standard library's ``ipaddress``, which took, with what only it imports, a fifth of
what the agent adds to an interpreter's start.  ``tests/test_ip.py`` holds both to the same answers.
"""

from __future__ import annotations

from _socket import AF_INET, AF_INET6, inet_ntop, inet_pton

from bootagent.model.values import shown
from bootagent.record import Record

BITS = {4: 32, 6: 128}
_FAMILIES = {4: AF_INET, 6: AF_INET6}


class IPAddress(Record):
    """An IPv4 or IPv6 address."""

    version: int  # 4 or 6
    number: int

    @classmethod
    def parse(cls, text: object) -> IPAddress:
        """The address; ``ValueError`` for anything else, and for a zone (``%eth0``): the link says which is meant."""
        if isinstance(text, str):
            version = 6 if ":" in text else 4
            try:
                return cls.unpack(inet_pton(_FAMILIES[version], text))
            except (OSError, ValueError):
                pass
        raise ValueError(f"{shown(text)} is not an IP address")

    @classmethod
    def unpack(cls, packed: bytes) -> IPAddress:
        """The address of 4 or 16 bytes in network order."""
        return cls(4 if len(packed) == 4 else 6, int.from_bytes(packed, "big"))

    @property
    def max_prefixlen(self) -> int:
        """The number of its bits."""
        return BITS[self.version]

    @property
    def is_link_local(self) -> bool:
        """Whether it is in fe80::/10 or 169.254.0.0/16."""
        return self.number >> 118 == 0x3FA if self.version == 6 else self.number >> 16 == 0xA9FE

    def __str__(self) -> str:
        return inet_ntop(_FAMILIES[self.version], self.number.to_bytes(BITS[self.version] // 8, "big"))


class IPNetwork(Record):
    """A network: its first address, and how many bits of it count."""

    first: IPAddress
    prefixlen: int

    @classmethod
    def parse(cls, text: object) -> IPNetwork:
        """The network of "address/length"; ``ValueError`` for anything else, and for bits beyond the length."""
        interface = IPInterface.parse(text)
        if interface.network.first != interface.ip:
            raise ValueError(f"{shown(text)} has host bits set")
        return interface.network

    @property
    def version(self) -> int:
        """4 or 6."""
        return self.first.version

    @property
    def last(self) -> IPAddress:
        """Its last address: of IPv4 the broadcast address."""
        return self.first._replace(number=self.first.number | (1 << self.first.max_prefixlen - self.prefixlen) - 1)

    def holds(self, address: IPAddress) -> bool:
        """Whether the address is one of the network's."""
        return self.version == address.version and IPInterface(address, self.prefixlen).network == self

    def __str__(self) -> str:
        return f"{self.first}/{self.prefixlen}"


class IPInterface(Record):
    """An address with its prefix length."""

    ip: IPAddress
    prefixlen: int

    @classmethod
    def parse(cls, text: object) -> IPInterface:
        """The interface of "address/length"; ``ValueError`` for anything else."""
        host, _, length = text.partition("/") if isinstance(text, str) else (text, "", "")
        ip = IPAddress.parse(host)
        if not (length.isascii() and length.isdigit() and int(length) <= ip.max_prefixlen):
            raise ValueError(f"{shown(text)} is not an address with its prefix length")
        return cls(ip, int(length))

    @property
    def version(self) -> int:
        """4 or 6."""
        return self.ip.version

    @property
    def network(self) -> IPNetwork:
        """The network that the address is in."""
        hosts = self.ip.max_prefixlen - self.prefixlen
        return IPNetwork(self.ip._replace(number=self.ip.number >> hosts << hosts), self.prefixlen)

    def __str__(self) -> str:
        return f"{self.ip}/{self.prefixlen}"


DEFAULT = {version: IPNetwork(IPAddress(version, 0), 0) for version in BITS}  # where a default route leads
