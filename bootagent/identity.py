# SPDX-License-Identifier: Apache-2.0
"""What tells, without a packet, which cloud this machine is on: firmware, hypervisor, kernel command line.

Sources: sysfs-firmware-dmi-entries and sysfs-class-dmi (https://docs.kernel.org/admin-guide/abi-testing.html), the
SMBIOS specification (DSP0134) for the table of OEM strings, sysfs-hypervisor-xen.  A machine on which a drive speaks
never reads any of it.
"""

from __future__ import annotations

from bootagent.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from bootagent.root import Root

DMI = "/sys/class/dmi/id"
DMI_NAMES = (
    *("sys_vendor", "product_name", "product_serial", "product_uuid", "product_version", "product_sku"),
    *("chassis_asset_tag", "board_vendor", "board_name", "board_asset_tag", "bios_vendor", "bios_version"),
    *("chassis_vendor", "chassis_serial", "chassis_version", "board_version", "bios_date"),
)
OEM_STRINGS = "/sys/firmware/dmi/entries/11-{}/raw"  # SMBIOS 7.12, one structure a number
MAX_STRUCTURES = 16
MAX_VALUE = 64 << 10  # bytes; a credential may come in an OEM string
# What a hypervisor puts here, by path; a source asks for those of its own.
CHANNELS = (
    "/dev/lxd/sock",
    "/dev/virtio-ports/com.canonical.lxd",
    "/dev/virtio-ports/org.linuxcontainers.lxd",
    *(f"/run/credentials/@system/{name}" for name in ("ssh.authorized_keys.root", "system.hostname")),
    "/sys/firmware/qemu_fw_cfg/by_name/opt/io.systemd.credentials/ssh.authorized_keys.root",
    "/sys/firmware/qemu_fw_cfg/by_name/opt/io.systemd.credentials/system.hostname",
    "/usr/bin/vmware-rpctool",
    "/usr/bin/vmtoolsd",
    "/var/lib/cloud/seed/nocloud",
    "/var/lib/cloud/seed/nocloud-net",
)


class Identity(Record):
    """What the machine says about itself, each text as it is there, without white space around it."""

    dmi: Mapping[str, str] = {}  # of DMI_NAMES, those that are there and not empty
    strings: tuple[str, ...] = ()  # the OEM strings of the SMBIOS, which may have several lines
    hypervisor: str = ""  # /sys/hypervisor/type: "xen"
    hypervisor_uuid: str = ""
    cmdline: str = ""
    channels: frozenset[str] = frozenset()  # of CHANNELS, those that are there
    product: str = ""  # product_name of the init's environment: LXD containers of OpenStack have no DMI

    def says(self, name: str, *values: str) -> str:
        """``DMI name: value`` where the DMI field ``name`` is one of ``values``, for a reason; else empty."""
        value = self.dmi.get(name, "")
        return f"DMI {name}: {value}" if value in values else ""

    def begins(self, name: str, *values: str) -> str:
        """The same where the field begins with one of ``values``."""
        value = self.dmi.get(name, "")
        return f"DMI {name}: {value}" if value.startswith(values) else ""

    def word(self, key: str) -> str | None:
        """The value of ``key=value`` on the kernel command line, the last one; ``None`` if there is none."""
        found = [word[len(key) + 1 :] for word in self.cmdline.split() if word.startswith(f"{key}=")]
        return found[-1] if found else None


def read_identity(root: Root, cmdline: str) -> Identity:
    """Read it; what cannot be read (the serial number needs root) is as good as absent."""
    dmi = {name: _line(root, f"{DMI}/{name}") for name in DMI_NAMES}
    environment = _read(root, "/proc/1/environ").split(b"\0")
    product = next((entry[13:] for entry in environment if entry.startswith(b"product_name=")), b"")
    return Identity(
        dmi={name: value for name, value in dmi.items() if value},
        strings=_oem_strings(root),
        hypervisor=_line(root, "/sys/hypervisor/type"),
        hypervisor_uuid=_line(root, "/sys/hypervisor/uuid"),
        cmdline=cmdline,
        channels=frozenset(filter(root.exists, CHANNELS)),
        product=_clean(product),
    )


def _oem_strings(root: Root) -> tuple[str, ...]:
    """The strings of the structures of type 11: a header (byte 1 is its length), then texts, NUL after each."""
    found: list[str] = []
    for number in range(MAX_STRUCTURES):
        raw = _read(root, OEM_STRINGS.format(number), MAX_VALUE)
        if len(raw) < 5 or raw[0] != 11:
            break
        found += (_clean(text, "\n\t") for text in raw[raw[1] :].split(b"\0")[: raw[4]])
    return tuple(found)


def _read(root: Root, path: str, limit: int = 4096) -> bytes:
    try:
        return root.read(path, limit) or b""
    except OSError:
        return b""


def _line(root: Root, path: str) -> str:
    return _clean(_read(root, path))


def _clean(raw: bytes, kept: str = "") -> str:
    """As text that can be shown; a reason for a choice comes to the console."""
    text = raw.decode("utf-8", "replace").strip()
    return "".join(char if char.isprintable() or char in kept else "?" for char in text)
