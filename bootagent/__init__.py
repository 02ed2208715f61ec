# SPDX-License-Identifier: Apache-2.0
"""First-boot agent: find a source, read it, parse it, plan, commit, report."""

__version__ = "0.1.0"
