# SPDX-License-Identifier: Apache-2.0
"""The list of configuration keys of an instance of LXD's; what stands below them is of NoCloud's grammar.

Source: https://documentation.ubuntu.com/lxd/latest/dev-lxd/, "/1.0/config".
"""

from __future__ import annotations

from bootagent.formats.openstack import parse_json
from bootagent.model.instance import Problem
from bootagent.model.values import shown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection

LISTING = "config"
PREFIX = "/1.0/config/"
NETWORK_CONFIGS = ("cloud-init.network-config", "user.network-config")
USER_DATA = ("cloud-init.user-data", "user.user-data")
_NOTES = {
    **dict.fromkeys(USER_DATA, "not looked at here: see the option user-data"),
    **dict.fromkeys(("cloud-init.vendor-data", "user.vendor-data"), "not handled"),
}
_SSH_KEYS = "cloud-init.ssh-keys."


def parse_listing(data: bytes) -> frozenset[str]:
    """The keys that have a value; ``DocumentError`` where it is no list of them."""
    items = parse_json(LISTING, data)
    texts = [item for item in items if isinstance(item, str)] if isinstance(items, list) else []
    return frozenset(text[len(PREFIX) :] for text in texts if text.startswith(PREFIX))


def name_unused(keys: Collection[str]) -> tuple[Problem, ...]:
    """A note for each key that asks for something which is not done."""
    scripts = [Problem("info", key, _NOTES[key]) for key in sorted(keys) if key in _NOTES]
    users = [
        Problem("warning", key if key.isprintable() else shown(key), "not handled: keys of a user that LXD names")
        for key in sorted(keys)
        if key.startswith(_SSH_KEYS)
    ]
    return (*users, *scripts)
