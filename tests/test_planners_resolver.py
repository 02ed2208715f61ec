# SPDX-License-Identifier: Apache-2.0
"""DNS that no backend carries: one file of the resolver that the machine runs, never two owners."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from bootagent import renderers
from bootagent.host import Host
from bootagent.model.ip import IPAddress
from bootagent.model.network import BoundNetwork, Dns, Interface
from bootagent.model.values import DomainName, InterfaceName
from bootagent.planners.resolver import plan_resolver
from tests.debs import unpacked

if TYPE_CHECKING:
    from pathlib import Path

LINK = Dns((IPAddress.parse("192.0.2.53"),), (DomainName("a.example"),))
LOOSE = Dns((IPAddress.parse("2001:db8::53"),))
NETWORK = BoundNetwork((Interface("eth0", InterfaceName("eth0"), dns=LINK),), dns=LOOSE)


def files(backend: str, resolver: str, network: BoundNetwork = NETWORK) -> dict[str, str]:
    plan = plan_resolver(network, Host(resolver=resolver), renderers.load(backend))
    return {file.path: file.content.partition("\n")[2] for file in plan.files}


def test_what_the_backend_feeds_needs_only_what_no_link_has() -> None:
    assert files("networkd", "systemd-resolved") == {
        "/etc/systemd/resolved.conf.d/50-bootagent.conf": "[Resolve]\nDNS=2001:db8::53\n"
    }
    assert files("networkd", "systemd-resolved", NETWORK._replace(dns=Dns())) == {}


@pytest.mark.parametrize(
    ("resolver", "path", "text"),
    [
        (
            "systemd-resolved",
            "/etc/systemd/resolved.conf.d/50-bootagent.conf",
            "[Resolve]\nDNS=192.0.2.53\nDNS=2001:db8::53\nDomains=a.example\n",
        ),
        (
            "networkmanager",
            "/etc/NetworkManager/conf.d/50-bootagent-dns.conf",
            "[global-dns]\nsearches=a.example\n\n[global-dns-domain-*]\nservers=192.0.2.53,2001:db8::53\n",
        ),
        ("", "/etc/resolv.conf", "search a.example\nnameserver 192.0.2.53\nnameserver 2001:db8::53\n"),
    ],
)
def test_the_servers_of_all_links_go_to_the_resolver_that_the_backend_does_not_feed(
    resolver: str, path: str, text: str
) -> None:
    """ifupdown feeds resolvconf(8) alone."""
    assert files("ifupdown", resolver) == {path: text}


def test_resolvconf_gets_them_where_the_backend_does_not_feed_it() -> None:
    text = "search a.example\nnameserver 192.0.2.53\nnameserver 2001:db8::53\n"
    assert files("networkd", "resolvconf") == {"/etc/resolvconf/resolv.conf.d/base": text}


def test_netconfig_is_turned_off_where_resolv_conf_is_ours() -> None:
    """netconfig(8), NETCONFIG_DNS_POLICY: the file is sourced, so the last one counts.  A second run is the same."""
    shipped = 'WAIT_FOR_INTERFACES="30"\nNETCONFIG_DNS_POLICY="auto"\n'
    host = Host(resolver="netconfig", texts={"/etc/sysconfig/network/config": shipped})
    plan = plan_resolver(NETWORK, host, renderers.load("wicked"))
    config = {file.path: file.content for file in plan.files}["/etc/sysconfig/network/config"]
    assert config.startswith(shipped + "NETCONFIG_DNS_POLICY='' #")
    assert {file.path for file in plan.files} == {"/etc/resolv.conf", "/etc/sysconfig/network/config"}

    host = host._replace(texts={"/etc/sysconfig/network/config": config})
    assert plan_resolver(NETWORK, host, renderers.load("wicked")) == plan

    without = plan_resolver(BoundNetwork(), host, renderers.load("wicked"))
    assert [(file.path, file.content) for file in without.files] == [("/etc/sysconfig/network/config", shipped)]
    host = host._replace(texts={"/etc/sysconfig/network/config": shipped})
    assert plan_resolver(BoundNetwork(), host, renderers.load("wicked")).files == ()


def test_openresolv_leaves_alone_what_it_is_told_to(tmp_path: Path) -> None:
    """networkd does not feed it.  The real program, with its own configuration and our line, changes no resolv.conf."""
    place = unpacked("openresolv")
    shipped = (place / "etc/resolvconf.conf").read_text(encoding="utf-8")
    host = Host(resolver="resolvconf", texts={"/etc/resolvconf.conf": shipped})
    found = {file.path: file.content for file in plan_resolver(NETWORK, host, renderers.load("networkd")).files}
    assert found.keys() == {"/etc/resolv.conf", "/etc/resolvconf.conf"}

    # The programs as they are, but for where they look.
    (tmp_path / "libexec").mkdir()
    paths = {
        "=/etc\n": f"={tmp_path}\n",
        "=/lib/resolvconf\n": f"={tmp_path}/libexec\n",
        "=/run/resolvconf\n": f"={tmp_path}/run\n",
        "/sbin/resolvconf": f"{tmp_path}/libexec/../resolvconf",
    }
    for source, name in (("sbin/resolvconf", "resolvconf"), ("lib/resolvconf/libc", "libexec/libc")):
        script = (place / source).read_text(encoding="utf-8")
        for old, new in paths.items():
            script = script.replace(old, new)
        (tmp_path / name).write_text(script)
        (tmp_path / name).chmod(0o755)
    target = tmp_path / "resolv.conf"
    for text, kept in ((shipped, False), (found["/etc/resolvconf.conf"], True)):
        target.write_text(found["/etc/resolv.conf"])
        (tmp_path / "resolvconf.conf").write_text(text.replace("/etc/resolv.conf", str(target)))
        command = ["sh", str(tmp_path / "resolvconf"), "-a", "eth9"]
        subprocess.run(command, input="nameserver 192.0.2.99\n", text=True, check=True)
        assert (target.read_text() == found["/etc/resolv.conf"]) is kept


def test_more_servers_than_the_c_library_reads_are_reported() -> None:
    """resolv.conf(5), MAXNS."""
    many = Dns(tuple(IPAddress.parse(f"192.0.2.{number}") for number in range(1, 6)))
    plan = plan_resolver(BoundNetwork(dns=many), Host(), renderers.load("networkd"))

    assert [problem.severity for problem in plan.problems] == ["info"]
    assert "192.0.2.4, 192.0.2.5" in plan.problems[0].message
