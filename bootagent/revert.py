# SPDX-License-Identifier: Apache-2.0
"""A network by which nobody is reached is given up for a lesser one: ``on-failure: revert``.

bootagent-verify.service, which finds that no gateway answers, leaves ``/run/bootagent/to-revert``, and where there is
that, bootagent-revert.service is started: one step, the network daemon takes its files, and it is looked again.  The
steps, each at most once a boot, and none where it would change nothing::

    without    the document's network without the devices on which something is not as planned
    previous   the network's files as they were before they last changed, for the same instance
    dhcp       DHCP and router advertisements on every NIC

The next boot begins with the document's network again.
"""

from __future__ import annotations

from bootagent import planners
from bootagent.boot import carry_out, prepare
from bootagent.commit import RUN_DIR, Lock, Writer
from bootagent.host import read_cmdline
from bootagent.jsontext import parse_json_text
from bootagent.model.instance import Problem
from bootagent.model.network import Network
from bootagent.model.plan import Action, File
from bootagent.options import is_off
from bootagent.planners.network import AREA, FALLBACK
from bootagent.previous import read_previous
from bootagent.reload import AREAS, UMASK, plan_reload, takes_updates, write_script
from bootagent.state import TO_REVERT, TO_VERIFY, VERIFIED, WALKED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from bootagent.boot import Prepared, Result
    from bootagent.root import Root

    Step = tuple[Prepared, str]  # with the lesser network, and what it is; no words where there is none

STAGE = "revert"
RELOAD = f"{RUN_DIR}/reload-revert"


def apply_revert(root: Root) -> Result | str:
    """The next step, or why there is none."""
    if is_off(read_cmdline(root)):
        return "off, by the kernel command line"
    with Lock(root, waits=True):
        walked = _read_walked(root)
        writer = Writer(root)
        writer.run("remove", TO_REVERT)
        writer.write(File(RELOAD, "", 0o700), durable=False)
        prepared = prepare(root, {}, waits=False)._replace(stage=STAGE)
        words = ""
        for name, step in STEPS.items() if takes_updates(prepared.backend) else ():
            if name in walked:
                continue
            walked += (name,)
            lesser, words = step(root, prepared)
            if words:
                break
        writer.write(File(WALKED, "".join(f"{name}\n" for name in walked)), durable=False)
        if not words:
            writer.write(File(TO_VERIFY, ""), durable=False)  # from now on it only looks
        writer.close()
        if not words:
            return "nobody is reached, and there is no lesser network left"
        told = Problem("warning", "network", f"nobody was reached by the one before: {words}")
        result = carry_out(root, lesser._replace(problems=(*lesser.problems, told)), None)
        lines, problems = plan_reload(result)
        problems += write_script(root, lesser, RELOAD, (UMASK, *lines) if lines else ())
        return result._replace(problems=(*result.problems, *problems))


def _without(root: Root, prepared: Prepared) -> Step:
    """The document's network without the NICs that are not as planned, and without what is made of them alone."""
    network = prepared.instance.network if prepared.instance else None
    broken = _read_broken(root)
    broken |= {address for nic in prepared.host.nics if nic.name in broken for address in nic.addresses}
    links = [link for link in network.links if not broken.intersection((link.mac, link.name))] if network else []
    while True:
        ids = {link.id for link in links}
        whole = [link for link in links if link.vlan is None or link.vlan.parent in ids]
        whole = [link for link in whole if link.bond is None or ids.intersection(link.bond.members)]
        if len(whole) == len(links):
            break
        links = whole
    if network is None or not links or len(links) == len(network.links):
        return prepared, ""
    kept = tuple(
        link._replace(bond=link.bond._replace(members=tuple(item for item in link.bond.members if item in ids)))
        if link.bond
        else link
        for link in links
    )
    gone = [str(link.mac or link.name or link.origin) for link in network.links if link.id not in ids]
    return _decide(prepared, network._replace(links=kept)), f"the document's network without {', '.join(gone)}"


def _previous(root: Root, prepared: Prepared) -> Step:
    files = read_previous(root, prepared.manifest.instance)
    plan, manifest = prepared.decision.plan, prepared.manifest
    now = {file.path: file.content for file in plan.files if file.area in AREAS}
    if not files or {file.path: file.content for file in files} == now:
        return prepared, ""
    paths = {file.path for file in files}
    stale = [path for path, entry in manifest.files.items() if entry.area in AREAS and path not in paths]
    mine = (path for path in stale if path in manifest.found and not manifest.is_edited(path))
    removals = tuple(Action("remove", path) for path in mine)
    restored = tuple(file for file in files if not manifest.is_edited(file.path))
    others = tuple(file for file in plan.files if file.area not in AREAS)
    kept = tuple(action for action in plan.actions if action not in removals and action.argument not in paths)
    plan = plan._replace(files=(*others, *restored), actions=(*kept, *removals), areas=plan.areas | {*AREAS})
    decision = prepared.decision._replace(plan=plan, network=None)
    return prepared._replace(decision=decision), "that of before its files last changed"


def _dhcp(_root: Root, prepared: Prepared) -> Step:
    return _decide(prepared, None), "DHCP and router advertisements on every NIC"


STEPS = {"without": _without, "previous": _previous, "dhcp": _dhcp}


def _decide(prepared: Prepared, network: Network | None) -> Prepared:
    """What is to be with this network; with none, the fallback instead of what an earlier boot had from a document."""
    instance, manifest, options = prepared.instance, prepared.manifest, prepared.options
    if network is None:
        options = options._replace(fallback="dhcp")
        entries = manifest.files.items()
        given = {p: entry._replace(area=FALLBACK) if entry.area == AREA else entry for p, entry in entries}
        manifest = manifest._replace(files=given)
    instance = instance._replace(network=network) if instance else None
    decision = planners.decide(instance, prepared.host, manifest, options, prepared.backend, Network())
    problems = tuple(dict.fromkeys((*prepared.problems, *decision.plan.problems)))
    return prepared._replace(decision=decision, problems=problems)


def _read_walked(root: Root) -> tuple[str, ...]:
    return tuple((root.read(WALKED) or b"").decode("ascii", "replace").split())


def _read_broken(root: Root) -> set[str]:
    """The devices on which something is not as planned, or whose gateway does not answer: names or addresses."""
    try:
        found = parse_json_text((root.read(VERIFIED) or b"{}").decode())["findings"]
        return {str(item["where"]) for item in found if item["severity"] != "info"}
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return set()
