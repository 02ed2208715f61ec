# SPDX-License-Identifier: Apache-2.0
"""``python -m tests.fuzz SECONDS [DIRECTORY]``: coverage-guided fuzzing by atheris, one process.

It begins with the examples and the inputs of ``corpus.zip``, and leaves what it finds in ``DIRECTORY``: inputs with new
coverage in ``corpus``, and one that fails as ``crash-…``, ``timeout-…`` or ``oom-…``, which makes the exit code.
``python -m tests.fuzz pack DIRECTORY BYTES`` makes a new ``corpus.zip`` of the inputs there, at most so many bytes.
"""

from __future__ import annotations

import importlib
import sys
import tempfile
import zipfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["bootagent"]):  # all of it now: what is imported later is not seen
    for _package in ("formats", "media", "model", "planners", "renderers", "sources"):
        for _module in sorted((Path(__file__).resolve().parents[2] / "bootagent" / _package).glob("*.py")):
            importlib.import_module(f"bootagent.{_package}.{_module.stem}".removesuffix(".__init__"))
    from tests.fuzz import feed

PACKED = Path(__file__).with_name("corpus.zip")
# One input: seconds, and MiB of the whole process with what the fuzzer itself keeps.
LIMITS = ("-timeout=5", "-rss_limit_mb=700", "-max_len=6000")


def fill(corpus: Path) -> None:
    """What there is to begin with."""
    corpus.mkdir(parents=True, exist_ok=True)
    for name, data in feed.seeds():
        (corpus / name).write_bytes(data)
    if PACKED.exists():
        with zipfile.ZipFile(PACKED) as packed:
            packed.extractall(corpus)


def pack(corpus: Path, limit: int) -> None:
    """The smallest inputs, which say most in little, always in the same order and of the same date."""
    left = limit
    with zipfile.ZipFile(PACKED, "w", zipfile.ZIP_DEFLATED) as packed:
        for path in sorted(corpus.iterdir(), key=lambda path: (path.stat().st_size, path.name)):
            left -= path.stat().st_size
            if left < 0:
                break
            packed.writestr(zipfile.ZipInfo(path.name[:8]), path.read_bytes(), zipfile.ZIP_DEFLATED)


def main(seconds: str, directory: Path) -> None:
    """Fuzz until the time is over or an input fails."""
    fill(directory / "corpus")
    words = directory / "words"
    words.write_text("".join('"' + "".join(f"\\x{byte:02x}" for byte in word) + '"\n' for word in feed.words()))
    with tempfile.TemporaryDirectory() as drives:
        images = feed.Images(Path(drives))
    options = (f"-max_total_time={seconds}", f"-dict={words}", f"-artifact_prefix={directory}/", "-print_final_stats=1")
    atheris.Setup([sys.argv[0], *LIMITS, *options, str(directory / "corpus")], lambda data: _feed(data, images))
    atheris.Fuzz()


def _feed(data: bytes, images: feed.Images) -> None:
    feed.run_one(data, images)


if __name__ == "__main__":
    if sys.argv[1] == "pack":
        pack(Path(sys.argv[2]), int(sys.argv[3]))
    else:
        main(sys.argv[1], Path(sys.argv[2] if len(sys.argv) > 2 else tempfile.mkdtemp()))
