# SPDX-License-Identifier: Apache-2.0
"""Images that no tool makes: those that cost as much as they can, and Rock Ridge to the letter."""

from __future__ import annotations

import os
import subprocess
import sys
from itertools import chain
from pathlib import Path
from struct import pack
from typing import TYPE_CHECKING

import pytest

from bootagent import media
from bootagent.errors import MediaError
from tests.images import patch

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).resolve().parent.parent
SECONDS = 2.0
MIB = 1 << 20


def record(name: bytes, block: int, size: int, flags: int = 0, use: bytes = b"") -> bytes:
    """A directory record of ECMA-119 9.1."""
    body = (
        pack("<BIIII7xBBBHHB", 0, block, 0, size, 0, flags, 0, 0, 1, 1, len(name)) + name + bytes((len(name) + 1) % 2)
    )
    return bytes([1 + len(body) + len(use)]) + body + use


def susp(kind: bytes, data: bytes) -> bytes:
    return kind + bytes([4 + len(data), 1]) + data


def ce(block: int, offset: int, size: int) -> bytes:
    return susp(b"CE", pack("<IIIIII", block, 0, offset, 0, size, 0))


SP_PX = susp(b"SP", b"\xbe\xef\0") + susp(b"PX", pack("<QQQQ", 0o40755, 1, 0, 0))


def fill(records: Iterator[bytes], size: int) -> bytes:
    """Records in blocks of 2048 bytes until there are ``size`` bytes."""
    out = b""
    block = b""
    while len(out) < size:
        new = next(records)
        if len(block) + len(new) > 2048:
            out += block.ljust(2048, b"\0")
            block = b""
        block += new
    return out[:size]


def write_iso(path: Path, directory: bytes, size: int, at: dict[int, bytes] | None = None) -> Path:
    """An image of one directory at block 20, which says that it has ``size`` bytes."""
    primary = bytearray(2048)
    primary[:8] = b"\1CD001\1\0"
    primary[128:130] = pack("<H", 2048)
    primary[156:190] = record(b"\0", 20, size, 2)
    path.write_bytes(bytes(32768))
    for block, data in {16: bytes(primary), 17: b"\xffCD001\1".ljust(2048), 20: directory, **(at or {})}.items():
        patch(path, block * 2048, data)
    os.truncate(path, 1 << 36)
    return path


def numbered(use: bytes = b"", block: int = 20, flags: int = 2, size: int = media.MAX_DIRECTORY) -> Iterator[bytes]:
    yield record(b"\0", 20, size, 2, SP_PX)
    number = 0
    while True:
        number += 1
        yield record(b"%X" % number, block, size - number % 100 * 2048 if flags else size, flags, use)


def hostile_isos(tmp: Path) -> Iterator[tuple[str, Path]]:
    """Directories, continuation areas and files; each with the name of what it tries."""
    full = media.MAX_DIRECTORY
    yield "iso: directory of 4 GiB", write_iso(tmp / "a", record(b"\0", 20, 1, 2), 0xFFFFF800)
    yield "iso: directories that contain themselves", write_iso(tmp / "b", fill(numbered(), full), full)
    links = {40000: (susp(b"NM", b"\1nn") * 300)[: 2048 - 28] + ce(40000, 0, 2048)}
    yield (
        "iso: continuation areas that loop",
        write_iso(tmp / "c", fill(numbered(ce(40000, 0, 2048)), full), full, links),
    )
    tiny = {40000: (b"XX\4\1" * 505) + ce(40000, 0, 2048)}
    yield (
        "iso: continuation areas of tiny entries",
        write_iso(tmp / "d", fill(numbered(ce(40000, 0, 2048)), full), full, tiny),
    )
    far = {40000 + at: (b"XX\4\1" * 505) + (ce(40001 + at, 0, 2048) if at < 30 else b"") for at in range(31)}
    yield (
        "iso: long chains of continuation areas",
        write_iso(tmp / "o", fill(numbered(ce(40000, 0, 2048)), full), full, far),
    )
    pieces = fill(iter(lambda: record(b"F", 30, 0xFFFFFFFF, 0x80), None), full)
    yield "iso: a file in thousands of pieces", write_iso(tmp / "e", pieces, full)
    claims = fill(numbered(block=30, flags=0, size=0xFFFFFFFF), 4096)
    yield "iso: files of 4 GiB", write_iso(tmp / "f", claims, 4096)
    short = fill(numbered(b"XX\4\1" * 40), full)
    yield "iso: tiny entries", write_iso(tmp / "g", short, full)


def hostile_fats(tmp: Path) -> Iterator[tuple[str, Path]]:
    """FAT16 whose FAT points back everywhere, with a root directory as large as can be; and a GPT full of it."""
    boot = bytearray(512)
    boot[11:24] = pack("<HBHBHHBH", 512, 1, 1, 1, 8192, 60000, 0xF8, 235)
    boot[510:512] = b"\x55\xaa"
    slots = b"".join(b"D%07X   \x10" % number + bytes(14) + pack("<HI", 2 + number, 0) for number in range(8192))
    back = b"".join(pack("<H", 2 + number // 2) for number in range(235 * 256))
    fat = bytes(boot) + back[: 235 * 512] + slots
    (tmp / "h").write_bytes(fat + slots * 100)
    yield "fat: directories that loop", tmp / "h"
    onward = b"".join(pack("<H", min(number + 1, 0xFFF0)) for number in range(235 * 256))
    names = b"\x41" + b"a\0" * 5 + b"\x0f\0\0" + b"a\0" * 6 + b"\0\0" + b"a\0" * 2 + b"X%010d\x20" % 0 + bytes(20)
    (tmp / "i").write_bytes(bytes(boot) + onward + names * 4096 + slots * 110)
    yield "fat: long names, directories of every cluster", tmp / "i"
    (tmp / "n").write_bytes(bytes(boot[:13]) + b"\x80" + bytes(boot[14:]) + onward + slots)
    os.truncate(tmp / "n", 1 << 36)
    yield "fat: large clusters of nothing", tmp / "n"

    entries = b"".join(bytes([1] * 32) + pack("<QQ", 2048, 1 << 40) + bytes(80) for _ in range(128))
    gpt = bytearray(MIB)
    gpt[512:604] = b"EFI PART".ljust(72) + pack("<QII", 2, 128, 128) + bytes(4)
    gpt[1024 : 1024 + len(entries)] = entries
    (tmp / "k").write_bytes(bytes(gpt) + fat + slots * 100)
    yield "gpt: 128 times the same", tmp / "k"
    gpt[592:600] = pack("<II", 0xFFFFFFFF, 4096)
    (tmp / "l").write_bytes(gpt)
    yield "gpt: four billion partitions", tmp / "l"


def hostile_chain(tmp: Path) -> Iterator[tuple[str, Path]]:
    """Logical partitions, each link of which leads to the next and to nothing else."""
    mbr = bytearray(MIB)
    for sector in range(2000):
        mbr[sector * 512 + 450], mbr[sector * 512 + 466] = 5, 5
        mbr[sector * 512 + 454 : sector * 512 + 462] = pack("<II", sector + 1, 1)
        mbr[sector * 512 + 510 : sector * 512 + 512] = b"\x55\xaa"
    (tmp / "m").write_bytes(mbr)
    yield "mbr: a chain of a thousand links", tmp / "m"


def rock_ridge(tmp: Path, use: bytes, area: bytes = b"") -> Path:
    """An image of one file with these system use entries, and a continuation area in block 30."""
    directory = record(b"\0", 20, 2048, 2, SP_PX) + record(b"PLAIN.;1", 25, 5, 0, use)
    return write_iso(tmp / "rock", directory.ljust(2048, b"\0"), 2048, {25: b"right", 30: area})


@pytest.mark.parametrize(
    ("use", "area", "expected"),
    [
        (susp(b"NM", b"\1first-") + susp(b"NM", b"\0last"), b"", "first-last"),
        (susp(b"NM", b"\0name") + susp(b"NM", b"\0 no more"), b"", "name"),
        (susp(b"NM", b"\1here-") + ce(30, 8, 9), b"passed-b" + susp(b"NM", b"\0beyond")[:9], "here-"),
        (susp(b"NM", b"\1here-") + ce(30, 8, 11), b"passed-b" + susp(b"NM", b"\0beyond"), "here-beyond"),
        (susp(b"NM", b"\2") + susp(b"ST", b"") + susp(b"NM", b"\0name"), b"", "plain"),
        (b"NM\3\1" + susp(b"NM", b"\0name"), b"", "plain"),
    ],
)
def test_rock_ridge_names_by_the_letter(tmp_path: Path, use: bytes, area: bytes, expected: str) -> None:
    """What the tools do not write: names after the last one, entries cut by the end of their area, ST."""
    with media.open_volumes(str(rock_ridge(tmp_path, use, area))) as (volume,):
        assert (volume.names(""), volume.read(expected)) == ((expected,), b"right")


@pytest.mark.parametrize(
    ("use", "area", "message"),
    [
        (ce(30, 0, 2048), susp(b"NM", b"\1" + b"n" * 200) * 2, "a name of more than 255 bytes"),
        (ce(30, 2040, 9), b"", "a continuation area of 2040 . 9 bytes"),
        (ce(30, 0, 0xFFFFFFFF), b"", "a continuation area"),
        (ce(30, 0, 28), ce(30, 0, 28), "more than 32 continuation areas"),
        (ce(0xFFFFFFFF, 0, 28), b"", "damaged or cut off"),
    ],
)
def test_damaged_continuation_is_an_error(tmp_path: Path, use: bytes, area: bytes, message: str) -> None:
    """By the directory in which it is."""
    image = rock_ridge(tmp_path, use, area)
    expected = rf"rock: directory /: .*{message}"
    with media.open_volumes(str(image)) as (volume,), pytest.raises(MediaError, match=expected):
        volume.names("")


CHILD = """
import sys
sys.path[:0] = sys.argv[1:3]
import time
from bootagent import media
from bootagent.errors import MediaError
start = time.process_time()
asked = 0
try:
    with media.open_volumes(sys.argv[3]) as volumes:
        kept = []
        for volume in volumes:
            waiting = [""]
            while waiting and asked < 2000:
                asked += 1
                path = waiting.pop(0)
                try:
                    names = volume.names(path) or ()
                    waiting += [path + "/" + name for name in names[:40]]
                    if not names:
                        kept.append(volume.read(path))
                        del kept[4:]
                except MediaError:
                    pass
except MediaError:
    pass
with open("/proc/self/status") as status:
    peak = [line.split()[1] for line in status if line.startswith("VmHWM")][0]
print(time.process_time() - start, peak, asked)
"""


def test_hostile_images_are_bounded(tmp_path: Path) -> None:
    """32 MiB for the process, interpreter and all, and two seconds, for two thousand questions."""
    results = {}
    for name, path in chain.from_iterable(make(tmp_path) for make in (hostile_isos, hostile_fats, hostile_chain)):
        command = [sys.executable, "-I", "-S", "-c", CHILD, str(HERE), str(HERE), str(path)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0, ""), name
        seconds, peak, asked = done.stdout.split()
        results[name] = (float(seconds), int(peak) / 1024, int(asked))
        path.unlink()
    assert {name: result for name, result in results.items() if result[0] > SECONDS or result[1] > 32} == {}
    # That the images are what they say, and not refused at the door.
    refused = {name for name, result in results.items() if result[2] == 0}
    assert refused == {"gpt: four billion partitions", "mbr: a chain of a thousand links"}
