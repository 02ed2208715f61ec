# SPDX-License-Identifier: Apache-2.0
"""A machine of LXD's: all that it is told comes by a socket in the guest, which the second half of the boot asks.

There is no DHCP.  What answers is a shell script behind a socket of systemd's, which each question has to itself.
"""

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
from .machine import Hardware, Machine

if TYPE_CHECKING:
    from collections.abc import Iterator

SUITE, IMAGE = "bookworm", "networkd"
(NIC,) = (nic for nic in outside.NICS if nic.tap == "multi")
UUID = "5e1d0c6a-90b1-4c55-8a0f-0000000001dd"
ANSWERS = "etc/vmtest-lxd"
ANSWER = f"""#!/bin/sh
read -r _ path _
file=/{ANSWERS}/$(echo "$path" | tr / _)
if [ -e "$file" ]; then
    printf 'HTTP/1.1 200 OK\\r\\nContent-Length: %s\\r\\n\\r\\n' "$(stat -c %s "$file")"
    cat "$file"
else
    printf 'HTTP/1.1 404 Not Found\\r\\nContent-Length: 0\\r\\n\\r\\n'
fi
"""
# As in a container, where it is there before anything starts.
SOCKET = """[Unit]
DefaultDependencies=no
Before=bootagent.service
[Socket]
ListenStream=/dev/lxd/sock
Accept=yes
"""
SERVICE = f"""[Unit]
DefaultDependencies=no
[Service]
StandardInput=socket
ExecStart=/bin/sh /{ANSWERS}/answer
"""
META_DATA = "instance-id: 0c1d2e3f\nlocal-hostname: boxed\npublic-keys: {key}\n"
NETWORK_CONFIG = f"""\
version: 2
ethernets:
  first:
    match: {{macaddress: '{NIC.mac}'}}
    addresses: [10.30.0.44/24]
    routes: [{{to: default, via: 10.30.0.1}}]
"""
QUESTIONS = {
    "hostname": "cat /proc/sys/kernel/hostname",
    "links": "ip -j -4 addr",
    "routes": "ip -j -4 route show default",
    "status": "bootagent status --json",
    "state": "systemctl is-system-running",
    "agent": "journalctl -b -o cat -u bootagent.service -u bootagent-online.service",
}


@pytest.fixture(scope="module")
def said() -> Iterator[dict[str, str]]:
    """What the machine says of itself after its first boot, and "login": who its owner is to it."""
    require_tools()
    directory = pathlib.Path(tempfile.mkdtemp(prefix="bootagent-lxd."))
    key = drives.make_key(directory / "key")
    answers = {
        "/1.0/meta-data": META_DATA.format(key=key.with_suffix(".pub").read_text(encoding="utf-8").strip()),
        "/1.0/config": json.dumps(["/1.0/config/user.network-config"]),
        "/1.0/config/user.network-config": NETWORK_CONFIG,
    }

    def install(tree: pathlib.Path) -> None:
        images.install_agent(tree)
        (tree / ANSWERS).mkdir()
        (tree / ANSWERS / "answer").write_text(ANSWER, encoding="ascii")
        for path, text in answers.items():
            (tree / ANSWERS / path.replace("/", "_")).write_text(text, encoding="utf-8")
        units = tree / "etc/systemd/system"
        (units / "vmtest-lxd.socket").write_text(SOCKET, encoding="ascii")
        (units / "vmtest-lxd@.service").write_text(SERVICE, encoding="ascii")
        (units / "sysinit.target.wants").mkdir(exist_ok=True)
        (units / "sysinit.target.wants/vmtest-lxd.socket").symlink_to("/etc/systemd/system/vmtest-lxd.socket")

    disk = images.make_disk(SUITE, IMAGE, directory, install)
    with (
        outside.Network("bootagent-lxd", directory) as network,
        Machine(Hardware(disk, UUID, (NIC,), None), network.namespace, directory) as machine,
    ):
        machine.wait_booted()
        told = snapshot.ask(machine, QUESTIONS)
        login = snapshot.run_ssh(network, key, "10.30.0.44", "id -un", 120)
    yield {**told, "login": login.stdout.strip() or login.stderr}
    shutil.rmtree(directory)


def test_its_owner_is_let_in_at_the_address_that_its_host_gave(said: dict[str, str]) -> None:
    assert said["login"] == "root", said["agent"]
    assert said["hostname"].strip() == "boxed"


def test_the_network_is_its_hosts(said: dict[str, str]) -> None:
    assert snapshot.global_addresses(said["links"]) == {"10.30.0.44/24"}
    assert [route["gateway"] for route in json.loads(said["routes"])] == ["10.30.0.1"]


def test_the_second_half_of_the_boot_has_asked(said: dict[str, str]) -> None:
    status = json.loads(said["status"])
    assert (status["state"], status["source"], status["stage"]) == ("ok", "lxd", "online"), said["agent"]
    assert status["why"]["taken"] == "the socket /dev/lxd/sock"
    assert said["state"].strip() == "running"
