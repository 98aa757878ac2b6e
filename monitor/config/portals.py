"""What both sorts of files are made of, and the shape of the portal files; a check's keys belong to its probe kind."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    ValidationInfo,
    field_validator,
)

from monitor.config.diagnostics import did_you_mean
from monitor.config.value_types import CheckInterval, Host, HttpUrl, PagePath, PageRole, Slug
from monitor.model.records import PortalKind
from probes.registry import PROBE_KINDS


def _probe_kind(value: str) -> str:
    if value not in PROBE_KINDS:
        raise ValueError(f"unknown probe kind {value!r}{did_you_mean(value, PROBE_KINDS)}")
    return value


CheckBlocks = Annotated[
    dict[Annotated[str, AfterValidator(_probe_kind)], dict[str, Any]], Field(json_schema_extra={"blocks": True})
]
"""Blocks of checks by probe kind, as written. They are judged where they are merged, in ``blocks.py``."""


UNEXPECTED_BOOLEAN = "expected a number, got a boolean"


def is_unexpected_boolean(model: type[BaseModel], key: str, value: object) -> bool:
    """Whether a boolean stands where ``model`` wants a number."""
    return isinstance(value, bool) and key in model.model_fields and model.model_fields[key].annotation in {int, float}


class Block(BaseModel):
    """Part of a file. Its repr tells nothing of its content, for that may have come from the environment."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=False)

    @field_validator("*", mode="before")
    @classmethod
    def reject_booleans(cls, value: object, info: ValidationInfo) -> object:
        """Refuse ``yes`` where a number belongs; pydantic would take it for 1."""
        if info.field_name and is_unexpected_boolean(cls, info.field_name, value):
            raise ValueError(UNEXPECTED_BOOLEAN)
        return value

    def __repr__(self) -> str:
        return f"{type(self).__name__}(…)"

    __str__ = __repr__


def _all_or_roles(value: object) -> object:
    if isinstance(value, str) and value != "all":
        raise ValueError(f"{value!r} is not a list of pages such as [home, search], and not the word all")
    return value


class ScheduleBlock(Block):
    """The keys that every check block has beside those of its probe kind. ``interval`` in seconds."""

    interval: CheckInterval = Field(default=60.0, description="Time from one look to the next, from 1 s to 24 h.")
    pages: Annotated[
        Annotated[Literal["all"], Tag("<all>")] | Annotated[tuple[PageRole, ...], Tag("<roles>")],
        Discriminator(lambda value: "<all>" if value == "all" else "<roles>"),
        BeforeValidator(_all_or_roles, json_schema_input_type=Literal["all"] | tuple[str, ...]),
    ] = Field(
        default=("home",), description="Roles of the pages to look at, or all; a portal is asked for those it has."
    )
    enabled: bool = Field(default=True, description="Whether to look at all.")


class NameBlock(Block):
    """What a portal is called."""

    vi: str = Field(min_length=1, max_length=200, description="In Vietnamese.")
    en: str = Field(min_length=1, max_length=200, description="In English.")


class RedirectsToBlock(Block):
    """A portal that sends its visitors on."""

    redirects_to: Host = Field(description="Host (or host:port) that it sends its visitors to.")


class PortalEntry(Block):
    """One portal as a portal file tells it."""

    id: Slug = Field(description="Unique, never used again: history is kept under it.")
    code: str | None = Field(default=None, min_length=1, max_length=32, description="Level-1 agency code.")
    name: NameBlock
    kind: PortalKind = Field(description="Whose portal it is.")
    group: Slug = Field(description="Who answers for it today.")
    url: HttpUrl = Field(description="Where its pages start.")
    expect: Annotated[
        Annotated[Literal["answers", "retired"], Tag("<word>")] | Annotated[RedirectsToBlock, Tag("<redirect>")],
        Discriminator(lambda value: "<redirect>" if isinstance(value, dict | RedirectsToBlock) else "<word>"),
    ] = Field(default="answers", description="What a look should find.")
    verified: bool = Field(default=True, description="Whether somebody saw this host in use.")
    status_2026: Literal["active", "retired", "merged", "unknown"] | None = Field(
        default=None, description="What became of it in the reforms of 2025 and 2026."
    )
    merged_into: Slug | None = Field(default=None, description="Id of the portal of the unit that absorbed this one.")
    confidence: str | None = Field(default=None, description="How its address is known: seen, pattern, ...")
    source: str | None = Field(default=None, description="Where these facts come from.")
    depends_on: tuple[Slug, ...] = Field(
        default=(), description="Portals or services, by name, without which it cannot work."
    )
    platform: Slug | None = Field(default=None, description="Software or hosting that it shares with other portals.")
    name_server: Host | None = Field(default=None, description="Name server of its domain, where it is known.")
    pages: dict[PageRole, PagePath] = Field(
        default_factory=dict, description="Page role: path below url, or full address."
    )
    checks: CheckBlocks = Field(default_factory=dict, description="What differs for this portal, by probe kind.")


class PortalsFile(Block):
    """``portals.yaml`` and every file in ``portals.d``."""

    portals: tuple[PortalEntry, ...]
