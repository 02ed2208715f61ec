# SPDX-License-Identifier: Apache-2.0
"""The command lines of a shell, as far as files for a network have them: lists, pipelines, ``if``, ``for``.

https://pubs.opengroup.org/onlinepubs/9799919799/utilities/V3_chap02.html
"""

from __future__ import annotations

import re
import shlex

from tests.readers import METRIC
from tests.readers._programs import COMMANDS, OPTIONS, SYSCTLS, Event, resolvconf

__all__ = ("OPTIONS", "SYSCTLS", "effects")

OPERATORS = re.compile(r"&&|\|\||>&|[();<>|&]")


def effects(place: str, line: str) -> list[Event]:
    """What a command line of a shell does, in order; ``ValueError`` says the place of what no manual knows."""
    try:
        words = shlex.shlex(line, posix=True, punctuation_chars="();<>|&")
        words.whitespace_split = True
        tokens = [part for word in words for part in (OPERATORS.findall(word) if word[0] in "();<>|&" else (word,))]
        events = _list(tokens, ())
        if tokens:
            raise ValueError(f"{tokens[0]!r} ends no command")
    except (ValueError, IndexError) as error:
        raise ValueError(f"{place}: {error} in {line!r}") from None
    return [event for event in events if event[0] != "text"]


def _list(tokens: list[str], ends: tuple[str, ...]) -> list[Event]:
    """Commands one after the other, up to one of ``ends``; before a single ``&`` stands what nobody waits for."""
    events: list[Event] = []
    while tokens and tokens[0] not in ends:
        here = _and_or(tokens)
        events += here
        if not tokens or tokens[0] not in (";", "&"):
            break
        if tokens.pop(0) == "&":
            events += [("background", *event[1:], event[0]) for event in here if event[0] in ("dhcp4", "dhcp6")]
    return events


def _and_or(tokens: list[str]) -> list[Event]:
    """Commands with ``&&``; after ``||`` comes what is done on failure: nothing, or what makes the missing device."""
    events = _pipeline(tokens)
    while tokens and tokens[0] in ("&&", "||"):
        way, here = tokens.pop(0), _pipeline(tokens)
        if way == "||" and here and len(events) == 1 and events[0][0] == "there":
            events = [("unless", events[0][1], tuple(here))]
        elif way == "||" and here:
            raise ValueError("what is done on failure")
        else:
            events += here
    return [event for event in events if event[0] != "there"]


def _pipeline(tokens: list[str]) -> list[Event]:
    """Commands of which each reads what the one before it prints."""
    events = _command(tokens, [])
    while tokens and tokens[0] == "|":
        tokens.pop(0)
        events = _command(tokens, [event[2] for event in events if event[0] == "text"])
    return events


def _command(tokens: list[str], lines: list[str]) -> list[Event]:
    if tokens[0] == "if":
        events = _alternatives(tokens)
    elif tokens[0] == "for":
        del tokens[: tokens.index("do") + 1]
        events = _ended(tokens, ("done",))
        if events:
            raise ValueError("what is done several times")
    elif tokens[0] == "(":
        tokens.pop(0)
        events = _ended(tokens, (")",))
    else:
        return _simple(tokens, lines)
    _words(tokens)  # where the output goes
    return events


def _ended(tokens: list[str], ends: tuple[str, ...]) -> list[Event]:
    events = _list(tokens, ends)
    tokens.pop(0)
    return events


def _simple(tokens: list[str], lines: list[str]) -> list[Event]:
    words, target = _words(tokens)
    metric = re.fullmatch(r"IF_METRIC=(\d+)", words[0])  # the scripts of udhcpc take it from the environment
    words = words[1:] if metric else words
    if not words or words[0] not in COMMANDS:
        raise ValueError(f"no command {words[:1]}")
    if words[0] == "resolvconf":
        return resolvconf(words[1:], lines)
    events = COMMANDS[words[0]](words[1:], target)
    return events + [("metric", event[1], METRIC(metric[1])) for event in events if metric and event[0] == "dhcp4"]


def _words(tokens: list[str]) -> tuple[list[str], str]:
    """The words up to the end of the command, and the file in which its output goes."""
    words: list[str] = []
    target = ""
    while tokens and tokens[0] not in (";", "&", "&&", "||", "|", ")"):
        word = tokens.pop(0)
        if word in (">", ">&"):
            file = tokens.pop(0)
            if words[1:] and words[-1] == "2" and words[0] != "echo":
                words.pop()  # 2>/dev/null
            else:
                target = target or file
        elif word == "$":  # what a command prints
            del tokens[: tokens.index(")") + 1]
            words.append("$")
        else:
            words.append(word)
    return words, target


def _alternatives(tokens: list[str]) -> list[Event]:
    """An ``if``: what is done whichever program is there; only the metrics may be lacking in one (udhcpc has none)."""
    ways = []
    while (word := tokens.pop(0)) != "fi":
        if word in ("if", "elif") and _ended(tokens, ("then",)):
            raise ValueError("a condition that does something")
        ways.append(_list(tokens, ("elif", "else", "fi")))
    plain = [{event for event in way if event[0] != "metric"} for way in ways]
    if any(events != plain[0] for events in plain):
        raise ValueError("two ways that do different things")
    return list(dict.fromkeys(event for way in ways for event in way))
