# SPDX-License-Identifier: Apache-2.0
"""The hooks of elements/bootagent, one by one on a tree of an image: what they write, and what they stop a build for.

The trees are those of the other machines, each under an overlay.  The programs of diskimage-builder that hooks call are
its own; apt has nothing to fetch in these trees, and needs nothing for what is installed.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.bench.contenders import CLOUD_EXTRA_IFUPDOWN
from tests.test_element import ELEMENT, ROOT, dib
from tests.test_wheel import NOT_COPIED

from . import base

if TYPE_CHECKING:
    import pathlib
    from collections.abc import Iterator

SUITE = "bookworm"
PROGRAMS = (("dpkg", "install-packages"), ("pkg-map", "pkg-map"))
DAEMON, AGENT = "post-install.d/85-bootagent-daemon", "post-install.d/90-bootagent"
NONE_GIVEN = {"DISTRO_NAME": "debian", "DIB_RELEASE": SUITE, "DIB_INIT_SYSTEM": "systemd"}


class Image:
    """An image in the making: its tree, and the build's directory of hooks."""

    def __init__(self, root: pathlib.Path, hooks: pathlib.Path) -> None:
        self.root = root
        self.hooks = hooks
        self.element = ELEMENT  # where the build found it

    def fetch(self, elements: str = "bootagent", **given: str) -> subprocess.CompletedProcess[str]:
        """Run the hook of the build host."""
        return self._on_host(self.element / "extra-data.d" / "50-bootagent", elements, given)

    def fetch_sources(self, **given: str) -> subprocess.CompletedProcess[str]:
        """Run that of the element source-repositories."""
        hook = dib("elements", "source-repositories", "extra-data.d", "98-source-repositories")
        return self._on_host(hook, "bootagent source-repositories", given)

    def run(self, hook: str, **given: str) -> subprocess.CompletedProcess[str]:
        """Run a hook in the image, with the element's environment."""
        for source in (hook, "environment.d/50-bootagent"):
            target = self.root / "tmp" / "hooks" / source
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes((ELEMENT / source).read_bytes())
            target.chmod(0o755)
        script = f"set -eu; . /tmp/hooks/environment.d/50-bootagent; exec /tmp/hooks/{hook}"
        return self.shell(script, **given)

    def shell(self, script: str, **given: str) -> subprocess.CompletedProcess[str]:
        """Run a script in the image."""
        path = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
        settings = [f"{name}={value}" for name, value in (NONE_GIVEN | path | given).items()]
        command = ["chroot", str(self.root), "env", "-i", *settings, "bash", "-c", script]
        return subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)

    def _on_host(self, hook: pathlib.Path, elements: str, given: dict[str, str]) -> subprocess.CompletedProcess[str]:
        found = f"get_image_element_array() {{ echo '[bootagent]={self.element}'; }}; export -f get_image_element_array"
        environment = {
            "TMP_MOUNT_PATH": str(self.root),
            "TMP_HOOKS_PATH": str(self.hooks),
            "IMAGE_ELEMENT": elements,
            "IMAGE_NAME": "image",
            "DIB_IMAGE_CACHE": str(self.hooks.parent / "cache"),
            "DIB_MANIFEST_IMAGE_DIR": "/etc/dib-manifests",
            "DIB_DEFAULT_INSTALLTYPE": "source",
            "DIB_OFFLINE": "",
        }
        command = ["bash", "-c", f"{found}; exec {shlex.quote(str(hook))}"]
        return subprocess.run(
            command, env=os.environ | environment | given, capture_output=True, text=True, check=False
        )


@contextlib.contextmanager
def opened(kind: str, directory: pathlib.Path, extra: base.Extra = base.NOTHING_ELSE) -> Iterator[Image]:
    """An image of this kind that is thrown away afterwards."""
    places = {name: directory / name for name in ("upper", "work", "root", "hooks")}
    for place in places.values():
        place.mkdir()
    tree = base.base_tree(SUITE, kind, extra)
    layers = f"lowerdir={tree},upperdir={places['upper']},workdir={places['work']}"
    root = places["root"]
    subprocess.run(["mount", "-t", "overlay", "overlay", "-o", layers, str(root)], check=True)
    try:
        subprocess.run(["mount", "-t", "proc", "proc", str(root / "proc")], check=True)
        for element, program in PROGRAMS:
            target = root / "usr" / "local" / "bin" / program
            target.write_bytes(dib("elements", element, "bin", program).read_bytes())
            target.chmod(0o755)
        (root / "usr" / "share" / "pkg-map").mkdir()
        (root / "usr" / "share" / "pkg-map" / "bootagent").write_bytes((ELEMENT / "pkg-map").read_bytes())
        (root / "etc" / "resolv.conf").unlink(missing_ok=True)
        (root / "etc" / "resolv.conf").touch()
        yield Image(root, places["hooks"])
    finally:
        subprocess.run(["umount", "--recursive", str(root)], check=True)


@pytest.fixture
def ifupdown(tmp_path: pathlib.Path) -> Iterator[Image]:
    """Debian with ifupdown, the agent's files fetched."""
    with opened("ifupdown", tmp_path) as image:
        succeed(image.fetch())
        yield image


def succeed(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def complaint(done: subprocess.CompletedProcess[str]) -> str:
    """The line for which the build stopped."""
    assert done.returncode != 0
    lines = [line for line in done.stderr.splitlines() if line.startswith("ERROR: bootagent: ")]
    assert len(lines) == 1, done.stderr
    return lines[0]


def test_the_daemon_that_an_image_has_stays(ifupdown: Image) -> None:
    """Nothing is said, nothing is asked for: no options file, and the agent is in."""
    assert "run by ifupdown" in succeed(ifupdown.run(DAEMON))
    succeed(ifupdown.run(AGENT))
    assert not (ifupdown.root / "etc/bootagent.yaml").exists()
    assert (ifupdown.root / "usr/sbin/bootagent").exists()
    assert (ifupdown.root / "etc/systemd/system/multi-user.target.wants/bootagent.service").is_symlink()
    assert succeed(ifupdown.shell("bootagent --version"))


def test_two_daemons_stop_the_build_and_the_tree_is_as_before(ifupdown: Image) -> None:
    succeed(ifupdown.shell("systemctl enable systemd-networkd.service"))
    succeed(ifupdown.run(DAEMON))
    done = ifupdown.run(AGENT)
    assert "would not boot right" in complaint(done)
    assert "networkd" in done.stderr
    assert "ifupdown" in done.stderr
    assert not (ifupdown.root / "usr/lib/bootagent").exists()
    assert not (ifupdown.root / "usr/sbin/bootagent").exists()


def test_of_two_daemons_the_named_one_stays(ifupdown: Image) -> None:
    """The other one is disabled, so that no options file is needed to tell them apart."""
    succeed(ifupdown.shell("systemctl enable systemd-networkd.service"))
    assert "run by ifupdown" in succeed(ifupdown.run(DAEMON, DIB_BOOTAGENT_BACKEND="ifupdown"))
    succeed(ifupdown.run(AGENT, DIB_BOOTAGENT_BACKEND="ifupdown"))
    assert ifupdown.shell("systemctl is-enabled systemd-networkd.service").stdout == "disabled\n"
    assert not (ifupdown.root / "etc/bootagent.yaml").exists()


def test_a_daemon_that_cannot_be_had_stops_the_build(ifupdown: Image) -> None:
    """A name that Debian has no package for, and one whose packages apt cannot get."""
    assert "no packages for the backend wicked" in complaint(ifupdown.run(DAEMON, DIB_BOOTAGENT_BACKEND="wicked"))
    assert "backend netplan" in complaint(ifupdown.run(DAEMON, DIB_BOOTAGENT_BACKEND="netplan"))


def test_an_image_without_a_daemon_stops_the_build(ifupdown: Image) -> None:
    succeed(ifupdown.shell("systemctl disable networking.service"))
    done = ifupdown.run(AGENT)
    assert "would not boot right" in complaint(done)
    assert "no network daemon" in done.stderr


def test_an_image_without_python_stops_the_build(ifupdown: Image) -> None:
    (ifupdown.root / "usr/bin/python3").unlink()
    assert "Python 3.9 or newer as /usr/bin/python3" in complaint(ifupdown.run(DAEMON))


def test_a_cloud_init_that_stays_stops_the_build(ifupdown: Image) -> None:
    """One that pip put in is none of package-installs' to remove."""
    program = ifupdown.root / "usr/local/bin/cloud-init"
    program.write_text("#!/bin/sh\n", encoding="utf-8")
    assert "cloud-init cannot be removed: /usr/local/bin/cloud-init" in complaint(ifupdown.run(AGENT))
    assert not (ifupdown.root / "usr/sbin/bootagent").exists()


def test_nothing_is_left_of_a_cloud_init_that_can_be_removed(tmp_path: pathlib.Path) -> None:
    """Debian keeps a removed package's services; the image is fit to be cloned without them."""
    with opened("ifupdown", tmp_path, CLOUD_EXTRA_IFUPDOWN) as image:
        succeed(image.fetch())
        succeed(image.run(DAEMON))
        assert "/usr/bin/cloud-init is still there" in complaint(image.run(AGENT))
        succeed(image.shell("install-packages -e cloud-init"))  # as package-installs does
        done = image.run(AGENT)
        assert "cloud-init would configure" not in succeed(done) + done.stderr
        succeed(image.shell("cd /tmp/bootagent && python3 -m bootagent seal --root /"))
        assert succeed(image.shell("cd /tmp/bootagent && python3 -m bootagent seal --root / --check")) == ""
        assert not (image.root / "etc/cloud").exists()


def test_glean_is_taken_out_and_what_is_a_persons_stays(ifupdown: Image) -> None:
    units, rules = ifupdown.root / "usr/lib/systemd/system", ifupdown.root / "etc/udev/rules.d/99-glean.rules"
    override = ifupdown.root / "etc/systemd/system/NetworkManager.service.d/override.conf"
    override.parent.mkdir()
    override.write_text("[Unit]\nAfter=systemd-udev-settle.service\nConflicts=other.service\n", encoding="utf-8")
    (units / "glean-early.service").touch()
    rules.touch()
    (ifupdown.root / "usr/glean/bin").mkdir(parents=True)
    (ifupdown.root / "usr/local/bin/glean").symlink_to("/usr/glean/bin/glean")
    succeed(ifupdown.run(AGENT))
    left = (units / "glean-early.service", rules, ifupdown.root / "usr/glean", ifupdown.root / "usr/local/bin/glean")
    assert [path for path in left if path.exists() or path.is_symlink()] == []
    assert override.exists()
    override.write_text(
        "[Unit]\nAfter=systemd-udev-settle.service\nWants=systemd-udev-settle.service\n", encoding="utf-8"
    )
    succeed(ifupdown.run(AGENT))
    assert not override.exists()


@pytest.mark.parametrize(
    ("given", "written"),
    [
        ({"DIB_BOOTAGENT_FALLBACK": "none"}, "fallback: none\n"),
        ({"DIB_SIMPLE_INIT_NO_DHCP_FALLBACK": "1"}, "fallback: none\n"),
        ({"DIB_SIMPLE_INIT_NO_DHCP_FALLBACK": "1", "DIB_BOOTAGENT_FALLBACK": "dhcp"}, "fallback: dhcp\n"),
        (
            {"DIB_BOOTAGENT_USERS": "root,debian", "DIB_BOOTAGENT_HOSTNAME": "short"},
            "hostname: short\nusers: [root,debian]\n",
        ),
        ({"DIB_BOOTAGENT_SOURCES": "configdrive"}, "sources: [configdrive]\n"),
        ({"DIB_BOOTAGENT_DRIVE": "/dev/sr0", "DIB_BOOTAGENT_RENDER_TO": "run"}, "drive: /dev/sr0\nrender-to: run\n"),
    ],
)
def test_variables_become_options(ifupdown: Image, given: dict[str, str], written: str) -> None:
    succeed(ifupdown.run(AGENT, **given))
    assert (ifupdown.root / "etc/bootagent.yaml").read_text(encoding="utf-8") == written


def test_an_option_that_cannot_be_stops_the_build(ifupdown: Image) -> None:
    done = ifupdown.run(AGENT, DIB_BOOTAGENT_FALLBACK="perhaps")
    assert "/etc/bootagent.yaml: fallback: " in complaint(done)
    assert not (ifupdown.root / "usr/sbin/bootagent").exists()


def test_an_options_file_of_another_element_is_not_overwritten(ifupdown: Image) -> None:
    file = ifupdown.root / "etc/bootagent.yaml"
    file.write_text("users: [zuul]\n", encoding="utf-8")
    assert "/etc/bootagent.yaml is there already" in complaint(ifupdown.run(AGENT, DIB_BOOTAGENT_FALLBACK="none"))
    assert file.read_text(encoding="utf-8") == "users: [zuul]\n"


def test_simple_inits_variable_asks_for_networkmanager(tmp_path: pathlib.Path) -> None:
    with opened("networkmanager", tmp_path) as image:
        succeed(image.fetch())
        assert "run by networkmanager" in succeed(image.run(DAEMON, DIB_SIMPLE_INIT_NETWORKMANAGER="1"))


def test_a_rival_element_stops_the_build(ifupdown: Image) -> None:
    done = ifupdown.fetch("base dhcp-all-interfaces bootagent")
    assert "the element dhcp-all-interfaces configures the same NICs" in complaint(done)


def test_the_agent_can_come_from_where_pip_put_it(ifupdown: Image, tmp_path: pathlib.Path) -> None:
    """The same files as from a checkout, and they do."""
    shutil.copytree(ROOT, tmp_path / "source", ignore=NOT_COPIED, symlinks=True)
    command = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-warn-script-location"]
    subprocess.run([*command, "--prefix", str(tmp_path / "prefix"), str(tmp_path / "source")], check=True)
    place = ifupdown.root / "tmp/bootagent"
    expected = {path.relative_to(place) for path in place.rglob("*") if path.is_file()}
    shutil.rmtree(place)
    ifupdown.element = tmp_path / "prefix/share/bootagent/elements/bootagent"
    succeed(ifupdown.fetch())
    assert {path.relative_to(place) for path in place.rglob("*") if path.is_file()} == expected
    succeed(ifupdown.run(AGENT))
    assert (ifupdown.root / "usr/sbin/bootagent").exists()


def test_the_agent_can_come_from_another_repository(tmp_path: pathlib.Path) -> None:
    """By source-repositories, whose default branch is called master, from one whose branch is not."""
    repository = tmp_path / "repository"
    subprocess.run(["git", "init", "-q", "-b", "trunk", str(repository)], check=True)
    author = ("-c", "user.name=A", "-c", "user.email=a@example.org")
    for name in ("bootagent", "systemd", "openrc", "udev"):
        subprocess.run(["cp", "-r", str(ROOT / name), str(repository)], check=True)
    subprocess.run(["git", "-C", str(repository), "add", "."], check=True)
    subprocess.run(["git", "-C", str(repository), *author, "commit", "-q", "-m", "agent"], check=True)
    place = tmp_path / "dib_build.image"  # the name of its manifest is what follows the dot
    place.mkdir()
    with opened("ifupdown", place) as image:
        (image.root / "etc/dib-manifests").mkdir()
        given = {"DIB_REPOLOCATION_bootagent": str(repository)}
        assert "need the element source-repositories" in complaint(image.fetch(**given))
        succeed(image.fetch("bootagent source-repositories", **given))
        succeed(image.fetch_sources(**given))
        succeed(image.run(DAEMON))
        succeed(image.run(AGENT))
        assert (image.root / "usr/sbin/bootagent").exists()
