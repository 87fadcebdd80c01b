"""sources/*.yml: where events and records come from and how their columns map."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import cast

from visavis.core.lang.types import Type
from visavis.core.nouns import (
    DataKind,
    Field,
    IdentifierKind,
    Lookup,
    Mode,
    Party,
    Rule,
    Source,
    SourceKind,
)
from visavis.core.problems import Place, Problem, nearest
from visavis.project.currencies import CURRENCIES
from visavis.project.expressions import Expressions
from visavis.project.keys_in import REQUIRED_ROLES, ROLES
from visavis.project.names import check_file_name, check_name, name_set
from visavis.project.registry import Registry
from visavis.project.section import Section

ORDER_PROPERTIES = name_set(
    """
    order_id revenue currency discount promotion payment_method place items cost
    """
)
"""Made from the roles of an orders source, so no field can be called so."""
LINE_PROPERTIES = name_set(
    """
    product_id quantity price amount discount cost category promotion
    """
)
_ORDER_IDENTIFIERS = {"customer": "customer_id", "email": "email", "phone": "phone"}
_DECIMAL = re.compile(r"-?\d{1,12}(\.\d{1,6})?")
_DLT = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*")


class Sources:
    """Reads sources; their fields go to the registry, every mistake to `problems`."""

    def __init__(
        self,
        registry: Registry,
        kinds: Mapping[str, IdentifierKind],
        language: Expressions,
        problems: list[Problem],
    ) -> None:
        self.registry = registry
        self.kinds = kinds
        self.language = language
        self.problems = problems

    def read(self, name: str, section: Section) -> Source | None:
        """The source of a section; None where it can't be made at all."""
        named = check_file_name("source", name, section.place, self.problems)
        origin, table = self._origin(section), section.maybe("table") or section.maybe("query")
        kind = cast(SourceKind, section.text("kind", "orders"))
        self._check_roles(section, kind)
        self._check_values(section, kind)
        event = self._event(section, kind)
        fields = tuple(self._fields(section, kind, event))
        line_fields = tuple(self._line_fields(section, kind))
        rules = tuple(self._rules(section, kind, (*fields, *line_fields)))
        if not named or origin is None:
            return None
        return Source(
            name=name,
            kind=kind,
            origin=origin,
            place=section.place,
            event=event,
            table=table,
            cursor=section.maybe("cursor"),
            roles=section.text_map("map"),
            identifiers=self._identifiers(section, kind),
            fields=fields,
            line_fields=line_fields,
            lookups=tuple(_lookups(section)),
            rules=rules,
            statuses=section.texts_map("statuses"),
            constants=section.text_map("constants"),
            amount_of=section.text("amount_of", "line"),
            mode=cast(Mode, section.text("mode", "append")),
            namespace=section.text("namespace", name),
            trust=50 if section.integer("trust") is None else section.integer("trust") or 0,
            time_zone=section.maybe("time_zone"),
            time_format=section.maybe("time_format"),
            decimal_mark=section.values.get("decimal_mark"),
            encoding=read_encoding(section, self.problems),
            delimiter=read_delimiter(section, self.problems),
            skip_lines=max(0, section.integer("skip_lines") or 0),
            currency=section.maybe("currency"),
            owner=section.text("owner"),
            party=cast(Party, section.text("party", "first")),
            captured=section.text("captured"),
            dimensions=section.texts("dimensions"),
            threshold=section.integer("threshold"),
            places=_places(section),
        )

    def _origin(self, section: Section) -> str | None:
        given = [key for key in ("from", "database", "dlt") if section.has(key)]
        if not given:
            hint = "Say from: FILE, database: URL or dlt: PACKAGE.MODULE:RESOURCE."
            message = f"The source '{section.name}' has no 'from'."
            self._problem("missing-key", section.place, message, hint)
            return None
        for extra in given[1:]:
            message = f"A source has either '{given[0]}' or '{extra}'."
            self._problem("conflicting-keys", section.keys[extra], message, "Keep one.")
        if given[0] == "from":
            return "\n".join(section.texts("from")) or None
        return self._database(section) if given[0] == "database" else self._dlt(section)

    def _database(self, section: Section) -> str | None:
        url = section.text("database")
        if "://" not in url:
            hint = "Write it as postgresql://user@host/database or sqlite:///file."
            self._problem("wrong-value", section.at("database"), f"'{url}' is no URL.", hint)
            return None
        if not section.has("table") and not section.has("query"):
            message = f"The source '{section.name}' names no table of its database."
            self._problem(
                "missing-key", section.place, message, "Say table: NAME or query: SELECT."
            )
            return None
        return url

    def _dlt(self, section: Section) -> str | None:
        resource = section.text("dlt")
        if not _DLT.fullmatch(resource):
            message = f"'{resource}' is no dlt resource."
            hint = "Write it as package.module:resource."
            self._problem("wrong-value", section.at("dlt"), message, hint)
            return None
        return f"dlt:{resource}"

    def _check_roles(self, section: Section, kind: SourceKind) -> None:
        valid = ROLES[kind]
        for key in ("map", "constants"):
            for role in section.texts_map(key):
                if role not in valid:
                    message = f"A source of {kind} has no role '{role}'."
                    place = section.keys[f"{key}.{role}"]
                    self._problem("unknown-key", place, message, nearest(role, valid))
        there = {*section.text_map("map"), *section.text_map("constants")}
        needed = list(REQUIRED_ROLES[kind])
        if kind == "orders" and not {"amount", "price"} & there:
            needed.append("amount")
        for role in needed:
            if role not in there and section.sound:
                message = f"The source '{section.name}' maps no column to '{role}'."
                place = section.keys.get("map", section.place)
                hint = f"Add {role}: COLUMN to its map."
                self._problem("missing-key", place, message, hint)

    def _check_values(self, section: Section, kind: SourceKind) -> None:
        for role, text in section.text_map("constants").items():
            if ROLES[kind].get(role) is Type.DECIMAL and not _DECIMAL.fullmatch(text):
                message, place = f"'{text}' is no number.", section.at(f"constants.{role}")
                self._problem("wrong-value", place, message, "Write it like 12.50.")
        currency = section.text_map("constants").get("currency", "EUR")
        if currency not in CURRENCIES:
            message, place = f"There is no currency '{currency}'.", section.at("constants.currency")
            hint = "Write the three capital letters of ISO 4217, like EUR."
            self._problem("bad-currency", place, message, hint)
        if section.has("statuses") and "status" not in section.text_map("map"):
            message = "These statuses are of no column."
            hint = "Add status: COLUMN to the map."
            self._problem("missing-key", section.keys["statuses"], message, hint)
        above = section.integer("skip_lines") or 0
        if above < 0:
            message = f"No file has {above} lines above its header."
            self._problem("wrong-value", section.at("skip_lines"), message, "Count from 0.")
        threshold = section.integer("threshold")
        if threshold is not None and not 0 <= threshold <= 100:
            message = f"A threshold is from 0 to 100, not {threshold}."
            self._problem("wrong-value", section.at("threshold"), message, "")

    def _event(self, section: Section, kind: SourceKind) -> str | None:
        if kind == "events" and not section.has("event"):
            message = f"The source '{section.name}' doesn't say which event its rows are."
            self._problem("missing-key", section.place, message, "Add event: NAME.")
        if kind != "events" and section.has("event"):
            message = f"Only a source of events has an 'event'; this one is of {kind}."
            hint = "Say kind: events, or leave it out."
            self._problem("conflicting-keys", section.keys["event"], message, hint)
        if kind == "events" and section.text("event"):
            self.registry.event(section.text("event"))
        return section.maybe("event") if kind == "events" else None

    def _identifiers(self, section: Section, kind: SourceKind) -> dict[str, str]:
        result = {}
        if kind in ("orders", "consents", "suppressions"):
            roles = section.text_map("map")
            result = {k: roles[role] for role, k in _ORDER_IDENTIFIERS.items() if role in roles}
        for name, column in section.text_map("identifiers").items():
            if name not in self.kinds:
                message = f"There is no identifier kind '{name}'."
                place = section.keys[f"identifiers.{name}"]
                hint = nearest(name, self.kinds) or "Declare it in identity.yml."
                self._problem("unknown-name", place, message, hint)
            result[name] = column
        return result

    def _fields(self, section: Section, kind: SourceKind, event: str | None) -> Iterable[Field]:
        target = {"orders": "Order Completed", "records": "identify"}.get(kind, event)
        for part in section.sections("fields"):
            known = self.registry.property_type(part.name)
            field = read_field(part, known, section)
            if kind == "orders" and part.name in ORDER_PROPERTIES:
                self._made_of_roles(part)
            elif target is None:
                if check_name("field", part.name, part.place, self.problems):
                    yield field
            elif self.registry.add(target, field):
                yield field

    def _line_fields(self, section: Section, kind: SourceKind) -> Iterable[Field]:
        parts = section.sections("line_fields")
        if parts and kind != "orders":
            message = f"Only a source of orders has 'line_fields'; this one is of {kind}."
            place = section.keys["line_fields"]
            self._problem("conflicting-keys", place, message, "Call them fields.")
            return
        for part in parts:
            field = read_field(part, self.registry.line_type(part.name), section)
            if part.name in LINE_PROPERTIES:
                self._made_of_roles(part)
            elif self.registry.add_line(field):
                yield field

    def _made_of_roles(self, part: Section) -> None:
        message = f"'{part.name}' is made from the roles of the map."
        hint = "Map its role, or call the field something else."
        self._problem("reserved-name", part.place, message, hint)

    def _rules(self, section: Section, kind: SourceKind, fields: Iterable[Field]) -> Iterable[Rule]:
        names = dict.fromkeys(section.text_map("identifiers"), (Type.TEXT, "row"))
        names |= {f.name: (f.type, "row") for f in fields}
        mapped = {*section.text_map("map"), *section.text_map("constants")}
        names |= {role: (t, "row") for role, t in ROLES[kind].items() if role in mapped}
        for part in section.sections("rules"):
            text = part.expression("condition")
            if text is None:
                continue
            condition = self.language.parse(text, names, expect=Type.BOOLEAN)
            if condition is not None:
                action = part.values.get("action", "quarantine")
                yield Rule(part.name, condition, action, part.place)

    def _problem(self, code: str, place: Place, message: str, hint: str) -> None:
        self.problems.append(Problem(code, message, place, hint))


def read_field(part: Section, known: Type | None, section: Section | None = None) -> Field:
    """A declared field; what it doesn't say is the vocabulary's, or its source's default."""
    default = section.text("purpose") if section else ""
    kind = section.text("data_kind", "behaviour") if section else "behaviour"
    return Field(
        name=part.name,
        type=Type(part.text("type", known or Type.TEXT)),
        column=part.text("column", part.name),
        purpose=part.text("purpose", default),
        kind=cast(DataKind, part.text("kind", kind)),
        personal=part.flag("personal"),
        place=part.place,
    )


def _lookups(section: Section) -> Iterable[Lookup]:
    for part in section.sections("lookup"):
        if part.sound:
            yield Lookup(part.text("from"), part.text("on"), part.at("from"))


def _places(section: Section) -> dict[str, Place]:
    """The place of every value, of every field, and of what the roles identify by."""
    places = {**section.keys, **section.places}
    for key in ("fields", "line_fields"):
        places |= {f"{key}.{part.name}": part.at("column") for part in section.sections(key)}
    for role, kind in _ORDER_IDENTIFIERS.items():
        if f"map.{role}" in places:
            places.setdefault(f"identifiers.{kind}", places[f"map.{role}"])
    return places


def read_delimiter(section: Section, problems: list[Problem]) -> str | None:
    """The delimiter; `tab` may be written out."""
    text = section.maybe("delimiter")
    text = {"tab": "\t", "\\t": "\t"}.get(text, text) if text else None
    if text is None or (len(text) == 1 and text != '"'):
        return text  # white space is no text: then the header tells
    message, hint = "A delimiter is one sign.", "Write it in quotes, like ';', or write tab."
    problems.append(Problem("wrong-value", message, section.at("delimiter"), hint))
    return None


def read_encoding(section: Section, problems: list[Problem]) -> str | None:
    """The encoding, if text can be read in it."""
    name = section.maybe("encoding")
    try:
        if name is None or "".encode(name) is not None:
            return name
    except LookupError:
        message, hint = f"There is no encoding '{name}'.", "Write it like utf-8, cp1252 or gb18030."
        problems.append(Problem("wrong-value", message, section.at("encoding"), hint))
    return None
