# SPDX-License-Identifier: Apache-2.0
"""The network twice: as the cloud asks for it, and as it is bound to this machine.

Two levels of trust, two types.  A format makes a ``Network`` of ``Link`` records, which speak of link ids and MAC
addresses.  The network planner binds it to the machine and makes a ``BoundNetwork`` of ``Interface`` records, in which
every reference is resolved, every policy decided and every name a kernel name: a renderer only spells it.
"""

from __future__ import annotations

from bootagent.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from bootagent.model.ip import IPAddress, IPInterface, IPNetwork
    from bootagent.model.values import DomainName, InterfaceName, MacAddress, Mtu, VlanId


class Address(Record):
    """A static address with its prefix length."""

    ip: IPInterface
    origin: str = ""  # document and place: "network_data.json: networks[0]"


class Route(Record):
    """A route; a default one has a destination of prefix length 0."""

    to: IPNetwork
    via: IPAddress | None = None  # None: the destination itself is on the link
    metric: int | None = None  # 0..2**32-1; None: what the kernel or the backend gives
    onlink: bool = False  # the gateway is reached although no address covers it
    origin: str = ""


class Dns(Record):
    """Resolver settings, most wanted first."""

    servers: tuple[IPAddress, ...] = ()
    search: tuple[DomainName, ...] = ()


class Addressing(Record):
    """All that the networks of one link ask for, together."""

    addresses: tuple[Address, ...] = ()
    routes: tuple[Route, ...] = ()
    dns: Dns = Dns()
    dhcp4: bool = False
    slaac: bool = False  # addresses from router advertisements (RFC 4862)
    dhcp6: str = ""  # "", "stateful" (addresses) or "stateless" (information only, RFC 8415 18.2.6)


class Bond(Record):
    """A kernel bond, https://docs.kernel.org/networking/bonding.html."""

    mode: str  # a name from bond.MODES
    options: tuple[tuple[str, str], ...] = ()  # (kernel option name, canonical value), see bond.parse_option
    members: tuple[str, ...] = ()  # Link: ids of links.  Interface: labels
    primary: str = ""  # the same kind of reference, or ""


class Vlan(Record):
    """An 802.1Q VLAN device."""

    id: VlanId
    parent: str  # Link: id of a link.  Interface: label


class Pattern(Record):
    """NICs that a document means without naming them: all that there are of which all of this is so."""

    name: str = ""  # a glob(7) of the kernel name; "": any
    drivers: tuple[str, ...] = ()  # globs, of which one must fit; none: any


class Link(Record):
    """A link of the document: a NIC, or with ``bond`` or ``vlan`` a device to be made."""

    id: str  # opaque, any text; never reaches a file
    mac: MacAddress | None = None
    name: InterfaceName | None = None  # the guest's kernel name, where the cloud gives one
    mtu: Mtu | None = None
    addressing: Addressing = Addressing()
    bond: Bond | None = None
    vlan: Vlan | None = None
    origin: str = ""
    pattern: Pattern | None = None  # of a NIC, instead of ``mac`` and ``name``


class Network(Record):
    """A whole document: its links in order, and the resolver settings that it ties to no link."""

    links: tuple[Link, ...] = ()
    dns: Dns = Dns()


class Match(Record):
    """How a physical device is found; every part that is given must agree."""

    mac: MacAddress | None = None  # the permanent address
    name: InterfaceName | None = None  # only where there is no usable address
    driver: str = ""  # only to tell apart two devices of one address


class Interface(Record):
    """One device as it is to be on this machine."""

    label: str  # unique in the network and fit for a file name: the kernel name, or a NIC's MAC without colons
    name: InterfaceName | None = None  # None: a NIC that is not there (yet)
    match: Match | None = None  # None: a device that the backend makes (bond, vlan)
    mac: MacAddress | None = None  # the address to give to a made device; None: the kernel's choice
    mtu: Mtu | None = None
    addresses: tuple[Address, ...] = ()
    routes: tuple[Route, ...] = ()
    dns: Dns = Dns()
    dhcp4: bool = False
    ra: str = "off"  # router advertisements: "off", "routes" (no addresses from them) or "full"
    dhcp6: str = ""  # "", "stateful" or "stateless"
    metric: int | None = None  # of the default routes that DHCP and router advertisements bring
    bond: Bond | None = None
    vlan: Vlan | None = None
    master: InterfaceName | None = None  # the bond that this is a member of
    required: bool = True  # whether "online" waits for it
    origin: str = ""

    @property
    def is_addressed(self) -> bool:
        """Whether the device has, or asks for, an address of its own."""
        return bool(self.addresses or self.dhcp4 or self.dhcp6 or self.ra == "full")


class BoundNetwork(Record):
    """A network bound to this machine: parents and members before the devices made of them."""

    interfaces: tuple[Interface, ...] = ()
    unlisted: tuple[InterfaceName, ...] | None = None  # NICs that get DHCP as a fallback, now; None: no fallback
    dns: Dns = Dns()  # of no link, because no link could take it
