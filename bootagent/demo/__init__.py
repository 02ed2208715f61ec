# SPDX-License-Identifier: Apache-2.0
"""``bootagent demo``: a machine without DHCP, from its config drive to its files, in a scratch directory.

The drive has the shape of a classic Rackspace server: the network stands in vendor_data.json, link types are null and
MAC addresses upper case.  The machine has one NIC more than the drive names.
"""

from __future__ import annotations

import os
import sys
import tempfile

from bootagent import boot
from bootagent.log import write_problems
from bootagent.report import console_block, plan_text
from bootagent.root import Root

DRIVE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "drive")
NICS = {"eth0": "bc:76:4e:20:1a:01", "eth1": "bc:76:4e:20:1a:02", "eth2": "bc:76:4e:20:1a:03"}


def demo() -> int:
    """Show the plan, apply it to a scratch root, and list what is there then."""
    scratch = tempfile.mkdtemp(prefix="bootagent-demo-")
    _make_machine(scratch)
    root = Root(scratch)
    given: dict[str, object] = {"drive": DRIVE, "backend": "networkd"}
    sys.stdout.write("The plan:\n\n" + plan_text(boot.prepare(root, given)))
    result = boot.apply(root, given)
    assert result is not None
    write_problems(result.problems)
    sys.stdout.write(f"\nWritten below {scratch}:\n\n")
    for change in result.changes:
        sys.stdout.write(f"    {change.result:9} {change.path}\n")
    sys.stdout.write("\nOn the console:\n\n" + console_block(result))
    return 0


def _make_machine(scratch: str) -> None:
    """As much of a machine as the agent looks at: three NICs."""
    for name, address in NICS.items():
        base = f"{scratch}/sys/class/net/{name}"
        os.makedirs(f"{base}/device")
        for attribute, value in (("address", address), ("type", "1")):
            with open(f"{base}/{attribute}", "w", encoding="ascii") as file:
                file.write(value + "\n")
