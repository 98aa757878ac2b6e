"""Define the command ``score``: scores of portals in a period, their explanation and their seal."""

from __future__ import annotations

import getpass
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

import typer

from monitor.cli.output import EXIT_FAILURE, EXIT_OK, EXIT_PARTIAL, EXIT_USAGE, ConfigDir, DataDir, HistorySource, fail

if TYPE_CHECKING:
    from monitor.config import Config
    from monitor.scoring.periods import Period
    from monitor.scoring.results import ScoreSet
    from monitor.scoring.rubric import Rubric, ScoringRules

score_app = typer.Typer(
    name="score", help="Score portals by rubrics, explain the points, seal a period.", invoke_without_command=True
)

PeriodOption = Annotated[
    str | None, typer.Option(help="2026Q3, 2026-09, 2026-W37, 2026-09-14, 7d or from..to. Default: this quarter.")
]
RubricOption = Annotated[
    list[str] | None, typer.Option(help="Rubric id, or id@version; may be repeated; default: all.")
]
PortalOption = Annotated[list[str] | None, typer.Option(help="Portal id; may be repeated; default: all.")]
FromOption = Annotated[
    HistorySource | None, typer.Option("--from", help="Source of history. Default: as configured, else the archive.")
]
LangOption = Annotated[str | None, typer.Option(help="vi or en. Default: the configured language.")]


@score_app.callback()
def score(
    context: typer.Context,
    period: PeriodOption = None,
    rubric: RubricOption = None,
    portal: PortalOption = None,
    explain: Annotated[bool, typer.Option(help="Explain every criterion.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print as JSON, with every value.")] = False,
    lang: LangOption = None,
    source: FromOption = None,
    config: ConfigDir = Path("config"),
    data: DataDir = Path("data"),
) -> None:
    """Score portals from history alone; works while the daemon runs. Exit code 3: a portal has not enough data."""
    if context.invoked_subcommand is not None:
        return
    from monitor.config import load
    from monitor.scoring import serialize
    from monitor.scoring.results import ScoreStatus

    loaded = load(config)
    now = time.time_ns() // 1_000_000
    name = source.value if source else loaded.settings.history.source
    scores = _compute_scores(loaded, data, period_of(loaded, period, now), now, rubric, portal, name)
    language = lang or loaded.settings.language
    if as_json:
        typer.echo(serialize.score_set_json(scores), nl=False)
    else:
        _print_scores(scores, language, explain=explain)
    if not rubric and not portal:
        _print_seal_changes(loaded, data, scores)
    short = any(one.status in {ScoreStatus.PARTIAL, ScoreStatus.INSUFFICIENT} for one in scores.scores)
    raise SystemExit(EXIT_PARTIAL if short else EXIT_OK)


@score_app.command()
def seal(
    period: PeriodOption = None,
    by: Annotated[str, typer.Option(help="Name for the manifest.")] = "",
    replace: Annotated[bool, typer.Option(help="Replace a seal whose inputs have changed.")] = False,
    config: ConfigDir = Path("config"),
    data: DataDir = Path("data"),
) -> None:
    """Seal the scores of a period that has ended, with the digests of all their inputs."""
    from monitor.scoring import seal as seal_scores

    now = time.time_ns() // 1_000_000
    scores, found = _scores_and_digests(config, data, period, now)
    path = seal_scores.seal(data, scores, found, now, by=by or getpass.getuser(), replace=replace)
    typer.echo(f"{path}: {len(found)} inputs", err=True)


@score_app.command()
def verify(period: PeriodOption = None, config: ConfigDir = Path("config"), data: DataDir = Path("data")) -> None:
    """Compute a sealed period again and list what has changed. Exit code 1 when anything has."""
    from monitor.scoring import seal as seal_scores

    scores, found = _scores_and_digests(config, data, period, time.time_ns() // 1_000_000)
    compared = seal_scores.compare(data, scores, found)
    if compared is None:
        fail(f"{scores.period.name} was not sealed")
    for line in compared.changed:
        typer.echo(line)
    result = "same" if compared.same_scores else "other"
    typer.echo(f"{scores.period.name}, sealed {compared.sealed_at}: {result} scores", err=True)
    raise SystemExit(EXIT_OK if compared.same_scores and not compared.changed else EXIT_FAILURE)


def _scores_and_digests(config: Path, data: Path, name: str | None, now_ms: int) -> tuple[ScoreSet, dict[str, str]]:
    """Return the scores of the period called ``name`` or of this quarter, and the digests of their inputs."""
    from monitor.config import load
    from monitor.scoring.seal import input_digests

    loaded = load(config)
    period = period_of(loaded, name, now_ms)
    scores = _compute_scores(loaded, data, period, now_ms, None, None)
    return scores, input_digests(data, rules_of(loaded, period, None), loaded.portals, period)


def period_of(loaded: Config, name: str | None, now_ms: int) -> Period:
    """Return the period called ``name``, or this quarter."""
    from monitor.scoring import periods

    zone = ZoneInfo(loaded.settings.report_zone)
    if name is None:
        return periods.quarter_of(now_ms, zone)
    try:
        return periods.parse(name, zone, now_ms)
    except periods.PeriodError as error:
        fail(str(error), EXIT_USAGE)


def rules_of(loaded: Config, period: Period, rubric_names: Sequence[str] | None) -> ScoringRules:
    """Return the rules with the rubrics in force, or with the named ones (a version is not limited by its validity)."""
    from dataclasses import replace

    from monitor.config.diagnostics import did_you_mean
    from monitor.scoring import engine

    rules = loaded.rules
    if not rubric_names:
        return replace(rules, rubrics=engine.in_force(rules.rubrics, period))
    chosen: list[Rubric] = []
    for name in rubric_names:
        in_force = engine.in_force([one for one in rules.rubrics if one.id == name], period)
        found = [one for one in rules.rubrics if one.key == name] or in_force
        if not found:
            known = [key for one in rules.rubrics for key in (one.id, one.key)]
            problem = "is not valid in that period" if name in known else f"does not exist{did_you_mean(name, known)}"
            fail(f"the rubric {name!r} {problem}", EXIT_USAGE)
        chosen += found
    return replace(rules, rubrics=tuple(dict.fromkeys(chosen)))


def _compute_scores(
    loaded: Config,
    data: Path,
    period: Period,
    now_ms: int,
    rubric: Sequence[str] | None,
    portal: Sequence[str] | None,
    source_name: str = HistorySource.ARCHIVE.value,
) -> ScoreSet:
    from monitor.cli.history_source import configured_history
    from monitor.config.diagnostics import did_you_mean
    from monitor.scoring import engine
    from monitor.scoring.history_source import HistoryScoringSource

    known = {one.id: one for one in loaded.portals}
    for name in portal or ():
        if name not in known:
            fail(f"no portal has the id {name!r}{did_you_mean(name, known)}", EXIT_USAGE)
    portals = [known[name] for name in portal] if portal else loaded.portals
    source = HistoryScoringSource(configured_history(loaded.settings, data, source_name), source_name)
    return engine.score(rules_of(loaded, period, rubric), portals, period, source, now_ms)


def _print_scores(scores: ScoreSet, language: str, *, explain: bool) -> None:
    from monitor.scoring.texts import RUNNING_TEXT, WITHOUT_EXCLUSIONS_TEXT

    if not scores.ended:
        typer.echo(RUNNING_TEXT.localize(language))
    for one in scores.scores:
        typer.echo(one.sentence.localize(language))
        if explain:
            for line in one.criteria:
                typer.echo(f"  {line.sentence.localize(language)}")
            if one.without_exclusions is not None:
                head = f"{WITHOUT_EXCLUSIONS_TEXT.localize(language)} ({', '.join(one.exclusions)})"
                typer.echo(f"  {head}: {one.without_exclusions.sentence.localize(language)}")


def _print_seal_changes(loaded: Config, data: Path, scores: ScoreSet) -> None:
    """Print the inputs that changed since the period was sealed."""
    from monitor.scoring import seal as seal_scores

    if not seal_scores.is_sealed(data, scores.period):
        return
    found = seal_scores.input_digests(data, rules_of(loaded, scores.period, None), loaded.portals, scores.period)
    compared = seal_scores.compare(data, scores, found)
    for line in compared.changed if compared else ():
        typer.echo(f"changed since the seal: {line}", err=True)
