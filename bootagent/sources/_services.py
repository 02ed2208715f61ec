# SPDX-License-Identifier: Apache-2.0
"""Which service this machine has, where no drive speaks: by what the machine itself says, or by what was pinned.

No packet leaves a machine of which neither is known: whoever is on its link could answer (CVE-2024-6174).
"""

from __future__ import annotations

from bootagent.errors import ChangedError, SourceError
from bootagent.host import read_cmdline
from bootagent.identity import read_identity
from bootagent.model.instance import Problem
from bootagent.sources import Choice, Found, Look, Search, load_service

TYPE_CHECKING = False
if TYPE_CHECKING:
    from bootagent.host import Nic
    from bootagent.identity import Identity
    from bootagent.model.instance import Instance
    from bootagent.root import Root
    from bootagent.sources import Service
    from bootagent.sources._http import Connector

# Of several that find themselves here the first is asked: what was set by hand before what a platform brings, and a
# cloud that is built on another before that one.  A seed directory comes last: each clone of an image that has one has
# it, and what its cloud says is of this clone.
SERVICES = (
    "nocloud_net",
    "digitalocean",
    "hetzner",
    "scaleway",
    "vultr",
    "openstack",
    "akamai",
    "alibaba",
    "azure",
    "cloudstack",
    "ec2",
    "exoscale",
    "gce",
    "oracle",
    "upcloud",
    "lxd",
    "smartos",
    "vmware",
    "credentials",
    "nocloud",
)


TRIES = 3  # at a service that changes while it is asked


def search(root: Root, nics: tuple[Nic, ...], asked: tuple[str, ...] | None, online: float | None) -> Search:
    """The service that is this machine's, of those that are ``asked`` if it is not all, and what it says.

    It is only awaited where it needs a network and there is none yet: ``online`` is ``None``.
    """
    if asked == ():
        return Search()
    identity = read_identity(root, read_cmdline(root))
    choice, looks = choose(identity, asked)
    if choice is None:
        return Search(looks=looks)
    module = load_service(choice.source)
    try:
        if not choice.needs:
            place, instance = module.read_channel(root, identity)
        elif online is not None:
            from bootagent.sources._http import Connector  # not on a boot that asks nobody

            place, instance = _fetch(module, Connector(identity, nics, online))
        else:
            return Search(awaited=choice, looks=looks)
    except SourceError as error:
        problem = Problem("error", error.place, error.reason)
        return Search(awaited=choice if choice.needs else None, looks=looks, problems=(problem,))
    return Search(Found(choice.source, place, instance, why=choice.why), looks=looks)


def _fetch(module: Service, connector: Connector) -> tuple[str, Instance]:
    """What the service says; it is asked anew where it changed meanwhile, so that no machine is half of two."""
    left = TRIES
    while True:
        left -= 1
        try:
            return module.fetch(connector)
        except ChangedError:
            if not left:
                raise


def choose(identity: Identity, asked: tuple[str, ...] | None) -> tuple[Choice | None, tuple[Look, ...]]:
    """The service to be asked, and why the others are not."""
    looks: list[Look] = []
    found: list[Choice] = []
    wanted = [name for name in SERVICES if asked is None or name in asked]
    for name in wanted:
        module = load_service(name)
        # What the image names alone is not guessed.
        why = module.detect(identity) or ("an option names it" if asked is not None and len(wanted) == 1 else "")
        if not why:
            looks.append(Look(name, "nothing here says that it is this machine's"))
        elif found:
            looks.append(Look(name, f"{why}, but {found[0].source} comes first"))
        else:
            found.append(Choice(name, why, module.NEEDS))
    looks += (Look(name, "not among the sources that an option names") for name in SERVICES if name not in wanted)
    return (found[0] if found else None), tuple(looks)
