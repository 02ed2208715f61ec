# SPDX-License-Identifier: Apache-2.0
"""What is compared: who writes the configuration, in an image with which network daemon, and how each is installed.

All of one backend share the packages of the VM tests' image of Debian 12, and differ in what stands here.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, NamedTuple

from tests.vm import base, dracut, images

from . import drive
from .results import DRACUT

if TYPE_CHECKING:
    import pathlib
    from collections.abc import Callable

    from .drive import Instance

SUITE = "bookworm"


class Contender(NamedTuple):
    """One of ``results.CONTENDERS`` in the image with one of ``results.BACKENDS``; or of those with ``DRACUT``.

    ``units`` are the patterns of its own units' names; ``install`` puts it into a tree that has ``extra``.
    """

    name: str
    backend: str
    units: tuple[str, ...]
    extra: base.Extra
    install: Callable[[pathlib.Path, Instance], None]

    @property
    def title(self) -> str:
        """Its name on the command line and in file names."""
        return f"{self.name}-{self.backend}"

    @property
    def image(self) -> str:
        """Which of the VM tests' images it is in."""
        return "networkd" if self.backend == DRACUT else self.backend

    def make_disk(self, instance: Instance, directory: pathlib.Path) -> images.Disk:
        """A disk that never booted, in this directory."""

        def install(tree: pathlib.Path) -> None:
            # An id of "uninitialized" has systemd enable all of its presets: ssh.socket beside ssh.service, which then
            # answers before sshd is there. No contender of either backend is to be measured with that.
            (tree / "etc/machine-id").write_text("", encoding="ascii")
            self.install(tree, instance)

        return images.make_disk(SUITE, self.image, directory, install, self.extra, needs_online=False)


# The static images: what a person writes who knows the machine's one NIC, its address and its users.
STATIC_NETWORKD = f"""[Match]
MACAddress={drive.NIC.mac}

[Network]
Address={drive.ADDRESS}/{drive.PREFIX}
Gateway={drive.GATEWAY}
DNS={drive.DNS}
"""
# The kernel's name of a NIC in the PCI slot that the machine has its first one in.
STATIC_IFUPDOWN = f"""
auto ens16
iface ens16 inet static
    address {drive.ADDRESS}/{drive.PREFIX}
    gateway {drive.GATEWAY}
"""


def install_static(tree: pathlib.Path, instance: Instance) -> None:
    """Hostname and key, the same with each backend."""
    (tree / "etc/hostname").write_text(f"{drive.NAME}\n", encoding="utf-8")
    with (tree / "etc/hosts").open("a", encoding="utf-8") as hosts:
        hosts.write(f"127.0.1.1\t{drive.HOSTNAME} {drive.NAME}\n")
    directory = tree / "root/.ssh"
    directory.mkdir(mode=0o700, exist_ok=True)
    keys = directory / "authorized_keys"
    keys.write_text(instance.public_key, encoding="utf-8")
    keys.chmod(0o600)


def install_static_networkd(tree: pathlib.Path, instance: Instance) -> None:
    """One .network file; DNS servers of a link are networkd's to tell resolved."""
    install_static(tree, instance)
    (tree / "etc/systemd/network/10-static.network").write_text(STATIC_NETWORKD, encoding="utf-8")


def install_static_ifupdown(tree: pathlib.Path, instance: Instance) -> None:
    """A stanza, and the resolv.conf that nothing manages in this image."""
    install_static(tree, instance)
    with (tree / "etc/network/interfaces").open("a", encoding="utf-8") as interfaces:
        interfaces.write(STATIC_IFUPDOWN)
    (tree / "etc/resolv.conf").write_text(f"nameserver {drive.DNS}\n", encoding="utf-8")


def install_bootagent(tree: pathlib.Path, _: Instance) -> None:
    """The checkout, as an image builder installs it."""
    images.install_agent(tree)


GLEAN = "glean==1.25.1"
# As diskimage-builder's element simple-init installs it: an environment of the distribution's Python, in which its
# installer finds the setuptools that it needs, and the module of VLANs.
GLEAN_EXTRA = base.Extra("glean", ("python3-venv",), "python3 -m venv /usr/glean\nprintf '8021q\\n' >>/etc/modules\n")
GLEAN_INSTALL = """
/usr/glean/bin/pip install --quiet --no-index --no-deps /root/glean-*.whl
rm /root/glean-*.whl
/usr/glean/bin/glean-install --quiet
systemctl is-enabled glean-early.service
test -e /etc/udev/rules.d/99-glean.rules
"""
# Its unit for networkd is in the package, but its installer puts that in only where it takes the image for a Gentoo.
# What it puts into a Debian has nothing that writes for networkd.
GLEAN_INSTALL_NETWORKD = f"""
touch /etc/gentoo-release
{GLEAN_INSTALL}
rm /etc/gentoo-release /etc/init.d/glean
systemctl enable glean.service
systemctl is-enabled glean.service
"""


def install_glean(tree: pathlib.Path, script: str) -> None:
    """From PyPI, with its own installer; its units are there and enabled, or this fails."""
    wheels = base.cache_directory() / "wheels"
    download = [sys.executable, "-m", "pip", "download", "-qq", "--disable-pip-version-check", "--no-deps"]
    subprocess.run([*download, "--dest", str(wheels), GLEAN], check=True)
    (wheel,) = wheels.glob(f"{GLEAN.replace('==', '-')}-*.whl")
    shutil.copy(wheel, tree / "root")
    _in_tree(tree, script)


# Its output for ifupdown calls the "route" of net-tools, and leaves the DNS servers to resolvconf.
CLOUD_EXTRA = base.Extra("cloud-init", ("cloud-init", "net-tools"))
CLOUD_EXTRA_IFUPDOWN = CLOUD_EXTRA._replace(packages=(*CLOUD_EXTRA.packages, "resolvconf"))
CLOUD_CONFIG = "disable_root: false\nssh_deletekeys: false\nlocale: C.UTF-8\n"


def install_cloud_init(tree: pathlib.Path, _: Instance) -> None:
    """The package's own configuration, but for what would be work that no other contender does, or fails here.

    The key is for root; the host keys are in every image already; the trimmed image has no other locale.
    """
    (tree / "etc/cloud/cloud.cfg.d/95_same_work.cfg").write_text(CLOUD_CONFIG, encoding="utf-8")
    (tree / "etc/default/locale").write_text("LANG=C.UTF-8\n", encoding="utf-8")


def _in_tree(tree: pathlib.Path, script: str) -> None:
    environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C", "HOME": "/root", "SYSTEMD_OFFLINE": "1"}
    command = ["chroot", str(tree), "sh", "-euxc", script]
    result = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if result.returncode:
        message = f"{script.strip()!r} failed with {result.returncode}: {result.stdout}{result.stderr}"
        raise RuntimeError(message)


def with_dracut(install: Callable[[pathlib.Path, Instance], None], module: bool, name: str) -> Contender:
    """The contender ``name`` with an initramfs that dracut made, with the agent's module in it or without."""

    def install_both(tree: pathlib.Path, instance: Instance) -> None:
        install(tree, instance)
        dracut.make_initramfs(tree, module)

    return Contender(name, DRACUT, () if name == "static" else ("bootagent*",), dracut.EXTRA, install_both)


ALL = (
    Contender("static", "networkd", (), base.NOTHING_ELSE, install_static_networkd),
    Contender("bootagent", "networkd", ("bootagent*",), base.NOTHING_ELSE, install_bootagent),
    Contender("glean", "networkd", ("glean*",), GLEAN_EXTRA, lambda t, _: install_glean(t, GLEAN_INSTALL_NETWORKD)),
    Contender("cloud-init", "networkd", ("cloud-*",), CLOUD_EXTRA, install_cloud_init),
    Contender("static", "ifupdown", (), base.NOTHING_ELSE, install_static_ifupdown),
    Contender("bootagent", "ifupdown", ("bootagent*",), base.NOTHING_ELSE, install_bootagent),
    Contender("glean", "ifupdown", ("glean*",), GLEAN_EXTRA, lambda t, _: install_glean(t, GLEAN_INSTALL)),
    Contender("cloud-init", "ifupdown", ("cloud-*",), CLOUD_EXTRA_IFUPDOWN, install_cloud_init),
    with_dracut(install_static_networkd, False, "static"),
    with_dracut(install_bootagent, False, "bootagent"),
    with_dracut(install_bootagent, True, "bootagent-early"),
)
