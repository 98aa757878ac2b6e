"""The words for pictures and figures of rendered pages, in Vietnamese and English; a part of words.py."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

PAGE_METRIC_TEXTS: Mapping[str, tuple[str, str]] = {
    "film": ("Trang hiện ra như thế nào", "How the page came up"),
    "film.of": ("Lần đo {time}", "Look of {time}"),
    "film.failure": ("lưu vì lượt đo lỗi", "kept because the look failed"),
    "film.change": ("lưu vì trang thay đổi", "kept because the page changed"),
    "film.daily": ("ảnh trong ngày", "picture of the day"),
    "film.shot": ("Màn hình sau {time}", "The screen after {time}"),
    "film.last": ("Màn hình khi kết thúc", "The screen in the end"),
    "film.earlier": ("Những lần trước", "Earlier ones"),
    "fault.not_rendered": ("Trang không hiện ra", "The page does not come up"),
    "fault.crashed": ("Trang làm hỏng trình duyệt", "The page crashes the browser"),
    "render.charted": ("Nội dung lớn nhất (LCP), 24 giờ qua", "Largest content (LCP), last 24 hours"),
    "render.fcp": ("Nội dung đầu tiên (FCP)", "First content (FCP)"),
    "render.lcp": ("Nội dung lớn nhất (LCP)", "Largest content (LCP)"),
    "render.speed_index": ("Chỉ số tốc độ", "Speed Index"),
    "render.tbt": ("Thời gian bị chặn (TBT)", "Blocking time (TBT)"),
    "render.longest_task": ("Tác vụ dài nhất", "Longest task"),
    "render.ttfb": ("Byte đầu tiên (TTFB)", "First byte (TTFB)"),
    "render.dcl": ("DOMContentLoaded", "DOMContentLoaded"),
    "render.load": ("Tải xong", "Load event"),
    "render.main_thread": ("Luồng chính bận", "Main thread busy"),
    "render.cls": ("Độ xê dịch bố cục (CLS)", "Layout shift (CLS)"),
    "render.bytes_total": ("Dung lượng trang", "Page weight"),
    "render.bytes_script": ("Trong đó mã lệnh", "Of it scripts"),
    "render.bytes_image": ("Trong đó hình ảnh", "Of it images"),
    "render.bytes_decoded": ("Sau giải nén", "Decoded"),
    "render.requests": ("Số yêu cầu", "Requests"),
    "render.requests_failed": ("Yêu cầu lỗi", "Failed requests"),
    "render.console_errors": ("Lỗi trong bảng điều khiển", "Console errors"),
    "render.third_party_ratio": ("Dữ liệu của bên thứ ba", "From third parties"),
    "render.text_legible_ratio": ("Chữ đủ lớn (từ 12 px)", "Legible text (12 px and up)"),
    "render.tap_24_ratio": ("Nút chạm được (24 px)", "Tap targets (24 px)"),
    "render.tap_48_ratio": ("Nút chạm được (48 px)", "Tap targets (48 px)"),
    "render.overflow_360_px": ("Tràn ngang ở 360 px", "Overflow at 360 px"),
    "render.overflow_412_px": ("Tràn ngang ở 412 px", "Overflow at 412 px"),
    "render.viewport_ok": ("Khai báo khung nhìn", "Viewport declared"),
    "render.zoom_ok": ("Cho phép phóng to", "Zooming allowed"),
    "render.lang_ok": ("Khai báo ngôn ngữ", "Language declared"),
    "render.profile": ("Thiết bị giả lập", "Device"),
}
"""Key to (Vietnamese, English), as in words.py."""
