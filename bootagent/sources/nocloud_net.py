# SPDX-License-Identifier: Apache-2.0
"""NoCloud by HTTP: https://docs.cloud-init.io/en/latest/reference/datasources/nocloud.html.

The documents of the drive, in a directory of a web server that the kernel command line or the serial number names
(``ds=nocloud;s=http://…/``).  User data is asked for only where meta-data lacks the keys or the host name, and
meta-data at the end once more.
"""

from __future__ import annotations

from bootagent.errors import SourceError
from bootagent.formats.nocloud import META_DATA, NETWORK_CONFIG, USER_DATA, parse_documents
from bootagent.sources._answers import Answers
from bootagent.sources._seed import find_seed, split_web

TYPE_CHECKING = False
if TYPE_CHECKING:
    from bootagent.identity import Identity
    from bootagent.model.instance import Instance
    from bootagent.sources._http import Connector, Http
    from bootagent.sources._seed import Seed

SUMMARY = "NoCloud by HTTP: ``ds=nocloud;s=http://…/`` in the same places, with ``__dmi.NAME__`` in it; no HTTPS"
NEEDS = "dhcp"


def detect(identity: Identity) -> str:
    """Why this machine has a seed on a web server."""
    seed = find_seed(identity)
    return f"{seed.place}: a NoCloud seed by HTTP" if seed is not None and seed.is_web else ""


def fetch(connector: Connector) -> tuple[str, Instance]:
    """Where the seed is, and the instance that it describes."""
    seed, http, path = _open(connector)
    answers = Answers(http)
    if not answers.require(META_DATA, f"{path}{META_DATA}"):
        raise SourceError(f"{http.place}{path}", "no meta-data there")
    answers.ask(NETWORK_CONFIG, f"{path}{NETWORK_CONFIG}")
    known = seed.describe(parse_documents(answers.found))
    if not known.ssh_keys or known.hostname is None:
        answers.ask(USER_DATA, f"{path}{USER_DATA}")
    answers.confirm(parse_documents)
    instance = seed.describe(answers.parse(parse_documents))
    if USER_DATA in answers.damaged and not instance.ssh_keys:
        instance = instance._replace(ssh_keys=None)  # what is not answered has not said that there are none
    return f"{http.place}{path}", instance


def fetch_user_data(connector: Connector) -> bytes | None:
    """What the instance's user wants to be done on it, if that is anything."""
    _, http, path = _open(connector)
    return http.get(f"{path}{USER_DATA}")


def _open(connector: Connector) -> tuple[Seed, Http, str]:
    seed = find_seed(connector.identity)
    if seed is None or not seed.is_web:
        raise SourceError("kernel command line", "no ds=nocloud;s=http://…/ there, nor in the serial number")
    host, port, path = split_web(seed, connector.identity)
    return seed, connector.open(host, port=port), path
