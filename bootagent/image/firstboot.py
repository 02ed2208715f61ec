# SPDX-License-Identifier: Apache-2.0
"""The questions that systemd asks at a first boot, on the console, and waits for without an end: systemd-firstboot(1).

It asks for what the image does not set: the locale where there are several, the keymap, the time zone, root's password.
Nobody sits at the console of a clone, and sshd starts after this.  A drop-in has it ask nothing; what the hypervisor
gives it as credentials, it still sets.
"""

from __future__ import annotations

from bootagent.services import UNIT_DIRS, read_enabled, read_init

TYPE_CHECKING = False
if TYPE_CHECKING:
    from bootagent.image.tree import Tree

UNIT = "systemd-firstboot.service"
DROP_IN = f"/etc/systemd/system/{UNIT}.d/50-bootagent.conf"
HEADER = "# By bootagent seal: nobody is there to answer.\n"
# What a word of its command line asks for, and the files of which one answers.
QUESTIONS = {
    "--prompt": (),
    "--prompt-locale": ("/etc/locale.conf", "/etc/default/locale"),
    "--prompt-keymap": ("/etc/vconsole.conf",),
    "--prompt-timezone": ("/etc/localtime",),
}


def quiet(tree: Tree) -> str | None:
    """What the drop-in must say, ``None`` where the first boot has no question."""
    if read_init(tree.root) != "systemd" or UNIT not in read_enabled(tree.root, "systemd"):
        return None
    lines = _unit(tree).split("\n")
    command = next((line.partition("=")[2].split() for line in lines if line.startswith("ExecStart=")), [])
    if not any(_asks(tree, word) for word in command):
        return None
    rest = " ".join(word for word in command if not word.startswith("--prompt"))
    return f"{HEADER}[Service]\nExecStart=\nExecStart={rest}\nStandardInput=null\nStandardOutput=journal\n"


def _unit(tree: Tree) -> str:
    paths = (f"{directory}/{UNIT}" for directory in (*UNIT_DIRS, "/lib/systemd/system"))
    return next(filter(None, map(tree.text, paths)), "")


def _asks(tree: Tree, word: str) -> bool:
    if word == "--prompt-root-password":
        rows = (line.split(":") for line in tree.text("/etc/shadow").split("\n"))
        return not any(row[0] == "root" and row[1:2] not in ([], [""], ["!unprovisioned"]) for row in rows)
    return word in QUESTIONS and not any(map(tree.root.exists, QUESTIONS[word]))
