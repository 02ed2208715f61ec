# SPDX-License-Identifier: Apache-2.0
"""``python -m tests.fuzz SECONDS [DIRECTORY]``: coverage-guided fuzzing by atheris, one process.

It begins with the seeds and the inputs of ``corpus.tar.xz``, and leaves what it finds in ``DIRECTORY``: inputs with new
coverage in ``corpus``, and one that fails as ``crash-…``, ``timeout-…`` or ``oom-…``, which makes the exit code.  Two
processes may share a directory.
``python -m tests.fuzz pack DIRECTORY`` makes a new ``corpus.tar.xz`` of the inputs there.
"""

from __future__ import annotations

import importlib
import io
import sys
import tarfile
import tempfile
from pathlib import Path

import atheris

# All of it now: what is imported later is not seen.  A record's constructor is a tenth of all branches, and no news.
with atheris.instrument_imports(include=["bootagent"], exclude=["bootagent.record"]):
    for _package in ("formats", "media", "model", "planners", "renderers", "sources"):
        for _module in sorted((Path(__file__).resolve().parents[2] / "bootagent" / _package).glob("*.py")):
            importlib.import_module(f"bootagent.{_package}.{_module.stem}".removesuffix(".__init__"))
    from tests.fuzz import drives, feed, mutate, seeds

# One input: seconds, and MiB of the whole process with what the fuzzer itself keeps.  How often it changes an input
# before it is fed is for the mutator to say, which may take another.
LIMITS = ("-timeout=5", "-rss_limit_mb=700", "-max_len=2200", "-mutate_depth=1", "-reload=30")


def fill(corpus: Path) -> None:
    """What there is to begin with."""
    corpus.mkdir(parents=True, exist_ok=True)
    for name, data in seeds.seeds():
        (corpus / name).write_bytes(data)
    for name, data in seeds.kept():
        (corpus / name).write_bytes(data)


def pack(corpus: Path) -> None:
    """In one order and of one date; what is like another costs little in a stream that is compressed as a whole."""
    with tarfile.open(seeds.PACKED, "w:xz", preset=9) as packed:
        for path in sorted(corpus.iterdir(), key=lambda path: (path.stat().st_size, path.name)):
            member = tarfile.TarInfo(path.name[:12])
            member.size = path.stat().st_size
            packed.addfile(member, io.BytesIO(path.read_bytes()))


def main(seconds: str, directory: Path) -> None:
    """Fuzz until the time is over or an input fails."""
    fill(directory / "corpus")
    words = directory / "words"
    words.write_text("".join('"' + "".join(f"\\x{byte:02x}" for byte in word) + '"\n' for word in seeds.words()))
    with tempfile.TemporaryDirectory() as made:
        images = drives.Images(Path(made))
    planned: set[int] = set()
    options = (f"-max_total_time={seconds}", f"-dict={words}", f"-artifact_prefix={directory}/", "-print_final_stats=1")
    arguments = [sys.argv[0], *LIMITS, *options, str(directory / "corpus")]
    atheris.Setup(arguments, lambda data: _feed(data, images, planned), custom_mutator=mutate.Mutator(_edit))
    atheris.Fuzz()


def _feed(data: bytes, images: drives.Images, planned: set[int]) -> None:
    feed.run_one(data, images, planned)


def _edit(data: bytes, most: int) -> bytes:
    edited: bytes = atheris.Mutate(data, most)  # by its name: it is another function once it fuzzes
    return edited


if __name__ == "__main__":
    if sys.argv[1] == "pack":
        pack(Path(sys.argv[2]))
    else:
        main(sys.argv[1], Path(sys.argv[2] if len(sys.argv) > 2 else tempfile.mkdtemp()))
