# SPDX-License-Identifier: Apache-2.0
"""Which of several drives is this machine's.  Most machines have one, and do not load this."""

from __future__ import annotations

from bootagent.model.instance import Problem
from bootagent.sources import LABELS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from bootagent.host import Drive, Host
    from bootagent.sources import Found


def choose(host: Host, drives: list[tuple[Drive, Found]]) -> tuple[Found, tuple[Problem, ...]]:
    """The machine's own by uuid; then by source; then optical before whole disk before partition.

    A tie is reported and both are named, and so is a drive of another source.  What is taken has no ``reach``: the
    answer depends on more than its bytes.
    """
    identities = _spellings(host.uuid)
    order = list(LABELS.values())

    def is_own(found: Found) -> bool:
        return (found.instance.id or "").lower() in identities

    ranked = sorted(
        drives, key=lambda pair: (not is_own(pair[1]), order.index(pair[1].source), pair[0].rank, pair[0].path)
    )
    (drive, best), rest = ranked[0], ranked[1:]
    problems = []
    rivals = []
    for other, found in rest:
        is_as_likely = is_own(found) == is_own(best)
        if found.source != best.source:
            why = f"{drive.path} is preferred" + (": its id is the machine's uuid" if not is_as_likely else "")
            severity = "warning" if is_as_likely else "info"
            problems.append(Problem(severity, other.path, f"a drive of {found.source}, not used: {why}"))
        elif is_as_likely and other.rank == drive.rank and found.instance != best.instance:
            rivals.append(other.path)
    if rivals:
        message = f"taken, but {', '.join(rivals)} is as likely the instance's drive"
        problems.insert(0, Problem("warning", drive.path, message))
    return best._replace(reach=0), tuple(problems)


def _spellings(uuid: str) -> frozenset[str]:
    """A DMI uuid as it is and with its first three fields in the other byte order (SMBIOS 7.2.1)."""
    parts = uuid.split("-")
    if len(parts) != 5:
        return frozenset()
    turned = ["".join(reversed([part[i : i + 2] for i in range(0, len(part), 2)])) for part in parts[:3]]
    return frozenset((uuid, "-".join(turned + parts[3:])))
