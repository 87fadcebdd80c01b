"""Builds on disk: published by one switch, pinned by readers, pruned behind them."""

from __future__ import annotations

from pathlib import Path

from visavis.store import builds


def made(state: Path, number: int) -> builds.Build:
    build_id = f"{number:06d}-x"
    folder = builds.start(state, build_id)
    (folder / "people.parquet").write_text(build_id)
    return builds.publish(state, folder, {"build_id": build_id, "as_of_ms": number})


def test_the_last_published_build_is_read(tmp_path: Path) -> None:
    assert builds.published(tmp_path) is None
    with builds.reading(tmp_path) as none:
        assert none is None
    made(tmp_path, 1)
    second = made(tmp_path, 2)
    with builds.reading(tmp_path) as build:
        assert build is not None
        assert (build.id, build.as_of) == ("000002-x", 2)
        assert build.table("people").read_text() == "000002-x"
    assert builds.listed(tmp_path) == ["000001-x", "000002-x"]
    builds.switch(tmp_path, "000001-x")
    found = builds.published(tmp_path)
    assert found is not None
    assert found.id != second.id


def test_pruning_spares_the_published_build_and_those_being_read(tmp_path: Path) -> None:
    made(tmp_path, 1)
    with builds.reading(tmp_path) as pinned:
        for number in range(2, 7):
            made(tmp_path, number)
        assert builds.prune(tmp_path, 2) == ["000002-x", "000003-x", "000004-x"]
        assert pinned is not None
        assert pinned.table("people").exists()
        assert builds.listed(tmp_path) == ["000001-x", "000005-x", "000006-x"]
    builds.switch(tmp_path, "000005-x")
    assert builds.prune(tmp_path, 1) == ["000001-x", "000006-x"]
    assert builds.listed(tmp_path) == ["000005-x"]


def test_a_draft_left_behind_is_no_build(tmp_path: Path) -> None:
    made(tmp_path, 1)
    folder = builds.start(tmp_path, "000002-x")
    (folder / "people.parquet").write_text("half")
    assert builds.listed(tmp_path) == ["000001-x"]
    assert list(builds.start(tmp_path, "000003-x").glob("*.parquet")) == []
