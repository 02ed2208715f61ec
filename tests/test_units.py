# SPDX-License-Identifier: Apache-2.0
"""The systemd unit: no cycle with a real set of units, little power, and a reason beside each ordering line."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

UNITS = sorted(Path(__file__).resolve().parent.parent.glob("systemd/*.service"))
MAX_EXPOSURE = 2.0


def analyze(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["systemd-analyze", *arguments], capture_output=True, text=True, check=False)


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_systemd_understands_the_unit(unit: Path) -> None:
    done = analyze("verify", "--man=no", str(unit))
    about_us = [line for line in done.stderr.splitlines() if unit.name in line and "is not executable" not in line]
    assert about_us == []


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_the_exposure_is_low(unit: Path) -> None:
    done = analyze("security", "--offline=yes", str(unit))
    found = re.search(r"Overall exposure level for \S+: ([\d.]+)", done.stdout)
    assert found, done.stderr
    assert float(found[1]) <= MAX_EXPOSURE


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_each_ordering_line_has_a_reason_above_it(unit: Path) -> None:
    previous = ""
    for line in unit.read_text(encoding="ascii").splitlines():
        if line.startswith(("After=", "Before=", "Wants=", "RequiresMountsFor=", "Conflicts=", "DefaultDependencies=")):
            assert previous.startswith("#") or "=" in previous, f"{line} has no reason"
        previous = line


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_a_hang_ends(unit: Path) -> None:
    found = re.search(r"^TimeoutStartSec=(\d+)$", unit.read_text(encoding="ascii"), re.MULTILINE)
    assert found
    assert 0 < int(found[1]) <= 90
