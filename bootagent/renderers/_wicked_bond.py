# SPDX-License-Identifier: Apache-2.0
"""The options of a bond that wicked takes: one that it refuses would cost the whole bond.

https://github.com/openSUSE/wicked/blob/master/src/bonding.c, ``ni_bonding_set_option`` and ``ni_bonding_validate``,
which is narrower than the kernel.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from bootagent.model.network import Bond

# Options, and values of options, that wicked does not know.
UNKNOWN = ("arp_missed_max", "lacp_active", "peer_notif_delay", "xmit_hash_policy=vlan+srcmac")

_ACTIVE_BACKUP = ("active-backup",)
_LACP = ("802.3ad",)
_WITH_PRIMARY = ("active-backup", "balance-tlb", "balance-alb")
# The values that an option may have in every mode, and the modes in which it may have others.
_MODES = {
    "xmit_hash_policy": (("layer2",), ("balance-xor", "802.3ad")),
    "lacp_rate": (("slow",), _LACP),
    "ad_select": (("stable",), _LACP),
    "min_links": (("0",), _LACP),
    "resend_igmp": (("0", "1"), ("balance-rr", *_WITH_PRIMARY)),
    "fail_over_mac": (("none",), _ACTIVE_BACKUP),
    "num_grat_arp": (("0", "1"), _ACTIVE_BACKUP),
    "arp_validate": (("none",), _ACTIVE_BACKUP),
    "primary_reselect": (("always",), _WITH_PRIMARY),
    "primary": ((), _WITH_PRIMARY),
    "packets_per_slave": (("1",), ("balance-rr",)),
    "tlb_dynamic_lb": (("1",), ("balance-tlb",)),
}
# Those that hang on the mode, or on one another.
CONDITIONAL = (*_MODES, "updelay", "downdelay", "miimon", "arp_ip_target", "arp_interval")
_WITHOUT_ARP = ("802.3ad", "balance-tlb", "balance-alb")
_NO_TARGETS = ("0.0.0.0", "255.255.255.255")  # noqa: S104 - no socket is bound
DEFAULT_MIIMON = "100"  # what the kernel's documentation starts from: wicked takes no bond without a monitor


def fit_options(bond: Bond) -> tuple[list[tuple[str, str]], list[tuple[str, str, str]]]:
    """The options as wicked takes them, and those that it refuses, with their values and the reasons.

    What it does not know at all is left out too, but not among the refused: the renderer declares it.
    """
    known = {name: value for name, value in bond.options if _is_known(name, value)}
    said = {**known, "primary": bond.primary} if bond.primary else known
    refused = {name: reason for name, value in said.items() for reason in (_refusal(bond.mode, name, value),) if reason}
    for name, reason in _monitor_refusals(bond.mode, known).items():
        refused.setdefault(name, reason)
    options = {name: value for name, value in known.items() if name not in refused}
    if not options.keys() & {"miimon", "arp_interval"}:
        options["miimon"] = DEFAULT_MIIMON
    for name in ("updelay", "downdelay"):
        if 0 < int(options.get(name, 0)) < int(options.get("miimon", 0)):
            refused[name] = "wicked makes no bond with a delay that is shorter than miimon"
            del options[name]
    if "num_grat_arp" in options:  # one value of the kernel under two names, of which wicked would set the other back
        options["num_unsol_na"] = options["num_grat_arp"]
    return list(options.items()), [(name, said[name], reason) for name, reason in refused.items()]


def _is_known(name: str, value: str) -> bool:
    return name not in UNKNOWN and f"{name}={value}" not in UNKNOWN


def _refusal(mode: str, name: str, value: str) -> str:
    """Why wicked makes no bond of this mode with the option, or ""."""
    anywhere, modes = _MODES.get(name, ((value,), ()))
    return "" if value in anywhere or mode in modes else f"wicked makes no bond of mode {mode} with it"


def _monitor_refusals(mode: str, options: dict[str, str]) -> dict[str, str]:
    """One monitor it has to be, MII or ARP, and ARP needs targets."""
    refused: dict[str, str] = {}
    for name in ("miimon", "arp_interval"):
        if options.get(name) == "0":
            refused[name] = "wicked takes a monitor that is off for a mistake"
    targets = options.get("arp_ip_target", "").split(",")
    by_mii = options.get("miimon", "0") != "0"
    arp = options.get("arp_interval", "0") != "0" and not by_mii and mode not in _WITHOUT_ARP
    if arp and targets != [""] and not set(targets).intersection(_NO_TARGETS):
        return refused
    if options.get("arp_interval", "0") != "0":
        refused["arp_interval"] = "wicked monitors by ARP only without miimon, with targets, and not in every mode"
    if targets != [""]:
        refused["arp_ip_target"] = "wicked makes no bond with targets that it does not monitor"
    if options.get("arp_validate", "none") != "none":
        refused["arp_validate"] = "wicked validates ARP only where it monitors by ARP"
    return refused
