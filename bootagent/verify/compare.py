# SPDX-License-Identifier: Apache-2.0
"""The plan against the live kernel: values in, what is not as planned out.

Of what a server or a router chooses only that there is something: which address it is, is its business.  What is there
beyond the plan is nobody's fault: containers, tunnels and people add addresses and routes.
"""

from __future__ import annotations

from bootagent.model.instance import Problem

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from bootagent.model.network import BoundNetwork, Interface, Route
    from bootagent.verify.live import Device, Live

# Devices that are made of others, and may carry a NIC's address.
MADE = frozenset({"bond", "bridge", "ipvlan", "macvlan", "macvtap", "team", "vlan"})
MAX_SERVERS = 3  # that the C library asks, resolv.conf(5): MAXNS
UNREACHABLE = 0x01 | 0x20  # NUD_INCOMPLETE, NUD_FAILED: include/uapi/linux/neighbour.h


def compare(network: BoundNetwork, live: Live) -> tuple[Problem, ...]:
    """Each deviation, by device; ``where`` is the device."""
    found = list(live.notes)
    names = {interface.label: _find(interface, live) for interface in network.interfaces}
    for interface in network.interfaces:
        device = names[interface.label]
        if device is None:
            missing = str(interface.name or (interface.match and interface.match.mac) or interface.label)
            found.append(Problem("error", missing, f"there is no such device ({interface.origin})"))
        else:
            found += _device(interface, device, names)
            found += _addresses(interface, device, live)
            found += _leases(interface, device)
            found += _routes(interface, device, live)
    if not network.interfaces:
        found += _fallback(network, live)
    return (*found, *_resolver(network, live))


def _find(interface: Interface, live: Live) -> Device | None:
    """The device: a NIC by its permanent MAC, whatever it is called by now, and one that was made by its name."""
    named = live.devices.get(interface.name or "")
    if interface.match is None or interface.match.mac is None:
        return named
    mac = interface.match.mac
    if named and named.permanent == mac:
        return named
    others = (d for d in live.devices.values() if d.permanent == mac and d.kind not in MADE)
    return next(others, named)


def _device(interface: Interface, device: Device, names: dict[str, Device | None]) -> Iterator[Problem]:
    mac, actual = (interface.match.mac, device.permanent) if interface.match else (interface.mac, device.mac)
    if mac and mac != actual:
        yield Problem("error", device.name, f"the MAC address is {actual or 'none'}, not {mac} ({interface.origin})")
    kind = "bond" if interface.bond else "vlan" if interface.vlan else device.kind
    if kind != device.kind:
        yield Problem("error", device.name, f"is no {kind} ({interface.origin})")
    if not (interface.is_addressed or interface.master or interface.match is None):
        pass  # a NIC of no use yet: whether its backend sets it up is not planned
    elif not device.is_up:
        yield Problem("error", device.name, f"is down ({interface.origin})")
    elif not device.has_carrier:
        yield Problem("error", device.name, f"has no carrier ({interface.origin})")
    if interface.mtu and interface.mtu != device.mtu:
        yield Problem("error", device.name, f"the MTU is {device.mtu}, not {interface.mtu} ({interface.origin})")
    if interface.master and interface.master != device.master:
        other = f", but of {device.master}" if device.master else ""
        yield Problem("error", device.name, f"is no member of {interface.master}{other} ({interface.origin})")
    if interface.bond and device.mode and interface.bond.mode != device.mode:
        yield Problem("error", device.name, f"the mode is {device.mode}, not {interface.bond.mode}")
    if interface.vlan and device.kind == "vlan":
        if interface.vlan.id != device.vlan:
            yield Problem("error", device.name, f"the VLAN id is {device.vlan}, not {interface.vlan.id}")
        parent = names.get(interface.vlan.parent)
        if parent and parent.name != device.parent:
            yield Problem("error", device.name, f"the VLAN is on {device.parent}, not on {parent.name}")


def _addresses(interface: Interface, device: Device, live: Live) -> Iterator[Problem]:
    held = {address.ip: address for address in device.addresses}
    for planned in interface.addresses:
        key = (device.name, str(planned.ip.ip))
        if planned.ip.ip not in held:
            yield Problem("error", device.name, f"the address {planned.ip} is missing ({planned.origin})")
        elif planned.ip not in device.addresses:
            there = held[planned.ip.ip]
            yield Problem("error", device.name, f"the address is {there}, not {planned.ip} ({planned.origin})")
        elif key in live.failed:
            yield Problem("error", device.name, f"another machine has {planned.ip.ip} too ({planned.origin})")
        elif key in live.tentative:
            yield Problem("warning", device.name, f"{planned.ip.ip} is not usable yet ({planned.origin})")


def _leases(interface: Interface, device: Device) -> Iterator[Problem]:
    planned = {address.ip.ip for address in interface.addresses}
    others = [address.ip for address in device.addresses if address.ip not in planned]
    families = {ip.version for ip in others if not ip.is_link_local}
    if interface.dhcp4 and 4 not in families:
        yield Problem("error", device.name, f"no IPv4 address by DHCP ({interface.origin})")
    if (interface.dhcp6 == "stateful" or interface.ra == "full") and 6 not in families:
        way = "DHCPv6" if interface.dhcp6 == "stateful" else "router advertisements"
        yield Problem("error", device.name, f"no IPv6 address by {way} ({interface.origin})")


def _routes(interface: Interface, device: Device, live: Live) -> Iterator[Problem]:
    here = [way for way in live.ways if way.device == device.name]
    for planned in interface.routes:
        gateways = [way.via for way in here if way.to == planned.to]
        if planned.via in gateways:
            yield from _gateway(planned, device, live)
        elif gateways:
            other = ", ".join(str(via or "the link") for via in gateways)
            yield Problem("error", device.name, f"{_text(planned)}: it is via {other} ({planned.origin})")
        else:
            yield Problem("error", device.name, f"{_text(planned)} is missing ({planned.origin})")


def _gateway(planned: Route, device: Device, live: Live) -> Iterator[Problem]:
    state = live.neighbours.get((device.name, str(planned.via)), 0) if planned.via else 0
    if state & UNREACHABLE:
        yield Problem("warning", device.name, f"the gateway {planned.via} does not answer ({planned.origin})")


def _text(route: Route) -> str:
    return f"the route to {route.to} via {route.via or 'the link'}"


def _fallback(network: BoundNetwork, live: Live) -> Iterator[Problem]:
    """Where no document asked for anything one NIC with an address is enough: most have no network behind them."""
    devices = [live.devices[name] for name in network.unlisted or () if name in live.devices]
    if not any(not address.ip.is_link_local for device in devices for address in device.addresses):
        yield Problem("warning", "network", "no NIC has an address by DHCP or by router advertisements")


def _resolver(network: BoundNetwork, live: Live) -> Iterator[Problem]:
    links = (server for interface in network.interfaces for server in interface.dns.servers)
    planned = list(dict.fromkeys(map(str, (*links, *network.dns.servers))))
    if not planned:
        return
    if not live.servers:
        yield Problem("error", "resolver", f"asks nobody, and is to ask {', '.join(planned)}")
    elif all(server == "::1" or server.startswith("127.") for server in live.servers):
        yield Problem("info", "resolver", f"is the machine's own, {live.servers[0]}: whom it asks is not seen")
    else:
        missing = [server for server in planned if server not in live.servers]
        if missing == planned:
            yield Problem("error", "resolver", f"asks {', '.join(live.servers)}, and none of {', '.join(planned)}")
        elif missing:
            severity = "warning" if len(planned) <= MAX_SERVERS else "info"
            yield Problem(severity, "resolver", f"does not ask {', '.join(missing)}")
