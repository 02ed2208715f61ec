# SPDX-License-Identifier: Apache-2.0
"""Values that are valid because they exist.

Each constructor takes text that may be hostile and returns a value, or raises ``ValueError`` with a message that says
what is wrong (never the whole text: it may be long or secret).  Behind it nobody escapes or checks again.
They are subclasses of ``str`` and ``int`` so that they print as themselves.
"""

from __future__ import annotations

_HEX = frozenset("0123456789abcdef")
_DIGITS = frozenset("0123456789")
_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
_NAME_CHARS = _LETTERS | _DIGITS | frozenset("_-.")
_LABEL_CHARS = _LETTERS | _DIGITS | frozenset("-")


def shown(text: object) -> str:
    """``text`` as it may stand in a message: printable ASCII, at most 40 characters."""
    return ascii(text)[:40]


class MacAddress(str):
    """A hardware address, lower case with colons: 6 octets (Ethernet) or 20 (IP over InfiniBand, RFC 4391)."""

    __slots__ = ()

    def __new__(cls, text: object) -> MacAddress:
        if not isinstance(text, str):
            raise ValueError(f"{shown(text)} is not a MAC address")
        octets = text.lower().replace("-", ":").split(":")
        if len(octets) not in (6, 20) or not all(len(o) == 2 and _HEX.issuperset(o) for o in octets):
            raise ValueError(f"{shown(text)} is not a MAC address")
        if len(octets) == 6 and (int(octets[0], 16) & 1 or set(octets) == {"00"}):
            raise ValueError(f"{shown(text)} is a group or null address, no device has it")
        return super().__new__(cls, ":".join(octets))

    @property
    def compact(self) -> str:
        """The address without colons, for file names."""
        return self.replace(":", "")


class InterfaceName(str):
    """A kernel network device name: at most 15 bytes (IFNAMSIZ), see ``dev_valid_name()`` in net/core/dev.c.

    Narrower than the kernel: letters, digits, ``_``, ``-`` and ``.`` only, because every backend gives some other
    character a meaning (globs, ``%d``, ``:`` aliases, ``!``), and not the names that sysctl and systemd reserve.
    """

    __slots__ = ()

    def __new__(cls, text: object) -> InterfaceName:
        if not isinstance(text, str) or not 1 <= len(text) <= 15 or not _NAME_CHARS.issuperset(text):
            raise ValueError(f"{shown(text)} is not a device name")
        if text[0] in "-." or text in ("all", "default") or _DIGITS.issuperset(text):
            raise ValueError(f"{shown(text)} is a reserved device name")
        return super().__new__(cls, text)


class VlanId(int):
    """An IEEE 802.1Q VLAN id, 1 to 4094; a number or a string of digits."""

    __slots__ = ()

    def __new__(cls, value: object) -> VlanId:
        number = whole_number(value)
        if not 1 <= number <= 4094:
            raise ValueError(f"VLAN id {number} is not in 1..4094")
        return super().__new__(cls, number)


class Mtu(int):
    """A maximum transmission unit in bytes, 68 (RFC 791) to 65535; a number or a string of digits."""

    __slots__ = ()

    def __new__(cls, value: object) -> Mtu:
        number = whole_number(value)
        if not 68 <= number <= 65535:
            raise ValueError(f"MTU {number} is not in 68..65535")
        return super().__new__(cls, number)


class DomainName(str):
    """A DNS name without its last dot (RFC 1035; ``_`` allowed): at most 253 bytes, labels of at most 63."""

    __slots__ = ()

    def __new__(cls, text: object) -> DomainName:
        if not isinstance(text, str):
            raise ValueError(f"{shown(text)} is not a domain name")
        name = text.removesuffix(".")
        if not 1 <= len(name) <= 253:
            raise ValueError(f"{shown(text)} is not a domain name")
        for label in name.split("."):
            if not 1 <= len(label) <= 63 or not (_LABEL_CHARS | {"_"}).issuperset(label) or label[0] == "-":
                raise ValueError(f"{shown(text)} is not a domain name")
        return super().__new__(cls, name)


class Hostname(str):
    """A host name that the kernel takes: RFC 1123 labels of at most 63 bytes, 64 bytes in all (hostname(7))."""

    __slots__ = ()

    MAX = 64

    def __new__(cls, text: object) -> Hostname:
        if not isinstance(text, str) or not 1 <= len(text) <= cls.MAX:
            raise ValueError(f"{shown(text)} is not a host name of at most {cls.MAX} bytes")
        for label in text.split("."):
            if not 1 <= len(label) <= 63 or not _LABEL_CHARS.issuperset(label) or "-" in (label[0], label[-1]):
                raise ValueError(f"{shown(text)} is not a host name")
        if _DIGITS.issuperset(text.rpartition(".")[2]) and "." in text:
            raise ValueError(f"{shown(text)} reads as a number, not as a host name")
        return super().__new__(cls, text)

    @property
    def short(self) -> str:
        """The first label."""
        return self.partition(".")[0]


class UserName(str):
    """A login name as useradd(8) takes it: lower case, at most 32 bytes."""

    __slots__ = ()

    def __new__(cls, text: object) -> UserName:
        if not isinstance(text, str) or not 1 <= len(text) <= 32 or not _NAME_CHARS.issuperset(text):
            raise ValueError(f"{shown(text)} is not a user name")
        if text[0] in "-." or _DIGITS.issuperset(text):
            raise ValueError(f"{shown(text)} is not a user name")
        return super().__new__(cls, text)


class FilePath(str):
    """The absolute path of a file as the kernel would resolve it without symlinks: no ``.``, ``..`` or ``//`` in it."""

    __slots__ = ()

    MAX = 1024  # bytes; nova takes 255

    def __new__(cls, text: object) -> FilePath:
        if not isinstance(text, str) or not text.isprintable() or text[:1] != "/":
            raise ValueError(f"{shown(text)} is not an absolute path")
        names = text[1:].split("/")
        if {"", ".", ".."} & set(names) or len(text.encode("utf-8")) > cls.MAX:
            raise ValueError(f"{shown(text)} is not the plain path of a file")
        if any(len(name.encode("utf-8")) > 240 for name in names):  # NAME_MAX, less what a temporary name adds
            raise ValueError(f"{shown(text)} has a name that is too long")
        return super().__new__(cls, text)


class Secret(bytes):
    """Bytes that nothing may show."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"Secret of {len(self)} bytes"

    __str__ = __repr__


def whole_number(value: object) -> int:
    """An int, or a string of at most 10 ASCII digits, as an int."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and 1 <= len(value) <= 10 and _DIGITS.issuperset(value):
        return int(value)
    raise ValueError(f"{shown(value)} is not a whole number")
