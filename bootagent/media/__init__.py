# SPDX-License-Identifier: Apache-2.0
"""Read a drive in user space, without mounting it: a directory, an image file or a block device.

::

    with media.open_volumes("/dev/vdb") as volumes:
        for volume in volumes:
            document = volume.read("openstack/latest/meta_data.json")

No file-system module of the kernel is needed, nothing stays mounted and no privilege is used but that to open the
device. A drive is foreign bytes: whatever they are, the result is a volume or a ``MediaError``, in bounded time and
memory. Only the reader that the magic calls for is imported; a disk that is none of ours costs two reads.
"""

from __future__ import annotations

import errno
import os
import stat

from bootagent.errors import MediaError, NoVolumeError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType
    from typing import Protocol

    from bootagent.media.blocks import Blocks, Device

    class Volume(Protocol):
        """One file system of a drive."""

        kind: str  # "iso9660", "vfat" or "directory"
        place: str  # for messages: "/dev/vdb", "disk.img partition 2", "/tmp/drive"
        labels: tuple[str, ...]  # all that it carries, as found: FAT and ISO 9660 (with Joliet) have up to two
        serial: str  # FAT volume id, "9796-932E"; else ""

        def read(self, path: str) -> bytes | None:
            """The file's bytes; None: absent; ``MediaError``: damaged, no regular file, or over ``MAX_FILE``."""

        def names(self, path: str) -> tuple[str, ...] | None:
            """The names in a directory; None: no such directory."""


# The largest document of any cloud is user data: 64 KiB with nova, 256 KiB elsewhere.
MAX_FILE = 1 << 20
# 8192 slots of FAT, some 2000 files of ISO 9660.
MAX_DIRECTORY = 1 << 18
MAX_DEPTH = 16

_HEAD = 512
_DESCRIPTOR = 32768  # ECMA-119 6.2.1: sixteen sectors of 2048 bytes are the system's


class Volumes:
    """The volumes of one drive and the descriptor that they share; ``with`` gives the tuple and closes it after."""

    def __init__(self, volumes: tuple[Volume, ...], device: Device | None = None) -> None:
        self._volumes = volumes
        self._device = device

    def __enter__(self) -> tuple[Volume, ...]:
        """The volumes themselves."""
        return self._volumes

    @property
    def reach(self) -> int:
        """How many of the drive's first bytes hold all that was read of it so far; 0 for a directory."""
        return self._device.reach if self._device else 0

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._device is not None:
            self._device.close()


def open_volumes(path: str, place: str | None = None) -> Volumes:
    """Open a drive: the file system on the whole of it, or else that of each partition; ``MediaError`` if none."""
    place = path if place is None else place
    try:
        mode = os.stat(path).st_mode
        if stat.S_ISDIR(mode):
            from bootagent.media.tree import Tree

            return Volumes((Tree(path, place),))
        if not stat.S_ISREG(mode) and not stat.S_ISBLK(mode):
            raise MediaError(place, "not a directory, an image file or a block device")
        from bootagent.media.blocks import Blocks, Device

        device = Device(path)
    except OSError as error:
        kind = NoVolumeError if error.errno in (errno.ENOMEDIUM, errno.ENXIO, errno.ENOENT) else MediaError
        raise kind(place, error.strerror or str(error)) from error
    except ValueError as error:  # a NUL in the path
        raise MediaError(repr(place), str(error)) from error
    try:
        return Volumes(_find_volumes(Blocks(device, 0, device.size, place)), device)
    except BaseException:
        device.close()
        raise


def split_path(path: str) -> list[str] | None:
    """The names on the way; None for a path that no drive can have, which is how a document's "../" ends."""
    parts = [part for part in path.split("/") if part]
    if len(parts) > MAX_DEPTH:
        return None
    for part in parts:
        if part in (".", "..") or len(part) > 255 or not part.isprintable():
            return None
    return parts


def _find_volumes(disk: Blocks) -> tuple[Volume, ...]:
    if disk.size == 0:
        raise NoVolumeError(disk.place, "empty")
    troubles: list[MediaError] = []
    volumes = _probe_each([disk], troubles)
    if volumes:
        return volumes
    # Also behind a file system that is damaged: fdisk keeps the old boot sector of a disk that was one FAT.
    from bootagent.media.partitions import read_tables

    for table in read_tables(disk):
        volumes = _probe_each(table, troubles)
        if volumes:
            return volumes
    if troubles:
        raise troubles[0]
    raise NoVolumeError(disk.place, "neither an ISO 9660 nor a FAT file system, nor a partition that holds one")


def _probe_each(stretches: list[Blocks], troubles: list[MediaError]) -> tuple[Volume, ...]:
    volumes = []
    for blocks in stretches:
        try:
            volume = _probe(blocks)
        except MediaError as error:
            troubles.append(error)
        else:
            if volume is not None:
                volumes.append(volume)
    return tuple(volumes)


def _probe(blocks: Blocks) -> Volume | None:
    """The file system of a disk or partition, None if it is none that we know.

    FAT comes first: who writes an ISO image over a FAT overwrites its boot sector, but mkfs.vfat over an ISO image
    (ironic on 4K disks) may leave the descriptors of the old one.
    """
    if blocks.size < _HEAD:
        return None
    boot = blocks.read(0, _HEAD, "boot sector")
    # Cheap enough to be asked before the reader is imported: bytes per sector, a power of two from 512 to 4096.
    if boot[11:13] in (b"\0\2", b"\0\4", b"\0\10", b"\0\20"):
        from bootagent.media.fat import Fat, is_boot_sector

        if is_boot_sector(boot):
            return Fat(blocks, boot)
    if blocks.size < _DESCRIPTOR + 2048:
        return None
    magic = blocks.read(_DESCRIPTOR, 6, "volume descriptor")[1:]
    if magic == b"CD001":
        from bootagent.media.iso9660 import Iso9660

        return Iso9660(blocks)
    # ECMA-167 3/3.1.3: the recognition sequence of UDF stands where ISO 9660 has its descriptors.
    if magic in (b"BEA01", b"NSR02", b"NSR03"):
        raise MediaError(blocks.place, "a UDF file system: not read")
    return None
