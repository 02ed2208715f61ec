# SPDX-License-Identifier: Apache-2.0
"""What DHCP clients keep: leases of another network, and the DUID (RFC 8415, 11) by which servers know a client."""

from __future__ import annotations

from bootagent.image.traces import places

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from bootagent.image.traces import Trace
    from bootagent.image.tree import Tree

NM = "/var/lib/NetworkManager"
KEPT = (
    (
        "a lease or DUID of dhclient",
        (
            *("/var/lib/dhcp/*.leases*", "/var/lib/dhcp/*.lease", "/var/lib/dhclient/*.lease*", "/etc/dhclient.duid"),
            *("/var/lib/dhcp3/*.lease*", f"{NM}/dhclient-*", f"{NM}/dhclient6-*"),
        ),
    ),
    (
        "a lease, DUID or secret of dhcpcd",
        (
            *("/var/lib/dhcpcd/*", "/var/lib/dhcpcd5/*", "/var/db/dhcpcd/*"),
            *("/etc/dhcpcd.duid", "/etc/dhcpcd.secret"),
        ),
    ),
    ("what systemd-networkd remembers of a network", ("/var/lib/systemd/network/*",)),
    (
        "what NetworkManager remembers of a network",
        (
            *(f"{NM}/{name}" for name in ("*.lease", "*.leases", "secret_key", "seen-bssids", "timestamps")),
            f"{NM}/no-auto-default.state",
        ),
    ),
    ("a lease or DUID of wicked", ("/var/lib/wicked/*.xml", "/var/lib/wicked/*.duid")),
    ("a lease of udhcpc", ("/var/lib/udhcpc/*", "/var/lib/misc/udhcpc*", "/var/lib/misc/*.leases")),
    ("what connman remembers of a network", ("/var/lib/connman/ethernet_*", "/var/lib/connman/wifi_*")),
)


def find(tree: Tree) -> Iterator[Trace]:
    """The traces of this kind."""
    return places(tree, KEPT)
