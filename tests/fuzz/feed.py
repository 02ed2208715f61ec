# SPDX-License-Identifier: Apache-2.0
"""What a fuzzer's bytes do to the agent: a drive's image or documents, by a source to an instance and to a plan.

An input's first byte is the machine and its backend, its second the kind of what is fed, and the rest either documents
(of one of ``EXAMPLES`` in their order, with ``BETWEEN`` between them) or edits of an image of a drive: three bytes of
where, one of how many, and so many bytes.  ``python -m tests.fuzz`` has atheris make the inputs (``make fuzz``).
"""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

from bootagent import renderers
from bootagent.errors import DocumentError, SourceError
from bootagent.formats import credentials, lxd, opennebula, upcloud, vmware
from bootagent.formats.user_data import parse_user_data
from bootagent.host import Nic
from bootagent.model.values import InterfaceName, MacAddress
from tests.examples import EXAMPLES, KEY, decide, host_of
from tests.fuzz.drives import IMAGES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from bootagent.host import Host
    from bootagent.model.instance import Instance, Problem
    from bootagent.model.plan import Plan
    from tests.examples import Example
    from tests.fuzz.drives import Images

BETWEEN = b"\n%%\n"
BACKENDS = renderers.names()
PLACES = ("/etc/", "/home/", "/root/", "/var/lib/")
_FIRST = Nic(InterfaceName("eth0"), MacAddress("52:54:00:00:00:01"))
_HOSTS = {
    name: host if host.nics else host._replace(nics=(_FIRST,))
    for name, host in ((name, host_of(example.documents)) for name, example in EXAMPLES.items())
}
# What else a machine may be: one of NetworkManager's with a NIC more, an image that does not know its NICs, and one on
# which others have left their files.
_SPARE = Nic(InterfaceName("ens9"), MacAddress("52:54:00:00:00:99"))
_LEFT = {
    "/etc/hosts": "127.0.0.1 localhost\n127.0.1.1 old\n",
    "/root/.ssh/authorized_keys": KEY.decode(),
    "/etc/network/interfaces": "source /etc/network/interfaces.d/*\nauto eth0\niface eth0 inet dhcp\n",
    "/etc/sysconfig/network": "NETWORKING=no\nGATEWAY=192.0.2.254\n",
    "/etc/sysconfig/network-scripts/ifcfg-eth0": "DEVICE=eth0\nBOOTPROTO=dhcp\nONBOOT=yes\n",
    "/etc/sysconfig/network/ifcfg-eth1": "BOOTPROTO='dhcp'\n",
    "/etc/NetworkManager/system-connections/a.nmconnection": "[connection]\ntype=ethernet\ninterface-name=eth0\n",
    "/etc/netplan/50-cloud-init.yaml": "network: {ethernets: {a: {match: {name: 'eth*'}, dhcp4: true}}}\n",
    "/etc/conf.d/net": 'config_eth0="dhcp"\n',
}
_VARIANTS: tuple[Callable[[Host], Host], ...] = (
    lambda host: host,
    lambda host: host._replace(enabled=frozenset({"NetworkManager.service"}), nics=(*host.nics, _SPARE)),
    lambda host: host._replace(has_sysfs=False, nics=(), init="openrc"),
    lambda host: host._replace(texts=_LEFT, hostname="old", enabled=frozenset({"systemd-networkd.service"})),
)
_ENCODINGS = (None, "base64", "gzip+base64", "rot13")


def _user_data(data: bytes) -> tuple[Problem, ...]:
    scripts, problems = parse_user_data(data)
    for script in scripts:
        assert script.name.isprintable(), "a script's name of more than one line"
        assert "/" not in script.name, "a script in another place"
    return problems


# What is read on another way than to an instance: to some text, or to problems that have to be lines.
TEXTS: dict[str, Callable[[bytes], object]] = {
    "user-data": _user_data,
    "opennebula's user data": opennebula.parse_user_data,
    "upcloud's user data": upcloud.parse_user_data,
    "guestinfo": lambda data: vmware.unpack("guestinfo", data[1:], _ENCODINGS[len(data) and data[0] % len(_ENCODINGS)]),
    "oem strings": lambda data: credentials.parse_strings(data.decode("utf-8", "replace").split("\0")),
    "lxd's keys": lambda data: lxd.name_unused(lxd.parse_listing(data)),
}
KINDS = (*IMAGES, *EXAMPLES, *TEXTS)
MACHINES = len(_VARIANTS) * len(BACKENDS)
MAX_PLANNED = 1_000_000  # some 80 MB


def run_one(data: bytes, images: Images, planned: set[int] | None = None) -> Plan | None:
    """Feed one input; ``None`` where the source refuses it.  Any other error is raised, as is a plan that cannot be.

    Two of three edits come to an instance that there was before.  Its plan is a function of it and is made once, if
    ``planned`` remembers between the inputs of which it was made.
    """
    if len(data) < 2:
        return None
    machine, kind, data = data[0] % MACHINES, KINDS[data[1] % len(KINDS)], data[2:]
    if kind in TEXTS:
        _run_text(TEXTS[kind], data)
        return None
    try:
        instance = images.read(kind, data) if kind in IMAGES else _read(EXAMPLES[kind], data)
    except SourceError as error:
        _check_line(error)
        return None
    if planned is not None:
        values = (value for value in instance if value is not instance.origins)
        key = hash((machine, kind, *values, *instance.origins.items()))
        if key in planned:
            return None
        if len(planned) == MAX_PLANNED:
            planned.clear()
        planned.add(key)
    host = _VARIANTS[machine // len(BACKENDS)](_HOSTS[IMAGES.get(kind, kind)])
    plan = decide(instance, host, BACKENDS[machine % len(BACKENDS)]).plan
    check(instance.problems + plan.problems, plan)
    return plan


def _read(example: Example, data: bytes) -> Instance:
    return example.parse(dict(zip(example.documents, data.split(BETWEEN))))


def _run_text(read: Callable[[bytes], object], data: bytes) -> None:
    try:
        said = read(data)
    except DocumentError as error:
        said = (error,)
    for problem in said if isinstance(said, tuple) else ():
        _check_line(problem)


def _check_line(said: object) -> None:
    assert str(said).isprintable(), "a message of more than one line"


def check(problems: Iterable[object], plan: Plan) -> None:
    """Whether a plan is one that may be carried out."""
    for problem in problems:
        _check_line(problem)
    for file in plan.files:
        assert file.path.startswith(PLACES), "a file in another place"
        assert ".." not in file.path.split("/"), "a path that goes up"
        assert file.path.isprintable(), "a path of more than one line"
        assert stat.S_ISLNK(file.mode) or not file.mode & stat.S_IWOTH, "a file that all may write to"
        if file.area != "files":  # what the cloud injects is its own
            assert all(line.isprintable() for line in file.content.split("\n")), "a control character"
