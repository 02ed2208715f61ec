# SPDX-License-Identifier: Apache-2.0
"""``bootagent validate``: a drive or one document, against its grammar and against sense."""

from __future__ import annotations

import json
import os
import sys

from bootagent.errors import SourceError
from bootagent.formats import nocloud, opennebula, openstack, rbxcloud
from bootagent.host import Host
from bootagent.log import write_problems
from bootagent.model.instance import Instance, Problem
from bootagent.planners.network import bind
from bootagent.report import problems_json
from bootagent.root import MAX_READ
from bootagent.sources import configdrive, read_drive

TYPE_CHECKING = False
if TYPE_CHECKING:
    from bootagent.model.network import Interface

DOCUMENTS = (*configdrive.DOCUMENTS, configdrive.NETWORK_CONFIG)
NOCLOUD_DOCUMENTS = (nocloud.META_DATA, nocloud.NETWORK_CONFIG, nocloud.USER_DATA)
OTHERS = {opennebula.CONTEXT: opennebula.parse_documents, rbxcloud.CLOUD: rbxcloud.parse_documents}
FIRST_BYTES = (b"{", b"[")


def validate(path: str, as_json: bool) -> int:
    """Print what is wrong with ``path``; 0 if nothing is, 1 if something is."""
    instance = _read(path)
    problems = list(instance.problems)
    if instance.network is not None:
        bound, unbound = bind(instance.network, Host(), "none")
        problems += unbound
        for interface in bound.interfaces:
            problems += _check_sense(interface)
    problems = list(dict.fromkeys(problems))
    bad = any(problem.severity != "info" for problem in problems)
    if as_json:
        document = {
            "version": 1,
            "path": path,
            "valid": not bad,
            "documents": list(instance.documents),
            "problems": problems_json(tuple(problems)),
        }
        sys.stdout.write(json.dumps(document, indent=1) + "\n")
    else:
        write_problems(problems)
        notes = [f"note: {problem}\n" for problem in problems if problem.severity == "info"]
        sys.stdout.write("".join(notes) + f"{path}: {'problems found' if bad else 'valid'}\n")
    return 1 if bad else 0


def _read(path: str) -> Instance:
    """A document by its name, or by what it starts with; anything else is a drive."""
    name = os.path.basename(path)
    if os.path.isfile(path):
        try:
            with open(path, "rb") as file:
                content = file.read(MAX_READ + 1)
        except OSError as error:
            raise SourceError(path, error.strerror or str(error)) from error
        if name in OTHERS:
            return OTHERS[name]({name: content})
        if name not in (*DOCUMENTS, *NOCLOUD_DOCUMENTS):
            is_json = content.lstrip()[:1] in FIRST_BYTES
            name = nocloud.NETWORK_CONFIG if name.endswith((".yaml", ".yml")) else _guess(content) if is_json else ""
        if name in NOCLOUD_DOCUMENTS:
            return nocloud.parse_documents({name: content})
        if name:
            return openstack.parse_documents({name: content})
    return read_drive(path, path).instance


def _guess(content: bytes) -> str:
    """Which document a JSON text under another name is."""
    try:
        data = json.loads(content)
    except (ValueError, RecursionError):
        data = None
    keys = set(data) if isinstance(data, dict) else set()
    if keys & {"version", "ethernets", "config", "network"}:
        return nocloud.NETWORK_CONFIG
    if "network_info" in keys:
        return "vendor_data.json"
    return "meta_data.json" if keys & {"uuid", "hostname", "public_keys", "name"} else "network_data.json"


def _check_sense(interface: Interface) -> list[Problem]:
    """What a machine would take and nobody means: gateways out of reach, addresses that no host has."""
    problems = []
    for route in interface.routes:
        if route.onlink and interface.addresses:
            text = f"the gateway {route.via} is in no subnet of the link: taken as on the link"
            problems.append(Problem("info", route.origin, text))
        own = [item.origin for item in interface.addresses if item.ip.ip == route.via]
        if own:
            problems.append(Problem("warning", route.origin, f"the gateway {route.via} is the machine's own address"))
    for item in interface.addresses:
        network = item.ip.network
        if item.ip.version == 4 and network.prefixlen < 31 and item.ip.ip in (network.first, network.last):
            problems.append(Problem("warning", item.origin, f"{item.ip} is the network's or the broadcast address"))
    return problems
