# SPDX-License-Identifier: Apache-2.0
"""``bootagent run-user-data``: what bootagent-userdata.service does, once the network is up, where the option says so.

The boot said in /run what waits (``handover.py``).  That an instance's user data is run is on the disk before the first
script starts: what a power cut ends is not run again.  Scripts are root's and do as they like; what they print is the
unit's to log, and what the agent says of them is their name and how they ended.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import time

from bootagent import media, sources
from bootagent.commit import Lock, Writer
from bootagent.errors import CommitError, SourceError
from bootagent.formats.user_data import parse_user_data
from bootagent.host import read_cmdline, read_nics
from bootagent.identity import read_identity
from bootagent.jsontext import parse_json_text
from bootagent.log import write_line, write_problems
from bootagent.model.plan import File
from bootagent.record import Record
from bootagent.state import USER_DATA, user_data_run

TYPE_CHECKING = False
if TYPE_CHECKING:
    from bootagent.formats.user_data import Script
    from bootagent.root import Root

# Not in /run, from which Debian and others let nothing be run (mount(8): noexec).
SCRIPTS = "/var/lib/bootagent/scripts"
SECONDS = 120.0  # to be answered by a metadata service
ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME": "/root",
    "LOGNAME": "root",
    "SHELL": "/bin/sh",
    "USER": "root",
}


class Waiting(Record):
    """User data that waits to be run."""

    source: str
    path: str  # of the drive, outside the root; "" for a service
    instance: str


def run_user_data(root: Root) -> int:
    """Run what waits, if anything does; 1 where a script did not end with 0.  ``SourceError`` where it is not got."""
    with Lock(root):
        writer = Writer(root)
        waiting = _take(root, writer)
        if waiting is None:
            sys.stdout.write("bootagent: no user data waits to be run\n")
            return 0
        content = _read_drive(waiting) if waiting.path else _fetch(root, waiting)
        _remember(writer, waiting)
    scripts, problems = parse_user_data(content or b"")
    write_problems(problems)
    if not scripts:
        sys.stdout.write("bootagent: no scripts in the user data\n")
    sys.stdout.flush()
    codes = [_run(root, script) for script in scripts]
    return int(any(codes))


def _take(root: Root, writer: Writer) -> Waiting | None:
    """What waits, and whatever comes of it, it waits no more on this boot: systemd would start the unit again."""
    content = root.read(USER_DATA)
    writer.run("remove", USER_DATA)
    if content is None:
        return None
    try:
        waiting = Waiting(**parse_json_text(content.decode()))
    except (ValueError, TypeError) as error:
        raise SourceError(USER_DATA, "damaged") from error
    return None if root.exists(user_data_run(waiting.instance)) else waiting


def _read_drive(waiting: Waiting) -> bytes | None:
    """The user data on the drive of the instance that was configured, ``None`` where it has none."""
    module = sources.load(waiting.source)
    _require(waiting.source, hasattr(module, "read_user_data"))
    with media.open_volumes(waiting.path) as volumes:
        for volume in volumes:
            if sources.source_of(volume.labels) == waiting.source or module.holds(volume):
                if module.read(volume).id != waiting.instance:
                    raise SourceError(waiting.path, "another instance's drive by now")
                return module.read_user_data(volume)
    raise SourceError(waiting.path, "no drive of its source by now")


def _fetch(root: Root, waiting: Waiting) -> bytes | None:
    """What the service says, ``None`` where there is none."""
    module = sources.load_service(waiting.source)
    _require(waiting.source, hasattr(module, "fetch_user_data"))
    from bootagent.sources._http import Connector

    identity = read_identity(root, read_cmdline(root))
    return module.fetch_user_data(Connector(identity, read_nics(root), time.monotonic() + SECONDS))


def _require(source: str, has_function: bool) -> None:
    if not has_function:
        raise SourceError(source, "bootagent does not know its user data")


def _remember(writer: Writer, waiting: Waiting) -> None:
    path = user_data_run(waiting.instance)
    failed = [change for change in (writer.write(File(path, "", 0o600)), *writer.close()) if change.error]
    if failed:
        raise CommitError(path, "cannot be made, so nothing is run")


def _run(root: Root, script: Script) -> bool:
    """Write a script, run it and remove it; whether anything went wrong."""
    writer = Writer(root)
    path = f"{SCRIPTS}/{script.number:03}" + (f"-{script.name}" if script.name else "")
    started = time.monotonic()
    try:
        change = writer.write(File(path, script.content.decode("utf-8", "surrogateescape"), 0o700), durable=False)
        if change.error:
            write_line("error", f"{script.title}: {change.error}")
            return True
        code = subprocess.call(
            [root.host_path(path)], stdin=subprocess.DEVNULL, env=ENVIRONMENT, cwd="/", close_fds=True
        )
    except OSError as error:
        hint = ", and its first line ends in a carriage return" if b"\r" in script.content.split(b"\n", 1)[0] else ""
        write_line("error", f"{script.title}: not started: {error.strerror}{hint}")
        return True
    finally:
        writer.run("remove", path)
        writer.close()
    seconds = f"after {time.monotonic() - started:.1f} s"
    if code < 0:
        write_line("error", f"{script.title}: ended by {_signal(-code)} {seconds}")
    else:
        write_line("error" if code else "info", f"{script.title}: ended with {code} {seconds}")
    return code != 0


def _signal(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:  # one of the real-time signals
        return f"signal {number}"
