"""Settings of the audience: what is counted of people's faces, by the hour and in groups only."""

from __future__ import annotations

from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field


class SiteKind(StrEnum):
    GYM = "gym"
    OFFICE = "office"
    SHOP = "shop"
    SCHOOL = "school"
    LAB = "lab"
    OTHER = "other"


WORK_OR_SCHOOL = frozenset({SiteKind.OFFICE, SiteKind.SCHOOL, SiteKind.LAB})
"""Where the people in sight are at work or in education."""
_PROHIBITED = (
    "inferring emotions at workplaces and in education is prohibited in the European Union"
    " (Regulation (EU) 2024/1689, Article 5(1)(f))"
)


class AudienceSettings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    expression: bool = Field(
        False,
        description=f"Count the expressions of faces. Needs `site.kind`, and is refused for `office`, `school` and"
        f" `lab`: {_PROHIBITED}.",
    )
    age: bool = Field(False, description="Count people by age band, as estimated from their faces.")

    @property
    def networks(self) -> tuple[str, ...]:
        """The networks that these settings ask for, by their names in the model catalog."""
        return tuple(name for name, wanted in (("expression", self.expression), ("age", self.age)) if wanted)

    def require_allowed(self, kind: SiteKind | None) -> None:
        """Raises ValueError where the expressions of faces must not be counted at a site of that kind."""
        if not self.expression:
            return
        if kind is None:
            raise ValueError(f"expression needs site.kind to be set: {_PROHIBITED}")
        if kind in WORK_OR_SCHOOL:
            raise ValueError(f'expression must be false where site.kind is "{kind}": {_PROHIBITED}')
