# SPDX-License-Identifier: Apache-2.0
"""Red Hat's network-scripts of RHEL 7 and 8, and NetworkManager's ifcfg-rh plugin, which reads the same files.

https://github.com/fedora-sysv/initscripts/blob/main/doc/sysconfig.txt
https://networkmanager.dev/docs/api/latest/nm-settings-ifcfg-rh.html

Where NetworkManager runs, ifup hands every file to it: then it is the one who reads, else network-scripts are.  The
text is the same but for router advertisements, of which NetworkManager cannot take the routes alone.
"""

from __future__ import annotations

from bootagent.model.instance import Problem
from bootagent.model.network import Dns, Interface, Match
from bootagent.model.plan import File, Plan
from bootagent.renderers import _ifcfg_sysctl
from bootagent.renderers._ifcfg_device import HEADER, aliases, device, resolver, text
from bootagent.renderers._ifcfg_limits import find_limits, find_order, misleads
from bootagent.renderers._ifcfg_others import (
    DIRECTORY,
    FALSE,
    IGNORED,
    NETWORK,
    assignments,
    claims,
    find_others,
)
from bootagent.renderers._ifcfg_routes import route_files
from bootagent.renderers._present import present

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from bootagent.host import Host
    from bootagent.model.network import BoundNetwork
    from bootagent.renderers._update import Update

NEEDS_NAMES = True
READS = (NETWORK, DIRECTORY)
RUN: Mapping[str, str] = {}
# Not resolv.conf itself, which network-scripts would write device by device: the planner writes it, of all links.
FEEDS = frozenset({"networkmanager"})
UNSUPPORTED: Mapping[str, str] = {}
PARTLY = {
    "route.via": "of the route's own family only",
    "route.metric": "NetworkManager gives a route without one its device's",
    "interface.addresses": "beside DHCPv4, where a label has room in the name",
    "interface.dhcp6=stateful": "without network-scripts' dhclient beside static IPv6 addresses",
    "interface.ra=routes": "NetworkManager takes the addresses too",
    "interface.vlan": "NetworkManager reads the id from its name; network-scripts want a parent that sorts first",
    "dns.servers": "NetworkManager: at most ten, of families that the link has",
}

FALLBACK_METRIC = 4096  # loses against any other default route
NETWORKING = f'{HEADER}\nNETWORKING="yes"\n'


def render(network: BoundNetwork, host: Host) -> Plan:
    """The files of every device that is there."""
    nm = "NetworkManager.service" in host.enabled
    fed = host.resolver in FEEDS
    own_dns = not fed and any(dns != Dns() for dns in (network.dns, *(i.dns for i in network.interfaces)))
    infiniband = {nic.name for nic in host.nics if nic.is_infiniband}
    devices, problems = present(network, _refused_by_nm if nm else _refused_by_scripts)
    fallbacks, left = _fallbacks(network, host)
    problems += left
    every = (*devices.values(), *fallbacks)
    files: list[File] = []
    for interface in every:
        pairs = list(device(interface, devices, interface.name in infiniband, nm))
        if interface.master is None:
            pairs += resolver(interface.dns if fed else Dns(), own_dns)
        files.append(File(f"{DIRECTORY}ifcfg-{interface.name}", text(pairs, interface.origin)))
        files += [File(f"{DIRECTORY}ifcfg-{name}", text(alias)) for name, alias in aliases(interface)]
        files += [File(f"{DIRECTORY}{name}", content) for name, content in route_files(interface)]
        problems += find_limits(interface, nm, fed)
    problems += () if nm else find_order(devices)
    sysctl = "" if nm else _ifcfg_sysctl.settings(every)
    files += [File(_ifcfg_sysctl.PATH, sysctl)] if sysctl else []
    names = {str(i.name): str((i.match and i.match.mac) or "") for i in every}
    problems += find_others(host.texts, {file.path for file in files}, names, nm)
    return Plan((*files, *_networking(host)), problems=tuple(problems))


def render_reload(_update: Update) -> None:
    """Only a boot has it take new files."""


def _refused_by_scripts(interface: Interface, _devices: Mapping[str, Interface]) -> str:
    """Why network-scripts would not read the file of ``interface``, or ""."""
    name = str(interface.name)
    if name.lower().endswith(IGNORED) or "-range" in name:
        return f"a file for {name} would be taken for a backup or a range: left out"
    return ""


def _refused_by_nm(interface: Interface, devices: Mapping[str, Interface]) -> str:
    """Why NetworkManager would not make ``interface`` of its file, or ""."""
    if misleads(interface):
        return f"NetworkManager would take another VLAN id from the name {interface.name}: left out"
    return _refused_by_scripts(interface, devices)


def _fallbacks(network: BoundNetwork, host: Host) -> tuple[list[Interface], list[Problem]]:
    """DHCP for the NICs that the document does not name, except where a person has a file for one."""
    addresses = {nic.name: nic.mac for nic in host.nics}
    interfaces = []
    problems = []
    for name in network.unlisted or ():
        path = f"{DIRECTORY}ifcfg-{name}"
        if path in host.texts and claims(host.texts[path], addresses.get(name, "")):
            problems.append(Problem("info", path, f"{name} is left to it"))
        else:
            match, metric = Match(name=name), FALLBACK_METRIC
            interfaces.append(Interface(str(name), name, match, dhcp4=True, ra="full", metric=metric, required=False))
    return interfaces, problems


def _networking(host: Host) -> Iterator[File]:
    """/etc/sysconfig/network, without which the network script does nothing, or in which networking is off."""
    content = host.texts.get(NETWORK, "")
    if NETWORK in host.unreadable:
        return
    if not content.strip():
        yield File(NETWORK, NETWORKING, block=True)
    elif assignments(content).get("NETWORKING", "").lower() in FALSE:
        # The blank line ends a last line that ends in a backslash, and so is no part of it.
        yield File(NETWORK, f"{content.rstrip()}\n\n{NETWORKING}", block=True)
    elif HEADER in content:
        yield File(NETWORK, content, block=True)
