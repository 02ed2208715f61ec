# SPDX-License-Identifier: Apache-2.0
"""/etc/conf.d/net, net.NAME beside it, and the links of services, as netifrc takes them with iproute2 on OpenRC.

In https://github.com/gentoo/netifrc: doc/net.example.Linux.in, init.d/net.lo.in, and iproute2.sh, bonding.sh, vlan.sh,
macchanger.sh, system.sh and those of the DHCP clients in net/; sh/openrc-run.sh.in of https://github.com/OpenRC/openrc.
A device has the variables of its name, in which every other character than a letter and a digit is an underscore.
"""

from __future__ import annotations

import re
from copy import copy
from functools import partial
from typing import TYPE_CHECKING, Any

from tests.readers import (
    METRIC,
    NAME,
    Device,
    Grammar,
    Reading,
    Route,
    at,
    choice,
    differences,
    ip,
    mac,
    matching,
    number,
)
from tests.readers._commands import OPTIONS, SYSCTLS
from tests.readers._netifrc_lines import address, dhcpcd, route
from tests.readers._shell import (
    MTU,
    Functions,
    Value,
    Variables,
    advertisements,
    assignments,
    link_local,
    script,
    sysctls,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

CONF = "/etc/conf.d/net"
SERVICE = re.compile(r"/etc/(init\.d|runlevels/[a-z]+)/net\.(.+)")
BLOCK = re.compile(r"^# BEGIN bootagent[^\n]*\n(.*?)^# END bootagent[^\n]*$", re.DOTALL | re.MULTILINE)


def names(text: str) -> list[Any]:
    """Names of devices with blanks between them."""
    return [NAME(word) for word in text.split()]


LINES = matching(r"[A-Za-z0-9 ./:\n_-]*")
WORDS = matching(r"[A-Za-z0-9 ./:!_+-]*")
SECONDS = number(0, 2**31 - 1)
# Behind the name and an underscore comes the device.
KEYS: dict[str, Grammar] = {
    "carrier_timeout": SECONDS,
    "config": LINES,
    "dad_timeout": SECONDS,
    "dhclient": WORDS,
    "dhclientv6": WORDS,
    "dhcp": choice("release", "nodns", "nogateway", "nosendhost"),
    "dhcpcd": WORDS,
    "dns_domain": matching(r"[A-Za-z0-9_.-]+"),
    "dns_search": lambda text: matching(r"[A-Za-z0-9_. -]+")(text).split(),
    "dns_servers": lambda text: [ip(word) for word in text.split()],
    "mac": mac,
    "metric": METRIC,
    "modules": WORDS,
    "mtu": MTU,
    "presence_timeout": SECONDS,
    "routes": LINES,
    "slaves": names,
    "udhcpc": WORDS,
    "vlan_start": choice("yes", "no"),
    "vlans": lambda text: [number(0, 4094)(word) for word in text.split()],
    # bonding.sh: any file below /sys/class/net/NAME/bonding/
    **OPTIONS,
    "arp_ip_target": lambda text: ",".join(OPTIONS["arp_ip_target"](word.replace("+", "")) for word in text.split()),
    "num_unsol_na": OPTIONS["num_grat_arp"],
}


# The few commands that are needed, by the function in which one may stand.
COMMANDS = (
    ("start_pre", rf"echo (?P<value>\d+) >/proc/sys/net/ipv6/conf/(?P<device>[^/ ]+)/(?P<setting>{'|'.join(SYSCTLS)})"),
    ("start_pre", r"\[ -d /sys/class/net/(?P<device>\S+) \] \|\| ip link add dev (?P=device) type bond 2>/dev/null"),
    ("start_pre", r"ip link set dev (?P<device>\S+) address (?P<mac>\S+)"),
    ("start_pre", r"echo \+(?P<target>[\d.]+) >/sys/class/net/(?P<device>[^/ ]+)/bonding/arp_ip_target"),
    ("start_post", r"echo (?P<primary>\S+) >/sys/class/net/(?P<device>\S+)/bonding/primary"),
)


def shell_var(name: str) -> str:
    """A device's name as a part of a variable's."""
    return re.sub(r"[^A-Za-z0-9]", "_", name)


def sources(path: str, text: str) -> tuple[Variables, Functions]:
    """Our block where there is one, else the whole file; a person's own text is a script."""
    found = BLOCK.search(text)
    return script(path, found[1], text.count("\n", 0, found.start(1)) + 1) if found else script(path, text)


def read(files: Mapping[str, str]) -> Reading:
    """The devices that start at boot: those of a runlevel, the VLANs on them, and the ports of their bonds."""
    reading, other = (_read(files, has_dhcpcd) for has_dhcpcd in (True, False))
    if reading != other:
        raise ValueError(f"without dhcpcd it is otherwise: {differences(reading, other)}")
    return reading


def _read(files: Mapping[str, str], has_dhcpcd: bool) -> Reading:
    services = _services(files, has_dhcpcd)
    reading: Reading = {}
    made = {child: device for service in services.values() for child, device in service.vlans.items()}
    for name, service in services.items():
        parent = made.get(name, Device()).parent
        if parent and (parent not in service.needs or services[parent].starts_vlans):
            raise ValueError(f"net.{name} starts before {parent} made the device, or that starts it too")
        reading[name] = service.device(made.pop(name, Device()))
    for child, device in made.items():
        if not services[device.parent].starts_vlans or child in reading:
            raise ValueError(f"{child} is made and never started")
        reading[child] = services[device.parent].child(child).device(device)
    used = {key for service in services.values() for key in service.used}
    for service in services.values():
        for member in service.members:
            if member in reading:
                raise ValueError(f"{member} is started, and taken down below {service.name}")
            reading[member] = Device(master=service.name, required=False, local=False)
        service.check(used)
    return reading


def _services(files: Mapping[str, str], has_dhcpcd: bool) -> dict[str, _Service]:
    """The services of a runlevel, and those that they need."""
    there, queue = set(), []
    for path, text in files.items():
        service = SERVICE.fullmatch(path)
        if service and text.strip().rpartition("/")[2] in ("net.lo", path.rpartition("/")[2]):
            name = at(path, NAME, service[2])
            if service[1] == "init.d":
                there.add(name)
            else:
                queue.append(name)
        elif path.startswith("/etc/init.d/net."):
            raise ValueError(f"{path}: it is no link to net.lo")
    settings = sysctls(files)
    services: dict[str, _Service] = {}
    while queue:
        name = queue.pop()
        if name not in there:
            raise ValueError(f"no service net.{name}")
        if name not in services:
            services[name] = _Service(name, files, has_dhcpcd, settings.get(name, {}))
            queue += services[name].needs
    return services


class _Service:
    """One run of net.lo, with the variables of conf.d/net and of its own file there."""

    def __init__(self, name: str, files: Mapping[str, str], has_dhcpcd: bool, settings: Mapping[str, int]) -> None:
        self.name, self.has_dhcpcd, self.sysctls = name, has_dhcpcd, settings
        self.settings: dict[str, int] = {}
        self.found: Variables = {}
        self.used: set[str] = set()
        self.targets: list[str] = []
        self.primary = ""
        self.mac: str | None = None
        defined: Functions = {}
        for path in (CONF, f"{CONF}.{name}"):
            found, functions = sources(path, files.get(path, ""))
            self.found |= found
            defined |= functions
        for function, commands in defined.items():
            self._run(choice("start_pre", "start_post")(function), commands)
        self.var = shell_var(name)
        self.needs = {word.removeprefix("net.") for word in self.named(f"rc_net_{self.var}_need", WORDS, "").split()}
        self.starts_vlans = self.get("vlan_start", "yes") == "yes"
        self.slaves = self.get("slaves", [])
        self.primary = self.primary or self.get("primary", "")
        self.members = self._members()
        self.vlans = dict(map(self._vlan, self.get("vlans", ())))

    def get(self, key: str, default: Any = None) -> Any:
        """The value of the device's variable; an empty one is as none."""
        return self.named(f"{key}_{self.var}", KEYS[key], default)

    def named(self, name: str, grammar: Grammar, default: Any = None) -> Any:
        """The value of a variable."""
        value = self.found.get(name)
        self.used.add(name)
        return at(f"{value.place}: {name}", grammar, value.text) if value and value.text else default

    def child(self, name: str) -> _Service:
        """A VLAN's run of it, with the variables of the parent's."""
        other = copy(self)
        other.name, other.var, other.slaves, other.members, other.vlans = name, shell_var(name), [], [], {}
        other.settings, other.primary, other.mac = {}, "", None
        return other

    def check(self, used: set[str]) -> None:
        """A variable that nothing asked for is an error; one of the common file, if no service did."""
        for key, value in self.found.items():
            asked = used if value.place.startswith(f"{CONF}:") else self.used
            if key not in asked and not re.fullmatch(r"rc_net_\w+_(after|before|use)", key):
                raise ValueError(f"{value.place}: nothing asks for {key}")

    def _run(self, function: str, commands: list[Value]) -> None:
        """openrc-run(8): start_pre before, start_post after what net.lo does."""
        for command in commands:
            place, text = command.place, command.text
            if found := re.fullmatch(r"command -v (\w+) >/dev/null \|\| (.*)", text, re.DOTALL):
                if choice("dhcpcd")(found[1]) and not self.has_dhcpcd:
                    self.found |= assignments(place, found[2])
                continue
            if text != "return 0":
                at(place, partial(self._command, function), text)

    def _command(self, function: str, text: str) -> None:
        """One of the few that are needed; what net.lo sets itself is too early before it."""
        for when, pattern in COMMANDS:
            found = re.fullmatch(pattern, text)
            if found and when == function and found["device"] == self.name:
                said = found.groupdict()
                if "setting" in said:
                    self.settings[said["setting"]] = SYSCTLS[said["setting"]](said["value"])
                self.targets += [said["target"]] if "target" in said else []
                self.mac = mac(said["mac"]) if "mac" in said else self.mac
                self.primary = said.get("primary", self.primary)
                return
        raise ValueError(f"nothing is known of {text!r} in {function}")

    def device(self, made: Device) -> Device:
        """What the device is after the start."""
        addresses, clients = self._configured()
        # The service "sysctl" of OpenRC is done before there is a bond or a VLAN.
        settings = self.settings if self.slaves or made.vlan is not None else {**self.sysctls, **self.settings}
        dhcp4, dhcp6, ra = "dhcp" in clients, "", advertisements(settings)
        for client in ("dhcp", "dhclient", "udhcpc", "modules"):  # which one is there is the machine's
            self.get(client)
        options6, options = self.get("dhclientv6", self.get("dhclient", "")), self.get("dhcpcd", "")
        if "dhcpv6" in clients:
            dhcp6 = "stateless" if "-S" in options6.split() else "stateful"
        if dhcp4 and self.has_dhcpcd:
            asked, by_client = at(self.name, dhcpcd, options)
            dhcp4, dhcp6, ra = "-6" not in options.split(), dhcp6 or asked, by_client or ra
        metrics = {self.get("metric")} if dhcp4 else set()
        metrics |= {settings.get("ra_defrtr_metric")} if ra != "off" else set()
        domain = self.get("dns_domain")
        return Device(
            addresses=addresses,
            routes=frozenset(self._routes()),
            dns=tuple(self.get("dns_servers", ())),
            search=tuple(self.get("dns_search", [domain] if domain else [])),
            dhcp4=dhcp4,
            dhcp6=dhcp6,
            ra=ra,
            metric=metrics.pop() if len(metrics) == 1 else None,
            mtu=self.get("mtu", made.mtu),
            mac=self.get("mac", self.mac or made.mac),
            vlan=made.vlan,
            parent=made.parent,
            local=link_local(settings),
            required="!net" not in self.named(f"rc_net_{self.var}_provide", WORDS, "").split(),
            **self._bond(),
        )

    def _vlan(self, vlan: int) -> tuple[str, Device]:
        """vlan.sh: each setting by parent and number, or else by number alone."""
        plain = self.named(f"vlan{vlan}_name", NAME)
        name = self.named(f"{self.var}_vlan{vlan}_name", NAME) or plain or NAME(f"{self.name}.{vlan}")
        found: dict[str, Any] = {}
        for key in ("mac", "mtu"):
            plain = self.named(f"{key}_vlan{vlan}", KEYS[key])
            found[key] = self.named(f"{key}_{self.var}_vlan{vlan}", KEYS[key], plain)
        return name, Device(vlan=vlan, parent=self.name, **found)

    def _configured(self) -> tuple[frozenset[str], list[str]]:
        """``_load_config``: a line an entry; one line alone may be several if the second word looks like an address."""
        text = self.get("config", "")
        lines = [" ".join(line.split()) for line in text.split("\n") if line.strip()]
        if len(lines) == 1 and re.search(r"[.:]", (*lines[0].split(), "", "")[1]):
            lines = lines[0].split()
        lines = lines or ["dhcp"]
        clients = [line for line in lines if line in ("dhcp", "dhcpv6")]
        others = [line for line in lines if line not in ("dhcp", "dhcpv6", "null")]
        return frozenset(at(f"config_{self.var}", address, line) for line in others), clients

    def _routes(self) -> list[Route]:
        """A family once told and a metric once told are those of the lines below as well."""
        family, metric = 0, self.get("metric")
        routes = []
        for line in self.get("routes", "").split("\n"):
            parts = line.split()
            if parts[:1] in (["-4"], ["-6"]):
                family = int(parts.pop(0)[1])
            if parts:
                found = at(f"routes_{self.var}", partial(route, family, self.name), " ".join(parts))
                metric = metric if found[2] is None else found[2]
                routes.append((*found[:2], metric, found[3]))
        return routes

    def _members(self) -> list[str]:
        """``bonding_pre_start``: first the primary, then each that ``grep`` does not find among those before."""
        primary = self.get("primary") if self.slaves else None
        there = [primary] if primary else []
        for member in self.slaves:
            if member not in there and not re.search(member, "\n".join(there)):
                there.append(member)
        return there

    def _bond(self) -> dict[str, Any]:
        if not self.slaves:
            return {}
        keys = {key: "num_grat_arp" if key == "num_unsol_na" else key for key in (*OPTIONS, "num_unsol_na")}
        options = {kernel: str(self.get(key)) for key, kernel in keys.items() if self.get(key) is not None}
        options.pop("primary", None)
        if self.targets:
            options["arp_ip_target"] = ",".join([*self.targets, *options.get("arp_ip_target", "").split()])
        mode = options.pop("mode", "balance-rr")
        members = frozenset(self.members)
        return {"bond": mode, "primary": self.primary, "options": frozenset(options.items()), "members": members}
