# SPDX-License-Identifier: Apache-2.0
"""The second half of a boot whose source is a service: it is asked as soon as the network that it needs is there.

The same pipeline as the first half.  What changes of a network that is up already, its daemon is told by
``bootagent-reload.service``, which runs the script that is written here: this unit has no power over devices.
"""

from __future__ import annotations

import time

from bootagent import renderers
from bootagent.boot import carry_out, prepare
from bootagent.commit import Lock, Writer
from bootagent.host import read_cmdline
from bootagent.model.instance import Problem
from bootagent.model.plan import File
from bootagent.options import is_off
from bootagent.planners.network import AREA, FALLBACK

TYPE_CHECKING = False
if TYPE_CHECKING:
    from bootagent.boot import Prepared, Result
    from bootagent.root import Root

STAGE = "online"
DEADLINE = 120.0  # seconds: a DHCP server behind spanning tree has needed 60
RELOAD = "/run/bootagent/reload"
BEFORE = "/run/bootagent/network-before"  # our part of what the daemon was started with, for those that need it


def apply_online(root: Root) -> Result | str:
    """The boot with a network, or why there is nothing to do."""
    if is_off(read_cmdline(root)):
        return "off, by the kernel command line"
    with Lock(root):
        prepared = prepare(root, {}, online=time.monotonic() + DEADLINE)._replace(stage=STAGE)
        result = carry_out(root, prepared, None)
        if not _has_new_network(prepared, result):
            return result
        return result._replace(problems=(*result.problems, *_plan_reload(root, prepared)))


def _has_new_network(prepared: Prepared, result: Result) -> bool:
    """Whether files that a network daemon reads are other than those that it was started with."""
    now = {file.path for file in prepared.decision.plan.files if file.area in (AREA, FALLBACK)}
    ours = now.union(path for path, entry in prepared.manifest.files.items() if entry.area in (AREA, FALLBACK))
    return any(change.path in ours and change.result in ("written", "removed") for change in result.changes)


def _plan_reload(root: Root, prepared: Prepared) -> tuple[Problem, ...]:
    """Write the script; a problem where the backend has no way but a boot."""
    lines = renderers.load(prepared.backend).RELOAD
    if not lines:
        return (Problem("warning", "network", f"{prepared.backend} takes what is new at the next boot"),)
    old = prepared.manifest.files
    ours = [path for path, entry in old.items() if entry.area in (AREA, FALLBACK) and not entry.block]
    before = "".join(text for path, text in prepared.host.texts.items() if path in ours)
    writer = Writer(root)
    changes = [writer.write(File(BEFORE, before, 0o600), durable=False)]
    changes.append(writer.write(File(RELOAD, "".join(f"{line}\n" for line in lines), 0o700), durable=False))
    changes += writer.close()
    return tuple(Problem("error", change.path, change.error) for change in changes if change.error)
