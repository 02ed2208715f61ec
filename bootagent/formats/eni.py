# SPDX-License-Identifier: Apache-2.0
"""The Debian ``interfaces`` file as a cloud's document: ``content/0000`` of a drive.

Source: interfaces(5), https://manpages.debian.org/stable/ifupdown/interfaces.5.en.html; nova's
nova/virt/interfaces.template, Proxmox and PowerVS write it.  Options have "-" or "_", and also the spellings of
ifupdown2 and ifupdown-ng.  A command in it is never executed: one that adds a route is read as that route.

What the file says of one device, in any number of stanzas, alias stanzas (``eth0:1``) among them, is one link.
"""

from __future__ import annotations

from bootagent.formats.addressing import AddressingDraft, Resolvers, parse_metric
from bootagent.formats.bonds import parse_bond
from bootagent.formats.eni_routes import parse_route_command
from bootagent.formats.eni_stanzas import parse_stanzas
from bootagent.formats.links import parse_mac, parse_mtu, resolve_links
from bootagent.formats.prefixes import fault_of_host, prefix_length, split_address
from bootagent.formats.report import Report
from bootagent.model.bond import option_name
from bootagent.model.ip import IPInterface
from bootagent.model.network import Address, Link, Network, Vlan
from bootagent.model.values import InterfaceName, VlanId, shown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from bootagent.formats.eni_stanzas import Stanza
    from bootagent.model.instance import Problem
    from bootagent.model.values import MacAddress, Mtu

MAX_TEXT = 1 << 20  # bytes

KEYS = {"id": "", "members": ": bond-slaves", "primary": ": bond-primary", "parent": ": vlan-raw-device"}

# What follows from the rest, or what the planner decides for every format alike.
_NO_NEED = frozenset(
    "broadcast network scope label accept-ra autoconf privext dad-attempts dad-interval preferred-lifetime"
    " request-prefix ll-attempts ll-interval".split()
)
_COMMANDS = frozenset(("pre-up", "down", "pre-down", "post-down"))


class _Device:
    """What all stanzas say of one device."""

    __slots__ = ("bond", "bridge", "draft", "mac", "master", "members", "mtu", "name", "raw_device", "vlan_id", "where")

    def __init__(self, name: InterfaceName, where: str) -> None:
        self.name = name
        self.where = where
        self.draft = AddressingDraft()
        self.mac: MacAddress | None = None
        self.mtu: Mtu | None = None
        self.bond: dict[str, tuple[str, object, str]] = {}  # settings by name
        self.members: dict[str, str] | None = None  # of a bond, with the place of each
        self.master: tuple[str, str] | None = None  # the bond that this is a member of, and the place that says so
        self.bridge = ""  # the place that asks for one
        self.vlan_id = ""
        self.raw_device = ""
        stem, dot, number = name.rpartition(".")
        if dot and number.isdigit():
            self.raw_device, self.vlan_id = stem, number
        elif name.startswith("vlan") and name[4:].isdigit():
            self.vlan_id = name[4:]


def parse_eni(text: bytes, document: str) -> tuple[Network, tuple[Problem, ...]]:
    """The network of an ``interfaces`` file."""
    report = Report()
    if len(text) > MAX_TEXT:
        report.error(document, f"more than {MAX_TEXT} bytes")
        return Network(), report.problems()
    devices: dict[str, _Device] = {}
    common = Resolvers()
    for stanza in parse_stanzas(text, document, report):
        if stanza.method == "loopback":  # where Proxmox writes the resolvers of the whole machine
            for key, value, where in stanza.options:
                if key.startswith("dns-"):
                    _apply_dns(key, value, where, common, report)
        else:
            device = devices.setdefault(stanza.name, _Device(stanza.name, stanza.where))
            _apply_stanza(stanza, device, report)
    links = _make_links(devices, report)
    return Network(links, common.without(links)), report.problems()


def _apply_stanza(stanza: Stanza, device: _Device, report: Report) -> None:
    """Add what a stanza says to what is known of its device."""
    asked: dict[str, list[tuple[str, str]]] = {}
    for key, value, where in stanza.options:
        if key.startswith("dns-"):
            _apply_dns(key, value, where, device.draft, report)
        elif key.startswith("bond-") or key == "slaves":
            _apply_bond(option_name(key), value, where, device)
        elif key in _COMMANDS:
            report.info(where, "a command is never executed")
        elif key in ("address", "netmask", "gateway", "metric", "dhcp", "up", "post-up"):
            asked.setdefault(key, []).append((value, where))
        elif key not in _NO_NEED:
            _apply_option(key, value, where, device, report)
    _apply_addressing(stanza, asked, device, report)


def _apply_dns(key: str, value: str, where: str, resolvers: Resolvers, report: Report) -> None:
    if key in ("dns-nameservers", "dns-nameserver"):
        resolvers.add_servers(value, where, report)
    elif key in ("dns-search", "dns-domain"):
        resolvers.add_search(value, where, report)
    else:
        report.warning(where, f"{shown(key)} is not used")


def _apply_bond(name: str, value: str, where: str, device: _Device) -> None:
    if name == "slaves":
        device.members = device.members or {}
        for member in value.split():
            if member != "none":
                device.members[member] = where
    elif name == "master":
        device.master = (value, where)
    elif name == "primary":
        device.bond[name] = (name, value.partition(" ")[0], where)
    else:
        device.bond[name] = (name, value, where)


def _apply_option(key: str, value: str, where: str, device: _Device, report: Report) -> None:
    if key == "hwaddress":
        device.mac = parse_mac(value.rpartition(" ")[2], where, report) or device.mac  # behind "ether"
    elif key == "mtu":
        device.mtu = parse_mtu(value, where, report) or device.mtu
    elif key == "vlan-raw-device":
        device.raw_device = value
    elif key == "vlan-id":
        device.vlan_id = value
    elif key == "bridge-ports":
        device.bridge = where
    else:
        report.warning(where, f"{shown(key)} is not used")


def _apply_addressing(stanza: Stanza, asked: dict[str, list[tuple[str, str]]], device: _Device, report: Report) -> None:
    draft = device.draft
    version = 6 if stanza.family == "inet6" else 4
    if stanza.method == "dhcp4":
        draft.dhcp4 = True
    elif stanza.method == "dhcp6":
        draft.dhcp6 = "stateful"
    elif stanza.method == "slaac":
        draft.slaac = True
        if asked.get("dhcp", [("0", "")])[0][0] == "1":
            draft.dhcp6 = draft.dhcp6 or "stateless"
    elif stanza.method == "static" or (stanza.method == "either" and asked.get("address")):
        netmask = asked.get("netmask", [(None, "")])[0]
        if not asked.get("address"):
            report.error(stanza.where, "no address")
        versions = [_add_address(stanza, item, netmask, draft, report) for item in asked.get("address", [])]
        if not any(versions):
            return  # no address, so no routes
        version = next(filter(None, versions))
    metric = parse_metric(*asked["metric"][0], report) if "metric" in asked else None
    for value, where in asked.get("gateway", []):
        draft.add_gateway(value, version, where, report, metric)
    for value, where in asked.get("up", []) + asked.get("post-up", []):
        _add_route(value, where, device, report)


def _add_address(
    stanza: Stanza, item: tuple[str, str], netmask: tuple[str | None, str], draft: AddressingDraft, report: Report
) -> int:
    """Take a static address; its family, or 0 with the problem reported if it is none."""
    value, where = item
    try:
        address, suffix = split_address(value)
        fault = fault_of_host(address)
        if fault:
            raise ValueError(f"{address} {fault}")
        mask, where = (suffix, where) if suffix else (netmask[0], netmask[1] or where)
        if not mask and address.version == 6:
            report.warning(where, "no netmask, /64 is used")
            mask = "64"
        elif not mask:
            raise ValueError("no netmask")
        length = prefix_length(mask, address.version)
    except ValueError as error:
        report.error(where, str(error))
        return 0
    if stanza.family and stanza.family != ("inet" if address.version == 4 else "inet6"):
        report.warning(item[1], f"{stanza.family} with an IPv{address.version} address")
    draft.add_address(Address(IPInterface(address, length), stanza.where))
    return address.version


def _add_route(command: str, where: str, device: _Device, report: Report) -> None:
    try:
        route, cleared = parse_route_command(command, device.name, where)
    except ValueError as error:
        report.warning(where, f"{error}; no other command is followed, and none executed")
        return
    if cleared:
        report.warning(where, f"the destination has bits outside the netmask, {route.to} is used")
    device.draft.add_route(route)


def _make_links(devices: dict[str, _Device], report: Report) -> tuple[Link, ...]:
    """The links of the devices, and of those that bonds and VLANs only name."""
    for device in list(devices.values()):
        if device.master is not None:
            master = _imply(device.master[0], device.master[1], devices, report)
            if master is not None:
                master.members = master.members or {}
                master.members[device.name] = device.master[1]
    for device in list(devices.values()):
        for member, where in (device.members or {}).items():
            _imply(member, where, devices, report)
        if device.vlan_id and device.raw_device:
            _imply(device.raw_device, device.where, devices, report)
    found: list[Link] = []
    refused: set[str] = set()
    for device in devices.values():
        link = _make_link(device, report)
        if link is None:
            refused.add(device.name)
        else:
            found.append(link)
    bonds = [device for device in devices.values() if device.bond or device.members is not None]
    members = {device.where: list(device.members or ()) for device in bonds}
    return tuple(resolve_links(found, refused, members, [], KEYS, report).by_id.values())


def _imply(text: str, where: str, devices: dict[str, _Device], report: Report) -> _Device | None:
    """The device of this name, which need not have a stanza of its own."""
    if text not in devices:
        try:
            devices[text] = _Device(InterfaceName(text), where)
        except ValueError as error:
            report.warning(where, str(error))
    return devices.get(text)


def _make_link(device: _Device, report: Report) -> Link | None:
    if device.bridge:
        report.error(device.bridge, "no bridge is made")
        return None
    bond = vlan = None
    if device.bond or device.members is not None:
        bond = parse_bond(device.bond.values(), device.where, report)
    elif device.vlan_id:
        try:
            vlan = Vlan(VlanId(device.vlan_id.lstrip("0")), device.raw_device)
        except ValueError as error:
            report.error(device.where, str(error))
            return None
        if not device.raw_device:
            report.error(device.where, "a VLAN without a parent")
            return None
    addressing = device.draft.finish(report)
    return Link(device.name, device.mac, device.name, device.mtu, addressing, bond, vlan, device.where)
