# SPDX-License-Identifier: Apache-2.0
"""The bytecode of the whole package in one file, which spares a boot the search for fifty of them.

``/usr/lib/bootagent/bundle`` has four bytes that name the interpreter's bytecode (importlib.util.MAGIC_NUMBER), four
with the length of what comes next, a marshalled ``{module: (is package, offset, length)}``, and each module's code.  It
belongs to root as they do.  The modules stay beside it: another interpreter takes those.
"""

from __future__ import annotations

import marshal
import os
import sys
from _frozen_importlib import ModuleSpec
from _frozen_importlib_external import MAGIC_NUMBER

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType

BUNDLE = "bundle"
HEAD = 8  # bytes before the index


class Bundle:
    """A finder and loader of the modules in an open bundle: https://docs.python.org/3/reference/import.html."""

    def __init__(self, fd: int, library: str) -> None:
        head = os.pread(fd, HEAD, 0)
        if head[:4] != MAGIC_NUMBER:
            raise ImportError("a bundle of another interpreter")
        self._fd = fd
        self._library = library
        size = int.from_bytes(head[4:], "little")
        self._index: dict[str, tuple[bool, int, int]] = marshal.loads(os.pread(fd, size, HEAD))  # noqa: S302
        self._start = HEAD + size

    def find_spec(self, name: str, *_: object) -> ModuleSpec | None:
        """The module's specification, ``None`` for one that is not in the bundle."""
        if name not in self._index:
            return None
        is_package = self._index[name][0]
        place = f"{self._library}/{name.replace('.', '/')}"
        origin = f"{place}/__init__.py" if is_package else f"{place}.py"
        spec = ModuleSpec(name, self, origin=origin)  # type: ignore[arg-type]
        spec.has_location = True
        if is_package:
            spec.submodule_search_locations = [place]
        return spec

    def create_module(self, spec: ModuleSpec) -> None:
        """The usual kind."""

    def exec_module(self, module: ModuleType) -> None:
        """Run the module's code."""
        _, offset, size = self._index[module.__name__]
        code = marshal.loads(os.pread(self._fd, size, self._start + offset))  # noqa: S302
        exec(code, module.__dict__)  # noqa: S102


def use_bundle(library: str) -> None:
    """Import from the bundle in the directory ``library``, where there is one for this interpreter."""
    try:
        fd = os.open(f"{library}/{BUNDLE}", os.O_RDONLY | os.O_CLOEXEC)
        sys.meta_path.insert(0, Bundle(fd, library))
    except (OSError, ImportError, ValueError, EOFError, TypeError):
        return


def write_bundle(library: str) -> None:
    """Make the bundle of the package that is in the directory ``library``, for the interpreter that runs this."""
    index = {}
    codes = []
    end = 0
    for directory, _, files in os.walk(f"{library}/bootagent"):
        for file in files:
            if file.endswith(".py"):
                path = f"{directory}/{file}"
                with open(path, "rb") as stream:
                    code = marshal.dumps(compile(stream.read(), path, "exec", dont_inherit=True))
                name = path[len(library) + 1 : -3].replace("/", ".")
                index[name.removesuffix(".__init__")] = (name.endswith(".__init__"), end, len(code))
                codes.append(code)
                end += len(code)
    head = marshal.dumps(index)
    with open(f"{library}/{BUNDLE}", "wb") as stream:
        stream.write(b"".join((MAGIC_NUMBER, len(head).to_bytes(4, "little"), head, *codes)))
