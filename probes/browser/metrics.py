"""The metrics of the browser kinds, each declared once. docs/vitals.md describes how they are computed."""

from __future__ import annotations

from probes.metric import Metric, Unit

_PREFIX = "portal_monitor_render"


def _seconds(name: str, description: str, metric_suffix: str) -> Metric:
    return Metric(f"{name}_seconds", Unit.SECONDS, description, float, f"{_PREFIX}_{metric_suffix}_seconds")


def _bytes(name: str, description: str, metric_suffix: str, **labels: str) -> Metric:
    return Metric(f"bytes_{name}", Unit.BYTES, description, int, f"{_PREFIX}_{metric_suffix}_bytes", labels)


def _count(name: str, description: str, metric_suffix: str, kind: type[int | float] = int, **labels: str) -> Metric:
    return Metric(name, Unit.COUNT, description, kind, f"{_PREFIX}_{metric_suffix}", labels)


def _ratio(name: str, description: str, metric_suffix: str, **labels: str) -> Metric:
    return Metric(name, Unit.RATIO, description, float, f"{_PREFIX}_{metric_suffix}", labels)


def _flag(name: str, description: str) -> Metric:
    return Metric(name, Unit.FLAG, description, bool, f"{_PREFIX}_{name}")


def _text(name: str) -> Metric:
    help_text = "Facts of the load: element of the Largest Contentful Paint, version of Chromium, device."
    return Metric(name, Unit.TEXT, help_text, str, f"{_PREFIX}_info", info_label=name)


_BYTES_BY_TYPE = "Bytes on the wire by type: documents, scripts, style sheets, images, fonts, all others."
_FAILED_REQUESTS = "Requests other than the page's own that failed, or whose response has a status of 400 or above."
_OVERFLOW = "CSS pixels by which the content is wider than the screen."
_TAP_TARGETS = "Share of the tap targets of at least this size in CSS pixels or with enough spacing."
_BENCHMARK = "Speed of this host around the load, in rounds of a fixed computation per millisecond."

BROWSER_METRICS: tuple[Metric, ...] = (
    _seconds("fcp", "First Contentful Paint: until the first text or image.", "first_contentful_paint"),
    _seconds("lcp", "Largest Contentful Paint: until the largest text or image.", "largest_contentful_paint"),
    _seconds("speed_index", "Speed Index: until a part of the first screen is there, on average.", "speed_index"),
    _seconds("tbt", "Total Blocking Time: what tasks took beyond 50 ms, until the page was ready.", "blocking_time"),
    _seconds("longest_task", "The longest task of the main thread.", "longest_task"),
    _ratio("cls", "Cumulative Layout Shift: how far content moved by itself.", "cumulative_layout_shift"),
    _seconds("ttfb", "Until the first byte of the document.", "first_byte"),
    _seconds("dcl", "Until DOMContentLoaded.", "dom_content_loaded"),
    _seconds("load", "Until the load event.", "load"),
    _seconds("main_thread", "How long the main thread was busy.", "main_thread_busy"),
    _bytes("total", "Page weight with an empty cache: all bytes on the wire, with response headers.", "weight"),
    _bytes("decoded", "All bodies after decompression.", "decoded"),
    *(
        _bytes(name, _BYTES_BY_TYPE, "transferred", type=name)
        for name in ("html", "script", "style", "image", "font", "other")
    ),
    _count("requests", "Requests made.", "requests"),
    _count("requests_failed", _FAILED_REQUESTS, "failed_requests"),
    _ratio("third_party_ratio", "Share of the bytes that came from domains of other owners.", "third_party_ratio"),
    _count("console_errors", "Errors on the page's console.", "console_errors"),
    _text("lcp_element"),
    _flag("viewport_ok", "Whether the page adapts its width to the device."),
    *(_count(f"overflow_{width}_px", _OVERFLOW, "overflow_pixels", float, width=str(width)) for width in (360, 412)),
    _ratio("text_legible_ratio", "Share of the text that is at least 12 px high.", "legible_text_ratio"),
    *(_ratio(f"tap_{size}_ratio", _TAP_TARGETS, "tap_targets_ratio", size=str(size)) for size in (24, 48)),
    _flag("zoom_ok", "Whether readers may enlarge the page."),
    _flag("lang_ok", "Whether the page names its language."),
    _count("benchmark_index", _BENCHMARK, "benchmark_index", float),
    _text("browser_version"),
    _text("profile"),
    Metric("run", Unit.COUNT, "Number of the run within its slot.", int),
    Metric("median", Unit.FLAG, "Whether this run represents its slot: the median one.", bool),
)
"""The metrics of a load, for storage, exposition and documentation. What did not occur is absent."""
