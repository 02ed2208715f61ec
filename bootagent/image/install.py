# SPDX-License-Identifier: Apache-2.0
"""``install`` puts the agent into an image's tree.

The agent lives in a directory of its own, ``/usr/lib/bootagent``, and is started without ``site``: nothing that else is
installed in the image, and no ``.pth`` file, is loaded at boot.
"""

from __future__ import annotations

import os
import subprocess
import sys

from bootagent.bundle import BUNDLE
from bootagent.errors import CommitError
from bootagent.image import hostkeys, shipped
from bootagent.image.requirements import PYTHON, require
from bootagent.image.rivals import agents
from bootagent.image.tree import Tree
from bootagent.image.uninstall import LIBRARY, LIST, read_list, take_back
from bootagent.log import write_line

LAUNCHER = "/usr/sbin/bootagent"
UNIT_DIR = "/usr/lib/systemd/system"
PRESET_DIR = "/usr/lib/systemd/system-preset"
PRESET = "50-bootagent.preset"
RULE = "/usr/lib/udev/rules.d/90-bootagent.rules"
UNITS = {  # enabled, by what wants them
    "multi-user.target": ("bootagent.service", "bootagent-online.service", "bootagent-handover.service"),
    "networking.service": ("bootagent-ifupdown.service",),
}
# Which those and udev's rule start.
HELPERS = (
    *("bootagent-unchanged.service", "bootagent-seed.service", "bootagent-userdata.service"),
    *("bootagent-verify.service", "bootagent-hotplug.service", "bootagent-revert.service"),
)
OPENRC_SCRIPTS = {  # and their runlevels
    "/etc/init.d/bootagent": "boot",
    "/etc/init.d/bootagent-online": "default",
    "/etc/init.d/bootagent-handover": "default",
}
DRACUT_MODULES = "/usr/lib/dracut/modules.d"
DRACUT_MODULE = f"{DRACUT_MODULES}/50bootagent"  # in no initramfs that does not ask for it
DRACUT_SETUP = f"{DRACUT_MODULE}/module-setup.sh"
DRACUT_UNITS = ("bootagent-initrd.service", "bootagent-initrd-unchanged.service", "bootagent-initrd-writable.service")
EXECUTABLE = (*OPENRC_SCRIPTS, DRACUT_SETUP)
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
    tree = Tree(path)
    services = _services(tree)
    places = {name.rpartition("/")[0] for name in services}
    require(tree, sorted({LIBRARY, LAUNCHER.rpartition("/")[0], *places}))
    for name, fact in agents(tree).items():
        write_line("warning", f"{tree.path}: {name} would configure the network too: {fact}")
    old = read_list(tree)
    try:
        compiled = _put(tree, services, old)
    except OSError as error:
        if not old:
            take_back(tree, [*tree.files(LIBRARY), *tree.written, *(f"{made}/" for made in tree.made)])
        raise CommitError(error.filename or path, error.strerror or str(error)) from error
    sys.stdout.write(f"bootagent: installed in {tree.path}\n")
    if not compiled:
        sys.stdout.write(f"bootagent: not compiled: {PYTHON} of the image does not run here: a slower first boot\n")
    return 0


def _put(tree: Tree, services: dict[str, bytes | str], old: list[str]) -> bool:
    """All files, and the list of them; whether the modules could be compiled."""
    tree.remove(f"{LIBRARY}/{BUNDLE}")  # never one of other modules than those beside it
    for source, target in _modules():
        with open(source, "rb") as file:
            tree.write(target, file.read(), 0o644)
    tree.write(LAUNCHER, LAUNCHER_TEXT.encode(), 0o755)
    for path, content in services.items():
        if isinstance(content, str):
            tree.link(path, content)
        else:
            tree.write(path, content, 0o755 if path in EXECUTABLE else 0o644)
    ours = {target for _, target in _modules()} | {LAUNCHER, LIST, *services}
    # Of an earlier version, which may have kept no list; bytecode too.
    stale = [*tree.files(LIBRARY), *(path for path in old if not path.endswith("/"))]
    take_back(tree, [path for path in stale if path not in ours])
    compiled = _compile(tree)
    inside = set(tree.files(LIBRARY))
    directories = {f"{path.rpartition('/')[0]}/" for path in inside} | {f"{path}/" for path in tree.made}
    ours |= inside | directories | {path for path in old if path.endswith("/")}
    tree.write(LIST, "".join(f"{path}\n" for path in sorted(ours)).encode(), 0o644)
    return compiled


def _modules() -> list[tuple[str, str]]:
    """Each file of the package that a boot needs, and not these verbs: where it is, and where it goes."""
    found = []
    for directory, below, names in os.walk(shipped.PACKAGE):
        inside = directory[len(shipped.PACKAGE) :]
        below[:] = [name for name in below if name != "__pycache__" and f"{inside}/{name}" != "/image"]
        found += [(f"{directory}/{name}", f"{LIBRARY}/bootagent{inside}/{name}") for name in names]
    return sorted(found)


def _services(tree: Tree) -> dict[str, bytes | str]:
    """What starts the agent, for each service manager that the image has, or for systemd where none can be told.

    The module for dracut too, where the image has dracut.  A path with a file's content, or with the target of a link.
    """
    root = tree.root
    has_openrc = root.exists("/sbin/openrc-run") or root.exists("/usr/sbin/openrc-run")
    has_systemd = root.exists("/usr/lib/systemd/systemd") or root.exists("/lib/systemd/systemd")
    services: dict[str, bytes | str] = {}
    if has_systemd or not has_openrc:
        wanted = [(unit, wants) for wants, units in UNITS.items() for unit in units]
        wanted += [(hostkeys.UNIT, "multi-user.target")] if hostkeys.lack_maker(tree) else []
        for unit in (*(unit for unit, _ in wanted), *HELPERS):
            services[f"{UNIT_DIR}/{unit}"] = shipped.read_shipped(shipped.UNITS, unit)
        for unit, wants in wanted:
            services[f"/etc/systemd/system/{wants}.wants/{unit}"] = f"{UNIT_DIR}/{unit}"
        services[RULE] = shipped.read_shipped(shipped.UDEV, RULE.rpartition("/")[2])
        services[f"{PRESET_DIR}/{PRESET}"] = shipped.read_shipped(shipped.PRESETS, PRESET)
    if has_openrc:
        for script, level in OPENRC_SCRIPTS.items():
            name = script.rpartition("/")[2]
            services[script] = shipped.read_shipped(shipped.OPENRC, name)
            services[f"/etc/runlevels/{level}/{name}"] = script
    if root.exists(DRACUT_MODULES):
        for path in (DRACUT_SETUP, *(f"{DRACUT_MODULE}/{unit}" for unit in DRACUT_UNITS)):
            services[path] = shipped.read_shipped(shipped.DRACUT, path.rpartition("/")[2])
    return services


def _compile(tree: Tree) -> bool:
    """Compile with the image's own Python, so that no boot has to; whether that could be done from here."""
    # All is in the bundle but what looks for it.  The files never change: their time need not be looked at.
    files = [f"{LIBRARY}/bootagent/{name}.py" for name in ("__init__", "bundle")]
    compile_all = ["-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash", *files]
    write_bundle = f"sys.path.insert(0, '{LIBRARY}'); from bootagent import bundle; bundle.write_bundle('{LIBRARY}')"
    bundle = ["-c", f"import sys; {write_bundle}"]
    try:
        for command in (compile_all, bundle):
            subprocess.run(
                ["chroot", tree.path, PYTHON, "-I", "-B", "-X", "no_debug_ranges", *command],
                check=True,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=120,
            )
    except (OSError, subprocess.SubprocessError):
        return False
    return True
