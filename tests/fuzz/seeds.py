# SPDX-License-Identifier: Apache-2.0
"""Sound inputs to begin with, and the words that documents are made of.

They are the images, the examples, the drives of ``tests/cases`` by the example that has the same documents, and what
grammars say that none of those says.
"""

from __future__ import annotations

import base64
import gzip
import json
import re
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING

from bootagent import formats
from tests.examples import CASES, EXAMPLES, host_of
from tests.fuzz import feed
from tests.fuzz.drives import IMAGES
from tests.test_sources_oracle import INSTANCE, METAL

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

PACKED = Path(__file__).with_name("corpus.tar.xz")
_MAC = re.compile(rb"\b[0-9a-fA-F]{2}(?::[0-9a-fA-F]{2}){5}\b")
_WORD = re.compile(r'"([\w.:/-]{3,23})"')
_SCRIPT = b"#!/bin/sh\necho hello\n"
_PACKED = gzip.compress(_SCRIPT, mtime=0)
_ENI = b"""\
auto eth0
iface eth0 inet manual
    bond-master bond0
auto bond0
iface bond0 inet static
    bond-mode 802.3ad
    bond-slaves eth0 eth1
    bond-miimon 100
    bond-xmit_hash_policy layer3+4
    address 192.0.2.10/24
    gateway 192.0.2.1
    mtu 9000
    dns-search example.com
    post-up ip route add 198.51.100.0/24 via 192.0.2.254 dev bond0 metric 10 || true
    up route add -net 203.0.113.0 netmask 255.255.255.0 gw 192.0.2.254
    up route add -A inet6 2001:db8:1::/64 gw 2001:db8::1
iface bond0 inet6 auto
    accept_ra 2
auto bond0.20
iface bond0.20 inet dhcp
    metric 5
auto vlan30
iface vlan30 inet6 static
    vlan_raw_device bond0
    address 2001:db8:9e::1
    netmask 64
source /etc/network/interfaces.d/*
"""
_V2 = b"""\
network:
  version: 2
  renderer: networkd
  ethernets:
    a: &base {match: {name: "en*", driver: [virtio]}, set-name: net0, dhcp6: yes, optional: true, mtu: 1400}
    b: {match: {macaddress: "52:54:00:00:00:01"}, dhcp4: true, dhcp4-overrides: {route-metric: 7, use-dns: false},
        dhcp6-overrides: {use-routes: false}, accept-ra: no, addresses: [192.0.2.7/24: {label: x}, "2001:db8::7/64"],
        gateway4: 192.0.2.1, gateway6: "2001:db8::1", nameservers: {search: [a.example], addresses: [192.0.2.53]},
        routes: [{to: default, via: 192.0.2.1, on-link: true, metric: 3}, {to: 0/0, via: 192.0.2.9, type: blackhole}]}
    c: *base
  bonds: {bond0: {interfaces: [b], parameters: {mode: active-backup, primary: b, mii-monitor-interval: 1}}}
  vlans: {v: {id: 5, link: bond0, addresses: [10.0.0.1/8]}}
  bridges: {br0: {interfaces: [b]}}
"""
_V1 = b"""\
version: 1
config:
  - {type: loopback, name: lo, subnets: [{type: static, address: 10.1.0.1/32}]}
  - {type: physical, name: eth0, mac_address: "52:54:00:00:00:01", accept-ra: true, subnets: [{type: dhcp4, metric: 4},
     {type: static6, address: "2001:db8::2/64", gateway: "2001:db8::1", dns_nameservers: [192.0.2.1], dns_search: a.b},
     {type: ipv6_slaac, control: manual}, {type: static, address: 192.0.2.2, netmask: 255.255.255.0,
     routes: [{network: 10.0.0.0, netmask: 255.0.0.0, gateway: 192.0.2.1, metric: 1}]}]}
  - {type: bond, name: bond0, bond_interfaces: [eth0], params: {bond-mode: 1, bond_primary: eth0}, mtu: 1400}
  - {type: vlan, name: v, vlan_link: bond0, vlan_id: 9, subnets: [{type: ipv6_dhcpv6-stateless}]}
  - {type: nameserver, address: [192.0.2.53], search: [example.com], interface: eth0}
  - {type: route, destination: 10.0.0.0/8, gateway: 192.0.2.1}
  - {type: bridge, name: br0}
"""
_MESSAGE = b"""\
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary="=="

--==
Content-Type: text/x-shellscript; charset="utf-8"
Content-Disposition: attachment; filename="a/b.sh"

#!/bin/sh
--==
Content-Type: multipart/mixed; boundary="+"

--+
Content-Type: application/octet-stream
Content-Transfer-Encoding: base64

IyEvYmluL3NoCg==
--+
Content-Type: text/cloud-config
Content-Transfer-Encoding: quoted-printable

#cloud-config=20
--+--
--==--
"""
_MORE: tuple[tuple[str, Sequence[bytes]], ...] = (
    ("powervs-eni", (_ENI, EXAMPLES["powervs-eni"].documents["openstack/latest/meta_data.json"])),
    ("netconfig-v2-bond-vlan", (b"instance-id: i\n", _V2)),
    ("netconfig-v2-bond-vlan", (b"instance-id: i\n", _V1)),
    ("oracle", (json.dumps(INSTANCE).encode(), json.dumps(METAL).encode())),
    *(("user-data", (data,)) for data in (_SCRIPT, _PACKED, _MESSAGE, b"#cloud-config\n")),
    ("opennebula's user data", (b"USER_DATA='IyEvYmluL3NoCg=='\nUSER_DATA_ENCODING='base64'\n",)),
    ("opennebula's user data", (b'START_SCRIPT_BASE64="IyEvYmluL3NoCg=="\n',)),
    ("upcloud's user data", (b'{"user_data":"#!/bin/sh"}',)),
    ("guestinfo", (b"\1IyEvYmluL3NoCg==",)),
    ("guestinfo", (b"\2" + base64.b64encode(_PACKED),)),
    ("oem strings", (b"io.systemd.credential:a=b\0io.systemd.credential.binary:c=IyEvYmluL3NoCg==",)),
    ("lxd's keys", (b'["/1.0/config/cloud-init.ssh-keys.a","/1.0/config/user.vendor-data"]',)),
)


def seeds() -> Iterator[tuple[str, bytes]]:
    """Inputs, each with a name; the backends take turns."""
    made = [(f"image-{kind}", kind, b"\t\0\0\1\t") for kind in IMAGES]
    made += [(kind, kind, feed.BETWEEN.join(_short(*example.documents.values()))) for kind, example in EXAMPLES.items()]
    made += [(f"case-{case}", kind, data) for case, kind, data in _cases()]
    made += [(f"more-{number}", kind, feed.BETWEEN.join(documents)) for number, (kind, documents) in enumerate(_MORE)]
    for number, (name, kind, data) in enumerate(made):
        yield name, bytes((number % feed.MACHINES, feed.KINDS.index(kind))) + data


def _cases() -> Iterator[tuple[str, str, bytes]]:
    for top in sorted(CASES.glob("*/in/drive")):
        case = top.parts[-3]
        files = {str(path.relative_to(top)): path for path in top.rglob("*") if path.is_file()}
        kinds = [kind for kind, example in EXAMPLES.items() if set(example.documents) <= set(files)]
        if kinds and case not in EXAMPLES:
            kind = max(kinds, key=lambda kind: len(EXAMPLES[kind].documents))
            documents = EXAMPLES[kind].documents
            yield (
                case,
                kind,
                _readdress(feed.BETWEEN.join(_short(*(files[name].read_bytes() for name in documents))), documents),
            )


def _short(*documents: bytes) -> Iterator[bytes]:
    """Without the indents of JSON: an edit of one says nothing."""
    for document in documents:
        try:
            yield json.dumps(json.loads(document), separators=(",", ":"), ensure_ascii=False).encode()
        except ValueError:
            yield document


def _readdress(data: bytes, documents: Mapping[str, bytes]) -> bytes:
    """The same of the machine whose NICs are in ``documents``."""
    there = [nic.mac.encode() for nic in host_of(documents).nics]
    found = list(dict.fromkeys(mac.lower() for mac in _MAC.findall(data)))
    known = dict(zip(found, there))
    return _MAC.sub(lambda match: known.get(match[0].lower(), match[0]), data)


def kept() -> Iterator[tuple[str, bytes]]:
    """What runs have found: inputs with each its own coverage, and those that failed."""
    with tarfile.open(PACKED) as packed:
        for member in packed:
            file = packed.extractfile(member)
            assert file is not None, "a member that is no file"
            yield member.name, file.read()


def words() -> Iterator[bytes]:
    """What the examples say, and all that the formats ask for by name."""
    found = {
        bytes(word)
        for example in EXAMPLES.values()
        for document in example.documents.values()
        for word in bytes(byte if chr(byte).isalnum() or byte in b"_-.:/" else 32 for byte in document).split()
    }
    for module in Path(formats.__file__).parent.glob("*.py"):
        found.update(word.encode() for word in _WORD.findall(module.read_text()))
    return iter(sorted(word for word in found if 2 < len(word) < 24))
