"""Law 6: an arm is drawn once, stays, and a person put together from both arms is in neither."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import assume, given
from hypothesis import strategies as st

from visavis.core.decisions import Identifier
from visavis.decide.arms import HOLDOUT, Arm, control_of, drawer, standing

KEY = b"a key of a project, 32 bytes long"
_NAMES: st.SearchStrategy[Identifier] = st.tuples(
    st.sampled_from(["customer_id", "email"]), st.text("abc123", min_size=1, max_size=6)
)
_MANY = st.lists(_NAMES, max_size=8, unique=True)
_ARMS = st.dictionaries(_NAMES, st.sampled_from(["treated", "held out"]), max_size=12)
_SHARES = st.floats(0, 1)


@given(_NAMES, _SHARES, _SHARES)
def test_a_larger_share_holds_out_whom_a_smaller_one_does(
    name: Identifier, a: float, b: float
) -> None:
    small, large = sorted((a, b))
    if drawer(KEY, HOLDOUT, small)(name) == "held out":
        assert drawer(KEY, HOLDOUT, large)(name) == "held out"


@given(_NAMES)
def test_no_share_holds_out_nobody_and_the_whole_everybody(name: Identifier) -> None:
    assert drawer(KEY, HOLDOUT, 0)(name) == "treated"
    assert drawer(KEY, HOLDOUT, 1)(name) == "held out"


@given(_ARMS, _MANY, st.randoms(use_true_random=False))
def test_the_order_of_identifiers_changes_nothing(
    arms: dict[Identifier, Arm], names: list[Identifier], rng: object
) -> None:
    told = standing(arms, names)
    again = [*names, *names]
    rng.shuffle(again)  # type: ignore[attr-defined]
    assert standing(arms, again) == told


def _one(arms: dict[Identifier, Arm], names: Sequence[Identifier]) -> str | None:
    return standing(arms, names)


@given(_ARMS, _MANY, _MANY)
def test_a_merge_treats_nobody_who_was_held_out_and_an_unmerge_gives_the_arms_back(
    arms: dict[Identifier, Arm], mine: list[Identifier], theirs: list[Identifier]
) -> None:
    assume(not set(mine) & set(theirs))
    before = _one(arms, mine), _one(arms, theirs)
    together = _one(arms, [*mine, *theirs])
    if {"held out", "contaminated"} & set(before):
        assert together in ("held out", "contaminated")
    if set(before) == {"treated", "held out"}:
        assert together == "contaminated"
    if None in before:
        assert together == next((arm for arm in before if arm is not None), None)
    # the merge wrote nothing: apart again, each has the arm of before
    assert (_one(arms, mine), _one(arms, theirs)) == before


@given(_ARMS, _MANY, _SHARES)
def test_a_share_changed_later_draws_nobody_again(
    arms: dict[Identifier, Arm], names: list[Identifier], share: float
) -> None:
    recorded = standing(arms, names)
    if recorded is None and names:
        arms[names[0]] = drawer(KEY, HOLDOUT, share)(names[0])
        assert standing(arms, names) == arms[names[0]]
    else:
        assert standing(arms, names) == recorded


def test_the_drawn_share_is_the_share_and_experiments_are_independent() -> None:
    """20,000 people: within four standard deviations of 10 % and of 1 %."""
    names = [("customer_id", str(n)) for n in range(20_000)]
    whole, part = drawer(KEY, HOLDOUT, 0.1), drawer(KEY, control_of("a"), 0.1)
    held = [name for name in names if whole(name) == "held out"]
    both = [name for name in held if part(name) == "held out"]
    assert abs(len(held) - 2000) < 4 * (20_000 * 0.1 * 0.9) ** 0.5
    assert abs(len(both) - 200) < 4 * (20_000 * 0.01 * 0.99) ** 0.5
    assert drawer(b"another key", HOLDOUT, 0.1)(names[0]) in ("treated", "held out")
