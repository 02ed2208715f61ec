# SPDX-License-Identifier: Apache-2.0
"""JSON text (RFC 8259), read and written by the two parts of CPython's ``json`` that are in C, without the rest.

``json`` loads ``re`` and ``enum`` when it is imported, for its slow paths: as much CPU as a third of a bare start of
the interpreter.  ``tests/test_jsontext.py`` holds both functions to what ``json`` reads and writes.  Where the parts in
C are missing, ``json`` itself is used.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

MAX_DIGITS = 20  # of a number: none of ours is longer, and int() takes time with the square
_SPACE = " \t\n\r"


def _parse_int(digits: str) -> int:
    if len(digits) > MAX_DIGITS:
        raise ValueError(f"a number of more than {MAX_DIGITS} digits")
    return int(digits)


class _Decoder:
    """The attributes of json.JSONDecoder that the scanner in C asks for."""

    strict = True
    object_hook = None
    object_pairs_hook = None
    parse_float = float
    parse_int = staticmethod(_parse_int)
    parse_constant = {"NaN": float("nan"), "Infinity": float("inf"), "-Infinity": float("-inf")}.__getitem__


_scan: Callable[[str, int], tuple[Any, int]]
try:
    from _json import encode_basestring_ascii, make_scanner
except ImportError:
    from json import JSONDecoder
    from json.encoder import encode_basestring_ascii

    _scan = JSONDecoder(parse_int=_parse_int).scan_once  # type: ignore[attr-defined]
else:
    _scan = make_scanner(_Decoder())  # type: ignore[arg-type]


def parse_json_text(text: str) -> Any:
    """The value of the text; ``json.JSONDecodeError``, a ``ValueError``, where it is none.

    ``ValueError`` for a number of more than ``MAX_DIGITS`` digits, ``RecursionError`` for text nested too deep.
    """
    start = len(text) - len(text.lstrip(_SPACE))
    try:
        value, end = _scan(text, start)
    except StopIteration as error:
        raise _decode_error("Expecting value", text, error.value) from None
    except SystemError:  # its other errors are of a class that it finds, before Python 3.12, only where json is loaded
        __import__("json.decoder")
        value, end = _scan(text, start)
    rest = text[end:].lstrip(_SPACE)
    if rest:
        raise _decode_error("Extra data", text, len(text) - len(rest))
    return value


def _decode_error(message: str, text: str, position: int) -> ValueError:
    from json import JSONDecodeError

    return JSONDecodeError(message, text, position)


def format_json(value: object, indent: str = "\n") -> str:
    """The text of a value of dict, list, tuple, str, int, finite float, bool and None, one item a line.

    The same as ``json.dumps(value, indent=1)``; ``TypeError`` for a value of another type.
    """
    if isinstance(value, str):
        return encode_basestring_ascii(value)
    if value is None or value is True or value is False:
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, int):
        return int.__repr__(value)
    if isinstance(value, float):
        return float.__repr__(value)
    inner = indent + " "
    if isinstance(value, dict):
        items = [f"{encode_basestring_ascii(key)}: {format_json(item, inner)}" for key, item in value.items()]
        return f"{{{inner}{f',{inner}'.join(items)}{indent}}}" if items else "{}"
    if isinstance(value, (list, tuple)):
        items = [format_json(item, inner) for item in value]
        return f"[{inner}{f',{inner}'.join(items)}{indent}]" if items else "[]"
    raise TypeError(f"{type(value).__name__} is not JSON")
