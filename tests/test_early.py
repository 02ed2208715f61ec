# SPDX-License-Identifier: Apache-2.0
"""The boot in the initramfs: all of it, with the word that it is done, or nothing and the reason."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from bootagent.boot import prepare
from bootagent.early import RELABEL, SELINUX, apply_early, without_generators
from bootagent.model.plan import Action
from bootagent.root import Root
from bootagent.state import LAST_STATUS, MANIFEST, STATUS, UNCHANGED

if TYPE_CHECKING:
    from tests.conftest import MachineDirectory

MAC = "52:54:00:00:00:0a"
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOflAKvYJxaL6s2wOpnswu59XJc0wvUR+A3PErwCb4+j ann"
LATEST = "/config-drive/openstack/latest"
NETWORK = "/etc/systemd/network/05-bootagent-52540000000a.network"


@pytest.fixture
def one(machine: MachineDirectory) -> MachineDirectory:
    """A machine with one NIC, networkd, and a drive that is a directory."""
    machine.add_nic("eth0", MAC)
    machine.enable("systemd-networkd.service")
    machine.enable("systemd-resolved.service")
    machine.write("/etc/hosts", "127.0.0.1 localhost\n")
    meta = {"uuid": "id-1", "hostname": "web", "public_keys": {"key": KEY}}
    address = {"id": "n0", "type": "ipv4", "link": "tap0", "ip_address": "192.0.2.5", "netmask": "255.255.255.0"}
    link = {"id": "tap0", "type": "ovs", "ethernet_mac_address": MAC}
    network: dict[str, Any] = {"links": [link], "networks": [address], "services": []}
    machine.write(f"{LATEST}/meta_data.json", json.dumps(meta))
    machine.write(f"{LATEST}/network_data.json", json.dumps(network))
    return machine


def files(machine: MachineDirectory) -> dict[str, bytes]:
    """All but the lock."""
    found = (path for path in machine.path.rglob("*") if path.is_file() and path.name != "lock")
    return {str(path.relative_to(machine.path)): path.read_bytes() for path in found}


def is_there(machine: MachineDirectory, path: str) -> bool:
    return (machine.path / path[1:]).exists()


def test_where_all_is_there_it_is_done_and_said(one: MachineDirectory) -> None:
    result = apply_early(Root(str(one)))
    assert not isinstance(result, str)
    assert "Address=192.0.2.5/24" in one.read(NETWORK)
    assert one.read("/etc/hostname") == "web\n"
    assert is_there(one, UNCHANGED)
    status = json.loads(one.read(STATUS))
    assert (status["state"], status["stage"]) == ("ok", "initramfs")
    assert not is_there(one, RELABEL)


@pytest.mark.parametrize(
    ("path", "text", "reason"),
    [
        ("/proc/cmdline", "quiet bootagent=off\n", "off, by the kernel command line"),
        ("/etc/fstab", "# x /boot\nLABEL=root / ext4\nLABEL=var /var ext4 defaults 0 2\n", "/var is not mounted yet"),
        ("/etc/fstab", "LABEL=keys /root/ ext4\n", "/root is not mounted yet"),
        ("/etc/systemd/system/var-lib.mount", "[Mount]\n", "/var/lib is not mounted yet"),
        (
            "/sys/class/net/eth0/address",
            "52:54:00:00:00:99\n",
            f"network_data.json: links[0]: no NIC with the address {MAC}",
        ),
        (f"{LATEST}/network_data.json", "{broken", "network_data.json"),
    ],
)
def test_what_is_not_plain_is_left_and_nothing_changes(
    one: MachineDirectory, path: str, text: str, reason: str
) -> None:
    one.write(path, text)
    before = files(one)
    found = apply_early(Root(str(one)))
    assert isinstance(found, str)
    assert found.startswith(reason)
    assert files(one) == before


def test_mounts_that_cover_nothing_of_ours_are_no_reason(one: MachineDirectory) -> None:
    one.write("/etc/fstab", "\n# a comment\nLABEL=root / ext4\nproc /proc proc\nLABEL=swap none swap\nx /srv ext4\n")
    one.write("/usr/lib/systemd/system/tmp.mount", "[Mount]\n")
    one.write("/usr/lib/systemd/system/-.mount", "[Mount]\n")
    assert not isinstance(apply_early(Root(str(one))), str)


def test_without_a_drive_nothing_is_guessed(machine: MachineDirectory) -> None:
    machine.add_nic("eth0", MAC)
    machine.enable("systemd-networkd.service")
    before = files(machine)
    assert apply_early(Root(str(machine))) == "no source"
    assert files(machine) == before


def test_names_of_devices_are_the_real_roots_to_give(machine: MachineDirectory, one: MachineDirectory) -> None:
    (machine.path / "etc/systemd/system/multi-user.target.wants/systemd-networkd.service").unlink()
    one.enable("networking.service")
    before = files(one)
    assert apply_early(Root(str(one))) == "ifupdown needs the devices' names"
    assert files(one) == before


def test_what_could_not_be_written_is_done_again_in_the_real_root(one: MachineDirectory) -> None:
    (one.path / "etc/hostname").mkdir()
    assert not isinstance(apply_early(Root(str(one))), str)
    assert json.loads(one.read(STATUS))["state"] == "degraded"
    assert not is_there(one, UNCHANGED)


def test_a_root_with_selinux_gets_a_list_of_what_to_label(one: MachineDirectory) -> None:
    """New directories as a whole, and files in those that were there; nothing of /run, which is labelled anyway."""
    one.write(SELINUX, "SELINUX=enforcing\n")
    one.write("/root/.profile", "")
    one.write("/var/lib/dpkg/status", "")
    assert not isinstance(apply_early(Root(str(one))), str)
    lines = one.read(RELABEL).splitlines()
    assert {"/root/.ssh", "/var/lib/bootagent", "/etc/hostname", "/etc/hosts"} <= set(lines)
    written = [path for path in (NETWORK, MANIFEST, LAST_STATUS, "/root/.ssh/authorized_keys") if is_there(one, path)]
    assert all(any(path == line or path.startswith(f"{line}/") for line in lines) for path in written)
    assert not {"/", "/etc", "/root", "/var", "/var/lib"} & set(lines)
    assert len(lines) == len(set(lines))


def test_generators_are_left_to_systemd(one: MachineDirectory) -> None:
    prepared = prepare(Root(str(one)), {}, waits=False)
    plan = prepared.decision.plan._replace(actions=(Action("netplan-generate", "/etc/netplan"), Action("remove", "/x")))
    changed = without_generators(prepared._replace(decision=prepared.decision._replace(plan=plan)))
    assert changed.decision.plan.actions == (Action("remove", "/x"),)
