# SPDX-License-Identifier: Apache-2.0
"""A virtual machine that proves a first boot: images, network, drives, and what the guest's kernel then has."""
