# SPDX-License-Identifier: Apache-2.0
"""Drives as their makers make them, in memory, where an input edits them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from bootagent import sources
from tests.examples import EXAMPLES
from tests.images import NOVA_FLAGS, make_disk, make_fat, make_iso, run

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from bootagent.model.instance import Instance

# Images by how they are made, and the example whose documents are in each: short ones, which the examples' own inputs
# do not leave unsaid, so that most of an image's bytes are those of its file system.
IMAGES = {
    "rock": "nova-injected-files",
    "joliet": "virt-install-user-data-keys",
    "fat12": "nova-ironic-lacp",
    "gpt": "metal3-bond-parameters",
    "fat32": "proxmox-eni",
    "mbr": "ibm-classic",
}
_MIB = 1 << 20


class Images:
    """Drives as their makers make them, each in memory, where an input edits it."""

    def __init__(self, tmp: Path) -> None:
        self._contents = {name: self._make(name, tmp / name).read_bytes() for name in IMAGES}
        self._spots = {name: _used(content) for name, content in self._contents.items()}
        self._fds = {name: os.memfd_create(name) for name in IMAGES}
        for name, content in self._contents.items():
            os.pwrite(self._fds[name], content, 0)

    @staticmethod
    def _make(name: str, tmp: Path) -> Path:
        files = dict(EXAMPLES[IMAGES[name]].documents)
        tmp.mkdir()
        if name == "rock":
            return make_iso(tmp, files, *NOVA_FLAGS)
        if name == "joliet":
            return make_iso(tmp, files, "-J", "-V", "cidata")
        if name == "fat32":
            return make_fat(tmp, files, 34304, "-n", "config-2", "-s", "1", "-F", "32")
        fat = make_fat(tmp, files, 160, "-n", "config-2", "-s", "1")
        if name == "fat12":
            return fat
        if name == "mbr":
            disk = make_disk(tmp, 4, {3 * _MIB: fat})
            run("sfdisk", disk, stdin="label: dos\nstart=2048, size=1024, type=83\nstart=4096, size=4096, type=5\n"
                "start=6144, size=1024, type=83\n")  # fmt: skip
            return disk
        disk = make_disk(tmp, 3, {_MIB: fat})
        run("sgdisk", "-n", "5:2048:+500K", disk)
        return disk

    def read(self, name: str, edits: bytes) -> Instance:
        """What the agent makes of the image with so many edits."""
        fd, content, spots = self._fds[name], self._contents[name], self._spots[name]
        touched = []
        try:
            for where, new in _edits(edits):
                spot = spots[where % len(spots)]
                touched.append((spot, os.pwrite(fd, new[: len(content) - spot], spot)))
            return sources.read_drive(f"/proc/self/fd/{fd}", "drive").instance
        finally:
            for spot, size in touched:
                os.pwrite(fd, content[spot : spot + size], spot)


def _edits(data: bytes) -> Iterator[tuple[int, bytes]]:
    while len(data) > 4:
        size = data[3] or 1
        yield int.from_bytes(data[:3], "little"), data[4 : 4 + size]
        data = data[4 + size :]


def _used(content: bytes) -> list[int]:
    """Where something is, and one byte beside it."""
    spots: set[int] = set()
    for start in range(0, len(content), 512):
        block = content[start : start + 512]
        if block.strip(b"\0"):
            spots.update(start + at + beside for at, byte in enumerate(block) if byte for beside in (0, 1))
    return sorted(spot for spot in spots if spot < len(content))
