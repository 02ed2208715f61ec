# SPDX-License-Identifier: Apache-2.0
"""FAT12, FAT16 and FAT32: what mkfs.vfat and mtools were given is what is read."""

from __future__ import annotations

import os
import random
from typing import TYPE_CHECKING

import pytest

from bootagent import media
from bootagent.errors import MediaError
from tests.images import DRIVE, make_fat, patch, replace_once, run

if TYPE_CHECKING:
    from pathlib import Path

# Each type with its usual geometry, and the odd ones: (KiB, flags of mkfs.vfat).
GEOMETRIES = {
    "fat12": (1440, ("-F", "12")),
    "fat12 of one sector a cluster": (2000, ("-F", "12", "-s", "1", "-a")),
    "fat16 of nova": (65536, ("-F", "16")),
    "fat16 of one fat": (16384, ("-F", "16", "-f", "1")),
    "fat16 unaligned": (16384, ("-F", "16", "-a", "-r", "1024")),
    "fat32": (40000, ("-F", "32", "-s", "1")),
    "fat12 of 1024-byte sectors": (2000, ("-F", "12", "-S", "1024")),
    "fat16 of 2048-byte sectors": (32768, ("-F", "16", "-S", "2048")),
    "fat16 of 4096-byte sectors": (65536, ("-F", "16", "-S", "4096")),
    "fat16 of large clusters": (131072, ("-F", "16", "-s", "32")),
    "fat16 with the table of an mbr": (16384, ("-F", "16", "--mbr=y")),
}


def read_all(image: Path, files: dict[str, bytes]) -> dict[str, bytes | None]:
    with media.open_volumes(str(image)) as (volume,):
        assert volume.kind == "vfat"
        return {name: volume.read(name) for name in files}


@pytest.mark.parametrize("geometry", GEOMETRIES)
def test_drive_is_read(tmp_path: Path, geometry: str) -> None:
    """Every file, by its long name, and the label and serial in the bargain."""
    kib, flags = GEOMETRIES[geometry]
    image = make_fat(tmp_path, DRIVE, kib, "-n", "CONFIG-2", *flags)
    assert read_all(image, DRIVE) == DRIVE
    with media.open_volumes(str(image)) as (volume,):
        assert volume.labels == ("CONFIG-2",)
        assert volume.serial == "9796-932E"
        assert sorted(volume.names("") or ()) == ["ec2", "openstack"]
        assert sorted(volume.names("openstack") or ()) == ["2018-08-27", "content", "latest"]


def test_fat32_with_too_few_clusters_is_fat32(tmp_path: Path) -> None:
    """ironic: ``mkfs.vfat -F 32`` on 64 MiB of 4096-byte sectors. Linux, which fills it, tells it by the FAT's size."""
    image = make_fat(tmp_path, {}, 65536, "-F", "32", "-S", "4096", "-n", "CONFIG-2")
    with media.open_volumes(str(image)) as (volume,):
        assert (volume.labels, volume.names("")) == (("CONFIG-2",), ())
    # mtools goes by the specification and writes to no such volume; so one is made small after it.
    image = make_fat(tmp_path, DRIVE, 40000, "-F", "32", "-s", "1")
    patch(image, 32, (20000).to_bytes(4, "little"))
    assert read_all(image, DRIVE) == DRIVE


@pytest.mark.parametrize("bits", ["12", "16", "32"])
@pytest.mark.parametrize("label", ["config-2", "CONFIG-2", "Config 2 XY"])
def test_label_is_found_where_it_is(tmp_path: Path, label: str, bits: str) -> None:
    """In the root directory, in the boot sector, in both, in neither; in the case it was written in."""
    image = make_fat(tmp_path, {"file": b"x"}, 40000 if bits == "32" else 2000 if bits == "12" else 16384,
                     "-F", bits, "-n", label)  # fmt: skip
    padded = label.encode().ljust(11)
    data = image.read_bytes()
    boot, root = (71 if bits == "32" else 43), data.index(padded + b"\x08")
    assert data[boot : boot + 11] == padded

    def labels() -> tuple[str, ...]:
        with media.open_volumes(str(image)) as (volume,):
            return volume.labels

    assert labels() == (label,)
    patch(image, root, b"\xe5")
    assert labels() == (label,)
    patch(image, boot, b"NO NAME    ")
    assert labels() == ()
    patch(image, root, padded)
    assert labels() == (label,)
    patch(image, boot, b"OTHER      ")
    assert labels() == (label, "OTHER")
    patch(image, boot - 5, b"\x28")
    assert labels() == (label,)
    patch(image, boot - 5, b"\x00")
    with media.open_volumes(str(image)) as (volume,):
        assert (volume.labels, volume.serial) == ((label,), "")


def test_no_label_is_no_label(tmp_path: Path) -> None:
    """mkfs.vfat writes "NO NAME" where none was given."""
    image = make_fat(tmp_path, {"file": b"x"}, 1440)
    assert image.read_bytes()[43:54] == b"NO NAME    "
    with media.open_volumes(str(image)) as (volume,):
        assert volume.labels == ()


def test_type_is_told_by_the_clusters_and_not_by_the_text(tmp_path: Path) -> None:
    """fatgen103: the text in the boot sector must not be used."""
    image = make_fat(tmp_path, DRIVE, 16384, "-F", "16")
    replace_once(image, b"FAT16   ", b"FAT12   ")
    assert read_all(image, DRIVE) == DRIVE


def test_lookup_ignores_case(tmp_path: Path) -> None:
    """As FAT does everywhere."""
    with media.open_volumes(str(make_fat(tmp_path, DRIVE, 1440))) as (volume,):
        assert volume.read("OpenStack/LATEST/Meta_Data.JSON") == DRIVE["openstack/latest/meta_data.json"]
        assert volume.read("openstack/latest/vendor_data.json") is None
        assert volume.names("openstack/nothing") is None
        assert volume.names("openstack/latest/user_data") is None
        with pytest.raises(MediaError, match=r"openstack/latest: a directory, not a file"):
            volume.read("openstack/latest")


def test_names_of_every_kind(tmp_path: Path) -> None:
    """Short, long, of two scripts, with dots and spaces, and of up to 255 characters."""
    names = ["A.TXT", "lower.txt", "Mixed.Txt", "no extension at all", "größe-日本.txt", "a.b.c.d", "n" * 250, "x" * 13]
    files = {f"dir/{name}": name.encode() for name in names}
    image = make_fat(tmp_path, files, 1440)
    assert read_all(image, files) == files
    with media.open_volumes(str(image)) as (volume,):
        assert sorted(volume.names("dir") or ()) == sorted(names)


def test_short_names_in_lower_case_by_flag(tmp_path: Path) -> None:
    """Windows NT writes no long name for "user.txt", but two bits."""
    image = make_fat(tmp_path, {"USER.TXT": b"x", "DATA.TXT": b"y", "PLAIN": b"z"}, 1440)
    data = image.read_bytes()
    patch(image, data.index(b"USER    TXT") + 12, b"\x18")
    patch(image, data.index(b"DATA    TXT") + 12, b"\x10")
    with media.open_volumes(str(image)) as (volume,):
        assert sorted(volume.names("") or ()) == ["DATA.txt", "PLAIN", "user.txt"]


def test_broken_long_name_leaves_the_short_one(tmp_path: Path) -> None:
    """A checksum that is another file's: a system without long names renamed or replaced the file."""
    image = make_fat(tmp_path, {"meta_data.json": b"x", "user_data.txt": b"y"}, 1440)
    short = image.read_bytes().index(b"META_D~1JSO")
    checksum = image.read_bytes()[short - 32 + 13]
    patch(image, short - 32 + 13, bytes([checksum ^ 1]))
    with media.open_volumes(str(image)) as (volume,):
        assert sorted(volume.names("") or ()) == ["META_D~1.JSO", "user_data.txt"]
        assert volume.read("meta_data.json") is None
        assert volume.read("meta_d~1.jso") == b"x"
    patch(image, short - 32 + 13, bytes([checksum]))
    patch(image, short - 64, b"\x43")  # says that there are three slots, and there are two
    with media.open_volumes(str(image)) as (volume,):
        assert sorted(volume.names("") or ()) == ["META_D~1.JSO", "user_data.txt"]


def test_deleted_files_are_gone(tmp_path: Path) -> None:
    """With their long names, which must not become the next file's."""
    image = make_fat(tmp_path, {"a long name to delete": b"1", "another": b"2"}, 1440)
    run("mdel", "-i", image, "::a long name to delete")
    with media.open_volumes(str(image)) as (volume,):
        assert volume.names("") == ("another",)
        assert volume.read("a long name to delete") is None


def test_first_letter_0xe5_is_written_as_5(tmp_path: Path) -> None:
    """0xE5 itself says that a file is deleted."""
    image = make_fat(tmp_path, {"XBC.TXT": b"x"}, 1440)
    replace_once(image, b"XBC     TXT", b"\x05BC     TXT")
    with media.open_volumes(str(image)) as (volume,):
        assert volume.names("") == ("\ufffdBC.TXT",)


@pytest.mark.parametrize("size", [511, 512, 513, 2048, 2049, media.MAX_FILE])
def test_sizes_around_a_cluster(tmp_path: Path, size: int) -> None:
    """The last cluster is cut at the file's size; a file of the limit is read."""
    files = {"file": os.urandom(size), "other": b"x"}
    assert read_all(make_fat(tmp_path, files, 2880, "-s", "1"), files) == files


@pytest.mark.parametrize(("bits", "kib"), [("12", 2000), ("16", 4000), ("32", 34000)])
def test_files_in_pieces(tmp_path: Path, bits: str, kib: int) -> None:
    """Chains with gaps, over the whole of the FAT: of FAT12 entries some lie across two pieces of it."""
    rng = random.Random(bits)
    files = {f"{number:02d}": rng.randbytes(40_000) for number in range(40)}
    image = make_fat(tmp_path, files, kib, "-F", bits, "-s", "1", "-a")
    for name in list(files)[::2]:
        run("mdel", "-i", image, f"::{name}")
        del files[name]
    files["late"] = rng.randbytes(1_000_000 if bits != "12" else 790_000)
    (tmp_path / "late").write_bytes(files["late"])
    if bits == "32":
        patch(image, 512 + 492, b"\2\0\0\0")  # FSInfo: look for free clusters from the begin
    run("mcopy", "-i", image, tmp_path / "late", "::late")
    assert files["late"] not in image.read_bytes()
    assert read_all(image, files) == files


def test_directory_of_many_clusters(tmp_path: Path) -> None:
    """Of 300 files with long names, in clusters of one sector."""
    files = {f"openstack/content/a long name {number:04d}": str(number).encode() for number in range(300)}
    assert read_all(make_fat(tmp_path, files, 1440, "-s", "1"), files) == files


def test_second_fat_may_be_the_one_in_use(tmp_path: Path) -> None:
    """FAT32 with mirroring off (fatgen103, BPB_ExtFlags)."""
    image = make_fat(tmp_path, DRIVE, 34000, "-F", "32", "-s", "1")
    data = image.read_bytes()
    reserved, size = int.from_bytes(data[14:16], "little") * 512, int.from_bytes(data[36:40], "little") * 512
    patch(image, reserved, b"\xaa" * size)
    with pytest.raises(MediaError, match=r"damaged"):
        read_all(image, DRIVE)
    patch(image, 40, b"\x81\0")
    assert read_all(image, DRIVE) == DRIVE


def test_file_over_the_limit_is_refused_by_name(tmp_path: Path) -> None:
    """With the place, the name and both sizes."""
    image = make_fat(tmp_path, {"d/big": bytes(media.MAX_FILE + 1), "d/small": b"s"}, 2880)
    with media.open_volumes(str(image), "the drive") as (volume,):
        with pytest.raises(MediaError, match=r"^the drive: d/big: 1048577 bytes, more than 1048576$"):
            volume.read("d/big")
        assert volume.read("d/small") == b"s"


def test_damaged_chain_is_an_error_and_costs_no_other_file(tmp_path: Path) -> None:
    """Chains that end early, loop, or lead to a bad or absent cluster."""
    files = {"first": bytes(2000), "second": b"good"}
    image = make_fat(tmp_path, files, 1440, "-F", "12", "-s", "1")
    assert read_all(image, files) == files
    fat = 512
    assert image.read_bytes()[fat : fat + 9] == bytes.fromhex("f0ffff034000 05f0ff")  # 2 -> 3 -> 4 -> 5 -> end
    for entry in (0, 1, 2999, 0xFF7, 0xFFF):
        patch(image, fat + 3, bytes([entry & 0xFF, entry >> 8 | 0x40]))
        with media.open_volumes(str(image)) as (volume,):
            with pytest.raises(MediaError, match=r"first: cluster .* damaged"):
                volume.read("first")
            assert volume.read("second") == b"good"


def test_directory_that_loops_is_an_error(tmp_path: Path) -> None:
    """Its chain leads back to its begin: the limit of directories ends it."""
    image = make_fat(tmp_path, {f"d/{number}": b"x" for number in range(20)}, 16384, "-F", "16", "-s", "1", "-a")
    data = image.read_bytes()
    fat = int.from_bytes(data[14:16], "little") * 512
    second = int.from_bytes(data[fat + 4 : fat + 6], "little")
    assert 2 < second < 100  # cluster 2 is the first of "d"
    patch(image, fat + 2 * second, b"\2\0")
    with media.open_volumes(str(image)) as (volume,), pytest.raises(MediaError, match=r"directory /d: .* loop"):
        volume.names("d")
