# SPDX-License-Identifier: Apache-2.0
"""Which devices of our interfaces(5) are to be taken down and brought up where the file changed, or a device is new."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping


def devices_of(text: str) -> dict[str, str]:
    """Each device that ifup brings up by itself, with its stanzas, in the order of the file.

    A member of a bond is none: its bond's stanza has it.
    """
    started: dict[str, None] = {}
    lines: dict[str, list[str]] = {}
    name = ""
    for line in text.split("\n"):
        words = line.split()
        if not words or words[0].startswith("#"):  # where it is from makes no difference
            continue
        if not line[0].isspace():
            name = words[1] if len(words) > 1 else ""
            if words[0] == "auto" or words[0].startswith("allow-"):
                started[name] = None
        lines.setdefault(name, []).append(line)
    return {name: "\n".join(lines[name]) for name in started}


def find_changed(old: Mapping[str, str], new: Mapping[str, str], fresh: frozenset[str]) -> set[str]:
    """The devices that are other than before, those that came, and whatever stands on any of these."""
    changed = {name for name in {**old, **new} if old.get(name) != new.get(name)} | fresh
    more = changed
    while more:
        texts = {**old, **new}.items()
        more = {name for name, text in texts if name not in changed and changed.intersection(text.split())}
        changed |= more
    return changed
