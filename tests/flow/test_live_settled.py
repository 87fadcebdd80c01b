"""People of whom the build said all there is are found without working anything out anew: the same
as by working it out, whatever came since."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from visavis.collect.behaviour import ROBOT
from visavis.collect.payloads import BATCH, head
from visavis.core.clock import format_time
from visavis.core.progress import SILENT
from visavis.flow.base import Base, base_of
from visavis.flow.build import build
from visavis.flow.histories import write_history
from visavis.flow.profiles import Profiles
from visavis.flow.published import published
from visavis.project.load import load
from visavis.store.key import project_key
from visavis.store.tail import Frame

DAY = 86_400_000
START = 1_700_000_000_000
NOW = START + 10 * DAY
FILES = {
    "visavis.yml": "name: Shop\ntime_zone: UTC\n",
    "sources/s.yml": """\
sources:
  web:
    from: data/web.csv
    kind: events
    event: Page Viewed
    map: {time: time}
    identifiers: {user_id: user_id, anonymous_id: anonymous_id, email: email, loyalty_id: loyalty}
""",
    "traits/t.yml": "traits:\n  views: {event: Page Viewed, value: count()}\n",
    "data/web.csv": "user_id,anonymous_id,email,loyalty,time\n" + "".join(
        f"{row},{format_time(START + n * DAY // 2)}\n"
        for n, row in enumerate(
            ("u1,a1,,", "u1,a1,,", "u2,a2,b@x.co,", "u2,a3,,", "u3,,,", "u4,a4,c@x.co,l4",
             "u5,a5,,", "u6,a5,,", ",a6,,", "u7,,d@x.co,", ",,e@x.co,")
        )
    ),
}  # fmt: skip
KINDS = {
    "usual": "{loyalty_id: {confirmed_by: [Signed In]}, club: {account: true}}",
    "anybody on a device": "{anonymous_id: {shared_after: 2}}",
    "one device": "{anonymous_id: {limit: 1}}",
    "devices are people": "{anonymous_id: {strong: true, limit: 2}}",
    "two accounts": "{user_id: {limit: 2, unique: false, strong: true}}",
    "devices confirmed": "{anonymous_id: {confirmed_by: [Signed In]}}",
}
NAMES = [
    *(("user_id", f"u{n}") for n in range(1, 9)),
    *(("anonymous_id", f"a{n}") for n in range(1, 10)),
    *(("email", f"{letter}@x.co") for letter in "bcde"),
    ("loyalty_id", "l4"), ("customer_id", "n1"),
]  # fmt: skip
KNOWN = [
    {"userId": "u1", "anonymousId": "a1"}, {"userId": "u2", "anonymousId": "a2"},
    {"userId": "u2", "anonymousId": "a3"}, {"userId": "u4", "anonymousId": "a4"},
    {"userId": "u5", "anonymousId": "a5"}, {"anonymousId": "a6"}, {"userId": "u3"},
    {"anonymousId": "a2"}, {"userId": "u4"}, {"userId": "u7"}, {"anonymousId": "a4"},
]  # fmt: skip
NEW = [
    {"userId": "u1", "anonymousId": "a7"}, {"userId": "u3", "anonymousId": "a1"},
    {"userId": "u8", "anonymousId": "a2"}, {"userId": "u2", "anonymousId": "a6"},
    {"userId": "u1", "anonymousId": "a8"}, {"userId": "u2", "anonymousId": "a8"},
    {"userId": "u4", "anonymousId": "a9"}, {"userId": "u7", "anonymousId": "a7"},
    {"userId": "u8", "anonymousId": "a9"}, {"anonymousId": "a8"}, {"anonymousId": "null"},
]  # fmt: skip
FURTHER = {
    "card": ("loyalty_id", "l4"), "work": ("email_work", "D@x.co"),
    "customer": ("customer_id", "n1"), "company": ("club", "acme"),
}  # fmt: skip
MORE = ["robot", "mail", "letter", "alias", *FURTHER]


def calls(who: list[dict[str, str]], more: list[str]) -> st.SearchStrategy[Any]:
    call = st.tuples(
        st.sampled_from(who),
        st.sampled_from(["Page Viewed", "Page Viewed", "Page Viewed", "Signed In"]),
        st.sampled_from([0, 0, 0, 0, 2 * DAY, 6 * DAY, 9 * DAY, 30 * DAY]),
        st.sampled_from(["", "", "", *more]),
    )
    return st.lists(call, min_size=1, max_size=6)


CALLS = (
    calls(KNOWN * 3 + NEW, MORE) | calls(NEW, []) | calls(NEW[-6:], MORE)
    | calls([{}, {"userId": "u1"}, {"userId": "u7"}], ["customer", "company"])
)  # fmt: skip
"""Who, what, how long before, and what else is told."""


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Base]:
    made = built(tmp_path_factory.mktemp("settled") / "shop", KINDS["usual"])
    yield made
    closed(made)


@pytest.fixture(scope="module", params=KINDS)
def any_base(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Base]:
    made = built(tmp_path_factory.mktemp("settled") / "shop", KINDS[request.param])
    yield made
    closed(made)


def built(root: Path, kinds: str) -> Base:
    files = {**FILES, "identity.yml": f"kinds: {kinds}\n"}
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    build(root, NOW - DAY, NOW, SILENT)
    with published(root) as at:
        write_history(at, at.project())
    project, _ = load(root)
    assert project is not None
    made = base_of(root, Path(root / ".visavis"), project)
    assert made.history is not None
    return made


def closed(base: Base) -> None:
    assert base.history is not None
    base.history.close()


def frame(number: int, who: dict[str, str], event: str, before: int, more: str) -> Frame:
    call: dict[str, Any] = {
        **who, "type": "track", "event": event, "messageId": f"m{number}",
        "timestamp": format_time(NOW + number - before), "properties": {},
    }  # fmt: skip
    if more == "mail":
        call["properties"] = {"email": "b@x.co"}
    elif more == "letter":
        call["properties"] = {"email": "e@x.co"}
    elif more == "alias":
        call |= {"type": "alias", "previousId": "a8"}
    elif more in FURTHER:
        kind, value = FURTHER[more]
        call["context"] = {"externalIds": [{"type": kind, "id": value}]}
    told = head(BATCH, "", "k", {0: ROBOT} if more == "robot" else None)
    return Frame(number, NOW + number, told, json.dumps({"batch": [call]}).encode())


def people_of(base: Base) -> Profiles:
    return Profiles(base, project_key(base.project.root / base.project.state))


@settings(max_examples=100)
@given(CALLS)
@example([({}, "View", 30 * DAY, "customer"), ({"userId": "u1"}, "View", 0, "customer")])
def test_who_is_settled_is_who_would_be_worked_out(
    any_base: Base, calls: list[tuple[dict[str, str], str, int, str]]
) -> None:
    profiles = people_of(any_base)
    profiles.take([frame(n, *one) for n, one in enumerate(calls, any_base.through + 1)])
    for at in (NOW + 1000, NOW - DAY // 2):
        for name in NAMES:
            settled = profiles.who._settled(name, at)
            if settled is None:
                continue
            found = profiles.who._looked_up(name, at)
            assert found is not None, name
            assert (settled.person_id, settled.name) == (found.person_id, found.name)
            assert [*settled.members.items()] == [*found.members.items()]
            assert (settled.base_persons, settled.shared) == (found.base_persons, found.shared)
            assert settled.as_built is not any(profiles.recent.seen(n) for n in settled.members)


def test_most_people_are_settled_also_when_they_come_back(base: Base) -> None:
    profiles = people_of(base)
    before = {name for name in NAMES if profiles.who._settled(name, NOW + 1000)}
    assert {("user_id", "u1"), ("anonymous_id", "a2"), ("user_id", "u3")} <= before
    profiles.take([frame(1, KNOWN[0], "Page Viewed", 0, "")])
    for number, heard in enumerate((KNOWN[1], KNOWN[6], KNOWN[7]), 2):
        profiles.take([frame(number, heard, "Page Viewed", 0, "")])
    assert before == {name for name in NAMES if profiles.who._settled(name, NOW + 1000)}


def test_a_new_device_of_a_known_person_is_theirs_at_once(base: Base) -> None:
    profiles = people_of(base)
    user, phone, tablet = ("user_id", "u1"), ("anonymous_id", "a7"), ("anonymous_id", "a8")
    profiles.take([frame(1, NEW[0], "Page Viewed", 0, "")])
    for name in (user, phone):
        found = profiles.who._settled(name, NOW + 1000)
        assert found is not None
        assert {user, phone} <= found.members.keys()
    assert profiles.who._settled(user, NOW) is None  # it had not been seen yet
    for number, user_id in enumerate(("u1", "u2"), 2):
        heard = {"userId": user_id, "anonymousId": "a8"}
        profiles.take([frame(number, heard, "Page Viewed", 0, "")])
    # two people have it now, so it is nobody's
    assert profiles.who._settled(user, NOW + 1000) is None
    assert profiles.find(tablet, NOW + 1000) is None
