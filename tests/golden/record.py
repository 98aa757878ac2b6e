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
    with tempfile.TemporaryDirectory() as scratch, serve_site() as site:
        for page in pages:
            report = Path(scratch) / f"{page}.json"
            figures, _ = lighthouse.measure(reference, site.page(page), chromium, report, "--save-assets")
            told = json.loads(report.read_text())["audits"]["metrics"]["details"]["items"][0]
            figures |= {"dcl": told["observedDomContentLoaded"] / 1000, "load": told["observedLoad"] / 1000}
            golden = Golden(
                page=page,
                url=site.page(page),
                events=json.loads((Path(scratch) / f"{page}-0.trace.json").read_text())["traceEvents"],
                messages=json.loads((Path(scratch) / f"{page}-0.devtoolslog.json").read_text()),
                lighthouse=figures,
            )
            print(f"{page}: {save(golden)} bytes, {figures}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:] or list(PAGES))
