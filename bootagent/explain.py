# SPDX-License-Identifier: Apache-2.0
"""``bootagent explain KEY``: where a value of this boot came from, and what it was preferred to.

All of it is in the status; this says it in sentences, one a line.
"""

from __future__ import annotations

import sys

from bootagent.errors import SourceError, UsageError
from bootagent.status import read_status

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from bootagent.root import Root

    Status = dict[str, Any]

UNSAID = "no document says one"


def explain(root: Root, key: str) -> int:
    """Print what is known of ``key``; ``UsageError`` with the keys that there are."""
    place, status = read_status(root)
    try:
        lines = list(_lines(status, key))
        known = sorted({*VALUES, *(_name(interface) for interface in status["interfaces"]), *status["unlisted"]})
    except (KeyError, TypeError, AttributeError) as error:
        raise SourceError(place, "damaged") from error
    if not lines:
        raise UsageError(f"explain: {key!a} is none of {', '.join(known)}, nor a file or an option of this boot")
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    return 0


def _lines(status: Status, key: str) -> Iterator[str]:
    if key in VALUES:
        yield from VALUES[key](status)
    for interface in status["interfaces"]:
        if key in (interface["name"], interface["mac"]):
            yield from _interface(interface)
    if key in status["unlisted"]:
        yield f"{key}: DHCP, because no document names it ({_option(status, 'fallback')})"
    for change in status["changes"]:
        if change["path"] == key:
            yield f"{key}: {change['result']}, for {status['areas'].get(key) or 'the agent itself'}"
    if key in status["options"]:
        yield f"option {key}: from {status['options'][key]}"
    yield from _problems(status, key)


def _interface(interface: dict[str, Any]) -> Iterator[str]:
    name = _name(interface)
    yield f"{name}: {interface['origin']}" + ("" if interface["present"] else ": no such device yet")
    if interface["master"]:
        yield f"{name}: a member of {interface['master']}"
    if interface["mtu"]:
        yield f"MTU {interface['mtu']}: {interface['origin']}"
    for field, text in (("dhcp4", "DHCPv4"), ("dhcp6", "DHCPv6")):
        if interface[field]:
            yield f"{text}: {interface['origin']}"
    if interface["ra"] != "off":
        yield f"router advertisements, {interface['ra']}: decision 5 of docs/design.rst"
    yield from (f"address {item['address']}: {item['origin']}" for item in interface["addresses"])
    for item in interface["routes"]:
        yield f"route {item['to']} via {item['via'] or 'the link'}: {item['origin']}"


def _source(status: Status) -> Iterator[str]:
    why = status["why"]
    name = status["source"] or why["awaited"]
    yield f"source: {name or 'none'}" + (f" {status['place']}" if status["place"] else "")
    if why["taken"]:
        yield f"because: {why['taken']}"
    if why["awaited"] and not status["source"]:
        yield "it is to be asked once the network is up"
    yield f"documents: {', '.join(status['documents']) or 'none'}"
    yield from (f"not {other}: {reason}" for other, reason in why["others"].items())
    if status["source"] and not why["others"]:
        yield "no service was looked at: a drive beats the network"


def _backend(status: Status) -> Iterator[str]:
    yield f"backend: {status['backend']}: {status['reason']}"


def _hostname(status: Status) -> Iterator[str]:
    name = status["instance"]["hostname"]
    yield f"hostname: {name or 'unchanged'}: {status['origins'].get('hostname', UNSAID)}"
    yield f"as the whole name, its first part, or not at all: {_option(status, 'hostname')}"


def _id(status: Status) -> Iterator[str]:
    yield f"id: {status['instance']['id'] or '-'}: {status['origins'].get('id', UNSAID)}"


def _keys(status: Status) -> Iterator[str]:
    for user, count in status["instance"]["ssh_keys"].items():
        yield f"SSH keys: {count} for {user}: {status['origins'].get('ssh_keys', UNSAID)}"
    yield f"for these users: {_option(status, 'users')}"


def _option(status: Status, key: str) -> str:
    return f"option {key}, {'from ' + status['options'][key] if key in status['options'] else 'by default'}"


def _problems(status: Status, key: str) -> Iterator[str]:
    """What was said about the place itself, or about a field of its name."""
    for item in status["problems"]:
        if item["where"] == key or item["where"].endswith(f": {key}"):
            yield f"{item['severity']}: {item['where']}: {item['message']}"


def _name(interface: dict[str, Any]) -> str:
    return str(interface["name"] or interface["mac"])


VALUES: dict[str, Callable[[Status], Iterator[str]]] = {
    "source": _source,
    "backend": _backend,
    "hostname": _hostname,
    "id": _id,
    "ssh_keys": _keys,
}
