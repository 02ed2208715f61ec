# SPDX-License-Identifier: Apache-2.0
"""docs/security.rst is true: each test that it names is there, no known fault is missing; and what else it says."""

from __future__ import annotations

import ast
import ipaddress
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from bootagent import sources

if TYPE_CHECKING:
    from tests.conftest import MachineDirectory

CHECKOUT = Path(__file__).resolve().parent.parent
PAGE = (CHECKOUT / "docs/security.rst").read_text(encoding="utf-8")
KNOWN = (
    *("CVE-2024-6174", "CVE-2024-11584", "CVE-2023-1786", "CVE-2022-2084", "CVE-2021-3429", "CVE-2020-8631"),
    *("CVE-2020-8632", "CVE-2018-10896", "CVE-2012-6639", "CVE-2022-1706", "CVE-2022-4968", "USN-6851-1", "USN-6851-2"),
    *("ironic, 2015", "ironic, 2026", "afterburn, 2026", "afterburn, Google's agent"),
    *("glean 1.25.1: text", "glean 1.25.1: lock", "glean 1.25.1: keys", "glean 1.25.1: drives"),
)
NAMED = re.findall(r"``(test_\w+\.py)::(\w+)``", PAGE)
# Not by an address: what an operator writes down, and a router that is its network's resolver too.
BY_NAME = {"nocloud_net", "cloudstack"}


@pytest.mark.parametrize(("file", "name"), sorted(set(NAMED)))
def test_a_test_that_the_page_names_is_there(file: str, name: str) -> None:
    tree = ast.parse((CHECKOUT / "tests" / file).read_text(encoding="utf-8"))
    assert name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def test_every_known_fault_has_a_row_and_every_row_a_test() -> None:
    table = PAGE.partition("Known faults of this field")[2].partition("Links and other things")[0]
    rows = table.split("   * - ")[2:]
    assert [known for known in KNOWN if not any(known in row.split("\n")[0] for row in rows)] == []
    assert [row.split("\n")[0] for row in rows if "``test_" not in row] == []
    assert len(NAMED) == PAGE.count(".py::")


def test_no_unit_listens() -> None:
    """No socket and no FIFO starts anything; what a path unit looks for is in a directory that is root's."""
    units = [path for place in ("systemd", "dracut") for path in (CHECKOUT / place).rglob("bootagent*.*")]
    assert len(units) > 5
    assert [unit.name for unit in units if unit.suffix == ".socket"] == []
    for unit in units:
        for key, value in re.findall(r"^(Listen\w+|Path\w+)=(.*)$", unit.read_text(encoding="utf-8"), re.MULTILINE):
            assert key in ("PathExists", "PathExistsGlob")
            assert os.path.dirname(value) == "/run/bootagent"


def test_nothing_is_drawn_by_chance() -> None:
    """No password, no key, no name: there is nothing that somebody could guess.  (The demo has a scratch directory.)"""
    paths = [path for path in (CHECKOUT / "bootagent").rglob("*.py") if path.parent.name != "demo"]
    assert len(paths) > 100
    for path in paths:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, (ast.Import, ast.ImportFrom)) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not {"random", "secrets", "tempfile", "uuid", "crypt"} & set(names), path
            assert not (isinstance(node, ast.Attribute) and node.attr in ("urandom", "getrandom")), path


@pytest.mark.parametrize("name", sources.names())
def test_services_are_asked_by_address(name: str) -> None:
    module: Any = sources.load_service(name)
    if getattr(module, "NEEDS", "") in ("", "socket") or name in BY_NAME:
        return
    said = getattr(module, "ADDRESSES", None) or (module.ADDRESS,)
    for address in said:
        ipaddress.ip_address(address)


def test_files_are_private_before_they_have_a_content(machine: MachineDirectory, tmp_path: Path) -> None:
    """Each is made anew, for root alone; who else may read it is said when it is there, before it has its name."""
    code = """
import sys
from bootagent.commit import Writer
from bootagent.model.plan import File, Plan
from bootagent.root import Root
writer = Writer(Root(sys.argv[1]))
writer.commit(Plan((File("/etc/secret", "geheim", 0o600), File("/etc/netplan/a.yaml", "geheim", 0o640))))
writer.close()
"""
    log = tmp_path / "calls"
    command = ["strace", "-qq", "-e", "trace=openat,write,fchmod,chmod,fchmodat,rename,renameat", "-o", str(log)]
    subprocess.run([*command, sys.executable, "-c", code, str(machine)], check=True, cwd=CHECKOUT)
    lines = log.read_text().splitlines()
    made = [number for number, line in enumerate(lines) if "O_CREAT" in line and ".bootagent" in line]
    assert len(made) == 2
    for number, mode in zip(made, ("0600", "0640")):
        created, written, allowed, renamed = lines[number : number + 4]
        assert re.search(r"O_EXCL.*, 0600\)", created)
        assert written.startswith("write(")
        assert re.match(rf"fchmod\(\d+, {mode}\)", allowed)
        assert renamed.startswith("rename")
