"""The fixture pages and all that they load: path -> what is answered, how late, and from which of two hosts."""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass

from tests.pages.media import banner, font, photograph
from tests.pages.parts import page, paragraphs, script, style, words

HTML, CSS, JS = "text/html; charset=utf-8", "text/css", "text/javascript"
JPEG, TTF, JSON = "image/jpeg", "font/ttf", "application/json"


@dataclass(frozen=True, kw_only=True)
class Answer:
    """A body, and the seconds that the server takes for it. Text is sent compressed, as real servers do."""

    body: bytes
    content_type: str
    late: float = 0.03

    @property
    def text(self) -> bool:
        return self.content_type in {HTML, CSS, JS, JSON}


PAGES = ("text", "hero", "font", "shift", "tasks", "list", "third", "carousel", "photos")
"""Every fixture page; its address is ``/<name>``. Two never rest: announcements take turns, or photographs do."""

TASKS_BEFORE = "work(800);"
TASKS_AFTER = """
addEventListener('load', () => { setTimeout(() => work(300), 300); setTimeout(() => work(160), 800); });
document.addEventListener('DOMContentLoaded', () => setTimeout(() => work(500), 150));
"""
LIST = """
fetch('/rows.json').then((answer) => answer.json()).then((rows) => {
  const main = document.querySelector('#rows');
  for (const row of rows) {
    work(2);
    const card = document.createElement('div');
    card.className = 'card';
    card.innerHTML = '<b>' + row.name + '</b>' + row.text + ' <a href="#' + row.code + '">' + row.code + '</a>';
    main.append(card);
  }
});
"""
SHIFT = """
setTimeout(() => {
  const note = document.createElement('div');
  note.className = 'card'; note.style.minHeight = '140px';
  note.textContent = 'Thông báo bảo trì hệ thống';
  document.querySelector('main').prepend(note);
}, 900);
"""
CAROUSEL = """
let at = 0;
const slides = document.querySelector('#slides');
setInterval(() => { at = (at + 1) % 3; slides.style.transform = 'translateX(-' + at * 100 + '%)'; }, 3000);
"""
CAROUSEL_STYLE = (
    "<style>#frame{overflow:hidden;height:220px}#slides{display:flex;transition:transform .4s}"
    "#slides img{flex:0 0 100%;width:100%;height:220px;object-fit:cover}</style>"
)
LINK = '<link rel="stylesheet" href="/style.css">'


@functools.cache
def answers(third: str) -> dict[str, Answer]:
    """Everything that both hosts answer; ``third`` is the origin of the other one, which the pages then name."""
    rows = [{"code": f"1.{index:06}", "name": words(index, 8), "text": words(index + 500, 18)} for index in range(120)]
    found = {
        "/style.css": Answer(body=style(160_000).encode(), content_type=CSS),
        "/app.js": Answer(body=script(600_000).encode(), content_type=JS, late=0.05),
        "/tasks.js": Answer(body=script(300_000, TASKS_BEFORE + TASKS_AFTER).encode(), content_type=JS),
        "/list.js": Answer(body=script(700_000, LIST).encode(), content_type=JS, late=0.06),
        "/shift.js": Answer(body=script(300_000, SHIFT).encode(), content_type=JS),
        "/carousel.js": Answer(body=script(400_000, CAROUSEL).encode(), content_type=JS),
        "/third.js": Answer(body=script(60_000, "work(240);").encode(), content_type=JS, late=0.5),
        "/rows.json": Answer(body=json.dumps(rows, ensure_ascii=False).encode(), content_type=JSON, late=0.25),
        "/bars.ttf": Answer(body=font(60_000), content_type=TTF, late=0.3),
        "/hero.jpg": Answer(body=photograph(1, 1200, 820, 80), content_type=JPEG, late=0.08),
        "/late.jpg": Answer(body=photograph(2, 800, 500, 65), content_type=JPEG, late=0.4),
        "/favicon.ico": Answer(body=b"", content_type="image/x-icon"),
    }
    found |= {
        f"/slide{number}.jpg": Answer(body=photograph(10 + number, 900, 500, 65), content_type=JPEG)
        for number in range(3)
    }
    found |= {f"/banner{number}.jpg": Answer(body=banner(number, 900, 500), content_type=JPEG) for number in range(3)}
    found |= {
        f"/thumb{number}.jpg": Answer(body=photograph(20 + number, 480, 320, 60), content_type=JPEG)
        for number in range(4)
    }
    return found | {f"/{name}": Answer(body=_page(name, third), content_type=HTML, late=0.12) for name in PAGES}


def _page(name: str, third: str) -> bytes:
    """The document of one page."""
    thumbs = "".join(f'<img src="/thumb{index}.jpg" width="240" height="160" alt="">' for index in range(4))
    title = f"<h1>{words(7, 9)}</h1>"
    cards = "".join(f'<div class="card"><b>{words(i, 7)}</b>{words(i + 40, 20)}</div>' for i in range(12))
    hero = '<img src="/hero.jpg" width="900" height="620" alt="" style="width:100%;height:auto">'
    heads = {
        "font": f"{LINK}<style>@font-face{{font-family:Bars;src:url(/bars.ttf);font-display:swap}}"
        "main{font-family:Bars,sans-serif}</style>",
        "tasks": f'{LINK}<script src="/tasks.js"></script>',
        "shift": f'{LINK}<script src="/shift.js" defer></script>',
        "list": f'{LINK}<script src="/list.js" defer></script>',
        "third": f'{LINK}<script src="{third}/third.js"></script>',
        "carousel": f'{LINK}{CAROUSEL_STYLE}<script src="/carousel.js" defer></script>',
        "photos": f'{LINK}{CAROUSEL_STYLE}<script src="/carousel.js" defer></script>',
    }
    frame = '<div id="frame"><div id="slides">{}</div></div>'
    slides = {
        kind: frame.format("".join(f'<img src="/{kind}{index}.jpg" alt="">' for index in range(3)))
        for kind in ("banner", "slide")
    }
    bodies = {
        "text": title + paragraphs(100, 80),
        "hero": hero + title + cards + thumbs + '<script src="/app.js" defer></script>',
        "font": title + paragraphs(300, 12) + cards,
        "shift": title + f"<p>{words(50, 30)}</p><img src='/late.jpg' alt=''>" + cards,
        "tasks": title + cards + paragraphs(400, 6),
        "list": f'{title}<div id="rows"></div>',
        "third": title + paragraphs(500, 6) + thumbs + f'<script src="{third}/app.js" async></script>',
        "carousel": slides["banner"] + title + cards,
        "photos": slides["slide"] + title + cards,
    }
    return page(bodies[name], head=heads.get(name, LINK))
