# SPDX-License-Identifier: Apache-2.0
"""System credentials of systemd that say who the instance is and who may log in.

Source: systemd.system-credentials(7), https://www.freedesktop.org/software/systemd/man/latest/systemd.system-credentials.html.
"""

from __future__ import annotations

import binascii

from bootagent.formats.meta_data import parse_hostname, parse_keys
from bootagent.formats.report import Report
from bootagent.model.instance import Instance

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

SSH_KEYS = "ssh.authorized_keys.root"
HOSTNAME = "system.hostname"
CREDENTIALS = (SSH_KEYS, HOSTNAME)
_BASE64 = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+/=")


def parse_documents(documents: Mapping[str, bytes]) -> Instance:
    """The instance that the credentials describe; keys are not said where there is no credential of them."""
    report = Report()
    texts: dict[str, str] = {}
    broken: set[str] = set()
    for name in CREDENTIALS:
        if name in documents:
            try:
                texts[name] = documents[name].rstrip(b"\0").decode("utf-8").strip()
            except UnicodeDecodeError as error:
                report.error(f"{name}: byte {error.start}", "not UTF-8")
                broken.add(name)
    keys = parse_keys(texts, "", report, (SSH_KEYS,)) if SSH_KEYS in texts else None
    hostname = parse_hostname(texts, "", report, (HOSTNAME,))
    instance = Instance(None, hostname, keys, documents=tuple(texts), origins=report.origins)
    return instance._replace(broken=frozenset(broken), problems=report.problems())


def parse_strings(strings: Iterable[str]) -> dict[str, bytes | None]:
    """The credentials among the OEM strings of the SMBIOS, of two of one name the first, as systemd takes them.

    ``None`` for one whose value is no base64 and should be.
    """
    found: dict[str, bytes | None] = {}
    for text in strings:
        kind, _, assignment = text.partition(":")
        name, equals, value = assignment.partition("=")
        if equals and kind == "io.systemd.credential":
            found.setdefault(name, value.encode())
        elif equals and kind == "io.systemd.credential.binary":
            found.setdefault(name, _decode(value))
    return found


def _decode(text: str) -> bytes | None:
    text = "".join(text.split())
    try:
        return binascii.a2b_base64(text) if _BASE64.issuperset(text) else None
    except binascii.Error:
        return None
