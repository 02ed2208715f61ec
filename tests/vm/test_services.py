# SPDX-License-Identifier: Apache-2.0
"""Machines without a drive: the cloud's metadata service is asked over the network, and its answer becomes theirs."""

from __future__ import annotations

import contextlib
import ipaddress
import json
import pathlib
import shutil
import tempfile
from typing import TYPE_CHECKING, NamedTuple

import pytest

from tests.wire import Answer, Wire

from . import drives, images, snapshot
from . import network as outside
from .conftest import require_tools
from .machine import Hardware, Machine

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tests.wire import Reply, Request

UUID = "0b9a4b1e-7f6c-4c70-9d55-0000000c10d5"
METADATA_V4, METADATA_V6 = "169.254.169.254", "fe80::a9fe:a9fe"
QUESTIONS = {
    "hostname": "cat /proc/sys/kernel/hostname",
    "links": "ip -j addr",
    "routes": "ip -j -4 route show default",
    "status": "bootagent status --json",
    "state": "systemctl is-system-running",
    "failed": "systemctl --failed --no-legend --plain",
    "online": "journalctl -b -o cat -u bootagent-online.service",
    "order": "systemctl show -p ActiveEnterTimestampMonotonic --value bootagent-online.service ssh.service",
}


class Guest(NamedTuple):
    """What a cloud knows of the machine that asks."""

    key: str
    mac: str
    static: str  # address and prefix length
    gateway: str | None

    @property
    def address(self) -> ipaddress.IPv4Interface | ipaddress.IPv6Interface:
        return ipaddress.ip_interface(self.static)


class Cloud(NamedTuple):
    """A cloud as one machine sees it."""

    source: str
    answers: Callable[[Guest], Mapping[str, Reply]]
    tap: str  # where its NIC is plugged in: "dhcp", or "multi" and "unnamed" without DHCP
    addresses: tuple[str, ...]  # of the service; one that is on the link with the tap as its zone
    static: str  # the address that the service gives
    gateway: str | None = None
    smbios: str = ""
    uuid: str = UUID
    requests: int = 4  # at most


def nova(guest: Guest) -> Mapping[str, Reply]:
    """nova's documents, https://docs.openstack.org/nova/latest/user/metadata.html: one link with a static address."""
    any_address = "::" if guest.address.version == 6 else "0.0.0.0"
    route = {"network": any_address, "netmask": any_address, "gateway": guest.gateway}
    meta = {"uuid": UUID, "hostname": "served", "name": "served", "public_keys": {"owner": guest.key}}
    network = {
        "links": [{"id": "tap1", "type": "ovs", "ethernet_mac_address": guest.mac, "mtu": 1500, "vif_id": "v1"}],
        "networks": [
            {
                "id": "network0",
                "network_id": "n",
                "type": f"ipv{guest.address.version}",
                "link": "tap1",
                "ip_address": str(guest.address.ip),
                "netmask": str(guest.address.netmask),
                "routes": [route] if guest.gateway else [],
            }
        ],
        "services": [],
    }
    return {
        "/openstack/latest/meta_data.json": json.dumps(meta).encode(),
        "/openstack/latest/network_data.json": json.dumps(network).encode(),
    }


def digitalocean(guest: Guest) -> Mapping[str, Reply]:
    """https://docs.digitalocean.com/reference/api/metadata/: one document, every address in it is static."""
    address = {
        "ip_address": str(guest.address.ip),
        "netmask": str(guest.address.netmask),
        "gateway": guest.gateway,
    }
    droplet = {
        "droplet_id": 2756294,
        "hostname": "served",
        "public_keys": [guest.key],
        "interfaces": {"public": [{"ipv4": address, "mac": guest.mac, "type": "public"}]},
        "dns": {"nameservers": [outside.WORLD_V4]},
        "features": {"dhcp_enabled": False},
    }
    return {"/metadata/v1.json": json.dumps(droplet).encode()}


def ec2(guest: Guest) -> Mapping[str, Reply]:
    """The user guide's categories of instance metadata; without a token nothing is said (IMDSv2)."""

    def leaf(text: str) -> Callable[[Request], Answer]:
        def answer(request: Request) -> Answer:
            known = request.headers.get("x-aws-ec2-metadata-token") == "T0KEN"
            return Answer(text.encode()) if known else Answer(status=401)

        return answer

    nic = f"network/interfaces/macs/{guest.mac}"
    leaves = {
        "instance-id": "i-0abc1234def567890",
        "local-hostname": "served",
        "public-keys/0/openssh-key": guest.key,
        "network/interfaces/macs/": f"{guest.mac}/",
        f"{nic}/local-ipv4s": f"10.40.0.100\n{guest.address.ip}",
    }
    answers: dict[str, Reply] = {f"/latest/meta-data/{name}": leaf(text) for name, text in leaves.items()}
    return {**answers, "/latest/api/token": lambda request: Answer(b"T0KEN" if request.method == "PUT" else b"")}


def nocloud(guest: Guest) -> Mapping[str, Reply]:
    """A seed as https://docs.cloud-init.io/en/latest/reference/datasources/nocloud.html has it."""
    meta = f"instance-id: iid-web01\nlocal-hostname: served\npublic-keys:\n  - {guest.key}\n"
    nic = {"match": {"macaddress": guest.mac}, "addresses": [guest.static], "gateway4": guest.gateway}
    config = {"version": 2, "ethernets": {"first": nic}}
    return {"/seed/meta-data": meta.encode(), "/seed/network-config": json.dumps(config).encode()}


NOVA = "manufacturer=OpenStack Foundation,product=OpenStack Nova"
DHCP_STATIC, SEED = "10.40.0.44/24", "192.0.2.80"
OPENSTACK = Cloud("openstack", nova, "dhcp", (METADATA_V4,), DHCP_STATIC, outside.DHCP_ROUTER, NOVA)
OPENSTACK_V6 = Cloud("openstack", nova, "unnamed", (f"{METADATA_V6}%unnamed",), "2001:db8:60::44/64", smbios=NOVA)
DROPLET = Cloud(
    *("digitalocean", digitalocean, "multi", (f"{METADATA_V4}%multi",), "10.30.0.44/24", "10.30.0.1"),
    smbios="manufacturer=DigitalOcean,product=Droplet,serial=2756294",
)
EC2 = Cloud(
    *("ec2", ec2, "dhcp", (METADATA_V4,), "10.40.0.44/32", outside.DHCP_ROUTER),
    smbios="manufacturer=Amazon EC2,product=t3.micro",
    uuid="ec2e1916-9099-4caf-bd21-012345abcdef",
    requests=8,
)
WEB_SEED = Cloud(
    *("nocloud_net", nocloud, "dhcp", (SEED,), DHCP_STATIC, outside.DHCP_ROUTER),
    smbios=f"serial=ds=nocloud;s=http://{SEED}/seed/",
)
MACHINES = {
    "openstack-bookworm-ifupdown": ("bookworm", "ifupdown", OPENSTACK),
    "openstack-trixie-networkmanager": ("trixie", "networkmanager", OPENSTACK),
    "openstack-v6-trixie-networkd": ("trixie", "networkd", OPENSTACK_V6),
    "digitalocean-trixie-networkd": ("trixie", "networkd", DROPLET),
    "ec2-trixie-networkd": ("trixie", "networkd", EC2),
    "nocloud-bookworm-networkd": ("bookworm", "networkd", WEB_SEED),
}


class Said(NamedTuple):
    """What came of one machine."""

    cloud: Cloud
    answers: dict[str, str]
    login: str
    asked: list[str]  # of the service: the paths


@pytest.fixture(scope="module", params=MACHINES)
def said(request: pytest.FixtureRequest) -> Said:
    require_tools()
    return _boot(request.param)


def _boot(name: str) -> Said:
    suite, image, cloud = MACHINES[name]
    directory = pathlib.Path(tempfile.mkdtemp(prefix=f"bootagent-{name}."))
    try:
        key = drives.make_key(directory / "key")
        (nic,) = (nic for nic in outside.NICS if nic.tap == cloud.tap)
        disk = images.make_disk(suite, image, directory, images.install_agent)
        hardware = Hardware(disk, cloud.uuid, (nic,), None, smbios=cloud.smbios)
        public = key.with_suffix(".pub").read_text(encoding="utf-8").strip()
        answers = cloud.answers(Guest(public, nic.mac, cloud.static, cloud.gateway))
        with contextlib.ExitStack() as stack:
            network = stack.enter_context(outside.Network(f"bootagent-{name}", directory))
            network.add_service(cloud.addresses, cloud.tap, cloud.static)
            wire = stack.enter_context(Wire(*cloud.addresses, namespace=network.namespace))
            wire.answers.update(answers)
            machine = stack.enter_context(Machine(hardware, network.namespace, directory))
            machine.wait_booted()
            told = snapshot.ask(machine, QUESTIONS)
            login = snapshot.run_ssh(network, key, cloud.static.partition("/")[0], "id -un", 120)
            asked = [request.path for request in wire.requests]
    finally:
        shutil.rmtree(directory)
    return Said(cloud, told, login.stdout.strip() or login.stderr, asked)


def test_its_owner_is_let_in_at_the_address_that_the_service_gave(said: Said) -> None:
    assert said.login == "root", said.answers["online"]
    assert said.answers["hostname"].strip() == "served"


def test_the_network_is_the_services_and_not_the_one_by_which_it_was_asked(said: Said) -> None:
    found = snapshot.global_addresses(said.answers["links"])
    leased = {address for address in found if address.startswith("10.40.0.1")}  # EC2's primary address is DHCP's
    assert len(leased) == (said.cloud.source == "ec2")
    assert found - leased == {said.cloud.static}, said.answers["online"]
    gateways = [route["gateway"] for route in json.loads(said.answers["routes"])]
    assert gateways == ([said.cloud.gateway] if said.cloud.gateway else [])


def test_the_boot_is_whole_and_says_who_was_asked_and_why(said: Said) -> None:
    status = json.loads(said.answers["status"])
    assert (status["state"], status["source"], status["stage"]) == ("ok", said.cloud.source, "online")
    assert status["why"]["taken"].startswith("DMI ")
    assert said.answers["failed"].strip() == "", said.answers["online"]
    assert said.answers["state"].strip() == "running"
    online, ssh = (int(line) for line in said.answers["order"].split())
    assert 0 < online < ssh


def test_the_service_is_asked_few_times(said: Said) -> None:
    assert 1 <= len(said.asked) <= said.cloud.requests, said.asked
