# SPDX-License-Identifier: Apache-2.0
"""Network configurations for tests: text in, and what it came to in a form that is quick to read."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from bootagent.formats.netconfig import parse_netconfig
from bootagent.formats.yamltext import parse_text

if TYPE_CHECKING:
    from bootagent.model.network import Addressing, Link, Network

DOC = "network-config"


def parse(text: str) -> tuple[Network | None, list[str]]:
    """The network, and the problems as ``severity place``."""
    network, problems = parse_netconfig(parse_text(DOC, textwrap.dedent(text).encode()), DOC)
    return network, [f"{problem.severity} {problem.where.removeprefix(f'{DOC}: ')}" for problem in problems]


def links_of(text: str, *expected: str) -> dict[str, Link]:
    """The links by id; the problems must be these."""
    network, problems = parse(text)
    assert problems == list(expected)
    assert network is not None
    return {link.id: link for link in network.links}


def routes_of(asked: Addressing) -> list[str]:
    return [f"{r.to} via {r.via}" + (f" metric {r.metric}" if r.metric is not None else "") for r in asked.routes]


def facts(link: Link) -> dict[str, object]:
    """All that a link asks for; what it does not ask for is left out."""
    asked = link.addressing
    found = {
        "mac": link.mac,
        "name": link.name,
        "mtu": link.mtu,
        "addresses": [str(address.ip) for address in asked.addresses],
        "routes": routes_of(asked),
        "dns": [str(server) for server in asked.dns.servers],
        "search": [str(domain) for domain in asked.dns.search],
        "dhcp4": asked.dhcp4,
        "dhcp6": asked.dhcp6,
        "slaac": asked.slaac,
        "bond": link.bond and (link.bond.mode, dict(link.bond.options), link.bond.members, link.bond.primary),
        "vlan": link.vlan and (int(link.vlan.id), link.vlan.parent),
        "pattern": link.pattern and (link.pattern.name, link.pattern.drivers),
    }
    return {key: value for key, value in found.items() if value}
