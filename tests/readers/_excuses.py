# SPDX-License-Identifier: Apache-2.0
"""A reading beside the network that it should be, but for what a problem of the plan names: that device, that value."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from bootagent import renderers
from tests.readers import BY_FLAGS, Device, Reading, Route, differences, expected, key_of, reader, spelled

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from bootagent.model.instance import Problem
    from bootagent.model.network import BoundNetwork, Interface


class Excuse(NamedTuple):
    """A field that a problem names at a place, with the values it speaks of; none: all."""

    where: str
    field: str  # of ``Device``, or the kernel's name of a bond option, or "route.metric" and the like
    values: frozenset[str]


# What problems say: a field of the model by its name, or one of these.
SENTENCES = (
    (re.compile(r"(?P<field>[a-z]+\.\w+)(=(?P<value>.*?))? is left out"), None),
    (re.compile(r"(?P<field>dns\.\w+)( (?P<value>.*?))?:? left out"), None),
    (re.compile(r"the route to (?P<value>\S+) is left out"), "route.to"),
    (re.compile(r"(?P<value>[0-9a-f.:]+/\d+) is left out"), "addresses"),
    (re.compile(r"MTU (?P<value>\d+) is left out"), "mtu"),
    (re.compile(r"online (waits|may wait) for it"), "required"),
)
FIELDS = {"dns.servers": "dns", "dns.search": "search", "bond.mode": "bond"}


def compare(
    network: BoundNetwork,
    backend: str,
    files: Mapping[str, str],
    problems: Sequence[Problem] = (),
    excused: frozenset[str] = frozenset(),
) -> list[str]:
    """What ``files`` say otherwise than ``network``, and no problem names; ``excused`` fields are not looked at."""
    module = reader(backend)
    wanted, found = expected(network, backend), module.read(files)
    by_name = renderers.load(backend).NEEDS_NAMES
    reported = " ".join(f"{problem.where} {problem.message}" for problem in problems)
    unlisted = [name for name in network.unlisted or () if name not in wanted]
    lines = _fallback(network, unlisted, found, reported if by_name else None)
    keys = {str(i.name): key_of(i, by_name) for i in network.interfaces if i.name}
    excuses = [excuse for problem in problems for excuse in _excuses(problem)]
    for interface in network.interfaces:
        key = key_of(interface, by_name)
        if key in wanted and key in found:
            found[key] = _same_references(found[key], keys)
            wanted[key], found[key] = _forgiven(interface, wanted[key], found[key], excuses)
            if getattr(module, "FAMILIES_APART", False):  # servers of one family are told apart from those of the other
                wanted[key] = replace(wanted[key], dns=tuple(sorted(wanted[key].dns, key=lambda ip: ":" in ip)))
    return lines + differences(wanted, found, excused)


def _fallback(network: BoundNetwork, unlisted: Iterable[str], found: Reading, reported: str | None) -> list[str]:
    """The NICs that no document names leave ``found``; it is waited for them if there is nothing else.

    A backend by names has them all, but those that it reports; one that does not need names says "all others".
    """
    lines = []
    required = any(interface.required for interface in network.interfaces)
    for name in unlisted:
        device = found.pop(name, None)
        if device is None and reported is not None and name not in reported:
            lines.append(f"{name}: no fallback")
        elif device and (not device.dhcp4 or (device.required and required) or device.addresses or device.master):
            lines.append(f"{name}: a fallback of {device}")
    return lines


def _excuses(problem: Problem) -> Iterable[Excuse]:
    for sentence, field in SENTENCES:
        if match := sentence.match(problem.message):
            named = field or match["field"]
            value = match.groupdict().get("value")
            values = frozenset(re.split(",? ", value)) if value else frozenset()
            yield Excuse(problem.where, FIELDS.get(named, named), values)
            return


def _same_references(device: Device, keys: Mapping[str, str]) -> Device:
    """``device`` with references by kernel name, where a backend wants them so, as references by key."""
    return replace(
        device,
        primary=keys.get(device.primary, device.primary),
        parent=keys.get(device.parent, device.parent),
        members=frozenset(keys.get(member, member) for member in device.members),
    )


def _forgiven(interface: Interface, wanted: Device, found: Device, excuses: list[Excuse]) -> tuple[Device, Device]:
    """Both readings, with the same value where there is an excuse."""
    place = interface.origin or interface.label
    found = replace(found, routes=spelled(found.routes))
    for excuse in excuses:
        record, _, field = excuse.field.rpartition(".")
        if excuse.where != place or record == "route":
            continue
        if record == "bond" and field != "primary":
            wanted = replace(wanted, options=frozenset(o for o in wanted.options if o[0] != field))
            # Another monitor takes the place of the one that the backend does not take.
            gone = {field} | ({"miimon"} - dict(wanted.options).keys() if field == "arp_interval" else set())
            found = replace(found, options=frozenset(o for o in found.options if o[0] not in gone))
        elif field in ("dns", "search", "addresses") and excuse.values:
            kept = [value for value in getattr(wanted, field) if value not in excuse.values]
            wanted = replace(wanted, **{field: type(getattr(wanted, field))(kept)})
        else:
            wanted = replace(wanted, **{field: getattr(found, field)})
    # Addresses come as the network tells, which a backend that only follows the network does as well.
    if found.dhcp6 == BY_FLAGS and (wanted.ra == "full" or wanted.dhcp6):
        found = replace(found, dhcp6=wanted.dhcp6)
    wanted, found = _as_taken(wanted, wanted), _as_taken(found, wanted)
    if not wanted.dhcp4 and wanted.ra == "off":  # nothing brings a route that has a metric
        wanted = replace(wanted, metric=found.metric)
    routes = _forgiven_routes(interface, found, [excuse for excuse in excuses if excuse.field.startswith("route.")])
    # A route to the gateway says of it what onlink does.
    helps = {(f"{via}/{128 if ':' in via else 32}", "") for _, via, _, onlink in routes if onlink}
    more = frozenset(route for route in found.routes - routes if route[:2] in helps)
    return replace(wanted, routes=routes), replace(found, routes=found.routes - more)


def _as_taken(device: Device, wanted: Device) -> Device:
    """``device`` with bond options as the kernel takes them, bonding.rst.

    Delays are rounded down to a multiple of miimon, 100 if it is not given; targets are in no order.  The modes that
    have no ARP monitoring have that miimon anyway.
    """
    step = int(dict(wanted.options).get("miimon", "100")) or 1
    options = dict(device.options)
    if device.bond in ("802.3ad", "balance-tlb", "balance-alb"):
        options.setdefault("miimon", "100")
    for name in options.keys() & {"updelay", "downdelay", "peer_notif_delay"}:
        options[name] = str(int(options[name]) // step * step)
    if "arp_ip_target" in options:
        options["arp_ip_target"] = ",".join(sorted(options["arp_ip_target"].split(",")))
    return replace(device, options=frozenset(options.items()))


def _is_like(have: Route, want: Route, loose: set[int]) -> bool:
    """Whether two routes are the same but for ``loose`` parts; without a metric that of IPv4 is 0, rtnetlink(7)."""
    unsaid = {have[2], want[2]} == {0, None} and ":" not in want[0]
    return all(have[i] == want[i] for i in range(4) if i not in loose and not (i == 2 and unsaid))


COMPONENTS = {"route.to": 0, "route.via": 1, "route.metric": 2, "route.onlink": 3}  # of a Route


def _forgiven_routes(interface: Interface, found: Device, excuses: list[Excuse]) -> frozenset[Route]:
    """The routes wanted; where a part of one is excused, that which is found with any value of the part."""
    place = interface.origin or interface.label
    routes = set()
    wanted: list[Route] = [
        spelled((str(route.to), str(route.via or ""), route.metric, route.onlink)) for route in interface.routes
    ]
    spare = found.routes - set(wanted)  # what is found as it is wanted stands for nothing else
    for route, want in zip(interface.routes, wanted):
        loose = {
            COMPONENTS[excuse.field]
            for excuse in excuses
            if excuse.where in (route.origin or place, place if excuse.values else "")
            and (not excuse.values or str(want[COMPONENTS[excuse.field]]) in spelled(excuse.values))
        }
        like = [want] if want in found.routes else [have for have in spare if _is_like(have, want, loose)]
        if like and 0 not in loose:
            routes.add(like[0])
        elif not loose & {0, 1}:  # without its gateway a route is none
            routes.add(want)
    return frozenset(routes)
