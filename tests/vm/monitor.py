# SPDX-License-Identifier: Apache-2.0
"""QEMU's monitor: plugs devices into a running machine and pulls them out, as a cloud does.

https://www.qemu.org/docs/master/interop/qmp-spec.html
"""

from __future__ import annotations

import json
import socket
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pathlib

    from .machine import Nic


class MonitorError(Exception):
    """A command that QEMU refuses."""


class Monitor:
    """One connection to a machine's monitor."""

    def __init__(self, path: pathlib.Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(120)
        self._socket.connect(str(path))
        self._stream = self._socket.makefile("r", encoding="utf-8")
        self._events: list[dict[str, Any]] = []
        self._read()
        self._do("qmp_capabilities")

    def close(self) -> None:
        self._stream.close()
        self._socket.close()

    def attach_nic(self, name: str, nic: Nic, slot: int) -> None:
        self._do("netdev_add", type="tap", id=f"{name}-net", ifname=nic.tap, script="no", downscript="no")
        where = {"bus": "pci.0", "addr": f"{slot:#x}", "romfile": ""}
        self._do("device_add", driver="virtio-net-pci", id=name, netdev=f"{name}-net", mac=nic.mac, **where)

    def detach_nic(self, name: str) -> None:
        """Wait until the guest has let go of it."""
        self._do("device_del", id=name)
        while not any(e["event"] == "DEVICE_DELETED" and e["data"].get("device") == name for e in self._events):
            self._read()
        self._do("netdev_del", id=f"{name}-net")

    def attach_drive(self, name: str, image: pathlib.Path) -> None:
        file = {"driver": "file", "filename": str(image), "read-only": True}
        self._do("blockdev-add", **{"driver": "raw", "node-name": f"{name}-node", "read-only": True, "file": file})
        self._do("device_add", driver="virtio-blk-pci", id=name, drive=f"{name}-node", bus="pci.0")

    def _do(self, command: str, **arguments: Any) -> None:
        self._socket.sendall(json.dumps({"execute": command, "arguments": arguments}).encode() + b"\n")
        while "return" not in (answer := self._read()):
            if "error" in answer:
                message = f"{command} {arguments}: {answer['error']['desc']}"
                raise MonitorError(message)

    def _read(self) -> dict[str, Any]:
        line = self._stream.readline()
        if not line:
            raise MonitorError("QEMU is gone")
        answer: dict[str, Any] = json.loads(line)
        if "event" in answer:
            self._events.append(answer)
        return answer
