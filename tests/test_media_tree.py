# SPDX-License-Identifier: Apache-2.0
"""A drive's tree in a directory, what may be opened at all, and what that costs."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from bootagent import media
from bootagent.errors import MediaError
from tests.images import DRIVE, NOVA_FLAGS, make_disk, make_fat, make_iso, run, write_tree

HERE = Path(__file__).resolve().parent.parent


def test_tree_is_read(tmp_path: Path) -> None:
    """Every file, its directories and what is absent."""
    with media.open_volumes(str(write_tree(tmp_path, DRIVE))) as (volume,):
        assert (volume.kind, volume.place, volume.labels, volume.serial) == ("directory", str(tmp_path), (), "")
        assert {name: volume.read(name) for name in DRIVE} == DRIVE
        assert volume.names("") == ("ec2", "openstack")
        assert volume.names("openstack") == ("2018-08-27", "content", "latest")
        assert volume.names("openstack/latest/user_data") is None
        assert volume.names("openstack/2012-08-10") is None
        assert volume.read("openstack/latest/vendor_data.json") is None
        assert volume.read("openstack/latest/user_data/more") is None
        with pytest.raises(MediaError, match=r"openstack/latest: a directory, not a file"):
            volume.read("openstack/latest")


def test_lookup_ignores_case_and_prefers_the_exact_name(tmp_path: Path) -> None:
    """A tree that was copied from plain ISO 9660 is in upper case."""
    write_tree(tmp_path, {"OPENSTACK/LATEST/META_DATA.JSON": b"1", "a/X": b"2", "a/x": b"3"})
    with media.open_volumes(str(tmp_path)) as (volume,):
        assert volume.read("openstack/latest/meta_data.json") == b"1"
        assert (volume.read("a/X"), volume.read("A/x")) == (b"2", b"3")


@pytest.mark.parametrize(
    "path",
    ["../secret", "a/../../secret", "..", "a/..", ".", "a/./b", "a\0b", "\ud800", "x" * 300, "a/" * 17, "é" * 200],
)
def test_paths_that_no_drive_has_are_absent(tmp_path: Path, path: str) -> None:
    """A document names files (content_path); it cannot name any outside."""
    (tmp_path / "secret").write_bytes(b"secret")
    write_tree(tmp_path / "drive", {"a/b": b"x"})
    (tmp_path / "fat").mkdir()
    for drive in (tmp_path / "drive", make_fat(tmp_path / "fat", {"a/b": b"x"}, 1440)):
        with media.open_volumes(str(drive)) as (volume,):
            assert volume.read(path) is None
            assert volume.names(path) is None
            assert volume.read("/a//b") == b"x"


def test_links_lead_inside_only(tmp_path: Path) -> None:
    """Through a file or a directory, absolute or relative."""
    (tmp_path / "secret").write_bytes(b"secret")
    drive = write_tree(tmp_path / "drive", {"a/b": b"x"})
    (tmp_path / "drive-2").mkdir()
    for name, target in {"in": "a/b", "file": "../secret", "far": "/etc/passwd", "up": "..", "near": "../drive-2",
                         "loop": "loop", "gone": "nowhere"}.items():  # fmt: skip
        (drive / name).symlink_to(target)
    with media.open_volumes(str(drive)) as (volume,):
        assert volume.read("in") == b"x"
        assert volume.read("gone") is None
        for path in ("file", "far", "up/secret", "near"):
            with pytest.raises(MediaError, match=f"{path}: a link that leads out of the drive"):
                volume.read(path)
        with pytest.raises(MediaError, match=r"a link that leads out of the drive"):
            volume.names("up")
        with pytest.raises(MediaError, match=r"loop: Too many levels of symbolic links"):
            volume.read("loop")


def test_only_regular_files_are_opened(tmp_path: Path) -> None:
    """A FIFO would wait for its writer; a link to a device leads out of the tree."""
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "null").symlink_to("/dev/null")
    with socket.socket(socket.AF_UNIX) as listener, media.open_volumes(str(tmp_path)) as (volume,):
        listener.bind(str(tmp_path / "socket"))
        for name in ("fifo", "socket"):
            with pytest.raises(MediaError, match=f"{name}: not a regular file"):
                volume.read(name)
        with pytest.raises(MediaError, match=r"null: a link that leads out"):
            volume.read("null")
    with media.open_volumes("/dev") as (volume,), pytest.raises(MediaError, match=r"zero: not a regular file"):
        volume.read("zero")


def test_sizes_up_to_the_limit(tmp_path: Path) -> None:
    """A file of the limit is read, one of a byte more is refused by name."""
    write_tree(tmp_path, {"full": bytes(media.MAX_FILE), "over": bytes(media.MAX_FILE + 1)})
    with media.open_volumes(str(tmp_path), "drive") as (volume,):
        assert volume.read("full") == bytes(media.MAX_FILE)
        with pytest.raises(MediaError, match=r"^drive: over: 1048577 bytes, more than 1048576$"):
            volume.read("over")


def test_permission_denied_is_an_error(tmp_path: Path) -> None:
    """It must not look like a drive without that file; root may read all, so a child gives that up."""
    del tmp_path  # which others may not enter
    with tempfile.TemporaryDirectory() as name:
        drive = write_tree(Path(name), {"closed/file": b"x", "file": b"y"})
        drive.chmod(0o755)
        (drive / "closed").chmod(0)
        (drive / "file").chmod(0)
        with media.open_volumes(name, "drive") as (volume,):
            child = os.fork()
            if child == 0:
                failed = 0
                try:
                    if os.getuid() == 0:
                        os.setuid(65534)
                    for call, path in ((volume.read, "file"), (volume.read, "closed/file"), (volume.names, "closed")):
                        try:
                            call(path)
                            failed += 1
                        except MediaError as error:
                            failed += str(error) != f"drive: {path}: Permission denied"
                finally:
                    os._exit(failed)
            assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        (drive / "closed").chmod(0o755)


def test_what_cannot_be_opened_is_a_media_error(tmp_path: Path) -> None:
    """With the reason, and without a wait."""
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "empty").touch()
    (tmp_path / "short").write_bytes(b"\x55\xaa")
    expected = {
        str(tmp_path / "fifo"): "not a directory, an image file or a block device",
        "/dev/null": "not a directory, an image file or a block device",
        str(tmp_path / "nothing"): "No such file or directory",
        str(tmp_path / "empty" / "below"): "Not a directory",
        str(tmp_path / "empty"): "empty",
        str(tmp_path / "short"): "neither an ISO 9660 nor a FAT",
    }
    for path, reason in expected.items():
        with pytest.raises(MediaError, match=f"^{path}: {reason}"):
            media.open_volumes(path)
    with pytest.raises(MediaError, match=r"null"):
        media.open_volumes("a\0b")


def test_read_error_of_the_device_is_a_media_error(tmp_path: Path) -> None:
    """A descriptor that cannot be read stands for a bad one; of an image that shrinks, less is read than was there."""
    from bootagent.media.blocks import Blocks, Device

    device = Device(str(tmp_path))
    with pytest.raises(MediaError, match=r"^drive: boot sector: Is a directory at byte 0$"):
        Blocks(device, 0, 4096, "drive").read(0, 512, "boot sector")
    device.close()
    image = make_iso(tmp_path, DRIVE, *NOVA_FLAGS)
    with media.open_volumes(str(image)) as (volume,):
        os.truncate(image, 40000)
        with pytest.raises(MediaError, match=r"cut off"):
            volume.read("openstack/latest/meta_data.json")


def open_descriptors() -> list[str]:
    return sorted(os.listdir("/proc/self/fd"))


def test_nothing_stays_open(tmp_path: Path) -> None:
    """After the block, after an error in it, and when there was no volume; what comes later is an error."""
    image = make_iso(tmp_path, DRIVE, *NOVA_FLAGS)
    zeros = make_disk(tmp_path, 1, {})
    before = open_descriptors()
    with media.open_volumes(str(image)) as (volume,):
        assert open_descriptors() != before
    assert open_descriptors() == before
    with pytest.raises(MediaError, match=r"Bad file descriptor"):
        volume.read("openstack/content/0000")
    with pytest.raises(KeyError), media.open_volumes(str(image)):
        raise KeyError
    with pytest.raises(MediaError):
        media.open_volumes(str(zeros))
    assert open_descriptors() == before


def reads() -> int:
    for line in Path("/proc/self/io").read_text(encoding="ascii").splitlines():
        if line.startswith("syscr:"):
            return int(line.split()[1])
    raise AssertionError


def test_disk_that_is_none_of_ours_costs_three_reads(tmp_path: Path) -> None:
    """As the kernel counts them."""
    disk = make_disk(tmp_path, 8, {})
    gpt = make_disk(write_tree(tmp_path / "gpt", {"x": b""}), 8, {})
    run("sgdisk", "--clear", gpt)
    for path in (disk, gpt):
        for _ in range(2):  # the first round imports
            own = -reads() + reads()
            start = reads()
            with pytest.raises(MediaError, match=r"neither"):
                media.open_volumes(str(path))
            spent = reads() - start - own
        assert spent <= (3 if path == disk else 4)


PROBE = """
import sys
sys.path.insert(0, sys.argv[1])
import errno, os, stat, struct, bootagent.errors
before = set(sys.modules)
from bootagent import media
with media.open_volumes(sys.argv[2]) as (volume,):
    assert volume.read("openstack/latest/user_data") == b""
print(*sorted(set(sys.modules) - before))
"""


def test_only_the_reader_that_is_needed_is_imported(tmp_path: Path) -> None:
    """And nothing of the standard library but errno, os, stat and struct."""
    files = {"openstack/latest/user_data": b""}
    base = "bootagent.media bootagent.media.blocks"
    drives = {
        make_iso(tmp_path, files, *NOVA_FLAGS): f"{base} bootagent.media.iso9660 bootagent.media.walk",
        make_fat(tmp_path, files, 1440): f"{base} bootagent.media.fat bootagent.media.walk",
        tmp_path / "tree": "bootagent.media bootagent.media.tree",
    }
    for drive, expected in drives.items():
        command = [sys.executable, "-I", "-S", "-c", PROBE, str(HERE), str(drive)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert (done.stdout.split(), done.stderr) == (sorted(expected.split()), "")
