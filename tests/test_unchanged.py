# SPDX-License-Identifier: Apache-2.0
"""A boot on which nothing changed starts no interpreter; whatever changed, the agent is started.

The shell script of the unit itself is run, by each shell that this machine has, on a machine's directory; the record
that it compares is the one that a real ``apply`` has left.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from bootagent.cli import main
from bootagent.early import apply_early
from bootagent.inputs import INPUTS
from bootagent.root import Root
from bootagent.state import LAST_STATUS, MANIFEST, STATUS, UNCHANGED
from tests.images import make_iso

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import MachineDirectory

SCRIPT = Path(__file__).resolve().parent.parent / "bootagent" / "unchanged.sh"
SHELLS = [shell for shell in (["dash"], ["bash", "--posix"], ["busybox", "sh"]) if shutil.which(shell[0])]
MAC = "52:54:00:00:00:0a"
NETWORK = "/etc/systemd/network/05-bootagent-52540000000a.network"
CHANGED = ""
SKIPPED = "bootagent: unchanged since an earlier boot\n"


def documents(uuid: str = "id-1", address: str = "192.0.2.5", key: str | None = None) -> dict[str, bytes]:
    """A config drive's tree."""
    network = {
        "links": [{"id": "tap0", "type": "ovs", "ethernet_mac_address": MAC}],
        "networks": [{"id": "n0", "type": "ipv4", "link": "tap0", "ip_address": address, "netmask": "255.255.255.0"}],
    }
    meta = {"uuid": uuid, "hostname": "web", "public_keys": {"key": key} if key else {}}
    latest = "openstack/latest"
    return {
        f"{latest}/meta_data.json": json.dumps(meta).encode(),
        f"{latest}/network_data.json": json.dumps(network).encode(),
    }


def make_drive(tmp: Path, files: dict[str, bytes]) -> bytes:
    """A config drive as nova makes it."""
    return make_iso(tmp, files, "-J", "-r", "-V", "config-2").read_bytes()


def add_nic(machine: MachineDirectory, name: str, mac: str, slot: str) -> None:
    """A NIC as sysfs has it: its directory is below its device, and the names are links."""
    base = f"/sys/devices/pci0000:00/{slot}"
    machine.write(f"{base}/net/{name}/address", f"{mac}\n")
    machine.write(f"{base}/net/{name}/type", "1\n")
    (machine.path / f"{base}/net/{name}/device".lstrip("/")).symlink_to("../..")
    (machine.path / "sys/class/net").mkdir(parents=True, exist_ok=True)
    (machine.path / f"sys/class/net/{name}").symlink_to(f"../../devices/pci0000:00/{slot}/net/{name}")


def add_disk(machine: MachineDirectory, name: str, content: bytes, serial: str = "") -> None:
    """A disk: its entry in sysfs, and its node, which is a file here."""
    machine.write(f"/sys/class/block/{name}/size", f"{len(content) // 512}\n")
    if serial:
        machine.write(f"/sys/class/block/{name}/serial", serial)
    machine.write(f"/dev/{name}", content)


@pytest.fixture
def booted(machine: MachineDirectory, tmp_path: Path) -> MachineDirectory:
    """A machine that the agent has configured from its drive."""
    add_nic(machine, "eth0", MAC, "0000:00:03.0")
    machine.write("/sys/class/net/lo/type", "772\n")
    add_disk(machine, "vda", bytes(1 << 20))
    add_disk(machine, "vdb", make_drive(tmp_path, documents()))
    for unit in ("systemd-networkd.service", "systemd-resolved.service"):
        machine.enable(unit)
    (machine.path / "lib").symlink_to("usr/lib")
    # A link that can lead nowhere, whatever this host has.
    wants = machine.path / "etc/systemd/system/a.wants"
    wants.mkdir()
    (wants / "a.service").symlink_to("../../../../usr/lib/there")
    machine.write("/usr/lib/there", "")
    machine.write("/proc/cmdline", "root=/dev/vda ro\n")
    machine.write("/sys/class/dmi/id/product_uuid", "11111111-2222-3333-4444-555555555555\n")
    machine.write("/etc/machine-id", "0123456789abcdef0123456789abcdef\n")
    machine.write("/etc/os-release", "ID=debian\nIMAGE_VERSION=1\n")
    machine.write("/usr/lib/bootagent/bootagent/__init__.py", '__version__ = "1"\n')
    assert main(["apply", "--root", str(machine)]) == 0
    assert json.loads(machine.read(STATUS))["state"] == "ok"
    assert machine.has(INPUTS)
    end_boot(machine)
    return machine


def end_boot(machine: MachineDirectory) -> None:
    """What was in /run is gone; the service manager makes the directory again."""
    shutil.rmtree(machine.path / "run")
    (machine.path / "run/bootagent").mkdir(parents=True)


def start(machine: MachineDirectory, shell: list[str] | None = None) -> str:
    """What the unit's command prints."""
    command = [*(shell or SHELLS[0]), str(SCRIPT), str(machine)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env={}, stdin=subprocess.DEVNULL)
    assert done.stderr == ""
    return done.stdout


@pytest.mark.parametrize("shell", SHELLS, ids=lambda shell: shell[0])
def test_nothing_changed(booted: MachineDirectory, shell: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert start(booted, shell) == SKIPPED
    assert booted.has(UNCHANGED)
    capsys.readouterr()
    assert main(["status", "--root", str(booted)]) == 0
    assert capsys.readouterr().out.startswith("state: ok, nothing changed since an earlier boot\nsource: configdrive")
    assert main(["status", "--root", str(booted), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["unchanged"] is True
    end_boot(booted)
    assert start(booted, shell) == SKIPPED


@pytest.mark.parametrize("left", [b"", bytes(2000)], ids=["empty", "zeros"])
@pytest.mark.parametrize("shell", SHELLS, ids=lambda shell: shell[0])
def test_a_power_cut_that_left_no_status_is_no_boot_like_the_last(
    booted: MachineDirectory, shell: list[str], left: bytes
) -> None:
    """It is not flushed to the disk: a journal may have its name, and nothing of what it held."""
    booted.write(LAST_STATUS, left)
    assert start(booted, shell) == CHANGED
    assert not booted.has(UNCHANGED)


def test_a_status_that_could_not_be_written_is_no_boot_like_the_last(booted: MachineDirectory) -> None:
    """The next boot would show what happened on the one before this."""
    (booted.path / LAST_STATUS[1:]).unlink()
    (booted.path / LAST_STATUS[1:]).mkdir()
    assert main(["apply", "--root", str(booted)]) == 0
    assert not booted.has(INPUTS)


def test_the_check_is_the_script_and_no_interpreter(booted: MachineDirectory, tmp_path: Path) -> None:
    """The shell and two programs; and no clock is asked."""
    log = tmp_path / "calls"
    command = ["strace", "-f", "-o", str(log), *SHELLS[0], str(SCRIPT), str(booted)]
    subprocess.run(command, capture_output=True, check=True)
    calls = [line.partition(" ")[2].strip() for line in log.read_text().splitlines()]
    starts = [call for call in calls if call.startswith("execve(") and " = -1 " not in call]
    programs = sorted(call.split('"')[1].rpartition("/")[2] for call in starts)
    assert programs == sorted([SHELLS[0][0], "head", "sha256sum"])
    assert not [call for call in calls if call.startswith(("clock_", "gettimeofday", "time("))]


def test_names_that_the_kernel_gives_for_now_do_not_count(booted: MachineDirectory) -> None:
    """This early eth0 may not be ens3 yet."""
    for link in (booted.path / "sys/class/net").iterdir():
        if link.is_symlink():
            link.unlink()
    shutil.rmtree(booted.path / "sys/devices/pci0000:00/0000:00:03.0/net")
    add_nic(booted, "ens3", MAC, "0000:00:03.0")
    assert start(booted) == SKIPPED


def test_what_virtual_devices_do_does_not_count(booted: MachineDirectory) -> None:
    add_disk(booted, "loop0", bytes(512))
    add_disk(booted, "dm-0", bytes(512))
    booted.write("/sys/class/net/docker0/address", "02:42:00:00:00:01\n")
    booted.write("/sys/class/net/docker0/type", "1\n")
    assert start(booted) == SKIPPED


def test_a_restored_clock_does_not_count(booted: MachineDirectory) -> None:
    for path in booted.path.rglob("*"):
        if not path.is_symlink():
            os.utime(path, (0, 0))
    assert start(booted) == SKIPPED


def replace_drive(machine: MachineDirectory, content: bytes) -> None:
    """Other bytes in a drive of the same size."""
    size = (machine.path / "dev/vdb").stat().st_size
    machine.write("/dev/vdb", content.ljust(size, b"\0")[:size])


def detach_drive(machine: MachineDirectory) -> None:
    """The drive and its entry are gone."""
    (machine.path / "dev/vdb").unlink()
    shutil.rmtree(machine.path / "sys/class/block/vdb")


def swap_slot(machine: MachineDirectory) -> None:
    """The machine became another type: the same NIC in another place, which gives it another name."""
    (machine.path / "sys/class/net/eth0").unlink()
    shutil.rmtree(machine.path / "sys/devices")
    add_nic(machine, "eth0", MAC, "0000:01:00.0")


CHANGES: dict[str, Callable[[MachineDirectory, Path], object]] = {
    "another instance": lambda m, tmp: replace_drive(m, make_drive(tmp, documents("id-2"))),
    "a rebuild with the same uuid": lambda m, tmp: replace_drive(m, make_drive(tmp, documents("id-1", "192.0.2.6"))),
    "the drive is gone": lambda m, _: detach_drive(m),
    "the drive is empty": lambda m, _: m.write("/dev/vdb", b""),
    "another drive came": lambda m, tmp: add_disk(m, "vdc", make_drive(tmp, documents("id-2"))),
    "a disk is another": lambda m, _: m.write("/sys/class/block/vda/serial", "volume-2"),
    "a disk grew": lambda m, _: m.write("/sys/class/block/vda/size", "4096\n"),
    "a clone: the machine's uuid": lambda m, _: m.write("/sys/class/dmi/id/product_uuid", "66666666-2222\n"),
    "a clone: the machine's id": lambda m, _: m.write("/etc/machine-id", "f" * 32 + "\n"),
    "an option of the image": lambda m, _: m.write("/etc/bootagent.yaml", "hostname: short\n"),
    "an option of the kernel": lambda m, _: m.write("/proc/cmdline", "root=/dev/vda ro bootagent.fallback=none\n"),
    "another image version": lambda m, _: m.write("/etc/os-release", "ID=debian\nIMAGE_VERSION=2\n"),
    "another agent": lambda m, _: m.write("/usr/lib/bootagent/bootagent/__init__.py", '__version__ = "2"\n'),
    "another network daemon": lambda m, _: m.enable("NetworkManager.service"),
    "a package is gone, its link is not": lambda m, _: (m.path / "usr/lib/there").unlink(),
    "a daemon is masked": lambda m, _: (m.path / "etc/systemd/system/systemd-networkd.service").symlink_to("/dev/null"),
    "a NIC came": lambda m, _: add_nic(m, "eth1", "52:54:00:00:00:0b", "0000:00:04.0"),
    "a NIC went": lambda m, _: (m.path / "sys/class/net/eth0").unlink(),
    "a NIC was swapped": lambda m, _: m.write("/sys/class/net/eth0/address", "52:54:00:00:00:0c\n"),
    "a NIC moved": lambda m, _: swap_slot(m),
    "a file of ours is gone": lambda m, _: (m.path / NETWORK.lstrip("/")).unlink(),
    "the manifest is gone": lambda m, _: (m.path / MANIFEST.lstrip("/")).unlink(),
    "the manifest is another": lambda m, _: m.write(MANIFEST, "{}"),
    "the record is gone": lambda m, _: (m.path / INPUTS.lstrip("/")).unlink(),
    "the record is empty": lambda m, _: m.write(INPUTS, ""),
    "the record is half": lambda m, _: m.write(INPUTS, m.read(INPUTS)[: len(m.read(INPUTS)) // 2]),
    "the record is noise": lambda m, _: m.write(INPUTS, "\0\1 $(reboot)\n`x`\n'\"\n"),
}  # fmt: skip


@pytest.mark.parametrize("shell", SHELLS, ids=lambda shell: shell[0])
@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_change_starts_the_agent(
    booted: MachineDirectory, change: Callable[[MachineDirectory, Path], object], shell: list[str], tmp_path: Path
) -> None:
    (tmp_path / "other").mkdir()
    change(booted, tmp_path / "other")
    assert start(booted, shell) == CHANGED
    assert not booted.has(UNCHANGED)


def test_a_first_boot_starts_the_agent(booted: MachineDirectory) -> None:
    shutil.rmtree(booted.path / "var")
    assert start(booted) == CHANGED


@pytest.mark.parametrize("why", ["given", "degraded", "run", "no source", "directory", "two drives"])
def test_an_answer_that_must_be_looked_at_again_leaves_no_record(
    booted: MachineDirectory, why: str, tmp_path: Path
) -> None:
    """An option given by hand, a problem, files that end with the boot, a fallback, a source without first bytes."""
    more: list[str] = []
    if why == "given":
        more = ["--backend", "networkd"]
    elif why == "degraded":
        booted.write("/sys/class/net/eth0/address", "52:54:00:00:00:0c\n")
    elif why == "run":
        booted.write("/proc/cmdline", "bootagent.render-to=run\n")
    elif why == "two drives":
        add_disk(booted, "vdc", (booted.path / "dev/vdb").read_bytes())
    else:
        detach_drive(booted)
        shutil.rmtree(booted.path / "var")
        for path, content in documents().items() if why == "directory" else ():
            booted.write(f"/config-drive/{path}", content)
    assert main(["apply", "--root", str(booted), *more]) == 0
    assert not booted.has(INPUTS)


def test_what_comes_while_the_agent_works_is_a_change(
    booted: MachineDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The record is of the machine before the agent looked at it."""
    from bootagent import boot

    (booted.path / INPUTS.lstrip("/")).unlink()
    prepare = boot.prepare

    def slow_prepare(*arguments: Any) -> boot.Prepared:
        prepared = prepare(*arguments)
        add_nic(booted, "eth1", "52:54:00:00:00:0b", "0000:00:04.0")
        return prepared

    monkeypatch.setattr(boot, "prepare", slow_prepare)
    assert main(["apply", "--root", str(booted)]) == 0
    end_boot(booted)
    assert booted.has(INPUTS)
    assert start(booted) == CHANGED


@pytest.mark.parametrize("shell", SHELLS, ids=lambda shell: shell[0])
@pytest.mark.parametrize("fresh", ["", "uninitialized\n"])
def test_an_id_that_systemd_had_yet_to_make_is_no_change(
    booted: MachineDirectory, fresh: str, shell: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """An initramfs works before systemd gives the machine its id; all else that changes counts."""
    booted.write("/etc/machine-id", fresh)
    assert not isinstance(apply_early(Root(str(booted))), str)
    end_boot(booted)
    booted.write("/etc/machine-id", "0123456789abcdef0123456789abcdef\n")
    assert start(booted, shell) == SKIPPED
    assert main(["status", "--root", str(booted)]) == 0
    assert "stage: initramfs\n" in capsys.readouterr().out
    end_boot(booted)
    swap_slot(booted)
    assert start(booted, shell) == CHANGED


def test_an_id_that_was_there_in_the_initramfs_counts(booted: MachineDirectory) -> None:
    assert not isinstance(apply_early(Root(str(booted))), str)
    end_boot(booted)
    assert start(booted) == SKIPPED
    end_boot(booted)
    booted.write("/etc/machine-id", "ffffffffffffffffffffffffffffffff\n")
    assert start(booted) == CHANGED
