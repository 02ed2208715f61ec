# SPDX-License-Identifier: Apache-2.0
"""Fixtures of the VM tests: each image's machine is booted once or four times, and each boot is looked at once.

``python3 -m pytest tests/vm`` runs them, as root. A tool that is missing ends the run with one line that names it.
``BOOTAGENT_VM_JOBS`` says how many machines run side by side, one for each processor if it does not.
"""

from __future__ import annotations

import concurrent.futures
import os
import pathlib
import shutil
import sys
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

import pytest

from . import base
from . import images as disks
from .journey import Boot, Journey

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

# A life of four boots for one image of each kind of backend, by MAC and by name; elsewhere the first boot tells all.
WHOLE_LIFE = {("bookworm", "networkd"), ("trixie", "ifupdown")}
# Sealed as for cloning: what presets would make of ifupdown's network, and who makes the host keys, differs by suite.
SEALED = (("bookworm", "ifupdown"), ("bookworm", "networkd"), ("trixie", "ifupdown"))
STAGES = ("first", "again", "rebooted", "other")
# The suites take turns, so that two trees that are made side by side do not wait for one another.
IMAGES = [(suite, image) for image in base.IMAGES for suite in base.SUITES]
BOOTS = {image: len(STAGES) if image in WHOLE_LIFE else 1 for image in IMAGES}

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


@pytest.fixture(scope="session")
def journeys(request: pytest.FixtureRequest) -> Iterator[dict[tuple[str, str], Journey]]:
    """A journey for each image that a selected test is about, all under way."""
    missing = missing_tools()
    if missing:
        pytest.exit(f"the VM tests lack: {', '.join(missing)}", returncode=1)
    calls = [getattr(item, "callspec", None) for item in request.session.items]
    selected = {call.params["visit"][:2] for call in calls if call and "visit" in call.params}
    found = {
        image: Journey(*image, BOOTS[image], disks.install_and_seal if image in SEALED else disks.install_agent)
        for image in IMAGES
        if image in selected
    }
    jobs = int(os.environ.get("BOOTAGENT_VM_JOBS", "0")) or os.cpu_count()
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        for one in found.values():
            pool.submit(one.travel)
        try:
            yield found
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
            for one in found.values():
                one.abandon()
    for one in found.values():
        one.remove()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test is about each boot of each image, or about those that its marks ``boots`` and ``sealed`` name."""
    if "visit" in metafunc.fixturenames:
        mark = metafunc.definition.get_closest_marker("boots")
        wanted = mark.args if mark else STAGES
        images = [image for image in IMAGES if image in SEALED or not metafunc.definition.get_closest_marker("sealed")]
        visits = [Visit(*image, stage) for image in images for stage in STAGES[: BOOTS[image]] if stage in wanted]
        metafunc.parametrize("visit", visits, ids=["-".join(visit) for visit in visits], scope="module")


@pytest.fixture(scope="module")
def journey(visit: Visit, journeys: dict[tuple[str, str], Journey]) -> Journey:
    """The machine, with the agent in it."""
    return journeys[visit.suite, visit.image]


@pytest.fixture(scope="module")
def boot(visit: Visit, journey: Journey) -> Boot:
    """The boot, once it is over; its evidence goes to the test's output."""
    future: concurrent.futures.Future[Boot] = getattr(journey, visit.stage)
    result = future.result()
    sys.stdout.write(result.evidence)
    return result
