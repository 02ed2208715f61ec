# SPDX-License-Identifier: Apache-2.0
"""Linters are tests: one command for everything."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


def run(*command: str) -> None:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def shell_scripts() -> list[str]:
    """Every file of the checkout that a shell reads."""
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    files = [ROOT / name for name in listed.stdout.splitlines()]
    shebangs = (b"#!/bin/sh", b"#!/bin/bash", b"#!/usr/bin/env bash")
    return [str(path) for path in files if path.is_file() and path.read_bytes()[:32].startswith(shebangs)]


def test_ruff_finds_nothing() -> None:
    run(sys.executable, "-m", "ruff", "check", "--quiet", ".")


def test_the_format_is_ruffs() -> None:
    run(sys.executable, "-m", "ruff", "format", "--quiet", "--check", ".")


def test_mypy_is_strict_and_finds_nothing() -> None:
    run(sys.executable, "-m", "mypy")


def test_shellcheck_finds_nothing() -> None:
    scripts = shell_scripts()
    assert scripts
    run("shellcheck", *scripts)


@pytest.mark.parametrize(
    "page",
    [
        "README.rst",
        "CONTRIBUTING.rst",
        *(str(p.relative_to(ROOT)) for p in (*ROOT.glob("docs/*.rst"), *ROOT.glob("elements/*/README.rst"))),
    ],
)
def test_pages_are_valid_restructured_text(page: str) -> None:
    from docutils.core import publish_doctree

    publish_doctree((ROOT / page).read_text(encoding="utf-8"), settings_overrides={"halt_level": 2, "report_level": 2})


def test_every_module_is_of_a_size_that_one_can_read() -> None:
    sizes = {path.name: len(path.read_text(encoding="utf-8").splitlines()) for path in ROOT.glob("bootagent/**/*.py")}
    assert {name: size for name, size in sizes.items() if size > 350} == {}
