"""Pages of faults: maintenance, firewall, error, and a wrong page with status 200.

The fault schedule decides when each is shown; `site` sends it.
"""

from typing import Final

from monitor.tools.demo.pages import HOME, LANDING, PageBody, PageSettings, compress_page, html_document

RETRY_AFTER_S: Final = 1800

_STATUS_REASONS: Final = {
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


def maintenance_page(settings: PageSettings) -> PageBody:
    """Return the page of announced maintenance."""
    text = (
        "<h2>Hệ thống đang bảo trì</h2><p>Cổng dịch vụ công tạm ngừng phục vụ để nâng cấp, bảo trì hệ thống. "
        "Kính mong quý tổ chức, công dân thông cảm và quay lại sau.</p>"
    )
    return compress_page(html_document(settings, "Thông báo bảo trì", text))


def blocked_page() -> PageBody:
    """Return the page of a web application firewall."""
    return compress_page(_BLOCKED.encode())


def error_page(status: int) -> PageBody:
    """Return the plain page of a reverse proxy whose application is down."""
    title = f"{status} {_STATUS_REASONS.get(status, 'Error')}"
    head = f"<html>\n<head><title>{title}</title></head>\n"
    return compress_page(f"{head}<body>\n<center><h1>{title}</h1></center>\n<hr></body>\n</html>\n".encode())


def wrong_body_page(settings: PageSettings, path: str) -> PageBody:
    """Return an application error within a normal frame for the home page, and an empty body for other pages."""
    if path not in {HOME, LANDING}:
        return compress_page(b"")
    text = "<p>Đã xảy ra lỗi trong quá trình xử lý. ORA-12541: TNS:no listener. Vui lòng thử lại sau.</p>"
    return compress_page(html_document(settings, "Lỗi hệ thống", text))
