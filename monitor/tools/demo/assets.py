"""Assets of demo pages: style, script, emblem and photographs, all generated here, none fetched.

The same path always gives the same bytes. `pages` decides which page uses which asset.
"""

import json
import struct
import zlib
from random import Random
from typing import Final

BASE_PATH: Final = "/tai-nguyen"
STYLE: Final = f"{BASE_PATH}/giao-dien.css"
EMBLEM: Final = f"{BASE_PATH}/bieu-trung.svg"
HEAVY_STYLE: Final = f"{BASE_PATH}/giao-dien-day-du.css"
HEAVY_SCRIPT: Final = f"{BASE_PATH}/ung-dung.js"
IMAGES: Final = {
    f"{BASE_PATH}/anh-bia-1.png": (640, 260),
    f"{BASE_PATH}/anh-bia-2.png": (640, 260),
    **{f"{BASE_PATH}/anh-{number}.png": (160, 100) for number in range(1, 7)},
}
"""Path and size in pixels of each photograph."""
CONTENT_TYPES: Final = {
    STYLE: "text/css",
    HEAVY_STYLE: "text/css",
    HEAVY_SCRIPT: "text/javascript",
    EMBLEM: "image/svg+xml",
    **dict.fromkeys(IMAGES, "image/png"),
}
"""Path and content type of every asset."""

_CSS: Final = """\
:root { --do: #ce1126; --vang: #f7c948; --xanh: #0b4f8a; --nen: #f5f7fa; --chu: #1f2933; }
* { box-sizing: border-box; }
body { margin: 0; font: 16px/1.6 "Segoe UI", Roboto, "Noto Sans", sans-serif; }
body { color: var(--chu); background: var(--nen); }
header { display: flex; gap: 1rem; align-items: center; padding: 1rem 4vw; }
header { background: #fff; border-bottom: 3px solid var(--do); }
header img { width: 64px; height: 64px; }
header h1 { margin: 0; font-size: 1.35rem; color: var(--do); text-transform: uppercase; }
nav { display: flex; flex-wrap: wrap; gap: 1.5rem; padding: .7rem 4vw; background: var(--xanh); }
nav a { color: #fff; text-decoration: none; font-weight: 600; }
main { max-width: 1120px; margin: 1.5rem auto; padding: 0 4vw; }
form { display: flex; gap: .5rem; margin: 1rem 0; }
input { flex: 1; padding: .7rem; border: 1px solid #9aa5b1; border-radius: 4px; font: inherit; }
button { padding: .7rem 1.4rem; border: 0; border-radius: 4px; background: var(--do); color: #fff; font: inherit; }
.luoi { display: grid; grid-template-columns: repeat(auto-fill, minmax(250px, 1fr)); gap: 1rem; }
.luoi { padding: 0; list-style: none; }
.luoi li { padding: 1rem; background: #fff; border-radius: 6px; box-shadow: 0 1px 3px rgba(0, 0, 0, .15); }
.bia { width: 100%; height: auto; }
table { width: 100%; border-collapse: collapse; background: #fff; }
th, td { padding: .6rem; border: 1px solid #cbd2d9; text-align: left; vertical-align: top; }
footer { margin-top: 2rem; padding: 1.5rem 4vw; background: #323f4b; color: #e4e7eb; font-size: .9rem; }
@media (max-width: 640px) { header h1 { font-size: 1rem; } nav { gap: .8rem; } table { font-size: .85rem; } }
"""

_SVG: Final = """\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 64 64"><circle cx="32" cy="32" r="31" fill="#ce1126"/>
<path fill="#f7c948" d="M32 10l5.4 16.6h17.5L40.7 36.9l5.4 16.6L32 43.2 17.9 53.5l5.4-16.6L9.1 26.6h17.5z"/></svg>
"""

# A busy main thread and a notice that shifts the layout: a page-speed measurement has to find both.
_JS: Final = """\
"use strict";
const danhMuc = %s;
const hetGio = performance.now() + 150;
let tong = 0;
while (performance.now() < hetGio) { for (const thuTuc of danhMuc) { tong += thuTuc.ten.length; } }
setTimeout(() => {
  const thongBao = document.createElement("p");
  thongBao.style.cssText = "margin:0;padding:2.5rem 4vw;background:#f7c948";
  thongBao.textContent = `Cơ sở dữ liệu hiện có ${danhMuc.length} thủ tục hành chính.`;
  document.querySelector("main").prepend(thongBao);
}, 600);
"""


def asset(path: str) -> bytes:
    """Generate the bytes of a path of `CONTENT_TYPES`; images are slow, so the caller keeps the result."""
    if path in IMAGES:
        return _png_image(path, *IMAGES[path])
    if path == EMBLEM:
        return _SVG.encode()
    if path == HEAVY_SCRIPT:
        return (_JS % _catalogue()).encode()
    return (_CSS + (_unused_rules() if path == HEAVY_STYLE else "")).encode()


def _png_image(name: str, width: int, height: int) -> bytes:
    """Draw noise over a gradient: it compresses as little as a photograph."""
    noise = Random(name)  # noqa: S311 - an image, not a secret
    base = [bytes(min(y * 255 // height, 200) for _ in range(width * 3)) for y in range(height)]
    rows = (bytes(a + b // 5 for a, b in zip(row, noise.randbytes(len(row)), strict=True)) for row in base)
    pixels = zlib.compress(b"".join(b"\0" + row for row in rows), 6)  # each row: filter type 0
    size = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)  # 8 bits a channel, RGB
    chunks = ((b"IHDR", size), (b"IDAT", pixels), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )


def _catalogue() -> str:
    rows = [
        {"ma": f"1.{number:06}", "ten": f"Thủ tục hành chính số {number}", "linhVuc": "Hộ tịch", "mucDo": "Toàn trình"}
        for number in range(1, 3001)
    ]
    return json.dumps(rows, ensure_ascii=False)


def _unused_rules() -> str:
    return "".join(f".khoi-{number} {{ margin: {number % 40}px; color: #{number:06x}; }}\n" for number in range(2500))
