"""Invented events in Parquet for the benchmarks: five kinds, people by a power law, one seed."""

from __future__ import annotations

from pathlib import Path

import duckdb

KINDS = {
    "Product Viewed": 0.5,
    "Page Viewed": 0.15,
    "Product Added": 0.15,
    "Email Opened": 0.1,
    "Order Completed": 0.1,
}
"""Share of each event in the whole."""
_SPAN_MS = 730 * 86_400_000


def make(folder: Path, events: int, people: int, seed: int = 7) -> None:
    """One Parquet file an event name under `folder`, unless they are there already.

    Columns: id, user_id, time (2023 and 2024, in ms), category, brand, channel, price, quantity,
    revenue, discount; nulls among them.
    """
    done = folder / f"done-{events}-{people}-{seed}"
    if done.exists():
        return
    start = 0
    for kind, share in KINDS.items():
        count = int(events * share)
        _write(folder, kind, "", _rows(start, count, people, seed, "2023-01-01", _SPAN_MS))
        start += count
    done.touch()


def add(folder: Path, events: int, people: int, before: int, seed: int = 8) -> None:
    """Another file an event name: the next day's events, `before` having been made already."""
    start = before
    for kind, share in KINDS.items():
        count = int(events * share)
        query = _rows(start, count, people, seed, "2025-01-01", 86_400_000)
        _write(folder, kind, "_more", query)
        start += count


def _write(folder: Path, kind: str, suffix: str, query: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{kind.lower().replace(' ', '_')}{suffix}.parquet"
    with duckdb.connect() as db:
        db.execute("set enable_progress_bar = false; set preserve_insertion_order = false")
        db.execute(f"copy ({query}) to '{path}' (format parquet)")


def _rows(start: int, count: int, people: int, seed: int, since: str, span_ms: int) -> str:
    def draw(salt: int, size: int) -> str:
        return f"(hash(i * 31 + {salt * 1_000_003 + seed}) % {size})"

    spread = f"(({draw(1, 1_000_000)} / 1000000.0) ** 1.5)"
    return f"""
    select 'm' || i id, 'u' || cast(floor({spread} * {people}) as bigint) user_id,
           timestamp '{since}' + to_milliseconds(cast({draw(2, span_ms)} as bigint)) as time,
           case when {draw(3, 20)} > 0 then 'category ' || {draw(4, 40)} end category,
           'brand ' || {draw(5, 200)} brand,
           ['web', 'app', 'store'][cast({draw(6, 3)} as integer) + 1] channel,
           cast({draw(7, 20_000)} / 100.0 as decimal(18, 6)) price,
           cast({draw(8, 5)} + 1 as bigint) quantity,
           cast({draw(9, 30_000)} / 100.0 + 0.01 as decimal(18, 6)) revenue,
           case when {draw(10, 4)} = 0 then cast({draw(11, 500)} / 100.0 as decimal(18, 6)) end
               discount
    from range({start}, {start + count}) t(i)
    """
