"""The model learned further from all the pairs at once, without labels.

Splink learns m rule by rule, and u from random pairs, which hold a few matches too. Here every
compared pair gets its chance of being a match, m and the prior follow from these chances, and u is
freed from the matches in it. Pairs that no rule found count as strangers.

People of one household agree on name, address and phone without being one person; taken for
matches they would spoil m. So a third class of pairs, relatives, is looked for among the matches.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from visavis.unify.matching.train import Floats, Model, Pairs

_ROUNDS = 25
_SMOOTH = 1.0
_ENOUGH = 20
_U_LEAST = 0.02
_CAP = 60.0
_STRANGE = 0.3
_ODD = np.uint64(0x9E3779B97F4A7C15)


@dataclass(slots=True)
class Fit:
    """A model with, perhaps, a class of relatives: `relatives` are its level shares and
    `related` the chance that two records taken at random are relatives."""

    model: Model
    relatives: list[Floats] | None = None
    related: float = 0.0


def bayes_factors(pairs: Pairs, shares: list[Floats], u: list[Floats], prior: float) -> Floats:
    """log2 of how much likelier each pair's levels are in a class than among strangers.

    An equal value that a share t of the strangers has is equal by chance with probability t, so its
    factor is s / t + 1 - s, s the chance of agreeing for a reason (Winkler's frequency weights).
    """
    total = np.zeros(len(pairs.a))
    for i, (m, base) in enumerate(zip(shares, u, strict=True)):
        factors = np.append(np.log2(m / base), 0.0)[pairs.levels[:, i]]
        rare = pairs.share[:, i] > 0
        if rare.any():
            t = _of_strangers(pairs.share[rare, i].astype(float), base[0], prior * m[0])
            reason = float(np.clip((m[0] - base[0]) / (1 - base[0]), 0.0, 1.0))
            factors[rare] = np.log2(reason / t + 1 - reason + 1e-12)
        total += factors
    return total


def _of_strangers(share: Floats, by_chance: float, own: float) -> Floats:
    """Of the other records with a value the part that is not the same person's.

    `own` is how many of a person's own are expected. Of few records with the value they are the
    usual part (as of two Poisson counts), of many just their number less.
    """
    return np.maximum(share - own, share * by_chance / (by_chance + own))


def weights(fit: Fit, pairs: Pairs) -> Floats:
    """The match weight of each pair: log2 odds of one person against all else."""
    model = fit.model
    match = bayes_factors(pairs, model.m, model.u, model.prior) + np.log2(model.prior)
    other = np.full(len(match), np.log2(1 - model.prior - fit.related))
    if fit.relatives is not None:
        kin = bayes_factors(pairs, fit.relatives, model.u, model.prior) + np.log2(fit.related)
        other = np.logaddexp2(other, kin)
    return np.asarray(match - other)


def absent_weight(fit: Fit) -> float:
    """What a pair about which nothing is known weighs."""
    return float(np.log2(fit.model.prior / (1 - fit.model.prior)))


def refine(model: Model, pairs: Pairs, rows: int) -> Fit:
    """Expectation maximisation over all compared pairs; then with relatives if there are any."""
    raw_u = [u.copy() for u in model.u]
    alike, times = patterns(pairs)
    fit = _maximise(Fit(model), alike, times, rows, raw_u)
    for personal in _personal(fit.model):
        kin = _relatives(fit, alike, times, rows, personal)
        if kin is not None:
            kin = _maximise(kin, alike, times, rows, raw_u)
            if _believed(kin, personal):
                return kin
    return fit


def patterns(pairs: Pairs) -> tuple[Pairs, Floats]:
    """One pair of each pattern (the levels, and how rare equal values are), and how often it is.

    Rarity is told apart by a 16th of a bit.
    """
    levels = pairs.levels.astype(np.uint64)
    known = pairs.share > 0
    rarity = np.zeros(pairs.share.shape, dtype=np.uint64)
    rarity[known] = 1 + np.round(-16 * np.log2(pairs.share[known])).astype(np.uint64)
    code = np.zeros(len(pairs.a), dtype=np.uint64)
    for i in range(levels.shape[1]):
        code = (code * _ODD + levels[:, i]) * _ODD + rarity[:, i]
    _, at, times = np.unique(code, return_index=True, return_counts=True)
    return take(pairs, at), times.astype(float)


def take(pairs: Pairs, which: npt.NDArray[Any]) -> Pairs:
    """Some of the pairs."""
    return Pairs(pairs.a[which], pairs.b[which], pairs.levels[which], pairs.share[which])


def _maximise(fit: Fit, pairs: Pairs, times: Floats, rows: int, raw_u: list[Floats]) -> Fit:
    everything = max(rows * (rows - 1) / 2, 1.0)
    for _ in range(_ROUNDS):
        before = fit.model.prior
        one, kin = (chance * times for chance in _chances(fit, pairs))
        prior = float(np.clip(one.sum() / everything, 0.05 / rows**2, 0.5))
        m = [_level_shares(pairs.levels[:, i], one, old) for i, old in enumerate(fit.model.m)]
        u = [_freed(raw, new, prior) for raw, new in zip(raw_u, m, strict=True)]
        fit = Fit(Model(fit.model.comparisons, m, u, prior), fit.relatives, fit.related)
        if fit.relatives is not None:
            fit.related = float(np.clip(kin.sum() / everything, 0.05 / rows**2, 0.5))
            fit.relatives = [
                _level_shares(pairs.levels[:, i], kin, old) for i, old in enumerate(fit.relatives)
            ]
        if abs(np.log(prior / before)) < 1e-3:
            break
    return fit


def _chances(fit: Fit, pairs: Pairs) -> tuple[Floats, Floats]:
    """Of each pair: the chance of one person, and that of relatives."""
    model = fit.model
    match = bayes_factors(pairs, model.m, model.u, model.prior) + np.log2(model.prior)
    none = np.full(len(match), np.log2(1 - model.prior - fit.related))
    kin = np.full(len(match), -np.inf)
    if fit.relatives is not None:
        kin = bayes_factors(pairs, fit.relatives, model.u, model.prior) + np.log2(fit.related)
    total = np.logaddexp2(np.logaddexp2(match, none), kin)
    return np.exp2(match - total), np.exp2(kin - total)


def _level_shares(levels: npt.NDArray[np.int8], chance: Floats, old: Floats) -> Floats:
    """Share of each level among the pairs by their chances; few pairs change little."""
    known = levels >= 0
    counts = np.bincount(levels[known], weights=chance[known], minlength=len(old))
    if counts.sum() < _ENOUGH:
        return old
    smooth = counts + _SMOOTH * old
    return np.asarray(np.maximum(smooth / smooth.sum(), 1e-6))


def _freed(raw: Floats, m: Floats, prior: float) -> Floats:
    """u without the matches among the random pairs that it was counted on."""
    u = np.maximum((raw - prior * m) / (1 - prior), _U_LEAST * raw)
    return np.asarray(u / u.sum())


def _relatives(fit: Fit, pairs: Pairs, times: Floats, rows: int, personal: int) -> Fit | None:
    """A start for the class of relatives: the likely matches that differ in what is personal.

    Members of a household share names, addresses and phones as people who moved share all else:
    the numbers alone can't tell the two apart. So it is the kind of a column that says whether it
    belongs to one person only.
    """
    one = _chances(fit, pairs)[0] * times
    levels = pairs.levels[:, personal]
    others = fit.model.comparisons[personal].others
    if others is None:
        m, u = fit.model.m[personal], fit.model.u[personal]
        against = np.append(np.log2(m / u) < 0, False)[levels] & (levels >= 0)
    else:
        against = levels >= others
    kin = np.where(against, one, 0.0)
    if kin.sum() < _ENOUGH:
        return None
    return _split(fit, pairs, one - kin, kin, rows)


def _personal(model: Model) -> list[int]:
    """The columns that may belong to one person only, to be tried in turn: the date (of birth),
    else the e-mail, else names and codes."""
    kinds = [c.kind for c in model.comparisons]
    for kind in ("date", "email"):
        if kind in kinds:
            return [kinds.index(kind)]
    names = [i for i, c in enumerate(model.comparisons) if c.others is not None]
    return [*names, *[i for i, kind in enumerate(kinds) if kind == "code"][:1]]


def _split(fit: Fit, pairs: Pairs, one: Floats, kin: Floats, rows: int) -> Fit:
    everything = max(rows * (rows - 1) / 2, 1.0)
    columns = range(len(fit.model.m))
    m = [_level_shares(pairs.levels[:, i], one, fit.model.m[i]) for i in columns]
    relatives = [_level_shares(pairs.levels[:, i], kin, fit.model.u[i]) for i in columns]
    prior = max(one.sum() / everything, 0.05 / rows**2)
    related = max(kin.sum() / everything, 0.05 / rows**2)
    return Fit(Model(fit.model.comparisons, m, fit.model.u, prior), relatives, related)


def _believed(kin: Fit, personal: int) -> bool:
    """Relatives are believed when they differ, as strangers do, in what is personal and in one
    more column in which one person hardly ever does; else they are the badly typed matches.

    What relatives share, one person's records share as well. Families may differ in nothing but
    the name: then they must be many, for one in ten records of a person has another name, but not
    one in three.
    """
    assert kin.relatives is not None
    strange = []
    for m, r, u in zip(kin.model.m, kin.relatives, kin.model.u, strict=True):
        weight = np.log2(m / u)
        usual = float(m @ weight)
        strange.append(usual > 1 and float(r @ weight) < _STRANGE * usual)
    alike = all(m[0] > 0.5 * r[0] for m, r in zip(kin.model.m, kin.relatives, strict=True))
    if not strange[personal] or not alike:
        return False
    if kin.model.comparisons[personal].others is not None:
        return kin.related * 3 > kin.model.prior
    return kin.related * 50 > kin.model.prior and sum(strange) >= 2
