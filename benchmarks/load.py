"""The load generator: one process on uvloop, raw sockets kept alive, one request in flight on each.

Run as `python load.py SPEC` with SPEC in JSON: `{"seconds", "streams": [{"kind", "port", ...}]}`.
A stream is a closed loop (as fast as answers come) or, with `rate`, an open one: conversations are
due by a Poisson process whatever the service does, and the clock of each runs from the moment it
was due, also while it waits for a free connection or for the generator itself. Prints one JSON
object: for each label of request the count, the answers that were not good, those that did not show
what they should, and latencies in ms; and the generator's own CPU seconds, which tell whether it
was the bottleneck.
"""

from __future__ import annotations

import asyncio
import ctypes
import gc
import json
import math
import os
import resource
import struct
import sys
import time
from array import array
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import chain
from random import Random
from typing import Any


@dataclass(slots=True)
class Step:
    """One request; `shows` must be in the answer, `ends` tells how many lines end an answer that
    is not HTTP."""

    label: str
    data: bytes
    shows: bytes | None = None
    ends: int = 0


@dataclass
class Told:
    """What came of the requests of one label."""

    count: int = 0
    bad: int = 0
    unseen: int = 0
    ms: array[float] = field(default_factory=lambda: array("d"))


Plan = Iterator[list[Step]]


def event(number: int, user: str, **properties: object) -> dict[str, Any]:
    """An event as a browser sends it, about 600 bytes."""
    return {
        "type": "track", "event": "Product Viewed", "userId": user,
        "anonymousId": f"485ce1ac-47a6-430e-b468-{user:0>12}",
        "messageId": f"ajs-next-1795289826079-{number:012}-e1ac47a6",
        "properties": {"product_id": f"p{number % 700}", "price": 12.75, "category": "tea",
                       **properties},
        "context": {"library": {"name": "analytics.js", "version": "npm:next-1.84.3"},
                    "page": {"path": "/tea", "url": "https://shop.example/tea", "title": "Tea"},
                    "userAgent": "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0",
                    "locale": "en-US", "timezone": "Europe/Berlin"},
    }  # fmt: skip


_ABOUT = 4096
SECRET = "Authorization: Basic c2s6"
"""The secret key `sk`."""


def _text(moment: datetime) -> str:
    """A moment as browsers write it."""
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def request(path: str, body: bytes, key: str = "X-Write-Key: wk") -> bytes:
    """A POST of JSON with a key, as the header that it comes in."""
    head = (
        f"POST {path} HTTP/1.1\r\nHost: x\r\n{key}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def get(path: str) -> bytes:
    """A GET with the secret key."""
    return f"GET {path} HTTP/1.1\r\nHost: x\r\n{SECRET}\r\n\r\n".encode()


def power_law(rng: Random, people: int) -> int:
    """A person by Zipf's law of exponent 1, the most wanted first."""
    return min(int(people ** rng.random()) - 1, people - 1)


def _numbered(make: Callable[[int], bytes], kinds: int) -> Callable[[int], bytes]:
    """Bodies that differ only in their twelve-digit number, quick to make: by cut templates."""
    mark = 10**11 + 7
    cut = [make(mark + 10**6 * i).split(b"%012d" % (mark + 10**6 * i)) for i in range(kinds)]
    return lambda n: (b"%012d" % n).join(cut[n % kinds])


def _visitors(rng: Random, people: int) -> list[str]:
    """Some 4,096 people who are about at the same time, by a power law; each does as much as any
    other, as somebody who clicks does, however often a machine may ask about them."""
    found: dict[str, None] = {}
    for _ in range(20 * _ABOUT):
        found[f"u{power_law(rng, people)}"] = None
        if len(found) == _ABOUT:
            break
    return list(found)


def singles(spec: dict[str, Any], rng: Random) -> Plan:
    """Events one a request, of people who are about."""
    people, path = int(spec.get("people", 5000)), str(spec.get("path", "/v1/t"))
    users = _visitors(rng, people)

    def make(number: int) -> bytes:
        call = event(number, users[number // 10**6 % len(users)])
        call["timestamp"] = _text(made - timedelta(milliseconds=number // 10**6))
        call["sentAt"] = _text(made)
        return request(path, json.dumps(call).encode())

    made = datetime.now(UTC)
    numbered, first = _numbered(make, len(users)), int(spec.get("first", 0))
    for n in range(first, 10**11):
        yield [Step("event", numbered(n))]


def batches(spec: dict[str, Any], rng: Random) -> Plan:
    """A hundred events a request."""
    path, size = str(spec.get("path", "/v1/batch")), int(spec.get("batch", 100))
    users = [f"u{power_law(rng, 5000)}" for _ in range(64 * size)]

    def make(number: int) -> bytes:
        i = number // 10**6 % 64 * size
        calls = [event(number, users[i + j]) for j in range(size)]
        for j, call in enumerate(calls):
            call["messageId"] += f"-{j}"
            call["timestamp"] = _text(made - timedelta(milliseconds=7 * j + number // 10**6))
        return request(path, json.dumps({"batch": calls, "sentAt": _text(made)}).encode())

    made = datetime.now(UTC)
    numbered = _numbered(make, 64)
    for n in range(int(spec.get("first", 0)), 10**11):
        yield [Step("batch", numbered(n))]


class _Visits:
    """People of a stream by a power law; one in ten does something first, and none of them again
    before 200 others have, so that what a read must show is never overtaken."""

    def __init__(self, spec: dict[str, Any], rng: Random) -> None:
        self.people, self.rng = int(spec["people"]), rng
        self.step, self.offset = spec.get("part", (1, 0))
        self.recent: deque[str] = deque(maxlen=200)

    def next(self) -> tuple[str, bool]:
        """The next person, and whether an event comes first."""
        user = power_law(self.rng, self.people // self.step) * self.step + self.offset
        name = f"u{user}"
        if self.rng.random() >= 0.1 or name in self.recent:
            return name, False
        self.recent.append(name)
        return name, True


def profiles(spec: dict[str, Any], rng: Random) -> Plan:
    """Reads of people by a power law, one in ten just after an event of that person."""
    visits, n = _Visits(spec, rng), int(spec.get("first", 0))
    while True:
        user, fresh = visits.next()
        read = get(f"/v1/profile?user_id={user}")
        if fresh:
            n += 1
            body = json.dumps(event(n, user, brand=f"brand-{n}")).encode()
            shows = f'"last_brand":"brand-{n}"'.encode()
            yield [Step("event", request("/v1/t", body)), Step("fresh profile", read, shows)]
        else:
            yield [Step("profile", read)]


def decisions(spec: dict[str, Any], rng: Random) -> Plan:
    """Decisions for people by a power law; one in ten just after an event that must be seen."""
    visits, n = _Visits(spec, rng), int(spec.get("first", 0))
    while True:
        user, fresh = visits.next()
        asked = {"person": {"user_id": user}, "placement": "home_hero", "count": 3}
        ask = request("/v1/decide", json.dumps(asked).encode(), SECRET)
        if fresh:
            n += 1
            brand = f"seen{n % 10}"
            body = json.dumps(event(n, user, brand=brand)).encode()
            shows = f'"offer":"just_{brand}"'.encode()
            yield [Step("event", request("/v1/t", body)), Step("fresh decision", ask, shows)]
        else:
            yield [Step("decision", ask)]


def redis(spec: dict[str, Any], rng: Random) -> Plan:
    """The same events straight to redis-server as entries of a stream, many a request."""
    size = int(spec.get("batch", 1))
    users = [f"u{power_law(rng, 5000)}" for _ in range(64 * size)]

    def make(number: int) -> bytes:
        i = number // 10**6 % 64 * size
        return b"".join(
            _xadd(json.dumps(event(number, users[i + j])).encode()) for j in range(size)
        )

    numbered = _numbered(make, 64)
    for n in range(10**11):
        yield [Step("redis", numbered(n), ends=2 * size)]


def _xadd(body: bytes) -> bytes:
    words = (b"XADD", b"events", b"*", b"e", body)
    return b"*5\r\n" + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in words)


def same(spec: dict[str, Any], rng: Random) -> Plan:
    """One request given as text, again and again; `{user}` in it is a person by a power law."""
    text, people = str(spec["request"]), int(spec["people"])
    head, _, body = text.partition("\r\n\r\n")
    while True:
        own = body.replace("{user}", f"u{power_law(rng, people)}").encode()
        whole = head.replace("{length}", str(len(own))).encode() + b"\r\n\r\n" + own
        yield [Step("request", whole)]


PLANS: dict[str, Callable[[dict[str, Any], Random], Plan]] = {
    "singles": singles, "batches": batches, "profiles": profiles, "decisions": decisions,
    "redis": redis, "same": same,
}  # fmt: skip


class Connection(asyncio.Protocol):
    """One connection: the steps of a conversation one after the other."""

    def __init__(self, free: Callable[[Connection], None], told: dict[str, Told]) -> None:
        self.free, self.told = free, told
        self.buffer, self.missing = b"", 0
        self.steps: list[Step] = []
        self.at = 0
        self.began = 0.0

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        if self.at < len(self.steps):
            raise SystemExit("the other side closed a connection before it answered")

    def talk(self, steps: list[Step], began: float) -> None:
        """Begins a conversation that was due at a moment."""
        self.steps, self.at, self.began = steps, 0, began
        self.transport.write(steps[0].data)

    def data_received(self, data: bytes) -> None:
        answer = self.buffer + data if self.buffer else data
        step = self.steps[self.at]
        if not (self._ended(answer, step.ends) if step.ends else self._whole(answer)):
            self.buffer = answer
            return
        self.buffer = b""
        now = time.perf_counter()
        told = self.told.get(step.label) or self.told.setdefault(step.label, Told())
        told.count += 1
        told.ms.append((now - self.began) * 1000)
        if step.ends:
            told.bad += answer.startswith(b"-")
        elif not answer.startswith(b"HTTP/1.1 200"):
            told.bad += 1
        elif step.shows is not None and step.shows not in answer:
            told.unseen += 1
        self.at += 1
        if self.at < len(self.steps):
            self.began = now
            self.transport.write(self.steps[self.at].data)
        else:
            self.free(self)

    @staticmethod
    def _ended(answer: bytes, lines: int) -> bool:
        return answer.endswith(b"\r\n") and answer.count(b"\r\n") >= lines

    @staticmethod
    def _whole(answer: bytes) -> bool:
        end = answer.find(b"\r\n\r\n")
        if end < 0:
            return False
        at = answer.lower().find(b"content-length:", 0, end)
        length = int(answer[at + 15 : answer.find(b"\r\n", at)]) if at >= 0 else 0
        return len(answer) >= end + 4 + length


class Alarm:
    """Rings at a moment of `time.perf_counter`, to some 50 microseconds: the event loop's own
    timers count whole milliseconds."""

    def __init__(self) -> None:
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._file = self._libc.timerfd_create(time.CLOCK_MONOTONIC, os.O_NONBLOCK | os.O_CLOEXEC)
        if self._file < 0:
            raise OSError(ctypes.get_errno(), "no timer")

    def start(self, ring: Callable[[], None], at: float) -> None:
        """Calls `ring` at the moment, and at each that is set later."""
        asyncio.get_running_loop().add_reader(self._file, ring)
        self.set(at)

    def set(self, at: float) -> None:
        """Sets the next moment."""
        whole, rest = divmod(int(at * 1e9), 10**9)
        self._libc.timerfd_settime(
            self._file, 1, struct.pack("4q", 0, 0, whole, max(rest, 1)), None
        )

    def heard(self) -> None:
        """Takes note that it rang."""
        os.read(self._file, 8)

    def close(self) -> None:
        """Rings no more."""
        asyncio.get_running_loop().remove_reader(self._file)
        os.close(self._file)


def _planned(spec: dict[str, Any], rng: Random) -> Plan:
    """The conversations of a stream; what it takes to begin is done."""
    plan = PLANS[spec["kind"]](spec, rng)
    return chain([next(plan)], plan)


async def _closed(spec: dict[str, Any], plan: Plan, end: float, told: dict[str, Told]) -> None:
    left = int(spec["connections"])
    done = asyncio.get_running_loop().create_future()

    def free(connection: Connection) -> None:
        nonlocal left
        now = time.perf_counter()
        if now < end:
            connection.talk(next(plan), now)
            return
        left -= 1
        if not left:
            done.set_result(None)

    for connection in await _connected(spec, free, told):
        connection.talk(next(plan), time.perf_counter())
    await asyncio.wait_for(done, end - time.perf_counter() + 30)


async def _open(
    spec: dict[str, Any], plan: Plan, end: float, told: dict[str, Told], rng: Random
) -> None:
    rate = float(spec["rate"])
    idle: deque[Connection] = deque()
    waiting: deque[tuple[list[Step], float]] = deque()

    def free(connection: Connection) -> None:
        if waiting:
            connection.talk(*waiting.popleft())
        else:
            idle.append(connection)

    idle.extend(await _connected(spec, free, told))
    alarm, over = Alarm(), asyncio.get_running_loop().create_future()
    due = time.perf_counter() + rng.expovariate(rate)

    def ring() -> None:
        nonlocal due
        alarm.heard()
        while due <= time.perf_counter():
            if due >= end:
                alarm.close()
                over.set_result(None)
                return
            steps = next(plan)
            if idle:
                idle.popleft().talk(steps, due)
            else:
                waiting.append((steps, due))
            due += rng.expovariate(rate)
        alarm.set(due)

    alarm.start(ring, due)
    await over
    for _ in range(500):
        if len(idle) == int(spec["connections"]):
            break
        await asyncio.sleep(0.01)


async def _connected(
    spec: dict[str, Any], free: Callable[[Connection], None], told: dict[str, Told]
) -> list[Connection]:
    loop = asyncio.get_running_loop()
    made = []
    for _ in range(int(spec["connections"])):
        _, connection = await loop.create_connection(
            lambda: Connection(free, told), "127.0.0.1", int(spec["port"])
        )
        made.append(connection)
    return made


async def _all(spec: dict[str, Any], plans: list[Plan], rngs: list[Random]) -> dict[str, Told]:
    told: dict[str, Told] = {}
    end = time.perf_counter() + float(spec["seconds"])
    streams = [
        _open(s, plan, end, told, rng) if "rate" in s else _closed(s, plan, end, told)
        for s, plan, rng in zip(spec["streams"], plans, rngs, strict=True)
    ]
    await asyncio.gather(*streams)
    return told


def _quantile(ms: list[float], share: float) -> float:
    return round(ms[min(len(ms) - 1, math.ceil(share * len(ms)) - 1)], 4) if ms else math.nan


def _cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def main(text: str) -> None:
    """Runs the load and prints what came of it."""
    import uvloop

    spec = json.loads(text)
    rngs = [Random(spec.get("seed", 7) + i) for i in range(len(spec["streams"]))]
    plans = [_planned(s, rng) for s, rng in zip(spec["streams"], rngs, strict=True)]
    gc.collect()
    gc.disable()
    before = _cpu()
    told = uvloop.run(_all(spec, plans, rngs))
    out: dict[str, Any] = {"cpu": round(_cpu() - before, 3)}
    for label, one in told.items():
        ms = sorted(one.ms)
        out[label] = {
            "count": one.count, "bad": one.bad, "unseen": one.unseen,
            "p50": _quantile(ms, 0.5), "p99": _quantile(ms, 0.99), "p999": _quantile(ms, 0.999),
            "most": round(ms[-1], 3),
        }  # fmt: skip
    print(json.dumps(out))


if __name__ == "__main__":
    main(sys.argv[1])
