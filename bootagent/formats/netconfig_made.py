# SPDX-License-Identifier: Apache-2.0
"""The devices of a network configuration that are made: bonds and VLANs, whatever its version calls their keys."""

from __future__ import annotations

from bootagent.formats.links import parse_mac, parse_mtu
from bootagent.formats.netconfig_devices import parse_name
from bootagent.formats.network_links import parse_reference
from bootagent.model.network import Link, Vlan
from bootagent.model.values import VlanId

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from bootagent.formats.report import Report
    from bootagent.model.network import Bond


def make_link(
    raw: dict[str, Any],
    identity: str,
    mac_key: str,
    place: str,
    report: Report,
    bond: Bond | None = None,
    vlan: Vlan | None = None,
) -> Link:
    """The link of a bond or a VLAN, called as its id says where a device can be called that."""
    mac = parse_mac(raw.get(mac_key), f"{place}.{mac_key}", report)
    name = parse_name(identity, place, report) if identity else None
    mtu = parse_mtu(raw.get("mtu"), f"{place}.mtu", report)
    return Link(identity or place, mac, name, mtu, bond=bond, vlan=vlan, origin=place)


def parse_members(value: object, where: str, report: Report) -> list[str]:
    """The ids of a bond's members."""
    if value is not None and not isinstance(value, list):
        report.error(where, "not a list")
    return [parse_reference(item) for item in value] if isinstance(value, list) else []


def parse_vlan(raw: dict[str, Any], id_key: str, parent_key: str, place: str, report: Report) -> Vlan | None:
    """The VLAN's number and the id of its parent; None with the problem reported."""
    parent = parse_reference(raw.get(parent_key))
    if not parent:
        report.error(f"{place}.{parent_key}", "a VLAN without a parent")
        return None
    try:
        return Vlan(VlanId(raw.get(id_key)), parent)
    except ValueError as error:
        report.error(f"{place}.{id_key}", str(error))
        return None
