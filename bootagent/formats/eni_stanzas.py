# SPDX-License-Identifier: Apache-2.0
"""An ``interfaces`` file parted into its stanzas: interfaces(5), "FILE FORMAT" and "METHODS"."""

from __future__ import annotations

from bootagent.model.values import InterfaceName, shown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from bootagent.formats.report import Report

MAX_STANZAS = 16384

METHODS = {
    ("inet", "static"): "static",
    ("inet6", "static"): "static",
    ("inet", "dhcp"): "dhcp4",
    ("inet6", "dhcp"): "dhcp6",
    ("inet6", "auto"): "slaac",
    ("inet", "manual"): "manual",
    ("inet6", "manual"): "manual",
}


class Stanza:
    """One ``iface`` line, and the options below it."""

    __slots__ = ("family", "method", "name", "options", "where")

    def __init__(self, name: InterfaceName, family: str, method: str, where: str) -> None:
        self.name = name
        self.family = family
        self.method = method
        self.where = where
        self.options: list[tuple[str, str, str]] = []  # key with "-", value, where


def parse_stanzas(text: bytes, document: str, report: Report) -> list[Stanza]:
    """The stanzas that can be followed; what stands elsewhere is reported, or passed over as of no need."""
    stanzas: list[Stanza] = []
    stanza: Stanza | None = None
    inside = False  # an unusable stanza's options are passed over
    for number, line in _lines(text):
        where = f"{document}: line {number}"
        key, _, value = line.partition(" ")
        if "\t" in key:
            key, _, value = line.partition("\t")
        if key == "iface":
            if len(stanzas) == MAX_STANZAS:
                report.error(where, f"more than {MAX_STANZAS} stanzas, the rest left out")
                break
            stanza, inside = _parse_iface(value.split(), where, report), True
            if stanza is not None:
                stanzas.append(stanza)
        elif key in ("auto", "no-auto-down", "no-scripts") or key.startswith("allow-"):
            stanza, inside = None, False
        elif key in ("source", "source-directory", "mapping", "rename", "template"):
            report.info(where, f"{key} is not followed")
            stanza, inside = None, key in ("mapping", "template")
        elif stanza is not None:
            stanza.options.append((key.lower().replace("_", "-"), value.strip(), where))
        elif not inside:
            report.warning(where, f"{shown(key)} stands in no stanza")
            inside = True  # once is enough
    return stanzas


def _lines(text: bytes) -> Iterator[tuple[int, str]]:
    """The lines that say something, continued ones joined, with the number of the first line of each."""
    parts: list[str] = []
    first = 0
    for number, raw in enumerate(text.rstrip(b"\0").decode("utf-8-sig", "replace").split("\n"), 1):
        line = raw.strip()
        first = first if parts else number
        if line.startswith("#") and not parts:
            continue
        if line.endswith("\\"):
            parts.append(line[:-1])
            continue
        line = " ".join([*parts, line]).strip()
        parts = []
        if line:
            yield first, line
    if parts:
        yield first, " ".join(parts)


def _parse_iface(words: list[str], where: str, report: Report) -> Stanza | None:
    name = words[0].partition(":")[0] if words else ""
    family, method = (words[1], words[2]) if len(words) >= 3 else ("", "")
    try:
        if name == "lo" or method == "loopback":
            return Stanza(InterfaceName(name), family, "loopback", where)
        stanza = Stanza(InterfaceName(name), family, METHODS.get((family, method), ""), where)
    except ValueError as error:
        report.error(where, str(error))
        return None
    if len(words) == 1:  # ifupdown2 and ifupdown-ng: as the options say
        stanza.method = "either"
    elif not stanza.method:
        report.error(where, f"{shown(' '.join(words[1:3]))} is not a method of configuration")
        return None
    elif len(words) > 3:
        report.warning(where, f"{shown(words[3])} is not followed")
    return stanza
