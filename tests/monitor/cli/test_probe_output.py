"""A result is shown in any width, colour and encoding, and never more than the result has."""

from __future__ import annotations

import io
import json
import math
import re
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from monitor.cli import probe_output
from probes.result import Fault, Outcome
from tests import factories
from tests.factories import SLOT

if TYPE_CHECKING:
    from probes.result import ProbeResult

NOW = SLOT / 1000
CHAIN = (
    factories.hop(
        url="http://ha-noi.example.gov.vn/",
        phases={"resolve": 0.010, "connect": 0.020, "send": 0.0, "wait": 0.050, "transfer": 0.001},
        status=301,
        location="https://ha-noi.example.gov.vn/",
    ),
    factories.hop(),
)


def shown(result: ProbeResult, *, width: int = 80, encoding: str = "utf-8", colour: bool = False) -> str:
    raw = io.BytesIO()
    file = io.TextIOWrapper(raw, encoding=encoding, newline="")
    console = Console(file=file, width=width, force_terminal=colour, color_system="standard" if colour else None)
    probe_output.print_result(result, console, now_seconds=NOW)
    file.flush()
    return raw.getvalue().decode(encoding)


def bars(text: str, glyphs: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip() and set(line.strip()) <= set(glyphs)]


def test_a_successful_probe():
    assert shown(factories.result(values=factories.values(ipv6_success=False, ipv6_seconds=1.2), hops=CHAIN)) == (
        """\
✓ up  332.0 ms

1. http://ha-noi.example.gov.vn/ → https://ha-noi.example.gov.vn/
   301  192.0.2.10 (IPv4)
   ░░▒▒▒▒▒████████████
   resolve 10.0  connect 20.0  send 0.0  wait 50.0  transfer 1.0  = 81.0 ms

2. https://ha-noi.example.gov.vn/
   200  192.0.2.10 (IPv4)
   ░░░▒▒▒▒▒▒▒▓▓▓▓▓▓▓▓▓▓▓▓▓▪███████████████████████████████████████████▚▚▚▚▚▚▚▚▚▚
   resolve 12.0  connect 31.0  tls 58.0  send 1.0  wait 187.0  transfer 43.0
   = 332.0 ms

░ resolve  ▒ connect  ▓ tls  ▪ send  █ wait  ▚ transfer
total 413.0 ms in 2 requests

  subject     CN=*.example.gov.vn,O=Ủy ban nhân dân thành phố Hà Nội,C=VN
  issuer      CN=Example Issuing CA,C=VN
  TLS         TLSv1.3
  HTTP        1.1
  received    18.7 kB (18731 bytes)
  body        71.3 kB (71345 bytes)
  certificate 90.0 days left (until 2026-10-30)
  IPv4        good in 332.0 ms
  IPv6        failed in 1200.0 ms
"""
    )


def test_a_failure_has_the_text_of_its_fault():
    text = shown(
        factories.result(
            outcome=Outcome.DOWN,
            fault=Fault.CONNECT_TIMEOUT,
            phase="connect",
            detail="no end after 10 s, in phase connect",
            duration=10.0,
            values={"cert_leaf_expiry": NOW - 86_400.0},
            hops=(factories.hop(phases={"resolve": 0.012, "connect": 9.988}, status=None, address=None),),
        )
    )
    assert text.startswith("✗ down: connection timed out  10000.0 ms\n  no end after 10 s, in phase connect\n")
    assert "   no response  no address\n" in text
    assert "certificate expired 1.0 days ago (until 2026-07-31)" in text


def test_a_probe_that_never_started_has_an_outcome_only():
    unknown = factories.result(
        outcome=Outcome.UNKNOWN, fault=Fault.INTERNAL_ERROR, detail="Too many open files", values={}, hops=()
    )
    assert shown(unknown) == "? unknown: internal error of the prober  332.0 ms\n  Too many open files\n"


def test_every_fault_has_a_text():
    assert probe_output.FAULT_TEXTS.keys() == set(Fault)
    assert len(set(probe_output.FAULT_TEXTS.values())) == len(Fault)


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252"])
def test_plain_text_where_the_terminal_knows_no_more(encoding: str):
    text = shown(factories.result(hops=CHAIN), encoding=encoding)
    assert text.isascii()
    assert text.startswith("+ up  332.0 ms\n")
    assert "http://ha-noi.example.gov.vn/ -> https://ha-noi.example.gov.vn/" in text
    assert "O=Uy ban nhan dan thanh pho Ha Noi,C=VN" in text
    assert "rrrccccccc" in text
    assert "r resolve  c connect  t tls  s send  w wait  = transfer" in text


def test_colour_changes_no_character():
    plain = shown(factories.result(hops=CHAIN))
    coloured = shown(factories.result(hops=CHAIN), colour=True)
    assert "\x1b[" in coloured
    assert "\x1b" not in plain
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == plain


@pytest.mark.parametrize("width", [10, 40, 41, 60, 80, 120, 200, 500])
@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_no_line_is_wider_than_the_terminal_between_40_and_200(width: int, encoding: str):
    long = factories.result(
        outcome=Outcome.DOWN,
        fault=Fault.REDIRECT_TARGET,
        detail="đường dẫn " * 40,
        values=factories.values(cert_subject="CN=" + "x" * 300),
        hops=(*CHAIN, factories.hop(url="https://example.gov.vn/" + "a" * 400, location="b" * 300)),
    )
    limit = min(max(width, 40), 200)
    lines = shown(long, width=width, encoding=encoding).splitlines()
    assert max(cell_len(line) for line in lines) == limit
    assert sum(line.count("a") for line in lines) >= 400, "and nothing is cut off"


def test_the_portals_words_cannot_steer_the_terminal():
    text = shown(
        factories.result(
            outcome=Outcome.DOWN,
            fault=Fault.PROTOCOL,
            detail="\x1b[2J[bold]gone[/bold]\r\x07\u202e",
            hops=(factories.hop(location="\x1b]0;title\x07\n"),),
        )
    )
    assert "\\x1b[2J[bold]gone[/bold]\\r\\x07\\u202e" in text
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", text)


PHASE_SETS = st.dictionaries(st.sampled_from(list(factories.PHASES)), st.floats(0, 100), min_size=1)


@given(PHASE_SETS, st.integers(30, 200), st.floats(1, 10))
def test_cells_sum_to_the_hops_share_and_each_is_off_by_one_at_most(
    phases: dict[str, float], width: int, factor: float
):
    whole = sum(phases.values())
    cells = probe_output.bar_cells(phases, whole * factor, width)
    assert cells.keys() == phases.keys()
    if whole == 0:
        assert set(cells.values()) == {0}
        return
    assert abs(sum(cells.values()) - width / factor) <= 0.5 + 1e-6
    for phase, seconds in phases.items():
        assert abs(cells[phase] - seconds / (whole * factor) * width) <= 1 + 1e-6


def test_bars_of_all_hops_share_one_scale():
    first, second = bars(shown(factories.result(hops=CHAIN), width=100), "░▒▓▪█▚")
    assert len(second) == 97
    assert len(first) == round(97 * 0.081 / 0.332)


def test_json_has_every_key_and_every_digit():
    bad = factories.result(
        outcome=Outcome.DOWN,
        fault=Fault.HTTP_STATUS,
        phase="transfer",
        detail="trạng thái 503",
        duration=1 / 3,
        values={"status": 503, "wait_seconds": 0.1 + 0.2, "tls_seconds": math.nan, "ssl": True},
        hops=(factories.hop(phases={"wait": 0.1 + 0.2}, status=503),),
    )
    found: dict[str, Any] = json.loads(json.dumps(probe_output.result_json(bad), allow_nan=False))
    assert found == {
        "outcome": "down",
        "fault": "http_status",
        "phase": "transfer",
        "detail": "trạng thái 503",
        "duration": 1 / 3,
        "values": {"status": 503, "wait_seconds": 0.1 + 0.2, "ssl": True},
        "hops": [
            {
                "url": "https://ha-noi.example.gov.vn/",
                "status": 503,
                "location": None,
                "address": "192.0.2.10",
                "family": 4,
                "phases": {"wait": 0.1 + 0.2},
                "seconds": 0.1 + 0.2,
            }
        ],
    }
    good = probe_output.result_json(factories.result(values={}, hops=()))
    assert good["fault"] is good["phase"] is None
    assert good.keys() == found.keys()
