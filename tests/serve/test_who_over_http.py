"""Who is who over HTTP: aliases in both directions, and the published cases of other systems, in
random orders, with the service killed in between and builds beside."""

from __future__ import annotations

import itertools
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
    "by an anonymous id": ("/v1/alias", {"anonymousId": "old", "userId": None,
                                         "previousId": "new"}),
    "posthog python": ("/batch/", {"event": "$create_alias", "distinct_id": "old",
                                   "properties": {"distinct_id": "old", "alias": "new"}}),
    "posthog node": ("/batch/", {"event": "$create_alias", "distinct_id": "new",
                                 "properties": {"distinct_id": "new", "alias": "old"}}),
}  # fmt: skip


@pytest.mark.parametrize("first", ["alias", "events"])
@pytest.mark.parametrize("kind", ALIASES)
def test_an_alias_joins_in_both_directions(shop: Path, kind: str, first: str) -> None:
    path, said = ALIASES[kind]
    old: Name = ("anonymous_id" if kind == "by an anonymous id" else "user_id", "old")
    wire = {"user_id": "userId", "anonymous_id": "anonymousId"}[old[0]]
    events = [
        ("/v1/track", call("track", 1, **{wire: "old"})),
        ("/v1/track", call("track", 2, userId="new")),
    ]
    body: Call = {
        **said,
        "messageId": "alias",
        "uuid": "alias",
        "timestamp": events[0][1]["timestamp"],
    }
    if path == "/batch/":
        body = {"api_key": "wk", "batch": [body]}
    told = [(path, body), *events] if first == "alias" else [*events, (path, body)]
    with Server(shop) as server:
        for where, what in told:
            assert server.post(where, what).status_code == 200
        _one_person(server, old)
        built(shop)
        _one_person(server, old)
        server.kill()
    with Server(shop) as server:
        _one_person(server, old)


def _one_person(server: Server, old: Name) -> None:
    before, after = person(server, old), person(server, ("user_id", "new"))
    assert before is not None
    assert after is not None
    assert before["person_id"] == after["person_id"]
    assert after["traits"]["views"] == 2


def test_an_alias_of_oneself_joins_nobody(shop: Path) -> None:
    with Server(shop) as server:
        for n, user in enumerate(("u1", "u2")):
            server.post("/v1/track", call("track", n, userId=user))
            server.post("/v1/alias", {"userId": user, "previousId": user, "messageId": f"s{n}"})
        names: list[Name] = [("user_id", "u1"), ("user_id", "u2"), ("anonymous_id", "u1")]
        alone = {frozenset({("user_id", u)}) for u in ("u1", "u2")}
        assert groups(server, names) == alone
        built(shop)
        server.kill()
    with Server(shop) as server:
        assert groups(server, names) == alone


U1, U2, U3 = (("user_id", f"abc{n}") for n in (123, 456, 789))
JANE = ("email", "jane@example1.com")


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
    ids = [U1[1], U2[1], U3[1]]
    circle = [
        call("alias", n, userId=a, previousId=b)
        for n, (a, b) in enumerate(zip(ids, [*ids[1:], ids[0]], strict=True), 5)
    ]
    said = [call("identify", n, userId=u, traits={"email": "a@b.co"}) for n, u in enumerate(ids)]
    return [*circle, *said], {frozenset({U1, U2, U3, ("email", "a@b.co")})}


def _a_sixth_address() -> tuple[list[Call], set[frozenset[Name]]]:
    mails = [("email", f"{n}@x.co") for n in range(6)]
    said = [
        call("identify", n, userId=U1[1], traits={"email": mail})
        for n, (_, mail) in enumerate(mails)
    ]
    return said, {frozenset({U1, *mails[:5]}), frozenset({mails[5]})}


CASES: list[Callable[[], tuple[list[Call], set[frozenset[Name]]]]] = [
    _segment, _kevin_and_nora, _one_bad_address, _four_sites, _aliases_before_limits,
    _a_sixth_address,
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.__name__.strip("_"))
def test_published_cases_in_any_order(shop: Path, case: Any) -> None:
    said, expected = case()
    rng = Random(len(said))
    told = [*said, *rng.sample(said, 2)]
    rng.shuffle(told)
    names = [name for group in expected for name in group] + [("anonymous_id", "tablet")]
    half = len(told) // 2
    with Server(shop) as server:
        for one in told[:half]:
            assert server.post(f"/v1/{one['type']}", one).status_code == 200
        server.kill()
    if case is not _segment:
        built(shop)
    with Server(shop) as server:
        for one in told[half:]:
            assert server.post(f"/v1/{one['type']}", one).status_code == 200
        live = groups(server, names)
        views = _views(server, names)
        assert live == expected
        built(shop)
        server.kill()
    with Server(shop) as server:
        assert groups(server, names) == expected
        assert _views(server, names) == views
        if case is _kevin_and_nora:
            assert views == {"kevin": 4, "nora": 2}


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
