# SPDX-License-Identifier: Apache-2.0
"""NetworkManager's profiles in keyfile format, nm-settings-keyfile(5) and nm-settings-nmcli(5) of 1.30 to 1.52.

https://networkmanager.dev/docs/api/latest/nm-settings-keyfile.html; the format of the file is GLib's,
https://docs.gtk.org/glib/struct.KeyFile.html.  Properties that nothing here needs are not taken.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from tests.readers import (
    BY_FLAGS,
    METRIC,
    NAME,
    Device,
    Grammar,
    Reading,
    Route,
    at,
    choice,
    ip,
    mac,
    matching,
    number,
    prefix,
    prefixed,
)
from tests.readers._programs import OPTIONS

if TYPE_CHECKING:
    from collections.abc import Mapping

FAMILIES_APART = True  # ipv4.dns and ipv6.dns
DIRECTORY = "/NetworkManager/system-connections/"
ALIASES = {"802-3-ethernet": "ethernet"}


def several(grammar: Grammar) -> Grammar:
    """A list; each item is ended by a semicolon, the last one may go without."""
    return lambda text: [grammar(item) for item in text.removesuffix(";").split(";")]


def _route(text: str) -> tuple[str, str, int | None]:
    """``destination/prefix[,gateway[,metric]]``; the gateway may be empty."""
    to, gateway, metric = [*text.split(","), "", ""][:3] if text.count(",") < 3 else ["", "", ""]
    return prefix(to), ip(gateway) if gateway else "", METRIC(metric) if metric else None


def _route_options(text: str) -> dict[str, str]:
    """``name=value`` parted by commas; of the attributes of a route, those that change where it leads."""
    return {"onlink": choice("true", "false")(matching(r"onlink=\w+")(text).partition("=")[2])}


BOOLEAN = choice(true=True, false=False)
FOREVER = number(0, 2**31 - 1)
UUID = matching(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
DOMAIN = matching(r"~?[A-Za-z0-9_.-]+")
PRIORITY = matching(r"-?\d{1,3}")
# Group: key, a regular expression: grammar.
IP: dict[str, Grammar] = {
    "may-fail": BOOLEAN,
    "never-default": BOOLEAN,
    r"address\d*": prefixed,
    "gateway": ip,
    r"route\d*": _route,
    r"route\d*_options": _route_options,
    "dns": several(ip),
    "dns-search": several(DOMAIN),
    "dns-priority": matching(r"-?\d+"),
    "route-metric": lambda text: None if text == "-1" else METRIC(text),
    "dhcp-timeout": FOREVER,
    "required-timeout": matching(r"-1|\d+"),
}
KEYS: dict[str, dict[str, Grammar]] = {
    "connection": {
        "id": matching(r"[ -~]+"),
        "uuid": UUID,
        "type": choice("ethernet", "infiniband", "bond", "vlan", **{"802-3-ethernet": "ethernet"}),
        "interface-name": NAME,
        "autoconnect": BOOLEAN,
        "autoconnect-priority": PRIORITY,
        "autoconnect-retries": matching(r"-1|\d+"),
        "autoconnect-slaves": matching(r"-1|0|1"),
        "multi-connect": number(0, 3),
        "master": lambda text: text if re.fullmatch(r"[0-9a-f-]{36}", text) else NAME(text),
        "slave-type": choice("bond"),
        "wait-device-timeout": matching(r"-1|\d+"),
    },
    "ethernet": {
        "mac-address": mac,
        "mac-address-blacklist": several(mac),
        "cloned-mac-address": lambda text: text if text in ("preserve", "permanent") else mac(text),
        "mtu": number(0, 2**32 - 1),
    },
    "infiniband": {"mac-address": mac, "mtu": number(0, 65520), "transport-mode": choice("datagram", "connected")},
    "match": {"driver": several(matching(r"\S+")), "interface-name": several(matching(r"\S+"))},
    "vlan": {"id": number(0, 4094), "parent": matching(r"\S+"), "interface-name": NAME, "flags": number(0, 15)},
    # The options of the kernel, but peer_notif_delay may be any number, and arp_missed_max 0 is none.
    "bond": OPTIONS,
    "bond-port": {"queue-id": number(0, 65535)},
    "ipv4": {"method": choice("auto", "manual", "disabled", "link-local"), **IP},
    "ipv6": {
        "method": choice("auto", "dhcp", "manual", "disabled", "link-local", "ignore"),
        "addr-gen-mode": choice("eui64", "stable-privacy", "default", "default-or-eui64"),
        "ip6-privacy": choice("-1", "0", "1", "2"),
        "ra-timeout": FOREVER,
        **IP,
    },
}

Profile = dict[str, dict[str, Any]]  # group: key: value


def read(files: Mapping[str, str]) -> Reading:
    """The devices of the profiles that name one; that which is for all others is not looked at."""
    profiles = [_profile(path, files[path]) for path in sorted(files) if DIRECTORY in path]
    profiles = [profile for profile in profiles if profile["connection"].get("autoconnect", True)]
    keys = {profile["connection"]["uuid"]: _key(profile) for profile in profiles}
    names = {profile["connection"]["uuid"]: profile["connection"].get("interface-name", "") for profile in profiles}
    reading: Reading = {}
    for profile in profiles:
        if key := _key(profile):
            if key in reading:
                raise ValueError(f"{key}: two profiles")
            master = profile["connection"].get("master", "")
            reading[key] = _device(profile, names.get(master) or master, keys)
    for name, device in list(reading.items()):
        if device.bond:
            ports = frozenset(key for key, port in reading.items() if port.master == name)
            reading[name] = Device(**{**vars(device), "members": ports})
    return reading


def _profile(path: str, text: str) -> Profile:
    if not path.endswith(".nmconnection"):
        raise ValueError(f"{path}: NetworkManager takes *.nmconnection")
    profile: Profile = {}
    group = ""
    for index, line in enumerate(text.splitlines(), 1):
        place = f"{path}:{index}"
        if not line.strip() or line[0] == "#":
            continue
        if line[0] == "[":
            group = ALIASES.get(line.strip("[]"), line.strip("[]"))
            if group not in KEYS or line != line.strip():
                raise ValueError(f"{place}: no group {line}")
            profile.setdefault(group, {})
            continue
        key, equals, value = (part.strip() for part in line.partition("="))
        grammar = next((grammar for name, grammar in KEYS.get(group, {}).items() if re.fullmatch(name, key)), None)
        if not equals or grammar is None:
            raise ValueError(f"{place}: no property {key} of [{group}]")
        profile[group][key] = at(place, grammar, value)
    connection = profile.get("connection", {})
    if not {"id", "uuid", "type"} <= connection.keys() or ("master" in connection) != ("slave-type" in connection):
        raise ValueError(f"{path}: id, uuid and type are mandatory, and slave-type with master")
    if "master" in connection and {"ipv4", "ipv6"} & profile.keys():
        raise ValueError(f"{path}: a port has no [ipv4] and no [ipv6]")
    for family in ("ipv4", "ipv6"):
        _verify(path, family, profile.get(family))
    return profile


def _verify(path: str, family: str, settings: dict[str, Any] | None) -> None:
    """What NetworkManager refuses: nm-setting-ip-config.c, nm-setting-ip4-config.c and nm-setting-ip6-config.c."""
    if settings is None:
        return
    method = settings.get("method")
    addresses = [value for key, value in settings.items() if key.startswith("address")]
    routes = [value for key, value in settings.items() if re.fullmatch(r"route\d*", key)]
    texts = [*addresses, *settings.get("dns", ()), *(to for to, _, _ in routes), *(via for _, via, _ in routes if via)]
    if any((":" in text) != (family == "ipv6") for text in texts):
        raise ValueError(f"{path}: the other family in [{family}]")
    if method is None or (method == "manual") != bool(addresses and method not in ("auto", "dhcp")):
        raise ValueError(f"{path}: [{family}] method={method} with {len(addresses)} addresses")
    if method in ("disabled", "ignore", "link-local") and family == "ipv4" and (settings.get("dns") or routes):
        raise ValueError(f"{path}: [ipv4] method={method} takes no servers and no routes")
    if "gateway" in settings and not addresses:
        raise ValueError(f"{path}: a gateway without an address")


def _key(profile: Profile) -> str:
    """The device that the profile is for: by its permanent address, or else by its name."""
    for group in ("ethernet", "infiniband"):
        if address := profile.get(group, {}).get("mac-address"):
            return str(address)
    names = [name for name in profile.get("match", {}).get("interface-name", ()) if name[0] != "!"]
    return str(profile["connection"].get("interface-name") or (names[0] if len(names) == 1 else ""))


def _device(profile: Profile, master: str, keys: Mapping[str, str]) -> Device:
    link = {**profile.get("infiniband", {}), **profile.get("ethernet", {})}
    # A profile without the group has it all from the network, but the profile of a port has none.
    missing = {} if master else {"method": "auto"}
    ipv4, ipv6, bond = profile.get("ipv4", missing), profile.get("ipv6", missing), dict(profile.get("bond", {}))
    is_bond, vlan = profile["connection"]["type"] == "bond", profile.get("vlan", {})
    both = (ipv4, ipv6)
    mode, primary = bond.pop("mode", "balance-rr"), bond.pop("primary", "")
    dhcp4, ra = ipv4.get("method") == "auto", ipv6.get("method") == "auto"
    metrics = {family.get("route-metric") for family, takes in ((ipv4, dhcp4), (ipv6, ra)) if takes}
    return Device(
        addresses=frozenset(value for family in both for key, value in family.items() if key.startswith("address")),
        routes=frozenset(route for family in both for route in _routes(family)),
        dns=tuple(server for family in both for server in family.get("dns", ())),
        search=tuple(domain for family in both for domain in family.get("dns-search", ())),
        dhcp4=dhcp4,
        # "auto" takes addresses by DHCP where the router's flags say so, "dhcp" whatever they say.
        dhcp6=BY_FLAGS if ra else "stateful" if ipv6.get("method") == "dhcp" else "",
        ra="full" if ra else "off",
        metric=next(iter(metrics), None) if len(metrics) < 2 else -1,
        mtu=link.get("mtu") or None,
        mac=link.get("cloned-mac-address"),
        driver=" ".join(profile.get("match", {}).get("driver", ())),
        bond=mode if is_bond else "",
        options=frozenset((key, str(value)) for key, value in bond.items()),
        primary=primary,
        vlan=vlan.get("id"),
        parent=keys.get(vlan.get("parent", ""), vlan.get("parent", "")),
        master=master,
        required=_is_waited_for(both),
        local=not master and ipv6.get("method") not in (None, "disabled"),
    )


def _is_waited_for(families: tuple[dict[str, Any], ...]) -> bool | None:
    """``nm-online -s`` waits until all profiles are activated: as soon as one family is done, if the other may fail.

    https://networkmanager.dev/docs/api/latest/settings-ipv4.html, ``required-timeout``.
    """
    dynamic = [family for family in families if family.get("method") in ("auto", "dhcp")]
    done = any(family.get("method") in ("manual", "link-local") for family in families)
    needed = [family for family in dynamic if not (done and family.get("may-fail", True))]
    return True if needed else None


def _routes(family: dict[str, Any]) -> list[Route]:
    routes: list[Route] = []
    for key, value in family.items():
        if re.fullmatch(r"route\d*", key):
            routes.append((*value, family.get(f"{key}_options", {}).get("onlink") == "true"))
        elif key == "gateway":
            # NetworkManager reaches it on the link where no address covers it.
            routes.append(("::/0" if ":" in value else "0.0.0.0/0", value, None, False))
    return routes
