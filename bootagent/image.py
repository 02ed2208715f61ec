# SPDX-License-Identifier: Apache-2.0
"""Verbs of the image builder: ``install`` puts the agent into an image's tree.

The agent lives in a directory of its own, ``/usr/lib/bootagent``, and is started without ``site``: nothing that else is
installed in the image, and no ``.pth`` file, is loaded at boot.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys

from bootagent.bundle import BUNDLE
from bootagent.errors import CommitError, SourceError
from bootagent.root import Root

LIBRARY = "/usr/lib/bootagent"
LAUNCHER = "/usr/sbin/bootagent"
UNIT_DIR = "/usr/lib/systemd/system"
WANTS = "/etc/systemd/system/multi-user.target.wants"
UNITS = ("bootagent.service", "bootagent-ifupdown.service")  # enabled
HELPERS = ("bootagent-unchanged.service",)  # which those ask for
OPENRC_SCRIPT = "/etc/init.d/bootagent"
OPENRC_LINK = "/etc/runlevels/boot/bootagent"
# Where what is installed beside the package stands: in the checkout, and below the Python prefix when pip put it there.
UNIT_PLACES = ("systemd", "lib/systemd/system")
OPENRC_PLACES = ("openrc", "share/bootagent/openrc")
LAUNCHER_TEXT = f"""\
#!/usr/bin/python3 -IS
import gc
import sys

gc.disable()  # a run this short leaves no garbage that is worth a search
sys.path.append("{LIBRARY}")
from bootagent.bundle import use_bundle

use_bundle("{LIBRARY}")
from bootagent.cli import run

run()
"""


def install(path: str) -> int:
    """Put the agent, its launcher and its services below ``path``, compile it there, and enable the services."""
    root = Root(path)
    package = os.path.dirname(os.path.abspath(__file__))
    try:
        library = _place(root, f"{LIBRARY}/bootagent")
        shutil.rmtree(library, ignore_errors=True)
        with contextlib.suppress(FileNotFoundError):
            os.unlink(_place(root, f"{LIBRARY}/{BUNDLE}"))
        shutil.copytree(package, library, ignore=shutil.ignore_patterns("__pycache__"))
        _write(root, LAUNCHER, LAUNCHER_TEXT, 0o755)
        _install_services(root, package)
    except OSError as error:
        raise CommitError(error.filename or path, error.strerror or str(error)) from error
    sys.stdout.write(f"bootagent: installed in {root.path}\n" + _compile(root))
    return 0


def _install_services(root: Root, package: str) -> None:
    """For each service manager that the image has, or for systemd where none can be told."""
    has_openrc = root.exists("/sbin/openrc-run") or root.exists("/usr/sbin/openrc-run")
    has_systemd = root.exists("/usr/lib/systemd/systemd") or root.exists("/lib/systemd/systemd")
    if has_systemd or not has_openrc:
        for unit in (*UNITS, *HELPERS):
            _write(root, f"{UNIT_DIR}/{unit}", _read_shipped(package, UNIT_PLACES, unit), 0o644)
        for unit in UNITS:
            _link(root, f"{WANTS}/{unit}", f"{UNIT_DIR}/{unit}")
    if has_openrc:
        _write(root, OPENRC_SCRIPT, _read_shipped(package, OPENRC_PLACES, "bootagent"), 0o755)
        _link(root, OPENRC_LINK, OPENRC_SCRIPT)


def _place(root: Root, path: str) -> str:
    """The path outside the root, its directory made; symlinks such as /lib are followed inside the root."""
    parent, _, name = path.rpartition("/")
    fd = root.open_directory(parent, make=(0o755, 0, 0))
    try:
        return f"{os.readlink(f'/proc/self/fd/{fd}')}/{name}"
    finally:
        os.close(fd)


def _write(root: Root, path: str, text: str, mode: int) -> None:
    place = _place(root, path)
    temporary = f"{place}.bootagent"
    with open(temporary, "w", encoding="ascii") as file:
        file.write(text)
    os.chmod(temporary, mode)
    os.replace(temporary, place)


def _link(root: Root, path: str, target: str) -> None:
    place = _place(root, path)
    if not os.path.islink(place):
        os.symlink(target, place)


def _read_shipped(package: str, places: tuple[str, str], name: str) -> str:
    """A file from the checkout, or from where pip put it."""
    for directory in (f"{os.path.dirname(package)}/{places[0]}", f"{sys.prefix}/{places[1]}"):
        try:
            with open(f"{directory}/{name}", encoding="ascii") as file:
                return file.read()
        except FileNotFoundError:
            continue
    raise SourceError(name, "not found beside the package, nor below the Python prefix")


def _compile(root: Root) -> str:
    """Compile with the image's own Python, so that no boot has to; says so where that cannot be done from here."""
    # All is in the bundle but what looks for it.  The files never change: their time need not be looked at.
    files = [f"{LIBRARY}/bootagent/{name}.py" for name in ("__init__", "bundle")]
    compile_all = ["-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash", *files]
    write_bundle = f"sys.path.insert(0, '{LIBRARY}'); from bootagent import bundle; bundle.write_bundle('{LIBRARY}')"
    bundle = ["-c", f"import sys; {write_bundle}"]
    try:
        for command in (compile_all, bundle):
            subprocess.run(
                ["chroot", root.path, "/usr/bin/python3", "-I", "-B", "-X", "no_debug_ranges", *command],
                check=True,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=120,
            )
    except (OSError, subprocess.SubprocessError):
        return "bootagent: not compiled: /usr/bin/python3 of the image does not run here; the first boot is slower\n"
    return ""
