# SPDX-License-Identifier: Apache-2.0
"""CPU, memory and system calls of a whole boot's agent work, beside the start of a bare interpreter, in one run."""

from __future__ import annotations

import subprocess
from typing import NamedTuple

from tests.vm import base, images

from . import inside, scratch
from .results import Work

SUITE, IMAGE = "bookworm", "networkd"


class Figures(NamedTuple):
    """What this part has to say; see ``results.Results`` for each."""

    ratio: tuple[Work, ...]
    calls: dict[str, dict[str, int]]
    installed: dict[str, int]
    python: str  # its version


def run(rounds: int) -> Figures:
    """Interleaved rounds; ``CalledProcessError`` if a boot did not configure the machine."""
    with scratch.directory() as directory:
        tree = scratch.copy_tree(base.base_tree(SUITE, IMAGE), directory / "tree")
        images.install_agent(tree)
        with scratch.hardware(directory / "hardware", 1) as hardware:
            *measured, calls = inside.run(tree, hardware, {"rounds": rounds})
        asked = subprocess.run(
            ["chroot", str(tree), "/usr/bin/python3", "--version"], capture_output=True, text=True, check=True
        )
        ratio = tuple(Work(**entry) for entry in measured)
        return Figures(ratio, calls, scratch.installed_bytes(tree), asked.stdout.split()[1])
