# SPDX-License-Identifier: Apache-2.0
"""What starts at next boot, which of the programs that matter here are installed, and who owns /etc/resolv.conf.

Sources: systemd.unit(5) and systemd-sysv-generator(8); openrc(8) and rc-update(8); resolv.conf(5).  A distribution's
name says nothing about any of it, and is never looked at.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from bootagent.root import Root

UNIT_DIRS = ("/etc/systemd/system", "/run/systemd/system", "/usr/local/lib/systemd/system", "/usr/lib/systemd/system")
RUNLEVELS = ("sysinit", "boot", "default")
# Where each program is, in the places that distributions have for it.
PROGRAMS = {
    "netplan": ("/usr/lib/systemd/system-generators/netplan", "/lib/systemd/system-generators/netplan"),
    "networkd": ("/usr/lib/systemd/systemd-networkd", "/lib/systemd/systemd-networkd"),
    "netifrc": ("/etc/init.d/net.lo",),
    "netconfig": ("/sbin/netconfig", "/usr/sbin/netconfig"),
}
IFUP = ("/sbin/ifup", "/usr/sbin/ifup")  # of ifupdown-ng, which may be installed beside ifupdown, a link to it
RESOLVCONF = ("/sbin/resolvconf", "/usr/sbin/resolvconf", "/usr/bin/resolvconf")
NETWORK_MANAGER = ("NetworkManager.service", "NetworkManager")


def read_init(root: Root) -> str:
    """The service manager: "systemd", "openrc", or "" where neither can be told (a bare tree)."""
    target = root.link("/sbin/init") or root.link("/usr/sbin/init") or ""
    if target.endswith("/systemd"):
        return "systemd"
    if root.exists("/sbin/openrc-run") or root.exists("/usr/sbin/openrc-run"):
        return "openrc"
    return "systemd" if root.exists("/usr/lib/systemd/systemd") or root.exists("/lib/systemd/systemd") else ""


def read_enabled(root: Root, init: str) -> frozenset[str]:
    """The services that start at next boot: units of systemd, or names in the runlevels of OpenRC.

    What is enabled and not installed does not start.
    """
    if init == "openrc":
        scripts = set(root.names("/etc/init.d"))
        return frozenset(name for level in RUNLEVELS for name in root.names(f"/etc/runlevels/{level}")) & scripts
    return _read_units(root)


def _read_units(root: Root) -> frozenset[str]:
    """The units that something enabled wants or requires, that are there, and that nobody masked."""
    wanted: set[str] = set()
    masked: set[str] = set()
    there: set[str] = set()
    # Where /usr is merged, /lib/systemd/system is the last of the list.
    for directory in UNIT_DIRS if root.link("/lib") else (*UNIT_DIRS, "/lib/systemd/system"):
        for name in root.names(directory):
            if name.endswith((".wants", ".requires")):
                wanted.update(root.names(f"{directory}/{name}"))
            elif directory == UNIT_DIRS[0] and root.link(f"{directory}/{name}") == "/dev/null":
                masked.add(name)
            else:
                there.add(name)
    return frozenset((wanted & there) | (_read_sysv(root) - there)) - masked


def _read_sysv(root: Root) -> set[str]:
    """The units that systemd makes of the SysV scripts of runlevel 3."""
    units: set[str] = set()
    for base in ("/etc/rc.d", "/etc"):
        links = [name for name in root.names(f"{base}/rc3.d") if name[:1] == "S" and name[1:3].isdecimal()]
        scripts = root.names(f"{base}/init.d") if links else ()
        units.update(f"{name[3:]}.service" for name in links if name[3:] in scripts)
    return units


def read_installed(root: Root) -> frozenset[str]:
    """Of ``PROGRAMS``, those that are there; and "ifupdown-ng" where ``ifup`` is its own."""
    there = {name for name, paths in PROGRAMS.items() if any(map(root.exists, paths))}
    if any((root.link(path) or "").rpartition("/")[2] in ("ifupdown", "ifupdown-ng") for path in IFUP):
        there.add("ifupdown-ng")
    return frozenset(there)


def read_resolver(root: Root, enabled: frozenset[str], installed: frozenset[str]) -> str:
    """Who owns /etc/resolv.conf: "systemd-resolved", "netconfig", "resolvconf", "networkmanager", or "" (nobody)."""
    if "systemd-resolved.service" in enabled:
        return "systemd-resolved"
    if "netconfig" in installed:
        return "netconfig"
    for path in RESOLVCONF:
        # systemd-resolved brings a link of this name to resolvectl(1), which is of no use without its daemon.
        if root.exists(path) and not (root.link(path) or "").endswith("resolvectl"):
            return "resolvconf"
    return "networkmanager" if enabled.intersection(NETWORK_MANAGER) and not _is_nm_silent(root) else ""


def _is_nm_silent(root: Root) -> bool:
    """Whether NetworkManager leaves resolv.conf alone (NetworkManager.conf(5), ``dns`` and ``rc-manager``)."""
    said = {}
    drop_ins = [f"/etc/NetworkManager/conf.d/{name}" for name in root.names("/etc/NetworkManager/conf.d")]
    for path in ("/etc/NetworkManager/NetworkManager.conf", *drop_ins):
        try:
            text = (root.read(path) or b"").decode("utf-8", "replace")
        except OSError:
            continue
        for line in text.split("\n"):
            key, _, value = line.partition("=")
            said[key.strip()] = value.strip()
    return said.get("dns") == "none" or said.get("rc-manager") in ("none", "unmanaged")
