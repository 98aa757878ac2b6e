"""Texts of the dashboards of the performance score."""

from __future__ import annotations

SCORE_TEXTS: dict[str, tuple[str, str]] = {
    "score.title": ("Điểm hiệu năng: quý này có an toàn?", "Performance score: is the quarter safe?"),
    "score.question": (
        "Từ số đo tới giới hạn tới điểm: điểm nào được, điểm nào mất, xếp loại sẽ ra sao nếu quý kết thúc hôm nay.",
        "From metric to limit to points: which are won, which are lost, and the grade if the quarter ended today.",
    ),
    "score-history.title": ("Điểm hiệu năng, dài hạn", "Performance score, long term"),
    "score-history.question": (
        (
            "Điểm đọc từ InfluxDB, cho các khoảng thời gian Prometheus không còn giữ. Độ mịn: điểm cuối mỗi ngày "
            "(mãi mãi) hay từng giờ (100 ngày)."
        ),
        (
            "The score from InfluxDB, for ranges that Prometheus no longer holds. Resolution: the last score of each "
            "day (for ever) or every hour (100 days)."
        ),
    ),
    "score.points": ("Điểm đạt được", "Points won"),
    "score.points.why": (
        "Tổng điểm theo bộ tiêu chí và kỳ đang chọn, chỉ tính tiêu chí đã có đủ số liệu.",
        "Total under the chosen rubric and window, of criteria that have enough data.",
    ),
    "score.points.none": ("Chưa đủ số liệu", "Not enough data"),
    "score.possible": ("Trên tổng", "Out of"),
    "score.possible.why": (
        "Số điểm tối đa mà các tiêu chí đã có số liệu có thể cho.",
        "The most that the criteria with data could give.",
    ),
    "score.possible.none": ("Chưa đủ số liệu", "Not enough data"),
    "score.ratio": ("Tỷ lệ điểm", "Share won"),
    "score.ratio.why": (
        "Điểm đạt được trên điểm có thể đạt. Màu theo các mức xếp loại.",
        "Points won of those possible. Colours by the bands of grades.",
    ),
    "score.ratio.none": ("Chưa đủ số liệu", "Not enough data"),
    "score.grade": ("Sẽ xếp loại", "Grade so far"),
    "score.grade.why": (
        (
            "Xếp loại nếu mọi nhóm tiêu chí đều như nhóm hiệu năng; không phải xếp loại chính thức. "
            "Bộ tiêu chí không chia mức thì để trống."
        ),
        "The grade if all pillars were like this one; never an official grade. Empty for rubrics without bands.",
    ),
    "score.grade.none": ("Không xếp loại", "No grades"),
    "score.change": ("7 ngày qua", "In 7 days"),
    "score.change.why": (
        "Tỷ lệ điểm tăng hay giảm so với bảy ngày trước. An toàn: không âm.",
        "How the share of points moved within seven days. Safe: not negative.",
    ),
    "score.change.none": ("Chưa đủ 7 ngày", "Not 7 days yet"),
    "score.coverage": ("Độ phủ", "Coverage"),
    "score.coverage.why": (
        "Tiêu chí ít số liệu nhất đã thấy được bao nhiêu phần. Dưới {min_coverage} % thì tiêu chí không được chấm.",
        "How much of what was due the criterion with least data has. Below {min_coverage} % it is not scored.",
    ),
    "score.coverage.none": ("Chưa đủ số liệu", "Not enough data"),
    "score.map": ("Bản đồ điểm: số đo, giới hạn, điểm", "The map: metric, limit, points"),
    "score.map.why": (
        (
            "Mỗi tiêu chí một dòng: số đo của kỳ, từ đâu được trọn điểm, từ đâu không còn điểm, điểm đạt và mất. "
            "Mất nhiều nhất ở trên."
        ),
        (
            "A row for each criterion: the value of the window, where all points are earned, where none, points won "
            "and lost. The greatest loss first."
        ),
    ),
    "score.map.none": ("Chưa có tiêu chí nào đủ số liệu", "No criterion has enough data"),
    "score-history.map": ("Bản đồ điểm: số đo, giới hạn, điểm", "The map: metric, limit, points"),
    "score-history.map.why": (
        "Như bản đồ điểm, tại điểm cuối của khoảng thời gian. Phần điểm thấp nhất ở trên.",
        "The map as it was at the end of the range. The lowest share of points first.",
    ),
    "score.lost": ("Điểm được và mất theo tiêu chí", "Points won and lost by criterion"),
    "score.lost.why": (
        "Xanh: điểm đạt; đỏ: điểm mất. Phần đỏ dài nhất là chỗ đáng sửa trước.",
        "Green: won; red: lost. The longest red part is what to mend first.",
    ),
    "score.trend": ("Tỷ lệ điểm theo thời gian", "Share of points over time"),
    "score.trend.why": (
        (
            "Quý đến nay và 30 ngày gần nhất. Đường gạch là ranh giới các mức xếp loại. "
            "30 ngày nằm dưới quý nghĩa là đang xấu đi."
        ),
        (
            "The quarter to date and the last 30 days. Dashed: limits of grades. 30 days below the quarter: it is "
            "getting worse."
        ),
    ),
    "score.formulas": ("Các cách tính cạnh nhau", "Formulas side by side"),
    "score.formulas.why": (
        "Cùng một cổng dưới mọi bộ tiêu chí, cũ và mới.",
        "The same portal under every rubric, old and new.",
    ),
    "score.ranking": ("Xếp hạng", "Ranking"),
    "score.ranking.why": (
        "Mọi cổng trong loại và nhóm đang chọn, theo tỷ lệ điểm. Độ phủ thấp thì thứ hạng chưa chắc.",
        "All portals of the chosen kind and group by their share of points. With low coverage a rank is unsure.",
    ),
    "score-history.ranking": ("Xếp hạng", "Ranking"),
    "score-history.ranking.why": (
        "Mọi cổng trong loại và nhóm đang chọn, tại điểm cuối của khoảng thời gian.",
        "All portals of the chosen kind and group, at the end of the range.",
    ),
    "score.grades": ("Số cổng theo mức", "Portals by grade"),
    "score.grades.why": (
        "Có bao nhiêu cổng nằm trong mỗi mức, nếu các nhóm tiêu chí khác cũng như nhóm này.",
        "How many portals are in each band, if all other pillars were like this one.",
    ),
    "score.low_coverage": ("Độ phủ thấp nhất", "Lowest coverage"),
    "score.low_coverage.why": (
        "Mười hai cổng thiếu số liệu nhất. Dưới {min_coverage} % thì tiêu chí không được chấm.",
        "The twelve portals with least data. Below {min_coverage} % a criterion is not scored.",
    ),
    "score-history.criteria": ("Phần điểm từng tiêu chí theo thời gian", "Share of each criterion's points over time"),
    "score-history.criteria.why": (
        "Tiêu chí nào mất điểm, từ lúc nào. 100 % là trọn điểm.",
        "Which criterion lost points, and since when. 100 % is all of them.",
    ),
    "window.quarter": ("quý đến nay", "quarter to date"),
    "window.30d": ("30 ngày", "30 days"),
    "grade.is": ("Loại {grade}", "Grade {grade}"),
    "column.criterion": ("Tiêu chí", "Criterion"),
    "column.value": ("Số đo", "Value"),
    "column.limit": ("Trọn điểm", "All from"),
    "column.zero": ("Hết điểm", "None from"),
    "column.points": ("Điểm", "Points"),
    "column.possible": ("Tối đa", "Of"),
    "column.lost": ("Mất", "Lost"),
    "column.won": ("Đạt", "Won"),
    "column.share": ("Phần điểm", "Share"),
    "column.ratio": ("Tỷ lệ", "Ratio"),
    "column.coverage": ("Độ phủ", "Coverage"),
}
"""Key to (Vietnamese, English), merged into TEXTS."""
