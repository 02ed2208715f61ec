# SPDX-License-Identifier: Apache-2.0
"""Drive images made by the tools that clouds use; a tool that is missing fails the test that needs it."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

NOVA_FLAGS = ("-ldots", "-allow-lowercase", "-allow-multidot", "-l", "-J", "-r", "-V", "config-2")

# What a drive of nova looks like, with a file of several clusters and blocks, an empty one and deep directories.
DRIVE = {
    "openstack/latest/meta_data.json": b'{"uuid": "8f0c1f9e-8b35-4b7c-9f0e-0a4f6c1d2e3f"}',
    "openstack/latest/network_data.json": b'{"links": [], "networks": [], "services": []}',
    "openstack/latest/user_data": b"",
    "openstack/2018-08-27/meta_data.json": b'{"uuid": "8f0c1f9e-8b35-4b7c-9f0e-0a4f6c1d2e3f", "old": true}',
    "openstack/content/0000": bytes(range(256)) * 300 + b"end",
    "ec2/latest/meta-data.json": b'{"instance-id": "i-00000001"}',
}

_ENVIRONMENT = {
    "PATH": os.environ.get("PATH", "") + ":/usr/local/sbin:/usr/sbin:/sbin",
    "LC_ALL": "C.UTF-8",
    "MTOOLS_SKIP_CHECK": "1",
    "HOME": "/nonexistent",
}


def run(*command: str | Path, stdin: str = "") -> None:
    """Run a tool; what it complains about is part of the failure."""
    done = subprocess.run(
        [str(word) for word in command], input=stdin, env=_ENVIRONMENT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"


def write_tree(directory: Path, files: dict[str, bytes]) -> Path:
    """The files under a directory."""
    directory.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return directory


def make_iso(tmp: Path, files: dict[str, bytes], *flags: str) -> Path:
    """An image by genisoimage."""
    return make_iso_of(write_tree(tmp / "tree", files), tmp / "drive.iso", *flags)


def make_iso_of(tree: Path, image: Path, *flags: str) -> Path:
    """An image by genisoimage of a directory that is there."""
    run("genisoimage", "-quiet", "-no-pad", *flags, "-o", image, tree)
    return image


def make_xorriso(tmp: Path, files: dict[str, bytes], *flags: str | Path) -> Path:
    """An image by xorriso."""
    image = tmp / "xorriso.iso"
    run("xorriso", "-as", "mkisofs", "-quiet", *flags, "-o", image, write_tree(tmp / "tree", files))
    return image


def make_fat(tmp: Path, files: dict[str, bytes], kib: int, *flags: str) -> Path:
    """An image by mkfs.vfat with files by mtools."""
    image = tmp / "drive.img"
    image.touch()
    os.truncate(image, kib * 1024)
    run("mkfs.vfat", "-i", "9796932e", *flags, image)
    tree = write_tree(tmp / "tree", files)
    for path in sorted(tree.iterdir()):
        run("mcopy", "-s", "-i", image, path, "::")
    return image


def make_disk(tmp: Path, mib: int, parts: dict[int, Path]) -> Path:
    """A disk without a table: images at their byte offsets."""
    disk = tmp / "disk.img"
    disk.touch()
    os.truncate(disk, mib << 20)
    for offset, image in parts.items():
        patch(disk, offset, image.read_bytes())
    return disk


def patch(image: Path, offset: int, data: bytes) -> None:
    """Overwrite bytes of an image."""
    with image.open("r+b") as file:
        file.seek(offset)
        file.write(data)


def replace_once(image: Path, old: bytes, new: bytes) -> None:
    """Overwrite bytes that are in the image exactly once."""
    data = image.read_bytes()
    assert data.count(old) == 1
    assert len(old) == len(new)
    patch(image, data.index(old), new)
