"""Which properties events and lines have, and of which type: vocabulary and declarations."""

from __future__ import annotations

from visavis.core.lang.types import Type
from visavis.core.nouns import Field
from visavis.core.problems import Place, Problem
from visavis.core.vocabulary import BUILT_IN, EVENTS, LINE_FIELDS, PROPERTY_TYPES
from visavis.project.names import check_name, name_set

FIXED = name_set(
    """
    order_id revenue total subtotal shipping tax discount currency promotion coupon
    payment_method place items cost status product_id sku name brand variant category quantity
    price amount value email phone campaign_id created_at birthday
    """
)
"""Of these the vocabulary's type stands; of others a project may say what they are with it."""


class Registry:
    """Grows as definitions are read. One name has one type wherever it appears."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = problems
        self.properties: dict[str, dict[str, Type]] = {e: dict(p) for e, p in EVENTS.items()}
        self.lines: dict[str, Type] = dict(LINE_FIELDS)
        self.catalogue: dict[str, Type] = {}
        self._types: dict[str, tuple[Type, Place | None]] = {
            name: (kind, None) for name, kind in PROPERTY_TYPES.items()
        }
        self._line_types: dict[str, tuple[Type, Place | None]] = {
            name: (kind, None) for name, kind in LINE_FIELDS.items()
        }

    def property_type(self, name: str) -> Type | None:
        """What a property of this name is everywhere, if it is known."""
        found = self._types.get(name)
        return found[0] if found else None

    def line_type(self, name: str) -> Type | None:
        """What a line's or item's field of this name is, if it is known."""
        found = self._line_types.get(name)
        return found[0] if found else None

    def settle(self) -> None:
        """Gives every event's property the one type of its name; call it when all are declared."""
        for properties in self.properties.values():
            for name in properties:
                properties[name] = self._types[name][0]
        for name in self.lines:
            self.lines[name] = self._line_types[name][0]

    def event(self, name: str) -> None:
        """Makes an event known."""
        self.properties.setdefault(name, {})

    def add(self, event: str, field: Field) -> bool:
        """A property of an event; False, with a Problem, where it can't be one."""
        self.event(event)
        if fits := self._fits(self._types, field, "property"):
            self.properties[event][field.name] = field.type
        return fits

    def add_line(self, field: Field) -> bool:
        """A field of order lines."""
        if fits := self._fits(self._line_types, field, "line field"):
            self.lines[field.name] = field.type
        return fits

    def add_item(self, field: Field) -> bool:
        """A field of catalogue items."""
        if fits := self._fits(self._line_types, field, "catalogue field"):
            self.catalogue[field.name] = field.type
        return fits

    def _fits(self, known: dict[str, tuple[Type, Place | None]], field: Field, noun: str) -> bool:
        place = field.place
        if place is None or not check_name(noun, field.name, place, self.problems):
            return False
        if field.name in BUILT_IN:
            hint = "Call it something else, or map it as a role."
            message = f"Every event has its own '{field.name}'."
            self.problems.append(Problem("reserved-name", message, place, hint))
            return False
        kind, first = known.setdefault(field.name, (field.type, place))
        if first is None and field.name not in FIXED:
            known[field.name] = (field.type, place)
            return True
        if kind is not field.type:
            where = f"at {first}" if first else "in the vocabulary"
            message = f"'{field.name}' is {field.type} here and {kind} {where}."
            hint = "One name has one type in all events; choose one, or another name."
            self.problems.append(Problem("conflicting-property-type", message, place, hint))
        return kind is field.type
