# SPDX-License-Identifier: Apache-2.0
"""A record is a ``typing.NamedTuple`` to whoever uses one: each test asks both."""

from __future__ import annotations

import copy
import pickle
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from bootagent.record import Record

if TYPE_CHECKING:
    from collections.abc import Callable


class Theirs(NamedTuple):
    name: str
    size: int = 7
    tags: tuple[str, ...] = ()

    @property
    def double(self) -> int:
        return 2 * self.size

    def __str__(self) -> str:
        return f"<{self.name}>"


class Ours(Record):
    name: str
    size: int = 7
    tags: tuple[str, ...] = ()

    @property
    def double(self) -> int:
        return 2 * self.size

    def __str__(self) -> str:
        return f"<{self.name}>"


class Empty(Record):
    pass


USES: dict[str, Callable[[Any], object]] = {
    "by position": lambda kind: tuple(kind("a", 1, ("x",))),
    "by name": lambda kind: tuple(kind(tags=("x",), name="a", size=1)),
    "both": lambda kind: tuple(kind("a", tags=("x",))),
    "defaults": lambda kind: tuple(kind("a")),
    "fields": lambda kind: (kind("a", 1).name, kind("a", 1).size, kind("a", 1).tags, kind("a", 3).double),
    "names": lambda kind: (kind._fields, kind._field_defaults),
    "replaced": lambda kind: tuple(kind("a")._replace(size=2, name="b")),
    "replaced kind": lambda kind: type(kind("a")._replace(size=2)) is kind,
    "made": lambda kind: tuple(kind._make(["a", 1, ()])),
    "as a dict": lambda kind: kind("a", 1)._asdict(),
    "text": lambda kind: (str(kind("a")), repr(kind("a")).partition("(")[2]),
    "equal": lambda kind: (kind("a") == kind("a"), kind("a") == kind("b"), kind("a") == ("a", 7, ())),
    "hashed": lambda kind: hash(kind("a")) == hash(("a", 7, ())),
    "unpacked": lambda kind: [*kind("a", 1)],
    "a tuple": lambda kind: isinstance(kind("a"), tuple),
    "copied": lambda kind: (copy.copy(kind("a", 1)) == kind("a", 1), type(copy.deepcopy(kind("a", 1))) is kind),
    "pickled": lambda kind: pickle.loads(pickle.dumps(kind("a", 1))) == kind("a", 1),
}
WRONG: dict[str, Callable[[Any], object]] = {
    "missing": lambda kind: kind(),
    "too many": lambda kind: kind("a", 1, (), "more"),
    "unknown": lambda kind: kind("a", colour="red"),
    "twice": lambda kind: kind("a", name="b"),
    "replaced by an unknown": lambda kind: kind("a")._replace(colour="red"),
    "made of too few": lambda kind: kind._make([]),
    "set": lambda kind: setattr(kind("a"), "name", "b"),
    "another attribute": lambda kind: setattr(kind("a"), "colour", "red"),
}


@pytest.mark.parametrize("use", USES.values(), ids=USES)
def test_what_a_named_tuple_does_a_record_does(use: Callable[[Any], object]) -> None:
    assert use(Ours) == use(Theirs)


@pytest.mark.parametrize("use", WRONG.values(), ids=WRONG)
def test_what_a_named_tuple_refuses_a_record_refuses(use: Callable[[Any], object]) -> None:
    with pytest.raises((TypeError, ValueError, AttributeError)) as theirs:
        use(Theirs)
    with pytest.raises((TypeError, ValueError, AttributeError)) as ours:
        use(Ours)
    # A missing value of _make is a TypeError of both; of an unknown name newer Pythons made a TypeError.
    assert isinstance(ours.value, type(theirs.value)) or use is WRONG["replaced by an unknown"]


def test_a_record_of_nothing_is_one() -> None:
    assert tuple(Empty()) == ()
