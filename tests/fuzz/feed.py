# SPDX-License-Identifier: Apache-2.0
"""What a fuzzer's bytes do to the agent: a drive's image or documents, by a source to an instance and to a plan.

An input's first byte is the backend, its second what is fed, and the rest either the documents of one of ``EXAMPLES``
in their order, with ``BETWEEN`` between them, or edits of an image of a drive: three bytes of where, one of how many,
and so many bytes.  ``python -m tests.fuzz`` has atheris make the inputs (``make fuzz``).
"""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

from bootagent import renderers, sources
from bootagent.errors import SourceError
from tests.examples import EXAMPLES, decide, host_of
from tests.images import NOVA_FLAGS, make_disk, make_fat, make_iso, run

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from bootagent.host import Host
    from bootagent.model.instance import Instance
    from bootagent.model.plan import Plan

BETWEEN = b"\n%%\n"
BACKENDS = renderers.names()
PLACES = ("/etc/", "/home/", "/root/", "/var/lib/")
_NAMES = tuple(EXAMPLES)
_HOSTS = {name: host_of(example.documents) for name, example in EXAMPLES.items()}
# Images by how they are made, and the example whose documents are in each.
_IMAGES = {
    "rock": "nova-static-two-ports",
    "joliet": "netconfig-v2-bond-vlan",
    "fat12": "nova-ironic-lacp",
    "gpt": "metal3-bond-parameters",
}
_MIB = 1 << 20


class Images:
    """Drives as their makers make them, each in memory, where an input edits it."""

    def __init__(self, tmp: Path) -> None:
        self.names = tuple(_IMAGES)
        self._contents = [self._make(name, tmp / name).read_bytes() for name in self.names]
        self._spots = [_used(content) for content in self._contents]
        self._fds = [os.memfd_create(name) for name in self.names]
        for fd, content in zip(self._fds, self._contents):
            os.pwrite(fd, content, 0)

    @staticmethod
    def _make(name: str, tmp: Path) -> Path:
        files = dict(EXAMPLES[_IMAGES[name]].documents)
        tmp.mkdir()
        if name == "rock":
            return make_iso(tmp, files, *NOVA_FLAGS)
        if name == "joliet":
            return make_iso(tmp, files, "-J", "-V", "cidata")
        fat = make_fat(tmp, files, 160, "-n", "config-2", "-s", "1")
        if name == "fat12":
            return fat
        disk = make_disk(tmp, 3, {_MIB: fat})
        run("sgdisk", "-n", "5:2048:+500K", disk)
        return disk

    def read(self, number: int, edits: bytes) -> Instance:
        """What the agent makes of the image with so many edits."""
        fd, content, spots = self._fds[number], self._contents[number], self._spots[number]
        touched = []
        try:
            for where, new in _edits(edits):
                spot = spots[where % len(spots)]
                touched.append((spot, os.pwrite(fd, new[: len(content) - spot], spot)))
            return sources.read_drive(f"/proc/self/fd/{fd}", "drive").instance
        finally:
            for spot, size in touched:
                os.pwrite(fd, content[spot : spot + size], spot)


def _edits(data: bytes) -> Iterator[tuple[int, bytes]]:
    while len(data) > 4:
        size = data[3] or 1
        yield int.from_bytes(data[:3], "little"), data[4 : 4 + size]
        data = data[4 + size :]


def _used(content: bytes) -> list[int]:
    """Where something is, and one byte beside it."""
    spots: set[int] = set()
    for start in range(0, len(content), 512):
        block = content[start : start + 512]
        if block.strip(b"\0"):
            spots.update(start + at + beside for at, byte in enumerate(block) if byte for beside in (0, 1))
    return sorted(spot for spot in spots if spot < len(content))


def seeds() -> Iterator[tuple[str, bytes]]:
    """Sound inputs to begin with, each with a name."""
    for number, name in enumerate(_IMAGES):
        yield f"image-{name}", bytes((number, number)) + bytes((9, 0, 0, 1, 9))
    for number, (name, example) in enumerate(EXAMPLES.items(), len(_IMAGES)):
        yield name, bytes((number % len(BACKENDS), number)) + BETWEEN.join(example.documents.values())


def words() -> Iterator[bytes]:
    """What the documents are made of."""
    found = {
        bytes(word)
        for example in EXAMPLES.values()
        for document in example.documents.values()
        for word in bytes(byte if chr(byte).isalnum() or byte in b"_-.:/" else 32 for byte in document).split()
    }
    return iter(sorted(word for word in found if 2 < len(word) < 24))


def run_one(data: bytes, images: Images) -> Plan | None:
    """Feed one input; ``None`` where the source refuses it.  Any other error is raised, as is a plan that cannot be."""
    if len(data) < 2:
        return None
    backend, fed = BACKENDS[data[0] % len(BACKENDS)], data[1] % (len(_NAMES) + len(images.names))
    try:
        instance, host = _read(fed, data[2:], images)
    except SourceError as error:
        _check_line(error)
        return None
    plan = decide(instance, host, backend).plan
    check(instance.problems + plan.problems, plan)
    return plan


def _read(fed: int, data: bytes, images: Images) -> tuple[Instance, Host]:
    if fed < len(images.names):
        return images.read(fed, data), _HOSTS[_IMAGES[images.names[fed]]]
    name = _NAMES[fed - len(images.names)]
    documents = dict(zip(EXAMPLES[name].documents, data.split(BETWEEN)))
    return EXAMPLES[name].parse(documents), _HOSTS[name]


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
