# SPDX-License-Identifier: Apache-2.0
"""The config drive: which one of several, which version of each document, and drives that are damaged."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest

from bootagent import sources
from bootagent.errors import SourceError
from bootagent.host import read_host
from bootagent.root import Root
from tests.images import make_iso_of

if TYPE_CHECKING:
    from pathlib import Path

    from bootagent.model.instance import Instance
    from tests.conftest import MachineDirectory

UUID = "4a1c8f60-3d0b-4b7e-9a52-7d1e0c5b9f31"
SWAPPED = "608f1c4a-0b3d-7e4b-9a52-7d1e0c5b9f31"  # the first three fields byte by byte the other way, SMBIOS 7.2.1
NIC: dict[str, object] = {
    "links": [{"id": "a", "type": "phy", "ethernet_mac_address": "52:54:00:00:00:01"}],
    "networks": [],
    "services": [],
}


def write_tree(path: Path, **versions: dict[str, object]) -> Path:
    """A drive's tree: ``latest={"meta_data.json": {...}}``; a dated version is ``v2015_10_15``."""
    for version, documents in versions.items():
        directory = path / "openstack" / version.removeprefix("v").replace("_", "-")
        directory.mkdir(parents=True)
        for name, document in documents.items():
            text = document if isinstance(document, str) else json.dumps(document)
            (directory / name).write_text(text)
    return path


def meta(identity: str, name: str = "web") -> dict[str, object]:
    return {"meta_data.json": {"uuid": identity, "hostname": name}}


def attach(
    machine: MachineDirectory, tmp_path: Path, name: str, tree: dict[str, object], label: str = "config-2"
) -> None:
    """A block device with an ISO image on it, as sysfs and /dev show it."""
    directory = write_tree(tmp_path / f"tree-{name}", latest=tree)
    image = make_iso_of(directory, tmp_path / f"{name}.iso", "-J", "-R", "-V", label)
    machine.write(f"/dev/{name}", image.read_bytes())
    machine.write(f"/sys/class/block/{name}/size", "800\n")
    if name[-1].isdigit() and not name.startswith("sr"):
        machine.write(f"/sys/class/block/{name}/partition", "1\n")


def find(machine: MachineDirectory, uuid: str = "") -> tuple[sources.Found | None, list[str]]:
    if uuid:
        machine.write("/sys/class/dmi/id/product_uuid", uuid + "\n")
    root = Root(str(machine))
    host, _ = read_host(root, ("root",), (), find_drives=True)
    search = sources.find(root, host, None)
    return search.found, [f"{problem.severity} {problem}" for problem in search.problems]


def read(tree: Path) -> Instance:
    found = sources.read_drive(str(tree), tree.name)
    assert (found.source, found.reach) == ("configdrive", 0)
    return found.instance


def test_a_machine_without_a_drive_has_no_source_and_no_problem(machine: MachineDirectory) -> None:
    machine.write("/sys/class/block/vda/size", "800\n")
    machine.write("/dev/vda", os.urandom(65536))
    assert find(machine) == (None, [])


def test_the_label_decides_in_any_case(machine: MachineDirectory, tmp_path: Path) -> None:
    attach(machine, tmp_path, "vdb", meta("other"), label="other")
    attach(machine, tmp_path, "vdc", meta("mine"), label="CONFIG-2")
    found, problems = find(machine)
    assert found
    assert (found.place, found.instance.id, problems) == ("/dev/vdc", "mine", [])


@pytest.mark.parametrize("uuid", [UUID, UUID.upper(), SWAPPED])
def test_the_machines_own_uuid_beats_every_rank(machine: MachineDirectory, tmp_path: Path, uuid: str) -> None:
    attach(machine, tmp_path, "sr0", meta("previous"))
    attach(machine, tmp_path, "vda2", meta(UUID))
    found, problems = find(machine, uuid)
    assert found
    assert (found.place, problems) == ("/dev/vda2", [])


def test_an_attached_drive_beats_a_partition_of_the_disk(machine: MachineDirectory, tmp_path: Path) -> None:
    for name in ("vda2", "vdb", "sr0"):
        attach(machine, tmp_path, name, meta(name))
    found, problems = find(machine, "11111111-2222-3333-4444-555555555555")
    assert found
    assert (found.place, problems) == ("/dev/sr0", [])


def test_a_tie_is_reported_and_both_are_named(machine: MachineDirectory, tmp_path: Path) -> None:
    attach(machine, tmp_path, "vdb", meta("b"))
    attach(machine, tmp_path, "vdc", meta("c"))
    found, problems = find(machine)
    assert found
    assert found.place == "/dev/vdb"
    assert problems == ["warning /dev/vdb: taken, but /dev/vdc is as likely the instance's drive"]


def test_two_drives_that_say_the_same_are_no_tie(machine: MachineDirectory, tmp_path: Path) -> None:
    attach(machine, tmp_path, "vdb", meta("same"))
    attach(machine, tmp_path, "vdc", meta("same"))
    assert find(machine)[1] == []


def test_a_drive_without_documents_is_passed_over_and_reported(machine: MachineDirectory, tmp_path: Path) -> None:
    attach(machine, tmp_path, "sr0", {"other.json": {}})
    attach(machine, tmp_path, "vdb", meta("b"))
    found, problems = find(machine)
    assert found
    assert found.place == "/dev/vdb"
    assert len(problems) == 1
    assert problems[0].startswith("warning /dev/sr0: ")


def test_a_damaged_only_drive_is_an_error_with_its_name(machine: MachineDirectory, tmp_path: Path) -> None:
    attach(machine, tmp_path, "vdb", meta("b"))
    image = machine.path / "dev/vdb"
    image.write_bytes(image.read_bytes()[: 24 * 2048])
    found, problems = find(machine)
    places = (
        [*problems, *(f"{problem.severity} {problem}" for problem in found.instance.problems)] if found else problems
    )
    assert [place.startswith("error /dev/vdb: ") for place in places] == [True]


@pytest.mark.parametrize("document", ["meta_data.json", "network_data.json"])
def test_one_document_is_a_good_drive(tmp_path: Path, document: str) -> None:
    content: dict[str, object] = {"uuid": "i"} if document == "meta_data.json" else NIC
    instance = read(write_tree(tmp_path / "t", latest={document: content}))
    assert instance.problems == ()
    assert (instance.id is not None) == (document == "meta_data.json")
    assert (instance.network is not None) == (document == "network_data.json")


def test_each_document_comes_from_latest_or_else_the_newest_date(tmp_path: Path) -> None:
    tree = write_tree(
        tmp_path / "t",
        latest={"vendor_data.json": {}},
        v2012_08_10=meta("oldest"),
        v2031_01_01=meta("newest"),
        v2018_08_27=meta("middle"),
    )
    assert read(tree).id == "newest"
    write_tree(tmp_path / "u", latest=meta("latest"), v2031_01_01=meta("newest"))
    assert read(tmp_path / "u").id == "latest"


def test_a_directory_without_a_drives_tree_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(SourceError, match="a drive without"):
        read(tmp_path / "empty")


def test_the_debian_file_that_metadata_names_is_read_and_its_absence_harmless(tmp_path: Path) -> None:
    document = {"uuid": "i", "network_config": {"name": "network_config", "content_path": "/content/0000"}}
    tree = write_tree(tmp_path / "t", latest={"meta_data.json": document})
    write_tree(tmp_path / "u", latest={"meta_data.json": document, "network_data.json": NIC})
    assert read(tmp_path / "u").problems == ()
    assert [problem.severity for problem in read(tree).problems] == ["warning"]
    (tree / "openstack/content").mkdir()
    (tree / "openstack/content/0000").write_text("auto eth0\niface eth0 inet static\n  address 192.0.2.5/24\n")
    network = read(tree).network
    assert network
    assert str(network.links[0].addressing.addresses[0].ip) == "192.0.2.5/24"
