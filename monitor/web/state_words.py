"""Texts about states that need a reason said: degraded, maintenance, flapping, and the prober's own sight."""

from __future__ import annotations

STATE_WORDS: dict[str, tuple[str, str]] = {
    "flapping": ("thất thường", "flapping"),
    "flapping.why": (
        "Trạng thái thay đổi liên tục; từng thay đổi không được báo riêng.",
        "The state changes all the time; its changes are not announced one by one.",
    ),
    "flapping.ended": ("Hết thất thường, trạng thái {state}", "No longer flapping, {state}"),
    "why.degraded": ("Vẫn trả lời, nhưng chất lượng giảm", "It answers, but not as it should"),
    "why.maintenance": ("Bảo trì đã báo trước", "Announced maintenance"),
    "why.maintenance_over": ("Hết thời gian bảo trì", "Maintenance is over"),
    "blind.since": ("Từ {time}.", "Since {time}."),
}
"""Key to (Vietnamese, English), merged into WORDS."""
