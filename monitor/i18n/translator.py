"""Formats texts, times, durations and numbers in one language; the texts themselves are in page_texts.py."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, overload

from monitor.i18n.page_texts import LANGUAGES, RETIRED, TEXTS

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from monitor.model.records import Measurement, Portal

_DURATION_UNITS = (("d", 86400), ("h", 3600), ("m", 60), ("s", 1))
_DATE_FORMATS = {"vi": "%d/%m/%Y", "en": "%Y-%m-%d"}
_KILO = 1000
_INTEGER_FROM = 100  # from here on a number has no decimals
_NO_VALUE = "\N{EN DASH}"  # shown where there is no number


@dataclass(frozen=True, slots=True)
class Translator:
    """One language and one time zone. Calling it returns a text: ``translator("down", n=3)``."""

    language: str
    zone: ZoneInfo

    def __call__(self, key: str, /, **values: object) -> str:
        """Return the text ``key`` with ``values`` filled in. Raises KeyError for a text that does not exist."""
        text = TEXTS[key][LANGUAGES.index(self.language)]
        return text.format(**values) if values else text

    def plural(self, key: str, n: int, **values: object) -> str:
        """Return the text ``key`` for a count of ``n``."""
        return self(f"{key}.one" if n == 1 and f"{key}.one" in TEXTS else key, n=n, **values)

    def text_or(self, key: str, default: str) -> str:
        """Return the text ``key``, or ``default`` where there is none, such as for a metric of a new kind."""
        return self(key) if key in TEXTS else default

    def template(self, key: str) -> str:
        """Return the text ``key`` with its placeholders, for the browser to fill."""
        return TEXTS[key][LANGUAGES.index(self.language)]

    def number(self, value: float, digits: int = 0) -> str:
        """Format a number, with a decimal comma in Vietnamese."""
        text = f"{value:.{digits}f}"
        return text.replace(".", ",") if self.language == "vi" else text

    def date(self, at_ms: int) -> str:
        """Format the day of ``at_ms`` (UTC) in the displayed zone."""
        return self._local(at_ms).strftime(_DATE_FORMATS[self.language])

    def time(self, at_ms: int) -> str:
        """Format the time of day of ``at_ms`` (UTC) in the displayed zone."""
        return self._local(at_ms).strftime("%H:%M:%S")

    def hour(self, at_ms: int) -> str:
        """Format hour and minute of ``at_ms`` (UTC), for an axis."""
        return self._local(at_ms).strftime("%H:%M")

    def date_time(self, at_ms: int) -> str:
        """Format day and time of ``at_ms`` (UTC) in the displayed zone."""
        return self._local(at_ms).strftime(f"{_DATE_FORMATS[self.language]} %H:%M:%S")

    def _local(self, at_ms: int) -> datetime:
        return datetime.fromtimestamp(at_ms / 1000, self.zone)

    def duration(self, seconds: float, max_units: int = 2) -> str:
        """Format a duration in its largest units, rounded down: ``3 phút 20 giây``."""
        left = max(0, int(seconds))
        last = len(_DURATION_UNITS) - 1
        first = next((index for index, (_, size) in enumerate(_DURATION_UNITS) if left >= size), last)
        parts: list[str] = []
        for unit, size in _DURATION_UNITS[first : first + max_units]:
            count, left = divmod(left, size)
            if count or not parts:
                parts.append(f"{count} {self(f'unit.{unit}')}")
        return " ".join(parts)

    def ago(self, age_ms: int) -> str:
        """Format an age in one unit."""
        seconds = age_ms / 1000
        return self("now") if seconds < 1 else self("ago", duration=self.duration(seconds, 1))

    def short_duration(self, seconds: float | None) -> str:
        """Format the duration of an attempt or a phase: ``8,3 ms``, ``342 ms``, ``1,24 s``."""
        if seconds is None:
            return _NO_VALUE
        if seconds >= 1:
            return f"{self.number(seconds, 2 if seconds < _INTEGER_FROM else 0)} s"
        milliseconds = seconds * 1000
        return f"{self.number(milliseconds, 1 if milliseconds < 10 else 0)} ms"  # noqa: PLR2004 - one digit

    def byte_size(self, size_bytes: float) -> str:
        """Format a number of bytes in decimal units."""
        for unit in ("B", "kB", "MB"):
            if size_bytes < _KILO:
                return f"{self.number(size_bytes, 0 if unit == 'B' or size_bytes >= _INTEGER_FROM else 1)} {unit}"
            size_bytes /= _KILO
        return f"{self.number(size_bytes, 1)} GB"

    def reason(self, measurement: Measurement) -> str:
        """Return why an attempt did not succeed; empty for a success."""
        if measurement.unknown_reason is not None:
            return self(f"unknown_reason.{measurement.unknown_reason.value}")
        return self(f"fault.{measurement.fault.value}") if measurement.fault is not None else ""

    def expectation(self, portal: Portal) -> str:
        """Return what a probe of the portal should find."""
        return self(f"expect.{portal.expect.value}", host=portal.redirects_to or RETIRED)


@overload
def iso(at_ms: int) -> str: ...
@overload
def iso(at_ms: int | None) -> str | None: ...
def iso(at_ms: int | None) -> str | None:
    """Format UTC milliseconds as ISO 8601 with Z; None stays None."""
    if at_ms is None:
        return None
    moment = datetime.fromtimestamp(at_ms // 1000, UTC).replace(microsecond=at_ms % 1000 * 1000)
    return moment.isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"
