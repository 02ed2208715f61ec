# SPDX-License-Identifier: Apache-2.0
"""``uninstall`` takes the agent out again: what ``install`` listed, what the agent remembers, what ``seal`` added.

``/usr/lib/bootagent/installed`` has one path a line; a directory that ``install`` made ends in a slash.
"""

from __future__ import annotations

import sys

from bootagent.errors import CommitError
from bootagent.image.firstboot import DROP_IN
from bootagent.image.presets import GUARD
from bootagent.image.tree import Tree
from bootagent.options import FILE
from bootagent.state import read_manifest

LIBRARY = "/usr/lib/bootagent"
LIST = f"{LIBRARY}/installed"
STATE = ("/var/lib/bootagent", "/run/bootagent")


def uninstall(path: str) -> int:
    """Remove the agent from the tree; its options and what it configured stay, and are named."""
    tree = Tree(path)
    listed = read_list(tree)
    configured = sorted(read_manifest(tree.root)[0].found)
    try:
        removed = take_back(tree, listed)
        removed += [place for place in STATE if tree.remove(place)]
        for place in (GUARD, DROP_IN):
            if tree.remove(place):
                removed.append(place)
                tree.remove_empty(place.rpartition("/")[0])
    except OSError as error:
        raise CommitError(error.filename or path, error.strerror or str(error)) from error
    sys.stdout.write(f"bootagent: removed {len(removed)} files\n" if removed else "bootagent: nothing to remove\n")
    for left in (FILE, LIBRARY, *configured):
        if tree.root.exists(left):
            sys.stdout.write(f"bootagent: left {left}\n")
    return 0


def read_list(tree: Tree) -> list[str]:
    """What an earlier ``install`` put into the tree; a line that is no such path is not ours to remove."""
    lines = tree.text(LIST).split("\n")
    return [line for line in lines if line.startswith("/") and ".." not in line.split("/")]


def take_back(tree: Tree, listed: list[str]) -> list[str]:
    """Remove the files, and then the directories that are empty; the files that were there."""
    files = [path for path in listed if tree.is_file(path) or tree.root.link(path) is not None]
    removed = [path for path in files if tree.remove(path)]
    for path in sorted((path for path in listed if path.endswith("/")), key=len, reverse=True):
        tree.remove_empty(path.rstrip("/"))
    return removed
