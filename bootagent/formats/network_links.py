# SPDX-License-Identifier: Apache-2.0
"""The ``links`` of network_data.json: devices, and the references among them.

Source: https://docs.openstack.org/nova/latest/user/metadata.html#openstack-format-metadata has the schema, from which
every producer differs.  A bond or a VLAN may stand before what it is made of: ``links.py`` resolves references later.

Two links of one id are both kept, and whatever names the id means the last of them, as in ironic's and glean's maps.
The earlier one gets another id, so that behind ``links.py`` ids are unique.
"""

from __future__ import annotations

from bootagent.formats.bonds import parse_bond
from bootagent.formats.links import Links, parse_mac, parse_mtu, resolve_links
from bootagent.model.bond import ENUMS, RANGES, option_name
from bootagent.model.network import Link, Vlan
from bootagent.model.values import InterfaceName, VlanId, shown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from bootagent.formats.report import Report
    from bootagent.model.values import MacAddress

MAX_LINKS = 4096

KEYS = {"id": ".id", "members": ".bond_links", "primary": ".bond_primary", "parent": ".vlan_link"}

# Types of the hypervisor's side: the guest sees a NIC, whatever it is plugged into.  A bridge is no bridge to make.
PHYSICAL_TYPES = frozenset(
    "phy ovs bridge tap vif dvs hw_veb hyperv vhostuser ethernet vrouter macvtap hostdev hostdev_physical ib_hostdev"
    " midonet iovisor ivs 802.1qbg 802.1qbh agilio_ovs unbound other binding_failed bgpovs cascading"
    " linux_bridge".split()
)


def parse_links(items: list[Any], base: str, report: Report) -> Links:
    """The links of a document, with every reference among them resolved; ``base`` is what places begin with."""
    found: list[Link] = []
    refused: set[str] = set()
    members: dict[str, list[str]] = {}  # by place, of bonds
    for index, raw in enumerate(items[:MAX_LINKS]):
        place = f"{base}links[{index}]"
        if not isinstance(raw, dict):
            report.error(place, "not an object")
            continue
        identity = parse_reference(raw.get("id"))
        link = _parse_link(raw, identity or place, place, report)
        if link is None:
            refused.add(identity)
            continue
        if not identity:
            report.warning(f"{place}.id", "no id, so that nothing can refer to this link")
        if link.bond is not None:
            members[place] = _parse_members(raw, place, report)
        found.append(link)
    if len(items) > MAX_LINKS:
        report.error(f"{base}links", f"more than {MAX_LINKS} links, the rest left out")
    first = items[0] if items and isinstance(items[0], dict) else {}
    stray = _references(first.get("bond_links")) if first.get("type") != "bond" else []
    return resolve_links(found, refused, members, stray, KEYS, report)


def parse_reference(value: object) -> str:
    """A link's id, or a reference to one, as text; "" if it is neither text nor a number."""
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else ""


def _parse_link(raw: dict[str, Any], identity: str, place: str, report: Report) -> Link | None:
    kind = raw.get("type")
    mtu = parse_mtu(raw.get("mtu"), f"{place}.mtu", report)
    said = raw.get("ethernet_mac_address")
    mac = parse_mac(said, f"{place}.ethernet_mac_address", report)
    name = _parse_name(raw.get("name"), f"{place}.name", report)
    if kind == "bond":
        bond = parse_bond(_bond_settings(raw, place), place, report)
        return Link(identity, mac, name or _name_of_id(identity, mac), mtu, bond=bond, origin=place)
    if kind == "vlan":
        vlan = _parse_vlan(raw, place, report)
        mac = parse_mac(raw.get("vlan_mac_address"), f"{place}.vlan_mac_address", report) or mac
        return vlan and Link(identity, mac, name or _name_of_id(identity, mac), mtu, vlan=vlan, origin=place)
    if kind is not None and not (isinstance(kind, str) and kind in PHYSICAL_TYPES):
        report.info(f"{place}.type", f"{shown(kind)} is not known, taken as a physical device")
    if mac is None and said:
        return None  # broken is not absent: its name could be that of another NIC
    name = name or _name_of_id(identity, mac)
    if mac is None and name is None:
        report.error(place, "neither a MAC address nor a device name to find it by")
        return None
    return Link(identity, mac, name, mtu, origin=place)


def _parse_name(value: object, where: str, report: Report) -> InterfaceName | None:
    if value is None or value == "":
        return None
    try:
        return InterfaceName(value)
    except ValueError as error:
        report.info(where, f"{error}, not used")
        return None


def _name_of_id(identity: str, mac: MacAddress | None) -> InterfaceName | None:
    """The id as a device name where it must serve as one (Metal3, oVirt): elsewhere it is the hypervisor's."""
    try:
        return InterfaceName(identity) if mac is None else None
    except ValueError:
        return None


def _bond_settings(raw: dict[str, Any], place: str) -> list[tuple[str, object, str]]:
    """Every key that speaks of the bond: ``bond_miimon``, ``bond-miimon``, and options of the driver said plainly."""
    settings: list[tuple[str, object, str]] = []
    for key, value in raw.items():
        name = option_name(key)
        prefixed = key[:5].lower() in ("bond_", "bond-")
        if name not in ("links", "slaves") and (prefixed or name in ENUMS or name in RANGES):
            where = f"{place}.{key}" if key.isidentifier() and len(key) <= 40 else f"{place}[{shown(key)}]"
            settings.append((name, value, where))
    return settings


def _parse_members(raw: dict[str, Any], place: str, report: Report) -> list[str]:
    value = raw.get("bond_links", raw.get("bond-links"))
    if value is not None and not isinstance(value, list):
        report.warning(f"{place}.bond_links", "not a list")
    return _references(value)


def _references(value: object) -> list[str]:
    return [parse_reference(item) for item in value] if isinstance(value, list) else []


def _parse_vlan(raw: dict[str, Any], place: str, report: Report) -> Vlan | None:
    parent = parse_reference(raw.get("vlan_link"))
    if not parent:
        report.error(f"{place}.vlan_link", "a VLAN without a parent")
        return None
    try:
        return Vlan(VlanId(raw.get("vlan_id")), parent)
    except ValueError as error:
        report.error(f"{place}.vlan_id", str(error))
        return None
