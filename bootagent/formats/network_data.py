# SPDX-License-Identifier: Apache-2.0
"""network_data.json: what OpenStack, and all that imitate it, say about the network.

Source: https://docs.openstack.org/nova/latest/user/metadata.html#openstack-format-metadata and what its producers send:
nova, ironic, Metal3, Bifrost, metalsmith, CloudStack, oVirt, Rackspace, and others.  The published schema describes
hardly any of them, so nothing is required that can be done without.

A link may have any number of networks; ids of networks mean nothing.  Every problem costs the place that it names.
"""

from __future__ import annotations

from bootagent.formats.addressing import AddressingDraft, Resolvers, parse_gateway, parse_metric
from bootagent.formats.network_links import parse_links, parse_reference
from bootagent.formats.prefixes import fault_of_host, make_network, prefix_length, split_address
from bootagent.formats.report import Report
from bootagent.model.ip import IPInterface
from bootagent.model.network import Address, Link, Network, Route
from bootagent.model.values import InterfaceName, shown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from bootagent.formats.links import Links
    from bootagent.model.instance import Problem
    from bootagent.model.ip import IPAddress

MAX_NETWORKS = 16384
MAX_ROUTES = 16384  # in all networks together

# Family and method of every type, in lower case and with "_" for "-".
TYPES = {
    "ipv4": (4, "static"),
    "static": (4, "static"),
    "static4": (4, "static"),
    "ipv4_static": (4, "static"),
    "ipv4_dhcp": (4, "dhcp"),
    "dhcp": (4, "dhcp"),
    "dhcp4": (4, "dhcp"),
    "ipv6": (6, "static"),
    "static6": (6, "static"),
    "ipv6_static": (6, "static"),
    "ipv6_dhcp": (6, "dhcp6"),
    "dhcp6": (6, "dhcp6"),
    "ipv6_dhcpv6_stateful": (6, "stateful"),
    "dhcpv6_stateful": (6, "stateful"),
    "ipv6_dhcpv6_stateless": (6, "stateless"),
    "dhcpv6_stateless": (6, "stateless"),
    "ipv6_slaac": (6, "slaac"),
    "slaac": (6, "slaac"),
    "manual": (0, "none"),
    "none": (0, "none"),
}


def has_network(data: object) -> bool:
    """Whether a document says anything about the network: nova's ``{}`` and a bare ``services`` do not."""
    return isinstance(data, dict) and bool(data.get("links") or data.get("networks"))


def parse_network(data: object, document: str, within: str = "") -> tuple[Network, tuple[Problem, ...]]:
    """The network of a document's JSON value, which stands at ``within`` (``"network_info."``) in the document."""
    report = Report()
    if not isinstance(data, dict):
        report.error(f"{document}: {within[:-1]}" if within else document, "not an object")
        return Network(), report.problems()
    base = f"{document}: {within}"
    links = parse_links(_list(data, "links", base, report), base, report)
    drafts = {name: AddressingDraft() for name in links.by_id}
    _parse_networks(_list(data, "networks", base, report), bool(data.get("links")), links, drafts, base, report)
    finished = tuple([link._replace(addressing=drafts[name].finish(report)) for name, link in links.by_id.items()])
    common = Resolvers()
    _add_dns(data, base, common, report)
    return Network(finished, common.without(finished)), report.problems()


def _list(data: dict[str, Any], key: str, base: str, report: Report) -> list[Any]:
    value = data.get(key)
    if isinstance(value, list):
        return value
    if value is not None:
        report.error(f"{base}{key}", "not a list")
    return []


def _add_dns(data: dict[str, Any], base: str, resolvers: Resolvers, report: Report) -> None:
    """Take the resolver settings of the document or of one network."""
    if data.get("services") is not None:
        resolvers.add_services(data["services"], f"{base}services", report)
    if data.get("dns_nameservers") is not None:
        resolvers.add_servers(data["dns_nameservers"], f"{base}dns_nameservers", report)
    if data.get("dns_search") is not None:
        resolvers.add_search(data["dns_search"], f"{base}dns_search", report)


def _parse_networks(
    items: list[Any], linked: bool, links: Links, drafts: dict[str, AddressingDraft], base: str, report: Report
) -> None:
    wanted = 0
    for index, raw in enumerate(items[:MAX_NETWORKS]):
        place = f"{base}networks[{index}]"
        if not isinstance(raw, dict):
            report.error(place, "not an object")
            continue
        routes = _list(raw, "routes", f"{place}.", report)
        wanted += len(routes)
        if wanted > MAX_ROUTES:
            if wanted - len(routes) <= MAX_ROUTES:
                report.error(f"{place}.routes", f"more than {MAX_ROUTES} routes in all, the rest left out")
            routes = routes[: max(len(routes) - (wanted - MAX_ROUTES), 0)]
        name = parse_reference(raw.get("link"))
        if not linked and name not in drafts:
            _imply_link(name, place, links, drafts, report)
        draft = drafts.get(name)
        if draft is not None:
            _parse_network(raw, routes, place, draft, report)
        elif name in links.refused:
            report.error(f"{place}.link", f"the link {shown(name)} is left out")
        else:
            report.error(f"{place}.link", f"no link has the id {shown(name)}" if name else "no link named")
    if len(items) > MAX_NETWORKS:
        report.error(f"{base}networks", f"more than {MAX_NETWORKS} networks, the rest left out")


def _imply_link(name: str, place: str, links: Links, drafts: dict[str, AddressingDraft], report: Report) -> None:
    """Where a document has no links at all (oVirt), a network can only mean the name of a device."""
    try:
        device = InterfaceName(name)
    except ValueError:
        return
    report.warning(f"{place}.link", f"there are no links, {shown(name)} is taken as the name of a device")
    links.by_id[name] = Link(name, name=device, origin=place)
    drafts[name] = AddressingDraft()


def _parse_network(raw: dict[str, Any], routes: list[Any], place: str, draft: AddressingDraft, report: Report) -> None:
    kind = raw.get("type")
    family, method = TYPES.get(kind.strip().lower().replace("-", "_") if isinstance(kind, str) else "", (0, ""))
    if not method and kind in (None, "") and raw.get("ip_address"):
        report.warning(f"{place}.type", "no type, taken as static for its address")
        method = "static"
    if not method:
        report.warning(f"{place}.type", f"{shown(kind)} is not a type of network, left out")
        return
    if method == "none":
        if raw.get("ip_address") or routes:
            report.info(place, "its type says that it is not configured")
        return
    if method == "static":
        family = _parse_static(raw, family, place, draft, report)
        if not family:
            return
    elif method == "dhcp":
        draft.dhcp4 = True
    else:
        draft.slaac = draft.slaac or method in ("slaac", "stateless")
        if method != "slaac":
            draft.dhcp6 = "stateless" if method == "stateless" and draft.dhcp6 != "stateful" else "stateful"
    _add_dns(raw, f"{place}.", draft, report)
    # nova repeats the default route that its routers advertise; behind KubeVirt's "ipv6_dhcp" there may be no router.
    advertised = method in ("slaac", "stateful", "stateless")
    for index, item in enumerate(routes):
        route = _parse_route(item, f"{place}.routes[{index}]", draft, report)
        if route is not None and not (advertised and route.to.version == 6 and route.to.prefixlen == 0):
            draft.add_route(route)
    if not advertised and raw.get("gateway") is not None:
        draft.add_gateway(raw["gateway"], family, f"{place}.gateway", report)


def _parse_static(raw: dict[str, Any], family: int, place: str, draft: AddressingDraft, report: Report) -> int:
    """Take a static address; its family, or 0 with the problem reported if it has none."""
    try:
        address, mask = split_address(raw.get("ip_address"))
    except ValueError as error:
        report.error(f"{place}.ip_address", str(error))
        return 0
    fault = fault_of_host(address)
    if fault:
        report.error(f"{place}.ip_address", f"{address} {fault}")
        return 0
    length = _parse_length(raw, "ip_address", mask, address, 64 if address.version == 6 else None, place, report)
    if length is None:
        return 0
    if family and address.version != family:
        report.warning(f"{place}.type", f"{shown(raw.get('type'))} with an IPv{address.version} address")
    draft.add_address(Address(IPInterface(address, length), place))
    return address.version


def _parse_length(
    raw: dict[str, Any],
    key: str,
    suffix: str | None,
    address: IPAddress,
    fallback: int | None,
    place: str,
    report: Report,
) -> int | None:
    """The prefix length of the address under ``key``: of its own suffix, else of ``netmask``, else ``fallback``."""
    mask = raw.get("netmask") if suffix is None else suffix
    if mask is not None and mask != "":
        try:
            return prefix_length(mask, address.version)
        except ValueError as error:
            report.error(f"{place}.netmask" if suffix is None else f"{place}.{key}", str(error))
            return None
    where = f"{place}.netmask"
    if fallback is None:
        report.error(where, "no netmask")
    else:
        report.warning(where, f"no netmask, /{fallback} is used")
    return fallback


def _parse_route(raw: object, place: str, resolvers: Resolvers, report: Report) -> Route | None:
    """A route, whose ``services`` go to ``resolvers``; ``None``, with the problem reported, if it cannot be one."""
    if not isinstance(raw, dict):
        report.error(place, "not an object")
        return None
    if raw.get("services") is not None:
        resolvers.add_services(raw["services"], f"{place}.services", report)
    key = "destination" if raw.get("network") in (None, "") else "network"
    try:
        address, mask = split_address(raw.get(key))
    except ValueError as error:
        report.error(f"{place}.{key}", str(error))
        return None
    length = _parse_length(raw, key, mask, address, None if address.number else 0, place, report)
    if length is None:
        return None
    to, cleared = make_network(address, length)
    if cleared:
        report.warning(f"{place}.{key}", f"{address} has bits outside the netmask, {to} is used")
    try:
        via = parse_gateway(raw.get("gateway"), to.version)
    except ValueError as error:
        report.error(f"{place}.gateway", str(error))
        return None
    if via is None and length == 0:
        report.error(f"{place}.gateway", "a default route without a gateway")
        return None
    metric = raw.get("metric")
    if metric is not None:
        metric = parse_metric(metric, f"{place}.metric", report)
    return Route(to, via, metric, False, place)
