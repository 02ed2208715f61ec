# SPDX-License-Identifier: Apache-2.0
"""Machines without a drive: the cloud's metadata service is asked over the network, and its answer becomes theirs."""

from __future__ import annotations

import json
import pathlib
import shutil
import tempfile
from typing import TYPE_CHECKING, NamedTuple

import pytest

from tests.wire import Wire

from . import drives, images, snapshot
from . import network as outside
from .conftest import missing_tools
from .machine import Hardware, Machine

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tests.wire import Reply

UUID = "0b9a4b1e-7f6c-4c70-9d55-0000000c10d5"
METADATA_V4, METADATA_V6 = "169.254.169.254", "fe80::a9fe:a9fe"
QUESTIONS = {
    "hostname": "cat /proc/sys/kernel/hostname",
    "links": "ip -j addr",
    "routes": "ip -j -4 route show default",
    "status": "bootagent status --json",
    "state": "systemctl is-system-running",
    "failed": "systemctl --failed --no-legend --plain",
    "online": "journalctl -b -o cat -u bootagent-online.service -u bootagent-reload.service",
    "order": "systemctl show -p ActiveEnterTimestampMonotonic --value bootagent-online.service ssh.service",
}


class Cloud(NamedTuple):
    """A cloud as one machine sees it."""

    name: str
    smbios: str
    tap: str  # where its NIC is plugged in: "dhcp", or "multi" and "unnamed" without DHCP
    addresses: tuple[str, ...]  # of the service; a link-local one with the tap as its zone
    static: str  # the address that the service gives
    gateway: str | None = None


def nova(key: str, mac: str, address: str, netmask: str, gateway: str | None) -> Mapping[str, Reply]:
    """nova's documents, https://docs.openstack.org/nova/latest/user/metadata.html: one link with a static address."""
    family = "ipv6" if ":" in address else "ipv4"
    any_mask = "::" if family == "ipv6" else "0.0.0.0"
    routes = [{"network": any_mask, "netmask": any_mask, "gateway": gateway}] if gateway else []
    meta = {"uuid": UUID, "hostname": "served", "name": "served", "public_keys": {"owner": key}}
    network = {
        "links": [{"id": "tap1", "type": "ovs", "ethernet_mac_address": mac, "mtu": 1500, "vif_id": "v1"}],
        "networks": [
            {
                "id": "network0",
                "network_id": "n",
                "type": family,
                "link": "tap1",
                "ip_address": address,
                "netmask": netmask,
                "routes": routes,
            }
        ],
        "services": [],
    }
    return {
        "/openstack/latest/meta_data.json": json.dumps(meta).encode(),
        "/openstack/latest/network_data.json": json.dumps(network).encode(),
    }


NOVA = "manufacturer=OpenStack Foundation,product=OpenStack Nova"
V4 = Cloud("openstack", NOVA, "dhcp", (METADATA_V4,), "10.40.0.44/24", outside.DHCP_ROUTER)
V6 = Cloud("openstack", NOVA, "unnamed", (f"{METADATA_V6}%unnamed",), "2001:db8:60::44/64")
MACHINES = {
    "openstack-v4-bookworm-networkd": ("bookworm", "networkd", V4),
    "openstack-v4-bookworm-ifupdown": ("bookworm", "ifupdown", V4),
    "openstack-v4-trixie-networkmanager": ("trixie", "networkmanager", V4),
    "openstack-v6-trixie-networkd": ("trixie", "networkd", V6),
}


class Said(NamedTuple):
    """What came of one machine."""

    cloud: Cloud
    answers: dict[str, str]
    login: str
    asked: list[str]  # of the service: the paths


@pytest.fixture(scope="module", params=MACHINES)
def said(request: pytest.FixtureRequest) -> Iterator[Said]:
    if lacking := missing_tools():
        pytest.exit(f"the VM tests lack: {', '.join(lacking)}", returncode=1)
    suite, image, cloud = MACHINES[request.param]
    directory = pathlib.Path(tempfile.mkdtemp(prefix=f"bootagent-{request.param}."))
    key = drives.make_key(directory / "key")
    (nic,) = (nic for nic in outside.NICS if nic.tap == cloud.tap)
    disk = images.make_disk(suite, image, directory, images.install_agent)
    hardware = Hardware(disk, UUID, (nic,), None, smbios=cloud.smbios)
    address, _, length = cloud.static.partition("/")
    with outside.Network("bootagent-services", directory) as network:
        network.add_service(cloud.addresses, cloud.tap, f"{address}/{length}")
        with (
            Wire(*cloud.addresses, namespace=network.namespace) as wire,
            Machine(hardware, network.namespace, directory) as machine,
        ):
            netmask = {"24": "255.255.255.0", "64": "ffff:ffff:ffff:ffff::"}[length]
            public = key.with_suffix(".pub").read_text(encoding="utf-8").strip()
            wire.answers.update(nova(public, nic.mac, address, netmask, cloud.gateway))
            machine.wait_booted()
            answers = snapshot.ask(machine, QUESTIONS)
            login = snapshot.run_ssh(network, key, address, "id -un", 120)
            asked = [request.path for request in wire.requests]
    yield Said(cloud, answers, login.stdout.strip() or login.stderr, asked)
    shutil.rmtree(directory)


def test_its_owner_is_let_in_at_the_address_that_the_service_gave(said: Said) -> None:
    assert said.login == "root", said.answers["online"]
    assert said.answers["hostname"].strip() == "served"


def test_the_network_is_the_services_and_not_the_one_by_which_it_was_asked(said: Said) -> None:
    found = {
        f"{entry['local']}/{entry['prefixlen']}"
        for link in json.loads(said.answers["links"])
        for entry in link["addr_info"]
        if entry["scope"] == "global"
    }
    assert found == {said.cloud.static}, said.answers["online"]
    gateways = [route["gateway"] for route in json.loads(said.answers["routes"])]
    assert gateways == ([said.cloud.gateway] if said.cloud.gateway else [])


def test_the_boot_is_whole_and_says_who_was_asked_and_why(said: Said) -> None:
    status = json.loads(said.answers["status"])
    assert (status["state"], status["source"], status["stage"]) == ("ok", said.cloud.name, "online")
    assert status["why"]["taken"].startswith("DMI ")
    assert said.answers["failed"].strip() == ""
    assert said.answers["state"].strip() == "running"
    online, ssh = (int(line) for line in said.answers["order"].split())
    assert 0 < online < ssh


def test_the_service_is_asked_few_times(said: Said) -> None:
    assert 2 <= len(said.asked) <= 4, said.asked
