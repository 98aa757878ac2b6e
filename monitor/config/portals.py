"""Define the base of all blocks and the models of portal files; the keys of a check are defined by its probe kind."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Discriminator, Field, Tag, ValidationInfo, field_validator

from monitor.config.diagnostics import did_you_mean
from monitor.config.value_types import CheckInterval, Host, HttpUrl, PagePath, PageRole, PageSelection, Slug
from monitor.model.records import PortalKind
from probes.registry import PROBE_KINDS


def _probe_kind(value: str) -> str:
    if value not in PROBE_KINDS:
        raise ValueError(f"unknown probe kind {value!r}{did_you_mean(value, PROBE_KINDS)}")
    return value


CheckBlocks = Annotated[
    dict[Annotated[str, AfterValidator(_probe_kind)], dict[str, Any]], Field(json_schema_extra={"blocks": True})
]
"""Blocks of checks by probe kind, as written. They are validated where they are merged, in ``check_blocks.py``."""

UNEXPECTED_BOOLEAN = "expected a number, got a boolean"


def is_unexpected_boolean(model: type[BaseModel], key: str, value: object) -> bool:
    """Return whether *value* is a boolean where ``model`` expects a number."""
    return isinstance(value, bool) and key in model.model_fields and model.model_fields[key].annotation in {int, float}


class Block(BaseModel):
    """Part of a file. Its repr hides the content, which may come from the environment."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=False)

    @field_validator("*", mode="before")
    @classmethod
    def reject_booleans(cls, value: object, info: ValidationInfo) -> object:
        """Reject ``yes`` where a number is expected; pydantic would read it as 1."""
        if info.field_name and is_unexpected_boolean(cls, info.field_name, value):
            raise ValueError(UNEXPECTED_BOOLEAN)
        return value

    def __repr__(self) -> str:
        return f"{type(self).__name__}(…)"

    __str__ = __repr__


class ScheduleBlock(Block):
    """Keys of every check block beside those of its probe kind. ``interval`` in seconds."""

    interval: CheckInterval = Field(60.0, description="Time from one probe to the next, from 1 s to 24 h.")
    pages: PageSelection = Field(
        ("home",), description="Roles of the pages to probe, or all; pages that a portal lacks are skipped."
    )
    enabled: bool = Field(default=True, description="Whether to probe at all.")


class NameBlock(Block):
    """Names of a portal."""

    vi: str = Field(min_length=1, max_length=200, description="In Vietnamese.")
    en: str = Field(min_length=1, max_length=200, description="In English.")


class RedirectsToBlock(Block):
    """A portal that redirects its clients."""

    redirects_to: Host = Field(description="Host (or host:port) that it redirects to.")


class PortalEntry(Block):
    """One portal of a portal file."""

    id: Slug = Field(description="Unique, never reused: history is stored under it.")
    code: str | None = Field(None, min_length=1, max_length=32, description="Level-1 agency code.")
    name: NameBlock
    kind: PortalKind = Field(description="Type of the authority that runs it.")
    group: Slug = Field(description="Id of the unit that is responsible for it today.")
    url: HttpUrl = Field(description="URL below which its pages are.")
    expect: Annotated[
        Annotated[Literal["answers", "retired"], Tag("<word>")] | Annotated[RedirectsToBlock, Tag("<redirect>")],
        Discriminator(lambda value: "<redirect>" if isinstance(value, dict | RedirectsToBlock) else "<word>"),
    ] = Field("answers", description="Expected result of a probe.")
    verified: bool = Field(default=True, description="Whether this host was seen in use.")
    status_2026: Literal["active", "retired", "merged", "unknown"] | None = Field(
        None, description="Its status after the reforms of 2025 and 2026."
    )
    merged_into: Slug | None = Field(None, description="Id of the portal of the unit that absorbed this one.")
    confidence: str | None = Field(None, description="How its URL is known: seen, pattern, ...")
    source: str | None = Field(None, description="Source of these facts.")
    depends_on: tuple[Slug, ...] = Field((), description="Portals or services, by name, without which it cannot work.")
    platform: Slug | None = Field(None, description="Software or hosting that it shares with other portals.")
    name_server: Host | None = Field(None, description="Name server of its domain, where it is known.")
    pages: dict[PageRole, PagePath] = Field(default_factory=dict, description="Page role: path below url, or full URL.")
    checks: CheckBlocks = Field(default_factory=dict, description="Overrides for this portal, by probe kind.")


class PortalsFile(Block):
    """``portals.yaml`` and every file in ``portals.d``."""

    portals: tuple[PortalEntry, ...]
