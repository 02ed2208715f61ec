# SPDX-License-Identifier: Apache-2.0
"""What bootagent remembers: the manifest of its files (for ever) and the status (of this boot).

``/var/lib/bootagent/manifest.json``, mode 0600::

    {"version": 1, "instance": "…", "source": "configdrive",
     "files": {"/etc/…": {"area": "network", "block": false, "blake2b": ["…"]}}}

It is on the disk before the files that it lists, with the hash of the content that each file has and of the content
that it is to get: whichever a power cut leaves behind is recognised as ours.  A file with another hash was edited by a
person.
"""

from __future__ import annotations

try:
    from _blake2 import blake2b  # what hashlib gives, without hashlib's start of OpenSSL
except ImportError:
    from hashlib import blake2b

from bootagent.jsontext import format_json, parse_json_text
from bootagent.model.instance import Problem
from bootagent.model.plan import File
from bootagent.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from bootagent.root import Root

    Identity = tuple[str | None, str | None]  # instance id and source

MANIFEST = "/var/lib/bootagent/manifest.json"
STATUS = "/run/bootagent/status.json"
LAST_STATUS = "/var/lib/bootagent/status.json"  # what a boot that is like the one before shows
UNCHANGED = (
    "/run/bootagent/unchanged"  # nothing is left to do: made by unchanged.sh in place of a status, or by early.py
)
AWAITED = "/run/bootagent/awaited"  # a service is to be asked once there is a network: bootagent-online.service
USER_DATA = "/run/bootagent/user-data"  # some waits for its unit: JSON, see handover.py
USER_DATA_RUN = "/var/lib/bootagent/user-data"  # holds a file for each instance whose user data was run
SEED = "/run/bootagent/random-seed"  # waits for its unit to be credited
TO_VERIFY = "/run/bootagent/to-verify"  # bootagent-verify.service is to look, once all else of the boot is done
REVERTS = "revert\n"  # what that file says where the option is on
VERIFIED = "/run/bootagent/verify.json"  # and what it found
TO_REVERT = "/run/bootagent/to-revert"  # nobody is reached: bootagent-revert.service is to try a lesser network
WALKED = "/run/bootagent/reverted"  # what it tried on this boot, a line each
VERSION = 1


class Entry(Record):
    """One file of ours: the planner that wanted it, and the hashes of every content that we may have left in it."""

    area: str
    block: bool
    hashes: tuple[str, ...]


class Manifest(Record):
    """What earlier runs left on this machine, and what is there of it."""

    instance: str | None = None  # None: a fallback, or never run
    source: str | None = None  # None: never run; "fallback": no source spoke yet
    files: Mapping[str, Entry] = {}
    found: Mapping[str, str] = {}  # hash of what each file holds now; a file that is gone is not in it
    is_kept: bool = False  # it could not be read: it may be sound, so it is not written either

    def is_edited(self, path: str) -> bool:
        """Whether a person changed this file of ours since we wrote it."""
        return path in self.found and not self.files[path].block and self.found[path] not in self.files[path].hashes

    def has(self, file: File) -> bool:
        """Whether this file of ours holds what it is to hold, as where it was written and the manifest was not."""
        return self.found.get(file.path) == _digest(file.content.encode("utf-8", "surrogateescape"))


def read_manifest(root: Root) -> tuple[Manifest, tuple[Problem, ...]]:
    """The manifest; an empty one, and a problem, where it is damaged: then nothing is pruned."""
    try:
        content = root.read(MANIFEST)
    except OSError as error:
        return Manifest(is_kept=True), (Problem("warning", MANIFEST, f"not read: {error.strerror}"),)
    if content is None:
        return Manifest(), ()
    try:
        data = parse_json_text(content.decode())
        files = {
            path: Entry(str(entry["area"]), bool(entry["block"]), tuple(map(str, entry["blake2b"])))
            for path, entry in data["files"].items()
        }
        return Manifest(data["instance"], data["source"], files, _found(root, files)), ()
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return Manifest(), (Problem("warning", MANIFEST, "damaged: what earlier boots wrote is not known"),)


def _found(root: Root, paths: Iterable[str]) -> dict[str, str]:
    found = {}
    for path in paths:
        target = root.link(path)
        try:
            content = root.read(path) if target is None else target.encode("utf-8", "surrogateescape")
        except OSError:
            content = b""
        if content is not None:
            found[path] = _digest(content)
    return found


def _digest(content: bytes) -> str:
    return blake2b(content, digest_size=20).hexdigest()


def find_replaced(root: Root, old: Manifest, files: Iterable[File]) -> Manifest:
    """``old`` and the hashes of what ``files`` are to take the place of, that was not ours yet."""
    new = [file.path for file in files if not file.block and file.path not in old.files]
    return old._replace(found={**old.found, **_found(root, new)})


def next_manifest(old: Manifest, files: Iterable[File], gone: Iterable[str], identity: Identity) -> File:
    """The manifest after a run that wants ``files`` and has removed ``gone``.

    It goes to the disk before the files do, without ``gone``; entries that no run removed yet stay.
    """
    entries = {path: entry for path, entry in old.files.items() if path not in gone}
    for file in files:
        entries[file.path] = Entry(file.area, file.block, _hashes(old, file))
    data = {
        "version": VERSION,
        "instance": identity[0],
        "source": identity[1],
        "files": {
            path: {"area": entry.area, "block": entry.block, "blake2b": list(entry.hashes)}
            for path, entry in sorted(entries.items())
        },
    }
    return File(MANIFEST, format_json(data) + "\n", 0o600)


def user_data_run(instance: str) -> str:
    """The file that is there when the user data of the instance was run, or was about to be."""
    return f"{USER_DATA_RUN}/{_digest(instance.encode())}"


def _hashes(old: Manifest, file: File) -> tuple[str, ...]:
    now = _digest(file.content.encode("utf-8", "surrogateescape"))
    found = old.found.get(file.path)
    # What a file of somebody else holds that ours is to replace counts as ours: the power may fail before it does.
    known = old.files[file.path].hashes if file.path in old.files else (found,)
    if found == now and now in known:
        return tuple(digest for digest in known if digest)
    return (now, found) if found is not None and found in known and found != now else (now,)
