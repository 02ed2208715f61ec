# SPDX-License-Identifier: Apache-2.0
"""Build the root trees that the test machines are copied from: one for each Debian suite and way to run its network.

A tree is kept in the cache directory under a hash of all that went into it, so that it is built once, and again when
its packages or its recipe change. ``BOOTAGENT_VM_CACHE`` names the directory, ``BOOTAGENT_VM_MIRROR`` a mirror other
than the one that this machine's own apt uses.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SUITES = ("bookworm", "trixie")
# What runs an image's network, and the backend that is to be found in it.
BACKEND_OF = {
    "networkd": "networkd",
    "ifupdown": "ifupdown",
    "networkmanager": "networkmanager",
    "netplan-networkd": "netplan",
    "netplan-networkmanager": "netplan",
    "ifupdown2": "ifupdown",
    "ifupdown-ng": "ifupdown-ng",
}
IMAGES = tuple(BACKEND_OF)

# What an image builder of a cloud puts in; zstd makes the initrd's unpacking short.
COMMON = (
    "systemd",
    "systemd-sysv",
    "udev",
    "dbus",
    "e2fsprogs",
    "zstd",
    "initramfs-tools",
    "linux-image-cloud-amd64",
    "openssh-server",
    "iproute2",
    "iputils-ping",
    "python3",
    "python3-yaml",
    "python3-netifaces",
)

# Neither ifenslave nor net-tools nor vlan.
PACKAGES = {
    "networkd": ("systemd-resolved",),
    "ifupdown": ("ifupdown",),
    "networkmanager": ("network-manager",),
    "netplan-networkd": ("netplan.io", "systemd-resolved"),
    "netplan-networkmanager": ("netplan.io", "network-manager"),
    "ifupdown2": ("ifupdown2",),
    "ifupdown-ng": ("ifupdown-ng",),
}
# The DHCP client that the suite's ifupdown recommends; trixie has ifupdown-ng's service in a package of its own.
DHCP_CLIENT = {"bookworm": "isc-dhcp-client", "trixie": "dhcpcd-base"}
COMPANIONS = {("trixie", "ifupdown-ng"): ("ifupdown-ng-compat",)}

# Timers that cost a boot seconds and have nothing to do with it. Nothing of the network is masked.
FINISH_COMMON = """
printf 'unset-host\\n' >/etc/hostname
printf '127.0.0.1\\tlocalhost\\n::1\\tlocalhost ip6-localhost ip6-loopback\\n' >/etc/hosts
printf 'LABEL=root / ext4 rw 0 1\\n' >/etc/fstab
systemctl mask apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer fstrim.timer
systemctl mask e2scrub_all.timer e2scrub_reap.service
rm -rf /usr/share/doc/* /usr/share/man/* /usr/share/locale/*
"""

# What is switched on, and what /etc/machine-id holds. "uninitialized" is what systemd asks of an image that many
# machines are made from. On a Debian without networkd it would make the first boot enable all of systemd's presets:
# systemd-networkd too, and its wait-online, which then fails after two minutes. Builders of such images leave it empty.
EMPTY_ID = ": >/etc/machine-id\n"
FINISH_IMAGE = {
    "networkd": """
systemctl enable systemd-networkd.service systemd-resolved.service
printf 'uninitialized\\n' >/etc/machine-id
""",
    "ifupdown": "systemctl is-enabled networking.service\n" + EMPTY_ID,
    "networkmanager": "systemctl is-enabled NetworkManager.service\n" + EMPTY_ID,
    # As in the cloud images of Ubuntu and Debian.
    "netplan-networkd": "systemctl enable systemd-networkd.service systemd-resolved.service\n" + EMPTY_ID,
    "netplan-networkmanager": "systemctl is-enabled NetworkManager.service\n" + EMPTY_ID,
    "ifupdown2": "systemctl enable networking.service\n" + EMPTY_ID,
    "ifupdown-ng": "systemctl enable networking.service\n" + EMPTY_ID,
}
SEAL = """
rm -rf /var/lib/apt/lists/* /var/cache/apt/* /usr/sbin/policy-rc.d /etc/apt/sources.list /etc/apt/sources.list.d/*
rm -f /var/lib/dbus/machine-id
test -L /etc/resolv.conf || rm -f /etc/resolv.conf
"""


class Extra(NamedTuple):
    """What an image has beside its network: packages, and a shell script that runs last; the name is the tree's."""

    name: str = ""
    packages: tuple[str, ...] = ()
    finish: str = ""


NOTHING_ELSE = Extra()


def cache_directory() -> pathlib.Path:
    """Where trees, disks and evidence are kept."""
    named = os.environ.get("BOOTAGENT_VM_CACHE")
    return pathlib.Path(named) if named else pathlib.Path.home() / ".cache" / "bootagent-vm"


def apt_mirror() -> str:
    """The archive that this machine's apt reads Debian from."""
    named = os.environ.get("BOOTAGENT_VM_MIRROR")
    if named:
        return named
    apt = pathlib.Path("/etc/apt")
    for path in sorted(apt.glob("sources.list.d/*.sources")):
        for line in path.read_text(encoding="utf-8").splitlines():
            if line.startswith("URIs:") and "security" not in line:
                return line.split()[1]
    for path in [apt / "sources.list", *sorted(apt.glob("sources.list.d/*.list"))]:
        words = path.read_text(encoding="utf-8").split() if path.exists() else []
        for word in words:
            if word.startswith(("http://", "https://")) and "security" not in word:
                return word
    message = "no Debian mirror in /etc/apt; name one in BOOTAGENT_VM_MIRROR"
    raise RuntimeError(message)


def base_tree(suite: str, image: str, extra: Extra = NOTHING_ELSE) -> pathlib.Path:
    """The tree of this suite with this network, sealed as an image would be; built if the cache has none."""
    client = (DHCP_CLIENT[suite],) if image.startswith("ifupdown") else ()
    packages = (*PACKAGES[image], *client, *COMPANIONS.get((suite, image), ()), *extra.packages)
    finish = FINISH_IMAGE[image] + extra.finish + SEAL
    common = _common_tree(suite)

    def build(tree: pathlib.Path) -> None:
        copy_tree(common, tree)
        with chroot_mounts(tree):
            _in_chroot(tree, "apt-get -q -y --no-install-recommends install " + " ".join(packages))
            _in_chroot(tree, finish)

    return _cached("-".join(filter(None, (suite, image, extra.name))), [common.name, *packages, finish], build)


def copy_tree(source: pathlib.Path, target: pathlib.Path) -> None:
    """Copy a root tree with owners, modes and links."""
    subprocess.run(["cp", "-ax", "--reflink=auto", f"{source}/.", str(target)], check=True)


def _common_tree(suite: str) -> pathlib.Path:
    def build(tree: pathlib.Path) -> None:
        _logged(
            tree,
            ["debootstrap", "--variant=minbase", f"--include={','.join(COMMON)}", suite, str(tree), apt_mirror()],
        )
        policy = tree / "usr/sbin/policy-rc.d"
        policy.write_text("#!/bin/sh\nexit 101\n", encoding="utf-8")
        policy.chmod(0o755)
        with chroot_mounts(tree):
            _in_chroot(tree, FINISH_COMMON)

    return _cached(f"{suite}-common", [suite, *COMMON, FINISH_COMMON], build)


def _cached(name: str, ingredients: list[str], build: Callable[[pathlib.Path], None]) -> pathlib.Path:
    """The cached tree of these ingredients; a tree is renamed into its place whole, or not at all."""
    digest = hashlib.sha256("\0".join(ingredients).encode()).hexdigest()[:12]
    cache = cache_directory() / "trees"
    cache.mkdir(parents=True, exist_ok=True)
    final = cache / f"{name}-{digest}"
    with (cache / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if final.is_dir():
            return final
        scratch = pathlib.Path(tempfile.mkdtemp(prefix=f"{name}.", dir=cache))
        scratch.chmod(0o755)
        try:
            build(scratch)
            for outdated in cache.glob(f"{name}-" + "[0-9a-f]" * 12):
                shutil.rmtree(outdated)
            scratch.rename(final)
        except BaseException:
            shutil.rmtree(scratch, ignore_errors=True)
            raise
    return final


@contextlib.contextmanager
def chroot_mounts(tree: pathlib.Path) -> Iterator[None]:
    """What maintainer scripts and initramfs-tools need to see; gone again whatever happens."""
    mounts = [("proc", "proc"), ("sysfs", "sys")]
    done: list[pathlib.Path] = []
    try:
        for kind, name in mounts:
            subprocess.run(["mount", "-t", kind, kind, str(tree / name)], check=True)
            done.append(tree / name)
        yield
    finally:
        for place in reversed(done):
            subprocess.run(["umount", "--lazy", str(place)], check=True)


def _in_chroot(tree: pathlib.Path, script: str) -> None:
    _logged(tree, ["chroot", str(tree), "sh", "-euxc", script])


def _logged(tree: pathlib.Path, command: list[str]) -> None:
    """Run it with a plain environment; its output goes to a log beside the trees, named if it fails."""
    log = tree.parent / f"{tree.name.partition('.')[0]}.log"
    kept = {key: value for key, value in os.environ.items() if key.endswith(("_proxy", "_PROXY"))}
    environment = kept | {
        "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "DEBIAN_FRONTEND": "noninteractive",
        "LC_ALL": "C",
        "HOME": "/root",
    }
    with log.open("a") as stream:
        result = subprocess.run(
            command, stdin=subprocess.DEVNULL, stdout=stream, stderr=stream, env=environment, check=False
        )
    if result.returncode:
        message = f"{command[0]} failed with {result.returncode}, see {log}"
        raise RuntimeError(message)


def main() -> None:
    """Build all trees: ``python3 -m tests.vm.base``."""
    for suite in SUITES:
        for image in IMAGES:
            sys.stdout.write(f"{base_tree(suite, image)}\n")


if __name__ == "__main__":
    main()
