# SPDX-License-Identifier: Apache-2.0
"""The files of others that netplan reads as well, and what in them competes with ours.

https://netplan.readthedocs.io/en/stable/netplan-yaml/#general-structure
https://netplan.readthedocs.io/en/stable/structure-id/

They are read line by line, for the few keys that matter here, in the block style in which installers and agents write
them; a mapping on one line may be the value of a key.
"""

from __future__ import annotations

from bootagent.model.instance import Problem

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from bootagent.host import Host
    from bootagent.model.network import Interface

    Definition = dict[str, str]  # "path", "section", "id" and what is said of the keys below

# A file hides one of the same name in a directory before.
DIRECTORIES = ("/usr/lib/netplan/", "/etc/netplan/", "/run/netplan/")
OURS = "90-bootagent.yaml"
_MATCH = ("macaddress", "name", "driver")
_TRUE = ("true", "yes", "on", "y")
_REFUSED = "netplan refuses all files, because it is another kind of device there"


class Others:
    """What the files of others say, in the order in which netplan merges them."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        self.definitions: list[Definition] = []
        self.renderer = ""  # the last that is said for the whole network
        for path in _paths(texts):
            self._read(path, texts[path])

    def _read(self, path: str, text: str) -> None:
        found: dict[tuple[str, str], Definition] = {}
        for keys, value in _walk(text):
            if keys == ("network", "renderer"):
                self.renderer = value
            elif len(keys) >= 3 and keys[0] == "network":
                section, name = keys[1:3]
                definition = found.setdefault((section, name), {"path": path, "section": section, "id": name})
                if keys[3:] in (("set-name",), ("optional",)) or (keys[3:4] == ("match",) and keys[4:5]):
                    definition[keys[-1]] = value
        self.definitions += found.values()


def competitors(
    others: Others, ids: Mapping[str, str], interfaces: Mapping[str, Interface], host: Host, networkmanager: bool
) -> list[Problem]:
    """A problem for each definition of others that meets a device of ours and is not harmless."""
    drivers = drivers_of(host)
    problems = []
    for definition in others.definitions:
        met: dict[str, list[str]] = {}
        for label, interface in interfaces.items():
            why = _why(definition, ids[label], interface, drivers, networkmanager)
            if why:
                met.setdefault(why, []).append(interface.name or label)
        for why, names in met.items():
            severity = "error" if why == _REFUSED else "warning"
            message = f"its {definition['id']!a} is for {', '.join(names)} too: {why}"
            problems.append(Problem(severity, definition["path"], message))
    return problems


def drivers_of(host: Host) -> dict[str, str]:
    """The driver of each NIC that is there."""
    return {str(nic.name): nic.driver for nic in host.nics}


def how_matched(definition: Definition, interface: Interface, drivers: Mapping[str, str]) -> str:
    """How a definition of NICs finds a device of ours: "exact", "glob" or "" (it does not, or cannot be told to)."""
    said = [key for key in _MATCH if definition.get(key)]
    name = str(interface.name or "")
    if definition["section"] != "ethernets":
        return ""
    if not said:
        return "exact" if definition["id"] == name else ""
    if "macaddress" in said:
        mac = interface.match.mac if interface.match else None
        return "exact" if mac and definition["macaddress"].lower() == mac else ""
    driver = drivers.get(name, "")
    if (
        not name
        or not _is_like(name, definition.get("name", "*"))
        or not _is_like(driver, definition.get("driver", "*"))
    ):
        return ""
    return "exact" if name in (definition.get("name"), definition.get("set-name")) else "glob"


def _why(
    definition: Definition, ours: str, interface: Interface, drivers: Mapping[str, str], networkmanager: bool
) -> str:
    """Why a definition is not harmless to a device of ours, or ""."""
    made = "bonds" if interface.bond else "vlans" if interface.vlan else ""
    if definition["id"] == ours:
        return "netplan merges the two" if definition["section"] == made else _REFUSED
    how = how_matched(definition, interface, drivers)
    if not how or (made and networkmanager):
        return ""
    if networkmanager:
        return "NetworkManager may take either"
    if definition["id"] < ours:  # systemd-networkd takes the first file that matches, a made device or not
        return "it is taken, not ours"
    if how == "exact":
        return "ours is taken"
    waits = not (made or interface.required or definition.get("optional", "").lower() in _TRUE)
    return "ours is taken, but netplan 1.0 lets the boot wait for it" if waits else ""


def _is_like(text: str, pattern: str) -> bool:
    """Whether a glob may match: up to its first special character, which is how these patterns are written."""
    plain = pattern
    for special in "*?[":
        plain = plain.partition(special)[0]
    return text == pattern if plain == pattern else text.startswith(plain)


def _paths(texts: Mapping[str, str]) -> Iterator[str]:
    """The files of others that count, by name whatever their directory."""
    seen: dict[str, str] = {}
    for directory in DIRECTORIES:
        for path in texts:
            name = path[len(directory) :]
            if path.startswith(directory) and name.endswith(".yaml") and name != OURS:
                seen[name] = path
    return (seen[name] for name in sorted(seen))


def _walk(text: str) -> Iterator[tuple[tuple[str, ...], str]]:
    """Each key with those that it stands under, and what stands behind it on its line."""
    above: list[tuple[int, str]] = []
    for line in text.split("\n"):
        bare = line.lstrip(" ")
        key, separator, value = bare.partition(":")
        value = value.rstrip()
        if not separator or bare[:1] in ("#", "-") or value[:1] not in ("", " "):
            continue
        indent = len(line) - len(bare)
        while above and above[-1][0] >= indent:
            above.pop()
        above.append((indent, _plain(key)))
        keys = tuple(name for _, name in above)
        value = value.partition(" #")[0].strip()
        yield keys, _plain(value)
        if value[:1] == "{":
            for item in value.strip("{} ").split(","):
                inner, _, inside = item.partition(":")
                yield (*keys, _plain(inner)), _plain(inside)


def _plain(text: str) -> str:
    """A scalar without its quotes."""
    return text.strip().strip("\"'")
