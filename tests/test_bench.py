# SPDX-License-Identifier: Apache-2.0
"""The benchmark's page says what its results say: small results that are made up here, and figures by hand."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from docutils.core import publish_doctree

from tests.bench import figures, report, svg
from tests.bench.mounted import count_calls
from tests.bench.results import (
    BACKENDS,
    CONTENDERS,
    DRACUT,
    DRACUT_CONTENDERS,
    EMPTY,
    FIRST,
    LATER,
    MOMENTS,
    Boot,
    Count,
    Growth,
    Piece,
    Results,
    Spread,
    Work,
    read_results,
    spread,
    write_results,
)

DOCS = Path(__file__).resolve().parent.parent / "docs"
# Seconds to every moment, by contender: three rounds.
ROUNDS = {"static": (10.0, 11.0, 13.0), "bootagent": (11.0, 11.55, 12.0), "glean": (9.0, 9.0, 9.0)}


def boot(number: int, contender: str, seconds: float, backend: str = "networkd", wrong: str = "") -> Boot:
    cpu = 0.0 if contender == "static" else seconds / 100
    return Boot(number, contender, backend, FIRST, wrong, dict.fromkeys(MOMENTS, seconds), cpu, {}, 1.5)


@pytest.fixture
def results() -> Results:
    """glean with networkd ends wrong in one boot of three; CPU 3.5 times a bare start, memory 1.25 times."""
    boots = [boot(n, name, times[n - 1]) for n in (1, 2, 3) for name, times in ROUNDS.items()]
    boots[2] = boots[2]._replace(wrong="no default route of *eth0_")
    work = [
        Work(number, what, cpu + number / 1e5, 0.1, peak)
        for number in (1, 2, 3)
        for what, cpu, peak in (("bare", 0.00998, 8000), ("first", 0.03498, 10000), ("unchanged", 0.00198, 1500))
    ]
    growth = [
        Growth(agent, links, 1, base + each * links, 10240)
        for agent, base, each in (("bootagent", 0.01, 0.001), ("glean", 0.0, 0.0418))
        for links in figures.LINKS
    ]
    calls = {"openat": 500, "fork": 0, "interpreters": 1}
    return EMPTY._replace(
        versions={"bootagent": "1.0", "glean": "1.25.1"},
        machine={"cores": 2},
        rounds=3,
        boots=tuple(boots),
        counts=(Count("bootagent", "networkd", LATER, 2, 0, None, 0, 0),),
        ratio=tuple(work),
        calls={"first": calls, "unchanged": calls | {"interpreters": 0}},
        growth=tuple(growth),
        installed={"bootagent": 399_900, "bytecode": 700_000},
    )


def section(page: str, title: str) -> str:
    """The text below a heading, up to the next."""
    return re.split(r"\n\n[^\n]+\n[=-]{4,}\n\n", page.partition(f"\n{title}\n")[2].partition("\n\n")[2])[0]


def row(text: str, start: str) -> str:
    (found,) = (line for line in text.splitlines() if line.startswith(start))
    return found


def test_a_spread_is_median_and_extremes() -> None:
    assert spread([5.0, 1.0, 2.0]) == Spread(2.0, 1.0, 5.0)
    assert spread([1.0, 2.0, 4.0, 9.0]) == Spread(3.0, 1.0, 9.0)
    assert spread([]) is None


def test_a_ratio_is_that_of_the_medians(results: Results) -> None:
    """11.55 over 11, and nothing is said of the static image itself."""
    known = figures.group(results, "bootagent", "networkd", FIRST)
    assert known is not None
    assert known.spreads["sshd"] == Spread(11.55, 11.0, 12.0)
    assert known.ratios == pytest.approx(dict.fromkeys(MOMENTS, 1.05))
    table = section(report.page(results), "networkd, first boot")
    assert row(table, "static").split()[:4] == ["static", "11.00", "(10.00–13.00)", "11.00"]
    assert row(table, "bootagent").count("11.55 (11.00–12.00) 1.05 ×") == len(MOMENTS)
    assert row(table, "bootagent").split()[-4:] == ["0.12", "(0.11–0.12)", "1.50", "(1.50–1.50)"]


def test_a_piece_is_what_a_unit_has_more_than_another(results: Results) -> None:
    cpu = {"unit": 0.008, "sandbox": 0.108, "interpreter": 0.058, "agent": 0.208, "all": 0.31}
    page = report.page(results._replace(pieces=tuple(Piece(*item) for item in cpu.items())))
    table = section(page, "What a first boot's unit is made of")
    starts = ("a unit", "its sandbox", "an interpreter", "the agent", "all of it")
    assert [row(table, start).split()[-1] for start in starts] == ["8.0", "100.0", "50.0", "150.0", "310.0"]
    assert "Not measured." in section(report.page(results), "What a first boot's unit is made of")


def test_a_wrong_contender_is_wrong_and_not_fast(results: Results) -> None:
    """One wrong boot is enough: no time of that contender is shown, in the table or in the picture."""
    table = section(report.page(results), "networkd, first boot")
    assert "wrong: no default route of \\*eth0\\_ (in 1 of 3 boots) [#]_" in row(table, "glean")
    assert "9.0" not in row(table, "glean")
    assert row(table, ".. [#]")
    picture = svg.boots(results)
    assert "wrong: no default route of *eth0_ (in 1 of 3 boots)" in picture
    assert ">9.0<" not in picture
    assert picture.count(">11.6<") == 2


def test_a_moment_that_never_came_is_wrong(results: Results) -> None:
    late = results.boots[0]._replace(seconds={"network.target": 5.0, "sshd": 6.0, "multi-user.target": 7.0})
    known = figures.group(results._replace(boots=(late,)), "static", "networkd", FIRST)
    assert known == figures.Group(1, "no login", {}, {})


def test_nothing_is_compared_with_a_static_image_that_is_wrong(results: Results) -> None:
    boots = tuple(b._replace(wrong="no DNS server" if b.contender == "static" else "") for b in results.boots)
    known = figures.group(results._replace(boots=boots), "bootagent", "networkd", FIRST)
    assert known is not None
    assert known.ratios == {}
    assert known.spreads["login"].median == 11.55


def test_the_budgets_are_what_a_hand_calculation_says(results: Results) -> None:
    """CPU: 35 over 10 ms; 11.55 over 11 s; 512 links: 21.4016 over 0.522 s; memory: 10000 over 8000 KiB."""
    rows = {budget.what: (budget.reached, budget.met) for budget in figures.budgets(results)}
    assert rows == {
        "CPU of a whole first boot's agent work, over a bare interpreter start": (
            "3.50 × (35.0 ms over 10.0 ms)",
            False,
        ),
        "time to network.target on a first boot, over the static image: networkd": ("1.050 ×", True),
        "time to network.target on a first boot, over the static image: ifupdown": ("", None),
        "time to sshd on a first boot, over the static image: networkd": ("1.050 ×", True),
        "time to sshd on a first boot, over the static image: ifupdown": ("", None),
        "interpreters started by a later boot on which nothing changed": ("0 (on the host), 0 (networkd)", True),
        "CPU of such a boot's check": ("2.0 ms", True),
        "processes of a first boot": ("1", True),
        "CPU of one more link, between 64 and 512 over between 8 and 64 (linear: 1)": ("1.00 ×", True),
        "CPU per link at 512, over glean": ("1/41.0", True),
        "resident memory, over a bare interpreter": ("1.25 × (9.8 MiB over 7.8 MiB)", True),
        "installed size, sources": ("400 KB", True),
    }


def test_a_wrong_agent_meets_no_budget(results: Results) -> None:
    boots = tuple(b._replace(wrong="no address") if b.contender == "bootagent" else b for b in results.boots)
    rows = {budget.what: budget for budget in figures.budgets(results._replace(boots=boots))}
    network = rows["time to sshd on a first boot, over the static image: networkd"]
    assert (network.reached, network.met) == ("wrong: no address", False)


def test_growth_that_is_not_linear_is_seen(results: Results) -> None:
    square = tuple(Growth("bootagent", n, 1, 0.02 + n * n / 1e6, 1) for n in figures.LINKS)
    assert figures.bend(results._replace(growth=square), "bootagent") == pytest.approx(8.0)
    assert figures.bend(EMPTY, "bootagent") is None


@pytest.mark.parametrize("of", ["nothing", "these"])
def test_the_page_and_the_pictures_are_well_formed(results: Results, of: str) -> None:
    shown = results if of == "these" else EMPTY
    publish_doctree(report.page(shown), settings_overrides={"halt_level": 2, "report_level": 2})
    for picture in (svg.boots(shown), svg.growth(shown)):
        assert ET.fromstring(picture).tag == "{http://www.w3.org/2000/svg}svg"


def test_what_was_not_measured_is_said_so() -> None:
    page = report.page(EMPTY)
    assert page.count("not measured") == len(figures.budgets(EMPTY))
    for backend in BACKENDS:
        assert section(page, f"{backend}, first boot").strip() == "Not measured."
    assert not re.search(r"\d ×", page.partition("Boots\n=====")[2])


def test_every_contender_has_its_row_and_its_bars() -> None:
    boots = tuple(boot(1, name, 10.0, backend) for name in CONTENDERS for backend in BACKENDS)
    known = EMPTY._replace(boots=boots, rounds=1)
    for backend in BACKENDS:
        table = section(report.page(known), f"{backend}, first boot")
        assert [row(table, name) for name in CONTENDERS]
    assert svg.boots(known).count(">10.0<") == 2 * len(boots)


def test_who_works_in_an_initramfs_has_a_table_of_its_own(results: Results) -> None:
    """Over the static image with the same initramfs; the other tables and the budgets do not know of it."""
    seconds = dict(zip(DRACUT_CONTENDERS, (40.0, 42.0, 41.0)))
    early = tuple(boot(1, name, taken, DRACUT) for name, taken in seconds.items())
    page = report.page(results._replace(boots=(*results.boots, *early)))
    table = section(page, "dracut's initramfs, first boot")
    assert row(table, "bootagent ").count("42.00 (42.00–42.00) 1.05 ×") == len(MOMENTS)
    assert row(table, "bootagent-early").count("41.00 (41.00–41.00) 1.02 ×") == len(MOMENTS)
    assert page.replace(table, "") == report.page(results).replace(
        section(report.page(results), "dracut's initramfs, first boot"), ""
    )


def test_results_come_back_as_they_were_written(tmp_path: Path, results: Results) -> None:
    path = tmp_path / "benchmarks.json"
    assert read_results(path) == EMPTY
    write_results(path, results)
    assert read_results(path) == results
    path.write_text('{"rounds": 2}', encoding="utf-8")
    assert read_results(path) == EMPTY._replace(rounds=2)


def test_calls_are_counted_from_where_the_program_starts() -> None:
    """A call that another process interrupts is one call; an interpreter is one by its library, whatever its name."""
    trace = """\
7 execve("/usr/sbin/chroot", ["chroot"], 0x1) = 0
7 openat(AT_FDCWD, "/etc/ld.so.cache", O_RDONLY) = 3
7 execve("/usr/sbin/agent", ["agent"], 0x1) = 0
7 openat(AT_FDCWD, "/usr/lib/python3.11/encodings/__init__.py", O_RDONLY) = 3
7 vfork( <unfinished ...>
8 execve("/bin/true", ["true"], 0x1) = 0
7 <... vfork resumed>) = 8
8 +++ exited with 0 +++
7 newfstatat(3, "", {st_mode=S_IFREG}, AT_EMPTY_PATH) = 0
7 fdatasync(3) = 0
"""
    assert count_calls(trace, "/usr/sbin/agent") == {
        **dict.fromkeys(("read", "write", "rename"), 0),
        **dict.fromkeys(("openat", "stat", "fsync", "fork", "interpreters"), 1),
        "execve": 2,
        "total": 6,
    }


def test_the_page_in_docs_is_that_of_the_results_beside_it(tmp_path: Path) -> None:
    """Nothing in it is written by hand."""
    results = DOCS / "benchmarks.json"
    pages = [report.PAGE, report.BOOT_PICTURE, report.GROWTH_PICTURE]
    assert {(DOCS / name).exists() for name in pages} == {results.exists()}
    if results.exists():
        report.write_pages(read_results(results), tmp_path)
        for name in pages:
            assert (DOCS / name).read_text(encoding="utf-8") == (tmp_path / name).read_text(encoding="utf-8")
