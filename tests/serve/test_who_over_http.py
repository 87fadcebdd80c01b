"""Who is who over HTTP: aliases in both directions, and the published cases of other systems, in
random orders, with the service killed in between and builds beside."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random
from typing import Any

import pytest
from live import Server, built, key, project

Call = dict[str, Any]
Name = tuple[str, str]
START = 1_717_200_000_000


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    root = project(tmp_path / "shop")
    key(root)
    key(root, "sk", "secret")
    return root


def call(kind: str, second: int, **more: Any) -> Call:
    at = time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(START // 1000 + second))
    event = {"event": "Product Viewed"} if kind == "track" else {}
    return {"type": kind, "messageId": f"{kind}-{second}", "timestamp": at, **event, **more}


def person(server: Server, name: Name) -> dict[str, Any] | None:
    answer = server.http.get("/v1/profile", params=[name], auth=("sk", ""))
    assert answer.status_code in (200, 404), answer.text
    return answer.json() if answer.status_code == 200 else None


def groups(server: Server, names: Sequence[Name]) -> set[frozenset[Name]]:
    """The identifiers that are one person's; nobody's are left out."""
    held: dict[str, set[Name]] = {}
    for name in names:
        found = person(server, name)
        if found is not None:
            held.setdefault(found["person_id"], set()).add(name)
    return {frozenset(group) for group in held.values()}


ALIASES: dict[str, tuple[str, Call]] = {
    "of an earlier user": ("/v1/alias", {"userId": "new", "previousId": "old"}),
    "the other way round": ("/v1/alias", {"userId": "old", "previousId": "new"}),
    "short form": ("/v1/a", {"userId": "old", "previousId": "new"}),
    "jitsu": ("/api/s/alias", {"userId": "new", "previousId": "old"}),
    "by an anonymous id": (
        "/v1/alias", {"anonymousId": "old", "userId": None, "previousId": "new"}
    ),
    "posthog python": ("/batch/", {"event": "$create_alias", "distinct_id": "old",
                                   "properties": {"distinct_id": "old", "alias": "new"}}),
    "posthog node": ("/batch/", {"event": "$create_alias", "distinct_id": "new",
                                 "properties": {"distinct_id": "new", "alias": "old"}}),
}  # fmt: skip
"""Ways to say that `old` and `new` are one."""


def told(kind: str, alias_first: bool) -> tuple[list[tuple[str, Call]], Name, Name]:
    """The requests of one way, with names of their own, and the two identifiers."""
    path, said = ALIASES[kind]
    tag = f"{kind} {alias_first}"
    old = "anonymous_id" if kind == "by an anonymous id" else "user_id"
    wire = {"user_id": "userId", "anonymous_id": "anonymousId"}[old]
    body: Call = {**said, "messageId": "alias", "uuid": "alias"}
    if path == "/batch/":
        body = {"api_key": "wk", "batch": [body]}
    events = [
        ("/v1/track", call("track", 1, **{wire: "old"})),
        ("/v1/track", call("track", 2, userId="new")),
    ]
    requests = [(path, body), *events] if alias_first else [*events, (path, body)]
    own = [(where, _named(what, tag)) for where, what in requests]
    return own, (old, f"old {tag}"), ("user_id", f"new {tag}")


def _named(body: Call, tag: str) -> Call:
    text = json.dumps(body)
    for word in ("old", "new", "alias", "track-1", "track-2"):
        text = text.replace(f': "{word}"', f': "{word} {tag}"')
    return dict(json.loads(text.replace(f'"type": "alias {tag}"', '"type": "alias"')))


def test_an_alias_joins_in_both_directions(shop: Path) -> None:
    ways = [told(kind, first) for kind in ALIASES for first in (True, False)]
    pairs = [(old, new) for _, old, new in ways]
    with Server(shop) as server:
        for requests, *_ in ways:
            for where, what in requests:
                assert server.post(where, what).status_code == 200
        for user in ("u1", "u2"):
            server.post("/v1/track", call("track", 3, userId=user, messageId=user))
            server.post("/v1/alias", {"userId": user, "previousId": user})
        _are_one(server, pairs)
        assert groups(server, ONESELF) == ALONE
        built(shop)
        server.kill()
    with Server(shop) as server:
        _are_one(server, pairs)
        assert groups(server, ONESELF) == ALONE


ONESELF: list[Name] = [("user_id", "u1"), ("user_id", "u2"), ("anonymous_id", "u1")]
ALONE = {frozenset({("user_id", "u1")}), frozenset({("user_id", "u2")})}


def _are_one(server: Server, pairs: Sequence[tuple[Name, Name]]) -> None:
    for old, new in pairs:
        before, after = person(server, old), person(server, new)
        assert before is not None, old
        assert after is not None, new
        assert before["person_id"] == after["person_id"], old
        assert after["traits"]["views"] == 2, old


U1, U2 = (("user_id", f"abc{n}") for n in (123, 456))
A1, A2, A3 = (("user_id", f"alias{n}") for n in (123, 456, 789))
SIX = ("user_id", "six")
JANE = ("email", "jane@example1.com")


def _own(tag: str, calls: list[Call]) -> list[Call]:
    return [{**one, "messageId": f"{tag}-{one['messageId']}"} for one in calls]


def _segment() -> tuple[list[Call], set[frozenset[Name]]]:
    """Segment keeps the address with the first; here an address of two is neither's."""
    said = [
        call("identify", n, userId=user, traits={"email": JANE[1]})
        for n, (_, user) in enumerate((U1, U2))
    ]
    return said, {frozenset({U1}), frozenset({U2})}


def _kevin_and_nora() -> tuple[list[Call], set[frozenset[Name]]]:
    """A tablet of two joins nobody; its anonymous views follow the login of the moment."""
    said = [
        call("track", n, userId=user, anonymousId="tablet")
        for n, user in enumerate(("kevin", None, "nora", None, "kevin", None))
    ]
    return said, {frozenset({("user_id", "kevin")}), frozenset({("user_id", "nora")})}


def _one_bad_address() -> tuple[list[Call], set[frozenset[Name]]]:
    users = [f"user{n}" for n in range(12)]
    said = [
        call("identify", n, userId=user, traits={"email": "test@test.com"})
        for n, user in enumerate(users)
    ]
    return said, {frozenset({("user_id", user)}) for user in users}


def _four_sites() -> tuple[list[Call], set[frozenset[Name]]]:
    """Cookies of four sites, tied in pairs: one canonical id."""
    cookies = [f"{site}_{n}" for site in ("aaa", "xxx", "yyy", "zzz") for n in "12"]
    said = [
        call(
            "track", n, anonymousId=a, context={"externalIds": [{"type": "anonymous_id", "id": b}]}
        )
        for n, (a, b) in enumerate(itertools.pairwise(cookies))
    ]
    return said, {frozenset(("anonymous_id", cookie) for cookie in cookies)}


def _aliases_before_limits() -> tuple[list[Call], set[frozenset[Name]]]:
    ids = [A1[1], A2[1], A3[1]]
    circle = [
        call("alias", n, userId=a, previousId=b)
        for n, (a, b) in enumerate(zip(ids, [*ids[1:], ids[0]], strict=True), 5)
    ]
    said = [call("identify", n, userId=u, traits={"email": "a@b.co"}) for n, u in enumerate(ids)]
    return [*circle, *said], {frozenset({A1, A2, A3, ("email", "a@b.co")})}


def _a_sixth_address() -> tuple[list[Call], set[frozenset[Name]]]:
    mails = [("email", f"{n}@x.co") for n in range(6)]
    said = [
        call("identify", n, userId=SIX[1], traits={"email": mail})
        for n, (_, mail) in enumerate(mails)
    ]
    return said, {frozenset({SIX, *mails[:5]}), frozenset({mails[5]})}


CASES: list[Callable[[], tuple[list[Call], set[frozenset[Name]]]]] = [
    _segment, _kevin_and_nora, _one_bad_address, _four_sites, _aliases_before_limits,
    _a_sixth_address,
]  # fmt: skip


@pytest.mark.parametrize("seed", [0, pytest.param(1, marks=pytest.mark.long)])
def test_published_cases_in_any_order(shop: Path, seed: int) -> None:
    made = [case() for case in CASES]
    calls = [one for n, (said, _) in enumerate(made) for one in _own(str(n), said)]
    expected = {group for _, groups_ in made for group in groups_}
    names = [name for group in expected for name in group] + [("anonymous_id", "tablet")]
    rng = Random(seed)
    requests = [*calls, *rng.sample(calls, len(calls) // 4)]
    rng.shuffle(requests)
    third = len(requests) // 3
    for n, part in enumerate(
        (requests[:third], requests[third : 2 * third], requests[2 * third :])
    ):
        with Server(shop) as server:
            for one in part:
                assert server.post(f"/v1/{one['type']}", one).status_code == 200
            if n == 2:
                assert groups(server, names) == expected
                assert _views(server, names) == {"kevin": 4, "nora": 2}
            server.kill()
        if n != seed:
            built(shop)
    built(shop)
    with Server(shop) as server:
        assert groups(server, names) == expected
        assert _views(server, names) == {"kevin": 4, "nora": 2}


def _views(server: Server, names: Sequence[Name]) -> dict[str, int]:
    found = {value: person(server, (kind, value)) for kind, value in names}
    return {
        value: told["traits"]["views"]
        for value, told in found.items()
        if told is not None and value in ("kevin", "nora")
    }


def test_a_public_key_reaches_nobody_else(shop: Path) -> None:
    """Somebody with the page's own key tries every way to a victim's data."""
    with Server(shop) as server:
        victim = {
            "userId": "victim",
            "anonymousId": "home",
            "traits": {"email": "v@x.co", "firstName": "Vic"},
        }
        server.post("/v1/identify", {**victim, "messageId": "v1"})
        server.post("/v1/track", call("track", 1, userId="victim", anonymousId="home"))
        for said in (
            {"type": "identify", "userId": "victim", "anonymousId": "evil"},
            {"type": "alias", "userId": "victim", "previousId": "evil"},
            {"type": "identify", "anonymousId": "evil", "traits": {"email": "v@x.co"}},
        ):
            assert server.post(f"/v1/{said['type']}", said).status_code == 200
        for where in ("/v1/profile?user_id=victim", "/v1/profile?anonymous_id=evil",
                      "/v1/segments/x/count"):  # fmt: skip
            for auth in (("wk", ""), None):
                assert server.http.get(where, auth=auth).status_code == 401
            assert server.http.get(f"{where}&writeKey=wk").status_code in (401, 404)
        for who in ({"user_id": "victim"}, {"email": "v@x.co"}, {"person_id": "0" * 32},
                    {"anonymous_id": "evil"}):  # fmt: skip
            answer = server.post("/v1/decide", {"person": who, "placement": "home"})
            assert answer.status_code in (403, 404)
            assert "Vic" not in answer.text
            assert "v@x.co" not in answer.text
