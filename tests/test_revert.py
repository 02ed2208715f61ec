# SPDX-License-Identifier: Apache-2.0
"""A network by which nobody is reached: when that is so, and what is tried instead, each once.

tests/vm/test_revert.py has a machine that nobody reaches, and is reached again.
"""

from __future__ import annotations

import json
import os
import shlex
import sys
from typing import TYPE_CHECKING

import pytest

from bootagent.cli import main
from bootagent.previous import PREVIOUS
from bootagent.revert import apply_revert
from bootagent.root import Root
from bootagent.state import TO_REVERT, TO_VERIFY, VERIFIED, WALKED
from tests.test_hotplug import FIRST, NETWORKD, SECOND, STANZAS, Guest, path_of
from tests.test_verify import MACS, in_namespace, plan

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import MachineDirectory

OPTION = "on-failure: revert\n"
SCRIPT = "/run/bootagent/reload-revert"
EVERY_NIC = "/etc/systemd/network/90-bootagent-unlisted.network"


@pytest.fixture
def planned(machine: MachineDirectory, tmp_path: Path) -> str:
    return plan(machine, tmp_path)


@pytest.fixture
def guest(machine: MachineDirectory, tmp_path: Path, request: pytest.FixtureRequest) -> Guest:
    machine.write("/etc/bootagent.yaml", OPTION)
    return Guest(machine, tmp_path, getattr(request, "param", "networkd"))


def revert(guest: Guest, *broken: str) -> str:
    """A step of a machine on which these devices are not as planned: what it says of itself, empty if it had none."""
    findings = [{"severity": "error", "where": name, "message": "has no carrier"} for name in broken]
    guest.machine.write(VERIFIED, json.dumps({"findings": findings}))
    guest.machine.write(TO_REVERT, "")
    result = apply_revert(Root(str(guest.machine)))
    assert not guest.machine.has(TO_REVERT)
    if isinstance(result, str):
        assert result == "nobody is reached, and there is no lesser network left"
        assert guest.machine.read(TO_VERIFY) == guest.machine.read(SCRIPT) == ""
        return ""
    status = guest.status()
    assert (status["stage"], status["state"]) == ("revert", "degraded")
    assert guest.machine.read(TO_VERIFY) == "revert\n"
    (words,) = (p["message"] for p in status["problems"] if p["message"].startswith("nobody was reached"))
    return str(words.partition(": ")[2])


def script(guest: Guest) -> list[str]:
    return list(guest.machine.read(SCRIPT).splitlines())


def boot(guest: Guest) -> None:
    """Another one: what is in /run is gone."""
    for path in (WALKED, TO_VERIFY, VERIFIED):
        (guest.machine.path / path[1:]).unlink(missing_ok=True)
    main(["apply", "--root", str(guest.machine)])


def test_without_the_option_nothing_is_remembered_and_nothing_watched(
    machine: MachineDirectory, tmp_path: Path
) -> None:
    guest = Guest(machine, tmp_path, "networkd")
    guest.say(FIRST, SECOND)
    main(["apply", "--root", str(machine)])
    assert not machine.has(PREVIOUS)
    assert not machine.has(TO_VERIFY)


def test_one_nic_that_leads_nowhere_gets_dhcp(guest: Guest) -> None:
    """It is the last step, the two before it would change nothing."""
    assert revert(guest, "ens3") == "DHCP and router advertisements on every NIC"
    assert not guest.machine.has(path_of(NETWORKD, FIRST))
    assert "DHCP=" in guest.machine.read(EVERY_NIC)
    assert script(guest) == ["umask 022", "networkctl reload"]
    assert guest.machine.read(WALKED).split() == ["without", "previous", "dhcp"]
    assert revert(guest, "ens3") == ""


def test_a_nic_that_comes_brings_the_documents_network_back_and_the_steps_begin_anew(guest: Guest) -> None:
    """It may be the one that the network lacked; and where it is not, nobody must be left with what did not work."""
    revert(guest, "ens3")
    guest.attach("ens4", SECOND)
    guest.say(FIRST, SECOND)
    guest.hear("ens4")
    assert "192.0.2.5/24" in guest.machine.read(path_of(NETWORKD, FIRST))
    assert guest.machine.has(path_of(NETWORKD, SECOND))
    assert not guest.machine.has(WALKED)
    assert guest.machine.read(TO_VERIFY) == "revert\n"
    assert revert(guest, "ens3") == f"the document's network without {FIRST}"


def test_of_two_nics_the_one_that_works_is_tried_alone(guest: Guest) -> None:
    guest.attach("ens4", SECOND)
    guest.say(FIRST, SECOND)
    boot(guest)
    assert guest.machine.has(path_of(NETWORKD, SECOND))
    assert revert(guest, "ens4") == f"the document's network without {SECOND}"
    assert "192.0.2.5/24" in guest.machine.read(path_of(NETWORKD, FIRST))
    assert not guest.machine.has(path_of(NETWORKD, SECOND))
    assert guest.machine.read(WALKED).split() == ["without"]


def test_what_the_machine_had_before_comes_back_byte_for_byte(guest: Guest) -> None:
    path = path_of(NETWORKD, FIRST)
    file = guest.machine.path / path[1:]
    if os.geteuid() == 0:
        os.chown(file, 0, 998)  # the group that networkd runs as
    before, status = guest.machine.read(path), file.stat()
    guest.attach("ens4", SECOND)
    guest.say(SECOND)
    boot(guest)
    assert not guest.machine.has(path)
    assert revert(guest, "ens4") == "that of before its files last changed"
    assert guest.machine.read(path) == before
    assert (file.stat().st_mode, file.stat().st_gid) == (status.st_mode, status.st_gid)
    assert not guest.machine.has(path_of(NETWORKD, SECOND))
    assert script(guest) == ["umask 022", "networkctl reload"]
    assert revert(guest, "ens3") == "DHCP and router advertisements on every NIC"
    assert not guest.machine.has(path)
    assert revert(guest, "ens3") == ""


def test_what_a_person_edited_stays(guest: Guest) -> None:
    path = path_of(NETWORKD, FIRST)
    guest.say(FIRST, SECOND)
    boot(guest)
    edited = guest.machine.read(path) + "# mine\n"
    guest.machine.write(path, edited)
    assert revert(guest) == "that of before its files last changed"
    assert guest.machine.read(path) == edited
    assert not guest.machine.has(path_of(NETWORKD, SECOND))


def test_the_next_boot_begins_with_the_document_again(guest: Guest) -> None:
    path = path_of(NETWORKD, FIRST)
    before = guest.machine.read(path)
    revert(guest, "ens3")
    boot(guest)
    assert guest.machine.read(path) == before
    assert guest.status()["state"] == "ok"
    assert guest.machine.read(TO_VERIFY) == "revert\n"


def test_what_another_instance_had_is_not_taken(guest: Guest, tmp_path: Path) -> None:
    guest.say(FIRST, SECOND)
    boot(guest)
    document = json.loads(guest.machine.read(PREVIOUS))
    assert document["instance"] == "id-1"
    guest.machine.write(PREVIOUS, json.dumps({**document, "instance": "id-0"}))
    assert revert(guest, "ens3") == f"the document's network without {FIRST}"
    assert revert(guest, "ens3") == "DHCP and router advertisements on every NIC"


@pytest.mark.parametrize("damaged", ["", "{", "[]", '{"instance": "id-1", "files": [{"path": 1}]}'])
def test_a_damaged_memory_is_no_step(guest: Guest, damaged: str) -> None:
    guest.machine.write(PREVIOUS, damaged)
    assert revert(guest) == "DHCP and router advertisements on every NIC"


@pytest.mark.parametrize("guest", ["ifupdown"], indirect=True)
def test_ifupdown_takes_down_what_it_had(guest: Guest) -> None:
    revert(guest, "ens3")
    _, down, up = script(guest)
    assert down.startswith("ifdown --force ")
    assert down.endswith(" ens3")
    assert up == "ifup ens3"
    assert "\nallow-bootagent ens3\niface ens3 inet manual\n" in guest.machine.read(STANZAS)


def test_a_backend_that_only_a_boot_has_take_files_is_left_alone(guest: Guest) -> None:
    guest.machine.write("/etc/bootagent.yaml", f"{OPTION}backend: netifrc\n")
    boot(guest)
    before = guest.machine.read("/etc/conf.d/net.ens3")
    assert "192.0.2.5" in before
    assert revert(guest, "ens3") == ""
    assert guest.machine.read("/etc/conf.d/net.ens3") == before


REACHED = f"""
ip neigh replace 192.0.2.1 lladdr {MACS[0]} dev eth0 nud permanent
"""


@pytest.mark.parametrize(
    ("change", "wanted"),
    [
        (REACHED, False),  # one gateway of two is enough
        ("", True),  # nobody is behind the peer
        ("ip route del default; ip -6 route del default", True),
        ("ip link set peer0 down", True),
    ],
)
def test_a_machine_whose_gateways_do_not_answer_is_cut_off(
    tmp_path: Path, planned: str, change: str, wanted: bool
) -> None:
    code = "import sys; from bootagent.root import Root; from bootagent.verify import verify_boot"
    command = shlex.join([sys.executable, "-c", f"{code}; verify_boot(Root(), 1.0)"])
    done = in_namespace(
        tmp_path, planned, f"{change}\nprintf 'revert\\n' >{TO_VERIFY}", f"{command}; ls /run/bootagent"
    )
    assert done.returncode == 0, done.stderr
    assert (TO_REVERT.rpartition("/")[2] in done.stdout.split()) is wanted


def test_a_machine_that_is_only_looked_at_is_left_as_it_is(tmp_path: Path, planned: str) -> None:
    code = "import sys; from bootagent.root import Root; from bootagent.verify import verify_boot"
    command = shlex.join([sys.executable, "-c", f"{code}; verify_boot(Root(), 1.0)"])
    done = in_namespace(tmp_path, planned, f"touch {TO_VERIFY}", f"{command}; ls /run/bootagent")
    assert TO_REVERT.rpartition("/")[2] not in done.stdout.split()
