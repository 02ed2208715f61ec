# SPDX-License-Identifier: Apache-2.0
"""The problems of one document, in the order in which they were met and never too many, and where values are from."""

from __future__ import annotations

from bootagent.model.instance import Problem

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

MAX_PROBLEMS = 1000  # a status file is read by people; what lies beyond says nothing new


class Report:
    """Collects problems; ``where`` is the document and the place, ``message`` holds cloud text only as ``shown()``."""

    __slots__ = ("_problems", "origins")

    def __init__(self) -> None:
        self._problems: list[Problem] = []
        self.origins: dict[str, str] = {}  # of Instance's fields: document and place, and what it was preferred to

    def origin(self, field: str, base: str, keys: Sequence[str], rest: Iterable[str] = ()) -> None:
        """``field`` is from the ``keys`` below ``base``, where the ``rest`` of them says something too."""
        if keys:
            over = ", ".join(rest)
            self.origins[field] = f"{base}{', '.join(keys)}" + (f", preferred to {over}" if over else "")

    def error(self, where: str, message: str) -> None:
        """What was asked for is not done."""
        self._add("error", where, message)

    def warning(self, where: str, message: str) -> None:
        """It is done, but somebody should look."""
        self._add("warning", where, message)

    def info(self, where: str, message: str) -> None:
        """It is done in the expected way, which is not quite what the document says."""
        self._add("info", where, message)

    def problems(self) -> tuple[Problem, ...]:
        """All that was collected."""
        return tuple(self._problems)

    def _add(self, severity: str, where: str, message: str) -> None:
        if len(self._problems) < MAX_PROBLEMS:
            self._problems.append(Problem(severity, where, message))
        elif len(self._problems) == MAX_PROBLEMS:
            document = where.partition(":")[0]
            self._problems.append(Problem("error", document, f"more than {MAX_PROBLEMS} problems, the rest not listed"))
