"""The pages resemble those of a portal, have the intended weight, and are always the same."""

import gzip
import zlib

import pytest

from monitor.tools.demo import assets, error_pages, pages, portals
from monitor.tools.demo.pages import PageBody, PageSettings

PLAIN = PageSettings(name="Cổng Dịch vụ công tỉnh Lào Cai", services=(9, 11))
HEAVY = PageSettings(name="Cổng Dịch vụ công Bộ Tư pháp", services=(22,), heavy=True, mobile=False)


def page(settings: PageSettings, path: str) -> PageBody:
    found = pages.page(settings, path)
    assert found is not None, path
    return found


def linked(settings: PageSettings) -> set[str]:
    home = page(settings, "/").body.decode()
    return {path for path in assets.CONTENT_TYPES if f'"{path}"' in home}


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("/", "Dịch vụ công thiết yếu"),
        ("/trang-chu", "Dịch vụ công thiết yếu"),
        ("/thu-tuc-hanh-chinh", "Danh mục thủ tục hành chính"),
        ("/tra-cuu", "Tra cứu hồ sơ"),
        ("/dich-vu-cong/9-dang-ky-khai-sinh", "Đăng ký khai sinh"),
    ],
)
def test_each_page_has_its_title(path: str, text: str):
    found = page(PLAIN, path)
    assert text in found.body.decode()
    assert PLAIN.name in found.body.decode()
    assert found.gzip_body is not None
    assert gzip.decompress(found.gzip_body) == found.body


@pytest.mark.parametrize(("settings", "low", "high"), [(PLAIN, 12_000, 24_000), (HEAVY, 1_300_000, 1_700_000)])
def test_a_home_page_has_the_intended_weight(settings: PageSettings, low: int, high: int):
    weight = len(page(settings, "/").body) + sum(len(page(settings, path).body) for path in linked(settings))
    assert low <= weight <= high


def test_the_viewport_is_present_or_absent():
    assert b'name="viewport"' in page(PLAIN, "/").body
    assert b'name="viewport"' not in page(HEAVY, "/").body


def test_most_portals_have_a_viewport():
    mobile = [spec.page_settings.mobile for spec in portals.portal_specs(60, 7)]
    assert 0.5 < sum(mobile) / len(mobile) < 1


def test_images_are_valid_png():
    """Signature, and a stream of pixels of the declared size."""
    for path, (width, height) in assets.IMAGES.items():
        body = assets.asset(path)
        start = body.index(b"IDAT") + 4
        assert body.startswith(b"\x89PNG\r\n\x1a\n")
        assert len(zlib.decompress(body[start : body.index(b"IEND") - 8])) == height * (1 + 3 * width)


def test_an_unknown_path_has_no_page():
    assert pages.page(PLAIN, "/dich-vu-cong/22-cap-phieu-ly-lich-tu-phap") is None
    assert pages.page(PLAIN, "/khong-co") is None


def test_faults_have_their_pages():
    assert "bảo trì" in error_pages.maintenance_page(PLAIN).body.decode()
    assert "tường lửa" in error_pages.blocked_page().body.decode()
    assert b"502 Bad Gateway" in error_pages.error_page(502).body
    assert b"ORA-12541" in error_pages.wrong_body_page(PLAIN, "/").body
    assert error_pages.wrong_body_page(PLAIN, "/tra-cuu").body == b""
