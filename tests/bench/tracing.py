# SPDX-License-Identifier: Apache-2.0
"""Have a contender's units traced in an image that is not timed, and read what the traces say.

Each command of a unit is started by strace, which follows its children, and below that by GNU time, which tells the
resident memory of the largest of them. Processes that systemd or udev start are not the unit's own: ds-identify, which
cloud-init's generator runs, is in no figure.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import pathlib

PACKAGES = ("strace", "time")
UNIT_PLACES = ("usr/lib/systemd/system", "etc/systemd/system")
# In the guest: a file for each process, named after its unit, the line of the unit and the process.
TRACES = "/run/trace."
PEAKS = "/run/trace-peaks"

FORKS = ("clone", "clone3", "fork", "vfork")
WRITES = ("write", "pwrite64", "writev", "pwritev", "pwritev2", "sendfile")
FLUSHES = ("fsync", "fdatasync", "sync", "syncfs", "sync_file_range")
CALLS = ",".join((*FORKS, *WRITES, *FLUSHES, "execve"))

COMMAND = re.compile(r"(?P<key>Exec(?:Start|StartPre|StartPost|Condition))=(?P<prefix>[-@:+!|]*)(?P<command>.+)")
# For a service in a sandbox: ptrace is none of the calls that it may make, nor is /run a place that it may write to. In
# others this would make a mount namespace, in which glean's mount would stay unseen.
SANDBOX = ("SystemCallFilter=", "ReadWritePaths=/run")
# "%%" is systemd's spelling of "%".
MEASURE = f"/usr/bin/time -f %%M -a -o {PEAKS}"

CALL = re.compile(r"(?P<name>\w+)\((?P<arguments>.*)\)\s+= (?P<result>-?\d+)")
# A descriptor, and the path that strace's -y shows of it; what is no file has no path, or one of a device.
FILE = re.compile(r"\d+<(/(?!dev/|proc/|sys/).*?)>")
PROGRAM = re.compile(r'"((?:[^"\\]|\\.)*)"')


class Trace(NamedTuple):
    """What the processes of some traces did: how many there were, the path of each program started, bytes, calls."""

    processes: int
    programs: tuple[str, ...]
    written: int
    fsyncs: int


def add_tracers(tree: pathlib.Path, patterns: tuple[str, ...]) -> None:
    """A drop-in for each service of these names; a tree without any is an error."""
    found = sorted({path for place in UNIT_PLACES for one in patterns for path in tree.glob(f"{place}/{one}.service")})
    if not found:
        message = f"no unit of {' '.join(patterns)} in the image"
        raise FileNotFoundError(message)
    for path in found:
        place = tree / "etc/systemd/system" / f"{path.name}.d"
        place.mkdir(parents=True, exist_ok=True)
        (place / "trace.conf").write_text(_drop_in(path.read_text(encoding="utf-8")), encoding="utf-8")


def read_traces(texts: list[str]) -> Trace:
    """The sum over the processes' traces, without GNU time's own."""
    processes = written = fsyncs = 0
    programs: list[str] = []
    for text in texts:
        calls = [call for call in map(CALL.match, text.splitlines()) if call and int(call["result"]) >= 0]
        started = [PROGRAM.match(call["arguments"]) for call in calls if call["name"] == "execve"]
        paths = [path[1] for path in started if path]
        if paths[:1] == ["/usr/bin/time"]:
            continue
        # strace writes a thread's calls to a file of its own too.
        threads = sum("CLONE_THREAD" in call["arguments"] for call in calls)
        processes += 1 - threads
        programs += paths
        written += sum(int(call["result"]) for call in calls if _is_write(call))
        fsyncs += sum(call["name"] in FLUSHES for call in calls)
    return Trace(processes, tuple(programs), written, fsyncs)


def _drop_in(unit: str) -> str:
    """The unit's commands, in their order, each below the tracer."""
    lines, keys = [], []
    for index, found in enumerate(filter(None, map(COMMAND.match, unit.splitlines()))):
        if found["key"] not in keys:
            keys.append(found["key"])
        tracer = f"/usr/bin/strace -ff -qq -y -s 0 -e signal=none -e trace={CALLS} -o {TRACES}%n.{index}"
        lines.append(f"{found['key']}={found['prefix']}{tracer} {MEASURE} {found['command']}")
    # An empty line takes back the unit's own.
    sandbox = SANDBOX if "\nProtectSystem=" in unit else ()
    return "\n".join(["[Service]", *(f"{key}=" for key in keys), *lines, *sandbox, ""])


def _is_write(call: re.Match[str]) -> bool:
    return call["name"] in WRITES and FILE.match(call["arguments"]) is not None
