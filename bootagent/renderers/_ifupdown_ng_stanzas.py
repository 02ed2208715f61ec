# SPDX-License-Identifier: Apache-2.0
"""The stanza of one device in ifupdown-ng's interfaces(5), for 0.11 and 0.12.

In each phase ("create", "pre-up", "up", …) the executors come first, then our commands in their order.  Where one of
either fails, ifup gives up, and the OpenRC service of Alpine then takes the whole device down.  So a command that may
be refused ends in ``|| true``, and options whose executor may fail are not used: ``mtu`` and ``hwaddress`` are set by
the command that brings the device up, and ``gateway`` is a ``route add`` of metric 1, refused where there is a route.

A line is read up to the first ``#``, and a backslash may vanish: none of ours has either.
"""

from __future__ import annotations

from bootagent.renderers._ifupdown_ng_devices import (
    enslave,
    is_made_by_name,
    is_taken_for_vlan,
    make_device,
    tune_bond,
    tune_ipv6,
)
from bootagent.renderers._ifupdown_ng_dhcp import dhcp4_lines, dhcp6_lines
from bootagent.renderers._iproute2 import route_command

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from bootagent.model.network import Dns, Interface

FALLBACK_METRIC = 4096  # loses against any other default route


def render_interface(interface: Interface, devices: Mapping[str, Interface], dns: Dns, own_dns: bool) -> str:
    """The comment and the stanza of ``interface``; ``devices`` are those that are there, by label.

    With ``own_dns``, resolv.conf(5) has the document's servers and DHCP clients leave it alone.
    """
    name = str(interface.name)
    early = [device for device in devices.values() if _maker(device, devices) == interface.label]
    lines = [f"up {make_device(device, devices)} || true" for device in early]
    if interface.master is not None:
        comment = f", member of {interface.master}"
        return f"# {_origin(interface)}{comment}\n" + _stanza(name, lines)  # it comes with its bond
    lines = [
        *_making(interface, devices),
        *(f"pre-up {command}" for command in _before(interface, devices)),
        *(f"address {item.ip}" for item in interface.addresses),
        *lines,
        *_routes(interface),
        *_dns(name, dns),
        *_dynamic(interface, own_dns),
    ]
    if (interface.bond or interface.vlan) and not _is_destroyed(interface, devices):
        lines.append(f"post-down ip link del dev {name} || true")
    return f"# {_origin(interface)}\nauto {name}\n" + _stanza(name, lines)


def render_fallback(name: str, own_dns: bool) -> str:
    """DHCP and router advertisements, with nobody waiting, for a device that the cloud does not name."""
    lines = [f"pre-up echo {FALLBACK_METRIC} >/proc/sys/net/ipv6/conf/{name}/ra_defrtr_metric || true"]
    lines += dhcp4_lines(name, FALLBACK_METRIC, own_dns, waits=False)
    return f"# not named by the cloud\nauto {name}\n" + _stanza(name, lines)


def _origin(interface: Interface) -> str:
    return " ".join(interface.origin.split()) or interface.label


def _stanza(name: str, lines: list[str]) -> str:
    return f"iface {name}\n" + "".join(f"    {line}\n" for line in lines)


def _maker(interface: Interface, devices: Mapping[str, Interface]) -> str:
    """The label of the device whose stanza makes this one, because its own would come too late; or ""."""
    if not (interface.bond or interface.vlan) or not is_taken_for_vlan(interface, devices):
        return ""
    below = (interface.vlan.parent,) if interface.vlan else interface.bond.members if interface.bond else ()
    return next(label for label in below if label in devices)


def _is_destroyed(interface: Interface, devices: Mapping[str, Interface]) -> bool:
    """Whether the "link" executor takes the device for a VLAN of its own, and removes it."""
    if is_taken_for_vlan(interface, devices):
        return True
    vlan = interface.vlan
    return bool(vlan and is_made_by_name(str(interface.name), str(devices[vlan.parent].name), vlan))


def _making(interface: Interface, devices: Mapping[str, Interface]) -> Iterator[str]:
    """How the device comes to be: by the executor where it makes the right VLAN, else by a command."""
    maker = _maker(interface, devices)
    vlan = interface.vlan
    if maker:
        yield f"requires {devices[maker].name}"
    elif vlan and is_made_by_name(str(interface.name), str(devices[vlan.parent].name), vlan):
        yield f"vlan-raw-device {devices[vlan.parent].name}"
        yield f"vlan-id {vlan.id}"
        if interface.mac:
            yield f"pre-up ip link set dev {interface.name} address {interface.mac} || true"
    elif vlan:
        yield f"requires {devices[vlan.parent].name}"
        yield f"pre-up {make_device(interface, devices)}"
    elif interface.bond:
        yield f"pre-up {make_device(interface, devices)}"


def _before(interface: Interface, devices: Mapping[str, Interface]) -> Iterator[str]:
    """What happens before the device is up."""
    if interface.bond:
        yield from tune_bond(str(interface.name), interface.bond)
    if interface.mtu is not None:
        yield f"ip link set dev {interface.name} mtu {interface.mtu} || true"
    yield from tune_ipv6(interface)
    if interface.bond:
        yield from enslave(str(interface.name), interface.bond, devices)


def _routes(interface: Interface, *versions: int) -> Iterator[str]:
    for route in interface.routes:
        if route.to.version in (versions or (4, 6)):
            yield f"up {route_command(route, str(interface.name))} || true"


def _dns(name: str, dns: Dns) -> Iterator[str]:
    """The record of a device for resolvconf(8), whose hook in if-up.d acts on no stanza without an address family."""
    record = [f"echo nameserver {server}" for server in dns.servers]
    if dns.search:
        record.append(f"echo search {' '.join(dns.search)}")
    if record:
        yield f"up ({'; '.join(record)}) | resolvconf -a {name}.bootagent || true"
        yield f"down resolvconf -d {name}.bootagent || true"


def _dynamic(interface: Interface, own_dns: bool) -> Iterator[str]:
    """What may wait for a server comes last."""
    name = str(interface.name)
    if interface.dhcp4:
        yield from dhcp4_lines(name, interface.metric, own_dns, interface.required)
        # udhcpc's scripts flush the device when the client starts.
        static = [item.ip for item in interface.addresses if item.ip.version == 4]
        yield from (f"up ip address replace {ip} dev {name} || true" for ip in static)
        yield from _routes(interface, 4)
    if interface.dhcp6:
        yield from dhcp6_lines(name, interface.dhcp6, own_dns, interface.required)
