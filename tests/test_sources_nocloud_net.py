# SPDX-License-Identifier: Apache-2.0
"""NoCloud without a drive: by HTTP on the wire, in a directory, or in the words of the kernel command line alone."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from bootagent.cli import main
from bootagent.errors import SourceError
from bootagent.identity import Identity, read_identity
from bootagent.inputs import INPUTS
from bootagent.root import Root
from bootagent.sources import nocloud, nocloud_net
from bootagent.sources._seed import find_seed, split_web
from bootagent.state import STATUS
from tests.wire import Answer, Wire

if TYPE_CHECKING:
    from bootagent.model.instance import Instance
    from tests.conftest import MachineDirectory

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOflAKvYJxaL6s2wOpnswu59XJc0wvUR+A3PErwCb4+j ann"
META = b"instance-id: iid-1\nlocal-hostname: web.example.com\n"
KEYS = f"public-keys: [{KEY}]\n".encode()
CONFIG = b'{"version": 2, "ethernets": {"eth0": {"addresses": ["192.0.2.5/24"]}}}'
USER = f"#cloud-config\nssh_authorized_keys: [{KEY}]\nhostname: other\npassword: geheim\n".encode()
ADDRESS = "192.0.2.80"
SEED = f"ds=nocloud;s=http://{ADDRESS}/seeds/one/"


def machine_says(cmdline: str = "", serial: str = "", **dmi: str) -> Identity:
    return Identity(
        cmdline=f"root=/dev/vda1 {cmdline} quiet", dmi={**dmi, **({"product_serial": serial} if serial else {})}
    )


def fetch(wire: Wire, identity: Identity) -> tuple[str, Instance]:
    return wire.call(lambda: nocloud_net.fetch(wire.connector(identity, seconds=5.0)))


def paths(wire: Wire) -> list[str]:
    return [request.path for request in wire.requests]


# Who it is for


@pytest.mark.parametrize(
    ("identity", "web", "local"),
    [
        (machine_says("ds=nocloud;s=http://h/"), "kernel command line: a NoCloud seed by HTTP", ""),
        (machine_says("ds=nocloud-net;seedfrom=https://h/"), "kernel command line: a NoCloud seed by HTTP", ""),
        (machine_says(serial="ds=nocloud-net;s=http://h/"), "DMI product_serial: a NoCloud seed by HTTP", ""),
        (machine_says("ds=NoCloud;h=web;i=7"), "", "kernel command line: ds=nocloud"),
        (machine_says('ds="nocloud;i=7"'), "", "kernel command line: ds=nocloud"),
        (machine_says("ds=nocloud;s=/srv/seed/"), "", "kernel command line: ds=nocloud"),
        (machine_says("ds=nocloud;s=file:///srv/seed/"), "", "kernel command line: ds=nocloud"),
        (machine_says(serial="ds=nocloud;i=7"), "", "DMI product_serial: ds=nocloud"),
        (machine_says("ds=nocloud"), "", ""),
        (machine_says("ds=nocloud;dsmode=net"), "", ""),
        (machine_says("ds=ec2;s=http://h/"), "", ""),
        (machine_says(serial="4242"), "", ""),
        (machine_says("ods=nocloud;i=7"), "", ""),
    ],
)
def test_it_is_known_by_what_was_written_down_for_it(identity: Identity, web: str, local: str) -> None:
    assert (nocloud_net.detect(identity), nocloud.detect(identity)) == (web, local)


def test_a_seed_directory_of_the_image_is_one_too(machine: MachineDirectory) -> None:
    machine.write("/var/lib/cloud/seed/nocloud/meta-data", META)
    identity = read_identity(Root(str(machine)), "ds=nocloud")
    assert nocloud.detect(identity) == "/var/lib/cloud/seed/nocloud is there"
    assert nocloud.detect(read_identity(Root(str(machine)), SEED)) == ""


# By HTTP


def test_three_requests_where_meta_data_says_who_it_is() -> None:
    with Wire(ADDRESS) as wire:
        wire.answers["/seeds/one/meta-data"] = META + KEYS
        wire.answers["/seeds/one/network-config"] = CONFIG
        wire.answers["/seeds/one/user-data"] = USER
        place, instance = fetch(wire, machine_says(SEED))
    assert place == "http://192.0.2.80/seeds/one/"
    assert (instance.id, instance.hostname, instance.ssh_keys) == ("iid-1", "web.example.com", (KEY,))
    assert (instance.documents, instance.problems) == (("meta-data", "network-config"), ())
    assert instance.network
    assert str(instance.network.links[0].addressing.addresses[0].ip) == "192.0.2.5/24"
    assert paths(wire) == [f"/seeds/one/{name}" for name in ("meta-data", "network-config", "meta-data")]
    assert {name for request in wire.requests for name in request.headers} == {"host"}


def test_user_data_is_asked_for_where_the_keys_are_not_in_meta_data() -> None:
    with Wire(ADDRESS) as wire:
        wire.answers["/seeds/one/meta-data"] = META
        wire.answers["/seeds/one/user-data"] = USER
        _, instance = fetch(wire, machine_says(SEED))
    assert (instance.hostname, instance.ssh_keys) == ("web.example.com", (KEY,))
    assert instance.documents == ("meta-data", "user-data")
    assert [f"{p.severity} {p}" for p in instance.problems] == ["info user-data: the host name, password: not handled"]
    assert paths(wire) == [f"/seeds/one/{name}" for name in ("meta-data", "network-config", "user-data", "meta-data")]


def test_user_data_that_is_not_answered_has_not_said_that_there_are_no_keys() -> None:
    with Wire(ADDRESS) as wire:
        wire.answers["/seeds/one/meta-data"] = META
        wire.answers["/seeds/one/user-data"] = Answer(status=403)
        _, instance = fetch(wire, machine_says(SEED))
    assert (instance.id, instance.ssh_keys) == ("iid-1", None)
    assert [str(problem) for problem in instance.problems] == ["http://192.0.2.80/seeds/one/user-data: status 403"]


def test_a_name_a_port_and_what_the_firmware_says() -> None:
    """The name stays the one that the server is asked by."""
    identity = machine_says("ds=nocloud;s=http://localhost:8080/__dmi.system-uuid__/__dmi.chassis-serial-number__")
    identity = identity._replace(dmi={"product_uuid": "4a1c", "chassis_serial": "a/b c"})
    with Wire("127.0.0.1", port=8080) as wire:
        wire.answers["/4a1c/a%2Fb%20c/meta-data"] = META + KEYS
        place, instance = fetch(wire, identity)
    assert (place, instance.id) == ("http://localhost:8080/4a1c/a%2Fb%20c/", "iid-1")
    assert {request.headers["host"] for request in wire.requests} == {"localhost:8080"}


def test_a_seed_by_ipv6() -> None:
    with Wire("2001:db8::80", port=8000) as wire:
        wire.answers["/meta-data"] = META + KEYS
        place, instance = fetch(wire, machine_says(serial="ds=nocloud-net;s=http://[2001:db8::80]:8000/"))
    assert (place, instance.id) == ("http://[2001:db8::80]:8000/", "iid-1")
    assert wire.requests[0].headers["host"] == "[2001:db8::80]:8000"


def test_what_the_command_line_says_comes_before_the_documents() -> None:
    with Wire(ADDRESS) as wire:
        wire.answers["/seeds/one/meta-data"] = META + KEYS
        _, instance = fetch(wire, machine_says(f"{SEED};i=iid-2;h=db;dsmode=net"))
    assert (instance.id, instance.hostname) == ("iid-2", "db")
    assert instance.origins["hostname"] == "kernel command line: local-hostname"
    assert [f"{p.severity} {p}" for p in instance.problems] == ["info kernel command line: 'dsmode': not used"]


def test_a_directory_without_meta_data_is_an_error() -> None:
    with Wire(ADDRESS) as wire:
        with pytest.raises(SourceError, match=r"^http://192\.0\.2\.80/seeds/one/: no meta-data there$"):
            fetch(wire, machine_says(SEED))
        assert paths(wire) == ["/seeds/one/meta-data"]


@pytest.mark.parametrize(
    ("cmdline", "reason"),
    [
        ("", "no ds=nocloud;s=http://…/ there"),
        ("ds=nocloud;s=https://h/", "https is not spoken"),
        ("ds=nocloud;s=http://ann:geheim@h/", "a query, a fragment or a user"),
        ("ds=nocloud;s=http://h/?token=geheim", "a query, a fragment or a user"),
        ("ds=nocloud;s=http://h:99999/", "not the address of a directory"),
        ("ds=nocloud;s=http:///x/", "not the address of a directory"),
        ("ds=nocloud;s=http://h\\geheim/", "not the address of a directory"),
        ("ds=nocloud;s=http://h/ä/", "not the address of a directory"),
        ("ds=nocloud;s=http://h/__dmi.system-uuid__/", "the firmware has no system-uuid"),
        ("ds=nocloud;s=http://h/__dmi.geheim__/", "not a name of the firmware's"),
        ("ds=nocloud;s=http://h/__dmi.geheim", "not a name of the firmware's"),
    ],
)
def test_a_seed_that_is_not_asked_is_an_error_that_shows_no_secret(cmdline: str, reason: str) -> None:
    with Wire(ADDRESS) as wire, pytest.raises(SourceError, match=rf"^kernel command line.*{reason}") as caught:
        fetch(wire, machine_says(cmdline))
    assert "geheim" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("http://h", ("h", 80, "/")),
        ("http://h/", ("h", 80, "/")),
        ("http://h/a", ("h", 80, "/a/")),
        ("http://h:81/a/", ("h", 81, "/a/")),
        ("http://[2001:db8::1]/", ("2001:db8::1", 80, "/")),
        ("http://[2001:db8::1]:81/", ("2001:db8::1", 81, "/")),
    ],
)
def test_a_url_in_its_parts(text: str, wanted: tuple[str, int, str]) -> None:
    identity = machine_says(f"ds=nocloud;s={text}")
    seed = find_seed(identity)
    assert seed
    assert split_web(seed, identity) == wanted


def test_user_data_is_its_own_request() -> None:
    with Wire(ADDRESS) as wire:
        wire.answers["/seeds/one/user-data"] = b"#!/bin/sh\n"
        identity = machine_says(SEED)
        assert wire.call(lambda: nocloud_net.fetch_user_data(wire.connector(identity))) == b"#!/bin/sh\n"
    assert paths(wire) == ["/seeds/one/user-data"]


# Without a network


def channel(machine: MachineDirectory, cmdline: str) -> tuple[str, Instance]:
    root = Root(str(machine))
    return nocloud.read_channel(root, read_identity(root, cmdline))


@pytest.mark.parametrize(
    ("path", "cmdline"),
    [
        ("/var/lib/cloud/seed/nocloud", ""),
        ("/var/lib/cloud/seed/nocloud-net", "ds=nocloud"),
        ("/srv/seed", "ds=nocloud;s=/srv/seed/"),
        ("/srv/seed", "ds=nocloud;s=file:///srv/seed/"),
    ],
)
def test_a_directory_is_as_good_as_a_drive(machine: MachineDirectory, path: str, cmdline: str) -> None:
    for name, data in {"meta-data": META, "network-config": CONFIG, "user-data": USER}.items():
        machine.write(f"{path}/{name}", data)
    place, instance = channel(machine, cmdline)
    assert (place, instance.id, instance.ssh_keys) == (path, "iid-1", (KEY,))
    assert instance.documents == ("meta-data", "network-config", "user-data")


def test_a_directory_behind_a_link_is_inside_the_root(machine: MachineDirectory) -> None:
    machine.write("/srv/seed/meta-data", META)
    (machine.path / "var/lib/cloud").mkdir(parents=True)
    (machine.path / "var/lib/cloud/seed").mkdir()
    (machine.path / "var/lib/cloud/seed/nocloud").symlink_to("/srv/seed")
    assert channel(machine, "")[1].id == "iid-1"


def test_the_id_and_the_name_alone(machine: MachineDirectory) -> None:
    place, instance = channel(machine, "ds=nocloud;i=iid-3;h=db_1")
    assert (place, instance.id, instance.hostname) == ("kernel command line", "iid-3", "db-1")
    assert (instance.ssh_keys, instance.network, instance.documents) == (None, None, ())
    where = "kernel command line: local-hostname"
    assert [f"{p.severity} {p}" for p in instance.problems] == [f"info {where}: 'db_1' is used as 'db-1'"]


def test_a_directory_that_is_missed_is_an_error_and_what_was_said_counts(machine: MachineDirectory) -> None:
    _, instance = channel(machine, "ds=nocloud;i=iid-3;s=/srv/seed/")
    assert instance.id == "iid-3"
    assert [f"{p.severity} {p}" for p in instance.problems] == ["error /srv/seed: no such file or directory"]


@pytest.mark.parametrize("cmdline", ["", "ds=nocloud;s=/srv/seed/"])
def test_nothing_at_all_is_an_error(machine: MachineDirectory, cmdline: str) -> None:
    with pytest.raises(SourceError, match=r"^/(srv/seed|var/lib/cloud/seed/nocloud): no such file or directory$"):
        channel(machine, cmdline)


def test_a_directory_without_documents_is_an_error(machine: MachineDirectory) -> None:
    machine.write("/var/lib/cloud/seed/nocloud/other", b"")
    with pytest.raises(SourceError, match=r"^/var/lib/cloud/seed/nocloud: a drive without meta-data"):
        channel(machine, "")


# The whole boot


def test_a_boot_from_a_seed_directory_and_a_later_one_from_another_seed(machine: MachineDirectory) -> None:
    """Nothing of it is on a drive, so each boot looks again."""
    machine.enable("systemd-networkd.service")
    machine.write("/etc/passwd", "root:x:0:0:root:/root:/bin/sh\n")
    machine.write("/proc/cmdline", "quiet\n")
    machine.add_nic("eth0", "52:54:00:00:00:0a")
    for name, data in {"meta-data": b"instance-id: iid-1\n", "network-config": CONFIG, "user-data": USER}.items():
        machine.write(f"/var/lib/cloud/seed/nocloud/{name}", data)
    assert main(["apply", "--root", str(machine)]) == 0
    status = json.loads(machine.read(STATUS))
    assert (status["state"], status["source"], status["place"]) == ("ok", "nocloud", "/var/lib/cloud/seed/nocloud")
    assert "Address=192.0.2.5/24" in machine.read("/etc/systemd/network/05-bootagent-eth0.network")
    assert (machine.read("/etc/hostname"), KEY in machine.read("/root/.ssh/authorized_keys")) == ("other\n", True)
    assert not machine.has(INPUTS)
    machine.write("/proc/cmdline", "ds=nocloud;h=db\n")
    assert main(["apply", "--root", str(machine)]) == 0
    assert machine.read("/etc/hostname") == "db\n"


def test_a_seed_on_the_network_is_awaited(machine: MachineDirectory, capsys: pytest.CaptureFixture[str]) -> None:
    machine.enable("systemd-networkd.service")
    machine.write("/proc/cmdline", f"{SEED}\n")
    machine.add_nic("eth0", "52:54:00:00:00:0a")
    assert main(["plan", "--json", "--root", str(machine)]) == 0
    why = json.loads(capsys.readouterr().out)["why"]
    assert (why["awaited"], why["taken"]) == ("nocloud_net", "kernel command line: a NoCloud seed by HTTP")
