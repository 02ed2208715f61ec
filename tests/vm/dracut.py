# SPDX-License-Identifier: Apache-2.0
"""Images whose initramfs dracut made, with the agent's module in it or without."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

from . import base

if TYPE_CHECKING:
    import pathlib

# Beside initramfs-tools, whose initrd.img is replaced.
EXTRA = base.Extra("dracut", ("dracut-core",))
MODULE = "bootagent"


def make_initramfs(tree: pathlib.Path, module: bool) -> None:
    """Have the tree's own dracut make the initramfs of the tree's kernel, as an image builder does: for any machine."""
    (kernel,) = (path.name for path in (tree / "lib/modules").iterdir())
    wanted = ["--add", MODULE] if module else ["--omit", MODULE]
    # Not as small as it could be, in a fifth of the time.
    command = ["dracut", "--quiet", "--force", "--no-hostonly", "--compress", "zstd -3 -q -T0", *wanted]
    command += [f"/boot/initrd.img-{kernel}", kernel]
    environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C", "HOME": "/root"}
    with base.chroot_mounts(tree):
        result = subprocess.run(
            ["chroot", str(tree), *command],
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
    if result.returncode:
        message = f"{' '.join(command)} failed with {result.returncode}: {result.stdout}{result.stderr}"
        raise RuntimeError(message)


def list_initramfs(tree: pathlib.Path) -> frozenset[str]:
    """The paths in the initramfs."""
    (image,) = (tree / "boot").glob("initrd.img-*")
    listed = subprocess.run(
        ["chroot", str(tree), "lsinitrd", f"/boot/{image.name}"],
        env={**os.environ, "LC_ALL": "C"},
        capture_output=True,
        text=True,
        check=True,
    )
    return frozenset(
        line.split()[8] for line in listed.stdout.splitlines() if line[:1] in "-dl" and len(line.split()) > 8
    )
