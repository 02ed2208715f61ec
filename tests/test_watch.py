# SPDX-License-Identifier: Apache-2.0
"""A real inotify on real files: whatever comes when, it is heard of, and nothing that is not asked for ends a wait."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING

import pytest

from bootagent.watch import Watch
from tests.conftest import put_in_place

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

LONG = 20.0  # seconds that no wait here may take


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """One that is not there, as is the one above it."""
    return tmp_path / "udev" / "data"


@pytest.fixture
def watch(directory: Path) -> Iterator[Watch]:
    watch = Watch(str(directory), "b")
    yield watch
    watch.close()


def wait_until(watch: Watch, is_there: Callable[[], bool]) -> float:
    """As late.py does; the seconds that it took."""
    begin = time.monotonic()
    while not is_there() and (left := begin + LONG - time.monotonic()) > 0:
        watch.wait(left)
    return time.monotonic() - begin


def test_a_name_that_came_before_the_wait_is_heard(directory: Path) -> None:
    directory.mkdir(parents=True)
    watch = Watch(str(directory), "b")
    put_in_place(directory / "b8:0", "")
    begin = time.monotonic()
    watch.wait(LONG)
    watch.close()
    assert time.monotonic() - begin < LONG / 2


@pytest.mark.parametrize("others", [("n2", "c4:64", "+pci:0000:00:03.0"), ("c4:64",) * 3000])
def test_other_names_do_not_end_a_wait(directory: Path, others: tuple[str, ...]) -> None:
    directory.mkdir(parents=True)
    watch = Watch(str(directory), "b")
    for name in others:
        put_in_place(directory / name, "")
    begin = time.monotonic()
    watch.wait(0.2)
    watch.close()
    assert time.monotonic() - begin >= 0.2


def test_the_directory_may_come_later(directory: Path, watch: Watch) -> None:
    for above in (directory.parent, directory):
        above.mkdir()
        watch.wait(LONG)
    put_in_place(directory / "b8:0", "")
    watch.wait(LONG)
    assert wait_until(watch, (directory / "b8:0").exists) < LONG / 2


def test_the_directory_may_go_and_come_again(directory: Path) -> None:
    directory.mkdir(parents=True)
    watch = Watch(str(directory), "b")
    directory.rmdir()
    watch.wait(LONG)
    directory.mkdir()
    watch.wait(LONG)
    put_in_place(directory / "b8:0", "")
    assert wait_until(watch, (directory / "b8:0").exists) < LONG / 2
    begin = time.monotonic()
    watch.wait(LONG)
    watch.close()
    assert time.monotonic() - begin < LONG / 2


def test_whenever_it_comes_it_is_not_missed(tmp_path: Path) -> None:
    """Directories and name while the watch is set, looked for and waited for, at another moment each time."""

    def make(directory: Path, pause: float) -> None:
        for above in (directory.parent, directory):
            time.sleep(pause)
            above.mkdir()
        time.sleep(pause)
        put_in_place(directory / "b8:0", "")

    for turn in range(300):
        directory = tmp_path / str(turn) / "udev" / "data"
        directory.parent.parent.mkdir()
        maker = threading.Thread(target=make, args=(directory, turn / 1e6))
        maker.start()
        watch = Watch(str(directory), "b")
        assert wait_until(watch, (directory / "b8:0").exists) < LONG / 2
        watch.close()
        maker.join()


def test_a_silence_ends_with_the_time(directory: Path, watch: Watch) -> None:
    begin = time.monotonic()
    watch.wait(0.2)
    assert 0.2 <= time.monotonic() - begin < LONG / 2


def test_what_is_no_directory_cannot_be_watched(directory: Path) -> None:
    directory.parent.mkdir()
    directory.touch()
    with pytest.raises(NotADirectoryError):
        Watch(str(directory), "b")


def test_nobody_who_does_not_wait_loads_the_bridge_to_the_c_library() -> None:
    code = "import sys; from bootagent import late, watch; print('ctypes' in sys.modules)"
    done = subprocess.run([sys.executable, "-S", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
