# SPDX-License-Identifier: Apache-2.0
"""The benchmark: the agent beside the image with the answer baked in, glean and cloud-init; ``make bench``."""
