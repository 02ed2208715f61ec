# SPDX-License-Identifier: Apache-2.0
"""Every source holds to its contract, and a boot loads the one that it needs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from bootagent import sources
from tests.images import make_iso
from tests.test_unchanged import add_disk

if TYPE_CHECKING:
    from tests.conftest import MachineDirectory

CHECKOUT = Path(__file__).resolve().parent.parent


@pytest.mark.parametrize("name", sources.names())
def test_the_table_of_labels_is_what_the_modules_declare(name: str) -> None:
    module = sources.load(name)
    assert sources.LABELS[module.LABEL] == name
    assert module.LABEL.islower()
    assert isinstance(module.NOT_OURS, frozenset)
    assert module.__doc__
    assert "https://" in module.__doc__


def test_the_table_has_no_source_that_is_not_there() -> None:
    assert sorted(sources.LABELS.values()) == list(sources.names())


BOOT = """
import sys
sys.path.insert(0, sys.argv[1])
from bootagent import sources
from bootagent.host import read_host
from bootagent.root import Root
root = Root(sys.argv[2])
host, _ = read_host(root, ("root",), (), find_drives=True)
found, problems = sources.find(root, host, None)
assert found is not None and not problems
print(found.source, found.instance.id)
print(*sorted(name for name in sys.modules if name.startswith("bootagent.sources.")))
print(*sorted(name for name in sys.modules if name.startswith("bootagent.formats.")))
"""


@pytest.mark.parametrize(
    ("wanted", "label", "files"),
    [
        ("configdrive", "config-2", {"openstack/latest/meta_data.json": b'{"uuid": "i"}'}),
        ("nocloud", "cidata", {"meta-data": b'{"instance-id": "i"}'}),
    ],
)
def test_a_boot_loads_the_source_whose_label_it_has_seen(
    machine: MachineDirectory, tmp_path: Path, wanted: str, label: str, files: dict[str, bytes]
) -> None:
    """However many there are; and of a grammar only what the drive has documents of."""
    add_disk(machine, "vdb", make_iso(tmp_path, files, "-J", "-r", "-V", label).read_bytes())
    command = [sys.executable, "-I", "-S", "-c", BOOT, str(CHECKOUT), str(machine)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found, loaded, formats = done.stdout.splitlines()
    assert (found, loaded) == (f"{wanted} i", f"bootagent.sources.{wanted}")
    assert "bootagent.formats.netconfig" not in formats
    assert ("bootagent.formats.nocloud" in formats) == (wanted == "nocloud")
