# SPDX-License-Identifier: Apache-2.0
"""A life of several boots: what stays, what goes, and what is reported."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from bootagent.cli import main
from bootagent.commit import Lock
from bootagent.root import Root
from bootagent.state import MANIFEST, STATUS

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import MachineDirectory

MAC = "52:54:00:00:00:0a"
ANN = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOflAKvYJxaL6s2wOpnswu59XJc0wvUR+A3PErwCb4+j ann"
BOB = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDflAKvYJxaL6s2wOpnswu59XJc0wvUR+A3PErwCb4+j bob"
NETWORK = "/etc/systemd/network/05-bootagent-52540000000a.network"
UNLISTED = "/etc/systemd/network/90-bootagent-unlisted.network"
KEYS = "/root/.ssh/authorized_keys"


class Cloud:
    """A drive's directory that can be written again."""

    def __init__(self, path: Path) -> None:
        self.path = path / "openstack" / "latest"
        self.path.mkdir(parents=True)
        self.drive = str(path)

    def say(self, identity: str, address: str, *, name: str = "web", key: str | None = ANN, mac: str = MAC) -> None:
        """Write both documents of one instance."""
        meta: dict[str, Any] = {"uuid": identity, "hostname": name}
        if key:
            meta["public_keys"] = {"key": key}
        network = {
            "links": [{"id": "tap0", "type": "ovs", "ethernet_mac_address": mac}],
            "networks": [
                {"id": "n0", "type": "ipv4", "link": "tap0", "ip_address": address, "netmask": "255.255.255.0"}
            ],
            "services": [],
        }
        self.write("meta_data.json", json.dumps(meta))
        self.write("network_data.json", json.dumps(network))

    def write(self, name: str, text: str) -> None:
        """Write one document."""
        (self.path / name).write_text(text)


@pytest.fixture
def cloud(tmp_path: Path) -> Cloud:
    return Cloud(tmp_path / "drive")


@pytest.fixture
def one(machine: MachineDirectory) -> MachineDirectory:
    """A machine with one NIC, networkd, and a hosts file."""
    machine.add_nic("ens3", MAC)
    machine.enable("systemd-networkd.service")
    machine.enable("systemd-resolved.service")
    machine.write("/etc/hosts", "127.0.0.1 localhost\n")
    return machine


def boot(machine: MachineDirectory, cloud: Cloud | None, *more: str) -> dict[str, Any]:
    drive = ["--drive", cloud.drive] if cloud else []
    assert main(["apply", "--root", str(machine), *drive, *more]) == 0
    status: dict[str, Any] = json.loads(machine.read(STATUS))
    return status


def tree(machine: MachineDirectory) -> dict[str, str]:
    files = (path for path in (machine.path / "etc").rglob("*") if path.is_file() and not path.is_symlink())
    return {str(path.relative_to(machine.path)): path.read_text() for path in files}


def test_a_first_boot_configures_all_and_says_so(one: MachineDirectory, cloud: Cloud) -> None:
    cloud.say("id-1", "192.0.2.5")
    status = boot(one, cloud)
    assert status["state"] == "ok"
    assert status["instance"] == {"id": "id-1", "hostname": "web", "ssh_keys": {"root": 1}}
    assert status["interfaces"][0]["addresses"] == [
        {"address": "192.0.2.5/24", "origin": "network_data.json: networks[0]"}
    ]
    assert set(status["seconds"]) == {"host", "source", "plan", "commit"}
    assert one.read("/etc/hostname") == "web\n"
    assert ANN in one.read(KEYS)
    assert "Address=192.0.2.5/24" in one.read(NETWORK)
    assert ANN.split()[1] not in one.read(STATUS)


def test_a_second_boot_changes_nothing(one: MachineDirectory, cloud: Cloud) -> None:
    cloud.say("id-1", "192.0.2.5")
    boot(one, cloud)
    before = {
        path: path.stat().st_mtime_ns for path in one.path.rglob("*") if path.is_file() and "run" not in path.parts
    }
    status = boot(one, cloud)
    assert {change["result"] for change in status["changes"]} == {"unchanged"}
    assert {path: path.stat().st_mtime_ns for path in before} == before


def test_a_drive_that_is_gone_takes_nothing_away(one: MachineDirectory, cloud: Cloud) -> None:
    cloud.say("id-1", "192.0.2.5")
    boot(one, cloud)
    before = tree(one)
    status = boot(one, None)
    assert tree(one) == before
    assert status["state"] == "degraded"
    assert status["instance"]["id"] == "id-1"
    boot(one, None)
    assert tree(one) == before


@pytest.mark.parametrize(
    ("document", "text"),
    [
        ("network_data.json", "{broken"),
        ("network_data.json", '{"links": [{"id": "a", "ethernet_mac_address": "no"}], "networks": []}'),
        ("network_data.json", "{}"),
        ("meta_data.json", "{broken"),
    ],
)
def test_a_document_that_breaks_later_takes_nothing_away(
    one: MachineDirectory, cloud: Cloud, document: str, text: str
) -> None:
    cloud.say("id-1", "192.0.2.5")
    boot(one, cloud)
    before = tree(one)
    cloud.write(document, text)
    assert boot(one, cloud)["state"] == "degraded"
    assert tree(one) == before


def test_another_instance_leaves_nothing_of_the_old(one: MachineDirectory, cloud: Cloud) -> None:
    other = "52:54:00:00:00:0b"
    cloud.say("id-1", "192.0.2.5")
    boot(one, cloud)
    cloud.say("id-2", "198.51.100.7", name="db", key=BOB, mac=other)
    (one.path / "sys/class/net/ens3/address").write_text(other + "\n")
    status = boot(one, cloud)
    assert status["state"] == "ok"
    assert not one.has(NETWORK)
    left = "".join(tree(one).values()) + one.read(KEYS) + one.read(MANIFEST)
    for old in ("192.0.2.5", "web", ANN.split()[1], "id-1", MAC):
        assert old not in left
    assert "Address=198.51.100.7/24" in one.read("/etc/systemd/network/05-bootagent-52540000000b.network")
    assert {change["result"] for change in boot(one, cloud)["changes"]} == {"unchanged"}


def test_a_key_that_the_cloud_revokes_is_revoked_here_and_the_users_own_stay(
    one: MachineDirectory, cloud: Cloud
) -> None:
    one.write(KEYS, f"{BOB}\n", 0o600)
    cloud.say("id-1", "192.0.2.5")
    boot(one, cloud)
    cloud.say("id-1", "192.0.2.5", key=None)
    boot(one, cloud)
    assert one.read(KEYS) == f"{BOB}\n"


def test_what_a_person_edited_stays_and_is_reported(one: MachineDirectory, cloud: Cloud) -> None:
    cloud.say("id-1", "192.0.2.5")
    boot(one, cloud)
    one.write(NETWORK, one.read(NETWORK) + "# mine\n")
    one.write("/etc/hostname", "mine\n")
    cloud.say("id-1", "192.0.2.6", name="new")
    status = boot(one, cloud)
    assert one.read(NETWORK).endswith("# mine\n")
    assert one.read("/etc/hostname") == "mine\n"
    edited = {item["where"] for item in status["problems"] if "edited by hand" in item["message"]}
    assert edited == {NETWORK, "/etc/hostname"}
    assert status["state"] == "degraded"
    cloud.say("id-2", "192.0.2.7", mac="52:54:00:00:00:0b")
    assert NETWORK in {item["where"] for item in boot(one, cloud)["problems"]}
    assert one.has(NETWORK)


def test_a_fallback_is_provisional(one: MachineDirectory, cloud: Cloud) -> None:
    status = boot(one, None)
    assert (status["state"], status["source"]) == ("ok", None)
    assert "DHCP=yes" in one.read(UNLISTED)
    cloud.say("id-1", "192.0.2.5")
    boot(one, cloud)
    assert "Address=192.0.2.5/24" in one.read(NETWORK)


def test_another_instance_without_a_network_gets_the_fallback(one: MachineDirectory, cloud: Cloud) -> None:
    cloud.say("id-1", "192.0.2.5")
    boot(one, cloud)
    cloud.say("id-2", "192.0.2.5")
    (cloud.path / "network_data.json").unlink()
    boot(one, cloud)
    assert not one.has(NETWORK)
    assert one.has(UNLISTED)


def test_a_broken_network_on_a_first_boot_still_gives_a_machine(one: MachineDirectory, cloud: Cloud) -> None:
    cloud.say("id-1", "192.0.2.5")
    cloud.write("network_data.json", "[" * 100000)
    status = boot(one, cloud)
    assert status["state"] == "degraded"
    assert ANN in one.read(KEYS)
    assert one.read("/etc/hostname") == "web\n"
    assert "DHCP=yes" in one.read(UNLISTED)


def test_a_damaged_manifest_is_reported_and_made_new(one: MachineDirectory, cloud: Cloud) -> None:
    cloud.say("id-1", "192.0.2.5")
    boot(one, cloud)
    one.write(MANIFEST, "\0" * 40)
    assert boot(one, cloud)["state"] == "degraded"
    assert boot(one, cloud)["state"] == "ok"


def test_the_kernel_command_line_turns_it_off(
    one: MachineDirectory, cloud: Cloud, capsys: pytest.CaptureFixture[str]
) -> None:
    cloud.say("id-1", "192.0.2.5")
    one.write("/proc/cmdline", "root=/dev/vda bootagent=off quiet\n")
    before = tree(one)
    assert main(["apply", "--root", str(one), "--drive", cloud.drive]) == 0
    assert tree(one) == before
    assert capsys.readouterr().out == "bootagent: off, by the kernel command line\n"


def test_a_second_agent_is_one_line_and_changes_nothing(
    one: MachineDirectory, cloud: Cloud, capsys: pytest.CaptureFixture[str]
) -> None:
    cloud.say("id-1", "192.0.2.5")
    with Lock(Root(str(one))):
        assert main(["apply", "--root", str(one), "--drive", cloud.drive]) == 7
    assert capsys.readouterr().err == "bootagent: error: /run/bootagent/lock: another bootagent is at work\n"
    assert not one.has(NETWORK)


def test_strict_changes_nothing_when_there_are_problems(one: MachineDirectory, cloud: Cloud) -> None:
    cloud.say("id-1", "192.0.2.5", mac="52:54:00:00:00:0f")
    assert main(["apply", "--root", str(one), "--drive", cloud.drive, "--strict"]) == 1
    assert not one.has("/etc/hostname")
    cloud.say("id-1", "192.0.2.5")
    assert main(["apply", "--root", str(one), "--drive", cloud.drive, "--strict"]) == 0
    assert one.has("/etc/hostname")


def test_options_of_the_image_and_of_the_kernel_command_line(one: MachineDirectory, cloud: Cloud) -> None:
    one.write("/etc/passwd", "root:x:0:0::/root:/bin/sh\nann:x:1000:1000::/home/ann:/bin/sh\n")
    one.write("/etc/bootagent.yaml", "users: [ann]\nhostname: short\nfallback: none\nbackend: nonsense\n")
    one.write("/proc/cmdline", "bootagent.hostname=fqdn bootagent.colour=red\n")
    cloud.say("id-1", "192.0.2.5", name="web.example.org")
    status = boot(one, cloud)
    assert one.read("/etc/hostname") == "web.example.org\n"
    assert ANN in one.read("/home/ann/.ssh/authorized_keys")
    assert not one.has(KEYS)
    assert not one.has(UNLISTED)
    assert {problem["where"] for problem in status["problems"]} == {
        "/etc/bootagent.yaml: backend",
        "kernel command line: 'colour'",
    }


@pytest.mark.parametrize(
    ("words", "wheres"),
    [
        ("bootagent.sources=configdrive", []),
        ("bootagent.sources=configdrive,configdirve", ["kernel command line: sources"]),
        ("bootagent.sources=", ["kernel command line: sources"]),
    ],
)
def test_the_sources_that_are_asked_are_those_that_there_are(
    one: MachineDirectory, cloud: Cloud, words: str, wheres: list[str]
) -> None:
    """A name that is none costs the machine no source: the option falls back to its default."""
    one.write("/proc/cmdline", f"{words}\n")
    cloud.say("id-1", "192.0.2.5")
    status = boot(one, cloud)
    assert status["source"] == "configdrive"
    assert [problem["where"] for problem in status["problems"]] == wheres


def test_keys_move_when_the_users_do(one: MachineDirectory, cloud: Cloud) -> None:
    one.write("/etc/passwd", "root:x:0:0::/root:/bin/sh\nann:x:1000:1000::/home/ann:/bin/sh\n")
    cloud.say("id-1", "192.0.2.5")
    one.write("/proc/cmdline", "bootagent.users=ann\n")
    boot(one, cloud)
    one.write("/proc/cmdline", "\n")
    boot(one, cloud)
    assert ANN in one.read(KEYS)
    assert one.read("/home/ann/.ssh/authorized_keys") == ""


def test_a_stanza_of_the_image_for_one_of_our_devices_is_reported(one: MachineDirectory, cloud: Cloud) -> None:
    """A base image's own file would bring the device up a second way."""
    cloud.say("id-1", "192.0.2.5")
    one.write("/etc/network/interfaces", "source /etc/network/interfaces.d/*\n")
    one.write("/etc/network/interfaces.d/50-cloud-init", "auto ens3\niface ens3 inet dhcp\n")
    status = boot(one, cloud, "--backend", "ifupdown")
    wheres = ["backend", "/etc/network/interfaces.d/50-cloud-init"]  # networkd is what runs there
    assert [problem["where"] for problem in status["problems"]] == wheres


def test_no_secret_of_the_metadata_reaches_a_file_or_a_log(
    one: MachineDirectory, cloud: Cloud, capfd: pytest.CaptureFixture[str]
) -> None:
    cloud.say("id-1", "192.0.2.5")
    meta = json.loads((cloud.path / "meta_data.json").read_text())
    meta |= {"admin_pass": "MARKER-1", "random_seed": "MARKER-2", "meta": {"token": "MARKER-3"}}
    meta["public_keys"]["bad"] = "MARKER-4 is no key"
    meta["keys"] = [{"name": "c", "type": "x509", "data": "-----BEGIN CERTIFICATE-----\nMARKER-5\n"}]
    cloud.write("meta_data.json", json.dumps(meta))
    cloud.write("user_data", "#!/bin/sh\necho MARKER-6\n")
    cloud.write("vendor_data.json", '{"password": "MARKER-7" broken')
    boot(one, cloud)
    main(["status", "--root", str(one)])
    captured = capfd.readouterr()
    said = captured.out + captured.err
    written = "".join(path.read_text() for path in one.path.rglob("*") if path.is_file() and not path.is_symlink())
    assert "MARKER" not in said + written
    assert "public_keys" in said
