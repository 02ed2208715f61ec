# SPDX-License-Identifier: Apache-2.0
"""elements/bootagent by diskimage-builder's own programs: its linter, its package maps, its graph of elements."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
ELEMENT = ROOT / "elements" / "bootagent"

# What the distributions call the packages; where each name was looked up stands in the element's README.rst.
DEBIAN = "python3 python3-netifaces python3-yaml"
REDHAT = "python3 python3-netifaces python3-pyyaml"
REDHAT_10 = "python3 python3-pyyaml"
SUSE = "python3 python3-PyYAML python3-netifaces"
GENTOO = "dev-lang/python dev-python/netifaces dev-python/pyyaml"
PACKAGES = {
    ("debian", "bookworm"): DEBIAN,
    ("debian", "trixie"): DEBIAN,
    ("ubuntu", "jammy"): DEBIAN,
    ("ubuntu", "noble"): DEBIAN,
    ("fedora", "43"): REDHAT,
    ("centos", "9-stream"): REDHAT,
    ("centos", "10-stream"): REDHAT_10,
    ("rhel", "9"): REDHAT,
    ("rhel", "10"): REDHAT_10,
    ("rocky", "9"): REDHAT,
    ("rocky", "10"): REDHAT_10,
    ("almalinux", "9"): REDHAT,
    ("almalinux", "10"): REDHAT_10,
    ("opensuse", "tumbleweed"): SUSE,
    ("gentoo", "gentoo"): GENTOO,
    ("openeuler", "22.03-LTS"): REDHAT_10,
}
# The daemon that an image gets that has none, and others that can be asked for.
DAEMONS = {
    ("debian", "bookworm", "ifupdown"): "ifupdown isc-dhcp-client",
    ("debian", "trixie", "ifupdown"): "dhcpcd-base ifupdown",
    ("debian", "trixie", "networkd"): "systemd systemd-resolved",
    ("debian", "bullseye", "networkd"): "systemd",
    ("debian", "trixie", "networkmanager"): "network-manager",
    ("ubuntu", "jammy", "ifupdown"): "ifupdown isc-dhcp-client",
    ("ubuntu", "noble", "netplan"): "netplan.io systemd-resolved",
    ("fedora", "43", "networkmanager"): "NetworkManager",
    ("fedora", "43", "networkd"): "systemd-networkd systemd-resolved",
    ("centos", "9-stream", "networkmanager"): "NetworkManager",
    ("rocky", "9", "networkmanager"): "NetworkManager",
    ("opensuse", "tumbleweed", "networkmanager"): "NetworkManager",
    ("opensuse", "tumbleweed", "wicked"): "wicked-service",
    ("gentoo", "gentoo", "netifrc"): "net-misc/dhcpcd net-misc/netifrc",
    ("gentoo", "gentoo", "networkd"): "",
    ("gentoo", "gentoo", "networkmanager"): "net-misc/networkmanager",
    ("openeuler", "22.03-LTS", "networkmanager"): "NetworkManager",
    ("openeuler", "22.03-LTS", "ifcfg"): "network-scripts",
}


def dib(*path: str) -> Path:
    """A file of the installed diskimage-builder."""
    spec = importlib.util.find_spec("diskimage_builder")
    assert spec is not None, "diskimage-builder is not installed (PyPI)"
    assert spec.submodule_search_locations is not None
    return Path(spec.submodule_search_locations[0], *path)


def run(*command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    # The programs find "python" and "flake8" in the path.
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    return subprocess.run(
        command, cwd=ROOT, env=os.environ | {"PATH": path} | environment, capture_output=True, text=True, check=False
    )


def lint(elements: Path) -> subprocess.CompletedProcess[str]:
    # Its second directory is that of diskimage-builder's library, which is not ours to check.
    return run("dib-lint", ELEMENTS_DIR=str(elements), LIB_DIR=str(elements))


def test_dib_lint_finds_nothing() -> None:
    done = lint(ROOT / "elements")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "PASS" in done.stdout


def test_dib_lint_does_look(tmp_path: Path) -> None:
    """A script that is not executable is found, in a copy."""
    copy = tmp_path / "elements" / "bootagent"
    shutil.copytree(ELEMENT, copy)
    (copy / "post-install.d" / "90-bootagent").chmod(0o644)
    done = lint(copy.parent)
    assert done.returncode == 1
    assert "90-bootagent is not executable" in done.stdout


def test_shellcheck_finds_nothing_in_what_is_sourced() -> None:
    """What has a shebang is among all other scripts (test_linters.py)."""
    sourced = sorted((ELEMENT / "environment.d").iterdir())
    assert sourced
    done = run("shellcheck", *map(str, sourced))
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("place", sorted(PACKAGES), ids="-".join)
def test_packages_are_called_as_the_distribution_does(place: tuple[str, str], tmp_path: Path) -> None:
    """By the two programs that a build asks, with nothing missing from the map."""
    squashed = tmp_path / "packages.json"
    squash = dib("elements", "package-installs", "bin", "package-installs-squash")
    done = run(
        sys.executable,
        str(squash),
        "--elements",
        "bootagent",
        "--path",
        str(ELEMENT.parent),
        str(squashed),
        ARCH="amd64",
    )
    assert done.returncode == 0, done.stderr
    asked = json.loads(squashed.read_text(encoding="utf-8"))["install.d"]
    assert asked["uninstall"] == [["cloud-init", "bootagent"]]
    assert mapped(*place, *(name for name, _ in asked["install"])) == PACKAGES[place]
    expected = "app-emulation/cloud-init" if place[0] == "gentoo" else "cloud-init"
    assert mapped(*place, "cloud-init") == expected


@pytest.mark.parametrize("place", sorted(DAEMONS), ids="-".join)
def test_daemons_are_called_as_the_distribution_does(place: tuple[str, str, str]) -> None:
    assert mapped(*place) == DAEMONS[place]


def mapped(distro: str, release: str, *names: str) -> str:
    program = dib("elements", "pkg-map", "bin", "pkg-map")
    options = ["--pkg-map", str(ELEMENT / "pkg-map"), "--distro", distro, "--release", release]
    done = run(sys.executable, str(program), *options, *names)
    assert done.returncode == 0, done.stderr
    return " ".join(sorted(done.stdout.split()))


def elements(*names: str) -> subprocess.CompletedProcess[str]:
    path = f"{ELEMENT.parent}:{dib('elements')}"
    return run(sys.executable, str(dib("lib", "element-info.py")), *names, ELEMENTS_PATH=path)


@pytest.mark.parametrize("rival", ["simple-init", "cloud-init"])
def test_an_image_cannot_have_both(rival: str) -> None:
    """The build stops before it begins, and names the two."""
    done = elements("debian-minimal", rival, "bootagent")
    assert done.returncode != 0
    assert f"{rival} : already provided by ['bootagent']" in done.stderr


def test_it_stands_in_where_another_element_asks_for_its_rival() -> None:
    """openEuler's element depends on cloud-init's."""
    assert {"cloud-init", "openeuler-minimal"} <= set(elements("openeuler-minimal").stdout.split())
    found = set(elements("openeuler-minimal", "bootagent").stdout.split())
    assert "bootagent" in found
    assert "cloud-init" not in found


def test_it_brings_no_compiler_and_nothing_that_fetches() -> None:
    found = set(elements("debian-minimal", "bootagent").stdout.split())
    assert found.isdisjoint({"ensure-venv", "pip-and-virtualenv", "source-repositories", "cache-url"})
