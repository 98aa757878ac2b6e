"""Every text of the web pages, in Vietnamese and English side by side; numbers and times are left to speak.py."""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitor.i18n.incident_texts import INCIDENT_TEXTS
from monitor.i18n.page_metric_texts import PAGE_METRIC_TEXTS

if TYPE_CHECKING:
    from collections.abc import Mapping

LANGUAGES = ("vi", "en")
"""The order of the texts below."""

RETIRED = "retired"
"""What pages show in the place of a state for a portal that is not judged."""

_LAYOUT_TEXTS = {
    "title": ("Giám sát cổng dịch vụ công", "Public-service portal monitor"),
    "skip": ("Đến nội dung chính", "Skip to the content"),
    "other_language": ("English", "Tiếng Việt"),
    "fleet": ("Toàn bộ các cổng", "All portals"),
    "machine": ("Dữ liệu cho máy", "For machines"),
    "metrics": ("Số liệu Prometheus", "Prometheus metrics"),
    "portals_json": ("Danh sách cổng (JSON)", "Portals (JSON)"),
    "config": ("Cấu hình", "Configuration"),
    "rendered": ("Trang lập lúc {time}", "Page made at {time}"),
    "zone": ("Giờ hiển thị: {zone}", "Times shown in {zone}"),
    "location": ("Trạm đo: {location}", "Prober: {location}"),
    "last_look": ("Lượt đo gần nhất: {age}", "Latest look: {age}"),
    "no_look": ("Chưa có lượt đo nào", "No look so far"),
    "stale": (
        "Không liên lạc được với trạm đo. Dữ liệu trên trang là của lúc {time}.",
        "The monitor does not answer. What you see is from {time}.",
    ),
    "none": ("không có", "none"),
    "yes": ("có", "yes"),
    "no": ("không", "no"),
}

_FLEET_TEXTS = {
    "well": ("Tất cả {n} cổng đang hoạt động", "All {n} portals are up"),
    "well.one": ("Cổng duy nhất đang hoạt động", "The one portal is up"),
    "well.why": ("Không cổng nào bị gián đoạn.", "Nothing is down."),
    "down": ("{n} cổng đang gián đoạn", "{n} portals are down"),
    "down.one": ("1 cổng đang gián đoạn", "1 portal is down"),
    "down.why": ("{up} trên {all} cổng đang hoạt động.", "{up} of {all} portals are up."),
    "partly": ("Không cổng nào gián đoạn, {n} cổng cần xem lại", "Nothing is down, {n} portals need a look"),
    "partly.one": ("Không cổng nào gián đoạn, 1 cổng cần xem lại", "Nothing is down, 1 portal needs a look"),
    "blind": ("Trạm đo không quan sát được", "The prober cannot see"),
    "blind.why": (
        "Mạng của chính trạm đo đang gặp sự cố; không tính lỗi cho cổng nào. Trạng thái dưới đây là lần xác nhận cuối.",
        "The prober's own network is in trouble; no portal is charged for it. The states below were confirmed before.",
    ),
    "stuck": ("Không có lượt đo nào hoàn tất", "No looks are completing"),
    "stuck.why": (
        "Trạng thái dưới đây có thể đã cũ. Lý do: {reason}",
        "The states below may be out of date. Reason: {reason}",
    ),
    "waiting": ("Đang chờ những lượt đo đầu tiên", "Waiting for the first looks"),
    "waiting.why": ("Chưa cổng nào được xác nhận trạng thái.", "No state has been confirmed yet."),
    "empty": ("Danh sách chưa có cổng nào", "The inventory has no portals"),
    "empty.why": ("Thêm cổng vào tệp cấu hình rồi nạp lại.", "Add portals to the configuration and reload it."),
    "also": ("Ngoài ra: {list}.", "Also: {list}."),
    "filters": ("Tìm và lọc", "Search and filter"),
    "by_state": ("Lọc theo trạng thái", "Filter by state"),
    "all": ("Tất cả", "All"),
    "search": ("Tìm cổng", "Find a portal"),
    "search.hint": ("Tên, mã hoặc địa chỉ", "Name, code or address"),
    "kind": ("Loại cổng", "Kind"),
    "any_kind": ("Mọi loại", "Every kind"),
    "apply": ("Tìm", "Find"),
    "clear": ("Bỏ lọc", "Clear the filter"),
    "found": ("Tìm thấy {n} trên {all} cổng", "{n} of {all} portals match"),
    "found.one": ("Tìm thấy 1 trên {all} cổng", "1 of {all} portals matches"),
    "nothing": ("Không có cổng nào khớp.", "No portal matches."),
    "attention": ("Cần chú ý", "Needs attention"),
    "retired_ones": ("Đã ngừng, chỉ theo dõi", "Retired, watched only"),
    "retired_ones.why": (
        "Giao diện cho người dân đã đóng; máy chủ ra sao cũng không tính là gián đoạn.",
        "Their citizen interface is closed; whatever their host does is not an outage.",
    ),
    "col.state": ("Trạng thái", "State"),
    "col.portal": ("Cổng", "Portal"),
    "col.since": ("Kéo dài", "For"),
    "col.look": ("Lượt đo", "Last look"),
    "col.latency": ("Phản hồi", "Took"),
    "col.day": ("24 giờ qua", "Last 24 hours"),
    "unverified": ("chưa kiểm chứng", "not verified"),
    "unverified.why": (
        "Địa chỉ này chưa được kiểm chứng, nên chỉ bị coi là gián đoạn sau khi đã từng hoạt động.",
        "Nobody has verified this address, so it counts as down only after it was once up.",
    ),
    "merged": ("đã nhập vào", "merged into"),
    "strip": ("24 giờ qua: {list}", "Last 24 hours: {list}"),
}

_PORTAL_TEXTS = {
    "since": ("từ {time}, đã {duration}", "since {time}, for {duration}"),
    "unconfirmed": ("Chưa xác nhận được trạng thái.", "No state is confirmed yet."),
    "seen_last": ("Lượt đo gần nhất", "Latest look"),
    "inventory": ("Thông tin cổng", "About this portal"),
    "code": ("Mã định danh", "Agency code"),
    "group": ("Đơn vị phụ trách", "Responsible unit"),
    "url": ("Địa chỉ", "Address"),
    "expectation": ("Kỳ vọng", "Expected"),
    "verified": ("Đã kiểm chứng", "Verified"),
    "confidence": ("Độ tin cậy của địa chỉ", "Confidence in the address"),
    "confidence.seen": ("địa chỉ có trong nguồn", "the address stands in the source"),
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
    "from_to": ("Từ {previous} sang {state}", "From {previous} to {state}"),
    "no_checks": ("Cổng này chưa có phép đo nào.", "Nothing is measured at this portal yet."),
    "not_looked": ("Chưa có kết quả cho phép đo này.", "This check has no result yet."),
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
    "latency.none": ("Chưa có lượt đo thành công nào trong 24 giờ qua.", "No look succeeded in the last 24 hours."),
    "latency.said": (
        "{n} lượt đạt, trung vị {median}, cao nhất {most}; {down} lượt lỗi",
        "{n} good looks, median {median}, longest {most}; {down} failed",
    ),
    "looks": ("{n} lượt đo gần nhất", "Latest {n} looks"),
    "looks.one": ("1 lượt đo gần nhất", "Latest look"),
    "look.time": ("Thời điểm", "Time"),
    "look.outcome": ("Kết quả", "Outcome"),
    "look.reason": ("Lý do", "Reason"),
    "look.took": ("Thời gian", "Took"),
    "look.late": ("Trễ so với lịch", "Behind schedule"),
    "look.late.short": ("trễ", "late by"),
    "fact.status": ("Mã HTTP", "HTTP status"),
    "fact.http_version": ("Phiên bản HTTP", "HTTP version"),
    "fact.redirects": ("Số lần chuyển hướng", "Redirects"),
    "fact.final_url": ("Địa chỉ cuối", "Final address"),
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
        "The address may be mistyped, or the portal has left the inventory.",
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
    "outcome.void": ("Không đo được", "Not seen"),
    "kind.national": ("Cổng quốc gia", "National"),
    "kind.ministry": ("Bộ, ngành", "Ministries"),
    "kind.province": ("Tỉnh, thành phố", "Provinces"),
    "expect.answers": ("Trả lời bằng trang của mình", "Serves its own pages"),
    "expect.redirects_to": ("Chuyển người dùng sang {host}", "Sends its visitors on to {host}"),
    "expect.retired": ("Đã ngừng; chỉ ghi nhận, không tính gián đoạn", "Retired; recorded, never an outage"),
    "phase.resolve": ("Phân giải tên miền", "Name lookup"),
    "phase.connect": ("Kết nối TCP", "TCP connect"),
    "phase.tls": ("Bắt tay TLS", "TLS handshake"),
    "phase.send": ("Gửi yêu cầu", "Send request"),
    "phase.wait": ("Chờ phản hồi", "Wait for answer"),
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
    "fault.blocked": ("Tường lửa chặn lượt đo", "A firewall refuses the look"),
    "fault.prober": ("Lỗi của chính trạm đo", "The prober itself failed"),
    "void.blind": ("Trạm đo không quan sát được mạng", "The prober could not see the network"),
    "void.prober": ("Trạm đo gặp lỗi khi đo", "The prober failed during the look"),
    "void.late": ("Không kịp đo đúng lượt", "No seat came free in time"),
    "void.overlapped": ("Lượt đo trước chưa xong", "The look before was still running"),
    "void.stopped": ("Trình giám sát đang dừng", "The monitor was not running"),
    "void.killed": ("Trình giám sát bị ngắt đột ngột", "The monitor died without a word"),
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
    "blind.since": ("Từ {time}.", "Since {time}."),
}
"""Key to (Vietnamese, English), merged into WORDS."""


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
"""Key to (Vietnamese, English). ``key.one`` is said instead of ``key`` for a count of 1."""
