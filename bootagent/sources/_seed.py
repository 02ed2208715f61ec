# SPDX-License-Identifier: Apache-2.0
"""Where the kernel command line or the SMBIOS says that a NoCloud seed is, and who the instance is.

Source: https://docs.cloud-init.io/en/latest/reference/datasources/nocloud.html: ``ds=nocloud;i=ID;h=NAME;s=PLACE``, a
word on the kernel command line or the machine's serial number; ``nocloud-net`` is an old name of the same.  In PLACE
``__dmi.NAME__`` stands for what the firmware says.
"""

from __future__ import annotations

from bootagent.errors import SourceError
from bootagent.formats.meta_data import parse_hostname, parse_id
from bootagent.formats.report import Report
from bootagent.model.values import shown
from bootagent.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from bootagent.identity import Identity
    from bootagent.model.instance import Instance

NAMES = ("nocloud", "nocloud-net")
SHORT = {"h": "local-hostname", "i": "instance-id", "s": "seedfrom"}
WEB = ("http://", "https://")
# Names of dmidecode(8), as what sysfs calls them.
DMI = {
    "baseboard-asset-tag": "board_asset_tag",
    "baseboard-manufacturer": "board_vendor",
    "baseboard-product-name": "board_name",
    "baseboard-version": "board_version",
    "bios-release-date": "bios_date",
    "bios-vendor": "bios_vendor",
    "bios-version": "bios_version",
    "chassis-asset-tag": "chassis_asset_tag",
    "chassis-manufacturer": "chassis_vendor",
    "chassis-serial-number": "chassis_serial",
    "chassis-version": "chassis_version",
    "system-manufacturer": "sys_vendor",
    "system-product-name": "product_name",
    "system-serial-number": "product_serial",
    "system-uuid": "product_uuid",
    "system-version": "product_version",
}
_HOST = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._:")


class Seed(Record):
    """What is said, and where."""

    place: str  # "kernel command line" or "DMI product_serial"
    settings: Mapping[str, str]  # by their long names

    @property
    def says_who(self) -> bool:
        """Whether the instance's id or name is said here."""
        return bool(self.settings.get("instance-id") or self.settings.get("local-hostname"))

    @property
    def is_web(self) -> bool:
        """Whether the documents are to be had over the network."""
        return self.settings.get("seedfrom", "").startswith(WEB)

    @property
    def directory(self) -> str:
        """The directory that has the documents; empty if none is said."""
        said = self.settings.get("seedfrom", "").removeprefix("file://")
        return said.rstrip("/") if said.startswith("/") else ""

    def describe(self, instance: Instance) -> Instance:
        """``instance`` with the id and the name that are said here, which come before those of the documents."""
        report = Report()
        base = f"{self.place}: "
        for key in self.settings.keys() - set(SHORT.values()):
            report.info(f"{base}{shown(key)}", "not used")
        identity = parse_id(dict(self.settings), base, report, ("instance-id",))
        hostname = parse_hostname(dict(self.settings), base, report, ("local-hostname",))
        return instance._replace(
            id=identity or instance.id,
            hostname=hostname or instance.hostname,
            origins={**instance.origins, **report.origins},
            problems=(*report.problems(), *instance.problems),
        )


def find_seed(identity: Identity) -> Seed | None:
    """What is said on the kernel command line, or else by the serial number."""
    serial = identity.dmi.get("product_serial", "")
    said = {
        "kernel command line": (identity.word("ds") or "").strip("\"'"),
        "DMI product_serial": serial[len("ds=") :] if serial.startswith("ds=") else "",
    }
    for place, text in said.items():
        name, *settings = text.split(";")
        if name.lower() in NAMES:
            pairs = (setting.partition("=") for setting in settings if setting)
            return Seed(place, {SHORT.get(key, key): value for key, _, value in pairs})
    return None


def split_web(seed: Seed, identity: Identity) -> tuple[str, int, str]:
    """Host, port and path of a seed on the network; ``SourceError`` for one that is not asked."""
    where = f"{seed.place}: seedfrom"
    url = _expand(seed.settings["seedfrom"], where, identity)
    if not url.startswith("http://"):
        raise SourceError(where, "https is not spoken, only http")
    if "?" in url or "@" in url or "#" in url:  # they hold secrets, if anything, and paths are in messages
        raise SourceError(where, "a query, a fragment or a user in it: not asked")
    authority, _, path = url[len("http://") :].partition("/")
    host, _, port = authority.rpartition(":") if authority.rpartition(":")[2].isdecimal() else (authority, "", "80")
    host = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    sound = host and _HOST.issuperset(host) and port.isascii() and 0 < len(port) <= 5 and 0 < int(port) < 65536
    if not sound or not path.isascii() or not path.isprintable() or " " in path:
        raise SourceError(where, "not the address of a directory on a web server")
    return host, int(port), f"/{path}" if not path or path.endswith("/") else f"/{path}/"


def _expand(text: str, where: str, identity: Identity) -> str:
    """``text`` with what the firmware says in it, spelled as a part of a path (RFC 3986 2.1)."""
    from urllib.parse import quote

    first, *rest = text.split("__dmi.")
    for part in rest:
        name, closed, tail = part.partition("__")
        value = identity.dmi.get(DMI.get(name, ""), "") if closed else ""
        if not value:
            raise SourceError(where, f"the firmware has no {name}" if name in DMI else "not a name of the firmware's")
        first += quote(value, safe="") + tail
    return first
