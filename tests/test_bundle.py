# SPDX-License-Identifier: Apache-2.0
"""The bundle is the package: the same modules run, and whatever is wrong with it, the package itself is used."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bootagent import bundle

PACKAGE = Path(bundle.__file__).parent
SAY_WHERE = """
import sys
sys.path.insert(0, {library!r})
from bootagent.bundle import use_bundle
use_bundle({library!r})
from bootagent import boot, cli, renderers, sources
for name in renderers.names():
    renderers.load(name)
assert {{"configdrive", "nocloud"}} <= set(sources.names())
print(type(boot.__loader__).__name__, boot.__file__, renderers.__path__, boot.apply.__code__.co_filename)
"""


@pytest.fixture
def library(tmp_path: Path) -> Path:
    """The agent as it is installed, with its bundle."""
    place = tmp_path / "library"
    shutil.copytree(PACKAGE, place / "bootagent", ignore=shutil.ignore_patterns("__pycache__"))
    bundle.write_bundle(str(place))
    return place


def loaded(library: Path) -> list[str]:
    """Who loaded the modules, and where they say that they are."""
    command = [sys.executable, "-I", "-S", "-B", "-c", SAY_WHERE.format(library=str(library))]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()


def places(library: Path) -> list[str]:
    return [f"{library}/bootagent/boot.py", f"['{library}/bootagent/renderers']", f"{library}/bootagent/boot.py"]


def test_every_module_comes_from_the_bundle_and_knows_its_place(library: Path) -> None:
    (library / "bootagent" / "boot.py").write_text("raise ImportError('not from the bundle')")
    assert loaded(library) == ["Bundle", *places(library)]


def test_it_has_the_whole_package(library: Path) -> None:
    fd = os.open(library / bundle.BUNDLE, os.O_RDONLY)
    try:
        found = bundle.Bundle(fd, str(library))
        for path in PACKAGE.rglob("*.py"):
            name = ".".join(("bootagent", *path.relative_to(PACKAGE).with_suffix("").parts)).removesuffix(".__init__")
            spec = found.find_spec(name)
            assert spec is not None
            assert spec.origin == str(library / "bootagent" / path.relative_to(PACKAGE))
        assert found.find_spec("json") is None
        assert found.find_spec("bootagent.nothing") is None
    finally:
        os.close(fd)


@pytest.mark.parametrize("content", [None, b"", b"\0" * 64, b"other interpreter's", "cut"], ids=str)
def test_a_bundle_that_is_not_for_this_interpreter_is_passed_by(library: Path, content: bytes | str | None) -> None:
    place = library / bundle.BUNDLE
    whole = place.read_bytes()
    if content is None:
        place.unlink()
    else:
        place.write_bytes(content if isinstance(content, bytes) else whole[:200])
    assert loaded(library) == ["SourceFileLoader", *places(library)]
