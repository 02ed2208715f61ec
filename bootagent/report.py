# SPDX-License-Identifier: Apache-2.0
"""What a run says about itself: the plan as JSON, the status of this boot, and the block on the console.

Nothing secret comes here: of SSH keys the plan shows the public lines, the status only their number.
"""

from __future__ import annotations

from bootagent import __version__
from bootagent.jsontext import format_json
from bootagent.model.plan import File
from bootagent.state import STATUS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from bootagent.boot import Prepared, Result
    from bootagent.commit import Change
    from bootagent.model.instance import Problem
    from bootagent.model.network import Interface

VERSION = 1
CONSOLE_LINES = 10


def plan_json(prepared: Prepared) -> str:
    """The plan as the JSON document that docs/design.rst gives, version 1."""
    instance, plan = prepared.instance, prepared.decision.plan
    keys = [str(key) for key in (instance.ssh_keys or ())] if instance else []
    document = {
        "version": VERSION,
        "source": prepared.found.source if prepared.found else None,
        "why": _why_json(prepared),
        "backend": prepared.backend,
        "instance": {
            "id": instance.id if instance else None,
            "hostname": instance.hostname if instance else None,
            "ssh_keys": dict.fromkeys(prepared.options.users, keys) if keys else {},
        },
        "files": [
            {"path": file.path, "mode": f"{file.mode:04o}", "owner": file.owner, "content": file.content}
            for file in plan.files
        ],
        "actions": [{"name": action.name, "argument": action.argument} for action in plan.actions],
        "problems": problems_json(prepared.problems),
    }
    return format_json(document) + "\n"


def problems_json(problems: tuple[Problem, ...]) -> list[dict[str, str]]:
    """Problems as JSON objects."""
    return [problem._asdict() for problem in problems]


def state_of(problems: tuple[Problem, ...]) -> str:
    """``ok``, or ``degraded`` where a person should look."""
    return "degraded" if any(problem.severity != "info" for problem in problems) else "ok"


def status_file(prepared: Prepared, changes: tuple[Change, ...], problems: tuple[Problem, ...]) -> File:
    """The status of this boot, for ``bootagent status`` and for programs; readable by all."""
    instance, network = prepared.instance, prepared.decision.network
    document = {
        "version": VERSION,
        "agent": __version__,
        "state": state_of(problems),
        "stage": prepared.stage,
        "source": prepared.found.source if prepared.found else None,
        "place": prepared.found.place if prepared.found else None,
        "why": _why_json(prepared),
        "documents": list(instance.documents) if instance else [],
        "backend": prepared.backend,
        "reason": prepared.reason,
        "instance": {
            "id": (instance and instance.id) or prepared.manifest.instance,
            "hostname": instance.hostname if instance else None,
            "ssh_keys": {user: len((instance and instance.ssh_keys) or ()) for user in prepared.options.users},
        },
        "origins": dict(instance.origins) if instance else {},
        "options": dict(prepared.options.places),
        "interfaces": [interface_json(interface) for interface in network.interfaces] if network else [],
        "dns": [str(server) for server in network.dns.servers] if network else [],
        "unlisted": list(network.unlisted) if network and network.unlisted is not None else [],
        "changes": [{"path": change.path, "result": change.result} for change in changes],
        "areas": {file.path: file.area for file in prepared.decision.plan.files},
        "problems": problems_json(problems),
        "seconds": prepared.clock.seconds,
    }
    return File(STATUS, format_json(document) + "\n")


def _why_json(prepared: Prepared) -> dict[str, Any]:
    """Why it is this source, or is to be asked, and why none of the others."""
    search = prepared.search
    taken = search.found or search.awaited
    return {
        "taken": taken.why if taken else None,
        "awaited": search.awaited.source if search.awaited else None,
        "others": {look.source: look.reason for look in search.looks},
    }


def interface_json(interface: Interface) -> dict[str, Any]:
    """One device, each value with the place that it came from."""
    return {
        "name": interface.name,
        "label": interface.label,
        "made": interface.match is None,
        "mac": (interface.match.mac if interface.match else None) or interface.mac,
        "present": interface.name is not None,
        "origin": interface.origin,
        "mtu": interface.mtu,
        "dhcp4": interface.dhcp4,
        "dhcp6": interface.dhcp6,
        "ra": interface.ra,
        "addresses": [{"address": str(item.ip), "origin": item.origin} for item in interface.addresses],
        "routes": [
            {"to": str(route.to), "via": str(route.via) if route.via else None, "origin": route.origin}
            for route in interface.routes
        ],
        "dns": [str(server) for server in interface.dns.servers],
        "master": interface.master,
        "bond": interface.bond.mode if interface.bond else None,
        "vlan": interface.vlan.id if interface.vlan else None,
        "parent": interface.vlan.parent if interface.vlan else None,
    }


def console_block(result: Result) -> str:
    """At most ten lines: what was configured and from where, for whoever has only the console log."""
    prepared = result.prepared
    instance, found, network = prepared.instance, prepared.found, prepared.decision.network
    awaited = prepared.search.awaited
    nothing = f"{awaited.source} is to be asked ({awaited.why})" if awaited else "no source found"
    lines = [f"{state_of(result.problems)}: " + (f"{found.source} {found.place}" if found else nothing)]
    if instance:
        count = len(instance.ssh_keys or ())
        keys = f"{count} SSH key{'s' if count != 1 else ''} for {', '.join(prepared.options.users)}"
        lines[0] += f", instance {instance.id or '-'}, host name {instance.hostname or '-'}, {keys}"
    if network is None:
        lines.append(f"network: {prepared.backend}: kept from an earlier boot")
    else:
        lines += [describe(interface) for interface in network.interfaces]
        lines += [f"{name}: DHCP, because no document names it" for name in network.unlisted or ()]
    doubts = [f"{problem.severity}: {problem}" for problem in result.problems if problem.severity != "info"]
    room = CONSOLE_LINES - min(len(doubts), 4)
    if len(lines) > room:
        lines[room - 1 :] = [f"and {len(lines) - room + 1} more devices: bootagent status"]
    if len(doubts) > 4:
        doubts[3:] = [f"and {len(doubts) - 3} more problems: bootagent status"]
    return "".join(f"bootagent: {line}\n" for line in (*lines, *doubts))


def describe(interface: Interface) -> str:
    """One device on one line."""
    asked = [str(item.ip) for item in interface.addresses]
    asked += ["DHCPv4"] if interface.dhcp4 else []
    asked += [f"DHCPv6 {interface.dhcp6}"] if interface.dhcp6 else []
    asked += ["SLAAC"] if interface.ra == "full" and not interface.dhcp6 else []
    asked += [f"via {route.via}" for route in interface.routes if route.to.prefixlen == 0]
    asked += [f"member of {interface.master}"] if interface.master else []
    mac = (interface.match.mac if interface.match else None) or interface.mac or "-"
    name = interface.name or "(not there)"
    return f"{name} {mac}: {', '.join(asked) or 'no addresses'} ({interface.origin})"


def plan_text(prepared: Prepared) -> str:
    """The plan for a person: each file with its content, then the actions."""
    found, plan = prepared.found, prepared.decision.plan
    source = f"{found.source} {found.place} ({found.why})" if found else "none"
    parts = [f"source: {source}\n"]
    if prepared.search.awaited:
        parts.append(f"to be asked: {prepared.search.awaited.source} ({prepared.search.awaited.why})\n")
    parts += [f"not {look.source}: {look.reason}\n" for look in prepared.search.looks]
    parts.append(f"backend: {prepared.backend} ({prepared.reason})\n")
    for file in plan.files:
        content = file.content.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
        parts.append(f"\n{file.path}  {file.mode:04o} {file.owner}\n")
        parts += [f"    {line}\n" for line in content.splitlines()]
    parts += [f"\n{action.name} {action.argument}\n" for action in plan.actions]
    return "".join(parts)
