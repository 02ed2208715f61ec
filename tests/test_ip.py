# SPDX-License-Identifier: Apache-2.0
"""The agent's addresses against those of the standard library: the same texts are read, and mean the same."""

from __future__ import annotations

import ipaddress
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bootagent.model.ip import IPAddress, IPInterface, IPNetwork

ALPHABET = "0123456789abcdefABCDEF:./%x \n\0é٣"
SPELLINGS = st.one_of(
    st.text(ALPHABET, max_size=45),
    st.ip_addresses().map(str),
    st.ip_addresses(v=6).map(lambda ip: ip.exploded.upper()),
    st.lists(st.integers(0, 300).map(str), min_size=3, max_size=5).map(".".join),
    st.lists(st.sampled_from(("", "0", "1", "abcd", "12345", "1.2.3.4")), min_size=1, max_size=9).map(":".join),
)


def of_library(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """What the standard library makes of a text; nothing of one with a zone."""
    try:
        return None if "%" in text else ipaddress.ip_address(text)
    except ValueError:
        return None


@given(SPELLINGS)
@example("01.2.3.4")
@example("1.2.3.4\0")
@example("1.2.3.4\n")
@example("::1%lo")
@example("::ffff:1.2.3.4")
@example("1::2::3")
@example("\ud800")
def test_the_same_texts_are_addresses(text: str) -> None:
    known = of_library(text)
    if known is None:
        with pytest.raises(ValueError, match="is not an IP address"):
            IPAddress.parse(text)
        return
    found = IPAddress.parse(text)
    assert (found.version, found.number) == (known.version, int(known))
    assert ipaddress.ip_address(str(found)) == known
    assert found.is_link_local == known.is_link_local
    assert found.max_prefixlen == known.max_prefixlen
    assert IPAddress.unpack(known.packed) == found


@pytest.mark.parametrize("kind", [IPAddress, IPInterface, IPNetwork])
@pytest.mark.parametrize("value", [None, 1, 16909060, b"1.2.3.4", ["1.2.3.4"], True])
def test_what_is_no_text_is_no_address(kind: Any, value: object) -> None:
    with pytest.raises(ValueError, match="is not an IP address"):
        kind.parse(value)


@given(st.ip_addresses(), st.integers(-1, 130), st.ip_addresses())
def test_interfaces_and_networks_are_the_same(
    ip: ipaddress.IPv4Address | ipaddress.IPv6Address,
    length: int,
    other: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> None:
    text = f"{ip}/{length}"
    if not 0 <= length <= ip.max_prefixlen:
        with pytest.raises(ValueError, match="prefix length"):
            IPInterface.parse(text)
        return
    known, found = ipaddress.ip_interface(text), IPInterface.parse(text)
    network = found.network
    assert ipaddress.ip_interface(str(found)) == known
    assert (found.version, found.prefixlen, network.version) == (known.version, known.network.prefixlen, known.version)
    assert ipaddress.ip_network(str(network)) == known.network
    assert (network.first.number, network.last.number) == (int(known.network[0]), int(known.network[-1]))
    assert network.holds(found.ip)
    assert network.holds(IPAddress.parse(str(other))) == (other in known.network)
    assert IPNetwork.parse(str(network)) == network


@pytest.mark.parametrize("text", ["192.0.2.1/24", "2001:db8::1/64"])
def test_bits_beyond_the_length_are_no_network(text: str) -> None:
    with pytest.raises(ValueError, match="host bits"):
        IPNetwork.parse(text)


@pytest.mark.parametrize("text", ["192.0.2.1", "192.0.2.1/", "192.0.2.1/-1", "192.0.2.1/٣", "192.0.2.1/24/24", "x/24"])
def test_what_has_no_length_is_no_interface(text: str) -> None:
    with pytest.raises(ValueError, match=r"prefix length|IP address"):
        IPInterface.parse(text)


@given(st.lists(st.ip_addresses(v=6), min_size=1, max_size=4))
def test_order_is_that_of_the_numbers(ips: list[ipaddress.IPv6Address]) -> None:
    assert [str(ip) for ip in sorted(ips)] == [
        str(ipaddress.ip_address(str(ip))) for ip in sorted(IPAddress.parse(str(ip)) for ip in ips)
    ]
