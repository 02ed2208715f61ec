# SPDX-License-Identifier: Apache-2.0
"""Who runs an image's network at next boot, and which other agents would configure it too."""

from __future__ import annotations

from bootagent.host import Host
from bootagent.renderers import running
from bootagent.services import read_enabled, read_init, read_installed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from bootagent.image.tree import Tree

# Daemons that no renderer writes for, and that configure every device that they find.
OTHERS = ("dhcpcd", "connman")
# glean is started by udev where it is not started by a unit that is enabled.
GLEAN_RULES = ("/etc/udev/rules.d/99-glean.rules", "/usr/lib/udev/rules.d/99-glean.rules")
CLOUD_INIT_OFF = "/etc/cloud/cloud-init.disabled"


def daemons(tree: Tree) -> dict[str, str]:
    """The network daemons that start at next boot, each with the fact that says so; netplan only with none of its own.

    netplan is a generator: what it writes for is one of the others.
    """
    root = tree.root
    init = read_init(root)
    enabled = read_enabled(root, init)
    found = dict(running(Host(init=init, enabled=enabled, installed=read_installed(root))))
    if len(found) > 1:
        found.pop("netplan", None)
    for service in sorted(enabled & {*OTHERS, *(f"{name}.service" for name in OTHERS)}):
        found[service.partition(".")[0]] = f"{service} is enabled"
    return found


def agents(tree: Tree) -> dict[str, str]:
    """cloud-init and glean, where they are to start, each with the fact that says so."""
    enabled = read_enabled(tree.root, read_init(tree.root))
    found = {}
    services = sorted((name for name in enabled if name.startswith("cloud-init")), key=len)
    if services and not tree.root.exists(CLOUD_INIT_OFF):
        found["cloud-init"] = f"{services[0]} is enabled"
    services = sorted(name for name in enabled if name.startswith("glean"))
    rules = [path for path in GLEAN_RULES if tree.root.exists(path)]
    if services or rules:
        found["glean"] = f"{services[0]} is enabled" if services else f"{rules[0]} is there"
    return found
