# SPDX-License-Identifier: Apache-2.0
"""What should be true on this machine, as data: a dry run prints exactly what a real run does."""

from __future__ import annotations

from bootagent.errors import PlanConflict
from bootagent.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from bootagent.model.instance import Problem


class File(Record):
    """A file to be there with this content.

    ``block`` marks a file of which only a marked part is ours: it is never removed as a whole, and what a person
    changed outside that part is kept, because the content was made from what the file held.
    A mode of ``S_IFLNK | 0o777`` (0o120777) makes it a symlink, and the content its target.
    """

    path: str  # absolute, inside the root
    content: str
    mode: int = 0o644
    owner: str = "root:root"  # "user:group", by name
    block: bool = False
    area: str = ""  # the planner that wants it: "network", "hostname", "ssh_keys"


class Action(Record):
    """A change that is not a file: ``set-hostname web1``, ``remove /etc/…``, ``netplan-generate /etc/netplan``."""

    name: str
    argument: str


class Plan(Record):
    """Files, actions and problems.

    ``areas`` names the planners that came to a decision: what an earlier run wrote for such an area and this plan does
    not hold is stale.  An area that is not named (its document was broken, say) keeps what it has.
    """

    files: tuple[File, ...] = ()
    actions: tuple[Action, ...] = ()
    problems: tuple[Problem, ...] = ()
    areas: frozenset[str] = frozenset()


def merge_plans(plans: Iterable[Plan]) -> Plan:
    """One plan of many; ``PlanConflict`` where two hold one path with different content."""
    files: dict[str, File] = {}
    actions: tuple[Action, ...] = ()
    problems: tuple[Problem, ...] = ()
    areas: frozenset[str] = frozenset()
    for plan in plans:
        for file in plan.files:
            if files.setdefault(file.path, file) != file:
                raise PlanConflict(file.path)
        actions += plan.actions
        problems += plan.problems
        areas |= plan.areas
    return Plan(tuple(files.values()), actions, problems, areas)
