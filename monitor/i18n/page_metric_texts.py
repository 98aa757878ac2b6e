"""Texts for screenshots and metrics of rendered pages, in Vietnamese and English; part of page_texts.py."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

PAGE_METRIC_TEXTS: Mapping[str, tuple[str, str]] = {
    "filmstrip": ("Trang hiện ra như thế nào", "How the page came up"),
    "filmstrip.taken_at": ("Lần đo {time}", "Probe of {time}"),
    "filmstrip.failure": ("lưu vì lượt đo lỗi", "kept because the attempt failed"),
    "filmstrip.change": ("lưu vì trang thay đổi", "kept because the page changed"),
    "filmstrip.daily": ("ảnh trong ngày", "screenshot of the day"),
    "filmstrip.frame": ("Màn hình sau {time}", "The screen after {time}"),
    "filmstrip.final": ("Màn hình khi kết thúc", "Final screenshot"),
    "filmstrip.earlier": ("Những lần trước", "Earlier ones"),
    "fault.not_rendered": ("Trang không hiện ra", "The page does not come up"),
    "fault.crashed": ("Trang làm hỏng trình duyệt", "The page crashes the browser"),
    "page_metric.chart": ("Nội dung lớn nhất (LCP), 24 giờ qua", "Largest content (LCP), last 24 hours"),
    "page_metric.fcp": ("Nội dung đầu tiên (FCP)", "First content (FCP)"),
    "page_metric.lcp": ("Nội dung lớn nhất (LCP)", "Largest content (LCP)"),
    "page_metric.speed_index": ("Chỉ số tốc độ", "Speed Index"),
    "page_metric.tbt": ("Thời gian bị chặn (TBT)", "Blocking time (TBT)"),
    "page_metric.longest_task": ("Tác vụ dài nhất", "Longest task"),
    "page_metric.ttfb": ("Byte đầu tiên (TTFB)", "First byte (TTFB)"),
    "page_metric.dcl": ("DOMContentLoaded", "DOMContentLoaded"),
    "page_metric.load": ("Tải xong", "Load event"),
    "page_metric.main_thread": ("Luồng chính bận", "Main thread busy"),
    "page_metric.cls": ("Độ xê dịch bố cục (CLS)", "Layout shift (CLS)"),
    "page_metric.bytes_total": ("Dung lượng trang", "Page weight"),
    "page_metric.bytes_script": ("Trong đó mã lệnh", "Of it scripts"),
    "page_metric.bytes_image": ("Trong đó hình ảnh", "Of it images"),
    "page_metric.bytes_decoded": ("Sau giải nén", "Decoded"),
    "page_metric.requests": ("Số yêu cầu", "Requests"),
    "page_metric.requests_failed": ("Yêu cầu lỗi", "Failed requests"),
    "page_metric.console_errors": ("Lỗi trong bảng điều khiển", "Console errors"),
    "page_metric.third_party_ratio": ("Dữ liệu của bên thứ ba", "From third parties"),
    "page_metric.text_legible_ratio": ("Chữ đủ lớn (từ 12 px)", "Legible text (12 px and up)"),
    "page_metric.tap_24_ratio": ("Nút chạm được (24 px)", "Tap targets (24 px)"),
    "page_metric.tap_48_ratio": ("Nút chạm được (48 px)", "Tap targets (48 px)"),
    "page_metric.overflow_360_px": ("Tràn ngang ở 360 px", "Overflow at 360 px"),
    "page_metric.overflow_412_px": ("Tràn ngang ở 412 px", "Overflow at 412 px"),
    "page_metric.viewport_ok": ("Khai báo khung nhìn", "Viewport declared"),
    "page_metric.zoom_ok": ("Cho phép phóng to", "Zooming allowed"),
    "page_metric.lang_ok": ("Khai báo ngôn ngữ", "Language declared"),
    "page_metric.profile": ("Thiết bị giả lập", "Device"),
}
"""Key to (Vietnamese, English), part of ``TEXTS``."""
