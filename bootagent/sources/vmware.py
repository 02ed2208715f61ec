# SPDX-License-Identifier: Apache-2.0
"""VMware's guestinfo: https://docs.cloud-init.io/en/latest/reference/datasources/vmware.html.

The channel is the hypervisor's backdoor, which VMware's own tools have the word for: vmware-rpctool, and vmtoolsd of an
image without it.  Customization by vCenter (IMC) is not this, and not read.
"""

from __future__ import annotations

from bootagent.errors import SourceError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from bootagent.identity import Identity
    from bootagent.model.instance import Instance
    from bootagent.root import Root
    from bootagent.sources._http import Connector

SUMMARY = (
    "VMware's ``guestinfo.metadata``, asked by ``vmware-rpctool`` or ``vmtoolsd`` of open-vm-tools, which the image "
    "needs. Customization by vCenter is not read"
)
NEEDS = ""
# The programs, first the one that does nothing else, each with what stands before the word.
TOOLS = (("/usr/bin/vmware-rpctool",), ("/usr/bin/vmtoolsd", "--cmd"))
NO_VALUE = b"No value found"
METADATA, ENCODING = "guestinfo.metadata", "guestinfo.metadata.encoding"
USER_DATA = "guestinfo.userdata"
NOTHING = b"---"  # what a value is set to that shall be forgotten


def detect(identity: Identity) -> str:
    """Why this is a machine of VMware's that can ask its hypervisor."""
    why = identity.begins("product_name", "VMware") or identity.begins("sys_vendor", "VMware")
    tool = next((command[0] for command in TOOLS if command[0] in identity.channels), "")
    return f"{why}, and {tool}" if why and tool else ""


def read_channel(root: Root, identity: Identity) -> tuple[str, Instance]:
    """Where the metadata is, and what it says; ``SourceError`` where there is none."""
    if not root.live:  # the program of an image would run on the machine that builds it, and ask that one's hypervisor
        raise SourceError(METADATA, "only the machine itself can ask its hypervisor")
    from bootagent.formats.vmware import parse_documents  # not on a boot that only asks whose machine this is

    found = {METADATA: _ask(root, METADATA), ENCODING: b""}
    if found[METADATA] in (b"", NOTHING):
        raise SourceError(METADATA, "nothing is set")
    found[ENCODING] = _ask(root, ENCODING)
    instance = parse_documents(found)
    uuid = identity.dmi.get("product_uuid", "").lower()
    if instance.id is None and uuid:  # the same as long as the machine is
        instance = instance._replace(id=uuid, origins={**instance.origins, "id": "DMI product_uuid"})
    return METADATA, instance


def fetch_user_data(_: Connector) -> bytes | None:
    """What the user wants to be run; ``None`` where there is nothing."""
    from bootagent.formats.vmware import unpack
    from bootagent.root import Root

    root = Root()
    content = _ask(root, USER_DATA)
    if content in (b"", NOTHING):
        return None
    return unpack(USER_DATA, content, _ask(root, f"{USER_DATA}.encoding").decode("utf-8", "replace"))


def _ask(root: Root, key: str) -> bytes:
    """The value of ``key``, by the first tool that gives an answer; empty where it has none."""
    from bootagent.sources._program import read_output

    failure = SourceError(METADATA, "none of VMware's tools is there")
    for command in TOOLS:
        if not root.exists(command[0]):
            continue
        try:
            output = read_output((*command, f"info-get {key}"))
        except SourceError as error:
            failure = error
            continue
        if output.status == 0:
            return output.out.strip()
        if NO_VALUE in output.err or NO_VALUE in output.out:
            return b""
        failure = SourceError(command[0], f"status {output.status}")
    raise failure
