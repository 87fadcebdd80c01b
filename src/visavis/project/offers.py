"""offers/*.yml and policies/*.yml: who may have what, on which channel, how often and when."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from email.utils import parseaddr
from typing import cast

from visavis.core.lang.form import Node
from visavis.core.lang.types import Type
from visavis.core.nouns import IdentifierKind
from visavis.core.offers import (
    DEFAULT_CHANNELS,
    DEFAULT_PURPOSES,
    Channel,
    ChannelKind,
    Offer,
    Security,
)
from visavis.core.pressure import Cap, HowCounted, QuietHours, Unit, minutes
from visavis.core.problems import Place, Problem, nearest
from visavis.project.conditions import Conditions
from visavis.project.names import check_file_name
from visavis.project.section import Section

DEFAULT_CAPS = {
    "daily": Cap("daily", 1, "calendar", 1, "day", purposes=("marketing",)),
}
"""What holds until a project has caps of its own: one message of marketing a day."""
_PER = re.compile(r"(?:(\d{1,4})\s+)?(minute|hour|day|week|month)s?|(\d{1,4})\s*([mhdw])")
_SHORT: Mapping[str, Unit] = {"m": "minute", "h": "hour", "d": "day", "w": "week"}
_ADDRESS = re.compile(r"[^@\s<>]+@[^@\s<>]+")
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_IN_SEGMENT = re.compile(r"in_segment\(\s*'([^']*)'\s*\)", re.IGNORECASE)


def read_offer(
    name: str,
    section: Section,
    reader: Conditions,
    segments: Mapping[str, Node],
    names: Mapping[str, Collection[str]],
    content: str | None,
    problems: list[Problem],
) -> Offer | None:
    """The offer of a section, with the name of its content; `names` has the known channels and
    purposes."""
    named = check_file_name("offer", name, section.place, problems)
    eligible = reader.parse(section, "eligible", Type.BOOLEAN, segments)
    value = reader.parse(section, "value", Type.DECIMAL, segments)
    occasion = reader.parse(section, "occasion", None, segments)
    for key, noun in (("channel", "channels"), ("purpose", "purposes")):
        _known(section, key, names[noun], problems)
    _check_whole(name, section, problems)
    if not named or eligible is None:
        return None
    text = section.expression("eligible")
    return Offer(
        name=name,
        eligible=eligible,
        place=section.place,
        value=value,
        content=content,
        placements=section.texts("placements"),
        channel=section.maybe("channel"),
        purpose=section.text("purpose", "marketing"),
        occasion=occasion,
        starts=section.integer("starts"),
        ends=section.integer("ends"),
        every_ms=section.integer("every"),
        expires_ms=section.integer("expires"),
        control=section.values.get("control", 0.0),
        description=section.text("description"),
        owner=section.text("owner"),
        segments=tuple(_IN_SEGMENT.findall(text.text)) if text else (),
        places={**section.keys, **section.places},
    )


def _check_whole(name: str, section: Section, problems: list[Problem]) -> None:
    if not section.has("channel") and not section.has("placements") and section.sound:
        message = f"The offer '{name}' is neither sent nor shown anywhere."
        hint = "Give it a channel or placements."
        problems.append(Problem("missing-key", message, section.place, hint))
    if section.has("channel") and not section.has("content") and section.sound:
        message = f"The offer '{name}' is sent, but says nothing."
        problems.append(Problem("missing-key", message, section.place, "Give it a content."))
    starts, ends = section.integer("starts"), section.integer("ends")
    if starts is not None and ends is not None and ends <= starts:
        message = f"The offer '{name}' ends before it starts."
        problems.append(Problem("wrong-value", message, section.at("ends")))


def _known(
    section: Section, key: str, valid: Collection[str], problems: list[Problem], at: str = ""
) -> None:
    value = section.maybe(key)
    if value is not None and value not in valid:
        message = f"There is no {key} '{value}'."
        place = section.at(at or key)
        problems.append(Problem("unknown-name", message, place, nearest(value, valid)))


def read_channels(
    sections: Mapping[str, Section], kinds: Mapping[str, IdentifierKind], problems: list[Problem]
) -> dict[str, Channel]:
    """The channels that every project has, with what this one says of them, and its own."""
    channels = dict(DEFAULT_CHANNELS)
    for name, section in sections.items():
        if check_file_name("channel", name, section.place, problems):
            _known(section, "identifier", kinds.keys(), problems)
            channels[name] = _channel(name, section, problems)
    return channels


def _channel(name: str, section: Section, problems: list[Problem]) -> Channel:
    plain = Channel(name)
    _check_addresses(section, problems)
    kind = cast(ChannelKind, section.text("kind", "maildir"))
    if section.flag("live") and kind == "maildir":
        message = f"The channel '{name}' writes to a local mailbox and can't be live."
        hint = "Say kind: smtp and its host, or leave live out."
        problems.append(Problem("conflicting-keys", message, section.keys["live"], hint))
    return Channel(
        name=name,
        kind=kind,
        identifier=section.text("identifier", plain.identifier),
        live=section.flag("live"),
        sender=section.text("from", plain.sender),
        reply_to=section.maybe("reply_to"),
        host=section.text("host", plain.host),
        port=section.integer("port") or plain.port,
        security=cast(Security, section.text("security", plain.security)),
        user_variable=section.maybe("user_variable"),
        password_variable=section.maybe("password_variable"),
        rate=section.integer("rate"),
        test_address=section.maybe("test_address"),
        unsubscribe=section.maybe("unsubscribe"),
        connections=section.integer("connections") or plain.connections,
        timeout_ms=section.integer("timeout") or plain.timeout_ms,
        place=section.place,
    )


def _check_addresses(section: Section, problems: list[Problem]) -> None:
    for key in ("from", "reply_to", "test_address"):
        text = section.maybe(key)
        if text is not None and not _ADDRESS.fullmatch(parseaddr(text)[1]):
            hint = "Write it like news@shop.example or Shop <news@shop.example>."
            message = f"'{text}' is no e-mail address."
            problems.append(Problem("wrong-value", message, section.at(key), hint))
    link = section.maybe("unsubscribe")
    if link is not None and not link.lower().startswith(("https://", "http://")):
        message, hint = f"'{link}' is no web address.", "Begin it with https://."
        problems.append(Problem("wrong-value", message, section.at("unsubscribe"), hint))


def read_caps(
    sections: Mapping[str, Section],
    channels: Collection[str],
    purposes: Collection[str],
    problems: list[Problem],
) -> dict[str, Cap]:
    """Frequency caps by name; the usual one where the project has none."""
    caps: dict[str, Cap] = {} if sections else dict(DEFAULT_CAPS)
    for name, section in sections.items():
        _all_known(section, "channels", channels, problems)
        _all_known(section, "purposes", purposes, problems)
        amount, unit = _per(section, problems)
        limit = section.integer("limit")
        if limit is not None and limit < 1:
            message = "A limit is at least 1; to send nothing, take the channel away."
            problems.append(Problem("wrong-value", message, section.at("limit")))
        if limit is not None and unit is not None:
            caps[name] = Cap(
                name, limit, cast(HowCounted, section.text("counted", "rolling")), amount, unit,
                section.texts("channels"), section.texts("purposes"), section.place,
            )  # fmt: skip
    return caps


def _per(section: Section, problems: list[Problem]) -> tuple[int, Unit | None]:
    text = section.maybe("per")
    found = _PER.fullmatch(text) if text else None
    amount = int(found[1] or found[3] or 1) if found else 0
    if found and amount > 0:
        return amount, _SHORT[found[4]] if found[4] else cast(Unit, found[2])
    if text is not None:
        hint = "Write hour, day, week or month, or a number of them, like 2 days."
        message = f"'{text}' is no time to count in."
        problems.append(Problem("bad-duration", message, section.at("per"), hint))
    return 1, None


def read_quiet_hours(
    sections: Mapping[str, Section], channels: Collection[str], problems: list[Problem]
) -> dict[str, QuietHours]:
    """Quiet hours by name."""
    found = {}
    for name, section in sections.items():
        _all_known(section, "channels", channels, problems)
        start, end = (_minutes(section, key, problems) for key in ("from", "to"))
        days = [day.strip().lower()[:3] for day in section.texts("days")]
        for i, day in enumerate(days):
            if day not in _DAYS:
                message = f"There is no day '{section.texts('days')[i]}'."
                hint = f"Write {', '.join(_DAYS)}."
                problems.append(Problem("wrong-value", message, section.at(f"days.{i}"), hint))
        if start is not None and start == end:
            message, hint = f"The quiet hours '{name}' end when they begin.", "Take another time."
            problems.append(Problem("wrong-value", message, section.at("to"), hint))
        elif start is not None and end is not None:
            on = frozenset(_DAYS.index(day) for day in days if day in _DAYS)
            found[name] = QuietHours(start, end, on, section.texts("channels"), section.place)
    return found


def _minutes(section: Section, key: str, problems: list[Problem]) -> int | None:
    text = section.maybe(key)
    try:
        return minutes(text) if text is not None else None
    except ValueError:
        message, hint = f"'{text}' is no time of day.", "Write it like 21:30."
        problems.append(Problem("bad-time", message, section.at(key), hint))
        return None


def _all_known(section: Section, key: str, valid: Collection[str], problems: list[Problem]) -> None:
    for i, name in enumerate(section.texts(key)):
        if name not in valid:
            message = f"There is no {key.removesuffix('s')} '{name}'."
            place: Place = section.at(f"{key}.{i}")
            problems.append(Problem("unknown-name", message, place, nearest(name, valid)))


def purposes_of(sections: Mapping[str, Section]) -> tuple[str, ...]:
    """What people can consent to: the project's own purposes and the usual ones."""
    return tuple(dict.fromkeys((*sections, *DEFAULT_PURPOSES)))
