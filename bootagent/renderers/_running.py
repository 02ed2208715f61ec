# SPDX-License-Identifier: Apache-2.0
"""Which backends run at next boot, by the facts in ``Host``: in one place, so that a boot loads one renderer only.

Best first: what a person put beside the distribution's own comes before it.  netplan counts where its generator is,
because that runs on every boot, and starts systemd-networkd by itself where nothing else runs the network.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from bootagent.host import Host

# On OpenRC, each of them would configure the devices that netifrc is to have.
OTHER_MANAGERS = ("NetworkManager", "dhcpcd", "connman", "networking")


def running(host: Host) -> Iterator[tuple[str, str]]:
    """The names of the backends, each with the fact that says so."""
    enabled, installed = host.enabled, host.installed
    others = enabled & {"networking.service", "network.service", "wicked.service"}
    daemons = enabled & {"systemd-networkd.service", "NetworkManager.service"}
    if "netplan" in installed and (daemons or ("networkd" in installed and not others)):
        yield "netplan", "netplan's generator is installed"
    if "systemd-networkd.service" in enabled:
        yield "networkd", "systemd-networkd.service is enabled"
    if "NetworkManager.service" in enabled:
        yield "networkmanager", "NetworkManager.service is enabled"
    elif "NetworkManager" in enabled:
        yield "networkmanager", "NetworkManager is in a runlevel"
    if "wicked.service" in enabled:
        yield "wicked", "wicked.service is enabled"
    if "network.service" in enabled:  # what systemd makes of the SysV script of network-scripts
        yield "ifcfg", "network.service is enabled"
    services = sorted(enabled & {"networking", "networking.service"})
    if services and "ifupdown-ng" in installed:
        yield "ifupdown-ng", f"{services[0]} is enabled, and it runs ifupdown-ng"
    elif "networking.service" in services:  # ifupdown2 too, which has the same files
        yield "ifupdown", "networking.service is enabled"
    if host.init == "openrc" and "netifrc" in installed and enabled.isdisjoint(OTHER_MANAGERS):
        yield "netifrc", "netifrc is installed and no other manager is in a runlevel"
