"""Columns that repeat or determine each other: evidence that must count once.

All measures are taken among records that otherwise disagree, so that the duplicates being looked
for do not look like a dependency themselves.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from visavis.store.engines.duckdb_names import identifier
from visavis.store.warehouse import Warehouse
from visavis.unify.matching.columns import Column

_SAMPLE = 50_000
_LEAST_PAIRS = 20
_DETERMINES = 0.75
_REPEATS = 0.8
_STRANGERS = 0.34


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
    wh.execute(
        f"CREATE OR REPLACE TEMP TABLE repeats_sample AS SELECT * FROM {table} "
        f"ORDER BY hash(_row + {seed}), _row LIMIT {_SAMPLE}"
    )
    _equal_columns(wh, columns, found)
    _composites(wh, [c for c in columns if c.name not in found.dropped], found)
    kept = [c for c in columns if c.name not in found.dropped]
    _determined(wh, kept, seed, found)
    _swapped(wh, kept, found)
    return found


def _equal_columns(wh: Warehouse, columns: Sequence[Column], found: Repeats) -> None:
    for i, a in enumerate(columns):
        for b in columns[i + 1 :]:
            x, y = identifier(a.name), identifier(b.name)
            if a.kind != b.kind or a.name in found.dropped or b.name in found.dropped:
                continue
            if a.kind == "category" and max(a.distinct, b.distinct) < 4:
                continue
            both, same = wh.rows(
                f"SELECT count(*), count(*) FILTER ({x} = {y}) FROM repeats_sample "
                f"WHERE {x} IS NOT NULL AND {y} IS NOT NULL"
            )[0]
            if both >= _LEAST_PAIRS and same >= _REPEATS * both:
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
        f"SELECT count(*), count(*) FILTER ({inside}) FROM repeats_sample "
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
    share = wh.value(f"SELECT avg(1 - {bare} / {full}) FROM repeats_sample WHERE {filled}")
    return float(share or 0)


def _determined(wh: Warehouse, columns: Sequence[Column], seed: int, found: Repeats) -> None:
    names = [c.name for c in columns]
    same_by_chance = {name: _chance(wh, name) for name in names}
    strength: dict[tuple[str, str], float] = {}
    for leader in columns:
        agree = _pairs_sharing(wh, leader.name, names, seed)
        for follower in columns:
            if follower is not leader and follower.distinct < leader.distinct:
                strength[leader.name, follower.name] = _strength(
                    agree, names, leader.name, follower.name, same_by_chance
                )
    leaders = {c.name: c.distinct for c in columns}
    for follower in sorted(columns, key=lambda c: c.distinct):
        by = [name for name in leaders if strength.get((name, follower.name), 0.0) >= _DETERMINES]
        if by:  # the narrowest column that determines it, so that chains stay in order
            found.followers.setdefault(min(by, key=lambda n: leaders[n]), []).append(follower.name)
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


def _chance(wh: Warehouse, name: str) -> float:
    value = identifier(name)
    return float(
        wh.value(
            f"SELECT coalesce(sum((n / total) ** 2), 0) FROM (SELECT count(*) AS n, "
            f"sum(count(*)) OVER () AS total FROM repeats_sample WHERE {value} IS NOT NULL "
            f"GROUP BY {value})"
        )
    )


def _pairs_sharing(
    wh: Warehouse, leader: str, names: Sequence[str], seed: int
) -> npt.NDArray[np.float64]:
    """Neighbours within groups of one value: per column 1 equal, 0 not, nan unknown."""
    window = f"OVER (PARTITION BY {identifier(leader)} ORDER BY hash(_row + {seed + 1}), _row)"
    listed = ", ".join(
        f"CAST({identifier(n)} = lag({identifier(n)}) {window} AS INTEGER) AS a{i}"
        for i, n in enumerate(names)
    )
    table = wh.arrow(
        f"SELECT * EXCLUDE (r) FROM (SELECT {listed}, row_number() {window} AS r "
        f"FROM repeats_sample WHERE {identifier(leader)} IS NOT NULL) WHERE r > 1"
    )
    columns = [c.to_numpy(zero_copy_only=False).astype(float) for c in table.columns]
    return np.column_stack(columns) if columns else np.empty((0, 0))


def _strength(
    agree: npt.NDArray[np.float64],
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


def _swapped(wh: Warehouse, columns: Sequence[Column], found: Repeats) -> None:
    """Pairs of records with (a, b) in one and (b, a) in the other, more than chance makes."""
    followers = {name for listed in found.followers.values() for name in listed}
    best: list[tuple[int, str, str]] = []
    texts = [c for c in columns if c.kind in ("name", "text") and c.name not in followers]
    for i, a in enumerate(texts):
        for b in texts[i + 1 :]:
            if a.kind == b.kind:
                x, y = identifier(a.name), identifier(b.name)
                crossed = wh.value(
                    f"SELECT count(*) FROM repeats_sample AS p JOIN repeats_sample AS q "
                    f"ON p.{x} = q.{y} AND p.{y} = q.{x} WHERE p.{x} <> p.{y} AND p._row < q._row"
                )
                rows = min(a.rows, _SAMPLE)
                if crossed >= max(3, rows // 2000):
                    best.append((int(crossed), a.name, b.name))
    for _, one, two in sorted(best, key=lambda row: (-row[0], row[1:])):
        if one not in found.swapped and two not in found.swapped:
            found.swapped |= {one: two, two: one}
