# SPDX-License-Identifier: Apache-2.0
"""Services whose documents are the leaves of a tree, each with one value or one a line, as EC2 had them first."""

from __future__ import annotations

from bootagent.errors import SourceError
from bootagent.model.values import MacAddress
from bootagent.sources._answers import Answers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from bootagent.sources._http import Http

MAX_NICS = 64
MAX_NAMES = 16
NOTHING: Mapping[str, str] = {}


class Tree(Answers):
    """Answers of a tree that begins at ``base``; a leaf that is not there is an empty document."""

    def __init__(self, http: Http, base: str, headers: Mapping[str, str] = NOTHING) -> None:
        super().__init__(http)
        self._base = base
        self._headers = headers

    def read_id(self, name: str) -> None:
        """Take the leaf that every instance has; ``SourceError`` where it is not there."""
        if not self.require(name, self._base + name, self._headers):
            raise SourceError(self._http.place, "no instance is known by our address")

    def read(self, name: str) -> tuple[str, ...]:
        """The lines of a leaf; none where it is absent or not answered."""
        self.ask(name, self._base + name, self._headers)
        if name not in self.damaged:
            self.found.setdefault(name, b"")
        lines = self.found.get(name, b"").decode("utf-8", "replace").split("\n")
        return tuple(line.strip() for line in lines if line.strip())

    def read_names(self, name: str) -> tuple[str, ...]:
        """The plain names below ``name``; EC2 lists keys as ``0=what the user calls it``."""
        lines = (line.partition("=")[0].rstrip("/") for line in self.read(name))
        return tuple(line for line in lines if _is_plain(line))[:MAX_NAMES]

    def read_nics(self, name: str) -> tuple[str, ...]:
        """The names below ``name``, which are those of NICs: MAC addresses as the service spells them."""
        return tuple(line.rstrip("/") for line in self.read(name) if _is_mac(line.rstrip("/")))[:MAX_NICS]


def _is_plain(text: str) -> bool:
    letters = text.replace("-", "").replace("_", "").replace(".", "")
    return letters.isascii() and letters.isalnum() and len(text) <= 128


def _is_mac(text: str) -> bool:
    try:
        MacAddress(text)
    except ValueError:
        return False
    return True
