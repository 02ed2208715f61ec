# SPDX-License-Identifier: Apache-2.0
"""Run one virtual machine: QEMU without KVM, a log of its console, and root's shell inside it.

Emulation is chosen on purpose: it runs wherever the tests do, and its slowness finds the races that speed hides.
"""

from __future__ import annotations

import base64
import json
import os
import pathlib
import socket
import subprocess
import time
from typing import TYPE_CHECKING, NamedTuple

from typing_extensions import Self

if TYPE_CHECKING:
    from .images import Disk

MEMORY_MIB = 768

# One processor: QEMU 7.2 may run a stale translation of code that another processor of the guest has patched, and the
# guest's kernel patches itself (seen: "Oops: int3" in inet_ehashfn). Machines run side by side instead. An old model is
# emulated in a sixth less time (no AVX in libc's string functions, no fifth level of paging). No CMPXCHG16B: QEMU 7.2
# spoils the flags, by which kernels from 6.6 on allocate memory (seen: a double fault in __kmalloc).
CPU = "Nehalem,+rdrand,cx16=off"
CPUS = 1

# A panic ends QEMU at once, for it is told not to reboot.
KERNEL_ARGUMENTS = "root=LABEL=root rw console=ttyS0 panic=-1 mitigations=off loglevel=4 systemd.show_status=1"
# A program is translated once for each address that it is at: at the same ones every time, a boot with ifupdown takes
# half the processor time.
TUNING = "norandmaps init_on_alloc=0"

# What a guest that does not end is at: systemd's jobs, its processes, and where in the kernel those are that are stuck.
STUCK = """
systemctl list-jobs --no-legend | grep running
for process in /proc/[0-9]*; do
    words=$(tr '\\0' ' ' <$process/cmdline)
    test "$words" || continue
    echo "$(cut -d ' ' -f 1-4 $process/stat) $words"
    if grep -q '^State:[[:space:]]*D' $process/status; then cat $process/stack; fi
done
dmesg | tail -n 20
"""


class Nic(NamedTuple):
    """A NIC of the guest: its MAC, and the tap in the network namespace that it is plugged into."""

    mac: str
    tap: str


class Drive(NamedTuple):
    """A read-only image; ``bus`` is ``virtio`` for a disk, ``cdrom`` for what nova attaches by default."""

    image: pathlib.Path
    bus: str


class Hardware(NamedTuple):
    """What the machine is made of; the UUID is what its SMBIOS says."""

    disk: Disk
    uuid: str
    nics: tuple[Nic, ...]
    drive: Drive | None
    arguments: str = ""  # of the kernel, after all others
    tuning: str = TUNING  # more of them, for the emulator's sake; a benchmark boots without, as people do
    smbios: str = ""  # of its system: "manufacturer=…,product=…"
    clock: str = ""  # QEMU's -icount, where the guest's clock is to count instructions and not the host's time


class GuestError(Exception):
    """A guest that does not do in time what the test needs it to do."""


class Machine:
    """A running QEMU; a context manager that leaves no process behind."""

    def __init__(self, hardware: Hardware, namespace: str, directory: pathlib.Path) -> None:
        self.console = directory / "console.log"
        self.console.unlink(missing_ok=True)  # until QEMU has it, it would be that of the boot before
        self.started = time.monotonic()
        self._socket_path = directory / "shell.sock"
        self._socket_path.unlink(missing_ok=True)
        self.monitor_path = directory / "monitor.sock"
        self.monitor_path.unlink(missing_ok=True)
        self._channel: socket.socket | None = None
        command = ["ip", "netns", "exec", namespace, *_qemu(hardware, self._socket_path, self.console)]
        command += ["-qmp", f"unix:{self.monitor_path},server=on,wait=off"]
        self._log = (directory / "qemu.log").open("w")
        self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=self._log, stderr=self._log)

    def __enter__(self) -> Self:
        try:
            self._connect()
        except BaseException:
            self.kill()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def wait_booted(self, deadline: float = 600) -> float:
        """Wait until the boot's jobs are all done, failed or not; the seconds since power-on."""
        self.shell("systemctl is-system-running --wait || true", deadline)
        return time.monotonic() - self.started

    def shell(self, script: str, timeout: float = 240) -> str:
        """What the script prints as root in the guest; an exit code other than 0 is an error."""
        code, output = self.try_shell(script, timeout)
        if code:
            message = f"guest: {script!r} exited with {code}: {output}"
            raise GuestError(message)
        return output

    def try_shell(self, script: str, timeout: float = 240) -> tuple[int, str]:
        """Exit code and output of the script in the guest."""
        channel = self._connect()
        channel.settimeout(timeout)
        channel.sendall(base64.b64encode(script.encode()) + b"\n")
        answer = b""
        try:
            while not answer.endswith(b"\n"):
                part = channel.recv(65536)
                if not part:
                    message = f"guest went away during {script!r}; console ends: {self.console_tail()}"
                    raise GuestError(message)
                answer += part
        except TimeoutError:
            message = f"guest did not finish {script!r} in {timeout:.0f} s; console ends: {self.console_tail()}"
            raise GuestError(message) from None
        code, _, output = answer.decode().strip().partition(" ")
        return int(code), base64.b64decode(output).decode(errors="replace")

    def power_off(self, timeout: float = 240) -> None:
        """Shut down in order, and wait until the machine is off."""
        self.shell("systemctl --no-block poweroff")
        try:
            self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            message = f"guest is not off after {timeout:.0f} s; console ends: {self.console_tail()}\n{self._stuck()}"
            raise GuestError(message) from None
        self.kill()

    def _stuck(self) -> str:
        """What still runs in a guest that does not end; systemd stops its shell last of all."""
        try:
            return self.try_shell(STUCK, 60)[1]
        except GuestError as error:
            return str(error)

    def kill(self) -> None:
        """Pull the plug; harmless on a machine that is off."""
        self._process.kill()
        self._process.wait()
        if self._channel is not None:
            self._channel.close()
            self._channel = None
        self._socket_path.unlink(missing_ok=True)
        self._log.close()

    def is_on(self) -> bool:
        """Whether QEMU runs."""
        return self._process.poll() is None

    def worked_s(self) -> float:
        """The processor time that emulation has taken: a clock that stands still while others have the processor."""
        fields = pathlib.Path(f"/proc/{self._process.pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        return sum(map(int, fields[11:13])) / os.sysconf("SC_CLK_TCK")  # utime and stime of proc(5)

    def console_text(self) -> str:
        """All that the console has shown since power-on."""
        return self.console.read_text(errors="replace") if self.console.exists() else ""

    def console_tail(self) -> str:
        """The console's last words, for a message."""
        return json.dumps(self.console_text()[-600:])

    def _connect(self) -> socket.socket:
        while self._channel is None:
            channel = socket.socket(socket.AF_UNIX)
            try:
                channel.connect(str(self._socket_path))
            except OSError:
                channel.close()
                self._require_running(30, "no QEMU socket")
                time.sleep(0.1)
            else:
                self._channel = channel
        return self._channel

    def _require_running(self, deadline: float, problem: str) -> None:
        if self._process.poll() is not None:
            log = pathlib.Path(self._log.name).read_text(encoding="utf-8")
            message = f"{problem}: QEMU ended with {self._process.returncode}: {log}"
            raise GuestError(message)
        if time.monotonic() - self.started > deadline:
            message = f"{problem} after {deadline:.0f} s; console ends: {self.console_tail()}"
            raise GuestError(message)


def _qemu(hardware: Hardware, shell: pathlib.Path, console: pathlib.Path) -> list[str]:
    disk, uuid, nics, drive, arguments, tuning, smbios, clock = hardware
    arguments = f"{KERNEL_ARGUMENTS} {tuning} {arguments}"
    command = ["qemu-system-x86_64", "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot"]
    command += ["-machine", "pc", "-accel", "tcg,thread=single,tb-size=256", "-cpu", CPU]
    command += ["-smp", str(CPUS), "-m", str(MEMORY_MIB), "-uuid", uuid]
    command += ["-kernel", str(disk.kernel), "-initrd", str(disk.initrd), "-append", arguments]
    command += ["-smbios", f"type=1,{smbios}"] if smbios else []
    command += ["-icount", clock] if clock else []
    command += ["-serial", f"file:{console}", "-device", "virtio-rng-pci"]
    command += ["-drive", f"file={disk.root},format={disk.kind},if=none,id=root,cache=unsafe"]
    command += ["-device", "virtio-blk-pci,drive=root"]
    command += ["-device", "virtio-serial-pci", "-chardev", f"socket,id=shell,path={shell},server=on,wait=off"]
    command += ["-device", "virtserialport,chardev=shell,name=vmtest"]
    for index, nic in enumerate(nics):
        command += ["-netdev", f"tap,id=net{index},ifname={nic.tap},script=no,downscript=no"]
        command += ["-device", f"virtio-net-pci,netdev=net{index},mac={nic.mac},addr={0x10 + index:#x},romfile="]
    if drive is not None:
        device = {"virtio": "virtio-blk-pci", "cdrom": "ide-cd"}[drive.bus]
        command += ["-drive", f"file={drive.image},format=raw,if=none,id=drive,readonly=on"]
        command += ["-device", f"{device},drive=drive"]
    return command
