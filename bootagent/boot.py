# SPDX-License-Identifier: Apache-2.0
"""The boot on one screen: find a source, read it, decide on a plan, commit it, report.

``prepare`` is all of it up to the plan and changes nothing; ``apply`` is the boot.
"""

from __future__ import annotations

from bootagent import planners, renderers, sources
from bootagent.commit import Change, Lock, Writer
from bootagent.handover import Later, hand_over
from bootagent.host import Host, read_cmdline, read_host, read_texts
from bootagent.inputs import INPUTS, Inputs, read_inputs, record_inputs
from bootagent.log import Clock
from bootagent.model.instance import Problem
from bootagent.model.network import Network
from bootagent.model.plan import File
from bootagent.options import Options, is_off, read_options
from bootagent.planners import resolver
from bootagent.planners.network import choose_backend
from bootagent.record import Record
from bootagent.report import state_of, status_file
from bootagent.state import AWAITED, LAST_STATUS, Manifest, find_replaced, next_manifest, read_manifest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from bootagent.model.instance import Instance
    from bootagent.root import Root

GONE = "no source speaks any more: what an earlier boot configured stays"


class Prepared(Record):
    """All that is known before anything is changed."""

    options: Options
    host: Host
    manifest: Manifest
    search: sources.Search
    backend: str
    reason: str  # why it is that backend
    decision: planners.Decision
    problems: tuple[Problem, ...]
    clock: Clock
    stage: str = "root"  # where it is done: there, in the initramfs (early.py), with a network (online.py), or later

    @property
    def found(self) -> sources.Found | None:
        """The source that spoke, if one did."""
        return self.search.found

    @property
    def instance(self) -> Instance | None:
        """What the source said, if one did."""
        return self.found.instance if self.found else None


class Result(Record):
    """What a boot came to."""

    prepared: Prepared
    changes: tuple[Change, ...]
    problems: tuple[Problem, ...]


def prepare(root: Root, given: Mapping[str, object], waits: bool = True, online: float | None = None) -> Prepared:
    """Read the machine and the source and decide; nothing is changed, no privilege is needed.

    ``waits`` says whether late devices are waited for, ``online`` until when services are asked (``sources.find``).
    """
    clock = Clock()
    options, wrong = read_options(root, read_cmdline(root), given)
    manifest, damaged = read_manifest(root)
    blocks = [path for path, entry in manifest.files.items() if entry.block]
    host, unread = read_host(root, options.users, blocks, find_drives=options.drive is None)
    clock.step("host")
    search = sources.find(root, host, options.drive, options.sources, online)
    if waits and host.live and search.found is None and sources.must_be_drive(options.drive, options.sources):
        from bootagent.late import wait_for_drive

        host, unheard = wait_for_drive(root, host, options)
        search = sources.find(root, host, options.drive, options.sources, online)
        search = search._replace(problems=search.problems + unheard)
    silent = search.problems
    if search.found is None and search.awaited is None and manifest.instance is not None:
        silent += (Problem("warning", "source", GONE),)
    clock.step("source")
    instance = search.found.instance if search.found else None
    backend, reason, doubts = choose_backend(host, options)
    renderer = renderers.load(backend)
    host, unread_too = read_texts(root, host, (*renderer.READS, *resolver.READS.get(host.resolver, ())))
    if waits and host.live and instance and instance.network and renderer.NEEDS_NAMES:
        from bootagent.late import wait_for_nics

        nics, unheard = wait_for_nics(root, instance.network, host.nics)
        host, doubts = host._replace(nics=nics), doubts + unheard
        clock.step("wait")
    provisional = _provisional(search, host, options)
    decision = planners.decide(instance, host, manifest, options, backend, provisional)
    clock.step("plan")
    said = instance.problems if instance else ()
    seen = (*wrong, *damaged, *unread, *unread_too, *silent, *said, *doubts, *decision.plan.problems)
    problems = tuple(dict.fromkeys(seen))
    return Prepared(options, host, manifest, search, backend, reason, decision, problems, clock)


def _provisional(search: sources.Search, host: Host, options: Options) -> Network:
    if search.awaited is None:
        return Network()
    from bootagent.planners.provisional import provide_network

    return provide_network(search.awaited.source, search.awaited.needs, host, options.fallback)


def apply(root: Root, given: Mapping[str, object]) -> Result | None:
    """The boot.  ``None`` where the kernel command line says ``bootagent=off``; strict problems leave all as it was."""
    if is_off(read_cmdline(root)):
        return None
    with Lock(root):
        inputs = None if given else read_inputs(root)
        prepared = prepare(root, given)
        if prepared.options.strict and has_problems(prepared.problems):
            return Result(prepared, (), prepared.problems)
        return carry_out(root, prepared, inputs)


def carry_out(root: Root, prepared: Prepared, inputs: Inputs | None) -> Result:
    """Commit what was decided, and say what came of it."""
    writer = Writer(root)
    if prepared.options.on_failure == "revert" and prepared.stage != "revert":
        from bootagent.previous import keep_previous

        keep_previous(root, writer, prepared)
    changes = _commit(root, writer, prepared)
    prepared.clock.step("commit")
    failed = tuple(Problem("error", change.path, change.error) for change in changes if change.error)
    later = hand_over(root, writer, prepared)
    problems = (*prepared.problems, *failed, *later.problems)
    status = status_file(prepared, changes, problems)
    said = [writer.write(status, durable=False)]
    if prepared.search.awaited:
        said.append(writer.write(File(AWAITED, ""), durable=False))
    record = _record(root, prepared, inputs, later) if inputs and state_of(problems) == "ok" else None
    if record:
        said.append(writer.write(status._replace(path=LAST_STATUS), durable=False))
    # A boot like this one shows that copy: where it could not be written, the next one has to look again.
    if record and not said[-1].error:
        said.append(writer.write(record, durable=False))
    else:
        writer.run("remove", INPUTS)
    writer.close()
    problems += tuple(Problem("error", change.path, change.error) for change in said if change.error)
    return Result(prepared, changes, problems)


def _record(root: Root, prepared: Prepared, inputs: Inputs, later: Later) -> File | None:
    """What the next boot is compared with; none where it must look again: no source, or files only in /run."""
    found, options = prepared.found, prepared.options
    if found is None or options.render_to == "run":
        return None
    files = [*(file.path for file in prepared.decision.plan.files), *later.awaited]
    return record_inputs(root, inputs, found.place, found.reach, files)


def _commit(root: Root, writer: Writer, prepared: Prepared) -> tuple[Change, ...]:
    """The manifest first, on the disk, so that what a power cut leaves behind is known as ours; then the plan.

    The name of another instance last, when nothing of the one before is left: a run that was cut is that one's still.
    """
    plan = prepared.decision.plan
    old = find_replaced(root, prepared.manifest, plan.files)
    removals = {action.argument for action in plan.actions if action.name == "remove"}
    identity = _identity(prepared)
    at_first = identity if old.instance in (None, identity[0]) else (old.instance, old.source)
    absent = _absent(prepared)
    changes = [] if old.is_kept else [writer.write(next_manifest(old, plan.files, absent, at_first)), *writer.flush()]
    changes += writer.commit(plan)
    if removals or at_first != identity:
        changes += writer.flush()
        left = removals & {change.path for change in changes if change.error}
        at_last = at_first if left else identity
        changes.append(writer.write(next_manifest(old, plan.files, absent | removals - left, at_last)))
    changes += (*writer.relabel(), *writer.close())
    return tuple(changes)


def _absent(prepared: Prepared) -> set[str]:
    """What is stale and not there any more: a run that was cut had removed it, or a person."""
    plan, old = prepared.decision.plan, prepared.manifest
    wanted = {file.path for file in plan.files}
    stale = (path for path, entry in old.files.items() if entry.area in plan.areas and not entry.block)
    return {path for path in stale if path not in old.found and path not in wanted}


def _identity(prepared: Prepared) -> tuple[str | None, str | None]:
    """Whose files these are: another instance only on positive evidence, never because a source was silent."""
    instance, manifest = prepared.instance, prepared.manifest
    if instance is None:
        return manifest.instance, manifest.source or "fallback"
    source = prepared.found.source if prepared.found else None
    return instance.id or manifest.instance, source


def has_problems(problems: tuple[Problem, ...]) -> bool:
    """Whether any of them is more than a note."""
    return any(problem.severity != "info" for problem in problems)
