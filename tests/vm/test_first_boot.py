# SPDX-License-Identifier: Apache-2.0
"""A config drive goes in, a reachable machine comes out: asserted from the guest's kernel and from outside of it.

The expectations are written by hand from the instances in ``drives.py``, not computed from them.
"""

from __future__ import annotations

import ipaddress
import json
from typing import TYPE_CHECKING, Any

import pytest

from . import network as outside
from .drives import MAC_OF

if TYPE_CHECKING:
    from .conftest import Visit
    from .journey import Boot, Journey

# What may be slow is an emulated machine; what may not happen is a wait that ends in a timeout (120 s and more).
LONGEST_ONLINE_S = 100
# Debian's units of these come after no target of the network and before none.
ONLINE_SAYS_NOTHING = ("ifupdown2", "ifupdown-ng")
DHCP_LEASE = "10.40.0.0/24 leased"
RA_ADDRESS = "2001:db8:50::/64 by router"

ADDRESSES_A = {
    "static": {"203.0.113.10/32", "2001:db8:1::10/64"},
    "bond-a": set(),
    "bond-b": set(),
    "bond": set(),
    "vlan": {"10.20.0.10/24"},
    "multi": {"10.30.0.10/24", "10.31.0.10/24", "2001:db8:30::10/64", "2001:db8:31::10/64"},
    "dhcp": {DHCP_LEASE},
    "slaac": {RA_ADDRESS},
    "unnamed": set(),
}
ADDRESSES_B = {
    "static": {"203.0.113.20/32", "2001:db8:1::20/64"},
    "bond-a": {"10.21.0.20/24"},
    "bond-b": set(),
    "multi": {"10.30.0.20/24"},
    "dhcp": {DHCP_LEASE},
    "slaac": {RA_ADDRESS},
    "unnamed": set(),
}
# What NetworkManager begins a warning with that is about what it read.
ABOUT_PROFILES = ("keyfile:", "settings:", "config:", "bond option", "invalid")
MTUS_A = {"static": 1500, "bond-a": 9000, "bond-b": 9000, "bond": 9000, "vlan": 1500, "multi": 1400}
MTUS_B = {"static": 1500, "bond-a": 1500, "bond-b": 1500, "multi": 1500}
ONLY_A = (
    *("203.0.113.10", "2001:db8:1::10", "10.20.0.10", "10.31.0.10", "2001:db8:30::10", "2001:db8:31::10"),
    *(outside.VLAN_MAC, "active-backup", "10.77.0.0", "2001:db8:77::", outside.WORLD_V4),
)


def labels(boot: Boot) -> dict[str, dict[str, Any]]:
    """The guest's links by what they are: the tap's name for a NIC, the kind for a bond or a VLAN."""
    links = {tap: boot.snapshot.nic(mac) for tap, mac in MAC_OF.items()}
    for kind in ("bond", "vlan"):
        found = boot.snapshot.of_kind(kind)
        links |= dict(zip([kind, *(f"{kind} {number}" for number in range(2, 9))], found, strict=False))
    return links


def shown(entry: dict[str, Any]) -> str:
    """An address as text; of one that a server or a router chose, only where it is from."""
    text = f"{entry['local']}/{entry['prefixlen']}"
    if not entry.get("dynamic"):
        return text
    return f"{ipaddress.ip_interface(text).network} {'leased' if entry['family'] == 'inet' else 'by router'}"


def is_b(boot: Boot, journey: Journey) -> bool:
    """Whether this boot is that of the second instance."""
    return boot.instance.uuid == journey.b.uuid


def test_addresses_are_exactly_the_instances(boot: Boot, journey: Journey) -> None:
    """Every address of the document is in the kernel, leases and advertised ones too, and no other is."""
    found = {
        label: {shown(entry) for entry in link["addr_info"] if entry["scope"] == "global"}
        for label, link in labels(boot).items()
    }
    assert found == (ADDRESSES_B if is_b(boot, journey) else ADDRESSES_A)


def test_online_means_that_every_static_address_is_there(boot: Boot, journey: Journey) -> None:
    """A service that waits for network-online.target finds all of them, and none is still being probed."""
    if journey.image in ONLINE_SAYS_NOTHING:
        return
    links = json.loads(boot.snapshot.said["links_when_online"])
    usable = {entry["local"] for link in links for entry in link["addr_info"] if not entry.get("tentative")}
    assert set(boot.instance.addresses) - usable == set()


def test_links_have_the_mtu_of_the_document(boot: Boot, journey: Journey) -> None:
    """9000 on the bond and its members, 1500 on the VLAN above; the next instance's NICs are back to theirs."""
    expected = MTUS_B if is_b(boot, journey) else MTUS_A
    links = labels(boot)
    assert {label: links[label]["mtu"] for label in expected} == expected


def test_default_routes_prefer_the_link_named_first(boot: Boot) -> None:
    """The off-subnet v4 and the link-local v6 gateway are used, whatever DHCP and router advertisements add."""
    links = labels(boot)
    static = links["static"]["ifname"]
    defaults = {
        (route["dev"], route.get("gateway"))
        for family in ("v4", "v6")
        for route in boot.snapshot.routes(family)
        if route["dst"] == "default" and route.get("gateway")
    }
    assert (static, outside.GATEWAY_V4) in defaults
    assert (static, outside.GATEWAY_V6) in defaults
    assert {device for device, _ in defaults} <= {static, links["dhcp"]["ifname"], links["slaac"]["ifname"]}
    assert f"via {outside.GATEWAY_V4} dev {static} " in boot.snapshot.said["world_v4"]
    assert f"via {outside.GATEWAY_V6} dev {static} " in boot.snapshot.said["world_v6"]


@pytest.mark.boots("first", "rebooted")
def test_host_routes_lead_where_the_document_says(boot: Boot) -> None:
    """The host routes of both families are in the kernel, and what is behind them answers."""
    multi = labels(boot)["multi"]["ifname"]
    routes = {
        (route["dst"], route.get("gateway"), route["dev"])
        for family in ("v4", "v6")
        for route in boot.snapshot.routes(family)
    }
    assert ("10.77.0.0/16", "10.30.0.1", multi) in routes
    assert ("2001:db8:77::/64", "2001:db8:30::1", multi) in routes
    world = [outside.WORLD_V4, outside.WORLD_V6, outside.ROUTED_V4, outside.ROUTED_V6]
    assert boot.snapshot.said["ping"].split() == world


@pytest.mark.boots("first", "rebooted")
def test_bond_has_its_members_and_options(boot: Boot) -> None:
    """One bond, in the mode and with the monitoring of the document, both members up."""
    (bond,) = boot.snapshot.of_kind("bond")
    members = {
        link["permaddr"] if "permaddr" in link else link["address"]
        for link in boot.snapshot.links
        if link.get("master") == bond["ifname"]
    }
    assert members == {MAC_OF["bond-a"], MAC_OF["bond-b"]}
    assert bond["address"] == MAC_OF["bond-a"]
    options = bond["linkinfo"]["info_data"]
    assert (options["mode"], options["miimon"], options["updelay"]) == ("active-backup", 100, 200)
    assert boot.snapshot.said["bonds"].count("MII Status: up") == 1 + len(members)


@pytest.mark.boots("first", "rebooted")
def test_vlan_is_above_the_bond_with_its_own_mac(boot: Boot) -> None:
    """One VLAN, on the bond, with the document's id and MAC."""
    (vlan,) = boot.snapshot.of_kind("vlan")
    (bond,) = boot.snapshot.of_kind("bond")
    assert (vlan["link"], vlan["linkinfo"]["info_data"]["id"]) == (bond["ifname"], outside.VLAN_ID)
    assert vlan["address"] == outside.VLAN_MAC


def test_every_static_address_answers_from_outside(boot: Boot) -> None:
    """sshd is reached on each, through the router, the switch or the VLAN that the address is behind."""
    assert boot.snapshot.reachable == dict.fromkeys(boot.instance.addresses, True)


def test_names_are_looked_up_where_the_document_says(boot: Boot, journey: Journey) -> None:
    """The resolver knows the document's DNS servers, and gets an answer of either family."""
    nameservers = boot.snapshot.said["nameservers"].split()
    if is_b(boot, journey):
        assert outside.OTHER_DNS in nameservers
        assert outside.WORLD_V4 not in nameservers
    else:
        assert outside.WORLD_V4 in nameservers
        assert outside.WORLD_V6 in nameservers
    assert outside.LOOKUP_V4 in boot.snapshot.said["lookup_v4"].split()
    assert outside.LOOKUP_V6 in boot.snapshot.said["lookup_v6"].split()


def test_login_works_with_the_instances_key_only(boot: Boot, journey: Journey) -> None:
    """The key of the drive opens root's account over v4 and v6; the other instance's key does not."""
    mine = "b" if is_b(boot, journey) else "a"
    accepted = {(login.key, login.address): login.accepted for login in boot.snapshot.logins}
    assert accepted == {(key, address): key == mine for key, address in accepted}
    assert len(accepted) == 4


def test_hostname_is_the_instances_everywhere(boot: Boot, journey: Journey) -> None:
    """The kernel, the file and the resolver agree; no trace of another instance's name, nor of the image's."""
    said = boot.snapshot.said
    name = boot.instance.hostname
    assert said["hostname"] in (name, name.partition(".")[0])
    assert said["etc_hostname"] == said["hostname"]
    assert said["fqdn"] == name
    assert name in said["getent_hostname"].split()
    stranger = journey.a if is_b(boot, journey) else journey.b
    assert stranger.hostname.partition(".")[0] not in said["etc_hosts"]
    assert "unset-host" not in said["etc_hosts"]


def test_no_unit_failed(boot: Boot) -> None:
    """systemd has nothing to complain of, the NIC that nobody answers on included."""
    assert boot.snapshot.said["failed_units"] == ""
    assert boot.snapshot.said["system_state"] == "running"


def test_nothing_waited_for_a_network_that_never_comes(boot: Boot) -> None:
    """What a service that needs the network waits for is reached by work, not by a timeout."""
    spent = {}
    for block in boot.snapshot.said["online_units"].split("\n\n"):
        unit = dict(line.split("=", 1) for line in block.splitlines())
        if unit["ActiveState"] != "inactive":
            assert unit["ActiveState"] == "active", unit["Id"]
            begun, done = int(unit["InactiveExitTimestampMonotonic"]), int(unit["ActiveEnterTimestampMonotonic"])
            spent[unit["Id"]] = (done - begun) / 1e6
    assert spent
    assert {unit: seconds for unit, seconds in spent.items() if seconds > LONGEST_ONLINE_S} == {}


@pytest.mark.boots("first", "other")
def test_agent_reports_what_it_did(boot: Boot, journey: Journey) -> None:
    """Status ok, no traceback in the journal, and the addresses on the console for whoever has nothing else."""
    assert json.loads(boot.snapshot.said["agent_status"])["state"] == "ok"
    assert "Traceback" not in boot.snapshot.said["agent_journal"]
    assert "Traceback" not in boot.snapshot.console
    lines = [line for line in boot.snapshot.console.splitlines() if "login:" not in line]
    for address in boot.instance.addresses:
        assert [line for line in lines if address in line], f"{address} is not on the console"
    assert json.loads(boot.snapshot.said["agent_status"])["backend"] == journey.backend


def test_the_kernel_has_what_was_planned(boot: Boot, visit: Visit) -> None:
    """By hand on every boot, and by the unit on those on which the agent ran; a drive that is gone changes no plan."""
    for name in ("agent_verify",) if visit.stage == "again" else ("agent_verify", "agent_verified"):
        result = json.loads(boot.snapshot.said[name])
        assert [item for item in result["findings"] if item["severity"] != "info"] == [], name
        last = "/var/lib/bootagent/status.json"
        assert result["planned"] == (last if visit.stage in ("again", "rebooted") else "/run/bootagent/status.json")
        assert "netifaces" not in [item["where"] for item in result["findings"]]
    assert ("verify: all is as planned: " in boot.snapshot.console) is (visit.stage != "again")
    status = json.loads(boot.snapshot.said["agent_status"])
    assert (status["verified"] is None) is (visit.stage == "again")


def test_the_agent_starts_only_when_something_changed(boot: Boot, visit: Visit) -> None:
    """The same drive, machine and NICs: no interpreter; a drive that is gone, or another instance: the agent."""
    unchanged = visit.stage == "again"
    assert boot.snapshot.said["agent_ran"] == ("no" if unchanged else "yes")
    assert json.loads(boot.snapshot.said["agent_status"])["unchanged"] is unchanged
    assert ("unchanged since an earlier boot" in boot.snapshot.console) is unchanged


def test_networkmanager_sees_it_as_we_do(boot: Boot, journey: Journey) -> None:
    """Every device has the profile that we made for it, and NetworkManager read all of them without a complaint."""
    if "networkmanager" not in journey.image:
        assert boot.snapshot.said["profiles"] == ""
        return
    profiles = [line.rsplit(":", 3) for line in boot.snapshot.said["profiles"].splitlines()]
    found = {device: name for name, path, device, state in profiles if state == "activated" and device != "lo"}
    links = labels(boot)
    stems = {label: MAC_OF[label].replace(":", "") for label in MAC_OF if label != "unnamed"}
    stems |= {"bond": "bond0", "vlan": "vlan20", "unnamed": "unlisted"}
    assert found.keys() == {links[label]["ifname"] for label in stems}
    assert {label: stem for label, stem in stems.items() if stem not in found[links[label]["ifname"]]} == {}
    complaints = boot.snapshot.said["nm_complaints"].splitlines()
    assert [line for line in complaints if any(word in line for word in ABOUT_PROFILES)] == []


@pytest.mark.boots("other")
def test_nothing_of_the_old_instance_stays(boot: Boot) -> None:
    """No bond, no VLAN, and no file under the network daemons' directories that still names what only A had."""
    assert boot.snapshot.of_kind("bond") == []
    assert boot.snapshot.of_kind("vlan") == []
    left = {name: [word for word in ONLY_A if word in text] for name, text in files(boot).items()}
    assert {name: words for name, words in left.items() if words} == {}


def files(boot: Boot) -> dict[str, str]:
    """The network daemons' files in the guest."""
    blocks = ("\n" + boot.snapshot.said["files"]).split("\n== ")[1:]
    return {name: text for name, _, text in (block.partition("\n") for block in blocks)}
