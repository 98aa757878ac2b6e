"""The pages of a demo portal without faults: home, procedure list, search and single services.

Pure: settings and a path give a page, always the same one. `site` adds delays and redirects, `error_pages` the faults.
"""

import gzip
import unicodedata
from dataclasses import dataclass
from functools import cache, lru_cache
from html import escape
from typing import Final

from monitor.tools.demo import assets

HOME: Final = "/"
LANDING: Final = "/trang-chu"
"""The second path of the home page, for portals that redirect to it."""
LIST: Final = "/thu-tuc-hanh-chinh"
SEARCH: Final = "/tra-cuu"

SERVICES: Final = {
    3: "Đăng ký thường trú",
    9: "Đăng ký khai sinh",
    11: "Đăng ký kết hôn",
    12: "Cấp, cấp lại, sửa đổi, bổ sung hộ chiếu phổ thông",
    18: "Đăng ký thuế lần đầu, đăng ký thay đổi thông tin đăng ký thuế",
    19: "Đăng ký biến động về quyền sử dụng đất",
    20: "Cấp đổi, cấp lại giấy phép lái xe",
    21: "Đăng ký dự thi tốt nghiệp trung học phổ thông",
    22: "Cấp phiếu lý lịch tư pháp",
    23: "Giải quyết hưởng trợ cấp thất nghiệp",
    24: "Cấp điện mới từ lưới điện hạ áp (220/380V)",
}
"""The services of the fleet, out of the 25 essential ones, by their official number."""

_FIELDS: Final = (
    *("Hộ tịch", "Đất đai", "Bảo hiểm xã hội", "Giao thông vận tải", "Giáo dục và đào tạo", "Y tế", "Xây dựng"),
    *("Lao động, việc làm", "Thuế, phí và lệ phí", "Tư pháp", "Nông nghiệp và môi trường", "Văn hóa và du lịch"),
)
_NEWS: Final = (
    "Danh mục 25 dịch vụ công thiết yếu được cung cấp trực tuyến toàn trình",
    "Hướng dẫn đăng nhập bằng tài khoản định danh điện tử VNeID",
    "Thông báo lịch tiếp công dân và lịch làm việc của bộ phận một cửa",
    "Công khai tình hình tiếp nhận và giải quyết hồ sơ đúng hạn, trước hạn",
    "Lấy ý kiến tổ chức, cá nhân về mức độ hài lòng khi thực hiện thủ tục",
)
_PROCEDURE_ACTIONS: Final = ("Cấp mới", "Cấp lại", "Gia hạn", "Thay đổi thông tin", "Xác nhận", "Thu hồi theo đề nghị")


@dataclass(frozen=True, slots=True, kw_only=True)
class PageSettings:
    """Settings in which the pages of portals differ."""

    name: str
    services: tuple[int, ...]
    heavy: bool = False
    mobile: bool = True
    """Whether the pages have a viewport for phones; some real portals lack it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PageBody:
    """A body ready to send, also gzipped where that makes it smaller."""

    body: bytes
    gzip_body: bytes | None
    content_type: str


def service_path(number: int) -> str:
    """Return the path of an essential service."""
    plain = unicodedata.normalize("NFD", SERVICES[number].lower()).replace("đ", "d")
    letters = "".join(sign if sign.isalnum() else " " for sign in plain if not unicodedata.combining(sign))
    return f"/dich-vu-cong/{number}-{'-'.join(letters.split())}"


@lru_cache(maxsize=1024)  # about 15 MB when full
def page(settings: PageSettings, path: str) -> PageBody | None:
    """Return the page or asset at a path, or None where the portal has none."""
    if path in assets.CONTENT_TYPES:
        return _asset(path)
    services = {service_path(number): number for number in settings.services}
    if path in {HOME, LANDING}:
        return compress_page(html_document(settings, "Trang chủ", _home(settings)))
    if path == LIST:
        return compress_page(html_document(settings, "Thủ tục hành chính", _list()))
    if path == SEARCH:
        return compress_page(html_document(settings, "Tra cứu hồ sơ", _search()))
    number = services.get(path)
    return None if number is None else compress_page(html_document(settings, SERVICES[number], _service(number)))


@cache
def _asset(path: str) -> PageBody:
    return compress_page(assets.asset(path), assets.CONTENT_TYPES[path])


def compress_page(body: bytes, content_type: str = "text/html") -> PageBody:
    """Prepare a body for sending; PNG images are compressed already."""
    zipped = None if content_type == "image/png" else gzip.compress(body, 6, mtime=0)
    return PageBody(body=body, gzip_body=zipped, content_type=content_type)


def html_document(settings: PageSettings, title: str, main: str) -> bytes:
    """Return a page: header, navigation and footer of the portal around *main*."""
    name = escape(settings.name)
    style = assets.HEAVY_STYLE if settings.heavy else assets.STYLE
    viewport = '<meta name="viewport" content="width=device-width, initial-scale=1">\n' if settings.mobile else ""
    script = f'<script src="{assets.HEAVY_SCRIPT}"></script>\n' if settings.heavy else ""
    return f"""<!DOCTYPE html>
<html lang="vi">
<head>
<meta charset="utf-8">
{viewport}<title>{escape(title)} - {name}</title>
<link rel="icon" href="{assets.EMBLEM}">
<link rel="stylesheet" href="{style}">
</head>
<body>
<header><img src="{assets.EMBLEM}" alt="Biểu trưng" width="64" height="64"><h1>{name}</h1></header>
<nav><a href="{HOME}">Trang chủ</a><a href="{LIST}">Thủ tục hành chính</a><a href="{SEARCH}">Tra cứu hồ sơ</a></nav>
<main>
{main}
</main>
<footer><p>Trang minh họa chạy trên máy này, không phải cổng dịch vụ công thật.</p></footer>
{script}</body>
</html>
""".encode()


def _home(settings: PageSettings) -> str:
    services = "".join(f'<li><a href="{service_path(n)}">{escape(SERVICES[n])}</a></li>' for n in settings.services)
    images = "".join(f'<img class="bia" src="{path}" alt="">' for path in assets.IMAGES) if settings.heavy else ""
    fields = "".join(
        f"<li><h3>{field}</h3><p>Tiếp nhận và trả kết quả các thủ tục thuộc lĩnh vực {field.lower()}.</p>"
        f"<ul>{''.join(f'<li>{act} giấy tờ: dịch vụ công trực tuyến</li>' for act in _PROCEDURE_ACTIONS)}</ul></li>"
        for field in _FIELDS
    )
    news = "".join(
        f"<li><h3>{title}</h3><p>Đăng ngày {day:02}/10/2026. Xem chi tiết và tải văn bản đính kèm.</p></li>"
        for day, title in enumerate(_NEWS * 6, 1)
    )
    return (
        f"{images}<h2>Dịch vụ công trực tuyến</h2>{_search_form()}"
        f'<h2>Dịch vụ công thiết yếu</h2><ul class="luoi">{services}</ul>'
        f'<h2>Thủ tục hành chính theo lĩnh vực</h2><ul class="luoi">{fields}</ul>'
        f'<h2>Tin tức và thông báo</h2><ul class="luoi">{news}</ul>'
    )


def _list() -> str:
    rows = "".join(
        f"<tr><td>{number + 1}</td><td>1.{4000 + 7 * number:06}</td><td>{act}: {field.lower()}</td>"
        f"<td>{field}</td><td>{'Toàn trình' if number % 3 else 'Một phần'}</td></tr>"
        for number, (field, act) in enumerate((field, act) for field in _FIELDS for act in _PROCEDURE_ACTIONS)
    )
    head = "<tr><th>STT</th><th>Mã thủ tục</th><th>Tên thủ tục</th><th>Lĩnh vực</th><th>Mức độ cung cấp</th></tr>"
    return f"<h2>Danh mục thủ tục hành chính</h2>{_search_form()}<table>{head}{rows}</table>"


def _search() -> str:
    return (
        f"<h2>Tra cứu hồ sơ</h2>{_search_form()}"
        "<p>Nhập mã hồ sơ ghi trên giấy tiếp nhận để biết tình trạng giải quyết. Không tìm thấy hồ sơ nào.</p>"
    )


def _search_form() -> str:
    return (
        f'<form action="{SEARCH}"><input name="tu-khoa" aria-label="Từ khóa" placeholder="Nhập từ khóa hoặc mã hồ sơ">'
        "<button>Tra cứu</button></form>"
    )


def _service(number: int) -> str:
    name = escape(SERVICES[number])
    facts = (
        ("Trình tự thực hiện", "Đăng nhập, điền tờ khai điện tử, đính kèm giấy tờ, nộp hồ sơ, nhận kết quả."),
        ("Cách thức thực hiện", "Trực tuyến, trực tiếp hoặc qua dịch vụ bưu chính công ích."),
        ("Thành phần hồ sơ", "Tờ khai theo mẫu; giấy tờ chứng minh nhân thân; các giấy tờ khác theo quy định."),
        ("Thời hạn giải quyết", "Ngay trong ngày tiếp nhận; trường hợp cần xác minh không quá 03 ngày làm việc."),
        ("Lệ phí", "Miễn lệ phí khi nộp hồ sơ trực tuyến."),
        ("Cơ quan thực hiện", "Ủy ban nhân dân cấp xã và cơ quan chuyên môn."),
    )
    rows = "".join(f"<tr><th>{what}</th><td>{text}</td></tr>" for what, text in facts)
    return f"<h2>{name}</h2><table>{rows}</table><p><button>Nộp hồ sơ trực tuyến</button></p>"
