"""Columns that repeat or determine each other: evidence that must count once.

All measures are taken among records that otherwise disagree, so that the duplicates being looked
for do not look like a dependency themselves.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from visavis.store.engines.duckdb_names import identifier
from visavis.store.warehouse import Warehouse
from visavis.unify.matching.columns import Column, take_sample

if TYPE_CHECKING:
    import pyarrow as pa

SAMPLE = "matching_sample"
_SAMPLE = 50_000
_LEAST_PAIRS = 20
_DETERMINES = 0.75
_REPEATS = 0.8
_STRANGERS = 0.34

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Codes = Mapping[str, Ints]


@dataclass(slots=True)
class Repeats:
    """`dropped`: column to the columns that already say it; `followers`: column to those it
    determines; `swapped`: columns whose values change places in some records."""

    dropped: dict[str, tuple[str, ...]] = field(default_factory=dict)
    followers: dict[str, list[str]] = field(default_factory=dict)
    swapped: dict[str, str] = field(default_factory=dict)


def find_repeats(wh: Warehouse, table: str, columns: Sequence[Column], seed: int) -> Repeats:
    """What counts once among the columns worth comparing."""
    found = Repeats()
    if not columns:
        return found
    rows = take_sample(wh, table, SAMPLE, _SAMPLE, seed)
    listed = ", ".join(identifier(c.name) for c in columns)
    codes = codes_of(wh.arrow(f"SELECT {listed} FROM {SAMPLE} ORDER BY _row"))
    _equal_columns(columns, codes, found)
    _composites(wh, [c for c in columns if c.name not in found.dropped], found)
    kept = [c for c in columns if c.name not in found.dropped]
    _determined(kept, codes, np.random.default_rng(seed).permutation(rows), found)
    _swapped(kept, codes, found)
    return found


def codes_of(table: pa.Table) -> Codes:
    """Per column a whole number for each value, equal for equal values of all columns; -1 null."""
    import pyarrow as pa

    columns = [c for column in table.columns for c in column.cast(pa.string()).chunks]
    every = pa.concat_arrays(columns).dictionary_encode().indices.fill_null(-1)
    parts = every.to_numpy(zero_copy_only=False).astype(np.int64)
    parts = parts.reshape(table.num_columns, table.num_rows)
    return dict(zip(table.column_names, parts, strict=True))


def _equal_columns(columns: Sequence[Column], codes: Codes, found: Repeats) -> None:
    for i, a in enumerate(columns):
        for b in columns[i + 1 :]:
            if a.kind != b.kind or a.name in found.dropped or b.name in found.dropped:
                continue
            if a.kind == "category" and max(a.distinct, b.distinct) < 4:
                continue
            x, y = codes[a.name], codes[b.name]
            both = (x >= 0) & (y >= 0)
            same = int(np.sum(both & (x == y)))
            if both.sum() >= _LEAST_PAIRS and same >= _REPEATS * both.sum():
                fuller, other = (a, b) if a.filled >= b.filled else (b, a)
                found.dropped[other.name] = (fuller.name,)


def _composites(wh: Warehouse, columns: Sequence[Column], found: Repeats) -> None:
    """A column of several words most of which stand in other columns, like a full name."""
    for whole in columns:
        if whole.kind not in ("text", "name") or (whole.words < 1.3 and whole.han < 0.5):
            continue
        parts = [c for c in columns if _is_part(wh, whole, c, found)]
        if parts and _covered(wh, whole, parts) >= 0.75:
            found.dropped[whole.name] = tuple(part.name for part in parts)


def _is_part(wh: Warehouse, whole: Column, part: Column, found: Repeats) -> bool:
    if part is whole or part.name in found.dropped or part.length >= 0.95 * whole.length:
        return False
    if part.kind not in ("name", "text", "number", "code"):
        return False
    x, y = identifier(whole.name), identifier(part.name)
    inside = f"contains(' ' || {x} || ' ', ' ' || {y} || ' ')"
    if whole.han > 0.5:
        inside = f"contains({x}, {y})"
    both, held = wh.rows(
        f"SELECT count(*), count(*) FILTER ({inside}) FROM {SAMPLE} "
        f"WHERE {x} IS NOT NULL AND {y} IS NOT NULL"
    )[0]
    return bool(both >= _LEAST_PAIRS and held >= 0.6 * both)


def _covered(wh: Warehouse, whole: Column, parts: Sequence[Column]) -> float:
    """How much of the text of the whole stands in its parts."""
    rest = identifier(whole.name)
    for part in sorted(parts, key=lambda c: -c.length):
        rest = f"replace({rest}, coalesce({identifier(part.name)}, ''), '')"
    filled = " AND ".join(f"{identifier(c.name)} IS NOT NULL" for c in (whole, *parts))
    bare, full = (f"length(replace({text}, ' ', ''))" for text in (rest, identifier(whole.name)))
    share = wh.value(f"SELECT avg(1 - {bare} / {full}) FROM {SAMPLE} WHERE {filled}")
    return float(share or 0)


def _determined(columns: Sequence[Column], codes: Codes, order: Ints, found: Repeats) -> None:
    names = [c.name for c in columns]
    same_by_chance = {name: _chance(codes[name]) for name in names}
    rank = {c.name: (c.distinct, names.index(c.name)) for c in columns}
    strength: dict[tuple[str, str], float] = {}
    for leader in columns:
        agree = _neighbours(leader.name, names, codes, order)
        for follower in columns:
            if rank[follower.name] < rank[leader.name]:
                strength[leader.name, follower.name] = _strength(
                    agree, names, leader.name, follower.name, same_by_chance
                )
    for name in sorted(names, key=lambda n: rank[n]):
        by = [n for n in names if strength.get((n, name), 0.0) >= _DETERMINES]
        if by:  # the narrowest column that determines it, so that chains stay in order
            found.followers.setdefault(min(by, key=lambda n: rank[n]), []).append(name)
    _flatten(found)


def _flatten(found: Repeats) -> None:
    """Chains (postcode, city, state) become one leader with its followers, the finest first."""
    followers = {name for listed in found.followers.values() for name in listed}
    chains: dict[str, list[str]] = {}
    for name in found.followers:
        if name not in followers:
            chains[name] = _below(name, found.followers)
    found.followers = chains


def _below(name: str, followers: Mapping[str, list[str]]) -> list[str]:
    listed: list[str] = []
    for follower in reversed(followers.get(name, [])):
        listed += [follower, *_below(follower, followers)]
    return listed


def _chance(codes: Ints) -> float:
    """How often two of the values are equal."""
    known = np.bincount(codes[codes >= 0])
    return float(np.sum((known / max(known.sum(), 1)) ** 2))


def _neighbours(leader: str, names: Sequence[str], codes: Codes, order: Ints) -> Floats:
    """Neighbours in a random order within groups of one value: per column 1 equal, 0 not, nan
    unknown."""
    groups = codes[leader][order]
    order = order[np.argsort(groups, kind="stable")]
    held = codes[leader][order]
    at = np.flatnonzero((held[1:] == held[:-1]) & (held[1:] >= 0))
    agree = np.empty((len(at), len(names)))
    for i, name in enumerate(names):
        x, y = codes[name][order[at]], codes[name][order[at + 1]]
        agree[:, i] = np.where((x >= 0) & (y >= 0), x == y, np.nan)
    return agree


def _strength(
    agree: Floats,
    names: Sequence[str],
    leader: str,
    follower: str,
    chance: Mapping[str, float],
) -> float:
    """How much more often than by chance strangers with one leader have one follower, 0 to 1."""
    at = names.index(follower)
    others = [i for i, name in enumerate(names) if name not in (leader, follower)]
    if not len(agree) or not others:
        return 0.0
    with np.errstate(invalid="ignore"):
        known = np.sum(~np.isnan(agree[:, others]), axis=1)
        shared = np.nansum(agree[:, others], axis=1) / np.maximum(known, 1)
    kept = (known >= min(2, len(others))) & (shared <= _STRANGERS) & ~np.isnan(agree[:, at])
    if kept.sum() < max(_LEAST_PAIRS, 0.3 * len(agree)):  # else the leader tells people apart
        return 0.0
    base = chance[follower]
    return float((agree[kept, at].mean() - base) / max(1 - base, 1e-9))


def _swapped(columns: Sequence[Column], codes: Codes, found: Repeats) -> None:
    """Pairs of records with (a, b) in one and (b, a) in the other, more than chance makes."""
    followers = {name for listed in found.followers.values() for name in listed}
    best: list[tuple[int, str, str]] = []
    texts = [c for c in columns if c.kind in ("name", "text") and c.name not in followers]
    for i, a in enumerate(texts):
        for b in texts[i + 1 :]:
            if a.kind == b.kind:
                crossed = _crossed(codes[a.name], codes[b.name])
                if crossed >= max(3, min(a.rows, _SAMPLE) // 2000):
                    best.append((crossed, a.name, b.name))
    for _, one, two in sorted(best, key=lambda row: (-row[0], row[1:])):
        if one not in found.swapped and two not in found.swapped:
            found.swapped |= {one: two, two: one}


def _crossed(a: Ints, b: Ints) -> int:
    kept = (a >= 0) & (b >= 0) & (a != b)
    a, b = a[kept], b[kept]
    if not len(a):
        return 0
    size = int(max(a.max(), b.max())) + 1
    values, counts = np.unique(a * size + b, return_counts=True)
    crossed = (values % size) * size + values // size
    at = np.minimum(np.searchsorted(values, crossed), len(values) - 1)
    return int(np.sum(np.where(values[at] == crossed, counts * counts[at], 0))) // 2
