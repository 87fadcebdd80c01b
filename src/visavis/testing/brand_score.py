"""How well people were told apart, against the truth: pairs of identifiers put together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

Name = tuple[str, str]
"""(kind, value) of an identifier."""


@dataclass(frozen=True, slots=True)
class Score:
    """Pairwise: `precision` of the pairs put together, `recall` of those that evidence reaches.

    A pair is true when both are of one person; it is within reach when links between identifiers
    of that person alone connect them. `missed` and `wrong` count pairs.
    """

    precision: float
    recall: float
    wrong: int
    missed: int
    pairs: int


def score(
    found: Mapping[Name, Hashable],
    truth: Mapping[Name, str | None],
    links: Sequence[tuple[Name, Name]],
) -> Score:
    """Scores `found` (identifier -> person) by the `truth` and the links that were seen.

    Identifiers that are only in links are nobody's. Raises KeyError for one without a truth.
    """
    names = list(dict.fromkeys([*found, *(name for link in links for name in link)]))
    place = {name: i for i, name in enumerate(names)}
    people = [found[n] if found.get(n) is not None else ("alone", n) for n in names]
    true = [truth[n] if truth[n] is not None else ("nobody", n) for n in names]
    reach = components(
        len(names),
        [(place[a], place[b]) for a, b in links if truth[a] is not None and truth[a] == truth[b]],
    )
    together = _pairs(people)
    right = _pairs(zip(people, true, strict=True))
    reachable = _pairs(reach)
    got = _pairs(zip(people, reach, strict=True))
    return Score(
        precision=right / together if together else 1.0,
        recall=got / reachable if reachable else 1.0,
        wrong=together - right,
        missed=reachable - got,
        pairs=together,
    )


def naive(links: Sequence[tuple[Name, Name]]) -> dict[Name, Hashable]:
    """Everybody ever seen together is one person: what guards are measured against."""
    place = {n: i for i, n in enumerate(dict.fromkeys(name for link in links for name in link))}
    labels = components(len(place), [(place[a], place[b]) for a, b in links])
    return dict(zip(place, labels, strict=True))


def components(count: int, links: list[tuple[int, int]]) -> list[int]:
    """The number of the component of each of `count` things."""
    a, b = np.array(links, dtype=np.int64).reshape(-1, 2).T
    graph = coo_matrix((np.ones(len(a)), (a, b)), shape=(count, count))
    labels: list[int] = connected_components(graph, directed=False)[1].tolist()
    return labels


def _pairs(groups: Iterable[Hashable]) -> int:
    return sum(n * (n - 1) // 2 for n in Counter(groups).values())
