# SPDX-License-Identifier: Apache-2.0
"""``python3 -m bootagent``."""

from bootagent.cli import run

run()
