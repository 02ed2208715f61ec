# SPDX-License-Identifier: Apache-2.0
"""What network-scripts cannot say of IPv6, as sysctl.d(5).

https://www.freedesktop.org/software/systemd/man/latest/sysctl.d.html
https://docs.kernel.org/networking/ip-sysctl.html

The network script applies these files before the first device and behind the last one, ifup does for a VLAN that it
made, and udev for every device that appears.  So a device is as it should be before it is up: ifup-ipv6 comes later,
when an advertisement may have been taken already.
"""

from __future__ import annotations

from bootagent.renderers._ifcfg_device import HEADER, is_silent

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from bootagent.model.network import Interface

PATH = "/etc/sysctl.d/60-bootagent-ifcfg.conf"
# accept_ra and autoconf.  2: also on a machine that forwards.
ADVERTISEMENTS = {"off": (0, 0), "routes": (2, 0), "full": (2, 1)}


def settings(interfaces: Iterable[Interface]) -> str:
    """The file for ``interfaces``, or ""."""
    lines = [
        # With slashes, a dot in a device's name is only a dot.
        f"net/ipv6/conf/{interface.name}/{name} = {value}\n"
        for interface in interfaces
        if interface.master is None
        for name, value in _values(interface)
    ]
    return "".join([f"{HEADER}\n", *lines]) if lines else ""


def _values(interface: Interface) -> Iterator[tuple[str, int]]:
    if is_silent(interface):
        yield "disable_ipv6", 1
        return
    accept, autoconf = ADVERTISEMENTS[interface.ra]
    yield "accept_ra", accept
    yield "autoconf", autoconf
    if interface.ra != "full" and not interface.dhcp6:
        # Else ifup waits for duplicate address detection, and without a carrier half a minute, for each device.
        yield "accept_dad", 0
    if accept and interface.metric is not None:
        yield "ra_defrtr_metric", interface.metric  # Linux 5.12
