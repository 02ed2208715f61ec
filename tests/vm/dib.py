# SPDX-License-Identifier: Apache-2.0
"""Build an image with diskimage-builder: debian-minimal, openssh-server, and the element of this checkout.

What it can reuse, the archives of packages and of debootstrap, is kept in the cache directory.  The disk has no
partition table, because making one needs device-mapper: QEMU is given the kernel and the initrd that were in the image.
"""

from __future__ import annotations

import fcntl
import os
import pathlib
import subprocess
import sys
from typing import TYPE_CHECKING

from . import base
from .images import CHECKOUT, Disk

if TYPE_CHECKING:
    from collections.abc import Mapping

ELEMENTS = ("debian-minimal", "openssh-server", "vmtest", "bootagent")
ASKED_WITH = ("iproute2", "iputils-ping")  # what the tests ask the machine with, and the element does not need
# A file system straight on the disk.
DISK = """
- local_loop:
    name: image0
- mkfs:
    name: mkfs_root
    base: image0
    type: ext4
    label: root
    mount:
      mount_point: /
      fstab:
        options: rw
"""
TOOLS = {
    "sudo": "sudo",
    "kpartx": "kpartx",
    "sgdisk": "gdisk",
    "qemu-img": "qemu-utils",
    "debugfs": "e2fsprogs",
}


def build_disk(suite: str, variables: Mapping[str, str], directory: pathlib.Path) -> Disk:
    """The image, as its builder leaves it, with these variables of the element; its log stays beside the caches."""
    cache = base.cache_directory() / "dib"
    cache.mkdir(parents=True, exist_ok=True)
    image = directory / "image.qcow2"
    environment = os.environ | {
        # Its programs find one another, and Python, in the path.
        "PATH": f"{pathlib.Path(sys.executable).parent}:{os.environ['PATH']}",
        "ELEMENTS_PATH": f"{CHECKOUT / 'elements'}:{pathlib.Path(__file__).with_name('elements')}",
        "DIB_RELEASE": suite,
        "DIB_DISTRIBUTION_MIRROR": base.apt_mirror(),
        "DIB_APT_SOURCES_CONF": f"default:deb {base.apt_mirror()} {suite} main",
        "DIB_BLOCK_DEVICE_CONFIG": DISK,
        "DIB_IMAGE_CACHE": str(cache / suite),
        "DIB_LOCKFILES": str(cache / "locks"),
        "DIB_DEBOOTSTRAP_CACHE": "1",
        "DIB_DEBIAN_USE_DEBOOTSTRAP_CACHE": "1",
        "DIB_NO_TMPFS": "1",
        "TMP_DIR": str(directory),
        **variables,
    }
    log = cache / f"{directory.name}.log"
    command = ["disk-image-create", "-u", "-t", "qcow2", "-o", str(image), "-p", ",".join(ASKED_WITH), *ELEMENTS]
    # apt locks its archives: two builds of one suite would stop each other.
    with (cache / f"{suite}.lock").open("w") as lock, log.open("w") as stream:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = subprocess.run(
            command, env=environment, cwd=directory, stdin=subprocess.DEVNULL, stdout=stream, stderr=stream, check=False
        )
    if done.returncode:
        complaints = [line for line in log.read_text(errors="replace").splitlines() if "ERROR" in line]
        message = f"disk-image-create failed with {done.returncode}, see {log}: {complaints}"
        raise RuntimeError(message)
    return Disk(image, *_kernel(image, directory), "qcow2")


def read_file(raw: pathlib.Path, path: str) -> str:
    """A file of the image, as text."""
    return _debugfs(raw, f"cat {path}")


def list_directory(raw: pathlib.Path, path: str) -> list[str]:
    """The names in a directory of the image."""
    lines = _debugfs(raw, f"ls -p {path}").splitlines()
    return [line.split("/")[5] for line in lines if line.count("/") > 5]


def _kernel(image: pathlib.Path, directory: pathlib.Path) -> tuple[pathlib.Path, pathlib.Path]:
    raw = directory / "image.raw"
    subprocess.run(["qemu-img", "convert", "-O", "raw", str(image), str(raw)], check=True)
    names = list_directory(raw, "/boot")
    found = []
    for prefix in ("vmlinuz-", "initrd.img-"):
        (name,) = (name for name in names if name.startswith(prefix))
        found.append(directory / prefix.strip("-"))
        _debugfs(raw, f"dump /boot/{name} {found[-1]}")
    return found[0], found[1]


def _debugfs(raw: pathlib.Path, request: str) -> str:
    done = subprocess.run(["debugfs", "-R", request, str(raw)], capture_output=True, text=True, check=True)
    return done.stdout
