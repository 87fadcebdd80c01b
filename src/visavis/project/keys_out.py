"""The keys of what goes out: content, offers, channels, caps, quiet hours, purposes."""

from __future__ import annotations

from visavis.project.shape import Holds, Key, Shape

H = Holds
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
        Key("port", H.INTEGER, "Its port; by default 587.", least=1, most=65535),
        Key("security", H.CHOICE, "By default starttls.", choices=("starttls", "tls", "none")),
        Key("user_variable", H.TEXT, "The environment variable with the user name."),
        Key("password_variable", H.TEXT, "The environment variable with the password."),
        Key("rate", H.INTEGER, "Messages a minute at most.", least=1),
        Key("connections", H.INTEGER, "Connections at once; by default 4.", least=1),
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
