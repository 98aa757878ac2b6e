"""Texts of the dashboards of mobile rendering."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_VITALS: dict[str, tuple[str, str, str]] = {
    "fcp_seconds": ("FCP", "Chữ hay hình đầu tiên hiện ra sau bao lâu", "How long until the first text or image"),
    "lcp_seconds": ("LCP", "Phần nội dung lớn nhất hiện ra sau bao lâu", "How long until the largest text or image"),
    "speed_index_seconds": (
        "Speed Index",
        "Màn hình đầu tiên đầy dần nhanh đến đâu",
        "How soon the first screen fills",
    ),
    "tbt_seconds": (
        "TBT",
        "Trang không phản ứng trong bao lâu khi tải",
        "How long the page does not react while loading",
    ),
    "cls": ("CLS", "Nội dung tự xê dịch nhiều đến đâu", "How far content moves by itself"),
}


def _vital_texts() -> Iterator[tuple[str, tuple[str, str]]]:
    for name, (full, vi, en) in _VITALS.items():
        short = "SI" if name == "speed_index_seconds" else full  # narrow panels
        yield f"mobile.within_limit_{name}", (f"{short} đạt", f"{short} in limit")
        yield (
            f"mobile.within_limit_{name}.why",
            (f"{vi}: phần số cổng dưới giới hạn của tiêu chí. Tốt: từ {{within_limit}} %.",
             f"{en}: share of portals within the criterion's limit. Good: {{within_limit}} % and more."),
        )  # fmt: skip
        yield f"mobile-history.now_{name}", (f"{short} p75",) * 2
        yield (
            f"mobile-history.now_{name}.why",
            (f"{vi}: phân vị 75 của cả khoảng thời gian. Xanh: tốt; cam: trong giới hạn; đỏ: vượt.",
             f"{en}: 75th percentile of the whole range. Green: good; orange: within the limit; red: beyond it."),
        )  # fmt: skip
        for dashboard in ("mobile", "mobile-history"):
            yield f"{dashboard}.{name}", (f"{full} theo thời gian", f"{full} over time")
            yield (
                f"{dashboard}.{name}.why",
                (f"{vi}, trên các cổng đang chọn. Đường gạch cam: mức tốt; đường gạch đỏ: giới hạn của tiêu chí.",
                 f"{en}, over the chosen portals. Dashed orange: good below; dashed red: the criterion's limit."),
            )  # fmt: skip


_SHARED_TEXTS: dict[str, tuple[str, str]] = {
    "measured": ("Số đo", "Measured"),
    "weight": ("Dung lượng theo loại", "Weight by type"),
    "weight.why": (
        "Số byte tải về trong lần đầu vào trang, trung bình các cổng đang chọn. Nhẹ hơn thì nhanh hơn trên 4G chậm.",
        "Bytes of a first visit, mean of the chosen portals. Lighter is faster on slow 4G.",
    ),
    "table": ("Từng cổng", "Portals"),
    "compared": ("So sánh thiết bị", "Devices compared"),
    "devices": ("LCP theo thiết bị", "LCP by device"),
    "devices.why": (
        "Trung vị LCP theo cấu hình thiết bị và trang: điện thoại giả lập 4G chậm, điện thoại thật, máy bàn.",
        "Median LCP by device profile and page: a phone on slow 4G, a real one, a desk.",
    ),
}

MOBILE_TEXTS: dict[str, tuple[str, str]] = {
    **dict(_vital_texts()),
    **{f"mobile.{key}": texts for key, texts in _SHARED_TEXTS.items()},
    **{f"mobile-history.{key}": texts for key, texts in _SHARED_TEXTS.items()},
    "mobile.title": ("Hiển thị trên điện thoại", "Mobile rendering"),
    "mobile.question": (
        "Trang hiện ra nhanh và dễ dùng đến đâu trên điện thoại, so với giới hạn của các tiêu chí?",
        "How fast and how mobile-friendly are pages on a phone, against the limits of the criteria?",
    ),
    "mobile-history.title": ("Hiển thị trên điện thoại, dài hạn", "Mobile rendering, long term"),
    "mobile-history.question": (
        (
            "Đọc từ InfluxDB, cho các khoảng thời gian Prometheus không còn giữ. Độ mịn: từng lượt (100 ngày), "
            "giờ (2 năm) hay ngày (mãi mãi, trung bình của ngày)."
        ),
        (
            "From InfluxDB, for ranges that Prometheus no longer holds. Resolution: single results (100 days), hours "
            "(2 years) or days (for ever, the mean of each day)."
        ),
    ),
    "mobile.compared.why": (
        "Trung vị trang chủ các cổng đang chọn, lần hiển thị gần nhất, mỗi thiết bị một dòng. Màu theo giới hạn.",
        "Median of the chosen portals' home pages at their latest rendering, a row for each device. Colours by limits.",
    ),
    "mobile-history.compared.why": (
        "Trung vị trang chủ các cổng đang chọn trong cả khoảng thời gian, mỗi thiết bị một dòng. Màu theo giới hạn.",
        "Median of the chosen portals' home pages over the whole range, a row for each device. Colours by limits.",
    ),
    "column.device": ("Thiết bị", "Device"),
    "device.mobile": ("điện thoại, 4G chậm", "phone on slow 4G"),
    "device.mobile-real": ("điện thoại, mạng của trạm", "phone, own network"),
    "device.desktop": ("máy bàn", "desk"),
    "mobile.measured.why": ("Số cổng có lần hiển thị gần đây.", "Portals with a recent rendering."),
    "mobile-history.measured.why": (
        (
            "Số điểm trong khoảng thời gian: lần hiển thị, giờ hoặc ngày có hiển thị, tùy độ mịn. "
            "Ít thì các phân vị không chắc."
        ),
        "Points in the range: renderings, hours or days with some, by resolution. With few, percentiles are unsure.",
    ),
    "mobile.table.why": (
        "Lần hiển thị gần nhất của từng cổng. Màu theo giới hạn của tiêu chí; bấm vào tên để xem cổng.",
        "The latest rendering of each portal. Colours by the criteria's limits; click a name to open the portal.",
    ),
    "mobile-history.table.why": (
        "Phân vị 75 của từng cổng trong khoảng thời gian, như bộ tiêu chí tính. Màu theo giới hạn.",
        "75th percentile of each portal over the range, as the rubrics take it. Colours by the limits.",
    ),
    "mobile.mobile_friendliness": ("Dễ dùng trên điện thoại", "Mobile friendliness"),
    "mobile.mobile_friendliness.why": (
        "Trung bình các cổng đang chọn. Tốt: từ {mobile_friendly} %.",
        "Mean over the chosen portals. Good: {mobile_friendly} % and more.",
    ),
    "mobile_friendly.viewport": ("vừa màn hình", "adapts its width"),
    "mobile_friendly.overflow": ("không cuộn ngang", "no sideways scroll"),
    "mobile_friendly.legible": ("chữ đọc được", "legible text"),
    "mobile_friendly.tap": ("nút bấm đủ lớn", "targets to tap"),
    "mobile_friendly.zoom": ("cho phép phóng to", "may be enlarged"),
    "mobile_friendly.lang": ("khai báo ngôn ngữ", "names its language"),
    "mobile.distribution": ("Phân bố LCP trên các cổng", "LCP over portals"),
    "mobile.distribution.why": (
        "Có bao nhiêu cổng ở mỗi khoảng LCP. Tốt: phần lớn nằm bên trái, dưới giới hạn.",
        "How many portals have which LCP. Good: most of them at the left, below the limit.",
    ),
    "mobile.requests": ("Yêu cầu và lỗi", "Requests and errors"),
    "mobile.requests.why": (
        "Trung bình mỗi lần tải: số yêu cầu, yêu cầu hỏng, lỗi trên console.",
        "Mean of a load: requests, failed ones, errors on the console.",
    ),
    "legend.requests": ("yêu cầu", "requests"),
    "legend.requests_failed": ("yêu cầu hỏng", "failed requests"),
    "legend.console_errors": ("lỗi console", "console errors"),
    "type.html": ("HTML", "HTML"),
    "type.script": ("script", "scripts"),
    "type.style": ("CSS", "style sheets"),
    "type.image": ("hình ảnh", "images"),
    "type.font": ("phông chữ", "fonts"),
    "type.other": ("khác", "other"),
}
"""Key to (Vietnamese, English), merged into TEXTS."""
