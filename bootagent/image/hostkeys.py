# SPDX-License-Identifier: Apache-2.0
"""SSH host keys, and who makes them at boot where the image has none.

Debian 12 makes them when openssh-server is installed and never again; Fedora has ``sshd-keygen@.service``, Arch
``sshdgenkeys.service``, SUSE a program that sshd.service runs, and the OpenRC scripts of Alpine and Gentoo run
ssh-keygen(1).  Debian 13's ``sshd-keygen.service`` does it on the first boot alone, which no other makes up for: where
the power is cut when that boot has its machine-id on the disk and the keys only in memory, there are never any.
"""

from __future__ import annotations

from bootagent.services import UNIT_DIRS, read_enabled, read_init

TYPE_CHECKING = False
if TYPE_CHECKING:
    from bootagent.image.tree import Tree

SSHD = ("/usr/sbin/sshd", "/usr/bin/sshd", "/sbin/sshd", "/usr/lib/ssh/sshd")
KEYGEN = "/usr/bin/ssh-keygen"
KEYS = ("/etc/ssh/ssh_host_*_key", "/etc/ssh/ssh_host_*_key.pub", "/etc/ssh/ssh_host_*_key-cert.pub")
UNIT = "bootagent-hostkeys.service"
UNITS = ("*ssh*.service", "*ssh*.target")
SCRIPTS = ("/etc/init.d/sshd", "/etc/init.d/ssh")
ONCE = "ConditionFirstBoot=yes"
MAKERS = ("ssh-keygen", "sshd-keygen", "sshd-gen-keys")  # what such a unit or script runs or wants


def lack_maker(tree: Tree) -> bool:
    """Whether the image has sshd, and nothing of its own makes host keys on each boot that finds none."""
    return any(map(tree.root.exists, SSHD)) and not _has_maker(tree)


def faults(tree: Tree) -> list[str]:
    """What is wrong with an image that will not get keys: a sealed one has none."""
    if not lack_maker(tree) or UNIT in read_enabled(tree.root, read_init(tree.root)):
        return []
    return ["/etc/ssh: not each boot that finds no host keys makes them, and a sealed image has none"]


def _has_maker(tree: Tree) -> bool:
    if read_init(tree.root) == "openrc":
        return any(_runs_maker(tree, path) for path in SCRIPTS)
    units = tree.match(*(f"{directory}/{unit}" for directory in (*UNIT_DIRS, "/lib/systemd/system") for unit in UNITS))
    return any(_runs_maker(tree, path) for path in units if not path.endswith(UNIT))


def _runs_maker(tree: Tree, path: str) -> bool:
    lines = [line for line in tree.text(path).split("\n") if not line.lstrip().startswith("#")]
    return any(maker in line for line in lines for maker in MAKERS) and ONCE not in lines
