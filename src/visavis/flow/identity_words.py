"""Words by hand as the state keeps them, read as the rules of who is who know them."""

from __future__ import annotations

from collections.abc import Sequence

from visavis.store.words import Row
from visavis.unify.words import Word, Words, in_force


def words_of(rows: Sequence[Row]) -> list[Word]:
    """Words as the state keeps them."""
    return [
        Word(n, ts, who, action, (ka, va), (kb, vb), rule, note, undone, by)
        for n, ts, who, action, ka, va, kb, vb, rule, note, undone, by in rows
    ]


def words_at(rows: Sequence[Row], moment_ms: int) -> Words:
    """What holds at a moment of everything that was said."""
    return in_force(words_of(rows), moment_ms)
