# SPDX-License-Identifier: Apache-2.0
"""netplan, whose generator writes the files of systemd-networkd or NetworkManager at each boot: one YAML file.

https://netplan.readthedocs.io/en/stable/netplan-yaml/

Written for netplan 0.103 and newer: one key that is unknown costs the whole network, so none that is newer is used.
"""

from __future__ import annotations

from bootagent.model.instance import Problem
from bootagent.model.network import Interface
from bootagent.model.plan import Action, File, Plan
from bootagent.renderers._awaited import awaited_parents
from bootagent.renderers._netplan_bond import UNSUPPORTED as _BOND
from bootagent.renderers._netplan_device import device_settings
from bootagent.renderers._netplan_networkd import drop_in
from bootagent.renderers._netplan_nm import fit, passthrough, unwaited
from bootagent.renderers._netplan_others import OURS, Others, competitors, drivers_of, how_matched
from bootagent.renderers._netplan_yaml import quoted, yaml_lines

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from bootagent.host import Host
    from bootagent.model.network import BoundNetwork
    from bootagent.renderers._netplan_yaml import Settings
    from bootagent.renderers._update import Update

    Devices = dict[str, dict[str, tuple[str, Settings]]]  # section, id: origin and settings

NEEDS_NAMES = False
READS = ("/etc/netplan/", "/usr/lib/netplan/", "/run/netplan/")
RUN = {"/etc/netplan/": "/run/netplan/", "/etc/systemd/network/": "/run/systemd/network/"}
# What both daemons feed: which of them it will be is not known here.
FEEDS = frozenset({"systemd-resolved"})
UNSUPPORTED = {
    **_BOND,
}
PARTLY = {
    "interface.ra=routes": "not over NetworkManager",
    "interface.dhcp6": "over NetworkManager, the flags of a router's advertisement decide",
    "interface.metric": "below 2 ** 31",
    "route.via": "of the route's own family only",
    "route.metric": "below 2 ** 31",
    "match.driver": "not over NetworkManager",
    "bond.primary": "over NetworkManager where the member's kernel name is known",
    "dns.servers": "IPv4 first; over NetworkManager those of families that the link has",
    "dns.search": "over NetworkManager where the link has addresses",
    "interface.required=False": "not over NetworkManager",
}

DIRECTORY = "/etc/netplan"
NETWORKD = "networkd"
NETWORK_MANAGER = "NetworkManager"
# systemd-networkd takes the first file that matches, by id: ours before those of images ("all-en"), the fallback last.
FIRST = "05-bootagent-"
LAST = "zz-bootagent-unlisted-"
# Physical devices have such names; nothing else that netplan can match by tells them from others.
GLOBS = ("en*", "eth*")
FALLBACK_METRIC = 4096  # loses against any other default route


def render(network: BoundNetwork, host: Host) -> Plan:
    """The file of a network; a NIC is matched by its permanent address, so it may come late and under any name."""
    others = Others(host.texts)
    renderer = _renderer(others, host)
    interfaces = {interface.label: interface for interface in network.interfaces}
    ids = {label: _id(interface) for label, interface in interfaces.items()}
    problems: list[Problem] = competitors(others, ids, interfaces, host, renderer == NETWORK_MANAGER)
    devices: Devices = {"ethernets": {}, "bonds": {}, "vlans": {}}
    awaited = awaited_parents(network.interfaces)
    drop_ins: list[File] = []
    for interface in network.interfaces:
        if renderer == NETWORK_MANAGER:
            settings = device_settings(fit(interface, problems), interfaces, ids, problems)
            more = passthrough(interface, interfaces, problems)
            if more:
                settings["networkmanager"] = {"passthrough": more}
        else:
            settings = device_settings(interface, interfaces, ids, problems)
            drop_ins += drop_in(ids[interface.label], interface, interface.label in awaited)
        devices[_section(interface)][ids[interface.label]] = (interface.origin, settings)
    if network.unlisted is not None:
        required = not any(interface.required for interface in network.interfaces)
        for name in _unlisted(network, host, others, renderer, problems):
            settings = _fallback(name, required)
            identifier = LAST + name.rstrip("*")
            if renderer == NETWORK_MANAGER and not required:
                settings = unwaited(settings)
            elif renderer == NETWORKD:
                drop_ins += drop_in(identifier, Interface(name, required=required), awaited=False)
            devices["ethernets"][identifier] = ("", settings)
    if renderer == NETWORKD in host.installed and "systemd-networkd.service" not in host.enabled:
        message = (
            "not enabled: netplan's generator starts it from the next boot on, or on this one if it is early enough"
        )
        problems.append(Problem("warning", "systemd-networkd.service", message))
    # The generator ran before us on this boot.
    actions = (Action("netplan-generate", DIRECTORY),) if host.live else ()
    return Plan((*_files(renderer, devices), *drop_ins), actions, tuple(problems))


def render_reload(update: Update) -> tuple[str, ...]:
    """netplan-apply(8), which has no word for single devices."""
    return ("netplan apply",) if update.changed else ()


def _renderer(others: Others, host: Host) -> str:
    """The daemon that netplan is to write for: as the image says, or the one that is enabled."""
    if others.renderer in (NETWORKD, NETWORK_MANAGER):
        return others.renderer
    enabled = f"{NETWORK_MANAGER}.service" in host.enabled and "systemd-networkd.service" not in host.enabled
    return NETWORK_MANAGER if enabled else NETWORKD


def _section(interface: Interface) -> str:
    return "bonds" if interface.bond else "vlans" if interface.vlan else "ethernets"


def _id(interface: Interface) -> str:
    """The name of a made device; of a NIC, a word that no other file uses."""
    if interface.bond or interface.vlan:
        return interface.name or interface.label
    return FIRST + interface.label


def _unlisted(
    network: BoundNetwork, host: Host, others: Others, renderer: str, problems: list[Problem]
) -> Iterator[str]:
    """What finds the NICs that the document does not name: patterns, and the names that none of them covers."""
    names = network.unlisted or ()
    if renderer == NETWORKD:
        yield from GLOBS
        yield from (name for name in names if not name.startswith(tuple(glob[:-1] for glob in GLOBS)))
        return
    # NetworkManager takes a late NIC without a profile by itself, and of two profiles either.
    drivers = drivers_of(host)
    wide = {nic.name for nic in host.nics if nic.is_infiniband}  # netplan would make an Ethernet profile of it
    for name in names:
        paths = [item["path"] for item in others.definitions if how_matched(item, Interface(name, name), drivers)]
        if paths:
            problems.append(Problem("info", paths[0], f"{name} is left to it"))
        elif name not in wide:
            yield name


def _fallback(name: str, required: bool) -> Settings:
    """DHCP and router advertisements for a NIC that the document does not name.

    "Online" waits for it where there is nothing else to wait for.
    """
    metric: Settings = {"route-metric": FALLBACK_METRIC}
    settings: Settings = {
        "match": {"name": name},
        "dhcp4": True,
        "dhcp6": True,
        "dhcp4-overrides": metric,
        "dhcp6-overrides": metric,
        "accept-ra": True,
        "link-local": ["ipv6"],
    }
    return settings if required else {**settings, "optional": True}


def _files(renderer: str, devices: Devices) -> tuple[File, ...]:
    """The file, which only root may read because this grammar has secrets; none where there is no device."""
    lines = ["# Generated by bootagent", "network:", "  version: 2", f"  renderer: {quoted(renderer)}"]
    for section, found in devices.items():
        if found:
            lines.append(f"  {section}:")
        for name, (origin, settings) in found.items():
            if origin:
                # A control character even in a comment would make the file unreadable (YAML 1.1, 5.1).
                lines.append(f"# from {ascii(' '.join(origin.split()))[1:-1]}")
            lines += [f"    {quoted(name)}:", *yaml_lines(settings, 6)]
    if not any(devices.values()):
        return ()
    return (File(f"{DIRECTORY}/{OURS}", "\n".join(lines) + "\n", 0o600),)
