# SPDX-License-Identifier: Apache-2.0
"""Devices as a row of events leaves them: what ifup does by itself, and what the commands of a stanza do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.readers import Device

if TYPE_CHECKING:
    from tests.readers._programs import Event


class Machine:
    """Devices, as the events leave them."""

    def __init__(self) -> None:
        self.events: dict[str, dict[str, list[Any]]] = {}

    def apply(self, event: Event) -> None:
        """Let it happen."""
        kind, device, *values = event
        if kind == "unless":
            for inner in values[0] if device not in self.made else ():
                self.apply(inner)
            return
        self.events.setdefault(device, {}).setdefault(kind, []).append(values[0] if len(values) == 1 else tuple(values))

    def waits(self, name: str) -> bool | None:
        """Whether it takes a while until the device has its addresses; None where no client brings any."""
        events = self.events.get(name, {})
        clients = [("dhcp4", value) for value in events.get("dhcp4", ())]
        clients += [("dhcp6", value) for value in events.get("dhcp6", ()) if value == "stateful"]
        alone = [(kind, value) for value, kind in events.get("background", ())]
        return any(client not in alone for client in clients) if clients else None

    @property
    def made(self) -> set[str]:
        """The devices that are there because they were made."""
        return {name for name, events in self.events.items() if "add" in events}

    def device(self, name: str) -> Device:
        """What is known of one; the kernel takes advertisements where nothing is said, but not on a bond's port."""
        events = self.events.get(name, {})
        sysctls = dict(events.get("sysctl", ()))
        options = dict(events.get("option", ()))
        if targets := events.get("target"):
            options["arp_ip_target"] = ",".join(targets)
        master = events.get("master", [""])[-1]
        ra = "full" if sysctls.get("autoconf", 1) and sysctls.get("accept_ra_pinfo", 1) else "routes"
        if master or not sysctls.get("accept_ra", 1) or sysctls.get("disable_ipv6"):
            ra = "off"
        metrics = set(events.get("metric", [None])) if "dhcp4" in events else set()
        metrics |= {sysctls.get("ra_defrtr_metric")} if ra != "off" else set()
        vlan, parent = events.get("vlan", [(None, "")])[-1]
        return Device(
            addresses=frozenset(events.get("address", ())),
            routes=frozenset(events.get("route", ())),
            dns=tuple(events.get("dns", ())),
            search=tuple(events.get("search", ())),
            dhcp4="dhcp4" in events,
            dhcp6=events.get("dhcp6", [""])[-1],
            ra=ra,
            metric=next(iter(metrics), None) if len(metrics) < 2 else -1,
            mtu=events.get("mtu", [None])[-1],
            mac=events.get("mac", [None])[-1],
            bond=events.get("mode", [""])[-1],
            options=frozenset(options.items()),
            members=frozenset(port for port, has in self.events.items() if has.get("master", [""])[-1] == name),
            primary=events.get("primary", [""])[-1],
            vlan=vlan,
            parent=parent,
            master=master,
            local=not (master or sysctls.get("addr_gen_mode") == 1 or sysctls.get("disable_ipv6")),
        )
