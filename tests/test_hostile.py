# SPDX-License-Identifier: Apache-2.0
"""Hostile text in every field of every source's documents, through to the files of every backend.

A field is every value and every key of a document that is JSON or YAML, and every word of any other.  Hostile text
stands alone or behind the sound value.  What comes out is a plan of whole lines in which no such text stands but as a
typed value allows, whatever the field.
"""

from __future__ import annotations

import copy
import json
import os
import re
from typing import TYPE_CHECKING, Any, Callable

import pytest
import yaml

from bootagent import renderers
from bootagent.model.sshkey import TYPES
from bootagent.planners.ssh_keys import BEGIN, END
from tests.examples import EXAMPLES, decide, host_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bootagent.host import Host
    from bootagent.model.instance import Instance
    from bootagent.model.plan import Plan

MARK = "zq"
# Whatever ends a line for somebody: systemd, a shell, Python's splitlines, Unicode, a terminal, C.
LINES = [
    "\n",
    "\r",
    "\r\n",
    "\v",
    "\f",
    "\x1c",
    "\x1d",
    "\x1e",
    "\x85",
    "\u2028",
    "\u2029",
    "\0",
    "\x1b[2K\r",
    "\x7f",
    "\t",
]
# What is more than a character to a shell, an INI file, YAML, a sudoers-like list, or a terminal's reader.
SIGNS = [
    "'",
    '"',
    "`id`",
    "$(id)",
    "${IFS}",
    "\\",
    ";",
    "|",
    "&",
    "<",
    ">",
    "{",
    "}",
    "[Match]",
    "#",
    "!",
    "*",
    "?",
    "%s",
]
LONG = [MARK * 40_000, "\u202e"]
_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,62}[A-Za-z0-9])?")  # hostname(7), HOST_NAME_MAX
# Every so many tries one is made, which over the fields comes to each text; HOSTILE=1 in the environment: all of them.
STEP = int(os.environ.get("HOSTILE", "47"))
Put = Callable[[str], bytes]
Place = tuple[str, str, Put]  # the field, its sound value, and how a document is with another one


def fields(document: bytes) -> Iterator[Place]:
    """Each field once; of a list's entries that are alike the first two."""
    try:
        data = yaml.safe_load(document)
    except yaml.YAMLError:
        data = None
    seen: dict[str, int] = {}
    for path, value, put in _structured(data) if isinstance(data, (dict, list)) else _words(document):
        kind = re.sub(r"\d+", "0", path)
        seen[kind] = seen.get(kind, 0) + 1
        if seen[kind] <= 2:
            yield path, value, put


def _structured(data: Any) -> Iterator[Place]:
    for path, parent, key in _walk(data, "", []):

        def put(text: str, at: list[Any] = parent, key: Any = key) -> bytes:
            return _with(data, at, key, text)

        def rename(text: str, at: list[Any] = parent, key: Any = key) -> bytes:
            return _with(data, at, key, text, is_key=True)

        value = _at(data, parent)[key]
        if not isinstance(value, (dict, list)):
            yield path, "" if value is None else str(value), put
        if isinstance(key, str):
            yield f"{path} (key)", key, rename


def _walk(value: Any, path: str, at: list[Any]) -> Iterator[tuple[str, list[Any], Any]]:
    for key in value if isinstance(value, dict) else range(len(value)):
        here = f"{path}.{key}" if isinstance(key, str) else f"{path}[{key}]"
        yield here, at, key
        if isinstance(value[key], (dict, list)):
            yield from _walk(value[key], here, [*at, key])


def _at(data: Any, at: list[Any]) -> Any:
    for key in at:
        data = data[key]
    return data


def _with(data: Any, at: list[Any], key: Any, text: str, *, is_key: bool = False) -> bytes:
    changed = copy.deepcopy(data)
    parent = _at(changed, at)
    if is_key:
        parent[text] = parent.pop(key)
    else:
        parent[key] = text
    return json.dumps(changed, default=str).encode()


def _words(document: bytes) -> Iterator[Place]:
    for number, word in enumerate(re.finditer(rb"[^\s='\"]+", document)):

        def put(text: str, start: int = word.start(), end: int = word.end()) -> bytes:
            return document[:start] + text.encode() + document[end:]

        yield f"word {number} {word[0][:20]!r}", word[0].decode("utf-8", "replace"), put


def hostile(value: str) -> Iterator[tuple[str, str]]:
    """What is put into a field, with what must not come out of it again."""
    for line in LINES:
        yield f"{value}{line}{MARK}", line
        yield f"{value}{line} {MARK}=1{line}[{MARK}]{line}", line
    for sign in SIGNS:
        yield f"{value}{sign}{MARK}", sign
        yield f"{MARK}{sign}{MARK}", sign
    for text in LONG:
        yield text, text


def check(plan: Plan, text: str, refused: str, host: Host) -> None:
    """Whether all of the plan is lines of ours."""
    for problem in plan.problems:
        assert str(problem).isprintable()
    for action in plan.actions:
        assert action.argument.isprintable()
    for file in plan.files:
        assert file.path.isprintable()
        assert ".." not in file.path.split("/")
        if file.area == "files":  # the content is the cloud's own to say, and for root alone
            assert file.mode == 0o600
            continue
        assert len(file.content) < len(MARK) * 40_000
        for line in file.content.split("\n"):
            assert line.isprintable(), f"{text!r} made {line!r}"
            if file.area == "ssh_keys":  # a comment behind a key is free text that sshd shows to nobody
                assert not line or line in (BEGIN, END) or line.split(" ")[0] in TYPES
            elif file.path == "/etc/hostname":  # a name is all that is in it
                assert not line or _NAME.fullmatch(line), f"{text!r} made {line!r}"
            elif not line.startswith("#"):
                assert not line.strip().startswith(MARK), f"{text!r} made {line!r}"
                assert f"{refused}{MARK}" not in line, f"{text!r} made {line!r}"
                assert f"{MARK}{refused}" not in line, f"{text!r} made {line!r}"


@pytest.mark.parametrize("name", EXAMPLES)
def test_hostile_text_in_any_field_makes_no_line(name: str) -> None:
    example = EXAMPLES[name]
    host = host_of(example.documents)
    backends = renderers.names()
    planned: set[str] = set()
    tried = 0
    for document, content in example.documents.items():
        for _, value, put in fields(content):
            for text, refused in hostile(value):
                tried += 1
                if tried % STEP:
                    continue
                instance = example.parse({**example.documents, document: put(text)})
                for problem in instance.problems:
                    assert str(problem).isprintable()
                fresh = _facts(instance)
                if fresh not in planned:
                    planned.add(fresh)
                    for backend in backends:
                        check(decide(instance, host, backend).plan, text, refused, host)
    assert tried > 200
    assert planned


def _facts(instance: Instance) -> str:
    """All of an instance that a planner looks at."""
    return repr((instance.hostname, instance.ssh_keys, instance.network, instance.files, instance.broken))


def test_the_check_sees_an_injection() -> None:
    """It can fail: the lines that a renderer without typed values would write."""
    example = EXAMPLES["openstack"]
    host = host_of(example.documents)
    plan = decide(example.parse(example.documents), host, "ifupdown").plan
    check(plan, "", ";", host)
    network = next(file for file in plan.files if file.area == "network")
    others = tuple(file for file in plan.files if file is not network)
    for line in (f"    address 192.0.2.5\n{MARK}", f"    up true;{MARK}", f"    mtu 1\r{MARK}", f"    mtu 1\x85{MARK}"):
        spoiled = plan._replace(files=(*others, network._replace(content=f"{network.content}{line}\n")))
        with pytest.raises(AssertionError, match=re.escape(MARK)):
            check(spoiled, line, ";", host)
