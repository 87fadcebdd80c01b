"""Every key of every file of a project: the one table that checks them and prints the reference."""

from __future__ import annotations

from visavis.project.keys_in import CATALOGUE, DATA_KINDS, EVENT, SOURCE, TYPES
from visavis.project.keys_out import CAP, CHANNEL, CONTENT, OFFER, PURPOSE, QUIET
from visavis.project.shape import Holds, Key, Shape

H = Holds

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
        Key("priority", H.INTEGER, "The smaller, the stronger; 1 is the strongest.", least=1),
        Key("limit", H.INTEGER, "How many of it one person can have.", least=1),
        Key(
            "shared_after",
            H.INTEGER,
            "Linked to more unique ids than this it joins nobody.",
            least=0,
        ),
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
