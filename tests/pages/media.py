"""Images and a font for the pages, made by code: real JPEG and TrueType, of a wanted weight."""

from __future__ import annotations

import functools
import io
import random
import struct

from PIL import Image, ImageDraw, ImageFilter


@functools.cache
def photograph(seed: int, width: int, height: int, quality: int = 70) -> bytes:
    """A JPEG like a photograph: soft shapes with grain on them, heavier with more ``quality``."""
    dice = random.Random(seed)  # noqa: S311 - filler
    image = Image.new("RGB", (width, height), tuple(dice.randrange(90, 200) for _ in range(3)))
    draw = ImageDraw.Draw(image)
    for _ in range(60):
        x, y, size = dice.randrange(width), dice.randrange(height), dice.randrange(20, width // 3)
        draw.ellipse((x - size, y - size, x + size, y + size), fill=tuple(dice.randrange(40, 240) for _ in range(3)))
    soft = image.filter(ImageFilter.GaussianBlur(6))
    grain = Image.frombytes("L", (width, height), dice.randbytes(width * height)).convert("RGB")
    out = io.BytesIO()
    Image.blend(soft, grain, 0.12).save(out, "JPEG", quality=quality)
    return out.getvalue()


@functools.cache
def banner(seed: int, width: int, height: int, quality: int = 70) -> bytes:
    """A JPEG like a portal's announcement: bars of writing on the state's red, other bars each time, but as many."""
    dice = random.Random(seed)  # noqa: S311 - filler
    image = Image.new("RGB", (width, height), (184, 24, 32))
    draw = ImageDraw.Draw(image)
    lengths = [width // 3 + part * width // 15 for part in range(5)]
    dice.shuffle(lengths)
    for line, length in enumerate(lengths):
        left, top = width // 12, height // 8 + line * height // 6
        draw.rectangle((left, top, left + length, top + height // 14), fill=(250, 214, 70))
    grain = Image.frombytes("L", (width, height), dice.randbytes(width * height)).convert("RGB")
    out = io.BytesIO()
    Image.blend(image, grain, 0.10).save(out, "JPEG", quality=quality)
    return out.getvalue()


LETTERS = (*range(0x20, 0x7F), *range(0xA0, 0x250), *range(0x1EA0, 0x1EFA))
"""Latin with all of Vietnamese."""


@functools.cache
def font(weight: int = 60_000) -> bytes:
    """A TrueType font of about ``weight`` bytes in which each letter is a bar: wider than sans-serif, so text moves."""
    per_glyph = max(1, round((weight - 8_000) / len(LETTERS) / 22))
    glyphs = [_glyph(3, 120), *(_glyph(per_glyph, 300 + code * 37 % 400) for code in LETTERS)]
    offsets = [0]
    for each in glyphs:
        offsets.append(offsets[-1] + len(each))
    count = len(glyphs)
    tables = {
        b"OS/2": struct.pack(
            ">HhHHHhhhhhhhhhhh10s4L4sHHHhhhHHLLhhHHH",
            *(4, 600, 400, 5, 0, 650, 600, 0, 75, 650, 600, 0, 350, 50, 300, 0),
            *(b"\0" * 10, 0, 0, 0, 0, b"NONE", 64, 0x20, 0x1EF9, 800, -200, 90, 1000, 200, 1, 0, 500, 700, 0, 32, 1),
        ),
        b"cmap": _cmap(),
        b"glyf": b"".join(glyphs),
        b"head": struct.pack(
            ">LLLLHHqqhhhhHHhhh", 0x10000, 0x10000, 0, 0x5F0F3CF5, 3, 1000, 0, 0, 0, 0, 900, 800, 0, 8, 2, 1, 0
        ),
        b"hhea": struct.pack(
            ">LhhhHhhhhhhhhhhhH", 0x10000, 800, -200, 90, 800, 0, 0, 800, 1, 0, 0, 0, 0, 0, 0, 0, count
        ),
        b"hmtx": b"".join(struct.pack(">Hh", 620 + index % 3 * 20, 0) for index in range(count)),
        b"loca": struct.pack(f">{count + 1}L", *offsets),
        b"maxp": struct.pack(
            ">L14H", 0x10000, count, 4 * per_glyph + 12, per_glyph + 3, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0
        ),
        b"name": _name(),
        b"post": struct.pack(">LLhhLLLLL", 0x30000, 0, -100, 50, 0, 0, 0, 0, 0),
    }
    return _sfnt(tables)


def _glyph(bars: int, top: int) -> bytes:
    """``bars`` upright rectangles side by side, 4 points each with two-byte coordinates: 4 * 12 bytes about."""
    ends = [4 * bar + 3 for bar in range(bars)]
    step = 480 // bars
    xs, ys, x, y = [], [], 0, 0
    for bar in range(bars):
        left, right = 40 + bar * step, 40 + bar * step + max(2, step * 3 // 4)
        for at in ((left, 0), (left, top), (right, top), (right, 0)):
            xs.append(at[0] - x)
            ys.append(at[1] - y)
            x, y = at
    body = struct.pack(">hhhhh", bars, 40, 0, 40 + 480, top)
    body += struct.pack(f">{bars}HH", *ends, 0) + b"\x01" * (4 * bars)
    body += struct.pack(f">{4 * bars}h", *xs) + struct.pack(f">{4 * bars}h", *ys)
    return body + b"\0" * (-len(body) % 4)


def _cmap() -> bytes:
    """Format 4: a segment for each run of letters, and the last one that the format demands."""
    runs: list[tuple[int, int, int]] = []
    for index, code in enumerate(LETTERS, start=1):
        if runs and runs[-1][1] == code - 1:
            runs[-1] = (runs[-1][0], code, runs[-1][2])
        else:
            runs.append((code, code, index))
    runs.append((0xFFFF, 0xFFFF, 0))
    count = len(runs)
    power = 1 << (count.bit_length() - 1)
    body = struct.pack(">HHHH", 2 * count, 2 * power, power.bit_length() - 1, 2 * (count - power))
    body += struct.pack(f">{count}H", *(end for _, end, _ in runs)) + b"\0\0"
    body += struct.pack(f">{count}H", *(start for start, _, _ in runs))
    deltas = [(index - start) % 65536 if index else 1 for start, _, index in runs]
    body += struct.pack(f">{count}H", *deltas) + b"\0\0" * count
    return struct.pack(">HHHHL", 0, 1, 3, 1, 12) + struct.pack(">HHH", 4, 6 + len(body), 0) + body


def _name() -> bytes:
    texts = {1: "Portal Bars", 2: "Regular", 4: "Portal Bars", 6: "PortalBars"}
    records, strings = b"", b""
    for number, text in texts.items():
        data = text.encode("utf-16-be")
        records += struct.pack(">6H", 3, 1, 0x409, number, len(data), len(strings))
        strings += data
    return struct.pack(">HHH", 0, len(texts), 6 + len(records)) + records + strings


def _sfnt(tables: dict[bytes, bytes]) -> bytes:
    """Put the tables behind a directory; the checksum of the whole stays 0, which no browser reads."""
    count = len(tables)
    power = 1 << (count.bit_length() - 1)
    header = struct.pack(">LHHHH", 0x10000, count, 16 * power, power.bit_length() - 1, 16 * (count - power))
    offset, directory, body = 12 + 16 * count, b"", b""
    for tag, data in sorted(tables.items()):
        padded = data + b"\0" * (-len(data) % 4)
        total = sum(struct.unpack(f">{len(padded) // 4}L", padded)) & 0xFFFFFFFF
        directory += struct.pack(">4sLLL", tag, total, offset + len(body), len(data))
        body += padded
    return header + directory + body
