# SPDX-License-Identifier: Apache-2.0
"""The boots that are disturbed: a machine's directory as it is before, and as it is after a boot that nothing disturbs.

Each scene lies at one path, because what the agent remembers has the names of the machine's disks in it.
"""

from __future__ import annotations

import compileall
import json
import os
import shutil
import stat
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from tests.conftest import MachineDirectory
from tests.images import NOVA_FLAGS, make_iso
from tests.reliability.agent import CHECKOUT, run_agent

if TYPE_CHECKING:
    from collections.abc import Mapping

MACS = ("52:54:00:00:00:0a", "52:54:00:00:00:0b")
ANN = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOflAKvYJxaL6s2wOpnswu59XJc0wvUR+A3PErwCb4+j ann"
BOB = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDflAKvYJxaL6s2wOpnswu59XJc0wvUR+A3PErwCb4+j bob"
OWNER = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOwnAKvYJxaL6s2wOpnswu59XJc0wvUR+A3PErwCb4+j who made the image"
UNITS = {
    "networkd": ("systemd-networkd.service", "systemd-resolved.service"),
    "ifupdown": ("networking.service",),
}
# What a boot starts with anew, and what is not the agent's to write.
APART = ("run", "sys", "proc", "dev")
STATUS = "var/lib/bootagent/status.json"
MANIFEST = "var/lib/bootagent/manifest.json"


class Entry(NamedTuple):
    """What is at one path."""

    mode: str
    owner: int
    group: int
    content: bytes


Tree = dict[str, Entry]


class Scene:
    """One boot: ``restore`` puts the machine before it; ``before`` and ``after`` are its files."""

    def __init__(self, name: str, tmp: Path) -> None:
        """Make the machine of one of ``NAMES`` below ``tmp``."""
        # A module whose bytecode is made meanwhile changes the number of calls.
        compileall.compile_dir(CHECKOUT / "bootagent", quiet=1)
        self.name = name
        kind, backend = name.rsplit(", ", 1)
        base = tmp / name.replace(", ", "-").replace(" ", "-")
        base.mkdir()
        self.path = base / "root"
        self._template = base / "template"
        _make_image(MachineDirectory(self._template), base, backend)
        self.restore()
        drive = ANOTHER.get(kind)
        if drive:
            assert run_agent(self.path).returncode == 0
            end_boot(self.path)
            (self.path / "dev/vdb").write_bytes(_iso(base / "another", drive()))
            subprocess.run(["rm", "-rf", str(self._template)], check=True)
            subprocess.run(["cp", "-a", str(self.path), str(self._template)], check=True)
        self.before = read_tree(self.path)
        done = run_agent(self.path)
        assert (done.returncode, done.stderr) == (0, ""), done.stderr
        self.after = read_tree(self.path)
        self.restore()

    def restore(self) -> None:
        """Put the machine as it was before the boot."""
        self.path.mkdir(exist_ok=True)
        subprocess.run(["find", str(self.path), "-mindepth", "1", "-delete"], check=True)
        subprocess.run(["cp", "-a", f"{self._template}/.", str(self.path)], check=True)


def read_tree(path: Path) -> Tree:
    """All files, directories and symlinks; of the status only what two runs have in common."""
    found = {}
    for base, directories, files in os.walk(path):
        if Path(base) == path:
            directories[:] = [name for name in directories if name not in (*APART, "lost+found")]
        for name in (*directories, *files):
            place = Path(base, name)
            status = place.lstat()
            content = b""
            if stat.S_ISLNK(status.st_mode):
                content = os.readlink(place).encode()
            elif stat.S_ISREG(status.st_mode):
                content = place.read_bytes()
            key = str(place.relative_to(path))
            if key == STATUS:
                content = _lasting(content)
            found[key] = Entry(stat.filemode(status.st_mode), status.st_uid, status.st_gid, content)
    return found


def _lasting(content: bytes) -> bytes:
    """Of a status: all but how long it took and how much of it an earlier run had done.  Half of one stays as it is."""
    try:
        status = json.loads(content)
    except ValueError:
        return content
    return json.dumps({key: value for key, value in status.items() if key not in ("seconds", "changes")}).encode()


def end_boot(path: Path) -> None:
    """What is in /run does not outlive a boot."""
    if (path / "run").exists():
        shutil.rmtree(path / "run")
    (path / "run").mkdir()


def _make_image(machine: MachineDirectory, tmp: Path, backend: str) -> None:
    """A machine that has not booted yet, with some things of its owner."""
    machine.path.mkdir()
    for number, mac in enumerate(MACS):
        machine.add_nic(f"ens{number + 3}", mac)
    drive = _iso(tmp / f"{backend}-first", _first())
    machine.write("/sys/class/block/vdb/size", f"{len(drive) // 512}\n")
    machine.write("/dev/vdb", drive)
    for unit in UNITS[backend]:
        machine.enable(unit)
    if backend == "ifupdown":
        machine.write("/usr/sbin/ifup", "", 0o755)
        machine.write("/etc/network/interfaces", "source /etc/network/interfaces.d/*\n")
    machine.write("/proc/cmdline", f"bootagent.backend={backend} bootagent.users=root,ann\n")
    machine.write("/etc/hosts", "127.0.0.1 localhost\n192.0.2.99 owner\n")
    machine.write("/etc/hostname", "image\n")
    machine.write("/etc/banner", "the image's\n", 0o600)
    machine.write("/etc/passwd", "root:x:0:0::/root:/bin/sh\nann:x:1000:1000::/home/ann:/bin/sh\n")
    machine.write("/etc/group", "root:x:0:\nsystemd-network:x:998:\n")
    machine.write("/root/.ssh/authorized_keys", f"{OWNER}\n", 0o600)
    (machine.path / "root/.ssh").chmod(0o700)
    (machine.path / "home/ann").mkdir(parents=True)
    os.chown(machine.path / "home/ann", 1000, 1000)
    (machine.path / "run").mkdir()
    (machine.path / "var/lib").mkdir(parents=True)


def _iso(tmp: Path, files: dict[str, bytes]) -> bytes:
    tmp.mkdir()
    return make_iso(tmp, files, *NOVA_FLAGS).read_bytes()


def _documents(uuid: str, name: str, key: str, more: dict[str, object]) -> dict[str, bytes]:
    meta = {"uuid": uuid, "hostname": name, "public_keys": {"key": key}, **more}
    return {"openstack/latest/meta_data.json": json.dumps(meta).encode()}


def _network(addresses: Mapping[str, str]) -> dict[str, bytes]:
    """A NIC for each address, and for the second a VLAN on it."""
    links: list[dict[str, object]] = []
    networks = []
    for number, mac in enumerate(addresses):
        links.append({"id": f"l{number}", "type": "phy", "ethernet_mac_address": mac})
        if number:
            links.append({"id": "v", "type": "vlan", "vlan_link": f"l{number}", "vlan_id": 20, "vlan_mac_address": mac})
        network = {"id": f"n{number}", "type": "ipv4", "ip_address": addresses[mac], "netmask": "255.255.255.0"}
        networks.append({**network, "link": "v" if number else "l0"})
    document = {"links": links, "networks": networks, "services": [{"type": "dns", "address": "192.0.2.53"}]}
    return {"openstack/latest/network_data.json": json.dumps(document).encode()}


def _first() -> dict[str, bytes]:
    files = [{"path": "/etc/banner", "content_path": "/content/0000"}]
    return {
        **_documents("id-1", "web", ANN, {"files": files}),
        **_network(dict(zip(MACS, ("192.0.2.5", "198.51.100.5")))),
        "openstack/content/0000": b"of the first instance\n" * 9,
    }


def _second() -> dict[str, bytes]:
    return {**_documents("id-2", "db", BOB, {}), **_network({MACS[0]: "192.0.2.6"})}


def _bare() -> dict[str, bytes]:
    return _documents("id-2", "db", BOB, {})


ANOTHER = {"another instance": _second, "another instance, no network document": _bare}
NAMES = tuple(f"{kind}, {backend}" for backend in UNITS for kind in ("first boot", *ANOTHER))
