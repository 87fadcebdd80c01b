"""The rules of given traits as SQL: which of several given values counts, as in reader_given."""

from __future__ import annotations

from collections.abc import Callable

from visavis.core.lang.reader_given import USUAL_TRUST
from visavis.core.nouns import Trait
from visavis.store.engines.duckdb_names import text_literal

Finish = Callable[[str], str]


def resolving(trait: Trait, value: str, seq: str, source: str) -> tuple[str, Finish]:
    """An aggregate over the rows that set or clear the trait, and how its result is read.

    `value`, `seq` and `source` are the rows' columns; a row whose value is null clears.
    """
    if trait.resolve == "latest":
        return f"arg_max_null({value}, {seq})", lambda part: part
    trust = _trust(trait, source) if trait.resolve == "trusted" else "0"
    return f"list({{'s': {seq}, 'v': {value}, 't': {trust}}})", lambda part: _chosen(trait, part)


def _trust(trait: Trait, source: str) -> str:
    cases = "".join(f" WHEN {text_literal(name)} THEN {trust}" for name, trust in trait.trust)
    return f"CASE {source}{cases} ELSE {USUAL_TRUST} END" if cases else str(USUAL_TRUST)


def _chosen(trait: Trait, rows: str) -> str:
    cleared = f"list_transform(list_filter({rows}, lambda x: x.v IS NULL), lambda x: x.s)"
    since = f"coalesce(list_max({cleared}), -9223372036854775808)"
    kept = f"list_filter({rows}, lambda x: x.v IS NOT NULL AND x.s > {since})"
    score = {
        "first": "-x.s",
        "trusted": "x.t",
        "longest": "length(x.v)",
        "frequent": f"len(list_filter({kept}, lambda y: y.v = x.v))",
    }[trait.resolve]
    best = f"list_transform({kept}, lambda x: {{'n': {score}, 's': x.s, 'v': x.v}})"
    return f"list_sort({best}, 'DESC')[1].v"
