# SPDX-License-Identifier: Apache-2.0
"""The links of a document made sound together: ids unique, members and parents there.

What is left out takes with it what stands on it.  Cost is linear, whatever the document says.
"""

from __future__ import annotations

from bootagent.formats.bonds import find_primary
from bootagent.model.values import MacAddress, Mtu, shown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from bootagent.formats.report import Report
    from bootagent.model.network import Link


def parse_mac(value: object, where: str, report: Report) -> MacAddress | None:
    """A hardware address; ``None`` if there is none, or none that is one."""
    if value is None or value == "":
        return None
    try:
        return MacAddress(value)
    except ValueError as error:
        report.error(where, str(error))
        return None


def parse_mtu(value: object, where: str, report: Report) -> Mtu | None:
    """An MTU; ``None`` for all spellings of "not said", and for what no device can have."""
    if value is None or value in (0, "", "0"):
        return None
    try:
        return Mtu(value)
    except ValueError as error:
        report.warning(where, str(error))
        return None


class Links:
    """The sound links of a document by id, in its order, and the ids of those that were left out."""

    __slots__ = ("_keys", "by_id", "refused", "report")

    def __init__(self, by_id: dict[str, Link], refused: set[str], keys: Mapping[str, str], report: Report) -> None:
        self.by_id = by_id
        self.refused = refused - by_id.keys()
        self.report = report
        self._keys = keys

    def where(self, link: Link, key: str) -> str:
        """The place of what ``key`` says about a link."""
        return f"{link.origin}{self._keys[key]}"

    def is_physical(self, name: str) -> bool:
        """Whether there is such a link, and it is a NIC."""
        link = self.by_id.get(name)
        return link is not None and link.bond is None and link.vlan is None

    def refuse(self, link: Link) -> None:
        """Leave out a link that stood."""
        del self.by_id[link.id]
        self.refused.add(link.id)


def resolve_links(
    found: list[Link],
    refused: set[str],
    members: Mapping[str, list[str]],
    stray: list[str],
    keys: Mapping[str, str],
    report: Report,
) -> Links:
    """``found`` without what cannot be, references resolved.

    ``members`` are those of the bonds, by origin; ``stray`` those that stand where they do not belong;
    ``keys`` say how the document calls "id", "members", "primary" and "parent", as what follows an origin in a place.
    """
    links = Links(_make_unique(found, keys["id"], report), refused, keys, report)
    _resolve_bonds(links, members, stray)
    _resolve_vlans(links)
    return links


def _make_unique(found: list[Link], key: str, report: Report) -> dict[str, Link]:
    """The links by id; the last of an id keeps it, a mere repetition is dropped."""
    last = {link.id: link for link in found}
    if len(last) == len(found):
        return last
    links: dict[str, Link] = {}
    for link in found:
        heir = last[link.id]
        if heir is not link:
            report.warning(f"{link.origin}{key}", f"{shown(link.id)} is the id of a later link too, and means that")
            if link._replace(origin="") == heir._replace(origin=""):
                continue
            identity = f"{link.id} ({link.origin})"
            while identity in last:
                identity += "'"
            links[identity] = link._replace(id=identity)
        else:
            links[link.id] = link
    return links


def _resolve_bonds(links: Links, members: Mapping[str, list[str]], stray: list[str]) -> None:
    taken: set[str] = set()
    for link in [link for link in links.by_id.values() if link.bond is not None]:
        wanted = members[link.origin]
        if wanted and stray and not any(name in links.by_id for name in wanted) and all(map(links.is_physical, stray)):
            # ironic's conductor writes the members of a bond that it regenerates into links[0]
            links.report.warning(links.where(link, "members"), "no link has these ids, those of links[0] are used")
            wanted, stray = stray, []
        ids = _sound_members(wanted, link, links, taken)
        if not ids:
            links.report.error(link.origin, "a bond without members")
            links.refuse(link)
            continue
        taken.update(ids)
        links.by_id[link.id] = _with_members(link, ids, links)


def _sound_members(wanted: list[str], bond: Link, links: Links, taken: set[str]) -> tuple[str, ...]:
    """Those members that a bond can have: NICs that no other bond has, each once."""
    where = links.where(bond, "members")
    ids: dict[str, None] = {}
    for name in wanted:
        if name not in links.by_id:
            links.report.warning(where, f"no link has the id {shown(name)}")
        elif not links.is_physical(name):
            links.report.error(where, f"{shown(name)} is not a physical device")
        elif name in taken:
            links.report.error(where, f"{shown(name)} is in another bond already")
        else:
            ids[name] = None
    return tuple(ids)


def _with_members(link: Link, ids: tuple[str, ...], links: Links) -> Link:
    assert link.bond is not None
    wanted = link.bond.primary
    primary = find_primary(wanted, [links.by_id[name] for name in ids]) if wanted else ""
    if wanted and not primary:
        links.report.warning(links.where(link, "primary"), f"{shown(wanted)} is not a member")
    return link._replace(bond=link.bond._replace(members=ids, primary=primary))


def _resolve_vlans(links: Links) -> None:
    """Leave out the VLANs that end nowhere; each chain of parents is walked once."""
    sound: dict[str, bool] = {}
    for start in [link for link in links.by_id.values() if link.vlan is not None]:
        path: dict[str, Link] = {}
        name = start.id
        while name not in sound and name not in path:
            link = links.by_id.get(name)
            if link is None or link.vlan is None:
                sound[name] = link is not None
                break
            path[name] = link
            name = link.vlan.parent
        verdict = sound.get(name, False)  # not there: the chain came back to itself
        for link in reversed(path.values()):
            sound[link.id] = verdict
            if not verdict:
                _refuse_vlan(link, links)


def _refuse_vlan(link: Link, links: Links) -> None:
    assert link.vlan is not None
    parent = shown(link.vlan.parent)
    if link.vlan.parent in links.refused:
        message = f"its parent {parent} is left out"
    elif link.vlan.parent in links.by_id:
        message = f"its parent {parent} is, in the end, itself"
    else:
        message = f"no link has the id {parent}"
    links.report.error(links.where(link, "parent"), message)
    links.refuse(link)
