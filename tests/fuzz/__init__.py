# SPDX-License-Identifier: Apache-2.0
"""Hostile bytes, made by a fuzzer that is guided by what they reach: ``feed.py`` is what is done with them."""
