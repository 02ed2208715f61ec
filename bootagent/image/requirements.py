# SPDX-License-Identifier: Apache-2.0
"""What an image must have before the agent is put into it; looked at before anything is changed."""

from __future__ import annotations

import re
import subprocess

from bootagent.errors import ImageError
from bootagent.image.rivals import OTHERS, daemons
from bootagent.options import FILE, read_options

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from bootagent.image.tree import Tree

PYTHON = "/usr/bin/python3"
OLDEST = (3, 9)
LIBRARIES = ("/usr/lib", "/usr/lib64")
ASK = "import sys; print(*sys.version_info[:2])"
_VERSION = re.compile(r"python(\d+)\.(\d+)$")
_MAX_LINKS = 10  # python3 is python3.11, or goes through /etc/alternatives


def require(tree: Tree, places: Iterable[str]) -> None:
    """``ImageError`` where the agent could not be put in, at ``places``, or could not do its work at next boot."""
    for place in places:
        if not tree.is_writable(place):
            raise ImageError(tree.path, f"{place} cannot be written: a read-only tree?")
    _require_python(tree)
    _require_daemon(tree)


def _require_python(tree: Tree) -> None:
    if not tree.root.exists(PYTHON):
        raise ImageError(tree.path, f"no {PYTHON}: the image needs Python 3.9 or newer")
    version = _ask(tree) or _read(tree)
    if version is None:
        raise ImageError(tree.path, f"{PYTHON} does not run here, and nothing in the tree tells its version")
    if version < OLDEST:
        raise ImageError(tree.path, f"{PYTHON} is Python {version[0]}.{version[1]}: the image needs 3.9 or newer")


def _ask(tree: Tree) -> tuple[int, int] | None:
    """The version that the image's Python says it has, where it runs on this machine."""
    command = ["chroot", tree.path, PYTHON, "-I", "-S", "-c", ASK]
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=True)
        major, minor = map(int, done.stdout.split())
    except (OSError, ValueError, subprocess.SubprocessError):
        return None
    return major, minor


def _read(tree: Tree) -> tuple[int, int] | None:
    """The version in the name that the link leads to, or the newest standard library where it leads elsewhere."""
    root = tree.root
    path = PYTHON
    for _ in range(_MAX_LINKS):
        target = root.link(path)
        if target is None:
            break
        path = target if target.startswith("/") else f"{path.rpartition('/')[0]}/{target}"
    if not root.exists(path):
        raise ImageError(tree.path, f"{PYTHON} leads to {path}, which is not there")
    names = [path] if _VERSION.search(path) else [name for place in LIBRARIES for name in root.names(place)]
    found = [match for match in map(_VERSION.search, names) if match]
    return max(((int(match[1]), int(match[2])) for match in found), default=None)


def _require_daemon(tree: Tree) -> None:
    found = daemons(tree)
    if found.keys() <= set(OTHERS):
        raise ImageError(tree.path, "no network daemon that bootagent writes for is installed and enabled")
    if len(found) == 1:
        return
    options, problems = read_options(tree.root, "", {})
    if options.backend is None:
        named = ", ".join(f"{name} ({fact})" for name, fact in found.items())
        doubts = "".join(f"; {problem}" for problem in problems)
        raise ImageError(
            tree.path,
            f"{len(found)} network daemons start at next boot: {named}: disable all but one,"
            f" or name the one that configures the NICs in {FILE}, as backend: {next(iter(found))}{doubts}",
        )
