# SPDX-License-Identifier: Apache-2.0
"""Verbs of the image builder: ``install``, ``uninstall`` and ``seal``.

They work on an image's tree, or on the tree of the machine that they run on.  What each may change stands in a list of
places: ``tree.py`` alone changes anything, and only inside the tree.
"""
