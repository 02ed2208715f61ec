# SPDX-License-Identifier: Apache-2.0
"""meta_data.json: who this instance is, and who may log in.

Source: https://docs.openstack.org/nova/latest/user/metadata.html#openstack-format-metadata, and the keys that other
writers of this file use.  It holds secrets too: ``admin_pass`` is never looked at, ``random_seed`` never shown.
"""

from __future__ import annotations

from bootagent.formats.base64text import parse_base64
from bootagent.model.sshkey import SshKey
from bootagent.model.values import Hostname, Secret, shown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from bootagent.formats.report import Report

IDS = ("uuid", "instance_id", "instance-id")
HOSTNAMES = ("hostname", "local-hostname", "local_hostname", "name")
KEYS = ("keys", "public_keys", "public-keys")
MAX_ID = 128
MAX_KEYS = 1000
MAX_SEED = 4096  # bytes; nova sends 512
MAX_DEPTH = 3  # public_keys: a dict of lists of records, at most

_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
_HOST_CHARS = _LETTERS | frozenset("0123456789-.")


def parse_id(meta: dict[str, Any], base: str, report: Report, keys: Sequence[str] = IDS) -> str | None:
    """The instance's identity: any printable text, not always a UUID; the first of ``keys`` that says one."""
    for key in keys:
        value = meta.get(key)
        if value is None or value == "":
            continue
        text = str(value) if isinstance(value, int) else value.strip() if isinstance(value, str) else ""
        if 1 <= len(text) <= MAX_ID and text.isascii() and text.isprintable():
            report.origin("id", base, (key,))
            return text
        report.warning(f"{base}{key}", f"not printable ASCII of 1 to {MAX_ID} bytes")
    return None


def parse_hostname(meta: dict[str, Any], base: str, report: Report, keys: Sequence[str] = HOSTNAMES) -> Hostname | None:
    """The host name; the display name, which is free text in any case, only where there is nothing better."""
    for key in keys:
        value = meta.get(key)
        if value is None or value == "":
            continue
        text = value.lower() if key == "name" and isinstance(value, str) else value
        hostname = hostname_from(text)
        if hostname is None:
            report.warning(f"{base}{key}", f"{shown(value)} is no usable host name")
            continue
        if hostname != value:
            report.info(f"{base}{key}", f"{shown(value)} is used as {shown(hostname)}")
        report.origin("hostname", base, (key,), (other for other in keys if other != key and meta.get(other)))
        return hostname
    return None


def hostname_from(text: object) -> Hostname | None:
    """What of ``text`` the kernel can take for a host name, domain included where it fits; ``None`` if nothing."""
    if not isinstance(text, str):
        return None
    text = "".join(["-" if char == "_" or char.isspace() else char for char in text[:1024].strip()])
    labels = []
    for part in "".join(filter(_HOST_CHARS.__contains__, text)).split("."):
        label = part.strip("-")[:63].rstrip("-")
        if label:
            labels.append(label)
    name = ".".join(labels)
    if len(name) > Hostname.MAX or (len(labels) > 1 and labels[-1].isdigit()):  # "node.1", but not "10.0.0.5"
        name = labels[0] if not labels[0].isdigit() else ""
    if name.lower() in ("localhost", "localhost.localdomain"):
        return None
    return Hostname(name) if name else None


def parse_content_path(entry: object) -> str | None:
    """Where the file of an entry is, as ``/content/<name>``; ``None`` if that is nowhere, or elsewhere."""
    path = entry.get("content_path") if isinstance(entry, dict) else None
    if not isinstance(path, str) or not path.startswith("/content/"):
        return None
    name = path[len("/content/") :]
    sound = name.replace("-", "").replace("_", "").replace(".", "").isalnum() and ".." not in name
    return path if sound and name.isascii() and len(name) <= 64 else None


def parse_seed(meta: dict[str, Any], base: str, report: Report) -> Secret | None:
    """The bytes for the kernel's random pool; base64 with white space in it has been seen."""
    value = meta.get("random_seed")
    if value is None or value == "":
        return None
    try:
        seed = Secret(parse_base64(value.encode()))
    except (AttributeError, ValueError):
        report.warning(f"{base}random_seed", "not base64")
        return None
    if not 1 <= len(seed) <= MAX_SEED:
        report.warning(f"{base}random_seed", f"not 1 to {MAX_SEED} bytes")
        return None
    return seed


class _Keys:
    """Public keys by identity, in order; a value that is no key is never shown, it may be a secret."""

    def __init__(self, report: Report) -> None:
        self.found: dict[str, SshKey] = {}
        self.report = report
        self.is_full = False

    def add(self, value: object, where: str, depth: int = 0) -> None:
        """Take the keys of a text, of a list or a dict of such, or of a record with a ``type`` and ``data``."""
        if value is None:
            return
        if isinstance(value, str):
            self._add_text(value, where)
        elif isinstance(value, list) and depth < MAX_DEPTH:
            for index, item in enumerate(value):
                self.add(item, f"{where}[{index}]", depth + 1)
        elif isinstance(value, dict) and depth < MAX_DEPTH:
            if "type" in value and "data" in value:
                self._add_record(value, where, depth + 1)
            else:
                for name, item in value.items():
                    self.add(item, f"{where}[{shown(name)}]", depth + 1)
        else:
            self.report.warning(where, "not a public key")

    def _add_record(self, record: dict[str, Any], where: str, depth: int) -> None:
        if record.get("type") == "x509":
            self.report.info(where, "an X.509 certificate, which sshd cannot use, is left out")
        else:
            self.add(record["data"], f"{where}.data", depth)

    def _add_text(self, text: str, where: str) -> None:
        block = False
        for number, raw in enumerate(text.splitlines(), 1):
            line = raw.strip()
            if line.startswith("----"):
                block = "BEGIN" in line
                if block:
                    self.report.info(f"{where}: line {number}", "a block that is no OpenSSH public key is left out")
            elif line and not block and not line.startswith("#"):
                self._add_line(line, where if number == 1 else f"{where}: line {number}")

    def _add_line(self, line: str, where: str) -> None:
        if len(self.found) >= MAX_KEYS:
            if not self.is_full:
                self.report.warning(where, f"more than {MAX_KEYS} keys, the rest left out")
            self.is_full = True
            return
        try:
            key = SshKey(line)
        except ValueError:
            self.report.warning(where, "not an OpenSSH public key")
            return
        self.found.setdefault(key.identity, key)


def parse_keys(meta: dict[str, Any], base: str, report: Report, places: Sequence[str] = KEYS) -> tuple[SshKey, ...]:
    """The keys of all ``places`` where they may stand, each once."""
    keys = _Keys(report)
    for place in places:
        keys.add(meta.get(place), f"{base}{place}")
    report.origin("ssh_keys", base, [place for place in places if meta.get(place)])
    return tuple(keys.found.values())
