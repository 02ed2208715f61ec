# SPDX-License-Identifier: Apache-2.0
"""The [Bond] section of a ``.netdev`` file.

https://www.freedesktop.org/software/systemd/man/latest/systemd.netdev.html#%5BBond%5D%20Section%20Options
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

# Option of the kernel: key and unit; in the manual's order.
_KEYS = {
    "xmit_hash_policy": ("TransmitHashPolicy", ""),
    "lacp_rate": ("LACPTransmitRate", ""),
    "miimon": ("MIIMonitorSec", "ms"),
    "peer_notif_delay": ("PeerNotifyDelaySec", "ms"),  # systemd 256
    "updelay": ("UpDelaySec", "ms"),
    "downdelay": ("DownDelaySec", "ms"),
    "lp_interval": ("LearnPacketIntervalSec", "s"),
    "ad_select": ("AdSelect", ""),
    "ad_actor_sys_prio": ("AdActorSystemPriority", ""),
    "ad_user_port_key": ("AdUserPortKey", ""),
    "ad_actor_system": ("AdActorSystem", ""),
    "fail_over_mac": ("FailOverMACPolicy", ""),
    "arp_validate": ("ARPValidate", ""),
    "arp_interval": ("ARPIntervalSec", "ms"),
    "arp_ip_target": ("ARPIPTargets", ""),
    "arp_all_targets": ("ARPAllTargets", ""),
    "primary_reselect": ("PrimaryReselectPolicy", ""),
    "resend_igmp": ("ResendIGMP", ""),
    "packets_per_slave": ("PacketsPerSlave", ""),
    "num_grat_arp": ("GratuitousARP", ""),
    "all_slaves_active": ("AllSlavesActive", ""),
    "tlb_dynamic_lb": ("DynamicTransmitLoadBalancing", ""),
    "min_links": ("MinLinks", ""),
    "arp_missed_max": ("ARPMissedMax", ""),  # systemd 256
}


def bond_lines(mode: str, options: Mapping[str, str]) -> list[str]:
    """The lines of the section; an option without a key is none of them."""
    lines = [f"Mode={mode}"]
    for name, (key, unit) in _KEYS.items():
        if name in options:
            value = options[name].replace(",", " ")
            if name in ("all_slaves_active", "tlb_dynamic_lb"):
                value = "yes" if value == "1" else "no"
            lines.append(f"{key}={value}{unit}")
    return lines
