"""`identity match`: whom given values match, by the published build's fit and index."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from visavis.core.clock import to_datetime
from visavis.core.nouns import MatchRule
from visavis.core.problems import Problem, ProblemsError, nearest
from visavis.flow.match_fits import fits_of
from visavis.flow.published import Published, open_warehouse, published
from visavis.store.engines.duckdb_names import text_literal
from visavis.unify.matches import index_name


def alike(root: Path, values: Mapping[str, str], limit: int) -> dict[str, Any]:
    """The people whose records match these values (field -> text), the likeliest first.

    A weight is log2 odds; those from the rule's threshold on are named, as in a build. Raises
    ProblemsError where no rule compares any of the fields.
    """
    with published(root) as at:
        rules = at.project().matching
        _check(at, rules, values)
        found = sorted(_found(at, rules, values), key=lambda x: (-x["weight"], x["identifier"]))
        people = _people(at, [row["identifier"] for row in found])
        best: dict[str, dict[str, Any]] = {}
        for row in found:
            person = people.get(row["identifier"])
            best.setdefault(person or row["identifier"], {"person_id": person, **row})
        return {
            "as_of": to_datetime(at.build.as_of),
            "total": len(best),
            "people": list(best.values())[:limit],
        }


def _check(at: Published, rules: Mapping[str, MatchRule], values: Mapping[str, str]) -> None:
    fields = sorted({name for rule in rules.values() for name in rule.on})
    if not fields:
        message = "the published build has no match rule"
        hint = "Write one under 'matching' in identity.yml and build again."
        raise ProblemsError([Problem("unknown-name", message, hint=hint)])
    unknown = [name for name in values if name not in fields]
    if unknown:
        known = f"Rules compare {', '.join(fields)}."
        raise ProblemsError(
            [
                Problem("unknown-name", f"no match rule compares '{name}'",
                        hint=nearest(name, fields) or known)
                for name in unknown
            ]
        )  # fmt: skip


def _found(
    at: Published, rules: Mapping[str, MatchRule], values: Mapping[str, str]
) -> Iterable[dict[str, Any]]:
    from visavis.unify.matching.live import Index

    for name, kept in fits_of(at.build, at.build.as_of, frozen=True).before.items():
        if name not in rules:
            continue
        rule = rules[name]
        index = Index.read(at.build.path, index_name(rule), kept, rule.threshold)
        for hit in index.find(values):
            yield {
                "identifier": ":".join(index.named(hit.row)),
                "rule": name,
                "weight": round(hit.weight, 6),
                "threshold": rule.threshold,
                "why": "; ".join(hit.why),
                "fit": kept.id,
            }


def _people(at: Published, names: list[str]) -> dict[str, str]:
    """The person of each identifier, KIND:VALUE."""
    table = f"read_parquet({text_literal(str(at.build.table('identifiers')))})"
    with open_warehouse(at.project()) as wh:
        rows = wh.rows(
            f"SELECT kind || ':' || value AS name, person_id FROM {table} "
            "WHERE list_contains($1, kind || ':' || value)",
            [names],
        )
    return {str(name): str(person) for name, person in rows}
