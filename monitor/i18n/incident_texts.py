"""Every text about incidents, for pages and for messages, in Vietnamese and English side by side."""

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
        "Each incident tells what the prober saw, from its beginning to its end.",
    ),
    "incidents.lasting": ("Đang diễn ra", "Going on"),
    "incidents.past": ("Đã kết thúc", "Over"),
    "incidents.no_past": ("Chưa có sự cố nào kết thúc.", "No incident has ended yet."),
    "incidents.of": ("Sự cố của cổng này", "Incidents of this portal"),
    "incidents.of_none": ("Cổng này chưa có sự cố nào.", "This portal has had no incident."),
    "incidents_json": ("Sự cố (JSON)", "Incidents (JSON)"),
    "incident": ("Sự cố {id}", "Incident {id}"),
    "incident.lasts": ("đã {duration}, chưa kết thúc", "for {duration}, not over"),
    "incident.lasted": ("kéo dài {duration}", "lasted {duration}"),
    "incident.list": ("Các cổng trong sự cố này", "Portals in this incident"),
    "incident.shared": ("Nguyên nhân chung", "What they share"),
    "incident.what": ("Chuyện gì đã xảy ra", "What happened"),
    "incident.since": ("Bắt đầu", "Since"),
    "incident.until": ("Kết thúc", "Until"),
    "incident.downtime": ("Thời gian gián đoạn", "Downtime"),
    "incident.fault": ("Lỗi", "Fault"),
    "incident.phase": ("Giai đoạn", "Phase"),
    "incident.address": ("Địa chỉ máy chủ", "Address"),
    "incident.via": ("{address} (IPv{family})", "{address} (IPv{family})"),
    "incident.no_address": ("chưa tới được địa chỉ nào", "no address was reached"),
    "incident.certificate": ("Chứng chỉ", "Certificate"),
    "incident.certificate.said": (
        "cấp cho {subject}, bởi {issuer}, hết hạn {expiry}",
        "for {subject}, by {issuer}, ends {expiry}",
    ),
    "incident.good": ("Lượt đo đạt gần nhất trước đó", "Last good look before"),
    "incident.no_good": ("chưa biết lượt nào", "none is known"),
    "incident.references": ("Điểm tham chiếu", "References"),
    "incident.references.seen": (
        "Trạm đo nhìn thấy mạng: không lượt đo nào trong số này bị loại.",
        "The prober could see: none of these looks was set aside.",
    ),
    "incident.looks": ("Các lượt đo xác nhận", "Looks that confirmed it"),
    "incident.look": ("lượt {attempt}", "look {attempt}"),
    "incident.hops": ("Chuỗi chuyển hướng", "Redirects"),
    "incident.hop.none": ("không có câu trả lời", "no answer"),
    "incident.picture": ("Ảnh chụp trang {time}", "Picture of the page, {time}"),
    "incident.pictures": ("Ảnh chụp", "Pictures"),
    "incident.course": ("Diễn biến", "Course"),
    "incident.notes": ("Ghi nhận và ghi chú", "Acknowledgements and comments"),
    "incident.no_notes": (
        "Chưa ai ghi nhận. Lệnh: portal-monitor incident ack {id} --by TÊN",
        "Nobody has acknowledged it. Command: portal-monitor incident ack {id} --by NAME",
    ),
    "incident.told": ("Thông báo", "Messages"),
    "incident.not_told": ("Không có thông báo nào.", "No message was written."),
    "incident.reminder": ("nhắc lại lần {n}", "reminder {n}"),
    "incident.all": ("Tất cả sự cố", "All incidents"),
    "note.acknowledged": ("{by} đã ghi nhận", "{by} acknowledged it"),
    "note.commented": ("{by} ghi chú", "{by} commented"),
    "fate.waiting": ("đang chờ gửi", "waits to be sent"),
    "fate.accepted": ("đã nhận lúc {time}", "accepted at {time}"),
    "fate.expired": ("quá hạn, không gửi", "given up, too old"),
    "fate.superseded": ("được thay bằng tin mới hơn", "replaced by a newer one"),
}

_KIND_TEXTS = {
    "incident.outage": ("Gián đoạn", "Outage"),
    "incident.degraded": ("Suy giảm", "Degraded"),
    "incident.flapping": ("Chập chờn", "Flapping"),
    "incident.blind": ("Trạm đo không quan sát được", "The prober cannot see"),
    "shared.dependency": ("cùng phụ thuộc {value}", "all depend on {value}"),
    "shared.platform": ("cùng nền tảng {value}", "all run on {value}"),
    "shared.name_server": ("cùng máy chủ tên miền {value}", "all use the name server {value}"),
    "shared.issuer": ("cùng tổ chức cấp chứng chỉ {value}", "all have certificates of {value}"),
    "shared.address": ("cùng địa chỉ {value}", "all are at {value}"),
    "ending.recovered": ("hoạt động lại", "up again"),
    "ending.maintenance": ("chuyển sang bảo trì", "went into maintenance"),
    "ending.flapping": ("bắt đầu chập chờn", "began to flap"),
    "ending.worse": ("chuyển thành gián đoạn", "became an outage"),
    "ending.better": ("hoạt động lại nhưng suy giảm", "answers again, degraded"),
    "ending.removed": ("không còn được theo dõi", "is judged no more"),
}

_MESSAGE_TEXTS = {
    "say.outage.opened": ("{name} bị gián đoạn", "{name} is down"),
    "say.outage.joined": ("{name} cũng bị gián đoạn ({n} cổng)", "{name} is down as well ({n} portals)"),
    "say.degraded.opened": ("{name} bị suy giảm", "{name} is degraded"),
    "say.degraded.joined": ("{name} cũng bị suy giảm ({n} cổng)", "{name} is degraded as well ({n} portals)"),
    "say.flapping.opened": ("{name} chập chờn", "{name} keeps changing"),
    "say.blind.opened": ("Trạm đo {location} không quan sát được", "The prober {location} cannot see"),
    "say.recovered": ("{name} hoạt động lại sau {duration}", "{name} is up again after {duration}"),
    "say.maintenance": ("{name} chuyển sang bảo trì", "{name} went into maintenance"),
    "say.better": ("{name} trả lời lại nhưng suy giảm", "{name} answers again, degraded"),
    "say.removed": ("{name} không còn được theo dõi", "{name} is judged no more"),
    "say.steady.up": ("{name} hết chập chờn, đang hoạt động", "{name} is steady again, and up"),
    "say.steady.down": ("{name} hết chập chờn, đang gián đoạn", "{name} is steady again, and down"),
    "say.steady.other": ("{name} hết chập chờn", "{name} is steady again"),
    "say.sees": ("Trạm đo {location} quan sát lại được sau {duration}", "The prober {location} sees again, {duration}"),
    "say.reminder": ("Nhắc lại: {what}, đã {duration}", "Reminder: {what}, for {duration}"),
    "say.many": ("{n} tin: {first}", "{n} messages: {first}"),
    "say.late": (
        "Tin đến muộn: chuyện xảy ra lúc {time}, cách đây {duration}.",
        "This message is late: it happened at {time}, {duration} ago.",
    ),
    "say.id": ("Mã sự cố", "Incident"),
    "say.page": ("Chi tiết", "Details"),
    "say.portals": ("Các cổng", "Portals"),
    "say.look": ("lượt {attempt} lúc {time}: {result}", "look {attempt} at {time}: {result}"),
}

INCIDENT_TEXTS: Mapping[str, tuple[str, str]] = {**_PAGE_TEXTS, **_KIND_TEXTS, **_MESSAGE_TEXTS}
"""Key to (Vietnamese, English), as in ``words.py``."""
