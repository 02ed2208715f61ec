# SPDX-License-Identifier: Apache-2.0
"""Shared fixtures: a scratch root that is a machine, and hypothesis profiles."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from pathlib import Path

# How often a property is tried; a cheap one that is about much has several times as many.  On the other Pythons fewer:
# what another Python may change is not the values.
EXAMPLES = int(os.environ.get("EXAMPLES", "100"))
settings.register_profile(
    "default",
    deadline=None,
    max_examples=EXAMPLES,
    suppress_health_check=[HealthCheck.too_slow],
    print_blob=True,
)
settings.load_profile("default")


class MachineDirectory:
    """A root directory that looks like a machine to the agent."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __str__(self) -> str:
        return str(self.path)

    def write(self, path: str, content: str | bytes, mode: int = 0o644) -> Path:
        """Put a file below the root."""
        place = self.path / path.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content.encode() if isinstance(content, str) else content)
        place.chmod(mode)
        return place

    def read(self, path: str) -> str:
        """The content of a file below the root."""
        return (self.path / path.lstrip("/")).read_text(encoding="utf-8")

    def has(self, path: str) -> bool:
        """Whether the path is there."""
        return os.path.lexists(self.path / path.lstrip("/"))

    def add_nic(self, name: str, mac: str, kind: str = "1", driver: str = "") -> None:
        """Add a physical NIC to sysfs."""
        base = f"/sys/class/net/{name}"
        self.write(f"{base}/address", f"{mac}\n")
        self.write(f"{base}/type", f"{kind}\n")
        (self.path / base.lstrip("/") / "device").mkdir()
        if driver:
            (self.path / base.lstrip("/") / "device" / "driver").symlink_to(f"../../bus/drivers/{driver}")

    def enable(self, unit: str) -> None:
        """Install a systemd unit and enable it, as ``systemctl enable`` would."""
        self.write(f"/usr/lib/systemd/system/{unit}", "[Service]\n")
        wants = self.path / "etc/systemd/system/multi-user.target.wants"
        wants.mkdir(parents=True, exist_ok=True)
        (wants / unit).symlink_to(f"/usr/lib/systemd/system/{unit}")

    def add_python(self, version: str = "3.11") -> None:
        """Install an interpreter as distributions do; it does not run here."""
        self.write(f"/usr/bin/python{version}", "", 0o755)
        (self.path / "usr/bin/python3").unlink(missing_ok=True)
        (self.path / "usr/bin/python3").symlink_to(f"python{version}")


def put_in_place(path: Path, content: str) -> None:
    """A file as udev writes those of its database: under another name, which is the hidden one of fopen_temporary()."""
    temporary = path.with_name(f".#{path.name}0123456789abcdef")
    temporary.write_text(content, encoding="ascii")
    temporary.rename(path)


@pytest.fixture
def machine(tmp_path: Path) -> MachineDirectory:
    """An empty machine."""
    path = tmp_path / "root"
    path.mkdir()
    return MachineDirectory(path)
