# SPDX-License-Identifier: Apache-2.0
"""What a boot comes to when the machine fails under it: ``make reliability`` tries it all and writes the page."""
