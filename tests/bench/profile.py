# SPDX-License-Identifier: Apache-2.0
"""What the CPU of a first boot's unit is made of: a booted guest starts it again, a piece more each time.

The guest's clock counts instructions (``boots.CLOCK``), so that a difference of two pieces is what the one has more.
"""

from __future__ import annotations

import statistics

from . import contenders, machines
from .results import Piece

TITLE = "bootagent-networkd"
ROUNDS = 3
UNIT = "/lib/systemd/system/bootagent.service"
SANDBOX = f"$(sed -n '/^.Service.$/,/^.Install.$/p' {UNIT} | grep -v '^.Service\\|^.Install\\|^Exec')"
PROBES = {
    "unit": "ExecStart=/bin/true",
    "sandbox": f"{SANDBOX}\nExecStart=/bin/true",
    "interpreter": "ExecStart=/usr/bin/python3 -I -S -c pass",
    "agent": "ExecStart=/usr/sbin/bootagent apply",
    "all": f"{SANDBOX}\nExecStart=/usr/sbin/bootagent apply",
}
HEAD = "[Unit]\nDefaultDependencies=no\n[Service]\nType=oneshot\nRemainAfterExit=yes"
# As on a machine that was never configured.
FORGET = """forget() {
    grep -o '"/etc/systemd/network[^"]*"' /var/lib/bootagent/manifest.json | xargs rm -f
    rm -rf /var/lib/bootagent /run/bootagent/* /root/.ssh/authorized_keys
    echo nobody >/proc/sys/kernel/hostname
}
"""


def run() -> list[Piece]:
    """The pieces, each with the CPU of the unit so far in seconds of the guest's clock."""
    script = FORGET + "".join(
        f"cat >/run/systemd/system/probe-{name}.service <<X\n{HEAD}\n{lines}\nX\n" for name, lines in PROBES.items()
    )
    script += "systemctl daemon-reload\n" + ROUNDS * "".join(map(_probe, PROBES))
    (contender,) = (one for one in contenders.ALL if one.title == TITLE)
    with machines.stands(1) as (where,):
        disk = machines.fresh(machines.make_disks([contender], where)[TITLE], where)
        with where.machine(disk) as machine:
            machine.wait_booted()
            said = [line.partition(" ") for line in machine.shell(script, 600).splitlines()]
    found = {name: [int(spent) / 1e9 for probe, _, spent in said if probe == name] for name in PROBES}
    return [Piece(name, statistics.median(spent)) for name, spent in found.items()]


def _probe(name: str) -> str:
    unit = f"probe-{name}.service"
    return (
        f"forget; systemctl start {unit}; echo {name} $(systemctl show --value -p CPUUsageNSec {unit}); "
        f"systemctl stop {unit}\n"
    )
