# SPDX-License-Identifier: Apache-2.0
"""``python -m tests.bench``: measure, keep the results, write the page.

Every part that ends is in the results at once, so that a cut run keeps what it has; a part that is run alone replaces
nothing but its own.
"""

from __future__ import annotations

import argparse
import os
import pathlib
import platform
import shutil
import sys
import time
from typing import TYPE_CHECKING

from bootagent import __version__

from . import boots, report
from .results import Boot, Results, read_results, spread, write_results

if TYPE_CHECKING:
    from collections.abc import Callable

DOCS = pathlib.Path(__file__).resolve().parents[2] / "docs"
RESULTS = "benchmarks.json"
TOOLS = (
    *("apt-get", "chroot", "debootstrap", "dpkg-deb", "genisoimage", "ip", "losetup", "mke2fs", "mount"),
    *("qemu-system-x86_64", "ssh", "ssh-keygen", "strace", "systemctl", "unshare"),
)
WORK_ROUNDS, GROWTH_ROUNDS, BOOT_ROUNDS = 301, 5, 5


def measure_work(results: Results, rounds: int | None, keep: Callable[[Results], None]) -> Results:
    """The CPU of a first boot's work, of an unchanged boot's, and of a bare interpreter."""
    from . import work

    figures = work.run(rounds or WORK_ROUNDS)
    results = results._replace(
        ratio=figures.ratio,
        calls=figures.calls,
        installed=figures.installed,
        versions={**results.versions, "python": figures.python},
    )
    keep(results)
    print(work_line(results), flush=True)
    return results


def work_line(results: Results) -> str:
    """The medians on one line."""
    medians = {}
    for what in ("bare", "first", "unchanged"):
        sample = spread(entry.cpu for entry in results.ratio if entry.what == what)
        medians[what] = sample.median if sample else float("nan")
    ratio = medians["first"] / medians["bare"]
    figures = ", ".join(f"{what} {median * 1000:.2f} ms" for what, median in medians.items())
    return f"CPU, medians: {figures}; first is {ratio:.2f} times bare"


def measure_growth(results: Results, rounds: int | None, keep: Callable[[Results], None]) -> Results:
    """CPU and memory by the number of links, of the agents side by side."""
    from . import growth

    results = results._replace(growth=growth.run(rounds or GROWTH_ROUNDS))
    keep(results)
    return results


def measure_machines(results: Results, rounds: int | None, keep: Callable[[Results], None]) -> Results:
    """Real boots of every contender."""
    from . import machines

    versions = {**results.versions, **machines.versions()}
    results = results._replace(boots=(), rounds=rounds or BOOT_ROUNDS, versions=versions)

    def record(boot: Boot) -> None:
        nonlocal results
        results = results._replace(boots=(*results.boots, boot))
        keep(results)

    machines.run(results.rounds, record)
    return results


def measure_counts(results: Results, _: int | None, keep: Callable[[Results], None]) -> Results:
    """What each agent does in a boot that is traced."""
    from . import counting

    results = results._replace(counts=tuple(counting.run()))
    keep(results)
    return results


def measure_profile(results: Results, _: int | None, keep: Callable[[Results], None]) -> Results:
    """What the CPU of a first boot's unit is made of."""
    from . import profile

    results = results._replace(pieces=tuple(profile.run()))
    keep(results)
    return results


# Those first whose clock is the guests': of the last two anything else that runs on the host is a part.
PARTS = {
    "machines": measure_machines,
    "profile": measure_profile,
    "counts": measure_counts,
    "growth": measure_growth,
    "work": measure_work,
}


def describe_host() -> dict[str, str | int]:
    """What was measured on."""
    model = [
        line.partition(":")[2].strip()
        for line in pathlib.Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        if line.startswith("model name")
    ]
    return {
        "processor": model[0] if model else platform.machine(),
        "cores": os.cpu_count() or 0,
        "memory_mib": os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") >> 20,
        "accelerator": "TCG",
        "the guests' clock": f"QEMU's -icount {boots.CLOCK}",
        "guest processors": 1,
    }


def main() -> int:
    """Run what is asked for, then write the page."""
    parser = argparse.ArgumentParser("python -m tests.bench", description="Measure bootagent beside its peers.")
    parser.add_argument("--rounds", type=int, metavar="N", help="of each part that is run, instead of its own number")
    parser.add_argument("--only", choices=PARTS, help="run this part and keep what is known of the others")
    parser.add_argument("--report-only", action="store_true", help="write the page from the results that are there")
    parser.add_argument("--into", type=pathlib.Path, default=DOCS, metavar="DIR", help="where results and page are")
    arguments = parser.parse_args()
    path = arguments.into / RESULTS
    results = read_results(path)
    if not arguments.report_only:
        lacking = [name for name in TOOLS if shutil.which(name) is None]
        if lacking or os.geteuid() != 0:
            print(f"missing: {', '.join(lacking)}" if lacking else "must be root: machines are mounted and booted")
            return 1
        versions = {**results.versions, "bootagent": __version__}
        results = results._replace(machine=describe_host(), versions=versions)
        try:
            for name in [arguments.only] if arguments.only else PARTS:
                began = time.monotonic()
                results = PARTS[name](results, arguments.rounds, lambda known: write_results(path, known))
                results = results._replace(took={**results.took, name: round(time.monotonic() - began)})
                write_results(path, results)
        finally:
            report.write_pages(read_results(path), arguments.into)
    else:
        report.write_pages(results, arguments.into)
    return 0


if __name__ == "__main__":
    sys.exit(main())
