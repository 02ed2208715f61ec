# SPDX-License-Identifier: Apache-2.0
"""What else the drives of ``drives.py`` have: user data and the option that has it run, injected files, a seed."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pytest

from .drives import INJECTED

if TYPE_CHECKING:
    from .conftest import Visit
    from .journey import Boot

RAN_A = [f"{name} as 0, active, HOME=/root" for name in ("001-first.sh", "003-second.sh")]
RAN_B = ["000 as 0, active, HOME=/root"]  # user data that is one script has a number and no name


def test_scripts_run_once_for_each_instance(boot: Boot, visit: Visit) -> None:
    """With the network up, in their order: on the first boot of each instance and on no other."""
    ran = RAN_A + (RAN_B if visit.stage == "other" else [])
    assert boot.snapshot.said["user_data"].splitlines() == ran
    journal = boot.snapshot.said["user_data_journal"]
    assert journal.count("said by a script") == {"first": 2, "other": 1}.get(visit.stage, 0)
    assert boot.snapshot.said["left_over"].split() != []
    assert "user-data" not in boot.snapshot.said["left_over"]
    assert ".sh" not in boot.snapshot.said["left_over"]


@pytest.mark.boots("first")
def test_what_is_no_script_is_named_and_not_shown(boot: Boot) -> None:
    journal = boot.snapshot.said["user_data_journal"]
    assert "part 2 (config.yaml): 'text/cloud-config' is not handled" in journal
    assert "part 1 (first.sh): ended with 0" in journal
    assert "hidden" not in journal + boot.snapshot.console


def test_injected_files_are_the_instances(boot: Boot, visit: Visit) -> None:
    """Their bytes, for root alone; the other instance's file goes with it."""
    files = ["everyone's 600 root:root"] if visit.stage == "other" else ["alpha's", "everyone's"]
    if visit.stage != "other":
        files = [f"{name} 600 root:root" for name in files]
    assert boot.snapshot.said["injected"].splitlines() == [*files, f"{hashlib.sha256(INJECTED).hexdigest()}  -"]


def test_the_seed_is_credited_on_the_first_boot_of_an_instance(boot: Boot, visit: Visit) -> None:
    """systemd's program has no complaint, and nothing is left that could be credited again."""
    is_first = visit.stage in ("first", "other")
    assert boot.snapshot.said["seed"].splitlines() == [
        "Result=success",
        "ExecMainStatus=0",
        f"ConditionResult={'yes' if is_first else 'no'}",
    ]
    assert "Failed" not in boot.snapshot.said["seed_journal"]
    assert "random-seed" not in boot.snapshot.said["left_over"]
