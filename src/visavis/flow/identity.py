"""`identity`: what the guards refused, and words by hand about who is who."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from visavis.core.clock import to_datetime
from visavis.core.identifiers import normal_value
from visavis.core.problems import Problem, ProblemsError
from visavis.flow.chains import person_graph
from visavis.flow.identity_words import words_at, words_of
from visavis.flow.persons import find_person, open_lake
from visavis.flow.published import Published, open_warehouse, published
from visavis.store import words as kept
from visavis.store.engines.duckdb_names import text_literal
from visavis.store.locks import writing
from visavis.store.state import State
from visavis.store.warehouse import Warehouse
from visavis.unify.picture import draw
from visavis.unify.rules import Name
from visavis.unify.words import FORGET, JOIN, Word

_ENDS_SHOWN = 5
WHY = {
    "shared": "seen with more accounts than one person has, so it joins nobody",
    "unique": "each side has its own id of a kind of which a person has one",
    "limit": "together they would have more than one person may have",
    "split": "somebody said that these are not one person",
    "size": "the person would grow past the largest size",
}
"""What each guard means."""


def say(
    root: Path,
    action: str,
    one: str,
    other: str,
    who: str,
    now_ms: int,
    rule: str = "",
    note: str = "",
) -> dict[str, Any]:
    """Records a word about two identifiers, KIND:VALUE each; it holds from the next build on.

    Raises ProblemsError `nobody` for identifiers that nothing was ever seen of.
    """
    with published(root) as at, open_warehouse(at.project()) as wh:
        open_lake(wh, at)
        a, b = (_identifier(wh, text) for text in (one, other))
        _check(wh, at, action, a, b, rule)
        told = _told(wh, action, a, b)
        state = at.state
    with writing(state, "identity", now_ms), State(state / "state.db") as db:
        word = kept.say(db.db, (now_ms, who, action, *a, *b, rule, note))
        overruled = words_at(kept.said(db.db), now_ms).overruled
    return {
        "word": word,
        "action": action,
        "a": ":".join(a),
        "b": ":".join(b),
        "who": who,
        "at": to_datetime(now_ms),
        "overrules": [w.id for w in overruled],
        "note": told,
    }


def undo(root: Path, word: int, who: str, now_ms: int) -> dict[str, Any]:
    """Takes a word back, from the next build on. Raises ProblemsError `unknown-name`."""
    with published(root) as at:
        state = at.state
    with writing(state, "identity", now_ms), State(state / "state.db") as db:
        if not kept.undo(db.db, word, now_ms, who):
            message = f"there is no word {word} that still holds"
            hint = "`visavis identity words` lists them."
            raise ProblemsError([Problem("unknown-name", message, hint=hint)])
    return {"word": word, "undone_by": who, "at": to_datetime(now_ms)}


def words(root: Path, now_ms: int) -> list[dict[str, Any]]:
    """Everything that was ever said, with what has become of it."""
    with published(root) as at:
        rows = kept.said_in(at.state)
    overruled = {w.id for w in words_at(rows, now_ms).overruled}
    return [
        {
            "word": w.id,
            "at": to_datetime(w.ts_ms),
            "who": w.who,
            "action": w.action,
            "a": ":".join(w.a),
            "b": ":".join(w.b),
            "rule": w.rule,
            "note": w.note,
            "state": _state(w, w.id in overruled),
        }
        for w in words_of(rows)
    ]


def _state(word: Word, overruled: bool) -> str:
    if word.undone_at_ms is not None:
        return f"undone by {word.undone_by}"
    return "overruled by a later word" if overruled else "holds"


def review(root: Path, limit: int) -> dict[str, Any]:
    """What the guards refused in the published build, as cases: the most evidence first."""
    with published(root) as at, open_warehouse(at.project()) as wh:
        overruled = words_at(kept.said_in(at.state), at.build.as_of).overruled
        head = {
            "as_of": to_datetime(at.build.as_of),
            "overruled": [w.id for w in overruled],
        }
        if not at.build.table("review").exists():
            return head | {"total": 0, "cases": []}
        wh.execute(f"CREATE TEMP TABLE cases AS {_cases(at)}")
        total = wh.value("SELECT count(*) FROM cases")
        rows = wh.arrow(f"SELECT * FROM cases ORDER BY ALL LIMIT {limit:d}").to_pylist()
        return head | {"total": total, "cases": [_case(row) for row in rows]}


def _cases(at: Published) -> str:
    """A case for each shared identifier, and for each pair of people that something ties."""
    review, persons, evidence = (
        f"read_parquet({text_literal(str(at.build.table(name)))})"
        for name in ("review", "identifiers", "evidence")
    )
    return (
        "WITH r AS (SELECT v.*, e.source, e.last_seen, a.person_id AS person_a, "
        f"b.person_id AS person_b FROM {review} AS v LEFT JOIN {evidence} AS e ON "
        "least(e.kind_a || ':' || e.value_a, e.kind_b || ':' || e.value_b) = "
        "least(v.kind_a || ':' || v.value_a, v.kind_b || ':' || v.value_b) AND "
        "greatest(e.kind_a || ':' || e.value_a, e.kind_b || ':' || e.value_b) = "
        "greatest(v.kind_a || ':' || v.value_a, v.kind_b || ':' || v.value_b) "
        f"AND e.rule = v.rule LEFT JOIN {persons} AS a ON a.kind = v.kind_a "
        f"AND a.value = v.value_a LEFT JOIN {persons} AS b ON b.kind = v.kind_b "
        "AND b.value = v.value_b), "
        "s AS (SELECT *, CASE WHEN guard = 'shared' THEN CASE WHEN person_a IS NULL "
        "THEN kind_a || ':' || value_a ELSE kind_b || ':' || value_b END END AS identifier, "
        "least(person_a, person_b) AS one, greatest(person_a, person_b) AS other FROM r) "
        "SELECT count(*) AS evidence, guard, any_value(about) AS about, identifier, "
        "CASE WHEN identifier IS NULL THEN one END AS person_a, "
        "CASE WHEN identifier IS NULL THEN other END AS person_b, "
        "min(first_seen) AS first_seen, max(last_seen) AS last_seen, "
        "list_slice(list(DISTINCT source ORDER BY source), 1, 9) AS sources, "
        "list_slice(list({a: kind_a || ':' || value_a, b: kind_b || ':' || value_b, "
        "rule: rule, person_a: person_a, person_b: person_b} ORDER BY kind_a, value_a, kind_b, "
        f"value_b, rule), 1, {_ENDS_SHOWN}) AS refused FROM s "
        "GROUP BY guard, identifier, CASE WHEN identifier IS NULL THEN one END, "
        "CASE WHEN identifier IS NULL THEN other END"
    )


def _case(row: dict[str, Any]) -> dict[str, Any]:
    first = row["refused"][0]
    shared = row["guard"] == "shared"
    return {
        "guard": row["guard"],
        "about": row["about"],
        "identifier": row["identifier"],
        "person_a": row["person_a"],
        "person_b": row["person_b"],
        "evidence": row["evidence"],
        "first_seen": row["first_seen"],
        "last_seen": row["last_seen"],
        "sources": [s for s in row["sources"] if s],
        "why": WHY[row["guard"]],
        "to_join": f"visavis identity join {first['a']} {first['b']}",
        "to_settle": None if shared else f"visavis identity split {first['a']} {first['b']}",
        "refused": row["refused"],
    }


def graph(root: Path, person: str, out: Path) -> dict[str, Any]:
    """Draws a person's identifiers and the evidence between them into an SVG file."""
    with published(root) as at, open_warehouse(at.project()) as wh:
        open_lake(wh, at)
        found = find_person(wh, at, person)
        start, edges, refused = person_graph(wh, at, found.person_id)
        title = f"{':'.join(start)}, {len(found.nodes)} identifiers"
        out.write_text(draw(title, start, edges, refused), encoding="utf-8")
    return {
        "person_id": found.person_id,
        "identifiers": len(found.nodes),
        "evidence": len(edges),
        "refused": len(refused),
        "file": str(out),
    }


def _identifier(wh: Warehouse, text: str) -> Name:
    """An identifier that something was seen of, in its normal form."""
    kind, colon, raw = text.partition(":")
    kind, value = kind.strip(), normal_value(kind.strip(), raw)
    known = "SELECT count(*) FROM lake_nodes WHERE kind = $1 AND value = $2"
    if colon and wh.value(known, [kind, value]):
        return kind, value
    hint = "Write KIND:VALUE as `visavis explain` shows it."
    raise ProblemsError([Problem("nobody", f"nothing was ever seen of '{text}'", hint=hint)])


def _check(wh: Warehouse, at: Published, action: str, a: Name, b: Name, rule: str) -> None:
    if a == b:
        message = f"'{':'.join(a)}' was given twice: it takes two identifiers"
        raise ProblemsError([Problem("wrong-value", message)])
    if action != FORGET:
        return
    evidence = text_literal(str(at.build.table("evidence")))
    found = wh.value(
        f"SELECT count(*) FROM read_parquet({evidence}) WHERE ((kind_a = $1 AND value_a = $2 AND "
        "kind_b = $3 AND value_b = $4) OR (kind_a = $3 AND value_a = $4 AND kind_b = $1 AND "
        "value_b = $2)) AND ($5 = '' OR rule = $5)",
        [*a, *b, rule],
    )
    if not found:
        message = f"there is no such evidence between '{':'.join(a)}' and '{':'.join(b)}'"
        hint = "`visavis explain` lists what joins a person's identifiers, pair by pair."
        raise ProblemsError([Problem("nobody", message, hint=hint)])


def _told(wh: Warehouse, action: str, a: Name, b: Name) -> str:
    """What the one who said it should know."""
    rows: dict[str, str | None] = dict(
        wh.rows(
            "SELECT n.kind || ':' || n.value, p.person_id FROM lake_nodes AS n "
            "LEFT JOIN node_persons AS p USING (node) WHERE (n.kind = $1 AND n.value = $2) "
            "OR (n.kind = $3 AND n.value = $4)",
            [*a, *b],
        )
    )
    one, other = (rows.get(":".join(name)) for name in (a, b))
    together = one is not None and one == other
    if action == JOIN and together:
        return "They are one person already; the word keeps them so."
    if action not in (JOIN, FORGET) and not together:
        return "They are not one person now; the word keeps them apart."
    return "It holds from the next build on."
