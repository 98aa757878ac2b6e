"""Texts of the dashboard of one portal."""

from __future__ import annotations

PORTAL_TEXTS: dict[str, tuple[str, str]] = {
    "portal.title": ("Một cổng: hỏng ở đâu?", "Portal: what is wrong with this one?"),
    "portal.question": (
        "Từ trạng thái xuống tới từng chặng, họ địa chỉ và chứng chỉ của một cổng.",
        "From the state of one portal down to phases, address families and its certificate.",
    ),
    "portal.state": ("Trạng thái", "State"),
    "portal.state.why": (
        "Trạng thái đã xác nhận, xấu nhất trong các trạm đo đang chọn.",
        "The confirmed state, the worst of the chosen locations.",
    ),
    "portal.state.none": ("Không theo dõi", "Not watched"),
    "portal.since": ("Từ lúc", "Since"),
    "portal.since.why": (
        "Trạng thái hiện tại bắt đầu khi nào, nếu trong 6 giờ qua.",
        "When the present state began, if that was within 6 hours.",
    ),
    "portal.since.none": ("hơn 6 giờ", "over 6 hours"),
    "portal.day": ("24 giờ", "24 hours"),
    "portal.day.why": (
        (
            "Độ sẵn sàng: phần thời gian không ngừng trong 24 giờ, theo trạng thái đã xác nhận; bảo trì và lúc không "
            "đo được không tính. Mục tiêu: {objective} %."
        ),
        (
            "Availability: share of 24 hours not down, by confirmed states; maintenance and unknown time do not count. "
            "Aim: {objective} %."
        ),
    ),
    "portal.month": ("30 ngày", "30 days"),
    "portal.month.why": (
        "Độ sẵn sàng: phần thời gian không ngừng trong 30 ngày, tính như trên. Mục tiêu: {objective} %.",
        "Availability: share of 30 days not down, by the same rule. Aim: {objective} %.",
    ),
    "portal.latency": ("Phản hồi", "Response"),
    "portal.latency.why": (
        "Lượt đo trang chủ gần nhất mất bao lâu. Tốt: dưới {half_slow} giây; từ {slow} giây là chậm.",
        "How long the latest probe of the home page took. Good: below {half_slow} s; slow from {slow} s on.",
    ),
    "portal.certificate_left": ("Chứng chỉ", "TLS ends"),
    "portal.certificate_left.why": (
        "Thời gian còn lại của chứng chỉ hết hạn sớm nhất. Tốt: trên {certificate_plan} ngày.",
        "Time left of the certificate that ends first. Good: more than {certificate_plan} days.",
    ),
    "portal.certificate_left.none": ("Không dùng TLS", "No TLS"),
    "portal.code": ("Mã HTTP", "Status"),
    "portal.code.why": (
        "Mã trạng thái của chặng cuối trong lượt đo gần nhất.",
        "Status code of the last hop of the latest probe.",
    ),
    "portal.code.none": ("Không trả lời", "No answer"),
    "portal.fault": ("Lỗi", "Fault"),
    "portal.fault.why": (
        "Vì sao lượt đo gần nhất hỏng, lấy từ một danh sách cố định (docs/states.md).",
        "Why the latest probe failed, out of a closed set (docs/states.md).",
    ),
    "portal.fault.none": ("✓ không có", "✓ none"),
    "portal.states": ("Trạng thái theo thời gian, từng trạm đo", "State over time, by location"),
    "portal.states.why": (
        "Trạng thái đã xác nhận. Trạm đo khác nhau mà kết quả khác nhau thì lỗi thường nằm trên đường truyền.",
        "Confirmed states. Locations that disagree point to the network between.",
    ),
    "portal.pages": ("Từng trang và họ địa chỉ", "Pages and address families"),
    "portal.pages.why": (
        (
            "Kết quả từng lượt đo, chưa xác nhận: mỗi trang một dòng, rồi IPv4 và IPv6 của trang chủ. "
            "Chỗ trống là lúc không đo được."
        ),
        "Single results, not confirmed: a row for each page, then IPv4 and IPv6 of the home page. A gap: unknown.",
    ),
    "portal.faults": ("Lượt đo hỏng theo loại lỗi", "Failing checks by fault"),
    "portal.faults.why": (
        "Có bao nhiêu trang đang hỏng vì mỗi loại lỗi. Tốt: không có cột nào.",
        "How many pages fail for each reason. Good: nothing to see.",
    ),
    "portal.faults.none": ("✓ Không có lượt đo hỏng", "✓ No failing check"),
    "portal.phases": ("Các chặng của một lượt đo", "Phases of a probe"),
    "portal.phases.why": (
        (
            "Trang chủ, cộng qua mọi lần chuyển hướng: tra tên, kết nối, TLS, máy chủ xử lý, truyền. "
            "Chặng nào phình ra thì hỏng ở đó."
        ),
        (
            "Home page, summed over redirects: name, connection, TLS, the server's work, transfer. "
            "The phase that grows has the problem."
        ),
    ),
    "phase.resolve": ("tra tên", "resolve"),
    "phase.connect": ("kết nối", "connect"),
    "phase.tls": ("TLS", "TLS"),
    "phase.send": ("gửi", "send"),
    "phase.wait": ("chờ", "wait"),
    "phase.processing": ("xử lý", "processing"),
    "phase.transfer": ("truyền", "transfer"),
    "portal.families": ("IPv4 bên cạnh IPv6", "IPv4 beside IPv6"),
    "portal.families.why": (
        "Thời gian của cùng lượt đo qua từng họ địa chỉ. Thiếu một đường nghĩa là họ đó hỏng hoặc không được đo.",
        "The same probe over each address family. A missing line: that family fails, or is not probed.",
    ),
    "portal.by_page": ("Thời gian từng trang", "Time by page"),
    "portal.by_page.why": (
        "Lượt đo từng trang mất bao lâu; đường gạch là mức chậm ({slow} giây).",
        "How long probes of each page take; the dashed line is where slow begins ({slow} s).",
    ),
    "portal.status": ("Mã HTTP theo trang", "HTTP status by page"),
    "portal.status.why": ("Mã trạng thái của chặng cuối. Tốt: 200.", "Status code of the last hop. Good: 200."),
    "portal.hops": ("Từng yêu cầu của lượt đo mới nhất, theo thứ tự", "Requests of the latest probe, in order"),
    "portal.hops.why": (
        (
            "Trang chủ: mỗi lần chuyển hướng là một yêu cầu, kèm địa chỉ, máy chủ đã trả lời, mã HTTP và thời gian "
            "từng chặng. Yêu cầu cuối không có mã là yêu cầu đã hỏng."
        ),
        (
            "Home page: a request for each redirect, with its URL, the server that it was sent to, its status and "
            "the time of each phase. A last request without a status is the one that failed."
        ),
    ),
    "portal.redirects": ("Số lần chuyển hướng", "Redirects"),
    "portal.redirects.why": (
        "Số lần chuyển hướng trước trang cuối. Tăng đột ngột thường là cấu hình sai hoặc trang bảo trì.",
        "Redirects before the last page. A sudden change is often a wrong setting or a maintenance page.",
    ),
    "portal.vitals": ("Trên điện thoại, so với giới hạn", "On a phone, against the limits"),
    "portal.vitals.why": (
        "Lần hiển thị gần nhất của trang chủ. Xanh: tốt; cam: dưới giới hạn của tiêu chí; đỏ: vượt giới hạn.",
        "The latest rendering of the home page. Green: good; orange: within the criterion's limit; red: beyond it.",
    ),
    "portal.vitals.none": ("Trang này chưa được đo trên điện thoại", "Not rendered yet"),
    "portal.certificate": ("Chứng chỉ", "Certificate"),
    "portal.certificate.why": (
        "Chứng chỉ máy chủ mà trang chủ đưa ra, ai cấp, phiên bản TLS và ngày hết hạn.",
        "The server's certificate as the home page presents it, its issuer, the TLS version and its end.",
    ),
    "column.hop": ("Chặng", "Hop"),
    "column.url": ("Địa chỉ", "URL"),
    "column.ip": ("IP", "IP"),
    "column.status": ("Mã", "Status"),
    "column.total": ("Tổng", "Total"),
    "column.subject": ("Cấp cho", "Subject"),
    "column.issuer": ("Nơi cấp", "Issuer"),
    "column.tls": ("TLS", "TLS"),
    "column.ends": ("Hết hạn", "Ends"),
}
"""Key to (Vietnamese, English), merged into TEXTS."""
