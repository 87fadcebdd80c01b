"""Texts to numbers without comparing texts: the engine hashes them while it reads, and equal
hashes get one number.

A hash is the 128 bits of a salted MD5. By chance two of a thousand million texts have the same
with a probability of 1e-21, and as the salt is drawn anew for each use, nobody can prepare such
texts.
"""

from __future__ import annotations

import secrets

import numpy as np
import numpy.typing as npt

from visavis.core.parts import Ints, Mask, parts, take, where, width

Hashes = npt.NDArray[np.uint64]
"""Two 64-bit halves for each text."""
_ODD = np.uint64(0x9E3779B97F4A7C15)


def salt() -> str:
    """What the texts of one numbering are hashed with.

    Short, so that usual identifiers are hashed in one block of MD5.
    """
    return secrets.token_urlsafe(6)


def halves_sql(text: str, salted: str) -> tuple[str, str]:
    """SQL: the halves of a text's hash; `salted` is an expression that gives the salt."""
    whole = f"md5_number({salted} || {text})"
    return (
        f"CAST({whole} >> 64::UHUGEINT AS UBIGINT)",
        f"CAST({whole} & {2**64 - 1}::UHUGEINT AS UBIGINT)",
    )


def numbered(hashes: Hashes) -> tuple[Ints, Mask]:
    """The number of each text by its hash, and where each stands for the first time.

    Numbers count from 0 in the order of first appearance.
    """
    count = len(hashes)
    first_of, other = _by_slot(np.ascontiguousarray(hashes), 0)
    turn = 0
    while len(other):
        # who finds another text in the slot tries again with another slot
        turn += 1
        held, left = _by_slot(hashes[other], turn)
        first_of[other] = other[held]
        other = other[left]
    first = np.zeros(count, dtype=bool)
    first[where(count, lambda part: first_of[part] == np.arange(part.start, part.stop))] = True
    number: Ints = np.cumsum(first, dtype=width(count)) - 1
    return take(number, first_of), first


def _by_slot(hashes: Hashes, turn: int) -> tuple[Ints, Ints]:
    """For each text the one that holds its slot; where that is another text.

    A hash gives its slot, and the first one that has it holds it.
    """
    count = len(hashes)
    bits = max(count - 1, 1).bit_length()
    whole = hashes.view(np.complex128).ravel()  # moved as one, never compared
    holder = np.empty(1 << bits, dtype=width(count))
    held = np.empty(count, dtype=width(count))

    def slots(part: slice) -> Ints:
        mixed = (hashes[part, 0] + np.uint64(turn) * hashes[part, 1]) * _ODD
        return (mixed >> np.uint64(64 - bits)).astype(np.intp)

    def differ(part: slice) -> Mask:
        held[part] = at = holder[slots(part)]
        there = whole[at].view(np.uint64).reshape(-1, 2)
        other: Mask = (there[:, 0] != hashes[part, 0]) | (there[:, 1] != hashes[part, 1])
        return other

    for part in reversed(parts(count)):
        holder[slots(part)[::-1]] = np.arange(part.start, part.stop)[::-1]
    return held, where(count, differ)
