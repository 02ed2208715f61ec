# SPDX-License-Identifier: Apache-2.0
"""The command line is an interface: its JSON, its exit codes, and one line for whatever goes wrong."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from bootagent.cli import main

if TYPE_CHECKING:
    from tests.conftest import MachineDirectory

CHECKOUT = Path(__file__).resolve().parent.parent
DEMO = CHECKOUT / "bootagent" / "demo" / "drive"
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOflAKvYJxaL6s2wOpnswu59XJc0wvUR+A3PErwCb4+j demo@example.org"


def plan(machine: MachineDirectory, capsys: pytest.CaptureFixture[str], *more: str) -> dict[str, Any]:
    assert main(["plan", "--json", "--root", str(machine), *more]) == 0
    document: dict[str, Any] = json.loads(capsys.readouterr().out)
    return document


def test_the_plan_has_the_documented_shape(machine: MachineDirectory, capsys: pytest.CaptureFixture[str]) -> None:
    document = plan(machine, capsys, "--drive", str(DEMO), "--backend", "networkd")
    assert set(document) == {"version", "source", "why", "backend", "instance", "files", "actions", "problems"}
    assert (document["version"], document["source"], document["backend"]) == (1, "configdrive", "networkd")
    assert document["why"] == {"taken": "an option names it", "awaited": None, "others": {}}
    assert document["instance"] == {
        "id": "6f1c0f7e-2d3b-4a53-9a36-0d2f6b1d8a11",
        "hostname": "web-1",
        "ssh_keys": {"root": [KEY]},
    }
    assert all(set(file) == {"path", "mode", "owner", "content"} for file in document["files"])
    modes = {file["path"]: (file["mode"], file["owner"]) for file in document["files"]}
    assert modes["/etc/hostname"] == ("0644", "root:root")
    assert modes["/root/.ssh/authorized_keys"] == ("0600", "root:root")
    assert modes["/etc/systemd/network/05-bootagent-bc764e201a01.network"] == ("0640", "root:systemd-network")
    assert document["actions"] == []
    assert document["problems"] == []


def test_the_plan_is_what_apply_does(machine: MachineDirectory, capsys: pytest.CaptureFixture[str]) -> None:
    document = plan(machine, capsys, "--drive", str(DEMO))
    assert [problem["where"] for problem in document["problems"]] == ["backend"]
    assert list(machine.path.iterdir()) == []
    assert main(["apply", "--root", str(machine), "--drive", str(DEMO)]) == 0
    for file in document["files"]:
        assert machine.read(file["path"]) == file["content"]
        assert stat.S_IMODE((machine.path / file["path"][1:]).stat().st_mode) == int(file["mode"], 8)
    planned = {file["path"] for file in document["files"]}
    there = {f"/{path.relative_to(machine.path)}" for path in machine.path.rglob("*") if path.is_file()}
    own = {"/var/lib/bootagent/manifest.json", "/run/bootagent/status.json", "/run/bootagent/lock"}
    assert there == planned | own


def test_a_plan_for_a_person_shows_each_file(machine: MachineDirectory, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plan", "--root", str(machine), "--drive", str(DEMO)]) == 0
    shown = capsys.readouterr().out
    assert "/etc/hostname  0644 root:root\n    web-1\n" in shown


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["plan", "--drive", "/no/such/drive"], 3),
        (["plan", "--drive", "/no/such\0drive"], 3),
        (["plan", "--root", "/no/such/root"], 3),
        (["plan", "--backend", "no-such", "--drive", str(DEMO)], 2),
        (["status", "--root", "/no/such/root"], 3),
        (["validate", "/no/such/drive"], 3),
        (["validate", "/dev/null"], 3),
    ],
)
def test_what_cannot_be_is_one_line_and_a_code(
    arguments: list[str], code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == code
    captured = capsys.readouterr()
    assert captured.out == ""
    assert len(captured.err.splitlines()) == 1
    assert captured.err.startswith("bootagent: error: ")


def test_a_wrong_command_line_is_code_2(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as error:
        main(["dance"])
    assert error.value.code == 2
    assert "dance" in capsys.readouterr().err


def test_a_status_before_the_first_boot_says_so(machine: MachineDirectory, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["status", "--root", str(machine)]) == 3
    assert "has not run on this boot" in capsys.readouterr().err


def test_the_status_is_for_people_and_for_programs(
    machine: MachineDirectory, capsys: pytest.CaptureFixture[str]
) -> None:
    machine.add_nic("eth0", "bc:76:4e:20:1a:01")
    main(["apply", "--root", str(machine), "--drive", str(DEMO), "--backend", "networkd"])
    capsys.readouterr()
    assert main(["status", "--root", str(machine), "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["state"] == "degraded"
    assert [problem["where"] for problem in document["problems"]] == ["vendor_data.json: network_info.links[1]"]
    assert main(["status", "--root", str(machine)]) == 0
    text = capsys.readouterr().out
    assert "state: degraded\n" in text
    assert "    address 203.0.113.24/24 (vendor_data.json: network_info.networks[0])\n" in text


def test_the_console_block_is_short_whatever_the_machine(
    machine: MachineDirectory, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    latest = tmp_path / "drive/openstack/latest"
    latest.mkdir(parents=True)
    links = [{"id": str(n), "type": "phy", "ethernet_mac_address": f"52:54:00:00:01:{n:02x}"} for n in range(60)]
    (latest / "network_data.json").write_text(json.dumps({"links": links, "networks": [], "services": []}))
    machine.add_nic("eth0", "52:54:00:00:01:00")
    main(["apply", "--root", str(machine), "--drive", str(tmp_path / "drive"), "--backend", "networkd"])
    block = capsys.readouterr().out.splitlines()
    assert len(block) == 10
    assert all(line.startswith("bootagent: ") for line in block)
    assert "56 more devices" in block[5]
    assert "56 more problems" in block[-1]


def test_validate_finds_grammar_and_sense(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["validate", str(DEMO)]) == 0
    assert main(["validate", "--json", str(DEMO / "openstack/latest/vendor_data.json")]) == 0
    capsys.readouterr()
    document = {
        "links": [
            {"id": "a", "type": "phy", "ethernet_mac_address": "52:54:00:00:00:01", "mtu": 1400},
            {"id": "v", "type": "vlan", "vlan_id": 7, "vlan_link": "a", "mtu": 1500},
            {"id": "w", "type": "vlan", "vlan_id": 8, "vlan_link": "nowhere"},
        ],
        "networks": [
            {"id": "n", "type": "ipv4", "link": "a", "ip_address": "192.0.2.5", "netmask": "255.255.255.0",
             "routes": [{"network": "0.0.0.0", "netmask": "0.0.0.0", "gateway": "192.0.2.5"}]},
            {"id": "m", "type": "ipv4", "link": "v", "ip_address": "198.51.100.255", "netmask": "255.255.255.0"},
        ],
        "services": [],
    }  # fmt: skip
    path = tmp_path / "network_data.json"
    path.write_text(json.dumps(document))
    assert main(["validate", "--json", str(path)]) == 1
    result = json.loads(capsys.readouterr().out)
    assert result["valid"] is False
    assert {problem["where"].partition(": ")[2].partition(".vlan_link")[0] for problem in result["problems"]} == {
        "links[1]",
        "links[2]",
        "networks[0].routes[0]",
        "networks[1]",
    }


@pytest.mark.parametrize("content", [b"", b"\0" * 4096, b"{}", b"[1, 2", os.urandom(70000)], ids=len)
def test_any_file_as_a_drive_gives_a_plan_or_one_line(
    machine: MachineDirectory, content: bytes, tmp_path: Path
) -> None:
    drive = tmp_path / "drive.img"
    drive.write_bytes(content)
    command = [sys.executable, "-m", "bootagent", "plan", "--json", "--root", str(machine), "--drive", str(drive)]
    done = subprocess.run(
        [*command, "--backend", "networkd"], capture_output=True, text=True, check=False, cwd=CHECKOUT
    )
    assert "Traceback" not in done.stderr
    assert done.returncode == 0
    problems = json.loads(done.stdout)["problems"]
    assert [(problem["severity"], problem["where"]) for problem in problems] == [("error", str(drive))]
    assert done.stderr.splitlines() == [f"bootagent: error: {drive}: {problems[0]['message']}"]


def test_install_puts_the_agent_its_launcher_and_the_enabled_unit_in_place(machine: MachineDirectory) -> None:
    (machine.path / "usr/sbin").mkdir(parents=True)
    (machine.path / "sbin").symlink_to("usr/sbin")
    machine.add_python()
    machine.enable("systemd-networkd.service")
    assert main(["install", "--root", str(machine)]) == 0
    assert main(["install", "--root", str(machine)]) == 0
    assert os.access(machine.path / "usr/sbin/bootagent", os.X_OK)
    assert machine.read("/usr/sbin/bootagent").startswith("#!/usr/bin/python3 -IS\n")
    assert machine.read("/usr/lib/bootagent/bootagent/cli.py") == (CHECKOUT / "bootagent/cli.py").read_text()
    wants = machine.path / "etc/systemd/system/multi-user.target.wants/bootagent.service"
    assert os.readlink(wants) == "/usr/lib/systemd/system/bootagent.service"
    assert (
        machine.read("/usr/lib/systemd/system/bootagent.service")
        == (CHECKOUT / "systemd/bootagent.service").read_text()
    )
    size = sum(path.stat().st_size for path in (machine.path / "usr").rglob("*") if path.is_file())
    assert size <= 900_000  # every backend and every source; the bytecode beside it not counted


def test_install_puts_the_module_for_dracut_where_the_image_has_dracut(machine: MachineDirectory) -> None:
    machine.add_python()
    machine.enable("systemd-networkd.service")
    assert main(["install", "--root", str(machine)]) == 0
    assert not (machine.path / "usr/lib/dracut").exists()
    (machine.path / "usr/lib/dracut/modules.d").mkdir(parents=True)
    assert main(["install", "--root", str(machine)]) == 0
    module = machine.path / "usr/lib/dracut/modules.d/50bootagent"
    source = CHECKOUT / "dracut/50bootagent"
    assert {path.name: path.read_text() for path in module.iterdir()} == {
        path.name: path.read_text() for path in source.iterdir()
    }
    assert {path.name for path in module.iterdir() if os.access(path, os.X_OK)} == {"module-setup.sh"}
