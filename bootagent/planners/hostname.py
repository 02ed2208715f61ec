# SPDX-License-Identifier: Apache-2.0
"""The host name: hostname(5), the kernel's own now, and one managed line in hosts(5).

127.0.1.1 is the address that Debian's policy reserves for a name without a fixed address: the line never goes stale.
"""

from __future__ import annotations

from bootagent.model.instance import Problem
from bootagent.model.plan import Action, File, Plan

TYPE_CHECKING = False
if TYPE_CHECKING:
    from bootagent.host import Host
    from bootagent.model.instance import Instance
    from bootagent.options import Options
    from bootagent.state import Manifest

AREA = "hostname"
HOSTNAME = "/etc/hostname"
HOSTS = "/etc/hosts"
MARK = "# bootagent"
NEW_HOSTS = "127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n"


def plan_hostname(instance: Instance | None, host: Host, manifest: Manifest, options: Options) -> Plan:
    """The files of the name and the change of the kernel's; nothing where the cloud gives no usable name."""
    name = instance.hostname if instance else None
    if name is None or options.hostname == "keep":
        return Plan()
    text = name.short if options.hostname == "short" else str(name)
    change = host.live and host.hostname != text
    if options.render_to == "run":  # /run has no counterpart of these files: hostname(5)
        skipped = Problem("info", HOSTNAME, "render-to: run: the name is the kernel's only")
        return Plan(actions=(Action("set-hostname", text),) if change else (), problems=(skipped,))
    files = [File(HOSTNAME, f"{text}\n", area=AREA)]
    if HOSTS not in host.unreadable:
        files.append(File(HOSTS, edit_hosts(host.texts.get(HOSTS), str(name), name.short), block=True, area=AREA))
    if not change or manifest.is_edited(HOSTNAME):
        return Plan(tuple(files), areas=frozenset((AREA,)))
    return Plan(tuple(files), (Action("set-hostname", text),), areas=frozenset((AREA,)))


def edit_hosts(text: str | None, name: str, short: str) -> str:
    """``text`` with our line for ``name``, in the place of our line for an earlier one; other lines are kept."""
    names = name if name == short else f"{name} {short}"
    line = f"127.0.1.1 {names} {MARK}"
    text = NEW_HOSTS if text is None else text
    lines = text[:-1].split("\n") if text.endswith("\n") else text.split("\n")
    ours = [number for number, old in enumerate(lines) if old.rstrip().endswith(MARK)]
    if not ours:
        return "\n".join([*lines, line]) + "\n"
    lines[ours[0]] = line
    return "\n".join(old for number, old in enumerate(lines) if number not in ours[1:]) + "\n"
