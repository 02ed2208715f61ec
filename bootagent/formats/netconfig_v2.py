# SPDX-License-Identifier: Apache-2.0
"""Network configuration version 2: https://docs.cloud-init.io/en/latest/reference/network-config-format-v2.html.

It is netplan's grammar, https://netplan.readthedocs.io/en/stable/netplan-yaml/, with devices by id below their kind.  A
NIC is found by the address, the name, or the patterns that ``match`` gives, or by its id where there is no ``match``,
and never renamed.  ``netconfig_v2_addresses.py`` has what stands below a device of any kind.
"""

from __future__ import annotations

from bootagent.formats.addressing import AddressingDraft
from bootagent.formats.bonds import parse_bond
from bootagent.formats.links import parse_mac, parse_mtu
from bootagent.formats.netconfig_addresses import report_no_mapping
from bootagent.formats.netconfig_devices import MAX_DEVICES, Devices, at, parse_name, report_unused
from bootagent.formats.netconfig_made import make_link, parse_members, parse_vlan
from bootagent.formats.netconfig_v2_addresses import KEYS as ADDRESSING_KEYS
from bootagent.formats.netconfig_v2_addresses import parse_addressing
from bootagent.model.bond import option_name
from bootagent.model.network import Link, Network, Pattern
from bootagent.model.values import shown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from bootagent.formats.report import Report
    from bootagent.model.network import Bond
    from bootagent.model.values import InterfaceName, MacAddress

KEYS = {"id": "", "members": ".interfaces", "primary": ".parameters.primary", "parent": ".link"}
# Kinds of device, with the keys of each beside those of all; None: one that is not made.
KINDS: dict[str, tuple[str, ...] | None] = {
    "ethernets": ("match", "set-name"),
    "bonds": ("interfaces", "parameters", "macaddress"),
    "vlans": ("id", "link", "macaddress"),
    "bridges": None,
    "wifis": None,
    "modems": None,
    "tunnels": None,
    "vrfs": None,
    "dummy-devices": None,
    "virtual-ethernets": None,
    "nm-devices": None,
}
_PATTERN = frozenset("*?[]!")
_MAX_PATTERN = 64

# Parameters of a bond whose names are not the kernel's, nor a spelling that ``model/bond.py`` knows.
_PARAMETERS = {
    "fail-over-mac-policy": "fail_over_mac",
    "primary-reselect-policy": "primary_reselect",
    "gratuitous-arp": "num_grat_arp",
    "gratuitious-arp": "num_grat_arp",  # so in netplan before 0.99
    "learn-packet-interval": "lp_interval",
    "all-members-active": "all_slaves_active",
    "packets-per-member": "packets_per_slave",
}
_MILLISECONDS = ("miimon", "arp_interval", "updelay", "downdelay")


def parse_v2(data: dict[str, Any], base: str, report: Report) -> Network:
    """The network of a document whose version is 2; ``base`` is what places begin with."""
    report_unused(data, ("version", "renderer", *KINDS), base, report)
    if data.get("renderer"):
        report.info(f"{base}renderer", "the backend is the one that runs")
    devices = Devices(report)
    count = 0
    for kind, section in data.items():
        if kind not in KINDS or section is None or report_no_mapping(section, f"{base}{kind}", report):
            continue
        for identity, raw in section.items():
            count += 1
            if count > MAX_DEVICES:
                report.error(f"{base}{kind}", f"more than {MAX_DEVICES} devices, the rest left out")
                break
            _parse_device(kind, identity, {} if raw is None else raw, f"{base}{kind}{at(identity)}", devices, report)
    return Network(devices.finish(KEYS))


def _parse_device(kind: str, identity: str, raw: Any, place: str, devices: Devices, report: Report) -> None:
    link = members = None
    keys = KINDS[kind]
    if keys is None:
        report.error(place, f"a device of {kind} is not made")
    elif not report_no_mapping(raw, place, report):
        if kind == "ethernets":
            link = _parse_ethernet(raw, identity, place, report)
        elif kind == "bonds":
            members = parse_members(raw.get("interfaces"), f"{place}.interfaces", report)
            link = make_link(raw, identity, "macaddress", place, report, bond=_parse_bond(raw, place, report))
        else:
            vlan = parse_vlan(raw, "id", "link", place, report)
            link = vlan and make_link(raw, identity, "macaddress", place, report, vlan=vlan)
    if link is None or keys is None:
        devices.refused.add(identity)
        return
    report_unused(raw, (*ADDRESSING_KEYS, *keys), place, report)
    draft = AddressingDraft()
    parse_addressing(raw, place, draft, report)
    devices.accept_ra(raw.get("accept-ra"), f"{place}.accept-ra", place, draft)
    devices.add(link, draft, members)


def _parse_ethernet(raw: dict[str, Any], identity: str, place: str, report: Report) -> Link | None:
    mac = pattern = None
    if raw.get("match") is None:
        name = parse_name(identity, place, report)
    else:
        mac, name, pattern = _parse_match(raw["match"], f"{place}.match", report)
    if mac is None and name is None and pattern is None:
        report.error(place, "neither a MAC address nor the name of a device to find it by: left out")
        return None
    if raw.get("set-name") and raw["set-name"] != name:
        report.info(f"{place}.set-name", f"the NIC is not renamed to {shown(raw['set-name'])}")
    mtu = parse_mtu(raw.get("mtu"), f"{place}.mtu", report)
    return Link(identity, mac, name, mtu, origin=place, pattern=pattern)


def _parse_match(
    match: Any, place: str, report: Report
) -> tuple[MacAddress | None, InterfaceName | None, Pattern | None]:
    """What a NIC is found by: the address, or else the name, or else patterns, which may mean several."""
    if report_no_mapping(match, place, report):
        return None, None, None
    report_unused(match, ("macaddress", "name", "driver"), place, report)
    said, name, driver = match.get("macaddress"), match.get("name"), match.get("driver")
    mac = parse_mac(said, f"{place}.macaddress", report)
    if mac is not None or said:
        for key, value in (("name", name), ("driver", driver)):
            if value and mac is not None:
                report.info(f"{place}.{key}", "not looked at: the NIC is found by its address")
        return mac, None, None  # a broken address is not an absent one: the name could be that of another NIC
    if name and not (isinstance(name, str) and _PATTERN.intersection(name)):
        if driver:
            report.warning(f"{place}.driver", "not looked at: the NIC is found by its name")
        return None, parse_name(name, f"{place}.name", report), None
    drivers = _parse_globs(driver, f"{place}.driver", report)
    names = _parse_globs(name, f"{place}.name", report)
    if (driver and not drivers) or (name and not names):
        return None, None, None  # what is left of a condition means more than all of it
    return None, None, Pattern(names[0] if names else "", drivers) if names or drivers else None


def _parse_globs(value: object, where: str, report: Report) -> tuple[str, ...]:
    """Patterns, one or a list; none where one of them cannot be one."""
    items = value if isinstance(value, list) else [value] if value else []
    for item in items:
        if not isinstance(item, str) or not 1 <= len(item) <= _MAX_PATTERN or not item.isprintable():
            report.warning(where, f"{shown(item)} is no pattern")
            return ()
    return tuple(items)


def _parse_bond(raw: dict[str, Any], place: str, report: Report) -> Bond:
    parameters = raw.get("parameters")
    settings = []
    if parameters is not None and not report_no_mapping(parameters, f"{place}.parameters", report):
        for key, value in parameters.items():
            name = _PARAMETERS.get(key) or option_name(key)
            settings.append((name, _parameter(name, value), f"{place}.parameters{at(key)}"))
    return parse_bond(settings, place, report)


def _parameter(name: str, value: object) -> object:
    """A value as the kernel has it: a time may have a unit behind it."""
    if isinstance(value, str) and name in _MILLISECONDS:
        number = value.removesuffix("ms").removesuffix("s")
        if number.isascii() and number.isdecimal() and len(number) <= 9:
            return int(number) * (1 if value.endswith("ms") or number == value else 1000)
    return value
