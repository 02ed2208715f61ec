# SPDX-License-Identifier: Apache-2.0
"""The metadata of a VM of Google Compute Engine: https://cloud.google.com/compute/docs/metadata/predefined-metadata-keys.

Whose key an entry of ``ssh-keys`` is ("user:key") does not matter here: everybody named there may become root,
https://cloud.google.com/compute/docs/connect/add-ssh-keys.  The document holds user data and attributes of any kind:
none but those of keys is looked at.
"""

from __future__ import annotations

from bootagent.formats.addressing import AddressingDraft
from bootagent.formats.answers import check_mapping, find_mac, find_records, parse_one
from bootagent.formats.links import parse_mtu
from bootagent.formats.meta_data import parse_hostname, parse_id, parse_keys
from bootagent.formats.netconfig_addresses import add_address
from bootagent.jsontext import parse_json_text
from bootagent.model.instance import Instance
from bootagent.model.network import Link, Network
from bootagent.model.values import shown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from bootagent.formats.report import Report
    from bootagent.model.sshkey import SshKey

DOCUMENT = "v1"
IDS = ("id",)
HOSTNAMES = ("hostname", "name")
KEYS, OLD_KEYS = "ssh-keys", "sshKeys"
ONLY_OWN = "block-project-ssh-keys"
OS_LOGIN = "enable-oslogin"
TRUE = ("true", "y", "yes", "1")  # in any case, as Google's guest agent takes them
EXPIRES = " google-ssh {"  # then JSON: {"userName": "ann@example.com", "expireOn": "2026-12-04T20:12:00+0000"}


def parse_documents(documents: Mapping[str, bytes], now: float = 0.0) -> Instance:
    """The instance that the document describes, which may be absent or broken.

    Keys that have expired by ``now``, in seconds since the epoch, are left out.
    """

    def describe(data: dict[str, Any], place: str, report: Report) -> Instance:
        return _describe(data, place, now, report)

    return parse_one(documents, DOCUMENT, describe)


def _describe(data: dict[str, Any], place: str, now: float, report: Report) -> Instance:
    vm = check_mapping(data.get("instance"), f"{place}instance", report) or {}
    base = f"{place}instance."
    return Instance(
        parse_id(vm, base, report, IDS),
        parse_hostname(vm, base, report, HOSTNAMES),
        _parse_keys(data, vm, now, report),
        _parse_network(vm, base, report),
    )


def _parse_keys(data: dict[str, Any], vm: dict[str, Any], now: float, report: Report) -> tuple[SshKey, ...]:
    """The keys of the instance and of its project, unless they are blocked."""
    project = check_mapping(data.get("project"), f"{DOCUMENT}: project", report) or {}
    places = (("instance.attributes", vm), ("project.attributes", project))
    own, common = (check_mapping(x.get("attributes"), f"{DOCUMENT}: {place}", report) or {} for place, x in places)
    if _is_true(own.get(OS_LOGIN, common.get(OS_LOGIN))):
        report.warning(f"{DOCUMENT}: {OS_LOGIN}", "OS Login is not done, and the keys in the metadata do not count")
        return ()
    # An instance with keys under the old name has no others: "Removing project keys" of the same page.
    is_alone = bool(own.get(OLD_KEYS)) or _is_true(own.get(ONLY_OWN))
    found: dict[str, list[str]] = {}
    for place, attributes in ((places[0][0], own), *(() if is_alone else ((places[1][0], common),))):
        for name in (KEYS, OLD_KEYS):
            where = f"{place}.{name}"
            found[where] = list(_find_keys(attributes.get(name), f"{DOCUMENT}: {where}", now, report))
    return parse_keys(found, f"{DOCUMENT}: ", report, tuple(found))


def _is_true(value: object) -> bool:
    return value is True or (isinstance(value, str) and value.strip().lower() in TRUE)


def _find_keys(value: object, place: str, now: float, report: Report) -> Iterator[str]:
    """The keys of an attribute, one a line, without the names before them."""
    if value is not None and not isinstance(value, str):
        report.warning(place, "not text")
        return
    for number, line in enumerate((value or "").splitlines(), 1):
        where = f"{place}: line {number}"
        _, separator, key = line.strip().partition(":")
        if not separator:
            if line.strip():
                report.warning(where, "no user name before the key: left out")
        elif not _has_expired(key, now, where, report):
            yield key


def _has_expired(key: str, now: float, where: str, report: Report) -> bool:
    """Whether a key is no longer good; of one whose date cannot be read nobody knows, and it is left out."""
    _, separator, text = key.partition(EXPIRES)
    if not separator:
        return False
    from datetime import datetime

    try:
        record = parse_json_text("{" + text)
        if "expireOn" not in record:
            return False
        end = datetime.strptime(record["expireOn"], "%Y-%m-%dT%H:%M:%S%z").timestamp()
    except (ValueError, TypeError, OverflowError, RecursionError):
        report.warning(where, "when the key expires cannot be read: left out")
        return True
    if end <= now:
        report.info(where, f"the key has expired on {shown(record['expireOn'])}: left out")
    return end <= now


def _parse_network(vm: dict[str, Any], base: str, report: Report) -> Network | None:
    links = []
    for place, raw in find_records(vm.get("networkInterfaces"), f"{base}networkInterfaces", report):
        mac = find_mac(raw, "mac", place, report)
        if mac is None:
            continue
        draft = AddressingDraft()
        has_v6 = bool(raw.get("dhcpv6Refresh"))  # the lease's age, where there is one to be had
        draft.dhcp4 = bool(raw.get("ip")) or not has_v6
        draft.dhcp6 = "stateful" if has_v6 else ""
        _add_aliases(raw.get("ipAliases"), f"{place}.ipAliases", draft, report)
        mtu = parse_mtu(raw.get("mtu"), f"{place}.mtu", report)
        links.append(Link(place, mac, mtu=mtu, addressing=draft.finish(report), origin=place))
        if raw.get("forwardedIps"):
            report.info(f"{place}.forwardedIps", "not put on the NIC: they come and go while the machine runs")
    return Network(tuple(links)) if links else None


def _add_aliases(value: object, place: str, draft: AddressingDraft, report: Report) -> None:
    """Take the alias ranges of one address: a longer one is for what runs on the machine."""
    if value is not None and not isinstance(value, list):
        report.error(place, "not a list")
        return
    for index, text in enumerate(value or ()):
        where = f"{place}[{index}]"
        if isinstance(text, str) and "/" in text and not text.endswith("/32"):
            report.info(where, f"{shown(text)} is a range, and not put on the NIC")
        else:
            add_address(text, 32, where, draft, report)
