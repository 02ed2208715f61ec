# SPDX-License-Identifier: Apache-2.0
"""What the networks of one link ask for, gathered until the document is read to its end."""

from __future__ import annotations

from bootagent.formats.prefixes import read_host
from bootagent.model.ip import DEFAULT
from bootagent.model.network import Addressing, Dns, Route
from bootagent.model.values import DomainName, shown, whole_number

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from bootagent.formats.report import Report
    from bootagent.model.ip import IPAddress, IPInterface, IPNetwork
    from bootagent.model.network import Address, Link

MAX_METRIC = 2**32 - 1
NOTHING = Dns()


class Resolvers:
    """DNS servers and search domains in order, each once."""

    __slots__ = ("search", "servers")

    def __init__(self) -> None:
        self.servers: dict[IPAddress, None] = {}
        self.search: dict[DomainName, None] = {}

    def add_server(self, text: object, where: str, report: Report) -> None:
        """Take a server, or say why not."""
        try:
            self.servers[read_host(text)] = None
        except ValueError as error:
            report.warning(where, f"DNS server {error}")

    def add_servers(self, value: object, where: str, report: Report) -> None:
        """Take servers from a list, or from text parted by blanks or commas."""
        for text in _words(value, where, report):
            self.add_server(text, where, report)

    def add_search(self, value: object, where: str, report: Report) -> None:
        """Take search domains from a list, or from text parted by blanks or commas."""
        for text in _words(value, where, report):
            try:
                self.search[DomainName(text)] = None
            except ValueError as error:
                report.warning(where, str(error))

    def add_services(self, services: object, where: str, report: Report) -> None:
        """Take the DNS servers of an OpenStack ``services`` list; services of any other type are not for us."""
        if services is None:
            return
        if not isinstance(services, list):
            report.warning(where, "not a list")
            return
        for index, service in enumerate(services):
            if not isinstance(service, dict):
                report.warning(f"{where}[{index}]", "not an object")
            elif service.get("type") == "dns":
                self.add_server(service.get("address"), f"{where}[{index}].address", report)

    def dns(self) -> Dns:
        """All that was taken."""
        return Dns(tuple(self.servers), tuple(self.search)) if self.servers or self.search else NOTHING

    def without(self, links: Iterable[Link]) -> Dns:
        """What was taken and no link has."""
        known = [link.addressing.dns for link in links if link.addressing.dns is not NOTHING]
        servers = {server for dns in known for server in dns.servers}
        search = {domain for dns in known for domain in dns.search}
        return Dns(
            tuple(server for server in self.servers if server not in servers),
            tuple(domain for domain in self.search if domain not in search),
        )


def _words(value: object, where: str, report: Report) -> list[object]:
    if value is None:
        return []
    if isinstance(value, str):
        return list(value.replace(",", " ").split())
    if isinstance(value, list):
        return value
    report.warning(where, f"{shown(value)} is neither a list nor text")
    return []


class AddressingDraft(Resolvers):
    """The addressing of one link under construction; exact repetitions collapse in silence."""

    __slots__ = ("_addresses", "_defaults", "_routes", "dhcp4", "dhcp6", "slaac")

    def __init__(self) -> None:
        super().__init__()
        self._addresses: dict[IPInterface, Address] = {}
        self._routes: dict[tuple[IPNetwork, IPAddress | None, int | None], Route] = {}
        self._defaults: set[IPAddress | None] = set()
        self.dhcp4 = False
        self.slaac = False
        self.dhcp6 = ""

    def add_address(self, address: Address) -> None:
        """Take a static address."""
        self._addresses.setdefault(address.ip, address)

    def add_route(self, route: Route) -> None:
        """Take a route."""
        to, via, metric, _, _ = route
        self._routes.setdefault((to, via, metric), route)
        if to.prefixlen == 0:
            self._defaults.add(via)

    def add_gateway(self, text: object, version: int, where: str, report: Report, metric: int | None = None) -> None:
        """Take a default gateway of the family ``version``, unless a route says the same already."""
        try:
            gateway = parse_gateway(text, version)
        except ValueError as error:
            report.error(where, str(error))
            return
        if gateway is not None and gateway not in self._defaults:
            self.add_route(Route(DEFAULT[version], gateway, metric, origin=where))

    @property
    def subnets(self) -> tuple[IPNetwork, ...]:
        """The networks of the static addresses."""
        return tuple(ip.network for ip in self._addresses)

    def finish(self, report: Report) -> Addressing:
        """The addressing, without routes that go by way of the link's own address: the kernel refuses them."""
        own = {address.ip for address in self._addresses}
        routes = []
        for route in self._routes.values():
            via = route.via
            if via in own:
                report.error(route.origin, f"gateway {via} is the link's own address")
            else:
                routes.append(route)
        addresses = tuple(self._addresses.values())
        return Addressing(addresses, tuple(routes), self.dns(), self.dhcp4, self.slaac, self.dhcp6)


def parse_gateway(text: object, version: int) -> IPAddress | None:
    """A next hop of the family ``version``; ``None`` for all spellings of "there is none", 0.0.0.0 and :: too."""
    if text in (None, "", "0.0.0.0", "::"):  # noqa: S104 - no socket is bound
        return None
    try:
        gateway = read_host(text)
    except ValueError as error:
        raise ValueError(f"gateway {error}") from None
    if gateway.version != version:  # RFC 5549 next hops are not what clouds mean by this
        raise ValueError(f"gateway {gateway} is not an IPv{version} address")
    return gateway


def parse_metric(value: object, where: str, report: Report) -> int | None:
    """A route's metric; ``None`` if none is said, or none that the kernel takes."""
    if value is None or value == "":
        return None
    try:
        metric = whole_number(value)
    except ValueError as error:
        report.warning(where, str(error))
        return None
    if 0 <= metric <= MAX_METRIC:
        return metric
    report.warning(where, f"metric {metric} is not in 0..{MAX_METRIC}")
    return None
