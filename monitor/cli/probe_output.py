"""Format one result for a terminal - outcome, phases as bars, facts - and as plain data."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, Any

from rich.text import Text

from monitor.cli.console import ConsoleWriter
from probes.result import Fault, Outcome
from probes.trace import PHASES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from rich.console import Console

    from probes.result import Hop, ProbeResult, Scalar

FAULT_TEXTS: Mapping[Fault, str] = {
    Fault.DNS: "name not resolved",
    Fault.CONNECT_REFUSED: "connection refused",
    Fault.CONNECT_TIMEOUT: "connection timed out",
    Fault.TLS_EXPIRED: "certificate expired",
    Fault.TLS_NAME: "certificate is for another name",
    Fault.TLS_UNTRUSTED: "certificate not trusted",
    Fault.TLS_OTHER: "TLS handshake failed",
    Fault.TIMEOUT: "timed out",
    Fault.RESET: "connection reset",
    Fault.HTTP_STATUS: "unexpected HTTP status",
    Fault.REDIRECT_LOOP: "redirect loop",
    Fault.REDIRECT_TARGET: "unexpected redirect target",
    Fault.BODY_MISMATCH: "unexpected content",
    Fault.BODY_TOO_LARGE: "response body too large",
    Fault.PROTOCOL: "HTTP protocol error",
    Fault.BLOCKED: "blocked by a firewall",
    Fault.NOT_RENDERED: "page not rendered",
    Fault.CRASHED: "browser crashed",
    Fault.INTERNAL_ERROR: "internal error of the prober",
}
"""Text of every fault."""

_DAY = 86_400.0
_GLYPHS = dict(zip(PHASES.values(), "░▒▓▪█▚", strict=True))
_ASCII_GLYPHS = dict(zip(PHASES.values(), "rctsw=", strict=True))
_STYLES = dict(zip(PHASES.values(), ("cyan", "blue", "magenta", "yellow", "green", "bright_black"), strict=True))
_OUTCOME_SYMBOLS = {
    Outcome.UP: ("✓", "+", "bold green"),
    Outcome.DOWN: ("✗", "x", "bold red"),
    Outcome.UNKNOWN: ("?", "?", "yellow"),
}
_FACTS = (
    ("subject", "cert_subject"),
    ("issuer", "cert_issuer"),
    ("TLS", "tls_version"),
    ("HTTP", "http_version"),
    ("received", "bytes_wire"),
    ("body", "bytes_body"),
)


def print_result(result: ProbeResult, console: Console, *, now_seconds: float | None = None) -> None:
    """Print ``result``. ``now_seconds`` is Unix time, for the days until a certificate expires."""
    writer = ConsoleWriter(console)
    unicode_symbol, ascii_symbol, style = _OUTCOME_SYMBOLS[result.outcome]
    outcome = f"{unicode_symbol if writer.unicode else ascii_symbol} {result.outcome.value}"
    fault = f": {FAULT_TEXTS[result.fault]}" if result.fault else ""
    writer.line((outcome + fault, style), (f"  {_ms(result.duration)} ms", "bold"))
    if result.detail:
        writer.line((result.detail, ""), indent=2)
    longest = max((sum(hop.phases.values()) for hop in result.hops), default=0.0)
    for number, hop in enumerate(result.hops, start=1):
        _print_hop(writer, number, hop, longest)
    if result.hops:
        _print_legend(writer, result)
    rows = list(_facts(result.values, time.time() if now_seconds is None else now_seconds))
    if rows:
        console.print()
    for name, value, emphasis in rows:
        writer.line((value, emphasis), indent=2, label=f"{name:<12}")


def _print_hop(writer: ConsoleWriter, number: int, hop: Hop, longest_seconds: float) -> None:
    writer.console.print()
    address = f"{hop.address} (IPv{hop.family})" if hop.address and hop.family else hop.address or "no address"
    status = str(hop.status) if hop.status is not None else "no response"
    arrow = f" {'→' if writer.unicode else '->'} {hop.location}" if hop.location else ""
    writer.line((f"{number}. {hop.url}{arrow}", "bold"))
    writer.line((f"{status}  {address}", ""), indent=3)
    bar = Text(" " * 3)
    for phase, cells in bar_cells(hop.phases, longest_seconds, writer.width - 3).items():
        bar.append(_glyph(writer, phase) * cells, style=_STYLES.get(phase, ""))
    if hop.phases:
        writer.console.print(bar, soft_wrap=True, highlight=False)
        times = [(f"{phase} {_ms(seconds)}", "") for phase, seconds in hop.phases.items()]
        writer.items([*times, (f"= {_ms(sum(hop.phases.values()))} ms", "bold")], indent=3)


def bar_cells(phases: Mapping[str, float], longest_seconds: float, width: int) -> dict[str, int]:
    """Return the cells of each phase when ``longest_seconds`` fill ``width`` cells.

    Boundaries are rounded, not lengths, so that the cells sum to the rounded whole and errors do not add up.
    """
    result: dict[str, int] = {}
    spent, edge = 0.0, 0
    for phase, seconds in phases.items():
        spent += seconds
        reached = round(spent / longest_seconds * width) if longest_seconds > 0 else 0
        result[phase], edge = max(0, reached - edge), max(edge, reached)
    return result


def _print_legend(writer: ConsoleWriter, result: ProbeResult) -> None:
    used = [phase for phase in PHASES.values() if any(phase in hop.phases for hop in result.hops)]
    writer.console.print()
    legend = [(f"{_glyph(writer, phase)} {phase}", _STYLES.get(phase, "")) for phase in used]
    total = sum(sum(hop.phases.values()) for hop in result.hops)
    count = "1 request" if len(result.hops) == 1 else f"{len(result.hops)} requests"
    writer.items([*legend, (f"total {_ms(total)} ms in {count}", "bold")])


def _glyph(writer: ConsoleWriter, phase: str) -> str:
    return (_GLYPHS if writer.unicode else _ASCII_GLYPHS).get(phase, "#")


def _facts(values: Mapping[str, Any], now_seconds: float) -> Iterator[tuple[str, str, str]]:
    """Yield (name, value, style) of the facts that are known."""
    for name, key in _FACTS:
        if key in values:
            yield name, _size(values[key]) if key.startswith("bytes") else str(values[key]), ""
    for name, value in page_values(values):
        yield name, value, ""
    if "cert_leaf_expiry" in values:
        left = (values["cert_leaf_expiry"] - now_seconds) / _DAY
        day = time.strftime("%Y-%m-%d", time.gmtime(values["cert_leaf_expiry"]))
        validity = f"{left:.1f} days left" if left >= 0 else f"expired {-left:.1f} days ago"
        yield "certificate", f"{validity} (until {day})", "red" if left < 0 else "yellow" if left < 14 else ""  # noqa: PLR2004
    for family in (4, 6):
        if (succeeded := values.get(f"ipv{family}_success")) is not None:
            seconds = values.get(f"ipv{family}_seconds")
            spent = f" in {_ms(seconds)} ms" if seconds is not None else ""
            yield f"IPv{family}", f"{'good' if succeeded else 'failed'}{spent}", "" if succeeded else "red"


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.1f}"


def _size(count: int) -> str:
    return f"{count / 1000:.1f} kB ({count} bytes)" if count >= 1000 else f"{count} bytes"  # noqa: PLR2004 - one kB


def result_json(result: ProbeResult) -> dict[str, Any]:
    """Return ``result`` as plain data, numbers unrounded, with every key (None where absent).

    Keys: ``outcome``, ``fault``, ``phase``, ``detail``, ``duration`` (seconds), ``values`` (metric name -> value, only
    those that occurred) and ``hops``, each with ``url``, ``status``, ``location``, ``address``, ``family`` (4 or 6),
    ``phases`` (name -> seconds) and ``seconds`` (their sum).
    """
    return {
        "outcome": result.outcome.value,
        "fault": result.fault.value if result.fault else None,
        "phase": result.phase,
        "detail": result.detail,
        "duration": result.duration,
        "values": {name: value for name, value in result.values.items() if _is_finite(value)},
        "hops": [_hop_json(hop) for hop in result.hops],
    }


def _hop_json(hop: Hop) -> dict[str, Any]:
    plain = {key: getattr(hop, key) for key in ("url", "status", "location", "address", "family")}
    return plain | {"phases": dict(hop.phases), "seconds": sum(hop.phases.values())}


def _is_finite(value: object) -> bool:
    """Return whether a value can be written as JSON; a value that is not finite did not occur."""
    return not isinstance(value, float) or math.isfinite(value)


_TIMINGS = (
    ("FCP", "fcp_seconds"),
    ("LCP", "lcp_seconds"),
    ("Speed Index", "speed_index_seconds"),
    ("TBT", "tbt_seconds"),
    ("longest", "longest_task_seconds"),
    ("TTFB", "ttfb_seconds"),
    ("DCL", "dcl_seconds"),
    ("load", "load_seconds"),
    ("main thread", "main_thread_seconds"),
)

_RESOURCE_TYPES = ("html", "script", "style", "image", "font", "other")


def page_values(values: Mapping[str, Scalar]) -> Iterator[tuple[str, str]]:
    """Yield (name, value) of the page metrics of a browser probe; nothing for other kinds."""
    if "profile" not in values:
        return
    yield "device", f"{values['profile']}, Chromium {values.get('browser_version', 'none')}"
    for name, key in _TIMINGS:
        if key in values:
            element = f"  {values['lcp_element']}" if key == "lcp_seconds" and "lcp_element" in values else ""
            yield name, f"{float(values[key]) * 1000:.0f} ms{element}"
    if "cls" in values:
        yield "CLS", f"{float(values['cls']):.3f}"
    if "bytes_total" in values:
        sizes = {name: values.get(f"bytes_{name}") for name in _RESOURCE_TYPES}
        parts = ", ".join(f"{name} {_kb(size)}" for name, size in sizes.items() if size)
        yield "weight", f"{_kb(values['bytes_total'])} ({parts}), {_kb(values['bytes_decoded'])} decoded"
        yield "requests", f"{values['requests']}, {values['requests_failed']} failed"
        yield "console", f"{values['console_errors']} errors"
    if "third_party_ratio" in values:
        yield "third party", f"{float(values['third_party_ratio']):.0%} of the bytes from third parties"
    yield from _mobile_friendliness(values)
    if "benchmark_index" in values:
        yield "host", f"benchmark index {float(values['benchmark_index']):.0f}"


def _mobile_friendliness(values: Mapping[str, Scalar]) -> Iterator[tuple[str, str]]:
    if "viewport_ok" not in values:
        return
    texts = {True: "yes", False: "no"}
    flags = (("viewport", "viewport_ok"), ("zoom", "zoom_ok"), ("language", "lang_ok"))
    yield "mobile", ", ".join(f"{name} {texts[bool(values[key])]}" for name, key in flags)
    shares = (("text", "text_legible_ratio"), ("taps 24 px", "tap_24_ratio"), ("taps 48 px", "tap_48_ratio"))
    found = [f"{name} {float(values[key]):.0%}" for name, key in shares if key in values]
    found += [f"overflow at {width} px {values[f'overflow_{width}_px']} px" for width in (360, 412)]
    yield "", ", ".join(found)


def _kb(count: Scalar) -> str:
    return f"{float(count) / 1000:.1f} kB"
