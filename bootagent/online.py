# SPDX-License-Identifier: Apache-2.0
"""The second half of a boot whose source is a service: it is asked as soon as the network that it needs is there.

The same pipeline as the first half.  What changes of a network that is up already, its daemon is told by
the unit, which runs the script that is written here with the powers that the agent has not.
"""

from __future__ import annotations

import time

from bootagent.boot import carry_out, prepare
from bootagent.commit import Lock
from bootagent.host import read_cmdline
from bootagent.options import is_off
from bootagent.reload import UMASK, plan_reload, write_script

TYPE_CHECKING = False
if TYPE_CHECKING:
    from bootagent.boot import Result
    from bootagent.root import Root

STAGE = "online"
DEADLINE = 120.0  # seconds: a DHCP server behind spanning tree has needed 60
RELOAD = "/run/bootagent/reload"


def apply_online(root: Root) -> Result | str:
    """The boot with a network, or why there is nothing to do."""
    if is_off(read_cmdline(root)):
        return "off, by the kernel command line"
    with Lock(root):
        prepared = prepare(root, {}, online=time.monotonic() + DEADLINE)._replace(stage=STAGE)
        result = carry_out(root, prepared, None)
        lines, problems = plan_reload(result)
        problems += write_script(root, prepared, RELOAD, (UMASK, *lines) if lines else ())
        return result._replace(problems=(*result.problems, *problems))
