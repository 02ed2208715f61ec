# SPDX-License-Identifier: Apache-2.0
"""The readers of shell files on one machine, written by hand from each manual, and on what no manual has."""

from __future__ import annotations

from dataclasses import replace
from posixpath import normpath
from typing import Any

import pytest

from tests.readers import BY_FLAGS, Device, Reading, differences, ifcfg, reader
from tests.test_readers_shell import SHELLS, check

MACHINE: Reading = {
    "eth0": Device(
        addresses=frozenset(("192.0.2.5/24", "198.51.100.7/32", "2001:db8::5/64", "2001:db8::6/64")),
        routes=frozenset(
            (
                ("10.0.0.0/8", "192.0.2.9", None, False),
                ("::/0", "fe80::1", None, False),
                ("0.0.0.0/0", "203.0.113.1", 50, True),
            )
        ),
        dns=("192.0.2.53", "2001:db8::53"),
        search=("a.example", "b.example"),
        mtu=1442,
        local=True,
    ),
    "eth1": Device(master="bond0", required=False, local=False),
    "eth2": Device(master="bond0", required=False, local=False),
    "eth3": Device(dhcp4=True, dhcp6="stateful", ra="full", metric=200, local=True),
    "bond0": Device(
        bond="802.3ad",
        options=frozenset((("miimon", "100"), ("lacp_rate", "fast"), ("xmit_hash_policy", "layer3+4"))),
        members=frozenset(("eth1", "eth2")),
        mac="fa:16:3e:00:00:01",
        mtu=9000,
        local=False,
    ),
    "vlan20": Device(
        addresses=frozenset(("203.0.113.5/24",)), vlan=20, parent="bond0", mac="fa:16:3e:00:00:05", local=True
    ),
}

# Files of one directory, parted by lines with their names.
IFCFG = """\
== ../network
NETWORKING=yes
== ifcfg-eth0
DEVICE=eth0
TYPE=Ethernet
ONBOOT=yes
BOOTPROTO=none # or "dhcp"
MTU=1442
IPADDR=192.0.2.5
PREFIX=24
IPADDR1="198.51.100.7"
NETMASK1='255.255.255.255'
IPV6INIT=yes
IPV6_AUTOCONF=no
IPV6ADDR=2001:db8::5/64
IPV6ADDR_SECONDARIES="2001:db8::6/64"
DNS1=192.0.2.53
DNS2=2001:db8::53
DOMAIN="a.example b.example"
== route-eth0
10.0.0.0/8 via 192.0.2.9 dev eth0
# behind the provider's router
default via 203.0.113.1 dev eth0 onlink metric 50
== route6-eth0
default via fe80::1 dev eth0
== ifcfg-eth1
DEVICE=eth1
ONBOOT=yes
BOOTPROTO=none
MASTER=bond0
SLAVE=yes
== ifcfg-eth2
DEVICE="eth2"
ONBOOT="yes"
BOOTPROTO="none"
MASTER="bond0"
SLAVE="yes"
== ifcfg-eth3
DEVICE=eth3
ONBOOT=yes
BOOTPROTO=dhcp
METRIC=200
IPV4_ROUTE_METRIC=200
IPV6INIT=yes
IPV6_AUTOCONF=yes
DHCPV6C=yes
IPV6_ROUTE_METRIC=200
== ifcfg-bond0
DEVICE=bond0
TYPE=Bond
BONDING_MASTER=yes
BONDING_OPTS="mode=802.3ad miimon=100 lacp_rate=fast xmit_hash_policy=layer3+4"
ONBOOT=yes
BOOTPROTO=none
MACADDR=FA:16:3E:00:00:01
MTU=9000
IPV6_DISABLED=yes
== ifcfg-vlan20
DEVICE=vlan20
TYPE=Vlan
VLAN=yes
PHYSDEV=bond0
VID=20
VLAN_ID=20
ONBOOT=yes
BOOTPROTO=none
MACADDR=fa:16:3e:00:00:05
IPADDR=203.0.113.5
PREFIX=24
IPV6INIT=yes
IPV6_AUTOCONF=no
== ../../sysctl.d/60-ipv6.conf
net.ipv6.conf.bond0.disable_ipv6 = 1
net/ipv6/conf/eth3/ra_defrtr_metric=200
"""

WICKED = """\
== ifcfg-eth0
STARTMODE='auto'
BOOTPROTO='static'
MTU='1442'
IPADDR='192.0.2.5/24'
IPADDR_1="198.51.100.7/32"
IPADDR_2=2001:db8::5/64
IPADDR_3='2001:db8::6/64' # the second one
== ifroute-eth0
# Destination Gateway Netmask Interface Options
10.0.0.0/8 192.0.2.9 - eth0
default fe80::1 - -
default - - - metric 50 nexthop via 203.0.113.1 onlink
== ifsysctl-eth0
net.ipv6.conf.$INTERFACE.accept_ra = 0
== ifcfg-eth1
STARTMODE=hotplug
BOOTPROTO=none
== ifcfg-eth3
STARTMODE='auto'
BOOTPROTO='dhcp'
DHCLIENT_ROUTE_PRIORITY='200'
DHCLIENT6_MODE='managed'
== ifsysctl-eth3
net/ipv6/conf/eth3/ra_defrtr_metric = 200
== ifcfg-bond0
STARTMODE='auto'
BOOTPROTO='static'
BONDING_MASTER='yes'
BONDING_SLAVE_0='eth1'
BONDING_SLAVE_1='eth2'
BONDING_MODULE_OPTS='mode=802.3ad miimon=100 lacp_rate=fast xmit_hash_policy=layer3+4'
LLADDR='fa:16:3e:00:00:01'
MTU='9000'
== ifsysctl-bond0
net.ipv6.conf.bond0.disable_ipv6 = 1
== ifcfg-vlan20
STARTMODE='auto'
BOOTPROTO='static'
ETHERDEVICE='bond0'
VLAN_ID='20'
LLADDR='fa:16:3e:00:00:05'
IPADDR='203.0.113.5/24'
== ifsysctl-vlan20
net.ipv6.conf.vlan20.accept_ra = 0
"""

NETIFRC = """\
== net
config_eth0="192.0.2.5/24
198.51.100.7/32
2001:db8::5/64
2001:db8::6/64"
routes_eth0="10.0.0.0/8 via 192.0.2.9
default via fe80::1
default via 203.0.113.1 onlink metric 50"
mtu_eth0="1442"
dns_servers_eth0="192.0.2.53 2001:db8::53"
dns_search_eth0="a.example b.example"

slaves_bond0="eth1 eth2"
mode_bond0="802.3ad"
miimon_bond0="100"
lacp_rate_bond0="fast"
xmit_hash_policy_bond0="layer3+4"
config_bond0="null" # only what is on it
mac_bond0="fa:16:3e:00:00:01"
mtu_bond0="9000"
vlans_bond0="20"
vlan_start_bond0="no"
vlan20_name="vlan20"
mac_vlan20="fa:16:3e:00:00:05"
config_vlan20="203.0.113.5/24"
rc_net_vlan20_need="net.bond0"
== net.bond0
start_pre() {
    [ -d /sys/class/net/bond0 ] || ip link add dev bond0 type bond 2>/dev/null
    echo 1 >/proc/sys/net/ipv6/conf/bond0/disable_ipv6
}
== net.vlan20
start_pre() {
    echo 0 >/proc/sys/net/ipv6/conf/vlan20/accept_ra
    return 0
}
== net.eth3
config_eth3="dhcp"
dhcpcd_eth3="--noipv6rs --ia_na"
metric_eth3="200"

start_pre() {
    command -v dhcpcd >/dev/null || config_eth3="dhcp
dhcpv6"
    return 0
}
== ../sysctl.d/60-ipv6.conf
net.ipv6.conf.eth0.accept_ra = 0
net.ipv6.conf.eth3.ra_defrtr_metric = 200
"""
SERVICES = ("eth0", "eth3", "bond0", "vlan20")
LINKS = {f"/etc/init.d/net.{name}": "net.lo" for name in SERVICES}
LINKS |= {f"/etc/runlevels/default/net.{name}": f"/etc/init.d/net.{name}" for name in SERVICES}


def files(directory: str, text: str) -> dict[str, str]:
    parts = (part.partition("\n") for part in f"\n{text.rstrip()}".split("\n== ")[1:])
    return {normpath(f"{directory}/{name}"): f"{content}\n" for name, _, content in parts}


SCRIPTS, NETWORK, CONF = "/etc/sysconfig/network-scripts", "/etc/sysconfig/network", "/etc/conf.d"
SAMPLES = {
    "ifcfg": files(SCRIPTS, IFCFG),
    "netifrc": {**files(CONF, NETIFRC), **LINKS},
    "wicked": files(NETWORK, WICKED),
}
# Left to netconfig(8).
EXCUSED = {"wicked": frozenset(("dns", "search"))}


@pytest.mark.parametrize("backend", SAMPLES)
def test_the_machine_is_read(backend: str) -> None:
    found = reader(backend).read(SAMPLES[backend])

    assert differences(MACHINE, found, EXCUSED.get(backend, frozenset())) == []


def test_networkmanager_reads_the_same_machine() -> None:
    wanted = {**MACHINE, "eth3": replace(MACHINE["eth3"], dhcp6=BY_FLAGS)}

    assert differences(wanted, ifcfg.read_nm(SAMPLES["ifcfg"])) == []


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("backend", SAMPLES)
def test_the_machine_is_sourced(backend: str, shell: str) -> None:
    check(shell, backend, SAMPLES[backend])


THEIRS = """\
config_eth3="10.0.0.5/8"
postup() { ntpdate-client; }

# BEGIN bootagent: replaced at boot
config_eth3="dhcp"
dhcpcd_eth3="-4"
# END bootagent
"""
CHANGES = [
    ("ifcfg", f"{SCRIPTS}/ifcfg-eth1", "DEVICE=eth1\nONBOOT=no\nMASTER=bond0\nSLAVE=yes\n", "eth1",
     {"master": "bond0"}),
    ("ifcfg", f"{SCRIPTS}/ifcfg-eth0.bak", "DEVICE=eth0\nMTU=1500\n", "eth0", {"mtu": 1442}),
    ("ifcfg", f"{SCRIPTS}/ifcfg-eth3:0", 'DEVICE="eth3:0"\nIPADDR="192.0.2.7"\nPREFIX="24"\nIPV6INIT="no"\n', "eth3",
     {"addresses": frozenset(("192.0.2.7/24",))}),
    ("ifcfg", f"{SCRIPTS}/route-eth3", "# it goes on \\\n10.0.0.0/8 dev eth3\n172.16.0.0/12 dev eth3\n",
     "eth3", {"routes": frozenset((("172.16.0.0/12", "", None, False),))}),
    ("ifcfg", f"{SCRIPTS}/route-eth3", "ADDRESS0=10.0.0.0\nNETMASK0=255.0.0.0\nGATEWAY0=192.0.2.9\n", "eth3",
     {"routes": frozenset((("10.0.0.0/8", "192.0.2.9", None, False),))}),
    ("ifcfg", f"{SCRIPTS}/ifcfg-eth2", "DEVICE=bond\nONBOOT=yes\nMASTER=bond0\nSLAVE=yes\n", "bond0",
     {"members": frozenset(("eth1", "bond"))}),
    ("ifcfg", f"{SCRIPTS}/ifcfg-eth3", "DEVICE=eth3\nIPADDR=210.0.0.1\nPREFIX=24\nIPADDR1=10.0.0.1\nPREFIX1=24\n",
     "eth3", {"addresses": frozenset(("210.0.0.1/24",))}),
    ("wicked", f"{NETWORK}/ifcfg-eth3", "# " + "x" * 509 + "STARTMODE=auto\nBOOTPROTO=dhcp6\n", "eth3",
     {"dhcp4": False, "dhcp6": BY_FLAGS}),
    ("wicked", f"{NETWORK}/ifroute-eth3", "10.0.0.0/8 - - eth3\n10.0.0.0/8 192.0.2.9 - eth3\n", "eth3",
     {"routes": frozenset((("10.0.0.0/8", "", None, False),))}),
    ("wicked", f"{NETWORK}/ifroute-eth3", "192.0.2.1 - - eth3\ndefault 192.0.2.1 - eth3 metric 7\n", "eth3",
     {"routes": frozenset((("192.0.2.1/32", "", None, False), ("0.0.0.0/0", "192.0.2.1", 7, True)))}),
    ("wicked", f"{NETWORK}/ifsysctl-eth3", "net.ipv6.conf.eth3.disable_ipv6 = 1\n", "eth3",
     {"dhcp6": "", "ra": "off", "local": False}),
    ("netifrc", f"{CONF}/net.eth3", THEIRS, "eth3", {"dhcp6": "", "ra": "full"}),
    ("netifrc", f"{CONF}/net.eth3",
     'config_eth3="null"\nroutes_eth3="10.0.0.0/8 via 192.0.2.9 metric 5\n172.16.0.0/12"\n', "eth3",
     {"routes": frozenset((("10.0.0.0/8", "192.0.2.9", 5, False), ("172.16.0.0/12", "", 5, False)))}),
    ("netifrc", f"{CONF}/net.eth3", 'config_eth3="10.0.0.5/8 10.0.0.6/8"\n', "eth3",
     {"addresses": frozenset(("10.0.0.5/8", "10.0.0.6/8"))}),
    ("netifrc", f"{CONF}/net.bond0", 'slaves_bond0="eth10 eth1"\n', "bond0", {"members": frozenset(("eth10",))}),
]  # fmt: skip


@pytest.mark.parametrize(("backend", "path", "text", "name", "fields"), CHANGES)
def test_what_is_done_counts(backend: str, path: str, text: str, name: str, fields: dict[str, Any]) -> None:
    """Where a daemon does something else than one would think, the reader does it too."""
    found = reader(backend).read({**SAMPLES[backend], path: text})[name]

    assert {field: getattr(found, field) for field in fields} == fields


ERRORS = [
    ("ifcfg", f"{SCRIPTS}/ifcfg-eth3", "DEVICE=eth3\nGATEWAYS=192.0.2.1\n", "ifcfg-eth3:2: no variable GATEWAYS"),
    ("ifcfg", f"{SCRIPTS}/ifcfg-eth3", "DEVICE=eth3\nMTU=67\n", "ifcfg-eth3:2: MTU: 67"),
    ("ifcfg", f"{SCRIPTS}/ifcfg-eth3", "DEVICE=$(touch pwned)\n", "ifcfg-eth3:1: .* is more than a value"),
    ("ifcfg", f"{SCRIPTS}/ifcfg-eth3", "DEVICE=eth3 ip link\n", "ifcfg-eth3:1: .* is a command"),
    ("ifcfg", f"{SCRIPTS}/ifcfg-ppp0", "DEVICE=ppp0\n", "not brought up by ifup-eth"),
    ("ifcfg", f"{SCRIPTS}/ifcfg-eth4", "DEVICE=eth3\n", "or twice: eth3"),
    ("ifcfg", f"{SCRIPTS}/route-eth3", "10.0.0.0/8 via 192.0.2.9 weight 3\n", "route-eth3:1: no word 'weight'"),
    ("ifcfg", f"{SCRIPTS}/route-eth3", "2001:db8::/32 dev eth3\n", "no IPv4 route"),
    ("ifcfg", f"{SCRIPTS}/route-eth3", "10.0.0.0/8 via 192.0.2.9; reboot\n", "route-eth3:1"),
    ("ifcfg", "/etc/sysctl.d/x.conf", "net.ipv4.conf.eth0.rp_filter = 1\n", "x.conf:1: no setting"),
    ("wicked", f"{NETWORK}/ifcfg-eth3", "STARTMODE='auto\n", "ifcfg-eth3:1: .* is nothing"),
    ("wicked", f"{NETWORK}/ifcfg-eth3", "STARTMODE=$(touch pwned)\n", "ifcfg-eth3:1: .* is something else to a shell"),
    ("wicked", f"{NETWORK}/ifcfg-eth3", "STARTMODE=boot;reboot\n", "ifcfg-eth3:1: .* is something else to a shell"),
    ("wicked", f"{NETWORK}/ifcfg-eth3", "STARTMODE=auto\nGATEWAY=192.0.2.1\n", "ifcfg-eth3:2: no variable GATEWAY"),
    ("wicked", f"{NETWORK}/ifcfg-eth3", "# " + "x" * 510 + "\n", "ifcfg-eth3:1: .* is nothing"),
    (
        "wicked",
        f"{NETWORK}/ifcfg-bond0",
        "STARTMODE=auto\nBONDING_MASTER=yes\n",
        "monitored by miimon or by arp_interval",
    ),
    ("wicked", f"{NETWORK}/ifroute-eth0", "# C:\\x\n10.0.0.0/8 - - eth0\n", "ifroute-eth0:1: a backslash"),
    ("wicked", f"{NETWORK}/ifroute-eth0", "default - - eth0\n", "ifroute-eth0:1: a default .* has no family"),
    ("wicked", f"{NETWORK}/ifroute-eth0", "default 192.0.2.1 - eth0 onlink\n", "no option 'onlink'"),
    ("netifrc", f"{CONF}/net.eth3", "reboot\n", "net.eth3:1: 'reboot.*' is a command"),
    ("netifrc", f"{CONF}/net.eth3", 'confg_eth3="dhcp"\n', "net.eth3:1: nothing asks for confg_eth3"),
    ("netifrc", f"{CONF}/net.eth3", "start_pre() {\n    reboot\n}\n", "nothing is known of 'reboot'"),
    ("netifrc", f"{CONF}/net.eth3", 'config_eth3="dhcp"\n', "without dhcpcd it is otherwise"),
    ("netifrc", f"{CONF}/net.eth3", 'routes_eth3="default via 192.0.2.1 dev eth0"\n', "is no route"),
    ("netifrc", "/etc/init.d/net.eth3", "net.eth0", "is no link to net.lo"),
    ("netifrc", "/etc/runlevels/default/net.eth4", "/etc/init.d/net.eth4", "no service net.eth4"),
]


@pytest.mark.parametrize(("backend", "path", "text", "message"), ERRORS)
def test_what_no_manual_has_is_an_error(backend: str, path: str, text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        reader(backend).read({**SAMPLES[backend], path: text})
