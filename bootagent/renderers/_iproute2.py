# SPDX-License-Identifier: Apache-2.0
"""Commands of ip-link(8) and ip-route(8), and settings in sysfs and /proc, for the backends that run lines of a shell.

https://docs.kernel.org/networking/bonding.html, https://docs.kernel.org/networking/ip-sysctl.html
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from bootagent.model.network import Bond, Interface, Route

# accept_ra and autoconf.  2: also on a machine that forwards, as ifupdown's own "auto" method and networkd have it.
ADVERTISEMENTS = {"off": (0, 0), "routes": (2, 0), "full": (2, 1)}
MONITORS = ("miimon", "arp_interval")  # the kernel takes updelay and its like only when monitoring is on


def route_command(route: Route, name: str) -> str:
    """The command that gives the device a route, or leaves the same one."""
    words = ["ip", "-6"] if route.to.version == 6 else ["ip"]
    words += ["route", "replace", str(route.to)]
    if route.via is not None:
        words += ["via", str(route.via)] if route.via.version == route.to.version else ["via", "inet6", str(route.via)]
    words += ["dev", name]
    if route.via is None and route.to.version == 4:
        words += ["scope", "link"]
    if route.onlink:
        words.append("onlink")
    if route.metric is not None:
        words += ["metric", str(route.metric)]
    return " ".join(words)


def bond_option_commands(name: str, bond: Bond) -> Iterator[str]:
    """The options one by one, while the bond is down: one that is refused costs itself only."""
    for option, value in sorted(bond.options, key=lambda item: item[0] not in MONITORS):
        values = [f"+{target}" for target in value.split(",")] if option == "arp_ip_target" else [value]
        for one in values:
            yield f"echo {one} >/sys/class/net/{name}/bonding/{option} || true"


def ports(bond: Bond, devices: Mapping[str, Interface]) -> dict[str, Interface]:
    """The members that are there, by label."""
    return {label: devices[label] for label in bond.members if label in devices}


def ipv6_settings(interface: Interface) -> dict[str, int]:
    """What the kernel makes of router advertisements and by itself, by the names in /proc/sys/net/ipv6/conf."""
    accept, autoconf = ADVERTISEMENTS[interface.ra]
    settings = {"accept_ra": accept}
    if accept:
        settings["autoconf"] = autoconf
        if interface.metric is not None:
            settings["ra_defrtr_metric"] = interface.metric
    elif not interface.is_addressed:
        settings["addr_gen_mode"] = 1  # no link-local address either: IN6_ADDR_GEN_MODE_NONE
    return settings
