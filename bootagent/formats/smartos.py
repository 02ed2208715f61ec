# SPDX-License-Identifier: Apache-2.0
"""The keys of SmartOS that say who the instance is and what its NICs are; each value is a document of its own.

Source: https://eng.tritondatacenter.com/mdata/datadict.html, and vmadm(8) for what stands in ``sdc:nics`` and
``sdc:routes``.
"""

from __future__ import annotations

from bootagent.errors import DocumentError
from bootagent.formats.addressing import AddressingDraft, Resolvers
from bootagent.formats.links import parse_mac, parse_mtu
from bootagent.formats.meta_data import parse_hostname, parse_id, parse_keys
from bootagent.formats.netconfig_addresses import add_address, parse_route, report_no_mapping
from bootagent.formats.netconfig_devices import Devices
from bootagent.formats.openstack import parse_json
from bootagent.formats.report import Report
from bootagent.model.instance import Instance, Problem
from bootagent.model.network import Link, Network
from bootagent.model.values import shown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

UUID, SSH_KEYS = "sdc:uuid", "root_authorized_keys"
HOSTNAMES = ("hostname", "sdc:hostname")  # what the user set before what the cloud made
NICS, ROUTES, RESOLVERS, DOMAIN = "sdc:nics", "sdc:routes", "sdc:resolvers", "sdc:dns_domain"
KEYS = (UUID, *HOSTNAMES, SSH_KEYS, NICS, ROUTES, RESOLVERS, DOMAIN)
MAX_NICS = 1024
_LINK_KEYS = {"id": "", "members": "", "primary": "", "parent": ""}  # there are NICs only


def parse_documents(documents: Mapping[str, bytes]) -> Instance:
    """The instance that the values describe; one that the host has not is absent."""
    report = Report()
    broken: set[str] = set()
    problems: list[Problem] = []
    texts = {
        key: documents[key].decode("utf-8", "replace").strip()
        for key in (UUID, *HOSTNAMES, SSH_KEYS, DOMAIN)
        if key in documents
    }
    lists = {key: _parse_list(key, documents, problems, broken) for key in (NICS, ROUTES, RESOLVERS)}
    identity, hostname = parse_id(texts, "", report, (UUID,)), parse_hostname(texts, "", report, HOSTNAMES)
    keys = parse_keys(texts, "", report, (SSH_KEYS,)) if SSH_KEYS in texts else None
    network = None if lists[NICS] is None else _parse_network(lists, texts.get(DOMAIN), report)
    used = tuple(key for key in KEYS if key in documents and key not in broken)
    instance = Instance(identity, hostname, keys, network, frozenset(broken), used, report.origins)
    return instance._replace(problems=(*problems, *report.problems()))


def _parse_list(
    key: str, documents: Mapping[str, bytes], problems: list[Problem], broken: set[str]
) -> list[Any] | None:
    """The JSON list of a key; ``None`` where it is absent, or broken, which is noted."""
    if not documents.get(key, b"").strip():
        return None
    try:
        value = parse_json(key, documents[key])
        if not isinstance(value, list):
            raise DocumentError(key, "", "not a list")
    except DocumentError as error:
        broken.add(key)
        where = f"{key}: {error.where}" if error.where else key
        problems.append(Problem("error", where, str(error)[len(where) + 2 :]))
        return None
    return value


def _parse_network(lists: Mapping[str, list[Any] | None], domain: str | None, report: Report) -> Network:
    devices = Devices(report)
    known: set[str] = set()
    for index, raw in enumerate((lists[NICS] or [])[:MAX_NICS]):
        place = f"{NICS}: [{index}]"
        if report_no_mapping(raw, place, report):
            continue
        mac = parse_mac(raw.get("mac"), f"{place}.mac", report)
        if mac is None or mac in known:
            report.error(f"{place}.mac", "a NIC without an address of its own to find it by: left out")
            continue
        known.add(mac)
        draft = AddressingDraft()
        _parse_addresses(raw, place, draft, report)
        devices.add(Link(place, mac, mtu=parse_mtu(raw.get("mtu"), f"{place}.mtu", report), origin=place), draft)
    for index, raw in enumerate(lists[ROUTES] or ()):
        _parse_route(raw, f"{ROUTES}: [{index}]", devices, report)
    common = Resolvers()
    common.add_servers(lists[RESOLVERS], RESOLVERS, report)
    common.add_search(domain, DOMAIN, report)
    return Network(devices.finish(_LINK_KEYS), common.dns())


def _parse_addresses(raw: dict[str, Any], place: str, draft: AddressingDraft, report: Report) -> None:
    """Addresses, and of the primary NIC alone the first gateway of each family; an old host has one of each."""
    items, key = raw.get("ips"), "ips"
    if items is None:
        items, key = [raw["ip"]] if raw.get("ip") else [], "ip"
    versions = set()
    for index, item in enumerate(items if isinstance(items, list) else [items]):
        if item == "dhcp":
            draft.dhcp4 = True
        elif item == "addrconf":
            draft.slaac = True
        else:
            where = f"{place}.{key}[{index}]" if key == "ips" else f"{place}.{key}"
            versions.add(add_address(item, raw.get("netmask"), where, draft, report))
    if raw.get("primary") is not True:
        return
    gateways, key = raw.get("gateways"), "gateways"
    if gateways is None:
        gateways, key = [raw.get("gateway")], "gateway"
    where = f"{place}.{key}"
    for gateway in gateways if isinstance(gateways, list) else [gateways]:
        version = 6 if isinstance(gateway, str) and ":" in gateway else 4
        if version in versions and gateway:
            versions.discard(version)
            draft.add_gateway(gateway, version, where, report)


def _parse_route(raw: object, place: str, devices: Devices, report: Report) -> None:
    """A route of the machine goes by the NIC that has its gateway in a subnet."""
    if report_no_mapping(raw, place, report):
        return
    assert isinstance(raw, dict)
    if raw.get("linklocal"):
        report.error(f"{place}.linklocal", "a route without a gateway is left out")
        return
    route = parse_route(raw, "dst", None, "gateway", place, report)
    if route is None:
        return
    draft = devices.draft_beside(route.via) if route.via else None
    if draft is None:
        report.error(f"{place}.gateway", f"no NIC has a subnet with {shown(raw.get('gateway'))}: left out")
    else:
        draft.add_route(route)
