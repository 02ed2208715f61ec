# SPDX-License-Identifier: Apache-2.0
"""What is otherwise where netplan generates for NetworkManager: its limits, and what can be said to it alone.

https://netplan.readthedocs.io/en/stable/netplan-yaml/#backend-specific-configuration-parameters
https://networkmanager.dev/docs/api/latest/nm-settings-keyfile.html

NetworkManager refuses a whole profile for one property that does not fit its method, so those are left out here.
"""

from __future__ import annotations

from bootagent.model.instance import Problem

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from bootagent.model.network import Interface
    from bootagent.renderers._netplan_yaml import Settings

INFINITY = 2147483647  # nm-settings: ipv4.dhcp-timeout


def fit(interface: Interface, problems: list[Problem]) -> Interface:
    """``interface`` without what NetworkManager cannot have."""
    where = interface.origin or interface.label

    def left_out(said: str, reason: str) -> None:
        problems.append(Problem("warning", where, f"{said} is left out: {reason}"))

    match = interface.match
    if match and match.driver:
        # The generator gives up else.
        left_out(f"match.driver={match.driver}", "netplan cannot say it to NetworkManager")
        interface = interface._replace(match=match._replace(driver=""))
    if not interface.required and interface.is_addressed:
        reason = "netplan cannot say it to NetworkManager"
        problems.append(Problem("info", where, f"interface.required=False is left out: {reason}"))
    if interface.ra == "routes":
        reason = "netplan takes routes and addresses from router advertisements, or neither"
        problems.append(Problem("info", where, f"interface.ra=routes is left out: {reason}"))
    if interface.dhcp6:
        reason = "NetworkManager starts DHCPv6 as the flags of a router's advertisement say"
        problems.append(Problem("info", where, f"interface.dhcp6={interface.dhcp6} is left out: {reason}"))
    families = _families(interface)
    routes = [route for route in interface.routes if route.to.version in families]
    for route in interface.routes:
        if route.to.version not in families:
            left_out(f"route.to={route.to}", f"NetworkManager wants an IPv{route.to.version} address on the link")
    servers = [server for server in interface.dns.servers if server.version in families]
    for server in interface.dns.servers:
        if server.version not in families:
            left_out(f"dns.servers={server}", f"NetworkManager wants an IPv{server.version} address on the link")
    search = interface.dns.search if families else ()
    if search != interface.dns.search:
        left_out(f"dns.search={' '.join(interface.dns.search)}", "NetworkManager wants an address on the link")
    dns = interface.dns._replace(servers=tuple(servers), search=search)
    bond = interface.bond._replace(primary="") if interface.bond else None  # is passed through
    # It heeds routers only where netplan says dhcp6.
    dhcp6 = interface.dhcp6 or ("" if interface.ra == "off" else "stateless")
    return interface._replace(routes=tuple(routes), dns=dns, bond=bond, dhcp6=dhcp6)


def passthrough(interface: Interface, interfaces: Mapping[str, Interface], problems: list[Problem]) -> Settings:
    """Properties of the profile that netplan would set otherwise."""
    settings: Settings = {}
    if interface.bond and interface.bond.primary:
        # NetworkManager wants the kernel's name, netplan would write its own id.
        primary = interfaces.get(interface.bond.primary)
        if primary and primary.name:
            settings["bond.primary"] = primary.name
        else:
            message = f"bond.primary={interface.bond.primary} is left out: NetworkManager wants its name"
            problems.append(Problem("warning", interface.origin or interface.label, message))
    families = _families(interface)
    if interface.master is None and 4 not in families:
        settings["ipv4.method"] = "disabled"  # netplan's would be an address of 169.254.0.0/16
    if interface.master is None and 6 not in families:
        settings["ipv6.method"] = (
            "link-local" if interface.is_addressed else "disabled"
        )  # netplan's: the kernel's choice
    return settings


def unwaited(settings: Settings) -> Settings:
    """The settings of a NIC that "online" need not wait for: with a link-local address, which is always ready."""
    kept = {key: value for key, value in settings.items() if key != "dhcp6-overrides"}
    patience: Settings = {"ipv6.method": "link-local", "ipv4.dhcp-timeout": str(INFINITY)}
    return {**kept, "dhcp6": False, "accept-ra": False, "networkmanager": {"passthrough": patience}}


def _families(interface: Interface) -> set[int]:
    """The families in which the link gets an address, or asks for one."""
    families = {address.ip.version for address in interface.addresses}
    families |= {4} if interface.dhcp4 else set()
    return families | ({6} if interface.dhcp6 or interface.ra != "off" else set())
