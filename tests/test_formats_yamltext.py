# SPDX-License-Identifier: Apache-2.0
"""JSON and YAML as plain values: what clouds write, what PyYAML would make something else of, and what is hostile."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from bootagent.errors import DocumentError
from bootagent.formats import yamltext
from bootagent.formats.openstack import MAX_NESTING
from bootagent.formats.yamltext import MAX_NODES, MAX_TEXT, parse_text

CHECKOUT = Path(__file__).resolve().parent.parent
SECONDS = 10.0  # generous: a document takes one at most, and what is not bounded takes hours


@pytest.fixture(params=["with its part in C", "without"])
def loader(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """PyYAML as Debian has it, and as an image may have it."""
    assert hasattr(yaml, "CSafeLoader")
    if request.param == "without":
        monkeypatch.delattr(yaml, "CSafeLoader")
    return str(request.param)


def parse(text: str | bytes) -> object:
    return parse_text("doc", text if isinstance(text, bytes) else text.encode())


def refused(text: str | bytes) -> str:
    start = time.process_time()
    with pytest.raises(DocumentError) as caught:
        parse(text)
    assert time.process_time() - start < SECONDS
    return str(caught.value)


@pytest.mark.usefixtures("loader")
@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("52:54:00:12:34:56", "52:54:00:12:34:56"),  # a number to the base of sixty in YAML 1.1
        ("2026-01-31", "2026-01-31"),  # a date
        ("1_000", "1_000"),
        ("0o17", "0o17"),
        ("017", "017"),
        ("0x1F", "0x1F"),
        ("1.5", "1.5"),
        (".inf", ".inf"),
        ("12345678901", "12345678901"),
        ("42", 42),
        ("-1", -1),
        ("0", 0),
        ("'42'", "42"),
        ('"yes"', "yes"),
        ("yes", True),
        ("Off", False),
        ("~", None),
        ("!!str 42", "42"),
        ("! 42", "42"),
        ("!!int 42", 42),
        ("!!int '42'", 42),
        ("!!bool 'yes'", True),
        ("=", "="),
        ("|\n  a\n  b\n", "a\nb\n"),
        ("fe80::1", "fe80::1"),
        ("::/0", "::/0"),
        ("192.0.2.1/24", "192.0.2.1/24"),
    ],
)
def test_a_scalar_is_text_unless_it_is_plainly_something_else(text: str, value: object) -> None:
    found = parse(f"key: {text}")
    assert found == {"key": value}
    assert isinstance(found, dict)
    assert type(found["key"]) is type(value)


@pytest.mark.usefixtures("loader")
def test_lists_mappings_and_comments() -> None:
    text = "# c\n- a: 1\n  b: [x, {y: z}]\n-\n- {}\n- []\n- ? k\n  : v\n"
    assert parse(text) == [{"a": 1, "b": ["x", {"y": "z"}]}, None, {}, [], {"k": "v"}]


@pytest.mark.usefixtures("loader")
def test_a_key_is_its_text_as_in_json() -> None:
    assert parse("0: a\nyes: b\n~: c\n2026-01-31: d\n") == {"0": "a", "yes": "b", "~": "c", "2026-01-31": "d"}


@pytest.mark.usefixtures("loader")
def test_an_alias_is_what_it_repeats() -> None:
    assert parse("a: &x {k: [1]}\nb: *x\nc: [*x, &y v, *y]\n*y : d\n") == {
        "a": {"k": [1]},
        "b": {"k": [1]},
        "c": [{"k": [1]}, "v", "v"],
        "v": "d",
    }


@pytest.mark.parametrize("text", ["", " \n\t", "# only a comment\n", "---\n", "--- ~\n...\n"])
def test_an_empty_document_has_no_value(text: str) -> None:
    assert parse(text) is None


def test_a_byte_order_mark_and_trailing_nuls_are_no_part_of_it() -> None:
    assert parse(b"\xef\xbb\xbfa: 1\n\0\0") == {"a": 1}


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-999, 999) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(st.dictionaries(st.text(), json_values, max_size=4))
def test_json_is_what_the_json_parser_reads(value: object) -> None:
    assert parse(json.dumps(value)) == value


# Characters that YAML has no way to write plainly are left to its escapes, which are PyYAML's affair.
words = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=12)
plain_values = st.recursive(
    st.none() | st.booleans() | st.integers(-999, 999) | words,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(words, inner, max_size=4),
    max_leaves=20,
)


@given(plain_values, st.sampled_from([None, False, True]))
def test_yaml_is_what_a_yaml_writer_wrote(value: object, style: bool | None) -> None:
    assert parse(yaml.safe_dump(value, default_flow_style=style)) == value


def test_braces_that_are_not_json_are_yaml() -> None:
    assert parse("{version: 2, ethernets: {eth0: {dhcp4: yes}}}") == {
        "version": 2,
        "ethernets": {"eth0": {"dhcp4": True}},
    }


@pytest.mark.usefixtures("loader")
@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [", "not YAML"),
        ("a: b: c", "not YAML"),
        ("\tindented: by a tab", "not YAML"),
        ("a: *nothing", "an alias of nothing"),
        ("a: &x [*x]", "an alias of nothing"),
        ("a: &x {k: *x}", "an alias of nothing"),
        ("!!python/object/apply:os.system ['reboot']", "a type that is not plain data"),
        ("a: !!binary aGk=", "a type that is not plain data"),
        ("!!set {a, b}", "a type that is not plain data"),
        ("? [a]\n: b", "a key that is no text"),
        ("k: &x [a]\n*x : b", "a key that is no text"),
        ("a: 1\n---\nb: 2\n", "more than one document"),
        (b"a: \xff", "not UTF-8"),
        (b"a: \x01", "not YAML"),
        ("a: '" + "x" * MAX_TEXT + "'", f"more than {MAX_TEXT} bytes"),
        ("- x\n" * (MAX_NODES + 1), f"more than {MAX_NODES} values"),
        ("[" * 200 + "]" * 200, "nested too deep"),
        ("- " * 200 + "x", "nested too deep"),
        ("{a: " * 200, "nested too deep"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_what_is_wrong_is_named(text: str | bytes, message: str) -> None:
    assert message in refused(text)
    assert refused(text).startswith("doc: ")


@pytest.mark.usefixtures("loader")
@pytest.mark.parametrize(
    "text",
    ["password: *geheim", "password: !geheim x", "password: &geheim a: b", "password: %geheim", "- a\n geheim: ["],
)
def test_what_could_be_a_secret_is_not_shown(text: str) -> None:
    assert "geheim" not in refused(text)


@pytest.mark.usefixtures("loader")
def test_depth_without_end_is_refused_by_whoever_sees_it_first() -> None:
    """libyaml has a bound of its own, which it may reach while it looks ahead."""
    assert refused("[" * (MAX_TEXT // 2)).endswith(("nested too deep", "not YAML"))


def bomb(width: int, levels: int) -> str:
    """Nine levels of nine lists, each of the level before: a billion words in a few hundred bytes."""
    lines = ["l0: &l0 [" + ", ".join(["lol"] * width) + "]"]
    lines += [f"l{n}: &l{n} [" + ", ".join([f"*l{n - 1}"] * width) + "]" for n in range(1, levels)]
    return "\n".join(lines)


@pytest.mark.usefixtures("loader")
def test_a_billion_laughs_are_counted_and_refused() -> None:
    assert f"more than {MAX_NODES} values" in refused(bomb(9, 9))


@pytest.mark.usefixtures("loader")
def test_aliases_cannot_nest_deeper_than_text() -> None:
    """Each level is shallow, and together they are not: what shows such a value must not run out of stack."""
    text = "\n".join(["l0: &l0 [x]", *(f"l{n}: &l{n} [*l{n - 1}]" for n in range(1, 200))])
    assert "nested too deep" in refused(text)


@pytest.mark.usefixtures("loader")
def test_what_is_within_the_bounds_is_taken() -> None:
    deep = "[" * (MAX_NESTING - 1) + "]" * (MAX_NESTING - 1)
    assert parse(f"a: {deep}") is not None
    many = parse("- x\n" * (MAX_NODES - 1))
    assert isinstance(many, list)
    assert len(many) == MAX_NODES - 1


def test_without_pyyaml_json_is_read_and_yaml_is_named() -> None:
    """In an interpreter that has no PyYAML anywhere; broken JSON is still said to be that."""
    code = """
import site, sys
site.main = lambda: None  # which would find the packages of whoever runs the tests
sys.path.insert(0, sys.argv[1])
from bootagent.errors import DocumentError
from bootagent.formats.yamltext import parse_text
print(parse_text("doc", b'{"a": 1}'), parse_text("doc", b""))
for text in (b"a: 1", b'{"a": 1'):
    try:
        parse_text("doc", text)
    except DocumentError as error:
        print(error)
print("yaml" in sys.modules)
"""
    command = [sys.executable, "-I", "-S", "-c", code, str(CHECKOUT)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    assert done.stdout.splitlines() == [
        "{'a': 1} None",
        "doc: YAML, not read: PyYAML is not installed",
        "doc: line 1 column 8: not JSON",
        "False",
    ]


@given(st.binary(max_size=300))
def test_any_bytes_give_a_value_or_a_named_error(data: bytes) -> None:
    with contextlib.suppress(DocumentError):
        json.dumps(parse(data))


yamlish = st.lists(
    st.sampled_from([*"[]{},:?-&*!|>'\"%@`#~ a0\n", "\n  ", "&a ", "*a", "<<: ", "- ", "? ", ": ", "!!int ", "---\n"]),
    max_size=40,
).map("".join)


@given(yamlish)
def test_any_text_of_yamls_own_signs_gives_a_value_or_a_named_error(text: str) -> None:
    with contextlib.suppress(DocumentError):
        json.dumps(parse(text))  # plain data without a cycle


def test_the_bounds_are_those_of_the_module() -> None:
    """512 NICs with two subnets each fit with room to spare."""
    nic = "  - type: physical\n    name: eth{0}\n    mac_address: '52:54:00:00:{1:02x}:{2:02x}'\n    subnets:\n"
    nic += "    - {{type: static, address: 10.0.{1}.{2}, netmask: 255.255.255.0, gateway: 10.0.{1}.254}}\n"
    nic += "    - {{type: static6, address: 'fd00::{0}/64', gateway: 'fe80::1', dns_nameservers: ['fd00::53']}}\n"
    text = "version: 1\nconfig:\n" + "".join(nic.format(n, n // 256, n % 256) for n in range(512))
    found = parse(text)
    assert isinstance(found, dict)
    assert len(found["config"]) == 512
    assert len(text) < yamltext.MAX_TEXT * 3 // 4
