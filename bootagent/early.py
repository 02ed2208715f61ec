# SPDX-License-Identifier: Apache-2.0
"""The boot in the initramfs, on the real root before it is switched to: all of it, or nothing.

What is not plain there is left to the real root's own unit, which can wait, and reports: no drive yet, a NIC that is
not there yet, a backend that needs names, which are the real root's udev's to give, a path that another file system is
to cover.  Where it was all done, that unit finds the file that says so and is not started.
"""

from __future__ import annotations

import os

from bootagent import renderers
from bootagent.boot import carry_out, prepare
from bootagent.commit import Lock, Writer
from bootagent.host import read_cmdline
from bootagent.inputs import INPUTS, read_inputs, without_fresh_id
from bootagent.model.plan import File
from bootagent.options import is_off
from bootagent.report import state_of
from bootagent.services import UNIT_DIRS
from bootagent.state import LAST_STATUS, MANIFEST, UNCHANGED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from bootagent.boot import Prepared, Result
    from bootagent.root import Root

STAGE = "initramfs"
# The kernel has no policy yet, so new files get no label.  systemd gives those that are listed here theirs when it has
# loaded the policy and before it starts anything: relabel_extra() of its mount-setup.c.
# https://github.com/systemd/systemd/commit/65e183d7899eb3725d3009196ac4decf1090b580
RELABEL = "/run/systemd/relabel-extra.d/bootagent.relabel"
SELINUX = "/etc/selinux/config"


def apply_early(root: Root) -> Result | str:
    """The boot, or why it is left to the real root."""
    if is_off(read_cmdline(root)):
        return "off, by the kernel command line"
    with Lock(root):
        inputs = without_fresh_id(read_inputs(root))
        prepared = prepare(root, {}, waits=False)
        paths = _durable(prepared)
        reason = _find_reason(root, prepared, paths)
        if reason:
            return reason
        writer = Writer(root)
        if root.exists(SELINUX):
            writer.write(File(RELABEL, _relabelled(root, paths)), durable=False)
        result = carry_out(root, without_generators(prepared)._replace(stage=STAGE), inputs)
        if state_of(result.problems) == "ok":
            writer.write(File(UNCHANGED, ""), durable=False)
        writer.close()
        return result


def _durable(prepared: Prepared) -> tuple[str, ...]:
    """What is written to the real root's file systems."""
    planned = (file.path for file in prepared.decision.plan.files if not file.path.startswith("/run/"))
    return (*planned, MANIFEST, INPUTS, LAST_STATUS)


def _find_reason(root: Root, prepared: Prepared, paths: Iterable[str]) -> str:
    """Why this is not the place to do it; empty where it is."""
    if prepared.found is None:
        return "no source"
    if renderers.load(prepared.backend).NEEDS_NAMES:
        return f"{prepared.backend} needs the devices' names"
    doubts = [str(problem) for problem in prepared.problems if problem.severity != "info"]
    if doubts:
        return doubts[0]
    network = prepared.instance.network if prepared.instance else None
    if network and any(link.pattern and link.pattern.name for link in network.links):
        return "NICs are meant by a pattern of their names"
    covered = [point for point in _unmounted(root) if any(path.startswith(f"{point}/") for path in paths)]
    return f"{covered[0]} is not mounted yet" if covered else ""


def _unmounted(root: Root) -> list[str]:
    """Where the real root is to mount file systems that the initramfs did not: fstab(5) and systemd.mount(5)."""
    lines = (root.read("/etc/fstab") or b"").decode("utf-8", "replace").split("\n")
    points = [words[1] for words in map(str.split, lines) if len(words) > 1 and words[0][0] != "#"]
    for directory in UNIT_DIRS:
        units = (name for name in root.names(directory) if name.endswith(".mount"))
        points += [f"/{name[:-6].replace('-', '/')}" for name in units]
    points = [point.rstrip("/") for point in points]
    return [point for point in points if point and not os.path.ismount(root.host_path(point))]


def _relabelled(root: Root, paths: Iterable[str]) -> str:
    """A line for each file, or for the first of its directories that is not there yet: all below that is ours."""
    lines = []
    for path in paths:
        parts = path.split("/")
        above = ("/".join(parts[:count]) for count in range(2, len(parts)))
        lines.append(next((directory for directory in above if not root.exists(directory)), path))
    return "".join(f"{line}\n" for line in dict.fromkeys(lines))


def without_generators(prepared: Prepared) -> Prepared:
    """systemd runs its generators, netplan's among them, after the switch: our files are there by then."""
    plan = prepared.decision.plan
    actions = tuple(action for action in plan.actions if action.name != "netplan-generate")
    return prepared._replace(decision=prepared.decision._replace(plan=plan._replace(actions=actions)))
