# SPDX-License-Identifier: Apache-2.0
"""The recipes of docs/image-builders.rst, taken from the page and run as they stand there."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

import docutils.core
import docutils.nodes
import yaml

from .base import apt_mirror
from .images import CHECKOUT

if TYPE_CHECKING:
    from pathlib import Path

PAGE = CHECKOUT / "docs/image-builders.rst"
TOOLS = {"debootstrap": "debootstrap", "mke2fs": "e2fsprogs", "debugfs": "e2fsprogs", "mkosi": "mkosi"}

# systemd-nspawn, which mkosi runs, wants its directory on a file system in memory; where no systemd runs, it is none.
WITHOUT_SYSTEMD = "test -d /run/systemd/system || { mkdir -p /run/systemd; mount -t tmpfs tmpfs /run/systemd; }\n"
# And it has no scope of systemd's to put the container in.
KEEP_UNIT = "[Host]\nNspawnKeepUnit=yes\n"


def recipe(name: str) -> str:
    """The text of the block of this name."""
    page = docutils.core.publish_doctree(PAGE.read_text(encoding="utf-8"))
    (block,) = (node for node in page.findall(docutils.nodes.literal_block) if name in node["ids"])
    return block.astext()


def follow(name: str, directory: Path, **given: object) -> str:
    missing = [f"{tool} (Debian package {package})" for tool, package in TOOLS.items() if shutil.which(tool) is None]
    assert missing == []
    settings = "".join(f"{key}='{value}'\n" for key, value in given.items())
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-eu"],
        input=settings + WITHOUT_SYSTEMD + recipe(name),
        cwd=directory,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-4000:]
    return done.stdout


def test_nodepool_builds_with_the_element_and_boots_with_a_drive() -> None:
    """As far as a file can tell: the names fit together."""
    page = yaml.safe_load(recipe("recipe-nodepool"))
    (image,), (label,), (provider,) = page["diskimages"], page["labels"], page["providers"]
    assert "bootagent" in image["elements"]
    assert page["elements-dir"].split(":")[-1].endswith("/elements")
    assert provider["diskimages"] == [{"name": image["name"], "config-drive": True}]
    (pool,) = provider["pools"]
    assert [(offer["name"], offer["diskimage"]) for offer in pool["labels"]] == [(label["name"], image["name"])]


def test_debootstrap_and_mke2fs_make_a_disk(tmp_path: Path) -> None:
    tree, disk = tmp_path / "tree", tmp_path / "disk.ext4"
    follow("recipe-debootstrap", CHECKOUT, suite="bookworm", tree=tree, disk=disk, mirror=apt_mirror())
    subprocess.run(["e2fsck", "-fn", disk], check=True, capture_output=True)
    script = "\n".join(f"cat {path}" for path in ("/etc/machine-id", "/usr/lib/bootagent/installed"))
    said = subprocess.run(["debugfs", "-f", "-", disk], input=script, capture_output=True, text=True, check=True).stdout
    assert "uninitialized\n" in said
    assert "/usr/lib/bootagent/bundle\n" in said  # compiled by the image's Python
    shutil.rmtree(tree)


def test_mkosi_makes_a_sealed_tree(tmp_path: Path) -> None:
    (tmp_path / "mkosi.conf.d").mkdir()
    (tmp_path / "mkosi.conf.d/keep-unit.conf").write_text(KEEP_UNIT, encoding="utf-8")
    follow("recipe-mkosi", tmp_path, checkout=CHECKOUT, mirror=apt_mirror())
    image = tmp_path / "image"
    assert (image / "etc/machine-id").read_text(encoding="utf-8") == "uninitialized\n"
    assert (image / "usr/lib/bootagent/bundle").is_file()
    command = ["python3", "-m", "bootagent", "seal", "--check", "--root", str(image)]
    done = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")
    shutil.rmtree(image)
