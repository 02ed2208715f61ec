# SPDX-License-Identifier: Apache-2.0
"""Where the partitions of a disk are: GUID partition tables and those of the PC (MBR) with logical partitions.

UEFI Specification 2.10, section 5 (https://uefi.org/specs/UEFI/2.10/05_GUID_Partition_Table_Format.html).

What a partition is *for* (type, name, attributes) is not looked at: its content decides whether it is ours. Checksums
are not either: ironic writes the config drive's partition, and a table that was edited by hand still tells where.
"""

from __future__ import annotations

from struct import unpack_from

from bootagent.errors import MediaError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from bootagent.media.blocks import Blocks

MAX_PARTITIONS = 128
_SECTOR_SIZES = (512, 4096)
_EXTENDED = (0x05, 0x0F, 0x85)
_PROTECTIVE = 0xEE


def read_tables(disk: Blocks) -> Iterator[list[Blocks]]:
    """Every reading of the disk's tables, the best first; a caller takes the first that holds what it seeks."""
    if disk.size < 1024:
        return
    # One read holds the MBR and the GPT header of disks with 512-byte and with 4096-byte sectors.
    head = disk.read(0, min(disk.size, 4096 + 512), "partition table")
    found = False
    for sector in _SECTOR_SIZES:
        partitions = _read_gpt(disk, head[sector : sector + 92], sector)
        if partitions is not None:
            found = True
            yield partitions
    if head[510:512] != b"\x55\xaa":
        return
    entries = _mbr_entries(head)
    if not found and any(kind == _PROTECTIVE for _, kind, _, _ in entries):
        yield from _read_backup_gpt(disk)
    # An MBR counts in sectors and does not say of which size.
    for sector in _SECTOR_SIZES:
        partitions = _read_mbr(disk, entries, sector)
        if partitions:
            yield partitions


def _read_gpt(disk: Blocks, header: bytes, sector: int) -> list[Blocks] | None:
    """The partitions that a header leads to, or None if it is no header or leads nowhere."""
    if len(header) < 92 or header[:8] != b"EFI PART":
        return None
    start, count, size = unpack_from("<QII", header, 72)
    if size < 128 or size > 4096:
        return None
    count = min(count, MAX_PARTITIONS)
    try:
        table = disk.read(start * sector, count * size, "GPT entries")
    except MediaError:
        return None
    partitions = []
    for index in range(count):
        kind = table[index * size : index * size + 16]
        first, last = unpack_from("<QQ", table, index * size + 32)
        if kind != bytes(16) and last >= first:
            partitions.append((index + 1, first, last - first + 1))
    return _cut(disk, partitions, sector)


def _read_backup_gpt(disk: Blocks) -> Iterator[list[Blocks]]:
    """The backup header in the last sector, for a disk whose first one is damaged."""
    if disk.size < 4096:
        return
    tail = disk.read(disk.size - 4096, 4096, "GPT backup header")
    for sector in _SECTOR_SIZES:
        partitions = _read_gpt(disk, tail[4096 - sector :][:92], sector)
        if partitions is not None:
            yield partitions


def _mbr_entries(sector: bytes) -> list[tuple[int, int, int, int]]:
    """(slot, type, first sector, number of sectors) of the used slots."""
    entries = []
    for slot in range(4):
        kind = sector[446 + 16 * slot + 4]
        start, count = unpack_from("<II", sector, 446 + 16 * slot + 8)
        if kind and count:
            entries.append((slot + 1, kind, start, count))
    return entries


def _read_mbr(disk: Blocks, entries: list[tuple[int, int, int, int]], sector: int) -> list[Blocks]:
    partitions = []
    logical: list[tuple[int, int, int]] = []
    for slot, kind, start, count in entries:
        if kind in _EXTENDED:
            logical += _read_logical(disk, start, sector, 5 + len(logical))
        # With 0 as its start it would be the disk again.
        elif kind != _PROTECTIVE and start > 0:
            partitions.append((slot, start, count))
    return _cut(disk, partitions + logical, sector)


def _read_logical(disk: Blocks, extended: int, sector: int, number: int) -> list[tuple[int, int, int]]:
    """The chain of an extended partition: each link has one partition, relative to itself, and the next link."""
    partitions: list[tuple[int, int, int]] = []
    link = extended
    seen: set[int] = set()
    while link not in seen and number + len(partitions) <= MAX_PARTITIONS:
        seen.add(link)
        try:
            record = disk.read(link * sector, 512, "extended partition")
        except MediaError:
            break  # what was found before is good
        if record[510:512] != b"\x55\xaa":
            break
        onward = None
        for _, kind, start, count in _mbr_entries(record):
            if kind not in _EXTENDED:
                partitions.append((number + len(partitions), link + start, count))
            elif onward is None:
                onward = extended + start  # relative to the whole extended partition
        if onward is None:
            break
        link = onward
    return partitions


def _cut(disk: Blocks, partitions: list[tuple[int, int, int]], sector: int) -> list[Blocks]:
    """The stretches of the disk, without those that begin behind its end."""
    return [
        disk.part(start * sector, count * sector, f"{disk.place} partition {number}")
        for number, start, count in partitions
        if start * sector < disk.size
    ]
