"""The pairs that the rules find, compared; and what Splink learns from them without labels."""

from __future__ import annotations

import contextlib
import logging
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from visavis.store.warehouse import Warehouse
from visavis.unify.matching.blocking import Rule, blocked
from visavis.unify.matching.levels import Comparison
from visavis.unify.matching.propose import Proposal

_SAMPLED = 100_000
_MOST_TRAINED = 30_000
_FLOOR = 1e-7

if TYPE_CHECKING:
    from splink import Linker

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Levels = npt.NDArray[np.int8]


@dataclass(slots=True)
class Model:
    """A Fellegi-Sunter model: per comparison the m and u of its levels, from equal (0) to else.

    `prior` is the chance that two records taken at random are one person.
    """

    comparisons: Sequence[Comparison]
    m: list[Floats]
    u: list[Floats]
    prior: float


@dataclass(slots=True)
class Pairs:
    """Compared pairs: records `a` < `b`, per comparison the level (-1 missing) and, where it is
    equal, the share of all others that have the value too (0 where frequency does not matter)."""

    a: npt.NDArray[np.int64]
    b: npt.NDArray[np.int64]
    levels: Levels
    share: npt.NDArray[np.float32]


def settings(
    comparisons: Sequence[Comparison], u: Sequence[Floats], rules: Sequence[Rule], prior: float
) -> dict[str, Any]:
    """What Splink is told."""
    return {
        "link_type": "dedupe_only",
        "unique_id_column_name": "_row",
        "probability_two_random_records_match": prior,
        "comparisons": [
            _comparison(f"k{i}", c, chance.tolist())
            for i, (c, chance) in enumerate(zip(comparisons, u, strict=True))
        ],
        "blocking_rules_to_generate_predictions": [rule.sql for rule in rules],
        "retain_matching_columns": False,
        "max_iterations": 10,
        "em_convergence": 0.001,
    }


def _comparison(name: str, comparison: Comparison, u: Sequence[float]) -> dict[str, Any]:
    missing = {
        "sql_condition": comparison.missing, "label_for_charts": "missing", "is_null_level": True
    }  # fmt: skip
    told = [(level.condition, level.label) for level in comparison.levels]
    levels = [
        {"sql_condition": condition, "label_for_charts": label, "u_probability": chance}
        for (condition, label), chance in zip([*told, ("ELSE", "different")], u, strict=True)
    ]
    return {
        "output_column_name": name,
        "comparison_description": comparison.name,
        "comparison_levels": [missing, *levels],
    }


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Splink tells every step; the build's own progress is enough."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import splink  # noqa: F401 - its loggers must be there to be told

        names = [n for n in logging.root.manager.loggerDict if n.partition(".")[0] == "splink"]
        talking = [logger for logger in map(logging.getLogger, names) if not logger.disabled]
        for logger in talking:
            logger.disabled = True
        try:
            yield
        finally:
            for logger in talking:
                logger.disabled = False


def learn(wh: Warehouse, table: str, proposal: Proposal, seed: int) -> Model:
    """u from pairs of records taken at random; m by expectation maximisation over several rules,
    each blind to its own columns."""
    comparisons, prior = proposal.comparisons, _first_prior(proposal.rows)
    u = _by_chance(wh, table, proposal, seed)
    with quiet():
        from splink import DuckDBAPI, Linker

        told = settings(comparisons, u, proposal.rules, prior)
        linker = Linker(DuckDBAPI(wh.connection).register(table), told)
        for rule in proposal.training:
            _teach(linker, rule)
        m = [
            _m([level.m_probability for level in comparison._comparison_levels_excluding_null])
            for comparison in linker._settings_obj.comparisons
        ]
        tables: Any = linker.table_management
        tables.delete_tables_created_by_splink_from_db()
    return Model(comparisons, m, u, prior)


def _teach(linker: Linker, rule: Rule) -> None:
    """One round of training; a rule that teaches nothing is no error, and leaves the model whole.

    Splink stops on probabilities that underflow, with the rule's own comparisons taken out.
    """
    model = linker._settings_obj.core_model_settings
    before, prior = model.comparisons, model.probability_two_random_records_match
    try:
        linker.training.estimate_parameters_using_expectation_maximisation(
            rule.sql, estimate_without_term_frequencies=True, max_pairs=_MOST_TRAINED
        )
    except Exception:  # noqa: BLE001 - Splink tells no kind; the former estimate holds
        model.comparisons, model.probability_two_random_records_match = before, prior


def _by_chance(wh: Warehouse, table: str, proposal: Proposal, seed: int) -> list[Floats]:
    """u of every level, counted over pairs of records taken at random."""
    rows = proposal.rows
    pick = np.random.default_rng(seed)
    a, b = pick.integers(0, rows, (2, min(_SAMPLED, max(rows * rows // 2, 1))))
    a, b = np.minimum(a, b), np.maximum(a, b)
    levels = pairs_of(wh, table, proposal.comparisons, a[a < b], b[a < b]).levels
    return [_u(levels[:, i], len(c.levels) + 1) for i, c in enumerate(proposal.comparisons)]


def found_pairs(wh: Warehouse, table: str, proposal: Proposal) -> Pairs:
    """Every pair that the rules find, compared."""
    found = blocked(wh, table, proposal.rules)
    return compare(wh, table, proposal.comparisons, f"SELECT a, b FROM {found}")


def pairs_of(
    wh: Warehouse, table: str, comparisons: Sequence[Comparison], a: Ints, b: Ints
) -> Pairs:
    """These pairs, compared."""
    import pyarrow as pa

    wh.register("wanted_pairs", pa.table({"a": a, "b": b}))
    return compare(wh, table, comparisons, "SELECT a, b FROM wanted_pairs")


def compare(wh: Warehouse, table: str, comparisons: Sequence[Comparison], pairs: str) -> Pairs:
    """The level of every comparison for each pair (a, b) of a query, and how rare equal values are.

    The prepared table has beside `c0` also `r0`: the share of the other records with the value.
    """
    n = len(comparisons)
    cases = ", ".join(f"{case_sql(c)} AS k{i}" for i, c in enumerate(comparisons))
    rare = [c.levels[0].frequency for c in comparisons]
    shares = "".join(
        f", CASE WHEN k{i} = 0 THEN r{name[1:]} ELSE 0::FLOAT END AS s{i}"
        if name
        else f", 0::FLOAT AS s{i}"
        for i, name in enumerate(rare)
    )
    columns = [name for name in wh.columns(table) if name != "_row" and name[0] != "r"]
    both = ", ".join(f"{side}.{name} AS {name}_{side}" for name in columns for side in ("l", "r"))
    rarities = "".join(f", l.r{name[1:]}" for name in rare if name)
    found = wh.arrow(
        f"SELECT a, b, {', '.join(f'k{i}' for i in range(n))}{shares} "
        f"FROM (SELECT *, {cases} FROM (SELECT p.a, p.b, {both}{rarities} FROM ({pairs}) AS p "
        f"JOIN {table} AS l ON l._row = p.a JOIN {table} AS r ON r._row = p.b))"
    )
    a, b = (found[name].to_numpy().astype(np.int64) for name in "ab")
    order = np.argsort(a * (int(b.max(initial=0)) + 1) + b, kind="stable")
    levels = np.column_stack([found[f"k{i}"].to_numpy()[order] for i in range(n)]).astype(np.int8)
    share = np.column_stack([found[f"s{i}"].to_numpy()[order] for i in range(n)])
    return Pairs(a[order], b[order], levels, share)


def case_sql(comparison: Comparison) -> str:
    """SQL: the level of a pair whose columns end in _l and _r; -1 where it is missing."""
    levels = " ".join(f"WHEN {lv.condition} THEN {i}" for i, lv in enumerate(comparison.levels))
    cases = f"CASE WHEN {comparison.missing} THEN -1 {levels} ELSE {len(comparison.levels)} END"
    return f"CAST({cases} AS TINYINT)"


def _first_prior(rows: int) -> float:
    """As if every other record had one more of its kind; only a start."""
    return min(1.0 / max(rows - 1, 2), 0.5)


def _u(levels: Levels, count: int) -> Floats:
    """Shares among the known levels; one that no random pair shows counts as half a pair."""
    counts = np.bincount(levels[levels >= 0], minlength=count)
    return _shares(np.maximum(counts, 0.5))


def _m(values: Sequence[float | str | None]) -> Floats:
    """Levels that no training showed get a small share, decreasing from equal to different.

    Rounded, for sums in parallel differ in the last digits from run to run.
    """
    known = [round(float(v), 9) if isinstance(v, float | int) else None for v in values]
    guess = np.linspace(0.1, 0.02, len(values))
    if all(v is None for v in known):
        guess[0] = 0.8
    filled = [g if v is None else v for v, g in zip(known, guess.tolist(), strict=True)]
    return _shares(np.array(filled))


def _shares(values: Floats) -> Floats:
    filled = np.maximum(values, _FLOOR)
    return np.asarray(filled / filled.sum())
