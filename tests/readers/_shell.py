# SPDX-License-Identifier: Apache-2.0
"""Files that a shell reads, as far as a daemon's configuration needs it: assignments, and sysctl.conf(5) beside them.

POSIX.1-2017, Shell Command Language, 2.2 (quoting), 2.3 (tokens) and 2.9.1 (assignments),
https://pubs.opengroup.org/onlinepubs/9699919799/utilities/V3_chap02.html.  Whatever a shell would expand or run is an
error here: then the values are the same to every shell, and to those parsers that know less than a shell.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.readers import Grammar, at, number
from tests.readers._commands import SYSCTLS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

ASSIGNMENT = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)=")
PLAIN = re.compile(r"[A-Za-z0-9_.,:/@%+=-]+")
SINGLE = re.compile(r"'([^']*)'")
DOUBLE = re.compile(r'"((?:[^"\\$`]|\\.)*)"', re.DOTALL)
FUNCTION = re.compile(r"^([a-z_]+)\(\) \{\n(.*?)^\}$", re.DOTALL | re.MULTILINE)
SYSCTL_DIRECTORIES = ("/etc/sysctl.d/", "/run/sysctl.d/", "/usr/lib/sysctl.d/")


@dataclass(frozen=True)
class Value:
    """What a variable holds, and where it got that."""

    text: str
    place: str


Variables = dict[str, Value]
Functions = dict[str, list[Value]]


def assignments(path: str, text: str, first: int = 1) -> Variables:
    """The variables that a shell has after it sourced ``text``, of which the first line is number ``first``."""
    values: Variables = {}
    position = 0
    while position < len(text):
        if text[position] in " \t\n":
            position += 1
        elif text[position] == "#":
            end = text.find("\n", position)
            position = len(text) if end < 0 else end
        else:
            place = f"{path}:{text.count(chr(10), 0, position) + first}"
            found = ASSIGNMENT.match(text, position)
            if not found:
                raise ValueError(f"{place}: {text[position : position + 40]!r} is a command")
            word, position = _word(place, text, found.end())
            values[found[1]] = Value(word, place)
    return values


def script(path: str, text: str, first: int = 1) -> tuple[Variables, Functions]:
    """The same where functions are defined too: the commands of each, with their places."""
    functions: Functions = {}
    for found in FUNCTION.finditer(text):
        line = text.count("\n", 0, found.start(2)) + first
        pending = ""
        for count, raw in enumerate(found[2].splitlines(), line):
            pending = f"{pending}\n{raw}" if pending else raw.strip()
            if pending.count('"') % 2 == 0:  # else a quoted value goes on
                functions.setdefault(found[1], []).append(Value(pending, f"{path}:{count}"))
                pending = ""
    blank = FUNCTION.sub(lambda found: "\n" * found[0].count("\n"), text)
    return assignments(path, blank, first), functions


def _word(place: str, text: str, position: int) -> tuple[str, int]:
    """The value that begins at ``position``, and where it ends."""
    parts = []
    while position < len(text) and text[position] not in " \t\n":
        if found := PLAIN.match(text, position):
            parts.append(found[0])
        elif found := SINGLE.match(text, position):
            parts.append(found[1])
        elif found := DOUBLE.match(text, position):
            parts.append(re.sub(r"\\([$`\"\\\n])", lambda escape: escape[1].replace("\n", ""), found[1]))
        else:
            raise ValueError(f"{place}: {text[position : position + 40]!r} is more than a value to a shell")
        position = found.end()
    return "".join(parts), position


def parsed(variables: Mapping[str, Value], grammars: Mapping[str, Grammar]) -> dict[str, Any]:
    """What the variables stand for; ``grammars`` is by name, where ``#`` is a number or nothing."""
    values = {}
    for name, value in variables.items():
        stem = name if name in grammars else name.rstrip("0123456789") + "#"
        if stem not in grammars:
            raise ValueError(f"{value.place}: no variable {name}")
        if value.text:  # an empty one is as none: [ -n "$NAME" ]
            values[name] = at(f"{value.place}: {name}", grammars[stem], value.text)
    return values


def sysctls(files: Mapping[str, str]) -> dict[str, dict[str, int]]:
    """IPv6 settings by device, from sysctl.d(5); a later file name wins, whatever its directory."""
    found: dict[str, dict[str, int]] = {}
    paths = [path for path in files if path.startswith(SYSCTL_DIRECTORIES) and path.endswith(".conf")]
    for path in sorted(paths, key=lambda path: path.rpartition("/")[2]):
        for device, name, value in sysctl_lines(path, files[path]):
            found.setdefault(device, {})[name] = value
    return found


def sysctl_lines(path: str, text: str) -> Iterator[tuple[str, str, int]]:
    """Device, setting and value of each line; of dot and slash the first is the separator, the other one is text."""
    for count, raw in enumerate(text.split("\n"), 1):
        line, place = raw.strip(), f"{path}:{count}"
        if not line or line[0] in "#;":
            continue
        key, equals, value = (part.strip() for part in line.partition("="))
        key = key.removeprefix("-")
        if "." in key and ("/" not in key or key.index(".") < key.index("/")):
            key = key.translate(str.maketrans("./", "/."))
        parts = key.split("/")
        if not equals or len(parts) != 5 or parts[:3] != ["net", "ipv6", "conf"] or parts[4] not in SYSCTLS:
            raise ValueError(f"{place}: no setting {line!r}")
        yield parts[3], parts[4], at(place, SYSCTLS[parts[4]], value)


def advertisements(settings: Mapping[str, int]) -> str:
    """``Device.ra`` by the kernel's settings, https://docs.kernel.org/networking/ip-sysctl.html, on a host."""
    if settings.get("disable_ipv6", 0) or not settings.get("accept_ra", 1):
        return "off"
    if settings.get("autoconf", 1) and settings.get("accept_ra_pinfo", 1):
        return "full"
    return "routes" if settings.get("accept_ra_defrtr", 1) else "off"


def link_local(settings: Mapping[str, int]) -> bool:
    """``Device.local`` by the same; 1 is IN6_ADDR_GEN_MODE_NONE of linux/if_link.h."""
    return not settings.get("disable_ipv6", 0) and settings.get("addr_gen_mode", 0) != 1


MTU = number(68, 65535)
