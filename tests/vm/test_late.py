# SPDX-License-Identifier: Apache-2.0
"""A NIC that is plugged in while the agent waits for it: with ifupdown, which finds devices by their names.

The agent hears of it in a network namespace of its own, and sees it in the host's ``/sys``: so must each agent of a
systemd that gives such a unit another ``/sys`` (254 and later), and of one that does not.
"""

from __future__ import annotations

import contextlib
import pathlib
import tempfile
import time
from typing import Any, NamedTuple

import pytest

from . import base, images
from .conftest import require_tools
from .machine import Drive, GuestError, Hardware, Machine
from .monitor import Monitor
from .network import Network
from .test_hotplug import ADDRESS, FIRST, SECOND, SLOT, UUID, Guest, say

STARTING = "vmtest: the agent starts"
VIEW = "/run/vmtest-view"
# In the agent's sandbox, before the agent; and when udev is through with what is there, because an emulated machine may
# take longer to have a udev than the agent waits.
DROP_IN = f"""[Unit]
Wants=systemd-udev-settle.service
After=systemd-udev-settle.service
[Service]
ExecStartPre=/bin/sh -c 'exec >{VIEW}; readlink /proc/self/ns/net; cat /sys/class/net/*/address; \
test -w /sys/class/net/lo/mtu && echo writable || echo read-only'
ExecStartPre=/bin/echo {STARTING}
"""


class Life(NamedTuple):
    """What came of the machine."""

    view: list[str]  # the agent's: its network namespace, the addresses in /sys, and whether that can be written to
    namespace: str  # the host's
    status: dict[str, Any]
    ours: str  # our files about the network, with their texts


@pytest.fixture(scope="module", params=base.SUITES)
def life(request: pytest.FixtureRequest) -> Life:
    require_tools()
    with tempfile.TemporaryDirectory(prefix=f"bootagent-{request.param}-late.") as name:
        return live(request.param, pathlib.Path(name))


def live(suite: str, directory: pathlib.Path) -> Life:
    disk = images.make_disk(suite, "ifupdown", directory, install)
    drive = directory / "config.img"
    say(drive, FIRST, SECOND)
    hardware = Hardware(disk, UUID, (FIRST,), Drive(drive, "virtio"))
    with contextlib.ExitStack() as stack:
        network = stack.enter_context(Network(f"bootagent-{suite}-late", directory))
        machine = stack.enter_context(Machine(hardware, network.namespace, directory))
        guest = Guest(machine, network, directory)
        monitor = Monitor(machine.monitor_path)
        stack.callback(monitor.close)
        wait_for_console(machine, STARTING)
        monitor.attach_nic("second", SECOND, SLOT)
        machine.wait_booted()
        guest.wait_answers(ADDRESS[FIRST])
        stage = guest.look(guest.wait_answers(ADDRESS[SECOND]))
        view = machine.shell(f"cat {VIEW}").split()
        namespace = machine.shell("readlink /proc/1/ns/net").strip()
    return Life(view, namespace, stage.status, stage.ours)


def install(tree: pathlib.Path) -> None:
    images.install_agent(tree)
    directory = tree / "etc/systemd/system/bootagent.service.d"
    directory.mkdir()
    (directory / "view.conf").write_text(DROP_IN, encoding="ascii")


def wait_for_console(machine: Machine, text: str, deadline: float = 200) -> None:
    """Until the machine says it: its shell may come when the agent's wait is over."""
    while text not in machine.console.read_text(encoding="utf-8", errors="replace"):
        if time.monotonic() - machine.started > deadline:
            message = f"no {text!r}; console ends: {machine.console_tail()}"
            raise GuestError(message)
        time.sleep(0.1)


def test_there_is_no_network_but_the_hosts_devices_to_be_seen(life: Life) -> None:
    namespace, *addresses, mode = life.view
    assert namespace.startswith("net:[")
    assert namespace != life.namespace
    assert FIRST.mac in addresses
    assert mode == "read-only"


def test_the_nic_that_came_is_configured(life: Life) -> None:
    print(f"waited {life.status['seconds']['wait']:.1f} s")
    assert life.status["state"] == "ok", life.status["problems"]
    assert life.status["stage"] == "root"
    assert life.status["seconds"]["wait"] > 0
    assert {ADDRESS[FIRST], ADDRESS[SECOND]} <= set(life.ours.replace("/", " ").split())
