# SPDX-License-Identifier: Apache-2.0
"""Which link of the document is which device of the machine, and what the made devices are called.

A NIC is found by its permanent MAC among physical devices, so a bond or a VLAN that carries the address of a NIC is
never in the way.  The order is: NICs, bonds, VLANs, each in document order, a parent before what sits on it.
"""

from __future__ import annotations

from bootagent.model.bond import OPTION_MODES, refusals
from bootagent.model.instance import Problem
from bootagent.model.network import Bond, Interface, Link, Match, Network
from bootagent.model.values import InterfaceName, MacAddress, Mtu

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bootagent.host import Host, Nic

ETHERNET_MTU = 1500
# Hyper-V shows one port twice, as its own device and as the virtual function behind it; the first is to be configured,
# https://docs.kernel.org/networking/device_drivers/ethernet/microsoft/netvsc.html
FRONT_DRIVERS = ("hv_netvsc",)
# Without a monitor a bond never notices that a member is dead; 100 ms is what the kernel's documentation starts from.
DEFAULT_MIIMON = ("miimon", "100")


class Binding:
    """The devices of a network, made link by link; ``interfaces`` and ``problems`` are the result."""

    def __init__(self, network: Network, host: Host) -> None:
        self.problems: list[Problem] = []
        self._host = host
        self._network = network
        self._nics = _by_address(host.nics)
        self._taken = {"lo", *(nic.name for nic in host.nics)}
        self._labels: dict[str, str] = {}  # link id -> label
        self._label_of: dict[str, str] = {}  # NIC, by its name -> label: one link may say its address, another its name
        self._by_label: dict[str, Interface] = {}
        self.links: dict[str, list[Link]] = {}  # label -> the links of that device
        for link in network.links:
            if link.bond is None and link.vlan is None:
                self._bind_nic(link)
        for link in network.links:
            if link.bond is not None:
                self._make_bond(link, link.bond)
        self._make_vlans([link for link in network.links if link.vlan is not None])

    @property
    def interfaces(self) -> tuple[Interface, ...]:
        """The devices, without addresses yet."""
        return tuple(self._by_label.values())

    @property
    def document_order(self) -> list[str]:
        """The labels in the order in which the document has the links."""
        return [self._labels[link.id] for link in self._network.links if link.id in self._labels]

    def _report(self, severity: str, where: str, message: str) -> None:
        self.problems.append(Problem(severity, where, message))

    def _add(self, link: Link, interface: Interface) -> None:
        self._labels[link.id] = interface.label
        self._by_label[interface.label] = interface
        self.links.setdefault(interface.label, []).append(link)

    def _bind_nic(self, link: Link) -> None:
        nics = self._nics.get(link.mac, ()) if link.mac else self._named(link.name)
        fronts = [nic for nic in nics if nic.driver in FRONT_DRIVERS]
        if len(nics) > 1 and len(fronts) != 1:
            names = ", ".join(nic.name for nic in nics)
            self._report("error", link.origin, f"{names} all have the address {link.mac}: none is configured")
            return
        nic = fronts[0] if fronts else nics[0] if nics else None
        if nic is None and self._host.has_sysfs:
            self._report(
                "error",
                link.origin,
                f"no NIC with the address {link.mac}" if link.mac else f"no NIC with the name {link.name}",
            )
        label = link.mac.compact if link.mac else str(link.name)
        if nic is not None:
            label = self._label_of.setdefault(nic.name, label)
        if label in self._by_label:
            device = nic.name if nic else link.mac or link.name
            self._report("warning", link.origin, f"another link is of {device} too: taken as one")
            self._labels[link.id] = label
            self.links[label].append(link)
            return
        # The first octets of an InfiniBand address change with each load of the driver (RFC 4391 9.1.1): by name then.
        by_name = link.mac is None or (nic is not None and nic.is_infiniband)
        name = nic.name if nic else link.name if by_name else None
        if name:
            self._taken.add(name)
        match = Match(name=name) if by_name else Match(mac=link.mac, driver=nic.driver if nic and len(nics) > 1 else "")
        self._add(link, Interface(label, name, match, mtu=link.mtu, origin=link.origin))

    def _named(self, name: InterfaceName | None) -> Sequence[Nic]:
        return [nic for nic in self._host.nics if nic.name == name]

    def _make_bond(self, link: Link, bond: Bond) -> None:
        members = tuple(dict.fromkeys(self._labels[m] for m in bond.members if self._labels.get(m) in self._by_label))
        free = tuple(label for label in members if self._by_label[label].master is None)
        if not free:
            self._report("error", link.origin, "none of the bond's members is there: left out")
            return
        for label in set(members) - set(free):
            self._report("error", link.origin, f"{label} is a member of another bond")
        name = self._name(link, "bond")
        # The kernel gives the bond's MTU to its members; in ironic's sample it stands on them alone.
        mtu = link.mtu or max(filter(None, (self._by_label[label].mtu for label in free)), default=None)
        for label in free:
            self._by_label[label] = self._by_label[label]._replace(master=name, required=False, mtu=None)
        bond = self._fit(bond, link.origin)._replace(members=free)
        # A backend may invent an address, which the cloud's port security would drop: the first member's is known good.
        mac = link.mac or self._address(free[0])
        self._add(link, Interface(name, name, None, mac, mtu, bond=bond, origin=link.origin))

    def _fit(self, bond: Bond, where: str) -> Bond:
        """``bond`` with a monitor, its primary by label, and without what the kernel would refuse."""
        monitors = ("miimon", "arp_interval") if bond.mode in OPTION_MODES["arp_interval"] else ("miimon",)
        monitored = any(name in monitors for name, _ in bond.options)
        options = bond.options if monitored else (*bond.options, DEFAULT_MIIMON)
        primary = self._labels.get(bond.primary, "")
        refused = refusals(bond.mode, (*options, ("primary", primary)) if primary else options)
        for name, reason in refused.items():
            self._report("warning", where, f"bond option {name} is left out: {reason}")
        kept = tuple(option for option in options if option[0] not in refused)
        return bond._replace(options=kept, primary="" if "primary" in refused else primary)

    def _address(self, label: str) -> MacAddress | None:
        match = self._by_label[label].match
        named = self._named(match.name) if match else ()
        address = (match.mac if match else None) or (named[0].mac if named else None)
        return address if address and len(address) == 17 else None

    def _make_vlans(self, links: list[Link]) -> None:
        """Parents first: a VLAN may sit on a VLAN that comes later in the document."""
        while links:
            ready = [link for link in links if link.vlan and link.vlan.parent in self._labels]
            for link in ready:
                self._make_vlan(link)
            if not ready:
                for link in links:
                    self._report("error", link.origin, "the VLAN's parent is not there: left out")
                return
            links = [link for link in links if link not in ready]

    def _make_vlan(self, link: Link) -> None:
        assert link.vlan is not None
        parent = self._by_label[self._labels[link.vlan.parent]]
        mtu = link.mtu
        if mtu and parent.mtu and mtu > parent.mtu:
            self._report("warning", link.origin, f"MTU {mtu} is above the parent's {parent.mtu}: the parent's is taken")
            mtu = parent.mtu
        elif mtu and parent.mtu is None and mtu > ETHERNET_MTU:
            self._by_label[parent.label] = parent._replace(mtu=Mtu(mtu))
        if any(i.vlan and (i.vlan.parent, i.vlan.id) == (parent.label, link.vlan.id) for i in self._by_label.values()):
            self._report("error", link.origin, f"another VLAN {link.vlan.id} has the same parent: the kernel takes one")
            return
        name = self._name(link, f"vlan{link.vlan.id}")
        vlan = link.vlan._replace(parent=parent.label)
        self._add(link, Interface(name, name, None, link.mac, mtu, vlan=vlan, origin=link.origin))

    def _name(self, link: Link, stem: str) -> InterfaceName:
        """The name that the cloud gives, if it is free; or ``bond0``, ``bond1`` …, ``vlan20``, ``vlan20-1`` …"""
        for name in _names(link, stem):
            if name not in self._taken and name not in self._by_label:
                if link.name and name != link.name:
                    self._report("warning", link.origin, f"the name {link.name} is taken: {name}")
                self._taken.add(name)
                return name
        raise AssertionError("there are more names than links")


def _names(link: Link, stem: str) -> Iterator[InterfaceName]:
    if link.name:
        yield link.name
    if link.vlan:
        yield InterfaceName(stem)
    first, separator = (1, "-") if link.vlan else (0, "")
    for number in range(first, 100000):
        yield InterfaceName(f"{stem}{separator}{number}")


def _by_address(nics: tuple[Nic, ...]) -> dict[str, list[Nic]]:
    table: dict[str, list[Nic]] = {}
    for nic in nics:
        for address in nic.addresses:
            table.setdefault(address, []).append(nic)
    return table
