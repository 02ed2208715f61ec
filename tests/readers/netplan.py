# SPDX-License-Identifier: Apache-2.0
"""netplan's YAML, netplan(5) of 0.99 to 1.1, https://netplan.readthedocs.io/en/stable/netplan-yaml/.

What the backend that ``renderer`` names makes of it stands in src/networkd.c and src/nm.c of
https://github.com/canonical/netplan.  Properties that nothing here needs are not taken.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import yaml

from tests.readers import BY_FLAGS, METRIC, NAME, Device, Reading, Route, choice, ip, ip4, mac, number, prefix, prefixed
from tests.readers.networkd import KEYS as NETWORKD
from tests.readers.networkd import dhcpv6, sections
from tests.readers.networkmanager import KEYS as KEYFILE

if TYPE_CHECKING:
    from collections.abc import Mapping

# What a node of the file stands for.
Parser = Callable[[yaml.Node], Any]

FAMILIES_APART = True  # the backend lists the servers of a device in their order: IPv4 first, then IPv6


def text(grammar: Callable[[str], Any]) -> Parser:
    """A scalar that YAML reads as text, or writes as a number without quotes."""

    def parse(node: yaml.Node) -> Any:
        if not isinstance(node, yaml.ScalarNode) or node.tag not in ("tag:yaml.org,2002:str", "tag:yaml.org,2002:int"):
            raise _error(node, "no text")
        if node.tag.endswith("int") and not re.fullmatch(r"0|[1-9]\d*", node.value):
            raise _error(node, "a number of another base")
        try:
            return grammar(node.value)
        except ValueError as error:
            raise _error(node, str(error)) from None

    return parse


def boolean(node: yaml.Node) -> bool:
    """A scalar that YAML reads as true or false."""
    if node.tag != "tag:yaml.org,2002:bool":
        raise _error(node, "neither true nor false")
    return node.value.lower() in ("true", "yes", "on", "y")


def sequence(item: Parser) -> Parser:
    """A list."""

    def parse(node: yaml.Node) -> list[Any]:
        if not isinstance(node, yaml.SequenceNode):
            raise _error(node, "no sequence")
        return [item(child) for child in node.value]

    return parse


def mapping(keys: Mapping[str, Parser] | Parser) -> Parser:
    """Keys with values; one parser is for whatever name an entry has."""

    def parse(node: yaml.Node) -> dict[str, Any]:
        if not isinstance(node, yaml.MappingNode):
            raise _error(node, "no mapping")
        values: dict[str, Any] = {}
        for key, value in node.value:
            parser = keys if callable(keys) else keys.get(key.value)
            if parser is None or key.value in values:
                raise _error(key, f"no property {key.value}, or a second one")
            values[key.value] = parser(value)
        return values

    return parse


def _error(node: yaml.Node, message: str) -> ValueError:
    return ValueError(f"{node.start_mark.name}:{node.start_mark.line + 1}: {message}")


def duration(unit: int) -> Callable[[str], str]:
    """A time in ``unit`` milliseconds if no suffix tells it; as a number of that unit."""

    def parse(value: str) -> str:
        found = re.fullmatch(r"(\d+)(ms|s|m|h)?", value)
        if not found:
            raise ValueError(f"{value!r} is no time")
        factor = {"ms": 1, "s": 1000, "m": 60000, "h": 3600000}.get(found[2], unit)
        return str(int(found[1]) * factor // unit)

    return parse


def count(low: int, high: int) -> Callable[[str], str]:
    return lambda value: str(number(low, high)(value))


def on_off(node: Any) -> str:
    """A truth value as the kernel has it."""
    return str(int(boolean(node)))


MILLISECONDS, SECONDS = text(duration(1)), text(duration(1000))
MODES = ("balance-rr", "active-backup", "balance-xor", "broadcast", "802.3ad", "balance-tlb", "balance-alb")
# The kernel's name of each parameter of a bond, with its grammar; "Properties for device type bonds".
PARAMETERS: dict[str, tuple[str, Parser]] = {
    "mode": ("mode", text(choice(*MODES))),
    "lacp-rate": ("lacp_rate", text(choice("slow", "fast"))),
    "mii-monitor-interval": ("miimon", MILLISECONDS),
    "min-links": ("min_links", text(count(0, 2**31 - 1))),
    "transmit-hash-policy": (
        "xmit_hash_policy",
        text(choice("layer2", "layer3+4", "layer2+3", "encap2+3", "encap3+4")),
    ),
    "ad-select": ("ad_select", text(choice("stable", "bandwidth", "count"))),
    "all-slaves-active": ("all_slaves_active", on_off),
    "all-members-active": ("all_slaves_active", on_off),  # 0.106
    "arp-interval": ("arp_interval", MILLISECONDS),
    "arp-ip-targets": ("arp_ip_target", lambda node: ",".join(sequence(text(ip4))(node))),
    "arp-validate": ("arp_validate", text(choice("none", "active", "backup", "all"))),
    "arp-all-targets": ("arp_all_targets", text(choice("any", "all"))),
    "up-delay": ("updelay", MILLISECONDS),
    "down-delay": ("downdelay", MILLISECONDS),
    "fail-over-mac-policy": ("fail_over_mac", text(choice("none", "active", "follow"))),
    "gratuitous-arp": ("num_grat_arp", text(count(1, 255))),
    "packets-per-slave": ("packets_per_slave", text(count(0, 65535))),
    "packets-per-member": ("packets_per_slave", text(count(0, 65535))),  # 0.106
    "primary-reselect-policy": ("primary_reselect", text(choice("always", "better", "failure"))),
    "resend-igmp": ("resend_igmp", text(count(0, 255))),
    "learn-packet-interval": ("lp_interval", SECONDS),
    "primary": ("primary", text(str)),
}
OVERRIDES = mapping({"route-metric": text(METRIC), "use-mtu": boolean, "use-dns": boolean, "use-routes": boolean})
# Properties of the keyfile that may be passed through beside those of a bond: one counts, the others change no fact.
PASSED = ("method", "addr-gen-mode", "autoconnect-priority", "dhcp-timeout", "may-fail", "multi-connect", "ra-timeout")
ROUTE = {
    "to": text(lambda value: value if value == "default" else prefix(value)),
    "via": text(ip),
    "on-link": boolean,
    "metric": text(METRIC),
    "scope": text(choice("global", "link", "host")),
}
ANY: dict[str, Parser] = {
    "renderer": text(choice("networkd", "NetworkManager")),
    "dhcp4": boolean,
    "dhcp6": boolean,
    "dhcp4-overrides": OVERRIDES,
    "dhcp6-overrides": OVERRIDES,
    "accept-ra": boolean,
    "link-local": sequence(text(choice("ipv4", "ipv6"))),
    "addresses": sequence(text(prefixed)),
    "routes": sequence(mapping(ROUTE)),
    "nameservers": mapping({"addresses": sequence(text(ip)), "search": sequence(text(str))}),
    "macaddress": text(mac),
    "mtu": text(number(0, 2**32 - 1)),
    "optional": boolean,
    "critical": boolean,
    "ignore-carrier": boolean,
    "networkmanager": mapping({"passthrough": mapping(text(str))}),
    "optional-addresses": sequence(text(choice("ipv4-ll", "ipv6-ra", "dhcp4", "dhcp6", "static"))),
}
MATCH = mapping({"name": text(str), "macaddress": text(mac), "driver": text(str)})
KEYS = mapping(
    {
        "network": mapping(
            {
                "version": text(choice("2")),
                "renderer": ANY["renderer"],
                "ethernets": mapping(mapping({**ANY, "match": MATCH, "set-name": text(NAME)})),
                "bonds": mapping(
                    mapping(
                        {
                            **ANY,
                            "interfaces": sequence(text(str)),
                            "parameters": mapping({name: parser for name, (_, parser) in PARAMETERS.items()}),
                        }
                    )
                ),
                "vlans": mapping(mapping({**ANY, "id": text(number(0, 4094)), "link": text(str)})),
            }
        )
    }
)


def read(files: Mapping[str, str]) -> Reading:
    """The devices of all files together; a property of a later file stands."""
    merged: dict[str, Any] = {"ethernets": {}, "bonds": {}, "vlans": {}}
    for path in sorted(path for path in files if "/netplan/" in path and path.endswith(".yaml")):
        for kind, value in _parsed(path, files[path]).items():
            if kind in ("ethernets", "bonds", "vlans"):
                for name, properties in value.items():
                    merged[kind].setdefault(name, {}).update(properties)
            else:
                merged[kind] = value
    everything = {**merged["ethernets"], **merged["bonds"], **merged["vlans"]}
    keys = {name: _key(name, properties) for name, properties in everything.items()}
    masters = {port: name for name, bond in merged["bonds"].items() for port in bond.get("interfaces", ())}
    reading: Reading = {}
    for name, properties in everything.items():
        device = _device(properties, keys)
        is_networkd = properties.get("renderer", merged.get("renderer", "networkd")) == "networkd"
        if is_networkd:
            device = _by_networkd(properties, device, _dropins(name, files))
        elif name not in masters:  # a port has no part of a profile that says these
            device = _by_networkmanager(properties, device)
        if name in masters:
            # A port has nothing of its own: the backends set no address on it, whatever else is said.
            required = device.required if is_networkd else None
            device = replace(device, master=masters[name], ra="off", dhcp6="", local=False, required=required)
        if keys[name]:
            reading[keys[name]] = device
    return reading


def _dropins(name: str, files: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """What systemd.network(5) has beside the file that netplan writes for a device: section, key, value."""
    found: dict[str, dict[str, Any]] = {section: {} for section in NETWORKD}
    directory = f"/systemd/network/10-netplan-{name}.network.d/"
    for path in sorted(path for path in files if directory in path and path.endswith(".conf")):
        for section, keys in list(sections(path, files[path], NETWORKD)):
            found[section].update({key: values[-1] for key, values in keys.items() if values})
    return found


def _parsed(path: str, content: str) -> dict[str, Any]:
    loader = yaml.SafeLoader(content)
    loader.name = path
    try:
        node = loader.get_single_node()
    except yaml.YAMLError as error:
        raise ValueError(f"{path}: {error}") from None
    return dict(KEYS(node).get("network", {})) if node else {}


def _key(name: str, properties: dict[str, Any]) -> str:
    """The device that is meant: by its permanent address, or by its name; none for a pattern."""
    match = properties.get("match")
    key = name if match is None else match.get("macaddress") or match.get("name", "")
    return "" if set("*?[") & set(key) else str(key)


def _device(properties: dict[str, Any], keys: Mapping[str, str]) -> Device:
    get = properties.get
    options = {PARAMETERS[key][0]: value for key, value in get("parameters", {}).items()}
    mode, primary = options.pop("mode", "balance-rr"), options.pop("primary", "")
    unknown = {name for name in (primary, get("link", ""), *get("interfaces", ())) if name and name not in keys}
    if unknown or (get("id") is None) != (get("link") is None):
        raise ValueError(f"{', '.join(unknown) or 'link'}: not defined")
    return Device(
        addresses=frozenset(get("addresses", ())),
        routes=frozenset(map(_route, get("routes", ()))),
        dns=tuple(sorted(get("nameservers", {}).get("addresses", ()), key=lambda server: ":" in server)),
        search=tuple(get("nameservers", {}).get("search", ())),
        dhcp4=get("dhcp4", False),
        mtu=get("mtu"),
        mac=get("macaddress"),
        driver=get("match", {}).get("driver", ""),
        bond=mode if "interfaces" in properties else "",
        options=frozenset(options.items()),
        members=frozenset(keys[port] for port in get("interfaces", ())),
        primary=keys.get(primary, ""),
        vlan=get("id"),
        parent=keys.get(get("link", ""), ""),
    )


def _by_networkd(properties: dict[str, Any], device: Device, dropins: dict[str, dict[str, Any]]) -> Device:
    accept = properties.get("accept-ra", True)
    overrides = _overrides(properties)
    if "networkmanager" in properties or (len(overrides) == 2 and overrides[0] != overrides[1]):
        raise ValueError("networkd wants the same overrides for both families, and none for NetworkManager")
    advertised, solicited = dropins["IPv6AcceptRA"], dropins["DHCPv6"]
    other = dropins.keys() - {"IPv6AcceptRA", "DHCPv6", "Link"}
    if unknown := [section for section in other if dropins[section]]:
        raise ValueError(f"nothing is known of [{unknown[0]}] beside netplan's own")
    metric = overrides[0].get("route-metric") if overrides else None
    metrics = {metric} if device.dhcp4 else set()
    metrics |= {advertised.get("RouteMetric", metric)} if accept else set()
    dhcp = ("4",) * device.dhcp4 + ("6",) * bool(properties.get("dhcp6"))
    client = dhcpv6(dhcp, accept, solicited.get("WithoutRA", ""), advertised.get("DHCPv6Client", "flags"))
    return replace(
        device,
        dhcp6=client,
        ra="off" if not accept else "full" if advertised.get("UseAutonomousPrefix", True) else "routes",
        metric=next(iter(metrics), None) if len(metrics) < 2 else -1,
        mtu=dropins["Link"].get("MTUBytes", device.mtu),
        required=dropins["Link"].get("RequiredForOnline", not properties.get("optional", False)),
        local="ipv6" in properties.get("link-local", ["ipv6"]),
    )


def _by_networkmanager(properties: dict[str, Any], device: Device) -> Device:
    """write_nm_conf_access_point(): a method for each family, and what is passed through stands."""
    passed = properties.get("networkmanager", {}).get("passthrough", {})
    for key, value in passed.items():
        group, _, name = key.partition(".")
        grammars = [grammar for pattern, grammar in KEYFILE.get(group, {}).items() if re.fullmatch(pattern, name)]
        if not grammars or (group != "bond" and name not in PASSED):
            raise ValueError(f"nothing is known of {key} passed through")
        grammars[0](value)
    bond = {key[5:]: value for key, value in passed.items() if key.startswith("bond.")}
    if device.driver:
        raise ValueError("NetworkManager definitions do not support matching by driver")
    has4 = device.dhcp4 or any(":" not in address for address in device.addresses)
    has6 = any(":" in address for address in device.addresses)
    servers6 = any(":" in server for server in device.dns)
    dhcp6 = properties.get("dhcp6", False)
    method6 = passed.get("ipv6.method", "auto" if dhcp6 else "manual" if has6 or servers6 else "ignore")
    method4 = passed.get("ipv4.method", "auto" if device.dhcp4 else "manual" if has4 else "link-local")
    if (method6 == "manual" and not has6) or method4 == "link-local":
        raise ValueError("a profile that NetworkManager refuses, or with addresses that nobody wants")
    metrics = {override.get("route-metric") for override in _overrides(properties)}
    return replace(
        device,
        routes=frozenset(route for route in device.routes if (dhcp6 or has6 or servers6 if ":" in route[0] else has4)),
        search=device.search if has4 or dhcp6 or has6 or servers6 else (),
        dhcp4=method4 == "auto",
        dhcp6=BY_FLAGS if method6 == "auto" else "",
        ra="full" if method6 in ("auto", "ignore") else "off",  # ignored is what the kernel does by itself
        metric=next(iter(metrics), None) if len(metrics) < 2 else -1,
        options=device.options | {item for item in bond.items() if item[0] != "primary"},
        primary=bond.get("primary", device.primary),
        required=None,  # ``optional`` is "only supported by networkd"
        local=method6 != "disabled",
    )


def _overrides(properties: dict[str, Any]) -> list[dict[str, Any]]:
    """They "only have an effect if the corresponding dhcp4 or dhcp6 is set to true"."""
    families = [family for family in (4, 6) if properties.get(f"dhcp{family}", False)]
    return [properties.get(f"dhcp{family}-overrides", {}) for family in families]


def _route(route: dict[str, Any]) -> Route:
    via, to = route.get("via", ""), route["to"]
    if to == "default":
        to = "::/0" if ":" in via else "0.0.0.0/0"
    return to, via, route.get("metric"), route.get("on-link", False)
