# SPDX-License-Identifier: Apache-2.0
"""ifupdown-ng 0.11 and 0.12, of Alpine and as a choice on Debian: ifup(8) and its own interfaces(5).

One file of ours in interfaces.d, and a line in /etc/network/interfaces that sources it where there is none.  A file of
ifupdown 0.8 would not do: here all stanzas of one device are one, and most words that follow its name mean nothing.
https://github.com/ifupdown-ng/ifupdown-ng/tree/main/doc

There is no keyword for a device that is brought up later by somebody else.  So every device is ``auto``, and what need
not be waited for starts its DHCP client in the background.
"""

from __future__ import annotations

from bootagent.model.instance import Problem
from bootagent.model.network import Dns
from bootagent.model.plan import File, Plan
from bootagent.renderers._ifupdown_ng_stanzas import render_fallback, render_interface
from bootagent.renderers._interfaces import DHCLIENT_HOOK, DIRECTORY, HEADER, INTERFACES, OURS, configured, others
from bootagent.renderers._present import present

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from bootagent.host import Host
    from bootagent.model.network import BoundNetwork
    from bootagent.renderers._update import Update

NEEDS_NAMES = True
FEEDS = frozenset({"resolvconf"})
UNSUPPORTED: Mapping[str, str] = {}
PARTLY = {"route.via": "one of the other family needs the package iproute2, which Alpine may lack"}
READS = (INTERFACES, DIRECTORY)
RUN: Mapping[str, str] = {}

# Of a file that is not there, ``source`` would make all others unreadable; a directory may lack or be empty.
SOURCE = f"source-directory {DIRECTORY.rstrip('/')}"
NEW_INTERFACES = f"{HEADER}auto lo\niface lo inet loopback\n\n{SOURCE}\n"


def render(network: BoundNetwork, host: Host) -> Plan:
    """The stanzas of every device that is there."""
    devices, problems = present(network)
    taken = configured(host)
    feeds = host.resolver in FEEDS
    # Where nothing manages resolv.conf, the planner writes it: then it has one owner, whatever a lease says.
    known = (network.dns, *(interface.dns for interface in network.interfaces))
    own_dns = not host.resolver and any(dns != Dns() for dns in known)
    texts = [HEADER]
    for interface in devices.values():
        texts.append(render_interface(interface, devices, interface.dns if feeds else Dns(), own_dns))
        for path in taken.get(str(interface.name), ()):
            problems.append(
                Problem("warning", path, f"it configures {interface.name} too: its lines are added to ours")
            )
    for name in network.unlisted or ():
        if name in taken:
            problems.append(Problem("info", taken[name][0], f"{name} is left to it"))
        else:
            texts.append(render_fallback(name, own_dns))
    leases = any(device.dhcp4 or device.dhcp6 for device in devices.values()) or network.unlisted
    hooks = (DHCLIENT_HOOK,) if own_dns and leases else ()
    problems += [*_unreadable(host), *_beyond_busybox(network, host)]
    files = (File(OURS, "\n".join(texts)), *_sourcing(host), *hooks)
    return Plan(files, problems=tuple(problems))


def render_reload(_update: Update) -> None:
    """Only a boot has it take new files."""


def _sourcing(host: Host) -> Iterator[File]:
    """/etc/network/interfaces, where it has to be made or edited so that it sources our file.

    A pattern for the whole directory, as Debian's installer writes it, is spelled as every version can read it.
    """
    text = host.texts.get(INTERFACES)
    if text is None or not text.strip():
        yield File(INTERFACES, NEW_INTERFACES, block=True)
        return
    lines = [HEADER + SOURCE if _pattern(line) == f"{DIRECTORY}*" else line for line in text.split("\n")]
    edited = "\n".join(lines)
    if not any(map(_sources_ours, edited.split("\n"))):
        # The files beside ours have not been read so far.  The blank line ends a last line that ends in a backslash.
        line = SOURCE if set(others(host)) == {INTERFACES} else f"source {OURS}"
        edited = f"{text.rstrip()}\n\n{HEADER}{line}\n"
    if HEADER in edited:
        yield File(INTERFACES, edited, block=True)


def _sources_ours(line: str) -> bool:
    words = line.split()
    return words == ["source", OURS] or words in (SOURCE.split(), [*SOURCE.split()[:1], DIRECTORY])


def _pattern(line: str) -> str:
    """The whole path of what is sourced by a pattern in this line, or ""."""
    words = line.split()
    if len(words) != 2 or words[0] != "source" or not any(sign in words[1] for sign in "*?["):
        return ""
    return words[1] if words[1].startswith("/") else f"{INTERFACES.rpartition('/')[0]}/{words[1]}"


def _unreadable(host: Host) -> Iterator[Problem]:
    """A ``source`` with a pattern is read since 0.13; before, the programs refuse all files for its sake."""
    for path, text in others(host).items():
        for pattern in filter(None, map(_pattern, text.split("\n"))):
            if pattern != f"{DIRECTORY}*" or path != INTERFACES:
                message = f"source {pattern}: before version 0.13, ifupdown-ng reads no file at all because of it"
                yield Problem("error", path, message)


def _beyond_busybox(network: BoundNetwork, host: Host) -> Iterator[Problem]:
    """What the ip(8) that an Alpine machine has without the package iproute2 cannot do."""
    for interface in network.interfaces if "networking" in host.enabled else ():
        for route in interface.routes:
            if route.via is not None and route.via.version != route.to.version:
                message = f"route.via={route.via} needs the package iproute2, because {route.to} is of the other family"
                yield Problem("warning", route.origin or interface.origin or interface.label, message)
