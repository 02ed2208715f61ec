# SPDX-License-Identifier: Apache-2.0
"""A NIC that came or went on a running machine: the source is read again, and what changed is applied.

The same pipeline as a boot's, one at a time: it waits for an agent that is at work.  udev leaves a note for each NIC,
``/run/udev/bootagent-NAME`` (90-bootagent.rules), and ``bootagent-hotplug.service`` is started as long as there are
any.  They are taken before anything is read: what comes while the agent works leaves another.
"""

from __future__ import annotations

import time

from bootagent.boot import carry_out, prepare
from bootagent.commit import RUN_DIR, Lock, Writer
from bootagent.host import read_cmdline
from bootagent.inputs import read_inputs
from bootagent.options import is_off
from bootagent.reload import UMASK, plan_reload, write_script
from bootagent.state import WALKED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from bootagent.boot import Result
    from bootagent.root import Root

STAGE = "hot-plug"
DEADLINE = 60.0  # seconds for a service: this machine has a network, or waits for no one with it
NOTE = "/run/udev/bootagent-"
RELOAD = f"{RUN_DIR}/reload-hotplug"


def apply_hotplug(root: Root) -> Result | str:
    """The boot once more, or why there is nothing to do."""
    if is_off(read_cmdline(root)):
        return "off, by the kernel command line"
    with Lock(root, waits=True):
        names = take_notes(root)
        inputs = read_inputs(root)
        # A NIC that is still to come leaves a note when it does: nothing is waited for.
        prepared = prepare(root, {}, waits=False, online=time.monotonic() + DEADLINE)._replace(stage=STAGE)
        result = carry_out(root, prepared, inputs)
        lines, problems = plan_reload(result, names)
        problems += write_script(root, prepared, RELOAD, (UMASK, *lines) if lines else ())
        return result._replace(problems=(*result.problems, *problems))


def take_notes(root: Root) -> frozenset[str]:
    """The names of the NICs that came or went; later notes of udev's are new ones, and so are the steps of a revert."""
    directory, _, prefix = NOTE.rpartition("/")
    names = [name[len(prefix) :] for name in root.names(directory) if name.startswith(prefix)]
    writer = Writer(root)
    for name in names:
        writer.run("remove", f"{NOTE}{name}")
    if root.exists(WALKED):  # this is another machine: on it the document's network may be the one that works
        writer.run("remove", WALKED)
    writer.close()
    return frozenset(names)
