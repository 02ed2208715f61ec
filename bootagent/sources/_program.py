# SPDX-License-Identifier: Apache-2.0
"""What a program says: no shell, a clean environment, and bounds for its time and its output.

``subprocess`` would do it with a tenth of a second of imports, and without a bound for the output.
"""

from __future__ import annotations

import os
import select
import signal
import time

from bootagent.errors import SourceError
from bootagent.record import Record

SECONDS = 5.0
MAX_OUTPUT = 4 << 20  # bytes; base64 of gzip of a document takes less
ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C"}


class Output(Record):
    """What a program left."""

    status: int  # its exit status; negative: the signal that ended it
    out: bytes
    err: bytes


def read_output(command: tuple[str, ...], seconds: float = SECONDS) -> Output:
    """Run the program ``command[0]``, an absolute path; ``SourceError`` where it is not done in time or says too much.

    Whatever it has started and not ended is ended with it.
    """
    end = time.monotonic() + seconds
    out, err = os.pipe(), os.pipe()
    actions = [
        (os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0),
        (os.POSIX_SPAWN_DUP2, out[1], 1),
        (os.POSIX_SPAWN_DUP2, err[1], 2),
    ]
    try:
        try:
            pid = os.posix_spawn(command[0], command, ENVIRONMENT, file_actions=actions, setsid=True)
        except OSError as error:
            raise SourceError(command[0], f"not started: {error.strerror}") from error
        finally:
            os.close(out[1])
            os.close(err[1])
        try:
            texts = _read(command[0], (out[0], err[0]), end)
            is_done = _wait(pid, end)
        finally:
            status = _end(pid)
    finally:
        os.close(out[0])
        os.close(err[0])
    if not is_done:
        raise SourceError(command[0], "not done in time")
    return Output(os.WEXITSTATUS(status) if os.WIFEXITED(status) else -os.WTERMSIG(status), *texts)


def _read(place: str, pipes: tuple[int, int], end: float) -> tuple[bytes, bytes]:
    texts = {pipe: bytearray() for pipe in pipes}
    poll = select.poll()
    for pipe in pipes:
        poll.register(pipe, select.POLLIN)
    waiting = set(pipes)
    while waiting:
        left = end - time.monotonic()
        ready = poll.poll(left * 1000) if left > 0 else []
        if not ready:
            raise SourceError(place, "not done in time")
        for pipe, _ in ready:
            piece = os.read(pipe, 65536)
            texts[pipe] += piece
            if not piece:
                poll.unregister(pipe)
                waiting.discard(pipe)
            if len(texts[pipe]) > MAX_OUTPUT:
                raise SourceError(place, f"more than {MAX_OUTPUT} bytes")
    return bytes(texts[pipes[0]]), bytes(texts[pipes[1]])


def _wait(pid: int, end: float) -> bool:
    """Whether a program that has closed its output, which it mostly does by ending, ends in time."""
    while not os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT):
        if time.monotonic() > end:
            return False
        time.sleep(0.002)
    return True


def _end(pid: int) -> int:
    """End the program's session, whose number is the program's until that is waited for; its status."""
    os.killpg(pid, signal.SIGKILL)
    _wait(pid, time.monotonic() + 1)
    return os.waitpid(pid, os.WNOHANG)[1]
