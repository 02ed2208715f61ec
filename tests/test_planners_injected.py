# SPDX-License-Identifier: Apache-2.0
"""Injected files: where they may be, whose they are from then on, and what bytes they may have."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootagent.cli import main
from bootagent.formats.injected import MAX_BYTES, MAX_FILES
from bootagent.formats.openstack import injected_paths, parse_documents
from bootagent.model.values import FilePath
from bootagent.planners.injected import PLACES
from bootagent.state import STATUS
from tests.images import write_tree

if TYPE_CHECKING:
    from tests.conftest import MachineDirectory

CHECKOUT = Path(__file__).resolve().parent.parent
BINARY = bytes(range(256)) * 3


def parse(files: object, **contents: bytes) -> tuple[dict[str, bytes] | None, list[str]]:
    """The files of a meta_data.json, content_0000 being what is at /content/0000; and the problems."""
    documents = {name.replace("content_", "/content/"): content for name, content in contents.items()}
    documents["meta_data.json"] = json.dumps({"uuid": "id-1", "files": files}).encode()
    instance = parse_documents(documents)
    found = {str(file.path): file.content.encode("utf-8", "surrogateescape") for file in instance.files or ()}
    problems = [f"{problem.severity} {problem.where}" for problem in instance.problems]
    return (None if instance.files is None else dict(found)), problems


def entry(path: object, content: object = "/content/0000") -> dict[str, object]:
    return {"path": path, "content_path": content}


def test_what_the_documents_say() -> None:
    assert parse(None) == (None, [])
    assert parse([]) == ({}, [])
    assert parse([entry("/etc/a"), entry("/etc/b")], content_0000=BINARY) == ({"/etc/a": BINARY, "/etc/b": BINARY}, [])
    assert parse_documents({"meta_data.json": b"{}"}).files is None


@pytest.mark.parametrize(
    "path",
    [
        *("etc/x", "", "/", "//etc/x", "/etc//x", "/etc/x/", "/etc/./x", "/etc/../x", "/etc/x/..", "/.."),
        *("/etc/x\n", "/etc/\0x", "/etc/\ud800", "/etc/\u202ex", f"/etc/{'x' * 241}", f"/etc{'/x' * 600}"),
        *(None, 5, ["/etc/x"], {"a": "b"}, True),
    ],
)
def test_a_path_that_is_not_plain_costs_only_its_file(path: object) -> None:
    found, problems = parse([entry(path), entry("/etc/sound")], content_0000=b"x")
    assert (found, problems) == ({"/etc/sound": b"x"}, ["error meta_data.json: files[0].path"])


@pytest.mark.parametrize("content", ["/content/0001", "/content/../x", "content/0000", "/etc/shadow", None, 7, ""])
def test_a_content_that_is_not_there_costs_only_its_file(content: object) -> None:
    found, problems = parse([entry("/etc/x", content), entry("/etc/sound")], content_0000=b"x")
    assert (found, problems) == ({"/etc/sound": b"x"}, ["error meta_data.json: files[0].content_path"])


@pytest.mark.parametrize("value", ["x", 5, {"/etc/x": "y"}, True])
def test_what_is_no_list_says_nothing(value: object) -> None:
    assert parse(value) == (None, ["warning meta_data.json: files"])


def test_bounds_are_reported_and_what_is_within_them_is_taken() -> None:
    found, problems = parse([entry(f"/etc/{number}") for number in range(MAX_FILES + 2)], content_0000=b"")
    assert (len(found or {}), problems) == (MAX_FILES, ["error meta_data.json: files"])
    half = bytes(MAX_BYTES // 2)
    found, problems = parse([entry(f"/etc/{number}") for number in range(4)], content_0000=half)
    assert (list(found or {}), problems) == (["/etc/0", "/etc/1"], ["error meta_data.json: files[2]"])


def test_the_last_of_two_with_one_path_counts() -> None:
    found, problems = parse(
        [entry("/etc/x"), entry("/etc/x", "/content/0001")], content_0000=b"first", content_0001=b"last"
    )
    assert (found, problems) == ({"/etc/x": b"last"}, ["warning meta_data.json: files[0]"])


@pytest.mark.parametrize(
    "document", [b"", b"{", b'{"files": 5}', b'[{"files": 1}]', b'{"files": [5, {}, null]}', b"{}"]
)
def test_contents_are_named_by_sound_entries_only(document: bytes) -> None:
    assert injected_paths(document) == ()


def test_each_content_is_named_once() -> None:
    files = [entry("/a"), entry("/b", "/content/0001"), entry("/c")]
    assert injected_paths(json.dumps({"files": files}).encode()) == ("/content/0000", "/content/0001")


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=9),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(["path", "content_path", "x"]), inner, max_size=3)
        ),
    )
)
def test_any_value_gives_an_instance(value: Any) -> None:
    document = json.dumps({"files": value}).encode()
    instance = parse_documents({"meta_data.json": document, "/content/0000": b"x"})
    assert all(isinstance(file.path, FilePath) for file in instance.files or ())
    assert isinstance(injected_paths(document), tuple)


class Injecting:
    """A machine, and a drive that injects files."""

    def __init__(self, machine: MachineDirectory, path: Path) -> None:
        self.machine = machine
        self.path = path

    def boot(self, files: dict[str, bytes] | None, identity: str = "id-1", *more: str) -> list[str]:
        """Boot with these; what is reported, without the notes."""
        meta: dict[str, object] = {"uuid": identity, "hostname": "web"}
        tree = {}
        if files is not None:
            meta["files"] = [entry(path, f"/content/{number:04}") for number, path in enumerate(files)]
            tree = {f"openstack/content/{number:04}": content for number, content in enumerate(files.values())}
        tree["openstack/latest/meta_data.json"] = json.dumps(meta).encode()
        write_tree(self.path, tree)
        assert main(["apply", "--root", str(self.machine), "--drive", str(self.path), *more]) == 0
        problems = json.loads(self.machine.read(STATUS))["problems"]
        return [f"{item['severity']} {item['where']}" for item in problems if item["severity"] != "info"]

    def content(self, path: str) -> bytes:
        return (self.machine.path / path.lstrip("/")).read_bytes()


@pytest.fixture
def injecting(machine: MachineDirectory, tmp_path: Path) -> Injecting:
    machine.enable("systemd-networkd.service")
    machine.write("/etc/hosts", "127.0.0.1 localhost\n")
    return Injecting(machine, tmp_path / "drive")


def test_they_are_written_byte_for_byte_and_for_root_alone(injecting: Injecting) -> None:
    files = {"/etc/new/x": BINARY, "/root/y": b"", "/home/ann/z": b"z", "/var/lib/app/a b": b"\r\n", "/etc/motd": b"m"}
    injecting.machine.write("/etc/motd", "of the image")
    assert injecting.boot(files) == []
    for path, content in files.items():
        assert injecting.content(path) == content
        status = (injecting.machine.path / path.lstrip("/")).stat()
        assert (status.st_mode & 0o7777, status.st_uid, status.st_gid) == (0o600, 0, 0)


def test_other_places_and_our_own_files_are_refused_and_the_boot_goes_on(injecting: Injecting) -> None:
    refused = [
        *("/proc/sys/kernel/x", "/sys/x", "/dev/x", "/run/x", "/usr/bin/x", "/boot/x", "/tmp/x", "/x", "/etcetera"),
        *("/etc/hosts", "/etc/hostname", "/etc/bootagent.yaml", "/var/lib/bootagent/manifest.json"),
        "/etc/systemd/network/90-bootagent-unlisted.network",
    ]
    files = dict.fromkeys(refused, b"injected")
    problems = injecting.boot({**files, "/etc/sound": b"x"})
    assert problems == [f"error meta_data.json: files[{number}]" for number in range(len(refused))]
    assert injecting.content("/etc/sound") == b"x"
    assert injecting.content("/etc/hostname") == b"web\n"
    for path in refused:
        assert not injecting.machine.has(path) or injecting.content(path) != b"injected"


def test_a_path_that_an_earlier_boot_wrote_for_another_reason_is_ours_too(injecting: Injecting) -> None:
    injecting.boot({})
    assert injecting.boot({"/etc/hostname": b"x"}, "id-1") == ["error meta_data.json: files[0]"]
    injecting.machine.write("/etc/bootagent.yaml", "hostname: keep\n")
    assert injecting.boot({"/etc/hostname": b"x"}, "id-1") == ["error meta_data.json: files[0]"]


def test_what_a_person_edited_is_theirs(injecting: Injecting) -> None:
    injecting.boot({"/etc/x": b"1"})
    injecting.machine.write("/etc/x", "mine", 0o600)
    assert injecting.boot({"/etc/x": b"2"}) == ["warning /etc/x"]
    assert injecting.content("/etc/x") == b"mine"


def test_they_go_with_their_instance_or_when_there_are_none_and_not_by_silence(injecting: Injecting) -> None:
    injecting.boot({"/etc/x": b"1", "/etc/y": b"1"})
    assert injecting.boot(None) == []
    assert (injecting.content("/etc/x"), injecting.content("/etc/y")) == (b"1", b"1")
    assert injecting.boot({"/etc/y": b"2"}) == []
    assert not injecting.machine.has("/etc/x")
    assert injecting.content("/etc/y") == b"2"
    assert injecting.boot(None, "id-2") == []
    assert not injecting.machine.has("/etc/y")
    injecting.boot({"/etc/y": b"3"}, "id-2")
    injecting.boot({}, "id-2")
    assert not injecting.machine.has("/etc/y")


def test_a_directory_in_the_way_costs_only_that_file(injecting: Injecting) -> None:
    (injecting.machine.path / "etc/dir").mkdir()
    assert injecting.boot({"/etc/dir": b"1", "/etc/hosts/x": b"2", "/etc/z": b"3"}) == [
        "error /etc/dir",
        "error /etc/hosts/x",
    ]
    assert injecting.content("/etc/z") == b"3"
    assert sorted(path.name for path in (injecting.machine.path / "etc").iterdir() if path.name[0] == ".") == []


def test_the_places_are_those_that_the_unit_may_write_to() -> None:
    unit = (CHECKOUT / "systemd/bootagent.service").read_text()
    match = re.search("^ReadWritePaths=(/etc .*)$", unit, re.MULTILINE)
    assert match
    writable = {f"{path.lstrip('-')}/" for path in match[1].split()}
    assert set(PLACES) == writable - {"/run/"}


def test_contents_beyond_the_bounds_are_not_even_read(injecting: Injecting) -> None:
    """A drive of a hundred large files costs no more memory than two of them."""
    half = bytes(MAX_BYTES // 2 + 1)
    problems = injecting.boot({f"/etc/x{number}": half for number in range(5)})
    assert problems == ["error meta_data.json: files[1]"]
    assert injecting.content("/etc/x0") == half
    assert not injecting.machine.has("/etc/x1")
    problems = injecting.boot({"/etc/x": bytes(MAX_BYTES + 1), "/etc/z": b"z"}, "id-2")
    assert len(problems) == 2
    assert injecting.content("/etc/z") == b"z"
