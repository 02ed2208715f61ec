# SPDX-License-Identifier: Apache-2.0
"""The variables of one device in ifcfg(5), ifcfg-bonding(5), ifcfg-vlan(5) and ifcfg-dhcp(5), and its ifsysctl(5).

Every value stands in single quotes, as wicked writes them itself, and none holds one: a shell that sources the file
runs nothing.
"""

from __future__ import annotations

from bootagent.model.instance import Problem
from bootagent.renderers._wicked_bond import fit_options

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from bootagent.model.network import Bond, Interface

# accept_ra and autoconf.  2: also on a machine that forwards.
ADVERTISEMENTS = {"off": ("accept_ra = 0",), "routes": ("accept_ra = 2", "autoconf = 0")}
ADVERTISEMENTS["full"] = ("accept_ra = 2", "autoconf = 1")
LAST_METRIC = 4096  # loses against any other default route


def ifcfg_lines(
    interface: Interface, devices: Mapping[str, Interface], awaited: bool, problems: list[Problem]
) -> list[str]:
    """The ``ifcfg`` file of ``interface``; ``awaited`` is whether a VLAN over it is waited for."""
    where = interface.origin or interface.label
    if interface.master is not None:
        if interface.mtu is not None:
            message = f"interface.mtu={interface.mtu} is left out: wicked gives a member the MTU of its bond"
            problems.append(Problem("warning", where, message))
        # ifcfg-bonding(5): the bond brings its members up itself.
        return _assigned([("STARTMODE", "hotplug"), ("BOOTPROTO", "none")])
    if interface.metric is not None and interface.ra != "off":
        message = "wicked leaves the routes of router advertisements to the kernel, and has no metric for them"
        problems.append(Problem("warning", where, f"interface.metric={interface.metric} is left out: {message}"))
    # At boot ifup waits for devices that are "auto", up to WAIT_FOR_INTERFACES, and for no others.
    start = "auto" if interface.required or awaited else "hotplug"
    pairs = [("STARTMODE", start), ("BOOTPROTO", _bootproto(interface))]
    if interface.bond:
        pairs += _bond(interface, interface.bond, devices, problems)
    if interface.vlan:
        pairs += [("ETHERDEVICE", str(devices[interface.vlan.parent].name)), ("VLAN_ID", str(interface.vlan.id))]
    if interface.mac and interface.match is None:  # of a NIC it would be changed, not matched
        pairs.append(("LLADDR", interface.mac))
    if interface.mtu is not None:
        pairs.append(("MTU", str(interface.mtu)))
    for number, address in enumerate(interface.addresses):
        pairs.append((f"IPADDR_{number}" if number else "IPADDR", str(address.ip)))
    return _assigned([*pairs, *_dhcp(interface)])


def ifsysctl_lines(interface: Interface) -> list[str]:
    """The ``ifsysctl`` file: what IPv6 may take from routers; wicked turns it off for members by itself."""
    if interface.master is not None:
        return []
    ipv6 = interface.is_addressed or interface.ra != "off" or any(route.to.version == 6 for route in interface.routes)
    return _settings(str(interface.name), ADVERTISEMENTS[interface.ra] if ipv6 else ("disable_ipv6 = 1",))


def fallback_lines(name: str, others: Iterable[Interface]) -> tuple[list[str], list[str]]:
    """``ifcfg`` and ``ifsysctl`` for a device that the cloud does not name.

    The default route of a router there would be as good as any other, so it is taken only where there is none.
    """
    routed = any(
        other.ra != "off" or any(route.to.version == 6 and route.to.prefixlen == 0 for route in other.routes)
        for other in others
    )
    pairs = [("STARTMODE", "hotplug"), ("BOOTPROTO", "dhcp"), ("DHCLIENT_ROUTE_PRIORITY", str(LAST_METRIC))]
    pairs += [("DHCLIENT_SET_HOSTNAME", "no"), ("DHCLIENT6_SET_HOSTNAME", "no")]
    return _assigned(pairs), _settings(name, ADVERTISEMENTS["off"]) if routed else []


def _assigned(pairs: Iterable[tuple[str, str]]) -> list[str]:
    return [f"{key}='{value}'" for key, value in pairs]


def _settings(name: str, settings: Iterable[str]) -> list[str]:
    """With slashes, so that a dot in the name is one."""
    return [f"net/ipv6/conf/{name}/{setting}" for setting in settings]


def _bootproto(interface: Interface) -> str:
    """Static addresses belong to every kind; of "dhcp", which is both, one must succeed."""
    dhcp = ("", "dhcp4", "dhcp6", "dhcp")[interface.dhcp4 + 2 * bool(interface.dhcp6)]
    auto = "auto6" if interface.ra == "full" else ""
    return "+".join(filter(None, (dhcp, auto))) or "static"


def _dhcp(interface: Interface) -> Iterator[tuple[str, str]]:
    """The variables of DHCP; the MTU of a lease is taken where none is set here."""
    if interface.dhcp4:
        # A default route of the document's own stands beside the lease's, which without a metric would beat it.
        own = any(route.to.version == 4 and route.to.prefixlen == 0 for route in interface.routes)
        yield "DHCLIENT_SET_DEFAULT_ROUTE", "no" if own else "yes"
        if interface.metric is not None:
            yield "DHCLIENT_ROUTE_PRIORITY", str(interface.metric)
        yield "DHCLIENT_SET_HOSTNAME", "no"
    if interface.dhcp6:
        # Whatever flags a router sets.
        yield "DHCLIENT6_MODE", "managed" if interface.dhcp6 == "stateful" else "info"
        yield "DHCLIENT6_SET_HOSTNAME", "no"


def _bond(
    interface: Interface, bond: Bond, devices: Mapping[str, Interface], problems: list[Problem]
) -> Iterator[tuple[str, str]]:
    options, refused = fit_options(bond)
    where = interface.origin or interface.label
    for name, value, reason in refused:
        problems.append(Problem("warning", where, f"bond.{name}={value} is left out: {reason}"))
    if bond.primary in devices and not any(name == "primary" for name, _, _ in refused):
        options.append(("primary", str(devices[bond.primary].name)))
    words = [f"mode={bond.mode}", *(f"{name}={value}" for name, value in options)]
    yield "BONDING_MASTER", "yes"
    yield "BONDING_MODULE_OPTS", " ".join(words)
    members = [str(devices[label].name) for label in bond.members if label in devices]
    for number, member in enumerate(members):
        yield f"BONDING_SLAVE_{number}", member
