# SPDX-License-Identifier: Apache-2.0
"""The systemd unit: no cycle with a real set of units, little power, and a reason beside each ordering line."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

UNITS = sorted(Path(__file__).resolve().parent.parent.glob("systemd/*.service"))
BOOT_UNIT = next(unit for unit in UNITS if unit.name == "bootagent.service")
MAX_EXPOSURE = 2.0
ORDERING = ("After=", "Before=", "Wants=", "PartOf=", "RequiresMountsFor=", "Conflicts=", "DefaultDependencies=")


def analyze(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["systemd-analyze", *arguments], capture_output=True, text=True, check=False)


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_systemd_understands_the_unit(unit: Path) -> None:
    done = analyze("verify", "--man=no", str(unit))
    # The agent and ifupdown need not be installed where this is tested.
    about_us = [line for line in done.stderr.splitlines() if unit.name in line and "is not executable" not in line]
    assert about_us == []


def test_the_exposure_of_the_boot_unit_is_low() -> None:
    """The other unit starts the image's own DHCP clients, which need the network and their own powers."""
    done = analyze("security", "--offline=yes", str(BOOT_UNIT))
    found = re.search(r"Overall exposure level for \S+: ([\d.]+)", done.stdout)
    assert found, done.stderr
    assert float(found[1]) <= MAX_EXPOSURE


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_each_ordering_line_has_a_reason_above_it(unit: Path) -> None:
    previous = ""
    for line in unit.read_text(encoding="ascii").splitlines():
        if line.startswith(ORDERING):
            assert previous.startswith("#") or "=" in previous, f"{line} has no reason"
        previous = line


def test_a_hang_of_the_boot_unit_ends() -> None:
    found = re.search(r"^TimeoutStartSec=(\d+)$", BOOT_UNIT.read_text(encoding="ascii"), re.MULTILINE)
    assert found
    assert 0 < int(found[1]) <= 90
