# SPDX-License-Identifier: Apache-2.0
"""What starts at next boot, and who owns resolv.conf, from the files that machines have."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bootagent.root import Root
from bootagent.services import read_enabled, read_init, read_installed, read_resolver

if TYPE_CHECKING:
    from tests.conftest import MachineDirectory

WANTS = "etc/systemd/system/multi-user.target.wants"


def enabled(machine: MachineDirectory) -> set[str]:
    root = Root(str(machine))
    return set(read_enabled(root, read_init(root)))


def resolver(machine: MachineDirectory) -> str:
    root = Root(str(machine))
    return read_resolver(root, read_enabled(root, read_init(root)), read_installed(root))


def link(machine: MachineDirectory, path: str, target: str) -> None:
    place = machine.path / path.lstrip("/")
    place.parent.mkdir(parents=True, exist_ok=True)
    place.symlink_to(target)


def test_a_unit_starts_if_it_is_enabled_and_installed(machine: MachineDirectory) -> None:
    machine.enable("systemd-networkd.service")
    link(machine, f"{WANTS}/NetworkManager.service", "/usr/lib/systemd/system/NetworkManager.service")  # removed since

    assert enabled(machine) == {"systemd-networkd.service"}


def test_a_masked_unit_does_not_start(machine: MachineDirectory) -> None:
    machine.enable("systemd-networkd.service")
    link(machine, "/etc/systemd/system/systemd-networkd.service", "/dev/null")

    assert enabled(machine) == set()


@pytest.mark.parametrize("directory", ["/usr/lib/systemd/system", "/etc/systemd/system", "/lib/systemd/system"])
def test_a_unit_is_found_wherever_units_are(machine: MachineDirectory, directory: str) -> None:
    machine.write(f"{directory}/networking.service", "[Service]\n")
    link(machine, f"{WANTS}/networking.service", f"{directory}/networking.service")

    assert enabled(machine) == {"networking.service"}


def test_a_script_of_runlevel_3_is_a_unit_unless_there_is_a_unit_of_that_name(machine: MachineDirectory) -> None:
    """systemd-sysv-generator(8); RHEL keeps the scripts in /etc/rc.d, Debian in /etc."""
    machine.write("/etc/rc.d/init.d/network", "#!/bin/sh\n", 0o755)
    link(machine, "/etc/rc.d/rc3.d/S10network", "../init.d/network")
    link(machine, "/etc/rc.d/rc3.d/K90netconsole", "../init.d/netconsole")
    assert enabled(machine) == {"network.service"}

    machine.write("/usr/lib/systemd/system/network.service", "[Service]\n")
    assert enabled(machine) == set()


def test_openrc_starts_what_its_runlevels_have(machine: MachineDirectory) -> None:
    machine.write("/sbin/openrc-run", "", 0o755)
    machine.write("/etc/init.d/networking", "#!/sbin/openrc-run\n", 0o755)
    link(machine, "/etc/runlevels/boot/networking", "/etc/init.d/networking")
    link(machine, "/etc/runlevels/default/NetworkManager", "/etc/init.d/NetworkManager")  # removed since
    machine.enable("systemd-networkd.service")  # a unit file says nothing there

    assert read_init(Root(str(machine))) == "openrc"
    assert enabled(machine) == {"networking"}


def test_init_says_who_manages_services(machine: MachineDirectory) -> None:
    """A machine may have both installed."""
    assert read_init(Root(str(machine))) == ""
    machine.write("/usr/lib/systemd/systemd", "", 0o755)
    assert read_init(Root(str(machine))) == "systemd"
    machine.write("/sbin/openrc-run", "", 0o755)
    assert read_init(Root(str(machine))) == "openrc"
    link(machine, "/sbin/init", "../lib/systemd/systemd")
    assert read_init(Root(str(machine))) == "systemd"


def test_the_resolver_is_who_writes_resolv_conf(machine: MachineDirectory) -> None:
    assert resolver(machine) == ""
    machine.enable("NetworkManager.service")
    assert resolver(machine) == "networkmanager"
    link(machine, "/sbin/resolvconf", "../bin/resolvectl")
    assert resolver(machine) == "networkmanager"
    machine.write("/usr/sbin/resolvconf", "", 0o755)
    assert resolver(machine) == "resolvconf"
    machine.write("/sbin/netconfig", "", 0o755)
    assert resolver(machine) == "netconfig"
    machine.enable("systemd-resolved.service")
    assert resolver(machine) == "systemd-resolved"


@pytest.mark.parametrize("setting", ["dns=none", "dns = none", "rc-manager=unmanaged"])
def test_a_networkmanager_that_is_told_to_leave_resolv_conf_alone_owns_nothing(
    machine: MachineDirectory, setting: str
) -> None:
    """glean and images of CentOS have left such a file behind."""
    machine.enable("NetworkManager.service")
    machine.write("/etc/NetworkManager/conf.d/99-dns.conf", f"[main]\n{setting}\n")

    assert resolver(machine) == ""
