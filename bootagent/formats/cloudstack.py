# SPDX-License-Identifier: Apache-2.0
"""The metadata of CloudStack's virtual router, and of Exoscale, which began with CloudStack.

Source: https://docs.cloudstack.apache.org/en/latest/adminguide/virtual_machines/user-data.html.  A tree of EC2's kind
that has all keys in one leaf, and says nothing of NICs.
"""

from __future__ import annotations

from bootagent.formats.meta_tree import parse_instance
from bootagent.formats.report import Report

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from bootagent.model.instance import Instance

ID = "instance-id"
HOSTNAME = "local-hostname"
KEYS = "public-keys"


def parse_documents(documents: Mapping[str, bytes]) -> Instance:
    """The instance that the leaves describe; any of them may be absent."""
    report = Report()
    instance = parse_instance(documents, HOSTNAME, (KEYS,), report)
    return instance._replace(origins=report.origins, problems=report.problems())
