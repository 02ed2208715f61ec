# SPDX-License-Identifier: Apache-2.0
"""What a booted machine came to, by its kernel, its systemd and its agent, and from outside of it."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any, NamedTuple

from tests.vm import snapshot

if TYPE_CHECKING:
    from pathlib import Path

    from tests.vm.drives import Instance
    from tests.vm.machine import Machine
    from tests.vm.network import Network

QUESTIONS = {
    "links": "ip -d -j addr",
    "routes_v4": "ip -j route",
    "routes_v6": "ip -j -6 route",
    "bonds": "cat /proc/net/bonding/* | grep -E 'Mode|Slave Int|MII Status|Delay'",
    "nameservers": "cat /etc/resolv.conf; resolvectl dns",
    "hostname": "cat /proc/sys/kernel/hostname",
    "fqdn": "hostname --fqdn",
    "failed_units": "systemctl --failed --no-legend --plain",
    "system_state": "systemctl is-system-running",
    "agent_status": "bootagent status --json",
    "agent_verify": "bootagent verify --json",
    "agent_words": "journalctl --boot --no-pager --output=cat --unit='bootagent*'"
    " | grep -E 'Traceback|warning:|error:'",
}
# What each machine is to be like.
SOUND = {"failed_units": "", "system_state": "running", "agent's state": "ok", "not as planned": "[]", "login": "root"}
# What a person asks of a machine that is not as expected.
EVIDENCE = "journalctl --boot --no-pager --output=short-monotonic; systemctl list-jobs; networkctl --no-pager status -a"
# The network may come up after the boot is done; what is there twice, or as expected, is what there is.
PATIENCE_S = 120
PAUSE_S = 3


class Outside(NamedTuple):
    """From where the machine is looked at, who it is to be, and the key that is to open it."""

    network: Network
    instance: Instance
    key: Path


def look(machine: Machine, outside: Outside, expected: dict[str, str] | None = None) -> dict[str, str]:
    """All of it, by name, once it is as ``expected``, or does not change any more and is as the agent planned it."""
    machine.wait_booted()
    deadline = time.monotonic() + PATIENCE_S
    last: dict[str, str] = {}
    while True:
        found = _project(snapshot.ask(machine, QUESTIONS))
        settled = found == last and found["not as planned"] == "[]"
        if (settled if expected is None else found.items() <= expected.items()) or time.monotonic() > deadline:
            break
        last = found
        time.sleep(PAUSE_S)
    network, instance, key = outside
    for address in instance.addresses:
        found[f"sshd on {address}"] = str(snapshot.answers(network, address))
    login = snapshot.run_ssh(network, key, instance.addresses[0], "id -un", 120)
    found["login"] = login.stdout.strip() or login.stderr
    return found


def differences(expected: dict[str, str], found: dict[str, str]) -> list[str]:
    """What is not as expected."""
    names = sorted({*expected, *found})
    others = [name for name in names if expected.get(name) != found.get(name)]
    return [f"{name} is {found.get(name)!r} and not {expected.get(name)!r}" for name in others]


def _project(said: dict[str, str]) -> dict[str, str]:
    found = {name: said[name] for name in QUESTIONS if not name.startswith(("links", "routes", "agent"))}
    for link in json.loads(said["links"]):
        found[f"link {link['ifname']}"] = json.dumps(_link(link))
    for name in ("routes_v4", "routes_v6"):
        found[name] = "\n".join(sorted(map(_route, json.loads(said[name]))))
    status, verified = (json.loads(said[name] or "{}") for name in ("agent_status", "agent_verify"))
    found["agent's state"] = str(status.get("state"))
    found["agent's problems"] = json.dumps(status.get("problems"))
    wrong = [item for item in verified.get("findings", [verified]) if item.get("severity") != "info"]
    found["not as planned"] = json.dumps(wrong)
    found["agent's complaints"] = said["agent_words"]
    return found


def _link(link: dict[str, Any]) -> dict[str, object]:
    kept = {name: link.get(name) for name in ("address", "permaddr", "mtu", "master", "link", "operstate")}
    kept["kind"] = link.get("linkinfo", {}).get("info_kind")
    kept["addresses"] = sorted(map(_address, link["addr_info"]))
    return kept


def _address(entry: dict[str, Any]) -> str:
    return f"{entry['local']}/{entry['prefixlen']} {entry['scope']}{' tentative' if entry.get('tentative') else ''}"


def _route(route: dict[str, Any]) -> str:
    names = ("dst", "gateway", "dev", "protocol", "metric")
    return " ".join([*(f"{name} {route[name]}" for name in names if name in route), *sorted(route.get("flags", ()))])
