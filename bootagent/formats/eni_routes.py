# SPDX-License-Identifier: Apache-2.0
"""Route commands in ``up`` lines of an ``interfaces`` file, read as what they mean and never executed.

Source: ip-route(8) and route(8), as far as nova's interfaces.template and Debian's documentation use them.
"""

from __future__ import annotations

from bootagent.formats.addressing import MAX_METRIC, parse_gateway
from bootagent.formats.prefixes import make_network, prefix_length, split_address
from bootagent.model.ip import DEFAULT
from bootagent.model.network import Route
from bootagent.model.values import whole_number

TYPE_CHECKING = False
if TYPE_CHECKING:
    from bootagent.model.ip import IPNetwork

_DIRECTORIES = ("", "/sbin/", "/usr/sbin/", "/bin/", "/usr/bin/")
_IP = frozenset(f"{directory}ip" for directory in _DIRECTORIES)
_ROUTE = frozenset(f"{directory}route" for directory in _DIRECTORIES)
_NO_MATTER = (["||", "true"], ["||", "/bin/true"], ["||", ":"])  # "should it fail, go on": so do we
_DEFAULTS = ("default", "0.0.0.0/0", "::/0")


def parse_route_command(command: str, device: str, origin: str) -> tuple[Route, bool]:
    """The route that a command adds to ``device``, and whether bits outside its netmask were cleared.

    ``ValueError`` if the command is any other than that, or more than that.
    """
    words = command.split()
    if words[-2:] in _NO_MATTER:
        words = words[:-2]
    if not words or len(words) > 16:
        raise ValueError("not a command that adds a route")
    if words[0] in _IP:
        destination, version, settings = _parse_ip(words[1:])
    elif words[0] in _ROUTE:
        destination, version, settings = _parse_route(words[1:])
    else:
        raise ValueError("not a command that adds a route")
    if settings.get("dev", device) not in (device, "$IFACE", "${IFACE}"):
        raise ValueError("a route of another device")
    return _make_route(destination, version, settings, origin)


def _parse_ip(words: list[str]) -> tuple[str, int, dict[str, str]]:
    """``[-4|-6] route add|append|replace DESTINATION [via GATEWAY] [dev DEVICE] [metric N] [onlink]``"""
    version = 0
    if words[:1] in (["-4"], ["-6"]):
        version = int(words.pop(0)[1])
    if len(words) < 3 or words[0] not in ("route", "ro", "r") or words[1] not in ("add", "append", "replace"):
        raise ValueError("not a command that adds a route")
    destination, rest = words[2], words[3:]
    settings: dict[str, str] = {}
    if "onlink" in rest:
        rest.remove("onlink")
        settings["onlink"] = "1"
    return destination, version, _parse_pairs(rest, {"via": "via", "dev": "dev", "metric": "metric"}, settings)


def _parse_route(words: list[str]) -> tuple[str, int, dict[str, str]]:
    """``[-A inet6] add [-net|-host] DESTINATION [netmask MASK] [gw GATEWAY] [metric N] [[dev] DEVICE]``"""
    version = 4
    for spelling in (["-A", "inet6"], ["--inet6"], ["-6"]):
        for start in (0, 1):  # the family stands before "add" or behind it
            if words[start : start + len(spelling)] == spelling:
                words = words[:start] + words[start + len(spelling) :]
                version = 6
    if words[:1] != ["add"]:
        raise ValueError("not a command that adds a route")
    words = words[1:]
    kind = words.pop(0) if words[:1] in (["-net"], ["-host"]) else ""
    if not words:
        raise ValueError("not a command that adds a route")
    destination, rest = words[0], words[1:]
    if len(rest) % 2:
        rest = [*rest[:-1], "dev", rest[-1]]
    keys = {"netmask": "netmask", "gw": "via", "metric": "metric", "dev": "dev"}
    settings = _parse_pairs(rest, keys, {})
    if kind == "-net" and "/" not in destination and "netmask" not in settings and destination != "default":
        raise ValueError("a network of a class that is not said")
    return destination, version, settings


def _parse_pairs(words: list[str], keys: dict[str, str], settings: dict[str, str]) -> dict[str, str]:
    if len(words) % 2:
        raise ValueError("not a command that adds a route")
    for key, value in zip(words[::2], words[1::2]):
        if key not in keys or keys[key] in settings:
            raise ValueError("a route with more than a gateway, a device and a metric")
        settings[keys[key]] = value
    return settings


def _make_route(destination: str, version: int, settings: dict[str, str], origin: str) -> tuple[Route, bool]:
    via = settings.get("via")
    if destination in _DEFAULTS:
        if destination != "default":
            version = 6 if ":" in destination else 4
        to: IPNetwork = DEFAULT[version or (6 if via is not None and ":" in via else 4)]
        cleared = False
    else:
        address, suffix = split_address(destination)
        mask = settings.get("netmask") if suffix is None else suffix
        length = address.max_prefixlen if mask is None else prefix_length(mask, address.version)
        to, cleared = make_network(address, length)
        if version not in (0, to.version):
            raise ValueError(f"{to} is not an IPv{version} network")
    gateway = parse_gateway(via, to.version)
    if gateway is None and to.prefixlen == 0:
        raise ValueError("a default route without a gateway")
    metric = whole_number(settings["metric"]) if "metric" in settings else None
    if metric is not None and metric > MAX_METRIC:
        raise ValueError(f"metric {metric} is not in 0..{MAX_METRIC}")
    return Route(to, gateway, metric, "onlink" in settings, origin), cleared
