# SPDX-License-Identifier: Apache-2.0
"""Inputs of whole documents: an edit of bytes leaves little of JSON, and inputs that mean less are kept for it.

``Mutator`` takes half of its inputs from what there was before, each kind as often as any other and for each machine,
and puts a value, a key or a line where another was.  The other half are the fuzzer's own edits.
"""

from __future__ import annotations

import json
from random import Random
from typing import TYPE_CHECKING, Any

from tests.fuzz import feed, seeds
from tests.fuzz.drives import IMAGES

if TYPE_CHECKING:
    from collections.abc import Callable

_KEPT = 100  # of each kind
_SCALARS: tuple[object, ...] = (
    *(None, True, False, 0, -1, 1, 65536, 1 << 32, 1 << 64, 0.5, 1e300, [], {}, [[]], "", " ", "\n", "\0", "0", "auto"),
    *("..", "/", "../../etc/passwd", "a b", "a\nb", "é", "\ud800", "%s", "${x}", "#", '"', "'", "\\", "-", "x" * 300),
    *("0.0.0.0", "0.0.0.0/0", "255.255.255.255", "10.0.0.1/8", "10.0.0.1/33", "127.0.0.1", "169.254.0.1/16", "::/0"),
    *("fe80::1", "fe80::1%eth0", "2001:db8::1/64", "2001:db8::1/129", "::ffff:10.0.0.1", "00:00:00:00:00:00"),
    *("ff:ff:ff:ff:ff:ff", "eth0", "lo", "bond0.4094", "interface-name-of-16", "802.3ad", "ipv4_dhcp", "ipv6_slaac"),
)


class Mutator:
    """``edit`` is the fuzzer's own mutation: of some bytes, to at most so many."""

    def __init__(self, edit: Callable[[bytes, int], bytes]) -> None:
        self._edit = edit
        self._kinds = len(feed.KINDS)
        self._kept: dict[int, list[bytes]] = {}
        self._words = [*map(bytes.decode, seeds.words())]
        for _, data in seeds.seeds():
            self._kept.setdefault(data[1] % self._kinds, []).append(data)

    def __call__(self, data: bytes, most: int, seed: int) -> bytes:
        """One input more."""
        random = Random(seed)
        if len(data) > 2:
            kept = self._kept[data[1] % self._kinds]
            if len(kept) < _KEPT:
                kept.append(bytes(data))
            else:
                kept[random.randrange(_KEPT)] = bytes(data)
        times = random.choice((1, 1, 2, 4))
        if random.random() < 0.5:
            for _ in range(times):
                data = self._edit(data, most)
            return data
        kind = random.randrange(self._kinds)
        data = random.choice(self._kept[kind])
        machine = random.randrange(feed.MACHINES)
        if feed.KINDS[kind] in IMAGES:
            return (bytes((machine, kind)) + self._edit(data[2:], most - 2))[:most]
        documents = data[2:].split(feed.BETWEEN)
        for _ in range(times):
            at = random.randrange(len(documents))
            documents[at] = self._change(documents[at], random)
        return (bytes((machine, kind)) + feed.BETWEEN.join(documents))[:most]

    def _change(self, document: bytes, random: Random) -> bytes:
        """Another document of the same grammar, most times."""
        if document[:1] in (b"{", b"["):
            try:
                tree = json.loads(document)
                self._change_tree(tree, random)
                return json.dumps(tree, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "surrogatepass")
            except (ValueError, RecursionError):
                return self._edit(document, len(document) + 40)
        lines = document.split(b"\n")
        at = random.randrange(len(lines))
        what = random.randrange(5)
        if what == 0:
            del lines[at]
        elif what == 1:
            lines.insert(at, random.choice(lines))
        elif what == 2:
            lines[at] = self._edit(lines[at], len(lines[at]) + 40)
        else:
            words = lines[at].split(b" ")
            words[random.randrange(len(words))] = str(self._scalar(random)).encode("utf-8", "surrogatepass")
            lines[at] = b" ".join(words)
        return b"\n".join(lines)

    def _change_tree(self, tree: Any, random: Random) -> None:
        """Change one place of a document: as likely one of few values as one of many."""
        node = tree
        while node:
            key = random.choice([*node]) if isinstance(node, dict) else random.randrange(len(node))
            below = node[key]
            if isinstance(below, (dict, list)) and below and random.random() < 0.8:
                node = below
                continue
            what = random.randrange(6)
            if what == 0:
                del node[key]
            elif what == 1 and isinstance(node, list):
                node.append(below)
            elif what == 1:
                node[random.choice(self._words)] = node.pop(key)
            elif what == 2:
                node[key] = random.choice([*(node.values() if isinstance(node, dict) else node)])
            elif what == 3 and isinstance(below, str):
                said = below.encode("utf-8", "surrogatepass")
                node[key] = self._edit(said, len(said) + 20).decode("utf-8", "replace")
            else:
                node[key] = self._scalar(random)
            return

    def _scalar(self, random: Random) -> object:
        return random.choice(self._words if random.random() < 0.4 else _SCALARS)
