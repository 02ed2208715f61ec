# SPDX-License-Identifier: Apache-2.0
"""The host name and the keys of a ``#cloud-config``: https://docs.cloud-init.io/en/latest/reference/modules.html.

Proxmox and virt-install say them nowhere else.  Nothing else of such a document is done.  It is full of passwords, so
of what else it holds only the names of keys ever reach a message.
"""

from __future__ import annotations

from bootagent.errors import DocumentError
from bootagent.formats.meta_data import parse_hostname, parse_keys
from bootagent.formats.netconfig_devices import at
from bootagent.formats.report import Report
from bootagent.formats.yamltext import parse_text
from bootagent.model.instance import Instance

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

HEADER = b"#cloud-config"
HOSTNAMES = ("fqdn", "hostname")
KEYS = ("ssh_authorized_keys", "ssh-authorized-keys")
# What is said here is done, or says how what is done is to be done.
DONE = (*HOSTNAMES, *KEYS, "prefer_fqdn_over_hostname", "preserve_hostname", "users")
MAX_NAMES = 20


def is_cloud_config(data: bytes) -> bool:
    """Whether user data is such a document, and not a script, an archive of parts, or anything else."""
    first = data.removeprefix(b"\xef\xbb\xbf").lstrip()[:1024].partition(b"\n")[0].split()
    return bool(first) and first[0].lower() == HEADER


def parse_cloud_config(data: bytes, name: str) -> tuple[Instance, tuple[str, ...]]:
    """Host name and keys of the document that is called ``name``, and the names of what else it wants."""
    report = Report()
    base = f"{name}: "
    try:
        config = parse_text(name, data)
        if config is not None and not isinstance(config, dict):
            raise DocumentError(name, "", "not a mapping")
    except DocumentError as error:
        where = f"{base}{error.where}" if error.where else name
        report.error(where, str(error)[len(where) + 2 :])
        return Instance(broken=frozenset((name,)), problems=report.problems()), ()
    config = config or {}
    keeps = config.get("preserve_hostname") is True
    hostname = None if keeps else parse_hostname(config, base, report, HOSTNAMES)
    users = _users(config)
    theirs = [_keys_of(user) for user in users]
    places = {**{key: config.get(key) for key in KEYS}, "users": theirs if any(theirs) else None}
    keys = parse_keys(places, base, report, tuple(places))
    others = [at(key).removeprefix(".") for key, value in config.items() if key not in DONE and _says(value)]
    if not all(map(_is_done, users)):
        others.append("users, but for their keys")
    said = Instance(hostname=hostname, ssh_keys=keys, origins=report.origins, problems=report.problems())
    return said, tuple(others)


def name_some(names: tuple[str, ...]) -> str:
    """The names in a row, not too many of them."""
    more = len(names) - MAX_NAMES
    return ", ".join(names[:MAX_NAMES]) + (f" and {more} more" if more > 0 else "")


def _users(config: dict[str, Any]) -> list[object]:
    """The users: a list, or by name, or one name."""
    users = config.get("users")
    if isinstance(users, dict):
        return [{"name": name, **(user if isinstance(user, dict) else {})} for name, user in users.items()]
    return users if isinstance(users, list) else [users] if users else []


def _keys_of(user: object) -> object:
    return next((user[key] for key in KEYS if user.get(key)), None) if isinstance(user, dict) else None


def _is_done(user: object) -> bool:
    """Whether nothing but keys is asked for: no account is made, and root is there."""
    if isinstance(user, dict):
        return user.get("name") == "root" and not any(_says(user[key]) for key in user.keys() - {"name", *KEYS})
    return user == "default"


def _says(value: object) -> bool:
    return value is not None and value is not False and value not in ("", [], {})
