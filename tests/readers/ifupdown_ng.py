# SPDX-License-Identifier: Apache-2.0
"""interfaces(5) of ifupdown-ng, with interfaces-bond(5), interfaces-vlan(5), interfaces-ipv6(5), interfaces-dhcp(5).

https://github.com/ifupdown-ng/ifupdown-ng: doc/ has the manuals, executor-scripts/linux what a keyword does.  A device
is brought up in four steps: create, pre-up, up, post-up; in each the executors run before the commands of the stanza.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from tests.readers import METRIC, NAME, Grammar, Reading, at, choice, ip, mac, number, prefixed
from tests.readers._commands import effects
from tests.readers._machine import Machine
from tests.readers._programs import OPTIONS, SYSCTLS, Event, bond_option

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

ALIASES = {"slaves": "bond-members", "bond-slaves": "bond-members", "bond-num-unsol-na": "bond-num-grat-arp"}


def names(text: str) -> list[str]:
    """Devices, parted by blanks."""
    return [NAME(word) for word in text.split()]


# Keyword: grammar.  Those of a bond become arguments of ip-link(8), which has more of them than the manual.
KEYS: dict[str, Grammar] = {
    "address": prefixed,
    "gateway": ip,
    "metric": METRIC,
    "mtu": number(68, 65535),
    "hwaddress": mac,
    "requires": names,
    "use": choice("dhcp", "bond", "link", "static", "vlan", "ipv6-ra", "loopback"),
    "vlan-id": number(1, 4094),
    "vlan-raw-device": NAME,
    "bond-members": names,
    "ipv6-accept-ra": SYSCTLS["accept_ra"],
    "ipv6-autoconf": SYSCTLS["autoconf"],
    **{f"bond-{option.replace('_', '-')}": grammar for option, grammar in OPTIONS.items()},
}
SEVERAL = ("address", "gateway", "use")
UP = ("pre-up", "up", "post-up")
DOWN = ("pre-down", "down", "post-down")


class Stanza(NamedTuple):
    """``iface NAME`` and what follows it; several of one name are one."""

    name: str
    options: dict[str, list[Any]]
    texts: dict[str, str]
    commands: list[tuple[str, Event]]


def read(files: Mapping[str, str]) -> Reading:
    """What ifup configures by the interfaces file and those that it sources."""
    stanzas: dict[str, Stanza] = {}
    auto: list[str] = []
    for path in sorted(path for path in files if path.startswith("/etc/network/interfaces")):
        _read_file(path, files[path], stanzas, auto)
    machine = Machine()
    lists = [s.options.get(key, []) for s in stanzas.values() for key in ("requires", "bond-members")]
    for stanza in stanzas.values():
        for event in _up(stanza, stanzas):
            machine.apply(event)
    reading = {name: machine.device(name) for name in stanzas if name != "lo"}
    wanted = {*auto, *(name for several in lists for devices in several for name in devices)}
    wanted |= {device.parent for device in reading.values()}
    if idle := [name for name, device in reading.items() if name not in wanted and not device.master]:
        raise ValueError(f"{', '.join(idle)}: nothing brings it up")
    if made := machine.events.keys() - stanzas.keys():
        raise ValueError(f"{', '.join(sorted(made))}: no stanza")
    # ``ifup -a`` waits for what does not run in the background.
    return {name: replace(device, required=machine.waits(name)) for name, device in reading.items()}


def _read_file(path: str, text: str, stanzas: dict[str, Stanza], auto: list[str]) -> None:
    stanza = None
    for index, line in enumerate(text.splitlines(), 1):
        place = f"{path}:{index}"
        word, _, value = line.strip().partition(" ")
        value = value.strip()
        if not word or word[0] == "#":
            continue
        if word in ("source", "source-directory"):
            stanza = None
        elif word == "auto":
            auto.append(at(place, NAME, value))
            stanza = None
        elif word == "iface":
            name, _, rest = value.partition(" ")
            if rest not in ("", "inet loopback"):
                raise ValueError(f"{place}: {rest!r} is the syntax of another ifupdown")
            stanza = stanzas.setdefault(at(place, NAME, name), Stanza(name, {}, {}, []))
        elif stanza is None:
            raise ValueError(f"{place}: {word} stands in no stanza")
        elif word in UP:
            stanza.commands.extend((word, event) for event in effects(place, value))
        elif word in DOWN:
            effects(place, value)
        else:
            _keyword(place, stanza, ALIASES.get(word, word), value)


def _keyword(place: str, stanza: Stanza, word: str, value: str) -> None:
    if word not in KEYS or (word in stanza.options and word not in SEVERAL):
        raise ValueError(f"{place}: no keyword {word}, or a second one")
    stanza.options.setdefault(word, []).append(at(place, KEYS[word], value))
    stanza.texts[word] = value


def _up(stanza: Stanza, stanzas: Mapping[str, Stanza]) -> Iterator[Event]:
    yield from _create(stanza, stanzas)
    for step in UP:
        if step == "up":
            yield from _configure(stanza)
        yield from (event for when, event in stanza.commands if when == step)


def _create(stanza: Stanza, stanzas: Mapping[str, Stanza]) -> Iterator[Event]:
    """The executors ``link`` and ``bond``: a VLAN by its name or its keywords; a bond with its options and members.

    Nothing is made where the device is there, as one is whose name only looks like that of a VLAN.
    """
    name, options = stanza.name, stanza.options
    raw, number_of_vlan = options.get("vlan-raw-device", [""])[-1], options.get("vlan-id", [None])[-1]
    if name.startswith("vlan"):
        number_of_vlan = int(name[4:]) if name[4:].isdigit() and raw else None if "." in name else number_of_vlan
    elif name.rpartition(".")[2].isdigit() and (raw or name.rpartition(".")[0] in stanzas):
        raw, number_of_vlan = name.rpartition(".")[0], int(name.rpartition(".")[2])
    if raw and number_of_vlan is not None:
        yield ("add", name)
        yield ("vlan", name, number_of_vlan, raw)
    if bond := [key for key in options if key.startswith("bond-")]:
        yield ("add", name)
        yield ("mode", name, "balance-rr")
        for key in bond:
            if key == "bond-members":
                yield from (("master", member, name) for member in options[key][-1])
            else:
                yield bond_option(name, key[5:].replace("-", "_"), stanza.texts[key])


def _configure(stanza: Stanza) -> Iterator[Event]:
    name, options = stanza.name, stanza.options
    for key, kind in (("mtu", "mtu"), ("hwaddress", "mac")):
        yield from ((kind, name, value) for value in options.get(key, ()))
    yield from (("address", name, address) for address in options.get("address", ()))
    for gateway in options.get("gateway", ()):
        # The executor ``static`` gives it the metric 1 if none is given.
        metric = options.get("metric", [1])[-1]
        yield ("route", name, ("::/0" if ":" in gateway else "0.0.0.0/0", gateway, metric, False))
    for key, sysctl in (("ipv6-accept-ra", "accept_ra"), ("ipv6-autoconf", "autoconf")):
        yield from (("sysctl", name, sysctl, value) for value in options.get(key, ()))
    if "ipv6-ra" in options.get("use", ()):
        yield ("sysctl", name, "accept_ra", 1)
    if "dhcp" in options.get("use", ()):
        yield ("dhcp4", name, True)
