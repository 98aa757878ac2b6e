"""What the pages are put together from: words, styles, scripts and the frame of a portal; deterministic, no files."""

from __future__ import annotations

import random

TEXT = """thủ tục hành chính đăng ký khai sinh cấp đổi giấy phép lái xe hộ kinh doanh nộp hồ sơ trực tuyến tra cứu
kết quả cơ quan giải quyết lệ phí thời hạn ngày làm việc công dân doanh nghiệp tổ chức ủy ban nhân dân sở tư pháp xây
dựng đất đai bảo hiểm xã hội thuế hải quan y tế giáo dục lao động văn bản quy phạm pháp luật biểu mẫu hướng dẫn liên hệ
"""
WORDS = TEXT.split()


def words(seed: int, count: int) -> str:
    """``count`` words that begin like a sentence."""
    dice = random.Random(seed)  # noqa: S311 - filler, not a secret
    return " ".join(dice.choice(WORDS) for _ in range(count)).capitalize()


def paragraphs(seed: int, count: int) -> str:
    return "".join(f"<p>{words(seed + index, 60)}.</p>\n" for index in range(count))


USED = """*{box-sizing:border-box}body{margin:0;font:16px/1.5 sans-serif;color:#222;background:#fff}
header{background:#b01020;color:#fff;padding:16px;min-height:72px}header b{font-size:22px}
nav{background:#f3e3c3;padding:8px}nav a{display:inline-block;padding:12px 14px;color:#7a0010}
main{padding:16px}h1{font-size:26px;line-height:1.25;margin:8px 0}img{display:block;max-width:100%}
.card{border:1px solid #ccc;border-radius:6px;margin:8px 0;padding:12px}.card b{display:block;color:#064}
footer{background:#333;color:#eee;padding:24px;font-size:14px}button{padding:14px;font-size:16px}"""
"""The rules that the pages use."""


def style(size: int) -> str:
    """A style sheet of ``size`` bytes: what the pages use, then rules that match nothing, as frameworks have them."""
    rules = [USED]
    dice = random.Random(size)  # noqa: S311 - filler
    length = len(rules[0])
    while length < size:
        name = f"u{dice.randrange(10**6)}"
        rules.append(
            f".{name}-{dice.randrange(10**4)}>li:hover .{name}{{margin:{dice.randrange(99)}px {dice.randrange(99)}px;"
            f"color:#{dice.randrange(16**6):06x};transform:translate({dice.randrange(99)}px,{dice.randrange(9)}em)}}"
        )
        length += len(rules[-1])
    return "\n".join(rules)


def script(size: int, after: str = "") -> str:
    """JavaScript of ``size`` bytes that defines functions, as libraries do, and then does ``after``."""
    dice = random.Random(size + 1)  # noqa: S311 - filler
    parts = [WORK]
    length = len(WORK)
    while length < size:
        name = f"f{dice.randrange(10**8)}"
        parts.append(
            f"function {name}(a,b){{var c=[];for(var i=0;i<a.length;i++){{if(a[i]>{dice.randrange(999)})"
            f"c.push(a[i]*b+{dice.randrange(10**6)});else c.unshift('{dice.randrange(16**8):x}')}}return c.concat(b)}}"
        )
        length += len(parts[-1])
    return "\n".join([*parts, after])


WORK = "function work(n){var h=7;for(var i=0;i<n*60000;i++){h=(h*31+i)|0;h^=h>>>11}window.__work=h;return h}"
"""``work(n)`` computes a fixed amount, so that a slowed processor needs longer for it: about n / 8 ms unslowed."""

NAV = "".join(f'<a href="#{index}">{words(index, 2)}</a>' for index in range(5))


def page(
    body: str, *, head: str = '<link rel="stylesheet" href="/style.css">', title: str = "Cổng Dịch vụ công"
) -> bytes:
    """A portal's frame around ``body``."""
    return (
        f'<!doctype html><html lang="vi"><head><meta charset="utf-8"><title>{title}</title>'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">{head}</head><body>'
        f"<header><b>{title}</b><br>{words(1, 6)}</header><nav>{NAV}</nav><main>{body}</main>"
        f"<footer>{words(2, 40)}</footer></body></html>"
    ).encode()
