"""The register of sources: a score of 0 to 100 for each, from five stated parts.

score = the weighted mean of completeness, validity, freshness, uniqueness and provenance (equal
weights unless the project sets others), each from 0 to 100 and computed from what was loaded:

- completeness: filled cells / all cells, over the mapped columns of the loaded rows
- validity: rows that are not in quarantine / rows that came
- freshness: 100 x 0.5 ^ (days since the newest event or, without times, the last load / 30)
- uniqueness: different rows / all rows, over everything that is loaded of a row
- provenance: a fifth each for an owner, how it was captured, on which dimensions it was analysed,
  a purpose for every field, and the party (first 1, second 2/3, third 1/3)
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from visavis.collect.ranks import listed
from visavis.core.clock import format_time
from visavis.core.lang.types import DAY_MS
from visavis.core.nouns import Project, Source
from visavis.store.engines.duckdb_names import identifier
from visavis.store.lake import Lake
from visavis.store.state import Load, State
from visavis.store.warehouse import Warehouse

PARTS = ("completeness", "validity", "freshness", "uniqueness", "provenance")
HALF_LIFE_DAYS = 30
_PARTY = {"first": 1.0, "second": 2 / 3, "third": 1 / 3}
_COST_NAMES = {"to": "to_currency"}
_COSTS = ("margins", "acquisition_costs", "campaign_costs", "rates")


def register(
    project: Project, lake: Lake, state: State, wh: Warehouse, now_ms: int
) -> list[dict[str, Any]]:
    """One row a source of the project, in the order of the project.

    {source, score, the five parts, threshold, below, owner, party, captured, rows, quarantined,
    last_loaded}; score and parts are numbers with one place, null for a source without a load.
    """
    loads = state.loads()
    rows = []
    for source in project.sources.values():
        own = [load for load in loads if load.source == source.name]
        rows.append(_row(project, source, own, lake, wh, now_ms))
    return rows


def _row(
    project: Project, source: Source, loads: Sequence[Load], lake: Lake, wh: Warehouse, now_ms: int
) -> dict[str, Any]:
    parts = _parts(source, loads, lake, wh, now_ms) if loads else dict.fromkeys(PARTS)
    score = _score(parts, weights_of(project)) if loads else None
    last = max((load.created_at for load in loads), default=None)
    return {
        "source": source.name,
        "score": score,
        **parts,
        "threshold": source.threshold,
        "below": score is not None and source.threshold is not None and score < source.threshold,
        "owner": source.owner,
        "party": source.party,
        "captured": source.captured,
        "rows": sum(int(load.counts.get("rows", 0)) for load in loads),
        "quarantined": sum(int(load.counts.get("quarantined", 0)) for load in loads),
        "last_loaded": format_time(last) if last is not None else None,
    }


def weights_of(project: Project) -> Mapping[str, float]:
    """The weight of each part: 1 unless the project's settings say otherwise."""
    given = project.settings.get("source_weights")
    chosen = given if isinstance(given, Mapping) else {}
    return {part: float(chosen.get(part, 1)) for part in PARTS}


def _score(parts: Mapping[str, float | None], weights: Mapping[str, float]) -> float:
    total = sum(weights.values())
    if not total:
        return 0.0
    return round(sum(weights[p] * (parts[p] or 0.0) for p in PARTS) / total, 1)


def _parts(
    source: Source, loads: Sequence[Load], lake: Lake, wh: Warehouse, now_ms: int
) -> dict[str, float | None]:
    complete, unique = _profile(source, loads, lake, wh)
    shares = (complete, _validity(loads), _freshness(loads, now_ms), unique, _provenance(source))
    return {name: round(100 * share, 1) for name, share in zip(PARTS, shares, strict=True)}


def _validity(loads: Iterable[Load]) -> float:
    rows = bad = 0
    for load in loads:
        replayed = any("#" in mark.path for mark in load.files)
        quarantined = int(load.counts.get("quarantined", 0))
        bad += quarantined
        # rows that came back were counted when they came first
        rows += 0 if replayed else max(int(load.counts.get("rows", 0)), quarantined)
    return max(0.0, 1 - bad / rows) if rows else 0.0


def _freshness(loads: Sequence[Load], now_ms: int) -> float:
    newest = max(load.created_at if load.max_ts is None else load.max_ts for load in loads)
    days = max(0, now_ms - newest) / DAY_MS
    return float(0.5 ** (days / HALF_LIFE_DAYS))


def _provenance(source: Source) -> float:
    fields = (*source.fields, *source.line_fields)
    known = (source.owner, source.captured, source.dimensions, all(f.purpose for f in fields))
    return (sum(bool(k) for k in known) + _PARTY[source.party]) / 5


def _profile(
    source: Source, loads: Sequence[Load], lake: Lake, wh: Warehouse
) -> tuple[float, float]:
    """Share of filled cells, and of different rows, over everything loaded."""
    name = "lines" if source.kind == "orders" else "costs" if source.kind in _COSTS else "events"
    files = lake.files(name, loads)
    if not files:
        return 0.0, 0.0
    columns = (
        [_COST_NAMES.get(role, role) for role in source.roles]
        if name == "costs"
        else _columns(wh, files, name)
    )
    said = ", ".join(identifier(c) for c in columns)
    cells = " + ".join(f"count({identifier(c)})" for c in columns)
    # a repeat within one order or event is told apart by nothing but its number
    apart = {"lines": "seq, ", "events": "event, "}.get(name, "")
    same = f"hash({apart}{said})"
    ((filled, rows, different),) = wh.rows(
        f"SELECT {cells}, count(*), approx_count_distinct({same}) "
        f"FROM read_parquet({listed(files)}, union_by_name = true)"
    )
    if rows <= 1_000_000:
        different = wh.value(
            f"SELECT count(DISTINCT {same}) FROM read_parquet({listed(files)}, "
            "union_by_name = true)"
        )
    return filled / (rows * len(columns)), min(1.0, different / rows)


def _columns(wh: Warehouse, files: Sequence[Path], name: str) -> list[str]:
    found = wh.rows(f"DESCRIBE SELECT * FROM read_parquet({listed(files)}, union_by_name = true)")
    named = [str(row[0]) for row in found]
    mapped = [c for c in named if c.startswith("l_" if name == "lines" else "p_")]
    return [*mapped, "node", *(["ts"] if name == "events" else ["line_ts"])]
