"""Content for one person: the fields their templates may name, and the rendered parts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from visavis.core.clock import Zone, to_date, to_datetime
from visavis.core.consent import Address
from visavis.core.decisions import Reason
from visavis.core.lang.form import Value
from visavis.core.lang.parse import Located
from visavis.core.lang.types import SCALE, Type
from visavis.core.nouns import Project
from visavis.core.offers import PARTS, Content, Offer, Template
from visavis.core.problems import Place
from visavis.decide.rules import Unrendered

Link = Callable[[Address, Offer], str]
"""The signed address that takes back consent."""


@dataclass(frozen=True, slots=True)
class Renderer:
    """Renders offers for one person; `values` are the person's traits as the reader holds them."""

    project: Project
    values: Mapping[str, Value]
    zone: Zone
    at_ms: int
    link: Link
    language: str | None = None
    _shown: dict[str, Any] = field(default_factory=dict, compare=False)
    """The person's values as templates see them, made once."""

    def __call__(self, offer: Offer, address: Address | None) -> Mapping[str, str]:
        content = self.project.contents.get(offer.content or "")
        if content is None:
            return {}
        spoken, parts = content.variant(self.language)
        fields = self._fields(content, offer, address, spoken or self.project.language)
        own = {part: parts[part] for part in parts if part not in PARTS}
        if address is None and own:
            # shown and not sent: the content's own data, where it has any, and no mail
            parts = own
        return {
            part: self._render(template, part, fields) for part, template in sorted(parts.items())
        }

    def _fields(
        self, content: Content, offer: Offer, address: Address | None, language: str
    ) -> dict[str, Any]:
        if not self._shown:
            traits = self.project.traits
            for name, value in self.values.items():
                if value is not None and name in traits:
                    self._shown[name] = shown(value, traits[name].type, self.zone)
        fields: dict[str, Any] = {**content.defaults, **self._shown}
        fields["person"] = {k: v for k, v in fields.items() if not k.startswith("_")}
        fields |= {
            "brand": self.project.name,
            "today": to_date(self.zone.date_of(self.at_ms)),
            "_language": language,
            "_currency": self.project.currency,
            "_now": shown(self.at_ms, Type.TIME, self.zone),
        }
        if address is not None:
            fields |= {"address": address[1], "unsubscribe_url": self.link(address, offer)}
        return fields

    def _render(self, template: Template, part: str, fields: Mapping[str, Any]) -> str:
        from visavis.core.liquid import LiquidError, MissingField, render

        try:
            text = render(template, fields, html=part == "html")
        except MissingField as error:
            place = _place(template, error.offset)
            raise Unrendered(Reason.MISSING_FIELD, error.name, place) from error
        except LiquidError as error:
            place = _place(template, error.offset)
            # what a template says of a person's values is not repeated
            raise Unrendered(Reason.TEMPLATE, "", place) from error
        return " ".join(text.split()) if part == "subject" else text


def _place(template: Template, offset: int) -> Place:
    return Located(template.text, template.file, template.starts).place(offset)


def shown(value: Value, kind: Type, local: Zone) -> Any:
    """A held value as templates see it: decimals, local times, dates."""
    match kind:
        case Type.DECIMAL:
            return Decimal(int(value or 0)) / SCALE
        case Type.TIME:
            ms = int(value or 0)
            return to_datetime(ms + local.offset(ms)).replace(tzinfo=None)
        case Type.DATE:
            return to_date(int(value or 0))
        case _:
            return value


def spelled(value: Value, kind: Type) -> str | None:
    """An occasion's value as text: the same for the same value wherever it was worked out."""
    if value is None:
        return None
    found = shown(value, kind, _UTC)
    if isinstance(found, bool):
        return "true" if found else "false"
    if isinstance(found, datetime):
        return found.replace(tzinfo=UTC).isoformat().replace("+00:00", "Z")
    if isinstance(found, date):
        return found.isoformat()
    return f"{found.normalize():f}" if isinstance(found, Decimal) else str(found)


_UTC = Zone("UTC", (), (0,))
