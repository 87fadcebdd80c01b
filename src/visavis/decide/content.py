"""Content for one person: the fields their templates may name, and the rendered parts."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import lru_cache
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


_CLOCK = frozenset(("now", "today", "date", "_now"))
"""Words without one of which no template reads the clock."""
_ALL = frozenset(("person", "["))
"""Words with one of which a template may read any field."""


@dataclass(frozen=True, slots=True)
class Used:
    """The traits that a content may show, and whether it may read the clock."""

    traits: frozenset[str]
    clock: bool


def used_by(content: Content | None, traits: Collection[str]) -> Used:
    """What the templates of a content may read: more than they do is no harm."""
    words = words_of(content)
    return Used(frozenset(_fields_in(words, traits)), not words.isdisjoint(_CLOCK))


def words_of(content: Content | None) -> frozenset[str]:
    """Every word of a content's templates that may name a field."""
    parts = content.parts.values() if content else ()
    return _all_words(template for part in parts for template in part.values())


def _fields_in(words: frozenset[str], names: Iterable[str]) -> Iterable[str]:
    return names if not words.isdisjoint(_ALL) else words.intersection(names)


def _all_words(templates: Iterable[Template]) -> frozenset[str]:
    none: frozenset[str] = frozenset()
    return none.union(*(_words(template.text) for template in templates))


@lru_cache(maxsize=4096)
def _words(text: str) -> frozenset[str]:
    return frozenset(re.findall(r"[a-z_][a-z0-9_]*|\[", text))


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
        own = {part: parts[part] for part in parts if part not in PARTS}
        if address is None and own:
            # shown and not sent: the content's own data, where it has any, and no mail
            parts = own
        words = _all_words(parts.values())
        fields = self._fields(words, content, spoken or self.project.language)
        if address is not None:
            fields |= {"address": address[1], "unsubscribe_url": self.link(address, offer)}
        return {
            part: self._render(template, part, fields) for part, template in sorted(parts.items())
        }

    def _fields(self, words: frozenset[str], content: Content, language: str) -> dict[str, Any]:
        """The fields that templates of these words may read."""
        fields: dict[str, Any] = dict(content.defaults)
        for name in _fields_in(words, self.values.keys()):
            value = self._shown_as(name)
            if value is not None:
                fields[name] = value
        if "person" in words:
            fields["person"] = {k: v for k, v in fields.items() if not k.startswith("_")}
        fields |= {
            "brand": self.project.name,
            "_language": language,
            "_currency": self.project.currency,
        }
        if not words.isdisjoint(_CLOCK):
            fields["today"] = to_date(self.zone.date_of(self.at_ms))
            fields["_now"] = shown(self.at_ms, Type.TIME, self.zone)
        return fields

    def _shown_as(self, name: str) -> Any:
        if name not in self._shown:
            value, trait = self.values[name], self.project.traits.get(name)
            known = value is not None and trait is not None
            self._shown[name] = shown(value, trait.type, self.zone) if known and trait else None
        return self._shown[name]

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
