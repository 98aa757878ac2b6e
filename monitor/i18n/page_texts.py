"""All texts of the web pages, in Vietnamese and English; numbers and times are left to translator.py."""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitor.i18n.incident_texts import INCIDENT_TEXTS
from monitor.i18n.page_metric_texts import PAGE_METRIC_TEXTS

if TYPE_CHECKING:
    from collections.abc import Mapping

LANGUAGES = ("vi", "en")
"""The order of the texts below."""

RETIRED = "retired"
"""Shown instead of a state for a portal whose state is not evaluated."""

_LAYOUT_TEXTS = {
    "title": ("Giám sát cổng dịch vụ công", "Public-service portal monitor"),
    "skip": ("Đến nội dung chính", "Skip to the content"),
    "other_language": ("English", "Tiếng Việt"),
    "fleet": ("Toàn bộ các cổng", "All portals"),
    "machine_readable": ("Dữ liệu cho máy", "For machines"),
    "metrics": ("Số liệu Prometheus", "Prometheus metrics"),
    "portals_json": ("Danh sách cổng (JSON)", "Portals (JSON)"),
    "config": ("Cấu hình", "Configuration"),
    "rendered": ("Trang lập lúc {time}", "Page made at {time}"),
    "zone": ("Giờ hiển thị: {zone}", "Times shown in {zone}"),
    "location": ("Trạm đo: {location}", "Prober: {location}"),
    "last_probe": ("Lượt đo gần nhất: {age}", "Latest probe: {age}"),
    "no_probe": ("Chưa có lượt đo nào", "No probe so far"),
    "stale": (
        "Không liên lạc được với trạm đo. Dữ liệu trên trang là của lúc {time}.",
        "The monitor does not respond. This page shows data from {time}.",
    ),
    "none": ("không có", "none"),
    "yes": ("có", "yes"),
    "no": ("không", "no"),
}

_FLEET_TEXTS = {
    "all_up": ("Tất cả {n} cổng đang hoạt động", "All {n} portals are up"),
    "all_up.one": ("Cổng duy nhất đang hoạt động", "The one portal is up"),
    "all_up.why": ("Không cổng nào bị gián đoạn.", "Nothing is down."),
    "down": ("{n} cổng đang gián đoạn", "{n} portals are down"),
    "down.one": ("1 cổng đang gián đoạn", "1 portal is down"),
    "down.why": ("{up} trên {all} cổng đang hoạt động.", "{up} of {all} portals are up."),
    "none_down": ("Không cổng nào gián đoạn, {n} cổng cần xem lại", "Nothing is down, {n} portals need attention"),
    "none_down.one": ("Không cổng nào gián đoạn, 1 cổng cần xem lại", "Nothing is down, 1 portal needs attention"),
    "self_check_failed": ("Trạm đo tự kiểm tra thất bại", "Prober self-check failed"),
    "self_check_failed.why": (
        "Mạng của chính trạm đo đang gặp sự cố; không tính lỗi cho cổng nào. Trạng thái dưới đây là lần xác nhận cuối.",
        "The prober's own network has a problem; no portal is charged for it. The states below were confirmed before.",
    ),
    "not_probing": ("Không có lượt đo nào hoàn tất", "No probes are completing"),
    "not_probing.why": (
        "Trạng thái dưới đây có thể đã cũ. Lý do: {reason}",
        "The states below may be out of date. Reason: {reason}",
    ),
    "waiting": ("Đang chờ những lượt đo đầu tiên", "Waiting for the first results"),
    "waiting.why": ("Chưa cổng nào được xác nhận trạng thái.", "No state has been confirmed yet."),
    "empty": ("Danh sách chưa có cổng nào", "The inventory has no portals"),
    "empty.why": ("Thêm cổng vào tệp cấu hình rồi nạp lại.", "Add portals to the configuration and reload it."),
    "also": ("Ngoài ra: {list}.", "Also: {list}."),
    "filters": ("Tìm và lọc", "Search and filter"),
    "by_state": ("Lọc theo trạng thái", "Filter by state"),
    "all": ("Tất cả", "All"),
    "search": ("Tìm cổng", "Find a portal"),
    "search.hint": ("Tên, mã hoặc địa chỉ", "Name, code or URL"),
    "kind": ("Loại cổng", "Kind"),
    "any_kind": ("Mọi loại", "Every kind"),
    "apply": ("Tìm", "Find"),
    "clear": ("Bỏ lọc", "Clear the filter"),
    "found": ("Tìm thấy {n} trên {all} cổng", "{n} of {all} portals match"),
    "found.one": ("Tìm thấy 1 trên {all} cổng", "1 of {all} portals matches"),
    "nothing": ("Không có cổng nào khớp.", "No portal matches."),
    "attention": ("Cần chú ý", "Needs attention"),
    "retired_portals": ("Đã ngừng, chỉ theo dõi", "Retired, watched only"),
    "retired_portals.why": (
        "Giao diện cho người dân đã đóng; máy chủ ra sao cũng không tính là gián đoạn.",
        "Their citizen interface is closed; whatever their host does is not an outage.",
    ),
    "col.state": ("Trạng thái", "State"),
    "col.portal": ("Cổng", "Portal"),
    "col.since": ("Kéo dài", "For"),
    "col.last_probe": ("Lượt đo", "Last probe"),
    "col.latency": ("Phản hồi", "Took"),
    "col.day": ("24 giờ qua", "Last 24 hours"),
    "unverified": ("chưa kiểm chứng", "not verified"),
    "unverified.why": (
        "Địa chỉ này chưa được kiểm chứng, nên chỉ bị coi là gián đoạn sau khi đã từng hoạt động.",
        "This URL is not verified, so the portal counts as down only after it was once up.",
    ),
    "merged": ("đã nhập vào", "merged into"),
    "timeline": ("24 giờ qua: {list}", "Last 24 hours: {list}"),
}

_PORTAL_TEXTS = {
    "since": ("từ {time}, đã {duration}", "since {time}, for {duration}"),
    "unconfirmed": ("Chưa xác nhận được trạng thái.", "No state is confirmed yet."),
    "latest_attempt": ("Lượt đo gần nhất", "Latest result"),
    "inventory": ("Thông tin cổng", "About this portal"),
    "code": ("Mã định danh", "Agency code"),
    "group": ("Đơn vị phụ trách", "Responsible unit"),
    "url": ("Địa chỉ", "URL"),
    "expectation": ("Kỳ vọng", "Expected"),
    "verified": ("Đã kiểm chứng", "Verified"),
    "confidence": ("Độ tin cậy của địa chỉ", "Confidence in the URL"),
    "confidence.seen": ("địa chỉ có trong nguồn", "the URL stands in the source"),
    "confidence.pattern": ("suy ra từ quy tắc đặt tên", "follows only from the naming rule"),
    "status_2026": ("Tình hình năm 2026", "Status in 2026"),
    "status.active": ("đang sử dụng", "in use"),
    "status.retired": ("giao diện cho người dân đã đóng", "citizen interface closed"),
    "status.merged": ("đơn vị đã được sáp nhập", "unit absorbed by another one"),
    "status.unknown": ("chưa rõ", "not known"),
    "source": ("Nguồn", "Source"),
    "day": ("24 giờ qua", "The last 24 hours"),
    "changes": ("Thay đổi trạng thái trong ngày", "State changes of the last day"),
    "no_changes": ("Không có thay đổi nào trong 24 giờ qua.", "Nothing changed in the last 24 hours."),
    "state_change": ("Từ {previous} sang {state}", "From {previous} to {state}"),
    "no_checks": ("Cổng này chưa có phép đo nào.", "Nothing is measured at this portal yet."),
    "no_result": ("Chưa có kết quả cho phép đo này.", "This check has no result yet."),
    "check": ("Phép đo {check}", "Check {check}"),
    "every": ("mỗi {duration}", "every {duration}"),
    "phases": ("Các giai đoạn", "Phases"),
    "hop": ("Chặng {n}", "Hop {n}"),
    "family": ("qua IPv{family}", "over IPv{family}"),
    "facts": ("Chi tiết kỹ thuật", "Facts"),
    "values": ("Giá trị đo khác", "Other measured values"),
    "value": ("Giá trị", "Value"),
    "metric": ("Chỉ số", "Metric"),
    "latency": ("Thời gian đáp ứng, 24 giờ qua", "Response time, last 24 hours"),
    "latency.none": ("Chưa có lượt đo thành công nào trong 24 giờ qua.", "No successful attempt in the last 24 hours."),
    "latency.caption": (
        "{n} lượt đạt, trung vị {median}, cao nhất {most}; {down} lượt lỗi",
        "{n} successful attempts, median {median}, longest {most}; {down} failed",
    ),
    "attempts": ("{n} lượt đo gần nhất", "Latest {n} attempts"),
    "attempts.one": ("1 lượt đo gần nhất", "Latest attempt"),
    "attempt.time": ("Thời điểm", "Time"),
    "attempt.outcome": ("Kết quả", "Outcome"),
    "attempt.reason": ("Lý do", "Reason"),
    "attempt.duration": ("Thời gian", "Took"),
    "attempt.start_delay": ("Trễ so với lịch", "Start delay"),
    "attempt.start_delay.short": ("trễ", "late by"),
    "fact.status": ("Mã HTTP", "HTTP status"),
    "fact.http_version": ("Phiên bản HTTP", "HTTP version"),
    "fact.redirects": ("Số lần chuyển hướng", "Redirects"),
    "fact.final_url": ("Địa chỉ cuối", "Final URL"),
    "fact.address": ("Địa chỉ IP", "IP address"),
    "fact.family": ("IPv{family}", "IPv{family}"),
    "fact.tls_version": ("Phiên bản TLS", "TLS version"),
    "fact.cert_subject": ("Chứng chỉ cấp cho", "Certificate subject"),
    "fact.cert_issuer": ("Tổ chức cấp", "Issuer"),
    "fact.cert_leaf_expiry": ("Chứng chỉ hết hạn", "Certificate ends"),
    "fact.bytes_wire": ("Dữ liệu nhận", "Received"),
    "fact.bytes_body": ("Nội dung sau giải mã", "Decoded body"),
    "days_left": ("còn {n} ngày ({date})", "in {n} days ({date})"),
    "days_over": ("đã quá {n} ngày ({date})", "{n} days ago ({date})"),
}

_ERROR_TEXTS = {
    "error.404": ("Không tìm thấy trang này", "This page does not exist"),
    "error.404.why": (
        "Địa chỉ có thể đã gõ sai, hoặc cổng đã được bỏ khỏi danh sách.",
        "The URL may be mistyped, or the portal has left the inventory.",
    ),
    "error.405": ("Không dùng được cách gọi này ở đây", "This method is not possible here"),
    "error.405.why": ("Trang này chỉ để đọc.", "This page can only be read."),
    "error.413": ("Yêu cầu quá lớn", "The request is too large"),
    "error.413.why": ("Trang này không nhận dữ liệu gửi lên.", "Nothing can be sent to this page."),
    "error.500": ("Trang gặp lỗi", "This page failed"),
    "error.500.why": (
        "Lỗi đã được ghi vào nhật ký. Việc đo các cổng vẫn tiếp tục.",
        "The error is in the log. Measuring goes on.",
    ),
    "error.other": ("Không trả lời được yêu cầu này", "This request cannot be answered"),
    "error.other.why": ("Hãy thử lại từ trang đầu.", "Try again from the first page."),
    "error.back": ("Xem toàn bộ các cổng", "See all portals"),
}

_UNIT_TEXTS = {
    "unit.d": ("ngày", "d"),
    "unit.h": ("giờ", "h"),
    "unit.m": ("phút", "min"),
    "unit.s": ("giây", "s"),
    "ago": ("{duration} trước", "{duration} ago"),
    "now": ("vừa xong", "just now"),
}

_ENUM_TEXTS = {
    "state.up": ("Hoạt động", "Up"),
    "state.down": ("Gián đoạn", "Down"),
    "state.degraded": ("Suy giảm", "Degraded"),
    "state.maintenance": ("Bảo trì", "Maintenance"),
    "state.unknown": ("Chưa rõ", "Unknown"),
    "state.retired": ("Đã ngừng", "Retired"),
    "outcome.up": ("Đạt", "Good"),
    "outcome.down": ("Lỗi", "Failed"),
    "outcome.unknown": ("Không đo được", "Unknown"),
    "kind.national": ("Cổng quốc gia", "National"),
    "kind.ministry": ("Bộ, ngành", "Ministries"),
    "kind.province": ("Tỉnh, thành phố", "Provinces"),
    "expect.answers": ("Trả lời bằng trang của mình", "Serves its own pages"),
    "expect.redirects_to": ("Chuyển người dùng sang {host}", "Redirects its users to {host}"),
    "expect.retired": ("Đã ngừng; chỉ ghi nhận, không tính gián đoạn", "Retired; recorded, never an outage"),
    "phase.resolve": ("Phân giải tên miền", "Name lookup"),
    "phase.connect": ("Kết nối TCP", "TCP connect"),
    "phase.tls": ("Bắt tay TLS", "TLS handshake"),
    "phase.send": ("Gửi yêu cầu", "Send request"),
    "phase.wait": ("Chờ phản hồi", "Wait for response"),
    "phase.transfer": ("Tải nội dung", "Transfer"),
}

_REASON_TEXTS = {
    "fault.dns": ("Không phân giải được tên miền", "The name cannot be resolved"),
    "fault.connect_refused": ("Máy chủ từ chối kết nối", "The host refuses connections"),
    "fault.connect_timeout": ("Không kết nối được trong thời hạn", "No connection within the time limit"),
    "fault.tls_expired": ("Chứng chỉ hết hạn hoặc sắp hết hạn", "The certificate has expired or is about to"),
    "fault.tls_name": ("Chứng chỉ không khớp tên miền", "The certificate is for another name"),
    "fault.tls_untrusted": ("Chứng chỉ không đáng tin cậy", "The certificate is not trusted"),
    "fault.tls_other": ("Lỗi thiết lập kết nối bảo mật", "The secure connection failed"),
    "fault.timeout": ("Quá thời hạn trả lời", "No complete answer within the time limit"),
    "fault.reset": ("Kết nối bị ngắt giữa chừng", "The connection broke off"),
    "fault.http_status": ("Máy chủ trả về mã lỗi", "The server answered with an error status"),
    "fault.redirect_loop": ("Chuyển hướng vòng lặp", "It redirects in circles"),
    "fault.redirect_target": ("Chuyển hướng sai nơi", "It leads to the wrong place"),
    "fault.body_mismatch": ("Nội dung trang không như mong đợi", "The page does not say what it should"),
    "fault.body_too_large": ("Nội dung trang quá lớn", "The page is too large"),
    "fault.protocol": ("Câu trả lời sai giao thức", "The answer breaks the protocol"),
    "fault.blocked": ("Tường lửa chặn lượt đo", "A firewall blocks the probe"),
    "fault.internal_error": ("Lỗi của chính trạm đo", "Internal error of the prober"),
    "unknown_reason.self_check": (
        "Trạm đo tự kiểm tra thất bại: mạng của trạm không đáng tin cậy",
        "Self-check failed: the prober's network is not reliable",
    ),
    "unknown_reason.internal_error": ("Trạm đo gặp lỗi khi đo", "Internal error during the attempt"),
    "unknown_reason.late": ("Không kịp đo đúng lượt", "No free slot in the pool in time"),
    "unknown_reason.overlapped": ("Lượt đo trước chưa xong", "The previous attempt was still running"),
    "unknown_reason.stopped": ("Trình giám sát đang dừng", "The monitor was not running"),
    "unknown_reason.killed": ("Trình giám sát bị ngắt đột ngột", "The monitor was killed"),
}

STATE_TEXTS: dict[str, tuple[str, str]] = {
    "flapping": ("thất thường", "flapping"),
    "flapping.why": (
        "Trạng thái thay đổi liên tục; từng thay đổi không được báo riêng.",
        "The state changes all the time; its changes are not announced one by one.",
    ),
    "flapping.ended": ("Hết thất thường, trạng thái {state}", "No longer flapping, {state}"),
    "why.degraded": ("Vẫn trả lời, nhưng chất lượng giảm", "It answers, but not as it should"),
    "why.maintenance": ("Bảo trì đã báo trước", "Announced maintenance"),
    "why.maintenance_over": ("Hết thời gian bảo trì", "Maintenance is over"),
    "self_check_failed.since": ("Từ {time}.", "Since {time}."),
}
"""Key to (Vietnamese, English), part of ``TEXTS``."""


TEXTS: Mapping[str, tuple[str, str]] = {
    **_LAYOUT_TEXTS,
    **_FLEET_TEXTS,
    **_PORTAL_TEXTS,
    **_ERROR_TEXTS,
    **_UNIT_TEXTS,
    **_ENUM_TEXTS,
    **_REASON_TEXTS,
    **STATE_TEXTS,
    **INCIDENT_TEXTS,
    **PAGE_METRIC_TEXTS,
}
"""Key to (Vietnamese, English). ``key.one`` replaces ``key`` for a count of 1."""
