# SPDX-License-Identifier: Apache-2.0
"""``bootagent verify``: what was planned, against what the kernel has now.

By hand it looks once.  ``bootagent-verify.service`` looks when the boot is done, and gives what is late some time: it
hears from the kernel of each change and looks again, until all is as planned or the time is over.
"""

from __future__ import annotations

import sys
import time

from bootagent.commit import Writer
from bootagent.errors import SourceError
from bootagent.jsontext import format_json
from bootagent.log import write_line
from bootagent.model.instance import Problem
from bootagent.model.plan import File
from bootagent.state import REVERTS, TO_REVERT, TO_VERIFY, VERIFIED
from bootagent.verify.compare import compare
from bootagent.verify.live import read_live
from bootagent.verify.netlink import Listener
from bootagent.verify.planned import read_planned
from bootagent.verify.reach import ask_gateways, is_cut_off

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from bootagent.model.network import BoundNetwork
    from bootagent.root import Root
    from bootagent.verify.live import Live

    Findings = tuple[Problem, ...]

VERSION = 1
PATIENCE = 60.0  # seconds: a switch port with spanning tree passes nothing for 30 or 50
ANSWER = 4.0  # seconds: the kernel asks three times, one second apart (arp(7), mcast_solicit)
CONSOLE_LINES = 10
EXIT_DEVIATIONS = 1


def verify(root: Root, as_json: bool) -> int:
    """Look once, and print it."""
    place, network = read_planned(root)
    findings = compare(network, _read(root))
    if as_json:
        sys.stdout.write(_json(place, network, findings))
    else:
        notes = tuple(finding for finding in findings if finding.severity == "info")
        lines = _lines(network, (*_doubts(findings), *notes))
        sys.stdout.write("".join(f"{line}\n" for line in lines))
    return EXIT_DEVIATIONS if _doubts(findings) else 0


def verify_boot(root: Root, patience: float = PATIENCE) -> int:
    """Look until all is as planned or the time is over; the result goes to the status and to the console."""
    place, network = read_planned(root)
    reverts = root.read(TO_VERIFY) == REVERTS.encode()
    if reverts:
        ask_gateways(_read(root))
    findings = _watch(root, network, patience)
    files = [File(TO_REVERT, "")] if reverts and _is_cut_off(root, network) else []
    files.append(File(VERIFIED, _json(place, network, findings)))
    writer = Writer(root)
    for change in [writer.write(file, durable=False) for file in files]:
        if change.error:
            write_line("error", change.error)
    writer.close()
    sys.stdout.write(console_block(network, findings))
    return EXIT_DEVIATIONS if _doubts(findings) else 0


def console_block(network: BoundNetwork, findings: Findings) -> str:
    """At most ten lines; one where all is as planned."""
    lines = _lines(network, _doubts(findings))
    if len(lines) > CONSOLE_LINES:
        lines[CONSOLE_LINES - 1 :] = [f"and {len(lines) - CONSOLE_LINES + 1} more: bootagent verify"]
    return "".join(f"bootagent: verify: {line}\n" for line in lines)


def _watch(root: Root, network: BoundNetwork, seconds: float) -> Findings:
    start = time.monotonic()
    with Listener() as listener:
        live = _read(root)
        dark = _planned_devices(network, live) - {name for name, device in live.devices.items() if device.has_carrier}
        late: list[Problem] = []
        findings = compare(network, live)
        while _doubts(findings) and time.monotonic() < start + seconds:
            # No word of a change is a reason for one more look too: a resolver's file changes without any.
            listener.wait(start + seconds - time.monotonic())
            live = _read(root)
            lit = {name for name in dark if name in live.devices and live.devices[name].has_carrier}
            after = time.monotonic() - start
            late += [Problem("info", name, f"the carrier came {after:.0f} s after the boot") for name in sorted(lit)]
            dark -= lit
            findings = compare(network, live)
    return (*findings, *late)


def _is_cut_off(root: Root, network: BoundNetwork) -> bool:
    """Whether no gateway answers now, however it was a minute ago."""
    ask_gateways(_read(root))
    time.sleep(ANSWER)
    return is_cut_off(network, _read(root))


def _planned_devices(network: BoundNetwork, live: Live) -> set[str]:
    wanted = {interface.name for interface in network.interfaces}
    macs = {interface.match.mac for interface in network.interfaces if interface.match}
    return {name for name, device in live.devices.items() if name in wanted or device.permanent in macs}


def _read(root: Root) -> Live:
    try:
        return read_live(root)
    except OSError as error:
        raise SourceError("netlink", error.strerror or str(error)) from error


def _doubts(findings: Findings) -> Findings:
    return tuple(finding for finding in findings if finding.severity != "info")


def _lines(network: BoundNetwork, findings: Findings) -> list[str]:
    return [_summary(network, findings), *(f"{finding.severity}: {finding}" for finding in findings)]


def _summary(network: BoundNetwork, findings: Findings) -> str:
    count = len(_doubts(findings))
    if count:
        return "one thing is not as planned" if count == 1 else f"{count} things are not as planned"
    devices = len(network.interfaces)
    addresses = sum(len(interface.addresses) for interface in network.interfaces)
    routes = sum(len(interface.routes) for interface in network.interfaces)
    return f"all is as planned: devices {devices}, static addresses {addresses}, routes {routes}"


def _json(place: str, network: BoundNetwork, findings: Findings) -> str:
    document: dict[str, Any] = {
        "version": VERSION,
        "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "planned": place,
        "state": "deviates" if _doubts(findings) else "ok",
        "summary": _summary(network, findings),
        "findings": [finding._asdict() for finding in findings],
    }
    return format_json(document) + "\n"
