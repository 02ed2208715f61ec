# SPDX-License-Identifier: Apache-2.0
"""ISO 9660 file systems, with Rock Ridge, Joliet or plain names.

ECMA-119 (https://ecma-international.org/publications-and-standards/standards/ecma-119/), IEEE P1281 (SUSP) and P1282
(Rock Ridge), Joliet Specification 1.0 (Microsoft, 1995). Numbers are there in both byte orders; little-endian is read.

One image can hold the same files under up to three sets of names. Rock Ridge is taken before Joliet and Joliet before
plain names, as Linux does: ironic's sample drive has "meta-data.json" in the first two and "META_DATA.JSON;1" in the
last. Links, devices and relocated directories are there by name and refused when they are read.
"""

from __future__ import annotations

import stat
from struct import unpack_from

from bootagent.errors import MediaError
from bootagent.media.walk import Entry, FileSystem, add

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from bootagent.media.blocks import Blocks

_SECTOR = 2048
_MAX_DESCRIPTORS = 64
_MAX_CONTINUATIONS = 32  # Linux: RR_MAX_CE_ENTRIES
_MAX_NAME = 255
_PRIMARY, _SUPPLEMENTARY, _TERMINATOR = 1, 2, 255
_JOLIET_ESCAPES = (b"%/@", b"%/C", b"%/E")
_FLAG_DIRECTORY, _FLAG_ASSOCIATED, _FLAG_MORE = 0x02, 0x04, 0x80
_NM_CONTINUE, _NM_CURRENT, _NM_PARENT = 0x01, 0x02, 0x04


class Iso9660(FileSystem):
    """``Volume`` over an ISO 9660 file system."""

    kind = "iso9660"

    def __init__(self, blocks: Blocks) -> None:
        super().__init__(blocks)
        primary, joliet = self._read_descriptors()
        labels = [_text(primary[40:72])]
        self._block = self._block_size(primary)
        self._root = _root(primary, self._block)
        self._skip = 0  # bytes before the system use entries of each record
        self._names = "rock ridge" if self._find_rock_ridge() else "plain"
        if joliet is not None:
            labels.append(_wide_text(joliet[40:72]))
            if self._names == "plain":
                self._names = "joliet"
                self._block = self._block_size(joliet)
                self._root = _root(joliet, self._block)
        self.labels = tuple(dict.fromkeys(label for label in labels if label and label.isprintable()))

    def _read_descriptors(self) -> tuple[bytes, bytes | None]:
        primary = joliet = None
        for number in range(16, 16 + _MAX_DESCRIPTORS):
            descriptor = self._blocks.read(number * _SECTOR, _SECTOR, "volume descriptor")
            if descriptor[1:6] != b"CD001" or descriptor[0] == _TERMINATOR:
                break
            if descriptor[0] == _PRIMARY and primary is None:
                primary = descriptor
            elif descriptor[0] == _SUPPLEMENTARY and joliet is None and descriptor[88:91] in _JOLIET_ESCAPES:
                joliet = descriptor
        if primary is None:
            raise MediaError(self.place, "an ISO 9660 file system without a primary volume descriptor: damaged")
        return primary, joliet

    def _block_size(self, descriptor: bytes) -> int:
        (size,) = unpack_from("<H", descriptor, 128)
        if size not in (512, 1024, 2048):
            raise MediaError(self.place, f"an ISO 9660 file system with blocks of {size} bytes: damaged")
        return int(size)

    def _find_rock_ridge(self) -> bool:
        """Whether the root directory's own record says that records have system use entries, and POSIX ones."""
        offset, size = self._root.extents[0]
        data = self._blocks.read(offset, min(size, self._block), "root directory")
        for record in self._records(data, "root directory"):
            area = _system_use(record)
            # CD-ROM XA has 14 bytes of its own in front.
            for start in (0, 14):
                mark = area[start : start + 7]
                if mark[:6] == b"SP\7\1\xbe\xef" and len(mark) == 7:
                    self._skip = mark[6]
                    return any(kind == b"PX" for kind, _ in self._susp(area[start:], "root directory"))
            return False
        return False

    def _list(self, directory: Entry, what: str) -> dict[str, Entry]:
        offset, size = directory.extents[0]
        self._charge_directory(size, what)
        data = self._blocks.read(offset, size, what)
        entries: dict[str, Entry] = {}
        extents: tuple[tuple[int, int], ...] = ()
        begun = b""  # the identifier of a file of which not all pieces were seen
        for record in self._records(data, what):
            flags, identifier = record[25], record[33 : 33 + record[32]]
            if flags & _FLAG_ASSOCIATED or identifier in (b"\0", b"\1"):
                continue
            if extents and identifier != begun:
                break
            extents += (self._extent(record),)
            begun = identifier
            if flags & _FLAG_MORE:
                # A file over 4 GiB is in several pieces; one that is read has a few, and not thousands.
                if len(extents) > _MAX_CONTINUATIONS:
                    raise MediaError(self.place, f"{what}: a file in more than {_MAX_CONTINUATIONS} pieces")
                continue
            name, problem = self._name(record, identifier, what)
            if record[26] or record[27]:
                problem = "an interleaved file: not read"
            add(entries, name, Entry(bool(flags & _FLAG_DIRECTORY), extents, problem))
            extents = ()
        if extents:
            raise MediaError(self.place, f"{what}: a file without its last piece: damaged")
        return entries

    def _content(self, entry: Entry, what: str) -> bytes:
        return b"".join(self._blocks.read(offset, size, what) for offset, size in entry.extents)

    def _records(self, data: bytes, what: str) -> Iterator[bytes]:
        """The directory records; none crosses the end of a block, the rest of which is zero (ECMA-119 6.8.1.1)."""
        at = 0
        while at < len(data):
            length = data[at]
            if length == 0:
                at = (at // self._block + 1) * self._block
                continue
            record = data[at : at + length]
            if len(record) < 34 or len(record) < length or 33 + record[32] > length:
                raise MediaError(self.place, f"{what}: a record that cannot be at byte {at}: damaged")
            yield record
            at += length

    def _extent(self, record: bytes) -> tuple[int, int]:
        block, size = unpack_from("<I4xI", record, 2)
        return (block + record[1]) * self._block, size  # behind the extended attributes, if there are any

    def _name(self, record: bytes, identifier: bytes, what: str) -> tuple[str, str]:
        """The name of a record, and why it cannot be read if that is so."""
        if self._names == "joliet":
            return _strip_version(_wide_text(identifier)), ""
        if self._names == "rock ridge":
            name, problem = self._posix(record, what)
            if name:
                return name, problem
        else:
            problem = ""
        # Lower case as Linux shows them (map=normal): what made the image had no upper-case names to begin with.
        return _strip_version(_text(identifier)).rstrip(".").lower(), problem

    def _posix(self, record: bytes, what: str) -> tuple[str, str]:
        name = b""
        more = True
        problem = ""
        for kind, entry in self._susp(_system_use(record)[self._skip :], what):
            if kind == b"NM" and len(entry) >= 5 and more:
                if not entry[4] & (_NM_CURRENT | _NM_PARENT):
                    name += entry[5:]
                if len(name) > _MAX_NAME:
                    raise MediaError(self.place, f"{what}: a name of more than {_MAX_NAME} bytes: damaged")
                more = bool(entry[4] & _NM_CONTINUE)
            elif kind == b"PX" and len(entry) >= 8:
                (mode,) = unpack_from("<I", entry, 4)
                if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
                    problem = "not a regular file" if not stat.S_ISLNK(mode) else "a symbolic link: not followed"
            elif kind == b"CL":
                problem = "a relocated directory: not read"
            elif kind == b"ZF":
                problem = "compressed by zisofs: not read"
        return name.decode("utf-8", "replace"), problem

    def _susp(self, area: bytes, what: str) -> Iterator[tuple[bytes, bytes]]:
        """The system use entries of a record, those in continuation areas included (SUSP 4 and 5.1)."""
        for _ in range(_MAX_CONTINUATIONS):
            onward = None
            at = 0
            while at + 4 <= len(area):
                kind, length = area[at : at + 2], area[at + 2]
                entry = area[at : at + length]
                if length < 4 or len(entry) < length or kind == b"ST":
                    break
                if kind == b"CE" and length >= 28:
                    onward = unpack_from("<I4xI4xI", entry, 4)
                else:
                    yield kind, entry
                at += length
            if onward is None:
                return
            block, offset, size = onward
            if offset + size > _SECTOR:
                raise MediaError(self.place, f"{what}: a continuation area of {offset} + {size} bytes: damaged")
            self._charge_directory(size, what)
            area = self._blocks.read(block * self._block + offset, size, what)
        raise MediaError(self.place, f"{what}: more than {_MAX_CONTINUATIONS} continuation areas: damaged")


def _root(descriptor: bytes, block: int) -> Entry:
    (start, size) = unpack_from("<I4xI", descriptor, 156 + 2)
    return Entry(True, (((start + descriptor[157]) * block, size),))


def _system_use(record: bytes) -> bytes:
    # A name of even length is followed by a byte of padding.
    return record[33 + record[32] + (record[32] + 1) % 2 :]


def _strip_version(name: str) -> str:
    stem, semicolon, version = name.rpartition(";")
    return stem if semicolon and (not version or version.isdigit()) else name


def _text(raw: bytes) -> str:
    return raw.decode("ascii", "replace").rstrip(" \0")


def _wide_text(raw: bytes) -> str:
    # With the byte order mark it is the one UTF-16 decoder that is built in, and no module is imported for it.
    return (b"\xfe\xff" + raw).decode("utf-16", "replace").rstrip(" \0")
