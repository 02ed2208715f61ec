# SPDX-License-Identifier: Apache-2.0
"""What command lines do to devices: iproute2, DHCP clients, and writes to sysfs and /proc/sys.

ip-link(8), ip-route(8), ip-address(8) of https://git.kernel.org/pub/scm/network/iproute2/iproute2.git;
https://docs.kernel.org/networking/bonding.html and ip-sysctl.html there; dhclient(8), dhcpcd(8), busybox udhcpc.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from tests.readers import METRIC, NAME, Grammar, choice, ip, ip4, mac, matching, number, prefix, prefixed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# What happens: kind, device, values.
Event = tuple[Any, ...]

MODES = ("balance-rr", "active-backup", "balance-xor", "broadcast", "802.3ad", "balance-tlb", "balance-alb")


def numbered(*names: str) -> Grammar:
    """Names that the kernel takes by their number as well."""
    return choice(*names, **{str(index): name for index, name in enumerate(names)})


INTEGER = number(0, 2**31 - 1)
BYTE = number(0, 255)
# Bonding options by the names of the kernel (sysfs and netlink), bonding.rst and drivers/net/bonding/bond_options.c.
OPTIONS: dict[str, Grammar] = {
    "ad_actor_sys_prio": number(1, 65535),
    "ad_actor_system": mac,
    "ad_select": numbered("stable", "bandwidth", "count"),
    "ad_user_port_key": number(0, 1023),
    "all_slaves_active": number(0, 1),
    "arp_all_targets": numbered("any", "all"),
    "arp_interval": INTEGER,
    "arp_ip_target": lambda text: ",".join(map(ip4, text.split(","))),
    "arp_missed_max": number(1, 255),
    "arp_validate": numbered("none", "active", "backup", "all", "filter", "filter_active", "filter_backup"),
    "downdelay": INTEGER,
    "fail_over_mac": numbered("none", "active", "follow"),
    "lacp_active": numbered("off", "on"),
    "lacp_rate": numbered("slow", "fast"),
    "lp_interval": number(1, 2**31 - 1),
    "miimon": INTEGER,
    "min_links": INTEGER,
    "mode": numbered(*MODES),
    "num_grat_arp": BYTE,
    "packets_per_slave": number(0, 65535),
    "peer_notif_delay": number(0, 300000),
    "primary": NAME,
    "primary_reselect": numbered("always", "better", "failure"),
    "resend_igmp": BYTE,
    "tlb_dynamic_lb": number(0, 1),
    "updelay": INTEGER,
    "use_carrier": number(0, 1),
    "xmit_hash_policy": numbered("layer2", "layer3+4", "layer2+3", "encap2+3", "encap3+4", "vlan+srcmac"),
}
ALIASES = {"num_unsol_na": "num_grat_arp", "peer_notify_delay": "peer_notif_delay"}
SYSCTLS: dict[str, Grammar] = {
    "accept_ra": number(0, 2),
    "accept_ra_pinfo": number(0, 1),
    "addr_gen_mode": number(0, 3),
    "autoconf": number(0, 1),
    "dad_transmits": INTEGER,
    "accept_dad": number(0, 2),
    "disable_ipv6": number(0, 1),
    "ra_defrtr_metric": METRIC,
}


def bond_option(device: str, name: str, text: str) -> Event:
    """An option of a bond, with the value by its name."""
    name = ALIASES.get(name, name)
    if name not in OPTIONS:
        raise ValueError(f"no bonding option {name}")
    value = str(OPTIONS[name](text))
    return (name, device, value) if name in ("mode", "primary") else ("option", device, name, value)


def resolvconf(words: list[str], lines: list[str]) -> list[Event]:
    """A record INTERFACE.PROGRAM, in the form of resolv.conf(5)."""
    if words[0] == "-d":
        return []
    device = NAME(words[1].rpartition(".")[0] if words[0] == "-a" and len(words) == 2 else "")
    parts = [line.split() for line in lines]
    servers = [("dns", device, ip(part[1])) for part in parts if part[0] == "nameserver" and len(part) == 2]
    domains = [("search", device, domain) for part in parts if part[0] == "search" for domain in part[1:]]
    if len(servers) + sum(part[0] == "search" for part in parts) != len(lines):
        raise ValueError(f"no lines of resolv.conf: {lines}")
    return [*servers, *domains]


def _nothing(words: list[str], target: str) -> list[Event]:
    return []


def _test(words: list[str], target: str) -> list[Event]:
    """test(1) for a device."""
    found = re.fullmatch(r"-[de] /sys/class/net/([^/ ]+)( \])?", " ".join(words))
    return [("there", NAME(found[1]))] if found else _unknown(words)


def _echo(words: list[str], target: str) -> list[Event]:
    value = " ".join(words)
    if not target:
        return [("text", "", value)]
    if found := re.fullmatch(r"/sys/class/net/([^/]+)/bonding/(\w+)", target):
        device, name = found.groups()
        if name == "slaves":
            return [("master", NAME(value.removeprefix("+")), device)]
        if name == "arp_ip_target":  # one more
            return [("target", device, ip4(matching(r"\+.+")(value)[1:]))]
        return [bond_option(device, name, value)]
    if found := re.fullmatch(r"/sys/class/net/([^/]+)/mtu", target):
        return [("mtu", found[1], number(68, 65535)(value))]
    if found := re.fullmatch(r"/proc/sys/net/ipv6/conf/([^/]+)/(\w+)", target):
        return [_sysctl(found[1], found[2], value)]
    raise ValueError(f"nothing is known of {target}")


def _sysctl(device: str, name: str, value: str) -> Event:
    if name not in SYSCTLS:
        raise ValueError(f"no sysctl {name}")
    return ("sysctl", NAME(device), name, SYSCTLS[name](value))


def _sysctl_command(words: list[str], target: str) -> list[Event]:
    """sysctl(8): a dot in a device's name is written as a slash."""
    found = [re.fullmatch(r"net\.ipv6\.conf\.([^.]+)\.(\w+)=(\d+)", word) for word in words if word[0] != "-"]
    return [_sysctl(f[1].replace("/", "."), f[2], f[3]) if f else _unknown(words) for f in found]


def _unknown(words: list[str]) -> Any:
    raise ValueError(f"nothing is known of {' '.join(words)}")


def _ip(words: list[str], target: str) -> list[Event]:
    family = {"-4": 4, "-6": 6}.get(words[0])
    words = words[1:] if family else words
    verb = (words[0].removesuffix("ess") if words[0] == "address" else words[0], words[1])
    rest = iter(words[2:])
    if verb[0] == "route" and verb[1] in ("add", "replace", "append"):
        return _ip_route(rest, family)
    if verb[0] == "addr" and verb[1] in ("add", "replace"):
        values = _pairs(rest, {"dev": NAME, "broadcast": str, "brd": str, "scope": str, "label": str}, ("nodad",))
        return [("address", values["dev"], prefixed(values[""]))]
    if verb == ("link", "add"):
        return _ip_link_add(rest)
    if verb == ("link", "set"):
        return _ip_link_set(rest)
    return [] if verb[1] in ("del", "delete", "flush", "show") else _unknown(words)


def _pairs(words: Iterator[str], keys: dict[str, Callable[[str], Any]], flags: tuple[str, ...] = ()) -> dict[str, Any]:
    """Keys with values, flags, and under ``""`` what stands alone."""
    values: dict[str, Any] = {}
    for word in words:
        if word in flags:
            values[word] = True
        elif word in keys:
            values[word] = keys[word](next(words, ""))
        elif "" in values:
            raise ValueError(f"no key {word}")
        else:
            values[""] = word
    return values


def _ip_route(words: Iterator[str], family: int | None) -> list[Event]:
    keys = {"dev": NAME, "metric": METRIC, "scope": choice("link", "global"), "proto": choice("static", "boot")}
    to = next(words)
    rest = list(words)
    inet6 = rest[:2] == ["via", "inet6"]  # via FAMILY ADDRESS
    if inet6 or rest[:2] == ["via", "inet"]:
        del rest[1]
    values = _pairs(iter(rest), {**keys, "via": ip}, ("onlink",))
    gateway = values.get("via", "")
    if ":" in gateway and ":" not in to and rest[:1] == ["via"] and not inet6 and (to != "default" or family == 4):
        raise ValueError(f"the family of the gateway {gateway} has to be told")
    if to == "default":
        to = "::/0" if family == 6 or (family is None and ":" in gateway) else "0.0.0.0/0"
    if ":" in to and family is None:
        family = 6  # ip(8) tells it by the address
    if "" in values or (":" in to) != (family == 6):
        raise ValueError(f"no route of IPv{family or 4}: {to}")
    to = to if "/" in to else f"{to}/{128 if ':' in to else 32}"
    return [("route", values["dev"], (prefix(to), gateway, values.get("metric"), values.get("onlink", False)))]


def _ip_link_add(words: Iterator[str]) -> list[Event]:
    head: list[str] = []
    for word in words:
        head.append(word)
        if word == "type":
            break
    kind = next(words, "")
    keys = {"link": NAME, "name": NAME, "dev": NAME, "address": mac, "mtu": number(68, 65535)}
    values = _pairs(iter(head[:-1]), keys)
    name = values.get("name") or values.get("dev") or values.get("")
    events: list[Event] = [("add", NAME(name or "")), *((k, name, values[k]) for k in ("mtu",) if k in values)]
    if "address" in values:
        events.append(("mac", name, values["address"]))
    if kind == "vlan":
        ids = _pairs(words, {"id": number(0, 4094), "protocol": choice("802.1q", "802.1Q")})
        return [*events, ("vlan", name, ids["id"], values["link"])]
    if kind != "bond":
        raise ValueError(f"no link of type {kind} is wanted")
    options = list(words)
    if "mode" not in options:
        events.append(("mode", name, "balance-rr"))
    return [*events, *(bond_option(str(name), key, value) for key, value in zip(options[::2], options[1::2]))]


def _ip_link_set(words: Iterator[str]) -> list[Event]:
    keys = {
        "dev": NAME,
        "mtu": number(68, 65535),
        "master": NAME,
        "address": mac,
        "addrgenmode": numbered("eui64", "none", "stable_secret", "random"),
    }
    values = _pairs(words, keys, ("up", "down", "nomaster"))
    device = values.pop("dev", None) or NAME(values.pop("", ""))
    events: list[Event] = []
    for key, value in values.items():
        if key == "addrgenmode":
            events.append(
                ("sysctl", device, "addr_gen_mode", ("eui64", "none", "stable_secret", "random").index(value))
            )
        else:
            events.append(("mac" if key == "address" else key, device, value))
    return events


def _options(words: list[str], flags: str, valued: str) -> tuple[dict[str, str], list[str]]:
    """A client's options, as its manual parts them in such with a value and such without, and its operands."""
    options, operands, rest = {}, [], iter(words)
    for word in rest:
        if word[0] != "-":
            operands.append(word)
        elif word in valued.split():
            options[word] = next(rest, "")
        elif word in flags.split():
            options[word] = ""
        else:
            raise ValueError(f"no option {word}")
    return options, operands


def _dhclient(words: list[str], target: str) -> list[Event]:
    flags = "-4 -6 -S -N -P -R -1 -nw -w -v -i -I -d -q -n -r -x --no-pid"
    options, devices = _options(words, flags, "-pf -lf -df -cf -sf -e -s -p -D --dad-wait-time --timeout")
    if "-r" in options or "-x" in options:
        return []
    metric = options.get("-e", "").partition("IF_METRIC=")[2]  # dhclient-script(8) of Debian
    return _client(devices, "-6" in options, "stateless" if "-S" in options else "stateful", metric)


def _dhcpcd(words: list[str], target: str) -> list[Event]:
    flags = "-4 -6 -1 -A -B -b -d -E -G -K -L -p -q -w -k -x --noipv6rs --ia_na --inform6 --ipv4only --ipv6only"
    options, devices = _options(words, flags, "-C -c -e -f -h -I -i -l -m -O -o -r -t -y")
    if "-k" in options or "-x" in options:
        return []
    if "-4" not in options and "--noipv6rs" not in options:
        raise ValueError("dhcpcd answers advertisements itself and turns the kernel's part off")
    if "-6" in options and not {"--ia_na", "--inform6"} & options.keys():
        raise ValueError("no advertisement tells dhcpcd what to ask for")
    return _client(devices, "-6" in options, "stateless" if "--inform6" in options else "stateful", options.get("-m"))


def _udhcpc(words: list[str], target: str) -> list[Event]:
    """It has no option for a metric."""
    options, _ = _options(words, "-n -q -b -f -R -S -o -B -C -a", "-p -i -O -s -t -T -A -r -x -V -F -c -H")
    return [("dhcp4", NAME(options.get("-i", "eth0")), True)]


def _client(devices: list[str], is_v6: bool, kind: str, metric: str | None) -> list[Event]:
    if len(devices) != 1:
        raise ValueError(f"one device, not {' '.join(devices)}")
    device = NAME(devices[0])
    if is_v6:
        return [("dhcp6", device, kind)]
    return [("dhcp4", device, True), ("metric", device, METRIC(metric) if metric else None)]


COMMANDS: dict[str, Callable[[list[str], str], list[Event]]] = {
    "[": _test,
    "test": _test,
    "command": _nothing,
    "true": _nothing,
    ":": _nothing,
    "kill": _nothing,
    "modprobe": _nothing,
    "sleep": _nothing,
    "break": _nothing,
    "grep": _nothing,
    "resolvconf": _nothing,  # it reads
    "/lib/ifupdown/wait-for-ll6.sh": _nothing,
    "echo": _echo,
    "sysctl": _sysctl_command,
    "ip": _ip,
    "dhclient": _dhclient,
    "dhcpcd": _dhcpcd,
    "udhcpc": _udhcpc,
}
