# SPDX-License-Identifier: Apache-2.0
"""From a path to bytes: the part of a file system that ISO 9660 and FAT have in common.

A file system says where its root is, lists a directory and reads a file's bytes; names, case, limits and what counts
as absent are decided here once, so that they are the same on every drive.
"""

from __future__ import annotations

from bootagent.errors import MediaError
from bootagent.media import MAX_DIRECTORY, MAX_FILE, split_path
from bootagent.media.blocks import DIRECTORY_COST, Blocks


class Entry:
    """A file or directory: where its bytes are, and ``problem`` if they are of a kind that is not read."""

    __slots__ = ("extents", "is_directory", "problem", "size")

    def __init__(self, is_directory: bool, extents: tuple[tuple[int, int], ...], problem: str = "") -> None:
        self.is_directory = is_directory
        self.extents = extents  # (where, length); "where" is a byte for ISO 9660 and the first cluster for FAT
        self.size = sum(length for _, length in extents)
        self.problem = problem


class FileSystem:
    """``Volume`` over ``_list`` and ``_content``, which each file system defines."""

    kind = ""

    def __init__(self, blocks: Blocks) -> None:
        self.place = blocks.place
        self.labels: tuple[str, ...] = ()
        self.serial = ""
        self._blocks = blocks
        self._root = Entry(True, ())
        # Bounded by what Blocks.charge lets a drive ask for.
        self._listed: dict[tuple[tuple[int, int], ...], dict[str, Entry]] = {}

    def read(self, path: str) -> bytes | None:
        """The file's bytes, or None where there is no such file."""
        entry = self._find(path)
        if entry is None:
            return None
        if entry.is_directory:
            raise MediaError(self.place, f"{path}: a directory, not a file")
        if entry.problem:
            raise MediaError(self.place, f"{path}: {entry.problem}")
        if entry.size > MAX_FILE:
            raise MediaError(self.place, f"{path}: {entry.size} bytes, more than {MAX_FILE}")
        return self._content(entry, path)

    def names(self, path: str) -> tuple[str, ...] | None:
        """The names in a directory in the drive's order, or None where there is no such directory."""
        entry = self._find(path)
        if entry is None or not entry.is_directory:
            return None
        return tuple(self._entries(entry, path))

    def _find(self, path: str) -> Entry | None:
        parts = split_path(path)
        if parts is None:
            return None
        entry = self._root
        for depth, part in enumerate(parts):
            if not entry.is_directory:
                return None
            found = _pick(self._entries(entry, "/".join(parts[:depth])), part)
            if found is None:
                return None
            entry = found
        return entry

    def _entries(self, directory: Entry, path: str) -> dict[str, Entry]:
        listed = self._listed.get(directory.extents)
        if listed is None:
            what = f"directory /{path}"
            if directory.size > MAX_DIRECTORY:
                raise MediaError(self.place, f"{what}: {directory.size} bytes, more than {MAX_DIRECTORY}")
            listed = self._listed[directory.extents] = self._list(directory, what)
        return listed

    def _charge_directory(self, size: int, what: str) -> None:
        self._blocks.charge(size * DIRECTORY_COST, what)

    def _list(self, directory: Entry, what: str) -> dict[str, Entry]:
        raise NotImplementedError

    def _content(self, entry: Entry, what: str) -> bytes:
        raise NotImplementedError


def add(entries: dict[str, Entry], name: str, entry: Entry) -> None:
    """Keep an entry whose name can be asked for; of two with one name the first, as in every kernel."""
    # A name with a control character is in no cloud's drive, and must not get into a log line.
    if name not in ("", ".", "..") and "/" not in name and name.isprintable():
        entries.setdefault(name, entry)


def _pick(entries: dict[str, Entry], name: str) -> Entry | None:
    """The entry of that name; in another case only where the exact name is not there (Rock Ridge can have both)."""
    if name in entries:
        return entries[name]
    folded = name.lower()
    for other, entry in entries.items():
        if other.lower() == folded:
            return entry
    return None
