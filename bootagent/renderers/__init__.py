# SPDX-License-Identifier: Apache-2.0
"""How a backend, a network daemon, spells a network: one module a backend, its file name the backend's name.

A renderer is pure and has::

    NEEDS_NAMES = True                # whether it finds devices by kernel name only, so that late ones are waited for
    READS = ("/etc/network/interfaces", "/etc/network/interfaces.d/")  # others' files that are edited or may compete,
                                      # in host.texts where they are; a directory ends in a slash
    RUN = {"/etc/x/": "/run/x/"}      # where the backend reads the same files from /run; {} if nowhere
    FEEDS = frozenset({"resolvconf"}) # the resolvers (host.resolver) that get DNS from this backend
    UNSUPPORTED = {"field": "why"}    # what of the model the backend cannot say
    PARTLY = {"field": "when"}        # what it can say under a condition, or in its own way
    def render(network, host): -> Plan
    def render_reload(update) -> lines  # for sh(1), that have the daemon, which is at work, take what changed and leave
                                      # all else as it is; () if it does so by itself, None if only a boot does

Whether the backend runs at next boot, and which of several is taken, says ``_running.py`` for all of them.

``render`` gives the files for a ``BoundNetwork``, and problems about this machine (a file that competes, a device that
is not there).  Every field of the model is rendered or stands in ``UNSUPPORTED``, as ``bond.lacp_active``,
``route.metric``, ``match.driver``, or with a value, ``bond.arp_validate=filter``: ``render_for`` reports those.  What
stands in ``PARTLY``, spelled the same way, ``render`` reports itself when the condition is met.
"""

from __future__ import annotations

import os

from bootagent.errors import UsageError
from bootagent.renderers._limits import find_limits
from bootagent.renderers._running import running

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Protocol

    from bootagent.host import Host
    from bootagent.model.network import BoundNetwork
    from bootagent.model.plan import Plan
    from bootagent.renderers._update import Update

    class Renderer(Protocol):
        """What a module in this package is."""

        NEEDS_NAMES: bool
        READS: tuple[str, ...]
        RUN: Mapping[str, str]
        FEEDS: frozenset[str]
        UNSUPPORTED: Mapping[str, str]
        PARTLY: Mapping[str, str]

        def render(self, network: BoundNetwork, host: Host) -> Plan: ...

        def render_reload(self, update: Update) -> tuple[str, ...] | None: ...


__all__ = ["load", "names", "render_for", "running"]


def names() -> tuple[str, ...]:
    """The backends there are, sorted: presence in this directory is registration."""
    found = (entry.partition(".")[0] for entry in os.listdir(os.path.dirname(__file__)))
    return tuple(sorted({name.replace("_", "-") for name in found if name and name[0] != "_"}))


def load(name: str) -> Renderer:
    """The renderer of a backend; ``UsageError`` lists those there are."""
    try:
        module: Renderer = __import__(f"{__name__}.{name.replace('-', '_')}", fromlist=["render"])
    except ModuleNotFoundError:
        raise UsageError(f"unknown backend {name!a}: there are {', '.join(names())}") from None
    return module


def render_for(backend: str, network: BoundNetwork, host: Host) -> Plan:
    """The plan of a backend for a network, with a problem for each thing that the backend cannot say."""
    renderer = load(backend)
    plan = renderer.render(network, host)
    return plan._replace(problems=find_limits(network, renderer.UNSUPPORTED) + plan.problems)
