# SPDX-License-Identifier: Apache-2.0
"""context.sh of OpenNebula: variables of which ``ETHx_*`` are NICs and ``ETHx_ALIASy_*`` more addresses of theirs.

Source: https://docs.opennebula.io/6.10/management_and_operations/references/template.html#context-section, and what
one-context makes of each, https://github.com/OpenNebula/one-apps/wiki/linux_feature.  The file is one of a shell, and
no shell ever sees it.  It holds secrets too (``PASSWORD``, ``ONEGATE_TOKEN``): they are not looked at.
"""

from __future__ import annotations

import binascii

from bootagent.errors import DocumentError
from bootagent.formats.addressing import AddressingDraft, Resolvers, parse_metric
from bootagent.formats.links import parse_mac, parse_mtu
from bootagent.formats.meta_data import parse_hostname, parse_id, parse_keys
from bootagent.formats.netconfig_addresses import add_address, parse_route, whole_address
from bootagent.formats.report import Report
from bootagent.formats.shellvars import parse_assignments
from bootagent.model.instance import Instance, Problem
from bootagent.model.network import Link, Network
from bootagent.model.values import shown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

CONTEXT = "context.sh"
BASE = f"{CONTEXT}: "
IDS = ("VMID",)
HOSTNAMES = ("SET_HOSTNAME", "HOSTNAME")
KEYS = ("SSH_PUBLIC_KEY", "EC2_PUBLIC_KEY", "SSH_KEY")
MAX_NICS = 1024
# What one-context takes where the context says none.
MASK, PREFIX = "255.255.255.0", "64"

_METHODS4 = ("static", "dhcp", "skip")
_METHODS6 = ("static", "dhcp", "auto", "skip", "disable")
_ADDRESS = ("MAC", "IP", "MASK", "NETWORK", "IP6", "IPV6", "IP6_PREFIX_LENGTH", "IP6_ULA", "EXTERNAL", "DETACH")
# VLAN_ID is the tag outside, where the hypervisor takes it off; VROUTER_* is for a virtual router.
_KNOWN = frozenset(
    (
        *_ADDRESS,
        *("GATEWAY", "GATEWAY6", "IP6_GATEWAY", "METRIC", "IP6_METRIC", "METHOD", "IP6_METHOD", "DNS", "SEARCH_DOMAIN"),
        *("MTU", "ROUTES", "VLAN_ID", "VROUTER_IP", "VROUTER_IP6", "VROUTER_MANAGEMENT"),
    )
)
_USER_DATA = ("USER_DATA", "USERDATA", "START_SCRIPT", "START_SCRIPT_BASE64")
_NOTES = {**dict.fromkeys(_USER_DATA, "not looked at here: see the option user-data"), "INIT_SCRIPTS": "not handled"}


def parse_documents(documents: Mapping[str, bytes]) -> Instance:
    """The instance that the context describes."""
    if CONTEXT not in documents:
        return Instance()
    report = Report()
    try:
        text = documents[CONTEXT].rstrip(b"\0").decode("utf-8")
    except UnicodeDecodeError as error:
        problem = Problem("error", f"{BASE}byte {error.start}", "not UTF-8")
        return Instance(broken=frozenset((CONTEXT,)), problems=(problem,))
    context = parse_assignments(text, CONTEXT, report)
    if not context:
        report.error(CONTEXT, "no variable is in it")
        return Instance(broken=frozenset((CONTEXT,)), problems=report.problems())
    identity, hostname = parse_id(context, BASE, report, IDS), parse_hostname(context, BASE, report, HOSTNAMES)
    keys = parse_keys(context, BASE, report, KEYS)
    _report_others(context, hostname is not None, report)
    network = _parse_network(context, report)
    instance = Instance(identity, hostname, keys, network, documents=(CONTEXT,), problems=report.problems())
    return instance._replace(origins=report.origins)


def parse_user_data(data: bytes) -> bytes | None:
    """What the user wants to be run; ``None`` where there is nothing, ``DocumentError`` where it cannot be read."""
    context = parse_assignments(data.decode("utf-8", "replace"), CONTEXT, Report())
    encoding = {context.get("USER_DATA_ENCODING"), context.get("USERDATA_ENCODING")}
    text = context.get("USER_DATA") or context.get("USERDATA")
    if not text:
        text = context.get("START_SCRIPT_BASE64")
        encoding = {"base64"} if text else set()
    text = text or context.get("START_SCRIPT")
    if not text or "base64" not in encoding:
        return text.encode() if text else None
    try:
        return binascii.a2b_base64(text)
    except ValueError:
        raise DocumentError(CONTEXT, "", "its user data is not base64") from None


def _report_others(context: Mapping[str, str], is_named: bool, report: Report) -> None:
    if context.get("DNS_HOSTNAME") and not is_named:
        report.info(f"{BASE}DNS_HOSTNAME", "the host name is not asked of the DNS")
    if context.get("USERNAME", "root") not in ("", "root"):
        report.info(f"{BASE}USERNAME", "who gets the keys is what the options say")
    for name, note in _NOTES.items():
        if context.get(name):
            report.info(f"{BASE}{name}", note)
    for name in context:
        if name.startswith("PCI") and name.endswith("_MAC"):
            report.warning(f"{BASE}{name}", "a NIC that is passed through is not given another address")


class _Nic:
    """The variables of one NIC, or of one alias; their names without what is in front of all of them."""

    def __init__(self, prefix: str) -> None:
        self.prefix = prefix
        self.values: dict[str, str] = {}
        self.aliases: dict[int, _Nic] = {}

    def where(self, *keys: str) -> str:
        """The place of the first of ``keys`` that says something."""
        return f"{BASE}{self.prefix}_{next(filter(self.get, keys), keys[0])}"

    def get(self, *keys: str) -> str:
        """What the first of ``keys`` says that says something."""
        return next(filter(None, (self.values.get(key, "").strip() for key in keys)), "")


def _parse_network(context: Mapping[str, str], report: Report) -> Network | None:
    """The NICs by their number; ``None`` where the context speaks of none."""
    nics: dict[int, _Nic] = {}
    for name, value in context.items():
        if name.startswith("ETH") and value.strip():
            _sort_in(name, value, nics, report)
    if not nics:
        return None
    common = Resolvers()
    common.add_servers(context.get("DNS"), f"{BASE}DNS", report)
    common.add_search(context.get("SEARCH_DOMAIN"), f"{BASE}SEARCH_DOMAIN", report)
    links: dict[str, Link] = {}
    for _, nic in sorted(nics.items()):
        link = _parse_nic(nic, report)
        if link is not None and link.mac in links:
            report.error(nic.where("MAC"), f"{link.mac} is the address of another NIC: left out")
        elif link is not None:
            links[str(link.mac)] = link
    return Network(tuple(links.values()), common.without(links.values()))


def _sort_in(name: str, value: str, nics: dict[int, _Nic], report: Report) -> None:
    """Put a variable to its NIC: ``ETH0_IP``, ``ETH0_ALIAS1_IP``."""
    prefix, _, key = name.partition("_")
    number = _number(prefix.removeprefix("ETH"))
    if number is None or not key:
        return  # not of a NIC, whatever it begins with
    if number >= MAX_NICS:
        report.error(f"{BASE}{name}", f"more than {MAX_NICS} NICs, left out")
        return
    nic = nics.setdefault(number, _Nic(prefix))
    alias, _, rest = key.removeprefix("ALIAS").partition("_")
    index = _number(alias) if key.startswith("ALIAS") else None
    if index is not None and rest:
        nic, key = nic.aliases.setdefault(index, _Nic(f"{prefix}_ALIAS{alias}")), rest
    if key not in _KNOWN:
        report.info(f"{BASE}{name}", "not used")
    nic.values[key] = value


def _number(digits: str) -> int | None:
    return int(digits) if digits.isascii() and digits.isdecimal() and len(digits) <= 4 else None


def _parse_nic(nic: _Nic, report: Report) -> Link | None:
    """The link of a NIC; one that the context leaves to somebody else gets no address."""
    mac = parse_mac(nic.get("MAC"), nic.where("MAC"), report)
    if mac is None:
        if not nic.get("MAC"):
            report.error(nic.where("MAC"), "a NIC without an address to find it by: left out")
        return None
    method = nic.get("METHOD").lower() or "static"
    method6 = nic.get("IP6_METHOD").lower() or ("static" if method not in _METHODS4 else method)
    draft = AddressingDraft()
    for key, said, known in (("METHOD", method, _METHODS4), ("IP6_METHOD", method6, _METHODS6)):
        if said not in known:
            report.error(nic.where(key), f"{shown(said)} is no method that is known: no address")
        elif said == "skip" and nic.get(key):  # what METHOD says counts for both, and is said once
            report.info(nic.where(key), "skip: no address")
    draft.dhcp4 = method == "dhcp"
    draft.slaac = method6 == "auto"
    draft.dhcp6 = "stateful" if method6 == "dhcp" else ""
    if method == "static" and nic.get("IP"):
        _add_ipv4(nic, draft, report)
        metric = parse_metric(nic.get("METRIC"), nic.where("METRIC"), report)
        draft.add_gateway(nic.get("GATEWAY"), 4, nic.where("GATEWAY"), report, metric)
    if method6 == "static" and nic.get("IP6", "IPV6"):
        _add_ipv6(nic, draft, report)
        metric = parse_metric(nic.get("IP6_METRIC", "METRIC"), nic.where("IP6_METRIC", "METRIC"), report)
        draft.add_gateway(nic.get("IP6_GATEWAY", "GATEWAY6"), 6, nic.where("IP6_GATEWAY", "GATEWAY6"), report, metric)
    if {method, method6} & {"static", "dhcp", "auto"}:
        _add_aliases(nic, draft, report)
        _add_routes(nic, draft, report)
    draft.add_servers(nic.get("DNS"), nic.where("DNS"), report)
    draft.add_search(nic.get("SEARCH_DOMAIN"), nic.where("SEARCH_DOMAIN"), report)
    mtu = parse_mtu(nic.get("MTU"), nic.where("MTU"), report)
    origin = f"{BASE}{nic.prefix}"
    return Link(nic.prefix, mac, None, mtu, draft.finish(report), origin=origin)


def _add_aliases(nic: _Nic, draft: AddressingDraft, report: Report) -> None:
    """More addresses of the NIC, but for those that are somebody else's to set, or taken away already."""
    for _, alias in sorted(nic.aliases.items()):
        if alias.get("EXTERNAL").lower() in ("1", "true", "yes", "y") or alias.get("DETACH"):
            continue
        if alias.get("IP"):
            _add_ipv4(alias, draft, report)
        if alias.get("IP6", "IPV6"):
            _add_ipv6(alias, draft, report)


def _add_ipv4(nic: _Nic, draft: AddressingDraft, report: Report) -> None:
    if not nic.get("MASK"):
        report.info(nic.where("MASK"), f"none is said, {MASK} is used")
    add_address(nic.get("IP"), nic.get("MASK") or MASK, nic.where("IP"), draft, report)


def _add_ipv6(nic: _Nic, draft: AddressingDraft, report: Report) -> None:
    add_address(nic.get("IP6", "IPV6"), nic.get("IP6_PREFIX_LENGTH") or PREFIX, nic.where("IP6", "IPV6"), draft, report)
    if nic.get("IP6_ULA"):
        add_address(nic.get("IP6_ULA"), PREFIX, nic.where("IP6_ULA"), draft, report)


def _add_routes(nic: _Nic, draft: AddressingDraft, report: Report) -> None:
    """``10.0.0.0/8 via 192.0.2.1, 198.51.100.0/24 via 192.0.2.2``, as ip-route(8) has them; a metric may follow."""
    if not nic.get("ROUTES"):
        return
    where = nic.where("ROUTES")
    for text in nic.get("ROUTES").split(","):
        words = text.split()
        said = dict(zip(words[1::2], words[2::2]))
        if len(words) % 2 == 0 or not {"via"} <= said.keys() <= {"via", "dev", "metric"}:
            report.error(where, f"{shown(text.strip())} is no route with a gateway: left out")
            continue
        raw = {"to": whole_address(words[0]), "via": said["via"], "metric": said.get("metric")}
        route = parse_route(raw, "to", None, "via", where, report)
        if route is not None:
            draft.add_route(route._replace(origin=where))
