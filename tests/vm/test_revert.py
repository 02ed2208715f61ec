# SPDX-License-Identifier: Apache-2.0
"""A machine that the cloud gives a network by which nobody is reached is reached all the same.

One disk, three boots: with a gateway that is not there, and nothing else known; with the right one; and with the wrong
one again.
"""

from __future__ import annotations

import json
import pathlib
import shutil
import tempfile
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from . import drives, images, snapshot
from . import network as outside
from .conftest import require_tools
from .machine import Drive, Hardware, Machine

if TYPE_CHECKING:
    from collections.abc import Iterator

UUID = "5d1f4a0e-6b0e-4c19-9f0a-000000000007"
(NIC,) = (nic for nic in outside.NICS if nic.tap == "dhcp")
STATIC, WRONG = "10.40.0.44", "10.40.0.99"
GATEWAYS = {"wrong": WRONG, "right": outside.DHCP_ROUTER, "wrong again": WRONG}
# Until the last look of this boot is over: a step makes another one.
SETTLED = """
for turn in $(seq 600); do
    case $(systemctl show -p ActiveState --value bootagent-revert.service) in
    inactive | failed) test -e /run/bootagent/verify.json && ! test -e /run/bootagent/to-revert && exit 0 ;;
    esac
    sleep 0.5
done
exit 1
"""
QUESTIONS = {
    "walked": "cat /run/bootagent/reverted",
    "status": "cat /run/bootagent/status.json",
    "links": "ip -j -4 addr",
    "routes": "ip -j -4 route show default",
    "journal": "journalctl -b -o short-monotonic -u 'bootagent*'",
    "failed": "systemctl --failed --no-legend --plain",
}


class Stage(NamedTuple):
    """What came of one boot."""

    said: dict[str, str]
    addresses: list[str]
    login: str

    @property
    def status(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.said["status"])
        return found


@pytest.fixture(scope="module")
def life() -> Iterator[dict[str, Stage]]:
    require_tools()
    directory = pathlib.Path(tempfile.mkdtemp(prefix="bootagent-revert."))
    key = drives.make_key(directory / "key")
    disk = images.make_disk("bookworm", "networkd", directory, images.install_agent)
    stages = {}
    with outside.Network("bootagent-revert", directory) as network:
        for name, gateway in GATEWAYS.items():
            place = directory / name.replace(" ", "-")
            place.mkdir()
            drive = Drive(make_drive(place, key, gateway), "virtio")
            hardware = Hardware(disk, UUID, (NIC,), drive, "bootagent.on-failure=revert")
            with Machine(hardware, network.namespace, directory) as machine:
                machine.wait_booted()
                machine.shell(SETTLED, 400)
                said = snapshot.ask(machine, QUESTIONS)
                addresses = [
                    entry["local"]
                    for link in json.loads(said["links"])
                    for entry in link["addr_info"]
                    if entry["scope"] == "global"
                ]
                login = snapshot.run_ssh(network, key, addresses[0], "id -un", 120) if addresses else None
                stages[name] = Stage(said, addresses, login.stdout.strip() or login.stderr if login else "")
                machine.power_off()
    yield stages
    shutil.rmtree(directory)


def make_drive(directory: pathlib.Path, key: pathlib.Path, gateway: str) -> pathlib.Path:
    """A config drive with a static address behind this gateway."""
    latest = directory / "drive/openstack/latest"
    latest.mkdir(parents=True)
    public = key.with_suffix(".pub").read_text(encoding="utf-8").strip()
    meta = {"uuid": UUID, "hostname": "reverted", "public_keys": {"owner": public}}
    network = {"type": "ipv4", "link": "nic", "ip_address": STATIC, "netmask": "255.255.255.0"}
    routes = [{"network": "0.0.0.0", "netmask": "0.0.0.0", "gateway": gateway}]
    link = {"id": "nic", "type": "ovs", "ethernet_mac_address": NIC.mac}
    document = {"links": [link], "networks": [{**network, "routes": routes}]}
    (latest / "meta_data.json").write_text(json.dumps(meta), encoding="utf-8")
    (latest / "network_data.json").write_text(json.dumps(document), encoding="utf-8")
    return drives.burn(directory / "drive")


def test_with_nothing_else_known_the_machine_is_reached_by_dhcp(life: dict[str, Stage]) -> None:
    stage = life["wrong"]
    assert stage.said["walked"].split() == ["without", "previous", "dhcp"], stage.said["journal"]
    assert stage.login == "root", stage.said["journal"]
    assert STATIC not in stage.addresses
    assert [route["gateway"] for route in json.loads(stage.said["routes"])] == [outside.DHCP_ROUTER]


def test_the_status_says_that_this_is_not_what_the_cloud_asked_for(life: dict[str, Stage]) -> None:
    status = life["wrong"].status
    assert (status["stage"], status["state"], status["source"]) == ("revert", "degraded", "configdrive")
    (told,) = (item for item in status["problems"] if item["where"] == "network")
    assert told["message"] == "nobody was reached by the one before: DHCP and router advertisements on every NIC"


def test_a_network_that_works_is_kept(life: dict[str, Stage]) -> None:
    stage = life["right"]
    assert (stage.login, stage.addresses, stage.said["walked"]) == ("root", [STATIC], ""), stage.said["journal"]
    assert (stage.status["stage"], stage.status["state"]) == ("root", "ok")


def test_what_worked_before_comes_back(life: dict[str, Stage]) -> None:
    stage = life["wrong again"]
    assert stage.said["walked"].split() == ["without", "previous"], stage.said["journal"]
    assert (stage.login, stage.addresses) == ("root", [STATIC]), stage.said["journal"]
    assert [route["gateway"] for route in json.loads(stage.said["routes"])] == [outside.DHCP_ROUTER]


def test_no_unit_fails(life: dict[str, Stage]) -> None:
    assert {name: stage.said["failed"] for name, stage in life.items()} == dict.fromkeys(GATEWAYS, "")
