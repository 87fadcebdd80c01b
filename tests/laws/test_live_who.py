"""Laws 2 and 3 for the live service: it knows the same people as a build of the same moment.

Invented evidence from files and from the live tail: logins, shared devices, several spellings and
hashes of an address, handles to be confirmed, aliases, blocked values, words said by hand, and
given values of several sources.
"""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path
from random import Random
from typing import Any

import pytest

from visavis.collect.payloads import BATCH, head
from visavis.core.clock import format_time
from visavis.core.progress import SILENT
from visavis.flow import ask
from visavis.flow.base import base_of
from visavis.flow.build import build
from visavis.flow.histories import write_history
from visavis.flow.identity import say, undo
from visavis.flow.knowing import catch_up, open_profiles
from visavis.flow.profiles import Profiles
from visavis.flow.published import published
from visavis.project.load import load
from visavis.store.tail import Tail

DAY, START = 86_400_000, 1_704_067_200_000  # 2024-01-01
Name = tuple[str, str]


def sha(text: str) -> str:
    return sha256(text.encode()).hexdigest()


NAMES: list[Name] = [
    *(("customer_id", f"c{n}") for n in (1, 2)),
    *(("user_id", f"u{n}") for n in (1, 2, 3)),
    *(("loyalty_id", f"l{n}") for n in range(3)),
    *(("email", v) for v in ("ann@gmail.com", "a.nn@gmail.com", "ann+x@googlemail.com", "b@x.co",
                             sha("ann@gmail.com"), sha("b@x.co").upper(), "shop@x.co")),
    *(("email_work", v) for v in ("b@x.co", "a.n.n@gmail.com")),
    *(("email_sha256", v) for v in (sha("b@x.co"), sha("shop@x.co"))),
    *(("phone", v) for v in ("030 123456", "+4930123456", "+49 30 99 99 99", sha("4930123456"))),
    *(("social_id", v) for v in ("@Ann", "ann", "@bo")),
    *(("device_id", f"d{n}") for n in (1, 2)),
    *(("anonymous_id", f"a{n}") for n in range(4)),
    ("account_id", "acme"),
]  # fmt: skip
KINDS = sorted({kind for kind, _ in NAMES})
FILES = {
    "visavis.yml": "name: Shop\ntime_zone: UTC\ncurrency: EUR\n",
    "identity.yml": """\
kinds:
  loyalty_id: {limit: 1}
  phone: {country: DE}
  email_work: {limit: 5, shared_after: 1, strong: true}
  email_sha256: {limit: 5, shared_after: 1}
growth: {largest: 9}
""",
    "sources/s.yml": """\
sources:
  crm:
    from: data/crm*.csv
    kind: events
    event: Page Viewed
    map: {{time: time}}
    identifiers: {{{}}}
  names:
    from: data/names.csv
    kind: records
    map: {{time: time}}
    identifiers: {{customer_id: customer_id}}
    fields: {{first_name: {{type: text}}}}
    trust: 90
""".format(", ".join(f"{kind}: {kind}" for kind in KINDS)),
    "traits/t.yml": "traits:\n  views: {event: Page Viewed, value: count()}\n" + "".join(
        f"  name_{rule}: {{given: first_name, resolve: {rule}}}\n"
        for rule in ("latest", "trusted", "frequent", "longest", "first")
    ),
}  # fmt: skip
TRAITS = ("views", "name_latest", "name_trusted", "name_frequent", "name_longest", "name_first")


def moment(rng: Random) -> int:
    return START + rng.randrange(20) * DAY + rng.randrange(3) * 1000


def together(rng: Random) -> dict[str, str]:
    """Identifiers seen at once, one of a kind."""
    chosen = rng.sample(NAMES, rng.choice((1, 2, 2, 3)))
    return dict(chosen)


def crm(root: Path, number: int, rng: Random) -> None:
    lines = [",".join([*KINDS, "time"])]
    for _ in range(rng.randrange(4, 16)):
        held = together(rng)
        cells = [held.get(kind, "") for kind in KINDS]
        lines.append(",".join([*cells, format_time(moment(rng))]))
    (root / "data" / f"crm{number}.csv").write_text("\n".join(lines) + "\n")


def folder(root: Path, rng: Random) -> Path:
    for name, text in FILES.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (root / "data").mkdir()
    names = [f"c{n % 2 + 1},{rng.choice(('Ann', 'Bo', 'Cat'))},{format_time(moment(rng))}"
             for n in range(4)]  # fmt: skip
    text = "\n".join(["customer_id,first_name,time", *names]) + "\n"
    (root / "data" / "names.csv").write_text(text)
    crm(root, 1, rng)
    return root


def call(rng: Random, number: int) -> dict[str, Any]:
    held = together(rng)
    made: dict[str, Any] = {"messageId": f"m{number}", "timestamp": format_time(moment(rng))}
    traits = {name: held.pop(name) for name in ("email", "phone") if name in held}
    for kind, key in (("user_id", "userId"), ("anonymous_id", "anonymousId")):
        if kind in held:
            made[key] = held.pop(kind)
    made["context"] = {"externalIds": [{"type": k, "id": v} for k, v in held.items()]}
    what = rng.randrange(5)
    if what == 0:
        return made | {"type": "alias", "userId": rng.choice(("u1", "u2")),
                       "previousId": rng.choice(("u2", "u3"))}  # fmt: skip
    if what == 1:
        name = rng.choice(("Ann", "Annabelle", "Bo"))
        return made | {"type": "identify", "traits": {**traits, "firstName": name}}
    event = rng.choice(("Page Viewed", "Page Viewed", "Signed In"))
    return made | {"type": "track", "event": event, "properties": traits}


def live(root: Path, rng: Random, first: int, count: int) -> None:
    calls = [call(rng, number) for number in range(first, first + count)]
    tail = Tail(root / ".visavis")
    for one in calls:
        body = json.dumps({"batch": [one]}).encode()
        tail.append([(START + 30 * DAY, head(BATCH, "", "k"), body)])
    import os

    os.close(tail._lock)


def speak(root: Path, rng: Random) -> None:
    """A word by hand about two identifiers, or one taken back."""
    there = set(ask_rows(root, "SELECT kind, value FROM identifiers"))
    known = [name for name in NAMES if name in there]
    now = START + 31 * DAY + rng.randrange(DAY)
    if len(known) < 2:
        return
    a, b = (":".join(name) for name in rng.sample(known, 2))
    evidence = ask_rows(root, "SELECT kind_a, value_a, kind_b, value_b FROM evidence ORDER BY ALL")
    action = rng.choice(("join", "split", "forget"))
    if action == "forget":
        if not evidence:
            return
        ka, va, kb, vb = rng.choice(evidence)
        a, b = f"{ka}:{va}", f"{kb}:{vb}"
    told = say(root, action, a, b, "ada", now)
    if rng.random() < 0.3:
        undo(root, told["word"], "ada", now + DAY)


def ask_rows(root: Path, sql: str) -> list[tuple[Any, ...]]:
    with ask.query(root, sql) as batches:
        return [tuple(row.values()) for row in batches.read_all().to_pylist()]


def knows(root: Path) -> Profiles:
    """What the service knows after it was started anew, maybe with what it left before."""
    state = root / ".visavis"
    project, problems = load(root)
    assert project is not None, problems
    with published(root) as at:
        write_history(at, at.project())
    profiles = open_profiles(base_of(root, state, project), state)
    profiles.recent.limit = 3
    catch_up(profiles, state)
    return profiles


Told = dict[Name, tuple[str, frozenset[Name], tuple[Any, ...]]]


def by_service(profiles: Profiles, at_ms: int) -> Told:
    found: Told = {}
    for name in NAMES:
        told = profiles.answer(profiles.normal(*name), at_ms)
        if told is not None:
            members = frozenset(told.found.members)
            values = tuple(told.values[trait] for trait in TRAITS)
            found[profiles.normal(*name)] = (told.found.person_id, members, values)
            assert profiles.by_id(told.found.person_id, at_ms) is not None
    return {name: told for name, told in found.items() if name in told[1]}


def by_build(root: Path) -> Told:
    members: dict[str, set[Name]] = {}
    for person, kind, value in ask_rows(root, "SELECT person_id, kind, value FROM identifiers"):
        members.setdefault(person, set()).add((kind, value))
    columns = ", ".join(TRAITS)
    values = {row[0]: row[1:] for row in ask_rows(root, f"SELECT person_id, {columns} FROM people")}
    return {
        name: (person, frozenset(held), values[person])
        for person, held in members.items()
        for name in held
    }


@pytest.mark.parametrize("number", [0, 14])
def test_live_knows_who_the_build_knows(tmp_path: Path, number: int) -> None:
    check(tmp_path, number)


@pytest.mark.long
@pytest.mark.parametrize("number", range(1, 40))
def test_live_knows_who_the_build_knows_often(tmp_path: Path, number: int) -> None:
    check(tmp_path, number)


def check(tmp_path: Path, number: int) -> None:
    rng = Random(number)
    root = folder(tmp_path / "shop", rng)
    first = None if number % 2 else START + rng.randrange(5, 20) * DAY
    build(root, first, START + 31 * DAY, SILENT)
    live(root, rng, 0, 12)
    for _ in range(rng.randrange(4)):
        speak(root, rng)
    if number % 3 == 0:
        path = root / "identity.yml"
        blocked = "  device_id: {blocked: [d1]}\n  loyalty_id:"
        path.write_text(path.read_text().replace("  loyalty_id:", blocked))
    crm(root, 2, rng)
    build(root, None, START + 32 * DAY, SILENT)
    live(root, rng, 100, 7)
    profiles = knows(root)
    profiles.recent.settle()
    profiles.close(keep=number % 2 == 0)
    live(root, rng, 107, 7)
    profiles = knows(root)
    moments = [START + 6 * DAY + 500, START + 13 * DAY, START + 40 * DAY]
    told = {at: by_service(profiles, at) for at in moments}
    for at in moments:
        build(root, at, START + 40 * DAY, SILENT)
        expected = {name: who for name, who in by_build(root).items() if name in normal(profiles)}
        assert told[at].keys() == expected.keys(), at
        for name, who in expected.items():
            assert told[at][name] == who, (at, name)
    for person_id in {person for found in told.values() for person, *_ in found.values()}:
        assert profiles.who.by_id(person_id) is not None


def normal(profiles: Profiles) -> set[Name]:
    return {profiles.normal(*name) for name in NAMES}
