# SPDX-License-Identifier: Apache-2.0
"""A machine on this host without a kernel of its own: the image's tree with the agent in it, NICs, a disk and a drive.

The tree is the one that the virtual machines boot (Debian 12 with systemd-networkd), so the interpreter is the
distribution's and the units are real. It lies on a file system with a disk behind it: an fsync is one.
"""

from __future__ import annotations

import contextlib
import json
import pathlib
import shutil
import subprocess
import tempfile
from typing import TYPE_CHECKING, NamedTuple

from bootagent.bundle import BUNDLE
from tests import images as drives
from tests.vm import base

from . import documents

if TYPE_CHECKING:
    from collections.abc import Iterator

PLACE = pathlib.Path("/var/tmp")
DRIVE_FILES = "tree"  # as images.make_iso calls them
DISK_BYTES = 64 << 20
# What a virtual machine's tree of devices looks like: the entries of /sys/class are links into it.
PCI = "devices/pci0000:00/0000:00"


class Hardware(NamedTuple):
    """The content of the machine's /sys, the loop devices that become nodes in its /dev, and what is on its drive."""

    sys: pathlib.Path
    devices: dict[str, str]  # name in the machine -> loop device here
    files: pathlib.Path


@contextlib.contextmanager
def directory() -> Iterator[pathlib.Path]:
    """For trees and disks; gone afterwards."""
    place = pathlib.Path(tempfile.mkdtemp(prefix="bootagent-bench.", dir=PLACE))
    try:
        yield place
    finally:
        shutil.rmtree(place)


def copy_tree(source: pathlib.Path, target: pathlib.Path) -> pathlib.Path:
    """A copy to write to."""
    target.mkdir(mode=0o755)
    base.copy_tree(source, target)
    return target


@contextlib.contextmanager
def hardware(place: pathlib.Path, links: int) -> Iterator[Hardware]:
    """This many NICs, a root disk and the config drive that names the NICs."""
    place.mkdir()
    sys = place / "sys"
    add_nics(sys, links)
    _write(sys / "class/dmi/id/product_uuid", documents.UUID)
    with contextlib.ExitStack() as stack:
        devices = {}
        for name, image in {"vda": make_disk(place), "sr0": make_drive(place, links)}.items():
            devices[name] = stack.enter_context(_loop_device(image))
            add_block_device(sys, name, image.stat().st_size)
        yield Hardware(sys, devices, place / DRIVE_FILES)


def add_nics(sys: pathlib.Path, number: int) -> None:
    """virtio NICs ens0, ens1 …, and the loopback device, below ``sys``."""
    for index in range(number):
        bus = f"{PCI}:{index + 3:02x}.0/virtio{index}"  # the number of a slot may be of any length here
        device = f"{bus}/net/ens{index}"
        _write(sys / device / "address", documents.mac(index))
        _write(sys / device / "type", "1")
        _write(sys / device / "addr_assign_type", "0")  # permanent, which glean asks
        _write(sys / device / "carrier", "1")
        (sys / device / "device").symlink_to(f"../../../virtio{index}")
        (sys / bus / "driver").symlink_to("../../../../bus/virtio/drivers/virtio_net")
        _enter_class(sys, "net", f"ens{index}", device)
    _write(sys / "devices/virtual/net/lo/address", "00:00:00:00:00:00")
    _write(sys / "devices/virtual/net/lo/type", "772")
    _enter_class(sys, "net", "lo", "devices/virtual/net/lo")


def add_block_device(sys: pathlib.Path, name: str, size: int) -> None:
    """A whole disk of ``size`` bytes below ``sys``."""
    device = f"{PCI}:1f.0/block/{name}"
    _write(sys / device / "size", str(size // 512))
    _enter_class(sys, "block", name, device)


def make_drive(directory: pathlib.Path, links: int) -> pathlib.Path:
    """The config drive, made with the options that nova makes it with."""
    files = {
        "meta_data.json": documents.meta_data(),
        "network_data.json": documents.network_data(links),
        "vendor_data.json": {},
        "vendor_data2.json": {"static": {}},
    }
    tree = {
        f"openstack/{version}/{name}": json.dumps(content).encode()
        for version in ("2025-04-04", "latest")
        for name, content in files.items()
    }
    return drives.make_iso(directory, tree, *drives.NOVA_FLAGS)


def make_disk(directory: pathlib.Path) -> pathlib.Path:
    """The disk that the machine runs from, which is looked at and is no config drive."""
    disk = directory / "disk.img"
    with disk.open("wb") as file:
        file.truncate(DISK_BYTES)
    drives.run("mke2fs", "-q", "-F", "-t", "ext4", "-L", "root", disk)
    return disk


def installed_bytes(tree: pathlib.Path) -> dict[str, int]:
    """What ``bootagent install`` put into the tree: the files as they are in the checkout, and their bytecode."""
    files = [path for path in (tree / "usr/lib/bootagent").rglob("*") if path.is_file()]
    files += [tree / "usr/sbin/bootagent", *(tree / "usr/lib/systemd/system").glob("bootagent*")]
    compiled = sum(path.stat().st_size for path in files if path.suffix == ".pyc" or path.name == BUNDLE)
    return {"bootagent": sum(path.stat().st_size for path in files) - compiled, "bytecode": compiled}


def _write(path: pathlib.Path, line: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{line}\n", encoding="ascii")


def _enter_class(sys: pathlib.Path, kind: str, name: str, device: str) -> None:
    entry = sys / "class" / kind / name
    entry.parent.mkdir(parents=True, exist_ok=True)
    entry.symlink_to(f"../../{device}")


@contextlib.contextmanager
def _loop_device(image: pathlib.Path) -> Iterator[str]:
    command = ["losetup", "--find", "--show", "--read-only", str(image)]
    device = subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
    try:
        yield device
    finally:
        subprocess.run(["losetup", "--detach", device], check=True)
