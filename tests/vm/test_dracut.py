# SPDX-License-Identifier: Apache-2.0
"""The agent in an initramfs that dracut made: the same machine as without, earlier, and the real root spends nothing.

Each suite has one image, booted three times with ``ro``: for the first time; the same disk again; and another disk that
never booted, with the work in the initramfs switched off, which is what the first is compared with.
"""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
from typing import Any, NamedTuple

import pytest

from . import base, dracut, drives, images, snapshot
from .conftest import require_tools
from .machine import Drive, Hardware, Machine
from .network import NICS, Network

STAGES = {"early": "ro", "again": "ro", "fallback": "ro rd.bootagent=off"}

# Beside what every machine of these tests is asked.
QUESTIONS = {
    "userspace": "systemctl show --value -p UserspaceTimestampMonotonic",
    "agent": "journalctl --boot --output=json --output-fields=MESSAGE --identifier=bootagent",
    "units": "journalctl --boot --output=cat --identifier=systemd | grep -i bootagent",
    "asked": "systemctl show --value -p ConditionResult bootagent-unchanged.service",
    "remounts": "journalctl --boot --output=cat --dmesg --grep 're-mounted' | wc -l",
    "root": "findmnt -n -o OPTIONS /",
    "early_network": "find /run/initramfs /run/net* /run/systemd/network /run/NetworkManager -type f",
}


class Keys(NamedTuple):
    """The instance, and the private keys that a login is tried with, the instance's being ``a``."""

    instance: drives.Instance
    keys: dict[str, pathlib.Path]


class Image(NamedTuple):
    """What dracut made: with the module, and without it."""

    plain: frozenset[str]
    added: frozenset[str]


class Stage(NamedTuple):
    """One boot."""

    taken: snapshot.Snapshot
    said: dict[str, str]

    @property
    def status(self) -> dict[str, Any]:
        """What the agent says about this boot."""
        status: dict[str, Any] = json.loads(self.taken.said["agent_status"])
        return status

    @property
    def lines(self) -> list[dict[str, str]]:
        """What the agent wrote to the journal."""
        return [json.loads(line) for line in self.said["agent"].splitlines()]


class Life(NamedTuple):
    """The image and its three boots, by the names of ``STAGES``."""

    image: Image
    instance: drives.Instance
    boots: dict[str, Stage]


def live(suite: str) -> Life:
    """Make the image, and boot it."""
    contents = []

    def install(tree: pathlib.Path) -> None:
        # "uninitialized" has systemd enable its presets after the switch: to the second boot that is a change.
        (tree / "etc/machine-id").write_text("", encoding="ascii")
        images.install_agent(tree)
        for module in (False, True):
            dracut.make_initramfs(tree, module)
            contents.append(dracut.list_initramfs(tree))

    with tempfile.TemporaryDirectory(prefix=f"bootagent-dracut.{suite}.") as name:
        directory = pathlib.Path(name)
        disk = images.make_disk(suite, "networkd", directory, install, dracut.EXTRA)
        other = disk._replace(root=directory / "other.img")
        subprocess.run(["cp", "--sparse=always", "--reflink=auto", str(disk.root), str(other.root)], check=True)
        keys = {key: drives.make_key(directory / f"key-{key}") for key in ("a", "b")}
        instance = drives.instance_a(keys["a"])
        drive = Drive(drives.make_drive(instance, directory), "virtio")
        boots = {}
        for stage, arguments in STAGES.items():
            booted = other if stage == "fallback" else disk
            hardware = Hardware(booted, instance.uuid, NICS, drive, arguments)
            boots[stage] = boot(suite, stage, hardware, Keys(instance, keys), directory)
    return Life(Image(*contents), instance, boots)


def boot(suite: str, stage: str, hardware: Hardware, who: Keys, directory: pathlib.Path) -> Stage:
    """Boot it once, look at it, and end it; the console is kept for a person."""
    title = f"{suite}-{stage}"
    evidence = base.cache_directory() / "evidence" / "dracut"
    evidence.mkdir(parents=True, exist_ok=True)
    with contextlib.ExitStack() as stack:
        network = stack.enter_context(Network(f"bootagent-dracut-{os.getpid()}-{title}", directory))
        stack.callback(lambda: shutil.copy(directory / "console.log", evidence / f"{title}.console.log"))
        machine = stack.enter_context(Machine(hardware, network.namespace, directory))
        taken = snapshot.take(machine, network, who.instance, who.keys)
        said = snapshot.ask(machine, QUESTIONS)
        if stage == "early":  # the others' disks are not booted again
            machine.power_off()
    answers = "".join(f"@@ {name}\n{text}\n\n" for name, text in {**taken.said, **said}.items())
    (evidence / f"{title}.txt").write_text(answers, encoding="utf-8")
    return Stage(taken, said)


@pytest.fixture(scope="module", params=base.SUITES)
def life(request: pytest.FixtureRequest) -> Life:
    require_tools()
    result = live(request.param)
    for stage in result.boots.values():
        sys.stdout.write(f"{stage.said['units']}\n{stage.taken.said['agent_journal']}\n\n")
    return result


def test_the_initramfs_grows_by_units_and_drivers_only(life: Life) -> None:
    """No interpreter, no program, nothing of dracut's network modules."""
    assert life.image.plain - life.image.added == set()
    grown = {path for path in life.image.added - life.image.plain if "/kernel/" not in path}
    grown = {path for path in grown if not path.endswith("/kernel") and "/modules." not in path}
    names = {"bootagent-initrd.service", "bootagent-initrd-unchanged.service", "bootagent-initrd-writable.service"}
    units = {f"usr/lib/systemd/system/{name}" for name in names}
    assert grown == {*units, "etc/systemd/system/initrd.target.wants/bootagent-initrd.service"}


def test_the_kernel_ends_in_the_same_state_as_without(life: Life) -> None:
    """Names, addresses, routes, bonds, MTUs, name servers, host name and logins, first boot and second."""
    without = end_state(life.boots["fallback"].taken)
    assert without["addresses"]
    assert end_state(life.boots["early"].taken) == without
    assert end_state(life.boots["again"].taken) == without


def end_state(taken: snapshot.Snapshot) -> dict[str, Any]:
    """All that the document asks for, as the kernel has it; of what a server chose, only that it is there."""
    addresses = {
        (
            link["ifname"],
            link["mtu"],
            link.get("master"),
            entry["local"] if not entry.get("dynamic") else entry["family"],
        )
        for link in taken.links
        for entry in link["addr_info"]
        if entry["scope"] == "global"
    }
    routes = {
        # Each network outside has a router of its own that advertises itself.
        (route["dst"], "router" if route.get("protocol") == "ra" else route.get("gateway"), route["dev"])
        for family in ("v4", "v6")
        for route in taken.routes(family)
        if not route["dst"].startswith("fe80::")
    }
    names = ("hostname", "etc_hostname", "etc_hosts", "fqdn", "nameservers", "failed_units", "system_state", "files")
    logins = {(login.key, login.address): login.accepted for login in taken.logins}
    said = {name: taken.said[name] for name in names}
    return {"addresses": addresses, "routes": routes, "logins": logins, "reachable": taken.reachable, **said}


def test_every_address_answers_and_the_key_lets_in(life: Life) -> None:
    for stage in life.boots.values():
        assert stage.taken.reachable == dict.fromkeys(life.instance.addresses, True)
        assert {login.key for login in stage.taken.logins if login.accepted} == {"a"}
        assert stage.taken.said["hostname"] == life.instance.hostname
        assert stage.taken.said["system_state"] == "running"


def test_the_initramfs_leaves_no_network_behind(life: Life) -> None:
    """Neither dracut's nor ours: the links are for the real root's daemon to set up."""
    assert {name: stage.said["early_network"] for name, stage in life.boots.items()} == dict.fromkeys(STAGES, "")


def test_the_work_is_done_before_the_switch(life: Life) -> None:
    """And after it where it was switched off: a machine's user space begins with the switch."""
    for name, is_early in (("early", True), ("fallback", False)):
        stage = life.boots[name]
        done = [int(line["__MONOTONIC_TIMESTAMP"]) for line in stage.lines if "ok: configdrive" in line["MESSAGE"]]
        assert len(done) == 1
        assert (done[0] < int(stage.said["userspace"])) is is_early
        assert stage.status["stage"] == ("initramfs" if is_early else "root")
        assert stage.status["state"] == "ok"
        assert stage.status["unchanged"] is False


def test_the_real_root_spends_nothing(life: Life) -> None:
    """Neither the agent nor the look whether it is needed was started there."""
    for name in ("early", "again"):
        assert life.boots[name].taken.said["agent_ran"] == "no"
        assert life.boots[name].said["asked"] == "no"
    assert life.boots["fallback"].taken.said["agent_ran"] == "yes"


def test_a_second_boot_starts_no_interpreter_at_all(life: Life) -> None:
    again = life.boots["again"]
    assert [line["MESSAGE"] for line in again.lines] == []
    assert "unchanged since an earlier boot" in again.taken.console
    assert again.status["unchanged"] is True
    assert again.status["stage"] == "initramfs"
    skipped = [line for line in again.said["units"].splitlines() if "skipped" in line]
    assert [line for line in skipped if "First-boot agent" in line and "initramfs" in line]


def test_a_root_that_is_mounted_read_only_is_so_again_at_the_switch(life: Life) -> None:
    """The initramfs makes it writable and not so again, and then the real root does as its fstab says."""
    assert {name: stage.said["remounts"] for name, stage in life.boots.items()} == {
        "early": "3",
        "again": "1",
        "fallback": "1",
    }
    assert {stage.said["root"].split(",")[0] for stage in life.boots.values()} == {"rw"}
