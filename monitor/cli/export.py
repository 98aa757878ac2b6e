"""The command ``export``: a period's scores as files, and the check that nobody changed them since."""

from __future__ import annotations

import time
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from monitor.cli.output import FAILED, GOOD, PARTIAL, USAGE, ConfigDir, DataDir, fail
from monitor.cli.score import From, Rubrics, period_of, rules_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from monitor.config import Config
    from monitor.scoring.report.collect import Asked

export_app = typer.Typer(help="Hand over the scores of a period as files, or check such files.", no_args_is_help=True)


class Language(StrEnum):
    """The languages of an export."""

    VI = "vi"
    EN = "en"


@export_app.callback(invoke_without_command=True)
def export(
    context: typer.Context,
    quarter: Annotated[str | None, typer.Option(help="2026Q3; a month, week, day or from..to will do, too.")] = None,
    rubric: Rubrics = None,
    lang: Annotated[Language | None, typer.Option(help="Default: the configured language.")] = None,
    whence: From = None,
    out: Annotated[
        Path | None, typer.Option(help="A directory of its own. Default: exports/<period>-<lang> of the data.")
    ] = None,
    form: Annotated[str, typer.Option("--format", help="Some of xlsx,csv,json,html.")] = "xlsx,csv,json,html",
    config: ConfigDir = Path("config"),
    data: DataDir = Path("data"),
) -> None:
    """Write the scores of a period. Exit code 3: the period still runs, or nothing was measured in it."""
    if context.invoked_subcommand is not None:
        return
    from monitor.config import load
    from monitor.scoring.report.output import ExportError, check
    from monitor.scoring.report.registry import FORMATS

    formats = [one.strip() for one in form.split(",") if one.strip()]
    unknown = [one for one in formats if one not in FORMATS]
    if unknown or not formats:
        fail(f"there is no format {', '.join(unknown) or 'in an empty list'}; there are {', '.join(FORMATS)}", USAGE)
    if quarter is None:
        fail("name the period, such as --quarter 2026Q3", USAGE)
    loaded = load(config)
    asked = _asked(loaded, data, quarter, rubric, lang.value if lang else loaded.settings.language)
    target = out or data / "exports" / f"{asked.period.name}-{asked.language}"
    try:
        check(target)
        ended = _run(
            asked,
            loaded,
            whence.value if whence else loaded.settings.history.source,
            target,
            [one for one in FORMATS if one in formats],
        )
    except ExportError as error:
        fail(str(error), USAGE)
    except OSError as error:
        fail(f"{target}: {error.strerror or error}")
    raise SystemExit(GOOD if ended else PARTIAL)


@export_app.command()
def verify(directory: Annotated[Path, typer.Argument(help="A directory that export wrote.")]) -> None:
    """Compare every file with the manifest. Exit code 1 when one was changed, is missing, or was added."""
    from monitor.scoring.report import manifest

    try:
        complaints = manifest.verify(directory)
        digest = manifest.digest(directory)
    except (manifest.ManifestError, OSError) as error:
        fail(str(error))
    for line in complaints:
        typer.echo(line)
    if not complaints:
        typer.echo(f"{directory} is as it was written; SHA-256 of {manifest.NAME}: {digest}")
    raise SystemExit(FAILED if complaints else GOOD)


@export_app.command()
def schema() -> None:
    """Print the JSON Schema of scores.json."""
    from monitor.cli.output import print_json
    from monitor.scoring.report.json_schema import schema as schema_of

    print_json(schema_of())


def _asked(loaded: Config, data: Path, name: str, rubric: list[str] | None, language: str) -> Asked:
    from zoneinfo import ZoneInfo

    from monitor.scoring import engine, periods
    from monitor.scoring.report.collect import Asked

    now = time.time_ns() // 1_000_000
    period = period_of(loaded, name, now)
    if period.since > now:
        fail(f"{period.name} has not begun", USAGE)
    before = periods.before(period, ZoneInfo(period.zone))
    return Asked(
        rules=rules_of(loaded, period, rubric),
        every=replace(loaded.rules, rubrics=engine.in_force(loaded.rules.rubrics, before)),
        portals=loaded.portals,
        period=period,
        language=language,
        directory=data,
        now=now,
    )


def _run(asked: Asked, loaded: Config, whence: str, target: Path, formats: list[str]) -> bool:
    """Gather, write, tell; whether the period is over and something was measured in it."""
    from monitor.cli.history_source import chosen
    from monitor.cli.output import bar
    from monitor.scoring.history_source import HistorySource
    from monitor.scoring.report import collect
    from monitor.scoring.report.output import write

    with bar("exporting") as progress:
        tell = _counted(progress, collect.steps(asked.period) + len(formats))
        source = HistorySource(chosen(loaded.settings, asked.directory, whence), whence)
        report = collect.gather(asked, source, tell)
        path = write(report, target, formats, tell)
    if report.seal and report.seal.differing:
        typer.echo(f"differs from the sealed scores: {'; '.join(report.seal.differing)}", err=True)
    measured = any(line.days for score in report.book.scores for line in score.criteria)
    if not measured:
        typer.echo(f"nothing was measured in {asked.period.name}", err=True)
    elif not report.book.ended:
        typer.echo(f"{asked.period.name} still runs: the figures are provisional", err=True)
    typer.echo(f"{path}", err=True)
    return measured and report.book.ended


def _counted(progress: Callable[[int, int | None], None], total: int) -> Callable[[], None]:
    done = 0

    def tell() -> None:
        nonlocal done
        done += 1
        progress(done, total)

    return tell
