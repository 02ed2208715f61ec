# SPDX-License-Identifier: Apache-2.0
"""Our reading and writing of JSON is that of the standard library, with its C parts and without them."""

from __future__ import annotations

import importlib
import json
import math
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bootagent import jsontext
from bootagent.jsontext import MAX_DIGITS, format_json, parse_json_text

if TYPE_CHECKING:
    from collections.abc import Callable

scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(10**18), 10**18)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
)
values = st.recursive(scalars, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=30)
nearly = st.text('{}[]",:0123456789.eE+-truefalsn \\u\n\t\x00é', max_size=40)


@given(values)
def test_what_is_written_is_what_the_library_writes(value: object) -> None:
    assert format_json(value) == json.dumps(value, indent=1)


@given(values, st.sampled_from((None, 2)), st.text(" \t\r\n", max_size=3))
def test_what_is_read_is_what_the_library_reads(value: object, indent: int | None, space: str) -> None:
    text = space + json.dumps(value, indent=indent) + space
    assert parse_json_text(text) == json.loads(text)


@given(nearly)
def test_what_is_no_json_is_refused_at_the_same_place(text: str) -> None:
    def outcome(parse: Callable[[str], Any]) -> object:
        try:
            return repr(parse(text))
        except json.JSONDecodeError as error:
            return str(error)

    assume(not re.search(r"\d{20}", text))  # a longer number is refused by us alone
    assert outcome(parse_json_text) == outcome(json.loads)


@pytest.mark.parametrize("text", ["", " ", "[1,]", '{"a" 1}', '"\n"', "[1] 2", "nul", '"\\x"', "\ufeff[]", "[" * 9])
def test_an_error_says_where(text: str) -> None:
    with pytest.raises(json.JSONDecodeError):
        parse_json_text(text)


def test_the_numbers_that_json_does_not_have() -> None:
    """Python's library reads and writes them; a document with one is not refused for it."""
    assert math.isnan(parse_json_text("[NaN]")[0])
    assert parse_json_text("[Infinity, -Infinity]") == [math.inf, -math.inf]


def test_a_number_is_bounded() -> None:
    assert parse_json_text("9" * MAX_DIGITS) == int("9" * MAX_DIGITS)
    with pytest.raises(ValueError, match=f"more than {MAX_DIGITS} digits"):
        parse_json_text("9" * (MAX_DIGITS + 1))


def test_a_tuple_is_a_list_and_an_object_is_refused() -> None:
    assert format_json((1, ())) == json.dumps((1, ()), indent=1)
    with pytest.raises(TypeError):
        format_json({"a": object()})


def test_an_interpreter_without_the_parts_in_c_reads_and_writes_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where ``_json`` is missing, ``json`` itself has its Python versions of both."""
    with monkeypatch.context() as patch:
        for name in [name for name in sys.modules if name == "json" or name.startswith("json.")]:
            patch.delitem(sys.modules, name)
        patch.setitem(sys.modules, "_json", None)
        slow = importlib.reload(jsontext)
        value = {"a": [1, 2.5, "é\n", None, True], "b": {}}
        assert slow.parse_json_text(slow.format_json(value)) == value
        with pytest.raises(ValueError, match="Expecting value"):
            slow.parse_json_text("[nul]")
    importlib.reload(jsontext)


@pytest.mark.parametrize("text", ['{"a": 1', '{"a" 1}', '["a"', '"a', "[1,"])
def test_what_is_wrong_is_said_too_where_nothing_has_loaded_json(text: str) -> None:
    """As on a boot: the part in C looks for the class of its errors among the modules that are there."""
    code = """
import sys
sys.path.insert(0, sys.argv[1])
from bootagent.jsontext import parse_json_text
assert "json" not in sys.modules
try:
    parse_json_text(sys.argv[2])
except ValueError as error:
    print(type(error).__name__, error)
"""
    command = [sys.executable, "-I", "-S", "-c", code, str(Path(jsontext.__file__).parent.parent), text]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    with pytest.raises(json.JSONDecodeError) as caught:
        json.loads(text)
    assert (done.stdout, done.stderr) == (f"JSONDecodeError {caught.value}\n", "")
