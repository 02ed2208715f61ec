# SPDX-License-Identifier: Apache-2.0
"""Every source holds to its contract, and a boot loads the one that it needs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from bootagent import sources
from bootagent.identity import Identity
from bootagent.sources._services import SERVICES
from tests.images import make_iso
from tests.test_unchanged import add_disk

if TYPE_CHECKING:
    from tests.conftest import MachineDirectory

CHECKOUT = Path(__file__).resolve().parent.parent


@pytest.mark.parametrize("name", sources.names())
def test_every_source_says_where_it_is_specified(name: str) -> None:
    doc = sources.load(name).__doc__
    assert doc
    assert "https://" in doc


@pytest.mark.parametrize("name", [name for name in sources.names() if hasattr(sources.load(name), "LABEL")])
def test_the_table_of_labels_is_what_the_modules_declare(name: str) -> None:
    module = sources.load(name)
    assert sources.LABELS[module.LABEL] == name
    assert module.LABEL.islower()
    assert isinstance(module.NOT_OURS, frozenset)


@pytest.mark.parametrize("name", SERVICES)
def test_a_source_that_is_asked_has_a_way_to_be_asked(name: str) -> None:
    module = sources.load_service(name)
    assert module.NEEDS in ("", "socket", "link-local", "dhcp")
    assert callable(getattr(module, "fetch" if module.NEEDS else "read_channel"))
    assert module.detect(Identity()) == ""


def test_every_source_is_found_by_a_label_or_asked() -> None:
    assert {*sources.LABELS.values(), *SERVICES} == set(sources.names())
    asked = {name for name in sources.names() if hasattr(sources.load(name), "detect")}
    assert asked == set(SERVICES)


def test_to_ask_whose_machine_this_is_loads_no_way_to_ask_anybody() -> None:
    """Every boot without a drive asks that, of every source."""
    code = (
        f"import sys; sys.path.insert(0, {str(CHECKOUT)!r})\n"
        "from bootagent.identity import Identity\n"
        "from bootagent.sources._services import choose\n"
        "choose(Identity(), None)\n"
        "assert not {'http.client', 'select', 'socket', 'termios', 're', 'enum'} & set(sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


BOOT = """
import sys
sys.path.insert(0, sys.argv[1])
from bootagent import sources
from bootagent.host import read_host
from bootagent.root import Root
root = Root(sys.argv[2])
host, _ = read_host(root, ("root",), (), find_drives=True)
search = sources.find(root, host, None)
found = search.found
assert found is not None and not search.problems
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
