"""`test`: the user's own tests, each asked of both readers: the one for everybody and the one for
one person. Bucket scores depend on everybody, so in a test they are null.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from visavis.core.clock import format_time, to_date, to_ms, zone
from visavis.core.lang.form import Node, Value
from visavis.core.lang.history import History
from visavis.core.lang.reader import Program, compile_program
from visavis.core.lang.types import SCALE, TIME_MIN, Type
from visavis.core.nouns import Project, Tag, UserTest
from visavis.core.problems import Place
from visavis.segment.batch import PREFIX as SEGMENT
from visavis.store.warehouse import Warehouse
from visavis.testing.agree import load as load_tables
from visavis.testing.tables import held, reading, relations
from visavis.understand.tags import PREFIX as TAG
from visavis.understand.tags import expires_at, in_force, with_lineage

Items = Mapping[str, Mapping[str, Value]]
_STEPS = 10_000
"""How often the clock is moved on to find since when a tag holds."""


@dataclass(frozen=True, slots=True)
class Failure:
    """Something that came out otherwise than expected, or differently in the two readers."""

    what: str
    place: Place
    expected: object
    got: object
    disagree: object = None

    def as_json(self) -> dict[str, object]:
        """what, file, line, expected, got; and `got_for_one_person` where the readers disagree."""
        shown: dict[str, object] = {
            "what": self.what,
            "file": self.place.file,
            "line": self.place.line,
            "expected": self.expected,
            "got": self.got,
        }
        return shown if self.disagree is None else shown | {"got_for_one_person": self.disagree}

    def __str__(self) -> str:
        text = f"{self.place}: {self.what} is {_shown(self.got)}, expected {_shown(self.expected)}"
        if self.disagree is None:
            return text
        alone = _shown(self.disagree)
        return f"{text}; asked for one person alone it is {alone}: a fault of visavis"


@dataclass(frozen=True, slots=True)
class TestResult:
    """One test and all that went wrong in it."""

    name: str
    place: Place
    failures: tuple[Failure, ...]

    @property
    def ok(self) -> bool:
        """Whether everything came out as expected in both readers."""
        return not self.failures

    def as_json(self) -> dict[str, object]:
        """test, ok, file, line, failures."""
        failures = [f.as_json() for f in self.failures]
        where = {"file": self.place.file, "line": self.place.line}
        return {"test": self.name, "ok": self.ok, **where, "failures": failures}

    def lines(self) -> list[str]:
        """One readable line a failure."""
        return [str(f) for f in self.failures]


@dataclass(frozen=True, slots=True)
class _Answer:
    """What one reader says of one test: traits as the reader holds them, segments, tags."""

    traits: Mapping[str, Value]
    segments: frozenset[str]
    tags: frozenset[str]


def run(root: Path) -> list[TestResult]:
    """Runs every test of the project. Raises ProblemsError for a project that can't be loaded."""
    from visavis.flow.projects import load_project

    project = load_project(root)
    tests = [replace(t, events=tuple(_complete(t))) for t in project.tests.values()]
    if not tests:
        return []
    batch, live = _for_everybody(project, tests), _for_one(project, tests)
    return [
        TestResult(t.name, t.place, tuple(_failures(project, t, b, one)))
        for t, b, one in zip(tests, batch, live, strict=True)
    ]


def _complete(test: UserTest) -> Iterable[dict[str, Any]]:
    """The events with what a test may leave out; message ids don't meet those of other tests."""
    for event in test.events:
        plain: dict[str, Any] = {
            "source": None,
            "channel": None,
            "revision": 0,
            "received_at": event["ts"],
            "cleared": (),
            **event,
        }
        yield plain | {"message_id": f"{test.name}\x1f{event['message_id']}"}


def _conditions(project: Project, now_ms: int) -> dict[str, Node]:
    tags = in_force(project.tags, now_ms, zone(project.time_zone))
    found = {SEGMENT + name: s.condition for name, s in project.segments.items()}
    return found | {TAG + path: tag.condition for path, tag in tags.items()}


def _items(project: Project, tests: Sequence[UserTest]) -> dict[str, dict[str, Value]]:
    """The catalogue that the lines of the tests' orders tell of."""
    names = {f.name for c in project.catalogues.values() for f in c.fields}
    items: dict[str, dict[str, Value]] = {}
    for line in (line for t in tests for e in t.events for line in _lines(e)):
        item = items.setdefault(str(line.get("product_id")), {})
        item |= {name: value for name, value in line.items() if name in names}
    return items


def _lines(event: Mapping[str, Any]) -> Sequence[Mapping[str, Value]]:
    return event.get("products") or ()


def _for_one(project: Project, tests: Sequence[UserTest]) -> list[_Answer]:
    """The Python reader's answers."""
    answers = []
    for test in tests:
        conditions = _conditions(project, test.now_ms)
        program = compile_program(project.traits, conditions, zone(project.time_zone))
        history = History.from_events(test.events, project.properties, project.line_fields)
        items = _items(project, [test])
        values = program.run(history, test.now_ms, {}, items).values
        true = [name for name in conditions if values[name] is True]

        def since(name: str, p: Program = program, h: History = history, i: Items = items,
                  t: UserTest = test) -> int | None:  # fmt: skip
            return _since(p.only([name]), h, name, t, i)

        answers.append(_answer(project, test, values, true, since))
    return answers


def _since(
    program: Program, history: History, name: str, test: UserTest, items: Items
) -> int | None:
    """When a condition last became true, by moving the clock on from the first event."""
    moments = sorted({e["ts"] for e in test.events if e["ts"] is not None})  # type: ignore[type-var]
    at = min([m for m in moments if isinstance(m, int)], default=test.now_ms)
    began: int | None = None
    for _ in range(_STEPS):
        result = program.run(history, at, {}, items)
        if result.values[name] is not True:
            began = None
        elif began is None:
            began = at
        until = result.until.get(name)
        if until is None or until > test.now_ms:
            break
        at = until
    return began


def _for_everybody(project: Project, tests: Sequence[UserTest]) -> list[_Answer]:
    """The SQL reader's answers: each test one person among all the others."""
    from visavis.flow.projects import default_memory
    from visavis.store.warehouse import connect

    answers: dict[int, _Answer] = {}
    with connect(default_memory(), None) as wh:
        for now_ms in sorted({t.now_ms for t in tests}):
            group = [(n, t) for n, t in enumerate(tests) if t.now_ms == now_ms]
            mine = [t for _, t in group]
            histories: list[Any] = [t.events for t in mine]
            load_tables(wh, relations(project, histories, _items(project, mine)))
            for (n, _), answer in zip(group, _ask(wh, project, mine, now_ms), strict=True):
                answers[n] = answer
    return [answers[n] for n in range(len(tests))]


def _ask(
    wh: Warehouse, project: Project, tests: Sequence[UserTest], now_ms: int
) -> Iterable[_Answer]:
    from visavis.understand.batch import compute_people
    from visavis.understand.timeline import since

    compute_people(wh, project, now_ms, {}, "people_traits")
    since(wh, project, _conditions(project, now_ms), now_ms, {})
    columns = [reading(f'"{name}"', t.type) for name, t in project.traits.items()]
    rows = wh.rows(f"SELECT {', '.join(columns)} FROM people_traits ORDER BY person")
    for person, (test, row) in enumerate(zip(tests, rows, strict=True)):
        found = wh.rows("SELECT name, since FROM since WHERE person = $1", [person])
        began = {name: _ms(moment) for name, moment in found}
        named = zip(project.traits.items(), row, strict=True)
        values = {name: held(value, trait.type) for (name, trait), value in named}
        yield _answer(project, test, values, list(began), began.get)


def _ms(moment: datetime | None) -> int | None:
    return None if moment is None else to_ms(moment.replace(tzinfo=UTC))


def _answer(
    project: Project,
    test: UserTest,
    values: Mapping[str, Value],
    true: Sequence[str],
    since: Callable[[str], int | None],
) -> _Answer:
    segments = frozenset(n.removeprefix(SEGMENT) for n in true if n.startswith(SEGMENT))
    tags = [project.tags[n.removeprefix(TAG)] for n in true if n.startswith(TAG)]
    kept = [t.path for t in tags if not _expired(t, since, test.now_ms)]
    lineage = with_lineage((path, None, None) for path in kept)
    return _Answer({n: values[n] for n in project.traits}, segments, frozenset(lineage))


def _expired(tag: Tag, since: Callable[[str], int | None], now_ms: int) -> bool:
    if tag.lasts_ms is None:
        return False
    began = since(TAG + tag.path)
    end = expires_at(tag, None if began == TIME_MIN else began)
    return end is not None and end <= now_ms


def _failures(project: Project, test: UserTest, batch: _Answer, live: _Answer) -> Iterable[Failure]:
    for name, expected in test.traits.items():
        one, other = batch.traits[name], live.traits[name]
        if one != expected or other != expected:
            kind = project.traits[name].type
            place = test.places.get(f"trait.{name}", test.place)
            told = (_value(v, kind) for v in (expected, one, other))
            yield _failure(f"trait '{name}'", place, *told)
    for key, wanted in (("segments", test.segments), ("tags", test.tags)):
        one, other = getattr(batch, key), getattr(live, key)
        if wanted is not None and {one, other} != {frozenset(wanted)}:
            place = test.places.get(f"expect.{key}", test.place)
            yield _failure(key, place, sorted(wanted), sorted(one), sorted(other))


def _failure(what: str, place: Place, expected: object, batch: object, live: object) -> Failure:
    return Failure(what, place, expected, batch, None if batch == live else live)


def _value(value: object, kind: Type) -> object:
    """A value of the reader as the user writes it."""
    if value is None or not isinstance(value, int):
        return value
    match kind:
        case Type.DECIMAL:
            return _decimal(value)
        case Type.TIME:
            return format_time(value)
        case Type.DATE:
            return to_date(value).isoformat()
    return value


def _decimal(scaled: int) -> object:
    from decimal import Decimal

    value = Decimal(scaled) / SCALE
    return int(value) if value == int(value) else value.normalize()


def _shown(value: object) -> str:
    if isinstance(value, list):
        return "[" + ", ".join(map(str, value)) + "]"
    words = {None: "null", True: "true", False: "false"}
    return words[value] if value is None or isinstance(value, bool) else str(value)
