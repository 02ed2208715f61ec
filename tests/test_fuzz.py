# SPDX-License-Identifier: Apache-2.0
"""A short run of ``tests/fuzz``, all that longer ones have kept, and that it can fail; ``make fuzz`` is a long one."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

import pytest

from bootagent.errors import DocumentError
from tests.examples import EXAMPLES
from tests.fuzz import drives, feed, mutate, seeds

if TYPE_CHECKING:
    from bootagent.model.instance import Instance
    from bootagent.model.plan import Plan

SHORT_RUN, MAX_INPUT = 1000, 2200
MAX_CORPUS = 150_000  # bytes in the tree


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> drives.Images:
    return drives.Images(tmp_path_factory.mktemp("drives"))


def test_the_sound_inputs_come_to_plans(images: drives.Images) -> None:
    for name, data in seeds.seeds():
        machine = bytes((data[0] % len(feed.BACKENDS),))  # one that has its NICs
        plan = feed.run_one(machine + data[1:], images)
        assert (plan is not None and plan.files) or feed.KINDS[data[1]] in feed.TEXTS, name


def test_a_short_run_is_endured_and_changes_whole_documents(images: drives.Images) -> None:
    """The mutator without a fuzzer: no coverage guides it, and its edits are of one byte."""
    random = Random(1)

    def edit(data: bytes, most: int) -> bytes:
        at = random.randrange(len(data) + 1)
        return (data[:at] + random.randbytes(random.randrange(3)) + data[at + random.randrange(3) :])[:most]

    mutator = mutate.Mutator(edit)
    sound = [data for _, data in seeds.seeds()]
    made = [mutator(random.choice(sound), MAX_INPUT, seed) for seed in range(SHORT_RUN)]
    plans = [feed.run_one(data, images) for data in made]
    assert len(set(made)) > SHORT_RUN * 0.9
    assert sum(plan is not None for plan in plans) > SHORT_RUN / 4
    assert {data[0] % feed.MACHINES for data in made if data} == set(range(feed.MACHINES))
    assert {data[1] % len(feed.KINDS) for data in made if data[1:]} == set(range(len(feed.KINDS)))


def test_what_fuzzers_have_kept_is_endured(images: drives.Images) -> None:
    assert seeds.PACKED.stat().st_size < MAX_CORPUS
    kept = dict(seeds.kept())
    for data in kept.values():
        feed.run_one(data, images)
    assert len(kept) > 1000


@pytest.mark.parametrize("wrong", ["an error of another kind", "a control character"])
def test_the_feeder_sees_what_is_wrong(images: drives.Images, monkeypatch: pytest.MonkeyPatch, wrong: str) -> None:
    """It can fail: a source that raises what it should not, and a renderer that writes what it should not."""
    name, data = next(seed for seed in seeds.seeds() if seed[0] in EXAMPLES)
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
