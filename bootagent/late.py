# SPDX-License-Identifier: Apache-2.0
"""Devices that are late: waited for on udev's word, never by polling or settling, and never longer than a deadline.

udev's word is a file of its database, which it puts into its place when it is done with a device: a network namespace
of its own, as the unit has it, hears none of udev's messages.

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
from bootagent.model.instance import Problem
from bootagent.sources import source_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from bootagent.host import Host, Nic
    from bootagent.model.network import Network
    from bootagent.options import Options
    from bootagent.root import Root

DEADLINE = 10.0  # seconds; ixgbe and bnxt_en have been seen to need more than five
DATABASE = "/run/udev/data"  # n2 is the NIC with index 2, b8:0 the block device with that number
# Of a device that is not there yet, has no driver yet, or no medium: a link of udev's, an optical drive.
NOT_YET = (errno.ENOENT, errno.ENODEV, errno.ENXIO, errno.ENOMEDIUM)


def wait_for_nics(root: Root, network: Network, nics: tuple[Nic, ...]) -> tuple[tuple[Nic, ...], tuple[Problem, ...]]:
    """The NICs of the machine, once all that ``network`` names are there, or when the deadline has passed."""
    wanted: set[str] = {link.mac for link in network.links if link.bond is None and link.vlan is None and link.mac}
    if not _missing(root, wanted, nics):
        return nics, ()
    unheard = _wait(root, "n", lambda: not _missing(root, wanted, read_nics(root)))
    return (nics if unheard else read_nics(root)), unheard


def wait_for_drive(root: Root, host: Host, options: Options) -> tuple[Host, tuple[Problem, ...]]:
    """``host`` with the drives that there are once the one that must be there is, or when the deadline has passed."""
    unheard = () if _has_drive(root, options) else _wait(root, "b", lambda: _has_drive(root, options))
    drives, damaged = read_drives(root) if options.drive is None else ((), ())
    return host._replace(drives=drives, damaged=damaged), unheard


def _wait(root: Root, kind: str, is_there: Callable[[], bool]) -> tuple[Problem, ...]:
    """Wait for udev's word until it is, or the deadline has passed; a problem where udev cannot be heard."""
    from bootagent.watch import Watch

    try:
        watch = Watch(root.host_path(DATABASE), kind)
    except (ImportError, OSError) as error:
        return (Problem("warning", "udev", f"late devices are not waited for: {error}"),)
    end = time.monotonic() + DEADLINE
    try:
        while not is_there() and (left := end - time.monotonic()) > 0:
            watch.wait(left)
    finally:
        watch.close()
    return ()


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
    """Whether udev is done with the NIC (sd_device_get_is_initialized(3)), or there is no udev.

    Before it renames one, and until it has heard from the kernel that it did, there is an entry too, which says that.
    """
    index = (root.read(f"/sys/class/net/{nic.name}/ifindex", 16) or b"").decode("ascii", "replace").strip()
    entry = root.read(f"{DATABASE}/n{index}")
    if entry is None:
        return not root.exists("/run/udev/control")
    return b"E:ID_RENAMING=1" not in entry.split(b"\n")
