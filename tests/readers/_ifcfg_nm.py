# SPDX-License-Identifier: Apache-2.0
"""ifcfg files as NetworkManager's plugin takes them; ``ifcfg.read_nm``.

nm-settings-ifcfg-rh(5), https://networkmanager.dev/docs/api/latest/nm-settings-ifcfg-rh.html, and in
src/core/settings/plugins/ifcfg-rh/ of https://github.com/NetworkManager/NetworkManager shvar.c and
nms-ifcfg-rh-reader.c.  A line or a key that the plugin does not know is nothing to it; the common table is stricter.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from tests.readers import BY_FLAGS, Device, Reading, Route
from tests.readers._ifcfg_keys import DIRECTORY, KEYS, Profile, addresses4, addresses6, aliases, profiles, route_line
from tests.readers._shell import Value, Variables, advertisements, link_local, parsed, sysctls

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ESCAPES = re.compile(r"\\([$`\"\\])")


def variables(path: str, text: str) -> Variables:
    """``svFile_new``: line by line; the last line of a key wins, a value of which the end is not clear is none."""
    found: Variables = {}
    for count, line in enumerate(text.split("\n"), 1):
        if match := re.match(r"\s*([A-Za-z_][A-Za-z0-9_]*)=(.*)", line):
            found[match[1]] = Value(unescaped(f"{path}:{count}", match[2]), f"{path}:{count}")
    return found


def unescaped(place: str, text: str) -> str:
    """``svUnescape``: quotes and backslashes as in a shell, and nothing that a shell would expand."""
    rest, parts = text, []
    while rest and not rest[0].isspace() and rest[0] != ";":
        if found := re.match(r"\\(.)|'([^']*)'|\"((?:[^\"\\`$]|\\.)*)\"|([^\s;\\'\"|&()<>$`])", rest):
            parts.append(found[1] or found[2] or ESCAPES.sub(r"\1", found[3] or "") or found[4] or "")
            rest = rest[found.end() :]
        else:
            raise ValueError(f"{place}: {text!r} is not taken")
    if not re.fullmatch(r"\s*;?\s*(#.*)?", rest):
        raise ValueError(f"{place}: {text!r} goes on")
    return "".join(parts)


def read(files: Mapping[str, str]) -> Reading:
    """The devices of the profiles, but for those that are left to others."""
    settings = sysctls(files)
    found = profiles(files, lambda path, text: parsed(variables(path, text), KEYS))
    reading: Reading = {}
    for name, profile in found.items():
        if ":" in name or not profile.get("NM_CONTROLLED", True):
            continue
        path, device = f"{DIRECTORY}ifcfg-{name}", profile.get("DEVICE") or profile.get("HWADDR")
        if not device or device in reading:
            raise ValueError(f"{path}: no device, or one of another profile too: {device}")
        master = profile.get("MASTER", "")
        if not profile.get("ONBOOT", True) and not master:
            continue
        routes, lines = set[Route](), _route_lines(files, name, device)
        ip4, ip6 = _method4(profile, others := aliases(found, name)), _method6(profile)
        addresses = [*addresses4(path, profile), *others] if ip4 else []
        if ip4:
            routes |= lines[4] | _gateway(profile, "GATEWAY", "DEFROUTE", "0.0.0.0/0")
        if ip6:
            routes |= lines[6] | _gateway(profile, "IPV6_DEFAULTGW", "IPV6_DEFROUTE", "::/0")
        routes = {_ranked(profile, route) for route in routes}
        servers = [profile[key] for key in (f"DNS{i}" for i in range(1, 11)) if key in profile]
        reading[device] = Device(
            addresses=frozenset(addresses) | (addresses6(profile) if ip6 else frozenset()),
            routes=frozenset(routes),
            dns=tuple(server for server in servers if (ip6 if ":" in server else ip4)),
            search=tuple(profile.get("DOMAIN", ())) if ip4 or ip6 else (),
            dhcp4=profile.get("BOOTPROTO") == "dhcp",
            dhcp6={"auto": BY_FLAGS, "dhcp": "stateful"}.get(ip6, ""),
            ra=_advertised(profile, ip6, settings.get(device, {})) if not master else "off",
            metric=_metric(profile, ip4, ip6),
            mtu=profile.get("MTU"),
            mac=profile.get("MACADDR"),
            master=master,
            # What has nothing but a link is ready at once.
            required=not master and (bool(ip4 or ip6 not in ("", "link-local")) or None),
            local=not master and _is_local(profile, ip6, settings.get(device, {})),
            **_made(path, profile, found.values()),
        )
    return reading


def _method4(profile: Profile, others: Sequence[str]) -> str:
    given = bool(others) or any(re.fullmatch(r"(IPADDR|PREFIX|NETMASK)[012]?", key) for key in profile)
    return "auto" if profile.get("BOOTPROTO") == "dhcp" else "manual" if given else ""


def _method6(profile: Profile) -> str:
    if profile.get("IPV6_DISABLED") or not profile.get("IPV6INIT"):
        return ""
    if profile.get("IPV6_AUTOCONF", not profile.get("IPV6FORWARDING")):
        return "auto"
    if profile.get("DHCPV6C"):
        return "dhcp"
    return "manual" if addresses6(profile) else "link-local"


def _advertised(profile: Profile, method: str, settings: Mapping[str, int]) -> str:
    """Without a method the kernel is left alone; with one, advertisements count for "auto" only."""
    if profile.get("IPV6_DISABLED"):
        return "off"
    return ("full" if method == "auto" else "off") if method else advertisements(settings)


def _is_local(profile: Profile, method: str, settings: Mapping[str, int]) -> bool:
    return bool(method) or (not profile.get("IPV6_DISABLED") and link_local(settings))


def _route_lines(files: Mapping[str, str], name: str, device: str) -> dict[int, set[Route]]:
    """By the version of IP; a line that is not understood is left out, with a warning in the journal."""
    found: dict[int, set[Route]] = {4: set(), 6: set()}
    for version, tag in ((4, "route"), (6, "route6")):
        for line in files.get(f"{DIRECTORY}{tag}-{name}", "").split("\n"):
            if not re.fullmatch(r"\s*(#.*)?", line):
                try:
                    found[version].add(route_line(line, version, device, families=False))
                except ValueError:
                    continue
    return found


def _gateway(profile: Profile, key: str, switch: str, to: str) -> set[Route]:
    return {(to, profile[key], None, False)} if key in profile and profile.get(switch, True) else set()


def _ranked(profile: Profile, route: Route) -> Route:
    """A profile's metric is that of all its routes without one."""
    to, via, metric, onlink = route
    key = "IPV6_ROUTE_METRIC" if ":" in to else "IPV4_ROUTE_METRIC"
    return (to, via, profile.get(key) if metric is None else metric, onlink)


def _metric(profile: Profile, ip4: str, ip6: str) -> int | None:
    metrics = {profile.get("IPV4_ROUTE_METRIC")} if ip4 == "auto" else set()
    metrics |= {profile.get("IPV6_ROUTE_METRIC")} if ip6 == "auto" else set()
    return metrics.pop() if len(metrics) == 1 else None


def _made(path: str, profile: Profile, others: Any) -> dict[str, Any]:
    """Bond or VLAN; the type counts, and only without one what else is there."""
    kind, name = profile.get("TYPE", ""), profile.get("DEVICE", "")
    if not kind:
        kind = "Bond" if profile.get("BONDING_MASTER") else "Vlan" if profile.get("VLAN") else "Ethernet"
    if kind == "Ethernet" and "BONDING_OPTS" in profile:
        kind = "Bond"
    if profile.get("BONDING_MASTER") and kind != "Bond":
        raise ValueError(f"{path}: BONDING_MASTER in a profile of type {kind}")
    if kind == "Bond":
        options = dict(profile.get("BONDING_OPTS", {}))
        members = {port.get("DEVICE") or port["HWADDR"] for port in others if port.get("MASTER") == name}
        mode, primary = options.pop("mode", "balance-rr"), options.pop("primary", "")
        return {"bond": mode, "primary": primary, "options": frozenset(options.items()), "members": frozenset(members)}
    if kind != "Vlan":
        return {}
    # Before 1.32 an ID in the name won over VLAN_ID, https://bugzilla.redhat.com/1902976.
    by_name = re.fullmatch(r"(?:([^.]*)\.|vlan)(\d{1,4})", name)
    vlan = profile.get("VLAN_ID", int(by_name[2]) if by_name else None)
    parent = profile.get("PHYSDEV") or (by_name[1] if by_name else "")
    if vlan is None or not parent:
        raise ValueError(f"{path}: no VLAN ID, or no parent")
    return {"vlan": vlan, "parent": parent}
