# SPDX-License-Identifier: Apache-2.0
"""The network's files as they were before they last changed: what a network that does not work is given up for.

Only where ``on-failure: revert`` asks for it.  ``/var/lib/bootagent/previous.json``, mode 0600::

    {"instance": "…", "files": [{"path": "/etc/…", "content": "…", "mode": 416, "owner": "0:998"}]}
"""

from __future__ import annotations

import os
import stat

from bootagent.jsontext import format_json, parse_json_text
from bootagent.model.plan import File
from bootagent.planners.network import AREA, FALLBACK

TYPE_CHECKING = False
if TYPE_CHECKING:
    from bootagent.boot import Prepared
    from bootagent.commit import Writer
    from bootagent.root import Root

PREVIOUS = "/var/lib/bootagent/previous.json"


def keep_previous(root: Root, writer: Writer, prepared: Prepared) -> None:
    """Before the network's files change for what a document says: remember what they were."""
    if prepared.decision.network is None:
        return
    old = [path for path, entry in prepared.manifest.files.items() if entry.area == AREA]
    try:
        # Links are the backend's own, and stay.
        read = {path: root.read(path) for path in old if root.link(path) is None}
        rights = {path: _rights(root, path) for path, text in read.items() if text is not None}
    except OSError:
        return  # what cannot be read cannot be gone back to
    there = {path: text.decode("utf-8", "surrogateescape") for path, text in read.items() if text is not None}
    files = [file for file in prepared.decision.plan.files if file.area in (AREA, FALLBACK)]
    if there and there != {file.path: file.content for file in files}:
        kept = [{"path": path, "content": text, **rights[path]} for path, text in there.items()]
        document = {"instance": prepared.manifest.instance, "files": kept}
        writer.write(File(PREVIOUS, format_json(document) + "\n", 0o600))


def read_previous(root: Root, instance: str | None) -> tuple[File, ...]:
    """The files; none where they are another instance's, or the memory is damaged."""
    try:
        data = parse_json_text((root.read(PREVIOUS) or b"{}").decode())
        if data["instance"] != instance:
            return ()
        return tuple(
            File(str(item["path"]), str(item["content"]), int(item["mode"]), str(item["owner"]), area=AREA)
            for item in data["files"]
        )
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return ()


def _rights(root: Root, path: str) -> dict[str, object]:
    """Who may read it: networkd runs as a user of its own, and NetworkManager takes no file that others may read."""
    fd = root.open_file(path)
    try:
        status = os.fstat(fd)
    finally:
        os.close(fd)
    return {"mode": stat.S_IMODE(status.st_mode), "owner": f"{status.st_uid}:{status.st_gid}"}
