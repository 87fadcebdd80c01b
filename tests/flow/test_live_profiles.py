"""Live profiles without a service: what is kept between answers never makes an answer wrong."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from visavis.collect.payloads import BATCH, head
from visavis.core.clock import format_time
from visavis.flow.base import Base, base_of
from visavis.flow.keeping import Told
from visavis.flow.knowing import catch_up, open_profiles
from visavis.flow.live_decide import Decider
from visavis.flow.made import AGENT, logged, told_in
from visavis.flow.profiles import Profiles
from visavis.project.load import load
from visavis.store.tail import Bodies, Frame, Tail, forget, frame_of

DAY = 86_400_000
START = 1_700_000_000_000
HEAD = head("track", "", "k")
FILES = {
    "visavis.yml": "name: Shop\ntime_zone: UTC\n",
    "traits/t.yml": """\
traits:
  views: {event: Product Viewed, value: count()}
  fresh: {event: Product Viewed, value: count(), within: 2 days}
  brand: {event: Product Viewed, value: last(brand)}
  liking: {given: liking, type: text}
  liked_again: {value: "liking = brand"}
  share: {value: "fresh / views"}
""",
    "segments/s.yml": "segments:\n  fresh: fresh > 0\n  often: views >= 2\n",
    "offers/o.yml": """\
offers:
  again: {eligible: fresh > 0 and views > 1, value: views, placements: [home], content: "hi you"}
  liked: {eligible: brand = 'x' and views > 1, value: 2, placements: [home], content: "like x"}
  other: {eligible: fresh > 0 and brand = 'y', placements: [home], content: "like y"}
  new: {eligible: views < 2, placements: [home], content: "hello you"}
  liking: {eligible: liking = 'x', value: "3 + views", placements: [home], content: "{{ brand }}!"}
  both: {eligible: liked_again, value: 9, placements: [home], content: "{{ liking }}, {{ today }}"}
  either: {eligible: brand = 'y' or liking = 'y' or views = 3, value: "3 + views",
    placements: [home], content: "{{ brand | default: 'nothing' }}"}
  some: {eligible: "brand in ('x', 'z') and 1 <= views", value: 4, placements: [home],
    content: "some x"}
  nothing: {eligible: brand is null and liking is not null, value: 8, placements: [home],
    content: "nothing x"}
  longer: {eligible: length(brand) = 1 and fresh <> 1 and views * 2 > 3, value: fresh * 2,
    placements: [home], content: "longer x"}
  several: {eligible: fresh <> 2 and (fresh = 1 or length(liking) = 1), value: 5,
    placements: [home], content: "several x"}
  share: {eligible: share > 0 and share <= 0.5, value: share,
    placements: [home], content: "share x"}
""",
}
USERS = [
    {"userId": "1"}, {"userId": "2"}, {"anonymousId": "a"}, {"userId": "1", "anonymousId": "a"},
    {"userId": "2", "anonymousId": "a"}, {"userId": "2", "anonymousId": "b"}, {"anonymousId": "b"},
]  # fmt: skip
ASKED = [("user_id", "1"), ("user_id", "2"), ("anonymous_id", "a"), ("anonymous_id", "b")]
CALLS = ("track", "track", "track", "identify", "page")
"""No definition reads a page."""
STEPS = st.lists(
    st.tuples(
        st.sampled_from(USERS), st.integers(0, 5), st.sampled_from(["x", "y", None]),
        st.sampled_from(CALLS), st.sampled_from([0, 0, 0, 1, 3 * 86_400_000]), st.booleans(),
    ),
    min_size=1, max_size=14,
)  # fmt: skip
"""Who, half days later, brand, what, how late it is told, whether anybody asks after it."""
Steps = list[tuple[dict[str, str], int, str | None, str, int, bool]]


@pytest.fixture(scope="module")
def base() -> Iterator[Base]:
    with TemporaryDirectory() as name:
        folder = Path(name) / "shop"
        for path, text in FILES.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(text, encoding="utf-8")
        project, problems = load(folder)
        assert project is not None, problems
        yield base_of(folder, folder / ".visavis", project)


def profiles(base: Base, folder: Path | None = None, in_tail: bool = False) -> Profiles:
    bodies = Bodies(folder) if folder is not None and in_tail else None
    return Profiles(base, b"k" * 32, folder, lambda mark: True, bodies)


def frame(
    number: int, who: dict[str, str], at_ms: int, brand: str | None, kind: str = "track",
    late: int = 0, again: bool = False,
) -> Frame:  # fmt: skip
    call = {
        "type": kind, "event": "Product Viewed", "messageId": f"m{number - again}", **who,
        "properties": {"brand": brand}, "traits": {"liking": brand},
        "timestamp": format_time(at_ms - late),
    }  # fmt: skip
    return Frame(number, at_ms, HEAD, json.dumps(call).encode())


def decision(number: int, name: tuple[str, str], at_ms: int, agent: str) -> Frame:
    made = {
        "decision_id": f"d{number}", "placement": "home", "choices": [], "held_out": False,
        "at": format_time(at_ms),
    }  # fmt: skip
    return Frame(number, at_ms, head(BATCH, agent, "k"), logged(name, made))


@settings(max_examples=60)
@given(STEPS)
def test_a_decision_is_read_as_any_clients_event_would_be(base: Base, steps: Steps) -> None:
    """Its own way is only shorter; and what a session tells is what it tells from scratch."""
    short, long, at = profiles(base), profiles(base), START
    with TemporaryDirectory() as folder:
        decider = Decider(Path(folder), b"k" * 32)
        menu = decider.offers(short, "home")
        assert menu is not None
        for number, (who, days, brand, kind, late, asks) in enumerate(steps, 1):
            at += days * DAY // 2
            name = ASKED[(number + days) % len(ASKED)]
            if number % 2:
                told_of = frame(number, who, at, brand, kind, late)
                frames = told_of, told_of
            else:
                frames = tuple(decision(number, name, at, agent) for agent in (AGENT, "Mozilla"))
                assert [told_in(one) is None for one in frames] == [False, True]
            for held, one in zip((short, long), frames, strict=True):
                held.take([one])
            for asked in ASKED if asks else ():
                assert told(short, asked, at + 1) == told(long, asked, at + 1)
                choices = [
                    decider.decide(held, asked, "home", menu, at + 1, 3, True, False)["choices"]
                    for held in (short, without_sessions(long))
                ]
                assert choices[0] == choices[1]
        decider.close()


def without_sessions(held: Profiles) -> Profiles:
    """The same with nothing kept of what sessions said before."""
    held._sessions = Told(lambda *_: None, held._read)
    return held


@pytest.mark.parametrize(
    ("change", "to"),
    [
        (b'"visavis:d1"', b'"visavis:d1","userId":"2"'),
        (b'"outcome"', b'"email":"a@b.co","outcome"'),
        (b'"type":"user_id"', b'"type":"userId"'),
        (b'"id":"1"', b'"id":" 1"'),
        (b'"timestamp":"2', b'"timestamp":"1'),
        (b'}]}}', b'}],"userAgent":"Googlebot"}}'),
    ],
)  # fmt: skip
def test_what_only_looks_like_a_decision_is_read_as_a_clients_event(
    change: bytes, to: bytes
) -> None:
    made = decision(1, ("user_id", "1"), START, AGENT)
    assert told_in(made) == ("visavis:d1", ("user_id", "1"))
    body = made.body.replace(change, to)
    assert body != made.body
    assert told_in(Frame(1, START, made.head, body)) is None


def told(held: Profiles, name: tuple[str, str], at_ms: int) -> Any:
    answer = held.answer(name, at_ms)
    if answer is None:
        return None
    return answer.found.person_id, dict(answer.values), answer.segments, answer.found.members


@settings(max_examples=90)
@given(
    STEPS, st.integers(1, 3), st.sets(st.integers(1, 14)), st.booleans(),
    st.sampled_from([0, 62, 300_000]),
)  # fmt: skip
def test_answers_and_counts_are_those_of_somebody_who_heard_all_at_once(
    base: Base, steps: Steps, limit: int, ends: set[int], in_tail: bool, rows: int
) -> None:
    """Also where what came is left in the tail until somebody asks, and where fewer histories are
    kept than people asked for."""

    async def run() -> None:
        with TemporaryDirectory() as folder:
            state = Path(folder)
            tail = Tail(state, segment_bytes=1_000)
            held = profiles(base, state, in_tail)
            held.recent.limit, held._told._most_rows = limit, rows
            frames: list[Frame] = []
            at = START
            for number, (who, days, brand, kind, late, asks) in enumerate(steps, 1):
                at += days * DAY // 2
                again = number % 5 == 0  # it has the message id of the one before
                frames.append(frame(number, who, at, brand, kind, late, again))
                held.take(tail.append([(at, HEAD, frames[-1].body)]))
                if number in ends:
                    held.close(keep=True)
                    held = profiles(base, state, in_tail)
                    assert held.through == number
                    held.recent.limit, held._told._most_rows = limit, rows
                elif not ends:
                    forget(state, number)
                at += 1
                if not asks:
                    continue
                fresh = profiles(base)
                fresh.take(frames)
                for turn, name in enumerate(ASKED[::-1] if number % 2 else ASKED):
                    if (number + turn) % 3:  # some of them later
                        assert told(held, name, at) == told(fresh, name, at)
                for segment in ("fresh", "often"):
                    counted = await held.count(segment, at)
                    assert counted == await profiles_count(fresh, segment, at)
            held.close()
            tail.close()

    asyncio.run(run())


@settings(max_examples=40)
@given(STEPS, st.integers(1, 3))
def test_a_decision_chooses_the_same_whether_it_is_explained_or_not(
    base: Base, steps: Steps, count: int
) -> None:
    with TemporaryDirectory() as folder:
        held, decider, at = profiles(base), Decider(Path(folder), b"k" * 32), START
        menu = decider.offers(held, "home")
        assert menu is not None
        for number, (who, days, brand, kind, late, asks) in enumerate(steps, 1):
            at += days * DAY
            held.take([frame(number, who, at, brand, kind, late)])
            for name in ASKED if asks else ():
                brief, whole = (
                    decider.decide(held, name, "home", menu, at + 1, count, False, explained)
                    for explained in (False, True)
                )
                assert brief["choices"] == whole["choices"]
                assert len(whole["candidates"]) == len(menu.offers)
        decider.close()


async def profiles_count(fresh: Profiles, segment: str, at_ms: int) -> int:
    """By the definition of the word: everybody, one by one."""
    people = {}
    for name in ASKED:
        answer = fresh.answer(name, at_ms)
        if answer is not None:
            people[answer.found.person_id] = answer.segments
    return sum(segment in segments for segments in people.values())


def test_an_event_of_a_shared_device_changes_the_answer_of_the_one_logged_in(base: Base) -> None:
    held = profiles(base)
    held.take([frame(1, USERS[3], START, "x"), frame(2, USERS[4], START + 10, "x")])
    assert told(held, ("user_id", "2"), START + 20)[1]["views"] == 1
    held.take([frame(3, USERS[2], START + 20, "y")])
    assert told(held, ("user_id", "2"), START + 30)[1]["views"] == 2
    assert told(held, ("user_id", "1"), START + 30)[1]["views"] == 1


def test_an_alias_after_another_link_joins_two_accounts(base: Base) -> None:
    held = profiles(base)
    call = {"userId": "1", "previousId": "2"}
    held.take([frame(1, {"userId": "1"}, START, "x"), frame(2, {"userId": "2"}, START, "y")])
    held.take([Frame(3, START + 1, head("alias", "", "k"), json.dumps(call).encode())])
    assert told(held, ("user_id", "1"), START + 2) == told(held, ("user_id", "2"), START + 2)


def test_an_event_that_cannot_be_kept_does_not_stop_the_others(base: Base) -> None:
    held = profiles(base)
    lone = b'{"messageId": "l", "event": "Product Viewed", "userId": "\\ud800"}'
    held.take([Frame(1, START, HEAD, lone), frame(2, USERS[0], START, "x")])
    assert told(held, ("user_id", "1"), START + 1)[1]["views"] == 1


def test_counting_again_and_again_remembers_each_person_once(
    base: Base, monkeypatch: pytest.MonkeyPatch
) -> None:
    from visavis.flow import counting

    monkeypatch.setattr(counting, "_FEW_ENDS", 3)
    held = profiles(base)

    async def run() -> None:
        for number in range(1, 60):
            at = START + number * DAY // 24
            held.take([frame(number, USERS[number % 2], at, "x")])
            assert await held.count("fresh", at + 1) == min(number, 2)
            assert len(held._counts._ends) <= 8

    asyncio.run(run())
    held.close()


def test_what_was_kept_goes_when_the_tail_is_another(base: Base, tmp_path: Path) -> None:
    def stored(brand: str, first: int, last: int) -> None:
        tail = Tail(tmp_path)
        for number in range(first, last + 1):
            one = frame(number, USERS[0], START + number, brand)
            tail.append([(one.received_ms, one.head, one.body)])
        tail.close()

    def known() -> tuple[int, Any]:
        held = open_profiles(base, tmp_path)
        through = held.through
        catch_up(held, tmp_path)
        values = told(held, ("user_id", "1"), START + DAY)[1]
        held.close(keep=True)
        return through, (values["views"], values["brand"])

    stored("x", 1, 3)
    assert known() == (0, (3, "x"))
    stored("y", 4, 5)
    assert known() == (3, (5, "y"))
    assert known() == (5, (5, "y"))
    shutil.rmtree(tmp_path / "tail")
    stored("z", 1, 5)
    assert known() == (0, (5, "z"))
    found = frame_of(tmp_path, 4)
    assert found is not None
    assert found.body == frame(4, USERS[0], START + 4, "z").body
    assert frame_of(tmp_path, 6) is None
