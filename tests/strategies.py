# SPDX-License-Identifier: Apache-2.0
"""Hypothesis strategies for the model: valid values, and whole networks as the planner binds them.

Every text that a cloud could choose begins with ``MARK``, so that a test can tell it from what a renderer wrote.
"""

from __future__ import annotations

from typing import Any, Literal

from hypothesis import strategies as st

from bootagent.host import Host, Nic
from bootagent.model import bond as bonding
from bootagent.model.ip import IPAddress, IPInterface
from bootagent.model.network import Address, Bond, BoundNetwork, Dns, Interface, Match, Route, Vlan
from bootagent.model.values import DomainName, InterfaceName, MacAddress, Mtu, VlanId

MARK = "zq"
_LOWER = "abcdefghijklmnopqrstuvwxyz"
_NAME = _LOWER + _LOWER.upper() + "0123456789_-."

mtus = st.integers(68, 65535).map(Mtu)
vlan_ids = st.integers(1, 4094).map(VlanId)
metrics = st.none() | st.integers(0, 2**32 - 1)
places = st.integers(0, 99).map(lambda number: f"{MARK}.json: links[{number}]")


def mac_addresses(octets: int = 6) -> st.SearchStrategy[MacAddress]:
    """Addresses of devices; 20 octets for IP over InfiniBand."""
    tail = st.binary(min_size=octets - 1, max_size=octets - 1).filter(any)
    return st.builds(lambda first, rest: MacAddress((bytes([first * 2]) + rest).hex(":")), st.integers(0, 127), tail)


def interface_names() -> st.SearchStrategy[InterfaceName]:
    """Device names of every length."""
    return st.text(_NAME, max_size=15 - len(MARK)).map(lambda text: InterfaceName(MARK + text))


def domain_names() -> st.SearchStrategy[DomainName]:
    """Names of one to four labels."""
    label = st.text(_LOWER + "0123456789_", min_size=1, max_size=20)
    return st.lists(label, min_size=1, max_size=4).map(lambda labels: DomainName(MARK + ".".join(labels)))


def ips(version: Literal[4, 6] | None = None) -> st.SearchStrategy[IPAddress]:
    """Addresses of one family, or of both."""
    return st.ip_addresses(v=version).map(lambda ip: IPAddress(ip.version, int(ip)))


def addresses() -> st.SearchStrategy[Address]:
    """Static addresses of both families, with any prefix length."""
    v4 = st.builds(IPInterface, ips(4), st.integers(1, 32))
    v6 = st.builds(IPInterface, ips(6), st.integers(1, 128))
    return st.tuples(st.one_of(v4, v6), places).map(lambda fields: Address(*fields))


@st.composite
def routes(draw: st.DrawFn) -> Route:
    """Routes of both families: default or not, with a gateway of the same family or on the link."""
    family = ips(draw(st.sampled_from((4, 6))))
    to = IPInterface(draw(family), draw(st.sampled_from((0, 8, 24, 32)))).network
    via = draw(st.none() | family)
    return Route(to, via, draw(metrics), via is not None and draw(st.booleans()), draw(places))


def resolvers() -> st.SearchStrategy[Dns]:
    """DNS servers and search domains."""
    servers = st.lists(ips(), max_size=3).map(tuple)
    return st.tuples(servers, st.lists(domain_names(), max_size=3).map(tuple)).map(lambda fields: Dns(*fields))


@st.composite
def bond_options(draw: st.DrawFn) -> tuple[tuple[str, str], ...]:
    """Any options of the kernel, fit for the mode or not, with canonical values."""
    names = draw(st.lists(st.sampled_from(OPTIONS), unique=True, max_size=6))
    return tuple((name, draw(option_values(name))) for name in names)


OPTIONS = sorted([*bonding.ENUMS, *bonding.RANGES, "arp_ip_target", "ad_actor_system"])


def option_values(name: str) -> st.SearchStrategy[str]:
    """Canonical values of one option."""
    if name in bonding.ENUMS:
        return st.sampled_from(bonding.ENUMS[name])
    if name in bonding.RANGES:
        return st.integers(*bonding.RANGES[name]).map(str)
    if name == "arp_ip_target":
        targets = st.ip_addresses(v=4).filter(lambda ip: 0 < int(ip) < 2**32 - 1)
        return st.lists(targets, min_size=1, max_size=16, unique=True).map(lambda ips: ",".join(map(str, ips)))
    return mac_addresses()


@st.composite
def bonds(draw: st.DrawFn, members: tuple[str, ...] = ()) -> Bond:
    """A bond of ``members``."""
    primary = draw(st.sampled_from(("", *members)))
    return Bond(draw(st.sampled_from(bonding.MODES)), draw(bond_options()), members, primary)


def vlans(parents: tuple[str, ...], taken: tuple[Vlan, ...] = ()) -> st.SearchStrategy[Vlan]:
    """A VLAN on one of ``parents``, and none that is ``taken``: the kernel has one of a number on a device."""
    made = st.tuples(vlan_ids, st.sampled_from(parents)).map(lambda fields: Vlan(*fields))
    return made.filter(lambda vlan: vlan not in taken)


def matches(address: MacAddress, name: InterfaceName) -> st.SearchStrategy[Match]:
    """How one NIC is found."""
    drivers = st.sampled_from(("", "", "virtio_net", "mlx5_core"))
    return drivers.map(lambda driver: Match(mac=address, driver=driver)) | st.just(Match(name=name))


@st.composite
def interfaces(draw: st.DrawFn, /, **given: Any) -> Interface:
    """An interface with addressing of every kind; ``given`` is kept."""
    fields: dict[str, Any] = {
        "mtu": draw(st.none() | mtus),
        "addresses": tuple(draw(st.lists(addresses(), max_size=3))),
        "routes": tuple(draw(st.lists(routes(), max_size=3))),
        "dns": draw(resolvers()),
        "dhcp4": draw(st.booleans()),
        "ra": draw(st.sampled_from(("off", "routes", "full"))),
        "dhcp6": draw(st.sampled_from(("", "stateful", "stateless"))),
        "metric": draw(metrics),
        "required": draw(st.booleans()),
        "origin": draw(places),
    }
    return Interface(**{**fields, **given})


@st.composite
def bound_networks(draw: st.DrawFn) -> BoundNetwork:
    """NICs, some of them late, a bond of some, VLANs over any of them, and NICs that no document names."""
    names = draw(st.lists(interface_names(), min_size=1, max_size=9, unique=True))
    macs = draw(st.lists(mac_addresses(), min_size=len(names), max_size=len(names), unique=True))
    nics = draw(st.integers(0, min(4, len(names))))
    members = draw(st.integers(0, nics)) if nics < len(names) else 0
    made = iter(zip(names[nics:], macs[nics:]))
    master = next(made)[0] if members else None
    result: list[Interface] = []
    for index, (name, mac) in enumerate(zip(names[:nics], macs)):
        match = draw(matches(mac, name))
        late = match.mac is not None and draw(st.booleans())
        given: dict[str, Any] = {
            "label": mac.compact if late else str(name),
            "name": None if late else name,
            "match": match,
        }
        if index < members:
            origin, mtu = draw(places), draw(st.none() | mtus)
            result.append(Interface(**given, mtu=mtu, master=master, required=False, origin=origin))
        else:
            result.append(draw(interfaces(**given)))
    if master:
        bond = draw(bonds(tuple(nic.label for nic in result[:members])))
        address = draw(st.none() | mac_addresses())
        result.append(draw(interfaces(label=str(master), name=master, mac=address, bond=bond)))
    parents = tuple(interface.label for interface in result if interface.master is None)
    for name, mac in draw(st.lists(st.sampled_from(list(made)), unique=True)) if parents and len(names) > 6 else ():
        vlan = draw(vlans(parents, tuple(interface.vlan for interface in result if interface.vlan)))
        address = draw(st.none() | st.just(mac))
        result.append(draw(interfaces(label=str(name), name=name, mac=address, vlan=vlan)))
    others = st.lists(interface_names().filter(lambda name: name not in names), max_size=2, unique=True)
    unlisted = draw(st.none() | others.map(tuple))
    return BoundNetwork(tuple(result), unlisted, draw(resolvers()))


@st.composite
def hosts(draw: st.DrawFn) -> Host:
    """A machine with some NICs and one of the resolvers."""
    octets = draw(st.sampled_from((6, 20)))
    nics = draw(st.lists(st.tuples(interface_names(), mac_addresses(octets)), max_size=3))
    resolver = draw(st.sampled_from(("", "systemd-resolved", "resolvconf")))
    return Host(nics=tuple(Nic(*fields) for fields in nics), resolver=resolver)
