# SPDX-License-Identifier: Apache-2.0
"""What stands in ifcfg files and in the files of routes beside them, whichever daemon takes them.

doc/sysconfig.txt of https://github.com/fedora-sysv/initscripts; what NetworkManager has beside that is in
https://networkmanager.dev/docs/api/latest/nm-settings-ifcfg-rh.html.  Ranges and rules are not taken.
"""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING, Any

from tests.readers import METRIC, NAME, Grammar, Route, choice, ip, ip4, mac, matching, number
from tests.readers._commands import OPTIONS
from tests.readers._shell import MTU, assignments, parsed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

NETWORK = "/etc/sysconfig/network"
DIRECTORY = "/etc/sysconfig/network-scripts/"
# init.d/network: __sed_discard_ignored_files, and the files that are a range of aliases.
IGNORED = re.compile(r"(~|\.bak|\.old|\.orig|\.rpmnew|\.rpmorig|\.rpmsave)$|-range|^lo$")
YES = choice(yes=True, no=False)
WHOLE = number(0, 2**31 - 1)
TEXT = matching(r"[ -~]*")


def words(grammar: Grammar) -> Grammar:
    """Several, parted by blanks."""
    return lambda text: [grammar(word) for word in text.split()]


def ip6(text: str) -> str:
    """An IPv6 address, with its prefix length: 64 if none is given."""
    return str(ipaddress.IPv6Interface(text if "/" in text else f"{text}/64"))


def gateway6(text: str) -> str:
    """A gateway, maybe with the device behind a percent sign."""
    return str(ipaddress.IPv6Address(text.partition("%")[0]))


def bonding(text: str) -> dict[str, str]:
    """``BONDING_OPTS``: options of the kernel by their names in sysfs; the value is behind the last equals sign."""
    options: dict[str, str] = {}
    for word in text.split():
        key, _, value = word.partition("=")
        if key not in OPTIONS:
            raise ValueError(f"no bonding option {word!r}")
        targets = key == "arp_ip_target"
        options[key] = value.replace("+", "") if targets else str(OPTIONS[key](value))
        if targets:
            OPTIONS[key](options[key])
    return options


KEYS: dict[str, Grammar] = {
    # sysconfig.txt, "Base items"; # is a number or nothing
    "ARPCHECK#": YES,
    "ARPUPDATE#": YES,
    "BOOTPROTO": choice("none", "static", "dhcp"),
    "BROADCAST#": ip4,
    "DEFROUTE": YES,
    "DEVICE": matching(r"[^\s/:]+(:\w+)?"),
    "DEVICETYPE": choice("eth"),
    "DHCLIENTARGS": TEXT,
    "DHCLIENT_IGNORE_GATEWAY": YES,
    "DHCPRELEASE": YES,
    "DHCP_SEND_HOSTNAME": YES,
    "DNS#": ip,
    "DOMAIN": words(matching(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")),
    "GATEWAY": ip4,
    "HOTPLUG": YES,
    "HWADDR": mac,
    "IPADDR#": ip4,
    "IPV4_FAILURE_FATAL": YES,
    "LINKDELAY": WHOLE,
    "MACADDR": mac,
    "METRIC": METRIC,
    "MTU": MTU,
    "NAME": TEXT,
    "NETMASK#": ip4,
    "NM_CONTROLLED": YES,
    "NOZEROCONF": YES,
    "NO_ALIASROUTING": choice("yes"),
    "NO_DHCP_HOSTNAME": YES,
    "ONBOOT": YES,
    "PEERDNS": YES,
    "PERSISTENT_DHCLIENT": YES,
    "RESOLV_MODS": YES,  # ifup-post only
    "PREFIX#": number(0, 32),
    "TYPE": choice("Ethernet", "Bond", "Vlan", "InfiniBand"),
    "USERCTL": YES,
    # "IPv6-only items for real interfaces" and "to enable DHCPv6 client"
    "DHCPV6C": YES,
    "DHCPV6C_OPTIONS": words(choice("-S", "-N", "-1", "-nw", "-D", "LL", "LLT")),
    "IPV6ADDR": ip6,
    "IPV6ADDR_SECONDARIES": words(ip6),
    "IPV6FORWARDING": YES,
    "IPV6INIT": YES,
    "IPV6_AUTOCONF": YES,
    "IPV6_DEFAULTDEV": NAME,
    "IPV6_DEFAULTGW": gateway6,
    "IPV6_FORCE_ACCEPT_RA": YES,
    "IPV6_PRIVACY": choice("no", "rfc3041"),
    "IPV6_ROUTER": YES,
    "IPV6_SET_SYSCTLS": YES,
    # "Bonding-specific items", "Ethernet 802.1q VLAN items" and ifup
    "BONDING_OPTS": bonding,
    "MASTER": NAME,
    "PHYSDEV": NAME,
    "REORDER_HDR": YES,
    "SLAVE": YES,
    "VID": number(0, 4095),
    "VLAN": YES,
    # nm-settings-ifcfg-rh(5) only
    "AUTOCONNECT_PRIORITY": matching(r"-?\d{1,3}"),
    "BONDING_MASTER": YES,
    "CONNECTED_MODE": YES,
    "IPV4_ROUTE_METRIC": METRIC,
    "IPV6_ADDR_GEN_MODE": choice("eui64", "stable-privacy"),
    "IPV6_DEFROUTE": YES,
    "IPV6_DISABLED": YES,
    "IPV6_FAILURE_FATAL": YES,
    "IPV6_PEERDNS": YES,
    "IPV6_PEERROUTES": YES,
    "IPV6_ROUTE_METRIC": METRIC,
    "PEERROUTES": YES,
    "UUID": matching(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"),
    "VLAN_ID": number(0, 4095),
}
# "/etc/sysconfig/network"; what would change a device there is not taken
GLOBAL_KEYS: dict[str, Grammar] = {
    "HOSTNAME": TEXT,
    "NETWORKING": choice("yes"),
    "NOZEROCONF": YES,
}
# ip-route(8); a line of route-NAME or route6-NAME is what stands behind "ip route add"
ROUTE_WORDS: dict[str, Grammar] = {"via": ip, "dev": NAME, "metric": METRIC, "proto": choice("static", "boot")}

# In the file of an alias
ALIAS = {"DEVICE", "IPADDR", "PREFIX", "NETMASK", "BROADCAST", "ARPCHECK", "IPV6INIT", "NO_ALIASROUTING"}

Profile = dict[str, Any]


def profiles(files: Mapping[str, str], values: Callable[[str, str], Profile]) -> dict[str, Profile]:
    """What each ifcfg file holds, by the name behind the dash; every other file is one that somebody reads."""
    found = {}
    for path in sorted(files):
        tag, _, name = path.removeprefix(DIRECTORY).partition("-")
        if path == NETWORK:
            parsed(assignments(path, files[path]), GLOBAL_KEYS)
        if not path.startswith(DIRECTORY):
            continue
        if tag not in ("ifcfg", "route", "route6") or not name:
            raise ValueError(f"{path}: nobody reads it")
        if tag == "ifcfg" and not IGNORED.search(name):
            found[name] = values(path, files[path])
    return found


def addresses4(path: str, profile: Profile) -> list[str]:
    """``expand_config``: the numbers run on from 2; IPADDR, IPADDR0 and IPADDR1 may be lacking."""
    found, index = [], -1
    while index < 2 or f"IPADDR{index}" in profile:
        tag = "" if index < 0 else str(index)
        size = profile.get(f"PREFIX{tag}", profile.get(f"NETMASK{tag}"))
        if f"IPADDR{tag}" in profile:
            if size is None:
                raise ValueError(f"{path}: IPADDR{tag} has a mask by its class")
            found.append(str(ipaddress.IPv4Interface(f"{profile[f'IPADDR{tag}']}/{size}")))
        index += 1
    if len(found) != sum(key.startswith("IPADDR") for key in profile):
        raise ValueError(f"{path}: an IPADDR is behind a gap")
    return found


def aliases(profiles: Mapping[str, Profile], parent: str) -> list[str]:
    """One address for each; the name of the alias is the address's label."""
    found: list[str] = []
    for name, profile in profiles.items():
        if not name.startswith(f"{parent}:"):
            continue
        # With IPv6 not off here, its settings of the device would be made anew.
        if profile.get("DEVICE") != name or len(name) > 15 or profile.get("IPV6INIT", True) or profile.keys() - ALIAS:
            raise ValueError(f"{DIRECTORY}ifcfg-{name}: no label, or more than an address")
        found += addresses4(name, profile)
    return found


def addresses6(profile: Profile) -> frozenset[str]:
    """The first and the others."""
    given = [profile["IPV6ADDR"]] if "IPV6ADDR" in profile else []
    return frozenset([*given, *profile.get("IPV6ADDR_SECONDARIES", ())] if profile.get("IPV6INIT", True) else ())


def route_line(line: str, version: int, device: str, families: bool = True) -> Route:
    """One route; ``families``: a gateway of the other family may be told, as ip(8) can and NetworkManager cannot."""
    parts = matching(r"[A-Za-z0-9_.:/ \t-]+")(line).split()
    parts = parts[1:] if parts[:1] == ["to"] else parts
    to = {"default": "0.0.0.0/0" if version == 4 else "::/0"}.get(parts[0], parts[0])
    inet6 = families and parts[1:3] == ["via", "inet6"]
    rest = [word for index, word in enumerate(parts) if index and not (inet6 and index == 2)]
    onlink = "onlink" in rest
    rest = [word for word in rest if word != "onlink"]
    values: dict[str, Any] = {}
    for key, value in zip(rest[::2], rest[1::2]):
        if key not in ROUTE_WORDS or key in values:
            raise ValueError(f"no word {key!r} in {line!r}")
        values[key] = ROUTE_WORDS[key](value)
    network, via = ipaddress.ip_network(to), values.get("via", "")
    if len(rest) % 2 or network.version != version or values.get("dev", device) != device:
        raise ValueError(f"{line!r} is no IPv{version} route of {device}")
    if via and (":" in via) != (version == 6 or inet6):
        raise ValueError(f"the family of the gateway in {line!r} is not told")
    if "dev" not in values and (not via or onlink or via.startswith("fe80:")):
        raise ValueError(f"{line!r} names no device")
    return (str(network), via, values.get("metric"), onlink)
