"""Define the command ``export``: write the scores of a period as files, or verify such files."""

from __future__ import annotations

import itertools
import time
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from monitor.cli.output import EXIT_FAILURE, EXIT_OK, EXIT_PARTIAL, EXIT_USAGE, ConfigDir, DataDir, fail, unknown_choice
from monitor.cli.score import FromOption, RubricOption, period_of, rules_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from monitor.config import Config
    from monitor.scoring.report.collect import ReportRequest

export_app = typer.Typer(
    name="export", help="Export the scores of a period, or verify an export.", no_args_is_help=True
)


class Language(StrEnum):
    """The languages of an export."""

    VI = "vi"
    EN = "en"


@export_app.callback(invoke_without_command=True)
def export(
    context: typer.Context,
    quarter: Annotated[str | None, typer.Option(help="2026Q3; also a month, week, day or from..to.")] = None,
    rubric: RubricOption = None,
    lang: Annotated[Language | None, typer.Option(help="Default: the configured language.")] = None,
    source: FromOption = None,
    out: Annotated[
        Path | None, typer.Option(help="A new directory. Default: exports/<period>-<lang> of the data.")
    ] = None,
    format_list: Annotated[str, typer.Option("--format", help="Some of xlsx,csv,json,html.")] = "xlsx,csv,json,html",
    config: ConfigDir = Path("config"),
    data: DataDir = Path("data"),
) -> None:
    """Write the scores of a period. Exit code 3: the period has not ended, or nothing was measured in it."""
    if context.invoked_subcommand is not None:
        return
    from monitor.config import load
    from monitor.scoring.report.output import ExportError, check_target
    from monitor.scoring.report.registry import REPORT_FORMATS

    formats = [one.strip() for one in format_list.split(",") if one.strip()]
    unknown = [one for one in formats if one not in REPORT_FORMATS]
    if unknown or not formats:
        fail(unknown_choice("format", unknown or [""], REPORT_FORMATS), EXIT_USAGE)
    if quarter is None:
        fail("name the period, such as --quarter 2026Q3", EXIT_USAGE)
    loaded = load(config)
    request = _report_request(loaded, data, quarter, rubric, lang.value if lang else loaded.settings.language)
    source_name = source.value if source else loaded.settings.history.source
    target = out or data / "exports" / f"{request.period.name}-{request.language}"
    try:
        check_target(target)
        ended = _write_report(request, loaded, source_name, target, [one for one in REPORT_FORMATS if one in formats])
    except ExportError as error:
        fail(str(error), EXIT_USAGE)
    except OSError as error:
        fail(f"{target}: {error.strerror or error}")
    raise SystemExit(EXIT_OK if ended else EXIT_PARTIAL)


@export_app.command()
def verify(directory: Annotated[Path, typer.Argument(help="A directory written by export.")]) -> None:
    """Compare every file with the manifest. Exit code 1 when one was changed, is missing, or was added."""
    from monitor.scoring.report import manifest

    try:
        problems = manifest.verify(directory)
        digest = manifest.digest(directory)
    except (manifest.ManifestError, OSError) as error:
        fail(str(error))
    for line in problems:
        typer.echo(line)
    if not problems:
        typer.echo(f"{directory} is unchanged; SHA-256 of {manifest.MANIFEST_NAME}: {digest}")
    raise SystemExit(EXIT_FAILURE if problems else EXIT_OK)


@export_app.command()
def schema() -> None:
    """Print the JSON Schema of scores.json."""
    from monitor.cli.output import print_json
    from monitor.scoring.report.json_schema import schema as schema_of

    print_json(schema_of())


def _report_request(loaded: Config, data: Path, name: str, rubric: list[str] | None, language: str) -> ReportRequest:
    from zoneinfo import ZoneInfo

    from monitor.scoring import engine, periods
    from monitor.scoring.report.collect import ReportRequest

    now = time.time_ns() // 1_000_000
    period = period_of(loaded, name, now)
    if period.since_ms > now:
        fail(f"{period.name} has not begun", EXIT_USAGE)
    before = periods.previous(period, ZoneInfo(period.zone))
    return ReportRequest(
        rules=rules_of(loaded, period, rubric),
        previous_rules=replace(loaded.rules, rubrics=engine.in_force(loaded.rules.rubrics, before)),
        portals=loaded.portals,
        period=period,
        language=language,
        directory=data,
        now_ms=now,
    )


def _write_report(request: ReportRequest, loaded: Config, source_name: str, target: Path, formats: list[str]) -> bool:
    """Collect and write the report; return whether the period has ended and something was measured in it."""
    from monitor.cli.history_source import configured_history
    from monitor.cli.output import progress_bar
    from monitor.scoring.history_source import HistoryScoringSource
    from monitor.scoring.report import collect
    from monitor.scoring.report.output import write_report

    with progress_bar("exporting") as progress:
        advance = _step_counter(progress, collect.progress_steps(request.period) + len(formats))
        source = HistoryScoringSource(configured_history(loaded.settings, request.directory, source_name), source_name)
        report = collect.collect_report(request, source, advance)
        path = write_report(report, target, formats, advance)
    if report.seal and report.seal.differing:
        typer.echo(f"differs from the sealed scores: {'; '.join(report.seal.differing)}", err=True)
    measured = any(line.days for score in report.score_set.scores for line in score.criteria)
    if not measured:
        typer.echo(f"nothing was measured in {request.period.name}", err=True)
    elif not report.score_set.ended:
        typer.echo(f"{request.period.name} has not ended: the scores are provisional", err=True)
    typer.echo(f"{path}", err=True)
    return measured and report.score_set.ended


def _step_counter(progress: Callable[[int, int | None], None], total: int) -> Callable[[], None]:
    done = itertools.count(1)
    return lambda: progress(next(done), total)
