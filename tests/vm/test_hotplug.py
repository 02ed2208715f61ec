# SPDX-License-Identifier: Apache-2.0
"""One boot of a machine that things are plugged into: its drive while the agent waits for it, and then NICs.

The drive says which NICs there are and changes with them, as a cloud's does.  An address that a person gave the first
NIC by hand tells whether it was touched: each network daemon drops it where it configures the NIC anew.
"""

from __future__ import annotations

import contextlib
import json
import pathlib
import shutil
import sys
import tempfile
import time
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from . import drives, images
from . import network as outside
from .conftest import require_tools
from .machine import GuestError, Hardware, Machine, Nic
from .monitor import Monitor

if TYPE_CHECKING:
    from collections.abc import Iterator

UUID = "7d0f1c52-3e0b-4f6a-9a51-0000000a77ac"
FIRST = Nic("52:54:00:b0:07:04", "multi")
SECOND = Nic("52:54:00:b0:07:05", "dhcp")
SWAPPED = Nic("52:54:00:b0:07:55", "dhcp")
ADDRESS = {FIRST: "10.30.0.10", SECOND: "10.40.0.44", SWAPPED: "10.40.0.45"}
BY_HAND = "10.30.0.99"
SLOT = 0x18
DRIVE_BYTES = 1 << 20  # whatever is on it
CONNECT = "import socket, sys; socket.create_connection((sys.argv[1], 22), 2)"  # to its sshd
WITHIN = 60.0  # seconds on an emulated machine
STARTED = "journalctl -b -o cat -u bootagent-hotplug.service"
IMAGES = {"trixie-networkd": ("trixie", "networkd")}


class Stage(NamedTuple):
    """What the machine was a while after something happened to it."""

    seconds: float  # until the address answered, or until the agent had done its work
    status: dict[str, Any]
    ours: str  # our files about the network, with their texts
    first: str  # addresses of the first NIC


class Life(NamedTuple):
    """What came of the machine."""

    booted: Stage
    attached: Stage
    swapped: Stage
    detached: Stage
    answers: dict[str, bool]  # the old address, after the swap, and the first NIC's at the end
    on_boot: str  # when the hot-plug unit ran on the boot
    waiting: str  # what the agent did when the drive was attached
    journal: str


def say(drive: pathlib.Path, *nics: Nic) -> None:
    """Write a drive that has these NICs; the same file, as nothing is to be attached anew."""
    tree = drive.parent / "-".join(["drive", *(nic.mac.replace(":", "") for nic in nics)])
    links = [{"id": nic.mac, "type": "ovs", "mtu": 1500, "ethernet_mac_address": nic.mac} for nic in nics]
    networks = [
        {"id": nic.mac, "type": "ipv4", "link": nic.mac, "ip_address": ADDRESS[nic], "netmask": "255.255.255.0"}
        for nic in nics
    ]
    latest = tree / "openstack" / "latest"
    latest.mkdir(parents=True, exist_ok=True)
    (latest / "meta_data.json").write_text(json.dumps({"uuid": UUID, "hostname": "plugged"}), encoding="utf-8")
    document = {"links": links, "networks": networks}
    (latest / "network_data.json").write_text(json.dumps(document), encoding="utf-8")
    content = drives.burn(tree).read_bytes()
    with drive.open("r+b" if drive.exists() else "wb") as stream:
        stream.write(content.ljust(DRIVE_BYTES, b"\0"))


class Guest:
    """The running machine, with its drive and its monitor."""

    def __init__(self, machine: Machine, network: outside.Network, directory: pathlib.Path) -> None:
        self.machine = machine
        self._network = network
        self.drive = directory / "config.img"

    def say(self, *nics: Nic) -> None:
        """What is on the drive from now on."""
        say(self.drive, *nics)

    def answers(self, address: str) -> bool:
        return self._network.run(sys.executable, "-c", CONNECT, address).returncode == 0

    def wait_answers(self, address: str) -> float:
        """The seconds until somebody has the address."""
        begin = time.monotonic()
        while not self.answers(address):
            if time.monotonic() - begin > WITHIN:
                message = f"{address} does not answer: {self.machine.shell(EVIDENCE)}"
                raise GuestError(message)
        return time.monotonic() - begin

    def wait_gone(self, word: str) -> float:
        """The seconds until none of our files has the word."""
        begin = time.monotonic()
        self.machine.shell(f"{UNTIL_GONE.format(word)} || {{ {EVIDENCE} ; exit 1; }}", WITHIN + 30)
        return time.monotonic() - begin

    def look(self, seconds: float) -> Stage:
        """When the agent has no work any more."""
        self.machine.shell(UNTIL_IDLE, WITHIN + 30)
        said = self.machine.shell(f"cat /run/bootagent/status.json; echo '@@'; {OURS}; echo '@@'; {LINK}")
        status, ours, first = said.split("@@")
        return Stage(seconds, json.loads(status), ours, first)


OURS = "grep -rs . /etc/systemd/network /etc/network/interfaces.d"
LINK = f"ip -4 -br addr | grep {ADDRESS[FIRST]}"
UNTIL_GONE = f"for turn in $(seq {WITHIN:.0f}); do {OURS} | grep -q {{}} || exit 0; sleep 1; done; false"
UNTIL_IDLE = """
for turn in $(seq 60); do
    case $(systemctl show -p ActiveState --value bootagent-hotplug.service) in
    inactive | failed) ls /run/udev/bootagent-* >/dev/null || exit 0 ;;
    esac
    sleep 0.5
done 2>/dev/null
"""
EVIDENCE = "journalctl -b -o short-monotonic -u 'bootagent*'; ls /run/bootagent; ip -br addr; networkctl list"


@pytest.fixture(scope="module", params=IMAGES)
def life(request: pytest.FixtureRequest) -> Iterator[Life]:
    require_tools()
    directory = pathlib.Path(tempfile.mkdtemp(prefix=f"bootagent-{request.param}-plug."))
    try:
        yield _live(request.param, directory)
    finally:
        shutil.rmtree(directory)


def _live(name: str, directory: pathlib.Path) -> Life:
    disk = images.make_disk(*IMAGES[name], directory, images.install_agent)
    hardware = Hardware(disk, UUID, (FIRST,), None, "bootagent.sources=configdrive")
    with contextlib.ExitStack() as stack:
        network = stack.enter_context(outside.Network(f"bootagent-{name}-plug", directory))
        machine = stack.enter_context(Machine(hardware, network.namespace, directory))
        guest = Guest(machine, network, directory)
        guest.say(FIRST)
        waiting = machine.shell(UNTIL_ACTIVATING)
        monitor = Monitor(machine.monitor_path)
        stack.callback(monitor.close)
        monitor.attach_drive("late", guest.drive)
        machine.wait_booted()
        booted = guest.look(guest.wait_answers(ADDRESS[FIRST]))
        on_boot = machine.shell(STARTED)
        machine.shell(f"ip addr add {BY_HAND}/24 dev $(ip -o -4 addr show to {ADDRESS[FIRST]} | cut -d ' ' -f 2)")

        guest.say(FIRST, SECOND)
        monitor.attach_nic("second", SECOND, SLOT)
        attached = guest.look(guest.wait_answers(ADDRESS[SECOND]))

        guest.say(FIRST, SWAPPED)
        monitor.detach_nic("second")
        monitor.attach_nic("third", SWAPPED, SLOT)
        swapped = guest.look(guest.wait_answers(ADDRESS[SWAPPED]))
        answers = {"old": guest.answers(ADDRESS[SECOND])}

        guest.say(FIRST)
        monitor.detach_nic("third")
        detached = guest.look(guest.wait_gone(ADDRESS[SWAPPED]))
        answers["first"] = guest.answers(ADDRESS[FIRST])
        journal = machine.shell(EVIDENCE)
    return Life(booted, attached, swapped, detached, answers, on_boot, waiting, journal)


UNTIL_ACTIVATING = """
for turn in $(seq 100); do
    state=$(systemctl show -p ActiveState --value bootagent.service)
    [ "$state" = inactive ] || break
    sleep 0.2
done
echo $state; cut -d ' ' -f 1 /proc/uptime
"""


def test_the_drive_that_came_while_the_agent_waited_is_taken(life: Life) -> None:
    assert life.waiting.split()[0] == "activating"
    assert (life.booted.status["source"], life.booted.status["place"]) == ("configdrive", "/dev/vdb"), life.journal
    assert life.booted.status["state"] == "ok", life.booted.status["problems"]
    assert 0 < life.booted.status["seconds"]["source"] < 12


def test_a_boot_starts_nothing_of_hot_plug(life: Life) -> None:
    assert life.on_boot.strip() in ("", "-- No entries --"), life.journal


def test_a_nic_that_comes_is_configured(life: Life) -> None:
    print(f"answered after {life.attached.seconds:.1f} s")
    assert ADDRESS[SECOND] in life.attached.ours
    assert life.attached.status["stage"] == "hot-plug"
    assert life.attached.status["state"] == "ok", life.attached.status["problems"]


def test_a_nic_that_is_swapped_leaves_nothing_behind(life: Life) -> None:
    print(f"answered after {life.swapped.seconds:.1f} s")
    assert ADDRESS[SWAPPED] in life.swapped.ours
    assert ADDRESS[SECOND] not in life.swapped.ours
    assert not life.answers["old"]
    assert life.swapped.status["state"] == "ok", life.swapped.status["problems"]


def test_a_nic_that_went_is_pruned(life: Life) -> None:
    print(f"pruned after {life.detached.seconds:.1f} s")
    assert ADDRESS[SWAPPED] not in life.detached.ours
    assert life.detached.status["state"] == "ok", life.detached.status["problems"]


def test_the_other_nic_is_never_touched(life: Life) -> None:
    assert life.answers["first"]
    for stage in (life.attached, life.swapped, life.detached):
        assert ADDRESS[FIRST] in stage.ours
        assert BY_HAND in stage.first, life.journal
