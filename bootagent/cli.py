# SPDX-License-Identifier: Apache-2.0
"""The command line: verbs, options, exit codes.

Exit codes: 0 a plan was made, with or without problems; 1 ``--strict``, ``validate``, ``verify`` or ``seal --check``
found problems; 2 a wrong command line; 3 to 8 the classes of ``bootagent.errors``.  Whatever goes wrong is one line on
standard error.
"""

from __future__ import annotations

import os
import sys

from bootagent import boot, options
from bootagent.errors import BootagentError, UsageError
from bootagent.log import write_line, write_problems
from bootagent.root import Root

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence
    from typing import NoReturn

EXIT_PROBLEMS = 1
# For units, not for people: in no list of verbs.
FOR_UNITS = ("apply-early", "apply-online", "apply-hotplug", "apply-revert", "run-user-data", "verify-boot")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb and return the exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    try:
        if arguments == ["apply"]:  # the boot itself, which has no time for argparse
            return _apply(Root(), {})
        if len(arguments) == 1 and arguments[0] in FOR_UNITS:
            return _run_for_unit(arguments[0], Root())
        return _run(_parser().parse_args(arguments))
    except BootagentError as error:
        write_line("error", str(error))
        return error.exit_code
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:  # the last resort of a boot: one line instead of a traceback
        place = error.__traceback__
        while place and place.tb_next:
            place = place.tb_next
        where = f"{os.path.basename(place.tb_frame.f_code.co_filename)}:{place.tb_lineno}" if place else "?"
        write_line("error", f"internal error at {where}: {type(error).__name__}")
        return BootagentError.exit_code


def run() -> NoReturn:
    """Run the command line, and end.

    At once: nothing is left to tidy up, and the interpreter's own tidying costs half as much as its start.
    """
    code = main()
    try:
        sys.stdout.flush()
    finally:  # also where nobody reads any more
        os._exit(code)


def _parser() -> argparse.ArgumentParser:
    import argparse

    from bootagent import __version__

    parser = argparse.ArgumentParser(
        "bootagent", description="First-boot agent: a cloud's drive in, reachable machine out."
    )
    parser.add_argument("--version", action="version", version=__version__)
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    machine = argparse.ArgumentParser(add_help=False)
    machine.add_argument("--root", default="/", metavar="DIR", help="the machine's root directory")
    machine.add_argument("--drive", metavar="PATH", help="a drive's directory, image file or block device")
    machine.add_argument("--backend", metavar="NAME", help="the network daemon to write for")
    machine.add_argument("--strict", action="store_true", help="every problem is fatal")
    verbs.add_parser("apply", parents=[machine], help="the boot itself; idempotent")
    verbs.add_parser("apply-early", help="apply, in the initramfs: where it is left to the real root, nothing changes")
    verbs.add_parser("apply-online", help="apply, with a network: a metadata service is asked")
    plan = verbs.add_parser("plan", parents=[machine], help="what apply would do; changes nothing")
    validate = verbs.add_parser("validate", help="a drive or a document: grammar and sense")
    validate.add_argument("path", metavar="PATH")
    status = verbs.add_parser("status", help="what happened on this boot")
    status.add_argument("--root", default="/", metavar="DIR")
    verify = verbs.add_parser("verify", help="what was planned, against what the kernel has now")
    for verb in (plan, validate, status, verify):
        verb.add_argument("--json", action="store_true")
    explain = verbs.add_parser("explain", help="where a value came from, and what it was preferred to")
    explain.add_argument("--root", default="/", metavar="DIR")
    explain.add_argument("key", metavar="KEY", help="a device, a path, an option, or one of: hostname, id, ssh_keys, …")
    install = verbs.add_parser("install", help="put the agent into an image")
    uninstall = verbs.add_parser("uninstall", help="take the agent out of an image")
    seal = verbs.add_parser("seal", help="make an image fit to be cloned")
    seal.add_argument("--check", action="store_true", help="list what a clone would suffer from; change nothing")
    seal.add_argument("--dry-run", action="store_true", help="say what would be done; change nothing")
    for verb in (install, uninstall, seal):
        verb.add_argument("--root", required=True, metavar="DIR")
    verbs.add_parser("demo", help="apply a bundled no-DHCP drive to a scratch root and show the result")
    return parser


def _run(arguments: argparse.Namespace) -> int:
    verb = arguments.verb
    if verb in ("apply", "plan"):
        given: dict[str, object] = {"strict": True} if arguments.strict else {}
        if arguments.drive is not None:
            given["drive"] = _existing(arguments.drive)
        if arguments.backend is not None:
            given["backend"] = options.check("backend", arguments.backend)
        root = Root(_existing(arguments.root))
        return _apply(root, given) if verb == "apply" else _plan(root, given, arguments.json)
    if verb == "status":
        from bootagent.status import show_status

        return show_status(Root(_existing(arguments.root)), arguments.json)
    if verb == "verify":
        from bootagent.verify import verify

        return verify(Root(), arguments.json)
    if verb == "explain":
        from bootagent.explain import explain

        return explain(Root(_existing(arguments.root)), arguments.key)
    if verb == "validate":
        from bootagent.validate import validate

        return validate(_existing(arguments.path), arguments.json)
    if verb in ("install", "uninstall", "seal"):
        return _change_image(_existing(arguments.root), arguments)
    from bootagent.demo import demo

    return demo()


def _change_image(path: str, arguments: argparse.Namespace) -> int:
    try:
        from bootagent.image import install, seal, uninstall
    except ImportError:
        message = (
            f"{arguments.verb}: not in an image, which has what a boot needs: run it from the checkout or the wheel"
        )
        raise UsageError(message) from None
    if arguments.verb == "install":
        return install.install(path)
    if arguments.verb == "uninstall":
        return uninstall.uninstall(path)
    return seal.check(path) if arguments.check else seal.seal(path, arguments.dry_run)


def _existing(path: str) -> str:
    from bootagent.errors import SourceError

    try:
        os.stat(path)
    except (OSError, ValueError) as error:
        raise SourceError(ascii(path), getattr(error, "strerror", None) or str(error)) from error
    return os.path.abspath(path)


def _apply(root: Root, given: dict[str, object]) -> int:
    result = boot.apply(root, given)
    if result is None:
        sys.stdout.write("bootagent: off, by the kernel command line\n")
        return 0
    return _report(result)


def _run_for_unit(verb: str, root: Root) -> int:
    """The further boots, each for a unit of its own: modules that a boot does not need."""
    if verb == "apply-early":
        from bootagent.early import apply_early

        return _tell(apply_early(root), "left to the real root: ")
    if verb == "apply-online":
        from bootagent.online import apply_online

        return _tell(apply_online(root))
    if verb == "apply-hotplug":
        from bootagent.hotplug import apply_hotplug

        return _tell(apply_hotplug(root))
    if verb == "apply-revert":
        from bootagent.revert import apply_revert

        return _tell(apply_revert(root), "revert: ")
    if verb == "run-user-data":
        from bootagent.userdata import run_user_data

        return run_user_data(root)
    from bootagent.verify import verify_boot

    return verify_boot(root)


def _tell(result: boot.Result | str, about: str = "") -> int:
    """Report what was done, or why there was nothing to do."""
    if isinstance(result, str):
        sys.stdout.write(f"bootagent: {about}{result}\n")
        return 0
    return _report(result)


def _report(result: boot.Result) -> int:
    from bootagent.report import console_block

    write_problems(result.problems)
    if result.prepared.options.strict and boot.has_problems(result.problems):
        return EXIT_PROBLEMS
    sys.stdout.write(console_block(result))
    return 0


def _plan(root: Root, given: dict[str, object], as_json: bool) -> int:
    from bootagent.report import plan_json, plan_text

    prepared = boot.prepare(root, given)
    write_problems(prepared.problems)
    sys.stdout.write(plan_json(prepared) if as_json else plan_text(prepared))
    return EXIT_PROBLEMS if prepared.options.strict and boot.has_problems(prepared.problems) else 0
