# SPDX-License-Identifier: Apache-2.0
"""A NoCloud drive, in YAML and without DHCP, makes a machine that lets its owner in."""

from __future__ import annotations

import json
import pathlib
import shutil
import tempfile
from typing import TYPE_CHECKING

import pytest

from . import drives, images, snapshot
from . import network as outside
from .conftest import require_tools
from .machine import Drive, Hardware, Machine

if TYPE_CHECKING:
    from collections.abc import Iterator

SUITE, IMAGE = "trixie", "networkd"
(NIC,) = (nic for nic in outside.NICS if nic.tap == "multi")
UUID = "5e1d0c6a-90b1-4c55-8a0f-0000000c1da7"
# What cloud-init's documentation of NoCloud and of version 2 has an image's owner write.
META_DATA = """\
instance-id: iid-local01
local-hostname: seeded
public-keys:
  - {key}"""
NETWORK_CONFIG = f"""\
version: 2
ethernets:
  id0:
    match:
      macaddress: '{NIC.mac.upper()}'
    addresses: [10.30.0.44/24, '2001:db8:30::44/64']
    nameservers:
      addresses: [{outside.WORLD_V4}]
      search: [bootagent.test]
    routes:
      - to: 0.0.0.0/0
        via: 10.30.0.1
"""
QUESTIONS = {
    "hostname": "cat /proc/sys/kernel/hostname",
    "links": "ip -j addr",
    "routes": "ip -j -4 route show default",
    "lookup": f"getent ahostsv4 {outside.LOOKUP_NAME.partition('.')[0]}",
    "status": "bootagent status --json",
    "state": "systemctl is-system-running",
}


@pytest.fixture(scope="module")
def said() -> Iterator[dict[str, str]]:
    """What the machine says of itself after its first boot, and "login": who its owner is to it."""
    require_tools()
    directory = pathlib.Path(tempfile.mkdtemp(prefix="bootagent-nocloud."))
    key = drives.make_key(directory / "key")
    tree = directory / "seed"
    tree.mkdir()
    meta_data = META_DATA.format(key=key.with_suffix(".pub").read_text(encoding="utf-8"))
    (tree / "meta-data").write_text(meta_data, encoding="utf-8")
    (tree / "network-config").write_text(NETWORK_CONFIG, encoding="utf-8")
    (tree / "user-data").write_text("", encoding="utf-8")
    disk = images.make_disk(SUITE, IMAGE, directory, images.install_agent)
    hardware = Hardware(disk, UUID, (NIC,), Drive(drives.burn(tree, "cidata"), "cdrom"))
    with (
        outside.Network("bootagent-nocloud", directory) as network,
        Machine(hardware, network.namespace, directory) as machine,
    ):
        machine.wait_booted()
        answers = snapshot.ask(machine, QUESTIONS)
        login = snapshot.run_ssh(network, key, "10.30.0.44", "id -un", 120)
    yield {**answers, "login": login.stdout.strip() or login.stderr}
    shutil.rmtree(directory)


def test_its_owner_is_let_in_by_the_name_that_the_drive_gives_it(said: dict[str, str]) -> None:
    assert said["login"] == "root"
    assert said["hostname"].strip() == "seeded"


def test_the_network_is_the_drives(said: dict[str, str]) -> None:
    assert snapshot.global_addresses(said["links"]) == {"10.30.0.44/24", "2001:db8:30::44/64"}
    assert [route["gateway"] for route in json.loads(said["routes"])] == ["10.30.0.1"]
    assert outside.LOOKUP_V4 in said["lookup"]


def test_the_agent_says_where_it_is_from(said: dict[str, str]) -> None:
    status = json.loads(said["status"])
    assert (status["state"], status["source"], status["instance"]["id"]) == ("ok", "nocloud", "iid-local01")
    assert said["state"].strip() == "running"
