"""Texts of the dashboard of the whole fleet."""

from __future__ import annotations

FLEET_TEXTS: dict[str, tuple[str, str]] = {
    "fleet.title": ("Toàn cảnh: có gì hỏng không?", "Fleet: is anything wrong?"),
    "fleet.question": (
        "Năm giây để biết có gì hỏng, ba mươi giây để biết là gì. Bấm vào một cổng để xem chi tiết.",
        "Five seconds to see whether something is wrong, thirty to see what. Click a portal for its details.",
    ),
    "fleet.down": ("Ngừng", "Down"),
    "fleet.down.why": (
        "Số cổng đã được xác nhận ngừng hoạt động. Tốt: không có cổng nào.",
        "Portals confirmed to be down. Good: none.",
    ),
    "fleet.degraded": ("Suy giảm", "Degraded"),
    "fleet.degraded.why": (
        "Số cổng vẫn trả lời nhưng chậm, hỏng một trang hoặc một họ địa chỉ, hay chứng chỉ sắp hết hạn. Tốt: không có.",
        (
            "Portals that answer but are slow, fail on a page or an address family, or whose certificate ends soon. "
            "Good: none."
        ),
    ),
    "fleet.unknown": ("Chưa rõ", "Unknown"),
    "fleet.unknown.why": (
        "Số cổng mà trạm đo chưa hoặc không đo được. Thời gian này không tính cho cổng. Tốt: không có.",
        "Portals whose state is not known, or not known yet. This time is never charged to them. Good: none.",
    ),
    "fleet.maintenance": ("Bảo trì", "Planned"),
    "fleet.maintenance.why": ("Số cổng đang bảo trì theo lịch đã báo trước.", "Portals in announced maintenance."),
    "fleet.up": ("Hoạt động", "Up"),
    "fleet.up.why": ("Số cổng hoạt động bình thường.", "Portals that work as they should."),
    "fleet.incidents": ("Sự cố", "Incidents"),
    "fleet.incidents.why": (
        "Số sự cố chưa kết thúc, kể cả sự cố của trạm đo. Tốt: không có.",
        "Incidents that go on, those of the prober included. Good: none.",
    ),
    "fleet.ending": ("Chứng chỉ", "Expiring"),
    "fleet.ending.why": (
        "Số cổng có chứng chỉ hết hạn trong vòng {certificate_soon} ngày. Tốt: không có.",
        "Portals with a certificate that ends within {certificate_soon} days. Good: none.",
    ),
    "fleet.prober_status": ("Trạm đo", "Prober"),
    "fleet.prober_status.why": (
        "Trạng thái của chính trạm đo. Khi không phải «bình thường» thì đừng tin các ô còn lại.",
        "The prober's own status. While it is not «ok», do not trust the rest of this page.",
    ),
    "fleet.prober_status.none": ("✕ mất tín hiệu", "✕ no signal"),
    "fleet.tiles_national": ("Cổng quốc gia", "National"),
    "fleet.tiles_national.why": (
        "Trạng thái từng cổng quốc gia. ✓ hoạt động, ▲ suy giảm, ✕ ngừng, ⚙ bảo trì, ? chưa rõ.",
        "State of each national portal. ✓ up, ▲ degraded, ✕ down, ⚙ maintenance, ? unknown.",
    ),
    "fleet.tiles_ministry": ("Bộ, ngành", "Ministries"),
    "fleet.tiles_ministry.why": (
        "Trạng thái từng cổng của bộ, ngành. ✓ hoạt động, ▲ suy giảm, ✕ ngừng, ⚙ bảo trì, ? chưa rõ.",
        "State of each ministry's portal. ✓ up, ▲ degraded, ✕ down, ⚙ maintenance, ? unknown.",
    ),
    "fleet.tiles_province": ("Tỉnh, thành phố", "Provinces"),
    "fleet.tiles_province.why": (
        "Trạng thái từng cổng của tỉnh, thành phố. ✓ hoạt động, ▲ suy giảm, ✕ ngừng, ⚙ bảo trì, ? chưa rõ.",
        "State of each province's portal. ✓ up, ▲ degraded, ✕ down, ⚙ maintenance, ? unknown.",
    ),
    "fleet.tiles_national.none": ("Không có cổng loại này", "No portal of this kind"),
    "fleet.tiles_ministry.none": ("Không có cổng loại này", "No portal of this kind"),
    "fleet.tiles_province.none": ("Không có cổng loại này", "No portal of this kind"),
    "fleet.problems": ("Đang có vấn đề", "Not up now"),
    "fleet.problems.why": (
        (
            "Mọi cổng không ở trạng thái hoạt động, nặng nhất ở trên, kèm lỗi của lượt đo gần nhất. "
            "«Từ lúc» trống nghĩa là đã hơn 6 giờ."
        ),
        (
            "Every portal that is not up, the worst first, with the fault of the latest probe. "
            "An empty «Since» is more than 6 hours."
        ),
    ),
    "fleet.problems.none": ("✓ Mọi cổng đều hoạt động", "✓ All portals are up"),
    "fleet.changes": ("Thay đổi mới nhất", "Newest changes"),
    "fleet.changes.why": (
        "Trạng thái hiện tại của các cổng vừa đổi trong 6 giờ qua, mới nhất ở trên.",
        "The state that portals are in now, of those that changed within 6 hours, the newest first.",
    ),
    "fleet.changes.none": ("✓ Không có thay đổi trong 6 giờ", "✓ No change within 6 hours"),
    "fleet.slow": ("Chậm nhất lúc này", "Slowest now"),
    "fleet.slow.why": (
        "Mười cổng có lượt đo gần nhất lâu nhất. Từ {slow} giây thì một lượt đo bị coi là chậm.",
        "The ten portals whose latest probe took longest. From {slow} seconds on a probe counts as slow.",
    ),
    "fleet.certificates": ("Chứng chỉ hết hạn sớm nhất", "Certificates that end first"),
    "fleet.certificates.why": (
        "Thời gian còn lại của chứng chỉ hết hạn sớm nhất trong chuỗi của mỗi cổng. Tốt: trên {certificate_plan} ngày.",
        "Time left of the earliest certificate in each portal's chain. Good: more than {certificate_plan} days.",
    ),
    "fleet.latency": ("Thời gian phản hồi", "Response time"),
    "fleet.latency.why": (
        "Trung vị và phân vị 95 của lượt đo trang chủ trên các cổng đang chọn. Khoảng trống nghĩa là không có số liệu.",
        "Median and 95th percentile of probes of home pages over the chosen portals. A gap means no data.",
    ),
    "fleet.history": ("Số cổng không hoạt động bình thường", "Portals that were not up"),
    "fleet.history.why": (
        "Số cổng theo từng trạng thái khác «hoạt động». Tốt: không có cột nào.",
        "How many portals were in each state other than up. Good: nothing to see.",
    ),
}
"""Key to (Vietnamese, English), merged into TEXTS."""
