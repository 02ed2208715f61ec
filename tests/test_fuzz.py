# SPDX-License-Identifier: Apache-2.0
"""A short run of the fuzzer of ``tests/fuzz``, and all that earlier ones have kept; ``make fuzz`` is a long one."""

from __future__ import annotations

import re
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from bootagent.errors import DocumentError
from tests.examples import EXAMPLES
from tests.fuzz import feed

if TYPE_CHECKING:
    from bootagent.model.instance import Instance
    from bootagent.model.plan import Plan

CORPUS = Path(feed.__file__).with_name("corpus.zip")
MAX_CORPUS = 150_000  # bytes in the tree
SECONDS = 4


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> feed.Images:
    return feed.Images(tmp_path_factory.mktemp("drives"))


def test_a_short_run_finds_nothing(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.fuzz", str(SECONDS), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-4000:]
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(("crash-", "timeout-", "oom-"))] == []
    found = {name: int(value) for name, value in re.findall(r"^stat::(\w+): +(\d+)$", done.stderr, re.MULTILINE)}
    assert found["number_of_executed_units"] > 300
    assert found["new_units_added"] > 0  # it is guided: what is covered counts


def test_the_sound_inputs_come_to_plans(images: feed.Images) -> None:
    plans = {name: feed.run_one(data, images) for name, data in feed.seeds()}
    assert [name for name, plan in plans.items() if plan is None or not plan.files] == []


def test_what_fuzzers_have_kept_is_endured(images: feed.Images) -> None:
    assert CORPUS.stat().st_size < MAX_CORPUS
    with zipfile.ZipFile(CORPUS) as packed:
        names = packed.namelist()
        for name in names:
            feed.run_one(packed.read(name), images)
    assert len(names) > 100


@pytest.mark.parametrize("wrong", ["an error of another kind", "a control character"])
def test_the_feeder_sees_what_is_wrong(images: feed.Images, monkeypatch: pytest.MonkeyPatch, wrong: str) -> None:
    """It can fail: a source that raises what it should not, and a renderer that writes what it should not."""
    name, data = next(seed for seed in feed.seeds() if seed[0] in EXAMPLES)
    if wrong == "an error of another kind":

        def parse(_: object) -> Instance:
            raise DocumentError("meta_data.json", "", "broken")

        monkeypatch.setitem(EXAMPLES, name, EXAMPLES[name]._replace(parse=parse))
        with pytest.raises(DocumentError):
            feed.run_one(data, images)
    else:
        plan = feed.run_one(data, images)
        assert plan
        spoiled: Plan = plan._replace(files=(plan.files[0]._replace(content="a\rb\n"),))
        with pytest.raises(AssertionError, match=wrong):
            feed.check((), spoiled)
