# SPDX-License-Identifier: Apache-2.0
"""interfaces(5) of ifupdown 0.8, https://manpages.debian.org/bookworm/ifupdown/interfaces.5.en.html, for Linux.

What a method does stands in inet.defn and inet6.defn of https://salsa.debian.org/debian/ifupdown, the options for DNS
in resolvconf(8).  A stanza is brought up in three steps, whatever the order of its lines: pre-up, the method, up.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from tests.readers import METRIC, NAME, Grammar, Reading, at, choice, ip, mac, matching, number, prefixed
from tests.readers._commands import effects
from tests.readers._machine import Machine
from tests.readers._programs import SYSCTLS, Event

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

MTU = number(68, 65535)
DOMAIN = matching(r"[A-Za-z0-9_.-]+")
NOTHING: dict[str, Grammar] = {}
# Family, method: option: grammar.
KEYS: dict[tuple[str, str], dict[str, Grammar]] = {
    ("inet", "loopback"): NOTHING,
    ("inet", "manual"): {"mtu": MTU, "hwaddress": mac},
    ("inet", "static"): {"address": prefixed, "gateway": ip, "metric": METRIC, "mtu": MTU, "hwaddress": mac},
    ("inet", "dhcp"): {"metric": METRIC, "hwaddress": mac},
    ("inet6", "loopback"): NOTHING,
    ("inet6", "manual"): {"mtu": MTU, "hwaddress": mac},
    ("inet6", "static"): {
        "address": prefixed,
        "gateway": ip,
        "metric": METRIC,
        "hwaddress": mac,
        "accept_ra": SYSCTLS["accept_ra"],
        "autoconf": SYSCTLS["autoconf"],
        "dad-attempts": number(0, 10**6),
    },
    ("inet6", "auto"): {"accept_ra": SYSCTLS["accept_ra"], "dhcp": choice("0", "1")},
    ("inet6", "dhcp"): {"accept_ra": SYSCTLS["accept_ra"], "autoconf": SYSCTLS["autoconf"], "hwaddress": mac},
}
# For every family and method, and those that may stand several times.
COMMON: dict[str, Grammar] = {
    "dns-nameservers": lambda text: [ip(word) for word in text.split()],
    "dns-search": lambda text: [DOMAIN(word) for word in text.split()],
}
UP = {"pre-up": "pre-up", "up": "up", "post-up": "up"}
DOWN = ("pre-down", "down", "post-down")


class Stanza(NamedTuple):
    """``iface NAME FAMILY METHOD`` and what follows it."""

    place: str
    name: str
    family: str
    method: str
    options: dict[str, Any]
    commands: list[tuple[str, Event]]  # "pre-up" or "up", and what it does


def read(files: Mapping[str, str]) -> Reading:
    """What ifup configures by the interfaces file and those that it sources."""
    stanzas: list[Stanza] = []
    auto: set[str] = set()
    others: set[str] = set()
    for path in sorted(path for path in files if path.startswith("/etc/network/interfaces")):
        stanzas += _stanzas(path, files[path], auto, others)
    machine = Machine()
    names = [stanza.name for stanza in stanzas]
    for index, stanza in enumerate(stanzas):
        if stanza.name not in names[:index]:
            for event in _link(stanza.name, names):
                machine.apply(event)
        for event in _up(stanza):
            machine.apply(event)
    reading = {name: machine.device(name) for name in dict.fromkeys(names) if name != "lo"}
    if idle := [name for name, device in reading.items() if name not in {*auto, *others} and not device.master]:
        raise ValueError(f"{', '.join(idle)}: nothing brings it up")
    if made := machine.events.keys() - set(names):
        raise ValueError(f"{', '.join(made)}: no stanza")
    # networking.service is done when ``ifup -a`` is, which waits for the DHCP clients of what is ``auto``.
    return {name: replace(device, required=name in auto and machine.waits(name)) for name, device in reading.items()}


def _stanzas(path: str, text: str, auto: set[str], others: set[str]) -> Iterator[Stanza]:
    """The stanzas of one file; the sets get the names behind ``auto``, and behind ``allow-`` with another word."""
    stanza = None
    for index, line in enumerate(text.splitlines(), 1):
        place = f"{path}:{index}"
        word, _, value = line.strip().partition(" ")
        value = value.strip()
        if line.rstrip().endswith("\\"):
            raise ValueError(f"{place}: a line that goes on is not taken here")
        if not word or word[0] == "#":
            continue
        if word in ("auto", "source", "source-directory") or word.startswith("allow-"):
            stanza = None
            names = [at(place, NAME, name) for name in value.split() if not word.startswith("source")]
            (auto if word in ("auto", "allow-auto") else others).update(names)
        elif word == "iface":
            parts = value.split()
            if len(parts) != 3 or (parts[1], parts[2]) not in KEYS:
                raise ValueError(f"{place}: no such address family and method: {value}")
            stanza = Stanza(place, at(place, NAME, parts[0]), parts[1], parts[2], {}, [])
            yield stanza  # filled by the lines that follow
        elif stanza is None:
            raise ValueError(f"{place}: {word} stands in no stanza")
        else:
            _option(place, stanza, word, value)


def _option(place: str, stanza: Stanza, word: str, value: str) -> None:
    keys = {**COMMON, **KEYS[stanza.family, stanza.method]}
    if word in UP:
        stanza.commands.extend((UP[word], event) for event in effects(place, value))
    elif word in DOWN:
        effects(place, value)
    elif word not in keys or word in stanza.options:
        raise ValueError(f"{place}: no option {word} of {stanza.family} {stanza.method}, or a second one")
    else:
        stanza.options[word] = at(place, keys[word], value)


def _link(name: str, names: list[str]) -> Iterator[Event]:
    """A full stop in the name makes a VLAN before anything else is done, if the device before it is there."""
    parent, _, number_of_vlan = name.partition(".")
    if number_of_vlan.isdigit() and parent in names:
        yield ("add", name)
        yield ("vlan", name, int(number_of_vlan), parent)


def _up(stanza: Stanza) -> Iterator[Event]:
    yield from (event for step, event in stanza.commands if step == "pre-up")
    yield from _method(stanza)
    yield from (event for step, event in stanza.commands if step == "up")
    for key, kind in (("dns-nameservers", "dns"), ("dns-search", "search")):
        yield from ((kind, stanza.name, value) for value in stanza.options.get(key, ()))


def _method(stanza: Stanza) -> Iterator[Event]:
    name, options, kind = stanza.name, stanza.options, (stanza.family, stanza.method)
    gateway = options.get("gateway")
    for key, event in (("mtu", "mtu"), ("hwaddress", "mac")):
        if key in options:
            yield (event, name, options[key])
    # The defaults of inet6.defn; a gateway turns advertisements off where nothing is said of them.
    accept_ra = {("inet6", "auto"): 2, ("inet6", "dhcp"): 1}.get(kind, 0 if gateway and kind[0] == "inet6" else None)
    autoconf = {("inet6", "auto"): 1, ("inet6", "static"): 0}.get(kind)
    for key, default in (("accept_ra", accept_ra), ("autoconf", autoconf)):
        if options.get(key, default) is not None:
            yield ("sysctl", name, key, options.get(key, default))
    if stanza.method == "static":
        if (":" in options.get("address", "")) != (stanza.family == "inet6") or "address" not in options:
            raise ValueError(f"{stanza.place}: an address of {stanza.family} is required")
        yield ("address", name, options["address"])
    if gateway:
        yield ("route", name, ("::/0" if ":" in gateway else "0.0.0.0/0", gateway, options.get("metric"), True))
    if kind == ("inet", "dhcp"):
        yield ("dhcp4", name, True)
        yield ("metric", name, options.get("metric"))
    if kind == ("inet6", "dhcp") or options.get("dhcp") == "1":
        yield ("dhcp6", name, "stateful" if stanza.method == "dhcp" else "stateless")
