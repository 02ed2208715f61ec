# SPDX-License-Identifier: Apache-2.0
"""Block YAML 1.1 of typed values: every string is quoted, so that none is read as a number, a time or a truth value.

https://yaml.org/spec/1.1/
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    Settings = dict[str, object]


def yaml_lines(settings: Mapping[str, object], indent: int) -> list[str]:
    """The lines of a mapping, of which the keys are words of ours."""
    lines = []
    for key, value in settings.items():
        lines += _entry(f"{' ' * indent}{key}:", value, indent)
    return lines


def quoted(text: str) -> str:
    """A string as a scalar; the model's values have no character that would need an escape."""
    return f'"{text}"'


def _entry(start: str, value: object, indent: int) -> list[str]:
    """The lines of what follows ``start``: a scalar on the same line, anything larger below it."""
    if isinstance(value, dict):
        return [start, *yaml_lines(value, indent + 2)] if value else [f"{start} {{}}"]
    if isinstance(value, list):
        return [start, *_items(value, indent + 2)] if value else [f"{start} []"]
    return [f"{start} {_scalar(value)}"]


def _items(values: Sequence[object], indent: int) -> list[str]:
    """The lines of a sequence of scalars and mappings."""
    lines = []
    for value in values:
        below = yaml_lines(value, indent + 2) if isinstance(value, dict) else [_scalar(value)]
        lines.append(f"{' ' * indent}- {below[0].lstrip()}")
        lines += below[1:]
    return lines


def _scalar(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(int(value)) if isinstance(value, int) else quoted(str(value))
