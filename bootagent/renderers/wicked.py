# SPDX-License-Identifier: Apache-2.0
"""wicked, of SUSE: ifcfg(5), ifroute(5) and ifsysctl(5) in /etc/sysconfig/network, a file of each kind a device.

https://github.com/openSUSE/wicked/tree/master/man, and client/suse/compat-suse.c there, which reads these files.
"""

from __future__ import annotations

from bootagent.model.instance import Problem
from bootagent.model.plan import File, Plan
from bootagent.renderers._awaited import awaited_parents
from bootagent.renderers._present import present
from bootagent.renderers._wicked_bond import CONDITIONAL, UNKNOWN
from bootagent.renderers._wicked_ifcfg import fallback_lines, ifcfg_lines, ifsysctl_lines
from bootagent.renderers._wicked_rivals import BACKUPS, DIRECTORY, IFCFG, MARK, find_rivals, is_foreign
from bootagent.renderers._wicked_routes import ifroute_lines

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from bootagent.host import Host
    from bootagent.model.network import BoundNetwork, Interface
    from bootagent.renderers._update import Update

NEEDS_NAMES = True
READS = (DIRECTORY,)
RUN: Mapping[str, str] = {}  # /run/wicked has the daemon's state; what it is told is in /etc
FEEDS: frozenset[str] = frozenset()  # ifcfg(5) has no variable for DNS
UNSUPPORTED = {f"bond.{said}": "wicked does not know it, and makes no bond with it" for said in UNKNOWN}
PARTLY = {
    "interface.mtu": "not of a bond's member: it gets the bond's",
    "interface.metric": "of DHCPv4's; wicked has none for routers' routes",
    "route.via": "of the route's own family only",
    **{f"bond.{option}": "where wicked's own check accepts it" for option in CONDITIONAL},
}
MAX_COMMENT = 200  # wicked reads 511 bytes at a time: what stands behind them in a line would be a line of its own


def render(network: BoundNetwork, host: Host) -> Plan:
    """The files of every device that is there."""
    devices, problems = present(network, _refused)
    awaited = awaited_parents(tuple(devices.values()))
    files: list[File] = []
    for label, interface in devices.items():
        name, origin = str(interface.name), interface.origin
        files.append(_file("ifcfg", name, origin, ifcfg_lines(interface, devices, label in awaited, problems)))
        files.append(_file("ifroute", name, origin, ifroute_lines(interface, problems)))
        files.append(_file("ifsysctl", name, origin, ifsysctl_lines(interface)))
    taken = {str(interface.name) for interface in devices.values()}
    for unlisted in network.unlisted or ():
        path = f"{IFCFG}{unlisted}"
        if is_foreign(host.texts.get(path)):
            problems.append(Problem("info", path, f"{unlisted} is left to it"))
        elif unlisted not in taken:
            lines, settings = fallback_lines(unlisted, devices.values())
            files.append(_file("ifcfg", unlisted, "", lines))
            files.append(_file("ifsysctl", unlisted, "", settings))
    written = tuple(file for file in files if file.content)
    problems += find_rivals(host.texts, written, devices)
    return Plan(written, problems=tuple(problems))


def render_reload(_update: Update) -> None:
    """Only a boot has it take new files."""


def _file(kind: str, name: str, origin: str, lines: list[str]) -> File:
    """A file of one kind for one device; empty, which is not written, if there is nothing to say."""
    # A backslash even in a comment would cost all the routes of an ifroute file.
    source = ascii(" ".join(origin.split()))[1:-1].replace("\\", "/")[:MAX_COMMENT]
    first = f"{MARK} from {source}" if source else MARK
    return File(f"{DIRECTORY}{kind}-{name}", "\n".join([first, *lines, ""]) if lines else "")


def _refused(interface: Interface, _devices: Mapping[str, Interface]) -> str:
    """Why wicked reads no file for a device of this name, or ""."""
    name = str(interface.name)
    if name.endswith(BACKUPS) or not name[0].isalnum():
        return f"wicked reads no file for a device called {name}: left out"
    if interface.match is None and (name.startswith("dummy") or (name[:2] == "ib" and name[2:3].isdecimal())):
        return f"wicked takes {name} for a device of another kind: left out"
    return ""
