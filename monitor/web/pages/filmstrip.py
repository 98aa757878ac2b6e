"""Screenshots of a check on the portal page, the metrics of a rendered page, and the handler that serves the files."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aiohttp import web

from monitor.i18n.translator import Translator, iso

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from monitor.model.records import Measurement
    from monitor.storage.screenshots import ScreenshotFrame, ScreenshotSet
    from monitor.web.context import WebContext
    from probes.result import Scalar

_SLOT_PATTERN = re.compile(r"[0-9]{1,15}")

MAX_EARLIER = 12  # older screenshot sets that are linked to

_TIMES = ("fcp", "lcp", "speed_index", "tbt", "longest_task", "ttfb", "dcl", "load", "main_thread")
_SIZES = ("bytes_total", "bytes_script", "bytes_image", "bytes_decoded")
_COUNTS = ("requests", "requests_failed", "console_errors")
_OVERFLOWS = ("overflow_360_px", "overflow_412_px")
_RATIOS = ("third_party_ratio", "text_legible_ratio", "tap_24_ratio", "tap_48_ratio")
_FLAGS = ("viewport_ok", "zoom_ok", "lang_ok")

LABELLED_METRICS = {
    *(f"{name}_seconds" for name in _TIMES),
    *_SIZES, *_COUNTS, *_OVERFLOWS, *_RATIOS, *_FLAGS, "cls", "lcp_element", "profile", "browser_version",
}  # fmt: skip
"""Metrics that :func:`page_metrics` shows with a text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScreenshotView:
    """One screenshot with its URL and its alternative text."""

    url: str
    alt_text: str
    time: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FilmstripView:
    """The newest screenshot set of a check: filmstrip, final screenshot, and older sets as (url, text)."""

    at: str
    at_iso: str | None
    reason: str
    frames: tuple[ScreenshotView, ...]
    last: ScreenshotView | None
    earlier: tuple[tuple[str, str], ...]


def filmstrip_view(screenshot_sets: Sequence[ScreenshotSet], translator: Translator) -> FilmstripView | None:
    """Return the view of ``screenshot_sets``, newest first; None without any."""
    if not screenshot_sets:
        return None
    newest = screenshot_sets[0]
    last = newest.final_screenshot
    return FilmstripView(
        at=translator.date_time(newest.slot),
        at_iso=iso(newest.slot),
        reason=translator(f"filmstrip.{newest.reason}"),
        frames=tuple(_screenshot_view(newest, frame, translator) for frame in newest.filmstrip),
        last=_screenshot_view(newest, last, translator) if last else None,
        earlier=tuple(_earlier_links(screenshot_sets[1 : MAX_EARLIER + 1], translator)),
    )


def _earlier_links(screenshot_sets: Sequence[ScreenshotSet], translator: Translator) -> Iterable[tuple[str, str]]:
    for one in screenshot_sets:
        if one.final_screenshot:
            text = f"{translator.date_time(one.slot)}: {translator(f'filmstrip.{one.reason}')}"
            yield screenshot_url(one, one.final_screenshot), text


def _screenshot_view(screenshot_set: ScreenshotSet, frame: ScreenshotFrame, translator: Translator) -> ScreenshotView:
    url, time = screenshot_url(screenshot_set, frame), "" if frame.at is None else translator.short_duration(frame.at)
    alt_text = translator("filmstrip.frame", time=time) if time else translator("filmstrip.final")
    return ScreenshotView(url=url, alt_text=alt_text, time=time)


def screenshot_url(screenshot_set: ScreenshotSet, frame: ScreenshotFrame) -> str:
    """Return the URL of a screenshot."""
    return f"/screenshots/{screenshot_set.portal}/{screenshot_set.check}/{screenshot_set.slot}/{frame.file}"


def page_metrics(measurement: Measurement, translator: Translator) -> Iterable[tuple[str, str]]:
    """Yield name and text of what was measured of a rendered page; values that are missing are left out."""
    values = measurement.values
    formats: dict[str, Callable[[Scalar], str]] = {
        **dict.fromkeys((f"{name}_seconds" for name in _TIMES), lambda value: translator.short_duration(float(value))),
        "cls": lambda value: translator.number(float(value), 3),
        **dict.fromkeys(_SIZES, lambda value: translator.byte_size(float(value))),
        **dict.fromkeys(_COUNTS, lambda value: translator.number(float(value))),
        **dict.fromkeys(_RATIOS, lambda value: f"{translator.number(100 * float(value))} %"),
        **dict.fromkeys(_OVERFLOWS, lambda value: f"{translator.number(float(value))} px"),
        **dict.fromkeys(_FLAGS, lambda value: translator("yes" if value else "no")),
        "profile": lambda value: f"{value}, Chromium {values.get('browser_version', '?')}",
    }
    for name, format_value in formats.items():
        if name in values:
            element = f" ({values['lcp_element']})" if name == "lcp_seconds" and "lcp_element" in values else ""
            yield translator(f"page_metric.{name.removesuffix('_seconds')}"), f"{format_value(values[name])}{element}"


class ScreenshotHandler:
    """Serves the screenshots of the index, and no other file."""

    def __init__(self, context: WebContext) -> None:
        self._context = context

    async def serve(self, request: web.Request) -> web.FileResponse:
        """Return a screenshot; the content of its URL never changes."""
        parts = request.match_info
        slot = parts["slot"]
        store = self._context.screenshots
        if store is None or not _SLOT_PATTERN.fullmatch(slot):
            raise web.HTTPNotFound
        found = store.find(f"{parts['portal']}/{parts['check']}", int(slot), parts["file"])
        if found is None:
            raise web.HTTPNotFound
        path, content_type = found
        headers = {"Content-Type": content_type, "Cache-Control": "private, max-age=86400, immutable"}
        return web.FileResponse(path, headers=headers)
