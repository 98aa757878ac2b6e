"""Bad input by the thousand, for every reader of files and every route; a seed repeats each case."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import structlog

from tests.chaos.guarantee import Guarantee
from tests.fuzzing import api, configuration, files, http, imports, influx, reloads, words
from tests.fuzzing.served import served
from tests.fuzzing.surface import LONGEST, SEED, Found, Surface, attempt

PART = "Bad input"
SURFACES: tuple[Surface, ...] = tuple(
    surface for module in (configuration, reloads, imports, files, influx, http) for surface in module.SURFACES
)
API_EXAMPLES, WORDS_EXAMPLES = 300, 400


def guarantees() -> list[Guarantee]:
    """Try every surface at length."""
    print(f"seed {SEED}; FUZZ_SEED=... tries other cases, and the number in a broken line is that of the case")
    with _quiet():
        return [_guarantee(text, found) for text, found in _all()]


@contextmanager
def _quiet() -> Iterator[None]:
    """Hide thousands of expected refusals; lines at error are still logged."""
    before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    try:
        yield
    finally:
        structlog.configure(**before)


def _all() -> Iterator[tuple[str, Found]]:
    for surface in SURFACES:
        with TemporaryDirectory() as scratch:
            yield surface.contract, attempt(surface, Path(scratch) / "scratch", range(surface.cases))
    with TemporaryDirectory() as scratch, served(Path(scratch)) as server:
        yield api.CONTRACT, api.conform(server.address, API_EXAMPLES)
    yield words.CONTRACT, words.understood(WORDS_EXAMPLES)


def _guarantee(text: str, found: Found) -> Guarantee:
    print(f"{found.name}: {found.cases} cases, longest {found.worst:.2f} s, broken {len(found.broken)}", flush=True)
    return Guarantee(
        part=PART,
        text=f"{text}; none takes {LONGEST:g} s of processor time",
        test="tests/monitor/web/api/test_openapi.py" if text == api.CONTRACT else "tests/test_fuzz.py",
        cases=found.cases,
        broken=tuple(found.broken),
        measured=f"longest case {found.worst:.2f} s, seed {SEED}",
    )
