"""Probabilistic matching: good groups from invented records, the same whatever the order."""

from __future__ import annotations

import csv
import json
import os
import random
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

pytest.importorskip("splink")
from hypothesis import given
from hypothesis import strategies as st
from tests.unify.people import Record, chinese, chinese_households, households, western

from visavis.core.problems import ProblemsError
from visavis.flow.matching import evaluate
from visavis.store.warehouse import connect
from visavis.unify.matching.cluster import Floats, Ints, cluster, components
from visavis.unify.matching.gather import gather
from visavis.unify.matching.match import Matched, match
from visavis.unify.matching.scores import score


def write_csv(path: Path, records: list[Record], encoding: str = "utf-8") -> Path:
    with path.open("w", encoding=encoding, newline="") as file:
        writer = csv.DictWriter(file, list(records[0]))
        writer.writeheader()
        writer.writerows(records)
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("matching")


def test_western_records(folder: Path) -> None:
    file = write_csv(folder / "western.csv", western(400, 1))
    made = evaluate([file], "person", [])
    assert made["f1"] > 0.97
    assert made["precision"] > 0.98
    assert 0.97 < made["b_cubed_f1"] <= 1
    assert "nr numbers the records: not compared" in made["proposed"]
    assert "name repeats nachname and vorname: counts once" in made["proposed"] or (
        "name repeats vorname and nachname: counts once" in made["proposed"]
    )
    assert "plz determines ort: together they count once" in made["proposed"] or (
        "ort determines plz: together they count once" in made["proposed"]
    )
    assert any("swapped" in note for note in made["proposed"])


def test_chinese_records_of_another_encoding_and_many_gaps(folder: Path) -> None:
    file = write_csv(folder / "chinese.csv", chinese(350, 2, gaps=0.15, most=6), "gb18030")
    made = evaluate([file], "person", ["nr"])
    assert made["f1"] > 0.93
    assert made["precision"] > 0.97


@pytest.mark.parametrize(
    ("invent", "phones", "least"),
    [(households, True, 0.93), (households, False, 0.9), (chinese_households, True, 0.87),
     (chinese_households, False, 0.82)],
)  # fmt: skip
def test_families_stay_apart_without_dates_or_e_mails(
    folder: Path, invent: Callable[[int, int, bool], list[Record]], phones: bool, least: float
) -> None:
    file = write_csv(folder / "families.csv", invent(400, 2, phones))
    made = evaluate([file], "person", [])
    assert made["relatives"]
    assert made["f1"] > least
    assert made["precision"] > 0.94


def test_two_files_are_pooled(folder: Path) -> None:
    records = western(300, 3, most=2)
    left, right = records[::2], records[1::2]
    for part in (left, right):
        for i, record in enumerate(part):
            record["nr"] = str(i + 1)  # the same numbers in both files, of different people
    first = folder / "left.jsonl"
    first.write_text("".join(json.dumps(r) + "\n" for r in left), encoding="utf-8")
    second = folder / "right.parquet"
    pq.write_table(pa.Table.from_pylist(right), second)
    made = evaluate([first, second], "person", [])
    assert made["records"] == len(records)
    assert made["f1"] > 0.96


def test_a_second_run_gives_the_same(folder: Path) -> None:
    file = write_csv(folder / "again.csv", western(120, 4))
    one, two = evaluate([file], "person", []), evaluate([file], "person", [])
    assert {**one, "seconds": 0} == {**two, "seconds": 0}


@pytest.mark.parametrize(
    "text",
    [
        "id,name,who\n1,ann,1\n",  # one record
        "id,name,who\n1,ann,1\n2,bob,1\n",
        "who\n1\n1\n",  # nothing but the truth
        "name,town,who\n" + ",,1\n" * 40,  # nothing said
        "name,town,who\n" + "ann,ulm,1\n" * 40,  # all say the same
        "Name,name,who\n" + "ann,ulm,1\n" * 3,
        "_row,_file,who\n" + "ann,ulm,1\n" * 3,
        'odd "name" {0},it\'s,who\n' + "ann,ulm,1\n" * 3,
        "name,town,who\n" + "x" * 1_000_000 + ",ulm,1\nann,ulm,1\n",
    ],
)
def test_little_to_go_by_is_no_error(folder: Path, text: str) -> None:
    file = folder / "little.csv"
    file.write_text(text, encoding="utf-8")
    made = evaluate([file], "who", [])
    assert made["precision"] == 0
    assert made["records"] == text.count("\n") - 1


@pytest.mark.parametrize(
    ("content", "code", "told"),
    [
        (b"", "unreadable-file", "bad.csv can't be read: it is empty"),
        (b"name,who\n", "empty-file", "bad.csv has columns but no records."),
        (b"name,whom\nann,1\n", "missing-column", "bad.csv has no column 'who'."),
        (b"name,name,who\nann,bo,1\nann,bo,1\n", "repeated-column",
         "bad.csv has two columns 'name'."),
        (b"name,who\nann,\nbob,\n", "empty-column",
         "'who' is empty in every record: there is nothing to score against."),
        (bytes(range(256)) * 20, "unreadable-file", "bad.csv can't be read: "),
    ],
)  # fmt: skip
def test_a_bad_file_is_a_problem(folder: Path, content: bytes, code: str, told: str) -> None:
    file = folder / "bad.csv"
    file.write_bytes(content)
    with pytest.raises(ProblemsError) as raised:
        evaluate([file], "who", [])
    (problem,) = raised.value.problems
    assert problem.code == code
    assert problem.message.startswith(told)
    assert problem.hint


def test_what_is_wrong_is_told_at_once(folder: Path) -> None:
    file = write_csv(folder / "wrong.csv", western(5, 5))
    with pytest.raises(ProblemsError) as told:
        evaluate([file, folder / "none.csv"], "persn", [])
    codes = {p.code: p.hint for p in told.value.problems}
    assert set(codes) == {"missing-column", "unreadable-file"}
    assert codes["missing-column"] == "Did you mean 'person'?"


def test_a_chain_of_weak_links_does_not_close() -> None:
    """a-b and b-c are likely, a-c is denied by everything: they are not one person."""
    a, b = np.array([0, 1, 0]), np.array([1, 2, 2])
    weight = np.array([8.0, 1.0, -30.0])
    evidence = np.array([18.0, 11.0, -15.0])
    assert cluster(a, b, weight, evidence, 3, 0.0, 6.0).tolist() == [0, 0, 2]
    assert cluster(a, b, weight, evidence + 20, 3, 0.0, 6.0).tolist() == [0, 0, 0]


def test_the_guard_keeps_precision_where_closing_all_links_loses_it() -> None:
    """A third of the values missing: the links alone chain strangers together."""
    records = western(400, 3, gaps=0.35, most=6)
    found = matched(records, ["person", "nr"])
    truth = np.unique([str(r["person"]) for r in records], return_inverse=True)[1]
    strong = found.weight >= found.threshold
    closed = components(found.pairs.a[strong], found.pairs.b[strong], len(records))
    guarded, chained = score(found.groups, truth), score(closed, truth)
    assert guarded.precision > 0.95 > 0.7 > chained.precision
    assert guarded.f1 > chained.f1 + 0.2
    assert guarded.recall > 0.95 * chained.recall


def test_hundreds_of_records_of_each_person_are_still_looked_at() -> None:
    """Where every usual rule makes too many pairs, greater ones are taken, not none."""
    records = western(10, 6, gaps=0.05, most=300)
    found = matched(records, ["person", "nr", "mail", "name"])
    truth = np.unique([str(r["person"]) for r in records], return_inverse=True)[1]
    rules = [rule.columns for rule in found.proposal.rules]
    assert not frozenset.intersection(*rules)
    got = score(found.groups, truth)
    assert got.precision > 0.99
    assert got.recall > 0.98


def test_two_columns_are_enough_where_they_tell(folder: Path) -> None:
    """A name that no stranger has says more than its own copies make it look."""
    records = [{k: r[k] for k in ("姓名", "出生日期", "person")} for r in chinese(350, 2)]
    made = evaluate([write_csv(folder / "two.csv", records)], "person", [])
    assert made["precision"] > 0.98
    assert made["f1"] > 0.82


@pytest.mark.parametrize(("spoken", "groups"), [(9.0, [0] * 40), (-9.0, [0] * 20 + [20] * 20)])
def test_groups_with_pairs_not_looked_at_are_judged_by_some(
    spoken: float, groups: list[int]
) -> None:
    """One link of 400 between two groups of twenty: what the others say decides."""
    looked: list[int] = []

    def judge(a: Ints, b: Ints) -> tuple[Ints, Ints, Floats]:
        looked.append(len(a))
        assert ((a < 20) != (b < 20)).all()
        return a, b, np.full(len(a), spoken)

    label = np.array([0] * 20 + [20] * 20)
    found = gather(label, np.array([3]), np.array([33]), np.array([5.0]), 0.0, 6.0, judge)
    assert found.tolist() == groups
    assert sum(looked) == 60


def test_what_was_looked_at_whole_is_not_judged_again() -> None:
    def judge(a: Ints, b: Ints) -> tuple[Ints, Ints, Floats]:
        raise AssertionError

    a, b = np.array([0, 0]), np.array([1, 2])
    label = np.array([0, 1, 1])
    weight = np.array([5.0, -20.0])
    assert gather(label, a, b, weight, 0.0, 6.0, judge).tolist() == [0, 1, 1]


def test_dates_of_other_centuries_are_dates() -> None:
    records = western(60, 8)
    for record in records:
        record["geboren"] = record["geboren"] and f"17{record['geboren'][2:]}"
    found = matched(records, ["person", "nr"])
    assert "geboren is compared as date" in found.proposal.notes


def matched(records: list[Record], ignore: list[str]) -> Matched:
    rows = [{"_row": i, "_file": 0, **record} for i, record in enumerate(records)]
    with connect() as wh:
        wh.register("records", pa.Table.from_pylist(rows))
        return match(wh, "records", [name for name in records[0] if name not in ignore])


@given(st.integers(0, 10_000), st.integers(2, 14))
def test_groups_do_not_depend_on_the_order_of_pairs(seed: int, size: int) -> None:
    draw = random.Random(seed)
    pairs = [(i, j) for i in range(size) for j in range(i + 1, size) if draw.random() < 0.6]
    if not pairs:
        return
    weights = {pair: round(draw.uniform(-10, 10), 1) for pair in pairs}

    def groups(order: list[tuple[int, int]]) -> list[int]:
        a, b = np.array([p[0] for p in order]), np.array([p[1] for p in order])
        weight = np.array([weights[p] for p in order])
        return cluster(a, b, weight, weight + 8, size, 0.0, 6.0).tolist()

    found = groups(pairs)
    shuffled = draw.sample(pairs, len(pairs))
    assert groups(shuffled) == found
    assert all(found[i] == min(j for j in range(size) if found[j] == found[i]) for i in range(size))


def test_scores_of_a_known_case() -> None:
    """Truth {0,1,2}{3,4}, found {0,1}{2,3,4}: 2 right pairs of 4 found and 4 true."""
    got = score(np.array([0, 0, 2, 2, 2]), np.array([0, 0, 0, 1, 1]))
    assert (got.precision, got.recall, got.f1) == (0.5, 0.5, 0.5)
    # B-cubed: precision (1 + 1 + 1/3 + 2/3 + 2/3) / 5, recall (2/3 + 2/3 + 1/3 + 1 + 1) / 5
    assert got.b_cubed_f1 == pytest.approx(11 / 15)


DATA = os.environ.get("VISAVIS_DATA")


@pytest.mark.long
@pytest.mark.skipif(not DATA, reason="VISAVIS_DATA is not set: FEBRL and fake_1000 are not there")
@pytest.mark.parametrize(
    ("name", "least"),
    [("febrl/dataset1", 0.9701), ("febrl/dataset2", 0.9683), ("febrl/dataset3", 0.9972),
     ("fake-1000/fake_1000", 0.916)],
)  # fmt: skip
def test_public_files(folder: Path, name: str, least: float) -> None:
    table = pq.read_table(Path(str(DATA)) / f"{name}.parquet")
    truth, ignore = "cluster", []
    if "rec_id" in table.column_names:
        people = [str(value).split("-")[1] for value in table["rec_id"].to_pylist()]
        table, truth, ignore = table.append_column("person", [people]), "person", ["rec_id"]
    file = folder / f"{name.replace('/', '-')}.parquet"
    pq.write_table(table, file)
    assert evaluate([file], truth, ignore)["f1"] >= least
