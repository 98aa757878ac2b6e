"""Records the golden loads anew: ``python -m tests.golden.record [PAGE ...]``, with the benchmark's Lighthouse."""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

from probes.browser.chromium import find_executable
from tests.bench import lighthouse
from tests.golden.store import Golden, save
from tests.pages.site import PAGES
from tests.servers.site import serve_site


def main(pages: list[str]) -> None:
    reference, chromium = lighthouse.install(), find_executable()
    with tempfile.TemporaryDirectory() as temp_dir, serve_site() as site:
        for page in pages:
            report = Path(temp_dir) / f"{page}.json"
            values, _ = lighthouse.measure(reference, site.page(page), chromium, report, "--save-assets")
            observed = json.loads(report.read_text())["audits"]["metrics"]["details"]["items"][0]
            values |= {"dcl": observed["observedDomContentLoaded"] / 1000, "load": observed["observedLoad"] / 1000}
            golden = Golden(
                page=page,
                url=site.page(page),
                events=json.loads((Path(temp_dir) / f"{page}-0.trace.json").read_text())["traceEvents"],
                messages=json.loads((Path(temp_dir) / f"{page}-0.devtoolslog.json").read_text()),
                lighthouse=values,
            )
            print(f"{page}: {save(golden)} bytes, {values}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:] or list(PAGES))
