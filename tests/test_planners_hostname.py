# SPDX-License-Identifier: Apache-2.0
"""The host name: a file, a line, the kernel; and nothing where there is no usable name."""

from __future__ import annotations

from bootagent.host import Host
from bootagent.model.instance import Instance
from bootagent.model.plan import Action, Plan
from bootagent.model.values import Hostname
from bootagent.options import Options
from bootagent.planners.hostname import edit_hosts, plan_hostname
from bootagent.state import Entry, Manifest

WEB = Instance(hostname=Hostname("web-1.example.org"))


def contents(plan: Plan) -> dict[str, str]:
    return {file.path: file.content for file in plan.files}


def test_the_name_is_kept_whole_and_the_short_one_resolves_too() -> None:
    plan = plan_hostname(WEB, Host(texts={"/etc/hosts": "127.0.0.1 localhost\n"}), Manifest(), Options())
    assert contents(plan) == {
        "/etc/hostname": "web-1.example.org\n",
        "/etc/hosts": "127.0.0.1 localhost\n127.0.1.1 web-1.example.org web-1 # bootagent\n",
    }
    assert plan.actions == ()


def test_short_is_an_option() -> None:
    plan = plan_hostname(WEB, Host(), Manifest(), Options(hostname="short"))
    assert contents(plan)["/etc/hostname"] == "web-1\n"
    assert plan_hostname(WEB, Host(), Manifest(), Options(hostname="keep")) == Plan()


def test_no_usable_name_changes_nothing() -> None:
    assert plan_hostname(Instance(), Host(), Manifest(), Options()) == Plan()
    assert plan_hostname(None, Host(), Manifest(), Options()) == Plan()


def test_the_kernel_is_told_only_on_the_live_machine_and_only_a_change() -> None:
    told = (Action("set-hostname", "web-1.example.org"),)
    assert plan_hostname(WEB, Host(live=True, hostname="unset"), Manifest(), Options()).actions == told
    assert plan_hostname(WEB, Host(live=True, hostname="web-1.example.org"), Manifest(), Options()).actions == ()


def test_a_name_that_a_person_set_later_is_not_told_to_the_kernel() -> None:
    edited = Manifest(
        "i", "configdrive", {"/etc/hostname": Entry("hostname", False, ("ours",))}, {"/etc/hostname": "x"}
    )
    assert plan_hostname(WEB, Host(live=True, hostname="mine"), edited, Options()).actions == ()


def test_our_line_is_replaced_where_it_stands_and_never_doubled() -> None:
    text = "127.0.0.1\tlocalhost\n127.0.1.1 old # bootagent\n192.0.2.1 other\n127.0.1.1 older # bootagent\n"
    assert edit_hosts(text, "new", "new") == "127.0.0.1\tlocalhost\n127.0.1.1 new # bootagent\n192.0.2.1 other\n"


def test_a_missing_hosts_file_gets_localhost_too() -> None:
    assert edit_hosts(None, "web", "web").splitlines()[0] == "127.0.0.1 localhost"
    assert edit_hosts(None, "web", "web").splitlines()[-1] == "127.0.1.1 web # bootagent"
