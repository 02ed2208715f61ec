# SPDX-License-Identifier: Apache-2.0
"""A boot whose source is a service: what is done before there is a network, and what once it is there."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from bootagent.cli import main
from tests.wire import Answer, Wire

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import MachineDirectory

CHECKOUT = Path(__file__).resolve().parent.parent
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGK6kPDHVVC1YvBRvXGAkXoPAhVyvzBRSM4jEdlEmQX6 ops"
META = {"uuid": "c0ffee", "hostname": "web1", "public_keys": {"ops": KEY}}
STATIC = {
    "links": [{"id": "tap0", "type": "ovs", "ethernet_mac_address": "fa:16:3e:00:00:01", "mtu": 1450}],
    "networks": [
        {
            "id": "n0",
            "link": "tap0",
            "type": "ipv4",
            "ip_address": "192.0.2.7",
            "netmask": "255.255.255.0",
            "routes": [{"network": "0.0.0.0", "netmask": "0.0.0.0", "gateway": "192.0.2.1"}],
        }
    ],
}
NETWORK_FILE = "/etc/systemd/network/05-bootagent-fa163e000001.network"
FALLBACK_FILE = "/etc/systemd/network/90-bootagent-unlisted.network"
AWAITED = "/run/bootagent/awaited"
RELOAD = "/run/bootagent/reload"
ONLINE = """
import sys
sys.path.insert(0, sys.argv[1])
from bootagent import cli, online
from bootagent.report import console_block
from bootagent.root import Root
online.DEADLINE = 4.0
result = online.apply_online(Root(sys.argv[2]))
if isinstance(result, str):
    print(result)
else:
    print(console_block(result), *result.problems, sep="\\n")
"""


@pytest.fixture
def nova(machine: MachineDirectory) -> MachineDirectory:
    """A machine that says that it is nova's, without a drive."""
    machine.add_nic("eth0", "fa:16:3e:00:00:01")
    machine.enable("systemd-networkd.service")
    machine.write("/sys/class/dmi/id/product_name", "OpenStack Nova\n")
    machine.write("/etc/passwd", "root:x:0:0:root:/root:/bin/sh\n")
    return machine


@pytest.fixture
def service() -> Iterator[Wire]:
    with Wire("169.254.169.254") as wire:
        wire.answers["/openstack/latest/meta_data.json"] = json.dumps(META).encode()
        wire.answers["/openstack/latest/network_data.json"] = json.dumps(STATIC).encode()
        yield wire


def online(machine: MachineDirectory, wire: Wire) -> str:
    """What the second unit does, and what it says on the console."""
    done = wire.run(sys.executable, "-I", "-c", ONLINE, str(CHECKOUT), str(machine))
    assert "Traceback" not in done.stderr
    return done.stdout + done.stderr


def status(machine: MachineDirectory) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(machine.read("/run/bootagent/status.json"))
    return found


def test_the_first_half_sends_nothing_and_says_who_is_to_be_asked(nova: MachineDirectory, service: Wire) -> None:
    assert service.run(sys.executable, "-m", "bootagent", "apply", "--root", str(nova)).returncode == 0
    assert service.requests == []
    assert nova.has(AWAITED)
    assert nova.has(FALLBACK_FILE)
    said = status(nova)
    assert (said["source"], said["why"]["awaited"]) == (None, "openstack")
    assert said["why"]["taken"] == "DMI product_name: OpenStack Nova"


def test_the_second_half_writes_what_the_service_says_and_has_the_daemon_told(
    nova: MachineDirectory, service: Wire
) -> None:
    main(["apply", "--root", str(nova)])
    said = online(nova, service)
    assert "openstack http://169.254.169.254, instance c0ffee, host name web1, 1 SSH key for root" in said
    assert "Address=192.0.2.7/24" in nova.read(NETWORK_FILE)
    assert KEY in nova.read("/root/.ssh/authorized_keys")
    assert nova.read("/etc/hostname") == "web1\n"
    assert nova.read(RELOAD) == "umask 022\nnetworkctl reload\n"
    assert (status(nova)["stage"], status(nova)["state"]) == ("online", "ok")


def test_a_later_boot_keeps_the_network_and_asks_again_and_tells_nobody(nova: MachineDirectory, service: Wire) -> None:
    main(["apply", "--root", str(nova)])
    online(nova, service)
    for place in (RELOAD, AWAITED):
        (nova.path / place[1:]).unlink()
    before = nova.read(NETWORK_FILE)
    main(["apply", "--root", str(nova)])
    assert nova.read(NETWORK_FILE) == before
    assert nova.has(AWAITED)
    online(nova, service)
    assert nova.read(RELOAD) == ""
    service.answers["/openstack/latest/meta_data.json"] = json.dumps({**META, "public_keys": {}}).encode()
    online(nova, service)
    assert KEY not in nova.read("/root/.ssh/authorized_keys")


@pytest.mark.parametrize(
    "answer",
    [
        Answer(b"", 500),
        Answer(b"", 302, {"Location": "http://192.0.2.99/"}),
        Answer(b"<html>not found</html>"),
        Answer(b"", 403),
    ],
)
def test_a_service_that_does_not_answer_right_costs_nothing_that_was_there(
    nova: MachineDirectory, service: Wire, answer: Answer
) -> None:
    main(["apply", "--root", str(nova)])
    online(nova, service)
    before = [nova.read(path) for path in (NETWORK_FILE, "/root/.ssh/authorized_keys", "/etc/hostname")]
    for path in list(service.answers):
        service.answers[path] = answer
    main(["apply", "--root", str(nova)])
    said = online(nova, service)
    assert before == [nova.read(path) for path in (NETWORK_FILE, "/root/.ssh/authorized_keys", "/etc/hostname")]
    assert status(nova)["state"] == "degraded"
    assert status(nova)["instance"]["id"] == "c0ffee"
    assert "error: " in said


def test_nobody_is_asked_where_nothing_says_which_cloud_it_is(machine: MachineDirectory, service: Wire) -> None:
    machine.add_nic("eth0", "fa:16:3e:00:00:01")
    machine.enable("systemd-networkd.service")
    main(["apply", "--root", str(machine)])
    assert not machine.has(AWAITED)
    online(machine, service)
    assert service.requests == []
    assert status(machine)["why"]["others"]["openstack"] == "nothing here says that it is this machine's"


def test_what_an_option_names_alone_is_asked_unseen(machine: MachineDirectory, service: Wire) -> None:
    machine.add_nic("eth0", "fa:16:3e:00:00:01")
    machine.enable("systemd-networkd.service")
    machine.write("/proc/cmdline", "bootagent.sources=openstack\n")
    main(["apply", "--root", str(machine)])
    assert machine.has(AWAITED)
    assert "instance c0ffee" in online(machine, service)


def test_off_is_off_in_the_second_half_too(nova: MachineDirectory, service: Wire) -> None:
    nova.write("/proc/cmdline", "bootagent=off\n")
    assert "off, by the kernel command line" in online(nova, service)
    assert service.requests == []
