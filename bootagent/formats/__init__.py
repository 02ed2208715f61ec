# SPDX-License-Identifier: Apache-2.0
"""What the bytes mean: one grammar a file, from bytes to the model, without looking at this machine.

A parser returns what is sound together with the list of what is not.  It raises nothing on account of its input.
"""
