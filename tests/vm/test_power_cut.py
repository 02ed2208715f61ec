# SPDX-License-Identifier: Apache-2.0
"""The power is cut in a first boot, while and after the agent is at work: two tries of ``make reliability``."""

from __future__ import annotations

import pathlib
import tempfile
from typing import TYPE_CHECKING

import pytest

from tests.reliability import machines, moments
from tests.reliability.first_boot import FirstBoot, Image, places

from .conftest import require_tools

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.reliability.first_boot import Try

SEED = 10  # in the midst of the files, and of the host keys
WANTED = (moments.AT_WORK, moments.AFTER)  # the first that are chosen


@pytest.fixture(scope="module")
def tries() -> Iterator[list[Try]]:
    """One in each phase."""
    require_tools(machines.TOOLS)
    with tempfile.TemporaryDirectory(prefix="bootagent-cut.") as name, places(1, pathlib.Path(name)) as free:
        boot = FirstBoot(Image("bookworm", "networkd", sealed=True), pathlib.Path(name))
        chosen = moments.choose(boot.measure(free), len(WANTED), SEED)
        yield list(machines.run(boot, chosen, free))


def test_no_file_is_half_and_the_next_boot_completes_it_all(tries: list[Try]) -> None:
    """On the disk as the cut left it, and on the machine after the next boot."""
    assert {str(one.moment): one.broken for one in tries if one.broken} == {}


def test_the_power_was_cut_while_and_after_the_agent_worked(tries: list[Try]) -> None:
    assert {one.phase for one in tries} == set(WANTED)
