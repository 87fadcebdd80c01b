"""Every key of every file of a project: the one table that checks them and prints the reference."""

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
        Key("statuses", H.TEXTS_MAP, "What the values of the status role mean.",
            names=("completed", "cancelled", "refunded", "test", "yes", "no")),
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

JOB = Shape(
    "job",
    (
        Key("every", H.DURATION, "So long after it was started last; at least a minute."),
        Key("cron", H.TEXT, "Instead: at these times of the project's zone, as in cron: minute, "
            "hour, day, month, weekday."),
    ),
    short="every",
)  # fmt: skip

SCHEDULE = Shape(
    "schedule",
    tuple(
        Key(name, H.SECTION, f"When `serve` runs `visavis {name}` beside it.", of=JOB)
        for name in ("build", "flush", "send")
    ),
)

PROJECT = Shape(
    "project",
    (
        Key("name", H.TEXT, "The brand's name.", required=True),
        Key("time_zone", H.ZONE, "The zone of calendar dates; by default UTC."),
        Key("currency", H.CURRENCY, "The currency of every amount of a trait; by default EUR."),
        Key("language", H.TEXT, "The language people are written to in."),
        Key("holdout", H.SHARE, "The share of people who are never sent to, to measure against."),
        Key("state", H.TEXT, "The folder for everything visavis keeps; by default .visavis."),
        Key("keep_builds", H.INTEGER, "How many builds are kept; by default 5."),
        Key("memory_limit", H.TEXT, "What a build may take, like 4GB."),
        Key("max_build_age", H.DURATION, "A build older than that is reported as stale."),
        Key("schedule", H.SECTION, "What `serve` runs by itself, and when.", of=SCHEDULE),
        Key("settings", H.TEXT_MAP, "Names with values, readable in every expression."),
    ),
)

KIND = Shape(
    "identifier kind",
    (
        Key("unique", H.BOOLEAN, "A person has one of it; two of it are two people."),
        Key("priority", H.INTEGER, "The smaller, the stronger; 1 is the strongest."),
        Key("limit", H.INTEGER, "How many of it one person can have."),
        Key("shared_after", H.INTEGER, "Linked to more unique ids than this it joins nobody."),
        Key(
            "strong",
            H.BOOLEAN,
            "It stands for a person: what is linked to more of it than `limit` joins nobody.",
        ),
        Key("blocked", H.TEXTS, "Values that are nobody's, beside the usual ones."),
        Key(
            "account",
            H.BOOLEAN,
            "It tells companies: it joins nobody; who is seen with it is a member.",
        ),
        Key("country", H.TEXT, "Where phones without a country code are, like DE."),
        Key("confirmed_by", H.TEXTS, "Events that confirm it; before one it joins nobody."),
    ),
)

MATCHING = Shape(
    "match rule",
    (
        Key("on", H.TEXTS, "Given properties in which people are compared, like first_name.",
            required=True),
        Key("threshold", H.INTEGER, "The match weight (log2 odds) from which a pair is evidence; "
            "by default 10: 1,000 to 1."),
    ),
)  # fmt: skip

GROWTH = Shape(
    "growth limit",
    (
        Key("joined", H.SHARE, "The share of the published people that one build may join with "
            "each other; above it the build asks. By default any."),
        Key("largest", H.INTEGER, "How many identifiers a person may have; by default 1000."),
    ),
    alone=True,
)  # fmt: skip

STEP = Shape(
    "step",
    (
        Key("event", H.TEXT, "The event that follows.", required=True),
        Key("where", H.EXPRESSION, "Only such ones count."),
        Key("within", H.DURATION, "At most so long after."),
    ),
    short="event",
)

TRAIT = Shape(
    "trait",
    (
        Key("event", H.TEXT, "Computed: the event it is computed from."),
        Key("each", H.CHOICE, "One row per order line instead of one per event.",
            choices=("products",)),
        Key("where", H.EXPRESSION, "Only events (or lines) of which this is true."),
        Key("value", H.EXPRESSION, "An aggregate (with `event`), or an expression over other "
            "traits."),
        Key("within", H.DURATION, "Only the last so long: 90 days are 90 times 24 hours."),
        Key("then", H.SECTION, "Only events that this one follows.", of=STEP),
        Key("without", H.SECTION, "Only events that no such one follows (before `then`).",
            of=STEP),
        Key("given", H.TEXT, "Given: the property that identify calls or records set."),
        Key("resolve", H.CHOICE, "Given: which value counts where several were given (the latest).",
            choices=("latest", "trusted", "frequent", "longest", "first")),
        Key("type", H.CHOICE, "The type of a given trait that the vocabulary doesn't know.",
            choices=TYPES),
        Key("description", H.TEXT, "What it tells."),
        Key("owner", H.TEXT, "Who answers for it."),
        Key("kind", H.CHOICE, "The kind of data.", choices=DATA_KINDS),
        Key("purpose", H.TEXT, "What it is for."),
    ),
    short="value",
)  # fmt: skip

SEGMENT = Shape(
    "segment",
    (
        Key("condition", H.EXPRESSION, "Who is in it, over traits.", required=True),
        Key("description", H.TEXT, "Who they are, in words."),
        Key("owner", H.TEXT, "Who answers for it."),
        Key("use", H.CHOICE, "sending: messages rest on it.", choices=("analysis", "sending")),
    ),
    short="condition",
)

TAG = Shape(
    "tag",
    (
        Key("condition", H.EXPRESSION, "Who has it, over traits.", required=True),
        Key("weight", H.EXPRESSION, "How strongly; by default 1."),
        Key("description", H.TEXT, "What it tells."),
        Key("owner", H.TEXT, "Who answers for it."),
        Key("use", H.TEXT, "What it is used for."),
        Key("refresh", H.TEXT, "How often it should be looked at again."),
        Key("expires", H.EXPIRY, "A date after which nobody has it, or how long a person keeps "
            "it."),
    ),
    short="condition",
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

EXPECT = Shape(
    "expectation",
    (
        Key("traits", H.ANY, "Traits and the values they must have."),
        Key("segments", H.TEXTS, "All segments the person must be in."),
        Key("tags", H.TEXTS, "All tags the person must have."),
    ),
)

TEST_EVENT = Shape(
    "test event",
    (
        Key("event", H.TEXT, "The event's name; not needed for identify."),
        Key("type", H.TEXT, "track (by default), identify, page, ..."),
        Key("timestamp", H.MOMENT, "When it happened.", required=True),
        Key("message_id", H.TEXT, "By default its number in the test."),
        Key("source", H.TEXT, "Where it came from."),
        Key("channel", H.TEXT, "The channel."),
        Key("properties", H.ANY, "Its properties."),
        Key("products", H.ANY, "Its order lines."),
        Key("traits", H.ANY, "What an identify gives."),
    ),
)

TEST = Shape(
    "test",
    (
        Key("now", H.MOMENT, "The moment asked about.", required=True),
        Key("events", H.ANY, "What happened to one person: a list of test events."),
        Key("expect", H.SECTION, "What must come out.", required=True, of=EXPECT),
        Key("description", H.TEXT, "What it shows."),
    ),
)

_PARTS = (
    Key("subject", H.EXPRESSION, "The subject line (Liquid)."),
    Key("text", H.EXPRESSION, "The plain text (Liquid). Without, what content/NAME.txt holds."),
    Key("html", H.EXPRESSION, "The HTML (Liquid). Without, what content/NAME.html holds."),
)

VARIANT = Shape("variant", _PARTS)

CONTENT = Shape(
    "content",
    (
        *_PARTS,
        Key("languages", H.NAMED, "Variants by language, like de; what one lacks is as above.",
            of=VARIANT),
        Key("data", H.TEMPLATE_MAP, "Names with texts (Liquid), for placements of one's own."),
        Key("defaults", H.TEXT_MAP, "What stands for a field that a person lacks."),
        Key("description", H.TEXT, "What it says, in words."),
    ),
)  # fmt: skip

OFFER = Shape(
    "offer",
    (
        Key("eligible", H.EXPRESSION, "Who may have it, over traits.", required=True),
        Key("content", H.CONTENT, "The content that is said: its name, or the content itself.",
            of=CONTENT),
        Key("channel", H.TEXT, "The channel it is sent on: it is then a campaign that `send` "
            "sends."),
        Key("placements", H.TEXTS, "The places it may be shown in."),
        Key("purpose", H.TEXT, "What for, as people consent to it; by default marketing."),
        Key("value", H.EXPRESSION, "How much it counts: the highest is chosen; by default 1."),
        Key("starts", H.MOMENT, "Not before."),
        Key("ends", H.MOMENT, "Not at this moment or later."),
        Key("occasion", H.EXPRESSION, "An address gets it once per value; without, once ever."),
        Key("every", H.DURATION, "At least so long between two of it to one person."),
        Key("expires", H.DURATION, "What waits longer than that is not sent any more; by default "
            "3 days."),
        Key("control", H.SHARE, "The share of the treated that is kept out of it, to measure "
            "against."),
        Key("description", H.TEXT, "What it is, in words."),
        Key("owner", H.TEXT, "Who answers for it."),
    ),
)  # fmt: skip

CHANNEL = Shape(
    "channel",
    (
        Key("kind", H.CHOICE, "maildir: a local mailbox (by default); smtp: a mail server.",
            choices=("maildir", "smtp")),
        Key("live", H.BOOLEAN, "Must be true before anything leaves for real addresses."),
        Key("identifier", H.TEXT, "The identifier kind that is the address; by default email."),
        Key("from", H.TEXT, "The sender, like Shop <news@shop.example>."),
        Key("reply_to", H.TEXT, "Where answers go."),
        Key("host", H.TEXT, "The mail server."),
        Key("port", H.INTEGER, "Its port; by default 587."),
        Key("security", H.CHOICE, "By default starttls.", choices=("starttls", "tls", "none")),
        Key("user_variable", H.TEXT, "The environment variable with the user name."),
        Key("password_variable", H.TEXT, "The environment variable with the password."),
        Key("rate", H.INTEGER, "Messages a minute at most."),
        Key("connections", H.INTEGER, "Connections at once; by default 4."),
        Key("timeout", H.DURATION, "How long the server may take to answer; by default 30 "
            "seconds."),
        Key("test_address", H.TEXT, "Everything goes to this address instead."),
        Key("unsubscribe", H.TEXT, "The web address that signed unsubscribe links begin with."),
    ),
)  # fmt: skip

CAP = Shape(
    "cap",
    (
        Key("limit", H.INTEGER, "Messages at most.", required=True),
        Key("per", H.TEXT, "In how long: hour, day, week, month, or a number of them (2 days).",
            required=True),
        Key("counted", H.CHOICE, "rolling: the last so long (by default); calendar: days, weeks, "
            "months of the person's zone; calendar_utc: of UTC; elapsed: so long since the last.",
            choices=("rolling", "calendar", "calendar_utc", "elapsed")),
        Key("channels", H.TEXTS, "Only of these channels."),
        Key("purposes", H.TEXTS, "Only for these purposes."),
    ),
)  # fmt: skip

QUIET = Shape(
    "quiet hours",
    (
        Key("from", H.TEXT, "Local time of day, like 21:00.", required=True),
        Key("to", H.TEXT, "Local time of day, like 08:00.", required=True),
        Key("days", H.TEXTS, "Only those that begin on these days (mon, tue, ...)."),
        Key("channels", H.TEXTS, "Only on these channels."),
    ),
)

PURPOSE = Shape("purpose", (Key("description", H.TEXT, "What people agree to."),), "description")

FILES: tuple[tuple[str, str, Shape], ...] = (
    ("sources", "sources", SOURCE),
    ("identity.yml", "kinds", KIND),
    ("identity.yml", "matching", MATCHING),
    ("identity.yml", "growth", GROWTH),
    ("events", "events", EVENT),
    ("traits", "traits", TRAIT),
    ("tags", "tags", TAG),
    ("segments", "segments", SEGMENT),
    ("accounts", "account_traits", TRAIT),
    ("accounts", "account_segments", SEGMENT),
    ("catalogue", "catalogue", CATALOGUE),
    ("tests", "tests", TEST),
    ("offers", "offers", OFFER),
    ("content", "content", CONTENT),
    ("policies", "channels", CHANNEL),
    ("policies", "caps", CAP),
    ("policies", "quiet_hours", QUIET),
    ("policies", "purposes", PURPOSE),
)
"""Folder or file, the top-level key of its files, and the shape of one definition."""

TEMPLATES = ("content",)
"""Folders whose files that are no YAML are templates."""

LATER = ("journeys", "models", "metrics")
"""Folders that a project may have and that are kept with it, but not read yet."""
