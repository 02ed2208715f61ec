# SPDX-License-Identifier: Apache-2.0
"""What the agents of first boots leave: our state and what we configured, and cloud-init's.

What stands in a file beside a part of ours stays; so does a file of ours that a person edited.
"""

from __future__ import annotations

from bootagent.image.traces import Trace, places
from bootagent.planners.hostname import HOSTS, MARK
from bootagent.planners.ssh_keys import BEGIN, edit_keys
from bootagent.state import read_manifest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from bootagent.image.tree import Tree

ROOT_KEYS = "/root/.ssh/authorized_keys"
STATE = ("what bootagent remembers of an instance", ("/var/lib/bootagent",))
CLOUD_INIT = (
    "what cloud-init or an installer says of an instance",
    (
        *("/var/lib/cloud/*", "/etc/cloud/cloud.cfg.d/*curtin*.cfg", "/etc/cloud/cloud.cfg.d/99-installer.cfg"),
        "/etc/cloud/cloud.cfg.d/subiquity-disable-cloudinit-networking.cfg",
    ),
)
RUNNING = ("what an agent says of one boot", ("/run/bootagent", "/run/cloud-init"))


def find(tree: Tree) -> Iterator[Trace]:
    """The traces of this kind."""
    manifest, _ = read_manifest(tree.root)
    for path in sorted(manifest.found):
        if not manifest.files[path].block and not manifest.is_edited(path):
            yield Trace(path, "written by bootagent for one instance")
    yield from _keys(tree)
    lines = tree.text(HOSTS).split("\n")
    others = [line for line in lines if not line.rstrip().endswith(MARK)]
    if others != lines:
        yield Trace(HOSTS, "the name of one instance", "\n".join(others))
    yield from places(tree, (STATE, CLOUD_INIT) if tree.root.live else (STATE, CLOUD_INIT, RUNNING))


def _keys(tree: Tree) -> Iterator[Trace]:
    homes = {row[5] for row in (line.split(":") for line in tree.text("/etc/passwd").split("\n")) if len(row) == 7}
    for path in sorted({ROOT_KEYS, *(f"{home}/.ssh/authorized_keys" for home in homes if home.startswith("/"))}):
        text = tree.text(path)
        if BEGIN in text.split("\n"):
            rest = edit_keys(text, ())
            yield Trace(path, "keys that one instance got from its cloud", rest or None)
