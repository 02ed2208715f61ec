# SPDX-License-Identifier: Apache-2.0
"""Who the machine is, and its secrets: machine-id(5), SSH host keys, random seeds, the key of systemd-creds(1)."""

from __future__ import annotations

from bootagent.image import firstboot, hostkeys, presets
from bootagent.image.traces import Trace, places
from bootagent.services import read_init

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from bootagent.image.tree import Tree

MACHINE_ID = "/etc/machine-id"
DBUS_ID = "/var/lib/dbus/machine-id"
# Empty would do for the id itself.  But only this word makes the first boot one (ConditionFirstBoot), which units such
# as Debian 13's sshd-keygen.service wait for, and it stays until that boot is complete.
UNSET = "uninitialized\n"
SECRETS = (
    ("an SSH host key, the same in every clone", (*hostkeys.KEYS, "/etc/dropbear/dropbear_*_host_key")),
    (
        "a random seed, the same in every clone",
        (
            *("/var/lib/systemd/random-seed", "/var/lib/urandom/random-seed", "/var/lib/misc/random-seed"),
            *("/var/lib/random-seed", "/etc/random-seed", "/var/lib/seedrng/seed.*", "/var/lib/seedrng/*seed"),
            *("/boot/loader/random-seed", "/efi/loader/random-seed", "/boot/efi/loader/random-seed"),
        ),
    ),
    ("the key of the machine's credentials, the same in every clone", ("/var/lib/systemd/credential.secret",)),
)


def find(tree: Tree) -> Iterator[Trace]:
    """The traces of this kind."""
    yield from _machine_id(tree)
    yield from places(tree, SECRETS)
    wanted = presets.guard(tree)
    if wanted is None:
        yield from places(tree, (("presets of an earlier seal, which nothing needs any more", (presets.GUARD,)),))
    elif tree.text(presets.GUARD) != wanted:
        opposite = {"enable": "disable", "disable": "enable"}
        changes = ", ".join(f"{opposite[state]} {unit}" for unit, state in presets.contradictions(tree).items())
        yield Trace(presets.GUARD, f"without it, presets at the first boot {changes}", wanted)
    wanted = firstboot.quiet(tree)
    if wanted is not None and tree.text(firstboot.DROP_IN) != wanted:
        yield Trace(firstboot.DROP_IN, "without it, the first boot may wait for an answer at the console", wanted)


def _machine_id(tree: Tree) -> Iterator[Trace]:
    init = read_init(tree.root)
    held = tree.text(MACHINE_ID).strip()
    if init == "systemd":
        if held != UNSET.strip():
            harm = "the same machine-id in every clone" if held else "no machine-id, and no mark of a first boot"
            yield Trace(MACHINE_ID, harm, UNSET)
    elif tree.root.exists(MACHINE_ID):  # dbus-uuidgen(1) makes one where there is none, and takes no other word for it
        yield Trace(MACHINE_ID, "the same machine-id in every clone")
    if tree.is_file(DBUS_ID):  # else a link to the above; systemd would take its own id from here
        yield Trace(DBUS_ID, "the same machine-id in every clone")
