# SPDX-License-Identifier: Apache-2.0
"""What is new about a network that is up: its daemon is told, by a script that a unit runs after the agent.

The agent has no power over devices, and the daemons' own programs have: see ``render_reload`` in ``renderers/``.
"""

from __future__ import annotations

from bootagent import renderers
from bootagent.commit import Writer
from bootagent.model.instance import Problem
from bootagent.model.plan import File
from bootagent.planners.network import AREA, FALLBACK
from bootagent.renderers._update import BEFORE, Update

TYPE_CHECKING = False
if TYPE_CHECKING:
    from bootagent.boot import Prepared, Result
    from bootagent.root import Root

AREAS = (AREA, FALLBACK)
UMASK = "umask 022"  # with that of the agent's own units, the daemons could not read what their programs write


def plan_reload(result: Result, fresh: frozenset[str] = frozenset()) -> tuple[tuple[str, ...], tuple[Problem, ...]]:
    """The lines of the script, none where nothing is new; a problem where the backend has no way but a boot.

    ``fresh`` are the names of devices that came.
    """
    prepared = result.prepared
    files = {file.path: file.content for file in prepared.decision.plan.files if file.area in AREAS}
    ours = files.keys() | _before(prepared).keys()
    changed = [change.path for change in result.changes if change.result in ("written", "removed")]
    changed = [path for path in changed if path in ours]
    if not changed and not fresh:
        return (), ()
    update = Update(tuple(changed), _before(prepared), files, fresh)
    lines = renderers.load(prepared.backend).render_reload(update)
    if lines is None:
        return (), (Problem("warning", "network", f"{prepared.backend} takes what is new at the next boot"),)
    return lines, ()


def takes_updates(backend: str) -> bool:
    """Whether the backend takes new files while it is at work."""
    return renderers.load(backend).render_reload(Update()) is not None


def write_script(root: Root, prepared: Prepared, path: str, lines: tuple[str, ...]) -> tuple[Problem, ...]:
    """The script, and beside it what the daemon was started with."""
    writer = Writer(root)
    before = "".join(_before(prepared).values())
    changes = [writer.write(File(BEFORE, before, 0o600), durable=False)]
    changes.append(writer.write(File(path, "".join(f"{line}\n" for line in lines), 0o700), durable=False))
    changes += writer.close()
    return tuple(Problem("error", change.path, change.error) for change in changes if change.error)


def _before(prepared: Prepared) -> dict[str, str]:
    """The texts of our files as they were; of one that is not read, none."""
    entries = prepared.manifest.files.items()
    return {p: prepared.host.texts.get(p, "") for p, entry in entries if entry.area in AREAS and not entry.block}
