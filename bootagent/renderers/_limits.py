# SPDX-License-Identifier: Apache-2.0
"""What a backend cannot say, found from its own declaration: a field is rendered, or named in a problem."""

from __future__ import annotations

from bootagent.model.instance import Problem
from bootagent.model.network import Dns

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from bootagent.model.network import BoundNetwork, Interface

_UNSAID = (None, "", (), False, "off", Dns())
# Nothing of the document is lost: the kernel does that anyway, nothing but a wait changes, or it is the router's word
# against ours (RFC 4861 4.2, the flags M and O).
_HARMLESS = (
    *("bond.lacp_active=on", "bond.use_carrier=1", "interface.required=False"),
    *("interface.ra=routes", "interface.dhcp6=stateful", "interface.dhcp6=stateless"),
)


def find_limits(network: BoundNetwork, unsupported: Mapping[str, str]) -> tuple[Problem, ...]:
    """A problem for each thing in ``network`` that ``unsupported`` names as ``field`` or ``field=value``."""
    problems: dict[Problem, None] = {}
    for interface in network.interfaces if unsupported else ():
        for field, value, where in _said(interface):
            said = f"{field}={value}"
            reason = unsupported.get(field) or unsupported.get(said)
            if reason:
                severity = "info" if said in _HARMLESS else "warning"
                problems[Problem(severity, where, f"{said} is left out: {reason}")] = None
    return tuple(problems)


def _said(interface: Interface) -> Iterator[tuple[str, object, str]]:
    """Each field that says something, with its value and its place in the document."""
    where = interface.origin or interface.label
    yield "interface.required", interface.required, where
    for field in ("name", "mac", "mtu", "dhcp4", "ra", "dhcp6", "metric", "master"):
        if getattr(interface, field) not in _UNSAID:
            yield f"interface.{field}", getattr(interface, field), where
    for record, fields in ((interface.match, ("mac", "name", "driver")), (interface.dns, ("servers", "search"))):
        for field in fields if record else ():
            if getattr(record, field) not in _UNSAID:
                yield f"{'dns' if record is interface.dns else 'match'}.{field}", getattr(record, field), where
    for route in interface.routes:
        for field in ("via", "metric", "onlink"):
            if getattr(route, field) not in _UNSAID:
                yield f"route.{field}", getattr(route, field), route.origin or where
    if interface.bond:
        yield "bond.mode", interface.bond.mode, where
        if interface.bond.primary:
            yield "bond.primary", interface.bond.primary, where
        for option, value in interface.bond.options:
            yield f"bond.{option}", value, where
