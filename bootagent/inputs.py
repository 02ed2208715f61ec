# SPDX-License-Identifier: Apache-2.0
"""What a boot's answer was made from, as a record: the next boot compares it and starts no interpreter if all is there.

``/var/lib/bootagent/inputs``, mode 0600, is read by ``unchanged.sh``::

    nics 52:54:00:00:00:0a@/sys/devices/pci0000:00/0000:00:03.0/virtio0 …
    drive 71680 /dev/vdb
    digest <sha256>
    fresh /etc/machine-id
    file /etc/hostname

``nics`` are address and place of each NIC, which tell a NIC that came, went or moved.  ``drive`` is the source, and
how many first bytes of it, and of each file, count: as many as the agent read.  ``digest`` is over the disks that
there are with their sizes and serial numbers, the names of what is enabled and installed, the kernel command line,
the machine's uuid and id, the image's version, the options, the agent's version, the manifest, and those bytes of the
drive.  ``file`` is one that the agent wrote, which must be there still.  ``fresh``: in an initramfs systemd had yet to
make the machine's id, which does not count then.  No clock and no time of a file has a say.

The record is made from what was there before the agent looked, so that what comes while it works counts as a change.
"""

from __future__ import annotations

import os

from bootagent.host import ETHERNET, INFINIBAND, NOT_A_DRIVE
from bootagent.model.plan import File
from bootagent.record import Record
from bootagent.state import MANIFEST

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from bootagent.root import Root

INPUTS = "/var/lib/bootagent/inputs"
MAX_BYTES = 1 << 20  # every known cloud's drive has its documents there, and reading more takes time
MACHINE_ID = "/etc/machine-id"
FILES = (
    *("/proc/cmdline", "/sys/class/dmi/id/product_uuid", MACHINE_ID, "/etc/os-release", "/etc/bootagent.yaml"),
    "/usr/lib/bootagent/bootagent/__init__.py",
)


class Inputs(Record):
    """What the machine was before the agent looked at it."""

    nics: str
    names: str  # of disks and of what is enabled and installed, one a line
    files: tuple[bytes, ...]
    fresh: bool = False  # no id of the machine is among the files


def read_inputs(root: Root) -> Inputs:
    """Read everything but the source and our own manifest."""
    disks = list(_disk_files(root))
    names = "".join(f"{name}\n" for name in (*_listings(root), *map(root.host_path, disks)))
    return Inputs(" ".join(_nics(root)), names, tuple(_content(root, path) for path in (*disks, *FILES)))


def without_fresh_id(inputs: Inputs) -> Inputs:
    """``inputs`` as an initramfs has to record them: the id may be one that systemd makes after the switch."""
    place = FILES.index(MACHINE_ID) - len(FILES)
    if len(inputs.files[place].strip()) == 32:  # machine-id(5)
        return inputs
    return inputs._replace(files=(*inputs.files[:place], b"", *inputs.files[place + 1 :]), fresh=True)


def record_inputs(root: Root, inputs: Inputs, drive: str, reach: int, files: Iterable[str]) -> File | None:
    """The record of a boot that read ``reach`` bytes of ``drive`` and wrote ``files``; ``None`` where there is none."""
    manifest = _content(root, MANIFEST)
    count = max(reach, len(manifest))
    if not reach or count > MAX_BYTES:
        return None
    try:
        with open(root.host_path(drive), "rb") as stream:
            content = (*inputs.files, manifest, stream.read(count))
    except OSError:
        return None
    text = inputs.names.encode("utf-8", "surrogateescape")
    digest = _sha256(b"".join((text, *(part[:count] for part in content))))
    lines = [f"nics {inputs.nics}", f"drive {count} {drive}", f"digest {digest}"]
    lines += [f"fresh {MACHINE_ID}"] if inputs.fresh else []
    return File(INPUTS, "\n".join([*lines, *(f"file {path}" for path in files), ""]), 0o600)


def _sha256(data: bytes) -> str:
    # What hashlib gives, without hashlib's start of OpenSSL: since Python 3.12, before, and anywhere else.
    for name in ("_sha2", "_sha256", "hashlib"):
        try:
            digest: str = __import__(name).sha256(data).hexdigest()
        except ImportError:
            continue
        return digest
    raise AssertionError("hashlib is always there")


def _nics(root: Root) -> Iterator[str]:
    for name in root.names("/sys/class/net"):
        base = f"/sys/class/net/{name}"
        try:
            kind, address = (_content(root, f"{base}/{item}").decode().strip() for item in ("type", "address"))
            if kind in (ETHERNET, INFINIBAND):
                yield f"{address}@{root.resolve(f'{base}/device')}"
        except (OSError, ValueError):
            continue


def _disk_files(root: Root) -> Iterator[str]:
    for name in root.names("/sys/class/block"):
        if not name.startswith(NOT_A_DRIVE):
            yield f"/sys/class/block/{name}/size"
            yield f"/sys/class/block/{name}/serial"


def _listings(root: Root) -> Iterator[str]:
    """What is enabled and installed, by name: paths as the shell's globs have them, the pattern where there is none."""
    units, levels = "/etc/systemd/system", "/etc/runlevels"
    names = list(_visible(root, units))
    wanted = _glob(root, f"{units}/*.wants/*", [f"{units}/{name}" for name in names if name.endswith(".wants")])
    yield from (f"gone: {path}" for path in wanted if not os.path.exists(path))
    yield from [root.host_path(f"{units}/{name}") for name in names or ("*",)]
    yield from wanted
    for directory in ("/lib/systemd/system-generators", "/etc/init.d"):
        yield from _glob(root, f"{directory}/*", [directory])
    yield from _glob(root, f"{levels}/*/*", [f"{levels}/{name}" for name in _visible(root, levels)])
    yield from _glob(root, "/etc/rc3.d/*", ["/etc/rc3.d"])


def _glob(root: Root, pattern: str, directories: Iterable[str]) -> list[str]:
    paths = [f"{directory}/{name}" for directory in directories for name in _visible(root, directory)]
    return [root.host_path(path) for path in sorted(paths) or (pattern,)]


def _visible(root: Root, directory: str) -> Iterator[str]:
    return (name for name in root.names(directory) if name[0] != ".")


def _content(root: Root, path: str) -> bytes:
    try:
        return root.read(path) or b""
    except OSError:
        return b""
