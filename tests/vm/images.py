# SPDX-License-Identifier: Apache-2.0
"""Make the disk that one test machine boots from: a base tree, the agent put in, and a shell for the test."""

from __future__ import annotations

import pathlib
import shutil
import subprocess
import tempfile
from typing import TYPE_CHECKING, NamedTuple

from . import base

if TYPE_CHECKING:
    from collections.abc import Callable

CHECKOUT = pathlib.Path(__file__).resolve().parents[2]
DISK_BYTES = 1536 * 1024 * 1024

# Root's shell for the test, over a virtio-serial port: it works when the network does not. One line is one command in
# base64, the answer is its exit code and what it printed. In the test's disk only, and ordered after nothing of ours.
SHELL_SCRIPT = """#!/bin/sh
until [ -e /dev/virtio-ports/vmtest ]; do sleep 0.2; done
exec 3<>/dev/virtio-ports/vmtest
while read -r line <&3; do
    output=$(printf %s "$line" | base64 -d | sh 2>&1 3>&-)
    code=$?
    printf '%s %s\\n' "$code" "$(printf %s "$output" | base64 -w 0)" >&3
done
"""
SHELL_UNIT = """[Unit]
Description=Root shell of the VM test
DefaultDependencies=no
After=local-fs.target
StartLimitIntervalSec=0

[Service]
ExecStart=/usr/local/sbin/vmtest-shell
Restart=always
RestartSec=1

[Install]
WantedBy=sysinit.target
"""

# Nothing in a minimal Debian wants network-online.target; a test of it needs a service that does, as real servers have.
# It keeps what it found.
WHEN_ONLINE = "/run/vmtest-online.json"
ONLINE_UNIT = f"""[Unit]
Description=A service that needs the network to be online
Wants=network-online.target
After=network-online.target

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/sh -c 'ip -d -j addr >{WHEN_ONLINE}'

[Install]
WantedBy=multi-user.target
"""


class Disk(NamedTuple):
    """What QEMU needs to boot a machine: the root disk, and the kernel and initrd that were in it."""

    root: pathlib.Path
    kernel: pathlib.Path
    initrd: pathlib.Path
    kind: str = "raw"  # QEMU's name of the disk's format


def make_disk(
    suite: str,
    image: str,
    directory: pathlib.Path,
    install: Callable[[pathlib.Path], None],
    extra: base.Extra = base.NOTHING_ELSE,
    needs_online: bool = True,
) -> Disk:
    """A fresh disk in this directory; ``install`` gets the tree before it becomes a file system.

    ``needs_online`` puts in a service that is ordered after network-online.target.
    """
    base_tree = base.base_tree(suite, image, extra)
    tree = pathlib.Path(tempfile.mkdtemp(prefix="tree.", dir=directory))
    try:
        base.copy_tree(base_tree, tree)
        install(tree)
        _add_units(tree, needs_online)
        root = directory / "root.img"
        with root.open("wb") as stream:
            stream.truncate(DISK_BYTES)
        subprocess.run(["mke2fs", "-q", "-F", "-t", "ext4", "-L", "root", "-d", str(tree), str(root)], check=True)
        kernel = _copy_only(tree / "boot", "vmlinuz-*", directory / "vmlinuz")
        initrd = _copy_only(tree / "boot", "initrd.img-*", directory / "initrd.img")
    finally:
        shutil.rmtree(tree)
    return Disk(root, kernel, initrd)


def install_agent(tree: pathlib.Path) -> None:
    """Put the agent of this checkout into the tree, as an image builder does."""
    _run_verb("install", tree)


def install_and_seal(tree: pathlib.Path) -> None:
    """The same, and take out what the tree says of the machine that it was built on; nothing is left to find."""
    _run_verb("install", tree)
    _run_verb("seal", tree)
    _run_verb("seal", tree, "--check")


def _run_verb(verb: str, tree: pathlib.Path, *options: str) -> None:
    command = ["python3", "-m", "bootagent", verb, "--root", str(tree), *options]
    result = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=False)
    if result.returncode:
        message = f"bootagent {verb} failed with {result.returncode}: {result.stdout}{result.stderr}"
        raise RuntimeError(message)


def _add_units(tree: pathlib.Path, needs_online: bool) -> None:
    script = tree / "usr/local/sbin/vmtest-shell"
    script.write_text(SHELL_SCRIPT, encoding="utf-8")
    script.chmod(0o755)
    units = tree / "etc/systemd/system"
    (units / "vmtest-shell.service").write_text(SHELL_UNIT, encoding="utf-8")
    added = {"vmtest-shell": SHELL_UNIT} | ({"vmtest-online": ONLINE_UNIT} if needs_online else {})
    for name, text in added.items():
        (units / f"{name}.service").write_text(text, encoding="utf-8")
    subprocess.run(["systemctl", f"--root={tree}", "-q", "enable", *added], check=True)


def _copy_only(directory: pathlib.Path, pattern: str, target: pathlib.Path) -> pathlib.Path:
    (source,) = directory.glob(pattern)
    shutil.copyfile(source, target)
    return target
