# SPDX-License-Identifier: Apache-2.0
"""Partitions: an image that was put at an offset is found through the table that sgdisk or sfdisk wrote there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bootagent import media
from bootagent.errors import MediaError
from tests.images import DRIVE, NOVA_FLAGS, make_disk, make_fat, make_iso, make_xorriso, patch, run

if TYPE_CHECKING:
    from pathlib import Path

META = "openstack/latest/meta_data.json"
MIB = 1 << 20


def found(disk: Path) -> list[tuple[str, str, bytes | None]]:
    with media.open_volumes(str(disk), "disk") as volumes:
        return [(volume.kind, volume.place, volume.read(META)) for volume in volumes]


def small_fat(tmp: Path, content: bytes = b"{}") -> Path:
    (tmp / "fat").mkdir()
    return make_fat(tmp / "fat", {META: content}, 1440, "-n", "CONFIG-2")


def test_gpt_partition_of_ironic(tmp_path: Path) -> None:
    """An ISO image at the end of the root disk, behind partitions that are none of ours."""
    iso = make_iso(tmp_path, DRIVE, *NOVA_FLAGS)
    disk = make_disk(tmp_path, 64, {40 * MIB: iso})
    run("sgdisk", "-n", "1:2048:4095", "-n", "2:4096:81919", "-n", "3:81920:+10M", disk)
    assert found(disk) == [("iso9660", "disk partition 3", DRIVE[META])]


def test_gpt_with_several_volumes(tmp_path: Path) -> None:
    """The EFI partition is one too; which of them is the drive is not decided here."""
    iso = make_iso(tmp_path, DRIVE, *NOVA_FLAGS)
    disk = make_disk(tmp_path, 64, {MIB: small_fat(tmp_path), 40 * MIB: iso})
    run("sgdisk", "-n", "1:2048:+8M", "-t", "1:ef00", "-n", "7:81920:+10M", disk)
    assert found(disk) == [("vfat", "disk partition 1", b"{}"), ("iso9660", "disk partition 7", DRIVE[META])]


def test_gpt_of_4096_byte_sectors(tmp_path: Path) -> None:
    """Where ironic makes a FAT of the same sector size.

    sgdisk takes each file for a disk of 512-byte sectors; its table is put where it belongs with larger ones, and the
    numbers in it, which count sectors, are right as they are.
    """
    (tmp_path / "fat").mkdir()
    fat = make_fat(tmp_path / "fat", {META: b"4k"}, 8192, "-S", "4096", "-s", "1", "-F", "12")
    disk = make_disk(tmp_path, 32, {8 * MIB: fat})
    run("sgdisk", "-n", f"1:{8 * MIB // 4096}:+1M", disk)
    table = disk.read_bytes()[512 : 34 * 512]
    patch(disk, 512, bytes(len(table)))
    patch(disk, 4096, table[:512])
    patch(disk, 2 * 4096, table[512:])
    patch(disk, 32 * MIB - 33 * 512, bytes(33 * 512))
    assert found(disk) == [("vfat", "disk partition 1", b"4k")]


def test_backup_gpt_is_used_when_the_first_is_gone(tmp_path: Path) -> None:
    """The header and entries at the end of the disk."""
    disk = make_disk(tmp_path, 16, {4 * MIB: small_fat(tmp_path)})
    run("sgdisk", "-n", f"1:{4 * MIB // 512}:+2M", disk)
    patch(disk, 512, bytes(33 * 512))
    assert found(disk) == [("vfat", "disk partition 1", b"{}")]


def test_gpt_checksums_need_not_match(tmp_path: Path) -> None:
    """A table that was edited by hand still tells where."""
    disk = make_disk(tmp_path, 16, {4 * MIB: small_fat(tmp_path)})
    run("sgdisk", "-n", f"1:{4 * MIB // 512}:+2M", disk)
    patch(disk, 512 + 16, b"\xde\xad\xbe\xef")
    assert found(disk) == [("vfat", "disk partition 1", b"{}")]


def test_mbr_partitions(tmp_path: Path) -> None:
    """Primary ones, whatever type they claim."""
    iso = make_iso(tmp_path, DRIVE, *NOVA_FLAGS)
    disk = make_disk(tmp_path, 32, {4 * MIB: small_fat(tmp_path), 16 * MIB: iso})
    run("sfdisk", disk, stdin="label: dos\nstart=2048, size=2048, type=82\nstart=8192, size=8192, type=83\n"
        "start=32768, size=8192, type=83\n")  # fmt: skip
    assert found(disk) == [("vfat", "disk partition 2", b"{}"), ("iso9660", "disk partition 3", DRIVE[META])]


def test_mbr_logical_partitions(tmp_path: Path) -> None:
    """The chain of an extended partition, numbered from 5 as in Linux."""
    iso = make_iso(tmp_path, DRIVE, *NOVA_FLAGS)
    disk = make_disk(tmp_path, 32, {10 * MIB: small_fat(tmp_path), 20 * MIB: iso})
    run("sfdisk", disk, stdin="label: dos\nstart=2048, size=2048, type=83\nstart=8192, size=57344, type=5\n"
        "start=12288, size=2048, type=83\nstart=20480, size=8192, type=83\n"
        "start=40960, size=8192, type=83\n")  # fmt: skip
    assert found(disk) == [("vfat", "disk partition 6", b"{}"), ("iso9660", "disk partition 7", DRIVE[META])]


def test_mbr_of_4096_byte_sectors(tmp_path: Path) -> None:
    """The table does not say in which sectors it counts."""
    disk = make_disk(tmp_path, 32, {8 * MIB: small_fat(tmp_path)})
    run("sfdisk", disk, stdin="label: dos\nstart=2048, size=1024, type=83\n")
    assert found(disk) == [("vfat", "disk partition 1", b"{}")]


def test_logical_partitions_that_loop_end(tmp_path: Path) -> None:
    """A link that is its own next one."""
    disk = make_disk(tmp_path, 32, {10 * MIB: small_fat(tmp_path)})
    run("sfdisk", disk, stdin="label: dos\nstart=8192, size=57344, type=5\nstart=20480, size=8192, type=83\n"
        "start=40960, size=8192, type=83\n")  # fmt: skip
    link = disk.read_bytes()[4 * MIB + 462 : 4 * MIB + 478]
    assert link[4] == 5
    patch(disk, 4 * MIB + 462 + 8, bytes(4))
    assert found(disk) == [("vfat", "disk partition 5", b"{}")]


def test_whole_disk_wins_over_its_table(tmp_path: Path) -> None:
    """A hybrid image is an ISO 9660 image, though a partition of it can be read too."""
    fat = small_fat(tmp_path)
    image = make_xorriso(tmp_path, DRIVE, "-r", "-J", "-append_partition", "2", "0x0c", fat)
    assert image.read_bytes()[510:512] == b"\x55\xaa"
    assert found(image) == [("iso9660", "disk", DRIVE[META])]
    patch(image, 32768, bytes(2048))
    assert found(image) == [("vfat", "disk partition 2", b"{}")]


def test_fat_wins_over_the_iso_that_was_there_before(tmp_path: Path) -> None:
    """ironic makes a FAT over the ISO image of a partition; its descriptors may be left."""
    fat = make_fat(tmp_path, {META: b"new"}, 1440, "-F", "12")
    iso = make_iso(tmp_path, DRIVE, *NOVA_FLAGS).read_bytes()
    patch(fat, 32768, iso[32768 : 32768 + 3 * 2048])
    assert found(fat) == [("vfat", "disk", b"new")]


def test_old_boot_sector_of_a_partitioned_disk(tmp_path: Path) -> None:
    """fdisk leaves the first 446 bytes as they are; when they lead nowhere the table is looked at."""
    iso = make_iso(tmp_path, DRIVE, *NOVA_FLAGS)
    disk = make_disk(tmp_path, 32, {16 * MIB: iso})
    run("sfdisk", disk, stdin="label: dos\nstart=32768, size=8192, type=83\n")
    boot = bytearray(small_fat(tmp_path).read_bytes()[:446])
    boot[19:21] = b"\1\0"  # one sector: a file system that cannot be
    patch(disk, 0, bytes(boot))
    assert found(disk) == [("iso9660", "disk partition 1", DRIVE[META])]


def test_damaged_partition_does_not_hide_a_good_one(tmp_path: Path) -> None:
    """And is what is reported when it is alone."""
    fat = small_fat(tmp_path)
    iso = make_iso(tmp_path, DRIVE, *NOVA_FLAGS)
    disk = make_disk(tmp_path, 32, {4 * MIB: fat, 16 * MIB: iso})
    run("sgdisk", "-n", "1:8192:+2M", "-n", "2:32768:+4M", disk)
    patch(disk, 4 * MIB + 19, b"\1\0")
    assert found(disk) == [("iso9660", "disk partition 2", DRIVE[META])]
    patch(disk, 16 * MIB + 32768, bytes(2048))
    with pytest.raises(MediaError, match=r"disk partition 1: a FAT file system of .* damaged"):
        found(disk)


@pytest.mark.parametrize("magic", [b"BEA01", b"NSR02", b"NSR03"])
def test_udf_is_named(tmp_path: Path, magic: bytes) -> None:
    """On the whole disk and in a partition; a bridge image has ISO 9660 too, and is read."""
    disk = make_disk(tmp_path, 8, {})
    patch(disk, 32768, b"\0" + magic + b"\1")
    with pytest.raises(MediaError, match=r"^disk: a UDF file system: not read$"):
        found(disk)
    disk.unlink()
    disk = make_disk(tmp_path, 8, {})
    run("sgdisk", "-n", "1:2048:+2M", disk)
    patch(disk, MIB + 32768, b"\0" + magic + b"\1")
    with pytest.raises(MediaError, match=r"^disk partition 1: a UDF file system: not read$"):
        found(disk)


@pytest.mark.parametrize(
    "script", ["", "label: gpt\nsize=1MiB\n", "label: dos\nsize=1MiB\n"], ids=["none", "gpt", "dos"]
)
def test_disk_without_any_volume(tmp_path: Path, script: str) -> None:
    """Says what was looked for."""
    disk = make_disk(tmp_path, 8, {})
    if script:
        run("sfdisk", disk, stdin=script)
    with pytest.raises(MediaError, match=r"^disk: neither an ISO 9660 nor a FAT file system, nor a partition"):
        found(disk)
