"""The portals of the fleet: the first sixty have real names and codes from `names.csv`, the rest are numbered.

Its column `fault_profile` fixes the profile of a portal; where it is empty the profile is drawn. `site` implements
traits and conditions.
"""

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from importlib.resources import files
from itertools import count, islice
from typing import Final, Literal, cast

from monitor.tools.demo import pages
from monitor.tools.demo.fault_schedule import FaultProfile, draw_fault_profile, hash_uniform

PortalKindName = Literal["national", "ministry", "province"]
Expectation = Literal["answers", "retired"] | dict[Literal["redirects_to"], str]

_GROUPS: Final = {"national": "quoc-gia", "ministry": "bo-nganh", "province": "tinh-thanh"}
_SHARED_PLATFORM: Final = "nen-tang-chung"
_NO_VIEWPORT_RATIO: Final = 0.25


class Trait(StrEnum):
    """What is permanent about a portal, independent of its faults."""

    PLAIN = ""
    REDIRECTS = "redirects"  # redirects every request to the national portal
    COOKIE = "cookie"  # http to https, then to the landing page, and in circles without the cookie
    RETIRED = "retired"  # refuses connections
    EXPIRING = "expiring"  # its certificate ends in five days
    HEAVY = "heavy"  # a home page of 1.5 MB
    SHARED = "shared"  # one platform under several names with one fault schedule


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetPortal:
    """A portal as in a monitor's configuration, and the three values that explain its behaviour."""

    id: str
    code: str
    name_vi: str
    name_en: str
    kind: PortalKindName
    group: str
    url: str
    expect: Expectation
    pages: Mapping[str, str]
    """Path by role: ``home``, ``list``, ``search``, ``service-9`` and the like."""
    trait: Trait
    fault_profile: FaultProfile
    fault_schedule_key: str
    """Key of its fault schedule (its id, or that of the platform it shares)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PortalSpec:
    """A portal before it has a URL."""

    id: str
    code: str
    name_vi: str
    name_en: str
    kind: PortalKindName
    services: tuple[int, ...]
    trait: Trait
    fault_profile: FaultProfile
    fault_schedule_key: str
    secure: bool

    @property
    def page_settings(self) -> pages.PageSettings:
        """Return the settings of its pages."""
        name = self.name_vi if self.name_vi.startswith("Cổng") else f"Cổng Dịch vụ công {self.name_vi}"
        mobile = hash_uniform(self.id, "viewport") > _NO_VIEWPORT_RATIO
        return pages.PageSettings(name=name, services=self.services, heavy=self.trait is Trait.HEAVY, mobile=mobile)

    def to_fleet_portal(self, url: str, national_host: str) -> FleetPortal:
        """Return the portal with its URL and, if it redirects, the host of its target."""
        expect: Expectation = "retired" if self.trait is Trait.RETIRED else "answers"
        if self.trait is Trait.REDIRECTS:
            expect = {"redirects_to": national_host}
        return FleetPortal(
            id=self.id,
            code=self.code,
            name_vi=self.name_vi,
            name_en=self.name_en,
            kind=self.kind,
            group=_SHARED_PLATFORM if self.trait is Trait.SHARED else _GROUPS[self.kind],
            url=url,
            expect=expect,
            pages={
                "home": pages.HOME,
                "list": pages.LIST,
                "search": f"{pages.SEARCH}?tu-khoa=khai+sinh",
                **{f"service-{number}": pages.service_path(number) for number in self.services},
            },
            trait=self.trait,
            fault_profile=self.fault_profile,
            fault_schedule_key=self.fault_schedule_key,
        )


def portal_specs(number: int, seed: int) -> tuple[PortalSpec, ...]:
    """Return the first *number* portals; the national one comes first, and every fourth has plain HTTP."""
    return tuple(_portal_spec(row, index, seed) for index, row in enumerate(islice(_rows(), number)))


def _rows() -> Iterator[dict[str, str]]:
    named = 0
    with files("monitor.tools.demo").joinpath("names.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            named += 1
            yield row
    for number in count(named + 1):
        name_vi, name_en = f"Tỉnh minh họa {number:04}", f"Demo province {number:04}"
        yield {"id": f"demo-{number:04}", "name_vi": name_vi, "name_en": name_en, "services": "9;11"}


def _portal_spec(row: Mapping[str, str], index: int, seed: int) -> PortalSpec:
    trait = Trait(row.get("trait", ""))
    schedule_key = _SHARED_PLATFORM if trait is Trait.SHARED else row["id"]
    profile = row.get("fault_profile")
    return PortalSpec(
        id=row["id"],
        code=row.get("code", ""),
        name_vi=row["name_vi"],
        name_en=row["name_en"],
        kind=cast("PortalKindName", row.get("kind", "province")),
        services=tuple(map(int, filter(None, row["services"].split(";")))),
        trait=trait,
        fault_profile=FaultProfile(profile) if profile else draw_fault_profile(seed, schedule_key),
        fault_schedule_key=schedule_key,
        secure=index % 4 != 2,  # noqa: PLR2004 - any remainder that leaves the national portal and `expiring` secure
    )
