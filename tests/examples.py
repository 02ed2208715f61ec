# SPDX-License-Identifier: Apache-2.0
"""An example of what each source reads, in memory, and the way from it to an instance and to a backend's plan.

Drives are those of ``tests/cases``; what services say stands beside the tests of their sources.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from bootagent import media, planners, renderers, sources
from bootagent.errors import MediaError
from bootagent.formats import (
    akamai,
    alibaba,
    azure,
    cloudstack,
    digitalocean,
    ec2,
    gce,
    hetzner,
    nocloud,
    openstack,
    oracle,
    scaleway,
    smartos,
    upcloud,
    vmware,
    vultr,
)
from bootagent.formats import credentials as credential_texts
from bootagent.host import Account, Host, Nic
from bootagent.model.network import Network
from bootagent.model.values import InterfaceName, MacAddress
from bootagent.options import Options
from bootagent.state import Manifest
from tests.test_sources_akamai import KEYS as AKAMAI_KEYS
from tests.test_sources_akamai import LINODE
from tests.test_sources_alibaba import LEAVES as ALIBABA
from tests.test_sources_azure import VM as AZURE
from tests.test_sources_cloudstack import LEAVES as CLOUDSTACK
from tests.test_sources_digitalocean import DROPLET
from tests.test_sources_ec2 import LEAVES as EC2
from tests.test_sources_gce import VM as GCE
from tests.test_sources_hetzner import PRIVATE, SERVER
from tests.test_sources_lxd import CONFIG, META
from tests.test_sources_openstack import META as NOVA_META
from tests.test_sources_openstack import NETWORK as NOVA_NETWORK
from tests.test_sources_oracle import INSTANCE as ORACLE
from tests.test_sources_oracle import VIRTUAL
from tests.test_sources_scaleway import ROUTED
from tests.test_sources_smartos import VALUES
from tests.test_sources_upcloud import SERVER as UPCLOUD
from tests.test_sources_vmware import META as GUESTINFO
from tests.test_sources_vultr import GUEST

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from bootagent.model.instance import Instance

    Documents = Mapping[str, bytes]

CASES = Path(__file__).resolve().parent / "cases"
KEY = b"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOflAKvYJxaL6s2wOpnswu59XJc0wvUR+A3PErwCb4+j ann\n"
ROOT = {"root": Account("/root", "root")}
_MAC = re.compile(rb"\b[0-9a-fA-F]{2}(?::[0-9a-fA-F]{2}){5}\b")


class Example(NamedTuple):
    """The documents of one instance, by their paths on the source, and the source that reads them."""

    source: str
    documents: Documents
    parse: Callable[[Documents], Instance]


class Held:
    """A drive's file system in memory."""

    kind, place, serial = "directory", "drive", ""
    labels: tuple[str, ...] = ()

    def __init__(self, files: Documents) -> None:
        self._files = files

    def read(self, path: str) -> bytes | None:
        parts = media.split_path(path)
        if parts is None:
            return None
        content = self._files.get("/".join(parts))
        if content is None and self.names(path):
            raise MediaError(self.place, "not a regular file")
        return content

    def names(self, path: str) -> tuple[str, ...] | None:
        parts = media.split_path(path)
        if parts is None:
            return None
        below = [name.split("/") for name in self._files]
        return tuple(dict.fromkeys(name[len(parts)] for name in below if name[: len(parts)] == parts != name)) or None


def _of_case(source: str, case: str) -> Example:
    top = CASES / case / "in/drive"
    files = {str(path.relative_to(top)): path.read_bytes() for path in sorted(top.rglob("*")) if path.is_file()}
    return Example(source, files, lambda documents: sources.load(source).read(Held(documents)))


def _of_service(source: str, parse: Callable[[Documents], Instance], documents: Mapping[str, object]) -> Example:
    """Text is as it is, anything else JSON."""
    texts = {name: said if isinstance(said, str) else json.dumps(said) for name, said in documents.items()}
    return Example(source, {name: text.encode() for name, text in texts.items()}, parse)


EXAMPLES: dict[str, Example] = {
    **{
        case: _of_case(source, case)
        for source, cases in {
            "configdrive": (
                *("nova-ironic-lacp", "nova-static-two-ports", "powervs-eni", "proxmox-eni", "nova-injected-files"),
                *("metal3-bond-parameters", "cloudstack-one-id", "ibm-classic"),
            ),
            "nocloud": (
                *("netconfig-v1-bond-vlans", "netconfig-v2-bond-vlan", "virt-install-user-data-keys"),
                *("proxmox-nocloud", "vmware-netconfig-v2"),
            ),
            "opennebula": ("opennebula-context",),
            "rbxcloud": ("rbxcloud-drive",),
        }.items()
        for case in cases
    },
    "smartos": Example("smartos", VALUES, smartos.parse_documents),
    "lxd": Example("lxd", {"meta-data": META, "network-config": CONFIG}, nocloud.parse_documents),
    "nocloud_net": Example(
        "nocloud_net", {"meta-data": META, "network-config": CONFIG, "user-data": b""}, nocloud.parse_documents
    ),
    "credentials": Example(
        "credentials",
        {credential_texts.SSH_KEYS: KEY, credential_texts.HOSTNAME: b"web\n"},
        credential_texts.parse_documents,
    ),
}
_SERVICES: tuple[tuple[str, Callable[[Documents], Instance], Mapping[str, object]], ...] = (
    ("digitalocean", digitalocean.parse_documents, {"v1.json": DROPLET}),
    ("hetzner", hetzner.parse_documents, {"metadata": SERVER, "private-networks": PRIVATE}),
    ("scaleway", scaleway.parse_documents, {"conf": ROUTED}),
    ("vultr", vultr.parse_documents, {"v1.json": GUEST}),
    ("openstack", openstack.parse_documents, {"meta_data.json": NOVA_META, "network_data.json": NOVA_NETWORK}),
    ("vmware", vmware.parse_documents, {vmware.METADATA: GUESTINFO}),
    ("akamai", akamai.parse_documents, {akamai.INSTANCE: LINODE, akamai.KEYS: AKAMAI_KEYS}),
    ("alibaba", alibaba.parse_documents, ALIBABA),
    ("azure", azure.parse_documents, {azure.DOCUMENT: AZURE}),
    ("cloudstack", cloudstack.parse_documents, CLOUDSTACK),
    ("ec2", ec2.parse_documents, EC2),
    ("exoscale", cloudstack.parse_documents, CLOUDSTACK),
    ("gce", gce.parse_documents, {gce.DOCUMENT: GCE}),
    ("oracle", oracle.parse_documents, {oracle.INSTANCE: ORACLE, oracle.VNICS: VIRTUAL}),
    ("upcloud", upcloud.parse_documents, {upcloud.DOCUMENT: UPCLOUD}),
)
EXAMPLES.update({source: _of_service(source, parse, documents) for source, parse, documents in _SERVICES})


def host_of(documents: Documents) -> Host:
    """A machine with the NICs that the documents name by their addresses."""
    macs = dict.fromkeys(mac.decode().lower() for mac in _MAC.findall(b"\n".join(documents.values())))
    nics = tuple(Nic(InterfaceName(f"eth{at}"), MacAddress(mac)) for at, mac in enumerate(macs) if _is_device(mac))
    return Host(has_sysfs=True, nics=nics, init="systemd", accounts=ROOT)


def _is_device(mac: str) -> bool:
    return not int(mac[:2], 16) & 1 and mac != "00:00:00:00:00:00"


def decide(instance: Instance, host: Host, backend: str, **options: Any) -> planners.Decision:
    """What one backend would do on a machine that resolves through it."""
    resolver = next(iter(sorted(renderers.load(backend).FEEDS)), "")
    host = host._replace(resolver=resolver)
    return planners.decide(instance, host, Manifest(), Options(**options), backend, Network())
