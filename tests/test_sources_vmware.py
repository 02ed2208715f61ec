# SPDX-License-Identifier: Apache-2.0
"""VMware's guestinfo: a program in the place of VMware's own is asked, and what it may do to us is bounded."""

from __future__ import annotations

import base64
import gzip
import json
import os
import time
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootagent.errors import SourceError
from bootagent.formats.vmware import MAX_DOCUMENT, parse_documents
from bootagent.identity import Identity
from bootagent.root import Root
from bootagent.sources import vmware
from bootagent.sources._program import MAX_OUTPUT, read_output
from tests.live import run_live
from tests.netconfig import facts

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from typing import Any

    from bootagent.model.instance import Instance
    from tests.conftest import MachineDirectory

RPCTOOL, VMTOOLSD = "/usr/bin/vmware-rpctool", "/usr/bin/vmtoolsd"
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOflAKvYJxaL6s2wOpnswu59XJc0wvUR+A3PErwCb4+j ann"
MAC = "00:50:56:00:00:01"
V2 = {"version": 2, "ethernets": {"nic0": {"match": {"macaddress": MAC}, "addresses": ["192.0.2.5/24"]}}}
META: dict[str, Any] = {"instance-id": "vm-1", "local-hostname": "web", "public-keys-data": KEY, "network": V2}
LINKS = [{"mac": MAC, "addresses": ["192.0.2.5/24"]}]


def b64(data: object) -> str:
    return base64.b64encode(json.dumps(data).encode()).decode()


def gz(data: object) -> str:
    return base64.b64encode(gzip.compress(json.dumps(data).encode(), mtime=0)).decode()


# How it is known


@pytest.mark.parametrize(
    ("dmi", "channels", "why"),
    [
        (
            {"product_name": "VMware Virtual Platform", "sys_vendor": "VMware, Inc."},
            {RPCTOOL, VMTOOLSD},
            f"DMI product_name: VMware Virtual Platform, and {RPCTOOL}",
        ),
        ({"product_name": "VMware20,1"}, {VMTOOLSD}, f"DMI product_name: VMware20,1, and {VMTOOLSD}"),
        ({"sys_vendor": "VMware, Inc."}, {VMTOOLSD}, f"DMI sys_vendor: VMware, Inc., and {VMTOOLSD}"),
        ({"product_name": "VMware7,1"}, set(), ""),
        ({"product_name": "Standard PC (Q35 + ICH9, 2009)"}, {RPCTOOL}, ""),
    ],
)
def test_it_is_known_by_the_machine_and_a_tool(dmi: dict[str, str], channels: set[str], why: str) -> None:
    assert vmware.detect(Identity(dmi=dmi, channels=frozenset(channels))) == why


# The channel


def tool(values: Mapping[str, str], wants: str) -> str:
    """A program that says what VMware's says; ``wants`` are the words before the one that it is asked."""
    cases = "".join(
        f"    '{wants}info-get {key}') cat <<'EOF'\n{value}\nEOF\n    ;;\n" for key, value in values.items()
    )
    return f"#!/bin/sh\ncase \"$*\" in\n{cases}    *) echo 'No value found' >&2; exit 1;;\nesac\n"


ASK = """
from bootagent.errors import SourceError
from bootagent.identity import Identity
from bootagent.root import Root
from bootagent.sources import vmware
try:
    place, instance = vmware.read_channel(Root("/"), Identity(dmi={"product_uuid": "4212ABCD"}))
    macs = [link.mac for link in instance.network.links] if instance.network else ""
    print(place, instance.id, instance.hostname, macs, *[instance.origins["id"]] * (instance.id != "vm-1"))
except SourceError as error:
    print(error)
"""
ANSWER = f"guestinfo.metadata vm-1 web ['{MAC}']"
ABSENT = "#!/bin/sh\necho 'No value found' >&2\nexit 1\n"


@pytest.mark.parametrize(
    ("files", "answer"),
    [
        ({RPCTOOL: tool({"guestinfo.metadata": json.dumps(META)}, "")}, ANSWER),
        ({VMTOOLSD: tool({"guestinfo.metadata": json.dumps(META)}, "--cmd ")}, ANSWER),
        (
            {RPCTOOL: tool({"guestinfo.metadata": b64(META), "guestinfo.metadata.encoding": "base64"}, "")},
            ANSWER,
        ),
        (
            {RPCTOOL: tool({"guestinfo.metadata": gz(META), "guestinfo.metadata.encoding": "gzip+base64"}, "")},
            ANSWER,
        ),
        (
            {
                RPCTOOL: "#!/bin/sh\nkill -9 $$\n",
                VMTOOLSD: tool({"guestinfo.metadata": json.dumps(META)}, "--cmd "),
            },
            ANSWER,
        ),
        (
            {RPCTOOL: tool({"guestinfo.metadata": '{"local-hostname": "web"}'}, "")},
            "guestinfo.metadata 4212abcd web  DMI product_uuid",
        ),
        ({RPCTOOL: ABSENT, VMTOOLSD: "#!/bin/sh\nexit 9\n"}, "guestinfo.metadata: nothing is set"),
        ({RPCTOOL: tool({"guestinfo.metadata": "---"}, "")}, "guestinfo.metadata: nothing is set"),
        ({RPCTOOL: tool({"guestinfo.metadata": " "}, "")}, "guestinfo.metadata: nothing is set"),
        ({RPCTOOL: "#!/bin/sh\nexit 3\n"}, f"{RPCTOOL}: status 3"),
        ({RPCTOOL: "not a program"}, f"{RPCTOOL}: not started: Exec format error"),
        ({"/usr/bin/other": ""}, "guestinfo.metadata: none of VMware's tools is there"),
    ],
)
def test_what_the_machines_tool_says(tmp_path: Path, files: dict[str, str], answer: str) -> None:
    assert run_live(tmp_path, files, ASK) == f"{answer}\n"


ASK_USER_DATA = """
from bootagent.identity import Identity
from bootagent.sources import vmware
from bootagent.sources._http import Connector
print(vmware.fetch_user_data(Connector(Identity(), (), 0.0)))
"""


@pytest.mark.parametrize(
    ("values", "wanted"),
    [
        ({"guestinfo.userdata": "#!/bin/sh"}, "b'#!/bin/sh'"),
        ({"guestinfo.userdata": "IyEvYmluL3No", "guestinfo.userdata.encoding": "base64"}, "b'#!/bin/sh'"),
        ({"guestinfo.userdata": "---"}, "None"),
        ({}, "None"),
    ],
)
def test_what_is_to_be_run_is_read_only_when_it_is_asked_for(
    tmp_path: Path, values: dict[str, str], wanted: str
) -> None:
    assert run_live(tmp_path, {RPCTOOL: tool(values, "")}, ASK_USER_DATA) == f"{wanted}\n"


def test_the_program_of_an_image_is_not_run(machine: MachineDirectory, tmp_path: Path) -> None:
    machine.write(RPCTOOL, f"#!/bin/sh\ntouch {tmp_path}/run\n", 0o755)
    with pytest.raises(SourceError, match="only the machine itself"):
        vmware.read_channel(Root(str(machine)), Identity())
    assert not (tmp_path / "run").exists()


# The program


def program(tmp: Path, text: str) -> str:
    path = tmp / "program"
    path.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    path.chmod(0o755)
    return str(path)


def test_output_of_both_kinds_and_the_status(tmp_path: Path) -> None:
    output = read_output((program(tmp_path, 'echo "$1,$2"; echo wrong >&2; exit 7'), "a b", "$(id)"))
    assert output == (7, b"a b,$(id)\n", b"wrong\n")


def test_a_program_that_is_ended_by_a_signal(tmp_path: Path) -> None:
    assert read_output((program(tmp_path, "kill -9 $$"),)).status == -9


def test_its_environment_and_input_are_not_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET", "x")
    output = read_output((program(tmp_path, 'echo "$SECRET,$LC_ALL"; cat; echo end'),))
    assert output.out == b",C\nend\n"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("sleep 60", "not done in time"),
        ("trap '' TERM INT; while :; do sleep 1; done", "not done in time"),
        ("exec >&- 2>&-; sleep 60", "not done in time"),
        ("sleep 60 & exit 0", "not done in time"),  # holds the output
        ("while :; do echo trickle; sleep 0.05; done", "not done in time"),
        ("cat /dev/zero", f"more than {MAX_OUTPUT} bytes"),
        ("cat /dev/zero >&2", f"more than {MAX_OUTPUT} bytes"),
    ],
)
def test_time_and_output_are_bounded_and_nothing_is_left(tmp_path: Path, text: str, reason: str) -> None:
    path = program(tmp_path, f"echo $$ >{tmp_path}/pid; {text}")
    start = time.monotonic()
    with pytest.raises(SourceError, match=f"^{path}: {reason}$"):
        read_output((path,), 0.5 if "time" in reason else 30)
    assert time.monotonic() - start < 20
    assert_ends((tmp_path / "pid").read_text().strip())


def assert_ends(session: str) -> None:
    """No process of the session is left, or only for the moment that a kernel needs to end it."""
    assert session
    end = time.monotonic() + 5
    while left := [pid for pid in os.listdir("/proc") if pid.isdecimal() and session_of(pid) == session]:
        assert time.monotonic() < end, left
        time.sleep(0.01)


def session_of(pid: str) -> str:
    """The session of a process, proc(5); a zombie, which its new parent has yet to wait for, has none."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            fields = file.read().rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if fields[0] == "Z" else fields[3]


def test_what_a_program_leaves_behind_is_ended(tmp_path: Path) -> None:
    path = program(tmp_path, f"echo $$ >{tmp_path}/pid; sleep 60 >/dev/null 2>&1 &")
    assert read_output((path,)).status == 0
    assert_ends((tmp_path / "pid").read_text().strip())


def test_no_descriptor_is_left_open(tmp_path: Path) -> None:
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(3):
        read_output((program(tmp_path, "exit 0"),))
        with pytest.raises(SourceError):
            read_output((str(tmp_path / "absent"),))
    assert len(os.listdir("/proc/self/fd")) == before


# The document


def parse(meta: object, encoding: str = "") -> tuple[Instance, list[str]]:
    data = meta if isinstance(meta, str) else json.dumps(meta)
    instance = parse_documents({"guestinfo.metadata": data.encode(), "guestinfo.metadata.encoding": encoding.encode()})
    return instance, [f"{problem.severity} {problem}" for problem in instance.problems]


def links(instance: Instance) -> list[dict[str, object]] | None:
    return [facts(link) for link in instance.network.links] if instance.network else None


def test_a_machine() -> None:
    instance, problems = parse(META)
    assert (instance.id, instance.hostname, instance.ssh_keys) == ("vm-1", "web", (KEY,))
    assert (links(instance), problems, instance.documents) == (LINKS, [], ("guestinfo.metadata",))


def test_yaml_as_govc_sends_it() -> None:
    text = f"""
instance-id: vm-1
local-hostname: web
network:
  version: 2
  ethernets:
    nic0:
      match: {{macaddress: {MAC}}}
      addresses: [192.0.2.5/24]
"""
    instance, problems = parse(base64.b64encode(text.encode()).decode(), "b64")
    assert (instance.id, links(instance), problems) == ("vm-1", LINKS, [])


@pytest.mark.parametrize(
    ("network", "encoding"),
    [
        (V2, None),
        ({"network": V2}, None),
        ({"version": 1, "config": [{"type": "physical", "mac_address": MAC, "name": "", "subnets": []}]}, None),
        (json.dumps(V2), None),
        (b64(V2), "base64"),
        (gz(V2), "gzip+base64"),
        (gz(V2), "gz+b64"),
    ],
)
def test_the_network_in_every_form(network: object, encoding: str | None) -> None:
    instance, problems = parse({**META, "network": network, "network.encoding": encoding})
    assert instance.network
    assert ([link.mac for link in instance.network.links], problems) == ([MAC], [])


@pytest.mark.parametrize("name", ["public-keys-data", "public_keys_data", "public-keys", "public_keys"])
@pytest.mark.parametrize("value", [KEY, f"{KEY}\n", [KEY], {"ann": KEY}])
def test_keys_in_every_form(name: str, value: object) -> None:
    assert parse({name: value})[0].ssh_keys == (KEY,)


@pytest.mark.parametrize(
    ("meta", "encoding", "problem"),
    [
        ("[]", "", "guestinfo.metadata: not a mapping"),
        ("a: b: c", "", "guestinfo.metadata: line 1: not YAML"),
        ("*", "base64", "guestinfo.metadata: not base64"),
        ("YQ", "base64", "guestinfo.metadata: not base64"),
        (b64(META), "gzip+base64", "guestinfo.metadata: not gzip"),
        (
            base64.b64encode(gzip.compress(b"{}" * 99, mtime=0)[:-12]).decode(),
            "gz+b64",
            "guestinfo.metadata: the gzip data is cut off",
        ),
        (b64(META), "rot13", "guestinfo.metadata: the encoding 'rot13' is not known"),
    ],
)
def test_a_broken_document(meta: str, encoding: str, problem: str) -> None:
    instance, problems = parse(meta, encoding)
    assert (set(instance.broken), problems) == ({"guestinfo.metadata"}, [f"error {problem}"])


def test_a_bomb_is_not_unpacked() -> None:
    bomb = base64.b64encode(gzip.compress(bytes(64 << 20))).decode()
    instance, problems = parse(bomb, "gzip+base64")
    assert problems == [f"error guestinfo.metadata: more than {MAX_DOCUMENT} bytes"]
    instance, problems = parse({**META, "network": bomb, "network.encoding": "gz+b64"})
    assert problems == [f"error guestinfo.metadata: network: more than {MAX_DOCUMENT} bytes"]
    assert instance.id == "vm-1"


@pytest.mark.parametrize(
    ("network", "encoding", "broken", "problem"),
    [
        ("*", "base64", True, "guestinfo.metadata: network: not base64"),
        (b64(V2), 7, True, "guestinfo.metadata: network: the encoding 7 is not known"),
        (7, None, False, "guestinfo.metadata: network: not a mapping"),
        ({"version": 3}, None, False, "guestinfo.metadata: network: version: 3 is neither 1 nor 2"),
    ],
)
def test_a_broken_network_leaves_the_rest(network: object, encoding: object, broken: bool, problem: str) -> None:
    instance, problems = parse({**META, "network": network, "network.encoding": encoding})
    assert (instance.id, instance.ssh_keys, instance.network) == ("vm-1", (KEY,), None)
    assert (bool(instance.broken), problems) == (broken, [f"error {problem}"])


def test_what_is_not_done_is_named() -> None:
    assert parse({**META, "cleanup-guestinfo": ["userdata"], "redact": []})[1] == [
        "warning guestinfo.metadata: cleanup-guestinfo: not done: what guestinfo holds stays there"
    ]


@given(st.binary(max_size=100), st.sampled_from([b"", b"base64", b"gz+b64", b"x"]))
def test_any_bytes_give_an_instance(data: bytes, encoding: bytes) -> None:
    found = parse_documents({"guestinfo.metadata": data, "guestinfo.metadata.encoding": encoding})
    assert found.broken <= {"guestinfo.metadata", "guestinfo.metadata: network"}


values = st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.lists(st.text(max_size=8), max_size=3)
names = st.sampled_from(["instance-id", "local-hostname", "network", "network.encoding", "public-keys-data", "redact"])


@given(st.dictionaries(names, values | st.dictionaries(st.sampled_from(["version", "config"]), values)))
def test_any_value_gives_an_instance(meta: object) -> None:
    instance, _ = parse(meta)
    assert all(problem.where.isprintable() and problem.message.isprintable() for problem in instance.problems)
