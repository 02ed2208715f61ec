# SPDX-License-Identifier: Apache-2.0
"""What is promised of a disturbed boot, and what is not as promised.

Every path has what it had before or what an undisturbed boot gives it, mode and owner included; the next boot that
nothing disturbs comes to exactly what it comes to without the disturbance; what the agent says is one line a problem.
"""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, NamedTuple

from bootagent.errors import (
    BootagentError,
    BusyError,
    CommitError,
    DocumentError,
    MediaError,
    SourceError,
)
from tests.reliability.agent import CHECKOUT, run_agent
from tests.reliability.scenes import MANIFEST, STATUS, end_boot, read_tree

if TYPE_CHECKING:
    from pathlib import Path

    from tests.reliability.scenes import Entry, Scene, Tree

INPUTS = "var/lib/bootagent/inputs"
CODES = {0, *(kind.exit_code for kind in (BusyError, CommitError, DocumentError, MediaError, SourceError))}
assert BootagentError.exit_code not in CODES  # what nobody thought of


class Row(NamedTuple):
    """One line of the page's tables."""

    fault: str
    scene: str
    tries: int
    broken: tuple[str, ...]  # what was not as promised


def judge_words(done: subprocess.CompletedProcess[str]) -> list[str]:
    """What is wrong with the exit code and the lines of a run that ended by itself."""
    wrong = [] if done.returncode in CODES else [f"exit code {done.returncode}"]
    lines = done.stderr.splitlines()
    wrong += [f"said: {line}" for line in lines if not line.startswith(("bootagent: error: ", "bootagent: warning: "))]
    if done.returncode and not lines:
        wrong.append(f"exit code {done.returncode} and not a word")
    return wrong


def judge_files(scene: Scene, path: Path) -> list[str]:
    """What is neither old nor new."""
    return [*_third(scene, read_tree(path)), *judge_books(path)]


def _third(scene: Scene, now: Tree) -> list[str]:
    wrong = []
    for place in sorted({*now, *scene.before, *scene.after}):
        name = place.rpartition("/")[2]
        if name.startswith(".") and name.endswith(".bootagent"):
            continue
        allowed = {scene.before.get(place), scene.after.get(place)}
        entry = now.get(place)
        if place not in (MANIFEST, STATUS, INPUTS) and entry not in allowed:
            wrong.append(f"{place} is {entry and entry._replace(content=entry.content[-40:])}")
    return wrong


def judge_books(path: Path) -> list[str]:
    """Our own books: whole, or not there."""
    wrong = []
    for place in (MANIFEST, STATUS, "run/bootagent/status.json"):
        file = path / place
        # What the last boot said is not flushed; what unchanged.sh does not take for one is none.
        if file.exists() and not (place == STATUS and file.read_bytes()[:2] != b"{\n"):
            try:
                json.loads(file.read_bytes())
            except ValueError:
                wrong.append(f"{place} is half: {file.stat().st_size} bytes")
            if file.stat().st_mode & 0o777 not in (0o600, 0o644):
                wrong.append(f"{place} has the mode {file.stat().st_mode:o}")
    return wrong


def judge_next(scene: Scene, path: Path, failed: bool = False) -> list[str]:
    """What is other than without a disturbance, after the next boot; what comes before the agent is a part of it.

    Where a call ``failed`` the manifest may know less of what each file held before.
    """
    end_boot(path)
    (path / "run/bootagent").mkdir(mode=0o755)
    script = ["sh", str(CHECKOUT / "bootagent" / "unchanged.sh"), str(path)]
    subprocess.run(script, check=True, capture_output=True, stdin=subprocess.DEVNULL)
    wrong = []
    if not (path / "run/bootagent/unchanged").exists():
        done = run_agent(path)
        if (done.returncode, done.stderr) != (0, ""):
            wrong.append(f"the next boot ended with {done.returncode} and said: {done.stderr.strip()}")
    now = read_tree(path)
    then = scene.after
    if failed:
        now, then = _present_only(now), _present_only(then)
    others = [place for place in sorted({*now, *then}) if now.get(place) != then.get(place)]
    told = (f"{place} is {differing(now.get(place), then.get(place))}" for place in others)
    return [*wrong, *(f"after the next boot {what}" for what in told)]


def _present_only(tree: Tree) -> Tree:
    """``tree`` with a manifest of what each file is to hold only, and inputs that do not speak of the manifest."""
    manifest, inputs = tree.get(MANIFEST), tree.get(INPUTS)
    changed = {}
    if manifest:
        data = json.loads(manifest.content)
        files = {path: {**entry, "blake2b": entry["blake2b"][:1]} for path, entry in data["files"].items()}
        changed[MANIFEST] = manifest._replace(content=json.dumps({**data, "files": files}).encode())
    if inputs:
        lines = [line for line in inputs.content.splitlines() if not line.startswith((b"digest ", b"drive "))]
        changed[INPUTS] = inputs._replace(content=b"\n".join(lines))
    return {**tree, **changed}


def differing(entry: Entry | None, other: Entry | None) -> str:
    """Both, their contents from where they differ."""
    if entry is None or other is None:
        return "not there" if entry is None else "there, and is not to be"
    pairs = enumerate(zip(entry.content, other.content))
    start = next((place for place, (one, two) in pairs if one != two), 0)
    shown = (item._replace(content=item.content[start : start + 80]) for item in (entry, other))
    return " and not ".join(map(str, shown))
