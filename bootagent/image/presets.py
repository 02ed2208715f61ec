# SPDX-License-Identifier: Apache-2.0
"""What systemd's presets would make of an image's network at its first boot: systemd.preset(5), machine-id(5).

A first boot, which is one with the machine-id ``uninitialized``, applies the presets to every unit.  Distributions have
some that enable systemd-networkd, and without any line for a unit it is enabled: a second network daemon would start
beside the image's, or the image's own would not, where presets also disable.  ``seal`` writes presets, read before all
others, that say of each such unit what the image says.
"""

from __future__ import annotations

import fnmatch

from bootagent.services import UNIT_DIRS, read_enabled, read_init

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from bootagent.image.tree import Tree

GUARD = "/etc/systemd/system-preset/00-bootagent.preset"
HEADER = "# By bootagent seal: the first boot starts the network daemon that the image was built with, and no other.\n"
PLACES = tuple(f"{place}/systemd/system-preset" for place in ("/etc", "/run", "/usr/local/lib", "/usr/lib", "/lib"))
# The units by which a network daemon, or an agent like this one, comes up.
UNITS = (
    *("systemd-networkd.service", "systemd-networkd.socket", "systemd-networkd-wait-online.service"),
    *("NetworkManager.service", "NetworkManager-wait-online.service"),
    *("networking.service", "network.service", "wicked.service", "dhcpcd.service"),
    *("connman.service", "connman-wait-online.service"),
    *("cloud-init-local.service", "cloud-init-main.service", "cloud-init-network.service", "cloud-init.service"),
    *("cloud-config.service", "cloud-final.service", "glean-early.service", "glean-networkd.service"),
)


def contradictions(tree: Tree) -> Mapping[str, str]:
    """The units of which the presets would change whether they start; "enable" or "disable" as the image has them."""
    if read_init(tree.root) != "systemd":
        return {}
    policy = _policy(tree)
    enabled = read_enabled(tree.root, "systemd")
    found = {}
    for unit in UNITS:
        if _can_be_enabled(tree, unit):
            state = "enable" if unit in enabled else "disable"
            if _verdict(policy, unit) not in (state, "ignore"):
                found[unit] = state
    return found


def guard(tree: Tree) -> str | None:
    """What the presets of ours must say, ``None`` where none are needed."""
    lines = "".join(f"{state} {unit}\n" for unit, state in contradictions(tree).items())
    return HEADER + lines if lines else None


def _policy(tree: Tree) -> list[tuple[str, str]]:
    """The lines of all presets but our guard, in the order in which they are asked: the first that fits decides."""
    files: dict[str, str] = {}
    for directory in PLACES:
        for name in tree.root.names(directory):
            if name.endswith(".preset"):
                files.setdefault(name, f"{directory}/{name}")
    lines = []
    for name in sorted(files):
        if files[name] != GUARD:
            words = map(str.split, tree.text(files[name]).split("\n"))
            lines += [(line[0], line[1]) for line in words if len(line) > 1 and line[0][0] not in "#;"]
    return lines


def _verdict(policy: list[tuple[str, str]], unit: str) -> str:
    return next((verb for verb, pattern in policy if fnmatch.fnmatchcase(unit, pattern)), "enable")


def _can_be_enabled(tree: Tree, unit: str) -> bool:
    """Whether it is installed, says what would start it, which is more than an alias, and is not masked."""
    for directory in (*UNIT_DIRS, "/lib/systemd/system"):
        path = f"{directory}/{unit}"
        if tree.root.link(path) == "/dev/null":
            return False
        if tree.is_file(path):
            return any(line.startswith(("WantedBy=", "RequiredBy=")) for line in tree.text(path).split("\n"))
    return False
