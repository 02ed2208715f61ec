# SPDX-License-Identifier: Apache-2.0
"""The OpenStack documents together: who the instance is, where its network is said, and what is broken as a whole."""

from __future__ import annotations

import base64
import copy
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bootagent.formats import meta_data
from bootagent.formats.openstack import MAX_DOCUMENT, hostname_from, network_config_path, parse_documents
from bootagent.model.instance import Instance, Problem
from bootagent.model.ip import IPAddress
from bootagent.model.network import Network
from bootagent.model.values import Hostname
from tests.conftest import EXAMPLES

DOCUMENTS = (
    "meta_data.json",
    "network_data.json",
    "network_info.json",
    "vendor_data.json",
    "network_config",
)
UUID = "3e7a1f0c-5b6d-4f7e-8a9b-0c1d2e3f4a5b"
MAC = "52:54:00:00:00:01"


def key(number: int, comment: str = "", kind: str = "ssh-ed25519") -> str:
    """A public key that is one, made of a number."""
    name = kind.encode()
    blob = len(name).to_bytes(4, "big") + name + (32).to_bytes(4, "big") + bytes([number]) * 32
    return f"{kind} {base64.b64encode(blob).decode()} {comment}".strip()


def certificate() -> str:
    """An X.509 certificate as nova puts it among the keys; what is in it does not matter."""
    lines = [base64.b64encode(bytes([7]) * 48).decode()] * 3
    return "\n".join(["-----BEGIN CERTIFICATE-----", *lines, "-----END CERTIFICATE-----"]) + "\n"


def network_data(address: str = "10.0.0.5", mac: str = MAC) -> dict[str, Any]:
    return {
        "links": [{"id": "l", "type": "phy", "ethernet_mac_address": mac}],
        "networks": [{"link": "l", "type": "ipv4", "ip_address": address, "netmask": "24"}],
        "services": [],
    }


def parse(**documents: object) -> Instance:
    """The instance of these documents; what is not bytes is made JSON."""
    return parse_documents(
        {
            name if name == "network_config" else f"{name}.json": (
                value if isinstance(value, bytes) else json.dumps(value).encode()
            )
            for name, value in documents.items()
        }
    )


def meta(**fields: object) -> Instance:
    return parse(meta_data=fields)


def where(instance: Instance) -> list[str]:
    return [f"{p.severity} {p.where}" for p in instance.problems]


def addresses(network: Network | None) -> list[str]:
    assert network is not None
    return [str(address.ip) for link in network.links for address in link.addressing.addresses]


# Which documents there are


def test_no_documents_are_no_instance() -> None:
    assert parse_documents({}) == Instance()


def test_a_drive_with_network_data_only_is_a_good_drive() -> None:
    """As ironic's virtual media ISO has it."""
    instance = parse(network_data=network_data())
    assert addresses(instance.network) == ["10.0.0.5/24"]
    assert instance._replace(network=None) == Instance(documents=("network_data.json",))


def test_a_drive_with_meta_data_only_is_a_good_drive() -> None:
    instance = meta(uuid=UUID, hostname="web1.novalocal", public_keys={"k": key(1)})
    origins = {"id": "uuid", "hostname": "hostname", "ssh_keys": "public_keys"}
    assert instance == Instance(
        UUID,
        Hostname("web1.novalocal"),
        instance.ssh_keys,
        documents=("meta_data.json",),
        origins={field: f"meta_data.json: {key}" for field, key in origins.items()},
    )
    assert instance.ssh_keys == (key(1),)


def test_nothing_but_a_uuid_says_no_host_name_and_no_keys() -> None:
    origins = {"id": "meta_data.json: uuid"}
    assert meta(uuid=UUID) == Instance(UUID, None, (), documents=("meta_data.json",), origins=origins)


def test_no_network_is_not_the_same_as_an_empty_one() -> None:
    assert parse(network_data={}).network is None
    assert parse(network_data={"links": [], "networks": [], "services": []}).network is None


@pytest.mark.parametrize(
    ("documents", "used", "address"),
    [
        (("network_data", "network_info", "vendor_data", "network_config"), "network_data.json", "10.0.0.1/24"),
        (("network_info", "vendor_data", "network_config"), "network_info.json", "10.0.0.2/24"),
        (("vendor_data", "network_config"), "vendor_data.json", "10.0.0.3/24"),
        (("network_config",), "network_config", "10.0.0.4/24"),
    ],
)
@pytest.mark.parametrize("empty", [None, b"{}", b'{"services": []}'])
def test_the_network_is_taken_from_the_first_place_that_has_one(
    documents: tuple[str, ...], used: str, address: str, empty: bytes | None
) -> None:
    all_of_them: dict[str, object] = {
        "network_data": network_data("10.0.0.1"),
        "network_info": network_data("10.0.0.2"),
        "vendor_data": {"network_info": network_data("10.0.0.3"), "region": "{}", "roles": []},
        "network_config": b"auto eth0\niface eth0 inet static\n  address 10.0.0.4/24\n",
    }
    given_documents = {name: all_of_them[name] for name in documents}
    if empty is not None:
        given_documents = {**{name: empty for name in all_of_them if name != "network_config"}, **given_documents}
    instance = parse(**given_documents)
    assert addresses(instance.network) == [address]
    assert instance.documents == (used,)
    assert instance.problems == ()


def test_the_network_of_vendor_data_is_named_in_places_and_origins() -> None:
    info = network_data()
    info["links"][0]["mtu"] = "many"
    instance = parse(vendor_data={"network_info": info})
    assert instance.network is not None
    assert instance.network.links[0].origin == "vendor_data.json: network_info.links[0]"
    assert where(instance) == ["warning vendor_data.json: network_info.links[0].mtu"]


@pytest.mark.parametrize("value", [[], "text", 5, None, {"network_info": "text"}, {"network_info": None}, {}])
def test_vendor_data_may_be_any_json(value: object) -> None:
    assert parse(vendor_data=value) == Instance()


def test_a_place_without_a_sound_link_is_not_the_last_word() -> None:
    instance = parse(network_data={"links": [{"id": "no device name"}]}, vendor_data={"network_info": network_data()})
    assert addresses(instance.network) == ["10.0.0.5/24"]
    assert where(instance) == ["error network_data.json: links[0]"]


def test_a_network_in_which_nothing_is_sound_is_not_silence() -> None:
    instance = parse(network_data={"links": [{"id": "no device name"}]})
    assert instance.network == Network()
    assert instance.documents == ("network_data.json",)
    assert where(instance) == ["error network_data.json: links[0]"]


# Broken as a whole


@pytest.mark.parametrize("name", DOCUMENTS[:4])
@pytest.mark.parametrize(
    ("rule", "data"),
    [
        ("empty", b""),
        ("only NULs", bytes(512)),
        ("not UTF-8", b'{"a": "\xff"}'),
        ("UTF-16", '{"a": 1}'.encode("utf-16")),
        ("not JSON", b"{'a': 1}"),
        ("truncated", b'{"links": [{"id": "a"'),
        ("two values", b"{} {}"),
        ("a control character", b'{"a": "\n"}'),
        ("nested beyond the parser", b"[" * 100000 + b"]" * 100000),
        ("nested beyond us", b'{"a":' * 100 + b"1" + b"}" * 100),
        ("a long number", b'{"a": ' + b"9" * 21 + b"}"),
        ("a very long number", b'{"a": ' + b"9" * 500000 + b"}"),
        ("too large", b'{"a": "' + b"x" * MAX_DOCUMENT + b'"}'),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_broken_document_is_named_once_and_costs_only_itself(name: str, rule: str, data: bytes) -> None:
    documents = {"meta_data.json": json.dumps({"uuid": UUID}).encode(), name: data}
    instance = parse_documents(documents)
    assert instance.broken == {name}
    assert name not in instance.documents
    (problem,) = instance.problems
    assert (problem.severity, problem.where.partition(":")[0]) == ("error", name)
    assert problem.message.isprintable()
    assert instance.id == (None if name == "meta_data.json" else UUID)
    assert instance.ssh_keys == (None if name == "meta_data.json" else ())


@pytest.mark.parametrize("name", DOCUMENTS[:3])
@pytest.mark.parametrize("value", [[], "text", 5, None, True])
def test_a_document_of_the_wrong_kind_is_broken(name: str, value: object) -> None:
    instance = parse_documents({name: json.dumps(value).encode()})
    assert instance == Instance(broken=frozenset([name]), problems=(Problem("error", name, "not an object"),))


def test_a_broken_network_data_leaves_the_next_place_to_be_tried() -> None:
    instance = parse(network_data=b"{", network_info=network_data())
    assert addresses(instance.network) == ["10.0.0.5/24"]
    assert instance.broken == {"network_data.json"}
    assert instance.documents == ("network_info.json",)


@pytest.mark.parametrize("wrap", [b"\xef\xbb\xbf%b", b"%b\0\0\0", b"\n %b\n\0", b"\xef\xbb\xbf%b\0"])
def test_a_byte_order_mark_and_trailing_nuls_do_no_harm(wrap: bytes) -> None:
    instance = parse(meta_data=wrap % json.dumps({"uuid": UUID}).encode())
    assert (instance.id, instance.problems) == (UUID, ())


def test_the_last_of_two_equal_keys_wins() -> None:
    assert parse(meta_data=b'{"uuid": "a", "uuid": "b"}').id == "b"


# Identity


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"uuid": UUID}, UUID),
        ({"uuid": "not a uuid at all"}, "not a uuid at all"),
        ({"uuid": " padded "}, "padded"),
        ({"instance_id": "i-1"}, "i-1"),
        ({"instance-id": 12345}, "12345"),
        ({"uuid": None, "instance_id": "", "instance-id": "i-3"}, "i-3"),
        ({"uuid": UUID, "instance-id": "i-3"}, UUID),
        ({}, None),
    ],
)
def test_an_identity(fields: dict[str, Any], expected: str | None) -> None:
    instance = meta(**fields)
    assert (instance.id, instance.problems) == (expected, ())


@pytest.mark.parametrize("value", ["a\nb", "x" * 129, "\u00fc", ["a"], {}, 1.5, "\x7f", "   "])
def test_an_identity_that_is_none_is_passed_over(value: object) -> None:
    instance = meta(uuid=value, instance_id="i-1")
    assert instance.id == "i-1"
    assert where(instance) == ["warning meta_data.json: uuid"]


# Host name


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("web1", "web1"),
        ("Web1.Example.org", "Web1.Example.org"),
        ("web1.novalocal", "web1.novalocal"),
        ("web1.example.org.", "web1.example.org"),
        ("  web1\n", "web1"),
        ("my_vm", "my-vm"),
        ("my vm\tnow", "my-vm-now"),
        ("_vm_", "vm"),
        ("-vm-.-x-", "vm.x"),
        ("a..b", "a.b"),
        (".a.", "a"),
        ("b\u00fccher", "bcher"),
        ("vm\x00\x1b[31m", "vm31m"),
        ("$(reboot)", "reboot"),
        ("../../etc/passwd", "etcpasswd"),
        ("x" * 63, "x" * 63),
        ("x" * 64, "x" * 63),
        ("x" * 62 + "-y", "x" * 62),
        ("x" * 63 + ".y", "x" * 63),
        ("a" * 32 + "." + "b" * 31, "a" * 32 + "." + "b" * 31),
        ("a" * 32 + "." + "b" * 32, "a" * 32),
        ("web1." + "x" * 60, "web1"),
        ("node.1", "node"),
        ("1node", "1node"),
        ("42", "42"),
        ("10.0.0.5", None),
        ("localhost", None),
        ("LOCALHOST", None),
        ("localhost.localdomain", None),
        ("localhost.", None),
        ("localhost.example.org", "localhost.example.org"),
        ("", None),
        ("...", None),
        ("---", None),
        ("\u65e5\u672c", None),
        ("::1", "1"),
        (None, None),
        (7, None),
        (["web1"], None),
        ("x" * 5000, "x" * 63),
    ],
)
def test_a_host_name_from_text(text: object, expected: str | None) -> None:
    assert hostname_from(text) == expected


@given(st.text() | st.from_regex(r"[-a-z0-9. _]{0,80}"))
def test_a_host_name_from_any_text_is_one_or_none(text: str) -> None:
    name = hostname_from(text)
    assert name is None or (Hostname(name) == name and hostname_from(name) == name)


@pytest.mark.parametrize(
    ("fields", "expected", "problems"),
    [
        ({"hostname": "a", "local-hostname": "b", "name": "c"}, "a", []),
        ({"local-hostname": "b", "local_hostname": "d", "name": "c"}, "b", []),
        ({"local_hostname": "d", "name": "c"}, "d", []),
        ({"hostname": None, "name": "c"}, "c", []),
        ({"hostname": "", "name": "c"}, "c", []),
        ({"name": "My Server"}, "my-server", ["info meta_data.json: name"]),
        ({"hostname": "my_vm"}, "my-vm", ["info meta_data.json: hostname"]),
        ({"hostname": "MyVM"}, "MyVM", []),
        ({"hostname": "localhost", "name": "c"}, "c", ["warning meta_data.json: hostname"]),
        ({"hostname": 7, "name": "c"}, "c", ["warning meta_data.json: hostname"]),
        ({"name": "\u65e5\u672c"}, None, ["warning meta_data.json: name"]),
        ({}, None, []),
    ],
)
def test_the_order_of_host_names(fields: dict[str, Any], expected: str | None, problems: list[str]) -> None:
    instance = meta(**fields)
    assert (instance.hostname, where(instance)) == (expected, problems)


# Keys


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"public_keys": {"mine": key(1) + "\n"}}, [key(1)]),
        ({"public_keys": {"0": key(1), "1": key(2)}}, [key(1), key(2)]),
        ({"public_keys": {"mine": [key(1), key(2)]}}, [key(1), key(2)]),
        ({"public_keys": [key(1), key(2)]}, [key(1), key(2)]),
        ({"public_keys": [{"mine": key(1)}, {"key": key(2)}]}, [key(1), key(2)]),
        ({"public_keys": {"0": {"openssh-key": key(1)}}}, [key(1)]),
        ({"public_keys": f"{key(1)}\n{key(2)}\n"}, [key(1), key(2)]),
        ({"public-keys": {"mine": key(1)}}, [key(1)]),
        ({"public_keys": {"m": "\n".join(["# seven", "", *map(key, range(7)), "  "])}}, [key(i) for i in range(7)]),
        ({"public_keys": {"data": key(1), "other": key(2)}}, [key(1), key(2)]),
        ({"public_keys": {"win": f"{key(1)}\r\n{key(2)}\r\n"}}, [key(1), key(2)]),
        ({"keys": [{"name": "mine", "type": "ssh", "data": key(1)}]}, [key(1)]),
        (
            {"keys": [{"name": "m", "type": "ssh", "data": key(2)}], "public_keys": {"m": key(2), "n": key(1)}},
            [key(2), key(1)],
        ),
        ({"public_keys": {"a": key(1, "first"), "b": key(1, "again")}}, [key(1, "first")]),
        (
            {"public_keys": {"a": 'from="10.0.0.0/8",no-pty ' + key(1, "me")}},
            ['from="10.0.0.0/8",no-pty ' + key(1, "me")],
        ),
        ({"public_keys": None, "keys": []}, []),
        ({"public_keys": {"a": None}}, []),
        ({}, []),
    ],
)
def test_keys_in_every_form(fields: dict[str, Any], expected: list[str]) -> None:
    instance = meta(**fields)
    assert (list(instance.ssh_keys or ()), instance.problems) == (expected, ())


def test_certificates_are_left_out_without_alarm() -> None:
    instance = meta(
        keys=[{"name": "win", "type": "x509", "data": certificate()}, {"name": "m", "type": "ssh", "data": key(1)}],
        public_keys={"win": certificate(), "m": certificate() + key(1) + "\n" + certificate() + key(2)},
    )
    assert instance.ssh_keys == (key(1), key(2))
    assert {p.severity for p in instance.problems} == {"info"}


@pytest.mark.parametrize(
    ("fields", "place"),
    [
        ({"public_keys": {"a": "s3cret"}}, "public_keys['a']"),
        ({"public_keys": {"a": f"{key(9)}\ns3cret words here"}}, "public_keys['a']: line 2"),
        ({"public_keys": {"a": "ssh-rsa s3cret"}}, "public_keys['a']"),
        ({"public_keys": ["ssh-ed25519 AAAAs3cret me"]}, "public_keys[0]"),
        ({"public_keys": {"a": 5}}, "public_keys['a']"),
        ({"public_keys": True}, "public_keys"),
        ({"public_keys": [[[["s3cret"]]]]}, "public_keys[0][0][0]"),
        ({"keys": [{"name": "a", "type": "ssh", "data": "s3cret"}]}, "keys[0].data"),
        ({"keys": [{"name": "a", "type": "gpg", "data": "s3cret"}]}, "keys[0].data"),
        ({"keys": "s3cret"}, "keys"),
        ({"public_keys": {"a": key(1)[:-46]}}, "public_keys['a']"),
    ],
)
def test_what_is_no_key_costs_only_itself_and_is_never_shown(fields: dict[str, Any], place: str) -> None:
    instance = meta(**fields, **{"public-keys": {"good": key(3)}})
    assert instance.ssh_keys is not None
    assert instance.ssh_keys[-1] == key(3)
    assert where(instance) == [f"warning meta_data.json: {place}"]
    assert "s3cret" not in repr(instance)


def test_a_private_key_is_never_shown() -> None:
    text = "-----BEGIN OPENSSH PRIVATE KEY-----\ns3cret\n-----END OPENSSH PRIVATE KEY-----\n"
    instance = meta(public_keys={"oops": text, "cut": text[:45]})
    assert instance.ssh_keys == ()
    assert "s3cret" not in repr(instance)


def test_keys_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(meta_data, "MAX_KEYS", 5)
    instance = meta(public_keys={str(i): key(i) for i in range(20)})
    assert instance.ssh_keys == tuple(key(i) for i in range(5))
    assert where(instance) == ["warning meta_data.json: public_keys['5']"]


def test_secrets_are_never_in_an_instance() -> None:
    instance = meta(uuid=UUID, admin_pass="s3cret", random_seed="s3cret", meta={"password": "s3cret"}, hostname=["x"])
    assert "s3cret" not in repr(instance)


# The Debian file


@pytest.mark.parametrize("path", ["/content/0000", "/content/0001", "/content/net_config-1.txt"])
def test_the_path_of_the_debian_file(path: str) -> None:
    meta_bytes = json.dumps({"network_config": {"name": "network_config", "content_path": path}}).encode()
    assert network_config_path(meta_bytes) == path


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{}",
        b"network_config",
        b'{"network_config": null}',
        b'{"network_config": "/content/0000"}',
        b'{"network_config": {"name": "x"}}',
        b'{"network_config": {"content_path": 5}}',
        b'{"network_config": {"content_path": "/content/"}}',
        b'{"network_config": {"content_path": "/content/.."}}',
        b'{"network_config": {"content_path": "/content/../../etc/shadow"}}',
        b'{"network_config": {"content_path": "/content/a/b"}}',
        b'{"network_config": {"content_path": "/content/a..b"}}',
        b'{"network_config": {"content_path": "/content/a\\u0000"}}',
        b'{"network_config": {"content_path": "/content/\\u00e9"}}',
        b'{"network_config": {"content_path": "/etc/network/interfaces"}}',
        b'{"network_config": {"content_path": "content/0000"}}',
        b'["network_config"]',
        b"\xffnetwork_config",
    ],
)
def test_a_path_of_the_debian_file_that_leads_elsewhere_is_none(data: bytes) -> None:
    assert network_config_path(data) is None


def test_a_debian_file_that_is_named_and_absent_is_no_harm_where_the_network_is_said() -> None:
    """As in Rackspace's drives."""
    named = {"uuid": UUID, "network_config": {"name": "network_config", "content_path": "/content/0000"}}
    assert parse(meta_data=named, network_data=network_data()).problems == ()
    assert where(parse(meta_data=named)) == ["warning meta_data.json: network_config"]


# Whole drives


def test_a_powervs_drive() -> None:
    instance = parse(
        meta_data={
            "uuid": UUID,
            "name": "pvs-1",
            "hostname": "pvs-1",
            "meta": {"flag": "true"},
            "network_config": {"content_path": "/content/0000", "name": "network_config"},
            "keys": [{"data": key(1), "name": "a long key name, made by somebody", "type": "ssh"}],
            "public_keys": {"a long key name, made by somebody": key(1)},
        },
        network_config=b"auto eth0\niface eth0 inet static\n address 192.168.7.5\n netmask 255.255.255.0\n",
    )
    assert (instance.id, instance.hostname, instance.ssh_keys) == (UUID, "pvs-1", (key(1),))
    assert addresses(instance.network) == ["192.168.7.5/24"]
    assert (instance.documents, instance.problems) == (("meta_data.json", "network_config"), ())


def test_a_kubevirt_drive() -> None:
    instance = parse(
        meta_data={"uuid": "kv-1", "hostname": "kv_1.ns", "instance_type": "x", "public_keys": {"0": key(1)}},
        network_data={
            "links": [{"id": "a", "type": "phy", "ethernet_mac_address": MAC, "name": "eth0"}],
            "networks": [
                {
                    "link": "a",
                    "type": "ipv4_dhcp",
                    "routes": [{"network": "0.0.0.0", "netmask": "0.0.0.0", "gateway": "10.0.0.1"}],
                }
            ],
        },
        user_data=b"#cloud-config\n",
    )
    assert (instance.id, instance.hostname, instance.ssh_keys) == ("kv-1", "kv-1.ns", (key(1),))
    assert instance.network is not None
    asked = instance.network.links[0].addressing
    assert asked.dhcp4
    assert [route.via for route in asked.routes] == [IPAddress.parse("10.0.0.1")]
    assert where(instance) == ["info meta_data.json: hostname"]


# Properties

META = {
    "uuid": UUID,
    "name": "web",
    "hostname": "web.example.org",
    "public_keys": {"a": key(1), "b": [key(2)]},
    "keys": [{"name": "a", "type": "ssh", "data": key(1)}],
    "network_config": {"name": "network_config", "content_path": "/content/0000"},
    "local-hostname": "web",
    "devices": [],
}
scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
json_values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4), max_leaves=8
)


def sound(instance: Instance) -> None:
    """What holds for every instance."""
    assert instance.broken.isdisjoint(instance.documents)
    assert instance.id is None or (1 <= len(instance.id) <= 128 and instance.id.isascii() and instance.id.isprintable())
    for problem in instance.problems:
        assert problem.where.partition(":")[0] in DOCUMENTS
        assert str(problem).isprintable()
        assert str(problem).isascii()
        assert len(str(problem)) < 400


@settings(max_examples=2 * EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(sorted(META)), json_values)
def test_any_value_in_meta_data_gives_an_instance(field: str, value: object) -> None:
    changed: dict[str, Any] = {**copy.deepcopy(META), field: value}
    instance = meta(**changed)
    assert instance.broken == set() or instance.problems
    sound(instance)


@settings(max_examples=3 * EXAMPLES, deadline=None)
@given(st.dictionaries(st.sampled_from(DOCUMENTS), st.binary() | json_values.map(lambda v: json.dumps(v).encode())))
def test_any_bytes_give_an_instance(documents: dict[str, bytes]) -> None:
    sound(parse_documents(documents))
    network_config_path(documents.get("meta_data.json", b""))


@settings(max_examples=2 * EXAMPLES, deadline=None)
@given(st.data())
def test_any_damage_to_a_good_document_gives_an_instance(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(["meta_data.json", "network_data.json"]))
    good = json.dumps(META if name == "meta_data.json" else network_data()).encode()
    start = data.draw(st.integers(0, len(good)))
    end = data.draw(st.integers(start, len(good)))
    sound(parse_documents({name: good[:start] + data.draw(st.binary(max_size=8)) + good[end:]}))


BOUNDED = """
import sys, time
sys.path.insert(0, sys.argv[1])
from bootagent.formats.openstack import parse_documents
names = ("meta_data.json", "network_data.json", "network_info.json", "vendor_data.json")
content = sys.stdin.buffer.read()
start = time.process_time()
parse_documents({name: bytes(content) for name in names})
seconds = time.process_time() - start
# Of this program alone: ru_maxrss would keep what the process was before exec.
peak = next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(seconds, peak)
"""


@pytest.mark.parametrize(
    "content",
    [
        b'{"links":[' + b",".join([b"{}"] * 349_000) + b"]}",
        b'{"links":[' + b",".join([b'{"a":1}'] * 16_000) + b"]}",
        b'{"links":[' + b",".join([b'"x"'] * 65_000) + b"]}",
        '{"links":["\U0001f600",'.encode() + b"1," * 60_000 + b'"' + b"y" * 700_000 + b'"]}',
        b'{"links":[' + b",".join([b'{"id":"a","ethernet_mac_address":"52:54:00:00:00:01"}'] * 15_000) + b"]}",
        b'{"public_keys":"' + b"ssh-ed25519 AAAA\\n" * 60_000 + b'"}',
    ],
    ids=["empty objects", "objects", "strings", "wide text", "links", "keys"],
)
def test_hostile_documents_stay_within_2_seconds_and_32_mebibytes(content: bytes) -> None:
    """Four documents at once, in an interpreter of their own: the limits of the whole process."""
    command = [sys.executable, "-I", "-S", "-c", BOUNDED, str(Path(__file__).resolve().parent.parent)]
    done = subprocess.run(command, input=content, capture_output=True, check=True)
    seconds, kibibytes = done.stdout.split()
    assert float(seconds) < 2
    assert int(kibibytes) < 32 * 1024
