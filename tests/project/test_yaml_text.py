"""YAML with places: what stands where."""

from __future__ import annotations

import pytest
import yaml

from visavis.project.text import Map, Scalar, Sequence, Tree, decode, read


def whole(text: str) -> Tree:
    tree, problems = read("f.yml", text)
    assert tree is not None
    assert problems == []
    return tree


def value(text: str) -> Scalar:
    tree = whole(text)
    assert isinstance(tree, Map)
    found = tree.entries[0].value
    assert isinstance(found, Scalar)
    return found


def spot(scalar: Scalar, part: str) -> tuple[int, int]:
    place = scalar.located().place(scalar.text.index(part))
    return place.line, place.column


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [
        ("a: x + revenue\n", 1, 8),
        ("a: 'x + revenue'\n", 1, 9),
        ('a: "x + revenue"\n', 1, 9),
        ("a: |\n  x +\n    revenue\n", 3, 5),
        ("a: |  # note\n\n  x +\n  revenue\n", 4, 3),
        ("a: |-\n  x +\n\n  revenue", 4, 3),
        ("a: >\n  x +\n  revenue\n", 3, 3),
        ("a: x +\n   revenue\n", 2, 4),
        ("a: 'x +\n     revenue'\n", 2, 6),
        ("a:\n  x + revenue\n", 2, 7),
        ("ä: é + revenue\n", 1, 8),
        ("a: |\r\n  x +\r\n  revenue\r\n", 3, 3),
        ("a: |\n  😀 + revenue\n", 2, 7),
    ],
)
def test_a_word_is_found_where_it_stands(text: str, line: int, column: int) -> None:
    scalar = value(text)
    assert spot(scalar, "revenue") == (line, column)
    row = text.splitlines()[line - 1]
    assert row[column - 1 :].startswith("revenue")


@pytest.mark.parametrize("written", ["no", "012", "2018-01-01", "1.50", "0x1F", "1_000", "on"])
def test_values_stay_as_they_are_written(written: str) -> None:
    assert value(f"a: {written}\n").text == written


@pytest.mark.parametrize("written", ["", "~", "null"])
def test_no_value_is_told_from_a_text(written: str) -> None:
    assert value(f"a: {written}\n").absent
    assert not value(f"a: '{written}'\n").absent


def test_both_loaders_of_yaml_agree_on_places(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "a: |\n  1\n  2\nb: ['x', \"y\", z]\nc: {d: 😀, e: f}\ng: plain\n  more\nh: ~\n"
    fast = whole(text)
    monkeypatch.delattr(yaml, "CBaseLoader")
    assert whole(text) == fast


def test_without_libyaml_errors_read_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    bad = "a:\n  b: 1\n c: 2\n"
    told = read("f.yml", bad)
    monkeypatch.delattr(yaml, "CBaseLoader")
    assert read("f.yml", bad) == told
    assert told[1][0].code == "yaml-syntax"


def test_byte_order_mark_and_composition_are_taken_off() -> None:
    text, problems = decode("f.yml", b"\xef\xbb\xbfa: e\xcc\x81\n")
    assert (text, problems) == ("a: é\n", [])


def test_an_empty_file_has_no_tree() -> None:
    assert read("f.yml", "# nothing\n") == (None, [])


def test_lists_and_maps_keep_their_order() -> None:
    tree = whole("b: [2, 1]\na: {}\n")
    assert isinstance(tree, Map)
    assert [entry.name for entry in tree.entries] == ["b", "a"]
    first = tree.entries[0].value
    assert isinstance(first, Sequence)
    assert [item.text for item in first.items if isinstance(item, Scalar)] == ["2", "1"]
