# SPDX-License-Identifier: Apache-2.0
"""What a device is told about addresses: router advertisements, gateways off the subnet, several default routes, DNS.

The rules are decisions 5 to 9 of docs/design.rst; none of them depends on the backend.
"""

from __future__ import annotations

from bootagent.model.instance import Problem
from bootagent.model.ip import DEFAULT
from bootagent.model.network import Address, Addressing, Dns, Interface, Link, Route

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from bootagent.model.ip import IPInterface, IPNetwork

FIRST_METRIC = 100
IPV6_MIN_MTU = 1280  # RFC 8200 5


def join(links: Iterable[Link]) -> Addressing:
    """What the links of one device ask for together."""
    parts = [link.addressing for link in links]
    if len(parts) == 1:
        return parts[0]
    return Addressing(
        addresses=tuple(address for part in parts for address in part.addresses),
        routes=tuple(route for part in parts for route in part.routes),
        dns=join_dns(part.dns for part in parts),
        dhcp4=any(part.dhcp4 for part in parts),
        slaac=any(part.slaac for part in parts),
        dhcp6=max(part.dhcp6 for part in parts),
    )


def join_dns(parts: Iterable[Dns]) -> Dns:
    """Servers and search domains in order, each once."""
    parts = tuple(parts)
    return Dns(
        tuple(dict.fromkeys(server for part in parts for server in part.servers)),
        tuple(dict.fromkeys(domain for part in parts for domain in part.search)),
    )


def address(interface: Interface, asked: Addressing, problems: list[Problem]) -> Interface:
    """``interface`` with what is asked for; a bond's member takes no addresses."""
    if interface.master is not None:
        if asked != Addressing():
            problems.append(Problem("error", interface.origin, f"a member of {interface.master} takes no addresses"))
        return interface
    unique: dict[IPInterface, Address] = {}
    for item in asked.addresses:
        unique.setdefault(item.ip, item)
    addresses = tuple(unique.values())
    interface = interface._replace(
        addresses=addresses,
        routes=tuple(route._replace(onlink=_is_onlink(route, addresses)) for route in asked.routes),
        dns=asked.dns,
        dhcp4=asked.dhcp4,
        dhcp6=asked.dhcp6,
        ra=_advertisements(asked),
    )
    has_ipv6 = interface.ra != "off" or interface.dhcp6 or any(item.ip.version == 6 for item in addresses)
    if has_ipv6 and interface.mtu and interface.mtu < IPV6_MIN_MTU:
        problems.append(Problem("warning", interface.origin, f"MTU {interface.mtu} is too small for IPv6"))
    return interface._replace(required=interface.is_addressed)


def _advertisements(asked: Addressing) -> str:
    """Addresses from them where asked for; routes where no other default route is given; else nothing."""
    if asked.slaac or asked.dhcp6 == "stateless":
        return "full"
    static = any(item.ip.version == 6 for item in asked.addresses)
    default = any(route.to.version == 6 and route.to.prefixlen == 0 for route in asked.routes)
    return "routes" if asked.dhcp6 or (static and not default) else "off"


def _is_onlink(route: Route, addresses: tuple[Address, ...]) -> bool:
    """Whether the gateway must be taken as on the link, because no address covers it (ip-route(8), ``onlink``)."""
    gateway = route.via
    if gateway is None or (gateway.version == 6 and gateway.is_link_local):
        return False
    return not any(item.ip.network.holds(gateway) for item in addresses)


def rank(interfaces: tuple[Interface, ...], order: list[str]) -> tuple[Interface, ...]:
    """Where several routes lead to one destination, metrics in document ``order``, so that the first is preferred.

    The default routes that DHCP and router advertisements bring count too.  A metric of the document stands.
    """
    wanted: dict[IPNetwork, int] = {}
    for interface in interfaces:
        for to in (*(route.to for route in interface.routes), *_dynamic(interface)):
            wanted[to] = wanted.get(to, 0) + 1
    seen: dict[IPNetwork, int] = {}

    def metric(to: IPNetwork) -> int | None:
        if wanted[to] == 1:
            return None
        seen[to] = seen.get(to, 0) + 1
        return FIRST_METRIC * seen[to]

    ranked = {interface.label: interface for interface in interfaces}
    for label in dict.fromkeys(order):
        interface = ranked[label]
        routes = []
        for route in interface.routes:
            place = metric(route.to)
            routes.append(route if route.metric is not None else route._replace(metric=place))
        places = [metric(to) for to in _dynamic(interface)]
        ranked[label] = interface._replace(routes=tuple(routes), metric=next(filter(None, places), None))
    return tuple(ranked.values())


def _dynamic(interface: Interface) -> list[IPNetwork]:
    """The default routes that the network will bring and the document does not."""
    static = [route.to for route in interface.routes]
    dynamic: list[IPNetwork] = []
    if interface.dhcp4 and DEFAULT[4] not in static:
        dynamic.append(DEFAULT[4])
    if interface.ra != "off" and DEFAULT[6] not in static:
        dynamic.append(DEFAULT[6])
    return dynamic


def spread_dns(interfaces: tuple[Interface, ...], dns: Dns) -> tuple[tuple[Interface, ...], Dns]:
    """Give the DNS that the document ties to no link to those that lead outside, or else to all with an address.

    Returns the interfaces, and what no interface could take.
    """
    if dns == Dns():
        return interfaces, dns
    takers = {i.label for i in interfaces if _dynamic(i) or any(route.to.prefixlen == 0 for route in i.routes)}
    takers = takers or {i.label for i in interfaces if i.is_addressed}
    given = tuple(i._replace(dns=join_dns((i.dns, dns))) if i.label in takers else i for i in interfaces)
    return given, Dns() if takers else dns
