"""The same events told again and told shortly: which of them count, and that leaving out what is
understood changes nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from random import Random
from typing import Any

from visavis.core.lang.types import TIME_MIN
from visavis.testing.agree import Round, make_round
from visavis.testing.histories import Event
from visavis.testing.tables import winners

HASHES = ("", "a", "b", "é")


def brief(event: Event, rng: Random) -> Event:
    """The event without some of what is understood where it is missing."""
    identify = (event.get("event") or "identify") == "identify"
    understood: dict[str, Any] = {
        "event": "identify",
        "ts": TIME_MIN,
        "type": "identify" if identify else "track",
        "revision": 0,
        "received_at": None,
        "channel": None,
        "void": False,
        "properties": {},
        "products": [],
        "cleared": [],
    }
    out = dict(event)
    for key, value in understood.items():
        if key in out and out[key] == value and rng.random() < 0.6:
            if rng.random() < 0.5:
                out[key] = None
            else:
                del out[key]
    return out


def retold(events: Sequence[Event], rng: Random) -> list[Event]:
    """The events, most of them in several versions that differ in one thing of their rank."""
    out: list[Event] = []
    for event in events:
        event = {**event, "content_hash": rng.choice(HASHES)}
        out.append(event)
        for _ in range(rng.choice((0, 1, 1, 2, 3))):
            out.append(_version(event, rng, len(out)))
    rng.shuffle(out)
    return out


def _version(event: Event, rng: Random, number: int) -> Event:
    again = dict(event, ts=TIME_MIN if event["ts"] == TIME_MIN else event["ts"] + number)
    pick = rng.randrange(6)
    if pick == 0:
        again["revision"] = event["revision"] + rng.choice((1, 2))
        again["received_at"] = rng.choice((None, TIME_MIN + 1))
    elif pick == 1:
        again["received_at"] = event["received_at"] + rng.choice((-1, 1))
        again["content_hash"] = rng.choice(HASHES)
    elif pick == 2:
        again["received_at"] = None
    elif pick == 3:
        again["void"] = True
        again["revision"] = event["revision"] + rng.choice((0, 1))
    others = [h for h in HASHES if h != event["content_hash"]]
    if pick > 1 and again.get("revision") == event["revision"]:
        again["content_hash"] = rng.choice(others)
    return again


def retold_round(seed: int, people: int = 15) -> Round:
    """An invented round whose people's events are told again and shortly."""
    round, rng = make_round(seed, people=people), Random(seed)
    histories = [[brief(e, rng) for e in retold(h, rng)] for h in round.histories]
    return replace(round, histories=histories)


def telling_faults(seed: int, people: int = 25) -> Iterator[str]:
    """What of a seed's people is not told as it should be."""
    from visavis.core.lang.history import History

    round, rng = make_round(seed, people=people), Random(seed)
    properties, lines = round.project.properties, round.project.line_fields

    def history(events: Sequence[Event]) -> History:
        return History.from_events(events, properties, lines)

    for person, events in enumerate(round.histories):
        told = retold(events, rng)
        if history(told) != history(winners(told)):
            yield f"{person}: another version counts"
        if history([brief(e, rng) for e in told]) != history(told):
            yield f"{person}: told shortly it is another history"
        bare = [{k: v for k, v in e.items() if k != "content_hash"} for e in told]
        if history(bare) != history([_turned(e) for e in rng.sample(bare, len(bare))]):
            yield f"{person}: the order of arrival counts, or that of the fields"


def _turned(event: Event) -> Event:
    return {
        key: dict(reversed(value.items())) if isinstance(value, dict) else value
        for key, value in reversed(event.items())
    }
