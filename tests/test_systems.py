# SPDX-License-Identifier: Apache-2.0
"""Which backend a system gets, who owns its resolv.conf and what competes, by the files that such a system has.

A file of ``tests/systems`` is a system: after a comment (what it is, where the list is from) one line for each path,
with ``-> target`` for a symlink and ``| text`` for a line of a file, and the expected ``backend``, ``reason``,
``resolver``, ``problem`` (severity and place) and ``writes`` (a line that a file of the plan must have).  Each system
has one NIC and one static address; problems about files of /etc are listed, no other one may compete.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from bootagent.boot import prepare
from bootagent.root import Root

if TYPE_CHECKING:
    from tests.conftest import MachineDirectory

SYSTEMS = Path(__file__).resolve().parent / "systems"
MAC = "52:54:00:00:00:0a"
NETWORK_DATA = {
    "links": [{"id": "a", "type": "phy", "ethernet_mac_address": MAC}],
    "networks": [{"id": "n", "link": "a", "type": "ipv4", "ip_address": "192.0.2.5", "netmask": "255.255.255.0"}],
}
EXPECTATIONS = ("backend", "reason", "resolver", "problem", "writes")


def make(machine: MachineDirectory, text: str) -> dict[str, list[str]]:
    """Put the system below the root; what is expected of it."""
    expected: dict[str, list[str]] = {word: [] for word in EXPECTATIONS}
    contents: dict[str, list[str]] = {}
    links: list[tuple[str, str]] = []
    for line in text.splitlines()[1:]:
        word, _, rest = line.partition(" ")
        if word in EXPECTATIONS:
            expected[word].append(rest)
        elif rest.startswith("-> "):
            links.append((word, rest[3:]))
        else:
            contents.setdefault(word, []).extend([rest[2:]] if rest else [])
    # A directory that is a link comes first: others lie in it.
    for path, target in sorted(links, key=lambda link: link[0].count("/")):
        place = machine.path / path.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        if place.parent == machine.path and not target.startswith("/"):
            (machine.path / target).mkdir(parents=True, exist_ok=True)
        place.symlink_to(target)
    for path, lines in contents.items():
        machine.write(path, "".join(f"{line}\n" for line in lines), 0o755 if "." not in path else 0o644)
    return expected


@pytest.mark.parametrize("path", sorted(SYSTEMS.iterdir()), ids=lambda path: path.stem)
def test_a_system_gets_the_backend_that_runs_there(path: Path, machine: MachineDirectory) -> None:
    expected = make(machine, path.read_text(encoding="utf-8"))
    machine.add_nic("eth0", MAC)
    drive = machine.write("/drive/openstack/latest/network_data.json", json.dumps(NETWORK_DATA)).parents[2]

    prepared = prepare(Root(str(machine)), {"drive": str(drive)})

    assert [prepared.backend] == expected["backend"]
    assert [prepared.reason] == expected["reason"]
    assert [prepared.host.resolver] == expected["resolver"]
    files = {file.path: file.content.splitlines() for file in prepared.decision.plan.files}
    for line in expected["writes"]:
        place, _, text = line.partition(" | ")
        assert text in files[place]
    problems = [f"{p.severity} {p.where}" for p in prepared.problems if p.severity != "info"]
    assert problems == expected["problem"]


def test_a_backend_that_does_not_run_here_is_named_beside_those_that_do(machine: MachineDirectory) -> None:
    """The option stands: it may be an image that gets the daemon later."""
    machine.enable("systemd-networkd.service")
    machine.enable("NetworkManager.service")

    prepared = prepare(Root(str(machine)), {"backend": "wicked"})

    assert prepared.backend == "wicked"
    assert [str(problem) for problem in prepared.problems if problem.where == "backend"] == [
        "backend: wicked is not what runs at next boot: networkd, networkmanager"
    ]


def test_there_is_a_system_for_every_backend() -> None:
    text = "\n".join(path.read_text(encoding="utf-8") for path in SYSTEMS.iterdir())
    found = {line.split()[1] for line in text.splitlines() if line.startswith("backend ")}

    assert found == {
        *("networkd", "ifupdown", "networkmanager", "netplan", "ifcfg", "wicked", "netifrc", "ifupdown-ng"),
    }
