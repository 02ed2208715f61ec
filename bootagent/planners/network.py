# SPDX-License-Identifier: Apache-2.0
"""The network that this machine is to have: the document's, or the fallback, or the one that it has already.

No document at all means DHCP and router advertisements on every NIC, provisionally: each later boot looks again.  But
a source that falls silent, or a document that breaks, never takes away what an earlier boot configured.
"""

from __future__ import annotations

from bootagent import renderers
from bootagent.model.instance import Problem
from bootagent.model.network import BoundNetwork, Dns, Network
from bootagent.model.plan import Plan, merge_plans
from bootagent.planners.addressing import address, join, rank, spread_dns
from bootagent.planners.binding import Binding
from bootagent.planners.resolver import RUN, plan_resolver
from bootagent.planners.transient import move_to_run

TYPE_CHECKING = False
if TYPE_CHECKING:
    from bootagent.host import Host
    from bootagent.model.instance import Instance
    from bootagent.options import Options
    from bootagent.state import Manifest

AREA = "network"
FALLBACK = "fallback"  # area of the files of a network that no document asked for
DEFAULT_BACKEND = "networkd"


def plan_network(
    instance: Instance | None, host: Host, manifest: Manifest, backend: str, options: Options, provisional: Network
) -> tuple[BoundNetwork | None, Plan]:
    """The bound network and the plan of its files; no network where what is configured stays as it is."""
    # A document in which no link is sound is as good as none.
    network = (instance and instance.network) or Network()
    if not network.links and _is_kept(instance, manifest):
        kept = Problem("warning", "network", "no network document: what an earlier boot configured stays")
        return None, Plan(problems=(kept,) if instance else ())
    bound, problems = bind(network if network.links else provisional, host, options.fallback)
    rendered = renderers.render_for(backend, bound, host)
    resolved = plan_resolver(bound, host, renderers.load(backend))
    if options.render_to == "run":
        rendered = move_to_run(rendered, renderers.load(backend).RUN)
        resolved = move_to_run(resolved, RUN)
    plan = merge_plans((rendered, resolved))
    area = AREA if network.links else FALLBACK
    return bound, plan._replace(
        files=tuple(file._replace(area=area) for file in plan.files),
        problems=(*problems, *plan.problems),
        areas=frozenset((AREA, FALLBACK)),
    )


def _is_kept(instance: Instance | None, manifest: Manifest) -> bool:
    """Whether what an earlier boot configured from a document stands: nothing says that this is another instance."""
    configured = any(entry.area == AREA for entry in manifest.files.values())
    other = instance is not None and instance.id is not None and instance.id != manifest.instance
    return configured and not other


def bind(network: Network, host: Host, fallback: str) -> tuple[BoundNetwork, tuple[Problem, ...]]:
    """The network on this machine's devices, and what of it has none."""
    unmatched: list[Problem] = []
    if any(link.pattern for link in network.links):
        from bootagent.planners.patterns import expand  # hardly any document has one

        network = expand(network, host, unmatched)
    binding = Binding(network, host)
    problems = unmatched + binding.problems
    interfaces = tuple(
        address(interface, join(binding.links[interface.label]), problems) for interface in binding.interfaces
    )
    interfaces, dns = spread_dns(rank(interfaces, binding.document_order), network.dns)
    named = {interface.name for interface in interfaces}
    addresses = {interface.match.mac for interface in interfaces if interface.match}
    unlisted = tuple(nic.name for nic in host.nics if nic.name not in named and nic.mac not in addresses)
    if dns != Dns():
        problems.append(Problem("info", "network", "no link takes the DNS servers of all: the resolver does"))
    return BoundNetwork(interfaces, unlisted if fallback == "dhcp" else None, dns), tuple(problems)


def choose_backend(host: Host, options: Options) -> tuple[str, str, tuple[Problem, ...]]:
    """The backend that the options name, or the one that runs at next boot; and why it is that one."""
    there = dict(renderers.running(host))
    if options.backend:
        doubt = Problem("warning", "backend", f"{options.backend} is not what runs at next boot: {', '.join(there)}")
        return options.backend, "an option names it", (doubt,) if there and options.backend not in there else ()
    if there:
        name, *others = there
        return name, there[name] + (f"; preferred to {', '.join(others)}" if others else ""), ()
    doubt = Problem("warning", "backend", f"no network daemon is enabled: the files are for {DEFAULT_BACKEND}")
    return DEFAULT_BACKEND, "no network daemon is enabled", (doubt,)
