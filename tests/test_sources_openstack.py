# SPDX-License-Identifier: Apache-2.0
"""OpenStack's metadata service, asked on the wire."""

from __future__ import annotations

import json

import pytest

from bootagent.errors import SourceError
from bootagent.identity import Identity
from bootagent.sources import openstack
from tests.wire import Wire

META = {"uuid": "c0ffee", "hostname": "web1.example.org", "public_keys": {}}
NETWORK = {
    "links": [{"id": "tap0", "type": "ovs", "ethernet_mac_address": "fa:16:3e:00:00:01", "mtu": 1450}],
    "networks": [{"id": "n0", "link": "tap0", "type": "ipv4_dhcp"}],
    "services": [],
}


@pytest.mark.parametrize(
    ("identity", "why"),
    [
        (Identity(dmi={"product_name": "OpenStack Nova"}), "DMI product_name: OpenStack Nova"),
        (Identity(dmi={"chassis_asset_tag": "HUAWEICLOUD"}), "DMI chassis_asset_tag: HUAWEICLOUD"),
        (Identity(dmi={"sys_vendor": "OpenStack Foundation"}), "DMI sys_vendor: OpenStack Foundation"),
        (Identity(product="OpenStack Nova"), "init's product_name: OpenStack Nova"),
        (Identity(dmi={"product_name": "Standard PC (Q35 + ICH9, 2009)", "sys_vendor": "QEMU"}), ""),
        (Identity(), ""),
    ],
)
def test_it_is_known_by_what_the_machine_says(identity: Identity, why: str) -> None:
    assert openstack.detect(identity) == why


def test_the_documents_of_the_newest_tree_in_three_requests_without_a_header() -> None:
    with Wire("169.254.169.254") as wire:
        wire.answers["/openstack/latest/meta_data.json"] = json.dumps(META).encode()
        wire.answers["/openstack/latest/network_data.json"] = json.dumps(NETWORK).encode()
        place, instance = wire.call(lambda: openstack.fetch(wire.connector()))
    assert place == "http://169.254.169.254"
    assert (instance.id, instance.hostname, instance.ssh_keys) == ("c0ffee", "web1.example.org", ())
    assert instance.network is not None
    assert [link.mac for link in instance.network.links] == ["fa:16:3e:00:00:01"]
    assert [request.path for request in wire.requests] == [
        "/openstack/latest/meta_data.json",
        "/openstack/latest/network_data.json",
        "/openstack/latest/meta_data.json",
    ]
    assert {name for request in wire.requests for name in request.headers} == {"host"}


def test_without_a_network_document_rackspace_has_it_in_the_vendor_data() -> None:
    with Wire("169.254.169.254") as wire:
        wire.answers["/openstack/latest/meta_data.json"] = json.dumps(META).encode()
        wire.answers["/openstack/latest/vendor_data.json"] = json.dumps({"network_info": NETWORK}).encode()
        _, instance = wire.call(lambda: openstack.fetch(wire.connector()))
    assert instance.documents == ("meta_data.json", "vendor_data.json")


def test_where_latest_is_missing_the_newest_dated_tree_is_asked() -> None:
    with Wire("169.254.169.254") as wire:
        wire.answers["/openstack"] = b"2012-08-10\n2018-08-27\n2013-04-04\n"
        wire.answers["/openstack/2018-08-27/meta_data.json"] = json.dumps(META).encode()
        _, instance = wire.call(lambda: openstack.fetch(wire.connector()))
    assert instance.id == "c0ffee"
    assert len(wire.requests) == 4


def test_a_service_that_does_not_know_us_is_an_error_in_two_requests() -> None:
    with Wire("169.254.169.254") as wire:
        with pytest.raises(SourceError, match=r"^http://169\.254\.169\.254: no instance is known by our address$"):
            wire.call(lambda: openstack.fetch(wire.connector()))
        assert len(wire.requests) == 2
