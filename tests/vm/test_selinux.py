# SPDX-License-Identifier: Apache-2.0
"""On an image with SELinux, what the agent writes gets the labels of the image's policy: in the initramfs, where there
is none yet, and in the real root.

Debian's policy, permissive: what it would forbid is logged and goes on. Each suite's image is booted with ``ro``, from
a disk that never booted each time; on one suite twice, and on the other with the real root only.
"""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import subprocess
import tempfile
from typing import NamedTuple

import pytest

from bootagent.inputs import INPUTS

from . import base, dracut, drives, images, snapshot
from .conftest import require_tools
from .machine import Drive, Hardware, Machine
from .network import NICS, Network

POLICY = "/etc/selinux/default"
EXTRA = base.Extra(
    "selinux",
    (*dracut.EXTRA.packages, "selinux-policy-default", "policycoreutils"),
    f"""
printf 'SELINUX=permissive\\nSELINUXTYPE=default\\n' >/etc/selinux/config
ls {POLICY}/policy/policy.*
""",
)
ARGUMENTS = {"initramfs": "ro", "root": "ro rd.bootagent=off"}
STAGES = {"bookworm": ("root",), "trixie": ("initramfs", "root")}
# Where our files are, the two directories that we make among them.
OURS = "/etc/hostname /etc/hosts /etc/systemd/network/*bootagent* /root/.ssh /root/.ssh/* /var/lib/bootagent"
OURS += " /var/lib/bootagent/*"
SLOT = 0x10 + len(NICS) - 1  # of the last NIC, on the bus
QUESTIONS = {
    "selinux": "cat /sys/fs/selinux/enforce",
    "labels": f"stat -c '%n %C' {OURS}",
    # The context that the policy's file_contexts has for each, whatever the file has.
    "policy": f"matchpathcon {OURS}",
    "status": "bootagent status --json",
    # Once more, with a policy that forbids, and with labels that somebody spoiled; no matter what is on record.
    "enforced": f"rm -f {INPUTS}; setenforce 1; chcon -t tmp_t /etc/hostname /root/.ssh/authorized_keys;"
    " systemctl restart bootagent; stat -c '%n %C' /etc/hostname /root/.ssh/authorized_keys; setenforce 0",
    # A NIC that goes: udev's rule and what it starts, with a policy that forbids.
    "unplugged": f"setenforce 1; echo 1 >/sys/bus/pci/devices/0000:00:{SLOT:x}.0/remove; cd /run/bootagent;"
    " for turn in $(seq 90); do grep -q hot-plug status.json && break; sleep 1; done; setenforce 0; cat status.json",
    # For a person: what the policy would forbid.
    "denied": "journalctl --boot --output=cat --grep 'avc:.*denied' | sed 's/.*avc:/avc:/' | sort | uniq | head -n 60",
}


class Boot(NamedTuple):
    """The answers of one boot, and where the work was done, as the agent says."""

    said: dict[str, str]
    stage: str


def live(suite: str) -> dict[str, Boot]:
    """Make the image, and boot a copy of it for each of its ``STAGES``."""
    with tempfile.TemporaryDirectory(prefix=f"bootagent-selinux.{suite}.") as name:
        directory = pathlib.Path(name)
        disk = images.make_disk(suite, "networkd", directory, install, EXTRA)
        instance = drives.instance_a(drives.make_key(directory / "key-a"))
        drive = Drive(drives.make_drive(instance, directory), "virtio")
        boots = {}
        for stage in STAGES[suite]:
            copy = disk._replace(root=directory / f"{stage}-disk.img")
            subprocess.run(["cp", "--sparse=always", "--reflink=auto", str(disk.root), str(copy.root)], check=True)
            with_selinux = f"{ARGUMENTS[stage]} security=selinux selinux=1 enforcing=0"
            boots[stage] = boot(f"{suite}-{stage}", Hardware(copy, instance.uuid, NICS, drive, with_selinux), directory)
            copy.root.unlink()
    return boots


def install(tree: pathlib.Path) -> None:
    """The agent, the initramfs with its module, and then a label for every file, as an image builder does."""
    images.install_agent(tree)
    dracut.make_initramfs(tree, module=True)
    contexts = f"{POLICY}/contexts/files/file_contexts"
    with base.chroot_mounts(tree):
        label = ["setfiles", "-q", "-F", "-e", "/proc", "-e", "/sys", "-e", "/dev", contexts, "/"]
        subprocess.run(["chroot", str(tree), *label], check=True)


def boot(title: str, hardware: Hardware, directory: pathlib.Path) -> Boot:
    """Boot it once and ask; the answers are kept for a person."""
    evidence = base.cache_directory() / "evidence"
    evidence.mkdir(parents=True, exist_ok=True)
    with contextlib.ExitStack() as stack:
        network = stack.enter_context(Network(f"bootagent-selinux-{os.getpid()}-{title}", directory))
        machine = stack.enter_context(Machine(hardware, network.namespace, directory))
        machine.wait_booted()
        said = snapshot.ask(machine, QUESTIONS)
    answers = "".join(f"@@ {name}\n{text}\n\n" for name, text in said.items())
    (evidence / f"selinux-{title}.txt").write_text(answers, encoding="utf-8")
    return Boot(said, json.loads(said["status"])["stage"])


@pytest.fixture(scope="module", params=STAGES)
def life(request: pytest.FixtureRequest) -> dict[str, Boot]:
    require_tools()
    return live(request.param)


def test_every_file_has_the_label_of_the_policy(life: dict[str, Boot]) -> None:
    """The type, by which a policy judges; the user in a label says who made the file, and restorecon(8) leaves it."""
    for stage, (said, worked_in) in life.items():
        assert said["selinux"] == "0"
        assert worked_in == stage
        labels = types(said["labels"])
        assert {"/etc/hostname", "/etc/hosts", "/root/.ssh", "/root/.ssh/authorized_keys"} <= labels.keys()
        assert {"/var/lib/bootagent", "/var/lib/bootagent/inputs", "/var/lib/bootagent/manifest.json"} <= labels.keys()
        assert len([path for path in labels if path.startswith("/etc/systemd/network/")]) >= len(NICS)
        assert labels == types(said["policy"])


def test_a_policy_that_forbids_lets_the_agent_label(life: dict[str, Boot]) -> None:
    """In the sandbox of its unit too, and for a file that is as it should be but for the label."""
    enforced = types(life["root"].said["enforced"])
    assert enforced == {"/etc/hostname": "net_conf_t", "/root/.ssh/authorized_keys": "ssh_home_t"}


def test_a_policy_that_forbids_lets_udev_tell_of_a_nic(life: dict[str, Boot]) -> None:
    assert {json.loads(boot.said["unplugged"])["stage"] for boot in life.values()} == {"hot-plug"}


def types(text: str) -> dict[str, str]:
    """The type of each path, of lines that have a path and a label user:role:type:level."""
    lines = (line.split() for line in text.splitlines())
    return {path: label.split(":")[2] for path, label in lines}
