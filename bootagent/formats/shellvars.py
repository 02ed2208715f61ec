# SPDX-License-Identifier: Apache-2.0
"""Assignments in the language of a shell, of which nothing is run: names, and values that are plain or quoted.

Source: XCU 2.2, "Quoting", https://pubs.opengroup.org/onlinepubs/9799919799/utilities/V3_chap02.html.  What a shell
would expand or run is refused: the assignment is left out, the others count.
"""

from __future__ import annotations

from bootagent.model.values import shown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from bootagent.formats.report import Report

MAX_VARIABLES = 1 << 14  # 512 NICs have some 30 each

_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_")
_NAME = _LETTERS | frozenset("0123456789")
_PLAIN = _NAME | frozenset("%+,-./:=@^")  # what a shell takes as it is, wherever it stands in a value
_ESCAPED = frozenset('$`"\\\n')  # what a backslash quotes between double quotes


class _OpenError(ValueError):
    """Quotes without an end."""


def parse_assignments(text: str, document: str, report: Report) -> dict[str, str]:
    """The variables by name, of two of one name the last; what is no assignment is reported with its line."""
    found: dict[str, str] = {}
    position, number = 0, 1
    while position < len(text):
        start = position
        try:
            name, value, position = _assignment(text, position)
        except ValueError as error:
            report.error(f"{document}: line {number}", str(error))
            # Behind quotes that are not closed nothing can be told from what they hold.
            position = len(text) if isinstance(error, _OpenError) else _end_of_line(text, start)
        else:
            if len(found) >= MAX_VARIABLES and name not in found:
                report.error(f"{document}: line {number}", f"more than {MAX_VARIABLES} variables, the rest left out")
                break
            if name:
                found[name] = value
        number += text.count("\n", start, position)
    return found


def _end_of_line(text: str, position: int) -> int:
    end = text.find("\n", position)
    return len(text) if end < 0 else end + 1


def _assignment(text: str, position: int) -> tuple[str, str, int]:
    """Name, value and where the next line begins; no name for a line that is empty or a comment."""
    while text[position : position + 1] in (" ", "\t"):
        position += 1
    if text[position : position + 1] in ("", "\n", "#"):
        return "", "", _end_of_line(text, position)
    if text.startswith("export ", position):
        position += len("export ")
    start = position
    while position < len(text) and text[position] in _NAME:
        position += 1
    name = text[start:position]
    if not name or name[0] not in _LETTERS or text[position : position + 1] != "=":
        raise ValueError("not an assignment")
    value, position = _value(text, position + 1, name)
    rest = text[position : _end_of_line(text, position)]
    if rest.strip() and not (rest[0] in " \t" and rest.lstrip(" \t").startswith("#")):
        raise ValueError(f"{shown(name)} is followed by what is not of its value")
    return name, value, position + len(rest)


def _value(text: str, position: int, name: str) -> tuple[str, int]:
    """The value that begins there, and where it ends: pieces in quotes of both kinds and without, side by side."""
    pieces: list[str] = []
    while position < len(text):
        char = text[position]
        if char == "'":
            end = text.find("'", position + 1)
            if end < 0:
                raise _OpenError(f"the quotes of {shown(name)} are not closed")
            pieces.append(text[position + 1 : end])
            position = end + 1
        elif char == '"':
            piece, position = _double(text, position + 1, name)
            pieces.append(piece)
        elif char == "\\" and position + 1 < len(text):
            pieces.append("" if text[position + 1] == "\n" else text[position + 1])
            position += 2
        elif char in _PLAIN:
            pieces.append(char)
            position += 1
        else:
            break
    return "".join(pieces), position


def _double(text: str, position: int, name: str) -> tuple[str, int]:
    pieces: list[str] = []
    while position < len(text):
        char = text[position]
        if char == '"':
            return "".join(pieces), position + 1
        if char in "$`":
            raise ValueError(f"{shown(name)} is what a shell would make of it: not used")
        if char == "\\" and text[position + 1 : position + 2] in _ESCAPED:
            position += 1
            char = "" if text[position] == "\n" else text[position]
        pieces.append(char)
        position += 1
    raise _OpenError(f"the quotes of {shown(name)} are not closed")
