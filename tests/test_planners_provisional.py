# SPDX-License-Identifier: Apache-2.0
"""The network by which a service is asked: what the first NIC gets beyond the fallback."""

from __future__ import annotations

import pytest

from bootagent.host import Host, Nic
from bootagent.model.ip import IPAddress
from bootagent.model.network import Network
from bootagent.model.values import InterfaceName, MacAddress
from bootagent.planners.provisional import provide_network

MAC = MacAddress("52:54:00:12:34:56")


def host(*names: str) -> Host:
    return Host(
        nics=tuple(Nic(InterfaceName(name), MacAddress(f"52:54:00:00:00:{i:02x}")) for i, name in enumerate(names))
    )


def test_the_fallback_will_do_where_the_cloud_has_dhcp() -> None:
    assert provide_network("ec2", "dhcp", host("eth0"), "dhcp") == Network()
    assert provide_network("lxd", "socket", host("eth0"), "none") == Network()


def test_without_a_fallback_the_first_nic_gets_dhcp_all_the_same() -> None:
    (link,) = provide_network("ec2", "dhcp", host("eth0", "eth1"), "none").links
    assert (link.mac, link.addressing.dhcp4, link.addressing.addresses) == ("52:54:00:00:00:00", True, ())


def test_the_first_nic_is_the_one_with_the_lowest_number() -> None:
    (link,) = provide_network("digitalocean", "link-local", host("ens10", "ens3"), "dhcp").links
    assert link.mac == "52:54:00:00:00:01"


def test_no_nic_is_nothing_to_provide_for() -> None:
    assert provide_network("digitalocean", "link-local", Host(), "dhcp") == Network()


@pytest.mark.parametrize("octets", [0x123456, 0, 0xFFFFFF, 0xA9FE - 0x100, 0xFDFE, 0xFDFF])
def test_a_link_local_address_is_one_that_a_host_may_have(octets: int) -> None:
    """RFC 3927 2.1: 169.254.1.0 to 169.254.254.255; and never the service's."""
    mac = MacAddress(f"52:54:00:{octets >> 16:02x}:{octets >> 8 & 255:02x}:{octets & 255:02x}")
    nics = (Nic(InterfaceName("eth0"), mac),)
    (link,) = provide_network("digitalocean", "link-local", Host(nics=nics), "dhcp").links
    (address,) = link.addressing.addresses
    assert IPAddress.parse("169.254.1.0") <= address.ip.ip
    assert address.ip.ip <= IPAddress.parse("169.254.254.255")
    assert address.ip.network.prefixlen == 16
    assert str(address.ip.ip) != "169.254.169.254"
    assert link.addressing.dhcp4
