# SPDX-License-Identifier: Apache-2.0
"""``seal`` on small trees: each trace of a machine goes, what says something about every machine stays."""

from __future__ import annotations

import json
import os
import subprocess
from hashlib import blake2b
from typing import TYPE_CHECKING

import pytest

from bootagent.cli import main
from bootagent.image.traces.profiles import keep_general
from tests.test_image_install import contents, snapshot

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import MachineDirectory

GUARD = "/etc/systemd/system-preset/00-bootagent.preset"
VENDOR = "/usr/lib/systemd/system-preset/90-systemd.preset"
INSTALLABLE = "[Service]\nExecStart=/bin/true\n[Install]\nWantedBy=multi-user.target\n"
MAC = "52:54:00:12:34:56"

# A file that one machine leaves, and what is left of it: nothing, no bytes, or this text.
TRACES: list[tuple[str, str, str | None]] = [
    ("/etc/machine-id", "0123456789abcdef0123456789abcdef\n", "uninitialized\n"),
    ("/var/lib/dbus/machine-id", "0123456789abcdef0123456789abcdef\n", None),
    *((f"/etc/ssh/ssh_host_{kind}_key{end}", "x", None) for kind in ("rsa", "ed25519") for end in ("", ".pub")),
    ("/etc/ssh/ssh_host_ed25519_key-cert.pub", "x", None),
    ("/etc/dropbear/dropbear_rsa_host_key", "x", None),
    ("/var/lib/dhcp/dhclient.eth0.leases", "lease {}\n", None),
    ("/var/lib/dhcp/dhclient6.leases", "default-duid;\n", None),
    ("/var/lib/dhclient/dhclient--ens3.lease", "lease {}\n", None),
    ("/var/lib/dhcpcd/ens3.lease", "x", None),
    ("/var/lib/dhcpcd/duid", "00:01\n", None),
    ("/var/lib/dhcpcd/secret", "x", None),
    ("/etc/dhcpcd.duid", "00:01\n", None),
    ("/var/lib/systemd/network/dhcp-client-lease", "x", None),
    ("/var/lib/NetworkManager/secret_key", "x", None),
    ("/var/lib/NetworkManager/internal-0-eth0.lease", "x", None),
    ("/var/lib/NetworkManager/dhclient-eth0.conf", "x", None),
    ("/var/lib/NetworkManager/seen-bssids", "x", None),
    ("/var/lib/NetworkManager/timestamps", "x", None),
    ("/var/lib/NetworkManager/no-auto-default.state", MAC, None),
    ("/var/lib/wicked/lease-eth0-dhcp-ipv4.xml", "<lease/>", None),
    ("/var/lib/wicked/duid.xml", "<duid/>", None),
    ("/var/lib/misc/udhcpc.leases", "x", None),
    ("/var/lib/systemd/random-seed", "x", None),
    ("/var/lib/urandom/random-seed", "x", None),
    ("/var/lib/seedrng/seed.credit", "x", None),
    ("/var/lib/misc/random-seed", "x", None),
    ("/var/lib/systemd/credential.secret", "x", None),
    ("/var/lib/bootagent/inputs", "x", None),
    ("/run/bootagent/status.json", "{}", None),
    ("/var/lib/cloud/instance/user-data.txt", "x", None),
    ("/etc/cloud/cloud.cfg.d/50-curtin-networking.cfg", "network: {}\n", None),
    ("/etc/systemd/network/10-eth0.network", f"[Match]\nMACAddress={MAC}\n[Network]\nDHCP=yes\n", None),
    ("/etc/systemd/network/10-static.network", "[Match]\nName=ens3\n[Network]\nAddress=192.0.2.5/24\n", None),
    ("/etc/systemd/network/70-eth0.link", f"[Match]\nMACAddress={MAC}\n[Link]\nName=lan0\n", None),
    ("/etc/systemd/network/20-bond0.netdev", "[NetDev]\nName=bond0\nKind=bond\n", None),
    ("/etc/network/interfaces.d/50-cloud-init", "auto lo\niface lo inet loopback\n\niface ens3 inet dhcp\n", None),
    ("/etc/NetworkManager/system-connections/ens3.nmconnection", "[connection]\nid=ens3\n", None),
    ("/etc/sysconfig/network-scripts/ifcfg-eth0", "DEVICE=eth0\n", None),
    ("/etc/sysconfig/network-scripts/route-eth0", "default via 192.0.2.1\n", None),
    ("/etc/sysconfig/network/ifcfg-eth0", "BOOTPROTO='dhcp'\n", None),
    ("/etc/sysconfig/network/ifroute-eth0", "default 192.0.2.1\n", None),
    ("/etc/netplan/50-cloud-init.yaml", "network:\n  ethernets:\n    ens3: {dhcp4: true}\n", None),
    ("/etc/netplan/00-installer-config.yaml", "network:\n  version: 2\n  ethernets: {}\n", None),
    ("/etc/conf.d/net", 'config_eth0="192.0.2.5/24"\n', None),
    ("/etc/udev/rules.d/70-persistent-net.rules", f'ATTR{{address}}=="{MAC}", NAME="eth0"\n', None),
    ("/var/log/syslog", "192.0.2.5\n", ""),
    ("/var/log/installer/status", "x", ""),
    ("/var/log/syslog.1", "192.0.2.5\n", None),
    ("/var/log/messages-20260101", "192.0.2.5\n", None),
    ("/var/log/dmesg.2.gz", "x", None),
    ("/var/log/journal/0123456789abcdef0123456789abcdef/system.journal", "x", None),
    ("/root/.bash_history", "echo secret\n", None),
]
# What an image may have on purpose.
KEPT = {
    "/etc/hostname": "image\n",
    "/etc/hosts": "127.0.0.1 localhost\n",
    "/etc/resolv.conf": "nameserver 192.0.2.53\n",
    "/etc/ssh/sshd_config": "PermitRootLogin prohibit-password\n",
    "/etc/systemd/network/80-every.network": "[Match]\nName=en*\n[Network]\nDHCP=yes\n",
    "/etc/systemd/network/98-default.link": "[Link]\nNamePolicy=mac\n",
    "/etc/network/interfaces": "source /etc/network/interfaces.d/*\n\nauto lo\niface lo inet loopback\n",
    "/etc/network/interfaces.d/lo": "auto lo\niface lo inet loopback\n",
    "/etc/sysconfig/network-scripts/ifcfg-lo": "DEVICE=lo\n",
    "/etc/sysconfig/network/ifcfg-lo": "BOOTPROTO=static\n",
    "/etc/sysconfig/network/ifcfg.template": "# how to\n",
    "/etc/netplan/01-network-manager-all.yaml": "network:\n  version: 2\n  renderer: NetworkManager\n",
    "/etc/conf.d/net": "# see net.example\n",
    "/etc/udev/rules.d/60-other.rules": "# x\n",
    "/root/.ssh/authorized_keys": "ssh-ed25519 AAAA admin\n",
    "/var/lib/NetworkManager/NetworkManager-intern.conf": "[main]\n",
    "/var/log/empty.log": "",
    "/etc/bootagent.yaml": "fallback: none\n",
}


@pytest.fixture
def image(machine: MachineDirectory) -> MachineDirectory:
    """A small image with systemd, one network daemon, and no trace of any machine."""
    machine.write("/usr/lib/systemd/systemd", "", 0o755)
    machine.write("/etc/machine-id", "uninitialized\n", 0o444)
    machine.write("/usr/lib/systemd/system/systemd-networkd.service", INSTALLABLE)
    machine.enable("systemd-networkd.service")
    machine.write("/usr/lib/systemd/system/systemd-networkd.service", INSTALLABLE)
    return machine


def run(image: MachineDirectory, capsys: pytest.CaptureFixture[str], *options: str) -> tuple[int, list[str]]:
    code = main(["seal", "--root", str(image), *options])
    return code, capsys.readouterr().out.splitlines()


@pytest.mark.parametrize(("path", "text", "rest"), TRACES, ids=[path for path, _, _ in TRACES])
def test_a_trace_is_found_named_and_taken_out(
    image: MachineDirectory, capsys: pytest.CaptureFixture[str], path: str, text: str, rest: str | None
) -> None:
    assert run(image, capsys, "--check") == (0, [])
    place = image.write(path, text, 0o640)
    before = snapshot(image.path)
    code, found = run(image, capsys, "--check")
    assert code == 1
    (finding,) = found
    where = finding.partition(": ")[0]
    assert path == where or path.startswith(f"{where}/")  # of a directory that goes as a whole
    code, planned = run(image, capsys, "--dry-run")
    assert code == 0
    assert [line.partition(": would be ")[0] for line in planned] == [where]
    assert snapshot(image.path) == before
    code, done = run(image, capsys)
    assert code == 0
    assert done == [line.replace("would be ", "") for line in planned]
    if rest is None:
        assert not place.exists()
    else:
        assert place.read_text(encoding="utf-8") == rest
        assert place.stat().st_mode & 0o777 == 0o640
    sealed = contents(image.path)
    assert run(image, capsys) == (0, ["bootagent: nothing to seal"])
    assert run(image, capsys, "--check") == (0, [])
    assert contents(image.path) == sealed


@pytest.mark.parametrize(("path", "text"), KEPT.items(), ids=KEPT)
def test_what_is_no_trace_of_a_machine_stays(
    image: MachineDirectory, capsys: pytest.CaptureFixture[str], path: str, text: str
) -> None:
    image.write(path, text)
    before = snapshot(image.path)
    assert run(image, capsys) == (0, ["bootagent: nothing to seal"])
    assert snapshot(image.path) == before


def test_a_dry_run_of_everything_at_once_says_what_seal_then_does(
    image: MachineDirectory, capsys: pytest.CaptureFixture[str]
) -> None:
    for path, text in KEPT.items():
        image.write(path, text)
    for path, text, _ in TRACES:
        image.write(path, text)
    _, planned = run(image, capsys, "--dry-run")
    _, done = run(image, capsys)
    assert done == [line.replace("would be ", "") for line in planned]
    assert run(image, capsys, "--check") == (0, [])
    for path, text in KEPT.items():
        if path != "/etc/conf.d/net":  # a trace, here
            assert image.read(path) == text


@pytest.mark.parametrize(
    ("text", "rest"),
    [
        ("auto lo eth0\niface lo inet loopback\n", "auto lo\niface lo inet loopback\n"),
        ("auto eth0\niface eth0 inet static\n    address 192.0.2.5\n\tgateway 192.0.2.1\n", ""),
        ("iface eth0 inet dhcp\n\n# the rest\nsource /x/*\n", "\n# the rest\nsource /x/*\n"),
        ("allow-hotplug eth0\niface eth0 inet dhcp\nsource-directory x\n", "source-directory x\n"),
        ("mapping eth0\n  script x\niface lo inet loopback\n  up true\n", "iface lo inet loopback\n  up true\n"),
        ("iface eth0 inet \\\nstatic\naddress 192.0.2.5\n", ""),
        ("source /etc/network/interfaces.d/*", "source /etc/network/interfaces.d/*"),
        ("iface eth0 inet dhcp", ""),
        ("iface eth0 inet static\n# why\n\naddress 192.0.2.5\nauto lo\n", "# why\n\nauto lo\n"),
        ("", ""),
    ],
)
def test_interfaces_keeps_the_loopback_and_what_it_includes(text: str, rest: str) -> None:
    assert keep_general(text) == rest
    assert keep_general(rest) == rest


def test_ours_goes_and_what_a_person_made_of_it_stays(
    image: MachineDirectory, capsys: pytest.CaptureFixture[str]
) -> None:
    ours, edited = "/etc/dhcp/dhclient-enter-hooks.d/bootagent", "/etc/sysctl.d/60-bootagent-ifcfg.conf"
    image.write(ours, "ours\n")
    image.write(edited, "edited\n")
    digest = blake2b(b"ours\n", digest_size=20).hexdigest()
    files = {path: {"area": "network", "block": False, "blake2b": [digest]} for path in (ours, edited)}
    manifest = {"version": 1, "instance": "x", "source": "configdrive", "files": files}
    image.write("/var/lib/bootagent/manifest.json", json.dumps(manifest))
    block = "# BEGIN bootagent: keys of the instance's metadata, replaced at boot\nssh-ed25519 B\n# END bootagent\n"
    image.write("/etc/passwd", "root:x:0:0::/root:/bin/sh\nuser:x:1000:1000::/home/user:/bin/sh\n")
    image.write("/root/.ssh/authorized_keys", f"ssh-ed25519 A\n{block}ssh-ed25519 C\n", 0o600)
    os.chown(image.write("/home/user/.ssh/authorized_keys", f"ssh-ed25519 A\n{block}", 0o600), 1000, 1000)
    image.write("/etc/hosts", "127.0.0.1 localhost\n127.0.1.1 alpha.example alpha # bootagent\n")
    code, _ = run(image, capsys)
    assert code == 0
    assert not image.has(ours)
    assert image.read(edited) == "edited\n"
    assert not image.has("/var/lib/bootagent")
    assert image.read("/root/.ssh/authorized_keys") == "ssh-ed25519 A\nssh-ed25519 C\n"
    assert image.read("/home/user/.ssh/authorized_keys") == "ssh-ed25519 A\n"
    status = (image.path / "home/user/.ssh/authorized_keys").stat()
    assert (status.st_uid, status.st_gid, status.st_mode & 0o777) == (1000, 1000, 0o600)
    assert image.read("/etc/hosts") == "127.0.0.1 localhost\n"
    assert run(image, capsys, "--check") == (0, [])


def test_a_link_of_the_dbus_id_stays(image: MachineDirectory, capsys: pytest.CaptureFixture[str]) -> None:
    (image.path / "var/lib/dbus").mkdir(parents=True)
    (image.path / "var/lib/dbus/machine-id").symlink_to("/etc/machine-id")
    assert run(image, capsys) == (0, ["bootagent: nothing to seal"])
    assert (image.path / "var/lib/dbus/machine-id").is_symlink()


@pytest.mark.parametrize("text", ["", None])
def test_an_image_without_the_mark_of_a_first_boot_gets_it(
    image: MachineDirectory, capsys: pytest.CaptureFixture[str], text: str | None
) -> None:
    place = image.path / "etc/machine-id"
    if text is None:
        place.unlink()
    else:
        image.write("/etc/machine-id", text)
    assert run(image, capsys, "--check")[0] == 1
    run(image, capsys)
    assert place.read_text(encoding="utf-8") == "uninitialized\n"


def test_an_image_with_openrc_has_no_machine_id(machine: MachineDirectory, capsys: pytest.CaptureFixture[str]) -> None:
    machine.write("/sbin/openrc-run", "", 0o755)
    machine.write("/etc/machine-id", "0123456789abcdef0123456789abcdef\n")
    run(machine, capsys)
    assert not machine.has("/etc/machine-id")
    assert run(machine, capsys, "--check") == (0, [])


def test_links_lead_nowhere_out_of_the_tree(
    image: MachineDirectory, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret_key").write_text("precious", encoding="utf-8")
    (image.path / "var/lib").mkdir(parents=True)
    (image.path / "var/lib/NetworkManager").symlink_to(outside)
    (image.path / "var/log").symlink_to("../../outside")
    (image.path / "etc/network").mkdir()
    (outside / "interfaces").write_text("iface eth0 inet dhcp\n", encoding="utf-8")
    image.write("/outside", "iface eth0 inet dhcp\n")
    (image.path / "etc/network/interfaces").symlink_to("/outside")
    (image.path / "etc/network/interfaces.d").symlink_to(outside)
    (image.path / "etc/ssh").mkdir()
    (image.path / "etc/ssh/ssh_host_rsa_key").symlink_to(outside / "secret_key")
    code, _ = run(image, capsys)
    assert code == 0
    assert (outside / "secret_key").read_text(encoding="utf-8") == "precious"
    assert (outside / "interfaces").read_text(encoding="utf-8") == "iface eth0 inet dhcp\n"
    assert not (image.path / "etc/ssh/ssh_host_rsa_key").is_symlink()
    assert image.read("/etc/network/interfaces") == ""


def test_any_name_is_one_line_and_any_byte_beside_ours_stays(
    image: MachineDirectory, capsys: pytest.CaptureFixture[str]
) -> None:
    image.write("/var/log/empty", "")
    strange = os.fsencode(image.path) + b"/var/log/\xff\n.log"
    with open(strange, "wb") as file:
        file.write(b"x")
    image.write("/etc/hosts", b"# caf\xe9\n127.0.1.1 alpha # bootagent\n")
    assert run(image, capsys, "--check")[1] == [
        "/etc/hosts: the name of one instance",
        "/var/log/??.log: a log of another machine",
    ]
    run(image, capsys)
    assert (image.path / "etc/hosts").read_bytes() == b"# caf\xe9\n"
    assert os.stat(strange).st_size == 0


def test_presets_keep_the_network_of_the_image(image: MachineDirectory, capsys: pytest.CaptureFixture[str]) -> None:
    """As Debian's presets do beside ifupdown: enabled by name, or for want of a line; and Fedora's: disabled."""
    image.write(VENDOR, "enable systemd-networkd.service\ndisable NetworkManager.service\n")
    for unit in ("NetworkManager.service", "networking.service", "dhcpcd.service"):
        image.write(f"/usr/lib/systemd/system/{unit}", INSTALLABLE)
    image.write("/usr/lib/systemd/system/connman.service", "[Service]\n[Install]\nAlias=dbus-net.connman.service\n")
    wants = image.path / "etc/systemd/system/multi-user.target.wants"
    (wants / "systemd-networkd.service").rename(wants / "NetworkManager.service")
    (image.path / "etc/systemd/system/dhcpcd.service").symlink_to("/dev/null")  # masked
    code, (finding,) = run(image, capsys, "--check")
    assert code == 1
    assert finding.startswith(f"{GUARD}: without it, presets at the first boot enable systemd-networkd.service, ")
    run(image, capsys)
    lines = image.read(GUARD).splitlines()[1:]
    assert sorted(lines) == [
        "disable networking.service",
        "disable systemd-networkd.service",
        "enable NetworkManager.service",
    ]
    assert run(image, capsys, "--check") == (0, [])
    # systemd itself, with the presets of the image.
    said = subprocess.run(
        ["systemctl", f"--root={image}", "preset-all"], capture_output=True, text=True, check=True
    ).stderr
    assert sorted(os.listdir(wants)) == ["NetworkManager.service"], said
    # The builder takes the other daemon after all.
    (wants / "NetworkManager.service").rename(wants / "systemd-networkd.service")
    run(image, capsys)
    assert image.read(GUARD).splitlines()[1:] == ["disable networking.service"]
    (image.path / "usr/lib/systemd/system/networking.service").unlink()
    run(image, capsys)
    assert not image.has(GUARD)


@pytest.mark.parametrize(
    ("answered", "asks"),
    [
        ({}, True),
        ({"/etc/default/locale": "", "/etc/localtime": "", "/etc/shadow": "root:*:1::::::\n"}, False),
        ({"/etc/locale.conf": "", "/etc/localtime": "", "/etc/shadow": "root:*:1::::::\n"}, False),
        ({"/etc/locale.conf": "", "/etc/localtime": "", "/etc/shadow": "root::1::::::\n"}, True),
        ({"/etc/locale.conf": "", "/etc/shadow": "root:*:1::::::\n"}, True),
    ],
)
def test_the_first_boot_asks_nobody(
    image: MachineDirectory, capsys: pytest.CaptureFixture[str], answered: dict[str, str], asks: bool
) -> None:
    unit = "systemd-firstboot.service"
    asking = "systemd-firstboot --prompt-locale --prompt-timezone --prompt-root-password"
    image.write(f"/usr/lib/systemd/system/{unit}", f"[Service]\nType=oneshot\nExecStart={asking}\nStandardInput=tty\n")
    image.write("/usr/lib/systemd/system/sysinit.target.wants/systemd-firstboot.service", "")
    for path, text in answered.items():
        image.write(path, text)
    drop_in = f"/etc/systemd/system/{unit}.d/50-bootagent.conf"
    assert run(image, capsys, "--check")[0] == int(asks)
    run(image, capsys)
    assert run(image, capsys, "--check") == (0, [])
    assert image.has(drop_in) is asks
    if asks:
        assert "ExecStart=\nExecStart=systemd-firstboot\nStandardInput=null\n" in image.read(drop_in)
        main(["uninstall", "--root", str(image)])
        assert not image.has(f"/etc/systemd/system/{unit}.d")


def test_faults_that_seal_cannot_mend_are_listed_and_warned_of(
    image: MachineDirectory, capsys: pytest.CaptureFixture[str]
) -> None:
    image.write("/usr/sbin/sshd", "", 0o755)
    image.enable("glean.service")
    code, found = run(image, capsys, "--check")
    assert code == 1
    assert [line.partition(":")[0] for line in found] == ["glean", "/etc/ssh"]
    assert main(["seal", "--root", str(image)]) == 0
    warned = capsys.readouterr().err.splitlines()
    assert warned == [f"bootagent: warning: {line}" for line in found]


def test_an_image_that_makes_its_host_keys_passes(image: MachineDirectory, capsys: pytest.CaptureFixture[str]) -> None:
    image.write("/usr/sbin/sshd", "", 0o755)
    image.add_python()
    assert run(image, capsys, "--check")[0] == 1
    assert main(["install", "--root", str(image)]) == 0
    capsys.readouterr()
    assert run(image, capsys, "--check") == (0, [])


def test_a_read_only_tree_is_one_line(image: MachineDirectory, capsys: pytest.CaptureFixture[str]) -> None:
    image.write("/root/.bash_history", "x")
    subprocess.run(["mount", "--bind", image.path, image.path], check=True)
    try:
        subprocess.run(["mount", "-o", "remount,bind,ro", image.path], check=True)
        assert run(image, capsys, "--check")[0] == 1
        assert main(["seal", "--root", str(image)]) == 6
        (line,) = capsys.readouterr().err.splitlines()
        assert line == "bootagent: error: /root/.bash_history: Read-only file system"
    finally:
        subprocess.run(["umount", image.path], check=True)
