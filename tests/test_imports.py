# SPDX-License-Identifier: Apache-2.0
"""Layers and the boot's import budget: the arrows of docs/design.rst hold, and the boot path imports what it must."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parent.parent / "bootagent"

# What each room may import of the house, beside itself.  Nothing upstream imports downstream.
ROOMS: dict[str, set[str]] = {
    "errors": set(),
    "record": set(),
    "jsontext": set(),
    "model": {"errors", "record"},
    "root": {"errors"},
    "libraries": set(),
    "log": {"model"},
    "media": {"errors"},
    "services": {"root"},
    "host": {"errors", "media", "model", "record", "root", "services"},
    "identity": {"record", "root"},
    "options": {"errors", "libraries", "model", "record", "renderers", "root", "sources"},
    "formats": {"errors", "jsontext", "libraries", "model", "record"},
    "sources": {"errors", "formats", "host", "identity", "media", "model", "record", "root"},
    "state": {"jsontext", "model", "record", "root"},
    "renderers": {"errors", "host", "model", "record"},
    "planners": {"errors", "host", "model", "options", "record", "renderers", "state"},
    "commit": {"errors", "model", "record", "root"},
    "report": {"__init__", "boot", "commit", "jsontext", "model", "state"},
    "status": {"errors", "root", "state"},
    "inputs": {"host", "model", "record", "root", "state"},
    "watch": set(),
    "late": {"host", "model", "options", "root", "sources", "watch"},
    "handover": {"boot", "commit", "jsontext", "model", "record", "root", "sources", "state"},
    "userdata": {
        *("commit", "errors", "formats", "host", "identity", "jsontext", "log", "media", "model", "record", "root"),
        *("sources", "state"),
    },
    "boot": {
        *(
            "commit",
            "handover",
            "host",
            "inputs",
            "late",
            "log",
            "model",
            "options",
            "planners",
            "previous",
            "renderers",
            "report",
            "root",
            "sources",
        ),
        *("record", "state"),
    },
    "early": {
        "boot",
        "commit",
        "host",
        "inputs",
        "model",
        "options",
        "renderers",
        "report",
        "root",
        "services",
        "state",
    },
    "reload": {"boot", "commit", "model", "planners", "renderers", "root"},
    "online": {"boot", "commit", "host", "options", "reload", "root"},
    "hotplug": {"boot", "commit", "host", "inputs", "options", "reload", "root", "state"},
    "previous": {"boot", "commit", "jsontext", "model", "planners", "root"},
    "revert": {
        *("boot", "commit", "host", "jsontext", "model", "options", "planners", "previous", "reload", "root", "state"),
    },
    "explain": {"errors", "root", "status"},
    "verify": {"commit", "errors", "jsontext", "libraries", "log", "model", "record", "root", "state", "status"},
    "bundle": set(),
    "image": {
        *("bundle", "errors", "host", "log", "options", "planners", "record", "renderers", "root", "services", "state"),
    },
    "validate": {"errors", "formats", "host", "log", "model", "planners", "report", "root", "sources"},
    "demo": {"boot", "log", "report", "root"},
    "cli": {
        "__init__",
        "boot",
        "demo",
        "early",
        "errors",
        "explain",
        "hotplug",
        "image",
        "log",
        "online",
        "options",
        "report",
        "revert",
        "root",
        "status",
        "userdata",
        "validate",
        "verify",
    },
    "__main__": {"cli"},
    "__init__": set(),
}

# Beside these, a first boot from a drive imports only modules of bootagent and those that the interpreter starts with.
BUDGET = {
    *("_socket", "binascii", "fcntl", "operator"),
    *("genericpath", "os", "posixpath", "stat"),
}


def room(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports(path: Path) -> set[str]:
    """The rooms that a module imports, at its top or inside a function."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.partition(".")[0] == "bootagent":
            parts = node.module.split(".")[1:]
            found |= {parts[0]} if parts else {name.name if name.name[0] != "_" else "__init__" for name in node.names}
    return found


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_module_imports_only_what_its_room_may(path: Path) -> None:
    here = room(path)
    assert imports(path) - {here} <= ROOMS[here]


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_only_commit_and_the_image_builder_change_the_machine(path: Path) -> None:
    """`demo` makes its scratch machine; `root` makes the directories that commit asks for."""
    changing = {
        "rename",
        "replace",
        "unlink",
        "rmdir",
        "symlink",
        "chmod",
        "fchmod",
        "system",
        "popen",
        "mkdir",
        "makedirs",
    }
    calls = {
        node.func.attr
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id in ("os", "shutil", "subprocess")
    }
    if room(path) not in ("commit", "image", "demo", "root"):
        assert not calls & changing


def test_a_boot_imports_within_its_budget(tmp_path: Path) -> None:
    """The very command of the unit, in a fresh interpreter without site."""
    (tmp_path / "root").mkdir()
    drive = PACKAGE / "demo" / "drive"
    code = f"""
import sys
before = set(sys.modules)
sys.path.insert(0, {str(PACKAGE.parent)!r})
sys.stdout = sys.stderr
from bootagent import boot, cli
from bootagent.report import console_block
from bootagent.root import Root
result = boot.apply(Root({str(tmp_path / "root")!r}), {{"drive": {str(drive)!r}}})
assert result is not None and console_block(result)
sys.__stdout__.write(" ".join(sorted(set(sys.modules) - before)))
"""
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=True, env=environment
    )
    imported = {name.partition(".")[0] for name in done.stdout.split()} - {"bootagent"}
    # Modules in C cost no file to read.
    python = {name for name in imported if not name.startswith("_") and name not in sys.builtin_module_names}
    assert python <= BUDGET
