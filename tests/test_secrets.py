# SPDX-License-Identifier: Apache-2.0
"""What is secret in the documents of every source is in no output, and in no file but the one that is made for it.

Secrets are planted where clouds put them, and beside that into every object of every document.  Drives go through the
command line; what services say is carried out as a boot with a network does it.
"""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from bootagent import sources
from bootagent.boot import Prepared, carry_out
from bootagent.cli import main
from bootagent.host import read_host
from bootagent.inputs import read_inputs
from bootagent.log import Clock, write_problems
from bootagent.model.network import Network
from bootagent.options import Options
from bootagent.planners import decide
from bootagent.report import console_block, plan_json, plan_text
from bootagent.root import Root
from bootagent.state import SEED, Manifest
from tests.examples import EXAMPLES
from tests.images import write_tree

if TYPE_CHECKING:
    from tests.conftest import MachineDirectory
    from tests.examples import Example

SECRET = "geheim"
RAW = f"{SECRET}-seed-of-thirty-two-bytes-or-so".encode()
ENCODED = base64.b64encode(RAW).decode()
# Keys under which the documents of clouds, and what they hand through from users, hold what nobody else may know.
KEYS = (
    *("admin_pass", "password", "passwd", "plain_text_passwd", "hashed_passwd", "root_password", "auth_key", "token"),
    *("user_data", "user-data", "vendor-data", "vendor_data", "chpasswd", "private_key", "psk", "root-pw"),
)
PLANTED = {key: f"{SECRET}-{key}" for key in KEYS}
WIFI = {"w0": {"access-points": {"net": {"password": f"{SECRET}-wifi"}}, "auth": {"password": f"{SECRET}-8021x"}}}
CONFIG = (
    f"#cloud-config\npassword: {SECRET}\nusers: [{{name: a, passwd: {SECRET}, ssh_authorized_keys: []}}]\n".encode()
)
# Beside the documents of an example, and more of them: by the source that reads them.
FILES: dict[str, dict[str, bytes]] = {
    "configdrive": {
        "openstack/latest/user_data": f"#!/bin/sh\necho {SECRET}\n".encode(),
        "openstack/latest/vendor_data2.json": json.dumps(PLANTED).encode(),
    },
    "nocloud": {"user-data": CONFIG, "vendor-data": CONFIG},
    "lxd": {"user-data": CONFIG},
    "nocloud_net": {"user-data": CONFIG},
}
CONTEXT = f"PASSWORD='{SECRET}'\nCRYPTED_PASSWORD_BASE64='{SECRET}'\nONEGATE_TOKEN='{SECRET}'\nUSER_DATA='{SECRET}'\n"


def plant(document: bytes) -> bytes:
    """The document with all the secrets in it."""
    if b"ETH0_" in document:
        return document + CONTEXT.encode()
    try:
        data = yaml.safe_load(document)
    except yaml.YAMLError:
        return document
    if not isinstance(data, (dict, list)):
        return document
    _plant(data)
    if isinstance(data, dict):
        if "uuid" in data or "meta_data" in data:
            data["random_seed"] = ENCODED
        if "ethernets" in data:
            data["wifis"] = WIFI
            next(iter(data["ethernets"].values()))["auth"] = {"password": f"{SECRET}-8021x"}
    return json.dumps(data, default=str).encode()


def _plant(value: Any) -> None:
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        _plant(inner)
    if isinstance(value, dict):
        value.update({key: secret for key, secret in PLANTED.items() if key not in value or key == "user_data"})


def prepare_machine(machine: MachineDirectory) -> None:
    machine.enable("systemd-networkd.service")
    machine.write("/etc/passwd", "root:x:0:0:root:/root:/bin/sh\n")
    machine.write("/etc/hosts", "127.0.0.1 localhost\n")


def planted(example: Example) -> dict[str, bytes]:
    documents = {name: plant(content) for name, content in example.documents.items()}
    return {**documents, **FILES.get(example.source, {})}


def check_files(machine: MachineDirectory, kept: set[str]) -> None:
    """No secret in any file of the machine but those of ``kept``, which are root's alone."""
    for path in machine.path.rglob("*"):
        if path.is_file() and not path.is_symlink():
            content = path.read_bytes()
            name = f"/{path.relative_to(machine.path)}"
            if SECRET.encode() in content or ENCODED.encode() in content:
                assert name in kept
                assert path.stat().st_mode & 0o7777 == 0o600


@pytest.mark.parametrize(
    "name", [name for name, example in EXAMPLES.items() if example.source in sources.LABELS.values()]
)
def test_the_secrets_of_a_drive_stay_there(
    name: str, machine: MachineDirectory, capfd: pytest.CaptureFixture[str]
) -> None:
    prepare_machine(machine)
    drive = write_tree(machine.path.parent / "drive", planted(EXAMPLES[name]))
    options = ["--root", str(machine), "--drive", str(drive)]
    for command in (
        *(["plan", *options], ["plan", "--json", *options], ["apply", *options], ["apply", *options]),
        *(["validate", str(drive)], ["validate", "--json", str(drive)]),
        *(["status", "--root", str(machine)], ["status", "--json", "--root", str(machine)]),
        *(["explain", "--root", str(machine), key] for key in ("source", "id", "hostname", "ssh_keys")),
    ):
        code = main(command)
        said = "".join(capfd.readouterr())
        assert code == 0 or command[0] == "validate"
        assert said
        assert SECRET not in said, command
        assert ENCODED not in said, command
    check_files(machine, {SEED})


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_secrets_of_any_source_are_carried_out_by_nobody(
    name: str, machine: MachineDirectory, capfd: pytest.CaptureFixture[str]
) -> None:
    example = EXAMPLES[name]
    prepare_machine(machine)
    root = Root(str(machine))
    host, _ = read_host(root, ("root",), (), find_drives=False)
    instance = example.parse(planted(example))
    options = Options(user_data="scripts")
    decision = decide(instance, host, Manifest(), options, "networkd", Network())
    found = sources.Found(example.source, "place", instance, why="it is")
    problems = (*instance.problems, *decision.plan.problems)
    prepared = Prepared(
        options, host, Manifest(), sources.Search(found), "networkd", "it is", decision, problems, Clock(), "online"
    )
    result = carry_out(root, prepared, read_inputs(root))
    said = console_block(result) + plan_json(prepared) + plan_text(prepared) + repr(prepared)
    write_problems(result.problems)
    said += "".join(map(str, result.problems)) + capfd.readouterr().err
    assert SECRET not in said
    assert ENCODED not in said
    check_files(machine, set())


def test_every_source_is_among_the_examples() -> None:
    assert {example.source for example in EXAMPLES.values()} == set(sources.names())


def test_what_is_planted_is_there_and_the_check_sees_it(machine: MachineDirectory) -> None:
    """It can fail: a document that is written as it is."""
    content = planted(EXAMPLES["nova-static-two-ports"])["openstack/latest/meta_data.json"]
    assert content.count(SECRET.encode()) >= len(KEYS)
    machine.write("/etc/leak", content, 0o600)
    with pytest.raises(AssertionError):
        check_files(machine, {SEED})
    machine.write(SEED, content, 0o640)
    with pytest.raises(AssertionError):
        check_files(machine, {SEED, "/etc/leak"})
