# SPDX-License-Identifier: Apache-2.0
"""How a backend, a network daemon, spells a network: one module a backend, its file name the backend's name.

A renderer is pure and has::

    PRIORITY = 20                     # of several that are enabled, the lowest is taken
    NEEDS_NAMES = True                # whether it finds devices by kernel name only, so that late ones are waited for
    FEEDS = frozenset({"resolvconf"}) # the resolvers (host.resolver) that get DNS from this backend
    UNSUPPORTED = frozenset({"..."})  # fields of the model that the backend cannot say
    def available(host): -> bool      # whether the backend runs at next boot, from facts in ``Host``
    def render(network, host): -> Plan

``render`` gives files and problems for a ``BoundNetwork``; every field of the model is rendered, or named in a problem.
``UNSUPPORTED`` names a field as ``bond.lacp_active``, ``route.metric``, ``interface.match.driver``.
"""

from __future__ import annotations

import os

from bootagent.errors import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    from bootagent.host import Host
    from bootagent.model.network import BoundNetwork
    from bootagent.model.plan import Plan

    class Renderer(Protocol):
        """What a module in this package is."""

        PRIORITY: int
        NEEDS_NAMES: bool
        FEEDS: frozenset[str]
        UNSUPPORTED: frozenset[str]

        def available(self, host: Host) -> bool: ...

        def render(self, network: BoundNetwork, host: Host) -> Plan: ...


def names() -> tuple[str, ...]:
    """The backends there are, sorted: presence in this directory is registration."""
    found = (entry.partition(".")[0] for entry in os.listdir(os.path.dirname(__file__)))
    return tuple(sorted({name.replace("_", "-") for name in found if name and name[0] != "_"}))


def load(name: str) -> Renderer:
    """The renderer of a backend; ``UsageError`` lists those there are."""
    if name not in names():
        raise UsageError(f"unknown backend {name!a}: there are {', '.join(names())}")
    module: Renderer = __import__(f"{__name__}.{name.replace('-', '_')}", fromlist=["render"])
    return module
