"""Texts of scores in both languages; ``explain.py`` builds sentences from them."""

from __future__ import annotations

from monitor.scoring.results import CriterionStatus, ExclusionReason, ScoreStatus
from monitor.scoring.rubric import Aggregate, Basis, Text

AGGREGATE_TEXTS = {
    Aggregate.AVAILABILITY: Text(vi="thời gian hoạt động", en="availability"),
    Aggregate.MEAN: Text(vi="trung bình", en="mean"),
    Aggregate.MEDIAN: Text(vi="trung vị", en="median"),
    Aggregate.P75: Text(vi="bách phân vị 75", en="75th percentile"),
    Aggregate.P95: Text(vi="bách phân vị 95", en="95th percentile"),
    Aggregate.P99: Text(vi="bách phân vị 99", en="99th percentile"),
    Aggregate.MAX: Text(vi="giá trị lớn nhất", en="largest value"),
    Aggregate.SHARE: Text(vi="tỷ lệ lần đo dưới giới hạn", en="share of attempts below the limit"),
    Aggregate.SUCCESS: Text(vi="tỷ lệ lần đo thành công", en="share of successful attempts"),
}

BASIS_TEXTS = {
    Basis.OFFICIAL: Text(vi="theo văn bản chính thức", en="official"),
    Basis.DERIVED: Text(vi="suy ra từ văn bản", en="derived"),
    Basis.ASSUMED: Text(vi="giả định", en="assumed"),
}

RUNNING_TEXT = Text(
    vi="Kỳ này chưa kết thúc: điểm tính đến thời điểm hiện tại.",
    en="This period is not over: these are the scores up to now.",
)

WITHOUT_EXCLUSIONS_TEXT = Text(vi="nếu không loại trừ", en="without exclusions")

BASIS_PART_TEXTS = {
    "limit": Text(vi="giới hạn", en="limit"),
    "metric": Text(vi="chỉ số đo", en="metric"),
    "aggregate": Text(vi="cách tổng hợp", en="aggregate"),
    "points": Text(vi="điểm", en="points"),
}

CRITERION_STATUS_TEXTS = {
    CriterionStatus.SCORED: Text(vi="đã chấm", en="scored"),
    CriterionStatus.INSUFFICIENT: Text(vi="không đủ dữ liệu", en="insufficient data"),
    CriterionStatus.NOT_MEASURED: Text(vi="không đo", en="not measured"),
}

SCORE_STATUS_TEXTS = {
    ScoreStatus.COMPLETE: Text(vi="đã chấm", en="scored"),
    ScoreStatus.PARTIAL: Text(vi="chấm một phần", en="scored in part"),
    ScoreStatus.INSUFFICIENT: Text(vi="không đủ dữ liệu", en="insufficient data"),
    ScoreStatus.NOT_SCORED: Text(vi="không chấm", en="not scored"),
}

EXCLUSION_REASON_TEXTS = {
    ExclusionReason.UNKNOWN: Text(vi="không xác định (lỗi phía giám sát)", en="unknown (prober failure)"),
    ExclusionReason.FAILED: Text(vi="cổng không phản hồi", en="failed attempts"),
    ExclusionReason.CONFIRMING: Text(vi="lần đo xác nhận", en="confirmation attempts"),
    ExclusionReason.OTHER: Text(vi="lượt đo hoặc cấu hình khác", en="another run or profile"),
    ExclusionReason.ABSENT: Text(vi="không có giá trị", en="without a value"),
    ExclusionReason.MAINTENANCE: Text(vi="bảo trì", en="maintenance"),
    ExclusionReason.EXCLUDED: Text(vi="loại trừ đã duyệt", en="approved exclusion"),
    ExclusionReason.STATE_UNKNOWN: Text(vi="không rõ trạng thái", en="state unknown"),
}
