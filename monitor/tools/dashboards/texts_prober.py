"""Texts of the dashboard of the prober itself."""

from __future__ import annotations

PROBER_TEXTS: dict[str, tuple[str, str]] = {
    "prober.title": ("Trạm đo: có tin được không?", "Prober: can I trust it?"),
    "prober.question": (
        "Trạm đo tự kiểm tra có đạt, đúng giờ, ghi và gửi được không? Nếu không thì các bảng khác chưa đáng tin.",
        "Does its self-check succeed, is it on time, does it write and deliver? If not, do not trust other dashboards.",
    ),
    "prober.prober_status": ("Tự kiểm tra", "Self-check"),
    "prober.prober_status.why": (
        "Tự kiểm tra của trạm đo có đạt không. «tự kiểm tra thất bại»: mạng, DNS hoặc máy của trạm gặp sự cố.",
        "Whether the self-check succeeds. «self-check failed»: the prober's network, resolver or host has a problem.",
    ),
    "prober.prober_status.none": ("✕ mất tín hiệu", "✕ no signal"),
    "prober.last": ("Lượt cuối", "Last probe"),
    "prober.last.why": (
        "Lượt đo gần nhất cách đây bao lâu. Tốt: dưới {probe_gap_minutes} phút.",
        "How long ago the latest probe began. Good: below {probe_gap_minutes} minutes.",
    ),
    "prober.missed": ("Bị lỡ", "Missed"),
    "prober.missed.why": (
        (
            "Trong giờ qua, phần lượt đo bị lỡ vì trễ, chồng nhau hoặc lỗi của máy này. "
            "Tốt: dưới {missed_slots_warning} %; cảnh báo từ {missed_slots} %."
        ),
        (
            "Within an hour: probes too late, overlapping or failed by this host. "
            "Good: below {missed_slots_warning} %; alert from {missed_slots} %."
        ),
    ),
    "prober.config": ("Cấu hình", "Config"),
    "prober.config.why": (
        "Lần nạp cấu hình gần nhất có thành công không. «bị từ chối»: vẫn chạy với cấu hình cũ.",
        "Whether the last load succeeded. «rejected»: the daemon goes on with the old configuration.",
    ),
    "prober.journal_used": ("Nhật ký", "Journal"),
    "prober.journal_used.why": (
        "Phần giới hạn của nhật ký đã dùng. Tốt: dưới {journal} %; tới giới hạn thì trạm đo dừng.",
        "Part of the journal's limit that is taken. Good: below {journal} %; at the limit the daemon stops.",
    ),
    "prober.sinks": ("Nơi nhận", "Sinks"),
    "prober.sinks.why": (
        "Lần ghi gần nhất tới InfluxDB có thành công không, xấu nhất trong các nơi nhận.",
        "Whether the last write succeeded, the worst of all sinks.",
    ),
    "prober.sinks.none": ("Không cấu hình", "None set up"),
    "prober.checks": ("Số trang", "Checks"),
    "prober.checks.why": ("Số lượt đo có trong kế hoạch.", "Checks in the running schedule."),
    "prober.version": ("Phiên bản", "Version"),
    "prober.version.why": ("Phiên bản của trạm đo đang chạy.", "Version of the running daemon."),
    "prober.start_delay": ("Trễ so với lịch", "Start delay"),
    "prober.start_delay.why": (
        "Lượt đo bắt đầu sau giờ định bao lâu. Tốt: phân vị 99 dưới 0,1 giây.",
        "How long after its slot a probe begins. Good: 99th percentile below 0.1 s.",
    ),
    "prober.unknown_results": ("Lượt không đo được, theo lý do", "Unknown results by reason"),
    "prober.unknown_results.why": (
        "Mỗi lượt không đo được đều có lý do và không tính cho cổng. Tốt: không có cột nào.",
        "Every unknown result has a reason and is never charged to a portal. Good: nothing to see.",
    ),
    "unknown.self_check": ("tự kiểm tra thất bại", "self-check failed"),
    "unknown.internal_error": ("lỗi của trạm", "internal error"),
    "unknown.late": ("trễ", "late"),
    "unknown.overlapped": ("chồng nhau", "overlapped"),
    "unknown.stopped": ("đang dừng", "stopped"),
    "unknown.killed": ("bị tắt ngang", "killed"),
    "prober.loop": ("Trễ của vòng lặp sự kiện", "Event loop lag"),
    "prober.loop.why": (
        "Nhịp hẹn giờ đến trễ bao lâu. Trên {loop_lag} giây (đường gạch) thì thời gian đo được không còn đáng tin.",
        "How late timers come. Above {loop_lag} s (dashed) measured times are not to be trusted.",
    ),
    "prober.probes": ("Lượt đo mỗi giây theo kết quả", "Probes a second by outcome"),
    "prober.probes.why": (
        "Đều đặn là tốt; tụt xuống nghĩa là kế hoạch không được thực hiện.",
        "Even is good; a drop means that the schedule is not kept.",
    ),
    "prober.commits": ("Thời gian ghi nhật ký", "Journal commits"),
    "prober.commits.why": (
        "Một lần ghi chung mất bao lâu. Tốt: phân vị 99 dưới 0,25 giây; hơn nữa là đĩa chậm.",
        "How long a group commit takes. Good: 99th percentile below 0.25 s; more is a slow disk.",
    ),
    "prober.journal": ("Kích thước nhật ký", "Journal size"),
    "prober.journal.why": (
        "Nhật ký trên đĩa. Tăng mãi nghĩa là một bộ đọc bị chậm hoặc ngày cũ không được niêm phong.",
        "The journal on disk. Growing without end: a consumer is behind, or closed days are not sealed.",
    ),
    "prober.sink_lag": ("Chậm gửi tới nơi nhận", "Sink lag"),
    "prober.sink_lag.why": (
        (
            "Tuổi của bản ghi cũ nhất chưa gửi được. Tốt: vài giây; đường gạch: cảnh báo từ {sink_lag_minutes} phút. "
            "Chưa mất gì."
        ),
        (
            "Age of the oldest record not delivered. Good: seconds; dashed: alert from {sink_lag_minutes} minutes. "
            "Nothing is lost yet."
        ),
    ),
    "prober.sink_lag.none": ("Không cấu hình nơi nhận", "No sink set up"),
    "prober.sink_failures": ("Ghi hỏng và cách ly", "Failed writes and quarantine"),
    "prober.sink_failures.why": (
        "Lần ghi hỏng theo loại, và bản ghi mà nơi nhận không bao giờ nhận. Tốt: không có cột nào.",
        "Failed writes by type, and records that the sink will never take. Good: nothing to see.",
    ),
    "prober.sink_failures.none": ("Không cấu hình nơi nhận", "No sink set up"),
    "legend.quarantined": ("cách ly", "quarantined"),
    "prober.background_jobs": ("Lưu trữ, số gộp, điểm: chậm bao lâu", "Archive, rollups, scores: behind"),
    "prober.background_jobs.why": (
        "Từ ngày niêm phong, kỳ gộp và lần tính điểm gần nhất đến nay. Răng cưa đều là tốt.",
        "Since the newest sealed day, rolled-up period and run of scores. Regular saw teeth are good.",
    ),
    "legend.archive": ("lưu trữ", "archive"),
    "legend.rollup": ("số gộp", "rollup"),
    "legend.scores": ("điểm", "scores"),
    "prober.host": ("Sức máy khi hiển thị trang", "Host benchmark while rendering"),
    "prober.host.why": (
        "Tốc độ máy quanh mỗi lần hiển thị, số càng cao càng nhanh. Tụt mạnh thì số đo trên điện thoại không so được.",
        "Speed of the host around each rendering; higher is faster. After a drop renderings do not compare.",
    ),
    "prober.host.none": ("Chưa có trang nào được hiển thị", "Nothing rendered yet"),
    "prober.process": ("CPU và bộ nhớ", "Processor and memory"),
    "prober.process.why": (
        "Của tiến trình trạm đo. 100 % là trọn một lõi.",
        "Of the daemon's process. 100 % is one core.",
    ),
    "legend.cpu": ("CPU", "processor"),
    "legend.memory": ("bộ nhớ", "memory"),
    "prober.alerts": ("Tin báo đang chờ và gửi hỏng", "Messages pending and failed"),
    "prober.alerts.why": (
        "Tin của bộ báo tin có sẵn. Tốt: không chờ, không hỏng.",
        "Messages of the built-in notifier. Good: none pending, none failed.",
    ),
    "prober.alerts.none": ("Bộ báo tin chưa bật", "Notifier is off"),
    "legend.pending": ("đang chờ", "pending"),
    "legend.failed": ("gửi hỏng", "failed"),
}
"""Key to (Vietnamese, English), merged into TEXTS."""
