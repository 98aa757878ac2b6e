"""The metrics of the browser kinds, each declared once. docs/vitals.md describes how they are computed."""

from __future__ import annotations

from probes.metric import Metric, Unit

_PREFIX = "portal_monitor_render"


def _seconds_metric(name: str, description: str, metric_suffix: str) -> Metric:
    return Metric(
        name=f"{name}_seconds",
        unit=Unit.SECONDS,
        help=description,
        prometheus_name=f"{_PREFIX}_{metric_suffix}_seconds",
    )


def _bytes_metric(resource_type: str) -> Metric:
    return Metric(
        name=f"bytes_{resource_type}",
        unit=Unit.BYTES,
        help="Bytes on the wire by type: documents, scripts, style sheets, images, fonts, all others.",
        type=int,
        prometheus_name=f"{_PREFIX}_transferred_bytes",
        labels={"type": resource_type},
    )


def _count_metric(name: str, description: str, metric_suffix: str) -> Metric:
    return Metric(name=name, unit=Unit.COUNT, help=description, type=int, prometheus_name=f"{_PREFIX}_{metric_suffix}")


def _ratio_metric(name: str, description: str, metric_suffix: str) -> Metric:
    return Metric(name=name, unit=Unit.RATIO, help=description, prometheus_name=f"{_PREFIX}_{metric_suffix}")


def _flag_metric(name: str, description: str, metric_suffix: str) -> Metric:
    return Metric(name=name, unit=Unit.FLAG, help=description, type=bool, prometheus_name=f"{_PREFIX}_{metric_suffix}")


def _text_metric(name: str) -> Metric:
    return Metric(
        name=name,
        unit=Unit.TEXT,
        help="Facts of the load: element of the Largest Contentful Paint, version of Chromium, device.",
        type=str,
        prometheus_name=f"{_PREFIX}_info",
        info_label=name,
    )


BROWSER_METRICS: tuple[Metric, ...] = (
    _seconds_metric("fcp", "First Contentful Paint: until the first text or image.", "first_contentful_paint"),
    _seconds_metric("lcp", "Largest Contentful Paint: until the largest text or image.", "largest_contentful_paint"),
    _seconds_metric(
        "speed_index", "Speed Index: until a part of the first screen is there, on average.", "speed_index"
    ),
    _seconds_metric(
        "tbt", "Total Blocking Time: what tasks took beyond 50 ms, until the page was ready.", "blocking_time"
    ),
    _seconds_metric("longest_task", "The longest task of the main thread.", "longest_task"),
    Metric(
        name="cls",
        unit=Unit.RATIO,
        help="Cumulative Layout Shift: how far content moved by itself.",
        prometheus_name=f"{_PREFIX}_cumulative_layout_shift",
    ),
    _seconds_metric("ttfb", "Until the first byte of the document.", "first_byte"),
    _seconds_metric("dcl", "Until DOMContentLoaded.", "dom_content_loaded"),
    _seconds_metric("load", "Until the load event.", "load"),
    _seconds_metric("main_thread", "How long the main thread was busy.", "main_thread_busy"),
    Metric(
        name="bytes_total",
        unit=Unit.BYTES,
        help="Page weight with an empty cache: all bytes on the wire, with response headers.",
        type=int,
        prometheus_name=f"{_PREFIX}_weight_bytes",
    ),
    Metric(
        name="bytes_decoded",
        unit=Unit.BYTES,
        help="All bodies after decompression.",
        type=int,
        prometheus_name=f"{_PREFIX}_decoded_bytes",
    ),
    _bytes_metric("html"),
    _bytes_metric("script"),
    _bytes_metric("style"),
    _bytes_metric("image"),
    _bytes_metric("font"),
    _bytes_metric("other"),
    _count_metric("requests", "Requests made.", "requests"),
    _count_metric(
        "requests_failed",
        "Requests other than the page's own that failed, or whose response has a status of 400 or above.",
        "failed_requests",
    ),
    _ratio_metric(
        "third_party_ratio", "Share of the bytes that came from domains of other owners.", "third_party_ratio"
    ),
    _count_metric("console_errors", "Errors on the page's console.", "console_errors"),
    _text_metric("lcp_element"),
    _flag_metric("viewport_ok", "Whether the page adapts its width to the device.", "viewport_ok"),
    *(
        Metric(
            name=f"overflow_{width}_px",
            unit=Unit.COUNT,
            help="CSS pixels by which the content is wider than the screen.",
            prometheus_name=f"{_PREFIX}_overflow_pixels",
            labels={"width": str(width)},
        )
        for width in (360, 412)
    ),
    _ratio_metric("text_legible_ratio", "Share of the text that is at least 12 px high.", "legible_text_ratio"),
    *(
        Metric(
            name=f"tap_{size}_ratio",
            unit=Unit.RATIO,
            help="Share of the tap targets of at least this size in CSS pixels or with enough spacing.",
            prometheus_name=f"{_PREFIX}_tap_targets_ratio",
            labels={"size": str(size)},
        )
        for size in (24, 48)
    ),
    _flag_metric("zoom_ok", "Whether readers may enlarge the page.", "zoom_ok"),
    _flag_metric("lang_ok", "Whether the page names its language.", "lang_ok"),
    Metric(
        name="benchmark_index",
        unit=Unit.COUNT,
        help="Speed of this host around the load, in rounds of a fixed computation per millisecond.",
        prometheus_name=f"{_PREFIX}_benchmark_index",
    ),
    _text_metric("browser_version"),
    _text_metric("profile"),
    Metric(name="run", unit=Unit.COUNT, help="Number of the run within its slot.", type=int),
    Metric(name="median", unit=Unit.FLAG, help="Whether this run represents its slot: the median one.", type=bool),
)
"""The metrics of a load, for storage, exposition and documentation. What did not occur is absent."""
