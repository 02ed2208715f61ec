# SPDX-License-Identifier: Apache-2.0
"""What a boot leaves to units that run after it, as files in /run.

``user-data``, where the option says so: ``{"source": "configdrive", "path": "/dev/vdb", "instance": "..."}``, until
bootagent-userdata.service takes it.  ``random-seed``: the bytes that bootagent-seed.service credits to the kernel.
``to-verify``, where an option says so: bootagent-verify.service is to look what the kernel has, and where the file says
``revert`` a network by which nobody is reached is given up (``revert.py``).
The first two are for an instance once: a script that ran twice may do harm, and a seed that is credited twice is no
entropy.
"""

from __future__ import annotations

from bootagent.jsontext import format_json
from bootagent.model.instance import Problem
from bootagent.model.plan import File
from bootagent.record import Record
from bootagent.state import REVERTS, SEED, TO_VERIFY, USER_DATA, user_data_run

TYPE_CHECKING = False
if TYPE_CHECKING:
    from bootagent.boot import Prepared
    from bootagent.commit import Writer
    from bootagent.root import Root
    from bootagent.sources import Found


class Later(Record):
    """What is left to do."""

    awaited: tuple[str, ...] = ()  # files that will be there when it is done: a boot without them must look again
    problems: tuple[Problem, ...] = ()


def hand_over(root: Root, writer: Writer, prepared: Prepared) -> Later:
    """Make the files, after all else is written."""
    found = prepared.found
    options = prepared.options
    reverts = options.on_failure == "revert"
    files = [File(TO_VERIFY, REVERTS if reverts else "")] if options.verify == "on" or reverts else []
    later = _for_instance(root, writer, prepared, found, files) if found else Later()
    changes = [writer.write(file, durable=False) for file in files]
    failed = tuple(Problem("error", change.path, change.error) for change in changes if change.error)
    return later._replace(problems=later.problems + failed)


def _for_instance(root: Root, writer: Writer, prepared: Prepared, found: Found, files: list[File]) -> Later:
    """What the source gave for later; its files are added to ``files``."""
    instance, manifest, options = found.instance, prepared.manifest, prepared.options
    later = Later()
    # The manifest, which is on the disk by now, says whose first boot this was, also where the power fails at once.
    if instance.seed and instance.id and instance.id != manifest.instance:
        writer.mix(instance.seed)
        if found.is_drive:  # what came by HTTP may have been seen on the way
            files.append(File(SEED, instance.seed.decode("utf-8", "surrogateescape"), 0o600))
    if options.user_data == "scripts" and not instance.id:
        later = Later(problems=(Problem("warning", "user data", "not run: the source does not say who this is"),))
    elif options.user_data == "scripts" and instance.id:
        later = Later(awaited=(user_data_run(instance.id),))
        if not root.exists(later.awaited[0]):
            path = (options.drive or root.host_path(found.place)) if found.is_drive else ""
            waiting = {"source": found.source, "path": path, "instance": instance.id}
            files.append(File(USER_DATA, format_json(waiting) + "\n", 0o600))
    return later
