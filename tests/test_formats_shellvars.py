# SPDX-License-Identifier: Apache-2.0
"""Assignments of a shell: read as a shell reads them, and what a shell would expand or run is left out."""

from __future__ import annotations

import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bootagent.formats.report import Report
from bootagent.formats.shellvars import MAX_VARIABLES, parse_assignments


def parse(text: str) -> tuple[dict[str, str], list[str]]:
    report = Report()
    found = parse_assignments(text, "doc", report)
    assert all(problem.severity == "error" for problem in report.problems())
    return found, [problem.where for problem in report.problems()]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("A='x'\n", {"A": "x"}),
        ("A=x", {"A": "x"}),
        ("A=", {"A": ""}),
        ("A=''", {"A": ""}),
        ("A='it'\\''s'\n", {"A": "it's"}),  # as OpenNebula writes every single quote
        ("A='one\ntwo'\nB='3'\n", {"A": "one\ntwo", "B": "3"}),
        ('A="a \\" \\\\ \\$ \\` \\n"', {"A": 'a " \\ $ ` \\n'}),  # only four characters are quoted there
        ('A="a\\\nb"', {"A": "ab"}),
        ("A=a\\ b\\\nc", {"A": "a bc"}),
        ("A='$(id) `id` $HOME'", {"A": "$(id) `id` $HOME"}),
        ("A=10.0.0.1/24", {"A": "10.0.0.1/24"}),
        ("A=''B=1", {"A": "B=1"}),
        ("# A='1'\n\n  B='2' # it\nexport C='3'\n", {"B": "2", "C": "3"}),
        ("A='1'\nA='2'\n", {"A": "2"}),
        ("", {}),
    ],
)
def test_what_is_an_assignment(text: str, found: dict[str, str]) -> None:
    assert parse(text) == (found, [])


@pytest.mark.parametrize(
    "line",
    [
        "A=$(id)",
        "A=`id`",
        "A=$HOME",
        'A="$(id)"',
        'A="`id`"',
        'A="$HOME"',
        "A='1'; reboot",
        "A='1' reboot",
        "A='1'#x y",
        "A=1&",
        "A=(1 2)",
        "A=*",
        "A=~",
        "A+=1",
        "A =1",
        "1A=1",
        "A-B=1",
        "=1",
        "reboot",
        "A",
        "exportA",
        ". /etc/passwd",
    ],
)
def test_what_a_shell_would_expand_or_run_costs_its_line(line: str) -> None:
    assert parse(f"B='1'\n{line}\nC='2'\n") == ({"B": "1", "C": "2"}, ["doc: line 2"])


@pytest.mark.parametrize("quote", "'\"")
def test_behind_quotes_that_are_not_closed_nothing_counts(quote: str) -> None:
    assert parse(f"A=1\nB={quote}x\nC=2\n") == ({"A": "1"}, ["doc: line 2"])


def test_a_value_is_never_in_a_message() -> None:
    report = Report()
    for text in ("PASSWORD='secret", 'PASSWORD="secret$(id)"', "PASSWORD=secret; id", "PASSWORD='secret' secret"):
        parse_assignments(text, "doc", report)
    assert len(report.problems()) == 4
    assert not any("secret" in str(problem) for problem in report.problems())


def test_the_line_of_a_problem_counts_those_inside_of_values() -> None:
    assert parse("A='1\n2\n3'\nx\nB='\n'\ny\n")[1] == ["doc: line 4", "doc: line 7"]


def test_the_variables_are_bounded() -> None:
    found, problems = parse("".join(f"A{number}=1\n" for number in range(MAX_VARIABLES + 2)))
    assert (len(found), problems) == (MAX_VARIABLES, [f"doc: line {MAX_VARIABLES + 1}"])


safe = st.text(st.characters(min_codepoint=32, max_codepoint=0x2FF, exclude_characters="\x7f"), max_size=8)
pieces = st.one_of(
    safe.filter(lambda text: "'" not in text).map(lambda text: f"'{text}'"),
    st.text('ab \\"\n#;&', max_size=8).map(lambda t: '"' + t.replace("\\", "\\\\").replace('"', '\\"') + '"'),
    st.text("abc019_%+,-./:=@", max_size=8),
    st.sampled_from(" '\"#;&|<>$`\\*?~()").map(lambda char: f"\\{char}"),
)


@given(st.lists(st.lists(pieces, max_size=5).map("".join), min_size=1, max_size=8))
@settings(max_examples=60)
def test_a_shell_reads_the_same(values: list[str]) -> None:
    """POSIX's shell is the judge."""
    text = "".join(f"A{number}={value}\n" for number, value in enumerate(values))
    names = [f"A{number}" for number in range(len(values))]
    asked = "".join(f"printf '%s\\0' \"${name}\"\n" for name in names)
    done = subprocess.run(["sh"], input=(text + asked).encode(), capture_output=True, check=True)
    assert done.stderr == b""
    assert parse(text) == (dict(zip(names, done.stdout.decode().split("\0"))), [])


@given(st.text(st.sampled_from("AB=' \"\\\n$`#;x1"), max_size=60))
def test_any_text_gives_variables_or_problems(text: str) -> None:
    found, problems = parse(text)
    assert all(name.isidentifier() for name in found)
    assert all(1 <= int(where.rpartition(" ")[2]) <= text.count("\n") + 1 for where in problems)
