# SPDX-License-Identifier: Apache-2.0
"""The drives of smaller clouds: how each is found, what is read of it, and that it is damaged alone.

What all sources on drives have in common is tested with the config drive and NoCloud.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootagent import media, sources
from bootagent.cli import main
from bootagent.errors import MediaError, SourceError
from bootagent.formats import rbxcloud as grammar
from bootagent.host import Host, read_host
from bootagent.planners.network import bind
from bootagent.root import Root
from bootagent.sources import opennebula, rbxcloud
from tests.images import make_fat, make_iso, write_tree
from tests.netconfig import facts
from tests.test_unchanged import add_disk

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

    from bootagent.model.instance import Instance
    from tests.conftest import MachineDirectory

CONTEXT = {"context.sh": b"VMID='7'\nETH0_MAC='02:00:00:00:00:01'\nETH0_IP='192.0.2.5'\nETH0_MASK='24'\n"}
MAC = "00:15:5d:00:00:01"
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOflAKvYJxaL6s2wOpnswu59XJc0wvUR+A3PErwCb4+j ann"
PUBLIC = {"netmask": "255.255.255.0", "gateway": "192.0.2.1", "dns": {"nameservers": ["192.0.2.53"]}, "routing": []}
ADAPTER = {"macaddress": MAC.upper(), "ip": [{"address": "192.0.2.5"}], "network": PUBLIC}
CLOUD: dict[str, Any] = {
    "vm": {"_id": "5c0ffee", "name": "web"},
    "additionalMetadata": {"sshKeys": [KEY]},
    "netadp": [ADAPTER],
}


def cloud_json(data: object) -> dict[str, bytes]:
    return {"cloud.json": json.dumps(data).encode()}


def find(machine: MachineDirectory) -> sources.Found | None:
    root = Root(str(machine))
    host, _ = read_host(root, ("root",), (), find_drives=True)
    search = sources.find(root, host, None)
    assert search.problems == ()
    return search.found


def read(tmp: Path, files: dict[str, bytes]) -> sources.Found:
    return sources.read_drive(str(write_tree(tmp / "tree", files)), "tree")


@pytest.mark.parametrize("label", ["CONTEXT", "context"])
def test_opennebula_by_its_label(machine: MachineDirectory, tmp_path: Path, label: str) -> None:
    """As OpenNebula makes it: tm_common's mkisofs -V CONTEXT -J -R."""
    add_disk(machine, "sr0", make_iso(tmp_path, CONTEXT, "-V", label, "-J", "-R").read_bytes())
    found = find(machine)
    assert found
    assert (found.source, found.place, found.instance.id, found.reach > 0) == ("opennebula", "/dev/sr0", "7", True)


def test_rbxcloud_by_its_label(machine: MachineDirectory, tmp_path: Path) -> None:
    add_disk(machine, "sdb", make_fat(tmp_path, cloud_json(CLOUD), 1440, "-n", "CLOUDMD").read_bytes())
    found = find(machine)
    assert found
    assert (found.source, found.place, found.instance.id) == ("rbxcloud", "/dev/sdb", "5c0ffee")


@pytest.mark.parametrize(
    ("files", "wanted"),
    [(CONTEXT, "opennebula"), (cloud_json(CLOUD), "rbxcloud"), ({"CONTEXT.SH": b"VMID='7'\n"}, "opennebula")],
)
def test_a_directory_by_its_document(tmp_path: Path, files: dict[str, bytes], wanted: str) -> None:
    assert read(tmp_path, files).source == wanted


@pytest.mark.parametrize(("label", "name"), [("CONTEXT", "opennebula"), ("CLOUDMD", "rbxcloud")])
def test_a_drive_with_the_label_and_without_the_document_is_an_error(tmp_path: Path, label: str, name: str) -> None:
    image = make_iso(tmp_path, {"other": b"x"}, "-V", label)
    wrong = pytest.raises(SourceError, match=r"^drive: a drive without (context\.sh|cloud\.json)$")
    with media.open_volumes(str(image), "drive") as volumes, wrong:
        sources.load(name).read(volumes[0])


def test_what_is_to_be_run_is_read_only_when_it_is_asked_for(tmp_path: Path) -> None:
    script = b"#!/bin/sh\nid\n"
    write_tree(tmp_path / "one", {"context.sh": b"USER_DATA='" + script + b"'\n"})
    write_tree(tmp_path / "rbx", {**cloud_json(CLOUD), "user.data": script})
    with media.open_volumes(str(tmp_path / "one")) as volumes:
        assert opennebula.read_user_data(volumes[0]) == script
    with media.open_volumes(str(tmp_path / "rbx")) as volumes:
        assert rbxcloud.read_user_data(volumes[0]) == script
        note = ["user.data: not looked at here: see the option user-data"]
        assert [str(problem) for problem in rbxcloud.read(volumes[0]).problems] == note
    (tmp_path / "rbx/user.data").write_bytes(b"x" * (2 << 20))
    with media.open_volumes(str(tmp_path / "rbx")) as volumes:
        assert [str(problem) for problem in rbxcloud.read(volumes[0]).problems] == note
        with pytest.raises(MediaError):
            rbxcloud.read_user_data(volumes[0])


@pytest.mark.parametrize("files", [CONTEXT, cloud_json(CLOUD)], ids=["opennebula", "rbxcloud"])
def test_a_document_by_its_name_and_a_drive_are_validated(tmp_path: Path, files: dict[str, bytes]) -> None:
    tree = write_tree(tmp_path / "tree", files)
    assert main(["validate", str(tree)]) == 0
    for path in tree.iterdir():
        assert main(["validate", str(path)]) == 0
        path.write_bytes(path.read_bytes().replace(b"192.0.2.5", b"192.0.2.x"))
        assert main(["validate", str(path)]) == 1


# cloud.json


def parse(data: object) -> tuple[Instance, list[str]]:
    instance = grammar.parse_documents(cloud_json(data))
    return instance, [f"{p.severity} {p.where.removeprefix('cloud.json: ')}" for p in instance.problems]


def test_a_machine_of_rbxcloud() -> None:
    instance, problems = parse(CLOUD)
    assert (instance.id, instance.hostname, instance.ssh_keys, problems) == ("5c0ffee", "web", (KEY,), [])
    assert instance.network
    assert [facts(link) for link in instance.network.links] == [
        {"mac": MAC, "addresses": ["192.0.2.5/24"], "routes": ["0.0.0.0/0 via 192.0.2.1"], "dns": ["192.0.2.53"]}
    ]


@pytest.mark.parametrize(
    ("change", "problems"),
    [
        ({"macaddress": "x"}, ["error netadp[1].macaddress"]),
        ({"macaddress": None}, ["error netadp[1]"]),
        ({}, ["error netadp[1].macaddress"]),
    ],
)
def test_an_adapter_that_cannot_be_found_leaves_the_others(change: dict[str, object], problems: list[str]) -> None:
    instance, found = parse({**CLOUD, "netadp": [ADAPTER, {**ADAPTER, **change}, 7]})
    assert instance.network
    assert [link.mac for link in instance.network.links] == [MAC]
    assert found == [*problems, "error netadp[2]"]


@pytest.mark.parametrize(
    ("change", "problems"),
    [
        ({"ip": [{"address": "x"}]}, ["error netadp[0].ip[0].address"]),
        ({"ip": []}, []),
        ({"ip": 7}, ["error netadp[0].ip"]),
        ({"ip": [7]}, ["error netadp[0].ip[0]"]),
        ({"network": {**PUBLIC, "netmask": "x"}}, ["error netadp[0].ip[0].address"]),
    ],
)
def test_without_an_address_there_is_no_gateway(change: dict[str, object], problems: list[str]) -> None:
    instance, found = parse({**CLOUD, "netadp": [{**ADAPTER, **change}]})
    assert instance.network
    assert facts(instance.network.links[0]) == {"mac": MAC, "dns": ["192.0.2.53"]}
    assert found == problems


@pytest.mark.parametrize(
    ("data", "broken", "problems"),
    [
        (b"{", True, ["error cloud.json: line 1 column 2"]),
        (b"[]", True, ["error cloud.json"]),
        (b"<html>", True, ["error cloud.json: line 1 column 1"]),
        (b"{}", False, []),
        (b'{"vm": 7, "additionalMetadata": [], "netadp": {}}', False, ["vm", "additionalMetadata", "netadp"]),
    ],
)
def test_a_document_of_another_shape(data: bytes, broken: bool, problems: list[str]) -> None:
    instance = grammar.parse_documents({"cloud.json": data})
    assert bool(instance.broken) == broken
    where = [f"{problem.severity} {problem.where}" for problem in instance.problems]
    assert where == [text if "json" in text else f"error cloud.json: {text}" for text in problems]


def test_the_password_is_never_shown() -> None:
    more = {"password": {"sha512": "secret"}, "username": "guru", "sshKeys": ["secret"]}
    instance, problems = parse({**CLOUD, "additionalMetadata": more})
    assert problems == ["warning additionalMetadata.sshKeys[0]", "info additionalMetadata.username"]
    assert "secret" not in str(instance)


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.sampled_from([MAC, "192.0.2.5", "255.0.0.0"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["macaddress", "ip", "address", "network", "netmask", "gateway", "dns"]), inner
        )
    ),
    max_leaves=20,
)


@given(st.dictionaries(st.sampled_from(["vm", "additionalMetadata", "netadp"]), values | st.lists(values, max_size=3)))
def test_any_value_gives_an_instance_that_can_be_bound(data: object) -> None:
    instance, _ = parse(data)
    assert all(problem.where.isprintable() and problem.message.isprintable() for problem in instance.problems)
    if instance.network:
        bind(instance.network, Host(), "dhcp")


@given(st.binary(max_size=200))
def test_any_bytes_give_an_instance(data: bytes) -> None:
    assert grammar.parse_documents({"cloud.json": data}).broken <= {"cloud.json"}
