# SPDX-License-Identifier: Apache-2.0
"""``bootagent explain``: document and place of each value, and what it was preferred to."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from bootagent.cli import main

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import MachineDirectory

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGK6kPDHVVC1YvBvRXGAkXoPAhVyvzBRSM4jEdlEmQX6 ops"
META = {"uuid": "i-1", "hostname": "web1.example.org", "name": "Web One", "public_keys": {"ops": KEY}, "keys": None}
NETWORK = {
    "links": [
        {"id": "a", "type": "phy", "ethernet_mac_address": "52:54:00:00:00:0a", "mtu": 1400},
        {"id": "b", "type": "phy", "ethernet_mac_address": "52:54:00:00:00:0b", "mtu": "huge"},
    ],
    "networks": [
        {
            "id": "n",
            "link": "a",
            "type": "ipv4",
            "ip_address": "192.0.2.7",
            "netmask": "255.255.255.0",
            "routes": [{"network": "0.0.0.0", "netmask": "0.0.0.0", "gateway": "192.0.2.1"}],
        },
        {"id": "m", "link": "b", "type": "ipv4_dhcp"},
    ],
}


@pytest.fixture
def booted(machine: MachineDirectory, tmp_path: Path) -> MachineDirectory:
    machine.enable("systemd-networkd.service")
    machine.write("/etc/bootagent.yaml", "hostname: short\nfallback: dhcp\n")
    machine.write("/proc/cmdline", "quiet bootagent.hostname=fqdn\n")
    machine.write("/etc/passwd", "root:x:0:0:root:/root:/bin/sh\n")
    for index, name in enumerate(("eth0", "eth1", "eth2")):
        machine.add_nic(name, f"52:54:00:00:00:0{'abc'[index]}")
    drive = tmp_path / "drive/openstack/latest"
    drive.mkdir(parents=True)
    (drive / "meta_data.json").write_text(json.dumps(META), encoding="utf-8")
    (drive / "network_data.json").write_text(json.dumps(NETWORK), encoding="utf-8")
    assert main(["apply", "--root", str(machine), "--drive", str(tmp_path / "drive")]) == 0
    return machine


@pytest.mark.parametrize(
    ("key", "wanted"),
    [
        ("hostname", "hostname: web1.example.org: meta_data.json: hostname, preferred to name"),
        ("hostname", "option hostname: from kernel command line, preferred to /etc/bootagent.yaml"),
        ("id", "id: i-1: meta_data.json: uuid"),
        ("ssh_keys", "SSH keys: 1 for root: meta_data.json: public_keys"),
        ("ssh_keys", "for these users: option users, by default"),
        ("source", "because: an option names it"),
        ("source", "no service was looked at: a drive beats the network"),
        ("backend", "backend: networkd: systemd-networkd.service is enabled"),
        ("eth0", "address 192.0.2.7/24: network_data.json: networks[0]"),
        ("eth0", "route 0.0.0.0/0 via 192.0.2.1: network_data.json: networks[0].routes[0]"),
        ("eth0", "MTU 1400: network_data.json: links[0]"),
        ("52:54:00:00:00:0a", "address 192.0.2.7/24: network_data.json: networks[0]"),
        ("eth1", "DHCPv4: network_data.json: links[1]"),
        ("eth2", "eth2: DHCP, because no document names it (option fallback, from /etc/bootagent.yaml)"),
        ("/etc/hostname", "/etc/hostname: written, for hostname"),
        ("mtu", "warning: network_data.json: links[1].mtu"),
    ],
)
def test_a_value_says_where_it_is_from(
    booted: MachineDirectory, capsys: pytest.CaptureFixture[str], key: str, wanted: str
) -> None:
    capsys.readouterr()
    key = "network_data.json: links[1].mtu" if key == "mtu" else key
    assert main(["explain", "--root", str(booted), key]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines if line == wanted or line.startswith(f"{wanted}: ")], lines


def test_what_is_not_known_is_an_error_that_says_what_is(
    booted: MachineDirectory, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    assert main(["explain", "--root", str(booted), "eth7\n"]) == 2
    assert capsys.readouterr().err == (
        "bootagent: error: explain: 'eth7\\n' is none of backend, eth0, eth1, eth2, hostname, id, source, ssh_keys,"
        " nor a file or an option of this boot\n"
    )


def test_without_a_boot_there_is_nothing_to_explain(
    machine: MachineDirectory, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["explain", "--root", str(machine), "hostname"]) == 3
    assert "the agent has not run on this boot" in capsys.readouterr().err
