# SPDX-License-Identifier: Apache-2.0
"""``render-to: run``: the same files where their readers look in /run, for an /etc that is read-only or verified."""

from __future__ import annotations

from bootagent.model.instance import Problem

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from bootagent.model.plan import Plan


def move_to_run(plan: Plan, directories: Mapping[str, str]) -> Plan:
    """``plan`` with each file in the /run counterpart of its directory; one that has none stays and is reported."""
    files, problems = [], []
    for file in plan.files:
        counterpart = next((item for item in directories.items() if file.path.startswith(item[0])), None)
        if counterpart:
            files.append(file._replace(path=counterpart[1] + file.path[len(counterpart[0]) :]))
        else:
            files.append(file)
            problems.append(Problem("warning", file.path, "render-to: run: its reader has no directory in /run"))
    return plan._replace(files=tuple(files), problems=(*plan.problems, *problems))
