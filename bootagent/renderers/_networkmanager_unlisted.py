# SPDX-License-Identifier: Apache-2.0
"""NetworkManager profiles for the NICs that no document names: one for all of them, there or not.

https://networkmanager.dev/docs/api/latest/settings-connection.html#nm-settings-connection.multi-connect

NetworkManager has no word for "online need not wait for this".  But it waits only until one family of addresses is
ready, and a link-local IPv6 address always is.  So beside a device that is waited for, these get DHCP without limit and
no router advertisements, which would have to come first; and where there is no such device, both, for a limited time.
"""

from __future__ import annotations

from bootagent.renderers._networkmanager_ip import INFINITY

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from bootagent.host import Host
    from bootagent.model.network import BoundNetwork
    from bootagent.renderers._networkmanager_profile import Sections

PRIORITY = -500  # any profile that someone made is better
METRIC = "route-metric=4096"  # loses against any other default route
DNS = "dns-priority=1000"  # its servers come last
TIMEOUT = 45  # seconds, below the 60 after which NetworkManager-wait-online.service fails


def unlisted_profiles(network: BoundNetwork, host: Host) -> Iterator[tuple[str, Sections]]:
    """File stem and sections of each profile; Ethernet for all, IP over InfiniBand for those that are there."""
    if network.unlisted is None:
        return
    required = any(interface.required for interface in network.interfaces)
    matches = [interface.match for interface in network.interfaces if interface.match]
    # Else a NIC of the document whose profile failed would get this one.
    denied = "".join(f"{match.mac};" for match in matches if match.mac and len(match.mac) == 17)
    names = "".join(f"!{match.name};" for match in matches if match.name)
    yield (
        "bootagent_unlisted",
        (
            ("connection", _connection("ethernet", required)),
            ("ethernet", [f"mac-address-blacklist={denied}"] if denied else []),
            ("match", [f"interface-name={names}"] if names else []),
            *_families(required),
        ),
    )
    wide = {nic.name for nic in host.nics if nic.is_infiniband}
    present = "".join(f"{name};" for name in network.unlisted if name in wide)
    if present:
        yield (
            "bootagent_unlisted_infiniband",
            (
                ("connection", _connection("infiniband", required)),
                ("infiniband", ["transport-mode=datagram"]),
                ("match", [f"interface-name={present}"]),
                *_families(required),
            ),
        )


def _connection(kind: str, required: bool) -> list[str]:
    lines = [f"type={kind}", f"autoconnect-priority={PRIORITY}", "multi-connect=3"]
    return lines if required else [*lines, "autoconnect-retries=1"]


def _families(required: bool) -> Sections:
    timeout = INFINITY if required else TIMEOUT
    ipv4 = ["method=auto", f"dhcp-timeout={timeout}", METRIC, DNS]
    ipv6 = ["addr-gen-mode=eui64", "ip6-privacy=0"]
    if required:
        return (("ipv4", ipv4), ("ipv6", ["method=link-local", *ipv6]))
    router = ["method=auto", f"ra-timeout={timeout}", f"dhcp-timeout={timeout}", *ipv6, METRIC, DNS]
    return (("ipv4", ipv4), ("ipv6", router))
