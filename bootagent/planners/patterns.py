# SPDX-License-Identifier: Apache-2.0
"""Which NICs a pattern of the document means, so that what binds a link to its NIC knows addresses and names only.

netplan gives the same settings to each NIC that fits, https://netplan.readthedocs.io/en/stable/netplan-yaml/, "match";
one that another link names is that one's.  Where several links fit, the first of the document has the NIC.
"""

from __future__ import annotations

from bootagent.model.instance import Problem

TYPE_CHECKING = False
if TYPE_CHECKING:
    from bootagent.host import Host, Nic
    from bootagent.model.network import Link, Network, Pattern


def expand(network: Network, host: Host, problems: list[Problem]) -> Network:
    """``network`` with a link for each NIC in the place of each pattern; what fits nothing is added to ``problems``."""
    physical = [link for link in network.links if link.bond is None and link.vlan is None]
    names, macs = {link.name for link in physical}, {link.mac for link in physical}
    free = [nic for nic in host.nics if nic.name not in names and not macs.intersection(nic.addresses)]
    taken = {link.id for link in network.links}
    links: list[Link] = []
    means: dict[str, tuple[str, ...]] = {}
    for link in network.links:
        if link.pattern is None:
            links.append(link)
            continue
        nics: dict[str, Nic] = {}
        for nic in free:
            if _fits(nic, link.pattern):
                nics.setdefault(nic.mac, nic)  # of two devices of one address it is known elsewhere which counts
        free = [nic for nic in free if nic.mac not in nics]
        _report(link, [nic.name for nic in nics.values()], host, problems)
        ids = [link.id if not index else _free_id(link, nic, taken) for index, nic in enumerate(nics.values())]
        means[link.id] = tuple(ids)
        links += [link._replace(id=identity, mac=nic.mac, pattern=None) for identity, nic in zip(ids, nics.values())]
    return network._replace(links=tuple(_refer(link, means, problems) for link in links))


def _fits(nic: Nic, pattern: Pattern) -> bool:
    if pattern.name and not matches(nic.name, pattern.name):
        return False
    return not pattern.drivers or any(matches(nic.driver, driver) for driver in pattern.drivers)


def matches(text: str, pattern: str) -> bool:
    """Whether the whole text is what the pattern means: glob(7), without what it says of paths and of backslashes.

    The standard library's fnmatch compiles a regular expression, and before Python 3.10 not of every pattern.
    """
    position = index = 0
    star, mark = -1, 0  # where the last asterisk is, and what of the text it has so far
    while position < len(text):
        end, fits = _step(text[position], pattern, index)
        if index < len(pattern) and pattern[index] == "*":
            star, mark = index, position
            index += 1
        elif fits:
            position, index = position + 1, end
        elif star >= 0:
            mark += 1
            position, index = mark, star + 1
        else:
            return False
    return not pattern[index:].strip("*")


def _step(char: str, pattern: str, index: int) -> tuple[int, bool]:
    """Where the part of the pattern that begins at ``index`` ends, and whether it fits the character."""
    part = pattern[index : index + 1]
    first = index + 2 if pattern[index + 1 : index + 2] == "!" else index + 1
    end = pattern.find("]", first + 1)  # a bracket that comes first is one of the set
    if part != "[" or end < 0:
        return index + 1, part in ("?", char)
    found = False
    while first < end:
        last = first + 2 if pattern[first + 1] == "-" and first + 2 < end else first
        found = found or pattern[first] <= char <= pattern[last]
        first = last + 1
    return end + 1, found != (pattern[index + 1] == "!")


def _free_id(link: Link, nic: Nic, taken: set[str]) -> str:
    identity = f"{link.id} ({nic.name})"
    while identity in taken:
        identity += "'"
    taken.add(identity)
    return identity


def _report(link: Link, names: list[str], host: Host, problems: list[Problem]) -> None:
    if not names and host.has_sysfs:
        problems.append(Problem("error", link.origin, "no NIC fits the pattern that it is found by"))
    elif not names:
        problems.append(Problem("info", link.origin, "which NICs fit its pattern is seen on the machine itself"))
    elif len(names) > 1 and link.addressing.addresses:
        problems.append(Problem("warning", link.origin, f"{', '.join(names)} all get the same addresses"))


def _refer(link: Link, means: dict[str, tuple[str, ...]], problems: list[Problem]) -> Link:
    """``link`` with the ids that a pattern's now stands for; the first of them is the pattern's own."""
    if link.bond is not None:
        members = tuple(identity for member in link.bond.members for identity in means.get(member, (member,)))
        return link._replace(bond=link.bond._replace(members=members))
    if link.vlan is not None and len(means.get(link.vlan.parent, ())) > 1:
        problems.append(Problem("warning", link.origin, "its parent's pattern fits several NICs: it is on the first"))
    return link
