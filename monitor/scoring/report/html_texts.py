"""Texts of the HTML pages in both languages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitor.scoring.rubric import Text

if TYPE_CHECKING:
    from collections.abc import Mapping

_TEXTS = {
    "title": ("Kết quả hiệu năng cổng dịch vụ công", "Performance of public-service portals"),
    "pack": ("Phiếu kết quả của cổng", "Result sheet of the portal"),
    "all": ("Tất cả các cổng", "All portals"),
    "skip": ("Đến nội dung chính", "Skip to the content"),
    "period": ("Kỳ {name}", "Period {name}"),
    "running": ("Kỳ này đang diễn ra: số liệu tạm thời.", "This period is still running: results are provisional."),
    "sealed": ("Đã niêm phong {at} bởi {by}.", "Sealed {at} by {by}."),
    "open": ("Chưa niêm phong: số liệu còn có thể thay đổi.", "Not sealed: results may still change."),
    "differs": (
        "Khác với điểm đã niêm phong ở {n} mục: {list}.",
        "Differs from the sealed scores in {n} places: {list}.",
    ),
    "contents": ("Mục lục", "Contents"),
    "group": ("Nhóm {n}: {of} cổng được đo như nhau", "Group {n}: {of} portals measured alike"),
    "group.why": (
        "Tiêu chí được chấm: {list}. Chỉ so sánh trong nhóm.",
        "Criteria that were scored: {list}. Compared within the group only.",
    ),
    "unranked": ("Không xếp hạng: {n} cổng", "Not ranked: {n} portals"),
    "rank": ("Hạng", "Rank"),
    "rank.of": ("hạng {rank} trên {of}", "rank {rank} of {of}"),
    "shared": ("cùng hạng: {n} cổng", "shared by {n} portals"),
    "portal": ("Cổng", "Portal"),
    "percent": ("Tỷ lệ điểm", "Percent of points"),
    "points": ("Điểm", "Points"),
    "movement": ("So với kỳ trước", "Since the previous period"),
    "previous": ("kỳ trước {percent}, hạng {rank}", "previous: {percent}, rank {rank}"),
    "why": ("Lý do", "Reason"),
    "spread": ("Số cổng theo tỷ lệ điểm (mỗi cột 10 %)", "Portals by percent of points (10 % a column)"),
    "spread.summary": (
        "{n} cổng có điểm; trung vị {median}, cao nhất {max}, thấp nhất {min}.",
        "{n} portals have a score; median {median}, best {max}, lowest {min}.",
    ),
    "spread.none": ("Không cổng nào có điểm trong kỳ này.", "No portal has a score in this period."),
    "means": ("Tỷ lệ điểm trung bình theo tiêu chí", "Mean share of points by criterion"),
    "mean": ("Trung bình", "Mean"),
    "criteria": ("Từng tiêu chí", "Every criterion"),
    "criterion": ("Tiêu chí", "Criterion"),
    "value": ("Giá trị đo được", "Measured"),
    "earned": ("Mức đạt", "Earned"),
    "coverage": ("Độ phủ", "Coverage"),
    "basis": ("Căn cứ", "Basis"),
    "basis.limit": ("giới hạn", "limit"),
    "basis.metric": ("chỉ số đo", "metric"),
    "basis.aggregate": ("tổng hợp", "aggregate"),
    "basis.points": ("điểm", "points"),
    "of": ("{got} trên {of}", "{got} of {of}"),
    "of.measured": ("{got} trên {of} điểm đo được", "{got} of the {of} points that were measured"),
    "of.whole": ("cả bộ tiêu chí có {whole} điểm", "the rubric has {whole} points"),
    "interval": ("Khoảng tin cậy 95 %", "95 % interval"),
    "range": ("{low} đến {high}", "{low} to {high}"),
    "grade": ("Xếp loại nếu mọi nhóm tiêu chí đều như nhóm này", "Grade if all pillars were like this one"),
    "pillar": ("Phần của cả bộ tiêu chí", "Share of the whole set"),
    "pillar.of": ("{points} trên {whole} điểm", "{points} of {whole} points"),
    "without": ("Nếu không có loại trừ", "Without exclusions"),
    "score_bar": ("Vị trí trên thang từ 0 đến 100 %", "Score on a scale of 0 to 100 %"),
    "score_bar.key": (
        "Thanh: tỷ lệ điểm. Vạch ngang: khoảng tin cậy 95 %. Tam giác: kỳ trước. Chữ: mức xếp loại.",
        "Bar: percent of points. Whisker: 95 % interval. Triangle: previous period. Letters: grades.",
    ),
    "trend": ("Diễn biến trong kỳ", "Trend within the period"),
    "trend.none": ("Chưa có đủ dữ liệu để vẽ diễn biến.", "There is not enough data for a trend."),
    "trend.key": ("Nét đứt: cả kỳ trước ({name}).", "Dashed: the whole previous period ({name})."),
    "changes": ("Ba thay đổi nâng điểm nhiều nhất", "The three changes that would raise the score most"),
    "change": ("{title}: từ {value} đến {goal}", "{title}: from {value} to {goal}"),
    "change.gain": (
        "thêm {gain} điểm, tức {percent} điểm phần trăm (từ {now} lên {then} trên {of} điểm)",
        "{gain} points more, which is {percent} percentage points (from {now} to {then} of {of} points)",
    ),
    "below": ("dưới {value}", "below {value}"),
    "changes.none": (
        (
            "Mọi tiêu chí được chấm đã đạt mức mục tiêu (với đường log-chuẩn: mức được 0,9 điểm, từ đó chỉ còn tăng "
            "rất ít)."
        ),
        (
            "Every criterion that was scored is at its goal (of a log-normal curve: where it gives 0.9; little is "
            "left above)."
        ),
    ),
    "changes.why": (
        (
            "Tính bằng chính đường điểm của bộ tiêu chí: tiêu chí đó đạt mục tiêu, các tiêu chí khác giữ nguyên. "
            "Đây là phép tính, không phải dự báo; các giá trị ảnh hưởng lẫn nhau, nên số điểm thêm không cộng dồn "
            "một cách chắc chắn."
        ),
        (
            "By the rubric's own curve: that criterion at its goal, all others as they are. This is arithmetic and "
            "not a forecast; the values depend on each other, so the gains do not necessarily add up."
        ),
    ),
    "explained": ("Giải thích từng tiêu chí", "Every criterion explained"),
    "filmstrip": ("Trang hiện ra như thế nào", "How the page loaded"),
    "filmstrip.at": ("{at} giây", "{at} s"),
    "filmstrip.summary": ("Lần đo lúc {at}, phép đo {check}.", "Probe of {at}, check {check}."),
    "incidents": ("Sự cố", "Incidents"),
    "incidents.none": ("Không có sự cố nào được xác nhận trong kỳ.", "No incident was confirmed in this period."),
    "incidents.sum": (
        "Số sự cố: {n}, tổng cộng {minutes} phút, trong đó {counted} phút bị tính.",
        "Incidents: {n}, minutes in all: {minutes}, of which {counted} count.",
    ),
    "incidents.most": (
        "Dưới đây là {n} sự cố dài nhất; danh sách đầy đủ có trong các tệp xlsx, csv, json.",
        "The {n} longest ones are below; xlsx, csv and json hold them all.",
    ),
    "start": ("Bắt đầu", "Start"),
    "end": ("Kết thúc", "End"),
    "minutes": ("Số phút", "Minutes"),
    "counted": ("Bị tính", "Counted"),
    "fault": ("Nguyên nhân", "Fault"),
    "location": ("Điểm đo", "Location"),
    "number": ("Số sự cố", "Incidents"),
    "longest": ("Dài nhất (phút)", "Longest (minutes)"),
    "exclusions": ("Loại trừ và đính chính", "Exclusions and corrections"),
    "exclusions.none": ("Không có loại trừ nào trong kỳ.", "There are no exclusions in this period."),
    "id": ("Mã", "Id"),
    "portals": ("Cổng", "Portals"),
    "from": ("Từ", "From"),
    "until": ("Đến", "Until"),
    "counts": ("Được tính là", "Counted as"),
    "reason": ("Lý do", "Reason"),
    "approver": ("Người duyệt", "Approver"),
    "short": ("Độ phủ dưới mức tối thiểu", "Coverage below the minimum"),
    "short.none": ("Mọi tiêu chí được đo đều đủ dữ liệu.", "Every measured criterion has enough data."),
    "short.summary": (
        "{n} cặp cổng và tiêu chí không đủ dữ liệu; danh sách đầy đủ trong bảng độ phủ của xlsx và csv.",
        "{n} pairs of portal and criterion have too little data; the coverage tables of xlsx and csv hold them all.",
    ),
    "method": ("Phương pháp và nguồn", "Method and sources"),
    "item": ("Mục", "Item"),
    "description": ("Nội dung", "Description"),
    "sign": ("Xác nhận", "Sign-off"),
    "sign.made": ("Người lập", "Prepared by"),
    "sign.approved": ("Người duyệt", "Approved by"),
    "sign.day": ("Ngày, chữ ký, họ tên", "Day, signature, name"),
    "foot": (
        (
            "Đo từ bên ngoài bằng phép đo tổng hợp; không phải đánh giá chính thức. Kiểm tra tệp: portal-monitor "
            "export verify."
        ),
        (
            "Measured from outside by synthetic probes; not an official evaluation. To check the files: "
            "portal-monitor export "
            "verify."
        ),
    ),
    "zone": ("Mọi giờ theo {zone}.", "All times in {zone}."),
    "empty": (
        "Không có phép đo nào trong kỳ này; không có gì để chấm.",
        "Nothing was measured in this period; there is nothing to score.",
    ),
    "norubric": ("Không có bộ tiêu chí nào có hiệu lực trong kỳ này.", "No rubric is in force in this period."),
    "merged": ("Xem phiếu của {name}.", "See the page of {name}."),
}

REPORT_TEXTS: Mapping[str, Text] = {key: Text(vi=vi, en=en) for key, (vi, en) in _TEXTS.items()}
