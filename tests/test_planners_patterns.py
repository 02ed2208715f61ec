# SPDX-License-Identifier: Apache-2.0
"""NICs that a document means by a pattern of names or drivers: all that fit, and that nothing else names."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bootagent.early import apply_early
from bootagent.host import Host, Nic
from bootagent.model.network import Link, Network, Pattern
from bootagent.model.values import InterfaceName, MacAddress
from bootagent.planners.network import bind
from bootagent.planners.patterns import matches
from bootagent.root import Root
from tests.images import make_iso
from tests.netconfig import parse
from tests.test_sources import CHECKOUT
from tests.test_unchanged import add_disk, add_nic

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import MachineDirectory

NICS = {"ens3": "virtio_net", "ens4": "virtio_net", "enp1s0": "ixgbe", "eth0": "bnx2x"}


def mac(number: int) -> MacAddress:
    return MacAddress(f"52:54:00:00:00:{number:02x}")


HOST = Host(
    has_sysfs=True,
    nics=tuple(Nic(InterfaceName(name), mac(number), driver) for number, (name, driver) in enumerate(NICS.items(), 1)),
)


def bound(text: str, host: Host = HOST) -> tuple[dict[str, str], list[str]]:
    """What each device was made of, by name, and the problems; the document is flow style below ``version: 2``."""
    network, problems = parse(f"{{version: 2, {text}}}")
    assert network
    assert problems == []
    result, found = bind(network, host, "none")
    origins = {str(i.name): i.origin.rpartition(": ")[2].partition(".")[2] for i in result.interfaces}
    return origins, [f"{p.severity} {p.where.rpartition(': ')[2]}" for p in found]


@pytest.mark.parametrize(
    ("match", "names"),
    [
        ("{name: 'ens*'}", ["ens3", "ens4"]),
        ("{name: 'ens?'}", ["ens3", "ens4"]),
        ("{name: 'ens[4-9]'}", ["ens4"]),
        ("{name: 'e[!n]*'}", ["eth0"]),
        ("{name: '*'}", ["ens3", "ens4", "enp1s0", "eth0"]),
        ("{driver: virtio_net}", ["ens3", "ens4"]),
        ("{driver: 'bnx*'}", ["eth0"]),
        ("{driver: [ixgbe, bnx2x]}", ["enp1s0", "eth0"]),
        ("{name: 'en*', driver: ixgbe}", ["enp1s0"]),
    ],
)
def test_all_that_fit_get_the_settings(match: str, names: list[str]) -> None:
    origins, problems = bound(f"ethernets: {{a: {{match: {match}, dhcp4: true}}}}")
    assert (list(origins), problems) == (names, [])


def test_a_nic_is_found_by_its_address_from_then_on() -> None:
    network = Network((Link("a", pattern=Pattern("eth?")),))
    result, _ = bind(network, HOST, "none")
    assert [(i.name, i.match and i.match.mac, i.match and i.match.name) for i in result.interfaces] == [
        ("eth0", mac(4), None)
    ]


def test_what_another_link_names_is_that_ones_and_of_two_patterns_the_first_has_it() -> None:
    text = f"a: {{match: {{name: 'e*'}}}}, b: {{match: {{macaddress: '{mac(1)}'}}}}, ens4: {{}}"
    assert bound(f"ethernets: {{{text}}}") == (
        {"enp1s0": "a", "eth0": "a", "ens3": "b", "ens4": "ens4"},
        [],
    )
    assert bound("ethernets: {a: {match: {name: 'ens*'}}, b: {match: {name: 'en*'}}, c: {match: {name: 'et*'}}}") == (
        {"ens3": "a", "ens4": "a", "enp1s0": "b", "eth0": "c"},
        [],
    )


def test_a_pattern_that_nothing_fits_is_an_error_and_in_an_image_a_note() -> None:
    text = "ethernets: {a: {match: {name: 'wl*'}}, eth0: {}}"
    assert bound(text) == ({"eth0": "eth0"}, ["error ethernets.a"])
    assert bound(text, Host()) == ({"eth0": "eth0"}, ["info ethernets.a"])


def test_one_address_on_several_nics_is_done_and_reported() -> None:
    text = "ethernets: {{a: {{match: {{name: '{}'}}, addresses: [192.0.2.5/24]}}}}"
    assert bound(text.format("ens*")) == ({"ens3": "a", "ens4": "a"}, ["warning ethernets.a"])
    assert bound(text.format("eth*")) == ({"eth0": "a"}, [])


def test_a_bond_has_all_of_them_and_a_vlan_is_on_the_first() -> None:
    text = "ethernets: {a: {match: {name: 'ens*'}}, b: {match: {driver: bnx2x}}}"
    bonds = "bonds: {bond0: {interfaces: [b, a], parameters: {mode: active-backup, primary: a}}}"
    network, _ = parse(f"{{version: 2, {text}, {bonds}}}")
    assert network
    result, problems = bind(network, HOST, "none")
    bond = next(i.bond for i in result.interfaces if i.bond)
    assert (bond.members, bond.primary) == (
        tuple(mac(number).compact for number in (4, 1, 2)),
        mac(1).compact,
    )
    assert problems == ()
    network, _ = parse(f"{{version: 2, {text}, vlans: {{v: {{id: 7, link: a}}, w: {{id: 8, link: b}}}}}}")
    assert network
    result, problems = bind(network, HOST, "none")
    parents = {str(i.name): i.vlan.parent for i in result.interfaces if i.vlan}
    assert parents == {"v": mac(1).compact, "w": mac(4).compact}
    assert [f"{p.severity} {p.where.rpartition(': ')[2]}" for p in problems] == ["warning vlans.v"]


def test_a_bond_and_a_vlan_on_a_pattern_that_nothing_fits_are_left_out() -> None:
    bonds = "bonds: {bond0: {interfaces: [a], parameters: {mode: active-backup}}}, vlans: {v: {id: 7, link: a}}"
    origins, problems = bound(f"ethernets: {{a: {{match: {{name: 'wl*'}}}}}}, {bonds}")
    assert (origins, sorted(problems)) == ({}, ["error bonds.bond0", "error ethernets.a", "error vlans.v"])


def test_a_port_that_hyper_v_shows_twice_is_one() -> None:
    pair = (Nic(InterfaceName("eth0"), mac(1), "hv_netvsc"), Nic(InterfaceName("enP1"), mac(1), "mlx5_core"))
    host = Host(has_sysfs=True, nics=pair)
    for match in ("{name: 'e*'}", "{driver: mlx5_core}", "{driver: hv_netvsc}"):
        assert bound(f"ethernets: {{a: {{match: {match}, addresses: [192.0.2.5/24]}}}}", host) == ({"eth0": "a"}, [])


def test_ids_of_a_document_that_look_like_ours_are_no_harm() -> None:
    text = "ethernets: {a: {match: {name: 'ens*'}}}, vlans: {a (ens4): {id: 7, link: a}}"
    network, _ = parse(f"{{version: 2, {text}}}")
    assert network
    result, _ = bind(network, HOST, "none")
    assert [str(i.name) for i in result.interfaces] == ["ens3", "ens4", "vlan7"]


def test_in_the_initramfs_names_are_not_the_last_and_it_is_left_to_the_real_root(
    machine: MachineDirectory, tmp_path: Path
) -> None:
    def early(match: dict[str, str]) -> str:
        config = {"version": 2, "ethernets": {"a": {"match": match, "dhcp4": True}}}
        files = {"meta-data": b'{"instance-id": "i"}', "network-config": json.dumps(config).encode()}
        add_disk(machine, "vdb", make_iso(tmp_path, files, "-V", "cidata", "-J", "-r").read_bytes())
        result = apply_early(Root(str(machine)))
        return result if isinstance(result, str) else "done"

    add_nic(machine, "eth0", "52:54:00:00:00:0a", "0000:00:03.0")
    machine.enable("systemd-networkd.service")
    assert early({"name": "eth*"}) == "NICs are meant by a pattern of their names"
    assert early({"macaddress": "52:54:00:00:00:0a"}) == "done"


def test_a_document_without_a_pattern_loads_none_of_it() -> None:
    code = (
        f"import sys; sys.path.insert(0, {str(CHECKOUT)!r})\n"
        "from bootagent.host import Host\n"
        "from bootagent.model.network import Link, Network\n"
        "from bootagent.planners.network import bind\n"
        "bind(Network((Link('a'),)), Host(), 'dhcp')\n"
        "assert not {'re', 'bootagent.planners.patterns'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-I", "-S", "-c", code], check=True)


globs = st.text("e*?[]!-ns3\\", min_size=1, max_size=12)


@given(st.lists(st.tuples(st.text("ens3-]", max_size=6), st.text("*?[]!-ens3", max_size=8)), min_size=1, max_size=20))
@settings(max_examples=40)
def test_a_shell_takes_a_pattern_for_the_same(pairs: list[tuple[str, str]]) -> None:
    """POSIX's shell is the judge: case $name in $pattern)."""
    script = "while [ $# -gt 0 ]; do case $1 in $2) echo 1;; *) echo 0;; esac; shift 2; done"
    words = [word for pair in pairs for word in pair]
    done = subprocess.run(["sh", "-c", script, "sh", *words], capture_output=True, text=True, check=True)
    assert [matches(name, pattern) for name, pattern in pairs] == [line == "1" for line in done.stdout.split()]


def test_a_pattern_takes_no_time_whatever_it_is() -> None:
    start = time.process_time()
    assert not matches("e" * 15, "*e" * 31 + "n")
    assert time.process_time() - start < 0.5


@given(globs, st.lists(globs, max_size=2))
def test_any_pattern_can_be_bound(name: str, drivers: list[str]) -> None:
    links = (Link("a", pattern=Pattern(name, tuple(drivers))), Link("b", pattern=Pattern("*")))
    result, _ = bind(Network(links), HOST, "dhcp")
    assert sorted(str(i.name) for i in result.interfaces) == sorted(NICS)
