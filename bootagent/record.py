# SPDX-License-Identifier: Apache-2.0
"""Records: ``typing.NamedTuple`` to a reader, a type checker and a caller, at a tenth of its cost to a boot.

``typing`` and what it imports are a third of a bare interpreter's start, and each class of ``NamedTuple`` compiles a
constructor.  A boot makes thirty such classes and few instances of each, so here the constructor is one for all, a
little slower.  What a record promises is what collections.namedtuple() documents: fields by position and by name,
``_fields``, ``_field_defaults``, ``_make``, ``_replace`` and ``_asdict``; ``tests/test_record.py`` holds both to it.
"""

from __future__ import annotations

from operator import itemgetter

__all__ = ["Record"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NamedTuple as Record
else:
    _AT = []  # the field at each position, of any record

    class _RecordType(type):
        def __new__(mcs, name, bases, namespace):
            fields = tuple(namespace.get("__annotations__", ()))
            while len(_AT) < len(fields):
                _AT.append(property(itemgetter(len(_AT))))
            defaults = {field: namespace[field] for field in fields if field in namespace}
            given = {"__slots__": (), "_fields": fields, "_field_defaults": defaults, **dict(zip(fields, _AT))}
            return super().__new__(mcs, name, bases, {**namespace, **given})

    class Record(tuple, metaclass=_RecordType):
        """Base of every record: annotated names are its fields, in order, those with a default last."""

        __slots__ = ()

        def __new__(cls, *values, **named):
            """The record of these values; ``TypeError`` for a field that is missing, unknown or given twice."""
            if named or len(values) != len(cls._fields):
                values = cls._complete(values, named)
            return tuple.__new__(cls, values)

        @classmethod
        def _complete(cls, values, named):
            if len(values) > len(cls._fields):
                raise TypeError(f"{cls.__name__} has {len(cls._fields)} fields, not {len(values)}")
            rest = cls._fields[len(values) :]
            known = {**cls._field_defaults, **named}
            wrong = [field for field in rest if field not in known] + [field for field in named if field not in rest]
            if wrong:
                raise TypeError(f"{cls.__name__}: missing, unknown or given twice: {', '.join(wrong)}")
            return (*values, *(known[field] for field in rest))

        @classmethod
        def _make(cls, values):
            return cls(*values)

        def _replace(self, **changes):
            values = [changes.pop(field, value) for field, value in zip(self._fields, self)]
            if changes:
                raise ValueError(f"{type(self).__name__} has no field {', '.join(changes)}")
            return tuple.__new__(type(self), values)

        def _asdict(self):
            return dict(zip(self._fields, self))

        def __repr__(self):
            values = ", ".join(f"{field}={value!r}" for field, value in zip(self._fields, self))
            return f"{type(self).__name__}({values})"

        def __getnewargs__(self):
            return tuple(self)
