# SPDX-License-Identifier: Apache-2.0
"""The ``route-`` and ``route6-`` files: each line is the arguments of ip-route(8).

https://github.com/fedora-sysv/initscripts/blob/main/network-scripts/ifup-routes
https://networkmanager.dev/docs/api/latest/nm-settings-ifcfg-rh.html

Default routes stand here too.  network-scripts take ``GATEWAY=`` only without DHCP and on the subnet of the first
address, ``IPV6_DEFAULTGW=`` always with the metric 1, and there is but one of each.
"""

from __future__ import annotations

from bootagent.renderers._ifcfg_device import HEADER

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from bootagent.model.network import Interface, Route

FILES = {4: "route", 6: "route6"}


def route_files(interface: Interface) -> Iterator[tuple[str, str]]:
    """The name and text of each file; no comment of others, because a backslash at its end would join the next line."""
    for version, stem in FILES.items():
        routes = [route for route in interface.routes if route.to.version == version and not is_unsaid(route)]
        if routes:
            lines = [_line(route, str(interface.name)) for route in routes]
            yield f"{stem}-{interface.name}", "".join(f"{line}\n" for line in (HEADER, *lines))


def is_unsaid(route: Route) -> bool:
    """Whether the gateway is of the other family: NetworkManager reads no such line."""
    return route.via is not None and route.via.version != route.to.version


def _line(route: Route, name: str) -> str:
    words = ["to", str(route.to)]
    if route.via is not None:
        words += ["via", str(route.via)]
    words += ["dev", name]  # what is not behind a gateway, or behind a link-local one, is found by it alone
    if route.onlink:
        words.append("onlink")
    if route.metric is not None:
        words += ["metric", str(route.metric)]
    return " ".join(words)
