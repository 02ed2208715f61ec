# SPDX-License-Identifier: Apache-2.0
"""SmartOS and Triton: https://eng.tritondatacenter.com/mdata/datadict.html.

A virtual machine asks its host by the second serial port.  A zone's network is set by its host: zones are not served.
"""

from __future__ import annotations

import time

from bootagent.errors import SourceError
from bootagent.model.instance import Problem

TYPE_CHECKING = False
if TYPE_CHECKING:
    from bootagent.identity import Identity
    from bootagent.model.instance import Instance
    from bootagent.root import Root
    from bootagent.sources._http import Connector

SUMMARY = (
    "SmartOS and Triton: a virtual machine asks its host by ``/dev/ttyS1``. Zones are not served, values that a user "
    "packed as base64 are not unpacked"
)
NEEDS = ""
PORT = "/dev/ttyS1"
SECONDS = 15.0
USER_DATA = ("cloud-init:user-data", "user-script")


def detect(identity: Identity) -> str:
    """Why this is a machine of SmartOS."""
    return identity.begins("product_name", "SmartDC")


def read_channel(root: Root, _: Identity) -> tuple[str, Instance]:
    """Where the instance is described, and how; ``SourceError`` where the host says nothing."""
    from bootagent.formats.smartos import (
        KEYS,
        UUID,
        parse_documents,
    )  # not on a boot that only asks whose machine this is
    from bootagent.sources._mdata import Mdata

    mdata = Mdata(root.host_path(PORT), PORT, time.monotonic() + SECONDS)
    found: dict[str, bytes] = {}
    problems: tuple[Problem, ...] = ()
    missing: tuple[str, ...] = ()
    try:
        for index, key in enumerate(KEYS):
            try:
                value = mdata.get(key)
            except SourceError as error:
                if not found:
                    raise
                problems = (Problem("error", error.place, error.reason),)
                missing = KEYS[index:]
                break  # behind an answer that is not sound none can be told from another
            if value is not None:
                found[key] = value
    finally:
        mdata.close()
    if UUID not in found:
        raise SourceError(PORT, f"the host has no {UUID}")
    instance = parse_documents(found)
    return PORT, instance._replace(broken=instance.broken.union(missing), problems=(*problems, *instance.problems))


def fetch_user_data(connector: Connector) -> bytes | None:
    """What the user wants to be run; ``None`` where there is nothing."""
    from bootagent.sources._mdata import Mdata

    mdata = Mdata(PORT, PORT, connector.end)
    try:
        return next(filter(None, map(mdata.get, USER_DATA)), None)
    finally:
        mdata.close()
