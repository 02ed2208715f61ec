# SPDX-License-Identifier: Apache-2.0
"""Network profiles that an installer, another agent or a boot left: for NICs and addresses that a clone does not have.

What says something about every machine stays: the loopback, what a file includes, netplan's choice of a renderer, a
profile of systemd-networkd for every NIC.  The host name stays too; the cloud's replaces it.
"""

from __future__ import annotations

import re

from bootagent.image.traces import Trace, places

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from bootagent.image.tree import Tree

INTERFACES = "/etc/network/interfaces"
RH = "/etc/sysconfig/network-scripts"
SUSE = "/etc/sysconfig/network"
LOOPBACK = frozenset({"ifcfg-lo"})
HARM = "a network profile of another machine"
WHOLE = (
    "/etc/NetworkManager/system-connections/*",
    *(f"{RH}/{name}" for name in ("ifcfg-*", "route-*", "route6-*", "rule-*", "rule6-*", "keys-*")),
    *(f"{SUSE}/{name}" for name in ("ifcfg-*", "ifroute-*", "ifrule-*", "ifsysctl-*", "routes")),
    "/etc/wicked/ifconfig/*.xml",
    "/etc/udev/rules.d/*-persistent-net.rules",
)
# A file is a machine's where it says this.
TELLING = (
    ("/etc/systemd/network/*.network", r"^\s*(PermanentMACAddress|MACAddress|Address|Gateway)\s*="),
    ("/etc/systemd/network/*.link", r"^\s*(PermanentMACAddress|MACAddress|Name)\s*="),
    ("/etc/systemd/network/*.netdev", r"^\s*\[NetDev\]"),
    ("/etc/netplan/*.y*ml", r"^\s*(ethernets|bonds|bridges|vlans|wifis|modems|tunnels|vrfs)\s*:"),
    ("/etc/conf.d/net", r"^\s*(config|routes|mac|slaves|bridge|vlans|dns_servers)_\w+\s*="),
    ("/etc/conf.d/net.*", r"^\s*(config|routes|mac|slaves|bridge|vlans|dns_servers)_\w+\s*="),
    (f"{INTERFACES}.d/*", r"^\s*iface\s+(?!lo\s)"),
)


def find(tree: Tree) -> Iterator[Trace]:
    """The traces of this kind."""
    for trace in places(tree, ((HARM, WHOLE),)):
        if trace.path.rpartition("/")[2] not in LOOPBACK:
            yield trace
    for pattern, telling in TELLING:
        for path in tree.match(pattern):
            if re.search(telling, tree.text(path), re.MULTILINE):
                yield Trace(path, HARM)
    text = tree.text(INTERFACES)
    rest = keep_general(text)
    if rest != text:
        yield Trace(INTERFACES, HARM, rest)


def keep_general(text: str) -> str:
    """What interfaces(5) says of the loopback and of other files, and all comments."""
    kept = []
    is_kept = True
    for line in re.findall(r"(?:[^\n]*\\\n)*[^\n]*\n|[^\n]+\Z", text):
        words = line.replace("\\\n", " ").split()
        word = words[0] if words else "#"
        if word == "auto" or word.startswith("allow-"):
            is_kept = True
            kept += [f"{word} lo\n"] if "lo" in words[1:] else []
        elif word.startswith("#"):  # or empty: neither ends a stanza
            kept.append(line)
        else:
            if word in ("iface", "mapping"):
                is_kept = words[:2] == ["iface", "lo"]
            elif word.startswith(("source", "no-", "template", "rename")):
                is_kept = True
            kept += [line] if is_kept else []
    return "".join(kept)
