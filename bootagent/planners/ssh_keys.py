# SPDX-License-Identifier: Apache-2.0
"""SSH keys: one marked block in authorized_keys (sshd(8)) of each user; what stands outside it is the user's."""

from __future__ import annotations

from bootagent.model.instance import Problem
from bootagent.model.plan import File, Plan

TYPE_CHECKING = False
if TYPE_CHECKING:
    from bootagent.host import Host
    from bootagent.model.instance import Instance
    from bootagent.model.sshkey import SshKey
    from bootagent.options import Options

AREA = "ssh_keys"
BEGIN = "# BEGIN bootagent: keys of the instance's metadata, replaced at boot"
END = "# END bootagent"


def plan_ssh_keys(instance: Instance | None, host: Host, options: Options) -> Plan:
    """The users' authorized_keys; untouched where the metadata is silent or broken, and where nothing would change."""
    keys = instance.ssh_keys if instance else None
    if keys is None:
        return Plan()
    problems = tuple(
        Problem("error", "users", f"no user {user} in /etc/passwd: gets no keys")
        for user in options.users
        if user not in host.accounts
    )
    files = []
    for user, account in host.accounts.items():
        path = account.authorized_keys
        # Whoever is no longer among the users loses the keys that an earlier boot gave.
        given = keys if user in options.users else ()
        text = host.texts.get(path, "")
        if path not in host.unreadable and (given or BEGIN in text):
            owner = f"{user}:{account.group}"
            files.append(File(path, edit_keys(text, given), 0o600, owner, block=True, area=AREA))
    return Plan(tuple(files), problems=problems, areas=frozenset((AREA,)))


def edit_keys(text: str, keys: tuple[SshKey, ...]) -> str:
    """``text`` with our block holding ``keys``, or without one where there are none."""
    lines = text[:-1].split("\n") if text.endswith("\n") else text.split("\n") if text else []
    before, after = _split(lines)
    block = [BEGIN, *keys, END] if keys else []
    lines = [*before, *block, *after]
    return "\n".join(lines) + "\n" if lines else ""


def _split(lines: list[str]) -> tuple[list[str], list[str]]:
    """The lines before and after our block; all of them before, where there is none or its end was deleted."""
    if BEGIN not in lines:
        return lines, []
    start = lines.index(BEGIN)
    if END not in lines[start:]:
        return lines[:start] + lines[start + 1 :], []
    return lines[:start], lines[lines.index(END, start) + 1 :]
