# SPDX-License-Identifier: Apache-2.0
"""SmartOS: a host of our own at the other end of a terminal speaks the metadata protocol of the specification."""

from __future__ import annotations

import base64
import binascii
import json
import os
import select
import threading
import time
import tty
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootagent.errors import SourceError
from bootagent.formats.smartos import KEYS, parse_documents
from bootagent.host import Host
from bootagent.identity import Identity
from bootagent.planners.network import bind
from bootagent.root import Root
from bootagent.sources import smartos
from bootagent.sources._http import Connector
from bootagent.sources._mdata import MAX_LINE
from tests.netconfig import facts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from bootagent.model.instance import Instance
    from tests.conftest import MachineDirectory

UUID = "6c1d2e3f-0000-4000-8000-000000000001"
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOflAKvYJxaL6s2wOpnswu59XJc0wvUR+A3PErwCb4+j ann"
M0, M1 = "90:b8:d0:00:00:01", "90:b8:d0:00:00:02"
PUBLIC: dict[str, Any] = {
    "interface": "net0",
    "mac": M0,
    "nic_tag": "external",
    "vlan_id": 324,
    "mtu": 1500,
    "model": "virtio",
    "primary": True,
    "ip": "192.0.2.5",
    "netmask": "255.255.255.0",
    "gateway": "192.0.2.1",
    "ips": ["2001:db8::5/64", "192.0.2.5/24", "192.0.2.6/24"],
    "gateways": ["192.0.2.1", "2001:db8::1", "2001:db8::2"],
}
PRIVATE: dict[str, Any] = {"mac": M1, "ips": ["10.0.0.5/22"], "gateways": ["10.0.0.1"], "mtu": 8500}
VALUES: dict[str, bytes] = {
    "sdc:uuid": UUID.encode(),
    "hostname": b"web\n",
    "sdc:hostname": b"machine-7",
    "root_authorized_keys": f"{KEY}\n".encode(),
    "sdc:nics": json.dumps([PUBLIC, PRIVATE]).encode(),
    "sdc:routes": b'[{"linklocal": false, "dst": "10.64.0.0/10", "gateway": "10.0.0.9"}]',
    "sdc:resolvers": b'["192.0.2.53", "2001:db8::53"]',
    "sdc:dns_domain": b"example.com",
}


class SmartHost:
    """The host's end of the line: greets, negotiates, and has a value a key."""

    def __init__(self, machine: MachineDirectory) -> None:
        self.line, self.port = os.openpty()
        tty.setraw(self.line)
        path = machine.path / "dev/ttyS1"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.symlink_to(os.ttyname(self.port))
        self.values = dict(VALUES)
        self.asked: list[str] = []
        self.change: Callable[[str, bytes], bytes] = lambda _, frame: frame
        self.deaf = 0  # greetings that are not heard
        self.negotiates = True
        self._stop = False
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop = True
        if self._thread.is_alive():
            self._thread.join()
        os.close(self.line)
        os.close(self.port)

    def _serve(self) -> None:
        buffer = b""
        while not self._stop:
            if not select.select([self.line], [], [], 0.02)[0]:
                continue
            buffer += os.read(self.line, 4096)
            while b"\n" in buffer:
                command, _, buffer = buffer.partition(b"\n")
                answer = self._answer(command)
                while answer and not self._stop:
                    if select.select([], [self.line], [], 0.02)[1]:
                        answer = answer[os.write(self.line, answer[:1024]) :]

    def _answer(self, command: bytes) -> bytes:
        if not command:
            self.deaf -= 1
            return b"" if self.deaf >= 0 else b"invalid command\n"
        if command == b"NEGOTIATE V2":
            return b"V2_OK\n" if self.negotiates else b"FAILURE\n"
        version, length, crc, body = command.split(b" ", 3)
        assert (version, int(length), int(crc, 16)) == (b"V2", len(body), binascii.crc32(body))
        identity, verb, encoded = body.split(b" ")
        assert verb == b"GET"
        key = base64.b64decode(encoded).decode()
        self.asked.append(key)
        value = self.values.get(key)
        return self.change(key, frame(identity, value))


def frame(identity: bytes, value: bytes | None) -> bytes:
    body = identity + (b" NOTFOUND" if value is None else b" SUCCESS")
    body += b" " + base64.b64encode(value) if value else b""
    return b"V2 %d %08x %s\n" % (len(body), binascii.crc32(body), body)


@pytest.fixture
def smart_host(machine: MachineDirectory) -> Iterator[SmartHost]:
    host = SmartHost(machine)
    yield host
    host.stop()


def read(machine: MachineDirectory) -> tuple[Instance, list[str]]:
    place, instance = smartos.read_channel(Root(str(machine)), Identity())
    assert place == "/dev/ttyS1"
    return instance, [f"{problem.severity} {problem}" for problem in instance.problems]


@pytest.mark.parametrize(("product", "why"), [("SmartDC HVM", "DMI product_name: SmartDC HVM"), ("KVM", "")])
def test_it_is_known_by_its_product(product: str, why: str) -> None:
    assert smartos.detect(Identity(dmi={"product_name": product})) == why


def test_an_instance_asked_once_for_each_key(machine: MachineDirectory, smart_host: SmartHost) -> None:
    smart_host.start()
    instance, problems = read(machine)
    assert (instance.id, instance.hostname, instance.ssh_keys, problems) == (UUID, "web", (KEY,), [])
    assert instance.network
    assert [facts(link) for link in instance.network.links] == [
        {
            "mac": M0,
            "mtu": 1500,
            "addresses": ["2001:db8::5/64", "192.0.2.5/24", "192.0.2.6/24"],
            "routes": ["0.0.0.0/0 via 192.0.2.1", "::/0 via 2001:db8::1"],
        },
        {"mac": M1, "mtu": 8500, "addresses": ["10.0.0.5/22"], "routes": ["10.64.0.0/10 via 10.0.0.9"]},
    ]
    dns = instance.network.dns
    assert ([str(server) for server in dns.servers], list(dns.search)) == (
        ["192.0.2.53", "2001:db8::53"],
        ["example.com"],
    )
    assert smart_host.asked == list(KEYS)


def test_what_was_on_the_line_before_and_a_host_that_is_late_do_no_harm(
    machine: MachineDirectory, smart_host: SmartHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bootagent.sources._mdata.AGAIN", 0.2)
    smart_host.deaf = 2
    os.write(smart_host.line, b"V2 17 00000000 half of an answer to somebody else")
    smart_host.start()
    assert read(machine)[0].id == UUID


def test_a_long_value(machine: MachineDirectory, smart_host: SmartHost) -> None:
    smart_host.values["root_authorized_keys"] = b"# comment\n" * 20000 + KEY.encode()
    smart_host.start()
    assert read(machine)[0].ssh_keys == (KEY,)


def test_keys_that_the_host_has_not_are_absent(machine: MachineDirectory, smart_host: SmartHost) -> None:
    smart_host.values = {"sdc:uuid": UUID.encode(), "root_authorized_keys": b""}
    smart_host.start()
    instance, problems = read(machine)
    assert (instance.id, instance.hostname, instance.ssh_keys, instance.network) == (UUID, None, (), None)
    assert (problems, instance.documents) == ([], ("sdc:uuid", "root_authorized_keys"))


@pytest.mark.parametrize(
    "change",
    [
        lambda line: line.replace(b"V2 ", b"V1 "),
        lambda line: line.replace(b"SUCCESS", b"SUCCESs"),
        lambda line: b"V2 3 00000000 x y\n" + line[:0],
        lambda _: b"<html>\n",
        lambda _: frame(b"ffffffff", b"other"),
        lambda _: b"x" * (MAX_LINE + 1),
        lambda _: b"",
    ],
)
def test_behind_an_answer_that_is_not_sound_nothing_counts(
    machine: MachineDirectory,
    smart_host: SmartHost,
    monkeypatch: pytest.MonkeyPatch,
    change: Callable[[bytes], bytes],
) -> None:
    monkeypatch.setattr(smartos, "SECONDS", 3.0)
    smart_host.change = lambda key, line: change(line) if key == "sdc:nics" else line
    smart_host.start()
    start = time.monotonic()
    instance, problems = read(machine)
    assert time.monotonic() - start < 10
    assert (instance.id, instance.ssh_keys, instance.network) == (UUID, (KEY,), None)
    assert set(instance.broken) == {"sdc:nics", "sdc:routes", "sdc:resolvers", "sdc:dns_domain"}
    assert len(problems) == 1
    assert problems[0].startswith("error /dev/ttyS1: ")


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("absent", "No such file or directory"),
        ("silent", "the host does not answer"),
        ("old", "the host does not speak version 2 of the protocol"),
        ("empty", "the host has no sdc:uuid"),
        ("broken", "no sound answer for sdc:uuid"),
    ],
)
def test_a_host_that_says_nothing_is_an_error_in_time(
    machine: MachineDirectory, smart_host: SmartHost, monkeypatch: pytest.MonkeyPatch, kind: str, reason: str
) -> None:
    monkeypatch.setattr(smartos, "SECONDS", 1.0)
    monkeypatch.setattr("bootagent.sources._mdata.AGAIN", 0.2)
    if kind == "absent":
        (machine.path / "dev/ttyS1").unlink()
    smart_host.negotiates = kind != "old"
    if kind == "empty":
        smart_host.values = {}
    if kind == "broken":
        smart_host.change = lambda _, __: b"x\n"
    if kind != "silent":
        smart_host.start()
    start, before = time.monotonic(), len(os.listdir("/proc/self/fd"))
    with pytest.raises(SourceError, match=f"^/dev/ttyS1: {reason}$"):
        read(machine)
    assert time.monotonic() - start < 5
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_port_that_is_none_is_an_error(machine: MachineDirectory) -> None:
    machine.write("/dev/ttyS1", "")
    with pytest.raises(SourceError, match=r"^/dev/ttyS1: inappropriate ioctl for device$"):
        read(machine)


@pytest.mark.parametrize("key", ["cloud-init:user-data", "user-script", "sdc:operator-script"])
def test_what_is_to_be_run_is_read_only_when_it_is_asked_for(
    machine: MachineDirectory, smart_host: SmartHost, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    monkeypatch.setattr(smartos, "PORT", f"{machine}/dev/ttyS1")
    smart_host.values[key] = b"#!/bin/sh\n"
    smart_host.start()
    found = smartos.fetch_user_data(Connector(Identity(), (), time.monotonic() + 10))
    assert found == (None if key == "sdc:operator-script" else b"#!/bin/sh\n")


# The documents


def nics(*items: object, **others: object) -> tuple[list[dict[str, object]] | None, list[str]]:
    documents = {"sdc:nics": json.dumps(items).encode()}
    documents |= {f"sdc:{key}": json.dumps(value).encode() for key, value in others.items()}
    instance = parse_documents(documents)
    links = [facts(link) for link in instance.network.links] if instance.network else None
    return links, [f"{problem.severity} {problem.where}" for problem in instance.problems]


@pytest.mark.parametrize(
    ("change", "wanted", "problems"),
    [
        ({"ips": ["dhcp"]}, {"dhcp4": True}, []),
        ({"ips": ["dhcp", "addrconf"]}, {"dhcp4": True, "slaac": True}, []),
        ({"ips": None}, {"addresses": ["192.0.2.5/24"], "routes": ["0.0.0.0/0 via 192.0.2.1"]}, []),
        (
            {"ips": ["192.0.2.5/24"], "gateways": None},
            {"addresses": ["192.0.2.5/24"], "routes": ["0.0.0.0/0 via 192.0.2.1"]},
            [],
        ),
        ({"ips": ["192.0.2.5/24"], "primary": False}, {"addresses": ["192.0.2.5/24"]}, []),
        ({"ips": []}, {}, []),
        ({"ips": ["x", 7]}, {}, ["error sdc:nics: [0].ips[0]", "error sdc:nics: [0].ips[1]"]),
        (
            {"ips": ["192.0.2.5/24"], "gateways": ["x"]},
            {"addresses": ["192.0.2.5/24"]},
            ["error sdc:nics: [0].gateways"],
        ),
    ],
)
def test_how_a_nic_gets_its_addresses(
    change: dict[str, object], wanted: dict[str, object], problems: list[str]
) -> None:
    assert nics({**PUBLIC, **change}) == ([{"mac": M0, "mtu": 1500, **wanted}], problems)


def test_a_nic_that_cannot_be_found_leaves_the_others() -> None:
    links, problems = nics({"ips": ["dhcp"]}, 7, {"mac": M1, "ips": ["dhcp"]}, {"mac": M1, "ips": []})
    assert links == [{"mac": M1, "dhcp4": True}]
    assert problems == ["error sdc:nics: [0].mac", "error sdc:nics: [1]", "error sdc:nics: [3].mac"]


def test_routes_go_by_the_nic_that_has_the_gateway() -> None:
    routes = [
        {"dst": "10.64.0.0/10", "gateway": "10.0.0.9"},
        {"dst": "10.128.0.0/10", "gateway": "203.0.113.1"},
        {"dst": "10.192.0.0/10", "gateway": "10.0.0.5", "linklocal": True},
        {"dst": "x", "gateway": "10.0.0.9"},
        7,
    ]
    links, problems = nics({**PUBLIC, "primary": False}, PRIVATE, routes=routes)
    assert links
    assert [link.get("routes") for link in links] == [None, ["10.64.0.0/10 via 10.0.0.9"]]
    assert problems == [
        "error sdc:routes: [1].gateway",
        "error sdc:routes: [2].linklocal",
        "error sdc:routes: [3].dst",
        "error sdc:routes: [4]",
    ]


@pytest.mark.parametrize(
    ("data", "where"), [(b"{", "sdc:nics: line 1 column 2"), (b"{}", "sdc:nics"), (b"7", "sdc:nics")]
)
def test_a_broken_list_leaves_the_rest(data: bytes, where: str) -> None:
    instance = parse_documents({**VALUES, "sdc:nics": data})
    assert (instance.id, instance.network, set(instance.broken)) == (UUID, None, {"sdc:nics"})
    assert [f"{problem.severity} {problem.where}" for problem in instance.problems] == [f"error {where}"]


values = st.recursive(
    st.none() | st.booleans() | st.text(max_size=6) | st.sampled_from([M0, "192.0.2.5/24", "dhcp", "fe80::1"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["mac", "ips", "ip", "primary", "gateways", "dst", "gateway", "mtu"]), inner)
    ),
    max_leaves=20,
)


@given(st.dictionaries(st.sampled_from(KEYS), values))
def test_any_values_give_an_instance_that_can_be_bound(data: dict[str, object]) -> None:
    instance = parse_documents({key: json.dumps(value).encode() for key, value in data.items()})
    assert all(problem.where.isprintable() and problem.message.isprintable() for problem in instance.problems)
    if instance.network:
        bind(instance.network, Host(), "dhcp")


@given(st.dictionaries(st.sampled_from(KEYS), st.binary(max_size=60)))
def test_any_bytes_give_an_instance(data: dict[str, bytes]) -> None:
    assert parse_documents(data).broken <= set(KEYS)
