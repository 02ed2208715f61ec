# SPDX-License-Identifier: Apache-2.0
"""The lines inside netifrc's variables: addresses, routes, and the options of dhcpcd.

doc/net.example.Linux.in and net/iproute2.sh of https://github.com/gentoo/netifrc; dhcpcd(8) of
https://github.com/NetworkConfiguration/dhcpcd.
"""

from __future__ import annotations

import ipaddress
from typing import Any

from tests.readers import BY_FLAGS, METRIC, NAME, Grammar, Route, choice, ip

ROUTE_WORDS: dict[str, Grammar] = {"via": ip, "metric": METRIC, "proto": choice("static", "boot"), "dev": NAME}


def dhcpcd(text: str) -> tuple[str, str]:
    """What dhcpcd's options ask for by DHCPv6, and ``Device.ra`` if it answers advertisements itself."""
    words = text.split()
    unknown = set(words) - {"-4", "-6", "-L", "-b", "-q", "-w", "--noipv4ll", "--noipv6rs", "--ia_na", "--inform6"}
    if unknown:
        raise ValueError(f"no option {unknown} is wanted of dhcpcd")
    if "-4" in words:
        return "", ""
    if "--noipv6rs" not in words:
        return BY_FLAGS, "full"
    if ("--ia_na" in words) == ("--inform6" in words):
        raise ValueError("no advertisement tells dhcpcd what to ask for")
    return "stateful" if "--ia_na" in words else "stateless", ""


def address(line: str) -> str:
    """``_add_address``: without a length it is the address alone."""
    words = line.split()
    rest = [word for index, word in enumerate(words) if index and word not in ("nodad", "noprefixroute")]
    if len(rest) % 2 or any(key not in ("brd", "broadcast", "scope", "label") for key in rest[::2]):
        raise ValueError(f"{line!r} is no address with what goes with it")
    return str(ipaddress.ip_interface(words[0]))


def route(family: int, device: str, line: str) -> Route:
    """What ``ip route append`` gets, without the words that ip(8) does not know."""
    words = [word for word in line.split() if word not in ("-net", "-host")]
    to, rest = words[0], words[1:]
    if len(rest) == 1:
        rest = ["via", *rest]
    inet6 = rest[:2] == ["via", "inet6"]
    if inet6:
        del rest[1]
    onlink = "onlink" in rest
    rest = [word for word in rest if word != "onlink"]
    values: dict[str, Any] = {}
    for key, value in zip(rest[::2], rest[1::2]):
        if key not in ROUTE_WORDS or key in values:
            raise ValueError(f"no word {key!r} in {line!r}")
        values[key] = ROUTE_WORDS[key](value)
    via = values.get("via", "")
    if to == "default":
        to = "::/0" if family == 6 or (not family and ":" in via and not inet6) else "0.0.0.0/0"
    network = ipaddress.ip_network(to)
    if len(rest) % 2 or values.get("dev", device) != device or (family and family != network.version):
        raise ValueError(f"{line!r} is no route of IPv{family or network.version} on {device}")
    if via and (":" in via) != (network.version == 6 or inet6):
        raise ValueError(f"the family of the gateway in {line!r} is not told")
    return (str(network), via, values.get("metric"), onlink)
