# SPDX-License-Identifier: Apache-2.0
"""The stanzas of one device in interfaces(5), for ifupdown 0.8 of Debian 12 and 13.

ifupdown brings a device up stanza by stanza, and stops at the first command that fails.  So what cannot fail comes
first (static addresses), what may wait comes last (DHCP), and a line that may be refused ends in ``|| true``: it costs
itself only, and ifup's journal has its message.

Devices are made with ip-link(8) and tuned in sysfs and /proc: the packages ifenslave, vlan, net-tools and procps (the
``sysctl`` that ifupdown's own ``accept_ra`` needs) may not be there, and their hooks act on none of these options.
https://docs.kernel.org/networking/bonding.html, https://docs.kernel.org/networking/ip-sysctl.html
"""

from __future__ import annotations

from bootagent.renderers._iproute2 import bond_option_commands, ipv6_settings, ports, route_command

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from bootagent.model.network import Bond, Dns, Interface, Vlan

    Stanza = tuple[str, list[str]]  # "inet static" and its lines

# dhcpcd(8): -L keeps it from giving itself an address of 169.254.0.0/16, -C from the hook that writes resolv.conf.
NO_DNS = "-C resolv.conf "
FALLBACK_METRIC = 4096  # loses against any other default route
OPTIONAL = "bootagent"  # the class that bootagent-ifupdown.service brings up, with nobody waiting


def render_interface(interface: Interface, devices: Mapping[str, Interface], dns: Dns, own_dns: bool) -> str:
    """The comment and the stanzas of ``interface``; ``devices`` are those that are there, by label.

    With ``own_dns``, resolv.conf(5) has the document's servers and DHCP clients leave it alone.
    """
    stanzas = _methods(interface, own_dns)
    first, last = stanzas[0][1], stanzas[-1][1]
    if interface.master is None:
        options = [line for line in first if not line.startswith(("up ", "down "))]
        first[len(options) : len(options)] = _before(interface, devices)
    for route in interface.routes:
        _stanza_of(route.to.version, stanzas).append(f"up {route_command(route, str(interface.name))} || true")
    if (interface.bond or interface.vlan) and "." not in str(interface.name):  # ifupdown deletes those with a dot
        first.append(f"post-down ip link del dev {interface.name} || true")
    if dns.servers:
        last.append(f"dns-nameservers {' '.join(map(str, dns.servers))}")
    if dns.search:
        last.append(f"dns-search {' '.join(dns.search)}")
    return _comment(interface) + _start(interface) + "".join(_text(str(interface.name), stanza) for stanza in stanzas)


def render_fallback(name: str, own_dns: bool) -> str:
    """DHCP for a device that the cloud does not name; router advertisements are the kernel's default."""
    lines = _dhcp4(name, FALLBACK_METRIC, own_dns)
    return f"# not named by the cloud\nallow-{OPTIONAL} {name}\n{_text(name, ('inet manual', lines))}"


def _comment(interface: Interface) -> str:
    member = f", member of {interface.master}" if interface.master else ""
    return f"# {' '.join(interface.origin.split()) or interface.label}{member}\n"


def starts_later(interface: Interface) -> bool:
    """Whether it is brought up with nobody waiting: what may wait for a server in vain must not stop the boot."""
    waits = interface.dhcp4 or interface.dhcp6 == "stateful"
    return waits and not interface.required and interface.master is None


def _start(interface: Interface) -> str:
    """Who brings the device up: a member comes with its bond."""
    if interface.master is not None:
        return ""
    return f"{f'allow-{OPTIONAL}' if starts_later(interface) else 'auto'} {interface.name}\n"


def _text(name: str, stanza: Stanza) -> str:
    method, lines = stanza
    return f"iface {name} {method}\n" + "".join(f"    {line}\n" for line in lines)


def _methods(interface: Interface, own_dns: bool) -> list[Stanza]:
    stanzas: list[Stanza] = []
    for item in sorted(interface.addresses, key=lambda item: item.ip.version):
        options = [f"address {item.ip}"]
        if item.ip.version == 6:
            # Else ifup waits for duplicate detection, and without a carrier gives the whole device up after 6 s.
            options.append("dad-attempts 0")
            if interface.ra == "full":
                options.append("autoconf 1")  # the static method's default is 0
        if interface.bond or interface.vlan:
            # ifupdown2 passes over the address of a device that its netlink cache has not heard of yet, which is often
            # so for one that a command has just made: _pre_up() of its addons/address.py.
            nodad = " nodad" if item.ip.version == 6 else ""
            options.append(f"up ip address replace {item.ip} dev {interface.name}{nodad} || true")
        stanzas.append(("inet static" if item.ip.version == 4 else "inet6 static", options))
    if interface.ra == "full":
        stanzas.append(("inet6 manual", []))  # the settings are ours; ifupdown2 knows no method "auto"
    if interface.dhcp4:
        stanzas.append(("inet manual", _dhcp4(str(interface.name), interface.metric, own_dns)))
    if interface.dhcp6:
        stanzas.append(("inet6 manual", _dhcp6(str(interface.name), interface.dhcp6, own_dns)))
    return stanzas or [("inet manual", [])]


def _stanza_of(version: int, stanzas: list[Stanza]) -> list[str]:
    """Where the routes of one family belong: behind its last static address, else as late as its family comes."""
    family = "inet static" if version == 4 else "inet6 static"
    static = [lines for method, lines in stanzas if method == family]
    others = [lines for method, lines in stanzas if method.startswith("inet6 ") == (version == 6)]
    return (static or others or [lines for _, lines in stanzas])[-1]


def _before(interface: Interface, devices: Mapping[str, Interface]) -> Iterator[str]:
    """What happens before the device is up."""
    if interface.vlan:
        yield from _make_vlan(interface, interface.vlan, devices)
    if interface.bond:
        yield from _make_bond(interface, interface.bond)
    if interface.mtu is not None:
        # Not before: ifupdown2 sets its default when it sets the device up.
        yield f"up ip link set dev {interface.name} mtu {interface.mtu} || true"
    yield from _ipv6(interface)
    if interface.bond:
        yield from _enslave(interface, interface.bond, devices)


def _ipv6(interface: Interface) -> Iterator[str]:
    for name, value in ipv6_settings(interface).items():
        yield f"pre-up echo {value} >/proc/sys/net/ipv6/conf/{interface.name}/{name} || true"


def _make_vlan(interface: Interface, vlan: Vlan, devices: Mapping[str, Interface]) -> Iterator[str]:
    name, parent = interface.name, devices[vlan.parent].name
    yield f"pre-up ip link set dev {parent} up || true"  # a VLAN cannot be up above a parent that is down
    # ifupdown takes a dot in a name for "parent.id" and makes that VLAN before it looks at any line of ours.
    own = name == f"{parent}.{vlan.id}"
    if "." in str(name) and not own:
        yield f"pre-up ip link del dev {name} 2>/dev/null || true"
    address = f" address {interface.mac}" if interface.mac else ""
    make = f"ip link add link {parent} name {name}{address} type vlan id {vlan.id}"
    yield f"pre-up [ -d /sys/class/net/{name} ] || {make}"
    if own and interface.mac:
        yield f"pre-up ip link set dev {name} address {interface.mac}"


def _make_bond(interface: Interface, bond: Bond) -> Iterator[str]:
    """The device with its address at once, so that udev never gives it another, then its options one by one."""
    name = interface.name
    if "." in str(name):  # see _make_vlan
        yield f"pre-up ip link del dev {name} 2>/dev/null || true"
    address = f" address {interface.mac}" if interface.mac else ""
    yield f"pre-up [ -d /sys/class/net/{name} ] || ip link add dev {name}{address} type bond mode {bond.mode}"
    yield from (f"pre-up {command}" for command in bond_option_commands(str(name), bond))


def _enslave(interface: Interface, bond: Bond, devices: Mapping[str, Interface]) -> Iterator[str]:
    """Members enter while they are down; a member that is not there costs only itself."""
    members = ports(bond, devices)
    for member in members.values():
        device = f"ip link set dev {member.name}"
        yield f"pre-up {device} down && {device} master {interface.name} && {device} up || true"
        if member.mtu is not None:  # else it has the bond's
            yield f"up {device} mtu {member.mtu} || true"
    if bond.primary in members:
        yield f"pre-up echo {members[bond.primary].name} >/sys/class/net/{interface.name}/bonding/primary || true"


def _dhcp4(name: str, metric: int | None, own_dns: bool) -> list[str]:
    """DHCP by the client that is there, in ifupdown's order of preference.

    Not the method "dhcp": it has dhcpcd, which Debian 13 ships, take router advertisements out of the kernel's hands,
    and give the device addresses that are not made from its MAC, so that a cloud's port security drops them.
    """
    files = f"-pf /run/dhclient.{name}.pid -lf /var/lib/dhcp/dhclient.{name}.leases"
    pid = f"/run/udhcpc.{name}.pid"
    distance = "" if metric is None else f" -e IF_METRIC={metric}"
    clients = {
        "dhclient": f"dhclient -4 -i {files}{distance} {name}",
        "udhcpc": f"udhcpc -n {'-o -O subnet -O router ' if own_dns else ''}-p {pid} -i {name}",
        "dhcpcd": f"dhcpcd -4 -L {NO_DNS if own_dns else ''}{'' if metric is None else f'-m {metric} '}{name}",
    }
    stops = {
        "dhclient": f"dhclient -4 -r {files} {name}",
        "udhcpc": f"kill $(cat {pid})",
        # Waits for its end, for ten seconds at most: dhcpcd_pidfile_timeout() of its dhcpcd.c.
        "dhcpcd": f"dhcpcd -4 -k {name}",
    }
    return [f"up {_first(clients)}", f"down {_first(stops)} || true"]


def _dhcp6(name: str, kind: str, own_dns: bool) -> list[str]:
    """DHCPv6 likewise: the method "dhcp" knows only dhclient.  Nobody waits for a server that gives no address."""
    files = f"-pf /run/dhclient6.{name}.pid -lf /var/lib/dhcp/dhclient6.{name}.leases"
    stateful = kind == "stateful"
    clients = {
        "dhclient": f"dhclient -6 {'' if stateful else '-S -nw '}{files} {name}",
        "dhcpcd": f"dhcpcd -6 {NO_DNS if own_dns else ''}--noipv6rs {'--ia_na' if stateful else '--inform6 -b'} {name}",
    }
    stops = {"dhclient": f"dhclient -6 -r {files} {name}", "dhcpcd": f"dhcpcd -6 -k {name}"}
    return [
        "up /lib/ifupdown/wait-for-ll6.sh || true",
        f"up {_first(clients)}",
        f"down {_first(stops)} || true",
    ]


def _first(commands: Mapping[str, str]) -> str:
    """The command of the first program that is installed; the last one's message says what is missing."""
    *others, last = commands
    tests = [f"if command -v {program} >/dev/null; then {commands[program]}; " for program in others]
    return f"{'el'.join(tests)}else {commands[last]}; fi"
