# SPDX-License-Identifier: Apache-2.0
"""All that runs of the fuzzer of ``tests/fuzz`` have kept, and that it can fail; ``make fuzz`` is such a run."""

from __future__ import annotations

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


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> feed.Images:
    return feed.Images(tmp_path_factory.mktemp("drives"))


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
