# SPDX-License-Identifier: Apache-2.0
"""Devices that are late: waited for on udev's events, never by polling or settling, and never longer than a deadline.

NICs only for a backend that needs kernel names, and only for addresses that the document names.  A NIC counts as there
when udev is done with it, because until then udev may still rename it (systemd.link(5)).

A drive only where an option says that there must be one: the drive itself, or no source but sources of drives.  That
there was one on an earlier boot says nothing: clouds detach it, and what it said is configured.  A drive that is there
and broken is not late.
"""

from __future__ import annotations

import errno
import os
import time

from bootagent.host import read_drives, read_nics
from bootagent.libraries import load_library
from bootagent.model.instance import Problem
from bootagent.sources import source_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from bootagent.host import Host, Nic
    from bootagent.model.network import Network
    from bootagent.options import Options
    from bootagent.root import Root

DEADLINE = 10.0  # seconds; ixgbe and bnxt_en have been seen to need more than five
# Of a device that is not there yet, has no driver yet, or no medium: a link of udev's, an optical drive.
NOT_YET = (errno.ENOENT, errno.ENODEV, errno.ENXIO, errno.ENOMEDIUM)


def wait_for_nics(root: Root, network: Network, nics: tuple[Nic, ...]) -> tuple[tuple[Nic, ...], tuple[Problem, ...]]:
    """The NICs of the machine, once all that ``network`` names are there, or when the deadline has passed."""
    wanted: set[str] = {link.mac for link in network.links if link.bond is None and link.vlan is None and link.mac}
    if not _missing(root, wanted, nics):
        return nics, ()
    unheard = _wait("net", lambda: not _missing(root, wanted, read_nics(root)))
    return (nics if unheard else read_nics(root)), unheard


def wait_for_drive(root: Root, host: Host, options: Options) -> tuple[Host, tuple[Problem, ...]]:
    """``host`` with the drives that there are once the one that must be there is, or when the deadline has passed."""
    unheard = () if _has_drive(root, options) else _wait("block", lambda: _has_drive(root, options))
    drives, damaged = read_drives(root) if options.drive is None else ((), ())
    return host._replace(drives=drives, damaged=damaged), unheard


def _wait(subsystem: str, is_there: Callable[[], bool]) -> tuple[Problem, ...]:
    """Wait for udev's events until it is, or the deadline has passed; a problem where udev cannot be heard."""
    try:
        monitor = _listen(subsystem)
    except (ImportError, OSError) as error:
        return (Problem("warning", "udev", f"late devices are not waited for: {error}"),)
    end = time.monotonic() + DEADLINE
    while not is_there() and (left := end - time.monotonic()) > 0:
        monitor.poll(left)
    return ()


def _listen(subsystem: str) -> Any:
    """A monitor of the devices of a kind that udev is done with; it hears from now on."""
    pyudev = load_library("pyudev")
    monitor = pyudev.Monitor.from_netlink(pyudev.Context())
    monitor.filter_by(subsystem)
    monitor.start()
    return monitor


def _has_drive(root: Root, options: Options) -> bool:
    """Whether the drive that an option means is there, whatever is on it."""
    if options.drive is not None:
        try:
            os.close(os.open(options.drive, os.O_RDONLY | os.O_CLOEXEC))
        except OSError as error:
            return error.errno not in NOT_YET
        return True
    return any(source_of(drive.labels) in (options.sources or ()) for drive in read_drives(root)[0])


def _missing(root: Root, wanted: set[str], nics: tuple[Nic, ...]) -> set[str]:
    """The addresses that no NIC has, or only one that udev is not done with."""
    there = {alias for nic in nics if _is_settled(root, nic) for alias in nic.addresses}
    return wanted - there


def _is_settled(root: Root, nic: Nic) -> bool:
    """Whether udev's database has the NIC (sd_device_get_is_initialized(3)), or there is no udev."""
    index = (root.read(f"/sys/class/net/{nic.name}/ifindex", 16) or b"").decode("ascii", "replace").strip()
    return root.exists(f"/run/udev/data/n{index}") or not root.exists("/run/udev/control")
