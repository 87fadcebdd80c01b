"""The nouns of deciding and sending as a project declares them: offers, content, channels.

Pure values. The project room makes them from YAML, every other room only reads them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from visavis.core.lang.form import Node
from visavis.core.problems import Place

ChannelKind = Literal["maildir", "smtp"]
Security = Literal["starttls", "tls", "none"]
PARTS = ("subject", "text", "html")
"""The parts of a message; other keys of a content's `data` are for placements of one's own."""
BUILT_IN_FIELDS = ("unsubscribe_url", "brand", "today", "address")
"""What every template may name beside the traits."""


@dataclass(frozen=True, slots=True)
class Template:
    """One Liquid text and where it is; `starts` has (line, column) of each of its lines."""

    text: str
    file: str
    starts: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Content:
    """What is said: templates by language and part ("" is the language of the project).

    `defaults` stand in for fields a person lacks.
    """

    name: str
    parts: Mapping[str, Mapping[str, Template]]
    defaults: Mapping[str, str]
    place: Place
    description: str = ""

    def variant(self, language: str | None) -> tuple[str, Mapping[str, Template]]:
        """The language and templates for somebody of that language; "de-AT" falls to "de"."""
        wanted = (language or "").replace("_", "-")
        for name in (wanted, wanted.split("-")[0]):
            if name in self.parts:
                return name, {**self.parts[""], **self.parts[name]}
        return "", self.parts[""]


@dataclass(frozen=True, slots=True)
class Offer:
    """Something to say to somebody: who may have it, where, from when to when, how much it counts.

    With a `channel` it is a campaign of its own and `send` sends it, once per address and
    occasion: `occasion` is an expression of which each value is one (none = once ever), `every_ms`
    the least time between two. `control` is the share of the treated who are kept out of it to
    measure against. `starts`, `ends` in UTC ms, `ends` excluded.
    """

    name: str
    eligible: Node
    place: Place
    value: Node | None = None
    content: str | None = None
    placements: tuple[str, ...] = ()
    channel: str | None = None
    purpose: str = "marketing"
    occasion: Node | None = None
    starts: int | None = None
    ends: int | None = None
    every_ms: int | None = None
    expires_ms: int | None = None
    control: float = 0.0
    description: str = ""
    owner: str = ""
    segments: tuple[str, ...] = ()
    places: Mapping[str, Place] = field(default_factory=dict, compare=False)

    def at(self, key: str) -> Place:
        """The place of a key, else of the offer."""
        return self.places.get(key, self.place)


@dataclass(frozen=True, slots=True)
class Channel:
    """How messages of a channel leave. Only a `live` smtp channel sends to real addresses.

    `identifier` is the kind that is the address; `rate` messages a minute at most; user name
    and password come from the environment variables named. `unsubscribe` is the web address that
    signed links begin with.
    """

    name: str
    kind: ChannelKind = "maildir"
    identifier: str = "email"
    live: bool = False
    sender: str = "visavis <nobody@localhost.invalid>"
    reply_to: str | None = None
    host: str = "localhost"
    port: int = 587
    security: Security = "starttls"
    user_variable: str | None = None
    password_variable: str | None = None
    rate: int | None = None
    test_address: str | None = None
    unsubscribe: str | None = None
    connections: int = 4
    timeout_ms: int = 30_000
    place: Place | None = field(default=None, compare=False)


DEFAULT_CHANNELS: Mapping[str, Channel] = {"email": Channel("email")}
"""Channels that every project has: mail goes to the local mailbox until told otherwise."""
DEFAULT_PURPOSES = ("marketing", "service")
