# SPDX-License-Identifier: Apache-2.0
"""``bootagent status``: what happened on this boot."""

from __future__ import annotations

import json
import sys

from bootagent.errors import SourceError
from bootagent.state import LAST_STATUS, STATUS, UNCHANGED, VERIFIED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from bootagent.root import Root


def show_status(root: Root, as_json: bool) -> int:
    """Print the status of this boot; ``SourceError`` where there is none."""
    place, status = read_status(root)
    status["verified"] = _read(root, VERIFIED) if root.exists(VERIFIED) else None
    try:
        text = json.dumps(status, indent=1) + "\n" if as_json else _text(status)
    except (KeyError, TypeError) as error:
        raise SourceError(place, "damaged") from error
    sys.stdout.write(text)
    return 0


def read_status(root: Root) -> tuple[str, dict[str, Any]]:
    """Where the status of this boot is, and what it says; ``SourceError`` where there is none."""
    # A boot on which nothing changed starts no agent: what the last one said still holds.
    unchanged = not root.exists(STATUS) and root.exists(UNCHANGED)
    place = LAST_STATUS if unchanged else STATUS
    return place, {**_read(root, place), "unchanged": unchanged}


def read_last_status(root: Root) -> dict[str, Any]:
    """The status of the last boot on which all was well; ``SourceError`` where there was none."""
    return _read(root, LAST_STATUS)


def _read(root: Root, place: str) -> dict[str, Any]:
    try:
        content = root.read(place)
    except OSError as error:
        raise SourceError(place, error.strerror or str(error)) from error
    if content is None:
        raise SourceError(place, "no status: the agent has not run on this boot")
    try:
        return {**json.loads(content)}
    except (ValueError, TypeError) as error:
        raise SourceError(place, "damaged") from error


def _reason(why: str | None) -> str:
    return f" ({why})" if why else ""


def _text(status: dict[str, Any]) -> str:
    instance = status["instance"]
    lines = [
        f"state: {status['state']}" + (", nothing changed since an earlier boot" if status["unchanged"] else ""),
        f"source: {status['source'] or 'none'} {status['place'] or ''}".rstrip() + _reason(status["why"]["taken"]),
        *([f"to be asked: {status['why']['awaited']}"] if status["why"]["awaited"] else []),
        *(f"not {name}: {reason}" for name, reason in status["why"]["others"].items()),
        f"documents: {', '.join(status['documents']) or 'none'}",
        f"backend: {status['backend']} ({status['reason']})",
        *([f"stage: {status['stage']}"] if status.get("stage", "root") != "root" else []),
        f"instance: {instance['id'] or '-'}",
        f"host name: {instance['hostname'] or 'unchanged'}",
        *(f"SSH keys: {count} for {user}" for user, count in instance["ssh_keys"].items()),
    ]
    for interface in status["interfaces"]:
        lines.append(f"{interface['name'] or interface['mac']}: {interface['origin']}")
        lines += [f"    address {item['address']} ({item['origin']})" for item in interface["addresses"]]
        lines += [
            f"    route {item['to']} via {item['via'] or 'the link'} ({item['origin']})" for item in interface["routes"]
        ]
        if not interface["present"]:
            lines.append("    no such device yet")
    lines += [f"{name}: DHCP, because no document names it" for name in status["unlisted"]]
    lines += [
        f"{change['result']}: {change['path']}" for change in status["changes"] if change["result"] != "unchanged"
    ]
    lines += [f"{item['severity']}: {item['where']}: {item['message']}" for item in status["problems"]]
    if status["verified"]:
        lines += _verified(status["verified"])
    lines.append("seconds: " + ", ".join(f"{step} {seconds:.4f}" for step, seconds in status["seconds"].items()))
    return "\n".join(lines) + "\n"


def _verified(result: dict[str, Any]) -> list[str]:
    """What bootagent-verify.service found on this boot."""
    findings = [f"    {item['severity']}: {item['where']}: {item['message']}" for item in result["findings"]]
    return [f"verified {result['time']}: {result['summary']}", *findings]
