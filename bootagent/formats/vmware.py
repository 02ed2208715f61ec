# SPDX-License-Identifier: Apache-2.0
"""``guestinfo.metadata`` of VMware: JSON or YAML, packed or not, with a network configuration that may be packed again.

Source: https://docs.cloud-init.io/en/latest/reference/datasources/vmware.html.
"""

from __future__ import annotations

import binascii

from bootagent.errors import DocumentError
from bootagent.formats.meta_data import parse_hostname, parse_id, parse_keys
from bootagent.formats.netconfig import parse_netconfig
from bootagent.formats.report import Report
from bootagent.formats.yamltext import parse_text
from bootagent.model.instance import Instance, Problem
from bootagent.model.values import shown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from bootagent.model.network import Network

METADATA = "guestinfo.metadata"
ENCODING = "guestinfo.metadata.encoding"
NETWORK = f"{METADATA}: network"
BASE = f"{METADATA}: "
IDS = ("instance-id",)
HOSTNAMES = ("local-hostname", "local_hostname", "hostname")
KEYS = ("public-keys-data", "public_keys_data", "public-keys", "public_keys")
MAX_DOCUMENT = 1 << 20  # bytes, unpacked

_BASE64 = ("base64", "b64")
_GZIP = ("gzip+base64", "gz+b64")
_ALPHABET = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+/=")


def parse_documents(documents: Mapping[str, bytes]) -> Instance:
    """The instance that the metadata describes."""
    if METADATA not in documents:
        return Instance()
    problems: list[Problem] = []
    broken: set[str] = set()
    encoding = documents.get(ENCODING, b"").decode("utf-8", "replace")
    try:
        meta = parse_text(METADATA, unpack(METADATA, documents[METADATA], encoding))
        if not isinstance(meta, dict):
            raise DocumentError(METADATA, "", "not a mapping")
    except DocumentError as error:
        return Instance(broken=frozenset((METADATA,)), problems=(_problem(METADATA, error),))
    report = Report()
    identity, hostname = parse_id(meta, BASE, report, IDS), parse_hostname(meta, BASE, report, HOSTNAMES)
    keys = parse_keys(meta, BASE, report, KEYS)
    for key in ("redact", "cleanup-guestinfo"):
        if meta.get(key):
            report.warning(f"{BASE}{key}", "not done: what guestinfo holds stays there")
    network = None
    try:
        network = _parse_network(meta, problems)
    except DocumentError as error:
        broken.add(NETWORK)
        problems.append(_problem(NETWORK, error))
    problems[:0] = report.problems()
    instance = Instance(identity, hostname, keys, network, frozenset(broken), (METADATA,), report.origins)
    return instance._replace(problems=tuple(problems))


def _problem(document: str, error: DocumentError) -> Problem:
    where = f"{document}: {error.where}" if error.where else document
    return Problem("error", where, str(error)[len(where) + 2 :])


def _parse_network(meta: dict[str, Any], problems: list[Problem]) -> Network | None:
    """What ``network`` says: a configuration, or the text of one, which ``network.encoding`` is about."""
    data, encoding = meta.get("network"), meta.get("network.encoding")
    if isinstance(data, str):
        data = parse_text(NETWORK, unpack(NETWORK, data.encode("utf-8", "replace"), encoding))
    if data is None:
        return None
    network, found = parse_netconfig(data, NETWORK)
    problems += found
    return network


def unpack(document: str, data: bytes, encoding: object) -> bytes:
    """The document itself; ``DocumentError`` where it is not packed as ``encoding`` says."""
    kind = encoding.strip().lower() if isinstance(encoding, str) else encoding
    if kind in (None, ""):
        return data
    if kind not in (*_BASE64, *_GZIP):
        raise DocumentError(document, "", f"the encoding {shown(encoding)} is not known")
    packed = b"".join(data.split())
    try:
        if not _ALPHABET.issuperset(packed):
            raise binascii.Error
        content = binascii.a2b_base64(packed)
    except binascii.Error:
        raise DocumentError(document, "", "not base64") from None
    return content if kind in _BASE64 else _gunzip(document, content)


def _gunzip(document: str, data: bytes) -> bytes:
    import zlib  # hardly anybody packs it twice

    gzip = zlib.decompressobj(16 + zlib.MAX_WBITS)
    try:
        content = gzip.decompress(data, MAX_DOCUMENT + 1)
    except zlib.error:
        raise DocumentError(document, "", "not gzip") from None
    if len(content) > MAX_DOCUMENT:
        raise DocumentError(document, "", f"more than {MAX_DOCUMENT} bytes")
    if not gzip.eof:
        raise DocumentError(document, "", "the gzip data is cut off")
    return content
