# SPDX-License-Identifier: Apache-2.0
"""``files`` of meta_data.json: files that whoever made the instance wants on it.

Source: https://docs.openstack.org/nova/latest/user/metadata.html, and nova's ``InstanceMetadata``: a list of
``{"path": "/etc/x", "content_path": "/content/0000"}``, on a drive only.
"""

from __future__ import annotations

from bootagent.formats.meta_data import parse_content_path
from bootagent.formats.openstack import MAX_DOCUMENT
from bootagent.model.instance import InjectedFile
from bootagent.model.values import FilePath, shown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from bootagent.formats.report import Report

MAX_FILES = 256  # nova's quota is 5 by default
MAX_BYTES = MAX_DOCUMENT  # of all together


def parse_files(
    value: object, where: str, documents: Mapping[str, bytes], report: Report
) -> tuple[InjectedFile, ...] | None:
    """The files whose path is sound and whose content is among the documents; ``None`` where it is no list of any."""
    if not isinstance(value, list):
        report.warning(where, "not a list")
        return None
    if len(value) > MAX_FILES:
        report.error(where, f"more than {MAX_FILES} files, the rest left out")
    found: dict[str, InjectedFile] = {}
    left = MAX_BYTES
    for index, entry in enumerate(value[:MAX_FILES]):
        place = f"{where}[{index}]"
        file = _parse_file(entry, place, documents, report)
        if file is None:
            continue
        left -= len(documents[str(parse_content_path(entry))])
        if left < 0:
            report.error(place, f"more than {MAX_BYTES} bytes together, this file and all after it left out")
            break
        if file.path in found:
            report.warning(found[file.path].where, f"{file.path} is named again: the last one counts")
        found[file.path] = file
    return tuple(found.values())


def _parse_file(entry: object, where: str, documents: Mapping[str, bytes], report: Report) -> InjectedFile | None:
    if not isinstance(entry, dict):
        report.error(where, "not an object")
        return None
    try:
        path = FilePath(entry.get("path"))
    except ValueError as error:
        report.error(f"{where}.path", str(error))
        return None
    content_path = parse_content_path(entry)
    if content_path is None:
        report.error(f"{where}.content_path", f"{shown(entry.get('content_path'))} is not below /content")
        return None
    if content_path not in documents:
        report.error(f"{where}.content_path", f"{content_path} is not there")
        return None
    return InjectedFile(path, documents[content_path].decode("utf-8", "surrogateescape"), where)
