# SPDX-License-Identifier: Apache-2.0
"""``seal`` makes an image fit to be cloned, and says what it did; ``check`` says what a clone would suffer from.

One line each.  Only the known places of ``traces/`` are looked at, and a second run finds nothing.
"""

from __future__ import annotations

import sys

from bootagent.errors import CommitError
from bootagent.image import hostkeys
from bootagent.image.rivals import agents
from bootagent.image.traces import find_traces
from bootagent.image.tree import Tree
from bootagent.log import write_line

TYPE_CHECKING = False
if TYPE_CHECKING:
    from bootagent.image.traces import Trace

EXIT_FINDINGS = 1


def check(path: str) -> int:
    """What a clone of the image would suffer from, a line each; 1 where there is anything."""
    tree = Tree(path)
    findings = [f"{trace.path}: {trace.harm}" for trace in find_traces(tree)] + _faults(tree)
    for finding in findings:
        _say(finding)
    return EXIT_FINDINGS if findings else 0


def seal(path: str, dry_run: bool) -> int:
    """Take the traces out of the image, or say which ones; what cannot be taken out is a warning."""
    tree = Tree(path)
    traces = find_traces(tree)
    for trace in traces:
        if not dry_run:
            _take_out(tree, trace)
        _say(f"{trace.path}: {'would be ' if dry_run else ''}{_deed(trace)}: {trace.harm}")
    if not traces:
        _say("bootagent: nothing to seal")
    for fault in _faults(tree):
        write_line("warning", fault)
    return 0


def _say(text: str) -> None:
    """One line on standard output, whatever names are in it."""
    sys.stdout.write("".join(char if char.isprintable() else "?" for char in text) + "\n")


def _faults(tree: Tree) -> list[str]:
    """What is wrong with the image and no trace of a machine: whoever builds it has to decide."""
    rivals = [f"{name}: it would configure the machine too: {fact}" for name, fact in agents(tree).items()]
    return rivals + hostkeys.faults(tree)


def _deed(trace: Trace) -> str:
    return "removed" if trace.content is None else "written" if trace.content else "emptied"


def _take_out(tree: Tree, trace: Trace) -> None:
    try:
        if trace.content is None:
            tree.remove(trace.path)
        elif trace.content or not tree.is_file(trace.path):
            tree.write(trace.path, trace.content.encode("utf-8", "surrogateescape"))
        else:
            tree.empty(trace.path)
    except OSError as error:
        raise CommitError(trace.path, error.strerror or str(error)) from error
