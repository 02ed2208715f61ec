# SPDX-License-Identifier: Apache-2.0
"""The bytecode of the whole package in one file, which spares a boot the search for fifty of them.

``/usr/lib/bootagent/bundle`` has four bytes that name the interpreter's bytecode (importlib.util.MAGIC_NUMBER), four
with the length of what comes next, marshalled: ``{module: (is package, code)}`` of what every boot needs, in one piece
because that is read in two thirds of the time, and ``{module: (is package, offset, length)}`` of the others, whose code
follows.  It belongs to root as they do.  The modules stay beside it: another interpreter takes those.
"""

from __future__ import annotations

import marshal
import os
import sys
from _frozen_importlib import ModuleSpec
from _frozen_importlib_external import MAGIC_NUMBER

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import CodeType, ModuleType

BUNDLE = "bundle"
HEAD = 8  # bytes before the modules


class Bundle:
    """A finder and loader of the modules in an open bundle: https://docs.python.org/3/reference/import.html."""

    def __init__(self, fd: int, library: str) -> None:
        head = os.pread(fd, HEAD, 0)
        if head[:4] != MAGIC_NUMBER:
            raise ImportError("a bundle of another interpreter")
        self._fd = fd
        self._library = library
        self._bundle = f"{library}/{BUNDLE}"
        size = int.from_bytes(head[4:], "little")
        self._needed: dict[str, tuple[bool, CodeType]]
        self._others: dict[str, tuple[bool, int, int]]
        self._needed, self._others = marshal.loads(os.pread(fd, size, HEAD))  # noqa: S302
        self._start = HEAD + size

    def find_spec(self, name: str, *_: object) -> ModuleSpec | None:
        """The module's specification, ``None`` for one that is not in the bundle."""
        entry = self._needed.get(name) or self._others.get(name)
        if entry is None:
            return None
        is_package = entry[0]
        place = f"{self._library}/{name.replace('.', '/')}"
        origin = f"{place}/__init__.py" if is_package else f"{place}.py"
        spec = ModuleSpec(name, self, origin=origin)  # type: ignore[arg-type]
        spec.has_location = True
        spec.cached = self._bundle  # or the import system would work out a path that nobody asks for
        if is_package:
            spec.submodule_search_locations = [place]
        return spec

    def create_module(self, spec: ModuleSpec) -> None:
        """The usual kind."""

    def exec_module(self, module: ModuleType) -> None:
        """Run the module's code."""
        name = module.__name__
        if name in self._needed:
            code = self._needed[name][1]
        else:
            _, offset, size = self._others[name]
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
    __import__("bootagent.cli")  # what this loads, every boot needs
    needed = {}
    others = {}
    codes = []
    end = 0
    for name, path in sorted(_modules(library)):
        code = _compile(path)
        is_package = path.endswith("/__init__.py")
        if name in sys.modules:
            needed[name] = (is_package, code)
        else:
            codes.append(marshal.dumps(code))
            others[name] = (is_package, end, len(codes[-1]))
            end += len(codes[-1])
    head = marshal.dumps((needed, others))
    with open(f"{library}/{BUNDLE}", "wb") as stream:
        stream.write(b"".join((MAGIC_NUMBER, len(head).to_bytes(4, "little"), head, *codes)))


def _modules(library: str) -> list[tuple[str, str]]:
    """The name and the path of each module of the package."""
    paths = [f"{directory}/{file}" for directory, _, files in os.walk(f"{library}/bootagent") for file in files]
    found = [path for path in paths if path.endswith(".py")]
    return [(path[len(library) + 1 : -3].replace("/", ".").removesuffix(".__init__"), path) for path in found]


def _compile(path: str) -> CodeType:
    """The module's code without docstrings, a tenth of it, and without its import of ``__future__``.

    That import is for the compiler, which has the flag instead; at run time it would load one module more.
    """
    import __future__

    import ast

    with open(path, "rb") as stream:
        tree = ast.parse(stream.read())
    tree.body = [node for node in tree.body if not (isinstance(node, ast.ImportFrom) and node.module == "__future__")]
    flags = __future__.annotations.compiler_flag
    code: CodeType = compile(tree, path, "exec", flags, dont_inherit=True, optimize=2)
    return code
