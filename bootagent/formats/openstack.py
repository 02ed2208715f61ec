# SPDX-License-Identifier: Apache-2.0
"""The documents of OpenStack, from a drive or a service: which there are, and the instance that they describe.

Source: https://docs.openstack.org/nova/latest/user/metadata.html and the other writers of the same tree.

The network is taken from the first of these places that says anything about it: network_data.json; network_info.json,
an old name of it; ``network_info`` in vendor_data.json (Rackspace); the Debian file that meta_data.json calls
``network_config`` (Proxmox, PowerVS).  A document that cannot be read at all is reported, and the next place is tried.
"""

from __future__ import annotations

from bootagent.errors import DocumentError
from bootagent.formats.meta_data import (
    hostname_from,
    parse_content_path,
    parse_hostname,
    parse_id,
    parse_keys,
    parse_seed,
)
from bootagent.formats.network_data import has_network, parse_network
from bootagent.formats.report import Report
from bootagent.jsontext import parse_json_text
from bootagent.model.instance import Instance, Problem

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from bootagent.model.network import Network

__all__ = ["hostname_from", "injected_paths", "network_config_path", "parse_documents"]

BOM = b"\xef\xbb\xbf"
MAX_DOCUMENT = 1 << 20  # bytes
# Python needs up to 240 bytes for an object and 60 for a value that take three bytes of text: these keep a document
# below 10 MiB of memory.  512 links with two networks and three routes each have 8,000 containers and 30,000 commas.
MAX_CONTAINERS = 1 << 14
MAX_COMMAS = 1 << 16
MAX_NESTING = 64

OBJECTS = ("meta_data.json", "network_data.json", "network_info.json")  # of one shape; vendor data may be any JSON
ENI = "network_config"
PLACES = (("network_data.json", ""), ("network_info.json", ""), ("vendor_data.json", "network_info."), (ENI, ""))


def parse_documents(documents: Mapping[str, bytes]) -> Instance:
    """The instance that the documents describe; any of them may be absent, and any may be broken.

    One document is in memory at a time.
    """
    problems: list[Problem] = []
    broken: set[str] = set()
    used = []
    instance = Instance()
    names_config = False
    meta = _parse("meta_data.json", documents, problems, broken)
    if isinstance(meta, dict):
        used.append("meta_data.json")
        report = Report()
        base = "meta_data.json: "
        identity, hostname = parse_id(meta, base, report), parse_hostname(meta, base, report)
        instance = Instance(
            identity,
            hostname,
            parse_keys(meta, base, report),
            origins=report.origins,
            seed=parse_seed(meta, base, report),
        )
        if meta.get("files") is not None:
            from bootagent.formats.injected import parse_files  # few drives have any

            instance = instance._replace(files=parse_files(meta["files"], f"{base}files", documents, report))
        names_config = bool(meta.get("network_config"))
        problems += report.problems()
    del meta
    network, name = _parse_first_network(documents, problems, broken)
    if name:
        used.append(name)
    elif names_config and ENI not in documents:
        problems.append(Problem("warning", "meta_data.json: network_config", "the file that it names is not there"))
    return instance._replace(network=network, broken=frozenset(broken), documents=tuple(used), problems=tuple(problems))


def network_config_path(meta_data: bytes) -> str | None:
    """Where meta_data.json says that the Debian ``interfaces`` file is: ``/content/0000``, below ``openstack/``."""
    if b"network_config" not in meta_data:
        return None
    try:
        meta = parse_json("meta_data.json", meta_data)
    except DocumentError:
        return None
    return parse_content_path(meta.get("network_config")) if isinstance(meta, dict) else None


def injected_paths(meta_data: bytes) -> tuple[str, ...]:
    """Where meta_data.json says that the content of injected files is, each once; below ``openstack/`` as above."""
    if b'"files"' not in meta_data:
        return ()
    try:
        meta = parse_json("meta_data.json", meta_data)
    except DocumentError:
        return ()
    files = meta.get("files") if isinstance(meta, dict) else None
    paths = [parse_content_path(entry) for entry in files] if isinstance(files, list) else []
    return tuple(dict.fromkeys(path for path in paths if path is not None))


def parse_json(document: str, data: bytes) -> object:
    """The value of a JSON document, bounded in size and depth; ``DocumentError`` if it has none."""
    if len(data) > MAX_DOCUMENT:
        raise DocumentError(document, "", f"more than {MAX_DOCUMENT} bytes")
    if data.count(b"{") + data.count(b"[") > MAX_CONTAINERS or data.count(b",") > MAX_COMMAS:
        raise DocumentError(document, "", f"more than {MAX_CONTAINERS} objects and lists or {MAX_COMMAS} values")
    try:
        text = data.rstrip(b"\0").removeprefix(BOM).decode("utf-8")
        value: object = parse_json_text(text)
    except UnicodeDecodeError as error:
        raise DocumentError(document, f"byte {error.start}", "not UTF-8") from None
    except ValueError as error:
        raise _document_error(document, error) from None
    except RecursionError:
        raise DocumentError(document, "", "nested too deep") from None
    if text.count("[") + text.count("{") > MAX_NESTING and _is_deep(value):
        raise DocumentError(document, "", "nested too deep")
    return value


def _document_error(document: str, error: ValueError) -> DocumentError:
    from json import JSONDecodeError

    if isinstance(error, JSONDecodeError):
        return DocumentError(document, f"line {error.lineno} column {error.colno}", "not JSON")
    return DocumentError(document, "", str(error))


def _is_deep(value: object) -> bool:
    """Whether lists and objects are nested so deep that showing one could exhaust the stack; one pass a level."""
    level: list[Any] = [value]
    for _ in range(MAX_NESTING + 1):
        level = [inner for inner in level if type(inner) in (dict, list)]
        if not level:
            return False
        level = [inner for outer in level for inner in (outer.values() if type(outer) is dict else outer)]
    return True


def _parse(name: str, documents: Mapping[str, bytes], problems: list[Problem], broken: set[str]) -> object:
    """The value of a document; None where it is absent, or broken, which is reported and noted in ``broken``."""
    data = documents.get(name)
    if data is None or name in broken:
        return None
    try:
        value = parse_json(name, data)
        if name in OBJECTS and not isinstance(value, dict):
            raise DocumentError(name, "", "not an object")
    except DocumentError as error:
        broken.add(name)
        where = f"{name}: {error.where}" if error.where else name
        problems.append(Problem("error", where, str(error)[len(where) + 2 :]))
        return None
    return value


def _parse_first_network(
    documents: Mapping[str, bytes], problems: list[Problem], broken: set[str]
) -> tuple[Network | None, str]:
    """The network of the first place that has a sound link, and the document that it is in.

    Where a document speaks of the network and nothing in it is sound, that is not the same as silence.
    """
    spoken: tuple[Network | None, str] = (None, "")
    for name, within in PLACES:
        if name == ENI:
            if ENI not in documents:
                continue
            from bootagent.formats.eni import parse_eni  # hardly any cloud still sends it: not loaded for the others

            network, found = parse_eni(documents[ENI], ENI)
        else:
            data = _parse(name, documents, problems, broken)
            if within:
                data = data.get("network_info") if isinstance(data, dict) else None
            if not has_network(data):
                continue
            network, found = parse_network(data, name, within)
        problems += found
        if network.links:
            return network, name
        spoken = spoken if spoken[1] else (network, name)
    return spoken
