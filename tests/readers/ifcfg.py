# SPDX-License-Identifier: Apache-2.0
"""ifcfg files, as network-scripts take them (``read``) and as NetworkManager's plugin does (``read_nm``).

https://github.com/fedora-sysv/initscripts: doc/sysconfig.txt, etc/rc.d/init.d/network, and in network-scripts/ ifup,
ifup-eth, ifup-ipv6, ifup-post, ifup-routes, network-functions and network-functions-ipv6.  What they do counts where
their manual is silent: words are split and matched by grep there.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import replace
from typing import TYPE_CHECKING

from tests.readers import NAME, Device, Reading, Route, at, ip4, number
from tests.readers._ifcfg_keys import DIRECTORY, KEYS, Profile, addresses4, addresses6, aliases, profiles, route_line
from tests.readers._ifcfg_nm import read as read_nm
from tests.readers._shell import advertisements, assignments, link_local, parsed, sysctls

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ("read", "read_nm", "route_file")

# ifup runs ifup-TYPE in place of ifup-eth, where TYPE is the device's name without the digits at its end.
SCRIPTS = frozenset("aliases bnep ctc ib ippp ipsec ipv6 plip plusb post ppp routes sit sl tunnel wireless".split())


def read(files: Mapping[str, str]) -> Reading:
    """The devices that network-scripts bring up at boot."""
    settings = sysctls(files)
    found = profiles(files, lambda path, text: parsed(assignments(path, text), KEYS))
    ports = [profile for profile in found.values() if profile.get("SLAVE") and "MASTER" in profile]
    reading: Reading = {}
    for name, profile in found.items():
        if ":" in name or (not profile.get("ONBOOT", True) and profile not in ports):
            continue
        path = f"{DIRECTORY}ifcfg-{name}"
        device = profile.get("DEVICE") or profile.get("HWADDR")
        kind = profile.get("DEVICETYPE") or re.sub(r"\d*$", "", profile.get("DEVICE", ""))
        is_other = kind in SCRIPTS and profile.get("TYPE") != {"ib": "InfiniBand"}.get(kind, "Ethernet")
        if not device or is_other or device in reading:
            raise ValueError(f"{path}: the device is not brought up by ifup-eth, or twice: {device}")
        here = settings.get(device, {})
        if profile in ports:
            # ifup-eth leaves behind the hardware settings, and a port has no IPv6.
            mtu, given = profile.get("MTU"), profile.get("MACADDR")
            reading[device] = Device(master=profile["MASTER"], mtu=mtu, mac=given, required=False, local=False)
            continue
        routes = _gateways(profile)
        for stem in dict.fromkeys((device, name)):
            for tag, version in (("route", 4), ("route6", 6)):
                route_path = f"{DIRECTORY}{tag}-{stem}"
                routes |= route_file(route_path, files.get(route_path, ""), version, device)
        dhcp4, dhcp6, ra = profile.get("BOOTPROTO") == "dhcp", _dhcp6(profile), _advertised(profile, here)
        # ifup-post: the first three, unless both of these are off
        resolves = profile.get("PEERDNS", True) or profile.get("RESOLV_MODS", True)
        metrics = {profile.get("METRIC")} if dhcp4 else set()
        metrics |= {here.get("ra_defrtr_metric")} if ra != "off" else set()
        reading[device] = replace(
            link(path, profile, ports),
            addresses=_addresses(path, profile, aliases(found, device)) | addresses6(profile),
            routes=frozenset(routes),
            dns=tuple(profile[key] for key in ("DNS1", "DNS2", "DNS3") if key in profile) if resolves else (),
            search=tuple(profile.get("DOMAIN", ())) if resolves else (),
            dhcp4=dhcp4,
            dhcp6=dhcp6,
            ra=ra,
            metric=next(iter(metrics)) if len(metrics) == 1 else None,
            required=_waited(profile),
            local=link_local(here),
        )
    return reading


def _waited(profile: Profile) -> bool | None:
    """Whether the boot goes on without an address of DHCP: dhclient(8), ``-nw``; for all others nobody waits at all."""
    clients = []
    if profile.get("BOOTPROTO") == "dhcp":
        clients.append(profile.get("DHCLIENTARGS", "").split())
    if _dhcp6(profile) == "stateful":
        clients.append(profile.get("DHCPV6C_OPTIONS", []))
    return any("-nw" not in client for client in clients) if clients else None


def link(path: str, profile: Profile, ports: Iterable[Profile]) -> Device:
    """What is below the addresses: MTU and address of the device, bond or VLAN."""
    device = Device(mtu=profile.get("MTU"), mac=profile.get("MACADDR"))
    if device.mtu and profile.get("DEVICE", "").startswith("ib") and "CONNECTED_MODE" in profile:
        # ifup-ib of https://github.com/linux-rdma/rdma-core, redhat/rdma.ifup-ib
        device = replace(device, mtu=min(device.mtu, 65520 if profile["CONNECTED_MODE"] else 2044), mac=None)
    if options := dict(profile.get("BONDING_OPTS", {})):
        if "arp_ip_target" in options:
            options["arp_ip_target"] = ",".join(_added(options["arp_ip_target"].split(","), r"{}"))
        name = profile.get("DEVICE")
        names = [port.get("DEVICE") or port["HWADDR"] for port in ports if port["MASTER"] == name]
        mode, primary = options.pop("mode", "balance-rr"), options.pop("primary", "")
        members = frozenset(_added(names, r"(?<!\w)(?:{})(?!\w)"))
        return replace(device, bond=mode, primary=primary, options=frozenset(options.items()), members=members)
    if not profile.get("VLAN"):
        return device
    name, vid, parent = profile.get("DEVICE", ""), profile.get("VID"), profile.get("PHYSDEV", "")
    if vid is None:
        if found := re.fullmatch(r"(.+)\.([0-9]{1,4})", name):
            parent, vid = found.groups()
        if name.startswith("vlan"):
            vid, parent = re.sub("^vlan0*", "", name), profile.get("PHYSDEV", "")
    return replace(device, vlan=at(path, number(0, 4094), str(vid)), parent=at(path, NAME, parent))


def _added(names: Iterable[str], pattern: str) -> list[str]:
    """What is there after each was added that ``grep`` did not find among those before."""
    there: list[str] = []
    for name in names:
        if not re.search(pattern.format(name), " ".join(there)):
            there.append(name)
    return there


def _addresses(path: str, profile: Profile, others: Iterable[str]) -> frozenset[str]:
    """IPv4: of the file itself each that ``grep`` does not find yet, none beside DHCP; of ifup-aliases each once."""
    own = _added(addresses4(path, profile), r"{}") if profile.get("BOOTPROTO") != "dhcp" else []
    others = {other.partition("/")[0]: other for other in reversed(list(others))}.values()
    return frozenset([*own, *others])


def _gateways(profile: Profile) -> set[Route]:
    """The default routes of the ifcfg file itself: IPv4's only to what the first address covers, IPv6's of metric 1."""
    routes: set[Route] = set()
    if "GATEWAY" in profile and profile.get("DEFROUTE", True) and profile.get("BOOTPROTO") != "dhcp":
        first = ipaddress.IPv4Interface(next(iter(addresses4("ifcfg", profile)), "0.0.0.0/32"))
        if ipaddress.IPv4Address(profile["GATEWAY"]) in first.network:
            routes.add(("0.0.0.0/0", profile["GATEWAY"], profile.get("METRIC"), False))
    if "IPV6_DEFAULTGW" in profile and profile.get("IPV6INIT", True):
        if profile["IPV6_DEFAULTGW"].startswith("fe80:") and "IPV6_DEFAULTDEV" not in profile:
            raise ValueError("a link-local IPV6_DEFAULTGW needs a device")
        routes.add(("::/0", profile["IPV6_DEFAULTGW"], 1, False))
    return routes


def _advertised(profile: Profile, settings: Mapping[str, int]) -> str:
    """ifup-ipv6: unless it is told not to, it sets accept_ra and autoconf after sysctl.d(5)."""
    if not profile.get("IPV6INIT", True) or not profile.get("IPV6_SET_SYSCTLS", True):
        return advertisements(settings)
    auto = profile.get("IPV6_AUTOCONF", True)
    accept = auto or profile.get("IPV6_FORCE_ACCEPT_RA", False)
    return advertisements({**settings, "autoconf": int(auto), "accept_ra": int(accept)})


def _dhcp6(profile: Profile) -> str:
    if not profile.get("DHCPV6C"):
        return ""
    return "stateless" if "-S" in profile.get("DHCPV6C_OPTIONS", ()) else "stateful"


def route_file(path: str, text: str, version: int, device: str) -> set[Route]:
    """``ifup-routes``: numbered variables, or lines for ip(8) where there are none."""
    if re.search(r"^\s*ADDRESS\d+=", text, re.MULTILINE):
        return _numbered_routes(path, text)
    routes: set[Route] = set()
    pending = ""
    for count, raw in enumerate(text.split("\n"), 1):
        # "read" without -r: a backslash at the end joins lines, comments as well.
        if raw.endswith("\\"):
            pending += raw[:-1]
            continue
        line, pending = pending + raw, ""
        if not re.fullmatch(r"\s*(#.*)?", line):
            routes.add(at(f"{path}:{count}", lambda text: route_line(text, version, device), line))
    if pending:
        raise ValueError(f"{path}: the last line goes on")
    return routes


def _numbered_routes(path: str, text: str) -> set[Route]:
    keys = {"ADDRESS#": ip4, "NETMASK#": ip4, "GATEWAY#": ip4}
    values, routes = parsed(assignments(path, text), keys), set[Route]()
    count = 0
    while f"ADDRESS{count}" in values:
        to = ipaddress.IPv4Network(f"{values[f'ADDRESS{count}']}/{values[f'NETMASK{count}']}")
        routes.add((str(to), values.get(f"GATEWAY{count}", ""), None, False))
        count += 1
    if len(routes) != sum(key.startswith("ADDRESS") for key in values):
        raise ValueError(f"{path}: a route is behind a gap")
    return routes
