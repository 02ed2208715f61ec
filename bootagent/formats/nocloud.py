# SPDX-License-Identifier: Apache-2.0
"""The documents of NoCloud and the instance that they describe.

Source: https://docs.cloud-init.io/en/latest/reference/datasources/nocloud.html.  The network is that of network-config,
or else of the Debian file that meta-data holds as ``network-interfaces``.  Keys and host name may stand in user-data
alone, where that is a ``#cloud-config``.
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
USER_DATA = "user-data"
ENI = "network-interfaces"
IDS = ("instance-id", "instance_id", "uuid")
HOSTNAMES = ("local-hostname", "local_hostname", "hostname")


def parse_documents(documents: Mapping[str, bytes]) -> Instance:
    """The instance that the documents describe; any of them may be absent, and any may be broken."""
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
    data = documents.get(USER_DATA, b"")
    if data.strip():
        before = instance
        instance = _add_user_data(instance, data, problems, broken)
        if (instance.hostname, instance.ssh_keys) != (before.hostname, before.ssh_keys) and USER_DATA not in broken:
            used.append(USER_DATA)
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


def _add_user_data(instance: Instance, data: bytes, problems: list[Problem], broken: set[str]) -> Instance:
    """``instance`` with what of host name and keys only user data has; what else it wants is named."""
    from bootagent.formats import cloud_config  # most drives have none

    if not cloud_config.is_cloud_config(data):
        problems.append(Problem("info", USER_DATA, "not looked at here: see the option user-data"))
        return instance
    said, others = cloud_config.parse_cloud_config(data, USER_DATA)
    problems += said.problems
    if said.broken:
        broken |= said.broken
        # Whose keys cannot be read has not said that there are none.
        return instance if instance.ssh_keys else instance._replace(ssh_keys=None)
    if said.hostname is not None and instance.hostname not in (None, said.hostname):
        others = ("the host name", *others)
    if instance.ssh_keys and not set(said.ssh_keys or ()) <= set(instance.ssh_keys):
        others = ("keys beside those of meta-data", *others)
    if others:
        problems.append(Problem("info", USER_DATA, f"{cloud_config.name_some(others)}: not handled"))
    keys = instance.ssh_keys or said.ssh_keys or instance.ssh_keys
    origins = {**said.origins, **instance.origins}
    return instance._replace(hostname=instance.hostname or said.hostname, ssh_keys=keys, origins=origins)
