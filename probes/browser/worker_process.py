"""The worker process of a browser, as the daemon manages it: start, shutdown as a tree, removal of its files."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import os
import re
import shutil
import sys
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import structlog
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from probes.browser import egress_filter
from probes.browser.process_tree import PROC, kill_orphans, kill_tree

if TYPE_CHECKING:
    from asyncio.subprocess import Process

log = structlog.get_logger(__name__)

TEMP_DIR_PREFIX = "portal-monitor-browser-"
"""Prefix of the temporary directories' names; the id of the process that created them follows."""

WORKER_LOG = "worker.log"

SHUTDOWN_TIMEOUT_SECONDS = 20.0
"""Longest shutdown of a browser in seconds: more than five were measured on a busy machine."""

_MAX_LINE_BYTES = 64 * 2**20

_ALLOWED_ENVIRONMENT = re.compile(
    r"PATH|HOME|USER|LOGNAME|LANG|LANGUAGE|LC_.*|TZ|TMPDIR|DISPLAY|FONTCONFIG_.*|XDG_.*|PLAYWRIGHT_.*|PYTHON.*"
    r"|VIRTUAL_ENV|LD_LIBRARY_PATH|SSL_CERT_.*|PORTAL_MONITOR_CHROMIUM"
)
"""Environment variables that a browser gets; the others may hold secrets."""


@dataclass(slots=True)
class BrowserWorkerProcess:
    """Hold a running worker process and its use so far."""

    process: Process
    temp_dir: Path
    loads: int = 0
    memory_bytes: int = 0
    idle_timer: asyncio.TimerHandle | None = None


async def start_worker(executable: Path, niceness: int, ca_file: Path | None) -> BrowserWorkerProcess:
    """Start a worker for the browser *executable* behind the egress filter."""
    temp_dir = Path(tempfile.mkdtemp(prefix=f"{TEMP_DIR_PREFIX}{os.getpid()}-"))
    allowed_networks = str(temp_dir / egress_filter.ALLOWED_NETWORKS_FILE)
    filter_arguments = ("-E", "-s", "-S", "-m", egress_filter.__name__, allowed_networks)
    worker_arguments = ("-m", "probes.browser.worker", str(temp_dir), str(executable), str(niceness))
    with (temp_dir / WORKER_LOG).open("wb") as worker_log:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, *filter_arguments),
            *(sys.executable, *worker_arguments, *_trusted_key_hashes(ca_file)),
            cwd=Path(__file__).parents[2],  # where "probes" is found, installed or not
            env={name: value for name, value in os.environ.items() if _ALLOWED_ENVIRONMENT.fullmatch(name)},
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=worker_log,
            limit=_MAX_LINE_BYTES,
            start_new_session=True,  # Ctrl-C goes to the daemon, which then shuts this down in order
        )
    return BrowserWorkerProcess(process=process, temp_dir=temp_dir)


async def shut_down(worker: BrowserWorkerProcess) -> None:
    """Kill a worker with everything below it and remove its files."""
    process = worker.process
    if process.returncode is None and not await asyncio.to_thread(kill_tree, process.pid, SHUTDOWN_TIMEOUT_SECONDS):
        log.error("browser_processes_remain", worker_pid=process.pid)
    await process.wait()
    if process.stdin is not None:
        process.stdin.close()
    await asyncio.to_thread(_remove_temp_dir, worker.temp_dir)


def _remove_temp_dir(temp_dir: Path) -> None:
    """Remove the files of a browser, after no process is left that could write more."""
    if not kill_orphans(temp_dir, SHUTDOWN_TIMEOUT_SECONDS):
        log.error("browser_processes_remain", temp_dir=temp_dir.name)
    shutil.rmtree(temp_dir, ignore_errors=True)


def remove_leftovers() -> None:
    """Remove the temporary directories of this user's daemons that were killed together with their workers."""
    for path in Path(tempfile.gettempdir()).glob(f"{TEMP_DIR_PREFIX}*"):
        owner = re.match(rf"{TEMP_DIR_PREFIX}(\d+)-", path.name)
        with suppress(OSError):
            if owner and path.stat().st_uid == os.geteuid() and not (PROC / owner[1]).exists():
                shutil.rmtree(path, ignore_errors=True)


def _trusted_key_hashes(ca_file: Path | None) -> list[str]:
    """Return the SHA-256 hashes of the public keys in *ca_file*, in base64; Chromium reads no such file.

    It trusts a server that presents a certificate with such a key.
    """
    if ca_file is None:
        return []
    keys = [
        certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        for certificate in x509.load_pem_x509_certificates(ca_file.read_bytes())
    ]
    return [base64.b64encode(hashlib.sha256(key).digest()).decode() for key in keys]
