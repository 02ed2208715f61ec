# SPDX-License-Identifier: Apache-2.0
"""Every machine below ``tests/cases`` through the whole pipeline, once with each backend.

``in`` is the machine and its drive; ``out`` was written from the facts, see CONTRIBUTING.rst.  networkd and ifupdown
have the exact files of every case, the other backends of some; ``tests/test_readers.py`` reads back what each backend
has of every case.
"""

from __future__ import annotations

import json
import os
import shutil
import stat
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from bootagent import renderers, sources
from bootagent.cli import main

ROOT = Path(__file__).resolve().parent.parent
CASES = ROOT / "tests" / "cases"
NAMES = sorted(path.name for path in CASES.iterdir())
IN_EVERY_CASE = {"networkd", "ifupdown"}
WRITTEN = [(case, path.name) for case in NAMES for path in sorted((CASES / case / "out").iterdir()) if path.is_dir()]
# The source of a drive by what is at its top; any other is NoCloud's.
DRIVES = {"openstack": "configdrive", "context.sh": "opennebula", "cloud.json": "rbxcloud"}
# What the agent keeps about itself; tests/test_boot.py and tests/test_commit.py look at it.
OWN = ("run/bootagent/", "var/lib/bootagent/")


def lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines() if path.exists() else []


def tree(root: Path) -> dict[str, str]:
    """The content of every file below ``root``, and the target of every link, by path."""
    found = {}
    for directory, names, files in os.walk(root):
        for name in names + files:
            path = Path(directory, name)
            if path.is_symlink():
                found[str(path.relative_to(root))] = f"-> {path.readlink()}"
            elif path.is_file():
                found[str(path.relative_to(root))] = path.read_bytes().decode("utf-8", "surrogateescape")
    return found


def outside(files: dict[str, Any]) -> dict[str, Any]:
    """Without the agent's own state."""
    return {path: value for path, value in files.items() if not path.startswith(OWN)}


def stamps(root: Path) -> dict[str, tuple[int, int, int]]:
    """What changes when somebody writes a file, even if its content stays."""
    status = {path: (root / path).lstat() for path in outside(tree(root))}
    return {path: (info.st_ino, info.st_mtime_ns, info.st_mode) for path, info in status.items()}


def expected_modes(case: str, backend: str) -> dict[str, str]:
    """Mode and owner by path."""
    entries = [line.split(" ", 2) for line in lines(CASES / case / "out" / f"{backend}.modes")]
    return {path: f"{mode} {owner}" for mode, owner, path in entries}


@pytest.mark.parametrize(("case", "backend"), WRITTEN)
def test_plan_is_what_the_case_says(case: str, backend: str, capsys: pytest.CaptureFixture[str]) -> None:
    machine, out = CASES / case / "in", CASES / case / "out"
    arguments = ["plan", "--json", "--root", str(machine), "--drive", str(machine / "drive"), "--backend", backend]
    assert main(arguments) == 0
    plan = json.loads(capsys.readouterr().out)
    source = next((DRIVES[name] for name in DRIVES if (machine / "drive" / name).exists()), "nocloud")
    assert (plan["source"], plan["backend"], plan["actions"]) == (source, backend, [])
    links = {file["path"] for file in plan["files"] if stat.S_ISLNK(int(file["mode"], 8))}
    files = {file["path"]: "-> " * (file["path"] in links) + file["content"] for file in plan["files"]}
    assert files == {f"/{path}": content for path, content in tree(out / backend).items()}
    modes = {file["path"]: f"{file['mode']} {file['owner']}" for file in plan["files"]}
    assert modes == expected_modes(case, backend)
    problems = Counter(f"{problem['severity']} {problem['where']}" for problem in plan["problems"])
    assert problems == Counter(lines(out / "problems") + lines(out / f"{backend}.problems"))
    assert plan["instance"] == json.loads((out / "instance.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("backend", renderers.names())
@pytest.mark.parametrize("case", NAMES)
def test_apply_writes_what_is_planned_and_nothing_else_and_only_once(
    case: str, backend: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    machine = tmp_path / "machine"
    shutil.copytree(CASES / case / "in", machine, symlinks=True)
    before = tree(machine)
    arguments = ["--root", str(machine), "--drive", str(machine / "drive"), "--backend", backend]
    assert main(["plan", "--json", *arguments]) == 0
    planned = {file["path"][1:]: file for file in json.loads(capsys.readouterr().out)["files"]}
    arguments.insert(0, "apply")
    assert main(arguments) == 0
    found = outside(tree(machine))
    assert found.keys() == before.keys() | planned.keys()
    assert {path: text for path, text in found.items() if path not in planned} == {
        path: text for path, text in before.items() if path not in planned
    }
    for path, file in planned.items():
        is_link = stat.S_ISLNK(int(file["mode"], 8))
        assert found[path] == (f"-> {file['content']}" if is_link else file["content"])
        assert is_link or f"{(machine / path).stat().st_mode & 0o7777:04o}" == file["mode"]
    first = stamps(machine)
    assert main(arguments) == 0
    assert stamps(machine) == first
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize("case", NAMES)
def test_a_case_is_whole(case: str) -> None:
    directory = CASES / case
    assert len(lines(directory / "README")) == 1
    assert (directory / "in" / "drive").is_dir()
    written = {path.name for path in (directory / "out").iterdir() if path.is_dir()}
    assert IN_EVERY_CASE <= written <= set(renderers.names())
    for backend in written:
        assert {f"/{path}" for path in tree(directory / "out" / backend)} == expected_modes(case, backend).keys()
    json.loads((directory / "out" / "instance.json").read_text(encoding="utf-8"))


def test_there_are_cases_enough() -> None:
    assert len(NAMES) >= 40
    assert {backend for _, backend in WRITTEN} == set(renderers.names())


@pytest.mark.parametrize("name", [*sources.names(), *renderers.names()])
def test_every_source_and_every_backend_has_a_row_in_the_readme(name: str) -> None:
    assert f"   * - ``{name}``" in lines(ROOT / "README.rst")
