# SPDX-License-Identifier: Apache-2.0
"""Text that is JSON or YAML as plain values: dict with text as keys, list, text, whole number, boolean and None.

Source: https://yaml.org/spec/1.1/.  JSON goes to the JSON parser; the rest becomes PyYAML's events, of which nothing is
made but those values, bounded in size, number and depth, aliases counted as what they stand for.

No text of the document is in a message: after ``password: `` an asterisk and an exclamation mark make an alias and a
type of what is a secret.

A plain scalar is no text only in the usual spelling of a boolean, a whole number or null: YAML 1.1 sees a number to
the base of sixty in the address 52:54:00:12:34:56 and a date in 2026-01-31, where a cloud means text.
"""

from __future__ import annotations

from bootagent.errors import DocumentError
from bootagent.formats.openstack import BOM, MAX_NESTING, parse_json
from bootagent.libraries import load_library

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

# PyYAML without its part in C takes up to a second for so much; 512 NICs with two subnets each need half of both.
MAX_TEXT = 1 << 18  # bytes
MAX_NODES = 1 << 15  # scalars and containers

_WORDS = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON"), True),
    **dict.fromkeys(("false", "False", "FALSE", "no", "No", "NO", "off", "Off", "OFF"), False),
}
_TAG = "tag:yaml.org,2002:"
_PLAIN_TAGS = (None, *(_TAG + kind for kind in ("bool", "int", "null")))
_TAGS = (*_PLAIN_TAGS, "!", *(_TAG + kind for kind in ("str", "float", "map", "seq")))


def parse_text(document: str, data: bytes) -> object:
    """The value of a document; None where it is empty; ``DocumentError`` where it has none."""
    if not data.strip():
        return None
    wrong = None
    if data.lstrip()[:1] in (b"{", b"["):
        try:
            return parse_json(document, data)
        except DocumentError as error:
            wrong = error  # or it is YAML with braces
    try:
        yaml = load_library("yaml")
    except ImportError:
        raise wrong or DocumentError(document, "", "YAML, not read: PyYAML is not installed") from None
    return _parse_yaml(document, data, yaml)


def _parse_yaml(document: str, data: bytes, yaml: Any) -> object:
    if len(data) > MAX_TEXT:
        raise DocumentError(document, "", f"more than {MAX_TEXT} bytes")
    try:
        text = data.rstrip(b"\0").removeprefix(BOM).decode("utf-8")
        events = yaml.parse(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
        return _Builder(document, yaml).build(events)
    except UnicodeDecodeError as error:
        raise DocumentError(document, f"byte {error.start}", "not UTF-8") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        raise DocumentError(document, f"line {mark.line + 1}" if mark else "", "not YAML") from None


class _Container:
    """A list or a mapping that is not complete yet."""

    __slots__ = ("anchor", "height", "key", "start", "value")

    def __init__(self, value: list[Any] | dict[str, Any], anchor: str | None, start: int) -> None:
        self.value = value
        self.anchor = anchor
        self.start = start  # how many nodes there were before it
        self.height = 1  # containers on the longest way down, itself included
        self.key: str | None = None  # of a mapping, where the value is still to come


class _Builder:
    """Makes a value of events; each node costs the same, also one that an alias repeats."""

    def __init__(self, document: str, yaml: Any) -> None:
        self._document = document
        self._yaml = yaml
        self._open: list[_Container] = []
        self._anchors: dict[str, tuple[object, int, int]] = {}  # the value, its nodes, its height
        self._nodes = 0
        self._result: list[object] = []

    def build(self, events: Iterable[Any]) -> object:
        """The value of the one document in the stream; None where there is none."""
        for event in events:
            where = f"line {event.start_mark.line + 1}"
            if isinstance(event, self._yaml.ScalarEvent):
                self._count(1, 0, where)
                self._add_scalar(event, where)
            elif isinstance(event, self._yaml.AliasEvent):
                self._add_alias(event.anchor, where)
            elif isinstance(event, (self._yaml.MappingStartEvent, self._yaml.SequenceStartEvent)):
                self._count(1, 1, where)
                self._start(event, where)
            elif isinstance(event, (self._yaml.MappingEndEvent, self._yaml.SequenceEndEvent)):
                self._end(where)
        return self._result[0] if self._result else None

    def _wrong(self, where: str, message: str) -> DocumentError:
        return DocumentError(self._document, where, message)

    def _count(self, nodes: int, height: int, where: str) -> None:
        self._nodes += nodes
        if self._nodes > MAX_NODES:
            raise self._wrong(where, f"more than {MAX_NODES} values")
        if len(self._open) + height > MAX_NESTING:
            raise self._wrong(where, "nested too deep")

    def _check_tag(self, tag: str | None, where: str) -> None:
        if tag not in _TAGS:
            raise self._wrong(where, "a type that is not plain data")

    def _add_scalar(self, event: Any, where: str) -> None:
        self._check_tag(event.tag, where)
        text: str = event.value
        value: object = text
        if event.tag in _PLAIN_TAGS and (event.tag is not None or event.implicit[0]):
            value = _WORDS[text] if text in _WORDS else _whole_number(text)
        if self._wants_key():
            value = text  # a key is its text, as in JSON
        if event.anchor is not None:
            self._anchors[event.anchor] = (value, 1, 0)
        self._place(value, 0, where)

    def _add_alias(self, anchor: str, where: str) -> None:
        if anchor not in self._anchors:  # also one that stands inside of what it names
            raise self._wrong(where, "an alias of nothing")
        value, nodes, height = self._anchors[anchor]
        self._count(nodes, height, where)
        self._place(value, height, where)

    def _start(self, event: Any, where: str) -> None:
        self._check_tag(event.tag, where)
        if self._wants_key():
            raise self._wrong(where, "a key that is no text")
        value: list[Any] | dict[str, Any] = {} if isinstance(event, self._yaml.MappingStartEvent) else []
        self._open.append(_Container(value, event.anchor, self._nodes - 1))

    def _end(self, where: str) -> None:
        done = self._open.pop()
        if done.anchor is not None:
            self._anchors[done.anchor] = (done.value, self._nodes - done.start, done.height)
        self._place(done.value, done.height, where)

    def _wants_key(self) -> bool:
        return bool(self._open) and isinstance(self._open[-1].value, dict) and self._open[-1].key is None

    def _place(self, value: object, height: int, where: str) -> None:
        """Put a complete value where it belongs."""
        if not self._open:
            if self._result:
                raise self._wrong(where, "more than one document")
            self._result.append(value)
            return
        parent = self._open[-1]
        parent.height = max(parent.height, height + 1)
        if isinstance(parent.value, list):
            parent.value.append(value)
        elif parent.key is not None:
            parent.value[parent.key] = value
            parent.key = None
        elif isinstance(value, str):
            parent.key = value
        else:
            raise self._wrong(where, "a key that is no text")


def _whole_number(text: str) -> int | str:
    """A number of at most ten decimal digits; what else there is of numbers in YAML stays text."""
    digits = text.removeprefix("-")
    if len(digits) <= 10 and digits.isascii() and digits.isdecimal() and (digits[0] != "0" or digits == "0"):
        return int(text)
    return text
