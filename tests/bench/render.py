"""Our mobile probe against Lighthouse, page by page, alternating, at equal throttling: values, differences, cost.

``make bench-render`` runs every page five times; ``make bench-render ARGS='--runs 1 --pages hero,tasks'`` fewer.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path
from statistics import median

from probes.browser.chromium import find_executable
from tests.bench import lighthouse, report
from tests.bench.browser_worker import browser_worker
from tests.bench.tree_cost import Cost
from tests.pages.site import PAGES
from tests.servers.site import serve_site

LIMITS = {"fcp": (0.10, 0.100), "lcp": (0.10, 0.100), "si": (0.10, 0.100), "tbt": (0.15, 0.050), "cls": (0.0, 0.01)}
"""How far a median may lie from Lighthouse's: a share of it or an amount, whichever is more."""

NOT_COMPARED = {("photos", "si")}
"""A page that never rests has no Speed Index that two filmstrips of different length agree on: docs/vitals.md."""

WALL, CPU = 0.4, 0.6
"""The parts of Lighthouse's time that a load may take."""

Sample = tuple[dict[str, float], Cost]

_PRINTED: list[str] = []
"""What was printed, for the page."""


def _print(line: str) -> None:
    print(line, flush=True)
    _PRINTED.append(line)


def main(arguments: list[str] | None = None) -> None:
    """Measure and print; leaves with status 1 when a median is off or a load too costly."""
    options = _parse(arguments or [])
    chromium, reference = find_executable(), lighthouse.install()
    _versions(chromium)
    began = time.perf_counter()
    theirs: dict[str, list[Sample]] = {name: [] for name in options.pages}
    ours: dict[str, list[Sample]] = {name: [] for name in options.pages}
    with (
        tempfile.TemporaryDirectory() as scratch,
        serve_site() as site,
        browser_worker(chromium, site.page("text")) as worker,
    ):
        for run in range(options.runs):
            for name in options.pages:
                print(f"  run {run + 1} of {options.runs}: {name}", file=sys.stderr, flush=True)
                file = Path(scratch) / f"{name}-{run}.json"
                theirs[name].append(lighthouse.measure(reference, site.page(name), chromium, file))
                ours[name].append(worker.measure(site.page(name)))
        started = worker.started
    good = [_compare_values(name, theirs[name], ours[name]) for name in options.pages]
    good.append(_costs(theirs, ours, started))
    _print(f"  {options.runs} runs of {len(options.pages)} pages took {(time.perf_counter() - began) / 60:.1f} minutes")
    if options.write:
        report.write_rendering(Path(options.write), _PRINTED)
    if options.keep:
        _keep(Path(options.keep), theirs, ours)
    if not all(good):
        raise SystemExit(1)


def _parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench-render", description=__doc__)
    parser.add_argument("--runs", type=int, default=5, help="loads of each page by each side")
    parser.add_argument("--pages", type=lambda text: text.split(","), default=list(PAGES), help="names, with commas")
    parser.add_argument("--write", default="", help="a page to put the table into, such as docs/benchmarks.md")
    parser.add_argument("--keep", default="", help="a file for every single value, as JSON")
    options = parser.parse_args(arguments)
    if unknown := set(options.pages) - set(PAGES):
        parser.error(f"there is no page {', '.join(sorted(unknown))}; there are {', '.join(PAGES)}")
    return options


def _versions(chromium: Path) -> None:
    def output_of(*command: str) -> str:
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip().splitlines()[-1]

    node, browser = output_of("node", "--version"), output_of(str(chromium), "--version")
    _print(f"  Lighthouse {lighthouse.VERSION} on Node {node}, {browser}")
    _print(f"  Python {platform.python_version()}, {platform.system()} {platform.release()}, {platform.machine()}")
    _print(f"  {os.cpu_count()} cores, load average {os.getloadavg()[0]:.1f} before the first load")


def _compare_values(page: str, theirs: list[Sample], ours: list[Sample]) -> bool:
    """Print a line for each value of a page; return whether all of them agree."""
    _print(f"\n  {page:<10} {'Lighthouse':>10} {'ours':>10} {'difference':>11} {'':>7}  spread of each")
    agreements = {name: _compare_value(page, name, [s[0] for s in theirs], [s[0] for s in ours]) for name in LIMITS}
    return all(agreements.values())


def _compare_value(page: str, name: str, theirs: list[dict[str, float]], ours: list[dict[str, float]]) -> bool:
    reference = [values[name] for values in theirs if name in values]
    found = [values[name] for values in ours]
    if not reference:
        _print(f"    {name:<8} {'none':>10} {median(found):>10.3f}   Lighthouse found none")
        return False
    share, least = LIMITS[name]
    usual, mine = median(reference), median(found)
    off = mine - usual
    good = abs(off) <= max(share * usual, least) or (page, name) in NOT_COMPARED
    note = "not compared" if (page, name) in NOT_COMPARED else "" if good else "OFF"
    percent = f"{off / usual:+.1%}" if usual else ""
    spread = f"{max(reference) - min(reference):.3f} {max(found) - min(found):.3f}"
    _print(f"    {name:<8} {usual:>10.3f} {mine:>10.3f} {off:>+11.3f} {percent:>7}  {spread}  {note}")
    return good


def _costs(theirs: dict[str, list[Sample]], ours: dict[str, list[Sample]], started: Cost) -> bool:
    """Print a line for each page; return whether every one is cheap enough."""
    heads = f"{'wall: LH':>9} {'ours':>7} {'ratio':>6}   {'CPU: LH':>8} {'ours':>7} {'ratio':>6}"
    _print(f"\n  {'cost':<10} {heads}   {'MiB: LH':>8} {'ours':>6}")
    good = True
    for page, samples in theirs.items():
        theirs_cost, ours_cost = _middle(samples), _middle(ours[page])
        wall, cpu = ours_cost.wall / theirs_cost.wall, ours_cost.cpu / theirs_cost.cpu
        fine = wall <= WALL and cpu <= CPU
        good &= fine
        _print(
            f"    {page:<8} {theirs_cost.wall:>9.2f} {ours_cost.wall:>7.2f} {wall:>6.2f}   {theirs_cost.cpu:>8.2f} "
            f"{ours_cost.cpu:>7.2f} {cpu:>6.2f}   {theirs_cost.memory / 2**20:>8.0f} {ours_cost.memory / 2**20:>6.0f}"
            f"  {'' if fine else 'TOO COSTLY'}"
        )
    _print(f"    start and first load of our worker: {started.wall:.2f} s, CPU {started.cpu:.2f} s, once in 50 loads")
    return good


def _middle(samples: list[Sample]) -> Cost:
    costs = [cost for _, cost in samples]
    return Cost(
        wall=median(cost.wall for cost in costs),
        cpu=median(cost.cpu for cost in costs),
        memory=round(median(cost.memory for cost in costs)),
    )


def _keep(file: Path, theirs: dict[str, list[Sample]], ours: dict[str, list[Sample]]) -> None:
    sides = {"lighthouse": theirs, "ours": ours}
    kept = {
        side: {page: [values | asdict(cost) for values, cost in samples] for page, samples in pages.items()}
        for side, pages in sides.items()
    }
    file.write_text(json.dumps(kept, indent=1))


if __name__ == "__main__":
    main(sys.argv[1:])
