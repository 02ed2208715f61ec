# SPDX-License-Identifier: Apache-2.0
"""Bonds as documents spell them: settings under many names, and the references among them.

Source of the names: https://docs.kernel.org/networking/bonding.html; ``model/bond.py`` holds their values' grammars.
"""

from __future__ import annotations

from bootagent.model.bond import parse_mode, parse_option
from bootagent.model.network import Bond
from bootagent.model.values import MacAddress, shown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from bootagent.formats.report import Report
    from bootagent.model.network import Link

DEFAULT_MODE = "active-backup"  # the one mode that needs nothing of the switch


def parse_bond(settings: Iterable[tuple[str, object, str]], origin: str, report: Report) -> Bond:
    """A bond of (name from ``bond.option_name``, value, where) settings, without members yet.

    ``primary`` is what the document says; ``find_primary`` makes a reference of it once the members are known.
    """
    mode = primary = ""
    options: dict[str, str] = {}
    for name, value, where in settings:
        if value is None or value == "":
            continue
        if name == "mode":
            mode = _parse_mode(value, where, report)
        elif name == "primary":
            primary = _parse_primary(value, where, report)
        else:
            try:
                canonical = parse_option(name, value)
            except ValueError as error:
                report.warning(where, str(error))
                continue
            if options.setdefault(name, canonical) != canonical:
                report.warning(where, f"{name} is {options[name]} already")
    if not mode:
        report.warning(origin, f"no bond mode, {DEFAULT_MODE} is used")
    return Bond(mode or DEFAULT_MODE, tuple(options.items()), primary=primary)


def _parse_mode(value: object, where: str, report: Report) -> str:
    if value == "802.1ad":  # so in the text of the nova spec that brought network_data.json
        report.info(where, "802.1ad is read as 802.3ad")
        return "802.3ad"
    try:
        return parse_mode(value)
    except ValueError as error:
        report.warning(where, f"{error}, {DEFAULT_MODE} is used")
        return DEFAULT_MODE


def _parse_primary(value: object, where: str, report: Report) -> str:
    if isinstance(value, str):
        return value
    report.warning(where, f"{shown(value)} is not the name of a member")
    return ""


def find_primary(text: str, members: Iterable[Link]) -> str:
    """The id of the member that ``text`` means by its id, its name or its MAC address; "" if none is meant."""
    try:
        mac = MacAddress(text)
    except ValueError:
        mac = None
    for member in members:
        if text in (member.id, member.name) or (mac is not None and mac == member.mac):
            return member.id
    return ""
