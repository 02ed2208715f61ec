# SPDX-License-Identifier: Apache-2.0
"""Modes and options of the kernel's bonding driver: their names, numbers and value grammars.

Source: https://docs.kernel.org/networking/bonding.html and drivers/net/bonding/bond_options.c.
"""

from __future__ import annotations

from bootagent.model.ip import IPAddress
from bootagent.model.values import MacAddress, shown, whole_number

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

MODES = (
    "balance-rr",
    "active-backup",
    "balance-xor",
    "broadcast",
    "802.3ad",
    "balance-tlb",
    "balance-alb",
)

# Options whose values are names; the position is the number that the kernel takes as well.
ENUMS = {
    "ad_select": ("stable", "bandwidth", "count"),
    "arp_all_targets": ("any", "all"),
    "arp_validate": ("none", "active", "backup", "all", "filter", "filter_active", "filter_backup"),
    "fail_over_mac": ("none", "active", "follow"),
    "lacp_rate": ("slow", "fast"),
    "primary_reselect": ("always", "better", "failure"),
    "xmit_hash_policy": ("layer2", "layer3+4", "layer2+3", "encap2+3", "encap3+4", "vlan+srcmac"),
    "all_slaves_active": ("0", "1"),
    "lacp_active": ("off", "on"),
    "tlb_dynamic_lb": ("0", "1"),
    "use_carrier": ("0", "1"),
}

# Options whose values are whole numbers, with the range that the driver accepts.
RANGES = {
    "ad_actor_sys_prio": (1, 65535),
    "ad_user_port_key": (0, 1023),
    "arp_interval": (0, 2147483647),  # milliseconds
    "arp_missed_max": (1, 255),
    "downdelay": (0, 2147483647),  # milliseconds
    "lp_interval": (1, 2147483647),  # seconds
    "miimon": (0, 2147483647),  # milliseconds
    "min_links": (0, 2147483647),
    "num_grat_arp": (0, 255),
    "packets_per_slave": (0, 65535),
    "peer_notif_delay": (0, 300000),  # milliseconds
    "resend_igmp": (0, 255),
    "updelay": (0, 2147483647),  # milliseconds
}

# Modes in which the kernel takes an option; the others are taken in all (``unsuppmodes`` in bond_options.c), or mean
# something in these only (bonding.rst).
_LACP = frozenset({"802.3ad"})
_ARP = frozenset({"balance-rr", "active-backup", "balance-xor", "broadcast"})
OPTION_MODES = {
    "primary": frozenset({"active-backup", "balance-tlb", "balance-alb"}),
    "lacp_rate": _LACP,
    "lacp_active": _LACP,
    "ad_select": _LACP,
    "ad_actor_sys_prio": _LACP,
    "ad_user_port_key": _LACP,
    "ad_actor_system": _LACP,
    "fail_over_mac": frozenset({"active-backup"}),
    "arp_validate": _ARP,
    "arp_interval": _ARP,
    "arp_missed_max": _ARP,
    "packets_per_slave": frozenset({"balance-rr"}),
    "tlb_dynamic_lb": frozenset({"balance-tlb", "balance-alb"}),
}

# Other spellings of one option: the kernel's second name, and those of Linux distributions.
ALIASES = {
    "num_unsol_na": "num_grat_arp",
    "num_peer_notif": "num_grat_arp",
    "mii_monitor_interval": "miimon",
    "mii_monitor": "miimon",
    "up_delay": "updelay",
    "down_delay": "downdelay",
    "xmit_hash": "xmit_hash_policy",
    "transmit_hash_policy": "xmit_hash_policy",
    "lacp_transmit_rate": "lacp_rate",
    "arp_ip_targets": "arp_ip_target",
    "arp_monitor_interval": "arp_interval",
}


def refusals(mode: str, options: Iterable[tuple[str, str]]) -> dict[str, str]:
    """The options, ``primary`` too, that the kernel refuses in this mode and beside each other, with the reason.

    A backend that makes a bond in one netlink message would lose the whole bond to one of them: ARP beside MII
    monitoring and delays without it are refused by ``bond_changelink`` (drivers/net/bonding/bond_netlink.c).
    """
    kept = dict(options)
    refused = {name: f"it has no meaning in mode {mode}" for name in kept if mode not in OPTION_MODES.get(name, MODES)}
    # Modes without ARP monitoring bring their own miimon of 100.
    miimon = kept.get("miimon", "0" if mode in _ARP else "100") != "0"
    for name, value in kept.items():
        if name in ("arp_interval", "arp_validate") and miimon and value not in ("0", "none"):
            refused.setdefault(name, "ARP monitoring excludes miimon, which is given as well")
        if name in ("updelay", "downdelay", "peer_notif_delay") and value != "0" and not miimon:
            refused.setdefault(name, "it needs miimon, which is not given")
    return refused


def parse_mode(value: object) -> str:
    """A mode by name or number (``"802.3ad"``, ``4``, ``"4"``); ``ValueError`` if it is neither."""
    text = str(value).strip().lower().replace("_", "-") if isinstance(value, (str, int)) else ""
    if text in MODES:
        return text
    if len(text) == 1 and "0" <= text <= "6":
        return MODES[int(text)]
    raise ValueError(f"{shown(value)} is not a bond mode")


def option_name(key: str) -> str:
    """The kernel's name of an option in any spelling: ``bond_miimon``, ``bond-miimon``, ``miimon``."""
    name = key.lower().replace("-", "_")
    name = name.removeprefix("bond_")
    return ALIASES.get(name, name)


def parse_option(name: str, value: object) -> str:
    """The canonical value of an option other than ``primary``; ``ValueError`` if the option or the value is unknown."""
    if isinstance(value, bool):
        value = int(value)
    if name in ENUMS:
        return _parse_enum(name, value)
    if name in RANGES:
        low, high = RANGES[name]
        number = whole_number(value)
        if not low <= number <= high:
            raise ValueError(f"{name} {number} is not in {low}..{high}")
        return str(number)
    if name == "arp_ip_target":
        return _parse_targets(value)
    if name == "ad_actor_system":
        return MacAddress(value)
    raise ValueError("not an option of the bonding driver")


def _parse_enum(name: str, value: object) -> str:
    choices = ENUMS[name]
    text = str(value).strip().lower() if isinstance(value, (str, int)) else ""
    if text in choices:
        return text
    if name in ("all_slaves_active", "tlb_dynamic_lb", "use_carrier") and text in ("true", "false", "on", "off"):
        return "1" if text in ("true", "on") else "0"
    if len(text) == 1 and "0" <= text <= "9" and int(text) < len(choices):
        return choices[int(text)]
    raise ValueError(f"{shown(value)} is not a value of {name}")


def _parse_targets(value: object) -> str:
    """One to sixteen IPv4 addresses (BOND_MAX_ARP_TARGETS), in a list or parted by commas or blanks; each once.

    The kernel refuses a target that it has, 0.0.0.0 and 255.255.255.255 (``bond_is_ip_target_ok``).
    """
    items = value if isinstance(value, list) else str(value).replace(",", " ").split()
    addresses = dict.fromkeys(IPAddress.parse(item) for item in items[:17])
    sound = all(address.version == 4 and 0 < address.number < 0xFFFFFFFF for address in addresses)
    if not 1 <= len(addresses) <= 16 or not sound:
        raise ValueError(f"{shown(value)} is not a list of 1 to 16 IPv4 addresses")
    return ",".join(str(address) for address in addresses)
