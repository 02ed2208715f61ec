# SPDX-License-Identifier: Apache-2.0
"""BONDING_MODULE_OPTS as wicked takes them, which makes no bond at all with a mix that does not suit it.

ifcfg-bonding(5), and where that leaves it open src/bonding.c, ni_bonding_validate(), of
https://github.com/openSUSE/wicked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.readers import NAME, Grammar, choice, mac, number
from tests.readers._commands import OPTIONS as KERNEL

if TYPE_CHECKING:
    from collections.abc import Mapping

SECONDS = number(0, 2**31 - 1)
# ifcfg-bonding(5); what is not there (arp_missed_max, lacp_active, peer_notif_delay) makes the whole bond void.
OPTIONS: dict[str, Grammar] = {
    "active_slave": NAME,
    "ad_actor_sys_prio": number(1, 65535),
    "ad_actor_system": mac,
    "ad_select": KERNEL["ad_select"],
    "ad_user_port_key": number(0, 1023),
    "all_slaves_active": number(0, 1),
    "arp_all_targets": KERNEL["arp_all_targets"],
    "arp_interval": SECONDS,
    "arp_ip_target": KERNEL["arp_ip_target"],
    "arp_validate": KERNEL["arp_validate"],
    "downdelay": SECONDS,
    "fail_over_mac": KERNEL["fail_over_mac"],
    "lacp_rate": KERNEL["lacp_rate"],
    "lp_interval": SECONDS,
    "miimon": SECONDS,
    "min_links": SECONDS,
    "mode": KERNEL["mode"],
    "num_grat_arp": number(0, 255),
    "num_unsol_na": number(0, 255),
    "packets_per_slave": number(0, 65535),
    "primary": NAME,
    "primary_reselect": KERNEL["primary_reselect"],
    "resend_igmp": number(0, 255),
    "tlb_dynamic_lb": number(0, 1),
    "updelay": SECONDS,
    "use_carrier": number(0, 1),
    "xmit_hash_policy": choice("layer2", "layer2+3", "layer3+4", "encap2+3", "encap3+4"),
}
PRIMARY = ("active-backup", "balance-tlb", "balance-alb")
# ni_bonding_validate(): where an option may have another value than this; for xmit_hash_policy the newer manual.
ONLY: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "ad_select": (("stable",), ("802.3ad",)),
    "fail_over_mac": (("none",), ("active-backup",)),
    "lacp_rate": (("slow",), ("802.3ad",)),
    "min_links": (("0",), ("802.3ad",)),
    "num_grat_arp": (("0", "1"), ("active-backup",)),
    "packets_per_slave": (("1",), ("balance-rr",)),
    "primary": ((), PRIMARY),
    "primary_reselect": (("always",), PRIMARY),
    "resend_igmp": (("0", "1"), (*PRIMARY, "balance-rr")),
    "tlb_dynamic_lb": (("1",), ("balance-tlb",)),
    "xmit_hash_policy": (("layer2",), ("802.3ad", "balance-xor", "balance-tlb", "balance-alb")),
}


def bonding(text: str) -> dict[str, str]:
    """The options of a bond that is made at all: a wrong one, or a mix that is not fit, and there is none."""
    options: dict[str, str] = {}
    for word in text.split():
        key, _, value = word.partition("=")
        if key not in OPTIONS or not value:
            raise ValueError(f"no bonding option {word!r}")
        options["num_grat_arp" if key == "num_unsol_na" else key] = str(OPTIONS[key](value))  # one to the kernel
    mode = options.get("mode", "balance-rr")
    for key, (values, modes) in ONLY.items():
        if key in options and options[key] not in values and mode not in modes:
            raise ValueError(f"{key}={options[key]} voids a bond of mode {mode}")
    _monitored(mode, options)
    return options


def _monitored(mode: str, options: Mapping[str, str]) -> None:
    """Either MII or ARP monitoring, and each with what it needs."""
    targets = options.get("arp_ip_target", "").split(",")
    miimon, interval = int(options.get("miimon", 0)), int(options.get("arp_interval", 0))
    if ("miimon" in options) == ("arp_interval" in options):
        raise ValueError("a bond is monitored by miimon or by arp_interval, one of them")
    if "miimon" in options:
        if not miimon or "arp_ip_target" in options:
            raise ValueError("miimon is 0, or beside arp_ip_target")
        if any(0 < int(options.get(delay, 0)) < miimon for delay in ("updelay", "downdelay")):
            raise ValueError("a delay is smaller than miimon")
    elif not interval or mode in ("802.3ad", "balance-tlb", "balance-alb") or targets == [""]:
        raise ValueError("arp_interval is 0, in the wrong mode, or without arp_ip_target")
    elif mode != "active-backup" and options.get("arp_validate", "none") != "none":
        raise ValueError("arp_validate is for active-backup")
    if {"0.0.0.0", "255.255.255.255"} & set(targets):
        raise ValueError("no target is such an address")
