# SPDX-License-Identifier: Apache-2.0
"""ifcfg, ifroute and ifsysctl files as wicked takes them.

In https://github.com/openSUSE/wicked: ifcfg(5), ifcfg-bonding(5), ifcfg-vlan(5), ifcfg-dhcp(5), ifroute(5) and
ifsysctl(5) of man/; client/suse/compat-suse.c and ifsysctl.c, src/sysconfig.c and src/route.c, where the manual
leaves it open.  It is no shell that reads them: a line has at most 511 bytes, a quoted value knows no backslash.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tests.readers import BY_FLAGS, METRIC, NAME, Device, Grammar, Reading, Route, at, choice, mac, matching, number
from tests.readers._shell import (
    MTU,
    Value,
    Variables,
    advertisements,
    link_local,
    parsed,
    sysctl_lines,
    sysctls,
)
from tests.readers._wicked_bonding import SECONDS, bonding

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

DIRECTORY = "/etc/sysconfig/network/"
IGNORED = ("~", ".old", ".bak", ".orig", ".scpmbackup", ".rpmnew", ".rpmsave", ".rpmorig")
LINE = 511  # fgets() into linebuf[512]
SYSCTL_LINE = 4096  # into buffer[PATH_MAX + 1]

# What the same words must not have to be a script to those who source them
UNQUOTED = r"[A-Za-z0-9_.,:/@%+=-]*"
UNLIKE = re.compile(r"[\\$`\v\f]")

YES = choice(yes=True, no=False)
TEXT = matching(r"[ -~]*")


def address(text: str) -> str:
    """An address with its length, which is not 0: that would be as none."""
    matching(r"[0-9A-Fa-f.:]+/[1-9]\d{0,2}")(text)
    return str(ipaddress.ip_interface(text))


def protocols(text: str) -> frozenset[str]:
    """BOOTPROTO: one, or several with a plus sign, of which each is required; "dhcp" is both, of which one is."""
    if text in ("static", "none"):
        return frozenset((text,))
    return frozenset(choice("dhcp", "dhcp4", "dhcp6", "auto6")(word) for word in text.split("+"))


SUFFIXED = ("IPADDR", "PREFIXLEN", "NETMASK", "BROADCAST", "LABEL", "SCOPE", "IP_OPTIONS", "BONDING_SLAVE")
KEYS: dict[str, Grammar] = {
    # ifcfg(5); a name that ends in * has any suffix
    "BOOTPROTO": protocols,
    "BROADCAST*": TEXT,
    "CHECK_DUPLICATE_IP": YES,
    "FIREWALL": YES,
    "IPADDR*": address,
    "LINK_READY_WAIT": SECONDS,
    "LINK_REQUIRED": choice("auto", "yes", "no"),
    "LLADDR": mac,
    "MTU": MTU,
    "NAME": TEXT,
    "SEND_GRATUITOUS_ARP": choice("auto", "yes", "no"),
    "STARTMODE": choice("manual", "auto", "hotplug", "nfsroot", "off"),
    "ZONE": TEXT,
    # what makes a device: the manuals of bonding and VLAN
    "BONDING_MASTER": YES,
    "BONDING_MODULE_OPTS": TEXT,
    "BONDING_SLAVE*": NAME,
    "ETHERDEVICE": NAME,
    "VLAN_ID": number(0, 4094),
    "VLAN_PROTOCOL": choice("ieee802-1Q"),
    # the manual of DHCP
    "DHCLIENT_ROUTE_PRIORITY": METRIC,
    "DHCLIENT_SET_DEFAULT_ROUTE": YES,
    "DHCLIENT_SET_HOSTNAME": YES,
    "DHCLIENT_WAIT_AT_BOOT": SECONDS,
    "DHCLIENT6_MODE": choice("auto", "info", "managed"),
    "DHCLIENT6_SET_HOSTNAME": YES,
    "DHCLIENT6_WAIT_AT_BOOT": SECONDS,
}
ROUTE_OPTIONS = {"metric": METRIC, "priority": METRIC, "preference": METRIC, "table": choice("main")}


def lines(text: str, size: int) -> Iterator[tuple[int, str]]:
    """Lines with their numbers as ``fgets`` gives them: what is longer than the buffer is another line."""
    for count, line in enumerate(re.findall(rb"[^\n]*\n|[^\n]+", text.encode()), 1):
        for start in range(0, len(line), size):
            yield count, line[start : start + size].decode(errors="surrogateescape")


def variables(path: str, text: str) -> Variables:
    """``ni_sysconfig_read``: what is no assignment is nothing, and so is a value of which the quote does not end."""
    found: Variables = {}
    for count, line in lines(text, LINE):
        if match := re.match(r"\s*([A-Za-z][A-Za-z0-9_]*)=(?:'([^']*)'|\"([^\"]*)\"|([^'\"\s]\S*)(?=\s)|(?=\s))", line):
            place = f"{path}:{count}"
            # The same words are a script to those who source it.
            rest = line[match.end() :]
            if (
                not re.fullmatch(r"\s*|\s+#.*\n?", rest)
                or not re.fullmatch(UNQUOTED, match[4] or "")
                or UNLIKE.search(match[0])
            ):
                raise ValueError(f"{place}: {line!r} is something else to a shell")
            found[match[1]] = Value(match[2] or match[3] or match[4] or "", place)
        elif not re.match(r"\s*(#|$)", line):
            raise ValueError(f"{path}:{count}: {line!r} is nothing")
    return found


def read(files: Mapping[str, str]) -> Reading:
    """The devices that wicked sets up at boot, and the ports of its bonds."""
    for path in files:
        tag = path.removeprefix(DIRECTORY).partition("-")[0]
        if path.startswith(DIRECTORY) and tag not in ("ifcfg", "ifroute", "ifsysctl", "config"):
            raise ValueError(f"{path}: nobody reads it")
    prefix = f"{DIRECTORY}ifcfg-"
    names = sorted(p.removeprefix(prefix) for p in files if p.startswith(prefix) and not p.endswith(IGNORED))
    profiles = {at(prefix + name, NAME, name): _profile(prefix + name, files[prefix + name]) for name in names}
    settings = {name: _settings(files, name) for name in profiles}
    masters: dict[str, str] = {}
    for name, profile in profiles.items():
        if profile.get("BONDING_MASTER"):
            masters |= {value: name for key, value in profile.items() if key.startswith("BONDING_SLAVE")}
    reading: Reading = {}
    for name, profile in profiles.items():
        mode = profile.get("STARTMODE", "manual")
        if mode in ("auto", "nfsroot", "hotplug"):
            routes = _on_link(_routes(f"{DIRECTORY}ifroute-{name}", files.get(f"{DIRECTORY}ifroute-{name}", ""), name))
            reading[name] = _device(prefix + name, name, profile, masters.get(name, ""), settings[name], routes)
    for device in [device for device in reading.values() if device.required and device.parent in reading]:
        parent = reading[device.parent]
        if not (parent.addresses or parent.dhcp4 or parent.dhcp6):  # who waits for the VLAN waits for nothing more
            reading[device.parent] = replace(parent, required=None)
    # A port without a file is set up as by STARTMODE=hotplug and BOOTPROTO=none.
    ports = {port: Device(master=bond, required=False, local=False) for port, bond in masters.items()}
    return {**ports, **reading}


def _profile(path: str, text: str) -> dict[str, Any]:
    found = variables(path, text)
    grammars = dict(KEYS)
    for name in found:
        stem = next((stem for stem in SUFFIXED if name.startswith(stem)), None)
        if stem and f"{stem}*" in KEYS:
            grammars[name] = KEYS[f"{stem}*"]
    return parsed(found, grammars)


def _settings(files: Mapping[str, str], device: str) -> dict[str, int]:
    """What sysctl.d(5) says of a device, then ifsysctl(5); ``all`` and ``default`` count as well."""
    path = f"{DIRECTORY}ifsysctl-{device}"
    text = files.get(path, "")
    said = sysctls(files)
    for name, key, value in sysctl_lines(path, "\n".join(line.rstrip("\n") for _, line in lines(text, SYSCTL_LINE))):
        said.setdefault(name.replace("$INTERFACE", "default").replace("$SYSCTL_IF", "default"), {})[key] = value
    return {key: value for name in ("all", "default", device) for key, value in said.get(name, {}).items()}


def _device(
    path: str, name: str, profile: dict[str, Any], master: str, settings: Mapping[str, int], routes: set[Route]
) -> Device:
    wanted = profile.get("BOOTPROTO", frozenset(("static",)))
    enabled = not master and "none" not in wanted
    ra = advertisements(settings) if enabled else "off"
    dhcp4 = enabled and bool({"dhcp", "dhcp4"} & wanted)
    dhcp6 = enabled and bool({"dhcp", "dhcp6"} & wanted) and not settings.get("disable_ipv6")
    metrics = {profile.get("DHCLIENT_ROUTE_PRIORITY")} if dhcp4 else set()
    metrics |= {settings.get("ra_defrtr_metric")} if ra != "off" else set()
    return Device(
        addresses=frozenset(v for k, v in profile.items() if k.startswith("IPADDR")) if enabled else frozenset(),
        routes=frozenset(routes) if enabled else frozenset(),
        dhcp4=dhcp4,
        dhcp6={"auto": BY_FLAGS, "managed": "stateful", "info": "stateless"}[profile.get("DHCLIENT6_MODE", "auto")]
        if dhcp6
        else "",
        ra=ra,
        metric=metrics.pop() if len(metrics) == 1 else None,
        mtu=profile.get("MTU"),
        mac=profile.get("LLADDR"),
        master=master,
        required=profile["STARTMODE"] != "hotplug",
        local=enabled and link_local(settings),
        **_made(path, name, profile),
    )


def _made(path: str, name: str, profile: dict[str, Any]) -> dict[str, Any]:
    if profile.get("BONDING_MASTER"):
        options = at(path, bonding, profile.get("BONDING_MODULE_OPTS", ""))
        mode, primary = options.pop("mode", "balance-rr"), options.pop("primary", "")
        members = frozenset(value for key, value in profile.items() if key.startswith("BONDING_SLAVE"))
        return {"bond": mode, "primary": primary, "options": frozenset(options.items()), "members": members}
    if "ETHERDEVICE" not in profile:
        return {}
    # By default the number at the end of the name is the ID, behind the last dot if there is one.
    by_name = re.search(r"(?:\.(\d+)|(\d+))$", name)
    vlan = profile.get("VLAN_ID") if "VLAN_ID" in profile else int(by_name[1] or by_name[2]) if by_name else None
    if vlan is None or vlan > 4094 or profile["ETHERDEVICE"] == name:
        raise ValueError(f"{path}: no VLAN ID, or the device itself is its parent")
    return {"vlan": vlan, "parent": profile["ETHERDEVICE"]}


def _on_link(routes: Iterable[Route]) -> set[Route]:
    """The first of a destination and priority counts; one to a gateway says of it what the word onlink does."""
    found: dict[tuple[str, int], Route] = {}
    for route in routes:
        to, via, metric, _ = route
        found.setdefault((to, metric or ((1024 if via else 256) if ":" in to else 0)), route)
    gateways = {to.partition("/")[0] for to, via, _, _ in found.values() if not via and to.endswith(("/32", "/128"))}
    return {(to, via, metric, onlink or via in gateways) for to, via, metric, onlink in found.values()}


def _routes(path: str, text: str, device: str) -> Iterator[Route]:
    """Destination, gateway, netmask, interface, options; one wrong backslash, and there is no route at all."""
    pending = ""
    for count, raw in enumerate(text.split("\n"), 1):
        head, backslash, rest = (pending + raw).partition("\\")
        if rest:
            raise ValueError(f"{path}:{count}: a backslash that does not end its line: the file is not taken")
        pending = head if backslash else ""
        fields = head.partition("#")[0].split()
        if fields and not backslash:
            yield at(f"{path}:{count}", _route(device), " ".join(fields))
    if pending:
        raise ValueError(f"{path}: the last line goes on")


def _route(device: str) -> Callable[[str], Route]:
    def parse(line: str) -> Route:
        to, via, mask, name, *options = (*line.split(), "-", "-", "-")[: max(4, len(line.split()))]
        if mask != "-" or name not in ("-", device):
            raise ValueError(f"a netmask, or another device, in {line!r}")
        metric, onlink, rest = None, False, iter(options)
        for word in rest:
            if word == "nexthop":  # the only place where a gateway can be told to be on the link
                via, onlink = _hop(via, list(rest), device)
            elif word in ROUTE_OPTIONS:
                value = ROUTE_OPTIONS[word](next(rest, ""))
                metric = metric if word == "table" else value
            else:
                raise ValueError(f"no option {word!r}")
        gateway = None if via == "-" else ipaddress.ip_address(via)
        if to == "default":
            if gateway is None:
                raise ValueError("a default without a gateway has no family")
            to = "0.0.0.0/0" if gateway.version == 4 else "::/0"
        network = ipaddress.ip_network(to)
        if gateway is not None and gateway.version != network.version:
            raise ValueError(f"a gateway of the other family in {line!r}")
        return (str(network), str(gateway or ""), metric, onlink)

    return parse


def _hop(via: str, words: list[str], device: str) -> tuple[str, bool]:
    onlink = words.count("onlink") == 1
    pairs = [word for word in words if word != "onlink"]
    values = dict(zip(pairs[::2], pairs[1::2]))
    if via != "-" or not values.keys() <= {"via", "dev"} or "via" not in values or values.get("dev", device) != device:
        raise ValueError(f"no single next hop: {' '.join(words)}")
    return values["via"], onlink
