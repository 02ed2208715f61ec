# SPDX-License-Identifier: Apache-2.0
"""OpenStack config drive: https://docs.openstack.org/nova/latest/user/metadata.html.

An ISO 9660 or FAT file system with the label ``config-2``, on a whole disk or a partition, or a directory.  Each
document is taken from ``openstack/latest``, or else from the newest dated directory that has it: some producers write
only ``latest``, some leave documents out of it, and any document may be absent.
"""

from __future__ import annotations

from bootagent.errors import MediaError, SourceError
from bootagent.formats import openstack
from bootagent.formats.openstack import MAX_DOCUMENT as MAX_INJECTED
from bootagent.sources import Documents

TYPE_CHECKING = False
if TYPE_CHECKING:
    from bootagent.media import Volume
    from bootagent.model.instance import Instance

SUMMARY = (
    "OpenStack config drive: label ``config-2``, ISO 9660 or FAT, whole disk or partition; nova, ironic, Metal3, "
    "Bifrost, metalsmith, CloudStack, oVirt, Rackspace, IBM, KubeVirt, Proxmox"
)
LABEL = "config-2"
DOCUMENTS = ("meta_data.json", "network_data.json", "network_info.json", "vendor_data.json")
# A disk of IBM's provisioning that has the label and is not for us: FAT serial, cloud-init's DataSourceIBMCloud.
NOT_OURS = frozenset(("9796-932E",))
NETWORK_CONFIG = "network_config"


def holds(volume: Volume) -> bool:
    """Whether the tree is that of a config drive."""
    return bool(_names(volume))


def read(volume: Volume) -> Instance:
    """The instance that the drive describes; ``SourceError`` if it has no document at all."""
    versions = _versions(volume)
    documents = Documents(volume)
    for name in DOCUMENTS:
        documents.read(name, [f"openstack/{version}/{name}" for version in versions])
    config = openstack.network_config_path(documents.found.get("meta_data.json", b""))
    if config is not None:  # named and absent is usual (Rackspace): nothing is missed then
        documents.read(NETWORK_CONFIG, (f"openstack{config}",))
    left = MAX_INJECTED
    for path in openstack.injected_paths(documents.found.get("meta_data.json", b"")):
        if left >= 0:  # one too large is among them, for the report
            documents.read(path, (f"openstack{path}",))
            left -= len(documents.found.get(path, b""))
    if not documents.found and not documents.problems:
        raise SourceError(volume.place, "a drive without openstack/*/meta_data.json or network_data.json")
    return documents.parse(openstack.parse_documents)


def read_user_data(volume: Volume) -> bytes | None:
    """The instance's user data, ``None`` where it has none."""
    documents = (volume.read(f"openstack/{version}/user_data") for version in _versions(volume))
    return next((document for document in documents if document is not None), None)


def _versions(volume: Volume) -> tuple[str, ...]:
    """``latest``, then the dated directories, newest first; dates of the future are as good as any."""
    names = _names(volume)
    dated = {name for name in names if len(name) == 10 and name[4] == name[7] == "-" and name[:4].isdecimal()}
    return ("latest", *sorted(dated, reverse=True))


def _names(volume: Volume) -> tuple[str, ...]:
    try:
        return volume.names("openstack") or ()
    except MediaError:
        return ()
