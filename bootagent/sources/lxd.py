# SPDX-License-Identifier: Apache-2.0
"""LXD and Incus: https://documentation.ubuntu.com/lxd/latest/dev-lxd/.

HTTP over a socket that the host puts into each container, and the agent of LXD into each virtual machine, where it may
come after the first half of the boot.  The documents are those of NoCloud, three requests at most.
"""

from __future__ import annotations

import time

from bootagent.errors import DocumentError, SourceError
from bootagent.model.instance import Problem

TYPE_CHECKING = False
if TYPE_CHECKING:
    from bootagent.identity import Identity
    from bootagent.model.instance import Instance
    from bootagent.sources._answers import Answers
    from bootagent.sources._http import Connector

SUMMARY = (
    "LXD and Incus, by ``/dev/lxd/sock``; needs PyYAML. The network's configuration is for virtual machines: NICs of "
    "containers are not physical, and are found by their name alone, with an error that says so. Keys of users that "
    "LXD names (``cloud-init.ssh-keys.*``) are only named"
)
NEEDS = "socket"
SOCKET = "/dev/lxd/sock"
PORTS = tuple(f"/dev/virtio-ports/{name}" for name in ("com.canonical.lxd", "org.linuxcontainers.lxd"))  # its agent's
SECONDS = 10.0  # the host is next door: one that does not answer now will not later


def detect(identity: Identity) -> str:
    """Why this is an instance of LXD's."""
    if SOCKET in identity.channels:
        return f"the socket {SOCKET}"
    return next((f"the port {port}" for port in PORTS if port in identity.channels), "")


def fetch(connector: Connector) -> tuple[str, Instance]:
    """Where the instance is described, and how; ``SourceError`` where nobody answers."""
    from bootagent.formats import nocloud  # none of it on a boot that only asks whose machine this is
    from bootagent.formats.lxd import NETWORK_CONFIGS, name_unused
    from bootagent.sources._answers import Answers
    from bootagent.sources._http import Connector

    near = Connector(connector.identity, (), min(connector.end, time.monotonic() + SECONDS))
    answers = Answers(near.open(SOCKET))
    if not answers.require(nocloud.META_DATA, "/1.0/meta-data"):
        raise SourceError(SOCKET, "it has no meta-data")
    keys = _list_keys(answers)
    config = next((key for key in NETWORK_CONFIGS if key in keys), None)
    if config is not None:
        answers.ask(nocloud.NETWORK_CONFIG, f"/1.0/config/{config}")
    instance = answers.parse(nocloud.parse_documents)
    return SOCKET, instance._replace(problems=(*instance.problems, *name_unused(keys)))


def fetch_user_data(connector: Connector) -> bytes | None:
    """What the user wants to be run; ``None`` where there is nothing."""
    from bootagent.formats.lxd import USER_DATA

    http = connector.open(SOCKET)
    return next(filter(None, (http.get(f"/1.0/config/{key}") for key in USER_DATA)), None)


def _list_keys(answers: Answers) -> frozenset[str]:
    """The keys of the instance's configuration; without a list of them nothing is known of its network."""
    from bootagent.formats.lxd import LISTING, parse_listing

    answers.ask(LISTING, "/1.0/config")
    try:
        return parse_listing(answers.found.pop(LISTING, b"[]"))
    except DocumentError as error:
        answers.damaged.add(LISTING)
        answers.problems.append(Problem("error", SOCKET, str(error)))
        return frozenset()
