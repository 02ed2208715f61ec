# SPDX-License-Identifier: Apache-2.0
"""Files of others beside ours: what they do to the devices that we configure.

network-scripts bring up every ``ifcfg-`` file, one after the other; NetworkManager takes one of those that fit a
device.  A file of the name that we write is replaced; its routes, rules and aliases would still be added to ours.
"""

from __future__ import annotations

from bootagent.model.instance import Problem
from bootagent.renderers._ifcfg_device import HEADER

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

DIRECTORY = "/etc/sysconfig/network-scripts/"
NETWORK = "/etc/sysconfig/network"
# Backups: what network-scripts and NetworkManager pass over, in /etc/init.d/functions and nms-ifcfg-rh-utils.c.
IGNORED = ("~", ".bak", ".old", ".orig", ".rpmnew", ".rpmorig", ".rpmsave", ".rej", ".augnew", ".augtmp")
FALSE = ("no", "n", "false", "f", "off", "0")
STEMS = ("route", "route6", "rule", "rule6")
GLOBAL = ("GATEWAY", "GATEWAYDEV", "IPV6_DEFAULTGW", "IPV6_DEFAULTDEV")


def is_ours(text: str) -> bool:
    """Whether an earlier run wrote it."""
    return text.startswith(HEADER)


def assignments(text: str) -> dict[str, str]:
    """The plain assignments of a file; the last one of a key counts, as in the shell."""
    found = {}
    for key, equals, value in (line.strip().partition("=") for line in text.split("\n")):
        if equals and key.isidentifier():
            found[key] = value.partition(" #")[0].strip().strip("\"'")
    return found


def claims(text: str, address: str) -> bool:
    """Whether a person's file for a device would be used: it is there, not ours, and not about another address."""
    wanted = assignments(text).get("HWADDR", "").lower()
    return not is_ours(text) and wanted in ("", address)


def find_others(
    texts: Mapping[str, str], written: Collection[str], names: Mapping[str, str], nm: bool
) -> Iterator[Problem]:
    """The problems with files of others; ``names`` are the devices we configure, with the address of each or ""."""
    known = {address: name for name, address in names.items() if address}
    for path, content in texts.items():
        name = path.rpartition("/")[2]
        if not path.startswith(DIRECTORY) or is_ours(content) or name.lower().endswith(IGNORED):
            continue
        stem, _, suffix = name.partition("-")
        if path in written:
            yield Problem("info", path, "it was not bootagent's: replaced")
        elif stem in STEMS and suffix in names:
            yield Problem("warning", path, f"its lines are added to {suffix} too")
        elif stem == "ifcfg" and suffix != "lo":
            message = _claim(suffix, assignments(content), names, known, nm)
            if message:
                yield Problem("warning", path, message)
    stray = [key for key in GLOBAL if assignments(texts.get(NETWORK, "")).get(key)]
    if stray and names:
        yield Problem("warning", NETWORK, f"{stray[0]} sets a default route that is not the cloud's")


def _claim(suffix: str, said: Mapping[str, str], names: Mapping[str, str], known: Mapping[str, str], nm: bool) -> str:
    """How a file competes, or ""."""
    address = said.get("HWADDR", "").lower()
    name = said.get("DEVICE", "")
    if address in known and name != known[address]:
        return f"it has the address of {known[address]}, which may be renamed by it"
    if said.get("ONBOOT", "").lower() in FALSE:
        return ""
    device = name or suffix
    base = device.partition(":")[0]
    if base in names and (not address or address == names[base]):
        return f"it configures {base} too"
    if nm and names and not name and not address:
        return "it fits every device: NetworkManager may take it for any of ours"
    return ""
