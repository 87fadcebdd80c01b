"""Jaro, Jaro-Winkler and Damerau-Levenshtein as the engine computes them, for one record now.

Formulas: Jaro 1989, Winkler 1990 (prefix of at most 4, weight 0.1, from Jaro 0.7 on), Damerau 1964
with transpositions over any distance. Held equal to DuckDB's by tests/unify/test_similar.py.
"""

from __future__ import annotations

from functools import lru_cache


@lru_cache(maxsize=4096)
def jaro(a: str, b: str) -> float:
    """Similarity from 0 to 1; an empty text is like none."""
    if not a or not b:
        return 0.0
    window = max(max(len(a), len(b)) // 2 - 1, 0)
    left, found, there = b, [], []
    for i, letter in enumerate(a):
        at = left.find(letter, i - window if i > window else 0, i + window + 1)
        if at >= 0:
            left = f"{left[:at]}\0{left[at + 1 :]}"
            found.append(letter)
            there.append(at)
    if not found:
        return 0.0
    there.sort()
    turned = sum(map(str.__ne__, found, [b[at] for at in there])) // 2
    m = len(found)
    return (m / len(a) + m / len(b) + (m - turned) / m) / 3


def jaro_winkler(a: str, b: str) -> float:
    """Jaro, nearer to 1 for texts that begin alike."""
    score = jaro(a, b)
    if score <= 0.7:
        return score
    prefix = 0
    for x, y in zip(a[:4], b[:4], strict=False):
        if x != y:
            break
        prefix += 1
    return score + prefix * 0.1 * (1 - score)


@lru_cache(maxsize=4096)
def damerau(a: str, b: str) -> int:
    """Edits (insert, delete, change, transpose) between two texts."""
    start, most = 0, min(len(a), len(b))
    while start < most and a[start] == b[start]:
        start += 1
    end = 0
    while end < most - start and a[-1 - end] == b[-1 - end]:
        end += 1
    return _edits(a[start : len(a) - end], b[start : len(b) - end])


def _edits(a: str, b: str) -> int:
    if not a or not b:
        return max(len(a), len(b))
    last: dict[str, int] = {}
    far = len(a) + len(b)
    rows = [[far] * (len(b) + 2) for _ in range(len(a) + 2)]
    for i in range(len(a) + 1):
        rows[i + 1][1] = i
    for j in range(len(b) + 1):
        rows[1][j + 1] = j
    for i, x in enumerate(a, 1):
        matched = 0
        for j, y in enumerate(b, 1):
            before, within = last.get(y, 0), matched
            cost = 0 if x == y else 1
            if not cost:
                matched = j
            rows[i + 1][j + 1] = min(
                rows[i][j] + cost, rows[i + 1][j] + 1, rows[i][j + 1] + 1,
                rows[before][within] + (i - before - 1) + 1 + (j - within - 1),
            )  # fmt: skip
        last[x] = i
    return rows[-1][-1]
