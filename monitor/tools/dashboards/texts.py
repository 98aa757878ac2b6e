"""Texts of the dashboards in Vietnamese and English; the texts of each dashboard are in a file of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitor.tools.dashboards.texts_fleet import FLEET_TEXTS
from monitor.tools.dashboards.texts_mobile import MOBILE_TEXTS
from monitor.tools.dashboards.texts_portal import PORTAL_TEXTS
from monitor.tools.dashboards.texts_prober import PROBER_TEXTS
from monitor.tools.dashboards.texts_score import SCORE_TEXTS
from monitor.tools.dashboards.thresholds import fill_placeholders

if TYPE_CHECKING:
    from collections.abc import Mapping

LANGUAGES = ("vi", "en")
"""The order of the texts below."""

_COMMON_TEXTS: dict[str, tuple[str, str]] = {
    "none": ("Chưa có số liệu", "No data yet"),
    "unit.days": ("suffix: ngày", "suffix: days"),
    "link.dashboards": ("Các bảng khác", "Other dashboards"),
    "link.portal": ("Xem cổng này", "Open this portal"),
    "link.mobile": ("Xem hiển thị trên điện thoại", "Open mobile rendering"),
    "link.score": ("Xem điểm của cổng này", "Open this portal's score"),
    "link.status": ("Trang trạng thái và ảnh chụp màn hình", "Status page and screenshots"),
    "variable.prometheus": ("Nguồn Prometheus", "Prometheus"),
    "variable.influxdb": ("Độ mịn", "Resolution"),
    "variable.influxdb_raw": ("Từng lượt đo", "Single results"),
    "variable.influxdb_daily": ("Số liệu ngày", "Daily values"),
    "variable.status_page": ("Trang trạng thái", "Status page"),
    "variable.step": ("Bước", "Step"),
    "variable.kind": ("Loại", "Kind"),
    "variable.group": ("Nhóm", "Group"),
    "variable.portal": ("Cổng", "Portal"),
    "variable.location": ("Trạm đo", "Location"),
    "variable.instance": ("Tiến trình", "Daemon"),
    "variable.check": ("Thiết bị", "Device"),
    "variable.rubric": ("Bộ tiêu chí", "Rubric"),
    "variable.window": ("Kỳ", "Window"),
    "annotation.outage": ("Ngừng hoạt động", "Outages"),
    "annotation.maintenance": ("Bảo trì", "Maintenance"),
    "annotation.config": ("Nạp cấu hình", "Configuration"),
    "annotation.config_is": ("Đã nạp cấu hình mới", "New configuration"),
    "annotation.rubric": ("Đổi bộ tiêu chí", "Rubric changes"),
    "annotation.self_check": ("Trạm đo tự kiểm tra thất bại", "Self-check failed"),
    "state.up": ("hoạt động", "up"),
    "state.down": ("ngừng", "down"),
    "state.degraded": ("suy giảm", "degraded"),
    "state.maintenance": ("bảo trì", "maintenance"),
    "state.unknown": ("chưa rõ", "unknown"),
    "prober_status.ok": ("bình thường", "ok"),
    "prober_status.self_check_failed": ("tự kiểm tra thất bại", "self-check failed"),
    "prober_status.not_probing": ("không đo", "not probing"),
    "status.ok": ("tốt", "ok"),
    "status.rejected": ("bị từ chối", "rejected"),
    "status.unreachable": ("mất kết nối", "unreachable"),
    "count.none": ("không có", "none"),
    "probe.ok": ("đạt", "good"),
    "probe.failed": ("hỏng", "failed"),
    "code.good": ("tốt", "good"),
    "code.client": ("bị chặn", "refused"),
    "code.server": ("lỗi máy chủ", "server error"),
    "outcome.up": ("Đạt", "Up"),
    "outcome.down": ("Hỏng", "Down"),
    "outcome.unknown": ("Không đo được", "Unknown"),
    "legend.q50": ("trung vị", "median"),
    "legend.q75": ("phân vị 75", "p75"),
    "legend.q95": ("phân vị 95", "p95"),
    "legend.q99": ("phân vị 99", "p99"),
    "vital.fcp_seconds": ("FCP", "FCP"),
    "vital.lcp_seconds": ("LCP", "LCP"),
    "vital.speed_index_seconds": ("Speed Index", "Speed Index"),
    "vital.tbt_seconds": ("TBT", "TBT"),
    "vital.cls": ("CLS", "CLS"),
    "vital.longest_task_seconds": ("Tác vụ dài nhất", "Longest task"),
    "vital.bytes_total": ("Dung lượng", "Weight"),
    "column.portal": ("Cổng", "Portal"),
    "column.id": ("Mã", "Id"),
    "column.state": ("Trạng thái", "State"),
    "column.fault": ("Lỗi", "Fault"),
    "column.since": ("Từ lúc", "Since"),
}

TEXTS: Mapping[str, tuple[str, str]] = (
    _COMMON_TEXTS | FLEET_TEXTS | PORTAL_TEXTS | MOBILE_TEXTS | SCORE_TEXTS | PROBER_TEXTS
)


class DashboardTexts:
    """Texts in one language."""

    def __init__(self, language: str) -> None:
        self.language = language
        self._index = LANGUAGES.index(language)

    def __call__(self, key: str) -> str:
        """Return the text of *key* with its placeholders filled in. Raises KeyError for an unknown key."""
        return fill_placeholders(TEXTS[key][self._index], self.language)

    def no_value(self, key: str) -> str:
        """Return the no-data text of a panel."""
        return self(f"{key}.none" if f"{key}.none" in TEXTS else "none")
