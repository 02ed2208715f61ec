# SPDX-License-Identifier: Apache-2.0
"""FAT12, FAT16 and FAT32 file systems with long names.

Microsoft Extensible Firmware Initiative FAT32 File System Specification 1.03 (fatgen103, 2000).

The type is told by the number of clusters and by nothing else, least of all by the text "FAT16" in the boot sector;
but a volume without the 16-bit size of its FAT is FAT32 at any size, as in Linux and Windows: ironic makes its 64 MiB
partition with ``mkfs.vfat -F 32``, which has too few clusters for the specification.
"""

from __future__ import annotations

from struct import unpack_from

from bootagent.errors import MediaError
from bootagent.media import MAX_DIRECTORY
from bootagent.media.walk import Entry, FileSystem, add

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from bootagent.media.blocks import Blocks

_READ_ONLY_HIDDEN_SYSTEM_LABEL = 0x0F  # together: a slot of a long name
_LABEL, _DIRECTORY = 0x08, 0x10
_LOWER_STEM, _LOWER_EXTENSION = 0x08, 0x10
_DELETED = 0xE5
_FIRST_CLUSTER = 2
_MAX_NAME_SLOTS = 20
_FAT_PIECE = 4096


def is_boot_sector(sector: bytes) -> bool:
    """Whether the BIOS parameter block makes sense; an MBR, NTFS and exFAT have zeros or code in these places."""
    sector_size, cluster, reserved, fats = unpack_from("<HBHB", sector, 11)
    (total16, media, fat16) = unpack_from("<HBH", sector, 19)
    total32, fat32 = unpack_from("<II", sector, 32)
    return (
        sector_size in (512, 1024, 2048, 4096)
        and 0 < cluster <= 128
        and cluster & (cluster - 1) == 0
        and reserved > 0
        and 0 < fats <= 4
        and (media == 0xF0 or media >= 0xF8)
        and bool(total16 or total32)
        and bool(fat16 or fat32)
    )


class Fat(FileSystem):
    """``Volume`` over a FAT file system; ``boot`` is its first 512 bytes, in which ``is_boot_sector`` is true."""

    kind = "vfat"

    def __init__(self, blocks: Blocks, boot: bytes) -> None:
        super().__init__(blocks)
        sector, cluster, reserved, fats, roots, total16, _, fat16 = unpack_from("<HBHBHHBH", boot, 11)
        total32, fat32 = unpack_from("<II", boot, 32)
        fat_size = (fat16 or fat32) * sector
        self._root_start = reserved * sector + fats * fat_size
        self._root_size = roots * 32
        self._data_start = self._root_start + -(-self._root_size // sector) * sector
        self._cluster = sector * cluster
        clusters = ((total16 or total32) * sector - self._data_start) // self._cluster
        if clusters < 1 or (fat16 and clusters >= 65525):
            raise MediaError(self.place, f"a FAT file system of {clusters} clusters: damaged")
        self._bits = 32 if fat16 == 0 else 12 if clusters < 4085 else 16
        self._last_cluster = clusters + 1
        self._fat_start, self._fat_size = reserved * sector, fat_size
        self._fat_piece = (-1, b"")
        extended = 64 if self._bits == 32 else 36
        if self._bits == 32:
            flags, _, root = unpack_from("<HHI", boot, 40)
            # Bit 7: the FATs are not copies of each other, and bits 0 to 3 say which of them is in use.
            if flags & 0x80 and flags & 0x0F < fats:
                self._fat_start += (flags & 0x0F) * fat_size
            self._root = Entry(True, ((root, 0),))
        else:
            self._root = Entry(True, ((0, self._root_size),))
        if boot[extended + 2] in (0x28, 0x29):
            serial, label = unpack_from("<I11s", boot, extended + 3)
            self.serial = f"{serial >> 16:04X}-{serial & 0xFFFF:04X}"
        if boot[extended + 2] != 0x29:  # 0x28: the serial is there and the label is not
            label = b""
        found = self._root_label(), _label(label)
        self.labels = tuple(dict.fromkeys(text for text in found if text))

    def _root_label(self) -> str:
        what = "root directory"
        for slot, _ in self._slots(self._root, what):
            if slot[11] & (_LABEL | _DIRECTORY) == _LABEL:
                return _label(_unescape(slot[:11]))
        return ""

    def _list(self, directory: Entry, what: str) -> dict[str, Entry]:
        entries: dict[str, Entry] = {}
        for slot, long_name in self._slots(directory, what):
            attributes = slot[11]
            if attributes & _LABEL:
                continue
            name = long_name or _short_name(slot)
            high, low, size = unpack_from("<H4xHI", slot, 20)
            first = low | high << 16 if self._bits == 32 else low
            add(entries, name, Entry(bool(attributes & _DIRECTORY), ((first, size),)))
        return entries

    def _content(self, entry: Entry, what: str) -> bytes:
        ((first, size),) = entry.extents
        if size == 0:
            return b""
        needed = -(-size // self._cluster)
        return self._read_clusters(self._chain(first, needed, what), what)[:size]

    def _slots(self, directory: Entry, what: str) -> Iterator[tuple[bytes, str]]:
        """Each used slot of a directory that is not part of a long name, with its long name if it has one."""
        run: list[bytes] = []
        for slot in self._raw_slots(directory, what):
            if slot[0] == _DELETED:
                run = []
            elif slot[11] & 0x3F == _READ_ONLY_HIDDEN_SYSTEM_LABEL:
                if slot[0] & 0x40 or len(run) == _MAX_NAME_SLOTS:
                    run = []
                run.append(slot)
            else:
                yield slot, _long_name(run, slot)
                run = []

    def _raw_slots(self, directory: Entry, what: str) -> Iterator[bytes]:
        first = directory.extents[0][0]
        if first == 0 and directory is self._root:
            if self._root_size > MAX_DIRECTORY:
                raise MediaError(self.place, f"{what}: {self._root_size} bytes, more than {MAX_DIRECTORY}")
            data = self._blocks.read(self._root_start, self._root_size, what)
        else:
            most = max(1, MAX_DIRECTORY // self._cluster)
            chain = self._chain(first, most + 1, what, to_end=True)
            if len(chain) > most:
                raise MediaError(self.place, f"{what}: more than {MAX_DIRECTORY} bytes, or a loop")
            data = self._read_clusters(chain, what)
        used = _used(data)
        self._charge_directory(used, what)
        for at in range(0, used, 32):
            yield data[at : at + 32]

    def _chain(self, first: int, most: int, what: str, to_end: bool = False) -> list[int]:
        """Up to ``most`` clusters of a chain; one that ends before is damaged, unless its end is what is asked for."""
        end = (1 << min(self._bits, 28)) - 8
        clusters: list[int] = []
        cluster = first
        while len(clusters) < most:
            if cluster >= end and to_end and clusters:
                break
            if not _FIRST_CLUSTER <= cluster <= self._last_cluster:
                raise MediaError(
                    self.place, f"{what}: cluster {cluster} after {len(clusters)} clusters of its chain: damaged"
                )
            clusters.append(cluster)
            if len(clusters) < most:
                cluster = self._next_cluster(cluster)
        return clusters

    def _next_cluster(self, cluster: int) -> int:
        at = cluster * self._bits // 8
        number = at // _FAT_PIECE
        if self._fat_piece[0] != number:
            start = number * _FAT_PIECE
            # One byte more: an entry of FAT12 can lie on both sides of the border.
            size = max(0, min(_FAT_PIECE + 1, self._fat_size - start))
            data = self._blocks.read(self._fat_start + start, size, "file allocation table")
            self._fat_piece = (number, data)
        entry = self._fat_piece[1][at % _FAT_PIECE :][: 4 if self._bits == 32 else 2]
        if len(entry) < (4 if self._bits == 32 else 2):
            raise MediaError(self.place, f"file allocation table: too small for cluster {cluster}: damaged")
        value = int.from_bytes(entry, "little")
        if self._bits == 32:
            return value & 0x0FFFFFFF
        if self._bits == 12:
            return value >> 4 if cluster & 1 else value & 0xFFF
        return value

    def _read_clusters(self, clusters: list[int], what: str) -> bytes:
        """The bytes of clusters, with one read for those that follow each other."""
        pieces = []
        at = 0
        while at < len(clusters):
            run = 1
            while at + run < len(clusters) and clusters[at + run] == clusters[at] + run:
                run += 1
            start = self._data_start + (clusters[at] - _FIRST_CLUSTER) * self._cluster
            pieces.append(self._blocks.read(start, run * self._cluster, what))
            at += run
        return b"".join(pieces)


def _used(data: bytes) -> int:
    """Where the slots of a directory end: a zero says that nothing was ever written from there on."""
    for at in range(0, len(data) - 31, 32):
        if data[at] == 0:
            return at
    return len(data) // 32 * 32


def _long_name(run: list[bytes], short: bytes) -> str:
    """The name in the slots before a short one; "" if they are incomplete or belong to another (it was renamed)."""
    if not run or run[0][0] != 0x40 | len(run):
        return ""
    checksum = 0
    for byte in short[:11]:
        checksum = ((checksum >> 1) + ((checksum & 1) << 7) + byte) & 0xFF
    raw = b""
    for number, slot in enumerate(reversed(run), 1):
        if slot[0] & 0x3F != number or slot[13] != checksum:
            return ""
        raw += slot[1:11] + slot[14:26] + slot[28:32]
    # With the byte order mark it is the one UTF-16 decoder that is built in, and no module is imported for it.
    return (b"\xff\xfe" + raw).decode("utf-16", "replace").partition("\0")[0]


def _short_name(slot: bytes) -> str:
    raw = _unescape(slot[:11])
    stem = raw[:8].decode("ascii", "replace").rstrip(" ")
    extension = raw[8:].decode("ascii", "replace").rstrip(" ")
    # Windows NT keeps "config.txt" in a short slot, with a bit for the case of each half.
    if slot[12] & _LOWER_STEM:
        stem = stem.lower()
    if slot[12] & _LOWER_EXTENSION:
        extension = extension.lower()
    return f"{stem}.{extension}" if extension else stem


def _unescape(name: bytes) -> bytes:
    # 0xE5 as a first letter would say "deleted".
    return b"\xe5" + name[1:] if name[:1] == b"\5" else name


def _label(raw: bytes) -> str:
    text = raw.decode("ascii", "replace").rstrip(" \0")
    return "" if text == "NO NAME" or not text.isprintable() else text
