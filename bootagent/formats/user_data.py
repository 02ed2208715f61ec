# SPDX-License-Identifier: Apache-2.0
"""User data: the scripts in it, and by name what else there is.

https://docs.cloud-init.io/en/latest/explanation/format.html has the kinds.  A script begins with ``#!``; it may be the
whole, or a part of a MIME message (RFC 2046), and either may be compressed by gzip (RFC 1952).  No message ever holds
what a part says, which may be secret: it names the part and its kind.
"""

from __future__ import annotations

import email
import zlib
from email.errors import CloseBoundaryNotFoundDefect

from bootagent.formats.base64text import parse_base64
from bootagent.formats.report import Report
from bootagent.model.values import shown
from bootagent.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from email.message import Message

    from bootagent.model.instance import Problem

DOCUMENT = "user data"
MAX_BYTES = 1 << 20  # before and after decompression; of all scripts together
MAX_MEMBERS = 64  # of one gzip file
MAX_PARTS = 256
# The standard library's parser takes time with the levels for each line, and memory for each part.
MAX_NESTING = 16
MAX_DELIMITERS = 1 << 14  # lines that may end a part: those that begin with two hyphens

GZIP = b"\x1f\x8b"
SCRIPT = b"#!"
SCRIPT_TYPES = ("text/x-shellscript", "text/x-shellscript-per-instance")
# Their first bytes say what they are, as those of a whole that is no message do.
ANY_TYPES = ("text/plain", "application/octet-stream", "application/gzip", "application/x-gzip")
ENCODINGS = ("", "7bit", "8bit", "binary", "quoted-printable", "base64")
# Others that are known by their first line; the longer of two names first.
KINDS = (
    *("#cloud-config-archive", "#cloud-config-jsonp", "#cloud-config", "#cloud-boothook", "#include-once", "#include"),
    *("#part-handler", "#upstart-job", "## template: jinja", "#ps1", "<powershell>", "rem cmd"),
)
_NAME_CHARS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.")


class Script(Record):
    """One script, or what may be one."""

    content: bytes
    number: int = 0  # of the part, from 1; 0: the whole
    name: str = ""  # that the part has, made fit for a file's

    @property
    def title(self) -> str:
        """What it is called in messages."""
        if not self.number:
            return DOCUMENT
        return f"{DOCUMENT}: part {self.number}" + (f" ({self.name})" if self.name else "")


def parse_user_data(data: bytes) -> tuple[tuple[Script, ...], tuple[Problem, ...]]:
    """The scripts in their order, and a problem for whatever else there is: one of a part costs only that part."""
    report = Report()
    try:
        data = _unpack(data)
        parts = _split(data) if _is_message(data) else None
    except ValueError as error:
        report.error(DOCUMENT, str(error))
        return (), report.problems()
    scripts: list[Script] = []
    if parts is None:
        _take(Script(data), "", scripts, report)
    else:
        for number, part in enumerate(parts, 1):
            _take_part(number, part, scripts, report)
    return tuple(scripts), report.problems()


def _take_part(number: int, part: Message, scripts: list[Script], report: Report) -> None:
    script = Script(b"", number)
    try:
        script = script._replace(name=_name(part))
        script = script._replace(content=_unpack(_decode(part)))
        kind = part.get_content_type()
    except ValueError as error:
        report.error(script.title, str(error))
    else:
        _take(script, kind, scripts, report)


def _take(script: Script, kind: str, scripts: list[Script], report: Report) -> None:
    """Add it to the scripts if it is one; ``kind`` is the type that a part says it has."""
    content = script.content
    if kind and kind not in SCRIPT_TYPES and kind not in ANY_TYPES:
        report.warning(script.title, f"{shown(kind)} is not handled")
    elif not content.strip(b"\0\t\r\n "):
        report.info(script.title, "empty")
    elif not content.startswith(SCRIPT):
        report.warning(script.title, f"{_kind_of(content)} is not handled")
    elif sum(len(other.content) for other in scripts) + len(content) > MAX_BYTES:
        report.error(script.title, f"more than {MAX_BYTES} bytes with those before it")
    else:
        scripts.append(script)


def _kind_of(content: bytes) -> str:
    """What it is by its first line, as one of our own words."""
    head = content[:32].lower()
    return next((kind for kind in KINDS if head.startswith(kind.encode())), "what is no script and of no known kind")


def _unpack(data: bytes) -> bytes:
    """The bytes that it is, or that it holds compressed; ``ValueError`` where they are too many or broken."""
    if len(data) > MAX_BYTES:
        raise ValueError(f"more than {MAX_BYTES} bytes")
    if not data.startswith(GZIP):
        return data
    members: list[bytes] = []
    left = MAX_BYTES
    while data.startswith(GZIP):
        inflate = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)  # 16: with the head of gzip
        try:
            members.append(inflate.decompress(data, left + 1))
        except zlib.error:
            raise ValueError("gzip that is broken") from None
        left -= len(members[-1])
        if left < 0 or len(members) > MAX_MEMBERS:
            raise ValueError(f"gzip of more than {MAX_BYTES} bytes or {MAX_MEMBERS} members")
        if not inflate.eof:
            raise ValueError("gzip that is cut short")
        data = inflate.unused_data
    return b"".join(members)


def _is_message(data: bytes) -> bool:
    """Whether its first lines are headers of MIME (RFC 2045)."""
    if data.startswith(b"#"):
        return False
    for line in data[:4096].lower().splitlines():
        if line.startswith((b"content-type:", b"mime-version:")):
            return True
        if not line.strip():
            break
    return False


def _split(data: bytes) -> list[Message]:
    """The parts of a message, nested ones in their place; ``ValueError`` where it has none or too many."""
    if data.lower().count(b"multipart/") > MAX_NESTING or data.count(b"\n--") > MAX_DELIMITERS:
        raise ValueError(f"more than {MAX_NESTING} multiparts or {MAX_DELIMITERS} lines that begin with --")
    try:
        parts = list(email.message_from_bytes(data).walk())
    except RecursionError:
        raise ValueError("messages nested too deep") from None
    # The last part would be run in half.
    if any(isinstance(defect, CloseBoundaryNotFoundDefect) for part in parts for defect in part.defects):
        raise ValueError("a multipart that is cut short")
    leaves = [part for part in parts if not part.is_multipart()]
    if len(leaves) > MAX_PARTS:
        raise ValueError(f"more than {MAX_PARTS} parts")
    return leaves


def _name(part: Message) -> str:
    try:
        name = part.get_filename("")
    except (LookupError, TypeError, ValueError):  # RFC 2231 has many ways to be wrong
        return ""
    return "".join(char if char in _NAME_CHARS else "_" for char in name[:64])


def _decode(part: Message) -> bytes:
    """The bytes of a part; ``ValueError`` where they are not what its encoding says (RFC 2045 6)."""
    encoding = str(part.get("content-transfer-encoding", "")).strip().lower()
    if encoding not in ENCODINGS:
        raise ValueError(f"transfer encoding {shown(encoding)}")
    if encoding == "base64":  # email's own decoder takes anything
        return parse_base64(str(part.get_payload()).encode("ascii", "replace"))
    content = part.get_payload(decode=True)
    return content if isinstance(content, bytes) else b""
