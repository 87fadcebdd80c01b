"""The case table says what DuckDB does, for every code point there is."""

from __future__ import annotations

import unicodedata

import duckdb
import pytest

from visavis.core.text import lower, lower_table, nfc, upper, upper_table

_ALL = """
    select i::int, lower(chr(i::int)), upper(chr(i::int)), nfc_normalize(chr(i::int))
    from range(1, 1114112) t(i) where not i between 55296 and 57343
"""


@pytest.fixture(scope="module")
def everything() -> list[tuple[int, str, str, str]]:
    return duckdb.connect().execute(_ALL).fetchall()


def test_every_code_point_has_the_case_that_duckdb_gives_it(
    everything: list[tuple[int, str, str, str]],
) -> None:
    small, large = lower_table(), upper_table()
    wrong = [
        hex(point)
        for point, low, high, _ in everything
        if (chr(small.get(point, point)), chr(large.get(point, point))) != (low, high)
    ]
    assert wrong == []


def test_every_code_point_has_one_normal_form_in_both(
    everything: list[tuple[int, str, str, str]],
) -> None:
    assert [hex(p) for p, _, _, normal in everything if nfc(chr(p)) != normal] == []


def test_case_goes_character_by_character() -> None:
    assert lower("ΣΑΣ") == "σασ"
    assert lower("İ") == "i"
    assert upper("straße") == "STRAẞE"
    assert upper("ŉ") == "ŉ"
    assert lower("ABC z") == "abc z"


def test_a_text_is_composed_once() -> None:
    assert nfc("e\u0301") == "é"
    assert nfc("plain") == "plain"


def test_the_case_of_a_normal_character_is_normal() -> None:
    for table in (lower_table(), upper_table()):
        for point, other in table.items():
            if unicodedata.is_normalized("NFC", chr(point)):
                assert unicodedata.is_normalized("NFC", chr(other))
