# SPDX-License-Identifier: Apache-2.0
"""NICs that are late: waited for on udev's events, never by polling or settling, and never longer than a deadline.

Only for a backend that needs kernel names, and only for addresses that the document names.  A NIC counts as there when
udev is done with it, because until then udev may still rename it (systemd.link(5)).
"""

from __future__ import annotations

import time

from bootagent.host import read_nics
from bootagent.libraries import load_library
from bootagent.model.instance import Problem

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from bootagent.host import Nic
    from bootagent.model.network import Network
    from bootagent.root import Root

DEADLINE = 10.0  # seconds; ixgbe and bnxt_en have been seen to need more than five


def wait_for_nics(root: Root, network: Network, nics: tuple[Nic, ...]) -> tuple[tuple[Nic, ...], tuple[Problem, ...]]:
    """The NICs of the machine, once all that ``network`` names are there, or when the deadline has passed."""
    wanted: set[str] = {link.mac for link in network.links if link.bond is None and link.vlan is None and link.mac}
    if not _missing(root, wanted, nics):
        return nics, ()
    try:
        monitor = _listen()
    except (ImportError, OSError) as error:
        return nics, (Problem("warning", "udev", f"late NICs are not waited for: {error}"),)
    end = time.monotonic() + DEADLINE
    nics = read_nics(root)
    while _missing(root, wanted, nics) and (left := end - time.monotonic()) > 0:
        monitor.poll(left)
        nics = read_nics(root)
    return nics, ()


def _listen() -> Any:
    """A monitor of network devices that udev is done with; it hears from now on."""
    pyudev = load_library("pyudev")
    monitor = pyudev.Monitor.from_netlink(pyudev.Context())
    monitor.filter_by("net")
    monitor.start()
    return monitor


def _missing(root: Root, wanted: set[str], nics: tuple[Nic, ...]) -> set[str]:
    """The addresses that no NIC has, or only one that udev is not done with."""
    there = {alias for nic in nics if _is_settled(root, nic) for alias in nic.addresses}
    return wanted - there


def _is_settled(root: Root, nic: Nic) -> bool:
    """Whether udev's database has the NIC (sd_device_get_is_initialized(3)), or there is no udev."""
    index = (root.read(f"/sys/class/net/{nic.name}/ifindex", 16) or b"").decode("ascii", "replace").strip()
    return root.exists(f"/run/udev/data/n{index}") or not root.exists("/run/udev/control")
