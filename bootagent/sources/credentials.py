# SPDX-License-Identifier: Apache-2.0
"""System credentials of systemd: https://systemd.io/CREDENTIALS/.

Where systemd imported them they are in ``/run/credentials/@system``; an older one, and any other init, leaves them
where the hypervisor put them: QEMU's fw_cfg, or OEM strings of the SMBIOS.  The order is that of systemd's
import-creds.c: what came first stands.  No channel needs a network, and none is waited for.
"""

from __future__ import annotations

from bootagent.errors import SourceError
from bootagent.formats.credentials import CREDENTIALS, parse_documents, parse_strings
from bootagent.model.instance import Problem
from bootagent.model.values import shown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from bootagent.identity import Identity
    from bootagent.model.instance import Instance
    from bootagent.root import Root

SUMMARY = (
    "systemd's system credentials ``ssh.authorized_keys.root`` and ``system.hostname``, as systemd has them, or from "
    "QEMU's ``fw_cfg`` or the SMBIOS. Those of the network (``network.network.*`` and the like) are systemd's own to "
    "apply, 256 and newer, and are named where it did not"
)
NEEDS = ""
SYSTEM = "/run/credentials/@system"
FW_CFG = "/sys/firmware/qemu_fw_cfg/by_name/opt/io.systemd.credentials"
FILES = ((SYSTEM, SYSTEM + "/{}"), (FW_CFG, FW_CFG + "/{}/raw"))
SMBIOS = "SMBIOS"
# Kinds of file that systemd-network-generator(8) makes of credentials before any network daemon starts.
NETWORK = ("network.network.", "network.netdev.", "network.link.")
GENERATED = "/run/systemd/network"


def detect(identity: Identity) -> str:
    """Why there are credentials for us."""
    strings = parse_strings(identity.strings)
    for name in CREDENTIALS:
        for directory, _ in FILES:
            if f"{directory}/{name}" in identity.channels:
                return f"credential {name} in {directory}"
        if name in strings:
            return f"credential {name} in the {SMBIOS}"
    return ""


def read_channel(root: Root, identity: Identity) -> tuple[str, Instance]:
    """Where the credentials are, and what they say; ``SourceError`` where none can be read."""
    places: list[str] = []
    found: dict[str, bytes] = {}
    problems: list[Problem] = []
    damaged: set[str] = set()
    strings = parse_strings(identity.strings)
    for name in CREDENTIALS:
        for place, content in _read(root, strings, name):
            if isinstance(content, str):
                problems.append(Problem("error", place, content))
                damaged.add(name)
            else:
                found[name] = content
                places.append(place)
                damaged.discard(name)
                break
    if not found:
        first = problems[0] if problems else Problem("error", SYSTEM, "no credential for us is there")
        raise SourceError(first.where, first.message)
    instance = parse_documents(found)
    notes = _name_network(root, {*strings, *(name for directory, _ in FILES for name in root.names(directory))})
    problems += [*instance.problems, *notes]
    return places[0], instance._replace(broken=instance.broken | damaged, problems=tuple(problems))


def _read(root: Root, strings: dict[str, bytes | None], name: str) -> Iterator[tuple[str, bytes | str]]:
    """The places that have the credential, with its content there, or with why it cannot be read."""
    for directory, path in FILES:
        try:
            content = root.read(path.format(name))
        except OSError as error:
            yield f"{directory}/{name}", error.strerror or str(error)
            continue
        if content is not None:
            yield f"{directory}/{name}", content
    if name in strings:
        value = strings[name]
        yield f"{SMBIOS}: {name}", "not base64" if value is None else value


def _name_network(root: Root, names: set[str]) -> Iterator[Problem]:
    """Each credential of the network: systemd 256 and newer makes files of them, anything else does not."""
    for name in sorted(names):
        if name.startswith(NETWORK):
            _, kind, rest = name.split(".", 2)
            where = name if name.isprintable() else shown(name)
            if root.exists(f"{GENERATED}/{rest}.{kind}"):
                yield Problem("info", where, "systemd-networkd's own: it has the file")
            else:
                yield Problem("warning", where, "not handled: that is for systemd 256 and newer to do")
