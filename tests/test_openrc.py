# SPDX-License-Identifier: Apache-2.0
"""The OpenRC service, judged by OpenRC: its own tools boot a scratch root with our service among others.

Nothing is installed, for that would change this machine's init: the packages are fetched by apt-get and unpacked.
"""

from __future__ import annotations

import os
import pathlib
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from bootagent.cli import main
from tests.debs import unpacked

if TYPE_CHECKING:
    from tests.conftest import MachineDirectory

CHECKOUT = pathlib.Path(__file__).resolve().parent.parent
SCRIPT = CHECKOUT / "openrc/bootagent"
ONLINE = CHECKOUT / "openrc/bootagent-online"
HANDOVER = CHECKOUT / "openrc/bootagent-handover"
SCRIPTS = (SCRIPT, ONLINE, HANDOVER)
STARTER = pathlib.Path(__file__).resolve().parent.parent / "bootagent/unchanged.sh"
PACKAGES = ("openrc", "libeinfo1", "librc1")
# Services as distributions have them, by their dependencies: OpenRC's own, Alpine's networking, Gentoo's and Debian's.
SERVICES = {
    "root": "need fsck_",
    "fsck_": ":",
    "localmount": "need root; use modules; after modules",
    "modules": ":",
    "hostname": "keyword -prefix",
    "bootmisc": "need localmount; before logger; after clock root sysctl; keyword -prefix -timeout",
    "networking": "need localmount; after bootmisc modules; provide net",
    "NetworkManager": "need localmount; after bootmisc; provide net",
    "dhcpcd": "need localmount; after bootmisc modules; before dns; provide net",
    "connman": "need localmount; after bootmisc",
    "sshd": "use logger dns; after entropy",
    "dropbear": "use logger",
    "netmount": "need net",
}
# The dependencies of netifrc's script: each device's is a link to it.
NET = """\
    after bootmisc
    case ${RC_SVCNAME#net.} in
        lo) ;;
        *) after net.lo; need localmount; provide net ;;
    esac
"""
FIRST = ("fsck_", "root", "modules", "localmount", "hostname", "bootmisc")
LAST = ("net.lo", "net.eth0", "networking", "NetworkManager", "dhcpcd", "connman", "sshd", "dropbear", "netmount")


def service(depends: str) -> str:
    return f'#!/sbin/openrc-run\ndepend() {{\n{depends}\n}}\nstart() {{\n    echo "$RC_SVCNAME" >>/order\n}}\n'


class Openrc:
    """A root with OpenRC, the programs of this machine, and an agent that a test writes."""

    def __init__(self, path: pathlib.Path, package: pathlib.Path) -> None:
        self.path = path
        for name in ("etc/conf.d", "etc/init.d", "usr/sbin", "usr/bin", "usr/lib", "run/openrc", "proc", "dev", "tmp"):
            (path / name).mkdir(parents=True)
        for level in ("sysinit", "boot", "default"):
            (path / "etc/runlevels" / level).mkdir(parents=True)
        for name in ("sbin", "bin", "lib"):
            shutil.copytree(package / name, path / name, symlinks=True)
        shutil.copy(package / "etc/rc.conf", path / "etc")
        (path / "etc/insserv.conf").touch()  # Debian's OpenRC reads it
        (path / "lib64").symlink_to("usr/lib64")
        (path / "usr/lib64").mkdir()
        _link_all(pathlib.Path("/usr/bin"), path / "bin")
        for triplet in (path / "lib").glob("*-linux-gnu*"):
            _link_all(pathlib.Path("/usr/lib") / triplet.name, triplet)
        self.write("run/openrc/softlevel", "")
        for script in SCRIPTS:
            self.write(f"etc/init.d/{script.name}", script.read_text(), 0o755)
        for name, depends in SERVICES.items():
            self.write(f"etc/init.d/{name}", service(f"    {depends}"), 0o755)
        self.write("etc/init.d/net.lo", service(NET), 0o755)
        self.write("usr/lib/bootagent/bootagent/unchanged.sh", STARTER.read_text())
        self.agent('echo "agent $*" >>/order')

    def write(self, path: str, text: str, mode: int = 0o644) -> None:
        place = self.path / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
        place.chmod(mode)

    def agent(self, commands: str) -> None:
        self.write("usr/sbin/bootagent", f"#!/bin/sh\n{commands}\n", 0o755)

    def enable(self, level: str, *names: str) -> None:
        for name in names:
            (self.path / "etc/runlevels" / level / name).symlink_to(f"/etc/init.d/{name}")

    def run(self, command: str) -> str:
        """The output of a shell command inside, with the programs and libraries of this machine."""
        for place in (self.path / "etc").rglob("*"):  # an image is older than its boot
            os.utime(place, (1e9, 1e9), follow_symlinks=False)
        binds = "".join(f'mount --bind /{name} "$1/{name}" && ' for name in ("usr/bin", "usr/lib64"))
        binds += 'mount -t overlay -o "lowerdir=$1/usr/lib:/usr/lib" overlay "$1/usr/lib" && '
        script = f'{binds}mount -t proc proc "$1/proc" && mount --rbind /dev "$1/dev" && cd / && exec chroot "$1" '
        path = "PATH=/lib/rc/bin:/sbin:/usr/sbin:/bin:/usr/bin"
        done = subprocess.run(
            ["unshare", "--mount", "sh", "-c", f'{script} env -i {path} sh -c "$2"', "sh", str(self.path), command],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    @property
    def order(self) -> list[str]:
        return (self.path / "order").read_text().splitlines()


def _link_all(source: pathlib.Path, target: pathlib.Path) -> None:
    for entry in os.scandir(source):
        if not os.path.lexists(target / entry.name):
            (target / entry.name).symlink_to(entry.path)


@pytest.fixture
def openrc(tmp_path: pathlib.Path) -> Openrc:
    return make_openrc(tmp_path)


def make_openrc(tmp_path: pathlib.Path) -> Openrc:
    """A machine with OpenRC of Debian's package."""
    assert os.geteuid() == 0, "a namespace needs root"
    return Openrc(tmp_path / "openrc", unpacked(*PACKAGES))


def test_shellcheck_finds_nothing() -> None:
    """The linters' test looks for a shell in the first line, which is OpenRC's here."""
    subprocess.run(["shellcheck", "--shell=sh", *map(str, SCRIPTS)], check=True)


def test_openrc_describes_it(openrc: Openrc) -> None:
    assert "First-boot agent" in openrc.run("openrc-run /etc/init.d/bootagent describe")


def test_it_comes_behind_the_file_systems_and_before_network_and_logins(openrc: Openrc) -> None:
    """Everything in one runlevel, which no distribution has: the order is all that parts them."""
    openrc.enable("boot", *FIRST, *LAST, "bootagent")
    (openrc.path / "etc/init.d/net.eth0").symlink_to("net.lo")
    openrc.run("openrc boot")
    place = openrc.order.index("agent apply")
    assert set(openrc.order[:place]) == set(FIRST)
    assert set(openrc.order[place + 1 :]) == set(LAST)


def test_each_of_them_is_behind_it_in_the_dependency_tree(openrc: Openrc) -> None:
    """Not by chance: OpenRC starts what nothing orders by its name."""
    openrc.enable("boot", *FIRST, *LAST, "bootagent")
    (openrc.path / "etc/init.d/net.eth0").symlink_to("net.lo")
    depend = "rc-depend --starting -t ineed -t iuse -t iafter $name 2>/dev/null"
    said = openrc.run(f"export RC_RUNLEVEL=boot; for name in {' '.join(LAST)}; do {depend}; done")
    ordered = [line.split() for line in said.splitlines()]
    assert [line[-1] for line in ordered if "bootagent" in line] == list(LAST)


def test_devices_that_it_adds_are_started_in_the_same_boot(openrc: Openrc) -> None:
    """OpenRC has its dependencies in a cache since the runlevel "sysinit", and tells times apart by the second."""
    openrc.enable("boot", *FIRST, "net.lo", "bootagent")
    openrc.enable("default", "sshd", "netmount")
    openrc.agent(
        "ln -s net.lo /etc/init.d/net.eth7; ln -s /etc/init.d/net.eth7 /etc/runlevels/default/;"
        "touch -h -d @1000000000 /etc/init.d /etc/init.d/net.eth7"  # the second in which the cache was made
    )
    openrc.run("rc-update --update; openrc boot; openrc default")
    assert openrc.order.index("net.eth7") < openrc.order.index("netmount")


@pytest.mark.parametrize("agent", ["exit 4", "exec sleep 50", "kill -KILL $$"])
def test_an_agent_that_fails_never_fails_the_boot(openrc: Openrc, agent: str) -> None:
    """The time limit is shortened here; what is said and done behind it is not."""
    script = SCRIPT.read_text()
    assert "timeout 180 " in script
    openrc.write("etc/init.d/bootagent", script.replace("timeout 180 ", "timeout 1 "), 0o755)
    openrc.agent(agent)
    openrc.enable("boot", *FIRST, "networking", "bootagent")
    said = openrc.run("openrc boot; rc-service bootagent status")
    assert "bootagent ended with" in said
    assert "status: started" in said
    assert "networking" in openrc.order


def test_an_image_without_an_interpreter_boots(openrc: Openrc) -> None:
    script = SCRIPT.read_text()
    openrc.write("etc/init.d/bootagent", script.replace("/usr/bin/python3", "/usr/bin/python-that-is-not-there"), 0o755)
    openrc.enable("boot", *FIRST, "networking", "bootagent")
    assert "python-that-is-not-there, which is not there" in openrc.run("openrc boot")
    assert "networking" in openrc.order
    assert "agent apply" not in openrc.order


def test_stopping_it_does_nothing(openrc: Openrc) -> None:
    openrc.enable("boot", *FIRST, "bootagent")
    openrc.run("openrc boot; rc-service bootagent stop")
    assert openrc.order.count("agent apply") == 1


DAEMONS = ("networking", "NetworkManager", "dhcpcd", "connman")
LOGINS = ("sshd", "dropbear", "netmount")


def test_a_service_is_asked_behind_the_network_and_before_logins(openrc: Openrc) -> None:
    """And the network daemon is told of what is new."""
    openrc.enable("boot", *FIRST, "bootagent")
    openrc.enable("default", *DAEMONS, *LOGINS, "bootagent-online")
    openrc.agent('echo "agent $*" >>/order; echo "echo reloaded >>/order" >/run/bootagent/reload')
    openrc.write("run/bootagent/awaited", "")
    openrc.run("openrc boot; openrc default")
    place = openrc.order.index("agent apply-online")
    assert openrc.order[place + 1] == "reloaded"
    assert set(openrc.order[:place]) >= set(DAEMONS)
    assert set(openrc.order[place + 2 :]) == set(LOGINS)


def test_no_service_is_asked_where_none_is_awaited(openrc: Openrc) -> None:
    openrc.enable("boot", *FIRST, "bootagent", "bootagent-online")
    openrc.run("openrc boot")
    assert [line for line in openrc.order if line.startswith("agent")] == ["agent apply"]


def test_a_service_that_does_not_answer_never_fails_the_boot(openrc: Openrc) -> None:
    openrc.enable("boot", *FIRST, "networking", "sshd", "bootagent-online")
    openrc.agent("exit 4")
    openrc.write("run/bootagent/awaited", "")
    said = openrc.run("openrc boot; rc-service bootagent-online status")
    assert "bootagent ended with 4" in said
    assert "status: started" in said
    assert "sshd" in openrc.order


def test_user_data_that_waits_is_run_behind_the_network_and_nobody_waits_for_it(openrc: Openrc) -> None:
    """All in one runlevel; the runlevel is there while the scripts are at work."""
    openrc.enable("boot", *FIRST, *LAST, "bootagent", "bootagent-handover")
    (openrc.path / "etc/init.d/net.eth0").symlink_to("net.lo")
    openrc.agent('[ "$1" = apply ] || until [ -e /started ]; do sleep 0.1; done; echo "agent $*" >>/order')
    openrc.write("run/bootagent/user-data", "")
    openrc.run("openrc boot; touch /started; until grep -q user-data /order; do sleep 0.1; done")
    assert openrc.order[-1] == "agent run-user-data"
    depend = "rc-depend --starting -t ineed -t iuse -t iafter bootagent-handover 2>/dev/null"
    before = openrc.run(f"export RC_RUNLEVEL=boot; {depend}").split()
    assert set(before) >= {"bootagent", *LAST} - {"net.lo", "net.eth0"}


def test_nothing_is_started_where_nothing_was_left(openrc: Openrc) -> None:
    openrc.enable("boot", *FIRST, "bootagent", "bootagent-handover")
    said = openrc.run("openrc boot; sleep 1; rc-service bootagent-handover stop")
    assert "user data" not in said
    assert "network with what" not in said
    assert [line for line in openrc.order if line.startswith("agent")] == ["agent apply"]


STEPS = """
echo "agent $*" >>/order
case $1 in
verify-boot) [ -e /works ] || touch /run/bootagent/to-revert ;;
apply-revert)
    rm /run/bootagent/to-revert
    [ -e /stuck ] && exit 1
    echo 'echo reloaded >>/order; touch /works' >/run/bootagent/reload-revert
    ;;
esac
"""


@pytest.mark.parametrize(
    ("state", "walked"),
    [
        ("works", ["verify-boot"]),
        ("broken", ["verify-boot", "apply-revert", "reloaded", "verify-boot"]),
        ("stuck", ["verify-boot", "apply-revert"]),
    ],
)
def test_a_network_by_which_nobody_is_reached_is_given_up_step_by_step(
    openrc: Openrc, state: str, walked: list[str]
) -> None:
    """Until the agent leaves no note any more, or takes no step."""
    openrc.enable("boot", *FIRST, "networking", "bootagent", "bootagent-handover")
    openrc.agent(STEPS)
    openrc.write("run/bootagent/to-verify", "")
    openrc.write(state, "")
    count = "$(grep -c 'verify-boot\\|apply-revert\\|reloaded' /order)"
    openrc.run(f'openrc boot; until [ "{count}" -ge {len(walked)} ]; do sleep 0.1; done; sleep 1')
    behind = openrc.order[openrc.order.index("networking") + 1 :]
    assert [line.removeprefix("agent ") for line in behind] == walked


def add_networkmanager(machine: MachineDirectory) -> None:
    """What an image has to have: an interpreter, and a network daemon in a runlevel."""
    machine.add_python()
    machine.write("/etc/init.d/NetworkManager", "", 0o755)
    machine.write("/etc/runlevels/default/NetworkManager", "")


@pytest.mark.parametrize("place", ["/sbin/openrc-run", "/usr/sbin/openrc-run"])
def test_install_puts_it_into_an_image_with_openrc(machine: MachineDirectory, place: str) -> None:
    machine.write(place, "", 0o755)
    add_networkmanager(machine)
    assert main(["install", "--root", str(machine)]) == 0
    assert main(["install", "--root", str(machine)]) == 0
    assert machine.read("/etc/init.d/bootagent") == SCRIPT.read_text()
    assert os.access(machine.path / "etc/init.d/bootagent", os.X_OK)
    assert os.readlink(machine.path / "etc/runlevels/boot/bootagent") == "/etc/init.d/bootagent"
    for script in (ONLINE, HANDOVER):
        assert machine.read(f"/etc/init.d/{script.name}") == script.read_text()
        assert os.readlink(machine.path / f"etc/runlevels/default/{script.name}") == f"/etc/init.d/{script.name}"
    assert not machine.has("/usr/lib/systemd")
    assert not machine.has("/etc/systemd")


def test_install_serves_both_managers_where_both_are(machine: MachineDirectory) -> None:
    machine.write("/sbin/openrc-run", "", 0o755)
    machine.write("/lib/systemd/systemd", "", 0o755)
    add_networkmanager(machine)
    assert main(["install", "--root", str(machine)]) == 0
    assert machine.has("/etc/init.d/bootagent")
    assert machine.has("/usr/lib/systemd/system/bootagent.service")


def test_install_without_openrc_leaves_its_directories_out(machine: MachineDirectory) -> None:
    machine.add_python()
    machine.enable("NetworkManager.service")
    assert main(["install", "--root", str(machine)]) == 0
    assert not machine.has("/etc/init.d")
    assert not machine.has("/etc/runlevels")
