# SPDX-License-Identifier: Apache-2.0
"""What holds for every renderer: the contract of ``bootagent.renderers``, and that no field of the model is dropped."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bootagent import renderers
from bootagent.errors import UsageError
from bootagent.host import Host
from bootagent.model import bond as bonding
from bootagent.model import network as model
from bootagent.model.instance import Problem
from bootagent.model.ip import IPAddress, IPInterface, IPNetwork
from bootagent.model.network import Address, Bond, BoundNetwork, Dns, Interface, Match, Route, Vlan
from bootagent.model.values import DomainName, InterfaceName, MacAddress, Mtu, VlanId
from bootagent.record import Record
from tests import strategies

if TYPE_CHECKING:
    from bootagent.model.plan import Plan

RECORDS = (Address, Route, Dns, Bond, Vlan, Match, Interface, BoundNetwork)
BACKENDS = pytest.mark.parametrize("backend", renderers.names())
FEW = settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))  # a network is much to draw


def ip(text: str) -> Any:
    return IPInterface.parse(text) if "/" in text else IPAddress.parse(text)


def net(text: str) -> Any:
    return IPNetwork.parse(text)


def nic(number: int, **fields: Any) -> Interface:
    name = InterfaceName(f"eth{number}")
    match = Match(mac=MacAddress(f"fa:16:3e:00:00:0{number}"))
    return Interface(str(name), name, match, **{"origin": f"network_data.json: links[{number}]", **fields})


# Every field of every record says something here: eth0 is static, eth1 and eth2 are bonded, eth3 is dynamic.
NETWORK = BoundNetwork(
    (
        nic(
            0,
            mtu=Mtu(1442),
            addresses=(Address(ip("192.0.2.5/24")), Address(ip("2001:db8::5/64"))),
            routes=(Route(net("198.51.100.0/24"), ip("192.0.2.9"), 50), Route(net("0.0.0.0/0"), ip("192.0.2.1"))),
            dns=Dns((ip("192.0.2.53"),), (DomainName("a.example"),)),
        ),
        nic(1, master=InterfaceName("bond0"), required=False),
        nic(2, master=InterfaceName("bond0"), required=False),
        nic(3, dhcp4=True, ra="full", dhcp6="stateful", metric=200),
        Interface(
            "bond0",
            InterfaceName("bond0"),
            mac=MacAddress("fa:16:3e:00:00:01"),
            addresses=(Address(ip("203.0.113.5/24")),),
            bond=Bond("active-backup", (("miimon", "100"),), ("eth1", "eth2"), "eth1"),
            origin="network_data.json: links[4]",
        ),
        Interface(
            "vlan20",
            InterfaceName("vlan20"),
            mac=MacAddress("fa:16:3e:00:00:20"),
            addresses=(Address(ip("203.0.113.130/25")),),
            vlan=Vlan(VlanId(20), "bond0"),
            origin="network_data.json: links[5]",
        ),
    )
)

# Field: what else it could say, as paths and values.  A NIC that is found otherwise is another NIC of another name.
OTHER_NIC = ("interfaces.0.name", InterfaceName("eth7"))
FLIPS: dict[str, tuple[tuple[str, Any], ...]] = {
    "Address.ip": (("interfaces.0.addresses.0.ip", ip("192.0.2.5/25")),),
    "Route.to": (("interfaces.0.routes.0.to", net("198.51.100.0/25")),),
    "Route.via": (("interfaces.0.routes.0.via", None),),
    "Route.metric": (("interfaces.0.routes.0.metric", None),),
    "Route.onlink": (("interfaces.0.routes.0.onlink", True),),
    "Dns.servers": (("interfaces.0.dns.servers", (ip("2001:db8::53"),)),),
    "Dns.search": (("interfaces.0.dns.search", (DomainName("b.example"), DomainName("a.example"))),),
    "Bond.mode": (("interfaces.4.bond.mode", "balance-alb"),),
    "Bond.options": (("interfaces.4.bond.options", (("miimon", "200"),)),),
    "Bond.members": (("interfaces.4.bond.members", ("eth1",)), ("interfaces.2.master", None)),
    "Bond.primary": (("interfaces.4.bond.primary", "eth2"),),
    "Vlan.id": (("interfaces.5.vlan.id", VlanId(21)),),
    "Vlan.parent": (("interfaces.5.vlan.parent", "eth0"),),
    "Match.mac": (("interfaces.0.match.mac", MacAddress("fa:16:3e:00:00:77")), OTHER_NIC),
    "Match.name": (("interfaces.0.match.name", OTHER_NIC[1]), OTHER_NIC),
    "Match.driver": (("interfaces.0.match.driver", "mlx5_core"), OTHER_NIC),
    "Interface.name": (("interfaces.5.name", InterfaceName("vlan30")), ("interfaces.5.label", "vlan30")),
    "Interface.mac": (("interfaces.5.mac", None),),
    "Interface.mtu": (("interfaces.0.mtu", None),),
    "Interface.addresses": (("interfaces.0.addresses", (Address(ip("192.0.2.5/24")),)),),
    "Interface.routes": (("interfaces.0.routes", (Route(net("0.0.0.0/0"), ip("192.0.2.1")),)),),
    "Interface.dns": (("interfaces.0.dns", Dns()),),
    "Interface.dhcp4": (("interfaces.3.dhcp4", False),),
    "Interface.ra": (("interfaces.3.ra", "routes"),),
    "Interface.dhcp6": (("interfaces.3.dhcp6", "stateless"),),
    "Interface.metric": (("interfaces.3.metric", None),),
    "Interface.bond": (("interfaces.4.bond", Bond("802.3ad", (), ("eth1", "eth2"))),),
    "Interface.vlan": (("interfaces.5.vlan", Vlan(VlanId(22), "eth0")),),
    "Interface.required": (("interfaces.3.required", False),),
    "BoundNetwork.interfaces": (("interfaces", NETWORK.interfaces[:3]),),
    "BoundNetwork.unlisted": (("unlisted", (InterfaceName("eth9"),)),),
}
EXEMPT = {
    "Address.origin": "for messages",
    "Route.origin": "for messages",
    "Interface.origin": "for messages and comments",
    "Interface.label": "a reference inside the network",
    "Interface.match": "its fields are flipped",
    "Interface.master": "flipped with Bond.members",
    "BoundNetwork.dns": "belongs to no link: the planner's",
}


def changed(record: Any, path: str, value: Any) -> Any:
    """A copy of ``record`` in which the place at ``path`` holds ``value``."""
    head, _, rest = path.partition(".")
    if head.isdigit():
        index = int(head)
        return (*record[:index], changed(record[index], rest, value), *record[index + 1 :])
    return record._replace(**{head: changed(getattr(record, head), rest, value) if rest else value})


def rendered(backend: str, network: BoundNetwork, host: Host | None = None) -> Plan:
    """The plan of a backend on a machine that resolves through it."""
    renderer = renderers.load(backend)
    return renderers.render_for(backend, network, host or Host(resolver=next(iter(renderer.FEEDS), "")))


def text_of(plan: Plan) -> str:
    return "".join(file.content for file in plan.files)


def test_every_field_of_the_model_is_flipped() -> None:
    """A new field needs a flip here, and with it a line in every renderer."""
    fields = {f"{record.__name__}.{field}" for record in RECORDS for field in record._fields}

    assert fields == set(FLIPS) | set(EXEMPT)
    assert not set(FLIPS) & set(EXEMPT)


@BACKENDS
@pytest.mark.parametrize("field", FLIPS)
def test_no_field_is_dropped_in_silence(backend: str, field: str) -> None:
    """Another value makes other files, or the backend says that it cannot have it."""
    if field.startswith(("Dns.", "Interface.dns")) and not renderers.load(backend).FEEDS:
        return  # the planner's: tests/test_planners_resolver.py
    network = NETWORK
    for path, value in FLIPS[field]:
        network = changed(network, path, value)

    before, after = rendered(backend, NETWORK), rendered(backend, network)

    # A value that cannot be said is named; that of two values one can be said does not excuse the other.
    named = [{p.message for p in plan.problems if f"{field.lower()}=" in p.message} for plan in (before, after)]
    renderer = renderers.load(backend)
    if any(said.partition("=")[0] == field.lower() for said in (*renderer.UNSUPPORTED, *renderer.PARTLY)):
        assert named[0] != named[1] or text_of(before) != text_of(after)
    else:
        assert text_of(before) != text_of(after)


@BACKENDS
@pytest.mark.parametrize("mode", bonding.MODES)
@pytest.mark.parametrize("option", strategies.OPTIONS)
def test_no_bond_option_is_dropped_in_silence(backend: str, mode: str, option: str) -> None:
    """Every option of the kernel in every mode: two values make two texts, or each refused one is named."""
    low, high = _two_values(option)
    plans = []
    for value in (low, high):
        bond = Bond(mode, ((option, value),), ("eth1", "eth2"))
        plans.append(rendered(backend, changed(NETWORK, "interfaces.4.bond", bond)))

    named = [any(f"bond.{option}" in problem.message for problem in plan.problems) for plan in plans]
    unsupported = f"bond.{option}" in renderers.load(backend).UNSUPPORTED

    assert (text_of(plans[0]) != text_of(plans[1])) or all(named)
    assert all(named) or not unsupported


def _two_values(option: str) -> tuple[str, str]:
    if option in bonding.ENUMS:
        return bonding.ENUMS[option][0], bonding.ENUMS[option][-1]
    if option in bonding.RANGES:
        return str(bonding.RANGES[option][0] + 1), str(bonding.RANGES[option][1])
    if option == "arp_ip_target":
        return "192.0.2.1", "192.0.2.1,192.0.2.2"
    return "fa:16:3e:00:00:50", "fa:16:3e:00:00:51"


@BACKENDS
@FEW
@given(network=strategies.bound_networks(), host=strategies.hosts())
def test_every_network_is_rendered(backend: str, network: BoundNetwork, host: Host) -> None:
    """Any valid network gives a plan, the same one each time, of printable lines that begin with no text of a cloud."""
    plan = rendered(backend, network, host)

    assert plan == rendered(backend, network, host)
    assert len({file.path for file in plan.files}) == len(plan.files)
    for file in plan.files:
        assert file.path.startswith("/etc/")
        if stat.S_ISLNK(file.mode):
            assert file.content.isprintable()
            continue
        assert not file.mode & stat.S_IWOTH
        assert file.content.endswith("\n")
        assert file.content.isascii()
        for line in file.content.split("\n"):
            assert line.isprintable()
            assert not line.strip().startswith(strategies.MARK)
    for problem in plan.problems:
        assert isinstance(problem, Problem)
        assert problem.severity in ("error", "warning", "info")
        assert problem.where
        assert problem.message


@BACKENDS
@given(origin=st.text())
@settings(max_examples=30, deadline=None)
def test_an_origin_stays_in_its_comment(backend: str, origin: str) -> None:
    """An origin says where something stands, and cannot end the line in which it is said."""
    network = changed(NETWORK, "interfaces.0.origin", origin)

    def lines(plan: Plan) -> list[str]:
        return [line for line in text_of(plan).split("\n") if not line.startswith("#")]

    assert lines(rendered(backend, network)) == lines(rendered(backend, NETWORK))


@BACKENDS
def test_the_contract_is_kept(backend: str) -> None:
    """The names that ``bootagent.renderers`` asks for are there, and what cannot be said is a field of the model."""
    renderer = renderers.load(backend)
    known = {f"{record.__name__.lower()}.{field}" for record in RECORDS for field in record._fields}
    known |= {f"bond.{option}" for option in strategies.OPTIONS}

    assert (renderer.__doc__ or "").strip()
    assert isinstance(renderer.FEEDS, frozenset)
    assert {said.partition("=")[0] for said in (*renderer.UNSUPPORTED, *renderer.PARTLY)} <= known
    assert all((*renderer.UNSUPPORTED.values(), *renderer.PARTLY.values()))
    assert all(path.startswith("/") for path in (*renderer.READS, *renderer.RUN, *renderer.RUN.values()))
    assert all(path.endswith("/") for path in (*renderer.RUN, *renderer.RUN.values()))


def test_every_backend_can_be_what_runs() -> None:
    """A backend without a rule in ``_running.py`` would never be taken; on a bare machine none is."""
    rules = Path(renderers.__file__).with_name("_running.py").read_text(encoding="utf-8")

    assert [name for name in renderers.names() if f'yield "{name}"' not in rules] == []
    assert dict(renderers.running(Host())) == {}


def test_an_unknown_backend_is_an_error_that_lists_the_known() -> None:
    """The message helps the one who mistyped it."""
    with pytest.raises(UsageError, match=", ".join(renderers.names())):
        renderers.load("netwrokd")


def test_all_records_are_covered() -> None:
    """The records of a bound network are those that are flipped; the others are what a format makes."""
    records = {value for value in vars(model).values() if isinstance(value, type) and issubclass(value, Record)}

    assert records - {Record, *RECORDS} == {model.Addressing, model.Link, model.Network, model.Pattern}
