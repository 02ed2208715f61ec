# SPDX-License-Identifier: Apache-2.0
"""What becomes of an image that ``seal`` made fit to be cloned: a machine of its own, with the image's network."""

from __future__ import annotations

import re
import subprocess
from typing import TYPE_CHECKING

import pytest

from . import base
from .images import CHECKOUT

if TYPE_CHECKING:
    from .conftest import Visit
    from .journey import Boot, Journey

DAEMONS = ("systemd-networkd.service", "networking.service", "NetworkManager.service")
DAEMON_OF = {"ifupdown": "networking.service", "networkd": "systemd-networkd.service"}

pytestmark = pytest.mark.sealed


def host_keys(text: str) -> set[str]:
    return {" ".join(line.split()[:2]) for line in text.splitlines()}


@pytest.mark.parametrize("suite", ["bookworm", "trixie"])
def test_a_tree_that_is_not_sealed_has_what_a_clone_would_suffer_from(suite: str) -> None:
    """What is left of it after ``seal`` is nothing, or the disk of ``install_and_seal`` is not made."""
    command = ["python3", "-m", "bootagent", "seal", "--check", "--root", str(base.base_tree(suite, "ifupdown"))]
    done = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=False)
    found = dict(line.split(": ", 1) for line in done.stdout.splitlines())
    assert done.returncode == 1
    keys = [f"/etc/ssh/ssh_host_{kind}_key{end}" for kind in ("rsa", "ecdsa", "ed25519") for end in ("", ".pub")]
    assert {"/etc/machine-id", "/var/log/dpkg.log", "/etc/ssh", *keys} <= found.keys()
    assert "enable systemd-networkd.service" in found["/etc/systemd/system-preset/00-bootagent.preset"]


@pytest.mark.boots("first")
def test_a_clone_has_host_keys_and_none_of_the_builders(boot: Boot, visit: Visit) -> None:
    built = base.base_tree(visit.suite, visit.image) / "etc/ssh"
    builders = host_keys("".join(path.read_text(encoding="utf-8") for path in built.glob("ssh_host_*_key.pub")))
    found = host_keys(boot.snapshot.said["host_keys"])
    assert {key.split()[0] for key in builders} == {key.split()[0] for key in found}
    assert len(builders) == 3
    assert builders & found == set()


@pytest.mark.boots("first")
def test_a_clone_has_a_machine_id(boot: Boot) -> None:
    assert re.fullmatch(r"[0-9a-f]{32}", boot.snapshot.said["machine_id"])


def test_the_first_boot_started_no_other_network_daemon(boot: Boot, visit: Visit) -> None:
    enabled = {line.split()[0] for line in boot.snapshot.said["units_enabled"].splitlines()}
    assert enabled & set(DAEMONS) == {DAEMON_OF[visit.image]}
    assert "bootagent.service" in enabled


@pytest.mark.boots("again", "rebooted", "other")
def test_a_later_boot_keeps_the_machine_and_makes_no_keys(boot: Boot, journey: Journey) -> None:
    first = journey.boot("first")
    for name in ("machine_id", "host_keys"):
        assert boot.snapshot.said[name] == first.snapshot.said[name]
    assert "yes" in first.snapshot.said["host_keys_made"].split()
    assert "yes" not in boot.snapshot.said["host_keys_made"].split()
