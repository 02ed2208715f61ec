# SPDX-License-Identifier: Apache-2.0
"""NoCloud: https://docs.cloud-init.io/en/latest/reference/datasources/nocloud.html.

An ISO 9660 or FAT file system with the label ``cidata``, on a whole disk or a partition, or a directory, with the
documents ``meta-data`` and ``network-config`` at its top.  Its other documents say what to run: of ``user-data`` only
keys and host name count, ``vendor-data`` is named only.

Where no drive speaks, a seed directory of the image is as good as one, and so is one that the kernel command line or
the serial number names; they may also say no more than who the instance is (``ds=nocloud;i=…;h=…``).
"""

from __future__ import annotations

from bootagent.errors import MediaError, SourceError
from bootagent.formats import nocloud
from bootagent.model.instance import Instance, Problem
from bootagent.sources import Documents

TYPE_CHECKING = False
if TYPE_CHECKING:
    from bootagent.identity import Identity
    from bootagent.media import Volume
    from bootagent.root import Root

SUMMARY = (
    "NoCloud drive: label ``cidata``, likewise; ``meta-data`` and ``network-config`` of version 1 and 2, as JSON or "
    "YAML (which needs PyYAML); Proxmox, virt-install, KubeVirt, Harvester. Of a ``user-data`` that is a "
    "``#cloud-config`` keys and host name count, where ``meta-data`` has none; the rest of it is named and not done, "
    "and scripts are run where an option says so. Without a drive the same of a directory: "
    "``/var/lib/cloud/seed/nocloud`` or the one of ``ds=nocloud;s=/…/`` on the kernel command line or as the serial "
    "number, where ``i=`` and ``h=`` say who the instance is"
)
LABEL = "cidata"
NOT_OURS: frozenset[str] = frozenset()
DOCUMENTS = ("meta-data", "network-config")
VENDOR_DATA = "vendor-data"
NEEDS = ""
SEEDS = ("/var/lib/cloud/seed/nocloud", "/var/lib/cloud/seed/nocloud-net")


def holds(volume: Volume) -> bool:
    """Whether the tree is that of a NoCloud drive."""
    try:
        names = volume.names("") or ()
    except MediaError:
        return False
    return any(name.lower() in DOCUMENTS for name in names)


def read(volume: Volume) -> Instance:
    """The instance that the drive describes; ``SourceError`` if it has neither document."""
    documents = Documents(volume)
    for name in DOCUMENTS:
        documents.read(name, (name,))
    if not documents.found and not documents.problems:
        raise SourceError(volume.place, "a drive without meta-data and network-config")
    documents.read(nocloud.USER_DATA, (nocloud.USER_DATA,))
    instance = documents.parse(nocloud.parse_documents)
    if nocloud.USER_DATA in documents.damaged and not instance.ssh_keys:
        instance = instance._replace(ssh_keys=None)  # what cannot be read has not said that there are none
    if not _has_content(volume, VENDOR_DATA):
        return instance
    return instance._replace(problems=(*instance.problems, Problem("info", VENDOR_DATA, "not handled")))


def read_user_data(volume: Volume) -> bytes | None:
    """The instance's user data, ``None`` where it has none."""
    return volume.read(nocloud.USER_DATA)


def detect(identity: Identity) -> str:
    """Why this machine is described without a drive."""
    from bootagent.sources._seed import find_seed

    seed = find_seed(identity)
    if seed is not None and seed.is_web:
        return ""
    if seed is not None and (seed.says_who or seed.directory):
        return f"{seed.place}: ds=nocloud"
    there = [path for path in SEEDS if path in identity.channels]
    return f"{there[0]} is there" if there else ""


def read_channel(root: Root, identity: Identity) -> tuple[str, Instance]:
    """The instance of a seed directory, or of the settings alone; ``SourceError`` where neither says anything."""
    from bootagent.sources._seed import Seed, find_seed

    seed = find_seed(identity) or Seed("", {})
    path = seed.directory or next((path for path in SEEDS if path in identity.channels), SEEDS[0])
    try:
        return path, seed.describe(_read_directory(root, path))
    except SourceError as error:
        if not seed.says_who:
            raise
        # A seed that was named is missed; that there is none besides is usual.
        missed = (Problem("error", error.place, error.reason),) if seed.directory else ()
        return seed.place, seed.describe(Instance(problems=missed))


def _read_directory(root: Root, path: str) -> Instance:
    from bootagent import media

    try:
        place = root.resolve(path)
    except OSError as error:
        raise SourceError(path, (error.strerror or str(error)).lower()) from error
    with media.open_volumes(root.host_path(place), path) as volumes:
        return read(volumes[0])


def _has_content(volume: Volume, name: str) -> bool:
    try:
        return bool((volume.read(name) or b"").strip())
    except MediaError:  # there, whatever is in it
        return True
