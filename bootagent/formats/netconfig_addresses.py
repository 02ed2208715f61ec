# SPDX-License-Identifier: Apache-2.0
"""Addresses and routes of a network configuration, in what its versions have in common."""

from __future__ import annotations

from bootagent.formats.addressing import parse_gateway, parse_metric
from bootagent.formats.prefixes import fault_of_host, make_network, prefix_length, read_host, split_address
from bootagent.model.ip import DEFAULT, IPInterface
from bootagent.model.network import Address, Route

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from bootagent.formats.addressing import AddressingDraft
    from bootagent.formats.report import Report
    from bootagent.model.ip import IPAddress, IPNetwork

# What cloud-init takes where a document of version 1 says none (cloudinit/net/network_state.py).
_CLASSLESS = {4: 24, 6: 64}


def add_address(text: object, mask: object, where: str, draft: AddressingDraft, report: Report) -> int:
    """Take a static address, its netmask behind it or else ``mask``; its family, or 0 with the problem reported."""
    try:
        address, suffix = split_address(text)
        fault = fault_of_host(address)
        if fault:
            raise ValueError(f"{address} {fault}")
        length = _length(address, suffix, mask, where, report)
    except ValueError as error:
        report.error(where, str(error))
        return 0
    draft.add_address(Address(IPInterface(address, length), where))
    return address.version


def parse_route(
    raw: dict[str, Any], to_key: str, mask: object, via_key: str, place: str, report: Report
) -> Route | None:
    """A route; ``None``, with the problem reported, if it cannot be one."""
    is_default = raw.get(to_key) == "default"  # of which family, its gateway says
    where = f"{place}.{via_key if is_default else to_key}"
    try:
        if is_default:
            to: IPNetwork = DEFAULT[read_host(raw.get(via_key)).version]
        else:
            address, suffix = split_address(raw.get(to_key))
            length = _length(address, suffix, mask, where, report)
            to, cleared = make_network(address, length)
            if cleared:
                report.warning(where, f"{address} has bits outside the netmask, {to} is used")
        where = f"{place}.{via_key}"
        via = parse_gateway(raw.get(via_key), to.version)
    except ValueError as error:
        report.error(where, str(error))
        return None
    if via is None and to.prefixlen == 0:
        report.error(where, "a default route without a gateway")
        return None
    return Route(to, via, parse_metric(raw.get("metric"), f"{place}.metric", report), False, place)


def _length(address: IPAddress, suffix: str | None, mask: object, where: str, report: Report) -> int:
    said = mask if suffix is None else suffix
    if said is not None and said != "":
        return prefix_length(said, address.version)
    if address.number == 0:
        return 0
    length = _CLASSLESS[address.version]
    report.warning(where, f"no netmask, /{length} is used")
    return length


def whole_address(text: object) -> object:
    """``text`` with the prefix length of one host, where it has none (netplan's ``to``)."""
    if not isinstance(text, str) or "/" in text or text == "default":
        return text
    try:
        return f"{text}/{split_address(text)[0].max_prefixlen}"
    except ValueError:
        return text


def report_no_mapping(raw: object, place: str, report: Report) -> bool:
    """Whether ``raw`` is no mapping, which is reported."""
    if isinstance(raw, dict):
        return False
    report.error(place, "not a mapping")
    return True
