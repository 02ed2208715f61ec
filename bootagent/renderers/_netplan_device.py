# SPDX-License-Identifier: Apache-2.0
"""The settings of one device, whichever daemon they are generated for.

https://netplan.readthedocs.io/en/stable/netplan-yaml/#properties-for-all-device-types
"""

from __future__ import annotations

from bootagent.model.instance import Problem
from bootagent.renderers._netplan_bond import bond_parameters

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from bootagent.model.network import Dns, Interface, Route
    from bootagent.renderers._netplan_yaml import Settings

# 2**32-1 is netplan's "not given", and 0.106 writes a route's metric as a signed number.
METRIC_MAX = 2**31 - 1


def device_settings(
    interface: Interface, interfaces: Mapping[str, Interface], ids: Mapping[str, str], problems: list[Problem]
) -> Settings:
    """All that netplan can say of an interface."""
    settings = _kind(interface, interfaces, ids)
    if interface.mtu:
        settings["mtu"] = interface.mtu
    settings.update(_dynamic(interface, problems))
    if interface.addresses:
        settings["addresses"] = [str(address.ip) for address in interface.addresses]
    routes = [
        _route(route, problems, interface) for route in interface.routes if _is_sayable(route, problems, interface)
    ]
    if routes:
        settings["routes"] = routes
    nameservers = _nameservers(interface.dns, problems, interface)
    if nameservers:
        settings["nameservers"] = nameservers
    if not interface.required:
        settings["optional"] = True
    return settings


def _kind(interface: Interface, interfaces: Mapping[str, Interface], ids: Mapping[str, str]) -> Settings:
    """How a NIC is found, or what a device is made of."""
    if interface.bond:
        members = [ids[label] for label in interface.bond.members if label in ids]
        settings: Settings = {"interfaces": members, "parameters": bond_parameters(interface.bond, ids)}
    elif interface.vlan:
        settings = {"id": interface.vlan.id, "link": ids.get(interface.vlan.parent, interface.vlan.parent)}
    else:
        return {"match": _match(interface)}
    mac = interface.mac
    if interface.bond and not mac:
        # systemd-networkd would make one up of the machine id; the kernel alone would take the first member's.
        member = interfaces.get(next(iter(interface.bond.members), ""))
        mac = member.match.mac if member and member.match else None
    if mac:
        settings["macaddress"] = mac
    return settings


def _match(interface: Interface) -> Settings:
    match = interface.match
    if match is None or not any(match):  # an empty mapping would match every device
        return {"name": interface.name or interface.label}
    parts = {"macaddress": match.mac, "name": match.name, "driver": match.driver}
    return {key: value for key, value in parts.items() if value}


def _dynamic(interface: Interface, problems: list[Problem]) -> Settings:
    """What may be taken from DHCP and router advertisements.

    Not ``dhcp6`` for routers alone: without one, systemd-networkd would wait for its end, and "online" with it.
    """
    dhcp6 = bool(interface.dhcp6)
    overrides: Settings = {}
    if interface.metric is not None and interface.metric <= METRIC_MAX:
        overrides["route-metric"] = interface.metric
    elif interface.metric is not None:
        problems.append(_left_out(interface, f"interface.metric={interface.metric}", _TOO_LARGE))
    if interface.mtu:
        overrides["use-mtu"] = False  # netplan's default would let a lease's count more
    settings: Settings = {"dhcp4": interface.dhcp4, "dhcp6": dhcp6}
    # Both have to be the same for systemd-networkd, else the generator gives up.
    if overrides and interface.dhcp4:
        settings["dhcp4-overrides"] = overrides
    if overrides and dhcp6:
        settings["dhcp6-overrides"] = overrides
    local = not interface.master and (interface.is_addressed or interface.ra != "off")
    settings["accept-ra"] = interface.ra != "off"
    settings["link-local"] = ["ipv6"] if local else []
    return settings


def _is_sayable(route: Route, problems: list[Problem], interface: Interface) -> bool:
    """A route's gateway has to be of its destination's family (the generator gives up else)."""
    if route.via is None or route.via.version == route.to.version:
        return True
    reason = f"netplan has no IPv{route.via.version} gateway for an IPv{route.to.version} route"
    problems.append(_left_out(interface, f"route.via={route.via}", reason, route.origin, "error"))
    return False


def _route(route: Route, problems: list[Problem], interface: Interface) -> Settings:
    """A default one has its destination written out: ``default`` needs netplan 0.103."""
    settings: Settings = {"to": str(route.to)}
    if route.via is not None:
        settings["via"] = str(route.via)
    if route.onlink:
        settings["on-link"] = True
    if route.metric is not None and route.metric <= METRIC_MAX:
        settings["metric"] = route.metric
    elif route.metric is not None:
        problems.append(_left_out(interface, f"route.metric={route.metric}", _TOO_LARGE, route.origin))
    if route.via is None:
        settings["scope"] = "link"
    return settings


def _nameservers(dns: Dns, problems: list[Problem], interface: Interface) -> Settings:
    settings: Settings = {}
    if dns.search:
        settings["search"] = list(dns.search)
    if dns.servers:
        settings["addresses"] = [str(server) for server in dns.servers]
    versions = [server.version for server in dns.servers]
    if versions != sorted(versions):
        message = "netplan puts the IPv4 servers before the IPv6 servers"
        problems.append(Problem("info", interface.origin or interface.label, message))
    return settings


_TOO_LARGE = f"netplan says a metric of up to {METRIC_MAX} only"


def _left_out(interface: Interface, said: str, reason: str, origin: str = "", severity: str = "warning") -> Problem:
    return Problem(severity, origin or interface.origin or interface.label, f"{said} is left out: {reason}")
