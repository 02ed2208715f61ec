# SPDX-License-Identifier: Apache-2.0
"""The power is cut at a system call: what the disk has not, is gone.

The machine lies on ext4 on a loop device. As the agent is killed the file system is shut down by its own ioctl, with
the journal's last transactions lost (``NOLOGFLUSH``) or, which is the harder case for a file that was renamed before
its content was flushed, with the journal on the disk and nothing else (``LOGFLUSH``).  Nothing else writes back: the
journal's interval is an hour.  https://docs.kernel.org/filesystems/ext4/journal.html, EXT4_IOC_SHUTDOWN of ext4.h.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import functools
import os
import struct
import subprocess
from typing import TYPE_CHECKING

from tests.reliability.agent import inject, run_agent
from tests.reliability.outcome import Row, judge_files, judge_next
from tests.reliability.scenes import end_boot

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from tests.reliability.agent import Call
    from tests.reliability.scenes import Scene

SHUTDOWN = 0x8004587D  # _IOR('X', 125, __u32)
FLAGS = {"with the journal on the disk": 1, "with the journal's end lost": 2}
OPTIONS = "loop,commit=3600"
CLONE_NEWNS = 0x20000  # linux/sched.h


@functools.lru_cache
def have_own_mounts() -> None:
    """A mount namespace of this process's own: one that any other program makes has the disks that it finds, and keeps
    them, with what is not written yet, when they are unmounted here.
    """
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNS):
        raise OSError(ctypes.get_errno(), "no mount namespace")
    subprocess.run(["mount", "--make-rprivate", "/"], check=True)


@contextlib.contextmanager
def mounted(image: Path, place: Path) -> Iterator[None]:
    """The image's file system at ``place``."""
    subprocess.run(["mount", "-o", OPTIONS, str(image), str(place)], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", str(place)], check=True)


def shut_down(place: Path, flag: int) -> None:
    """Take the disk away."""
    fd = os.open(place, os.O_RDONLY)
    try:
        fcntl.ioctl(fd, SHUTDOWN, struct.pack("I", flag))
    finally:
        os.close(fd)


def make_disks(scene: Scene, tmp: Path, parts: tuple[str, ...]) -> dict[str, Path]:
    """An image for each file system of the machine: its root, and what else is one of its own."""
    scene.restore()
    disks = {}
    for part in ("", *parts):
        image = tmp / f"disk{part.replace('/', '-')}"
        with image.open("wb") as file:
            file.truncate(8 << 20)
        subprocess.run(["mkfs.ext4", "-q", "-F", str(image)], check=True)
        disks[part] = image
    with contextlib.ExitStack() as stack:
        files = tmp / "files"
        subprocess.run(["cp", "-a", str(scene.path), str(files)], check=True)
        _mount(scene.path, disks, stack)
        subprocess.run(["cp", "-a", f"{files}/.", str(scene.path)], check=True)
        for part in parts:
            subprocess.run(["rmdir", str(scene.path / part / "lost+found")], check=True)
    subprocess.run(["rm", "-rf", str(files)], check=True)
    return disks


def _mount(place: Path, disks: dict[str, Path], stack: contextlib.ExitStack) -> None:
    for part, image in disks.items():
        (place / part).mkdir(parents=True, exist_ok=True)
        stack.enter_context(mounted(image, place / part))


def after(calls: Sequence[Call]) -> Call:
    """A call that no boot comes to: the cut is when the agent has ended."""
    return calls[-1]._replace(number=1 << 14, line="the end")


def cut_at(scene: Scene, calls: Iterable[Call], tmp: Path, how: str, parts: tuple[str, ...] = ()) -> Row:
    """Kill and cut at each call; then boot again from what the disk has."""
    have_own_mounts()
    disks = make_disks(scene, tmp, parts)
    broken = []
    tries = 0
    for call in calls:
        # Another name each time: mount(8) may find a loop device of the last one, with what it remembers of its blocks.
        work = {part: image.with_suffix(f".{tries}") for part, image in disks.items()}
        for part, image in disks.items():
            subprocess.run(["cp", "--sparse=always", str(image), str(work[part])], check=True)
        with contextlib.ExitStack() as stack:
            _mount(scene.path, work, stack)
            run_agent(scene.path, *inject(f"{call.name}:signal=SIGKILL:when={call.number}"))
            for part in reversed(tuple(work)):
                shut_down(scene.path / part, FLAGS[how])
        with contextlib.ExitStack() as stack:
            _mount(scene.path, work, stack)
            end_boot(scene.path)
            wrong = [*judge_files(scene, scene.path), *judge_next(scene, scene.path)]
        for image in work.values():
            image.unlink()
        tries += 1
        broken += [f"cut at {call.line[:90]}: {what}" for what in wrong]
    of_its_own = f", {' and '.join('/' + part for part in parts)} on a disk of its own" if parts else ""
    return Row(f"power cut {how}{of_its_own}", scene.name, tries, tuple(broken))
