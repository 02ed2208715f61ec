# SPDX-License-Identifier: Apache-2.0
"""netifrc, Gentoo's network scripts for OpenRC: a service ``net.NAME`` for each device, and its file in /etc/conf.d.

https://wiki.gentoo.org/wiki/Netifrc, https://gitweb.gentoo.org/proj/netifrc.git/tree/doc/net.example.Linux.in

OpenRC reads /etc/conf.d/net and then /etc/conf.d/net.NAME (openrc-run(8), FILES): so ours has the last word without
an edit of a person's file.
"""

from __future__ import annotations

from bootagent.model.instance import Problem
from bootagent.model.network import Dns, Interface
from bootagent.model.plan import File, Plan
from bootagent.renderers._netifrc_conf import HEADER, render_conf, render_member, variable
from bootagent.renderers._present import present

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from bootagent.host import Host
    from bootagent.model.network import BoundNetwork
    from bootagent.renderers._update import Update

NEEDS_NAMES = True
READS = ("/etc/conf.d/",)
# Scripts of the module "system" hand a device's servers to resolvconf(8).
FEEDS = frozenset({"resolvconf"})
RUN: Mapping[str, str] = {}
UNSUPPORTED: Mapping[str, str] = {}
PARTLY = {"route.metric": "a route without one has that of its device, where the device has one"}

CONF = "/etc/conf.d/net"
BEGIN = "# BEGIN bootagent: replaced at boot\n"
END = "# END bootagent\n"
RUNLEVELS = ("boot", "default")
SYMLINK = 0o120777
FALLBACK_METRIC = 4096  # loses against any other default route
# What a person may set for a device of ours that gives it addresses, routes, servers, or another kind.
KINDS = (
    *("config", "fallback", "routes", "fallback_routes", "rules", "rules6", "mac", "mtu", "metric", "modules"),
    *("dns_servers", "dns_search", "dns_domain", "dhcp", "dhcpcd", "dhclient", "dhclientv6", "udhcpc"),
    *("slaves", "vlans", "bridge", "bridge_add", "iptunnel", "macvlan"),
)


def render(network: BoundNetwork, host: Host) -> Plan:
    """For each device that is there its file, and its service but for a bond's members, which the bond takes."""
    devices, problems = present(network, _refused)
    vlans: dict[str, dict[int, str]] = {}
    for interface in devices.values():
        if interface.vlan:
            vlans.setdefault(interface.vlan.parent, {})[interface.vlan.id] = str(interface.name)
    known = (network.dns, *(interface.dns for interface in network.interfaces))
    # Where nothing manages resolv.conf, the planner writes it: then it has one owner, whatever a lease says.
    own_dns = not host.resolver and any(dns != Dns() for dns in known)
    assigned = _assigned(host)
    files: list[File] = []
    for interface in (*devices.values(), *_unlisted(network, assigned, problems)):
        name = str(interface.name)
        problems += (*_competing(interface, host, assigned), *_adjusted(interface))
        if interface.master is not None:
            files.append(_conf(name, render_member(interface), host))
            continue
        spoken = interface if host.resolver in FEEDS else interface._replace(dns=Dns())
        files += (
            _conf(name, render_conf(spoken, devices, vlans.get(interface.label, {}), own_dns), host),
            *_service(name),
        )
    return Plan(tuple(files), problems=tuple(problems))


def render_reload(_update: Update) -> None:
    """Only a boot has it take new files."""


def _adjusted(interface: Interface) -> Iterator[Problem]:
    """What the device has otherwise than the document says."""
    where = interface.origin or interface.label
    if interface.master is not None and interface.mtu is not None:
        message = f"MTU {interface.mtu} is left out: the kernel gives a member that of {interface.master}"
        yield Problem("warning", where, message)
    for route in interface.routes if interface.metric is not None else ():
        if route.metric is None:
            message = f"route.metric=None is left out: netifrc gives the route its device's, {interface.metric}"
            yield Problem("info", route.origin or where, message)


def _unlisted(network: BoundNetwork, assigned: Mapping[str, str], problems: list[Problem]) -> Iterator[Interface]:
    """The devices that the cloud does not name, with DHCP, but for those that a person has configured.

    They provide "net" where nothing else does: without any, nothing that needs it would start.
    """
    provides = not any(interface.required for interface in network.interfaces)
    for name in network.unlisted or ():
        theirs = assigned.get(f"config_{variable(name)}")
        if theirs:
            problems.append(Problem("info", theirs, f"{name} is left to it"))
        else:
            yield Interface(
                label=name,
                name=name,
                dhcp4=True,
                ra="full",
                metric=FALLBACK_METRIC,
                required=provides,
                origin="not named by the cloud",
            )


def _refused(interface: Interface, devices: Mapping[str, Interface]) -> str:
    """Why netifrc cannot make ``interface``, or ""."""
    if interface.vlan and devices[interface.vlan.parent].master is not None:
        return f"the parent of {interface.name} is a member of a bond, which has no service: left out"
    return ""


def _service(name: str) -> tuple[File, File]:
    """The script, which is netifrc's one script under the device's name, and its place in the runlevel."""
    script = f"/etc/init.d/net.{name}"
    return File(script, "net.lo", SYMLINK), File(f"/etc/runlevels/default/net.{name}", script, SYMLINK)


def _conf(name: str, text: str, host: Host) -> File:
    """The device's file: ours, or behind what a person has in it, so that ours is read last."""
    path = f"{CONF}.{name}"
    theirs = _not_ours(host.texts.get(path, "")).rstrip()
    return File(path, f"{theirs}\n\n{BEGIN}{text}{END}", block=True) if theirs else File(path, text)


def _not_ours(text: str) -> str:
    """What of a file is a person's: nothing of one that is ours as a whole."""
    if text.startswith(HEADER):
        return ""
    before, _, rest = text.partition(BEGIN)
    return before + rest.partition(END)[2]


def _assigned(host: Host) -> dict[str, str]:
    """The variables that a person's files set, as the manual has them at the start of a line; and in which file."""
    found: dict[str, str] = {}
    for path, text in host.texts.items():
        if path == CONF or path.startswith(f"{CONF}."):
            for line in _not_ours(text).split("\n"):
                name, equals, _ = line.partition("=")
                if equals:
                    found.setdefault(name.strip().removeprefix("export "), path)
    return found


def _competing(interface: Interface, host: Host, assigned: Mapping[str, str]) -> Iterator[Problem]:
    """What a person set for the same device, in front of ours, beside it or behind it."""
    name = str(interface.name)
    for level in RUNLEVELS:
        path = f"{CONF}.{name}.{level}"
        if path in host.texts:
            yield Problem("warning", path, f"OpenRC reads it in its runlevel instead of {CONF}.{name}")
    mac = interface.match.mac.compact.upper() if interface.match and interface.match.mac else ""
    for key, rank in ((variable(name), f"{CONF}.{name} is read later"), (mac, "netifrc prefers it")):
        found = [f"{kind}_{key}" for kind in KINDS if f"{kind}_{key}" in assigned]
        if found:
            yield Problem("warning", assigned[found[0]], f"it sets {', '.join(found)}, of {name}: {rank}")
