# SPDX-License-Identifier: Apache-2.0
"""cloud.json of Rootbox and HyperOne: the machine's id and name, its keys, and its adapters with their networks.

Source: https://docs.cloud-init.io/en/latest/reference/datasources/rbxcloud.html and the reader beside it; the cloud has
no specification of its own.  ``additionalMetadata`` holds a password too, which is not looked at.
"""

from __future__ import annotations

from bootagent.errors import DocumentError
from bootagent.formats.addressing import AddressingDraft
from bootagent.formats.links import parse_mac
from bootagent.formats.meta_data import parse_hostname, parse_id, parse_keys
from bootagent.formats.netconfig_addresses import add_address, report_no_mapping
from bootagent.formats.openstack import parse_json
from bootagent.formats.report import Report
from bootagent.model.instance import Instance, Problem
from bootagent.model.network import Link, Network

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

CLOUD = "cloud.json"
BASE = f"{CLOUD}: "
MAX_ADAPTERS = 1024


def parse_documents(documents: Mapping[str, bytes]) -> Instance:
    """The instance that the document describes."""
    if CLOUD not in documents:
        return Instance()
    try:
        data = parse_json(CLOUD, documents[CLOUD])
        if not isinstance(data, dict):
            raise DocumentError(CLOUD, "", "not an object")
    except DocumentError as error:
        where = f"{CLOUD}: {error.where}" if error.where else CLOUD
        problem = Problem("error", where, str(error)[len(where) + 2 :])
        return Instance(broken=frozenset((CLOUD,)), problems=(problem,))
    report = Report()
    machine, more = (_object(data, key, BASE, report) for key in ("vm", "additionalMetadata"))
    identity = parse_id(machine, f"{BASE}vm.", report, ("_id",))
    hostname = parse_hostname(machine, f"{BASE}vm.", report, ("name",))
    keys = parse_keys(more, f"{BASE}additionalMetadata.", report, ("sshKeys",))
    if more.get("username"):
        report.info(f"{BASE}additionalMetadata.username", "who gets the keys is what the options say")
    network = _parse_network(data.get("netadp"), report)
    instance = Instance(identity, hostname, keys, network, documents=(CLOUD,), problems=report.problems())
    return instance._replace(origins=report.origins)


def _object(raw: dict[str, Any], key: str, base: str, report: Report) -> dict[str, Any]:
    """What ``key`` says, an object; an empty one where it says nothing."""
    value = raw.get(key)
    if value is None or report_no_mapping(value, f"{base}{key}", report):
        return {}
    assert isinstance(value, dict)
    return value


def _list(value: object, where: str, report: Report) -> list[Any]:
    if value is not None and not isinstance(value, list):
        report.error(where, "not a list")
    return value if isinstance(value, list) else []


def _parse_network(adapters: object, report: Report) -> Network | None:
    if adapters is None:
        return None
    links: dict[str, Link] = {}
    for index, raw in enumerate(_list(adapters, f"{BASE}netadp", report)[:MAX_ADAPTERS]):
        place = f"{BASE}netadp[{index}]"
        link = None if report_no_mapping(raw, place, report) else _parse_adapter(raw, place, report)
        if link is not None and link.mac in links:
            report.error(f"{place}.macaddress", f"{link.mac} is the address of another adapter: left out")
        elif link is not None:
            links[str(link.mac)] = link
    return Network(tuple(links.values()))


def _parse_adapter(raw: dict[str, Any], place: str, report: Report) -> Link | None:
    mac = parse_mac(raw.get("macaddress"), f"{place}.macaddress", report)
    if mac is None:
        if not raw.get("macaddress"):
            report.error(place, "an adapter without an address to find it by: left out")
        return None
    network = _object(raw, "network", f"{place}.", report)
    draft = AddressingDraft()
    versions = set()
    for index, item in enumerate(_list(raw.get("ip"), f"{place}.ip", report)):
        where = f"{place}.ip[{index}]"
        if not report_no_mapping(item, where, report):
            versions.add(add_address(item.get("address"), network.get("netmask"), f"{where}.address", draft, report))
    if 4 in versions:  # no address, so no way out
        draft.add_gateway(network.get("gateway"), 4, f"{place}.network.gateway", report)
    servers = _object(network, "dns", f"{place}.network.", report)
    draft.add_servers(servers.get("nameservers"), f"{place}.network.dns.nameservers", report)
    if network.get("routing"):
        report.warning(f"{place}.network.routing", "not used: what is in it is not written down anywhere")
    return Link(place, mac, addressing=draft.finish(report), origin=place)
