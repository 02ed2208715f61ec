# SPDX-License-Identifier: Apache-2.0
"""Network configuration of cloud-init, version 1 or 2: which of them a document is, and the network that it asks for.

Source: https://docs.cloud-init.io/en/latest/reference/network-config.html.  It stands on a NoCloud drive and in the
metadata of several services, bare or below a key ``network``.
"""

from __future__ import annotations

from bootagent.formats.report import Report
from bootagent.model.values import shown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from bootagent.model.instance import Problem
    from bootagent.model.network import Network


def parse_netconfig(data: object, document: str) -> tuple[Network | None, tuple[Problem, ...]]:
    """The network of a document's value; None where it does not speak of one."""
    report = Report()
    base = f"{document}: "
    if isinstance(data, dict) and (data.get("network", "") is None or isinstance(data.get("network"), dict)):
        _report_others(data, base, report)
        data, base = data["network"], f"{base}network."
    if data is None or data == {}:
        return None, report.problems()
    if not isinstance(data, dict):
        report.error(document, "not a mapping")
        return None, report.problems()
    network = _parse_version(data, base, report)
    return network, report.problems()


def _report_others(data: dict[str, Any], base: str, report: Report) -> None:
    for key in data:
        if key != "network":
            report.warning(f"{base}{shown(key)}", "not used: what counts is below network")


def _parse_version(data: dict[str, Any], base: str, report: Report) -> Network | None:
    version = data.get("version")
    if data.get("config") == "disabled":
        report.warning(f"{base}config", "the network cannot be left alone: NICs get what no document names")
        return None
    if version is None:
        version = 1 if "config" in data else 2
        report.warning(f"{base}version", f"no version, taken as {version}")
    if str(version) == "1":
        from bootagent.formats.netconfig_v1 import parse_v1  # the other version is not loaded

        return parse_v1(data, base, report)
    if str(version) == "2":
        from bootagent.formats.netconfig_v2 import parse_v2

        return parse_v2(data, base, report)
    report.error(f"{base}version", f"{shown(version)} is neither 1 nor 2")
    return None
