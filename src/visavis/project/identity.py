"""identity.yml: the kinds of identifiers, over the defaults that every project has."""

from __future__ import annotations

from collections.abc import Mapping

from visavis.core.lang.types import Type
from visavis.core.nouns import Growth, IdentifierKind, MatchRule
from visavis.core.problems import Problem, nearest
from visavis.project.names import check_name
from visavis.project.section import Section

BLOCKED = (
    "null", "undefined", "none", "nil", "nan", "n/a", "na", "unknown", "anonymous", "guest",
    "test", "0", "-1", "-", "true", "false", "", "[object object]",
    "00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff",
)  # fmt: skip
"""Values that are nobody's, whatever their case."""

USUAL_THRESHOLD = 10
CONFIRMING = ("Signed In", "Signed Up", "Social Account Linked")
"""Events in which somebody proves to hold the account."""

DEFAULTS: Mapping[str, IdentifierKind] = {
    kind.name: kind
    for kind in (
        IdentifierKind("customer_id", unique=True, priority=1, limit=1, blocked=BLOCKED),
        IdentifierKind("user_id", unique=True, priority=2, limit=1, blocked=BLOCKED),
        IdentifierKind("loyalty_id", priority=5, limit=5, strong=True, blocked=BLOCKED),
        IdentifierKind("email", priority=10, limit=5, shared_after=1, strong=True, blocked=BLOCKED),
        IdentifierKind("phone", priority=20, limit=5, shared_after=1, strong=True, blocked=BLOCKED),
        IdentifierKind(
            "social_id",
            priority=30,
            limit=5,
            shared_after=1,
            strong=True,
            blocked=BLOCKED,
            confirmed_by=CONFIRMING,
        ),
        IdentifierKind("device_id", priority=60, limit=50, shared_after=1, blocked=BLOCKED),
        IdentifierKind("anonymous_id", priority=70, limit=50, shared_after=1, blocked=BLOCKED),
        IdentifierKind("account_id", priority=90, shared_after=0, blocked=BLOCKED, account=True),
    )
}
"""Smaller priority = stronger. Limits are those of the field's usual practice."""


def read_kinds(
    sections: Mapping[str, Section], problems: list[Problem]
) -> dict[str, IdentifierKind]:
    """The default kinds with what the project says of them, and its own."""
    kinds = dict(DEFAULTS)
    for name, section in sections.items():
        if check_name("identifier kind", name, section.place, problems):
            default = DEFAULTS.get(name, IdentifierKind(name, blocked=BLOCKED))
            kinds[name] = _kind(default, section, problems)
    return kinds


def read_matching(
    sections: Mapping[str, Section], properties: Mapping[str, Type], problems: list[Problem]
) -> dict[str, MatchRule]:
    """The match rules; every property that they compare must be one that identify gives."""
    rules = {}
    for name, section in sections.items():
        on = section.texts("on")
        for unknown in [prop for prop in on if prop not in properties]:
            message = f"Nothing gives '{unknown}'."
            hint = nearest(unknown, properties)
            problems.append(Problem("unknown-name", message, section.at("on"), hint))
        if check_name("match rule", name, section.place, problems) and on:
            limit = section.integer("threshold")
            weight = float(USUAL_THRESHOLD if limit is None else limit)
            rules[name] = MatchRule(name, on, weight, section.place)
    return rules


def read_growth(sections: Mapping[str, Section], problems: list[Problem]) -> Growth:
    """How much may become one at once; the usual where nothing is said."""
    usual = Growth()
    section = sections.get("growth")
    if section is None:
        return usual
    largest = section.integer("largest")
    if largest is not None and largest < 2:
        message = "'largest' must be at least 2: a person of one identifier joins nothing."
        problems.append(Problem("wrong-value", message, section.at("largest")))
    return Growth(
        section.values.get("joined"),
        usual.largest if largest is None else largest,
        section.at("joined"),
    )


def _country(section: Section, problems: list[Problem]) -> str | None:
    country = section.maybe("country")
    if country is None:
        return None
    from phonenumbers import SUPPORTED_REGIONS

    if country.upper() in SUPPORTED_REGIONS:
        return country.upper()
    hint = "Write two letters (ISO 3166), like DE or CN."
    problems.append(
        Problem("wrong-value", f"'{country}' is no country.", section.at("country"), hint)
    )
    return None


def _kind(default: IdentifierKind, section: Section, problems: list[Problem]) -> IdentifierKind:
    priority, limit = section.integer("priority"), section.integer("limit")
    shared = section.integer("shared_after")
    own = tuple(value.lower() for value in section.texts("blocked"))
    return IdentifierKind(
        name=default.name,
        unique=section.flag("unique", default.unique),
        priority=default.priority if priority is None else priority,
        limit=default.limit if limit is None else limit,
        shared_after=default.shared_after if shared is None else shared,
        strong=section.flag("strong", default.strong),
        blocked=tuple(dict.fromkeys((*default.blocked, *own))),
        account=section.flag("account", default.account),
        country=_country(section, problems) or default.country,
        confirmed_by=section.texts("confirmed_by") or default.confirmed_by,
        place=section.place,
    )
