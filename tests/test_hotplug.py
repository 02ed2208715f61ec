# SPDX-License-Identifier: Apache-2.0
"""A NIC that comes or goes on a running machine: what is written, what is pruned, and whom the daemon is told about."""

from __future__ import annotations

import json
import multiprocessing
import shutil
import time
from typing import TYPE_CHECKING, Any

import pytest

from bootagent import hotplug
from bootagent.boot import prepare
from bootagent.cli import main
from bootagent.commit import Lock
from bootagent.renderers import load
from bootagent.renderers._update import Update
from bootagent.root import Root
from tests.test_unchanged import add_disk, add_nic, make_drive

if TYPE_CHECKING:
    from multiprocessing.synchronize import Event
    from pathlib import Path

    from tests.conftest import MachineDirectory

FIRST, SECOND, THIRD = (f"52:54:00:00:00:0{digit}" for digit in "abc")
ADDRESS = {FIRST: "192.0.2.5", SECOND: "198.51.100.5", THIRD: "198.51.100.5"}
SCRIPT = "/run/bootagent/reload-hotplug"
NETWORKD = "/etc/systemd/network/05-bootagent-{}.network"
PROFILE = "/etc/NetworkManager/system-connections/bootagent-{}.nmconnection"
STANZAS = "/etc/network/interfaces.d/50-bootagent"
DOWN = "ifdown --force --interfaces=/run/bootagent/network-before"
UNIT = {
    "networkd": "systemd-networkd.service",
    "networkmanager": "NetworkManager.service",
    "ifupdown": "networking.service",
    "netifrc": "networking.service",
}


class Guest:
    """A machine with a drive, which a cloud plugs NICs into."""

    def __init__(self, machine: MachineDirectory, tmp_path: Path, backend: str) -> None:
        self.machine = machine
        self._tmp = tmp_path
        machine.enable(UNIT[backend])
        self.attach("ens3", FIRST, "0000:00:03.0")
        self.say(FIRST)
        assert main(["apply", "--root", str(machine)]) == 0
        assert self.status()["problems"] == []

    def say(self, *macs: str) -> None:
        """Have the drive name these NICs."""
        links = [{"id": mac, "type": "ovs", "ethernet_mac_address": mac} for mac in macs]
        networks = [
            {"id": mac, "type": "ipv4", "link": mac, "ip_address": ADDRESS[mac], "netmask": "255.255.255.0"}
            for mac in macs
        ]
        documents = {"meta_data": {"uuid": "id-1"}, "network_data": {"links": links, "networks": networks}}
        files = {f"openstack/latest/{name}.json": json.dumps(text).encode() for name, text in documents.items()}
        directory = self._tmp / "-".join(["drive", *macs])
        directory.mkdir(exist_ok=True)
        add_disk(self.machine, "vdb", make_drive(directory, files))

    def attach(self, name: str, mac: str, slot: str = "0000:00:04.0") -> None:
        add_nic(self.machine, name, mac, slot)

    def detach(self, name: str, slot: str = "0000:00:04.0") -> None:
        (self.machine.path / f"sys/class/net/{name}").unlink()
        shutil.rmtree(self.machine.path / f"sys/devices/pci0000:00/{slot}")

    def hear(self, *names: str) -> list[str]:
        """What the unit does when udev has noted these, and the lines of the script."""
        for name in names:
            self.machine.write(f"/run/udev/bootagent-{name}", "")
        result = hotplug.apply_hotplug(Root(str(self.machine)))
        assert not isinstance(result, str)
        self.problems = [str(problem) for problem in result.problems]
        assert not [name for name in names if self.machine.has(f"/run/udev/bootagent-{name}")]
        umask, *lines = self.machine.read(SCRIPT).splitlines() or [""]
        assert umask == ("umask 022" if lines else "")
        return lines

    def status(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.machine.read("/run/bootagent/status.json"))
        return found

    def inode(self, path: str) -> int:
        return (self.machine.path / path[1:]).stat().st_ino


@pytest.fixture
def guest(machine: MachineDirectory, tmp_path: Path, request: pytest.FixtureRequest) -> Guest:
    return Guest(machine, tmp_path, getattr(request, "param", "networkd"))


def path_of(pattern: str, mac: str) -> str:
    return pattern.format(mac.replace(":", ""))


def test_a_nic_that_comes_gets_what_the_drive_says_now(guest: Guest) -> None:
    before = guest.inode(path_of(NETWORKD, FIRST))
    guest.attach("ens4", SECOND)
    guest.say(FIRST, SECOND)
    assert guest.hear("ens4") == ["networkctl reload"]
    assert "Address=198.51.100.5/24" in guest.machine.read(path_of(NETWORKD, SECOND))
    assert guest.inode(path_of(NETWORKD, FIRST)) == before
    assert guest.problems == []
    assert (guest.status()["stage"], guest.status()["state"]) == ("hot-plug", "ok")


def test_nothing_is_told_of_a_nic_that_the_files_name_already(guest: Guest) -> None:
    guest.say(FIRST, SECOND)
    main(["apply", "--root", str(guest.machine)])
    guest.attach("ens4", SECOND)
    assert guest.hear("ens4") == []
    assert guest.problems == []


def test_the_files_of_a_nic_that_went_stay_or_go_as_the_drive_says(guest: Guest) -> None:
    guest.attach("ens4", SECOND)
    guest.say(FIRST, SECOND)
    guest.hear("ens4")
    guest.detach("ens4")
    assert guest.hear("ens4") == []
    assert guest.machine.has(path_of(NETWORKD, SECOND))
    assert [problem for problem in guest.problems if f"no NIC with the address {SECOND}" in problem]
    guest.say(FIRST)
    assert guest.hear("ens4") == ["networkctl reload"]
    assert not guest.machine.has(path_of(NETWORKD, SECOND))
    assert guest.machine.has(path_of(NETWORKD, FIRST))
    assert guest.problems == []


def test_a_swap_leaves_the_new_nic_and_nothing_of_the_old(guest: Guest) -> None:
    guest.attach("ens4", SECOND)
    guest.say(FIRST, SECOND)
    guest.hear("ens4")
    guest.detach("ens4")
    guest.attach("ens4", THIRD)
    guest.say(FIRST, THIRD)
    assert guest.hear("ens4") == ["networkctl reload"]
    assert not guest.machine.has(path_of(NETWORKD, SECOND))
    assert "Address=198.51.100.5/24" in guest.machine.read(path_of(NETWORKD, THIRD))


def test_what_a_person_edited_stays_with_its_nic_gone(guest: Guest) -> None:
    guest.attach("ens4", SECOND)
    guest.say(FIRST, SECOND)
    guest.hear("ens4")
    theirs = path_of(NETWORKD, SECOND)
    guest.machine.write(theirs, guest.machine.read(theirs) + "# mine\n")
    guest.detach("ens4")
    guest.say(FIRST)
    assert guest.hear("ens4") == []
    assert guest.machine.read(theirs).endswith("# mine\n")
    assert [problem for problem in guest.problems if "edited by hand" in problem]


@pytest.mark.parametrize("guest", ["networkmanager"], indirect=True)
def test_networkmanager_brings_up_the_new_profile_alone(guest: Guest) -> None:
    guest.attach("ens4", SECOND)
    guest.say(FIRST, SECOND)
    assert guest.hear("ens4") == [
        "nmcli connection reload",
        "nmcli --wait 30 connection up id bootagent-52540000000b",
    ]
    guest.detach("ens4")
    guest.say(FIRST)
    assert guest.hear("ens4") == ["nmcli connection reload"]
    assert not guest.machine.has(path_of(PROFILE, SECOND))


@pytest.mark.parametrize("guest", ["ifupdown"], indirect=True)
def test_ifupdown_takes_down_and_brings_up_what_changed_alone(guest: Guest) -> None:
    guest.attach("ens4", SECOND)
    guest.say(FIRST, SECOND)
    assert guest.hear("ens4") == ["ifup ens4"]
    assert "198.51.100.5" in guest.machine.read(STANZAS)
    guest.detach("ens4")
    assert guest.hear("ens4") == [f"{DOWN} ens4"]
    assert "iface ens4" in guest.machine.read("/run/bootagent/network-before")
    assert "ens4" not in guest.machine.read(STANZAS)


@pytest.mark.parametrize("guest", ["ifupdown"], indirect=True)
def test_ifupdown_knows_nothing_of_another_device_of_the_same_name(guest: Guest) -> None:
    guest.attach("ens4", SECOND)
    guest.say(FIRST, SECOND)
    guest.hear("ens4")
    before = guest.inode(STANZAS)
    guest.detach("ens4")
    guest.attach("ens4", SECOND)
    assert guest.hear("ens4") == [f"{DOWN} ens4", "ifup ens4"]
    assert guest.inode(STANZAS) == before


@pytest.mark.parametrize("guest", ["ifupdown"], indirect=True)
def test_a_nic_that_no_document_names_gets_dhcp_when_it_comes(guest: Guest) -> None:
    guest.attach("ens4", SECOND)
    assert guest.hear("ens4") == ["ifup ens4"]
    assert "allow-bootagent ens4\n" in guest.machine.read(STANZAS)


def test_a_daemon_that_only_a_boot_tells_is_reported(guest: Guest) -> None:
    guest.machine.write("/etc/bootagent.yaml", "backend: netifrc\n")
    guest.attach("ens4", SECOND)
    assert guest.hear("ens4") == []
    assert [problem for problem in guest.problems if "takes what is new at the next boot" in problem]


def test_what_comes_while_it_works_leaves_a_note_for_the_next_run(
    guest: Guest, monkeypatch: pytest.MonkeyPatch
) -> None:
    def late_prepare(*arguments: Any, **options: Any) -> Any:
        prepared = prepare(*arguments, **options)
        guest.attach("ens4", SECOND)
        guest.machine.write("/run/udev/bootagent-ens4", "")
        return prepared

    guest.machine.write("/run/bootagent/others", "")
    monkeypatch.setattr(hotplug, "prepare", late_prepare)
    guest.hear("ens9")
    assert guest.machine.has("/run/udev/bootagent-ens4")
    assert guest.machine.has("/run/bootagent/others")


def _hold(root: str, held: Event, let_go: Event) -> None:
    with Lock(Root(root)):
        held.set()
        let_go.wait(60)


def test_one_at_a_time(guest: Guest) -> None:
    """It waits for an agent that is at work, and takes no note before."""
    context = multiprocessing.get_context("spawn")
    held, let_go = context.Event(), context.Event()
    other = context.Process(target=_hold, args=(str(guest.machine), held, let_go))
    mine = context.Process(target=hotplug.apply_hotplug, args=(Root(str(guest.machine)),))
    guest.machine.write("/run/udev/bootagent-ens4", "")
    other.start()
    assert held.wait(60)
    try:
        mine.start()
        time.sleep(0.6)
        assert mine.is_alive()
        assert guest.machine.has("/run/udev/bootagent-ens4")
    finally:
        let_go.set()
    mine.join(60)
    other.join(60)
    assert mine.exitcode == 0
    assert guest.status()["stage"] == "hot-plug"
    assert not guest.machine.has("/run/udev/bootagent-ens4")


def test_off_is_off(guest: Guest) -> None:
    guest.machine.write("/proc/cmdline", "bootagent=off\n")
    assert hotplug.apply_hotplug(Root(str(guest.machine))) == "off, by the kernel command line"


OLD = """# from the cloud
auto ens3
iface ens3 inet static
    address 192.0.2.5

iface ens4 inet manual

auto bond0
iface bond0 inet manual
    pre-up ip link set dev ens4 down && ip link set dev ens4 master bond0 || true

auto vlan20
iface vlan20 inet static
    pre-up [ -d /sys/class/net/vlan20 ] || ip link add link bond0 name vlan20 type vlan id 20
    address 10.0.0.5
"""


@pytest.mark.parametrize(
    ("change", "fresh", "lines"),
    [
        (("192.0.2.5", "192.0.2.6"), (), [f"{DOWN} ens3", "ifup ens3"]),
        (("10.0.0.5", "10.0.0.6"), (), [f"{DOWN} vlan20", "ifup vlan20"]),
        (("# from the cloud", "# from another"), (), []),
        (("", ""), ("ens4",), [f"{DOWN} vlan20 bond0", "ifup bond0 vlan20"]),
        (("", ""), ("ens9",), []),
    ],
)
def test_what_stands_on_a_changed_device_goes_and_comes_with_it(
    change: tuple[str, str], fresh: tuple[str, ...], lines: list[str]
) -> None:
    new = OLD.replace(*change) if change[0] else OLD
    update = Update((STANZAS,), {STANZAS: OLD}, {STANZAS: new}, frozenset(fresh))
    assert list(load("ifupdown").render_reload(update) or ()) == lines
