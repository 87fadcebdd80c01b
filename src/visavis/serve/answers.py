"""Profiles, decisions and counts over HTTP; by a secret key, decisions also by a write key."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from visavis.core.clock import format_time, parse_time, zone
from visavis.flow.answering import as_json, spelled_all
from visavis.flow.keeping import Answer as Known
from visavis.flow.knowing import Knowledge
from visavis.flow.live import BATCH, Key, Keyring, head
from visavis.flow.live_decide import ANONYMOUS, Decider
from visavis.flow.made import AGENT, logged
from visavis.flow.profiles import Profiles
from visavis.serve import docs
from visavis.serve.auth import allowed, outer_key, secret_key
from visavis.serve.bodies import body_of, plain
from visavis.serve.collecting import clock
from visavis.serve.http import Answer, Refused, Request
from visavis.serve.routes import Reply, Route
from visavis.serve.tokens import user_of

_MOST = 64 * 1024
_MOST_CONTEXT = 4 * 1024
_records = logging.getLogger("visavis.decisions")
_PLAIN = ("at", "person_id", "explain", "writeKey", "write_key", "api_key", "token")


@dataclass
class Answers:
    """Answers from what is known this moment."""

    knowledge: Knowledge
    keyring: Keyring
    decider: Decider
    log: Callable[[int, bytes, bytes, Callable[[Exception | None], None]], None]
    """Hands a decision's event to the tail; nobody waits for it."""
    now: Callable[[], int] = clock

    def routes(self) -> list[Route]:
        return [
            Route("GET", "/v1/profile", self.profile, _PROFILE, self.profile_at_once),
            Route("POST", "/v1/profile", self.profile_of_body, _PROFILE_OF_BODY),
            Route("GET", "/v1/segments/{name}/count", self.count, _COUNT),
            Route("POST", "/v1/decide", self.decide, _DECIDE, self.decide_at_once),
        ]

    def _secret(self, request: Request) -> Key:
        return allowed(self.keyring, secret_key(request), "secret")

    def profiles(self) -> Profiles:
        """What is known; raises Refused 503 while it is being read in."""
        profiles = self.knowledge.profiles
        if profiles is None:
            retry = (b"retry-after", b"1")
            raise Refused(503, "not-ready", "profiles are being read in; ask again", retry)
        return profiles

    async def profile(self, request: Request) -> Answer:
        return self._profile_of_query(request)

    def profile_at_once(self, request: Request, body: bytes, reply: Reply) -> None:
        """As `profile`, without a task."""
        reply(self._profile_of_query(request))

    def _profile_of_query(self, request: Request) -> Answer:
        self._secret(request)
        return self._profile({k: unescaped(k, v) for k, v in request.asked().items()})

    async def profile_of_body(self, request: Request) -> Answer:
        self._secret(request)
        asked = object_of(await body_of(request, _MOST))
        texts = {k: _text(v) for k, v in asked.items()}
        return self._profile({k: v for k, v in texts.items() if v is not None})

    def _profile(self, asked: Mapping[str, str]) -> Answer:
        profiles = self.profiles()
        at_ms = moment(asked.get("at"), profiles, self.now())
        known = find(profiles, asked, at_ms)
        if known is None:
            raise Refused(404, "nobody", "there is no such person")
        return Answer(200, profile_of(profiles, known, at_ms))

    async def count(self, request: Request) -> Answer:
        self._secret(request)
        profiles = self.profiles()
        name = request.parts["name"]
        count = await profiles.count(name, self.now())
        if count is None:
            raise Refused(404, "unknown-segment", "there is no such segment")
        return Answer(200, as_json({"segment": name, "count": count}))

    async def decide(self, request: Request) -> Answer:
        """A secret key asks for anybody; a write key for an anonymous visitor's own session."""
        return self._decided(request, await body_of(request, _MOST))

    def decide_at_once(self, request: Request, body: bytes, reply: Reply) -> None:
        """As `decide`, for a body that is there."""
        reply(self._decided(request, plain(body, _MOST)))

    def _decided(self, request: Request, raw: bytes) -> Answer:
        text = outer_key(request)
        body = object_of(raw)
        text = text or body.get("writeKey")
        key = self.keyring.find(text) if isinstance(text, str) and text else None
        if key is not None and key.kind == "secret" and text != secret_key(request):
            key = None  # a secret key in an address or a page is no secret
        if key is None or key.kind == "signing":
            raise Refused(401, "wrong-key", "this needs a write key or a secret key of the project")
        profiles, at_ms = self.profiles(), self.now()
        given = body.get("person")
        token = request.headers.get(b"x-user-token", b"").decode("latin-1") or body.get("userToken")
        session_only = key.kind != "secret"
        if session_only and isinstance(token, str) and token:
            user, session_only = user_of(token, self.keyring, at_ms), False
            if given not in (None, {"user_id": user}):
                raise Refused(403, "other-user", "the token is another user's")
            given = {"user_id": user}
        elif session_only and isinstance(given, dict) and [*given] not in ([], [ANONYMOUS]):
            raise Refused(403, "anonymous-only", "a write key decides for an anonymous_id alone")
        name = _person_of(profiles, given, at_ms)
        placement, count = body.get("placement"), body.get("count", 1)
        if not isinstance(placement, str) or not placement:
            raise Refused(400, "no-placement", "'placement' names where the choice is shown")
        if not isinstance(count, int) or isinstance(count, bool) or not 1 <= count <= 100:
            raise Refused(400, "bad-count", "'count' is a number from 1 to 100")
        context = _context_of(body)
        offers = self.decider.offers(profiles, placement)
        if offers is None:
            raise Refused(404, "unknown-placement", "no offer has such a placement")
        explained = key.kind == "secret" and request.asked().get("explain") in ("1", "true")
        made = self.decider.decide(
            profiles, name, placement, offers, at_ms, count, session_only, explained
        )
        self._log(key, name, made, at_ms, context)
        if session_only:
            made.pop("person_id")
        return Answer(200, as_json(made))

    def _log(
        self,
        key: Key,
        name: tuple[str, str],
        made: Mapping[str, Any],
        at_ms: int,
        context: bytes,
    ) -> None:
        try:
            self.log(at_ms, head(BATCH, AGENT, key.id), logged(name, made, context), _recorded)
        except Exception:  # noqa: BLE001 - an answer never fails for its own record
            _records.warning("a decision could not be recorded")


def _recorded(failure: Exception | None) -> None:
    if failure is not None:
        _records.warning("a decision could not be recorded")


def _person_of(profiles: Profiles, given: object, at_ms: int) -> tuple[str, str]:
    if not isinstance(given, dict) or len(given) != 1:
        raise Refused(400, "no-person", '\'person\' is one identifier, like {"email": "a@b.co"}')
    ((kind, value),) = given.items()
    value = _text(value)
    if value is None:
        raise Refused(400, "no-person", "the identifier of 'person' is a text")
    if kind == "person_id":
        found = profiles.by_id(value, at_ms)
        if found is None:
            raise Refused(404, "nobody", "there is no such person")
        return found.name
    return profiles.normal(kind, value)


def _context_of(body: Mapping[str, Any]) -> bytes:
    """What the page or the device says of the moment, as JSON, to be recorded with the decision."""
    given = body.get("context")
    if given is None or given == {}:
        return b""
    context = as_json(given)
    if not isinstance(given, dict) or len(context) > _MOST_CONTEXT:
        most = f"at most {_MOST_CONTEXT} bytes"
        raise Refused(400, "bad-context", f"'context' is a JSON object of {most}")
    return context


def _text(value: object) -> str | None:
    """A text, also of a whole number as shops number their customers."""
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 1 << 63:
        return str(value)
    return value if isinstance(value, str) and value.strip() else None


def unescaped(kind: str, value: str) -> str:
    """A value of a query, with the plus signs that were not escaped and read as blanks."""
    if kind == "email":
        return value.strip().replace(" ", "+")
    return f"+{value.lstrip()}" if value.startswith(" ") else value


def object_of(body: bytes) -> dict[str, Any]:
    """A body that must be a JSON object; raises Refused 400."""
    try:
        found = msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        raise Refused(400, "bad-json", "the body is no JSON that can be read") from None
    if not isinstance(found, dict):
        raise Refused(400, "bad-body", "the body must be a JSON object")
    return found


def moment(text: str | None, profiles: Profiles, now_ms: int) -> int:
    """The moment asked about, now by default; raises Refused 400."""
    if not text:
        return now_ms
    try:
        # in a query a plus sign that was not escaped reads as a blank
        return parse_time(text.replace(" ", "+"), zone(profiles.base.project.time_zone))
    except (ValueError, OverflowError):
        raise Refused(400, "bad-time", "'at' is a time like 2024-01-31T12:00:00Z") from None


def find(profiles: Profiles, asked: Mapping[str, str], at_ms: int) -> Known | None:
    """The person asked for by any identifier kind or person_id; raises Refused 400."""
    named = {k: v for k, v in asked.items() if k not in _PLAIN and v.strip()}
    if asked.get("person_id"):
        found = profiles.by_id(asked["person_id"], at_ms)
        return profiles.answer(found.name, at_ms) if found else None
    if len(named) != 1:
        raise Refused(400, "no-person", "name the person by one identifier, like ?email=a@b.co")
    ((kind, value),) = named.items()
    return profiles.answer(profiles.normal(kind, value), at_ms)


def profile_of(profiles: Profiles, known: Known, at_ms: int) -> bytes:
    """A profile by the contract, as JSON; all but its moment is spelled once and kept."""
    kept = known.kept.get(_BODY)
    if kept is None or not kept[1] <= at_ms < kept[2]:
        consents, until = profiles.consent.told(known.found, at_ms)
        body = as_json(_told(profiles, known, consents))[:-1]
        kept = known.kept[_BODY] = body, at_ms, until
    return b'%b,"as_of":"%b"}' % (kept[0], format_time(at_ms).encode())


def _told(profiles: Profiles, known: Known, consents: list[dict[str, Any]]) -> dict[str, Any]:
    found = known.found
    return {
        "person_id": found.person_id,
        "identifiers": [
            {
                "kind": kind,
                "value": value,
                "first_seen": None if first is None else format_time(first),
                "last_seen": None if last is None else format_time(last),
            }
            for (kind, value), (first, last) in found.members.items()
        ],
        "traits": spelled_all(known.values, profiles.base.ways),
        "tags": known.tags,
        "segments": known.segments,
        "consents": consents,
    }


_BODY = "profile"
_ASKED = (
    docs.optional("email", "Or any other kind of identifier, like user_id=u1"),
    docs.optional("person_id", "Instead of an identifier: a person's id, also a former one"),
    docs.optional("at", "The moment; by default now", type="string", format="date-time"),
)
_TOLD: dict[str, Any] = {
    "summary": "Everything known about one person at a moment.",
    "security": docs.SECRET,
    "responses": {
        "200": docs.answers(
            "The profile",
            **docs.thing(
                person_id=docs.TEXT,
                identifiers=docs.things(
                    kind=docs.TEXT, value=docs.TEXT, first_seen=docs.MAYBE_TEXT,
                    last_seen=docs.MAYBE_TEXT,
                ),
                traits={"type": "object", "description": "Values by the names of the traits"},
                tags={"type": "array", "items": docs.TEXT},
                segments={"type": "array", "items": docs.TEXT},
                consents=docs.things(
                    kind=docs.TEXT, value=docs.TEXT, channel=docs.TEXT, purpose=docs.TEXT,
                    allowed={"type": "boolean"}, reason=docs.TEXT,
                ),
                as_of={"type": "string", "format": "date-time"},
            ),
        ),
        **docs.refusals("400", "401", "404", "503"),
    },
}  # fmt: skip
_PROFILE: Mapping[str, Any] = {**_TOLD, "parameters": list(_ASKED)}
_PROFILE_OF_BODY: Mapping[str, Any] = {
    **_TOLD,
    "requestBody": docs.body(
        "One identifier, or `person_id`; and `at`",
        {"type": "object", "additionalProperties": {"type": ["string", "integer"]},
         "examples": [{"email": "a@b.co", "at": "2024-01-31T12:00:00Z"}]},
    ),
    "responses": {**_TOLD["responses"], **docs.refusals("408")},
}  # fmt: skip
_DECIDE: Mapping[str, Any] = {
    "summary": "What to show or say to somebody, here and now.",
    "security": [*docs.SECRET, {"writeKeyHeader": []}, {"writeKeyQuery": []}, {}],
    "parameters": [docs.optional("explain", "1 adds every candidate and why it fell")],
    "requestBody": docs.body(
        "For whom and where; a write key asks for an anonymous_id alone",
        {
            "type": "object", "required": ["placement"],
            "properties": {
                "person": {
                    "type": "object", "minProperties": 1, "maxProperties": 1,
                    "additionalProperties": {"type": ["string", "integer"]},
                },
                "placement": docs.TEXT,
                "context": {"type": "object",
                            "description": "Recorded with the decision; at most 4 KiB of JSON"},
                "count": {"type": "integer", "minimum": 1, "maximum": 100, "default": 1},
                "writeKey": docs.TEXT,
                "userToken": {"type": "string", "description": "Or the header X-User-Token"},
            },
            "examples": [{"person": {"user_id": "u1"}, "placement": "home", "count": 3}],
        },
    ),
    "responses": {
        "200": docs.answers(
            "The decision; `person_id` is left out for a write key",
            type="object", required=["decision_id", "placement", "choices", "held_out"],
            properties={
                "decision_id": docs.TEXT, "person_id": docs.MAYBE_TEXT, "placement": docs.TEXT,
                "choices": docs.things(
                    content={"type": "object"}, score={"type": "number"},
                    probability={"type": "number"},
                ),
                "held_out": {"type": "boolean"},
                "candidates": {"type": "array", "items": {"type": "object"}},
            },
        ),
        **docs.refusals("400", "401", "403", "404", "408", "503"),
    },
}  # fmt: skip
_COUNT: Mapping[str, Any] = {
    "summary": "How many people are in a segment now.",
    "security": docs.SECRET,
    "responses": {
        "200": docs.answers(
            "The count", **docs.thing(segment=docs.TEXT, count={"type": "integer", "minimum": 0})
        ),
        **docs.refusals("401", "404", "503"),
    },
}
