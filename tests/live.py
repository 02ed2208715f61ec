# SPDX-License-Identifier: Apache-2.0
r"""A live machine: this very one, in a mount namespace of its own, with some more files in it.

::

    found = run_live({"/usr/bin/vmware-rpctool": "#!/bin/sh\n..."}, "print(Root('/').live)")

The files are there for one run of Python and for nobody else.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

CHECKOUT = Path(__file__).resolve().parent.parent
# A layer over each directory that gets a file: overlayfs, https://docs.kernel.org/filesystems/overlayfs.html.
SCRIPT = """
set -e
layers=$1 code=$2 python=$3
shift 3
for directory; do
    mount -t overlay overlay -o "lowerdir=$layers$directory:$directory" "$directory"
done
exec "$python" -c "$code"
"""


def run_live(tmp: Path, files: Mapping[str, str], code: str) -> str:
    """What Python prints that runs ``code``; a program among the files can be run."""
    directories = set()
    for name, content in files.items():
        path = tmp / "layers" / name.lstrip("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
        path.chmod(0o755)
        directories.add(str(Path(name).parent))
    code = f"import sys\nsys.path.insert(0, {str(CHECKOUT)!r})\n{code}"
    command = ["unshare", "--mount", "sh", "-c", SCRIPT, "sh", str(tmp / "layers"), code, sys.executable]
    done = subprocess.run([*command, *sorted(directories)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout
