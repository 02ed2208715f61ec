# SPDX-License-Identifier: Apache-2.0
"""What this machine is, read once into a value: NICs, drives, DMI, and what runs at next boot.

Sources: sysfs-class-net (https://docs.kernel.org/networking/), /proc/cmdline; ``services.py`` for what starts.
"""

from __future__ import annotations

from bootagent import media
from bootagent.errors import MediaError, NoVolumeError
from bootagent.model.instance import Problem
from bootagent.model.values import InterfaceName, MacAddress
from bootagent.record import Record
from bootagent.services import read_enabled, read_init, read_installed, read_resolver

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from bootagent.root import Root

ETHERNET = "1"  # ARPHRD_ETHER, include/uapi/linux/if_arp.h
INFINIBAND = "32"  # ARPHRD_INFINIBAND
ROOT_KEYS = "/root/.ssh/authorized_keys"
NOT_A_DRIVE = ("loop", "ram", "zram", "dm-", "md", "fd")


class Nic(Record):
    """A physical network device."""

    name: InterfaceName
    mac: MacAddress  # permanent; 20 octets for IP over InfiniBand
    driver: str = ""

    @property
    def is_infiniband(self) -> bool:
        """Whether the address is of the 20 octets of IP over InfiniBand."""
        return len(self.mac) > 17

    @property
    def addresses(self) -> tuple[str, ...]:
        """The address as documents may write it: OpenStack cuts that of InfiniBand to octets 13 to 15 and 18 to 20."""
        octets = self.mac.split(":")
        return (self.mac, ":".join(octets[12:15] + octets[17:20])) if self.is_infiniband else (self.mac,)


class Account(Record):
    """A user of the machine: passwd(5)."""

    home: str
    group: str  # the primary group: its number, or "root"

    @property
    def authorized_keys(self) -> str:
        """Where sshd(8) looks for the user's keys by default."""
        return f"{self.home}/.ssh/authorized_keys"


class Drive(Record):
    """A disk, a partition or a directory that may be a source's drive."""

    path: str  # below the root
    labels: tuple[str, ...] = ()
    serial: str = ""  # of a FAT file system
    rank: int = 0  # 0: optical, 1: whole disk, 2: partition, 3: directory (inputs: an attached drive beats an old one)


class Host(Record):
    """Facts about one machine, or one image, below one root."""

    live: bool = False  # the root is "/": what is decided here can be done here
    has_sysfs: bool = False  # the NICs below are all that there are; an image's tree does not know its NICs
    nics: tuple[Nic, ...] = ()
    drives: tuple[Drive, ...] = ()
    damaged: tuple[Problem, ...] = ()  # drives that cannot be read: of interest where no other one speaks
    uuid: str = ""  # DMI product_uuid, lower case
    init: str = ""  # the service manager: "systemd", "openrc" or "" (not known)
    enabled: frozenset[str] = frozenset()  # what starts at next boot: systemd units, or services of OpenRC by bare name
    installed: frozenset[str] = frozenset()  # names of services.PROGRAMS
    resolver: str = ""  # who owns /etc/resolv.conf, see services.read_resolver
    accounts: Mapping[str, Account] = {}  # those that get keys or have some of ours
    texts: Mapping[str, str] = {}  # files that are edited rather than written, or may compete: path to content
    unreadable: frozenset[str] = frozenset()  # of those, the ones that are there and could not be read
    hostname: str | None = None  # the kernel's now


def read_host(
    root: Root, users: Iterable[str], blocks: Iterable[str], find_drives: bool
) -> tuple[Host, tuple[Problem, ...]]:
    """Read the machine below ``root``.

    ``users`` are those who are to get keys, ``blocks`` the files of which a part is ours from an earlier boot.
    """
    problems: list[Problem] = []
    accounts = read_accounts(root, set(users), set(blocks))
    edited = dict.fromkeys(("/etc/hosts", *(account.authorized_keys for account in accounts.values())))
    texts = _texts(root, edited, problems)
    init = read_init(root)
    enabled = read_enabled(root, init)
    installed = read_installed(root)
    drives, damaged = read_drives(root) if find_drives else ((), ())
    return Host(
        live=root.live,
        has_sysfs=root.exists("/sys/class/net"),
        nics=read_nics(root),
        drives=drives,
        damaged=damaged,
        uuid=_line(root, "/sys/class/dmi/id/product_uuid").lower(),
        init=init,
        enabled=enabled,
        installed=installed,
        resolver=read_resolver(root, enabled, installed),
        accounts=accounts,
        texts=texts,
        unreadable=frozenset(problem.where for problem in problems),
        hostname=_line(root, "/proc/sys/kernel/hostname") or None,
    ), tuple(problems)


def read_texts(root: Root, host: Host, paths: Iterable[str]) -> tuple[Host, tuple[Problem, ...]]:
    """``host`` with the texts of ``paths`` too, of which one that ends in a slash is a directory of files."""
    problems: list[Problem] = []
    files: list[str] = []
    for path in paths:
        # No daemon reads a file with a hidden name, and we may have left one behind (commit.py).
        names = [name for name in root.names(path) if name[0] != "."] if path.endswith("/") else []
        # What is in a directory may be one itself, as systemd's drop-ins are.
        inside = (path + name for name in names if not root.names(path + name))
        files += inside if path.endswith("/") else (path,)
    texts = {**host.texts, **_texts(root, files, problems)}
    unreadable = host.unreadable.union(problem.where for problem in problems)
    return host._replace(texts=texts, unreadable=unreadable), tuple(problems)


def read_cmdline(root: Root) -> str:
    """The kernel command line; empty where there is none, as in an image."""
    return _line(root, "/proc/cmdline")


def read_nics(root: Root) -> tuple[Nic, ...]:
    """The physical devices: those with a ``device`` link, Ethernet or InfiniBand, whose address is known."""
    nics = []
    for name in root.names("/sys/class/net"):
        base = f"/sys/class/net/{name}"
        if not root.exists(f"{base}/device") or _line(root, f"{base}/type") not in (ETHERNET, INFINIBAND):
            continue
        # A member of a bond shows the bond's address; its own is kept beside.
        address = _line(root, f"{base}/bonding_slave/perm_hwaddr") or _line(root, f"{base}/address")
        driver = (root.link(f"{base}/device/driver") or "").rpartition("/")[2]
        try:
            nics.append(Nic(InterfaceName(name), MacAddress(address), driver if driver.isidentifier() else ""))
        except ValueError:
            continue  # no address yet, or a name that no backend can carry
    return tuple(nics)


def read_drives(root: Root) -> tuple[tuple[Drive, ...], tuple[Problem, ...]]:
    """Block devices with a file system that we read, the directory of some debug images; and what is damaged."""
    drives: list[Drive] = []
    damaged: list[Problem] = []
    for name in root.names("/sys/class/block"):
        base = f"/sys/class/block/{name}"
        if name.startswith(NOT_A_DRIVE) or _line(root, f"{base}/size") == "0":
            continue
        rank = 2 if root.exists(f"{base}/partition") else 0 if name.startswith("sr") else 1
        path = f"/dev/{name.replace('!', '/')}"
        try:
            with media.open_volumes(root.host_path(path), path) as volumes:
                drives += [Drive(path, v.labels, v.serial, rank) for v in volumes if v.place == path]
        except NoVolumeError:
            continue
        except MediaError as error:
            damaged.append(Problem("error", path, error.reason))
    if root.names("/config-drive/openstack"):
        drives.append(Drive("/config-drive", ("config-2",), "", 3))
    return tuple(drives), tuple(damaged)


def read_accounts(root: Root, users: set[str], blocks: set[str]) -> Mapping[str, Account]:
    """The accounts of ``users``, and of those who have a block of ours in their authorized_keys.

    Root's needs no look into the root's /etc/passwd, which is all that most images want.
    """
    accounts = {"root": Account("/root", "root")}
    if not users <= {"root"} or any(path.endswith("/.ssh/authorized_keys") for path in blocks - {ROOT_KEYS}):
        for row in (line.split(":") for line in _text(root, "/etc/passwd").split("\n")):
            if len(row) == 7 and row[3].isdecimal() and row[5].startswith("/"):
                account = Account(row[5], row[3])
                if row[0] != "root" and (row[0] in users or account.authorized_keys in blocks):
                    accounts[row[0]] = account
    return {user: a for user, a in accounts.items() if user in users or a.authorized_keys in blocks}


def _texts(root: Root, paths: Iterable[str], problems: list[Problem]) -> Mapping[str, str]:
    texts = {}
    for path in paths:
        try:
            content = root.read(path)
        except OSError as error:
            problems.append(Problem("error", path, f"not read: {error.strerror}"))
            continue
        if content is not None:
            texts[path] = content.decode("utf-8", "surrogateescape")
    return texts


def _text(root: Root, path: str) -> str:
    try:
        return (root.read(path) or b"").decode("utf-8", "replace")
    except OSError:
        return ""


def _line(root: Root, path: str) -> str:
    return _text(root, path).strip()
