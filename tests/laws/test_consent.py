"""Law 5, the pure part: unknown means no, a later no of the person wins, order changes nothing."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from visavis.core.consent import Address, Word, verdict

ADDRESSES: list[Address] = [("email", "a@b.co"), ("email", "c@d.co"), ("phone", "+491701234567")]
NOW = 50
_WORDS = st.builds(
    Word,
    st.integers(0, 60),
    st.sampled_from(["yes", "yes", "no", "suppress", "release"]),
    st.sampled_from(ADDRESSES),
    st.sampled_from([None, "email", "sms"]),
    st.sampled_from([None, "marketing", "service"]),
    st.just("web"),
    st.integers(0, 3).map(str),
)
_MANY = st.lists(_WORDS, max_size=12)
_ASKED = st.tuples(
    st.sampled_from(ADDRESSES),
    st.sampled_from(["email", "sms"]),
    st.sampled_from(["marketing", "service"]),
)


@given(_MANY, _ASKED, st.randoms())
def test_order_and_repeats_change_nothing(words: list[Word], asked: tuple, rng: object) -> None:
    told = verdict(words, *asked, NOW)
    again = [*words, *words]
    rng.shuffle(again)  # type: ignore[attr-defined]
    assert verdict(again, *asked, NOW) == told


@given(_MANY, _ASKED)
def test_allowed_needs_a_yes_for_this_very_address(words: list[Word], asked: tuple) -> None:
    told = verdict(words, *asked, NOW)
    if told.allowed:
        assert told.word is not None
        assert told.word.says == "yes"
        assert told.word.address == asked[0]
        assert told.word.at_ms <= NOW


@given(_MANY, _ASKED, _WORDS)
def test_a_no_never_gives_permission(words: list[Word], asked: tuple, more: Word) -> None:
    if more.says in ("no", "suppress") and verdict([*words, more], *asked, NOW).allowed:
        assert verdict(words, *asked, NOW).allowed


@given(_MANY, _MANY, _ASKED)
def test_a_merge_only_takes_away_and_an_unmerge_gives_back(
    mine: list[Word], theirs: list[Word], asked: tuple
) -> None:
    theirs = [w for w in theirs if w.address != asked[0]]
    if verdict([*mine, *theirs], *asked, NOW).allowed:
        assert verdict(mine, *asked, NOW).allowed


@given(_MANY, _ASKED)
def test_a_last_no_without_names_silences_every_address(words: list[Word], asked: tuple) -> None:
    last = Word(NOW, "no", ADDRESSES[1])
    assert not verdict([*words, last], *asked, NOW).allowed


@given(_MANY, _ASKED)
def test_what_is_said_later_is_not_known_yet(words: list[Word], asked: tuple) -> None:
    known = [w for w in words if w.at_ms <= NOW]
    assert verdict(words, *asked, NOW) == verdict(known, *asked, NOW)


def test_a_yes_covers_what_it_names() -> None:
    plain = Word(1, "yes", ADDRESSES[0])
    assert verdict([plain], ADDRESSES[0], "email", "marketing", NOW).allowed
    assert not verdict([plain], ADDRESSES[0], "email", "service", NOW).allowed
    assert not verdict([plain], ADDRESSES[0], "sms", "marketing", NOW).allowed
    assert not verdict([plain], ADDRESSES[1], "email", "marketing", NOW).allowed


def test_a_suppressed_address_stays_so_until_released() -> None:
    words = [Word(1, "suppress", ADDRESSES[0]), Word(5, "yes", ADDRESSES[0])]
    asked = (ADDRESSES[0], "email", "marketing")
    assert verdict(words, *asked, NOW).reason == "suppressed"
    assert verdict([*words, Word(6, "release", ADDRESSES[0])], *asked, NOW).allowed
