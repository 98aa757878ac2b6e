"""What a rendering found, as lines for a terminal; the pen and everything else of a look is left to ``draw``."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from probes.result import Scalar

_PAINTS = (
    ("FCP", "fcp_seconds"),
    ("LCP", "lcp_seconds"),
    ("Speed Index", "speed_index_seconds"),
    ("TBT", "tbt_seconds"),
    ("longest", "longest_task_seconds"),
    ("TTFB", "ttfb_seconds"),
    ("DCL", "dcl_seconds"),
    ("load", "load_seconds"),
    ("busy", "main_thread_seconds"),
)
_SORTS = ("html", "script", "style", "image", "font", "other")


def figures(values: Mapping[str, Scalar]) -> Iterator[tuple[str, str]]:
    """(name, value) of what a page in a browser was like; nothing for other kinds of looks."""
    if "profile" not in values:
        return
    yield "device", f"{values['profile']}, Chromium {values.get('browser_version', 'none')}"
    for name, key in _PAINTS:
        if key in values:
            element = f"  {values['lcp_element']}" if key == "lcp_seconds" and "lcp_element" in values else ""
            yield name, f"{float(values[key]) * 1000:.0f} ms{element}"
    if "cls" in values:
        yield "CLS", f"{float(values['cls']):.3f}"
    if "bytes_total" in values:
        parts = (f"{sort} {_kb(values[f'bytes_{sort}'])}" for sort in _SORTS if values.get(f"bytes_{sort}"))
        yield "weight", f"{_kb(values['bytes_total'])} ({', '.join(parts)}), {_kb(values['bytes_decoded'])} decoded"
        yield "requests", f"{values['requests']}, {values['requests_failed']} failed"
        yield "console", f"{values['console_errors']} errors"
    if "third_party_ratio" in values:
        yield "others", f"{float(values['third_party_ratio']):.0%} of the bytes from third parties"
    yield from _fitness(values)
    if "benchmark_index" in values:
        yield "host", f"benchmark index {float(values['benchmark_index']):.0f}"


def _fitness(values: Mapping[str, Scalar]) -> Iterator[tuple[str, str]]:
    if "viewport_ok" not in values:
        return
    said = {True: "yes", False: "no"}
    flags = (("viewport", "viewport_ok"), ("zoom", "zoom_ok"), ("language", "lang_ok"))
    yield "phone", ", ".join(f"{name} {said[bool(values[key])]}" for name, key in flags)
    shares = (("text", "text_legible_ratio"), ("taps 24 px", "tap_24_ratio"), ("taps 48 px", "tap_48_ratio"))
    found = [f"{name} {float(values[key]):.0%}" for name, key in shares if key in values]
    found += [f"overflow at {width} px {values[f'overflow_{width}_px']} px" for width in (360, 412)]
    yield "", ", ".join(found)


def _kb(count: Scalar) -> str:
    return f"{float(count) / 1000:.1f} kB"
