"""Every text of the dashboards, Vietnamese and English side by side; those of one dashboard stand in a file each."""

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
    "link.status": ("Trang trạng thái và bằng chứng", "Status page and evidence"),
    "variable.prometheus": ("Nguồn Prometheus", "Prometheus"),
    "variable.influxdb": ("Độ mịn", "Resolution"),
    "variable.influxdb_raw": ("Từng lượt đo", "Single looks"),
    "variable.influxdb_daily": ("Số liệu ngày", "Figures of days"),
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
    "mark.outage": ("Ngừng hoạt động", "Outages"),
    "mark.maintenance": ("Bảo trì", "Maintenance"),
    "mark.config": ("Nạp cấu hình", "Configuration"),
    "mark.config_is": ("Đã nạp cấu hình mới", "New configuration"),
    "mark.rubric": ("Đổi bộ tiêu chí", "Rubric changes"),
    "mark.blind": ("Trạm đo không nhìn thấy", "Prober blind"),
    "state.up": ("hoạt động", "up"),
    "state.down": ("ngừng", "down"),
    "state.degraded": ("suy giảm", "degraded"),
    "state.maintenance": ("bảo trì", "maintenance"),
    "state.unknown": ("chưa rõ", "unknown"),
    "light.good": ("nhìn rõ", "sees"),
    "light.blind": ("không thấy", "blind"),
    "light.silent": ("đứng yên", "stopped"),
    "light.fine": ("tốt", "fine"),
    "light.refused": ("bị từ chối", "refused"),
    "light.away": ("mất kết nối", "away"),
    "count.none": ("không có", "none"),
    "look.good": ("đạt", "good"),
    "look.bad": ("hỏng", "failed"),
    "code.good": ("tốt", "good"),
    "code.client": ("bị chặn", "refused"),
    "code.server": ("lỗi máy chủ", "server error"),
    "outcome.up": ("Đạt", "Up"),
    "outcome.down": ("Hỏng", "Down"),
    "outcome.void": ("Không nhìn thấy", "Not seen"),
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
        """The text behind ``key``, with borders in it as they are. Raises KeyError where there is none."""
        return fill_placeholders(TEXTS[key][self._index], self.language)

    def no_value(self, key: str) -> str:
        """What a panel says when it has nothing to show."""
        return self(f"{key}.none" if f"{key}.none" in TEXTS else "none")
