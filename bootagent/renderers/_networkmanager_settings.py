# SPDX-License-Identifier: Apache-2.0
"""NetworkManager's own settings, as its files together say them, and the lists of devices in them.

https://networkmanager.dev/docs/api/latest/NetworkManager.conf.html
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from bootagent.model.network import Interface

    Settings = dict[str, dict[str, tuple[str, str]]]  # section, key: (the file that had the last word, value)

MAIN = "/etc/NetworkManager/NetworkManager.conf"
VENDOR, RUN, ADMIN = (f"{base}/NetworkManager/conf.d/" for base in ("/usr/lib", "/run", "/etc"))


def parse_keyfile(text: str) -> dict[str, dict[str, str]]:
    """The sections of a GKeyFile."""
    sections: dict[str, dict[str, str]] = {}
    section: dict[str, str] = {}
    for line in map(str.strip, text.split("\n")):
        if line.startswith("[") and line.endswith("]"):
            section = sections.setdefault(line[1:-1], {})
        elif "=" in line and not line.startswith("#"):
            key, _, value = line.partition("=")
            section[key.strip()] = value.strip()
    return sections


def read_settings(texts: Mapping[str, str]) -> Settings:
    """The settings: vendor and run files, the main file, the administrator's; the last word on a key is taken."""
    settings: Settings = {}
    for path in _in_order(texts):
        for title, section in parse_keyfile(texts[path]).items():
            said = settings.setdefault(title, {})
            for key, value in section.items():
                before = said.get(key.rstrip("+-"), ("", ""))[1]
                if key.endswith("+"):
                    said[key[:-1]] = (path, f"{before};{value}")
                elif key.endswith("-"):
                    removed = _items(value)
                    said[key[:-1]] = (path, ";".join(item for item in _items(before) if item not in removed))
                else:
                    said[key] = (path, value)
    return settings


def _in_order(texts: Mapping[str, str]) -> Iterator[str]:
    """The files as they are read; one hides those of its name in the directories before."""
    names = {directory: _names(texts, directory) for directory in (VENDOR, RUN, ADMIN)}
    for directory, stronger in ((VENDOR, names[RUN] + names[ADMIN]), (RUN, names[ADMIN])):
        yield from (directory + name for name in names[directory] if name not in stronger)
    if MAIN in texts:
        yield MAIN
    yield from (ADMIN + name for name in names[ADMIN])


def _names(texts: Mapping[str, str], directory: str) -> list[str]:
    names = (path[len(directory) :] for path in texts if path.startswith(directory))
    return sorted(name for name in names if name.endswith(".conf") and "/" not in name)


def _items(text: str) -> list[str]:
    return [item for item in map(str.strip, text.replace(",", ";").split(";")) if item]


def covers(devices: str, interface: Interface) -> bool:
    """Whether a "device list" has ``interface`` in it; ``except:`` beats what stands beside it."""
    items = _items(devices)
    excepted = [item[len("except:") :] for item in items if item.startswith("except:")]
    named = [item for item in items if not item.startswith("except:")]
    if any(_fits(item, interface) for item in excepted):
        return False
    return any(_fits(item, interface) for item in named) or bool(excepted and not named)


def _fits(item: str, interface: Interface) -> bool:
    name = str(interface.name or "")
    mac = str((interface.match and interface.match.mac) or "")
    kind, colon, value = item.partition(":")
    if kind == "interface-name" and colon:
        return _is_named(value, name)
    if kind == "type" and colon:
        return value == ("bond" if interface.bond else "vlan" if interface.vlan else "ethernet")
    if kind == "driver" and colon:
        return bool(interface.match) and value == (interface.match and interface.match.driver)
    address = (value if kind == "mac" else item).lower()
    return item == "*" or (bool(name) and item == name) or (bool(mac) and address == mac)


def _is_named(pattern: str, name: str) -> bool:
    if pattern.startswith("="):
        return pattern[1:] == name
    pattern = pattern.removeprefix("~")
    if "*" not in pattern and "?" not in pattern:
        return pattern == name
    from fnmatch import fnmatchcase

    return bool(name) and fnmatchcase(name, pattern)
