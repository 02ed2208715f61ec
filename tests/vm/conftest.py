# SPDX-License-Identifier: Apache-2.0
"""Fixtures of the VM tests: each image's machine is booted three times, and each boot is looked at once.

``python3 -m pytest tests/vm`` runs them, as root. A tool that is missing ends the run with one line that names it.
``BOOTAGENT_VM_JOBS`` says how many machines run side by side, one for each processor if it does not.
"""

from __future__ import annotations

import concurrent.futures
import os
import pathlib
import shutil
import sys
from typing import TYPE_CHECKING

import pytest

from . import base
from .journey import Boot, Journey

if TYPE_CHECKING:
    from collections.abc import Iterator

# The suites take turns, so that two trees that are made side by side do not wait for one another.
IMAGES = [(suite, backend) for backend in base.BACKENDS for suite in base.SUITES]

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


def missing_tools() -> list[str]:
    """What this machine lacks, each with where to get it."""
    missing = [f"{tool} (Debian package {package})" for tool, package in TOOLS.items() if shutil.which(tool) is None]
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
    calls = [item.callspec.params for item in request.session.items if isinstance(item, pytest.Function)]
    selected = {call["journey"] for call in calls if "journey" in call}
    found = {image: Journey(*image) for image in IMAGES if image in selected}
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


@pytest.fixture(scope="module", params=IMAGES, ids="-".join)
def journey(request: pytest.FixtureRequest, journeys: dict[tuple[str, str], Journey]) -> Journey:
    """One image's machine, with the agent in it."""
    return journeys[request.param]


@pytest.fixture(scope="module")
def first(journey: Journey) -> Boot:
    """The first boot, as instance A."""
    return _shown(journey.first)


@pytest.fixture(scope="module")
def rebooted(journey: Journey) -> Boot:
    """The second boot, still instance A, the drive detached."""
    return _shown(journey.rebooted)


@pytest.fixture(scope="module")
def other(journey: Journey) -> Boot:
    """The third boot, as instance B."""
    return _shown(journey.other)


@pytest.fixture(params=["first", "rebooted", "other"])
def boot(request: pytest.FixtureRequest, journey: Journey) -> Boot:
    """Each of the three boots in turn."""
    del journey  # named so that pytest knows this fixture has one for each image
    found = request.getfixturevalue(request.param)
    assert isinstance(found, Boot)
    return found


@pytest.fixture(params=["first", "rebooted"])
def boot_a(request: pytest.FixtureRequest, journey: Journey) -> Boot:
    """Each boot as instance A, the drive attached and not."""
    del journey
    found = request.getfixturevalue(request.param)
    assert isinstance(found, Boot)
    return found


def _shown(boot: concurrent.futures.Future[Boot]) -> Boot:
    """The boot, once it is over; its evidence goes to the test's output."""
    result = boot.result()
    sys.stdout.write(result.evidence)
    return result
