# SPDX-License-Identifier: Apache-2.0
"""``bootagent verify``: a network namespace is set up by hand as planned, and then one thing in it is put wrong.

The plan is what a real ``apply`` of a config drive leaves; the kernel is this machine's.  A bond and a VLAN, which not
every kernel has, are compared as values here, and for real in the virtual machines (tests/vm).
"""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bootagent.cli import main
from bootagent.model.instance import Problem
from bootagent.model.ip import IPInterface
from bootagent.model.network import Bond, BoundNetwork, Interface, Match, Vlan
from bootagent.model.values import InterfaceName, MacAddress, VlanId
from bootagent.report import interface_json
from bootagent.state import TO_VERIFY, VERIFIED
from bootagent.verify import console_block
from bootagent.verify.compare import compare
from bootagent.verify.live import Device, Live, Way
from bootagent.verify.planned import parse_planned
from tests import strategies

if TYPE_CHECKING:
    from tests.conftest import MachineDirectory

CHECKOUT = Path(__file__).resolve().parent.parent
MACS = ("52:54:00:00:00:0a", "52:54:00:00:00:0b", "52:54:00:00:00:0c")
# The peers are the switch; no address is probed for, so that all is there at once.
AS_PLANNED = f"""
ip link set lo up
for number in 0 1 2; do ip link add eth$number type veth peer name peer$number; ip link set peer$number up; done
ip link set eth0 address {MACS[0]} mtu 1400 up
ip link set eth1 address {MACS[1]} up
ip link set eth2 address {MACS[2]} up
ip addr add 192.0.2.7/24 dev eth0
ip addr add 2001:db8::7/64 dev eth0 nodad
ip route add default via 192.0.2.1 dev eth0
ip route add default via 2001:db8::1 dev eth0
ip addr add 198.51.100.5/25 dev eth1
ip route add 10.9.0.0/16 via 198.51.100.1 dev eth1
ip addr add 10.5.0.9/24 dev eth2
"""
RIGHT_RESOLVER = "search example.com\nnameserver 192.0.2.53\n"
SUMMARY = "all is as planned: devices 3, static addresses 3, routes 3"
ROUTE = "network_data.json: networks[0].routes[0]"
# One thing each: how it is put wrong, where, and what is said of it.
DEVIATIONS = [
    ("ip addr del 192.0.2.7/24 dev eth0; ip addr add 192.0.2.9/24 dev eth0; ip route add default via 192.0.2.1",
     "eth0: the address 192.0.2.7/24 is missing (network_data.json: networks[0])"),
    ("ip addr del 2001:db8::7/64 dev eth0; ip route add default via 2001:db8::1 dev eth0 || true",
     "eth0: the address 2001:db8::7/64 is missing (network_data.json: networks[1])"),
    (("ip addr del 198.51.100.5/25 dev eth1; ip addr add 198.51.100.5/24 dev eth1;"
     " ip route add 10.9.0.0/16 via 198.51.100.1"),
     "eth1: the address is 198.51.100.5/24, not 198.51.100.5/25 (network_data.json: networks[2])"),
    ("ip route del default via 192.0.2.1",
     f"eth0: the route to 0.0.0.0/0 via 192.0.2.1 is missing ({ROUTE})"),
    ("ip route replace default via 192.0.2.254",
     f"eth0: the route to 0.0.0.0/0 via 192.0.2.1: it is via 192.0.2.254 ({ROUTE})"),
    ("ip -6 route replace default via 2001:db8::fe dev eth0",
     "eth0: the route to ::/0 via 2001:db8::1: it is via 2001:db8::fe (network_data.json: networks[1].routes[0])"),
    ("ip route replace 10.9.0.0/16 dev eth1",
     "eth1: the route to 10.9.0.0/16 via 198.51.100.1: it is via the link (network_data.json: networks[2].routes[0])"),
    ("ip link set eth0 mtu 1500",
     "eth0: the MTU is 1500, not 1400 (network_data.json: links[0])"),
    ("ip link set peer0 down",
     "eth0: has no carrier (network_data.json: links[0])"),
    ("ip link set eth2 down",
     "eth2: is down (network_data.json: links[2])"),
    ("ip link set eth1 address 52:54:00:00:00:99",
     "eth1: the MAC address is 52:54:00:00:00:99, not 52:54:00:00:00:0b (network_data.json: links[1])"),
    ("ip link del eth2",
     "eth2: there is no such device (network_data.json: links[2])"),
    ("ip addr flush dev eth2; ip addr add 169.254.7.7/16 dev eth2",
     "eth2: no IPv4 address by DHCP (network_data.json: links[2])"),
    ("ip neigh add 192.0.2.1 dev eth0 nud failed",
     f"eth0: the gateway 192.0.2.1 does not answer ({ROUTE})"),
    (("sysctl -qw net.ipv6.conf.eth0.dad_transmits=50; ip addr del 2001:db8::7/64 dev eth0;"
     " ip addr add 2001:db8::7/64 dev eth0; ip -6 route replace default via 2001:db8::1 dev eth0"),
     "eth0: 2001:db8::7 is not usable yet (network_data.json: networks[1])"),
    (("ip addr del 2001:db8::7/64 dev eth0; ip addr add 2001:db8::7/64 dev peer0 nodad;"
     " ip addr add 2001:db8::7/64 dev eth0; ip -6 route replace default via 2001:db8::1 dev eth0;"
     " for turn in $(seq 50); do ip addr show dev eth0 dadfailed | grep -q 2001 && break; sleep 0.1; done"),
     "eth0: another machine has 2001:db8::7 too (network_data.json: networks[1])"),
    (": >/etc/resolv.conf",
     "resolver: asks nobody, and is to ask 192.0.2.53"),
    ("echo nameserver 203.0.113.1 >/etc/resolv.conf",
     "resolver: asks 203.0.113.1, and none of 192.0.2.53"),
]  # fmt: skip


@pytest.fixture
def planned(machine: MachineDirectory, tmp_path: Path) -> str:
    return plan(machine, tmp_path)


def plan(machine: MachineDirectory, tmp_path: Path) -> str:
    """The status that the agent leaves of a drive with three NICs: static, static with a route, and DHCP."""
    machine.enable("systemd-networkd.service")
    for number, mac in enumerate(MACS):
        machine.add_nic(f"eth{number}", mac)
    links: list[dict[str, Any]] = [
        {"id": f"l{number}", "type": "phy", "ethernet_mac_address": mac} for number, mac in enumerate(MACS)
    ]
    links[0]["mtu"] = 1400
    networks: list[dict[str, Any]] = [
        {"type": "ipv4", "link": "l0", "ip_address": "192.0.2.7", "netmask": "255.255.255.0",
         "routes": [{"network": "0.0.0.0", "netmask": "0.0.0.0", "gateway": "192.0.2.1"}],
         "services": [{"type": "dns", "address": "192.0.2.53"}]},
        {"type": "ipv6", "link": "l0", "ip_address": "2001:db8::7/64",
         "routes": [{"network": "::", "netmask": "::", "gateway": "2001:db8::1"}]},
        {"type": "ipv4", "link": "l1", "ip_address": "198.51.100.5", "netmask": "255.255.255.128",
         "routes": [{"network": "10.9.0.0", "netmask": "255.255.0.0", "gateway": "198.51.100.1"}]},
        {"type": "ipv4_dhcp", "link": "l2"},
    ]  # fmt: skip
    drive = tmp_path / "drive/openstack/latest"
    drive.mkdir(parents=True)
    (drive / "meta_data.json").write_text('{"uuid": "i-1"}')
    (drive / "network_data.json").write_text(json.dumps({"links": links, "networks": networks}))
    assert main(["apply", "--root", str(machine), "--drive", str(tmp_path / "drive")]) == 0
    return machine.read("/run/bootagent/status.json")


def in_namespace(tmp: Path, status: str, setup: str, command: str) -> subprocess.CompletedProcess[str]:
    """Run a command in a network of its own, where the machine's status and resolv.conf are those of the test."""
    (tmp / "status.json").write_text(status)
    (tmp / "etc").mkdir()
    (tmp / "etc/resolv.conf").write_text(RIGHT_RESOLVER)
    (tmp / "upper").mkdir()
    script = f"""
set -e
mount -t tmpfs tmpfs {tmp}/upper
mkdir {tmp}/upper/up {tmp}/upper/work
mount -t overlay overlay -o lowerdir=/etc,upperdir={tmp}/upper/up,workdir={tmp}/upper/work /etc
rm -f /etc/resolv.conf
cp {tmp}/etc/resolv.conf /etc/resolv.conf
mount -t tmpfs tmpfs /run
mkdir /run/bootagent
cp {tmp}/status.json /run/bootagent/status.json
{AS_PLANNED}
{setup}
cd {CHECKOUT}
{command}
"""
    return subprocess.run(
        ["unshare", "--net", "--mount", "sh", "-c", script], capture_output=True, text=True, check=False
    )


def agent(*arguments: str) -> str:
    """The command line of the agent."""
    return shlex.join([sys.executable, "-m", "bootagent", *arguments])


def doubts(printed: str) -> list[str]:
    """The findings of ``verify --json`` that are more than notes, as lines."""
    found = json.loads(printed)["findings"]
    return [f"{item['where']}: {item['message']}" for item in found if item["severity"] != "info"]


def test_a_machine_as_planned_has_no_deviation(tmp_path: Path, planned: str) -> None:
    """For programs and for people; nothing is said against it."""
    done = in_namespace(tmp_path, planned, "", f"{agent('verify', '--json')}; {agent('verify')}")
    document, _, text = done.stdout.rpartition("}\n")
    assert (done.returncode, done.stderr) == (0, "")
    result = json.loads(document + "}")
    assert {key: result[key] for key in ("version", "planned", "state", "summary", "findings")} == {
        "version": 1,
        "planned": "/run/bootagent/status.json",
        "state": "ok",
        "summary": SUMMARY,
        "findings": [],
    }
    assert text == SUMMARY + "\n"


@pytest.mark.parametrize(("change", "finding"), DEVIATIONS, ids=[finding for _, finding in DEVIATIONS])
def test_each_deviation_is_found_and_nothing_else(tmp_path: Path, planned: str, change: str, finding: str) -> None:
    """With the device first, and the place in the document where it was asked for."""
    done = in_namespace(tmp_path, planned, change, agent("verify", "--json"))
    assert done.returncode == 1, done.stderr
    assert doubts(done.stdout) == [finding]


def test_what_is_there_beyond_the_plan_is_no_deviation(tmp_path: Path, planned: str) -> None:
    """More addresses, devices and routes, a NIC that udev renamed since, and a bridge with a NIC's address."""
    more = f"""
ip addr add 192.0.2.100/24 dev eth0
ip addr add 203.0.113.9/32 dev lo
ip addr add 10.5.0.10/24 dev eth2 label eth2:1
ip link add br0 address {MACS[1]} type bridge
ip route add 10.10.0.0/16 via 192.0.2.3
ip link set eth2 name enp2s0
"""
    done = in_namespace(tmp_path, planned, more, agent("verify", "--json"))
    assert (done.returncode, doubts(done.stdout)) == (0, []), done.stderr


def test_without_netifaces_the_kernel_is_asked_itself(tmp_path: Path, planned: str) -> None:
    """The same findings, and a note."""
    code = 'import sys; sys.modules["netifaces"] = None; from bootagent import cli; sys.exit(cli.main())'
    command = shlex.join([sys.executable, "-c", code, "verify", "--json"])
    change, finding = DEVIATIONS[2]
    done = in_namespace(tmp_path, planned, change, command)
    assert doubts(done.stdout) == [finding], done.stderr
    notes = [item for item in json.loads(done.stdout)["findings"] if item["severity"] == "info"]
    assert notes == [
        {"severity": "info", "where": "netifaces", "message": "not installed: addresses were read by netlink"}
    ]


def test_the_unit_waits_for_what_is_late(tmp_path: Path, planned: str) -> None:
    """A carrier and a lease that come after the boot: all is as planned, and the carrier is said to be late."""
    late = "ip link set peer0 down; ip addr flush dev eth2"
    command = f"""
( sleep 1; ip link set peer0 up; sleep 1; ip addr add 10.5.0.9/24 dev eth2 ) &
{agent("verify-boot")}
cat /run/bootagent/verify.json
{agent("status")}
"""
    done = in_namespace(tmp_path, planned, late, command)
    assert (done.returncode, done.stderr) == (0, "")
    console, _, rest = done.stdout.partition("\n")
    document, _, status = rest.partition("\n}\n")
    assert console == f"bootagent: verify: {SUMMARY}"
    result = json.loads(document + "}")
    (note,) = result["findings"]
    assert (note["severity"], note["where"]) == ("info", "eth0")
    assert note["message"].startswith("the carrier came ")
    assert f"verified {result['time']}: {SUMMARY}\n    info: eth0: the carrier came " in status


def test_the_unit_gives_up_in_time_and_says_what_is_wrong(tmp_path: Path, planned: str) -> None:
    """On the console, in the status, and by its exit code."""
    code = "import sys; from bootagent.root import Root; from bootagent.verify import verify_boot"
    command = shlex.join([sys.executable, "-c", f"{code}; sys.exit(verify_boot(Root(), 1.0))"])
    done = in_namespace(
        tmp_path, planned, "ip link set eth0 mtu 1500", f"{command} || echo {'$?'}; {agent('status', '--json')}"
    )
    head, one, code, status = done.stdout.split("\n", 3)
    assert (head, code) == ("bootagent: verify: one thing is not as planned", "1")
    assert one == "bootagent: verify: error: eth0: the MTU is 1500, not 1400 (network_data.json: links[0])"
    verified = json.loads(status)["verified"]
    assert (verified["state"], len(verified["findings"])) == ("deviates", 1)


def system_calls(group: str) -> set[str]:
    """What systemd means by a group such as ``@system-service``."""
    done = subprocess.run(["systemd-analyze", "syscall-filter", group], capture_output=True, text=True, check=True)
    words = [line.strip() for line in done.stdout.splitlines()[1:] if line.strip() and "#" not in line]
    return {call for word in words for call in (system_calls(word) if word.startswith("@") else {word})}


def test_the_unit_has_the_powers_that_it_needs(tmp_path: Path, planned: str) -> None:
    """Each system call and family of sockets that it asks for, as the unit's lines allow and deny them in turn."""
    lines = (CHECKOUT / "systemd/bootagent-verify.service").read_text(encoding="ascii").splitlines()
    allowed: set[str] = set()
    for line in lines:
        key, _, words = line.partition("=")
        if key == "SystemCallFilter":
            calls = {call for group in words.lstrip("~").split() for call in system_calls(group)}
            allowed = allowed - calls if words.startswith("~") else allowed | calls
    (families,) = (set(line.partition("=")[2].split()) for line in lines if line.startswith("RestrictAddressFamilies="))
    # No power of root's either, as with the unit's empty CapabilityBoundingSet=.
    powerless = f"setpriv --bounding-set=-all --inh-caps=-all --no-new-privs {agent('verify-boot')}"
    done = in_namespace(tmp_path, planned, "", f"strace -f -o {tmp_path}/calls {powerless}; cat {VERIFIED}")
    assert '"state": "ok"' in done.stdout, done.stderr
    after = (tmp_path / "calls").read_text().partition("execve(")[2].partition("\n")[2].partition("execve(")[2]
    asked = {
        name for line in after.splitlines() if (name := line.split(maxsplit=1)[-1].partition("(")[0]).isidentifier()
    }
    assert {"recvfrom", "fchown", "socket"} <= asked
    assert asked - allowed == set()
    assert {
        line.partition("socket(")[2].partition(",")[0] for line in after.splitlines() if " socket(" in line
    } <= families


def test_a_plan_of_an_earlier_boot_counts_where_this_one_left_all_as_it_was(tmp_path: Path, planned: str) -> None:
    """A drive that is gone: nothing is planned, and what was configured stays."""
    nothing = json.dumps({**json.loads(planned), "interfaces": [], "unlisted": []})
    kept = f"""
mount -t tmpfs tmpfs /var/lib
mkdir /var/lib/bootagent
mv /run/bootagent/status.json /var/lib/bootagent/status.json
echo {shlex.quote(nothing)} >/run/bootagent/status.json
"""
    done = in_namespace(tmp_path, planned, kept, agent("verify", "--json"))
    result = json.loads(done.stdout)
    assert (result["planned"], result["summary"]) == ("/var/lib/bootagent/status.json", SUMMARY)


def test_without_a_plan_there_is_nothing_to_compare(tmp_path: Path, planned: str) -> None:
    """One line, and the exit code of a source that cannot be read."""
    damaged = json.dumps({**json.loads(planned), "interfaces": [{"name": "eth0"}]})
    command = f"""
{agent("verify")} || echo $?
echo {shlex.quote(damaged)} >/run/bootagent/status.json
{agent("verify")} || echo $?
"""
    done = in_namespace(tmp_path, planned, "rm /run/bootagent/status.json", command)
    assert done.stdout.split() == ["3", "3"]
    assert done.stderr.splitlines() == [
        "bootagent: error: /run/bootagent/status.json: no status: the agent has not run on this boot",
        "bootagent: error: /run/bootagent/status.json: damaged, or of another version of the agent",
    ]


@pytest.mark.parametrize(
    ("options", "cmdline", "wanted"),
    [
        (None, "", False),
        ("verify: on\n", "", True),
        ("verify: off\n", "", False),
        (None, "bootagent.verify=on", True),
        ("verify: true\n", "bootagent.verify=off", False),
    ],
)
def test_the_unit_is_left_work_where_an_option_says_so(
    machine: MachineDirectory, options: str | None, cmdline: str, wanted: bool
) -> None:
    """Off by default; by the file that the unit's condition names, with a source and without one."""
    machine.enable("systemd-networkd.service")
    machine.write("/proc/cmdline", f"ro {cmdline}\n")
    if options:
        machine.write("/etc/bootagent.yaml", options)
    assert main(["apply", "--root", str(machine)]) == 0
    assert machine.has(TO_VERIFY) is wanted
    unit = (CHECKOUT / "systemd/bootagent-verify.service").read_text(encoding="ascii")
    assert f"\nConditionPathExists={TO_VERIFY}\n" in unit


NIC, OTHER, MADE = (MacAddress(f"52:54:00:00:01:0{number}") for number in range(3))
BOND, VLAN, ETH0, ETH1 = (InterfaceName(name) for name in ("bond0", "vlan20", "eth0", "eth1"))
NETWORK = BoundNetwork(
    (
        Interface("525400000100", ETH0, Match(NIC), master=BOND, origin="links[0]"),
        Interface("525400000101", ETH1, Match(OTHER), master=BOND, origin="links[1]"),
        Interface("bond0", BOND, mac=NIC, bond=Bond("802.3ad"), origin="links[2]"),
        Interface("vlan20", VLAN, mac=MADE, vlan=Vlan(VlanId(20), "bond0"), origin="links[3]"),
    )
)
DEVICES = {
    "eth0": Device("eth0", "", NIC, NIC, 1500, True, True, "", "bond0"),
    "eth1": Device("eth1", "", NIC, OTHER, 1500, True, True, "", "bond0"),
    "bond0": Device("bond0", "bond", NIC, NIC, 1500, True, True, mode="802.3ad"),
    "vlan20": Device("vlan20", "vlan", MADE, MADE, 1500, True, True, "bond0", vlan=20),
}


@pytest.mark.parametrize(
    ("device", "changes", "finding"),
    [
        ("eth0", {}, None),
        ("eth1", {"master": ""}, "eth1: is no member of bond0 (links[1])"),
        ("eth1", {"master": "br0"}, "eth1: is no member of bond0, but of br0 (links[1])"),
        ("bond0", {"mac": OTHER}, f"bond0: the MAC address is {OTHER}, not {NIC} (links[2])"),
        ("bond0", {"mode": "balance-rr"}, "bond0: the mode is balance-rr, not 802.3ad"),
        ("bond0", {"kind": "bridge", "mode": ""}, "bond0: is no bond (links[2])"),
        ("vlan20", {"vlan": 21}, "vlan20: the VLAN id is 21, not 20"),
        ("vlan20", {"parent": "eth9"}, "vlan20: the VLAN is on eth9, not on bond0"),
        ("vlan20", {"kind": ""}, "vlan20: is no vlan (links[3])"),
    ],
)
def test_devices_that_are_made(device: str, changes: dict[str, Any], finding: str | None) -> None:
    """Members are known by their own addresses, a bond and a VLAN by their names."""
    devices = {**DEVICES, device: DEVICES[device]._replace(**changes)}
    found = compare(NETWORK, Live(devices))
    assert [str(problem) for problem in found] == ([finding] if finding else [])


def as_planned(network: BoundNetwork) -> Live:
    """A kernel that has all of a network, and leases where it asks for some."""
    devices, ways = {}, []
    names = {interface.label: str(interface.name or f"nic{at}") for at, interface in enumerate(network.interfaces)}
    for interface in network.interfaces:
        planned = {address.ip.ip for address in interface.addresses}
        leases = (
            IPInterface.parse(net.format(last))
            for net in ("198.18.0.{}/32", "2001:db8:99::{}/128")
            for last in range(1, 9)
        )
        name, mac = names[interface.label], (interface.match and interface.match.mac) or interface.mac or ""
        devices[name] = Device(
            name,
            "bond" if interface.bond else "vlan" if interface.vlan else "",
            mac,
            mac,
            interface.mtu or 1500,
            True,
            True,
            names[interface.vlan.parent] if interface.vlan else "",
            interface.master or "",
            interface.vlan.id if interface.vlan else None,
            interface.bond.mode if interface.bond else "",
            (*(address.ip for address in interface.addresses), *(lease for lease in leases if lease.ip not in planned)),
        )
        ways += [Way(route.to, route.via, name) for route in interface.routes]
    links = [str(server) for interface in network.interfaces for server in interface.dns.servers]
    return Live(devices, tuple(ways), servers=(*links, *map(str, network.dns.servers)))


@settings(max_examples=30)
@given(network=strategies.bound_networks(), data=st.data())
def test_any_network_is_compared_as_it_was_planned(network: BoundNetwork, data: st.DataObject) -> None:
    """By way of the status, a kernel that has all of it does not deviate, and one that lacks any part of it does."""
    status = {
        "interfaces": [interface_json(interface) for interface in network.interfaces],
        "unlisted": network.unlisted or (),
        "dns": [str(server) for server in network.dns.servers],
    }
    parsed = parse_planned(json.loads(json.dumps(status)))
    live = as_planned(network)
    doubts_about_it = [problem for problem in compare(parsed, live) if problem.severity != "info"]
    assert doubts_about_it == [] or not network.interfaces
    parts: list[Live] = []
    for interface, device in zip(network.interfaces, live.devices.values()):
        changes: list[dict[str, Any]] = [{"mtu": interface.mtu + 1}] if interface.mtu else []
        changes += [{"addresses": tuple(a for a in device.addresses if a != gone.ip)} for gone in interface.addresses]
        changes += [{"master": ""}] if interface.master else []
        changes += [{"vlan": 4095}, {"parent": ""}] if interface.vlan else []
        changes += [{"mode": "broadcast"}] if interface.bond and interface.bond.mode != "broadcast" else []
        changes += [{"is_up": False}, {"has_carrier": False}] if interface.is_addressed or interface.bond else []
        changes += [{"addresses": tuple(a for a in device.addresses if a.version != 4)}] if interface.dhcp4 else []
        parts += [live._replace(devices={**live.devices, device.name: device._replace(**each)}) for each in changes]
        parts.append(live._replace(devices={name: d for name, d in live.devices.items() if name != device.name}))
    parts += [live._replace(ways=tuple(way for way in live.ways if way != gone)) for gone in live.ways]
    if parts:
        assert [
            problem for problem in compare(parsed, data.draw(st.sampled_from(parts))) if problem.severity == "error"
        ]


def test_a_fallback_is_as_planned_when_one_nic_has_an_address() -> None:
    """Most NICs that no document names have no network behind them."""
    network = BoundNetwork((), (ETH0, ETH1))
    link_local = Device("eth0", addresses=(IPInterface.parse("fe80::1/64"),))
    leased = Device("eth1", addresses=(IPInterface.parse("192.0.2.9/24"),))
    assert compare(network, Live({"eth0": link_local, "eth1": leased})) == ()
    assert [problem.severity for problem in compare(network, Live({"eth0": link_local}))] == ["warning"]


def test_the_console_gets_ten_lines_at_most() -> None:
    """Whatever is wrong; notes are not for the console."""
    findings = tuple(Problem("error", f"eth{number}", "is down") for number in range(30))
    lines = console_block(NETWORK, (*findings, Problem("info", "eth0", "late"))).splitlines()
    assert len(lines) == 10
    assert lines[0] == "bootagent: verify: 30 things are not as planned"
    assert lines[-1] == "bootagent: verify: and 22 more: bootagent verify"
