"""The parts of an inline question, as Mixpanel takes them.

Mixpanel does not document them. Source: what Mixpanel's own open clients send. It answers a part that is malformed
with a mere 500, so each is checked here before it is sent.
"""

from __future__ import annotations

from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel

Resource = Literal["events", "people"]
PropertyType = Literal["string", "number", "boolean", "datetime", "list"]
NOTHING = ("is set", "is not set")
OPERATORS: dict[str, tuple[str, ...]] = {
    "string": ("equals", "does not equal", "contains", "does not contain", "starts with", "ends with", *NOTHING),
    "number": (
        "is equal to", "is not equal to", "is greater than", "is less than", "is at least", "is at most", "is between",
        "not between", *NOTHING,
    ),
    "boolean": ("true", "false", *NOTHING),
    "datetime": ("was on", "was not on", "was before", "was since", "was between", "was not between", *NOTHING),
    "list": ("contains", "does not contain", *NOTHING),
}  # fmt: skip
"""What can be said of a property, by its type."""


class Clause(BaseModel):
    """A part of a question. What is not given is not sent."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, alias_generator=to_camel, validate_by_name=True)

    def as_json(self) -> dict[str, Any]:
        return self.model_dump(by_alias=True, exclude_unset=True)


class Filter(Clause):
    """Which events count: ``sections.filter[]``, ``behavior.filters[]``."""

    resource_type: Resource
    value: str = Field(min_length=1)
    filter_type: PropertyType
    default_type: PropertyType
    filter_operator: str
    filter_value: Any

    @model_validator(mode="after")
    def _operator_fits(self) -> Self:
        if self.filter_operator not in OPERATORS[self.filter_type]:
            raise ValueError(f"a {self.filter_type} has no {self.filter_operator!r}")
        return self


class Bucket(Clause):
    """Ranges of a number, all of one size."""

    bucket_size: float = Field(gt=0)
    min: float | None = None
    max: float | None = None


class Group(Clause):
    """What a metric is broken down by: ``sections.group[]``."""

    resource_type: Resource
    value: str = Field(min_length=1)
    property_name: str
    property_type: PropertyType
    property_default_type: PropertyType
    custom_bucket: Bucket | None = None


class CohortGroup(Clause):
    """The members of a saved cohort, and all others."""

    resource_type: Literal["events"] = "events"
    value: list[str]
    property_type: None = None
    cohorts: list[dict[str, Any]]

    def as_json(self) -> dict[str, Any]:
        return self.model_dump(by_alias=True)


class Event(Clause):
    """What was done."""

    type: Literal["event"]
    name: str = Field(min_length=1)
    resource_type: Literal["events"]
    filters_determiner: Literal["all", "any"]
    filters: list[Filter]


class Property(Clause):
    name: str = Field(min_length=1)
    resource_type: Resource


class Measurement(Clause):
    """How it is counted."""

    math: str
    property: Property | None = None
    per_user_aggregation: Literal["total", "average", "min", "max", "unique_values"] | None = None
    percentile: float | None = Field(default=None, ge=0, le=100)


class Metric(Clause):
    """An event and how it is counted: ``sections.show[]``."""

    type: Literal["metric"]
    name: str
    behavior: Event
    measurement: Measurement
    is_hidden: bool


class Formula(Clause):
    """Metrics put together, by their letters."""

    type: Literal["formula"]
    name: str
    definition: str = Field(min_length=1)
    measurement: dict[str, Any]
    referenced_metrics: list[dict[str, Any]]
