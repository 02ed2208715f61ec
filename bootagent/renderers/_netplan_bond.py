# SPDX-License-Identifier: Apache-2.0
"""The ``parameters`` of a bond.

https://netplan.readthedocs.io/en/stable/netplan-yaml/#properties-for-device-type-bonds
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from bootagent.model.network import Bond
    from bootagent.renderers._netplan_yaml import Settings

# Option of the kernel: parameter, in the manual's order.  Times are milliseconds without a unit, but for lp_interval,
# which is seconds.  With "slave" the names are older than 0.106, and newer versions know them still.
_PARAMETERS = {
    "lacp_rate": "lacp-rate",
    "miimon": "mii-monitor-interval",
    "min_links": "min-links",
    "xmit_hash_policy": "transmit-hash-policy",
    "ad_select": "ad-select",
    "all_slaves_active": "all-slaves-active",
    "arp_interval": "arp-interval",
    "arp_ip_target": "arp-ip-targets",
    "arp_validate": "arp-validate",
    "arp_all_targets": "arp-all-targets",
    "updelay": "up-delay",
    "downdelay": "down-delay",
    "fail_over_mac": "fail-over-mac-policy",
    "num_grat_arp": "gratuitous-arp",
    "packets_per_slave": "packets-per-slave",
    "primary_reselect": "primary-reselect-policy",
    "resend_igmp": "resend-igmp",
    "lp_interval": "learn-packet-interval",
}
_NO_PARAMETER = "netplan has no parameter for it"
_NO_VALUE = "systemd-networkd does not know this value"
_NO_ZERO = "netplan takes 0 as not given"
UNSUPPORTED = {
    "bond.ad_actor_sys_prio": _NO_PARAMETER,
    "bond.ad_actor_system": _NO_PARAMETER,
    "bond.ad_user_port_key": _NO_PARAMETER,
    "bond.arp_missed_max": _NO_PARAMETER,
    "bond.lacp_active": _NO_PARAMETER,
    "bond.peer_notif_delay": _NO_PARAMETER,
    "bond.tlb_dynamic_lb": _NO_PARAMETER,
    "bond.use_carrier": _NO_PARAMETER,
    "bond.arp_validate=filter": _NO_VALUE,
    "bond.arp_validate=filter_active": _NO_VALUE,
    "bond.arp_validate=filter_backup": _NO_VALUE,
    "bond.xmit_hash_policy=vlan+srcmac": _NO_VALUE,
    "bond.num_grat_arp=0": _NO_ZERO,
    "bond.packets_per_slave=0": _NO_ZERO,
    "bond.resend_igmp=0": _NO_ZERO,
}


def bond_parameters(bond: Bond, ids: Mapping[str, str]) -> Settings:
    """The parameters; an option that netplan cannot say is none of them."""
    options = {name: value for name, value in bond.options if f"bond.{name}={value}" not in UNSUPPORTED}
    parameters: Settings = {"mode": bond.mode}
    for name, parameter in _PARAMETERS.items():
        if name in options:
            parameters[parameter] = _value(name, options[name])
    if bond.primary in ids:
        parameters["primary"] = ids[bond.primary]
    return parameters


def _value(name: str, value: str) -> object:
    if name == "all_slaves_active":
        return value == "1"
    if name == "arp_ip_target":
        return value.split(",")
    return int(value) if value.isdecimal() else value
