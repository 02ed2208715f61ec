# SPDX-License-Identifier: Apache-2.0
"""CPU and memory by the number of links, of the agents in the images that are booted too, in this host's namespaces.

What of each agent is measured, and that it is not the same work, is told by the page (``report.GROWTH``).
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, NamedTuple

from tests.vm import base

from . import contenders, documents, drive, inside, scratch
from .results import Growth

if TYPE_CHECKING:
    import pathlib
    from collections.abc import Callable

LINKS = (1, 8, 64, 512)
MAX_WALL = 60.0  # seconds; an agent that needs more for one run is measured once
DOCUMENT = "/mnt/config/openstack/latest/network_data.json"
GLEAN = "/usr/glean/lib/python3.11/site-packages/glean/init/python-glean"
# The work of its early unit, once the drive is mounted, and then of its unit for the network.
GLEAN_EARLY = f"{GLEAN} --skip-network --ssh --hostname"


class Agent(NamedTuple):
    """One line of the picture: the image that it is in, what it runs for so many links, and where its files go."""

    name: str
    contender: str
    backend: str
    command: Callable[[int], list[str] | None]  # None: what its unit starts
    output: str


def glean_by_udev(links: int) -> list[str]:
    """One start a NIC, by the rule and the template unit that its installer puts in."""
    names = " ".join(nic(index) for index in range(links))
    return ["sh", "-ec", f"{GLEAN_EARLY}; for nic in {names}; do {GLEAN} --interface $nic; done"]


def glean_by_networkd(_: int) -> list[str]:
    """One start, by its unit for networkd."""
    return ["sh", "-ec", f"{GLEAN_EARLY}; {GLEAN} --distro networkd"]


def net_convert(links: int) -> list[str]:
    """cloud-init's rendering alone."""
    command = ["/usr/bin/cloud-init", "devel", "net-convert", "--network-data", DOCUMENT, "--kind", "network_data.json"]
    command += ["--directory", "/", "--distro", "debian", "--output-kind", "networkd"]
    return command + [f"--mac={nic(index)},{documents.mac(index)}" for index in range(links)]


AGENTS = (
    Agent("bootagent", "bootagent", "networkd", lambda _: None, "etc/systemd/network"),
    Agent("glean", "glean", "ifupdown", glean_by_udev, "etc/network/interfaces.d"),
    Agent("glean, once", "glean", "networkd", glean_by_networkd, "etc/systemd/network"),
    Agent("cloud-init", "cloud-init", "networkd", net_convert, "etc/systemd/network"),
)


def nic(index: int) -> str:
    """The kernel's name of a NIC of a scratch machine, from 0."""
    return f"ens{index}"


def run(rounds: int) -> tuple[Growth, ...]:
    """Interleaved rounds over agents and numbers of links; an agent that did not write all links is an error."""
    measured: list[Growth] = []
    slow: set[tuple[str, int]] = set()
    with scratch.directory() as directory, contextlib.ExitStack() as stack:
        trees = {agent: _tree(agent, directory) for agent in AGENTS}
        hardware = {n: stack.enter_context(scratch.hardware(directory / f"hardware-{n}", n)) for n in LINKS}

        def measure(agent: Agent, links: int) -> dict[str, Any]:
            job = {"command": agent.command(links), "output": agent.output, "links": links}
            return inside.run(trees[agent], hardware[links], job)[0]

        for agent in AGENTS:
            measure(agent, LINKS[0])  # warms the caches
        for number in range(1, rounds + 1):
            for links in LINKS:
                for agent in (one for one in AGENTS if (one.name, links) not in slow):
                    used = measure(agent, links)
                    measured.append(Growth(agent.name, links, number, used["cpu"], used["peak_kib"]))
                    slow |= {(agent.name, links)} if used["wall"] > MAX_WALL else set()
    return tuple(measured)


def _tree(agent: Agent, directory: pathlib.Path) -> pathlib.Path:
    """The image of the timed boots, as a tree."""
    names = (agent.contender, agent.backend)
    contender = next(one for one in contenders.ALL if (one.name, one.backend) == names)
    place = directory / contender.title
    tree = scratch.copy_tree(base.base_tree(contenders.SUITE, agent.backend, contender.extra), place)
    keys = directory / f"{contender.title}-instance"
    keys.mkdir()
    contender.install(tree, drive.make_instance(keys))
    return tree
