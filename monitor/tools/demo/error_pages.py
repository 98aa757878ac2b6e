"""The pages of a bad day: maintenance, firewall, error, and the wrong page under a good status.

When which of them is shown is left to the weather, and the sending to the site.
"""

from typing import Final

from monitor.tools.demo.pages import HOME, LANDING, Face, Page, document, packed

RETRY_AFTER_S: Final = 1800

_REASONS: Final = {
    500: "Internal Server Error",
    502: "Bad Gateway",
    503: "Service Temporarily Unavailable",
    504: "Gateway Time-out",
}
_BLOCKED: Final = """\
<html><head><title>Request Rejected</title></head><body>
<p>Yêu cầu của bạn đã bị hệ thống tường lửa ứng dụng web từ chối.</p>
<p>The requested URL was rejected. Please consult with your administrator.</p>
<p>Your support ID is: 6128930587719416035</p></body></html>
"""


def maintenance(face: Face) -> Page:
    """Announce planned work, as a portal does that knows what it is doing."""
    text = (
        "<h2>Hệ thống đang bảo trì</h2><p>Cổng dịch vụ công tạm ngừng phục vụ để nâng cấp, bảo trì hệ thống. "
        "Kính mong quý tổ chức, công dân thông cảm và quay lại sau.</p>"
    )
    return packed(document(face, "Thông báo bảo trì", text))


def blocked() -> Page:
    """Turn the visitor away in the words of an application firewall."""
    return packed(_BLOCKED.encode())


def error(status: int) -> Page:
    """Show the bare page of a reverse proxy whose application is gone."""
    title = f"{status} {_REASONS.get(status, 'Error')}"
    head = f"<html>\n<head><title>{title}</title></head>\n"
    return packed(f"{head}<body>\n<center><h1>{title}</h1></center>\n<hr></body>\n</html>\n".encode())


def wrong_body(face: Face, path: str) -> Page:
    """Show an application error inside a healthy frame on the home page, and nothing at all elsewhere."""
    if path not in {HOME, LANDING}:
        return packed(b"")
    text = "<p>Đã xảy ra lỗi trong quá trình xử lý. ORA-12541: TNS:no listener. Vui lòng thử lại sau.</p>"
    return packed(document(face, "Lỗi hệ thống", text))
