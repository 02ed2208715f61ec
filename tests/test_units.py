# SPDX-License-Identifier: Apache-2.0
"""The systemd unit: no cycle with a real set of units, little power, and a reason beside each ordering line."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from bootagent import hotplug, online
from bootagent.state import SEED, STATUS, TO_REVERT, TO_VERIFY, UNCHANGED, USER_DATA

CHECKOUT = Path(__file__).resolve().parent.parent
UNITS = sorted(CHECKOUT.glob("systemd/*.service"))
INITRAMFS_UNITS = sorted(CHECKOUT.glob("dracut/*/*.service"))
ALL_UNITS = (*UNITS, *INITRAMFS_UNITS)
BOOT_UNIT = next(unit for unit in UNITS if unit.name == "bootagent.service")
MAX_EXPOSURE = 1.4  # what is left of it, and why, stands in docs/security.rst
# Where Debian's units differ from what this machine may have: their ordering, word for word.
DAEMONS = {
    "networking.service": """[Unit]
DefaultDependencies=no
Requires=ifupdown-pre.service
Wants=network.target
After=local-fs.target network-pre.target apparmor.service systemd-sysctl.service systemd-modules-load.service
Before=network.target shutdown.target network-online.target
Conflicts=shutdown.target
[Service]
Type=oneshot
ExecStart=/bin/true
""",
    "ssh.service": """[Unit]
After=network.target auditd.service
[Service]
ExecStart=/bin/true
""",
    "ssh.socket": """[Unit]
Before=sockets.target
[Socket]
ListenStream=22
Accept=yes
""",
}
ORDERING = ("After=", "Before=", "Wants=", "PartOf=", "RequiresMountsFor=", "Conflicts=", "DefaultDependencies=")


def analyze(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["systemd-analyze", *arguments], capture_output=True, text=True, check=False)


@pytest.mark.parametrize("unit", ALL_UNITS, ids=lambda unit: unit.name)
def test_systemd_understands_the_unit(unit: Path) -> None:
    done = analyze("verify", "--man=no", str(unit))
    # The agent and ifupdown need not be installed where this is tested.
    about_us = [line for line in done.stderr.splitlines() if unit.name in line and "is not executable" not in line]
    assert about_us == []


def test_a_whole_boot_has_no_ordering_cycle(tmp_path: Path) -> None:
    """All units of the distribution, ours and the daemons around them enabled, and a real transaction."""
    system = tmp_path / "usr/lib/systemd/system"
    shutil.copytree("/usr/lib/systemd/system", system, symlinks=True)
    (tmp_path / "lib").symlink_to("usr/lib")
    for unit in UNITS:
        shutil.copy(unit, system)
    for name in ("networking.service", "ssh.service", "ssh.socket"):  # as Debian has them, if not installed here
        if not (system / name).exists():
            (system / name).write_text(DAEMONS[name])
    wants = tmp_path / "etc/systemd/system/multi-user.target.wants"
    wants.mkdir(parents=True)
    for name in (*(unit.name for unit in UNITS), "systemd-networkd.service", "systemd-resolved.service", *DAEMONS):
        (wants / name).symlink_to(f"/usr/lib/systemd/system/{name}")
    done = analyze("verify", "--man=no", f"--root={tmp_path}", "multi-user.target")
    assert [line for line in done.stderr.splitlines() if "cycle" in line] == []
    # The same check on a unit set that has one: it can fail.
    broken = (system / "bootagent.service").read_text().replace("After=systemd-remount-fs.service", "After=ssh.service")
    (system / "bootagent.service").write_text(broken)
    done = analyze("verify", "--man=no", f"--root={tmp_path}", "multi-user.target")
    assert "ordering cycle" in done.stderr


def test_an_initramfs_has_no_ordering_cycle(tmp_path: Path) -> None:
    """systemd's own units of an initramfs with ours enabled, and the transaction that it starts with."""
    system = tmp_path / "usr/lib/systemd/system"
    shutil.copytree("/usr/lib/systemd/system", system, symlinks=True)
    (tmp_path / "lib").symlink_to("usr/lib")
    for unit in INITRAMFS_UNITS:
        shutil.copy(unit, system)
    wants = tmp_path / "etc/systemd/system/initrd.target.wants"
    wants.mkdir(parents=True)
    for unit in INITRAMFS_UNITS:
        (wants / unit.name).symlink_to(f"/usr/lib/systemd/system/{unit.name}")
    done = analyze("verify", "--man=no", f"--root={tmp_path}", "initrd.target")
    assert [line for line in done.stderr.splitlines() if "cycle" in line] == []
    broken = (system / "bootagent-initrd.service").read_text().replace("After=dracut-mount", "After=initrd-cleanup")
    (system / "bootagent-initrd.service").write_text(broken)
    done = analyze("verify", "--man=no", f"--root={tmp_path}", "initrd.target", "initrd-cleanup.service")
    assert "ordering cycle" in done.stderr


def test_both_agents_have_the_same_powers() -> None:
    """What is paths of the real root's there is such here, below RootDirectory=."""
    powers = []
    for unit in (BOOT_UNIT, *INITRAMFS_UNITS):
        if unit.name in ("bootagent.service", "bootagent-initrd.service"):
            text = unit.read_text(encoding="ascii").partition("# ")[2].partition("CapabilityBoundingSet=")
            lines = (text[1] + text[2]).replace("+", "").splitlines()
            powers.append([line for line in lines if line[:1].isupper() and not line.startswith("WantedBy=")])
    assert powers[0] == powers[1]
    assert len(powers[0]) > 20


@pytest.mark.parametrize("unit", [BOOT_UNIT, *(u for u in INITRAMFS_UNITS if u.name == "bootagent-initrd.service")])
def test_the_exposure_of_the_boot_unit_is_low(unit: Path) -> None:
    """The other unit starts the image's own DHCP clients, which need the network and their own powers."""
    done = analyze("security", "--offline=yes", str(unit))
    found = re.search(r"Overall exposure level for \S+: ([\d.]+)", done.stdout)
    assert found, done.stderr
    assert float(found[1]) <= MAX_EXPOSURE


def test_the_page_has_a_reason_for_each_point_that_is_left() -> None:
    """As this systemd counts them; another version may count other things."""
    done = analyze("security", "--offline=yes", "--json=short", str(BOOT_UNIT))
    left = {row["json_field"]: row["exposure"] for row in json.loads(done.stdout) if row["exposure"]}
    table = (CHECKOUT / "docs/security.rst").read_text(encoding="utf-8").partition("The units\n")[2]
    rows = re.findall(r"^   \* - ``(\w+)``\n     - ([\d.]+)\n     - (\S.*)$", table, re.MULTILINE)
    assert {name: points for name, points, _ in rows} == left
    assert f"**{MAX_EXPOSURE}**" in table


@pytest.mark.parametrize("unit", ALL_UNITS, ids=lambda unit: unit.name)
def test_each_ordering_line_has_a_reason_above_it(unit: Path) -> None:
    previous = ""
    for line in unit.read_text(encoding="ascii").splitlines():
        if line.startswith(ORDERING):
            assert previous.startswith("#") or "=" in previous, f"{line} has no reason"
        previous = line


def test_the_network_is_waited_for_by_no_unit_that_a_boot_starts() -> None:
    """What wants network-online.target is started when the boot is done, and only where there is work."""
    texts = {unit.name: unit.read_text(encoding="ascii") for unit in UNITS}
    wants = re.compile(r"^(Wants|Requires)=.*network-online", re.MULTILINE)
    wanting = [name for name, text in texts.items() if wants.search(text)]
    assert wanting == ["bootagent-userdata.service"]
    assert "[Install]" not in texts["bootagent-userdata.service"]
    assert "\nConditionPathExists=/run/bootagent/user-data\n" in texts["bootagent-userdata.service"]


def test_what_is_left_for_later_is_started_where_there_is_any() -> None:
    """The conditions of the unit that starts them are theirs; after the boot, of which none of them is a part."""
    later = (CHECKOUT / "systemd/bootagent-handover.service").read_text(encoding="ascii")
    (started,) = re.findall(r"^ExecStart=-/bin/systemctl --no-block start (.*)$", later, re.MULTILINE)
    files = set()
    for name in started.split():
        text = (CHECKOUT / "systemd" / name).read_text(encoding="ascii")
        assert "[Install]" not in text
        files |= set(re.findall(r"^ConditionPathExists=(\S+)$", text, re.MULTILINE))
    conditions = set(re.findall(r"^ConditionPathExists=\|(\S+)$", later, re.MULTILINE))
    assert conditions == files == {SEED, TO_VERIFY, USER_DATA}
    assert "\nAfter=multi-user.target\n" in later


@pytest.mark.parametrize(("name", "note"), [("hotplug", f"Glob={hotplug.NOTE}*"), ("revert", f"={TO_REVERT}")])
def test_what_starts_itself_again_does_so_where_there_is_a_note(name: str, note: str) -> None:
    """When it is over, which is when systemd does not merge a start with the one before."""
    text = (CHECKOUT / f"systemd/bootagent-{name}.service").read_text(encoding="ascii")
    assert f"\nConditionPathExists{note}\n" in text
    (started,) = re.findall(r"^ExecStopPost=-\+/bin/systemctl --no-block start (.*)$", text, re.MULTILINE)
    assert f"bootagent-{name}.service" in started.split()
    assert "[Install]" not in text
    assert "RemainAfterExit" not in text


def test_udev_leaves_the_notes_that_are_taken() -> None:
    """The rule is quiet until a boot's agent has left one of its two marks, and of what the kernel announces anew."""
    rule = (CHECKOUT / "udev/90-bootagent.rules").read_text(encoding="ascii")
    service = (CHECKOUT / "systemd/bootagent-hotplug.service").read_text(encoding="ascii")
    assert f"ExecStartPost=-+/bin/sh {hotplug.RELOAD}\n" in service
    assert f'TEST!="{STATUS}", TEST!="{UNCHANGED}", GOTO=' in rule
    assert 'ENV{SYNTH_UUID}=="?*", GOTO=' in rule
    # The note first; nothing in the rule waits for anything, and no shell is in it.
    assert [line for line in rule.splitlines() if "RUN" in line or "PROGRAM" in line or "IMPORT" in line] == [
        f'RUN+="/bin/touch {hotplug.NOTE}$name"',
        'RUN+="/bin/systemctl --no-block start bootagent-hotplug.service"',
    ]


def test_the_second_half_tells_the_daemon() -> None:
    service = (CHECKOUT / "systemd/bootagent-online.service").read_text(encoding="ascii")
    assert f"ExecStartPost=-+/bin/sh {online.RELOAD}\n" in service


@pytest.mark.parametrize("unit", ["bootagent-hotplug.service", "bootagent-revert.service"])
def test_later_work_has_no_more_power_than_the_second_half_of_a_boot(unit: str) -> None:
    powers = []
    for name in ("bootagent-online.service", unit):
        text = (CHECKOUT / "systemd" / name).read_text(encoding="ascii")
        lines = text[text.index("CapabilityBoundingSet=") :].partition("[Install]")[0].splitlines()
        powers.append([line for line in lines if line and not line.startswith("#")])
    assert powers[0] == powers[1]
    assert len(powers[0]) > 20


def test_a_hang_of_the_boot_unit_ends() -> None:
    found = re.search(r"^TimeoutStartSec=(\d+)$", BOOT_UNIT.read_text(encoding="ascii"), re.MULTILINE)
    assert found
    assert 0 < int(found[1]) <= 300
