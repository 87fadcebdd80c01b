"""The nouns of a project: what its folder declares, parsed and typed, each with its place.

Pure values. The project room makes them from YAML, every other room only reads them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from visavis.core.lang.form import Node
from visavis.core.lang.types import Type
from visavis.core.offers import Channel, Content, Offer
from visavis.core.pressure import Cap, QuietHours
from visavis.core.problems import Place
from visavis.core.schedule import Job

Party = Literal["first", "second", "third"]
DataKind = Literal["engagement", "psychographic", "behaviour", "response"]
Resolve = Literal["latest", "trusted", "frequent", "longest", "first"]
Mode = Literal["append", "snapshot"]
SourceKind = Literal[
    "orders",
    "events",
    "records",
    "margins",
    "acquisition_costs",
    "campaign_costs",
    "rates",
    "consents",
    "suppressions",
]


@dataclass(frozen=True, slots=True)
class Field:
    """A declared field of a source or catalogue. What is not declared is dropped at the door."""

    name: str
    type: Type
    column: str
    purpose: str = ""
    kind: DataKind = "behaviour"
    personal: bool = False
    place: Place | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Rule:
    """A quality rule: rows for which `condition` is not true are handled by `action`."""

    name: str
    condition: Node
    action: Literal["quarantine", "warn"]
    place: Place | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Lookup:
    """Columns of another file joined to each row of a source, by equal values of `on`."""

    path: str
    on: str
    place: Place | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Source:
    """Where events or records come from, and how its columns map.

    kind "orders": order lines, `roles` maps role (customer, order, time, ...) to column;
    kind "events": one event a row, `event` its name, `roles` time, id (message id), channel;
    kind "records": one record a person, its fields are given traits; `roles` may map time;
    the other kinds are cost and rate tables (roles by kind, see collect.costs).
    `origin` is a path or glob relative to the project (several are separated by a newline), a
    database URL (with `table` a table's name or a SELECT) or `dlt:package.module:resource`.
    Several columns in one role are separated by a newline; amounts in them are added up, texts
    joined. `amount_of` "order": the amount is the whole order's and stands on its lines.
    `skip_lines`: how many lines of a CSV stand above its header.
    """

    name: str
    kind: SourceKind
    origin: str
    place: Place
    event: str | None = None
    table: str | None = None
    cursor: str | None = None
    roles: Mapping[str, str] = field(default_factory=dict)
    identifiers: Mapping[str, str] = field(default_factory=dict)
    fields: tuple[Field, ...] = ()
    line_fields: tuple[Field, ...] = ()
    lookups: tuple[Lookup, ...] = ()
    rules: tuple[Rule, ...] = ()
    statuses: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    constants: Mapping[str, str] = field(default_factory=dict)
    mode: Mode = "append"
    amount_of: str = "line"
    namespace: str = ""
    trust: int = 50
    time_zone: str | None = None
    time_format: str | None = None
    decimal_mark: Literal[".", ","] | None = None
    encoding: str | None = None
    delimiter: str | None = None
    skip_lines: int = 0
    currency: str | None = None
    owner: str = ""
    party: Party = "first"
    captured: str = ""
    dimensions: tuple[str, ...] = ()
    threshold: int | None = None
    places: Mapping[str, Place] = field(default_factory=dict, compare=False)

    @property
    def named_columns(self) -> frozenset[str]:
        """Every column of its rows that the definition names."""
        mapped = [*self.roles.values(), *self.identifiers.values()]
        names = [name for text in mapped for name in text.split("\n")]
        names += [part.column for part in (*self.fields, *self.line_fields)]
        return frozenset([*names, *(lookup.on for lookup in self.lookups)])


@dataclass(frozen=True, slots=True)
class Step:
    """An event that must (`then`) or must not (`without`) follow the trait's own event."""

    event: str
    where: Node | None = None
    within_ms: int | None = None
    place: Place | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Trait:
    """One value of a profile.

    computed: `value` holds Aggregates over the person's events named `event` (timestamp <= now),
    kept by `where`, younger than `within_ms` (now - w, now], one row per order line when `each` is
    "products". `then`/`without` keep an event A only if B follows it (after A in the log order, at
    most `within_ms` later) with no C between; with `without` alone, if no C followed within
    its `within_ms` (counted once that time has passed) or ever.
    derived: a scalar over other traits and now. given: the latest value set by identify events or
    records (null clears); `given` names the property, `resolve` which of several values counts:
    the latest, that of the most trusted source (`trust`, by source), the most frequent, the longest
    text or the first; ties by the latest.
    """

    name: str
    kind: Literal["given", "computed", "derived", "predicted"]
    type: Type
    place: Place
    value: Node | None = None
    event: str | None = None
    each: str | None = None
    where: Node | None = None
    within_ms: int | None = None
    then: Step | None = None
    without: Step | None = None
    given: str | None = None
    resolve: Resolve = "latest"
    trust: tuple[tuple[str, int], ...] = ()
    description: str = ""
    owner: str = ""
    data_kind: DataKind = "behaviour"
    purpose: str = ""
    value_place: Place | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Segment:
    """People for whom `condition` is true now. `use` "sending" marks what messages rest on."""

    name: str
    condition: Node
    place: Place
    description: str = ""
    owner: str = ""
    use: str = "analysis"
    condition_place: Place | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Tag:
    """A business label `path/of/tag`; a person with it counts as having every tag above it.

    `weight` is a decimal expression (default 1). `expires_on` retires the definition from that
    date (days since 1970); `lasts_ms` takes the tag off a person that long after `since`.
    """

    path: str
    condition: Node
    weight: Node | None
    place: Place
    description: str = ""
    owner: str = ""
    use: str = ""
    refresh: str = ""
    expires_on: int | None = None
    lasts_ms: int | None = None
    condition_place: Place | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Items by key; its fields are readable in `each: products` traits."""

    name: str
    origin: str
    key: str
    fields: tuple[Field, ...]
    place: Place
    encoding: str | None = None
    delimiter: str | None = None
    places: Mapping[str, Place] = field(default_factory=dict, compare=False)


@dataclass(frozen=True, slots=True)
class IdentifierKind:
    """How identifiers of one kind are compared and how far they are trusted (identity.yml).

    An `account` kind tells companies: it joins nobody and everybody seen with it is a member.
    A `strong` one stands for a person, as every unique one does: what is seen with more of them
    than a person may have is shared. `country` is where phones without a country code are. With
    `confirmed_by` an identifier joins nobody until it was seen in one of these events.
    """

    name: str
    unique: bool = False
    priority: int = 50
    limit: int | None = None
    shared_after: int | None = None
    strong: bool = False
    blocked: tuple[str, ...] = ()
    account: bool = False
    country: str | None = None
    confirmed_by: tuple[str, ...] = ()
    place: Place | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class MatchRule:
    """Records are compared in the given properties `on`; pairs of at least `threshold` (a match
    weight: log2 odds) are evidence that they are one person (identity.yml)."""

    name: str
    on: tuple[str, ...]
    threshold: float
    place: Place | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Growth:
    """How much may become one at once (identity.yml): `joined` is the share of the published
    people that one build may join with each other (None: any), `largest` how many identifiers a
    person may have."""

    joined: float | None = None
    largest: int = 1_000
    place: Place | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class UserTest:
    """A test of the user's: these events in, these traits and segments out, at `now` (ms)."""

    name: str
    now_ms: int
    events: tuple[Mapping[str, object], ...]
    traits: Mapping[str, object]
    segments: tuple[str, ...] | None
    tags: tuple[str, ...] | None
    place: Place
    places: Mapping[str, Place] = field(default_factory=dict, compare=False)


@dataclass(frozen=True, slots=True)
class Project:
    """The whole set-up of a brand. `definition_hash` changes when any text of the folder does.

    `properties` is the registry that both readers and the lake go by: per event name the type of
    every property, per "products" line the type of every line field. `traits` are in dependency
    order. `files` are the project's text files by relative path.
    """

    root: Path
    name: str
    time_zone: str = "UTC"
    currency: str = "EUR"
    language: str = "en"
    holdout: float = 0.0
    state: str = ".visavis"
    keep_builds: int = 5
    memory_limit: str | None = None
    settings: Mapping[str, object] = field(default_factory=dict)
    sources: Mapping[str, Source] = field(default_factory=dict)
    catalogues: Mapping[str, Catalogue] = field(default_factory=dict)
    kinds: Mapping[str, IdentifierKind] = field(default_factory=dict)
    traits: Mapping[str, Trait] = field(default_factory=dict)
    segments: Mapping[str, Segment] = field(default_factory=dict)
    tags: Mapping[str, Tag] = field(default_factory=dict)
    matching: Mapping[str, MatchRule] = field(default_factory=dict)
    growth: Growth = field(default_factory=Growth)
    account_traits: Mapping[str, Trait] = field(default_factory=dict)
    account_segments: Mapping[str, Segment] = field(default_factory=dict)
    tests: Mapping[str, UserTest] = field(default_factory=dict)
    offers: Mapping[str, Offer] = field(default_factory=dict)
    contents: Mapping[str, Content] = field(default_factory=dict)
    channels: Mapping[str, Channel] = field(default_factory=dict)
    caps: Mapping[str, Cap] = field(default_factory=dict)
    quiet_hours: Mapping[str, QuietHours] = field(default_factory=dict)
    purposes: tuple[str, ...] = ()
    schedule: Mapping[str, Job] = field(default_factory=dict)
    properties: Mapping[str, Mapping[str, Type]] = field(default_factory=dict)
    line_fields: Mapping[str, Type] = field(default_factory=dict)
    definition_hash: str = ""
    files: Mapping[str, str] = field(default_factory=dict, compare=False, repr=False)
