# SPDX-License-Identifier: Apache-2.0
"""ifupdown 0.8, Debian's own: interfaces(5) and ifup(8), as networking.service runs it.

One file of ours in interfaces.d, and a line in /etc/network/interfaces that sources it where there is none.
"""

from __future__ import annotations

from bootagent.model.instance import Problem
from bootagent.model.network import Dns
from bootagent.model.plan import File, Plan
from bootagent.renderers._ifupdown_stanzas import render_fallback, render_interface, starts_later
from bootagent.renderers._interfaces import DHCLIENT_HOOK, DIRECTORY, HEADER, INTERFACES, OURS, configured
from bootagent.renderers._present import present

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from bootagent.host import Host
    from bootagent.model.network import BoundNetwork
    from bootagent.renderers._update import Update

NEEDS_NAMES = True
# Not systemd-resolved: the hook that ifupdown 0.8.41 has for it (/etc/network/if-up.d/resolved) drops every server.
FEEDS = frozenset({"resolvconf"})
UNSUPPORTED: Mapping[str, str] = {}
PARTLY: Mapping[str, str] = {}

READS = (INTERFACES, DIRECTORY)
# interfaces(5) knows no second directory: what sources /run/network, as some images do, is the image's own affair.
RUN: Mapping[str, str] = {}
# The devices that bootagent-ifupdown.service brings up, a line each, ``later eth0``; without it nothing is started.
LATER = "/etc/network/bootagent-later"
NEW_INTERFACES = f"{HEADER}auto lo\niface lo inet loopback\n\nsource {DIRECTORY}*\n"


def render(network: BoundNetwork, host: Host) -> Plan:
    """The stanzas of every device that is there."""
    devices, problems = present(network)
    taken = configured(host)
    feeds = host.resolver in FEEDS
    # Where nothing manages resolv.conf, the planner writes it: then it has one owner, whatever a lease says.
    known = (network.dns, *(interface.dns for interface in network.interfaces))
    own_dns = not host.resolver and any(dns != Dns() for dns in known)
    texts = [HEADER]
    later = [str(interface.name) for interface in devices.values() if starts_later(interface)]
    for interface in devices.values():
        texts.append(render_interface(interface, devices, interface.dns if feeds else Dns(), own_dns))
        for path in taken.get(str(interface.name), ()):
            problems.append(Problem("warning", path, f"it configures {interface.name} too: a competing stanza"))
    for name in network.unlisted or ():
        if name in taken:
            problems.append(Problem("info", taken[name][0], f"{name} is left to it"))
        else:
            texts.append(render_fallback(name, own_dns))
            later.append(name)
    leases = any(device.dhcp4 or device.dhcp6 for device in devices.values()) or network.unlisted
    hooks = (DHCLIENT_HOOK,) if own_dns and leases else ()
    lists = (File(LATER, "".join(f"later {name}\n" for name in later)),) if later else ()
    files = (File(OURS, "\n".join(texts)), *_sourcing(host.texts.get(INTERFACES)), *lists, *hooks)
    return Plan(files, problems=tuple(problems))


def render_reload(update: Update) -> tuple[str, ...]:
    """ifup(8): what changed is taken down as it was brought up, so that no DHCP client is left; all else stays up."""
    from bootagent.renderers._ifupdown_reload import devices_of, find_changed  # not on a boot
    from bootagent.renderers._update import BEFORE

    old, new = devices_of(update.old.get(OURS, "")), devices_of(update.new.get(OURS, ""))
    changed = find_changed(old, new, update.fresh)
    down = [name for name in reversed([*old]) if name in changed]
    up = [name for name in new if name in changed]
    lines = (f"ifdown --force --interfaces={BEFORE} {' '.join(down)}",) if down else ()
    return (*lines, f"ifup {' '.join(up)}") if up else lines


def _sourcing(text: str | None) -> Iterator[File]:
    """/etc/network/interfaces, where it has to be made or edited so that it sources our file.

    Where it sources some files of the directory only, it gets ours by name: ifupdown reads no file twice.
    """
    if text is None or not text.strip():
        yield File(INTERFACES, NEW_INTERFACES, block=True)
    elif not any(map(_sources_ours, text.split("\n"))):
        # The blank line ends a last line that ends in a backslash, and so is no part of it.
        yield File(INTERFACES, f"{text.rstrip()}\n\n{HEADER}source {OURS}\n", block=True)
    elif HEADER in text:
        yield File(INTERFACES, text, block=True)


def _sources_ours(line: str) -> bool:
    """Whether the line covers our file: ``source`` takes patterns, ``source-directory`` names without a dot."""
    words = line.split()
    if len(words) != 2:
        return False
    path = words[1] if words[1].startswith("/") else f"/etc/network/{words[1]}"
    if words[0] == "source":
        return path in (f"{DIRECTORY}*", OURS)
    return words[0].startswith("source-dir") and path.rstrip("/") == DIRECTORY.rstrip("/")
