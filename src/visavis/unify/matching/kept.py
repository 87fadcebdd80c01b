"""A fit that is kept: what was proposed and learned, as text; and when it is learned anew.

A kept fit is used again while the settings are the same, every column holds the same kind of
values in the same script and is filled as much (within 10 points), and there are no more than a
quarter more records, or a fifth fewer, than it was learned from.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from visavis.unify.matching.blocking import Rule, keys_of
from visavis.unify.matching.columns import Column
from visavis.unify.matching.levels import Prepared, compare
from visavis.unify.matching.propose import Proposal
from visavis.unify.matching.refine import Fit
from visavis.unify.matching.train import Floats, Model

VERSION = 2
"""Another number: fits made before mean something else."""
_MORE, _FEWER, _FILLED = 1.25, 0.8, 0.1


@dataclass(frozen=True, slots=True)
class Kept:
    """A fit and the proposal that it belongs to, and both as text."""

    text: str
    proposal: Proposal
    fit: Fit

    @property
    def id(self) -> str:
        """A hash of the text."""
        return _digest(self.text)


def settings_of(names: Sequence[str]) -> str:
    """A hash of what is compared, and how this version does it."""
    return _digest(json.dumps([VERSION, list(names)], ensure_ascii=False))


def keep(proposal: Proposal, fit: Fit) -> Kept:
    """The text is JSON, the same for the same fit; its numbers are exact."""
    items = {item.column.name: item for item in proposal.items}
    held = {
        "settings": settings_of([c.name for c in proposal.columns]),
        "rows": proposal.rows,
        "columns": [asdict(column) for column in proposal.columns],
        "compared": [[i.column.name, i.number, i.partner] for i in proposal.items],
        "together": [list(c.columns) for c in proposal.comparisons],
        "rules": [_rule(rule, items) for rule in proposal.rules],
        "notes": list(proposal.notes),
        "m": _lists(fit.model.m),
        "u": _lists(fit.model.u),
        "prior": fit.model.prior,
        "relatives": None if fit.relatives is None else _lists(fit.relatives),
        "related": fit.related,
    }
    return Kept(json.dumps(held, ensure_ascii=False, sort_keys=True), proposal, fit)


def from_text(text: str) -> Kept:
    """What was kept as this text."""
    held = json.loads(text)
    columns = {told["name"]: Column(**told) for told in held["columns"]}
    items = {name: Prepared(columns[name], n, partner) for name, n, partner in held["compared"]}
    comparisons = [
        compare(items[first], [items[name] for name in others])
        for first, *others in held["together"]
    ]
    rules = [
        Rule(tuple(keys_of(items[name])[at] for name, at in keys), pairs)
        for keys, pairs in held["rules"]
    ]
    proposal = Proposal(
        tuple(columns.values()), tuple(comparisons), tuple(items.values()), tuple(rules), (),
        tuple(held["notes"]), held["rows"],
    )  # fmt: skip
    model = Model(comparisons, _arrays(held["m"]), _arrays(held["u"]), held["prior"])
    relatives = None if held["relatives"] is None else _arrays(held["relatives"])
    return Kept(text, proposal, Fit(model, relatives, held["related"]))


def outdated(kept: Kept | None, names: Sequence[str], now: Sequence[Column]) -> str | None:
    """Why a fit must be learned now; None while the kept one holds."""
    if kept is None:
        return "there was none"
    then = kept.proposal.columns
    if settings_of(names) != settings_of([c.name for c in then]):
        return "the settings are others"
    if not kept.proposal.rules:
        return "there was nothing to go by"
    rows = now[0].rows
    if not _FEWER * kept.proposal.rows <= rows <= _MORE * kept.proposal.rows:
        return f"{rows} records instead of {kept.proposal.rows}"
    told = (_changed(a, b) for a, b in zip(then, now, strict=True))
    return next((why for why in told if why), None)


def _changed(then: Column, now: Column) -> str | None:
    if (then.kind, then.date_format, then.han > 0.5) != (now.kind, now.date_format, now.han > 0.5):
        return f"{now.name} holds another kind of values"
    if then.ascii_only and not now.ascii_only:
        return f"{now.name} holds another script"
    if abs(then.filled_share - now.filled_share) > _FILLED:
        return f"{now.name} is filled to {now.filled_share:.0%} instead of {then.filled_share:.0%}"
    return None


def again(kept: Kept, now: Sequence[Column]) -> tuple[Proposal, Fit]:
    """The kept fit for the records that there are now."""
    rows = now[0].rows
    return replace(kept.proposal, rows=rows), fit_for(kept, rows)


def fit_for(kept: Kept, rows: int) -> Fit:
    """The kept fit for so many records: each has as many of its kind as before, so that the chance
    of a random pair falls with their number."""
    share = kept.proposal.rows / max(rows, 1)
    model = replace(kept.fit.model, prior=min(kept.fit.model.prior * share, 0.5))
    return Fit(model, kept.fit.relatives, min(kept.fit.related * share, 0.5))


def _rule(rule: Rule, items: Mapping[str, Prepared]) -> list[Any]:
    keys = [[key.column, keys_of(items[key.column]).index(key)] for key in rule.keys]
    return [keys, rule.pairs]


def _lists(shares: Sequence[Floats]) -> list[list[float]]:
    return [each.tolist() for each in shares]


def _arrays(held: Sequence[Sequence[float]]) -> list[Floats]:
    return [np.array(each) for each in held]


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
