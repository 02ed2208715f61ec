# SPDX-License-Identifier: Apache-2.0
"""A few of the faults of ``make reliability`` on each run: what was found once does not come back unseen."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.reliability import campaign, cut, faults, kills
from tests.reliability.scenes import Scene

if TYPE_CHECKING:
    from pathlib import Path

    from tests.reliability.agent import Call

FIRST = "first boot, networkd"
ANOTHER = "another instance, no network document, networkd"


class Prepared:
    """The scenes of these tests, and the calls of each."""

    def __init__(self, tmp: Path) -> None:
        self.tmp = tmp
        self.scenes = {name: Scene(name, tmp) for name in (FIRST, ANOTHER)}
        self.calls = {name: kills.find_calls(scene, tmp) for name, scene in self.scenes.items()}

    def pick(self, name: str, *words: str) -> list[Call]:
        """The first call for each of these, which name a call and a part of its line."""
        changing = campaign.changing(self.calls[name])
        return [next(call for call in changing if all(part in call.line for part in word.split())) for word in words]


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    return Prepared(tmp_path_factory.mktemp("reliability"))


def test_a_kill_leaves_old_or_new_and_the_next_boot_completes(prepared: Prepared) -> None:
    # A directory without its mode; somebody else's file that is to be replaced, after the manifest has ours.
    calls = prepared.pick(FIRST, "fchmod network", "renameat .manifest", "renameat .hostname", "fsync systemd/network")
    assert kills.kill_at(prepared.scenes[FIRST], calls).broken == ()


def test_a_kill_leaves_another_instance_to_the_next_boot(prepared: Prepared) -> None:
    # The manifest is there and nothing else yet; one file of the old instance is gone; all are.
    calls = prepared.pick(ANOTHER, "openat .hostname", "unlinkat banner 0", "unlinkat vlan20.netdev 0")
    calls.append(calls[-1]._replace(number=calls[-1].number + 1))
    assert kills.kill_at(prepared.scenes[ANOTHER], calls).broken == ()


@pytest.mark.parametrize("how", cut.FLAGS)
def test_a_power_cut_is_no_worse_than_a_kill(prepared: Prepared, tmp_path: Path, how: str) -> None:
    calls = prepared.pick(FIRST, "renameat .hostname", "renameat lib/bootagent inputs")
    broken = cut.cut_at(prepared.scenes[FIRST], [*calls, cut.after(calls)], tmp_path, how).broken
    assert broken == ()


def test_a_call_that_fails_costs_one_file(prepared: Prepared) -> None:
    calls = prepared.pick(ANOTHER, "fsync .manifest", "openat .hostname", "unlinkat vlan20.netdev 0")
    assert kills.fail_at(prepared.scenes[ANOTHER], calls, "EIO").broken == ()


def test_a_manifest_that_cannot_be_read_is_not_forgotten(prepared: Prepared) -> None:
    calls = [call for call in campaign.reading(prepared.calls[ANOTHER]) if "manifest.json" in call.line]
    assert kills.misread_at(prepared.scenes[ANOTHER], calls[:1]).broken == ()


def test_a_full_disk_is_a_line_for_each_file(prepared: Prepared) -> None:
    assert faults.full_disk(prepared.scenes[FIRST], (0, 3)).broken == ()


def test_a_read_only_disk_is_a_line_for_each_file(prepared: Prepared) -> None:
    assert [row.broken for row in faults.read_only(prepared.scenes[FIRST])] == [(), ()]


def test_little_memory_is_enough(prepared: Prepared) -> None:
    assert [row.broken for row in faults.little_memory(prepared.scenes[FIRST])] == [(), ()]


def test_no_entropy_is_enough(prepared: Prepared) -> None:
    rows = faults.no_entropy(prepared.scenes[FIRST], prepared.tmp)
    assert [row.broken for row in rows] == [(), (), ()]


def test_no_clock_is_asked(prepared: Prepared, tmp_path: Path) -> None:
    assert [row.broken for row in faults.early_clock(prepared.scenes[FIRST], tmp_path)] == [(), ()]


def test_of_two_agents_one_does_it_all(prepared: Prepared) -> None:
    assert [row.broken for row in faults.two_agents(prepared.scenes[FIRST], 1)] == [(), ()]
