# SPDX-License-Identifier: Apache-2.0
"""What flows through the pipeline: values, the wire network, the instance, the plan."""
