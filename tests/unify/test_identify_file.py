"""A file of evidence to a file of people: the same people as the pure rules, whatever is in it."""

from __future__ import annotations

import random
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from visavis.core import parts
from visavis.core.nouns import IdentifierKind
from visavis.unify.component import edges_of, resolve
from visavis.unify.evidence import identify_file
from visavis.unify.rules import Name, Seen, choose

KINDS = {
    kind.name: kind
    for kind in (
        IdentifierKind("user_id", unique=True, priority=2, limit=1, blocked=("null", "^x.*$")),
        IdentifierKind("email", priority=10, limit=3, shared_after=1, strong=True),
        IdentifierKind("device_id", priority=60, limit=4, shared_after=1, blocked=("null",)),
    )
}
Row = tuple[str, str, str, str, int | None]


def told(rows: list[Row], folder: Path) -> dict[Name, int | None]:
    columns = ("kind_a", "value_a", "kind_b", "value_b", "first_ms")
    schema = pa.schema([*((name, pa.string()) for name in columns[:4]), ("first_ms", pa.int64())])
    lines = [dict(zip(columns, row, strict=True)) for row in rows]
    source, target = folder / "evidence.parquet", folder / "people.parquet"
    pq.write_table(pa.Table.from_pylist(lines, schema), source, row_group_size=50)
    identify_file(source, target, KINDS)
    found = pq.read_table(target).to_pylist()
    people = {(row["kind"], row["value"]): row["person"] for row in found}
    assert len(people) == len(found), "each identifier once"
    return people


def expected(rows: list[Row]) -> dict[Name, Name | None]:
    """The rules, one component at a time."""
    names = list(dict.fromkeys(n for ka, va, kb, vb, _ in rows for n in ((ka, va), (kb, vb))))
    first: dict[Name, int] = {}
    for ka, va, kb, vb, ms in rows:
        for name in ((ka, va), (kb, vb)):
            at = -(2**63) if ms is None else ms
            first[name] = min(first.get(name, at), at)
    open_ones = [n for n in names if not blocked(n)]
    edges = [
        ((ka, va), (kb, vb), "same row", -(2**63) if ms is None else ms)
        for ka, va, kb, vb, ms in rows
    ]
    solved = resolve(open_ones, edges_of(edges, KINDS), KINDS)
    person: dict[Name, Name | None] = dict.fromkeys(names)
    for members in solved.groups().values():
        held = [n for n in members if n not in solved.shared]
        if held:
            best = choose([Seen(*n, first[n]) for n in held], KINDS)
            person |= dict.fromkeys(held, (best.kind, best.value))
    return person


def blocked(name: Name) -> bool:
    kind, value = name
    bare = "".join(value.lower().split())
    return (bare == "null" and kind in ("user_id", "device_id")) or (
        kind == "user_id" and value.startswith("x")
    )


@pytest.mark.parametrize("number", range(6))
def test_the_file_says_what_the_rules_say(
    number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parts, "PART", 97)  # several parts, side by side
    rng = random.Random(number)
    values = [*(f"{n}" for n in range(60 * (number + 1))), "null", " NULL", "x1", "", "王小明"]
    kinds = [*KINDS, "unheard_of"]

    def name() -> Name:
        return rng.choice(kinds), rng.choice(values)

    rows: list[Row] = [
        (*name(), *name(), rng.choice((None, rng.randrange(5)))) for _ in range(80 * (number + 1))
    ]
    people, rules = told(rows, tmp_path), expected(rows)
    assert people.keys() == rules.keys()
    assert {n for n, p in people.items() if p is None} == {n for n, p in rules.items() if p is None}
    number_of: dict[Name, int | None] = {}
    for identifier, named in rules.items():
        if named is not None:
            assert number_of.setdefault(named, people[identifier]) == people[identifier]
    assert len(set(number_of.values())) == len(number_of)


def test_rows_without_both_identifiers_are_no_evidence(tmp_path: Path) -> None:
    rows = [("email", "a", "user_id", None, 1), ("email", "b", "user_id", "1", 1)]
    assert told(rows, tmp_path).keys() == {("email", "b"), ("user_id", "1")}  # type: ignore[arg-type]


def test_an_empty_file_has_nobody(tmp_path: Path) -> None:
    assert told([], tmp_path) == {}
