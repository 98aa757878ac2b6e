"""The fault schedule is a pure function with the faults that a demonstration needs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.tools.demo import fault_schedule, portals
from monitor.tools.demo.fault_profiles import DAY, HOUR, MINUTE, NO_FAULT, PROFILE_PATTERNS, PROFILE_SHARES
from monitor.tools.demo.fault_schedule import FaultEvent, FaultMode, FaultProfile

SEEDS = st.integers(0, 10_000)
NAMES = st.text("abcdefghijklmnopqrstuvwxyz-", min_size=1, max_size=20)
PROFILES = st.sampled_from(FaultProfile)
MOMENTS = st.floats(0, 30 * DAY)
OUTAGES = {FaultMode.REFUSE, FaultMode.RESET, FaultMode.ERROR, FaultMode.STALL}


def day_of(spec: portals.PortalSpec, seed: int, end: float = DAY) -> list[FaultEvent]:
    return fault_schedule.fault_events(seed, spec.fault_schedule_key, 0, end, spec.fault_profile)


def listening(number: int, seed: int) -> list[portals.PortalSpec]:
    return [spec for spec in portals.portal_specs(number, seed) if spec.trait is not portals.Trait.RETIRED]


def test_the_fault_schedule_never_changes_between_releases_and_machines():
    """Golden values: results of earlier benchmarks stay comparable."""
    assert fault_schedule.hash_uniform(7, "lao-cai", "temperament") == pytest.approx(0.735023, abs=1e-6)
    begin, end, mode = fault_schedule.fault_events(7, "lao-cai", 0, 6 * HOUR, FaultProfile.OUTAGE_PRONE)[0]
    assert (int(begin // MINUTE), int((end - begin) // MINUTE), mode) == (48, 24, FaultMode.ERROR)


@given(SEEDS, NAMES, MOMENTS, PROFILES)
def test_an_interval_holds_until_its_end(seed: int, name: str, at: float, profile: FaultProfile):
    interval = fault_schedule.fault_interval_at(seed, name, at, profile)
    assert interval.until_seconds > at
    for share in (0.0, 0.5, 0.999):
        assert (
            fault_schedule.condition_at(seed, name, at + share * (interval.until_seconds - at), profile)
            == interval.condition
        )


@given(SEEDS, NAMES, MOMENTS, st.floats(1, 2 * DAY), PROFILES)
def test_events_agree_with_conditions(seed: int, name: str, start: float, length: float, profile: FaultProfile):
    """In order, apart, inside the window; in their middle the condition is theirs, between them it is fine."""
    end, at = start + length, start
    for begin, until, mode in fault_schedule.fault_events(seed, name, start, end, profile):
        assert at <= begin < until <= end
        assert fault_schedule.condition_at(seed, name, begin, profile).mode is mode
        if begin > at:
            assert fault_schedule.condition_at(seed, name, (at + begin) / 2, profile) == NO_FAULT
        at = until
    if at < end:
        assert fault_schedule.condition_at(seed, name, (at + end) / 2, profile) == NO_FAULT


@given(SEEDS, NAMES, PROFILES, st.floats(0, 300, exclude_max=True))
def test_it_begins_without_faults(seed: int, name: str, profile: FaultProfile, at: float):
    assert fault_schedule.condition_at(seed, name, at, profile) == NO_FAULT


@given(SEEDS, NAMES, st.integers(0, 10_000))
def test_fine_pages_begin_after_ten_to_a_hundred_and_twenty_milliseconds(seed: int, name: str, count: int):
    assert 0.010 <= fault_schedule.first_byte_seconds(seed, name, count) <= 0.120


@given(SEEDS)
def test_a_fleet_of_six_has_an_outage_within_two_minutes_at_the_usual_scale(seed: int):
    assert any(mode in OUTAGES for spec in listening(6, seed) for *_, mode in day_of(spec, seed, 2 * 60 * 60))


@pytest.mark.parametrize("seed", range(5))
def test_a_fleet_of_twenty_four_has_a_day_worth_watching(seed: int):
    """Several outages of 3 to 40 minutes, exactly one flapping portal, slow afternoons."""
    specs = listening(24, seed)
    assert [spec.fault_profile for spec in specs].count(FaultProfile.FLAPPING) == 1
    others = [spec for spec in specs if spec.fault_profile is not FaultProfile.FLAPPING]
    happened = [event for spec in others for event in day_of(spec, seed)]
    lengths = [end - start for start, end, mode in happened if mode in OUTAGES and end < DAY]
    assert 4 <= len(lengths) <= 40
    assert all(3 * MINUTE <= length <= 40 * MINUTE for length in lengths)
    assert any(mode is FaultMode.SLOW and 5 * HOUR <= start <= 10 * HOUR for start, _, mode in happened)


def test_the_flapping_portal_flaps():
    flaps = fault_schedule.fault_events(7, "quang-ninh", 0, DAY, FaultProfile.FLAPPING)
    assert len(flaps) > 100


@pytest.mark.parametrize("profile", FaultProfile)
def test_every_event_fits_into_its_block(profile: FaultProfile):
    """`fault_interval_at` relies on it: it reads one block only."""
    for pattern in PROFILE_PATTERNS[profile]:
        for latest in (
            pattern.start_range_seconds[1],
            (pattern.first_start_range_seconds or pattern.start_range_seconds)[1],
        ):
            assert latest + pattern.duration_range_seconds[1] <= pattern.period_seconds
        assert pattern.conditions


def test_the_shares_of_the_profiles_sum_to_one():
    assert sum(share for _, share in PROFILE_SHARES) == pytest.approx(1)
