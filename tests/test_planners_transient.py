# SPDX-License-Identifier: Apache-2.0
"""``render-to: run``, through the whole pipeline."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from bootagent.cli import main

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import MachineDirectory

    Plan = Callable[[str], tuple[list[str], list[str]]]  # of a backend: paths, and problems

MAC = "52:54:00:00:00:0a"
NETWORK_DATA = {
    "links": [{"id": "a", "type": "phy", "ethernet_mac_address": MAC}],
    "networks": [{"id": "n", "link": "a", "type": "ipv4", "ip_address": "192.0.2.5", "netmask": "255.255.255.0"}],
    "services": [{"type": "dns", "address": "192.0.2.53"}],
}


@pytest.fixture
def planned(machine: MachineDirectory, capsys: pytest.CaptureFixture[str]) -> Plan:
    machine.add_nic("ens3", MAC)
    machine.write("/drive/openstack/latest/network_data.json", json.dumps(NETWORK_DATA))
    machine.write("/drive/openstack/latest/meta_data.json", json.dumps({"uuid": "id-1", "hostname": "web"}))
    machine.write("/proc/cmdline", "bootagent.render-to=run\n")

    def plan(backend: str) -> tuple[list[str], list[str]]:
        arguments = ["plan", "--json", "--root", str(machine), "--drive", f"{machine}/drive", "--backend", backend]
        assert main(arguments) == 0
        document = json.loads(capsys.readouterr().out)
        problems = [f"{item['severity']} {item['where']}" for item in document["problems"]]
        return [file["path"] for file in document["files"]], problems

    return plan


def test_network_files_go_to_the_daemons_directory_in_run(planned: Plan, machine: MachineDirectory) -> None:
    machine.enable("systemd-resolved.service")
    paths, problems = planned("networkd")

    assert paths == [
        "/run/systemd/network/05-bootagent-52540000000a.network",
        "/run/systemd/network/90-bootagent-unlisted.network",
    ]
    assert problems == ["info /etc/hostname"]


def test_what_has_no_directory_in_run_stays_and_is_reported(planned: Plan) -> None:
    paths, problems = planned("ifupdown")

    assert [path for path in paths if path.startswith("/run/")] == []
    assert "/etc/resolv.conf" in paths
    assert sorted(problems) == ["info /etc/hostname", *(f"warning {path}" for path in sorted(paths))]
