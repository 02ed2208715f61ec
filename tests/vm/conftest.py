# SPDX-License-Identifier: Apache-2.0
"""Fixtures of the VM tests: each image's machine is booted once or more often, and each boot is looked at once.

``python3 -m pytest tests/vm`` runs them, as root. A tool that is missing ends the run with one line that names it.
With ``-n N`` so many machines run side by side.
"""

from __future__ import annotations

import os
import pathlib
import shutil
import sys
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

import pytest
from xdist.scheduler import LoadScopeScheduling

from . import base
from . import images as disks
from .journey import Boot, Journey

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from xdist.remote import Producer

STAGES = ("first", "again", "rebooted", "other")
# A whole life for one image; another instance on the same disk where devices go by name; elsewhere the first boot tells
# all.
LIVES = {("bookworm", "networkd"): STAGES, ("trixie", "ifupdown"): ("first", "other")}
# Sealed as for cloning: what presets would make of ifupdown's network, and who makes the host keys, differs by suite.
SEALED = (("bookworm", "ifupdown"), ("bookworm", "networkd"), ("trixie", "ifupdown"))
# What most images have is booted on both suites, the rest on one.
RARE = {
    "networkmanager": "trixie",  # netplan's image has bookworm's
    "netplan-networkd": "trixie",
    "netplan-networkmanager": "bookworm",
    "ifupdown2": "bookworm",
    "ifupdown-ng": "trixie",
}
# The suites take turns, so that two trees that are made side by side do not wait for one another.
IMAGES = [(suite, image) for image in base.IMAGES for suite in base.SUITES if RARE.get(image, suite) == suite]

STAGE_FOLLOWS = "@"  # in the id of a visit

# Each program and the Debian package that holds it.
TOOLS = {
    "qemu-system-x86_64": "qemu-system-x86",
    "debootstrap": "debootstrap",
    "genisoimage": "genisoimage",
    "dnsmasq": "dnsmasq-base",
    "radvd": "radvd",
    "mke2fs": "e2fsprogs",
    "ip": "iproute2",
    "sysctl": "procps",
    "ssh": "openssh-client",
    "ssh-keygen": "openssh-client",
    "systemctl": "systemd",
}


class Visit(NamedTuple):
    """What a test is about: an image, and one of its boots."""

    suite: str
    image: str
    stage: str


def missing_tools(more: Mapping[str, str] = MappingProxyType({})) -> list[str]:
    """What this machine lacks of these and of ``more``, each with where to get it."""
    wanted = TOOLS | dict(more)
    missing = [f"{tool} (Debian package {package})" for tool, package in wanted.items() if shutil.which(tool) is None]
    if os.geteuid():
        missing.append("root (namespaces, taps and debootstrap need it)")
    if not pathlib.Path("/dev/net/tun").exists():
        missing.append("/dev/net/tun (kernel module tun)")
    return missing


def require_tools(more: Mapping[str, str] = MappingProxyType({})) -> None:
    """End the run if one of these is missing."""
    if missing := missing_tools(more):
        pytest.exit(f"the VM tests lack: {', '.join(missing)}", returncode=1)


class ByMachine(LoadScopeScheduling):  # type: ignore[misc]
    """Tests about the boots of one image are for one process, whatever module they are in; others module by module.

    What a module's machines are made of stands in brackets: each machine has its own turn.
    """

    def _split_scope(self, nodeid: str) -> str:
        module, _, test = nodeid.partition("::")
        machine = test.partition("[")[2]
        image, is_visit, _ = machine.partition(STAGE_FOLLOWS)
        return image if is_visit else module + machine


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> ByMachine:
    """Not xdist's ``loadgroup``: 3.8 changes ids that pytest 9.2 no longer looks at."""
    return ByMachine(config, log)


@pytest.fixture(scope="session")
def journeys() -> Iterator[dict[tuple[str, str], Journey]]:
    """The journeys so far; one that ended is not made again."""
    found: dict[tuple[str, str], Journey] = {}
    yield found
    for one in found.values():
        one.remove()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test is about each boot of each image, or about those that its marks ``boots`` and ``sealed`` name."""
    if "visit" in metafunc.fixturenames:
        mark = metafunc.definition.get_closest_marker("boots")
        wanted = mark.args if mark else STAGES
        images = [image for image in IMAGES if image in SEALED or not metafunc.definition.get_closest_marker("sealed")]
        visits = [Visit(*image, stage) for image in images for stage in LIVES.get(image, STAGES[:1]) if stage in wanted]
        metafunc.parametrize(
            "visit",
            visits,
            ids=[f"{suite}-{image}{STAGE_FOLLOWS}{stage}" for suite, image, stage in visits],
            scope="module",
        )


@pytest.fixture(scope="module")
def journey(visit: Visit, journeys: dict[tuple[str, str], Journey]) -> Journey:
    """The machine, with the agent in it, after all its boots."""
    image = visit[:2]
    if image not in journeys:
        require_tools()
        install = disks.install_and_seal if image in SEALED else disks.install_agent
        journeys[image] = Journey(*image, LIVES.get(image, STAGES[:1]), install)
        journeys[image].travel()
    return journeys[image]


@pytest.fixture(scope="module")
def boot(visit: Visit, journey: Journey) -> Boot:
    """The boot; its evidence goes to the test's output."""
    result = journey.boot(visit.stage)
    sys.stdout.write(result.evidence)
    return result
