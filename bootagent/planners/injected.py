# SPDX-License-Identifier: Apache-2.0
"""Files that the cloud injects: written as they are, for root alone.

Whoever injects a file gives it no mode.  cloud-init takes 0660 (``write_injected_files`` of its DataSourceConfigDrive),
which with root's own group lets in nobody but root: 0600 says so.
What a drive does not speak of stays, because nova keeps no files: the drive of a rebuilt instance has none any more.
"""

from __future__ import annotations

from bootagent.model.instance import Problem
from bootagent.model.plan import File, Plan

TYPE_CHECKING = False
if TYPE_CHECKING:
    from bootagent.model.instance import Instance
    from bootagent.state import Manifest

AREA = "files"
# What the unit may write to (ReadWritePaths= of bootagent.service) and outlives the boot.
PLACES = ("/etc/", "/home/", "/root/", "/var/lib/")
OURS = ("/etc/bootagent.yaml", "/var/lib/bootagent/")


def plan_injected(instance: Instance, manifest: Manifest, others: Plan) -> Plan:
    """The files that have a place where they may be; ``others`` is what all other planners want."""
    taken = {file.path for file in others.files}
    taken |= {path for path, entry in manifest.files.items() if entry.area != AREA}
    files = []
    problems = []
    for file in instance.files or ():
        if file.path in taken or file.path.startswith(OURS):
            problems.append(Problem("error", file.where, f"{file.path} is written by bootagent itself: left out"))
        elif not file.path.startswith(PLACES):
            problems.append(Problem("error", file.where, f"{file.path} is not below {', '.join(PLACES)}: left out"))
        else:
            files.append(File(file.path, file.content, 0o600, area=AREA))
    return Plan(tuple(files), problems=tuple(problems), areas=frozenset((AREA,)))
