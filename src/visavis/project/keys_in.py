"""The keys of what comes in: sources with their roles and fields, catalogues, events."""

from __future__ import annotations

from visavis.core.lang.types import Type
from visavis.project.shape import Holds, Key, Shape

H = Holds
DATA_KINDS = ("engagement", "psychographic", "behaviour", "response")
SOURCE_KINDS = (
    "orders",
    "events",
    "records",
    "margins",
    "acquisition_costs",
    "campaign_costs",
    "rates",
    "consents",
    "suppressions",
)
TYPES = tuple(
    str(t) for t in (Type.TEXT, Type.INTEGER, Type.DECIMAL, Type.BOOLEAN, Type.TIME, Type.DATE)
)

ROLES: dict[str, dict[str, Type]] = {
    "orders": {
        "customer": Type.TEXT, "order": Type.TEXT, "time": Type.TIME, "product": Type.TEXT,
        "quantity": Type.DECIMAL, "price": Type.DECIMAL, "amount": Type.DECIMAL,
        "discount": Type.DECIMAL, "promotion": Type.TEXT, "payment": Type.TEXT,
        "channel": Type.TEXT, "place": Type.TEXT, "currency": Type.TEXT, "email": Type.TEXT,
        "phone": Type.TEXT, "category": Type.TEXT, "cost": Type.DECIMAL, "status": Type.TEXT,
        "revision": Type.TEXT,
    },
    "events": {
        "time": Type.TIME, "id": Type.TEXT, "channel": Type.TEXT, "revision": Type.TEXT,
        "received_at": Type.TIME,
    },
    "records": {"time": Type.TIME, "id": Type.TEXT, "channel": Type.TEXT, "revision": Type.TEXT},
    "margins": {
        "product": Type.TEXT, "category": Type.TEXT, "channel": Type.TEXT, "margin": Type.DECIMAL,
        "cost": Type.DECIMAL, "currency": Type.TEXT, "valid_from": Type.DATE,
        "valid_to": Type.DATE,
    },
    "acquisition_costs": {
        "customer": Type.TEXT, "channel": Type.TEXT, "campaign": Type.TEXT,
        "amount": Type.DECIMAL, "currency": Type.TEXT, "valid_from": Type.DATE,
        "valid_to": Type.DATE,
    },
    "campaign_costs": {
        "campaign": Type.TEXT, "channel": Type.TEXT, "amount": Type.DECIMAL,
        "currency": Type.TEXT, "valid_from": Type.DATE, "valid_to": Type.DATE,
    },
    "rates": {
        "currency": Type.TEXT, "to": Type.TEXT, "rate": Type.DECIMAL, "valid_from": Type.DATE,
    },
    "consents": {
        "time": Type.TIME, "id": Type.TEXT, "customer": Type.TEXT, "email": Type.TEXT,
        "phone": Type.TEXT, "channel": Type.TEXT, "purpose": Type.TEXT, "status": Type.TEXT,
        "revision": Type.TEXT,
    },
    "suppressions": {
        "time": Type.TIME, "id": Type.TEXT, "email": Type.TEXT, "phone": Type.TEXT,
        "channel": Type.TEXT, "purpose": Type.TEXT, "reason": Type.TEXT, "revision": Type.TEXT,
    },
}  # fmt: skip
"""Kind of source -> role -> the type a column in that role is read as."""

REQUIRED_ROLES: dict[str, tuple[str, ...]] = {
    "orders": ("order", "time"),
    "events": ("time",),
    "records": (),
    "margins": (),
    "acquisition_costs": ("amount",),
    "campaign_costs": ("campaign", "amount"),
    "rates": ("currency", "rate"),
    "consents": (),
    "suppressions": (),
}

_ALL_ROLES = tuple(dict.fromkeys(role for roles in ROLES.values() for role in roles))

FIELD = Shape(
    "field",
    (
        Key("column", H.TEXT, "The column it is read from; by default the field's own name."),
        Key("type", H.CHOICE, "How it is read; by default the vocabulary's type, else text.",
            choices=TYPES),
        Key("purpose", H.TEXT, "What it is collected for."),
        Key("kind", H.CHOICE, "The kind of data.", choices=DATA_KINDS),
        Key("personal", H.BOOLEAN, "Whether it tells who somebody is."),
    ),
    short="column",
)  # fmt: skip

LOOKUP = Shape(
    "lookup",
    (
        Key("from", H.TEXT, "A file, relative to the project.", required=True),
        Key("on", H.TEXT, "The column that both files share.", required=True),
    ),
)

RULE = Shape(
    "rule",
    (
        Key("condition", H.EXPRESSION, "What a good row fulfils, over roles and fields.",
            required=True),
        Key("action", H.CHOICE, "What becomes of other rows; by default quarantine.",
            choices=("quarantine", "warn")),
    ),
    short="condition",
)  # fmt: skip

SOURCE = Shape(
    "source",
    (
        Key("from", H.TEXTS, "A file, a glob (*.csv) or a list of them: CSV, Parquet, JSON."),
        Key("database", H.TEXT, "Instead of `from`: the URL of a SQL database."),
        Key("table", H.TEXT, "With `database`: the table to read."),
        Key("query", H.TEXT, "With `database`: a SELECT to read instead of a table."),
        Key("dlt", H.TEXT, "Instead of `from`: a dlt resource, as package.module:resource."),
        Key("cursor", H.TEXT, "A column that only grows: only newer rows are fetched."),
        Key("kind", H.CHOICE, "What a row is; by default orders.", choices=SOURCE_KINDS),
        Key("event", H.TEXT, "The event that each row of an events source is."),
        Key("map", H.COLUMN_MAP, "Roles and the columns in them (of a list, amounts are "
            "added up and texts joined).",
            names=_ALL_ROLES),
        Key("identifiers", H.COLUMN_MAP, "Identifier kinds and the columns that hold them."),
        Key("fields", H.NAMED, "What else is kept of a row; the rest is dropped at the door.",
            of=FIELD),
        Key("line_fields", H.NAMED, "What else is kept of an order line.", of=FIELD),
        Key("lookup", H.SECTIONS, "Other files whose columns join each row.", of=LOOKUP),
        Key("rules", H.NAMED, "Quality rules: rows that fail one go to quarantine.", of=RULE),
        Key("statuses", H.TEXTS_MAP, "What the values of the status role mean; refunded: an order "
            "that was paid back; returned: a row that is what came back itself.",
            names=("completed", "cancelled", "refunded", "returned", "test", "yes", "no")),
        Key("amount_of", H.CHOICE, "line: each line has its own amount; order: it is the whole "
            "order's, on one of its lines or on all, and the lines share it.",
            choices=("line", "order")),
        Key("constants", H.TEXT_MAP, "Roles with the same value in every row.", names=_ALL_ROLES),
        Key("mode", H.CHOICE, "append: rows are added; snapshot: each load replaces the last.",
            choices=("append", "snapshot")),
        Key("namespace", H.TEXT, "Order ids are unique in it; by default the source's name."),
        Key("trust", H.INTEGER, "Which source wins where two tell the same: the larger."),
        Key("time_zone", H.ZONE, "The zone of times without offset; by default the project's."),
        Key("time_format", H.TEXT, "How times are written, as in strptime, or excel; by default told "  # noqa: E501
            "by the values."),
        Key("decimal_mark", H.CHOICE, "By default told by the values.", choices=(".", ",")),
        Key("encoding", H.TEXT, "By default told by the bytes."),
        Key("delimiter", H.TEXT, "Of a CSV; by default told by the header."),
        Key("skip_lines", H.INTEGER, "How many lines of a CSV stand above its header."),
        Key("currency", H.CURRENCY, "The currency of amounts; by default the project's."),
        Key("owner", H.TEXT, "Who answers for it."),
        Key("party", H.CHOICE, "Whose data it is.", choices=("first", "second", "third")),
        Key("captured", H.TEXT, "How it was captured."),
        Key("purpose", H.TEXT, "The purpose of fields that name none."),
        Key("data_kind", H.CHOICE, "The kind of data of fields that name none.",
            choices=DATA_KINDS),
        Key("dimensions", H.TEXTS, "On which dimensions it can be analysed."),
        Key("threshold", H.INTEGER, "Quality score (0 to 100) under which it feeds no condition "
            "used for sending."),
    ),
)  # fmt: skip

CATALOGUE = Shape(
    "catalogue",
    (
        Key("from", H.TEXT, "A file, relative to the project.", required=True),
        Key("key", H.TEXT, "The column with the product id.", required=True),
        Key("fields", H.NAMED, "What is read of an item.", of=FIELD),
        Key("encoding", H.TEXT, "By default told by the bytes."),
        Key("delimiter", H.TEXT, "Of a CSV; by default told by the header."),
    ),
)

EVENT = Shape(
    "event",
    (
        Key("properties", H.NAMED, "Properties that are kept.", of=FIELD),
        Key("products", H.NAMED, "Fields that are kept of each of its products.", of=FIELD),
        Key("description", H.TEXT, "What happened."),
    ),
)
