# SPDX-License-Identifier: Apache-2.0
"""What should be true on this machine: each planner decides on one area, and all of them are pure."""

from __future__ import annotations

from bootagent.model.instance import Problem
from bootagent.model.plan import Action, File, Plan, merge_plans
from bootagent.planners.hostname import plan_hostname
from bootagent.planners.network import plan_network
from bootagent.planners.ssh_keys import plan_ssh_keys
from bootagent.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from bootagent.host import Host
    from bootagent.model.instance import Instance
    from bootagent.model.network import BoundNetwork, Network
    from bootagent.options import Options
    from bootagent.state import Manifest


class Decision(Record):
    """The plan, and the network behind it for the report."""

    plan: Plan
    network: BoundNetwork | None  # None: what is configured stays


def decide(
    instance: Instance | None, host: Host, manifest: Manifest, options: Options, backend: str, provisional: Network
) -> Decision:
    """The whole plan: the areas' plans together, without what a person edited, and with what is stale removed.

    ``provisional`` is the network for as long as no document says one.
    """
    network, network_plan = plan_network(instance, host, manifest, backend, options, provisional)
    plan = merge_plans(
        (
            network_plan,
            plan_ssh_keys(instance, host, options),
            plan_hostname(instance, host, manifest, options),
        )
    )
    if instance is not None and (instance.files is not None or _is_another(instance, manifest)):
        from bootagent.planners.injected import plan_injected  # few clouds have any files

        plan = merge_plans((plan, plan_injected(instance, manifest, plan)))
    wanted = {file.path for file in plan.files}
    kept = {file.path for file in plan.files if manifest.is_edited(file.path) and not manifest.has(file)}
    stale = [
        path
        for path, entry in manifest.files.items()
        if entry.area in plan.areas and not entry.block and path not in wanted
    ]
    edited = [path for path in stale if manifest.is_edited(path)]
    notes = tuple(
        Problem("warning", path, "edited by hand: left as it is") for path in (*sorted(kept), *sorted(edited))
    )
    removals = tuple(Action("remove", path) for path in sorted(stale) if path not in edited and path in manifest.found)
    files: tuple[File, ...] = tuple(file for file in plan.files if file.path not in kept)
    actions, problems = plan.actions + removals, plan.problems + notes
    return Decision(plan._replace(files=files, actions=actions, problems=problems), network)


def _is_another(instance: Instance, manifest: Manifest) -> bool:
    return None not in (instance.id, manifest.instance) and instance.id != manifest.instance
