# SPDX-License-Identifier: Apache-2.0
"""The disk of a machine that is off: what is on it, and what of that is neither the image's nor complete.

Nothing is mounted: debugfs(8) reads a copy, in which e2fsck(8) has replayed the journal as the next boot's kernel does.
"""

from __future__ import annotations

import fnmatch
import json
import shutil
import subprocess
from typing import TYPE_CHECKING

from tests.reliability.outcome import INPUTS, differing, judge_books
from tests.reliability.scenes import MANIFEST, STATUS, read_tree

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.reliability.scenes import Entry, Tree

READ = ("etc", "home", "root", "var/lib/bootagent")
HOST_KEYS = "etc/ssh/ssh_host_*_key"
# What two first boots that nothing disturbs do not have in common, and why.
OF_ONE_BOOT = {
    "etc/machine-id": "random; a boot that was cut before systemd had it on the disk is followed by another first one",
    "etc/.updated": "the time at which systemd last saw /usr",
    HOST_KEYS: "random; what they are to be like is judged apart",
    f"{HOST_KEYS}.pub": "the same",
}


def copy_disk(image: Path, copy: Path) -> Path:
    """The image under another name."""
    subprocess.run(["cp", "--sparse=always", "--reflink=auto", str(image), str(copy)], check=True)
    return copy


def read_disk(image: Path, directory: Path) -> tuple[Tree, list[str]]:
    """The files below ``READ``, and which of our books and of the host keys are half."""
    copy = copy_disk(image, directory / "looked-at.img")
    files = directory / "files"
    shutil.rmtree(files, ignore_errors=True)
    try:
        checked = subprocess.run(["e2fsck", "-f", "-p", str(copy)], capture_output=True, text=True, check=False)
        wrong = [] if checked.returncode in (0, 1) else [f"the file system: {checked.stdout.strip()}"]
        for place in READ:
            target = (files / place).parent
            target.mkdir(parents=True, exist_ok=True)
            dump = ["debugfs", "-R", f"rdump /{place} {target}", str(copy)]
            subprocess.run(dump, check=True, capture_output=True)
        assert (files / "etc/passwd").exists()
        return read_tree(files), [*wrong, *judge_books(files), *judge_host_keys(files)]
    finally:
        copy.unlink()


def judge_host_keys(files: Path) -> list[str]:
    """Each that is there is a whole key, with the public half of its own beside it."""
    wrong = []
    for key in sorted(files.glob(HOST_KEYS)):
        command = ["ssh-keygen", "-y", "-P", "", "-f", str(key)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
        public = key.with_name(f"{key.name}.pub")
        beside = public.read_text(encoding="utf-8", errors="replace") if public.exists() else "not there"
        if done.returncode or done.stdout.split()[:2] != beside.split()[:2]:
            size = key.stat().st_size
            wrong.append(f"{key.relative_to(files)} is no key: {size} bytes, public: {beside[:40]!r}, {done.stderr!r}")
    return wrong


def judge_cut(image: Tree, undisturbed: Tree, now: Tree) -> list[str]:
    """What is neither as in the image nor as an undisturbed boot leaves it."""
    wrong = []
    before = lasting(image)
    for place, entry, other in _pairs(now, undisturbed):
        # What is not flushed is looked at by nobody after a power cut, or is as it should be.
        blank = entry is not None and place in (INPUTS, STATUS) and not entry.content.strip(b"\0")
        temporary = any(name.startswith(".") and name.endswith(".bootagent") for name in place.split("/"))
        if entry != before.get(place) and not blank and not temporary:
            wrong.append(f"{place} is half: {differing(entry, other)}")
    return wrong


def judge_end(undisturbed: Tree, now: Tree) -> list[str]:
    """What is not as an undisturbed first boot leaves it, the random ones' modes and owners included."""
    wrong = [f"{place} is {differing(entry, other)}" for place, entry, other in _pairs(now, undisturbed)]
    for place in sorted({*now, *undisturbed}):
        if _is_of_one_boot(place):
            entry, other = (tree.get(place) and tree[place]._replace(content=b"") for tree in (now, undisturbed))
            wrong += [f"{place} is {differing(entry, other)}"] if entry != other else []
    return wrong


def lasting(tree: Tree) -> Tree:
    """``tree`` without what is of one boot: of our record of inputs, that is the digest with the machine's id in it."""
    found = {place: entry for place, entry in tree.items() if not _is_of_one_boot(place)}
    if INPUTS in found:
        lines = [line for line in found[INPUTS].content.splitlines() if not line.startswith(b"digest ")]
        found[INPUTS] = found[INPUTS]._replace(content=b"\n".join(lines))
    return found


def count_written(undisturbed: Tree, now: Tree) -> tuple[int, int]:
    """How many of the agent's files are as they are to be, and how many it has."""
    ours = {MANIFEST, *(path[1:] for path in json.loads(undisturbed[MANIFEST].content)["files"])}
    return sum(now.get(place) == undisturbed.get(place) for place in ours), len(ours)


def _pairs(now: Tree, undisturbed: Tree) -> Iterator[tuple[str, Entry | None, Entry | None]]:
    """Each place that has not what it is to have, with what it has and what it is to have."""
    one, other = lasting(now), lasting(undisturbed)
    for place in sorted({*one, *other}):
        if one.get(place) != other.get(place):
            yield place, one.get(place), other.get(place)


def _is_of_one_boot(place: str) -> bool:
    return any(fnmatch.fnmatch(place, pattern) for pattern in OF_ONE_BOOT)
