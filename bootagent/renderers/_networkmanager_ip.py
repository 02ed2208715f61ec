# SPDX-License-Identifier: Apache-2.0
"""The ``[ipv4]`` and ``[ipv6]`` sections of a NetworkManager profile.

https://networkmanager.dev/docs/api/latest/settings-ipv4.html
https://networkmanager.dev/docs/api/latest/settings-ipv6.html

A device is "activated", and no longer waited for, when one family is ready and the other one is ready or may fail; a
family is ready when all of its parts are.  When all families have failed, or one that may not, the device is taken
down, static addresses and all.  So a static family may not fail, and a dynamic one may, but never gives up: its
timeouts are infinite.
"""

from __future__ import annotations

from bootagent.model.instance import Problem

TYPE_CHECKING = False
if TYPE_CHECKING:
    from bootagent.model.network import Interface, Route

INFINITY = 2147483647
PATIENCE = 15  # seconds that the boot may lose to a device that need not be online
WITH_DNS = ("manual", "auto", "dhcp")  # with another method, a server or a search domain is an error


def methods(interface: Interface) -> tuple[str, str]:
    """How each family gets its addresses."""
    static = {address.ip.version for address in interface.addresses}
    method4 = "auto" if interface.dhcp4 else "manual" if 4 in static else "disabled"
    if interface.ra != "off":
        return method4, "auto"
    if interface.dhcp6 == "stateful":
        return method4, "dhcp"
    return method4, "manual" if 6 in static else "link-local" if interface.is_addressed else "disabled"


def waits_for_servers(interface: Interface) -> bool:
    """Whether the device gets ready only when a server or a router has answered."""
    method4, method6 = methods(interface)
    return method6 in ("auto", "dhcp") and method4 != "manual"


def gives_up(interface: Interface) -> bool:
    """Whether the device is to be given up after a while, so that "online" goes on; its addresses would be lost."""
    return waits_for_servers(interface) and not interface.required and not interface.addresses


def ip_sections(interface: Interface, problems: list[Problem]) -> tuple[tuple[str, list[str]], ...]:
    """Both sections; what NetworkManager does otherwise than the document is reported."""
    method4, method6 = methods(interface)
    _report(interface, method6, problems)
    families = ((4, method4, _ipv4(interface, method4, method6)), (6, method6, _ipv6(interface, method6)))
    for version, method, lines in families:
        lines.extend(_addresses(interface, version))
        lines.extend(_routes(interface, version, method, problems))
        lines.extend(_servers(interface, version, method, problems))
    _search(interface, families, problems)
    return tuple((f"ipv{version}", lines) for version, _, lines in families)


def _report(interface: Interface, method6: str, problems: list[Problem]) -> None:
    where = interface.origin or interface.label
    if waits_for_servers(interface) and not interface.required:
        limit = f" {PATIENCE} seconds" if gives_up(interface) else ""
        problems.append(Problem("info", where, f"online may wait for it{limit}: NetworkManager cannot leave it out"))
    if interface.dhcp6 and method6 != "dhcp":
        message = f"interface.dhcp6={interface.dhcp6} is done where a router's flags say so, which NetworkManager obeys"
        problems.append(Problem("info", where, message))


def _ipv4(interface: Interface, method: str, method6: str) -> list[str]:
    lines = [f"method={method}"]
    if method == "auto":
        lines.append(f"dhcp-timeout={PATIENCE if gives_up(interface) else INFINITY}")
        lines += [f"route-metric={interface.metric}"] if interface.metric is not None else []
    # Beside a link-local address, which is always ready, DHCP would keep nobody waiting.
    if method == "manual" or (method == "auto" and method6 == "link-local" and interface.required):
        lines.append("may-fail=false")
    return lines


def _ipv6(interface: Interface, method: str) -> list[str]:
    timeout = PATIENCE if gives_up(interface) else INFINITY
    lines = [f"method={method}"]
    if method == "auto":
        lines.append(f"ra-timeout={timeout}")
        lines += [f"route-metric={interface.metric}"] if interface.metric is not None else []
    if method in ("auto", "dhcp"):
        lines.append(f"dhcp-timeout={timeout}")
    if method == "manual":
        lines.append("may-fail=false")
    if method != "disabled":
        lines += ["addr-gen-mode=eui64", "ip6-privacy=0"]  # other addresses are dropped by a cloud's port security
    return lines


def _addresses(interface: Interface, version: int) -> list[str]:
    found = [address.ip for address in interface.addresses if address.ip.version == version]
    return [f"address{number}={ip}" for number, ip in enumerate(found, 1)]


def _routes(interface: Interface, version: int, method: str, problems: list[Problem]) -> list[str]:
    lines = []
    number = 1
    for route in interface.routes:
        if route.to.version != version:
            continue
        reason = _refusal(route, method)
        if reason:
            where = route.origin or interface.origin or interface.label
            problems.append(Problem("warning", where, f"the route to {route.to} is left out: {reason}"))
            continue
        metric = "" if route.metric is None else f",{route.metric}"
        if route.onlink and route.to.prefixlen == 0:
            # NetworkManager 1.30 makes the way to such a gateway itself, wrongly, and then fails the device.
            lines.append(f"route{number}={route.via}/{route.to.first.max_prefixlen}{metric and ','}{metric}")
            number += 1
        hop = "" if route.via is None and not metric else f",{route.via or ''}"
        lines.append(f"route{number}={route.to}{hop}{metric}")
        if route.onlink:
            lines.append(f"route{number}_options=onlink=true")
        number += 1
    return lines


def _refusal(route: Route, method: str) -> str:
    if route.via is not None and route.via.version != route.to.version:
        return "NetworkManager has no gateways of the other family"
    return "its family is off on this device" if method == "disabled" else ""


def _servers(interface: Interface, version: int, method: str, problems: list[Problem]) -> list[str]:
    servers = [str(server) for server in interface.dns.servers if server.version == version]
    if servers and method not in WITH_DNS:
        message = (
            f"dns.servers {', '.join(servers)}: left out, NetworkManager takes none without an IPv{version} address"
        )
        problems.append(Problem("warning", interface.origin or interface.label, message))
        return []
    return [f"dns={''.join(f'{server};' for server in servers)}"] if servers else []


def _search(interface: Interface, families: tuple[tuple[int, str, list[str]], ...], problems: list[Problem]) -> None:
    """The search domains, in the first family that takes them: resolv.conf(5) has one list."""
    if not interface.dns.search:
        return
    for _, method, lines in families:
        if method in WITH_DNS:
            lines.append(f"dns-search={''.join(f'{domain};' for domain in interface.dns.search)}")
            return
    message = "dns.search: left out, NetworkManager takes none without an address"
    problems.append(Problem("warning", interface.origin or interface.label, message))
