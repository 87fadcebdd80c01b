"""The published history gives the Python reader what the build's own tables say."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest
from shopfolder import at, run, shop

from visavis.core.clock import zone
from visavis.core.lang.reader import compile_program
from visavis.core.lang.reader_rows import Items
from visavis.flow import ask
from visavis.flow.explain import shown_value
from visavis.flow.histories import write_history
from visavis.flow.published import published
from visavis.store import history_file
from visavis.store.history import PublishedHistory
from visavis.store.history_streams import history_of

PRODUCTS = ("T1", "C1", "X9")


def orders_of(seed: int, count: int) -> list[str]:
    rng = Random(seed)
    rows = []
    for n in range(count):
        who = rng.choice(("ann", "bob", "李雷", "dan", ""))
        mail = rng.choice(("", f"{who or 'x'}@x.co"))
        time = f"2024-0{rng.randint(1, 3)}-{rng.randint(1, 28):02d}T{rng.randint(0, 23):02d}:00:00"
        for _ in range(rng.randint(1, 3)):
            product, amount = rng.choice(PRODUCTS), rng.choice(("1.50", "20.000001", "0"))
            rows.append(f"{n},{who},{mail},{time},{product},{amount}")
    return rows


@pytest.mark.parametrize(("seed", "much"), [(0, 16_384), (1, 16_384), (2, 300), (3, 0)])
def test_everybodys_traits_come_out_the_same(
    tmp_path: Path, seed: int, much: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also of those who have so many events that these lie in rows of their own."""
    monkeypatch.setattr(history_file, "_MUCH", much)
    root = shop(tmp_path, orders_of(seed, 60))
    run(root, as_of="2024-03-20T00:00:00Z")
    with published(root) as build:
        project = build.project()
        path = write_history(build, project)
        assert write_history(build, project) == path
        history = PublishedHistory(path)
        conditions = {name: s.condition for name, s in project.segments.items()}
        program = compile_program(project.traits, conditions, zone(project.time_zone))
        with ask.people(root) as batches:
            people = batches.read_all().to_pylist()
        assert people
        items = Items(history.items())
        for row in people:
            person = history.person_by_id(row["person_id"])
            assert person is not None
            held = history.identifiers(person).values()
            events = history_of((event, stream) for _, event, stream in history.streams(held))
            told = program.run(events, at("2024-03-20T00:00:00Z"), build.fits(), items)
            for name, trait in project.traits.items():
                value = shown_value(told.values[name], trait.type)
                mine = value.replace(tzinfo=None) if hasattr(value, "tzinfo") else value
                assert mine == row[name], (name, row["person_id"])
            member = sorted(n for n in project.segments if told.values[n] is True)
            assert member == sorted(history.segments_of(person))
