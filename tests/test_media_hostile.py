# SPDX-License-Identifier: Apache-2.0
"""Any bytes give volumes or a ``MediaError``: in bounded time, in bounded memory, and never the wrong content."""

from __future__ import annotations

import os
import random
import time
from struct import pack
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bootagent import media
from bootagent.errors import MediaError
from tests.conftest import EXAMPLES
from tests.images import NOVA_FLAGS, make_disk, make_fat, make_iso, patch, run

if TYPE_CHECKING:
    from pathlib import Path

SECONDS = 2.0
MIB = 1 << 20
FILES = {
    "openstack/latest/meta_data.json": b'{"uuid": "8f0c1f9e-8b35-4b7c-9f0e-0a4f6c1d2e3f"}' * 30,
    "openstack/latest/user_data": b"",
    "openstack/content/0000": bytes(range(256)) * 20,
}


def explore(path: str) -> dict[str, bytes | None]:
    """All that a caller could ask for, and at most 200 questions of it."""
    contents: dict[str, bytes | None] = {}
    with media.open_volumes(path) as volumes:
        for volume in volumes:
            assert all(isinstance(label, str) and label.isprintable() for label in volume.labels)
            waiting = [""]
            asked = 0
            while waiting and asked < 200:
                asked += 1
                directory = waiting.pop()
                try:
                    names = volume.names(directory)
                except MediaError:
                    continue
                for name in (names or ())[:50]:
                    assert name
                    assert "/" not in name
                    assert name.isprintable()
                    waiting.append(f"{directory}/{name}")
            for file in FILES:
                try:
                    contents[file] = volume.read(file)
                except MediaError:
                    continue
    return contents


def endure(image: Path) -> dict[str, bytes | None]:
    """The contents, {} if there was no volume; fails on any other error and on the clock."""
    start = time.process_time()
    try:
        return explore(str(image))
    except MediaError:
        return {}
    finally:
        assert time.process_time() - start < SECONDS


@pytest.fixture(scope="module", params=["rock", "joliet", "plain", "fat12", "fat16", "fat32", "gpt", "mbr"])
def image(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    tmp = tmp_path_factory.mktemp("sound")
    if request.param == "rock":
        return make_iso(tmp, FILES, *NOVA_FLAGS)
    if request.param in ("joliet", "plain"):
        return make_iso(tmp, FILES, "-J" if request.param == "joliet" else "-l")
    if request.param == "fat12":
        return make_fat(tmp, FILES, 160, "-n", "config-2", "-s", "1")
    if request.param == "fat16":
        return make_fat(tmp, FILES, 2600, "-n", "config-2", "-s", "1", "-F", "16")
    if request.param == "fat32":
        return make_fat(tmp, FILES, 33800, "-n", "config-2", "-s", "1", "-F", "32", "-a")
    disk = make_disk(tmp, 3, {MIB: make_fat(tmp, FILES, 160, "-s", "1")})
    if request.param == "gpt":
        run("sgdisk", "-n", "5:2048:+500K", disk)
    else:
        run("sfdisk", disk, stdin="label: dos\nstart=100, size=4096, type=5\nstart=2048, size=400, type=83\n")
    return disk


def used(data: bytes) -> list[int]:
    """The offsets at which something is, one beside each included."""
    spots: set[int] = set()
    for start in range(0, len(data), 512):
        block = data[start : start + 512]
        if block.strip(b"\0"):
            for at, byte in enumerate(block):
                if byte:
                    spots.update((start + at, start + min(at + 1, 511)))
    return sorted(spots)


def test_sound_image_is_read(image: Path) -> None:
    """What the other tests damage is whole."""
    assert endure(image) == FILES


def test_flipped_bytes(image: Path) -> None:
    """One byte at a time, over all that is in the image but the files' content."""
    data = image.read_bytes()
    spots = used(data)
    rng = random.Random(1)
    for spot in rng.sample(spots, min(len(spots), 700)):
        patch(image, spot, bytes([data[spot] ^ rng.choice((0x01, 0x80, 0xFF, rng.randrange(1, 256)))]))
        endure(image)
        patch(image, spot, data[spot : spot + 1])
    assert image.read_bytes() == data


def test_cut_off_image_has_the_content_or_an_error(image: Path, tmp_path: Path) -> None:
    """At many lengths: never a part of a file, and never an absence that is none."""
    data = image.read_bytes()
    last = used(data)[-1]
    cut = tmp_path / "cut"
    cut.write_bytes(data)
    whole = 0
    lengths = {round(last * step / 100) for step in range(101)} | {511, 512, 513, 32768, 34815, 34816, last + 1}
    for length in sorted((length for length in lengths if length <= last + 1), reverse=True):
        os.truncate(cut, length)
        for name, content in endure(cut).items():
            assert content == FILES[name]
            whole += 1
    assert whole > 0


mutations = st.lists(
    st.tuples(
        st.integers(0, 1 << 20),
        st.one_of(
            st.binary(min_size=1, max_size=8),
            st.sampled_from([b"\0", b"\xff", b"\xff\xff\xff\x7f", b"\xff" * 8, b"\0" * 32, b"\1\0\0\0", b"\0\0\0\x80"]),
        ),
    ),
    min_size=1,
    max_size=8,
)


@settings(max_examples=EXAMPLES, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(edits=mutations)
def test_edited_image(image: Path, edits: list[tuple[int, bytes]]) -> None:
    """Several edits at once, where something is."""
    with image.open("r+b") as file:
        data = file.read(4 * MIB)
        spots = used(data) if image not in SPOTS else SPOTS[image]
        SPOTS[image] = spots
        undo = []
        for where, new in edits:
            spot = spots[where % len(spots)]
            undo.append((spot, data[spot : spot + len(new)]))
            file.seek(spot)
            file.write(new[: len(data) - spot])
        file.flush()
        try:
            endure(image)
        finally:
            for spot, old in undo:
                file.seek(spot)
                file.write(old)


SPOTS: dict[Path, list[int]] = {}


@settings(max_examples=3 * EXAMPLES, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(
    head=st.binary(max_size=1024),
    descriptor=st.binary(max_size=2048),
    tail=st.binary(max_size=600),
    kind=st.integers(0, 4),
)
def test_random_bytes(
    tmp_path_factory: pytest.TempPathFactory, head: bytes, descriptor: bytes, tail: bytes, kind: int
) -> None:
    """With the magic of each format in its place, or without any."""
    data = bytearray(head.ljust(32768, b"\0") + descriptor.ljust(4096, b"\1") + tail)
    if kind == 1:
        data[32768:32774] = b"\1CD001"
    elif kind == 2:
        data[11:24] = pack("<HBHBHHBH", 512, 1, 1, 2, 16, len(data) // 512, 0xF8, 1)
    elif kind == 3:
        data[510:512] = b"\x55\xaa"
    elif kind == 4:
        data[512:520] = b"EFI PART"
    path = tmp_path_factory.getbasetemp() / "random"
    path.write_bytes(data)
    endure(path)


def test_random_disks(tmp_path: Path) -> None:
    """Noise from the first byte to the last."""
    path = tmp_path / "noise"
    for seed in range(30):
        path.write_bytes(random.Random(seed).randbytes(200_000))
        assert endure(path) == {}
