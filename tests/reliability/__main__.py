# SPDX-License-Identifier: Apache-2.0
"""The whole campaign, and its page: ``make reliability``."""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from tests.reliability.campaign import campaign
from tests.reliability.page import write_page


def main() -> int:
    """1 where anything was not as promised; the page says so too."""
    start = time.monotonic()
    rows = []
    with tempfile.TemporaryDirectory(prefix="reliability-") as directory:
        for row in campaign(Path(directory)):
            rows.append(row)
            print(f"{row.fault}; {row.scene}: {row.tries} tries, {len(row.broken)} not as promised", flush=True)
            for what in row.broken:
                print(f"    {what}", flush=True)
    write_page(rows, time.monotonic() - start)
    return 1 if any(row.broken for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
