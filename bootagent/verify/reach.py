# SPDX-License-Identifier: Apache-2.0
"""Whether anybody beyond the link can be reached: whether a gateway of a default route answers on the link.

Only where the option ``on-failure: revert`` asks for it is anything sent: one datagram for each gateway, to the port
for what is thrown away (RFC 863), so that the kernel asks for the gateway's address.
"""

from __future__ import annotations

import socket

from bootagent.verify.compare import UNREACHABLE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from bootagent.model.network import BoundNetwork
    from bootagent.verify.live import Live

DISCARD = 9


def ask_gateways(live: Live) -> None:
    """Have the kernel look for the gateway of each default route that it has."""
    for way in live.ways:
        if way.via is not None and way.to.prefixlen == 0:
            family = socket.AF_INET if way.via.version == 4 else socket.AF_INET6
            with socket.socket(family, socket.SOCK_DGRAM) as asking:
                try:
                    scope = socket.if_nametoindex(way.device) if way.via.is_link_local else 0
                    asking.sendto(b"", (str(way.via), DISCARD, 0, scope) if scope else (str(way.via), DISCARD))
                except OSError:
                    continue  # a way that leads nowhere is what is looked for


def is_cut_off(network: BoundNetwork, live: Live) -> bool:
    """Whether ``network`` has a way out and the kernel has none that answers.

    A gateway that nobody asked for yet counts as one that does.
    """
    wanted = any(route.to.prefixlen == 0 for interface in network.interfaces for route in interface.routes)
    leased = any(interface.dhcp4 or interface.ra == "full" for interface in network.interfaces)
    if not (wanted or leased or network.unlisted):
        return False
    states = [
        live.neighbours.get((way.device, str(way.via)), 0)
        for way in live.ways
        if way.via is not None and way.to.prefixlen == 0
    ]
    return all(state & UNREACHABLE for state in states)
