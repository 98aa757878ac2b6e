"""Texts of reports in both languages; the texts of scores are in ``monitor/scoring/texts.py``."""

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
    UnrankedReason.SUBSTITUTE: Text(vi="chấm trên trang của cổng khác", en="scored on another portal's page"),
    UnrankedReason.ALONE: Text(vi="không có cổng nào được đo giống như vậy", en="no other portal was measured alike"),
}

NO_MOVEMENT_TEXTS: Mapping[NoMovementReason, Text] = {
    NoMovementReason.NO_DATA: Text(vi="kỳ trước không có dữ liệu", en="no data for the previous period"),
    NoMovementReason.NEW: Text(vi="kỳ trước chưa xếp hạng", en="not ranked in the previous period"),
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
    "reset": Text(vi="kết nối bị ngắt", en="connection reset"),
    "http_status": Text(vi="mã HTTP ngoài dự kiến", en="unexpected HTTP status"),
    "redirect_loop": Text(vi="chuyển hướng vòng lặp", en="redirect loop"),
    "redirect_target": Text(vi="chuyển hướng sai chỗ", en="unexpected redirect target"),
    "body_mismatch": Text(vi="nội dung ngoài dự kiến", en="unexpected content"),
    "body_too_large": Text(vi="trả lời quá lớn", en="response too large"),
    "protocol": Text(vi="không đúng giao thức HTTP", en="not proper HTTP"),
    "blocked": Text(vi="bị tường lửa chặn", en="blocked by a firewall"),
    "not_rendered": Text(vi="trang không hiển thị được", en="the page was not rendered"),
    "crashed": Text(vi="trang làm trình duyệt dừng", en="the page crashed the browser"),
    "internal_error": Text(vi="lỗi phía giám sát", en="internal error of the prober"),
}
"""Short text of every fault."""

STATE_TEXTS: Mapping[State, Text] = {
    State.UP: Text(vi="đang hoạt động", en="up"),
    State.DOWN: Text(vi="gián đoạn", en="down"),
    State.DEGRADED: Text(vi="suy giảm", en="degraded"),
    State.MAINTENANCE: Text(vi="bảo trì", en="maintenance"),
    State.UNKNOWN: Text(vi="không rõ", en="unknown"),
}

DASH = "\N{EN DASH}"
"""Placeholder for a missing value, and the sign between the ends of a range."""

BEGAN_EARLIER = Text(vi="bắt đầu trước kỳ này", en="began before this period")
NO_FAULT = Text(vi="không ghi nhận nguyên nhân", en="no fault was recorded")

FULL_POINTS = Text(vi="đủ điểm", en="all points")
PARTIAL_POINTS = Text(vi="một phần điểm", en="part of the points")
ZERO_POINTS = Text(vi="không điểm", en="no points")
_EARNED: Mapping[str, Text] = {"full": FULL_POINTS, "part": PARTIAL_POINTS, "zero": ZERO_POINTS}

ATTEMPT_REASONS = (
    ExclusionReason.UNKNOWN,
    ExclusionReason.FAILED,
    ExclusionReason.CONFIRMING,
    ExclusionReason.OTHER,
    ExclusionReason.ABSENT,
)
"""Reasons that exclude single attempts; the other reasons exclude attempts or time."""

RANK_UNCHANGED = Text(vi="giữ nguyên", en="unchanged")
RANK_UP = Text(vi="▲ tăng {n}", en="▲ up {n}")
RANK_DOWN = Text(vi="▼ giảm {n}", en="▼ down {n}")


def movement_text(place: Place, language: str) -> str:
    """Return the rank change as text with an arrow; empty without a place."""
    if place.rank_gain is None:
        return NO_MOVEMENT_TEXTS[place.unmoved].localize(language) if place.unmoved is not NoMovementReason.NONE else ""
    if place.rank_gain == 0:
        return RANK_UNCHANGED.localize(language)
    text = RANK_UP if place.rank_gain > 0 else RANK_DOWN
    return text.localize(language).format(n=abs(place.rank_gain))


def rank_text(place: Place, language: str) -> str:
    """Return the place: ``3/69``, ``3=/69`` when shared, or why there is none."""
    if place.rank is None:
        return UNRANKED_TEXTS[place.unranked].localize(language) if place.unranked is not UnrankedReason.NONE else ""
    return f"{place.rank}{'=' if place.shared > 1 else ''}/{place.of}"


def earned_text(share: float | None, language: str) -> str:
    """Return how much of its points a criterion earned, as text; empty without points."""
    return "" if share is None else _EARNED[points_level(share)].localize(language)


def points_level(share: float) -> str:
    """Return ``full``, ``part`` or ``zero``, to a thousandth: "25 of 25, part of the points" would be confusing."""
    shown = round(share, 3)
    return "full" if shown >= 1 else "zero" if shown <= 0 else "part"


def fault_text(name: str | None, language: str, *, began: bool) -> str:
    """Return the text of a fault, or its name when it has none. ``began``: within the period."""
    if name is None:
        return (NO_FAULT if began else BEGAN_EARLIER).localize(language)
    return FAULT_TEXTS[name].localize(language) if name in FAULT_TEXTS else name


def localized_number(text: str | None, language: str) -> str:
    """Return a rounded number with the language's decimal mark; a dash without one."""
    if text is None:
        return DASH
    return text if language == "en" else text.replace(".", ",")


def percent_text(percentage: str | None, language: str) -> str:
    """Return a rounded percentage with its sign; a dash without one."""
    return DASH if percentage is None else f"{localized_number(percentage, language)}\u00a0%"


def ratio_text(ratio: float | None, language: str, decimals: int = 1) -> str:
    """Format a ratio as ``87,5 %``; a dash without a ratio."""
    return percent_text(None if ratio is None else rounded(100 * ratio, decimals), language)


def plain_number(value: float | None, language: str) -> str:
    """Format a value to hundredths, without trailing zeros; a dash without a value."""
    if value is None:
        return DASH
    text = rounded(value, 2)
    return localized_number(text.rstrip("0").rstrip(".") if "." in text else text, language)
