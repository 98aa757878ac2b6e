"""Pictures of a check on the portal's page, what a rendering found in words, and the handler that serves the files."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aiohttp import web

from monitor.i18n.translator import iso

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from monitor.i18n.translator import Tongue
    from monitor.model.records import Measurement
    from monitor.storage.screenshots import Exhibit, Frame
    from monitor.web.context import Site
    from probes.result import Scalar

_SLOT = re.compile(r"[0-9]{1,15}")

EARLIER = 12
"""Older exhibits that are linked to."""

_TIMES = ("fcp", "lcp", "speed_index", "tbt", "longest_task", "ttfb", "dcl", "load", "main_thread")
_SIZES = ("bytes_total", "bytes_script", "bytes_image", "bytes_decoded")
_COUNTS = ("requests", "requests_failed", "console_errors")
_OVERFLOWS = ("overflow_360_px", "overflow_412_px")
_SHARES = ("third_party_ratio", "text_legible_ratio", "tap_24_ratio", "tap_48_ratio")
_FLAGS = ("viewport_ok", "zoom_ok", "lang_ok")

SAID = {
    *(f"{name}_seconds" for name in _TIMES),
    *_SIZES, *_COUNTS, *_OVERFLOWS, *_SHARES, *_FLAGS, "cls", "lcp_element", "profile", "browser_version",
}  # fmt: skip
"""Metrics that :func:`figures` says in words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shot:
    """One picture: its address, and what it shows in words."""

    link: str
    said: str
    time: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Strip:
    """The newest exhibit of a check: film, last picture, and the older exhibits as (address, words)."""

    at: str
    at_iso: str | None
    why: str
    shots: tuple[Shot, ...]
    last: Shot | None
    earlier: tuple[tuple[str, str], ...]


def strip(exhibits: Sequence[Exhibit], tongue: Tongue) -> Strip | None:
    """What there is to show of ``exhibits``, newest first; None without any."""
    if not exhibits:
        return None
    newest = exhibits[0]
    last = newest.last
    return Strip(
        at=tongue.moment(newest.slot),
        at_iso=iso(newest.slot),
        why=tongue(f"film.{newest.why}"),
        shots=tuple(_shot(newest, frame, tongue) for frame in newest.film),
        last=_shot(newest, last, tongue) if last else None,
        earlier=tuple(
            (link(one, one.last), f"{tongue.moment(one.slot)}: {tongue(f'film.{one.why}')}")
            for one in exhibits[1 : EARLIER + 1]
            if one.last
        ),
    )


def _shot(exhibit: Exhibit, frame: Frame, tongue: Tongue) -> Shot:
    if frame.at is None:
        return Shot(link=link(exhibit, frame), said=tongue("film.last"), time="")
    time = tongue.short(frame.at)
    return Shot(link=link(exhibit, frame), said=tongue("film.shot", time=time), time=time)


def link(exhibit: Exhibit, frame: Frame) -> str:
    """Where a picture is served."""
    return f"/evidence/{exhibit.portal}/{exhibit.check}/{exhibit.slot}/{frame.file}"


def figures(one: Measurement, tongue: Tongue) -> Iterable[tuple[str, str]]:
    """Name and text of what a rendering measured; what did not occur is left out."""
    values = one.values
    said: dict[str, Callable[[Scalar], str]] = {
        **dict.fromkeys((f"{name}_seconds" for name in _TIMES), lambda value: tongue.short(float(value))),
        "cls": lambda value: tongue.number(float(value), 3),
        **dict.fromkeys(_SIZES, lambda value: tongue.size(float(value))),
        **dict.fromkeys(_COUNTS, lambda value: tongue.number(float(value))),
        **dict.fromkeys(_SHARES, lambda value: f"{tongue.number(100 * float(value))} %"),
        **dict.fromkeys(_OVERFLOWS, lambda value: f"{tongue.number(float(value))} px"),
        **dict.fromkeys(_FLAGS, lambda value: tongue("yes" if value else "no")),
        "profile": lambda value: f"{value}, Chromium {values.get('browser_version', '?')}",
    }
    for name, say in said.items():
        if name in values:
            element = f" ({values['lcp_element']})" if name == "lcp_seconds" and "lcp_element" in values else ""
            yield tongue(f"render.{name.removesuffix('_seconds')}"), f"{say(values[name])}{element}"


class Film:
    """Serves the pictures that the index names, and no other file."""

    def __init__(self, site: Site) -> None:
        self._site = site

    async def serve(self, request: web.Request) -> web.FileResponse:
        """Answer with a picture; its address never changes its meaning."""
        told = request.match_info
        slot = told["slot"]
        evidence = self._site.evidence
        if evidence is None or not _SLOT.fullmatch(slot):
            raise web.HTTPNotFound
        found = evidence.find(f"{told['portal']}/{told['check']}", int(slot), told["file"])
        if found is None:
            raise web.HTTPNotFound
        path, kind = found
        headers = {"Content-Type": kind, "Cache-Control": "private, max-age=86400, immutable"}
        return web.FileResponse(path, headers=headers)
