# SPDX-License-Identifier: Apache-2.0
"""systemd.network(5) and systemd.netdev(5) files, as systemd-networkd 252 to 257 takes them.

https://www.freedesktop.org/software/systemd/man/latest/systemd.network.html and systemd.netdev.html there; the grammar
of files, switches and times is systemd.syntax(7), systemd.time(7).  Keys that nothing here needs are not taken.
"""

from __future__ import annotations

import re
from dataclasses import replace
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
    ip4,
    mac,
    matching,
    number,
    prefix,
    prefixed,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

SWITCH = choice(**dict.fromkeys(("1", "yes", "true", "on"), True), **dict.fromkeys(("0", "no", "false", "off"), False))
UNITS = {"": 1000, "s": 1000, "sec": 1000, "ms": 1, "msec": 1, "min": 60000, "m": 60000, "h": 3600000}


def milliseconds(text: str) -> int:
    """A time span: "50" is seconds, "2min 200ms" is a sum."""
    parts = re.findall(r"(\d+) *([a-z]*) *", matching(r"(\d+ *[a-z]* *)+")(text))
    unknown = {unit for _, unit in parts} - UNITS.keys()
    if unknown:
        raise ValueError(f"{text!r}: no such unit of time")
    return sum(int(count) * UNITS[unit] for count, unit in parts)


def size(text: str) -> int:
    """A number of bytes; the suffixes K, M and G are to the base of 1024."""
    digits = matching(r"\d+[KMG]?")(text).rstrip("KMG")
    return int(digits) << 10 * " KMG".index(text[-1] if text[-1] in "KMG" else " ")


def many(grammar: Grammar) -> Grammar:
    """A list parted by blanks."""
    return lambda text: [grammar(word) for word in text.split()]


GLOBS = many(matching(r"!?\S+"))
DOMAIN = matching(r"~?(\.|[A-Za-z0-9_.-]+)")

# Section: key: grammar.  A key with an empty value takes back what was assigned before (systemd.syntax(7)).
KEYS: dict[str, dict[str, Grammar]] = {
    "Match": {"PermanentMACAddress": many(mac), "Name": GLOBS, "Driver": GLOBS, "Type": GLOBS, "Kind": GLOBS},
    "Link": {
        "MTUBytes": size,
        # The states are those of networkctl(1); from "degraded" on there is an address.
        "RequiredForOnline": choice(
            **dict.fromkeys(("yes", "true", "degraded", "routable", "enslaved"), True),
            **dict.fromkeys(("no", "false", "carrier", "degraded-carrier", "no-carrier", "dormant", "off"), False),
        ),
    },
    "Network": {
        "DHCP": choice(no=(), yes=("4", "6"), ipv4=("4",), ipv6=("6",)),
        "LinkLocalAddressing": choice(no=(), yes=("4", "6"), ipv4=("4",), ipv6=("6",)),
        "IPv6AcceptRA": SWITCH,
        "Bond": NAME,
        "PrimarySlave": SWITCH,
        "VLAN": NAME,
        "DNS": ip,
        "Domains": many(DOMAIN),
        "Address": prefixed,
    },
    "Address": {"Address": prefixed},
    "Route": {
        "Destination": prefix,
        "Gateway": ip,
        "GatewayOnLink": SWITCH,
        "Metric": METRIC,
        "Scope": choice("global", "site", "link", "host", "nowhere"),
    },
    "DHCPv4": {"RouteMetric": METRIC, "UseMTU": SWITCH},
    # RouteMetric here was that of advertised routes before [IPv6AcceptRA] had it (249).
    "DHCPv6": {"RouteMetric": METRIC, "WithoutRA": choice("solicit", no="", **{"information-request": "inform"})},
    "IPv6AcceptRA": {
        "UseAutonomousPrefix": SWITCH,
        "DHCPv6Client": choice(
            always="always", yes="flags", true="flags", on="flags", no="", false="", off="", **{"1": "flags", "0": ""}
        ),
        "RouteMetric": METRIC,
    },
}
ON_OFF = choice(**{word: str(int(SWITCH(word))) for word in ("yes", "true", "on", "1", "no", "false", "off", "0")})
MODES = ("balance-rr", "active-backup", "balance-xor", "broadcast", "802.3ad", "balance-tlb", "balance-alb")
# The kernel's name of each option, with the grammar of the key.
BOND: dict[str, tuple[str, Grammar]] = {
    "TransmitHashPolicy": ("xmit_hash_policy", choice("layer2", "layer3+4", "layer2+3", "encap2+3", "encap3+4")),
    "LACPTransmitRate": ("lacp_rate", choice("slow", "fast")),
    "MIIMonitorSec": ("miimon", milliseconds),
    "PeerNotifyDelaySec": ("peer_notif_delay", milliseconds),  # 256
    "UpDelaySec": ("updelay", milliseconds),
    "DownDelaySec": ("downdelay", milliseconds),
    "LearnPacketIntervalSec": ("lp_interval", lambda text: milliseconds(text) // 1000),
    "AdSelect": ("ad_select", choice("stable", "bandwidth", "count")),
    "AdActorSystemPriority": ("ad_actor_sys_prio", number(1, 65535)),
    "AdUserPortKey": ("ad_user_port_key", number(0, 1023)),
    "AdActorSystem": ("ad_actor_system", mac),
    "FailOverMACPolicy": ("fail_over_mac", choice("none", "active", "follow")),
    "ARPValidate": ("arp_validate", choice("none", "active", "backup", "all")),
    "ARPIntervalSec": ("arp_interval", milliseconds),
    "ARPIPTargets": ("arp_ip_target", many(ip4)),
    "ARPAllTargets": ("arp_all_targets", choice("any", "all")),
    "ARPMissedMax": ("arp_missed_max", number(0, 255)),  # 256
    "PrimaryReselectPolicy": ("primary_reselect", choice("always", "better", "failure")),
    "ResendIGMP": ("resend_igmp", number(0, 255)),
    "PacketsPerSlave": ("packets_per_slave", number(0, 65535)),
    "GratuitousARP": ("num_grat_arp", number(0, 255)),
    "AllSlavesActive": ("all_slaves_active", ON_OFF),
    "DynamicTransmitLoadBalancing": ("tlb_dynamic_lb", ON_OFF),
    "MinLinks": ("min_links", number(0, 2**31 - 1)),
}
NETDEV_KEYS: dict[str, dict[str, Grammar]] = {
    "NetDev": {"Name": NAME, "Kind": choice("bond", "vlan"), "MACAddress": mac},
    "VLAN": {"Id": number(0, 4094)},
    "Bond": {"Mode": choice(*MODES), **{key: grammar for key, (_, grammar) in BOND.items()}},
}

Section = dict[str, list[Any]]  # key: the values assigned, the last one counts where the key takes one


def read(files: Mapping[str, str]) -> Reading:
    """What systemd-networkd configures by the files in its directories."""
    by_name = {path.rpartition("/")[2]: path for path in sorted(files, reverse=True) if "/systemd/network/" in path}
    made: dict[str, Device] = {}
    reading: Reading = {}
    parents: dict[str, str] = {}
    for name, path in sorted(by_name.items()):
        if name.endswith(".netdev"):
            label, device = _netdev(path, files[path])
            made.setdefault(label, device)
        elif name.endswith(".network"):
            parsed = list(sections(path, files[path], KEYS))
            for key in _keys(parsed):
                if key not in reading:  # the first file that matches is applied
                    reading[key] = _device(parsed)
                    parents.update((vlan, key) for _, section in parsed for vlan in section.get("VLAN", ()))
        else:
            raise ValueError(f"{path}: no file of systemd-networkd")
    if unmanaged := made.keys() - reading.keys():
        raise ValueError(f"{', '.join(sorted(unmanaged))}: no .network file, so it is never set up")
    for name, device in made.items():
        members = {key: member for key, member in reading.items() if device.bond and member.master == name}
        primary = [key for key, member in members.items() if member.primary]
        reading[name] = replace(
            reading[name],
            **{field: getattr(device, field) for field in ("mac", "bond", "options", "vlan")},
            members=frozenset(members),
            primary=primary[0] if primary else "",
            parent=parents.get(name, ""),
        )
    return {key: replace(device, primary="") if device.master else device for key, device in reading.items()}


def sections(path: str, text: str, keys: Mapping[str, Mapping[str, Grammar]]) -> Iterator[tuple[str, Section]]:
    """Each section with the values of its keys; sections of one name stay apart, as those of routes must."""
    name, section = "", Section()
    for index, line in enumerate(map(str.strip, text.splitlines()), 1):
        place = f"{path}:{index}"
        if not line or line[0] in "#;":
            continue
        if line[0] == "[" and line[-1] == "]":
            name, section = line[1:-1], Section()
            if name not in keys:
                raise ValueError(f"{place}: no section {line}")
            yield name, section  # filled by the lines that follow
            continue
        key, equals, value = (part.strip() for part in line.partition("="))
        if not equals or key not in keys.get(name, ()):
            raise ValueError(f"{place}: no key {key} in [{name}]")
        section[key] = [*section.get(key, ()), at(place, keys[name][key], value)] if value else []


def _netdev(path: str, text: str) -> tuple[str, Device]:
    """The name and the facts of a device that is made."""
    merged: dict[str, dict[str, Any]] = {"NetDev": {}, "Bond": {}, "VLAN": {}}
    for name, section in list(sections(path, text, NETDEV_KEYS)):
        merged[name].update({key: values[-1] for key, values in section.items() if values})
    netdev, bond, vlan = merged["NetDev"], merged["Bond"], merged["VLAN"]
    if not {"Name", "Kind"} <= netdev.keys() or (netdev["Kind"] == "vlan") != ("Id" in vlan):
        raise ValueError(f"{path}: Name=, Kind= and a VLAN's Id= are compulsory")
    mode = bond.pop("Mode", "balance-rr") if netdev["Kind"] == "bond" else ""
    options = {BOND[key][0]: ",".join(v) if isinstance(v, list) else str(v) for key, v in bond.items()}
    facts = Device(mac=netdev.get("MACAddress"), bond=mode, options=frozenset(options.items()), vlan=vlan.get("Id"))
    return netdev["Name"], facts


def _keys(parsed: list[tuple[str, Section]]) -> list[str]:
    """The devices that [Match] names one by one; none for a wildcard."""
    match = {key: values for name, section in parsed if name == "Match" for key, values in section.items()}
    found = match.get("PermanentMACAddress") or match.get("Name") or []
    return [key for value in found for key in value if not set("*?[!") & set(key)]


def _device(parsed: list[tuple[str, Section]]) -> Device:
    merged: dict[str, Section] = {name: {} for name in KEYS}
    for name, section in parsed:
        if name == "Address" and len(section.get("Address", ())) != 1:
            raise ValueError("an [Address] section has one Address=")
        for key, values in section.items():
            merged[name].setdefault(key, []).extend(values)

    def last(name: str, key: str, default: Any) -> Any:
        return merged[name].get(key, [default])[-1]

    network, dhcp = merged["Network"], last("Network", "DHCP", ())
    local = "6" in last("Network", "LinkLocalAddressing", ("6",))
    # "Cannot be enabled ... when link-local addressing is disabled"; the default is to take them.
    accept = last("Network", "IPv6AcceptRA", True) and local
    prefixes = last("IPv6AcceptRA", "UseAutonomousPrefix", True)
    search = [domain for domains in network.get("Domains", ()) for domain in domains if domain[0] != "~"]
    return Device(
        addresses=frozenset([*merged["Address"].get("Address", ()), *network.get("Address", ())]),
        routes=frozenset(_route(section) for name, section in parsed if name == "Route"),
        dns=tuple(network.get("DNS", ())),
        search=tuple(search),
        dhcp4="4" in dhcp,
        dhcp6=dhcpv6(dhcp, accept, last("DHCPv6", "WithoutRA", ""), last("IPv6AcceptRA", "DHCPv6Client", "flags")),
        ra="off" if not accept else "full" if prefixes else "routes",
        metric=_metric(merged, "4" in dhcp, accept),
        mtu=last("Link", "MTUBytes", None),
        driver=" ".join(last("Match", "Driver", ())) if "PermanentMACAddress" in merged["Match"] else "",
        master=last("Network", "Bond", ""),
        primary="yes" if last("Network", "PrimarySlave", False) else "",
        required=last("Link", "RequiredForOnline", True),
        local=local,
    )


def _route(section: Section) -> Route:
    last = {key: values[-1] for key, values in section.items()}
    gateway = last.get("Gateway", "")
    if "Destination" not in last and not gateway:
        raise ValueError("a route without Destination= and Gateway=")
    default = "::/0" if ":" in gateway else "0.0.0.0/0"
    return last.get("Destination", default), gateway, last.get("Metric"), last.get("GatewayOnLink", False)


def dhcpv6(dhcp: tuple[str, ...], accept: bool, without_ra: str, client: str) -> str:
    """How DHCPv6 runs: WithoutRA= has the last word where DHCP= asks for it, else advertisements do."""
    if "6" in dhcp and without_ra:
        return {"solicit": "stateful", "inform": "stateless"}[without_ra]
    if not accept or not client:
        return ""
    return "stateful" if client == "always" else BY_FLAGS


def _metric(merged: Mapping[str, Section], dhcp4: bool, accept: bool) -> int | None:
    """Of the default routes of both families, which have to agree; -1 where they do not."""
    metrics = [merged["DHCPv4"].get("RouteMetric", [None])[-1]] if dhcp4 else []
    metrics += [merged["IPv6AcceptRA"].get("RouteMetric", [None])[-1]] if accept else []
    if metrics and accept:
        metrics += merged["DHCPv6"].get("RouteMetric", [])[-1:]
    return next(iter(metrics), None) if len(set(metrics)) < 2 else -1
