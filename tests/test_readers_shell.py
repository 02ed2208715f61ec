# SPDX-License-Identifier: Apache-2.0
"""Files that daemons source: a real shell finds the variables that the readers find, and runs nothing for it.

POSIX.1-2017, Shell Command Language, https://pubs.opengroup.org/onlinepubs/9699919799/utilities/V3_chap02.html
"""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bootagent.cli import main
from tests import strategies
from tests.readers import _ifcfg_nm, ifcfg, netifrc, reader, wicked
from tests.readers._ifcfg_keys import DIRECTORY, NETWORK
from tests.readers._shell import assignments
from tests.test_cases import CASES, NAMES
from tests.test_renderers import NETWORK as EVERYTHING
from tests.test_renderers import rendered

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from bootagent.model.network import BoundNetwork
    from tests.readers._shell import Variables

BACKENDS = pytest.mark.parametrize("backend", ["ifcfg", "netifrc", "wicked"])
SHELLS = ["dash", "bash"]
FEW = settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))

# Each file in a shell of its own; "set -a" makes its variables those of the environment.
SOURCE = """
for file in ../in/*; do
    [ -e "$file" ] || break
    (set -a; . "$file" >&2; exec "$0" -0 >"../out/${file##*/}") || exit 1
done
"""
# What etc/rc.d/init.d/network of https://github.com/fedora-sysv/initscripts does with each ifcfg file.
EVALUATE = """
for file in ../in/*; do
    unset DEVICE TYPE SLAVE
    for key in DEVICE TYPE SLAVE; do
        eval $(LANG=C "$0" -F "$key=" "$file") || exit 1
    done
    printf '%s\\0' "DEVICE=$DEVICE" "TYPE=$TYPE" "SLAVE=$SLAVE" >"../out/${file##*/}"
done
"""
OWN = {"PATH", "PWD", "OLDPWD", "SHLVL", "_"}  # variables of the shell itself
TRAPS = ("touch", "id", "ip", "rm", "cat", "sh", "reboot", "DEVICE", "A")

HOSTILE = (
    "$(touch pwned)",
    "`touch pwned`",
    "'; touch pwned; '",
    '"; touch pwned; "',
    "\ntouch pwned\n",
    "\r\ntouch pwned\r\n",
    "\v\f\x85\u2028touch pwned",
    "\u00fc",
    "${IFS}touch${IFS}pwned",
    "${A:=b}",
    ">pwned",
    "\\",
    "touch pwned \\\\\\",
    "DEVICE=lo TYPE=ppp SLAVE=yes MASTER=bond0 STARTMODE=off",
    "DEVICE=$(touch pwned)",
    "\n}\ntouch pwned\nstart_pre() {",
    "# END bootagent\ntouch pwned",
    "x" * 470 + " STARTMODE=off " * 20,
)
origins = st.lists(st.sampled_from(HOSTILE) | st.text("$`'\"\\(){};&|<>*?~!# \t\nA=é\u2028", max_size=20), min_size=1)


def run(shell: str, script: str, program: str, texts: Collection[str]) -> list[dict[str, str]]:
    """The variables that ``script`` leaves for each text, where every program is a trap and no file may appear."""
    with TemporaryDirectory() as name:
        top = Path(name)
        for directory in ("traps", "empty", "in", "out"):
            (top / directory).mkdir()
        for trap in TRAPS:
            (top / "traps" / trap).write_text(f"#!/bin/sh\n: >{top}/trapped\n", encoding="utf-8")
            (top / "traps" / trap).chmod(0o755)
        for count, text in enumerate(texts):
            (top / "in" / f"{count:04}").write_text(text, encoding="utf-8", newline="")
        command = [str(shutil.which(shell)), "-c", script, str(shutil.which(program))]
        done = subprocess.run(
            command, cwd=top / "empty", env={"PATH": f"{top}/traps"}, capture_output=True, text=True, check=False
        )
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
        assert sorted(path.name for path in top.iterdir()) == ["empty", "in", "out", "traps"]
        assert not list((top / "empty").iterdir())
        outputs = sorted((top / "out").iterdir())
        assert len(outputs) == len(texts)
        return [_environment(path.read_bytes().decode()) for path in outputs]


def _environment(text: str) -> dict[str, str]:
    pairs = [entry.partition("=") for entry in text.split("\0")[:-1]]
    return {name: value for name, _, value in pairs if name not in OWN and not name.startswith("BASH_FUNC_")}


def parsers(backend: str, path: str) -> list[Callable[[str, str], Variables]]:
    """Those that take the file's variables in the reader of the backend, if a shell or the like reads it."""
    if backend == "ifcfg" and path.startswith(f"{DIRECTORY}ifcfg-"):
        return [assignments, _ifcfg_nm.variables]
    if backend == "ifcfg" and path == NETWORK:
        return [assignments]
    if backend == "wicked" and path.startswith(f"{wicked.DIRECTORY}ifcfg-"):
        return [assignments, wicked.variables]
    if backend == "netifrc" and (path == netifrc.CONF or path.startswith(f"{netifrc.CONF}.")):
        return [lambda path, text: netifrc.sources(path, text)[0]]
    return []


def check(shell: str, backend: str, files: Mapping[str, str]) -> None:
    """Each file that is sourced gives the shell the variables that the reader takes from it."""
    sourced = {path: text for path, text in files.items() if parsers(backend, path)}
    for (path, text), variables in zip(sourced.items(), run(shell, SOURCE, "env", sourced.values())):
        for parse in parsers(backend, path):
            assert {name: value.text for name, value in parse(path, text).items()} == variables


def files_of(backend: str, network: BoundNetwork) -> dict[str, str]:
    return {file.path: file.content for file in rendered(backend, network).files}


def with_origins(network: BoundNetwork, texts: list[str]) -> BoundNetwork:
    """``network`` where every place is one of ``texts``."""
    interfaces = [
        interface._replace(
            origin=texts[index % len(texts)],
            addresses=tuple(address._replace(origin=texts[0]) for address in interface.addresses),
            routes=tuple(route._replace(origin=texts[-1]) for route in interface.routes),
        )
        for index, interface in enumerate(network.interfaces)
    ]
    return network._replace(interfaces=tuple(interfaces))


@pytest.mark.parametrize("shell", SHELLS)
@BACKENDS
@FEW
@given(network=strategies.bound_networks(), texts=origins)
def test_a_hostile_place_is_a_comment(shell: str, backend: str, network: BoundNetwork, texts: list[str]) -> None:
    """Whatever it is: the shell's variables are the reader's."""
    check(shell, backend, files_of(backend, with_origins(network, texts)))


@BACKENDS
@pytest.mark.parametrize("text", HOSTILE)
def test_a_hostile_place_changes_nothing(backend: str, text: str) -> None:
    """The reader takes the same from the files, whatever a comment says; so do those that grep, or cut long lines."""
    module = reader(backend)
    plain, hostile = (files_of(backend, with_origins(EVERYTHING, [origin])) for origin in ("links[0]", text))

    assert module.read(hostile) == module.read(plain)
    if backend == "ifcfg":
        assert ifcfg.read_nm(hostile) == ifcfg.read_nm(plain)


@pytest.mark.parametrize("text", HOSTILE)
def test_the_network_script_sees_the_device(text: str) -> None:
    """It evaluates every line that has ``DEVICE=`` somewhere, before it asks what the file is."""
    files = files_of("ifcfg", with_origins(EVERYTHING, [text]))
    sourced = {path: content for path, content in files.items() if path.startswith(f"{DIRECTORY}ifcfg-")}

    for (path, content), variables in zip(sourced.items(), run("bash", EVALUATE, "grep", sourced.values())):
        found = assignments(path, content)
        assert variables == {key: found[key].text if key in found else "" for key in ("DEVICE", "TYPE", "SLAVE")}


@pytest.mark.parametrize("shell", SHELLS)
@BACKENDS
@pytest.mark.parametrize("case", NAMES)
def test_every_case_is_sourced(case: str, backend: str, shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    machine = CASES / case / "in"
    arguments = ["--root", str(machine), "--drive", str(machine / "drive"), "--backend", backend]
    assert main(["plan", "--json", *arguments]) == 0
    files = {file["path"]: file["content"] for file in json.loads(capsys.readouterr().out)["files"]}

    check(shell, backend, files)


words = st.lists(
    st.sampled_from(
        ("A", "B", "=", " ", "\n", "'", '"', "\\", "#", "x", "$", "`", "; ", ">", "*", "~", "A=x", "B='y'")
    ),
    max_size=9,
).map("".join)


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("parse", [assignments, wicked.variables])
@FEW
@given(texts=st.lists(words, min_size=100, max_size=100))
def test_what_a_reader_takes_a_shell_takes_so(
    shell: str, parse: Callable[[str, str], Variables], texts: list[str]
) -> None:
    """For any text at all: the reader refuses it, or means by it what the shell does."""
    taken = {}
    for text in texts:
        try:
            taken[text] = {name: value.text for name, value in parse("file", text).items()}
        except ValueError:
            continue

    assert dict(zip(taken, run(shell, SOURCE, "env", taken))) == taken
