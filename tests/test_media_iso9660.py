# SPDX-License-Identifier: Apache-2.0
"""ISO 9660: what the tools were given is what is read, under each kind of names."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from bootagent import media
from bootagent.errors import MediaError
from tests.images import DRIVE, NOVA_FLAGS, make_iso, make_iso_of, make_xorriso, patch, replace_once, write_tree

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def read_all(image: Path, files: dict[str, bytes]) -> dict[str, bytes | None]:
    with media.open_volumes(str(image)) as (volume,):
        assert volume.kind == "iso9660"
        return {name: volume.read(name) for name in files}


@pytest.mark.parametrize(
    "flags",
    [
        NOVA_FLAGS,
        ("-r", "-J"),
        ("-r",),
        ("-R",),
        ("-J",),
        ("-l",),
        ("-l", "-U"),
        ("-ldots", "-allow-lowercase", "-allow-multidot", "-l"),
        ("-r", "-J", "-udf"),
    ],
    ids=" ".join,
)
def test_genisoimage_drive_is_read(tmp_path: Path, flags: tuple[str, ...]) -> None:
    """Every file of the drive, whatever names the image has."""
    files = dict(DRIVE)
    if not {"-r", "-R", "-J", "-U"} & set(flags):
        # Without the extensions there is no "-" in a name: that is what was made, see isoinfo -f.
        files = {name.replace("-", "_"): content for name, content in files.items()}
    image = make_iso(tmp_path, DRIVE, *flags)
    assert read_all(image, files) == files


@pytest.mark.parametrize("flags", [("-J", "-r"), ("-J",), ("-r",), ("-V", "config-2")], ids=" ".join)
def test_xorriso_drive_is_read(tmp_path: Path, flags: tuple[str, ...]) -> None:
    """xorriso, which newer distributions call as genisoimage, lays its images out in another way."""
    assert read_all(make_xorriso(tmp_path, DRIVE, *flags), DRIVE) == DRIVE


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        (("-V", "config-2"), ("config-2",)),
        (("-V", "CONFIG-2", "-J"), ("CONFIG-2",)),
        (("-V", "a label of 24 characters", "-J"), ("a label of 24 characters", "a label of 24 ch")),
        (("-V", ""), ()),
    ],
    ids=str,
)
def test_labels_are_those_of_both_descriptors(
    tmp_path: Path, flags: tuple[str, ...], expected: tuple[str, ...]
) -> None:
    """Trimmed, each once; Joliet has room for 16 characters."""
    with media.open_volumes(str(make_iso(tmp_path, DRIVE, *flags))) as (volume,):
        assert volume.labels == expected
        assert volume.serial == ""


def test_names_are_listed(tmp_path: Path) -> None:
    """Directories are listed, files and what is absent are not."""
    with media.open_volumes(str(make_iso(tmp_path, DRIVE, *NOVA_FLAGS))) as (volume,):
        assert sorted(volume.names("") or ()) == ["ec2", "openstack"]
        assert sorted(volume.names("openstack") or ()) == ["2018-08-27", "content", "latest"]
        assert volume.names("openstack/latest/user_data") is None
        assert volume.names("openstack/2012-08-10") is None
        assert volume.read("openstack/latest/vendor_data.json") is None
        assert volume.read("openstack/latest/user_data/more") is None
        assert volume.read("openstack/../openstack/latest/user_data") is None


def test_lookup_ignores_case_and_prefers_the_exact_name(tmp_path: Path) -> None:
    """Rock Ridge can hold both names; another case is a fallback."""
    image = make_iso(tmp_path, {"a/Name": b"1", "a/name": b"2", "b/OTHER": b"3"}, "-r")
    with media.open_volumes(str(image)) as (volume,):
        assert [volume.read(path) for path in ("a/Name", "A/name", "B/other")] == [b"1", b"2", b"3"]
        assert volume.read("a/NAME") in (b"1", b"2")


def test_plain_names_are_shown_as_linux_shows_them(tmp_path: Path) -> None:
    """Lower case, without version and final dot (isofs map=normal)."""
    with media.open_volumes(str(make_iso(tmp_path, {"d/user_data": b"x", "d/a.txt": b"y"}, "-l"))) as (volume,):
        assert volume.names("d") == ("a.txt", "user_data")


def test_rock_ridge_wins_over_joliet_and_joliet_over_plain(tmp_path: Path) -> None:
    """ironic's sample drive: the hyphen is in two of the trees only."""
    image = make_iso(tmp_path, {"openstack/latest/meta-data.json": b"{}"}, "-r", "-J", "-l")
    name = b"NM" + bytes([5 + 14, 1, 0]) + b"meta-data.json"
    replace_once(image, name, name.replace(b"meta-data", b"rock-data"))
    with media.open_volumes(str(image)) as (volume,):
        assert volume.names("openstack/latest") == ("rock-data.json",)
    data = image.read_bytes()
    assert data.count(b"SP\7\1\xbe\xef") == 1
    replace_once(image, b"SP\7\1\xbe\xef", b"XX\7\1\xbe\xef")
    with media.open_volumes(str(image)) as (volume,):
        assert volume.names("openstack/latest") == ("meta-data.json",)
    patch(image, 17 * 2048 + 88, b"\0\0\0")  # the escape sequence that makes it Joliet
    with media.open_volumes(str(image)) as (volume,):
        assert volume.names("openstack/latest") == ("meta_data.json",)


@pytest.mark.parametrize("make", [make_iso, make_xorriso])
@pytest.mark.parametrize("length", [100, 180, 230, 250])
def test_long_rock_ridge_names_go_on_in_continuation_areas(
    tmp_path: Path, make: Callable[..., Path], length: int
) -> None:
    """NM with its CONTINUE flag, and CE."""
    files = {f"d/{letter}{'n' * (length - 1)}": letter.encode() for letter in "abcdef"}
    image = make(tmp_path, files, "-R")
    with media.open_volumes(str(image)) as (volume,):
        assert {f"d/{name}" for name in volume.names("d") or ()} == set(files)
        assert {name: volume.read(name) for name in files} == files


def test_joliet_names_in_other_scripts(tmp_path: Path) -> None:
    """Two bytes a character, big-endian."""
    image = make_iso(tmp_path, {"größe/日本.txt": b"x"}, "-J", "-input-charset", "utf-8")
    with media.open_volumes(str(image)) as (volume,):
        assert volume.names("") == ("größe",)
        assert volume.read("GRÖSSE/日本.TXT") is None
        assert volume.read("GRÖßE/日本.TXT") == b"x"


def test_directory_of_many_blocks(tmp_path: Path) -> None:
    """Records do not cross blocks: the zeros at the end of each are passed over."""
    files = {f"content/{number:04d}": str(number).encode() for number in range(400)}
    assert read_all(make_iso(tmp_path, files, *NOVA_FLAGS), files) == files


@pytest.mark.parametrize("size", [2047, 2048, 2049, 65536, media.MAX_FILE])
def test_sizes_around_a_block(tmp_path: Path, size: int) -> None:
    """The last block is cut at the file's size; a file of the limit is read."""
    files = {"file": os.urandom(size)}
    assert read_all(make_iso(tmp_path, files, "-r"), files) == files


def test_file_over_the_limit_is_refused_by_name(tmp_path: Path) -> None:
    """With the place, the name and both sizes."""
    image = make_iso(tmp_path, {"d/big": bytes(media.MAX_FILE + 1), "d/small": b"s"}, "-r")
    with media.open_volumes(str(image), "the drive") as (volume,):
        with pytest.raises(MediaError, match=r"^the drive: d/big: 1048577 bytes, more than 1048576$"):
            volume.read("d/big")
        assert volume.read("d/small") == b"s"


def test_file_in_two_extents(tmp_path: Path) -> None:
    """Two records with one name, the first marked as not the last (ECMA-119 6.5.1)."""
    first, second = os.urandom(4096), os.urandom(100)
    image = make_iso(tmp_path, {"big.a": first, "big.b": second, "big.c": b"c"}, "-l")
    data = image.read_bytes()
    record = data.index(b"BIG.A;1") - 33
    patch(image, record + 25, bytes([data[record + 25] | 0x80]))
    with media.open_volumes(str(image)) as (volume,), pytest.raises(MediaError, match=r"without its last piece"):
        volume.read("big.c")
    replace_once(image, b"BIG.B;1", b"BIG.A;1")
    files = {"big.a": first + second, "big.c": b"c"}
    assert read_all(image, files) == files


def test_associated_file_is_no_file(tmp_path: Path) -> None:
    """It has the name of the file it belongs to, and comes before it."""
    image = make_iso(tmp_path, {"name.a": b"resource fork", "name.b": b"data"}, "-l")
    data = image.read_bytes()
    record = data.index(b"NAME.A;1") - 33
    patch(image, record + 25, bytes([data[record + 25] | 0x04]))
    replace_once(image, b"NAME.B;1", b"NAME.A;1")
    assert read_all(image, {"name.a": b""}) == {"name.a": b"data"}


def test_link_is_there_and_not_followed(tmp_path: Path) -> None:
    """Broken is not absent: a document that is a link is reported."""
    tree = write_tree(tmp_path / "tree", {"file": b"x"})
    (tree / "link").symlink_to("/etc/shadow")
    with media.open_volumes(str(make_iso_of(tree, tmp_path / "drive.iso", "-R"))) as (volume,):
        assert sorted(volume.names("") or ()) == ["file", "link"]
        with pytest.raises(MediaError, match=r"link: a symbolic link: not followed"):
            volume.read("link")


def test_directory_is_no_file(tmp_path: Path) -> None:
    """And says so."""
    image = make_iso(tmp_path, DRIVE, "-r")
    message = "openstack/latest: a directory, not a file"
    with media.open_volumes(str(image)) as (volume,), pytest.raises(MediaError, match=message):
        volume.read("openstack/latest")


def test_relocated_directories_do_no_harm(tmp_path: Path) -> None:
    """Rock Ridge moves what is deeper than eight levels; the rest stays readable."""
    deep = "/".join(str(level) for level in range(1, 11))
    image = make_iso(tmp_path, {f"{deep}/file": b"deep", "openstack/latest/user_data": b"here"}, "-R")
    with media.open_volumes(str(image)) as (volume,):
        assert volume.read("openstack/latest/user_data") == b"here"
        assert volume.names("1/2/3/4/5/6/7") == ("8",)
        with pytest.raises(MediaError, match=r"a relocated directory: not read"):
            volume.read("1/2/3/4/5/6/7/8")


def test_control_characters_never_come_out(tmp_path: Path) -> None:
    """Neither in a name nor in a label: both get into messages."""
    image = make_iso(tmp_path, {"name": b"x", "fine": b"y"}, "-R", "-V", "config-2")
    replace_once(image, b"NM\x09\1\0name", b"NM\x09\1\0n\nme")
    patch(image, 16 * 2048 + 40, b"conf\x1b[2J")
    with media.open_volumes(str(image)) as (volume,):
        assert (volume.labels, volume.names("")) == ((), ("fine",))
