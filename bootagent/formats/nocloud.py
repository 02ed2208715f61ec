# SPDX-License-Identifier: Apache-2.0
"""The documents of NoCloud and the instance that they describe.

Source: https://docs.cloud-init.io/en/latest/reference/datasources/nocloud.html.  The network is that of network-config,
or else of the Debian file that meta-data holds as ``network-interfaces``.
"""

from __future__ import annotations

from bootagent.errors import DocumentError
from bootagent.formats.meta_data import parse_hostname, parse_id, parse_keys
from bootagent.formats.report import Report
from bootagent.formats.yamltext import parse_text
from bootagent.model.instance import Instance, Problem

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from bootagent.model.network import Network

META_DATA = "meta-data"
NETWORK_CONFIG = "network-config"
ENI = "network-interfaces"
IDS = ("instance-id", "instance_id", "uuid")
HOSTNAMES = ("local-hostname", "local_hostname", "hostname")


def parse_documents(documents: Mapping[str, bytes]) -> Instance:
    """The instance that the documents describe; either may be absent, and either may be broken."""
    problems: list[Problem] = []
    broken: set[str] = set()
    used = []
    instance = Instance()
    meta = _parse(META_DATA, documents, problems, broken)
    if meta is not None and not isinstance(meta, dict):
        problems.append(Problem("error", META_DATA, "not a mapping"))
        broken.add(META_DATA)
    if isinstance(meta, dict):
        used.append(META_DATA)
        instance = _parse_meta_data(meta, problems)
    network, name = _parse_network(documents, meta, problems, broken)
    if name and name not in used:
        used.append(name)
    return instance._replace(network=network, broken=frozenset(broken), documents=tuple(used), problems=tuple(problems))


def _parse(name: str, documents: Mapping[str, bytes], problems: list[Problem], broken: set[str]) -> object:
    """The value of a document; None where it is absent, empty, or broken, which is reported."""
    if name not in documents:
        return None
    try:
        return parse_text(name, documents[name])
    except DocumentError as error:
        broken.add(name)
        where = f"{name}: {error.where}" if error.where else name
        problems.append(Problem("error", where, str(error)[len(where) + 2 :]))
        return None


def _parse_meta_data(meta: dict[str, Any], problems: list[Problem]) -> Instance:
    report = Report()
    base = f"{META_DATA}: "
    if meta.get("seedfrom"):
        report.warning(f"{base}seedfrom", "no other place is looked at")
    identity, hostname = parse_id(meta, base, report, IDS), parse_hostname(meta, base, report, HOSTNAMES)
    instance = Instance(identity, hostname, parse_keys(meta, base, report), origins=report.origins)
    problems += report.problems()
    return instance


def _parse_network(
    documents: Mapping[str, bytes], meta: object, problems: list[Problem], broken: set[str]
) -> tuple[Network | None, str]:
    """The network of the first place that has a sound link, and the document that it is in."""
    network: Network | None = None
    data = _parse(NETWORK_CONFIG, documents, problems, broken)
    if data is not None:
        from bootagent.formats.netconfig import parse_netconfig  # a drive without it needs none of this

        network, found = parse_netconfig(data, NETWORK_CONFIG)
        problems += found
    text = meta.get(ENI) if isinstance(meta, dict) else None
    if (network is None or not network.links) and isinstance(text, str) and text:
        from bootagent.formats.eni import parse_eni

        other, found = parse_eni(text.encode("utf-8", "replace"), f"{META_DATA}: {ENI}")
        problems += found
        if other.links or network is None:
            return other, META_DATA
    return network, NETWORK_CONFIG if network is not None else ""
