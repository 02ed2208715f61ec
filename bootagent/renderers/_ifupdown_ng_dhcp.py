# SPDX-License-Identifier: Apache-2.0
"""DHCP by the client that is there, in the order of preference of ifupdown-ng's "dhcp" executor.

Not by that executor: it runs before every command of ours, so that static routes would wait for a server; it gives no
client a metric; and it has dhcpcd take router advertisements out of the kernel's hands.  dhcpcd(8), dhclient(8), and
for udhcpc https://git.busybox.net/busybox/tree/networking/udhcp, whose script reads ``IF_METRIC`` on Alpine.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

# dhcpcd(8): -L keeps it from giving itself an address of 169.254.0.0/16, -C from the hook that writes resolv.conf.
NO_DNS = "-C resolv.conf "


def dhcp4_lines(name: str, metric: int | None, own_dns: bool, waits: bool) -> Iterator[str]:
    """Start and stop of DHCP for IPv4; with ``waits``, ifup goes on when there is a lease or the client gives up."""
    files = f"-pf /run/dhclient.{name}.pid -lf /var/lib/dhcp/dhclient.{name}.leases"
    pid = f"/run/udhcpc.{name}.pid"
    said = {"dhcpcd": "", "dhclient": "", "udhcpc": ""}
    if metric is not None:
        said = {"dhcpcd": f"-m {metric} ", "dhclient": f"-e IF_METRIC={metric} ", "udhcpc": f"IF_METRIC={metric} "}
    clients = {
        "dhcpcd": f"dhcpcd -4 -L {NO_DNS if own_dns else ''}{said['dhcpcd']}{name}",
        "dhclient": f"dhclient -4 {files} {said['dhclient']}{name}",
        "udhcpc": f"{said['udhcpc']}udhcpc -b -R {'-o -O subnet -O router ' if own_dns else ''}-p {pid} -i {name}",
    }
    stops = {
        "dhcpcd": f"dhcpcd -4 -k {name}",
        "dhclient": f"dhclient -4 -r {files} {name}",
        "udhcpc": f"kill $(cat {pid})",
    }
    yield _start(clients, waits)
    yield f"down {_first(stops)} || true"


def dhcp6_lines(name: str, kind: str, own_dns: bool, waits: bool) -> Iterator[str]:
    """Start and stop of DHCP for IPv6.  Nobody waits for a server that gives no address."""
    files = f"-pf /run/dhclient6.{name}.pid -lf /var/lib/dhcp/dhclient6.{name}.leases"
    stateful = kind == "stateful"
    # dhclient gives up where there is no link-local address that may be used.
    usable = f"ip -6 address show dev {name} | grep fe80 | grep -qv tentative"
    wait = f"for _ in 1 2 3 4 5 6; do {usable} && break; sleep 1; done; "
    clients = {
        "dhcpcd": f"dhcpcd -6 {NO_DNS if own_dns else ''}--noipv6rs {'--ia_na' if stateful else '--inform6 -b'} {name}",
        "dhclient": f"{wait}dhclient -6 {'' if stateful else '-S -nw '}{files} {name}",
    }
    stops = {"dhcpcd": f"dhcpcd -6 -k {name}", "dhclient": f"dhclient -6 -r {files} {name}"}
    yield _start(clients, waits and stateful)
    yield f"down {_first(stops)} || true"


def _start(clients: Mapping[str, str], waits: bool) -> str:
    return f"up {_first(clients)} || true" if waits else f"up ({_first(clients)}) >/dev/null 2>&1 &"


def _first(commands: Mapping[str, str]) -> str:
    """The command of the first program that is installed; the last one's message says what is missing."""
    *programs, last = commands
    tests = [f"if command -v {program} >/dev/null; then {commands[program]}; " for program in programs]
    return f"{'el'.join(tests)}else {commands[last]}; fi"
