# SPDX-License-Identifier: Apache-2.0
"""The grammars of services whose documents are a tree's leaves: whatever a leaf holds, the answer is an instance."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bootagent.formats import alibaba, cloudstack, ec2
from tests import test_sources_alibaba, test_sources_cloudstack, test_sources_ec2
from tests.conftest import EXAMPLES
from tests.test_formats_services import check

if TYPE_CHECKING:
    from tests.test_formats_services import Parser

# A format's parser, with the leaves that its service has.
FORMATS: dict[str, tuple[Parser, dict[str, str]]] = {
    "alibaba": (alibaba.parse_documents, test_sources_alibaba.TWO),
    "cloudstack": (cloudstack.parse_documents, test_sources_cloudstack.LEAVES),
    "ec2": (ec2.parse_documents, test_sources_ec2.TWO),
}
lines = st.sampled_from(("192.0.2.7", "2001:db8::7", "::", "127.0.0.1", "0", "02:29:96:8f:6a:2d/", "[]", '["a"]')) | (
    st.text(max_size=9)
)
leaves = st.binary(max_size=60) | st.lists(lines, max_size=4).map(lambda texts: "\n".join(texts).encode())


@pytest.mark.parametrize("name", FORMATS)
def test_the_leaves_are_understood_without_a_problem(name: str) -> None:
    parse, documents = FORMATS[name]
    instance = parse({key: text.encode() for key, text in documents.items()})
    assert instance.id
    assert instance.hostname
    assert instance.ssh_keys
    assert {"id", "hostname", "ssh_keys"} <= instance.origins.keys()
    assert instance.problems == ()


@pytest.mark.parametrize("name", FORMATS)
@settings(max_examples=2 * EXAMPLES)
@given(data=st.data())
def test_any_leaves_give_an_instance(name: str, data: st.DataObject) -> None:
    parse, documents = FORMATS[name]
    changed = data.draw(st.dictionaries(st.sampled_from(sorted(documents)), leaves))
    removed = data.draw(st.sets(st.sampled_from(sorted(documents)), max_size=2))
    sound = {key: text.encode() for key, text in documents.items() if key not in removed}
    check(parse, {**sound, **changed})
