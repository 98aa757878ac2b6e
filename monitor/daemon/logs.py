"""Log lines of the daemon and of the libraries, without secrets."""

from __future__ import annotations

import json
import logging
import sys
from typing import TYPE_CHECKING, ClassVar

import structlog

if TYPE_CHECKING:
    from collections.abc import Collection
    from typing import Literal

REDACTED = "•••"


class _RedactingFormatter(structlog.stdlib.ProcessorFormatter):
    """Redacts secrets in every line."""

    secrets: ClassVar[list[str]] = []

    def format(self, record: logging.LogRecord) -> str:
        """Format the line without secrets."""
        line = super().format(record)
        for secret in self.secrets:
            line = line.replace(secret, REDACTED)
        return line


def set_redacted_texts(secrets: Collection[str]) -> None:
    """Redact these texts in all lines of all loggers from now on, also where JSON escapes them."""
    forms = {form for one in secrets for form in (one, json.dumps(one, ensure_ascii=False)[1:-1])}
    _RedactingFormatter.secrets = sorted(forms, key=len, reverse=True)


def configure_logging(log_format: Literal["json", "console"], level: str = "info") -> None:
    """Log one line per event on stderr, from structlog and from the loggers of libraries alike.

    Libraries never log below info: at debug some log the URLs that they call.
    """
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]
    plain = structlog.dev.plain_traceback
    console = structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=plain)
    ending: list[structlog.typing.Processor] = [console]
    if log_format == "json":
        frames = structlog.tracebacks.ExceptionDictTransformer(show_locals=False)  # locals may hold secrets
        ending = [structlog.processors.ExceptionRenderer(frames), structlog.processors.JSONRenderer(ensure_ascii=False)]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    ending.insert(0, structlog.stdlib.ProcessorFormatter.remove_processors_meta)
    handler.setFormatter(_RedactingFormatter(foreign_pre_chain=shared, processors=ending))
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(max(logging.INFO, logging.getLevelNamesMapping()[level.upper()]))
    for ours in ("monitor", "probes"):
        logging.getLogger(ours).setLevel(level.upper())
    for noisy in ("apscheduler", "aiohttp.access", "asyncio"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    apprise = logging.getLogger("apprise")  # the dispatcher logs the delivery, and redacts the URL
    apprise.propagate = False
    apprise.addHandler(logging.NullHandler())
