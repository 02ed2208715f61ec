# SPDX-License-Identifier: Apache-2.0
"""systemd's credentials: the places where they are, which of two stands, and what of them is systemd's own."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootagent.errors import SourceError
from bootagent.formats.credentials import parse_documents, parse_strings
from bootagent.identity import Identity, read_identity
from bootagent.root import Root
from bootagent.sources import credentials

if TYPE_CHECKING:
    from bootagent.model.instance import Instance
    from tests.conftest import MachineDirectory

ANN = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOflAKvYJxaL6s2wOpnswu59XJc0wvUR+A3PErwCb4+j ann"
BOB = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIMumQllBP86QjM2pIEwEbGvpFFYjD//ZxTOY5SAexJkv bob"
SYSTEM = "/run/credentials/@system"
FW_CFG = "/sys/firmware/qemu_fw_cfg/by_name/opt/io.systemd.credentials"
KEYS, NAME = "ssh.authorized_keys.root", "system.hostname"
TEXT, BINARY = "io.systemd.credential:", "io.systemd.credential.binary:"


def add_strings(machine: MachineDirectory, *strings: str) -> None:
    """A structure of type 11 as DSP0134 7.12 has it: type, length, handle, count; then the strings, NUL after each."""
    body = b"".join(text.encode() + b"\0" for text in strings)
    machine.write("/sys/firmware/dmi/entries/11-0/raw", bytes([11, 5, 0, 1, len(strings)]) + body + b"\0")


def read(machine: MachineDirectory) -> tuple[str, str, Instance, list[str]]:
    """Why, where and what; and the problems."""
    root = Root(str(machine))
    identity = read_identity(root, "")
    place, instance = credentials.read_channel(root, identity)
    return credentials.detect(identity), place, instance, [f"{p.severity} {p}" for p in instance.problems]


def test_what_systemd_has_imported(machine: MachineDirectory) -> None:
    machine.write(f"{SYSTEM}/{KEYS}", f"{ANN}\n# a comment\n{BOB}\n")
    machine.write(f"{SYSTEM}/{NAME}", "web.example.com\n")
    why, place, instance, problems = read(machine)
    assert (why, place) == (f"credential {KEYS} in {SYSTEM}", f"{SYSTEM}/{KEYS}")
    assert (instance.id, instance.hostname, instance.ssh_keys) == (None, "web.example.com", (ANN, BOB))
    assert (instance.documents, instance.network, problems) == ((KEYS, NAME), None, [])


def test_what_qemu_has_in_fw_cfg(machine: MachineDirectory) -> None:
    """The kernel's qemu_fw_cfg has a directory of each, with the content in ``raw``."""
    machine.write(f"{FW_CFG}/{NAME}/raw", "web")
    machine.write(f"{FW_CFG}/{NAME}/size", "3\n")
    why, place, instance, _ = read(machine)
    assert (why, place) == (f"credential {NAME} in {FW_CFG}", f"{FW_CFG}/{NAME}")
    assert (instance.hostname, instance.ssh_keys) == ("web", None)


def test_what_the_smbios_has(machine: MachineDirectory) -> None:
    several = base64.b64encode(f"{ANN}\n{BOB}\n".encode()).decode()
    add_strings(machine, "vendor text", f"{BINARY}{KEYS}={several}", f"{TEXT}{NAME}=web")
    why, place, instance, problems = read(machine)
    assert (why, place) == (f"credential {KEYS} in the SMBIOS", f"SMBIOS: {KEYS}")
    assert (instance.hostname, instance.ssh_keys, problems) == ("web", (ANN, BOB), [])


def test_several_keys_in_a_string_that_is_not_base64(machine: MachineDirectory) -> None:
    add_strings(machine, f"{TEXT}{KEYS}={ANN}\n{BOB}")
    assert read(machine)[2].ssh_keys == (ANN, BOB)


def test_of_several_the_first_stands_each_for_itself(machine: MachineDirectory) -> None:
    """import-creds.c: fw_cfg before the SMBIOS, and what was imported once is not replaced."""
    add_strings(machine, f"{TEXT}{NAME}=third", f"{TEXT}{NAME}=fourth", f"{TEXT}{KEYS}={BOB}")
    machine.write(f"{FW_CFG}/{NAME}/raw", "second")
    assert read(machine)[2].hostname == "second"
    machine.write(f"{SYSTEM}/{NAME}", "first")
    _, _, instance, _ = read(machine)
    assert (instance.hostname, instance.ssh_keys) == ("first", (BOB,))


@pytest.mark.parametrize(
    ("text", "wanted", "problems"),
    [
        ("", (), []),
        ("nonsense", (), [f"warning {KEYS}: not an OpenSSH public key"]),
        (f"{ANN}\nsecret", (ANN,), [f"warning {KEYS}: line 2: not an OpenSSH public key"]),
    ],
)
def test_keys_that_are_none_are_reported_and_not_shown(
    machine: MachineDirectory, text: str, wanted: tuple[str, ...], problems: list[str]
) -> None:
    machine.write(f"{SYSTEM}/{KEYS}", text)
    _, _, instance, found = read(machine)
    assert (instance.ssh_keys, found) == (wanted, problems)


def test_a_broken_credential_leaves_the_other(machine: MachineDirectory) -> None:
    add_strings(machine, f"{BINARY}{KEYS}=*", f"{TEXT}{NAME}=web")
    _, place, instance, problems = read(machine)
    assert (place, instance.hostname, instance.ssh_keys) == (f"SMBIOS: {NAME}", "web", None)
    assert (set(instance.broken), problems) == ({KEYS}, [f"error SMBIOS: {KEYS}: not base64"])
    machine.write(f"{FW_CFG}/{KEYS}/raw", b"\xff")
    _, _, instance, problems = read(machine)
    assert (set(instance.broken), problems) == ({KEYS}, [f"error {KEYS}: byte 0: not UTF-8"])


def test_one_that_cannot_be_read_gives_way_to_the_next_place(machine: MachineDirectory) -> None:
    (machine.path / SYSTEM[1:] / NAME).mkdir(parents=True)
    machine.write(f"{FW_CFG}/{NAME}/raw", "web")
    _, _, instance, problems = read(machine)
    assert (instance.hostname, instance.broken) == ("web", frozenset())
    assert problems == [f"error {SYSTEM}/{NAME}: not a regular file"]


@pytest.mark.parametrize("broken", [False, True])
def test_none_at_all_is_an_error(machine: MachineDirectory, broken: bool) -> None:
    add_strings(machine, f"{BINARY}{NAME}=*" if broken else "x")
    root = Root(str(machine))
    with pytest.raises(SourceError, match="not base64" if broken else "no credential for us is there"):
        credentials.read_channel(root, read_identity(root, ""))


def test_other_credentials_make_this_no_source(machine: MachineDirectory) -> None:
    add_strings(machine, f"{TEXT}passwd.plaintext-password.root=secret", f"{TEXT}network.network.10-x=[Match]")
    machine.write(f"{SYSTEM}/vmm.notify_socket", "vsock:2:1")
    assert credentials.detect(read_identity(Root(str(machine)), "")) == ""


def test_those_of_the_network_are_systemds_and_are_named_where_it_did_nothing(machine: MachineDirectory) -> None:
    """systemd-network-generator(8): network.network.50-foobar becomes 50-foobar.network."""
    add_strings(machine, f"{TEXT}{NAME}=web", f"{TEXT}network.netdev.50-b.c=[NetDev]", f"{TEXT}passwd.x=secret")
    machine.write(f"{SYSTEM}/network.network.10-lan", "[Match]\n")
    machine.write("/run/systemd/network/10-lan.network", "[Match]\n")
    assert read(machine)[3] == [
        "warning network.netdev.50-b.c: not handled: that is for systemd 256 and newer to do",
        "info network.network.10-lan: systemd-networkd's own: it has the file",
    ]
    machine.write("/run/systemd/network/50-b.c.netdev", "[NetDev]\n")
    assert [problem.partition(" ")[0] for problem in read(machine)[3]] == ["info", "info"]
    add_strings(machine, f"{TEXT}{NAME}=", f"{TEXT}network.link.a\nb=x")
    assert read(machine)[3][0].startswith("warning 'network.link.a\\nb': ")


@given(st.lists(st.text(max_size=30) | st.text("=:abs.", max_size=9).map(lambda text: f"{BINARY}{NAME}={text}")))
def test_any_strings_give_credentials_and_an_instance(strings: list[str]) -> None:
    found = parse_strings(strings)
    credentials.detect(Identity(strings=tuple(strings)))
    parse_documents({name: value for name, value in found.items() if value is not None})


@given(st.binary(max_size=100), st.binary(max_size=100))
def test_any_bytes_give_an_instance(keys: bytes, name: bytes) -> None:
    instance = parse_documents({KEYS: keys, NAME: name})
    assert instance.broken <= {KEYS, NAME}
    assert all(problem.where.isprintable() and problem.message.isprintable() for problem in instance.problems)
