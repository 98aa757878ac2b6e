"""Define the sub-commands of ``archive``: list, verify, seal and compact the sealed files."""

from __future__ import annotations

import time
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from monitor.cli.output import EXIT_FAILURE, EXIT_OK, ConfigDir, DataDir, print_json

if TYPE_CHECKING:
    from collections.abc import Iterator

    from monitor.storage.archive.protocol import SealRequest
    from monitor.storage.journal.store import ArchiveUpdate, JournalWriter

archive_app = typer.Typer(name="archive", help="The sealed days of a data directory.", no_args_is_help=True)


@archive_app.command(name="list")
def archive_list(
    data: DataDir = Path("data"),
    as_json: Annotated[bool, typer.Option("--json", help="Print as JSON, with every digest.")] = False,
) -> None:
    """List the sealed files; works while the daemon runs."""
    from dataclasses import asdict

    from monitor.storage.archive import catalog

    listed = catalog.load(data)
    if as_json:
        print_json([asdict(one) for one in listed])
        return
    for one in listed:
        late = "  late rows" if one.late else ""
        typer.echo(f"{one.path}  {one.rows} rows  {one.size} bytes  sha256 {one.sha256[:16]}{late}")


@archive_app.command(name="verify")
def archive_verify(data: DataDir = Path("data")) -> None:
    """Hash and count every sealed file again; exit code 1 when one is missing, changed or unknown."""
    from monitor.cli.output import progress_bar
    from monitor.storage.archive.verify import verify

    with progress_bar("verifying") as progress:
        found = verify(data, progress)
    for error in found.errors:
        typer.echo(error, err=True)
    result = "ok" if found.ok else f"{len(found.errors)} problems"
    typer.echo(f"{found.files} files, {found.rows} rows, {found.size_bytes} bytes: {result}")
    raise SystemExit(EXIT_OK if found.ok else EXIT_FAILURE)


@archive_app.command(name="seal")
def archive_seal(config: ConfigDir = Path("config"), data: DataDir = Path("data")) -> None:
    """Seal the days that are due, while no daemon runs; a running daemon does so itself."""
    from monitor.storage.archive.seal import sweep

    with _exclusive_writer(config, data) as (request, writer):
        sealed = sweep(request, lambda update: _commit(writer, update))
    typer.echo(f"{sealed} files sealed", err=True)


@archive_app.command(name="compact")
def archive_compact(config: ConfigDir = Path("config"), data: DataDir = Path("data")) -> None:
    """Merge every day that has supplements into one file, while no daemon runs."""
    from monitor.storage.archive.compaction import compact

    with _exclusive_writer(config, data) as (request, writer):
        merged = compact(request, lambda update: _commit(writer, update), max_supplements=0)
    typer.echo(f"{merged} days merged", err=True)


def _commit(writer: JournalWriter, update: ArchiveUpdate) -> None:
    writer.write([update])


@contextmanager
def _exclusive_writer(config: Path, data: Path) -> Iterator[tuple[SealRequest, JournalWriter]]:
    """Yield the request and the writer of the journal. Raises JournalError while a daemon uses the directory."""
    from monitor.config import load
    from monitor.storage.archive.protocol import SealRequest
    from monitor.storage.journal.store import JOURNAL_FILE, DirectoryLock, JournalError, JournalWriter
    from probes.registry import PROBE_KINDS

    settings = load(config).settings
    if not (data / JOURNAL_FILE).exists():
        raise JournalError(f"there is no journal in {data}")
    with ExitStack() as stack:
        stack.callback(DirectoryLock(data).release)
        writer = stack.enter_context(closing(JournalWriter(data / JOURNAL_FILE, PROBE_KINDS)))
        grace, now = int(settings.archive.grace * 1000), time.time_ns() // 1_000_000
        yield SealRequest(directory=data, zone=settings.report_zone, grace_ms=grace, now_ms=now), writer
