# SPDX-License-Identifier: Apache-2.0
"""OpenStack config drive: https://docs.openstack.org/nova/latest/user/metadata.html.

An ISO 9660 or FAT file system with the label ``config-2``, on a whole disk or a partition, or a directory.  Each
document is taken from ``openstack/latest``, or else from the newest dated directory that has it: some producers write
only ``latest``, some leave documents out of it, and any document may be absent.
"""

from __future__ import annotations

from bootagent import media
from bootagent.errors import MediaError, SourceError
from bootagent.formats import openstack
from bootagent.model.instance import Instance, Problem
from bootagent.sources import Found

TYPE_CHECKING = False
if TYPE_CHECKING:
    from bootagent.host import Drive, Host
    from bootagent.media import Volume
    from bootagent.root import Root

PRIORITY = 10
LABEL = "config-2"
DOCUMENTS = ("meta_data.json", "network_data.json", "network_info.json", "vendor_data.json")
# A disk of IBM's provisioning that has the label and is not for us: FAT serial, cloud-init's DataSourceIBMCloud.
IBM_PROVISIONING = "9796-932E"
NETWORK_CONFIG = "network_config"


def detect(host: Host) -> bool:
    """Whether the machine has a drive with the label, in any case."""
    return bool(_candidates(host))


def read(root: Root, host: Host, drive: str | None) -> Found:
    """Read ``drive``, or the one drive of several that is this instance's (the rule is in ``_choose``)."""
    if drive is not None:
        instance, reach = read_drive(drive, drive)
        return Found("configdrive", drive, instance, reach=reach)
    found, errors, reach = [], [], 0
    for candidate in _candidates(host):
        try:
            instance, reach = read_drive(root.host_path(candidate.path), candidate.path)
            found.append((candidate, instance))
        except SourceError as error:
            errors.append(error)
    if not found:
        raise errors[0]
    candidate, instance, problems = _choose(host, found)
    unread = tuple(Problem("warning", error.place, str(error)[len(error.place) + 2 :]) for error in errors)
    return Found("configdrive", candidate.path, instance, problems + unread, reach if len(found) == 1 else 0)


def read_drive(path: str, place: str) -> tuple[Instance, int]:
    """The instance that one drive describes, and how many of its first bytes that took (0: a directory).

    ``SourceError`` if it has no document at all.
    """
    drive = media.open_volumes(path, place)
    with drive as volumes:
        volume = _labelled(volumes)
        versions = _versions(volume)
        documents: dict[str, bytes] = {}
        problems: list[Problem] = []
        for name in DOCUMENTS:
            content = _read_newest(volume, versions, name, problems)
            if content is not None:
                documents[name] = content
        config = openstack.network_config_path(documents.get("meta_data.json", b""))
        if config is not None:
            try:
                content = volume.read(f"openstack{config}")
            except MediaError as error:
                problems.append(Problem("error", f"{place}: openstack{config}", _reason(error)))
            else:
                # Named and absent is usual (Rackspace): nothing is missed then.
                documents.update({NETWORK_CONFIG: content} if content is not None else {})
    if not documents and not problems:
        raise SourceError(place, "a drive without openstack/*/meta_data.json or network_data.json")
    instance = openstack.parse_documents(documents)
    unread = frozenset(problem.where.rpartition("/")[2] for problem in problems) - frozenset(documents)
    instance = instance._replace(broken=instance.broken | unread, problems=(*problems, *instance.problems))
    return instance, drive.reach


def _candidates(host: Host) -> tuple[Drive, ...]:
    return tuple(
        drive for drive in host.drives if LABEL in map(str.lower, drive.labels) and drive.serial != IBM_PROVISIONING
    )


def _labelled(volumes: tuple[Volume, ...]) -> Volume:
    """Of the file systems on one disk the one with the label; a drive that was named needs none."""
    for volume in volumes:
        if LABEL in map(str.lower, volume.labels):
            return volume
    return volumes[0]


def _versions(volume: Volume) -> tuple[str, ...]:
    """``latest``, then the dated directories, newest first; dates of the future are as good as any."""
    try:
        names = volume.names("openstack") or ()
    except MediaError:
        names = ()
    dated = {name for name in names if len(name) == 10 and name[4] == name[7] == "-" and name[:4].isdecimal()}
    return ("latest", *sorted(dated, reverse=True))


def _read_newest(volume: Volume, versions: tuple[str, ...], name: str, problems: list[Problem]) -> bytes | None:
    for version in versions:
        path = f"openstack/{version}/{name}"
        try:
            content = volume.read(path)
        except MediaError as error:
            problems.append(Problem("error", f"{volume.place}: {path}", _reason(error)))
            continue
        if content is not None:
            return content
    return None


def _reason(error: MediaError) -> str:
    return str(error)[len(error.place) + 2 :]


def _choose(host: Host, found: list[tuple[Drive, Instance]]) -> tuple[Drive, Instance, tuple[Problem, ...]]:
    """The machine's own by uuid, then optical before whole disk before partition; a tie is reported, both named."""
    identities = _spellings(host.uuid)
    ranked = sorted(found, key=lambda pair: ((pair[1].id or "").lower() not in identities, pair[0].rank, pair[0].path))
    (first, instance), rest = ranked[0], ranked[1:]
    own = (instance.id or "").lower() in identities
    rivals = [
        drive
        for drive, other in rest
        if ((other.id or "").lower() in identities) == own and drive.rank == first.rank and other != instance
    ]
    if not rivals:
        return first, instance, ()
    names = ", ".join(drive.path for drive in rivals)
    return first, instance, (Problem("warning", first.path, f"taken, but {names} is as likely the instance's drive"),)


def _spellings(uuid: str) -> frozenset[str]:
    """A DMI uuid as it is and with its first three fields in the other byte order (SMBIOS 7.2.1)."""
    parts = uuid.split("-")
    if len(parts) != 5:
        return frozenset()
    turned = ["".join(reversed([part[i : i + 2] for i in range(0, len(part), 2)])) for part in parts[:3]]
    return frozenset((uuid, "-".join(turned + parts[3:])))
