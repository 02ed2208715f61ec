# SPDX-License-Identifier: Apache-2.0
"""The [Bond] section of a ``.netdev`` file.

https://www.freedesktop.org/software/systemd/man/latest/systemd.netdev.html#%5BBond%5D%20Section%20Options

networkd makes a bond in one netlink message, so that one option which the kernel refuses costs the whole bond.  What
the kernel refuses is therefore left out and reported: options outside their mode (``unsuppmodes`` in
drivers/net/bonding/bond_options.c), ARP beside MII monitoring, delays without it (``bond_changelink`` in
bond_netlink.c).
"""

from __future__ import annotations

from bootagent.model.instance import Problem

TYPE_CHECKING = False
if TYPE_CHECKING:
    from bootagent.model.network import Bond

_LACP = frozenset({"802.3ad"})
_ARP = frozenset({"balance-rr", "active-backup", "balance-xor", "broadcast"})
PRIMARY_MODES = frozenset({"active-backup", "balance-tlb", "balance-alb"})

# Option of the kernel: key, unit, the modes in which kernel and networkd take it (None: all); in the manual's order.
_KEYS = {
    "xmit_hash_policy": ("TransmitHashPolicy", "", None),
    "lacp_rate": ("LACPTransmitRate", "", _LACP),
    "miimon": ("MIIMonitorSec", "ms", None),
    "peer_notif_delay": ("PeerNotifyDelaySec", "ms", None),  # systemd 256
    "updelay": ("UpDelaySec", "ms", None),
    "downdelay": ("DownDelaySec", "ms", None),
    "lp_interval": ("LearnPacketIntervalSec", "s", None),
    "ad_select": ("AdSelect", "", _LACP),
    "ad_actor_sys_prio": ("AdActorSystemPriority", "", _LACP),
    "ad_user_port_key": ("AdUserPortKey", "", _LACP),
    "ad_actor_system": ("AdActorSystem", "", _LACP),
    "fail_over_mac": ("FailOverMACPolicy", "", frozenset({"active-backup"})),
    "arp_validate": ("ARPValidate", "", _ARP),
    "arp_interval": ("ARPIntervalSec", "ms", _ARP),
    "arp_ip_target": ("ARPIPTargets", "", None),
    "arp_all_targets": ("ARPAllTargets", "", None),
    "primary_reselect": ("PrimaryReselectPolicy", "", None),
    "resend_igmp": ("ResendIGMP", "", None),
    "packets_per_slave": ("PacketsPerSlave", "", frozenset({"balance-rr"})),
    "num_grat_arp": ("GratuitousARP", "", None),
    "all_slaves_active": ("AllSlavesActive", "", None),
    "tlb_dynamic_lb": ("DynamicTransmitLoadBalancing", "", frozenset({"balance-tlb"})),
    "min_links": ("MinLinks", "", None),
    "arp_missed_max": ("ARPMissedMax", "", _ARP),  # systemd 256
}

# The kernel's own values of options that have no key: nothing is lost.
_DEFAULTS = {"lacp_active": "on", "use_carrier": "1"}


def bond_lines(bond: Bond, where: str, problems: list[Problem]) -> list[str]:
    """The lines of the section; what cannot be said is added to ``problems``."""
    options = dict(bond.options)
    for name, value in bond.options:
        if reason := _refusal(name, value, bond.mode, options):
            severity = "info" if _DEFAULTS.get(name) == value else "warning"
            problems.append(Problem(severity, where, f"bond option {name}={value} is left out: {reason}"))
            del options[name]
    if bond.primary and bond.mode not in PRIMARY_MODES:
        problems.append(Problem("warning", where, f"bond option primary is left out: mode {bond.mode} has none"))
    lines = [f"Mode={bond.mode}"]
    for name, (key, unit, _) in _KEYS.items():
        if name in options:
            value = options[name].replace(",", " ")
            if name in ("all_slaves_active", "tlb_dynamic_lb"):
                value = "yes" if value == "1" else "no"
            lines.append(f"{key}={value}{unit}")
    return lines


def _refusal(name: str, value: str, mode: str, options: dict[str, str]) -> str:
    """Why an option cannot be given, or "".  ``options`` holds those that are not refused so far."""
    if name not in _KEYS:
        return "systemd-networkd has no key for it"
    modes = _KEYS[name][2]
    if modes and mode not in modes:
        return f"it has no meaning in mode {mode}"
    if value.startswith("filter") or value == "vlan+srcmac":
        return "systemd-networkd does not know this value"
    miimon = options.get("miimon", "0") != "0"
    if name in ("arp_interval", "arp_validate") and miimon and value not in ("0", "none"):
        return "ARP monitoring excludes miimon, which is given as well"
    # Modes without ARP monitoring bring their own miimon of 100.
    if name in ("updelay", "downdelay", "peer_notif_delay") and value != "0" and not miimon and mode in _ARP:
        return "it needs miimon, which is not given"
    return ""
