# SPDX-License-Identifier: Apache-2.0
"""Keys and host name of a ``#cloud-config``, alone and beside those of meta-data."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from bootagent.formats.cloud_config import is_cloud_config, name_some, parse_cloud_config
from bootagent.formats.nocloud import parse_documents
from tests.conftest import EXAMPLES
from tests.test_formats_services import json_values

BLOB = "AAAAC3NzaC1lZDI1NTE5AAAAI"
ANN = f"ssh-ed25519 {BLOB}OflAKvYJxaL6s2wOpnswu59XJc0wvUR+A3PErwCb4+j ann"
BOB = f"ssh-ed25519 {BLOB}Oe/qj6g7shxd7AFPOJQY7VuCP+gkH97A6sC+3AIGwnN bob"
META = b"instance-id: i\n"


def parse(text: str) -> tuple[str | None, tuple[str, ...], tuple[str, ...], list[str]]:
    """Host name, keys, what is not done, and the problems."""
    said, others = parse_cloud_config(f"#cloud-config\n{text}".encode(), "user-data")
    return said.hostname, said.ssh_keys or (), others, [f"{p.severity} {p}" for p in said.problems]


@pytest.mark.parametrize(
    "data",
    [b"#cloud-config\n", b"#cloud-config", b"\n#Cloud-Config  \r\na: b\r\n", b"\xef\xbb\xbf#cloud-config # web\n"],
)
def test_it_is_known_by_its_first_line(data: bytes) -> None:
    assert is_cloud_config(data)


@pytest.mark.parametrize(
    "data",
    [
        *(
            b"",
            b"\n",
            b"#!/bin/sh\n",
            b"a: b\n",
            b"#cloud-config-archive\n",
            b"#cloud-boothook\n",
            b"#include\nhttp://x\n",
        ),
        *(b"## template: jinja\n#cloud-config\n", b"\x1f\x8b\x08\x00", b"MIME-Version: 1.0\n\n#cloud-config\n"),
    ],
)
def test_anything_else_is_none(data: bytes) -> None:
    assert not is_cloud_config(data)


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        (f"ssh_authorized_keys:\n- {ANN}\n- {BOB}\n", (ANN, BOB)),
        (f"ssh_authorized_keys: {ANN}\n", (ANN,)),
        (f"ssh-authorized-keys: [{ANN}]\n", (ANN,)),
        (f"users:\n- default\n- name: root\n  ssh_authorized_keys:\n  - {ANN}\n", (ANN,)),
        (f"users:\n- {{name: root, ssh-authorized-keys: {ANN}}}\n", (ANN,)),
        (f"users:\n  root: {{ssh_authorized_keys: [{BOB}]}}\n", (BOB,)),
        (f"ssh_authorized_keys: [{ANN}]\nusers:\n- {{name: root, ssh_authorized_keys: [{ANN}, {BOB}]}}\n", (ANN, BOB)),
        ("users: [default]\n", ()),
        ("users: default\n", ()),
        ("", ()),
    ],
)
def test_keys_stand_at_the_top_and_with_users(text: str, keys: tuple[str, ...]) -> None:
    assert parse(text) == (None, keys, (), [])


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("hostname: web\n", "web"),
        ("hostname: web\nfqdn: web.example.com\n", "web.example.com"),
        ("fqdn: web.example.com\nprefer_fqdn_over_hostname: true\n", "web.example.com"),
        ("hostname: web\npreserve_hostname: false\n", "web"),
        ("hostname: web\npreserve_hostname: true\n", None),
    ],
)
def test_the_host_name_with_its_domain_where_that_is_said(text: str, name: str | None) -> None:
    assert parse(text) == (name, (), (), [])


@pytest.mark.parametrize(
    ("text", "others"),
    [
        ("package_upgrade: true\nruncmd:\n- halt\n", ("package_upgrade", "runcmd")),
        ("package_upgrade: false\nruncmd: []\nwrite_files:\n", ()),
        ("users:\n- {name: root, shell: /bin/zsh}\n", ("users, but for their keys",)),
        ("users:\n- {name: root, lock_passwd: false, sudo: ''}\n", ()),
        (f"users:\n- {{name: ann, ssh_authorized_keys: [{ANN}]}}\n", ("users, but for their keys",)),
        ("users: ann, bob\n", ("users, but for their keys",)),
    ],
)
def test_what_else_it_wants_is_named(text: str, others: tuple[str, ...]) -> None:
    assert parse(text)[2] == others


def test_names_are_not_too_many() -> None:
    assert name_some(("a", "b")) == "a, b"
    assert (
        name_some(tuple("abcdefghijklmnopqrstuvw"))
        == "a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t and 3 more"
    )


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("- a\n", "error user-data: not a mapping"),
        ("just text\n", "error user-data: not a mapping"),
        ("a: [\n", "error user-data: line 3: not YAML"),
        ("password: *geheim\n", "error user-data: line 2: an alias of nothing"),
        ("password: !geheim x\n", "error user-data: line 2: a type that is not plain data"),
        ("hostname: '!!'\n", "warning user-data: hostname: '!!' is no usable host name"),
        ("ssh_authorized_keys: [geheim]\n", "warning user-data: ssh_authorized_keys[0]: not an OpenSSH public key"),
    ],
)
def test_what_is_wrong_is_named_without_what_could_be_a_secret(text: str, problem: str) -> None:
    assert parse(text) == (None, (), (), [problem])


# Beside meta-data


def read(user: str, meta: bytes = META) -> tuple[str | None, tuple[str, ...] | None, tuple[str, ...], list[str]]:
    """Host name, keys, the documents that were used, and the problems."""
    documents = {"meta-data": meta, "user-data": f"#cloud-config\n{user}".encode()}
    instance = parse_documents({name: data for name, data in documents.items() if data})
    return instance.hostname, instance.ssh_keys, instance.documents, [f"{p.severity} {p}" for p in instance.problems]


def test_meta_data_without_a_name_and_keys_leaves_it_to_user_data() -> None:
    used = ("meta-data", "user-data")
    assert read(f"hostname: web\nssh_authorized_keys: [{ANN}]\n") == ("web", (ANN,), used, [])
    assert read(f"ssh_authorized_keys: [{ANN}]\n", b"") == (None, (ANN,), ("user-data",), [])


def test_each_value_says_which_document_it_is_from() -> None:
    user = f"#cloud-config\nfqdn: web.example.com\nusers:\n- {{name: root, ssh_authorized_keys: [{ANN}]}}\n".encode()
    assert parse_documents({"meta-data": META, "user-data": user}).origins == {
        "id": "meta-data: instance-id",
        "hostname": "user-data: fqdn",
        "ssh_keys": "user-data: users",
    }
    assert (
        parse_documents({"meta-data": META + b"hostname: a\n", "user-data": user}).origins["hostname"]
        == "meta-data: hostname"
    )


def test_what_meta_data_says_comes_first_and_what_is_left_is_named() -> None:
    meta = META + f"local-hostname: one\npublic-keys: [{ANN}]\n".encode()
    assert read(f"hostname: one\nssh_authorized_keys: [{ANN}]\n", meta) == ("one", (ANN,), ("meta-data",), [])
    assert read(f"hostname: two\nssh_authorized_keys: [{BOB}]\nruncmd: [x]\n", meta) == (
        "one",
        (ANN,),
        ("meta-data",),
        ["info user-data: keys beside those of meta-data, the host name, runcmd: not handled"],
    )


def test_user_data_without_keys_says_nothing_of_them() -> None:
    assert read("runcmd: [x]\n") == (None, (), ("meta-data",), ["info user-data: runcmd: not handled"])
    assert read("runcmd: [x]\n", b"") == (None, None, (), ["info user-data: runcmd: not handled"])


def test_broken_user_data_leaves_the_keys_of_meta_data() -> None:
    meta = META + f"public-keys: [{ANN}]\n".encode()
    assert read("a: [\n", meta)[1] == (ANN,)
    assert read("a: [\n")[1] is None


@settings(max_examples=2 * EXAMPLES)
@given(
    st.binary() | st.dictionaries(st.sampled_from(["users", "hostname", "fqdn", "ssh_authorized_keys"]), json_values)
)
def test_any_user_data_gives_an_instance(value: object) -> None:
    data = value if isinstance(value, bytes) else yaml.safe_dump(value, allow_unicode=True).encode()
    instance = parse_documents({"meta-data": META, "user-data": b"#cloud-config\n" + data})
    assert instance.id == "i"
    assert all(str(problem).isprintable() for problem in instance.problems)
