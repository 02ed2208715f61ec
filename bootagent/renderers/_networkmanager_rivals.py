# SPDX-License-Identifier: Apache-2.0
"""What on this machine keeps NetworkManager from our profiles: other profiles, and settings that hide a device.

https://networkmanager.dev/docs/api/latest/NetworkManager.conf.html
https://networkmanager.dev/docs/api/latest/nm-settings-ifcfg-rh.html

Of the profiles that fit a device the one with the highest autoconnect-priority is taken, and of equal ones the last
used.  What is below ours only waits for ours to go away, and is no rival.
"""

from __future__ import annotations

from bootagent.model.instance import Problem
from bootagent.record import Record
from bootagent.renderers._networkmanager_profile import AUTOCONNECT_PRIORITY, OUR_STEM
from bootagent.renderers._networkmanager_settings import covers, parse_keyfile, read_settings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from bootagent.host import Host
    from bootagent.model.network import Interface
    from bootagent.renderers._networkmanager_settings import Settings

KEYFILES = "/etc/NetworkManager/system-connections/"
IFCFG = "/etc/sysconfig/network-scripts/ifcfg-"
INTERFACES = "/etc/network/interfaces"
LEFT_ASIDE = ("~", ".bak", ".orig", ".rej", ".rpmnew", ".rpmorig", ".rpmsave", ".tmp")  # NetworkManager skips them
TRUE = ("1", "on", "true", "yes")
FALSE = ("0", "false", "no", "off")
NIC_KINDS = ("ethernet", "802-3-ethernet", "infiniband")


class Claim(Record):
    """A profile of someone else that is activated without being asked for."""

    path: str
    kind: str
    name: str  # of the device; "" for any
    mac: str  # of the NIC; "" for any
    priority: int


def find_rivals(interfaces: tuple[Interface, ...], host: Host) -> tuple[Problem, ...]:
    """A warning for each file that takes away a device of ours, or all of our files."""
    texts = {path: text for path, text in host.texts.items() if not path.endswith(LEFT_ASIDE)}
    settings = read_settings(texts)
    claims = [*_keyfiles(texts), *_ifcfgs(texts, "network.service" in host.enabled)]
    stanzas = _stanzas(texts, settings, host)
    found: dict[Problem, None] = {}
    place, directory = settings.get("keyfile", {}).get("path", ("", ""))
    if directory and directory.rstrip("/") != KEYFILES.rstrip("/"):
        found[Problem("warning", place, f"it has profiles read from {directory!a}: ours are not")] = None
    for interface in interfaces:
        said = interface.name or interface.label
        for path in (*_hidden(interface, settings), *_uncontrolled(interface, texts)):
            found[Problem("warning", path, f"it keeps NetworkManager from {said}: that is not configured")] = None
        for claim in claims:
            if _is_rival(claim, interface):
                found[Problem("warning", claim.path, f"it configures {said} too: a competing profile")] = None
        if interface.name in stanzas:
            path = stanzas[interface.name]
            found[Problem("warning", path, f"it configures {said} too: NetworkManager leaves that to ifupdown")] = None
    return tuple(found)


def _keyfiles(texts: Mapping[str, str]) -> Iterator[Claim]:
    for path, text in texts.items():
        name = path[len(KEYFILES) :] if path.startswith(KEYFILES) else ""
        if not name or name.startswith((".", OUR_STEM, OUR_STEM.replace("-", "_"))):
            continue
        sections = parse_keyfile(text)
        connection = sections.get("connection", {})
        if connection.get("autoconnect", "true").lower() in FALSE:
            continue
        kind = connection.get("type", "")
        hardware = sections.get(kind) or sections.get("ethernet") or sections.get("802-3-ethernet") or {}
        mac = hardware.get("mac-address", "").lower()
        priority = _number(connection.get("autoconnect-priority", ""))
        yield Claim(path, kind, connection.get("interface-name", ""), mac, priority)


def _ifcfgs(texts: Mapping[str, str], initscripts: bool) -> Iterator[Claim]:
    """What the ifcfg-rh plugin reads; the old network scripts, where they start, activate it whatever its priority."""
    for path, values in _ifcfg_files(texts):
        if values.get("ONBOOT", "yes").lower() in TRUE:
            kind = values.get("TYPE", "Ethernet").lower()
            priority = AUTOCONNECT_PRIORITY if initscripts else _number(values.get("AUTOCONNECT_PRIORITY", ""))
            yield Claim(path, kind, values.get("DEVICE", ""), values.get("HWADDR", "").lower(), priority)


def _ifcfg_files(texts: Mapping[str, str]) -> Iterator[tuple[str, dict[str, str]]]:
    for path, text in texts.items():
        if path.startswith(IFCFG) and path != f"{IFCFG}lo":
            pairs = (line.strip().partition("=") for line in text.split("\n"))
            yield path, {key: value.strip("\"'") for key, _, value in pairs if not key.startswith("#")}


def _is_rival(claim: Claim, interface: Interface) -> bool:
    if interface.match is None:
        kind = "bond" if interface.bond else "vlan"
        # Another kind of device with this name is made whatever its priority.
        return claim.name == interface.name and (claim.kind != kind or claim.priority >= AUTOCONNECT_PRIORITY)
    if claim.priority < AUTOCONNECT_PRIORITY or claim.kind not in NIC_KINDS:
        return False
    return claim.name in ("", interface.name) and claim.mac in ("", interface.match.mac)


def _hidden(interface: Interface, settings: Settings) -> Iterator[str]:
    """The files that have NetworkManager leave a device alone."""
    path, devices = settings.get("keyfile", {}).get("unmanaged-devices", ("", ""))
    if devices and covers(devices, interface):
        yield path
    for title, section in settings.items():
        path, managed = section.get("managed", ("", ""))
        devices = section.get("match-device", ("", "*"))[1]
        if title.startswith("device") and managed.lower() in FALSE and covers(devices, interface):
            yield path


def _uncontrolled(interface: Interface, texts: Mapping[str, str]) -> Iterator[str]:
    for path, values in _ifcfg_files(texts):
        name, mac = values.get("DEVICE", ""), values.get("HWADDR", "").lower()
        if values.get("NM_CONTROLLED", "yes").lower() in FALSE and (name or mac):
            ours = interface.match.mac if interface.match else None
            if name in ("", interface.name) and mac in ("", ours):
                yield path


def _stanzas(texts: Mapping[str, str], settings: Settings, host: Host) -> dict[str, str]:
    """The devices in interfaces(5), and the file: its plugin keeps them unmanaged unless it is told otherwise."""
    plugins = settings.get("main", {}).get("plugins", ("", "ifupdown"))[1]
    managed = settings.get("ifupdown", {}).get("managed", ("", "false"))[1].lower() in TRUE
    if ("ifupdown" not in plugins or managed) and "networking.service" not in host.enabled:
        return {}
    found: dict[str, str] = {}
    for path, text in texts.items():
        if path == INTERFACES or path.startswith(f"{INTERFACES}.d/"):
            for words in map(str.split, text.split("\n")):
                if words[:1] == ["iface"] and len(words) > 1:
                    found.setdefault(words[1], path)
    return found


def _number(text: str) -> int:
    return int(text) if text.removeprefix("-").isdecimal() else 0
