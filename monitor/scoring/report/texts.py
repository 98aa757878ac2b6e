"""The words of exports in both languages; what a score says of itself is in ``monitor/scoring/texts.py``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitor.model.records import PortalKind, State
from monitor.scoring.explain import rounded
from monitor.scoring.report.ranking import NoMovementReason, UnrankedReason
from monitor.scoring.results import ExclusionReason
from monitor.scoring.rubric import Text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from monitor.scoring.report.ranking import Place

PORTAL_KIND_TEXTS: Mapping[PortalKind, Text] = {
    PortalKind.NATIONAL: Text(vi="Quốc gia", en="National"),
    PortalKind.MINISTRY: Text(vi="Bộ, ngành", en="Ministry"),
    PortalKind.PROVINCE: Text(vi="Tỉnh, thành phố", en="Province"),
}

UNRANKED_TEXTS: Mapping[UnrankedReason, Text] = {
    UnrankedReason.NO_SCORE: Text(vi="không có điểm", en="no score"),
    UnrankedReason.ELSEWHERE: Text(vi="chấm trên trang của cổng khác", en="scored on another portal's page"),
    UnrankedReason.ALONE: Text(vi="không có cổng nào được đo giống như vậy", en="no other portal was measured alike"),
}

NO_MOVEMENT_TEXTS: Mapping[NoMovementReason, Text] = {
    NoMovementReason.NO_DATA: Text(vi="kỳ trước không có dữ liệu", en="no data of the period before"),
    NoMovementReason.NEW: Text(vi="kỳ trước chưa xếp hạng", en="not ranked before"),
    NoMovementReason.RUBRIC: Text(vi="bộ tiêu chí đã thay đổi, không so sánh", en="rubric has changed, not comparable"),
    NoMovementReason.PROFILE: Text(vi="cách đo đã thay đổi, không so sánh", en="measured differently, not comparable"),
}

FAULT_TEXTS: Mapping[str, Text] = {
    "dns": Text(vi="không phân giải được tên miền", en="name not resolved"),
    "connect_refused": Text(vi="bị từ chối kết nối", en="connection refused"),
    "connect_timeout": Text(vi="kết nối quá thời gian", en="connection timed out"),
    "tls_expired": Text(vi="chứng thư hết hạn", en="certificate expired"),
    "tls_name": Text(vi="chứng thư của tên miền khác", en="certificate is for another name"),
    "tls_untrusted": Text(vi="chứng thư không được tin cậy", en="certificate not trusted"),
    "tls_other": Text(vi="lỗi bắt tay TLS", en="TLS handshake failed"),
    "timeout": Text(vi="quá thời gian chờ", en="timed out"),
    "reset": Text(vi="kết nối bị ngắt", en="connection broken off"),
    "http_status": Text(vi="mã HTTP ngoài dự kiến", en="unexpected HTTP status"),
    "redirect_loop": Text(vi="chuyển hướng vòng lặp", en="redirect loop"),
    "redirect_target": Text(vi="chuyển hướng sai chỗ", en="redirected to the wrong place"),
    "body_mismatch": Text(vi="nội dung ngoài dự kiến", en="unexpected content"),
    "body_too_large": Text(vi="trả lời quá lớn", en="answer too large"),
    "protocol": Text(vi="không đúng giao thức HTTP", en="not proper HTTP"),
    "blocked": Text(vi="bị tường lửa chặn", en="refused by a firewall"),
    "not_rendered": Text(vi="trang không hiển thị được", en="the page was not rendered"),
    "crashed": Text(vi="trang làm trình duyệt dừng", en="the page crashed the browser"),
    "prober": Text(vi="lỗi phía giám sát", en="trouble on our side"),
}
"""Every fault in a few words."""

STATE_TEXTS: Mapping[State, Text] = {
    State.UP: Text(vi="đang hoạt động", en="up"),
    State.DOWN: Text(vi="gián đoạn", en="down"),
    State.DEGRADED: Text(vi="suy giảm", en="degraded"),
    State.MAINTENANCE: Text(vi="bảo trì", en="maintenance"),
    State.UNKNOWN: Text(vi="không rõ", en="unknown"),
}

DASH = "\N{EN DASH}"
"""What stands where there is no figure, and between two ends."""

BEGAN_EARLIER = Text(vi="bắt đầu trước kỳ này", en="began before this period")
NO_FAULT = Text(vi="không ghi nhận nguyên nhân", en="no fault was recorded")

FULL_POINTS = Text(vi="đủ điểm", en="all points")
PARTIAL_POINTS = Text(vi="một phần điểm", en="part of the points")
ZERO_POINTS = Text(vi="không điểm", en="no points")
_EARNED: Mapping[str, Text] = {"full": FULL_POINTS, "part": PARTIAL_POINTS, "zero": ZERO_POINTS}

ATTEMPT_REASONS = (
    ExclusionReason.VOID,
    ExclusionReason.FAILED,
    ExclusionReason.CONFIRMING,
    ExclusionReason.OTHER,
    ExclusionReason.ABSENT,
)
"""What is left out by the look; the rest of the reasons leave out looks or time."""

RANK_UNCHANGED = Text(vi="giữ nguyên", en="unchanged")
RANK_UP = Text(vi="▲ tăng {n}", en="▲ up {n}")
RANK_DOWN = Text(vi="▼ giảm {n}", en="▼ down {n}")


def movement_text(place: Place, language: str) -> str:
    """How a place moved, in words with an arrow; empty without a place."""
    if place.rank_gain is None:
        return NO_MOVEMENT_TEXTS[place.unmoved].localize(language) if place.unmoved is not NoMovementReason.NONE else ""
    if place.rank_gain == 0:
        return RANK_UNCHANGED.localize(language)
    words = RANK_UP if place.rank_gain > 0 else RANK_DOWN
    return words.localize(language).format(n=abs(place.rank_gain))


def rank_text(place: Place, language: str) -> str:
    """The place in words: ``3/69``, ``3=/69`` when shared, or why there is none."""
    if place.rank is None:
        return UNRANKED_TEXTS[place.unranked].localize(language) if place.unranked is not UnrankedReason.NONE else ""
    return f"{place.rank}{'=' if place.shared > 1 else ''}/{place.of}"


def earned_text(share: float | None, language: str) -> str:
    """How much of its points a criterion got, in words; empty without points."""
    return "" if share is None else _EARNED[points_level(share)].localize(language)


def points_level(share: float) -> str:
    """``full``, ``part`` or ``zero``, to a thousandth: nobody should read "25 of 25, part of the points"."""
    shown = round(share, 3)
    return "full" if shown >= 1 else "zero" if shown <= 0 else "part"


def fault_text(name: str | None, language: str, *, began: bool) -> str:
    """A fault in words; one that is not known here keeps its name. ``began``: within the period."""
    if name is None:
        return (NO_FAULT if began else BEGAN_EARLIER).localize(language)
    return FAULT_TEXTS[name].localize(language) if name in FAULT_TEXTS else name


def localized_number(text: str | None, language: str) -> str:
    """A rounded figure with the language's decimal mark; a dash without one."""
    if text is None:
        return DASH
    return text if language == "en" else text.replace(".", ",")


def percent_text(percentage: str | None, language: str) -> str:
    """A rounded percentage with its sign; a dash without one."""
    return DASH if percentage is None else f"{localized_number(percentage, language)}\u00a0%"


def ratio_text(ratio: float | None, language: str, decimals: int = 1) -> str:
    """``87,5 %``; a dash without a ratio."""
    return percent_text(None if ratio is None else rounded(100 * ratio, decimals), language)


def plain_number(value: float | None, language: str) -> str:
    """To hundredths, without zeros at the end; a dash without a value."""
    if value is None:
        return DASH
    text = rounded(value, 2)
    return localized_number(text.rstrip("0").rstrip(".") if "." in text else text, language)
