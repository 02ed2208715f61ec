# SPDX-License-Identifier: Apache-2.0
"""SSH keys: our block only, replaced as a whole; silence and breakage take nothing away."""

from __future__ import annotations

import pytest

from bootagent.host import Account, Host
from bootagent.model.instance import Instance
from bootagent.model.plan import Plan
from bootagent.model.sshkey import SshKey
from bootagent.options import Options
from bootagent.planners.ssh_keys import BEGIN, END, edit_keys, plan_ssh_keys

ANN = SshKey("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOflAKvYJxaL6s2wOpnswu59XJc0wvUR+A3PErwCb4+j ann")
BOB = SshKey("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDflAKvYJxaL6s2wOpnswu59XJc0wvUR+A3PErwCb4+j bob")
ROOT = {"root": Account("/root", "root")}
PATH = "/root/.ssh/authorized_keys"


def plan(keys: tuple[SshKey, ...] | None, text: str | None = None, options: Options | None = None) -> Plan:
    host = Host(accounts=ROOT, texts={} if text is None else {PATH: text})
    return plan_ssh_keys(Instance(ssh_keys=keys), host, options or Options())


def test_a_new_file_holds_the_block_and_is_private() -> None:
    (file,) = plan((ANN, BOB)).files
    assert (file.path, file.mode, file.owner, file.block) == (PATH, 0o600, "root:root", True)
    assert file.content == f"{BEGIN}\n{ANN}\n{BOB}\n{END}\n"


def test_lines_outside_the_block_stay_byte_for_byte() -> None:
    before = "# mine\nssh-rsa AAAA me\x0b\u2028here\r\n\n"
    text = edit_keys(before, (ANN,))
    assert text == f"{before}{BEGIN}\n{ANN}\n{END}\n"
    assert edit_keys(text + "after\n", (BOB,)) == f"{before}{BEGIN}\n{BOB}\n{END}\nafter\n"
    assert edit_keys(text + "after\n", ()) == f"{before}after\n"


def test_a_last_line_without_newline_gets_one() -> None:
    assert edit_keys("mine", (ANN,)) == f"mine\n{BEGIN}\n{ANN}\n{END}\n"


def test_no_keys_in_the_metadata_empties_the_block_and_touches_no_other_file() -> None:
    assert plan((), "mine\n").files == ()
    assert plan(()).files == ()
    (file,) = plan((), f"mine\n{BEGIN}\n{ANN}\n{END}\n").files
    assert file.content == "mine\n"


@pytest.mark.parametrize("text", [None, f"{BEGIN}\n{ANN}\n{END}\n"])
def test_silent_metadata_changes_nothing(text: str | None) -> None:
    assert plan(None, text) == Plan()


def test_a_block_without_end_loses_only_its_first_line() -> None:
    assert edit_keys(f"{BEGIN}\nmine\n", (ANN,)) == f"mine\n{BEGIN}\n{ANN}\n{END}\n"


def test_a_user_who_is_not_there_is_reported_by_name() -> None:
    result = plan((ANN,), options=Options(users=("root", "debian")))
    assert len(result.files) == 1
    assert [str(problem) for problem in result.problems] == ["users: no user debian in /etc/passwd: gets no keys"]


def test_who_is_no_longer_a_user_loses_the_block() -> None:
    accounts = {"root": Account("/root", "root"), "debian": Account("/home/debian", "1000")}
    texts = {"/home/debian/.ssh/authorized_keys": f"own\n{BEGIN}\n{ANN}\n{END}\n"}
    host = Host(accounts=accounts, texts=texts)
    files = plan_ssh_keys(Instance(ssh_keys=(BOB,)), host, Options()).files
    assert {file.path: file.content for file in files} == {
        PATH: f"{BEGIN}\n{BOB}\n{END}\n",
        "/home/debian/.ssh/authorized_keys": "own\n",
    }
    assert files[1].owner == "debian:1000"


def test_a_file_that_could_not_be_read_is_not_replaced() -> None:
    host = Host(accounts=ROOT, unreadable=frozenset((PATH,)))
    assert plan_ssh_keys(Instance(ssh_keys=(ANN,)), host, Options()).files == ()
