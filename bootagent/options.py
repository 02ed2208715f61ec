# SPDX-License-Identifier: Apache-2.0
"""What the image, the operator and the command line ask of the agent.

Three places, a later one wins: ``/etc/bootagent.yaml``, ``bootagent.KEY=VALUE`` on the kernel command line, the command
line of the agent; the path of a drive is inside the root in the first two.  Keys and values::

    backend: networkd          a renderer's name; default: the one that runs at next boot
    drive: /dev/vdb            the drive, not looked for
    fallback: dhcp | none      what a NIC that no document names gets
    hostname: fqdn | short | keep
    on-failure: revert | keep  what becomes of a network by which nobody is reached (revert.py); kept by default
    render-to: etc | run       where the network's files go; run: an /etc that is read-only or verified
    sources: [configdrive]     the sources that are asked; default: each there is; on the kernel command line a,b
    user-data: scripts | off   whether the instance's user data is run, as root; off by default
    verify: on | off           whether each boot ends with a look at what the kernel has; off by default
    users: [root, debian]      who gets the instance's SSH keys; on the kernel command line root,debian

A wrong key or value in a file or on the kernel command line is a problem and the default stands: no input stops a boot.
"""

from __future__ import annotations

from bootagent.errors import UsageError
from bootagent.libraries import load_library
from bootagent.model.instance import Problem
from bootagent.model.values import UserName, shown
from bootagent.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from bootagent.root import Root

FILE = "/etc/bootagent.yaml"
PREFIX = "bootagent."
LISTS = ("sources", "users")  # on the kernel command line with commas


class Options(Record):
    """The options of one run."""

    backend: str | None = None
    drive: str | None = None
    fallback: str = "dhcp"
    hostname: str = "fqdn"
    on_failure: str = "keep"
    render_to: str = "etc"
    sources: tuple[str, ...] | None = None
    user_data: str = "off"
    users: tuple[str, ...] = ("root",)
    verify: str = "off"
    strict: bool = False
    places: Mapping[str, str] = {}  # where each of those that are not as by default is from


def read_options(root: Root, cmdline: str, given: Mapping[str, Any]) -> tuple[Options, tuple[Problem, ...]]:
    """The options of this machine; ``given`` are the agent's own, already checked."""
    problems: list[Problem] = []
    values: dict[str, Any] = {}
    places: dict[str, str] = {}
    for place, source in ((FILE, _read_file(root, problems)), ("kernel command line", _kernel_options(cmdline))):
        for key, value in source.items():
            if not isinstance(key, str) or key not in _CHECKS:
                problems.append(Problem("warning", f"{place}: {shown(key)}", f"not one of {', '.join(_CHECKS)}"))
                continue
            try:
                values[key.replace("-", "_")] = _CHECKS[key](value)
                places[key] = place + (f", preferred to {places[key]}" if key in places else "")
            except ValueError as error:
                problems.append(Problem("warning", f"{place}: {key}", str(error)))
    if "drive" in values:
        values["drive"] = root.host_path(values["drive"])
    places.update(dict.fromkeys(given, "the agent's command line"))
    return Options()._replace(**{**values, **given, "places": places}), tuple(problems)


def _read_file(root: Root, problems: list[Problem]) -> Mapping[object, object]:
    try:
        content = root.read(FILE)
    except OSError as error:
        problems.append(Problem("warning", FILE, f"not read: {error.strerror}"))
        return {}
    if content is None:
        return {}
    try:
        yaml = load_library("yaml")
    except ImportError:
        problems.append(Problem("error", FILE, "not read: PyYAML is not installed"))
        return {}
    try:
        data = yaml.safe_load(content)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        place = f"{FILE}: line {mark.line + 1}" if mark else FILE
        problems.append(Problem("error", place, "not YAML"))
        return {}
    if data is not None and not isinstance(data, dict):
        problems.append(Problem("error", FILE, "not a mapping of options"))
    return data if isinstance(data, dict) else {}


def _kernel_options(cmdline: str) -> dict[object, object]:
    words = (word[len(PREFIX) :].partition("=") for word in cmdline.split() if word.startswith(PREFIX))
    return {key: value.split(",") if key in LISTS else value for key, _, value in words}


def is_off(cmdline: str) -> bool:
    """Whether the kernel command line says ``bootagent=off``."""
    return "bootagent=off" in cmdline.split()


def check(key: str, value: object) -> Any:
    """A value of the agent's own command line; ``UsageError`` if it cannot be."""
    try:
        return _CHECKS[key](value)
    except ValueError as error:
        raise UsageError(f"--{key}: {error}") from None


def _one_of(*choices: str) -> Callable[[object], str]:
    def choose(value: object) -> str:
        if isinstance(value, bool):  # YAML reads a bare `no` as that, and a bare `off` or `on`
            words = ("on",) if value else ("none", "off")
            value = next((choice for choice in choices if choice in words), value)
        if not isinstance(value, str) or value not in choices:
            raise ValueError(f"{shown(value)} is not one of {', '.join(choices)}")
        return value

    return choose


def _path(value: object) -> str:
    if not isinstance(value, str) or not value.startswith("/"):
        raise ValueError(f"{shown(value)} is not an absolute path")
    return value


def _backend(value: object) -> str:
    from bootagent import renderers

    return _one_of(*renderers.names())(value)


def _sources(value: object) -> tuple[str, ...]:
    from bootagent import sources

    if not isinstance(value, list) or not value:
        raise ValueError("not a list of sources")
    return tuple(dict.fromkeys(map(_one_of(*sources.names()), value)))


def _users(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not value:
        raise ValueError("not a list of user names")
    return tuple(dict.fromkeys(UserName(item) for item in value))


_CHECKS: Mapping[str, Callable[[object], Any]] = {
    "backend": _backend,
    "drive": _path,
    "fallback": _one_of("dhcp", "none"),
    "hostname": _one_of("fqdn", "short", "keep"),
    "on-failure": _one_of("revert", "keep"),
    "render-to": _one_of("etc", "run"),
    "sources": _sources,
    "user-data": _one_of("scripts", "off"),
    "users": _users,
    "verify": _one_of("on", "off"),
}
