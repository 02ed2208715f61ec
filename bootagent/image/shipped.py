# SPDX-License-Identifier: Apache-2.0
"""The files that are installed beside the package: in the checkout, or where pip put them."""

from __future__ import annotations

import os
import sys

from bootagent.errors import SourceError

PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
# Where each kind stands in the checkout, and below the Python prefix.
UNITS = ("systemd", "lib/systemd/system")
PRESETS = ("systemd", "lib/systemd/system-preset")
UDEV = ("udev", "lib/udev/rules.d")
OPENRC = ("openrc", "share/bootagent/openrc")
DRACUT = ("dracut/50bootagent", "lib/dracut/modules.d/50bootagent")
_LEVELS = 5  # from the package to the prefix: bootagent, site-packages, python3.11, lib


def read_shipped(places: tuple[str, str], name: str) -> bytes:
    """A file of one of the kinds above.

    The prefix is the one that the package is below, which with ``pip --root`` or ``--prefix`` is not the interpreter's.
    """
    above = PACKAGE
    directories = [f"{os.path.dirname(PACKAGE)}/{places[0]}"]
    for _ in range(_LEVELS):
        above = os.path.dirname(above)
        directories.append(f"{above.rstrip('/')}/{places[1]}")
    for directory in (*directories, f"{sys.prefix}/{places[1]}"):
        try:
            with open(f"{directory}/{name}", "rb") as file:
                return file.read()
        except (FileNotFoundError, NotADirectoryError):
            continue
    raise SourceError(name, "not found beside the package, nor below the Python prefix")
