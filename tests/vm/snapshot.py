# SPDX-License-Identifier: Apache-2.0
"""What is true of a booted guest, collected once: by its own kernel and systemd, and from the network outside of it."""

from __future__ import annotations

import concurrent.futures
import json
import sys
from typing import TYPE_CHECKING, Any, NamedTuple

from . import network as outside
from .drives import RAN
from .images import WHEN_ONLINE

if TYPE_CHECKING:
    import pathlib
    import subprocess

    from .drives import Instance
    from .machine import Machine

ONLINE_UNITS = (
    "systemd-networkd-wait-online.service",
    "ifupdown-wait-online.service",
    "networking.service",
    "NetworkManager-wait-online.service",
)

# What the guest is asked, as root; an answer is text, and of what fails it is what was printed.
QUESTIONS = {
    # For a person who reads the evidence; the times are those of an emulated machine.
    "evidence": "ip -br link; echo; ip -br addr; echo; ip route; echo; ip -6 route; echo; systemd-analyze time",
    # What a service found that was started as soon as the network was said to be online.
    "links_when_online": f"cat {WHEN_ONLINE}",
    "links": "ip -d -j addr",
    "routes_v4": "ip -j route",
    "routes_v6": "ip -j -6 route",
    "world_v4": f"ip route get {outside.WORLD_V4}",
    "world_v6": f"ip route get {outside.WORLD_V6}",
    "ping": "".join(
        f"ping -c 1 -W 5 {target} >&2 && echo {target}; "
        for target in (outside.WORLD_V4, outside.WORLD_V6, outside.ROUTED_V4, outside.ROUTED_V6)
    ),
    "bonds": "cat /proc/net/bonding/*",
    "nameservers": "cat /etc/resolv.conf; resolvectl dns",
    "lookup_v4": f"getent ahostsv4 {outside.LOOKUP_NAME}",
    "lookup_v6": f"getent ahostsv6 {outside.LOOKUP_NAME}",
    "hostname": "cat /proc/sys/kernel/hostname",
    "etc_hostname": "cat /etc/hostname",
    "etc_hosts": "cat /etc/hosts",
    "fqdn": "hostname --fqdn",
    "getent_hostname": 'getent hosts "$(hostname)"',
    "system_state": "systemctl is-system-running",
    "failed_units": "systemctl --failed --no-legend --plain",
    "online_units": "systemctl show -p Id,ActiveState,InactiveExitTimestampMonotonic,ActiveEnterTimestampMonotonic "
    + " ".join(ONLINE_UNITS),
    "agent_journal": "journalctl --boot --no-pager --output=short-monotonic --unit='bootagent*'",
    "network_journal": "journalctl --boot --no-pager --output=short-monotonic --unit='systemd-networkd*'"
    " --unit='networking*' --unit='ifup*' --unit='vmtest-online*' --unit='network-*' --unit='NetworkManager*'",
    # What NetworkManager made of our profiles: name, file, device, state; and what it has to say against them.
    "profiles": "nmcli -t -f NAME,FILENAME,DEVICE,STATE connection show",
    "nm_complaints": "journalctl --boot --no-pager --output=cat --unit=NetworkManager --priority=warning",
    # By the unit, once the boot was done, and by hand.
    "agent_verified": "cd /run/bootagent && for second in $(seq 120); do"
    " test -e to-verify && test ! -e verify.json || break; sleep 1; done; cat verify.json",
    "agent_verify": "bootagent verify --json",
    "agent_status": "bootagent status --json",
    "agent_ran": "systemctl show --value -p ConditionResult bootagent.service",
    # What seal took out, and what the first boot put in its place.
    "machine_id": "cat /etc/machine-id",
    "host_keys": "cat /etc/ssh/ssh_host_*_key.pub",
    "host_keys_made": "systemctl show --value -p ConditionResult bootagent-hostkeys.service sshd-keygen.service",
    "units_enabled": "systemctl list-unit-files --state=enabled --no-legend --plain",
    "user_data": f"cat {RAN}",
    "user_data_journal": "journalctl --boot --no-pager --output=cat --unit=bootagent-userdata.service",
    "injected": "cd /etc/injected && stat -c '%n %a %U:%G' * && sha256sum <\"everyone's\"",
    # Bytes that a first boot of an instance was given for the kernel's pool, and what became of them.
    "seed": "systemctl show -p ConditionResult -p ExecMainStatus -p Result bootagent-seed.service",
    "seed_journal": "journalctl --boot --no-pager --output=cat --unit=bootagent-seed.service",
    "left_over": "ls /run/bootagent /var/lib/bootagent/scripts",
    "files": "find /etc/systemd/network /run/systemd/network /etc/network /run/network /etc/netplan"
    " /etc/NetworkManager /run/NetworkManager -type f | sort"
    ' | while read -r file; do echo "== $file"; cat "$file"; echo; done',
}

SSH_BANNER = "import socket, sys; print(socket.create_connection((sys.argv[1], 22), 30).recv(64).decode())"


class Login(NamedTuple):
    """An SSH login tried from outside: with whose key, to which address, and how it ended."""

    key: str
    address: str
    accepted: bool
    output: str


class Snapshot(NamedTuple):
    """A guest at the end of one boot; ``said`` holds its answers to ``QUESTIONS``."""

    booted_s: float
    said: dict[str, str]
    links: list[dict[str, Any]]
    reachable: dict[str, bool]
    logins: list[Login]
    console: str

    def nic(self, mac: str) -> dict[str, Any]:
        """The physical link with this permanent MAC; a bond member may have another one for now."""
        for link in self.links:
            if "info_kind" not in link.get("linkinfo", {}) and link.get("permaddr", link.get("address")) == mac:
                return link
        message = f"no NIC {mac} in the guest"
        raise LookupError(message)

    def of_kind(self, kind: str) -> list[dict[str, Any]]:
        """All virtual links of this kind, such as ``bond``."""
        return [link for link in self.links if link.get("linkinfo", {}).get("info_kind") == kind]

    def routes(self, family: str) -> list[dict[str, Any]]:
        """The main table of ``v4`` or ``v6``."""
        routes: list[dict[str, Any]] = json.loads(self.said[f"routes_{family}"])
        return routes


def take(machine: Machine, network: outside.Network, instance: Instance, keys: dict[str, pathlib.Path]) -> Snapshot:
    """Wait for the end of the boot, then look at everything; nothing is changed in the guest before that is done."""
    booted_s = machine.wait_booted()
    static_v4, static_v6, *others = instance.addresses
    with concurrent.futures.ThreadPoolExecutor(max_workers=3) as pool:
        targets = (static_v4, static_v6, *others)
        answering = pool.map(lambda target: (target, answers(network, target)), targets)
        attempts = [(name, to) for name in keys for to in (static_v4, static_v6)]
        logins = pool.map(lambda attempt: _login(network, attempt[0], keys[attempt[0]], attempt[1]), attempts)
        said = ask(machine, QUESTIONS)
        reachable, tried = dict(answering), list(logins)
    return Snapshot(booted_s, said, json.loads(said["links"]), reachable, tried, machine.console_text())


def ask(machine: Machine, questions: dict[str, str]) -> dict[str, str]:
    """All questions in one go: every round trip costs an emulated machine dearly."""
    script = "".join(f"echo; echo '@@ {name}'; ( {question} ) 2>/dev/null\n" for name, question in questions.items())
    said = {}
    for answer in machine.shell(script + "true").split("\n@@ ")[1:]:
        name, _, text = answer.partition("\n")
        said[name] = text.strip()
    return said


def global_addresses(links: str) -> set[str]:
    """``192.0.2.5/24`` for each address of global scope in the output of ``ip -j addr``."""
    return {
        f"{entry['local']}/{entry['prefixlen']}"
        for link in json.loads(links)
        for entry in link["addr_info"]
        if entry["scope"] == "global"
    }


def answers(network: outside.Network, target: str) -> bool:
    return network.run(sys.executable, "-c", SSH_BANNER, target).stdout.startswith("SSH-2.0")


def _login(network: outside.Network, name: str, key: pathlib.Path, address: str) -> Login:
    result = run_ssh(network, key, address, "id -un; cat /proc/sys/kernel/hostname", 120)
    accepted = result.returncode == 0 and result.stdout.startswith("root\n")
    return Login(name, address, accepted, result.stdout + result.stderr)


def run_ssh(
    network: outside.Network, key: pathlib.Path, address: str, command: str, timeout: float
) -> subprocess.CompletedProcess[str]:
    """Run a command as root of the guest, logged in with this key, from outside of it."""
    options = ["StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "BatchMode=yes", "IdentitiesOnly=yes"]
    options += ["IdentityAgent=none", "ConnectTimeout=60", "LogLevel=ERROR"]
    settings = [word for option in options for word in ("-o", option)]
    return network.run("ssh", "-F", "/dev/null", "-i", str(key), *settings, f"root@{address}", command, timeout=timeout)
