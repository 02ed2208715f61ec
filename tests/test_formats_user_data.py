# SPDX-License-Identifier: Apache-2.0
"""User data as bytes: which scripts are in it, what is named and left, and that hostile bytes cost little."""

from __future__ import annotations

import base64
import email.mime.application
import email.mime.multipart
import email.mime.text
import gzip
import time
import zlib
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootagent.formats.user_data import MAX_BYTES, MAX_PARTS, parse_user_data

if TYPE_CHECKING:
    from email.message import Message

SCRIPT = b"#!/bin/sh\necho secret\n"


def scripts(data: bytes) -> list[tuple[int, str, bytes]]:
    """Number, name and content of each script, of data that has no problem."""
    found, problems = parse_user_data(data)
    assert problems == ()
    return [(script.number, script.name, script.content) for script in found]


def problems(data: bytes) -> list[str]:
    """The problems of data in which there is no script."""
    found, said = parse_user_data(data)
    assert found == ()
    assert "secret" not in str(said)
    return [f"{problem.severity} {problem}" for problem in said]


def message(*parts: Message, boundary: str = "==b==") -> Message:
    whole = email.mime.multipart.MIMEMultipart(boundary=boundary)
    for part in parts:
        whole.attach(part)
    return whole


def part(text: str = SCRIPT.decode(), kind: str = "x-shellscript", name: str = "") -> Message:
    made = email.mime.text.MIMEText(text, kind)
    if name:
        made.add_header("Content-Disposition", "attachment", filename=name)
    return made


def binary(content: bytes, kind: str = "octet-stream") -> Message:
    return email.mime.application.MIMEApplication(content, kind)


@pytest.mark.parametrize("content", [SCRIPT, b"#!/usr/bin/python3\nprint('\xff\0')", b"#! /bin/sh\r\n"])
def test_a_script_is_taken_byte_for_byte(content: bytes) -> None:
    assert scripts(content) == [(0, "", content)]
    assert scripts(gzip.compress(content)) == [(0, "", content)]
    assert scripts(gzip.compress(content[:9]) + gzip.compress(content[9:]) + b"\0\0") == [(0, "", content)]


def test_nothing_in_it_is_no_problem() -> None:
    for empty in (b"", b"\n", b"\0" * 512, gzip.compress(b"")):
        assert parse_user_data(empty)[0] == ()
        assert {problem.severity for problem in parse_user_data(empty)[1]} <= {"info"}


def test_the_parts_of_a_message_in_their_order() -> None:
    second = b"#!/bin/sh\n# \xc3\xa4 \xff\n"
    whole = message(
        part(name="first.sh"),
        message(binary(second), part(kind="plain"), boundary="==c=="),
        binary(gzip.compress(SCRIPT)),
    )
    expected = [(1, "first.sh", SCRIPT), (2, "", second), (3, "", SCRIPT), (4, "", SCRIPT)]
    assert scripts(whole.as_bytes()) == expected
    assert scripts(gzip.compress(whole.as_bytes())) == expected


def test_a_message_with_lines_of_windows_and_one_part() -> None:
    head = b"MIME-Version: 1.0\r\nContent-Type: text/x-shellscript\r\nContent-Transfer-Encoding: %s\r\n\r\n"
    assert scripts(head % b"8bit" + b"#!/bin/sh\r\necho \xff\r\n") == [(1, "", b"#!/bin/sh\r\necho \xff\r\n")]
    assert scripts(head % b"quoted-printable" + b"#!/bin/sh=0Aecho =FF=\r\n") == [(1, "", b"#!/bin/sh\necho \xff")]
    assert scripts(head % b"BASE64 " + base64.encodebytes(SCRIPT)) == [(1, "", SCRIPT)]


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"#cloud-config\npassword: secret\n", "#cloud-config"),
        (b"#cloud-config-archive\n- secret\n", "#cloud-config-archive"),
        (b"#cloud-boothook\n#!/bin/sh\nsecret\n", "#cloud-boothook"),
        (b"#include\nhttp://secret.example/\n", "#include"),
        (b"#include-once\nhttp://secret.example/\n", "#include-once"),
        (b"#part-handler\nsecret\n", "#part-handler"),
        (b"## template: jinja\n#!/bin/sh\necho {{ secret }}\n", "## template: jinja"),
        (b"<powershell>\nsecret\n</powershell>", "<powershell>"),
        (b'{"ignition": "secret"}', "what is no script and of no known kind"),
        (b"secret", "what is no script and of no known kind"),
        (b"\xef\xbb\xbf#!/bin/sh\nsecret\n", "what is no script and of no known kind"),
        (b" #!/bin/sh\nsecret\n", "what is no script and of no known kind"),
    ],
)
def test_whatever_else_is_named(content: bytes, kind: str) -> None:
    assert problems(content) == [f"warning user data: {kind} is not handled"]
    whole = message(binary(content)).as_bytes()
    assert problems(whole) == [f"warning user data: part 1: {kind} is not handled"]


@pytest.mark.parametrize("kind", ["cloud-config", "x-shellscript-per-boot", "x-include-url", "jinja2"])
def test_a_type_that_is_not_ours_is_named_whatever_the_part_begins_with(kind: str) -> None:
    whole = message(part(kind=kind, name="../x y;.yaml")).as_bytes()
    assert problems(whole) == [f"warning user data: part 1 (.._x_y_.yaml): 'text/{kind}' is not handled"]


def test_one_part_that_is_broken_costs_only_that_part() -> None:
    whole = message(part(name="a"), part(name="b"), part(name="c")).as_bytes()
    whole = whole.replace(
        b'Content-Transfer-Encoding: 7bit\nContent-Disposition: attachment; filename="b"',
        b'Content-Transfer-Encoding: base64\nContent-Disposition: attachment; filename="b"',
    )
    found, said = parse_user_data(whole)
    assert [script.name for script in found] == ["a", "c"]
    assert [f"{problem.severity} {problem}" for problem in said] == ["error user data: part 2 (b): not base64"]


def test_an_encoding_that_nobody_knows() -> None:
    head = b"Content-Type: text/x-shellscript\nContent-Transfer-Encoding: x-uuencode\n\n"
    assert problems(head + SCRIPT) == ["error user data: part 1: transfer encoding 'x-uuencode'"]


def test_what_is_cut_short_is_not_run_in_half() -> None:
    whole = message(part(name="a"), part(name="b")).as_bytes()
    assert problems(whole[: whole.index(b"secret") + 3]) == ["error user data: a multipart that is cut short"]
    assert problems(gzip.compress(SCRIPT)[:-1]) == ["error user data: gzip that is cut short"]
    assert problems(gzip.compress(SCRIPT)[:5]) == ["error user data: gzip that is cut short"]


def test_gzip_whose_checksum_is_wrong() -> None:
    data = bytearray(gzip.compress(SCRIPT))
    data[-5] ^= 1
    assert problems(bytes(data)) == ["error user data: gzip that is broken"]


def bomb(size: int) -> bytes:
    """So many zeros, a thousandth of it."""
    deflate = zlib.compressobj(9, zlib.DEFLATED, 31)
    return b"".join(deflate.compress(bytes(1 << 20)) for _ in range(size >> 20)) + deflate.flush()


def nested(levels: int) -> bytes:
    """A multipart in a multipart, and so on, with lines as short as can be in the last one."""
    heads = (f'Content-Type: multipart/mixed; boundary="{level}"\n\n--{level}\n' for level in range(levels))
    return "".join(heads).encode() + b"\n" * (MAX_BYTES - 60 * levels)


LONG = b"b" * 500_000
HOSTILE = {
    "a gzip bomb": bomb(512 << 20),
    "many gzip bombs": message(*[binary(bomb(64 << 20)) for _ in range(8)]).as_bytes(),
    "gzip of nothing, again and again": gzip.compress(b"") * (MAX_BYTES // 20),
    "gzip in gzip": gzip.compress(gzip.compress(SCRIPT)),
    "too many bytes": SCRIPT + bytes(MAX_BYTES),
    "multiparts as deep as we let them": nested(16),
    "multiparts deeper than that": nested(17),
    "multiparts as deep as can be": nested(10000),
    "messages in messages": b"Content-Type: message/rfc822\n\n" * (MAX_BYTES // 30),
    "parts without an end": b"Content-Type: multipart/mixed; boundary=b\n\n" + b"--b\n\n" * (MAX_BYTES // 6),
    "parts up to where we look": b"Content-Type: multipart/mixed; boundary=b\n\n" + b"--b\n\n" * 16000 + b"--b--\n",
    "a head without an end": b"Content-Type: multipart/mixed;\n boundary=b\n" + b" x\n" * (MAX_BYTES // 4),
    "a boundary that is not there": b"Content-Type: multipart/mixed\n\n" + SCRIPT,
    "a boundary as long as can be": b"Content-Type: multipart/mixed; boundary=%s\n\n--%s" % (LONG, LONG),
    "encoded words as names": b"Content-Type: text/plain; name*0*=utf-8''%ff; name*2=" + b"=?x?q?=" * 1000 + b"\n\nx",
}  # fmt: skip


@pytest.mark.parametrize("data", HOSTILE.values(), ids=HOSTILE)
def test_hostile_bytes_end_soon_and_run_nothing(data: bytes) -> None:
    started = time.process_time()
    assert problems(data[: 2 * MAX_BYTES])
    assert time.process_time() - started < 20


def test_as_many_parts_as_there_may_be() -> None:
    short = [binary(b"#!" + str(number).encode()) for number in range(MAX_PARTS)]
    assert [number for number, _, _ in scripts(message(*short).as_bytes())] == list(range(1, MAX_PARTS + 1))
    assert problems(message(*short, part()).as_bytes()) == [f"error user data: more than {MAX_PARTS} parts"]


def test_all_scripts_together_are_bounded() -> None:
    large = gzip.compress(b"#!" + bytes(MAX_BYTES // 2))
    found, said = parse_user_data(message(binary(large), binary(large), part()).as_bytes())
    assert [script.number for script in found] == [1, 3]
    assert [problem.where for problem in said] == ["user data: part 2"]


@given(
    st.binary(max_size=200)
    | st.binary(max_size=200).map(lambda data: b"Content-Type: multipart/mixed; boundary=b\n" + data)
)
def test_any_bytes_give_scripts_or_problems(data: bytes) -> None:
    found, _ = parse_user_data(data)
    assert all(script.content.startswith(b"#!") for script in found)


LINES = [
    *(b"--b", b"--b--", b"--c", b"--c--", b"", b"#!/bin/sh", b"#cloud-config", b"IyEv", b"=", b"\xff\0", b" x"),
    *(b"Content-Type: multipart/mixed; boundary=b", b"Content-Type: multipart/digest; boundary=c"),
    *(b"Content-Type: message/rfc822", b"Content-Type: text/x-shellscript", b"Content-Type: message/delivery-status"),
    *(b"Content-Type: text/plain; name*=x'y'%zz", b"Content-Disposition: attachment; filename*0*=utf-8''%41; filename"),
    *(b"Content-Transfer-Encoding: base64", b"Content-Transfer-Encoding: quoted-printable", b"MIME-Version: 1.0"),
    *(b"Content-Type: text/plain; charset=\xff", b"Content-Type: application/gzip", b"From x", b": x", b"\r"),
]


@given(st.lists(st.sampled_from(LINES), max_size=24))
def test_any_lines_of_mime_give_scripts_or_problems(lines: list[bytes]) -> None:
    found, _ = parse_user_data(b"MIME-Version: 1.0\n" + b"\n".join(lines))
    assert all(script.content.startswith(b"#!") for script in found)
    assert len({script.number for script in found}) == len(found)
