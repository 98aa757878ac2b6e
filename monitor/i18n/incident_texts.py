"""All texts about incidents, for pages and for notifications, in Vietnamese and English."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_PAGE_TEXTS = {
    "incidents": ("Sự cố", "Incidents"),
    "incidents.open": ("{n} sự cố đang diễn ra", "{n} incidents are going on"),
    "incidents.open.one": ("1 sự cố đang diễn ra", "1 incident is going on"),
    "incidents.none": ("Không có sự cố nào đang diễn ra", "No incident is going on"),
    "incidents.why": (
        "Mỗi sự cố ghi lại những gì trạm đo đã thấy, từ lúc bắt đầu đến lúc kết thúc.",
        "Each incident shows what the prober measured, from its beginning to its end.",
    ),
    "incidents.ongoing": ("Đang diễn ra", "Going on"),
    "incidents.resolved": ("Đã kết thúc", "Over"),
    "incidents.none_resolved": ("Chưa có sự cố nào kết thúc.", "No incident has ended yet."),
    "incidents.of": ("Sự cố của cổng này", "Incidents of this portal"),
    "incidents.of_none": ("Cổng này chưa có sự cố nào.", "This portal has had no incident."),
    "incidents_json": ("Sự cố (JSON)", "Incidents (JSON)"),
    "incident": ("Sự cố {id}", "Incident {id}"),
    "incident.ongoing_for": ("đã {duration}, chưa kết thúc", "for {duration}, not over"),
    "incident.lasted": ("kéo dài {duration}", "lasted {duration}"),
    "incident.list": ("Các cổng trong sự cố này", "Portals in this incident"),
    "incident.shared": ("Nguyên nhân chung", "What they share"),
    "incident.description": ("Chuyện gì đã xảy ra", "What happened"),
    "incident.since": ("Bắt đầu", "Since"),
    "incident.until": ("Kết thúc", "Until"),
    "incident.downtime": ("Thời gian gián đoạn", "Downtime"),
    "incident.fault": ("Lỗi", "Fault"),
    "incident.phase": ("Giai đoạn", "Phase"),
    "incident.address": ("Địa chỉ máy chủ", "Address"),
    "incident.via": ("{address} (IPv{family})", "{address} (IPv{family})"),
    "incident.no_address": ("chưa tới được địa chỉ nào", "no address was reached"),
    "incident.certificate": ("Chứng chỉ", "Certificate"),
    "incident.certificate.summary": (
        "cấp cho {subject}, bởi {issuer}, hết hạn {expiry}",
        "for {subject}, by {issuer}, ends {expiry}",
    ),
    "incident.last_good": ("Lượt đo đạt gần nhất trước đó", "Last successful attempt before"),
    "incident.no_last_good": ("chưa biết lượt nào", "none is known"),
    "incident.references": ("Điểm tham chiếu", "References"),
    "incident.references.ok": (
        "Trạm đo tự kiểm tra đạt: không lượt đo nào trong số này bị loại.",
        "The self-check succeeded: none of these attempts was set aside.",
    ),
    "incident.attempts": ("Các lượt đo xác nhận", "Attempts that confirmed it"),
    "incident.attempt": ("lượt {attempt}", "attempt {attempt}"),
    "incident.hops": ("Chuỗi chuyển hướng", "Redirects"),
    "incident.hop.none": ("không có câu trả lời", "no response"),
    "incident.screenshot": ("Ảnh chụp trang {time}", "Screenshot of the page, {time}"),
    "incident.screenshots": ("Ảnh chụp", "Screenshots"),
    "incident.timeline": ("Diễn biến", "Timeline"),
    "incident.notes": ("Ghi nhận và ghi chú", "Acknowledgements and comments"),
    "incident.no_notes": (
        "Chưa ai ghi nhận. Lệnh: portal-monitor incident ack {id} --by TÊN",
        "Not acknowledged. Command: portal-monitor incident ack {id} --by NAME",
    ),
    "incident.messages": ("Thông báo", "Messages"),
    "incident.no_messages": ("Không có thông báo nào.", "No message was written."),
    "incident.reminder": ("nhắc lại lần {n}", "reminder {n}"),
    "incident.all": ("Tất cả sự cố", "All incidents"),
    "note.acknowledged": ("{by} đã ghi nhận", "{by} acknowledged it"),
    "note.commented": ("{by} ghi chú", "{by} commented"),
    "message_status.waiting": ("đang chờ gửi", "pending"),
    "message_status.accepted": ("đã nhận lúc {time}", "accepted at {time}"),
    "message_status.expired": ("quá hạn, không gửi", "given up, too old"),
    "message_status.superseded": ("được thay bằng tin mới hơn", "replaced by a newer one"),
}

_KIND_TEXTS = {
    "incident.outage": ("Gián đoạn", "Outage"),
    "incident.degraded": ("Suy giảm", "Degraded"),
    "incident.flapping": ("Chập chờn", "Flapping"),
    "incident.prober": ("Trạm đo tự kiểm tra thất bại", "Prober self-check failed"),
    "shared.dependency": ("cùng phụ thuộc {value}", "all depend on {value}"),
    "shared.platform": ("cùng nền tảng {value}", "all run on {value}"),
    "shared.name_server": ("cùng máy chủ tên miền {value}", "all use the name server {value}"),
    "shared.issuer": ("cùng tổ chức cấp chứng chỉ {value}", "all have certificates of {value}"),
    "shared.address": ("cùng địa chỉ {value}", "all are at {value}"),
    "end_reason.recovered": ("hoạt động lại", "up again"),
    "end_reason.maintenance": ("chuyển sang bảo trì", "went into maintenance"),
    "end_reason.flapping": ("bắt đầu chập chờn", "began to flap"),
    "end_reason.worse": ("chuyển thành gián đoạn", "became an outage"),
    "end_reason.better": ("hoạt động lại nhưng suy giảm", "answers again, degraded"),
    "end_reason.removed": ("không còn được theo dõi", "is no longer monitored"),
}

_MESSAGE_TEXTS = {
    "message.outage.opened": ("{name} bị gián đoạn", "{name} is down"),
    "message.outage.joined": ("{name} cũng bị gián đoạn ({n} cổng)", "{name} is down as well ({n} portals)"),
    "message.degraded.opened": ("{name} bị suy giảm", "{name} is degraded"),
    "message.degraded.joined": ("{name} cũng bị suy giảm ({n} cổng)", "{name} is degraded as well ({n} portals)"),
    "message.flapping.opened": ("{name} chập chờn", "{name} keeps changing"),
    "message.prober.opened": ("Trạm đo {location} tự kiểm tra thất bại", "Self-check of prober {location} failed"),
    "message.recovered": ("{name} hoạt động lại sau {duration}", "{name} is up again after {duration}"),
    "message.maintenance": ("{name} chuyển sang bảo trì", "{name} went into maintenance"),
    "message.better": ("{name} trả lời lại nhưng suy giảm", "{name} answers again, degraded"),
    "message.removed": ("{name} không còn được theo dõi", "{name} is no longer monitored"),
    "message.flapping_ended.up": ("{name} hết chập chờn, đang hoạt động", "{name} is steady again, and up"),
    "message.flapping_ended.down": ("{name} hết chập chờn, đang gián đoạn", "{name} is steady again, and down"),
    "message.flapping_ended.other": ("{name} hết chập chờn", "{name} is steady again"),
    "message.prober.recovered": (
        "Trạm đo {location} tự kiểm tra lại thành công sau {duration}",
        "Self-check of prober {location} recovered after {duration}",
    ),
    "message.reminder": ("Nhắc lại: {what}, đã {duration}", "Reminder: {what}, for {duration}"),
    "message.group": ("{n} tin: {first}", "{n} messages: {first}"),
    "message.late": (
        "Tin đến muộn: chuyện xảy ra lúc {time}, cách đây {duration}.",
        "This message is late: it happened at {time}, {duration} ago.",
    ),
    "message.id": ("Mã sự cố", "Incident"),
    "message.page": ("Chi tiết", "Details"),
    "message.portals": ("Các cổng", "Portals"),
    "message.attempt": ("lượt {attempt} lúc {time}: {result}", "attempt {attempt} at {time}: {result}"),
}

INCIDENT_TEXTS: Mapping[str, tuple[str, str]] = {**_PAGE_TEXTS, **_KIND_TEXTS, **_MESSAGE_TEXTS}
"""Key to (Vietnamese, English), part of ``TEXTS``."""
