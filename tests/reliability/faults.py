# SPDX-License-Identifier: Apache-2.0
"""Disks that are full, read-only or slow, and a machine that has little: the whole boot with each of them."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING

from bootagent.errors import BusyError, CommitError
from tests.reliability.agent import Call, command, inject, list_calls, run_agent
from tests.reliability.outcome import Row, judge_files, judge_next, judge_words

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from tests.reliability.scenes import Scene

MEMORY = 64 << 20
# The calls of which the slow disk makes each wait, and how long.
SLOW = ("fsync", "rename", "mkdirat", "unlinkat", "pread64", "read")
MICROSECONDS = 20_000
CLOCK = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>
static void asked(void) { if (write(9, "wall clock\\n", 11) < 0) _exit(99); }
int clock_gettime(clockid_t id, struct timespec *t) {
    static int (*real)(clockid_t, struct timespec *);
    if (id != CLOCK_REALTIME && id != CLOCK_REALTIME_COARSE) {
        if (!real) real = dlsym(RTLD_NEXT, "clock_gettime");
        return real(id, t);
    }
    asked(); t->tv_sec = 0; t->tv_nsec = 0; return 0;
}
time_t time(time_t *t) { asked(); if (t) *t = 0; return 0; }
int gettimeofday(struct timeval *t, void *zone) { (void)zone; asked(); t->tv_sec = 0; t->tv_usec = 0; return 0; }
"""


@contextlib.contextmanager
def _tmpfs(place: Path, pages: int | None = None) -> Iterator[None]:
    size = f"size={pages * 4}k" if pages else "size=16m"
    subprocess.run(["mount", "-t", "tmpfs", "-o", size, "none", str(place)], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "-R", str(place)], check=True)


def full_disk(scene: Scene, free: Sequence[int]) -> Row:
    """The disk has so many pages left; /run has room, as it has on a machine."""
    broken = []
    for pages in free:
        with _tmpfs(scene.path):
            scene.restore()
            with _tmpfs(scene.path / "run"):
                _fill(scene.path / "filler", pages)
                done = run_agent(scene.path)
                wrong = judge_words(done)
                (scene.path / "filler").unlink()
                wrong += judge_files(scene, scene.path)
            wrong += judge_next(scene, scene.path, failed=True)
        broken += [f"with {pages} pages left: {what}" for what in wrong]
    scene.restore()
    return Row("the disk is full", scene.name, len(free), tuple(broken))


def _fill(file: Path, pages: int) -> None:
    """Take all but so many pages."""
    page = os.sysconf("SC_PAGESIZE")
    with file.open("wb", buffering=0) as filler:
        with contextlib.suppress(OSError):
            while True:
                filler.write(bytes(page))
        filler.truncate(max(0, filler.tell() - pages * page))


def read_only(scene: Scene) -> list[Row]:
    """The root is read-only and /run is not, and then /run is too."""
    rows = []
    for fault, run_too in (("the root is read-only", False), ("all is read-only", True)):
        with _tmpfs(scene.path):
            scene.restore()
            with contextlib.nullcontext() if run_too else _tmpfs(scene.path / "run"):
                subprocess.run(["mount", "-o", "remount,ro", str(scene.path)], check=True)
                done = run_agent(scene.path)
                subprocess.run(["mount", "-o", "remount,rw", str(scene.path)], check=True)
                wrong = [*judge_words(done), *judge_files(scene, scene.path)]
            expected = CommitError.exit_code if run_too else 0
            if done.returncode != expected or "Read-only file system" not in done.stderr:
                wrong.append(f"ended with {done.returncode} and said {done.stderr!r}")
            wrong += judge_next(scene, scene.path)
        rows.append(Row(fault, scene.name, 1, tuple(wrong)))
    scene.restore()
    return rows


def slow(scene: Scene) -> Row:
    """Each call to the disk takes 20 ms longer than it would."""
    scene.restore()
    rules = [f"{name}:delay_enter={MICROSECONDS}" for name in SLOW]
    return Row("each call to the disk takes 20 ms more", scene.name, 1, tuple(_undisturbed(scene, *inject(*rules))))


def little_memory(scene: Scene) -> list[Row]:
    """64 MiB for all that the process maps, libraries and all, and for its data."""
    return [
        Row(f"64 MiB of {what}", scene.name, 1, tuple(_undisturbed(scene, "prlimit", f"--{limit}={MEMORY}")))
        for limit, what in (("as", "address space"), ("data", "data"))
    ]


def no_entropy(scene: Scene, tmp: Path) -> list[Row]:
    """The kernel has no random bytes yet, or no such call; and the agent itself never asks for any."""
    rows = []
    for error in ("EAGAIN", "ENOSYS"):
        wrong = _undisturbed(scene, *inject(f"getrandom:error={error}"))
        rows.append(Row(f"no entropy: {error}", scene.name, 1, tuple(wrong)))
    scene.restore()
    asked = [call.line for call in list_calls(scene.path, tmp / "calls") if _asks_for_entropy(call)]
    scene.restore()
    return [*rows, Row("the agent's own calls for entropy: there are none", scene.name, 1, tuple(asked))]


def _asks_for_entropy(call: Call) -> bool:
    return call.name == "getrandom" or (call.name == "openat" and "random" in call.line and "_random" not in call.line)


def early_clock(scene: Scene, tmp: Path) -> list[Row]:
    """A library before the C library's says that it is 1970, and to file descriptor 9 that it was asked."""
    (tmp / "clock.c").write_text(CLOCK)
    library = tmp / "clock.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-o", str(library), str(tmp / "clock.c"), "-ldl"], check=True)
    preload = f'exec 9>>"{tmp}/asked"; LD_PRELOAD="{library}" exec "$@"'
    program = ["sh", "-c", preload, "sh"]
    subprocess.run([*program, "python3", "-c", "import time; assert time.time() == 0"], check=True)
    # The interpreter tries each clock once, as it loads the module.
    (tmp / "asked").write_text("")
    subprocess.run([*program, sys.executable, "-I", "-S", "-c", "import time"], check=True)
    tried = (tmp / "asked").read_text().splitlines()
    assert tried, "the library is not asked"
    (tmp / "asked").write_text("")
    wrong = _undisturbed(scene, *program)
    asked = (tmp / "asked").read_text().splitlines()
    return [
        Row("the clock says 1970", scene.name, 1, tuple(wrong)),
        Row("the agent's own questions for the wall clock: there are none", scene.name, 1, tuple(asked[len(tried) :])),
    ]


def two_agents(scene: Scene, tries: int) -> list[Row]:
    """One is at work, and another comes; and eight at once."""
    broken: list[str] = []
    for _ in range(tries):
        scene.restore()
        lock = scene.path / "run/bootagent/lock"
        slowed = [*inject("fsync:delay_enter=100000"), *command(scene.path)]
        with subprocess.Popen(slowed, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as first:
            deadline = time.monotonic() + 60
            while not lock.exists() and time.monotonic() < deadline:
                time.sleep(0.005)
            assert lock.exists()
            second = run_agent(scene.path)
            said = first.communicate()[1]
        if (second.returncode, second.stderr.count("\n")) != (BusyError.exit_code, 1):
            broken.append(f"the second ended with {second.returncode} and said {second.stderr!r}")
        if (first.returncode, said) != (0, ""):
            broken.append(f"the first ended with {first.returncode} and said {said!r}")
        broken += [*_done(scene), *judge_next(scene, scene.path)]
    crowd = _crowd(scene, tries)
    return [Row("a second agent comes", scene.name, tries, tuple(broken)), crowd]


def _crowd(scene: Scene, tries: int) -> Row:
    broken = []
    for _ in range(tries):
        scene.restore()
        crowd = [
            subprocess.Popen(command(scene.path), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
            for _ in range(8)
        ]
        ends = [(process.communicate()[1], process.returncode) for process in crowd]
        good = [code for said, code in ends if (code, said) == (0, "")]
        busy = [code for said, code in ends if code == BusyError.exit_code and said.count("\n") == 1]
        if not good or len(good) + len(busy) != len(crowd):
            broken.append(f"ended with {ends}")
        broken += [*_done(scene), *judge_next(scene, scene.path)]
    return Row("eight agents at once", scene.name, tries, tuple(broken))


def _done(scene: Scene) -> list[str]:
    """The boot has done all of its work."""
    wrong = judge_files(scene, scene.path)
    return wrong + [f"{path} is not there" for path in scene.after if not os.path.lexists(scene.path / path)]


def _undisturbed(scene: Scene, *prefix: str) -> list[str]:
    """What is other than without the fault, which is to make no difference."""
    scene.restore()
    done = run_agent(scene.path, *prefix)
    wrong = [] if (done.returncode, done.stderr) == (0, "") else [f"{done.returncode}: {done.stderr.strip()}"]
    wrong += [*_done(scene), *judge_next(scene, scene.path)]
    scene.restore()
    return wrong
