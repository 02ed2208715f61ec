# SPDX-License-Identifier: Apache-2.0
"""elements/bootagent: diskimage-builder makes an image with it, and the machine that boots from it lets its owner in.

The cloud is Rackspace as it was: static addresses on a public and a private NIC, and no DHCP server on either.
"""

from __future__ import annotations

import json
import pathlib
import shutil
import tempfile
import time
from typing import TYPE_CHECKING, NamedTuple

import pytest

from . import base, dib, drives
from . import network as outside
from .conftest import require_tools
from .machine import Drive, GuestError, Hardware, Machine
from .snapshot import run_ssh

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator

# Each suite and each daemon; the other two pairs would take a minute and a half each.
# ifupdown is what the element gives a Debian that has no daemon, so that nothing has to be said for it.
IMAGES = {
    ("bookworm", "ifupdown"): {},
    ("trixie", "networkd"): {"DIB_BOOTAGENT_BACKEND": "networkd"},
}
NICS = tuple(nic for nic in outside.NICS if nic.tap in ("static", "multi"))
PUBLIC_V4, PUBLIC_V6, PRIVATE_V4 = drives.RACKSPACE_ADDRESSES
# An emulated machine that may have another one beside it: what it may not do is wait for a network in vain.
LONGEST_BOOT_S = 300

# What a first boot makes anew for each clone; and what a base image's builder leaves in /etc/network/interfaces.d.
PROFILE_DIRECTORIES = ("/etc/network/interfaces.d", "/etc/systemd/network", "/etc/netplan")
QUESTIONS = {
    "user": "id -un",
    "hostname": "cat /proc/sys/kernel/hostname",
    "links": "ip -d -j addr",
    "routes": "ip -j route",
    "routes_v6": "ip -j -6 route",
    "world": f"ping -c 1 -W 5 {outside.WORLD_V4} && ping -c 1 -W 5 {outside.ROUTED_V4}",
    "lookup": f"getent ahostsv4 {outside.LOOKUP_NAME}",
    "status": "bootagent status --json",
    "machine_id": "cat /etc/machine-id",
    "state": "systemctl is-system-running --wait",
    "failed": "systemctl --failed --no-legend --plain",
    "enabled": "systemctl list-unit-files --state=enabled --no-legend 'systemd-networkd.service' 'networking.service'",
    "times": "systemd-analyze time",
    "journal": "journalctl --boot --no-pager -u 'bootagent*' -u 'ssh*' -u 'networking*' -u 'systemd-networkd*'",
}


class Made(NamedTuple):
    """An image and one boot of it."""

    raw: pathlib.Path
    said: dict[str, str]
    stranger: subprocess.CompletedProcess[str]  # a login with a key that the drive does not have
    console: str
    times: str


def make(suite: str, backend: str, directory: pathlib.Path) -> Made:
    """Build the image, boot a copy of it, and ask it over SSH; the evidence stays in the cache."""
    begun = time.monotonic()
    disk = dib.build_disk(suite, IMAGES[suite, backend], directory)
    built = time.monotonic()
    key, other = (drives.make_key(directory / name) for name in ("key", "other-key"))
    hardware = Hardware(disk, drives.RACKSPACE_UUID, NICS, Drive(drives.rackspace_drive(key, directory), "virtio"))
    namespace = f"bootagent-dib-{suite}-{backend}"
    with outside.Network(namespace, directory) as network:
        network.run("ip", "addr", "add", f"{drives.RACKSPACE_ROUTER}/24", "dev", "static")
        with Machine(hardware, namespace, directory) as machine:
            script = "".join(f"echo '@@ {name}'; ( {text} ) 2>&1\n" for name, text in QUESTIONS.items())
            answer = log_in(network, key, script, machine)
            reached = time.monotonic()
            stranger = run_ssh(network, other, PUBLIC_V4, "id -un", 120)
            console = machine.console_text()
    size = disk.root.stat().st_size // 2**20
    times = f"{suite} {backend}: built in {built - begun:.0f} s, logged in after {reached - built:.0f} s, {size} MiB"
    evidence = base.cache_directory() / "evidence" / f"element-{suite}-{backend}.txt"
    evidence.parent.mkdir(exist_ok=True)
    evidence.write_text(f"{times}\n\n{answer}\n\n{console}\n", encoding="utf-8")
    blocks = (block.partition("\n") for block in f"\n{answer}".split("\n@@ ")[1:])
    said = {name: text.strip() for name, _, text in blocks}
    return Made(directory / "image.raw", said, stranger, console, times)


def log_in(network: outside.Network, key: pathlib.Path, script: str, machine: Machine) -> str:
    """What the script prints on the machine, as soon as its sshd lets this key in."""
    deadline = time.monotonic() + LONGEST_BOOT_S
    while True:
        done = run_ssh(network, key, PUBLIC_V4, script, LONGEST_BOOT_S)
        if "@@ user" in done.stdout:
            return done.stdout
        if time.monotonic() > deadline:
            message = f"no login after {LONGEST_BOOT_S} s: {done.stderr}; console ends: {machine.console_tail()}"
            raise GuestError(message)
        time.sleep(3)


@pytest.fixture(scope="module", params=list(IMAGES), ids="-".join)
def image(request: pytest.FixtureRequest) -> tuple[str, str]:
    """The suite and the backend."""
    place: tuple[str, str] = request.param
    return place


@pytest.fixture(scope="module")
def made(image: tuple[str, str]) -> Iterator[Made]:
    """The image and its boot, once they are over."""
    require_tools(dib.TOOLS)
    directory = pathlib.Path(tempfile.mkdtemp(prefix="bootagent-dib."))
    place = directory / "-".join(image)
    place.mkdir()
    result = make(*image, place)
    print(result.times)
    yield result
    shutil.rmtree(directory)


def test_the_injected_key_logs_in(made: Made) -> None:
    """The drive's key opens root's account, and no other does."""
    assert made.said["user"] == "root"
    assert made.stranger.returncode != 0
    assert "Permission denied" in made.stranger.stderr


def test_the_network_is_the_drives(made: Made) -> None:
    """Static addresses, routes and DNS, from a drive that no DHCP server helps out."""
    addresses = {
        (link["address"], f"{entry['local']}/{entry['prefixlen']}")
        for link in json.loads(made.said["links"])
        for entry in link["addr_info"]
        if entry["scope"] == "global"
    }
    public, private = (nic.mac for nic in NICS)
    assert addresses == {(public, f"{PUBLIC_V4}/24"), (public, f"{PUBLIC_V6}/64"), (private, f"{PRIVATE_V4}/24")}
    defaults = {
        route.get("gateway")
        for family in ("routes", "routes_v6")
        for route in json.loads(made.said[family])
        if route["dst"] == "default"
    }
    assert defaults == {drives.RACKSPACE_ROUTER, outside.GATEWAY_V6}
    assert made.said["world"].count(" 0% packet loss") == 2
    assert outside.LOOKUP_V4 in made.said["lookup"]
    assert made.said["hostname"] == drives.RACKSPACE_NAME


def test_the_agent_found_the_daemon_that_was_asked_for(made: Made, image: tuple[str, str]) -> None:
    """One daemon is enabled, still after the first boot enabled what presets say, and nothing failed."""
    status = json.loads(made.said["status"])
    assert (status["state"], status["backend"]) == ("ok", image[1])
    service = {"ifupdown": "networking.service", "networkd": "systemd-networkd.service"}[image[1]]
    assert [line.split()[0] for line in made.said["enabled"].splitlines()] == [service]
    assert made.said["failed"] == ""
    assert made.said["state"] == "running"


def test_the_image_is_fit_to_be_cloned(made: Made) -> None:
    """No host key, no identity, no profile for a NIC of the build; the machine has made its own."""
    assert [name for name in dib.list_directory(made.raw, "/etc/ssh") if name.startswith("ssh_host_")] == []
    assert dib.read_file(made.raw, "/etc/machine-id").strip() in ("", "uninitialized")
    assert len(made.said["machine_id"]) == 32
    left = {place: set(dib.list_directory(made.raw, place)) - {".", ".."} for place in PROFILE_DIRECTORIES}
    assert {place: names for place, names in left.items() if names} == {}


def test_the_image_has_neither_rival_nor_builder(made: Made) -> None:
    """No cloud-init, no glean, no pip; no options file, because nothing had to be said."""
    names = {name for place in ("/usr/bin", "/usr/local/bin", "/usr") for name in dib.list_directory(made.raw, place)}
    assert names.isdisjoint({"cloud-init", "glean", "pip", "pip3", "gcc", "git"})
    assert "bootagent.yaml" not in dib.list_directory(made.raw, "/etc")
    assert "bootagent" in dib.list_directory(made.raw, "/usr/lib")
