# SPDX-License-Identifier: Apache-2.0
"""The NoCloud drive, made by the tools that clouds use: how it is found, what is read of it, and what is damaged."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import pytest

from bootagent import sources
from bootagent.cli import main
from bootagent.errors import SourceError
from bootagent.host import read_host
from bootagent.inputs import INPUTS
from bootagent.media import open_volumes
from bootagent.root import Root
from bootagent.sources import nocloud
from bootagent.state import STATUS
from tests.images import make_fat, make_iso, run, write_tree
from tests.test_unchanged import add_disk, add_nic, end_boot, start

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import MachineDirectory

UUID = "4a1c8f60-3d0b-4b7e-9a52-7d1e0c5b9f31"
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOflAKvYJxaL6s2wOpnswu59XJc0wvUR+A3PErwCb4+j ann"
META = b"instance-id: iid-1\nlocal-hostname: web.example.com\n"
CONFIG = b"""\
version: 2
ethernets:
  lan:
    match: {macaddress: "52:54:00:00:00:0a"}
    addresses: [192.0.2.5/24]
    gateway4: 192.0.2.1
"""
FILES = {"meta-data": META, "network-config": CONFIG, "user-data": b"", "vendor-data": b""}
CONFIG_DRIVE = {"openstack/latest/meta_data.json": b'{"uuid": "other"}'}


def iso(tmp: Path, files: dict[str, bytes], label: str = "cidata") -> bytes:
    """As cloud-localds, virt-install, Proxmox and KubeVirt make it."""
    shutil.rmtree(tmp / "tree", ignore_errors=True)
    return make_iso(tmp, files, "-volid", label, "-joliet", "-rock").read_bytes()


def fat(tmp: Path, files: dict[str, bytes], label: str = "CIDATA") -> bytes:
    shutil.rmtree(tmp / "tree", ignore_errors=True)
    return make_fat(tmp, files, 1440, "-n", label).read_bytes()


def find(machine: MachineDirectory, uuid: str = "") -> tuple[sources.Found | None, list[str]]:
    if uuid:
        machine.write("/sys/class/dmi/id/product_uuid", uuid + "\n")
    root = Root(str(machine))
    host, _ = read_host(root, ("root",), (), find_drives=True)
    search = sources.find(root, host, None)
    return search.found, [f"{problem.severity} {problem}" for problem in search.problems]


def read(tmp: Path, files: dict[str, bytes]) -> tuple[sources.Found, list[str]]:
    """What a directory with these files says."""
    shutil.rmtree(tmp / "tree", ignore_errors=True)
    found = sources.read_drive(str(write_tree(tmp / "tree", files)), "tree")
    return found, [f"{problem.severity} {problem}" for problem in found.instance.problems]


# How it is found


@pytest.mark.parametrize("label", ["cidata", "CIDATA", "CiData"])
def test_an_iso_image_with_the_label_in_any_case(machine: MachineDirectory, tmp_path: Path, label: str) -> None:
    add_disk(machine, "sr0", iso(tmp_path, FILES, label))
    found, problems = find(machine)
    assert found
    assert (found.source, found.place, problems, found.instance.problems) == ("nocloud", "/dev/sr0", [], ())
    assert (found.instance.id, found.instance.hostname) == ("iid-1", "web.example.com")
    assert found.instance.documents == ("meta-data", "network-config")
    assert found.instance.network
    assert str(found.instance.network.links[0].addressing.addresses[0].ip) == "192.0.2.5/24"


@pytest.mark.parametrize("label", ["cidata", "CIDATA"])
def test_a_fat_with_the_label(machine: MachineDirectory, tmp_path: Path, label: str) -> None:
    add_disk(machine, "vdb", fat(tmp_path, FILES, label))
    found, problems = find(machine)
    assert found
    assert (found.source, found.instance.id, problems) == ("nocloud", "iid-1", [])
    assert found.instance.network


def test_a_partition(machine: MachineDirectory, tmp_path: Path) -> None:
    add_disk(machine, "vda2", fat(tmp_path, FILES))
    machine.write("/sys/class/block/vda2/partition", "2\n")
    found, _ = find(machine)
    assert found
    assert (found.source, found.place) == ("nocloud", "/dev/vda2")


@pytest.mark.parametrize("kind", ["directory", "iso", "fat", "iso without a label", "partitioned"])
def test_a_drive_that_is_named_is_told_by_label_or_tree(tmp_path: Path, kind: str) -> None:
    if kind == "directory":
        path = write_tree(tmp_path / "drive", FILES)
    else:
        path = tmp_path / "drive.img"
        if kind == "partitioned":
            image = fat(tmp_path, FILES)
            path.write_bytes(bytes(1 << 20) + image + bytes(1 << 20))
            run("sfdisk", "-q", path, stdin=f"label: dos\nstart=2048, size={len(image) // 512}, type=c\n")
        else:
            make = fat if kind == "fat" else iso
            path.write_bytes(make(tmp_path, FILES, "other" if "without" in kind else "cidata"))
    found = sources.read_drive(str(path), "d")
    assert (found.source, found.instance.id) == ("nocloud", "iid-1")
    assert (found.reach > 0) == (kind != "directory")


def test_a_directory_in_upper_case_and_with_one_document(tmp_path: Path) -> None:
    assert read(tmp_path, {"META-DATA": META})[0].instance.id == "iid-1"
    found, problems = read(tmp_path, {"network-config": CONFIG})
    assert (found.source, found.instance.id, problems) == ("nocloud", None, [])
    assert found.instance.network


def test_a_directory_with_a_config_drives_tree_is_one(tmp_path: Path) -> None:
    assert read(tmp_path, {**CONFIG_DRIVE, **FILES})[0].source == "configdrive"


def test_a_directory_with_neither_tree_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="tree: a drive without"):
        read(tmp_path, {"user-data": b"x"})


# Beside other drives


def test_a_config_drive_is_preferred_and_the_other_reported(machine: MachineDirectory, tmp_path: Path) -> None:
    add_disk(machine, "sr0", iso(tmp_path, FILES))
    add_disk(machine, "vdb", iso(tmp_path, CONFIG_DRIVE, "config-2"))
    found, problems = find(machine)
    assert found
    assert (found.source, found.place, found.reach) == ("configdrive", "/dev/vdb", 0)
    assert problems == ["warning /dev/sr0: a drive of nocloud, not used: /dev/vdb is preferred"]


def test_the_machines_uuid_beats_what_is_preferred(machine: MachineDirectory, tmp_path: Path) -> None:
    add_disk(machine, "vdb", iso(tmp_path, CONFIG_DRIVE, "config-2"))
    add_disk(machine, "sr0", iso(tmp_path, {**FILES, "meta-data": f"instance-id: {UUID.upper()}\n".encode()}))
    found, problems = find(machine, UUID)
    assert found
    assert (found.source, found.place) == ("nocloud", "/dev/sr0")
    why = "/dev/sr0 is preferred: its id is the machine's uuid"
    assert problems == [f"info /dev/vdb: a drive of configdrive, not used: {why}"]


def test_of_two_the_optical_one_and_a_tie_is_reported(machine: MachineDirectory, tmp_path: Path) -> None:
    for name in ("vdb", "vdc", "sr0"):
        add_disk(machine, name, iso(tmp_path, {"meta-data": f"instance-id: {name}\n".encode()}))
    found, problems = find(machine)
    assert found
    assert (found.place, problems) == ("/dev/sr0", [])
    shutil.rmtree(machine.path / "sys/class/block/sr0")
    found, problems = find(machine)
    assert found
    assert found.place == "/dev/vdb"
    assert problems == ["warning /dev/vdb: taken, but /dev/vdc is as likely the instance's drive"]


@pytest.mark.parametrize("broken", ["cidata", "config-2"])
def test_a_drive_that_says_nothing_leaves_the_other(machine: MachineDirectory, tmp_path: Path, broken: str) -> None:
    files = {"cidata": FILES, "config-2": CONFIG_DRIVE}
    for name, label in (("vdb", "cidata"), ("vdc", "config-2")):
        add_disk(machine, name, iso(tmp_path, {"other": b"x"} if label == broken else files[label], label))
    found, problems = find(machine)
    assert found
    assert found.source == ("configdrive" if broken == "cidata" else "nocloud")
    assert [problem.partition(" without")[0] for problem in problems] == [
        f"warning /dev/{'vdb' if broken == 'cidata' else 'vdc'}: a drive"
    ]


def test_two_drives_that_say_nothing_are_two_errors(machine: MachineDirectory, tmp_path: Path) -> None:
    for name, label in (("vdb", "cidata"), ("vdc", "config-2")):
        add_disk(machine, name, iso(tmp_path, {"other": b"x"}, label))
    found, problems = find(machine)
    assert found is None
    assert [problem.partition(" a drive")[0] for problem in problems] == ["error /dev/vdb:", "error /dev/vdc:"]


def test_a_damaged_drive_is_an_error_with_its_name(machine: MachineDirectory, tmp_path: Path) -> None:
    image = iso(tmp_path, {"meta-data": META, "network-config": CONFIG})
    add_disk(machine, "vdb", image[: image.index(CONFIG)])
    found, problems = find(machine)
    said = [*problems, *(f"{p.severity} {p}" for p in found.instance.problems)] if found else problems
    assert said
    assert all(problem.startswith("error /dev/vdb: ") for problem in said)


def test_a_source_that_is_not_asked_is_as_if_it_were_not_there(machine: MachineDirectory, tmp_path: Path) -> None:
    add_disk(machine, "sr0", iso(tmp_path, FILES))
    add_disk(machine, "vdb", iso(tmp_path, CONFIG_DRIVE, "config-2"))
    root = Root(str(machine))
    host, _ = read_host(root, ("root",), (), find_drives=True)
    search = sources.find(root, host, None, ("nocloud",))
    assert search.found
    assert (search.found.source, search.found.place, search.problems) == ("nocloud", "/dev/sr0", ())
    search = sources.find(root, host._replace(drives=host.drives[:1]), None, ("configdrive",))
    assert (search.found, search.awaited, search.problems) == (None, None, ())


# Its documents


def test_user_data_and_vendor_data_are_named_where_they_say_something(tmp_path: Path) -> None:
    files = {**FILES, "user-data": b"#!/bin/sh\nhalt\n", "vendor-data": b"#!/bin/sh\nreboot\n"}
    problems = ["info user-data: not looked at here: see the option user-data", "info vendor-data: not handled"]
    assert read(tmp_path, files)[1] == problems
    assert read(tmp_path, {**files, "vendor-data": b"\n"})[1] == problems[:1]
    assert read(tmp_path, {**files, "user-data": b"#cloud-config-archive\n- type: x\n"})[1] == problems


def test_user_data_that_cannot_be_read_has_not_said_that_there_are_no_keys(tmp_path: Path) -> None:
    found, problems = read(tmp_path, {**FILES, "user-data": b"x" * (3 << 20)})
    assert (found.instance.id, found.instance.ssh_keys) == ("iid-1", None)
    assert found.instance.broken == {"user-data"}
    assert len(problems) == 1
    assert problems[0].startswith("error tree: user-data: ")
    found, problems = read(tmp_path, {**FILES, "user-data": b"#cloud-config\nssh_authorized_keys: [\n"})
    assert (found.instance.id, found.instance.ssh_keys) == ("iid-1", None)
    assert found.instance.broken == {"user-data"}
    assert problems == ["error user-data: line 3: not YAML"]


def test_the_rest_of_a_cloud_config_is_named_and_nothing_of_it_shown(tmp_path: Path) -> None:
    """Keys that are there too are no secret; what could be one never leaves the document."""
    data = b"""#cloud-config
password: geheim1
chpasswd: {expire: false, users: [{name: root, password: geheim2}]}
users:
- default
- name: ann
  passwd: geheim3
  ssh_authorized_keys: [geheim4]
packages: [nginx]
runcmd: []
"key with blanks": x
"""
    found, problems = read(tmp_path, {**FILES, "user-data": data})
    names = "password, chpasswd, packages, ['key with blanks'], users, but for their keys"
    assert problems == [
        "warning user-data: users[1][0]: not an OpenSSH public key",
        f"info user-data: {names}: not handled",
    ]
    assert "geheim" not in str(found.instance)


def test_read_user_data_gives_the_bytes(tmp_path: Path) -> None:
    with open_volumes(str(write_tree(tmp_path / "tree", {**FILES, "user-data": b"#!/bin/sh\n"}))) as volumes:
        assert nocloud.read_user_data(volumes[0]) == b"#!/bin/sh\n"
    with open_volumes(str(write_tree(tmp_path / "none", {"meta-data": META}))) as volumes:
        assert nocloud.read_user_data(volumes[0]) is None


@pytest.mark.parametrize(
    ("meta", "wanted"),
    [
        (b"instance-id: i\nlocal-hostname: a\nhostname: b\n", ("i", "a", ())),
        (b"instance-id: i\nhostname: b\n", ("i", "b", ())),
        (b'{"instance-id": "i", "local-hostname": "a"}', ("i", "a", ())),
        (b"instance-id: 100\n", ("100", None, ())),
        (b"instance-id: 2026-01-31\n", ("2026-01-31", None, ())),
        (b"instance-id: 0012\nuuid: other\n", ("0012", None, ())),
        (f"public-keys: {KEY}\n".encode(), (None, None, (KEY,))),
        (f"public-keys:\n- {KEY}\n".encode(), (None, None, (KEY,))),
        (f"public-keys:\n  ann: {KEY}\n".encode(), (None, None, (KEY,))),
        (f"public-keys:\n  0: {{openssh-key: '{KEY}'}}\n".encode(), (None, None, (KEY,))),
        (json.dumps({"public-keys": {"0": KEY}}).encode(), (None, None, (KEY,))),
        (b"", (None, None, None)),
        (b"# nothing\n", (None, None, None)),
    ],
)
def test_meta_data_in_every_form(tmp_path: Path, meta: bytes, wanted: tuple[object, ...]) -> None:
    found, problems = read(tmp_path, {"meta-data": meta})
    assert problems == []
    assert (found.instance.id, found.instance.hostname, found.instance.ssh_keys) == wanted


def test_the_debian_file_in_meta_data_counts_where_there_is_no_network_config(tmp_path: Path) -> None:
    meta = b"""\
instance-id: i
network-interfaces: |
  auto eth0
  iface eth0 inet static
    address 198.51.100.5/24
    gateway 198.51.100.1
"""
    found, problems = read(tmp_path, {"meta-data": meta})
    assert (problems, found.instance.documents) == ([], ("meta-data",))
    assert found.instance.network
    address = found.instance.network.links[0].addressing.addresses[0]
    assert (str(address.ip), address.origin) == ("198.51.100.5/24", "meta-data: network-interfaces: line 2")
    found, problems = read(tmp_path, {"meta-data": meta, "network-config": CONFIG})
    assert found.instance.network
    assert str(found.instance.network.links[0].addressing.addresses[0].ip) == "192.0.2.5/24"
    found, problems = read(tmp_path, {"meta-data": meta, "network-config": b"a: b: c"})
    assert found.instance.network
    assert found.instance.network.links[0].name == "eth0"
    assert problems == ["error network-config: line 1: not YAML"]
    assert found.instance.broken == {"network-config"}


@pytest.mark.parametrize(
    ("files", "problem"),
    [
        ({"meta-data": b"a: b: c", "network-config": CONFIG}, "error meta-data: line 1: not YAML"),
        ({"meta-data": b"- a\n", "network-config": CONFIG}, "error meta-data: not a mapping"),
        ({"meta-data": META, "network-config": b"a: b: c"}, "error network-config: line 1: not YAML"),
        ({"meta-data": META, "network-config": b"- a\n"}, "error network-config: not a mapping"),
        (
            {"meta-data": META + b"seedfrom: http://192.0.2.1/\n"},
            "warning meta-data: seedfrom: no other place is looked at",
        ),
    ],
)
def test_a_broken_document_leaves_the_other(tmp_path: Path, files: dict[str, bytes], problem: str) -> None:
    found, problems = read(tmp_path, files)
    assert problems == [problem]
    assert (found.instance.id == "iid-1") == (files["meta-data"].startswith(META))
    assert (found.instance.network is not None) == (files.get("network-config") == CONFIG)


# The whole boot


@pytest.mark.parametrize("make", [iso, fat])
def test_a_boot_and_the_next_one_on_which_nothing_changed(
    machine: MachineDirectory, tmp_path: Path, make: object
) -> None:
    """As with a config drive: the record is of the drive's bytes, and another answer on it starts the agent."""
    image = (iso if make is iso else fat)(tmp_path, FILES)
    add_nic(machine, "eth0", "52:54:00:00:00:0a", "0000:00:03.0")
    add_disk(machine, "vdb", image)
    machine.enable("systemd-networkd.service")
    assert main(["apply", "--root", str(machine)]) == 0
    status = json.loads(machine.read(STATUS))
    assert (status["state"], status["source"], status["place"]) == ("ok", "nocloud", "/dev/vdb")
    assert "Address=192.0.2.5/24" in machine.read("/etc/systemd/network/05-bootagent-52540000000a.network")
    assert machine.has(INPUTS)
    end_boot(machine)
    assert start(machine).startswith("bootagent: unchanged")
    end_boot(machine)
    assert image.count(b"192.0.2.5/24") == 1
    machine.write("/dev/vdb", image.replace(b"192.0.2.5/24", b"192.0.2.6/24"))
    assert start(machine) == ""


def test_a_document_by_its_name_and_a_drive_are_validated(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tree = write_tree(tmp_path / "tree", {**FILES, "bad/network-config": CONFIG.replace(b"192.0.2.1\n", b"x\n")})
    assert main(["validate", str(tree)]) == 0
    assert main(["validate", str(tree / "network-config")]) == 0
    for name, content in (("a.yaml", CONFIG), ("b", b'{"version": 2, "ethernets": {"eth0": {"dhcp4": true}}}')):
        (tmp_path / name).write_bytes(content)
        capsys.readouterr()
        assert main(["validate", "--json", str(tmp_path / name)]) == 0
        assert json.loads(capsys.readouterr().out)["documents"] == ["network-config"]
    assert main(["validate", str(tree / "bad/network-config")]) == 1
    assert "network-config: ethernets.lan.gateway4: gateway 'x' is not an IP address" in capsys.readouterr().err
