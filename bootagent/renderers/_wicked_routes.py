# SPDX-License-Identifier: Apache-2.0
"""The static routes of one device, ifroute(5): destination, gateway, netmask (deprecated), device, options.

The options of a route with one gateway have no "onlink" (it belongs to a "nexthop" of many), and a line with an unknown
option is lost.  A route to the gateway itself says the same, and wicked adds routes without a gateway first.
"""

from __future__ import annotations

from bootagent.model.instance import Problem

TYPE_CHECKING = False
if TYPE_CHECKING:
    from bootagent.model.network import Interface, Route


def ifroute_lines(interface: Interface, problems: list[Problem]) -> list[str]:
    """The lines of a device; none for a route that wicked cannot have."""
    name = str(interface.name)
    routes = [route for route in interface.routes if _has_one_family(route, interface, problems)]
    gateways = [f"{route.via}/{route.via.max_prefixlen} - - {name}" for route in routes if route.via and route.onlink]
    return list(dict.fromkeys((*gateways, *(_line(route, name) for route in routes))))


def _has_one_family(route: Route, interface: Interface, problems: list[Problem]) -> bool:
    if route.via is None or route.via.version == route.to.version:
        return True
    where = route.origin or interface.origin or interface.label
    reason = f"wicked takes no gateway of the other family, so there is no route to {route.to}"
    problems.append(Problem("error", where, f"route.via={route.via} is left out: {reason}"))
    return False


def _line(route: Route, name: str) -> str:
    # "default" is of the family of its gateway; without one the destination has to be written out.
    to = "default" if route.via is not None and route.to.prefixlen == 0 else str(route.to)
    metric = "" if route.metric is None else f" metric {route.metric}"
    return f"{to} {route.via or '-'} - {name}{metric}"
