"""Loads count once committed and only then; one writer at a time; a full disk; kills anywhere."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from visavis.core.problems import ProblemsError
from visavis.store.lake import Lake, room_on_disk
from visavis.store.locks import writing
from visavis.store.state import FileMark, Load, State

SRC = Path(__file__).parents[2] / "src"


def load(load_id: str, **given: object) -> Load:
    return Load(load_id, "shop", "d", 5, **given)  # type: ignore[arg-type]


def test_a_load_and_what_it_ends_change_in_one_step(tmp_path: Path) -> None:
    marks = (FileMark("a.csv", 1, 2, "ab", 3),)
    with State(tmp_path / "state.db") as state:
        assert state.next_number() == 1
        state.commit(load("000001-shop", files=marks, counts={"rows": 3}, min_ts=1, max_ts=2))
        state.commit(load("000002-shop"), ["000001-shop"], {"cursor": 7})
    with State(tmp_path / "state.db") as state:
        assert [x.load_id for x in state.loads()] == ["000002-shop"]
        first, second = state.loads(active_only=False)
        assert (first.files, first.counts, first.active) == (marks, {"rows": 3}, False)
        assert second.min_ts is None
        assert state.fact("cursor") == 7
        assert state.fact("other") is None
        assert state.next_number() == 3


def test_a_failing_step_leaves_nothing(tmp_path: Path) -> None:
    with State(tmp_path / "state.db") as state:
        state.commit(load("000001-shop"))
        with pytest.raises(Exception, match="UNIQUE"):
            state.commit(load("000001-shop"), ["000001-shop"])
        assert [x.load_id for x in state.loads()] == ["000001-shop"]


def test_only_whole_loads_are_in_the_lake(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    with State(tmp_path / "state.db") as state:
        draft = lake.draft()
        (draft / "events.parquet").write_bytes(b"x")
        lake.publish(draft, "000001-shop", lambda: state.commit(load("000001-shop")))
        (lake.path / "000009-shop").mkdir()
        assert lake.sweep(state) == ["000009-shop"]
        assert [p.name for p in lake.files("events", state.loads())] == ["events.parquet"]
        assert lake.files("lines", state.loads()) == []


def test_a_full_disk_is_a_problem(tmp_path: Path) -> None:
    with pytest.raises(ProblemsError) as caught, room_on_disk("the build"):
        raise OSError(errno.ENOSPC, "No space left on device")
    assert caught.value.problems[0].code == "disk-full"
    with pytest.raises(OSError, match="other"), room_on_disk("the build"):
        raise OSError(errno.EIO, "other")


def run(code: str, *args: object, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), *map(str, args)],
        env={**os.environ, "PYTHONPATH": str(SRC), **env},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_second_writer_hears_who_is_first_and_a_killed_one_leaves_no_lock(
    tmp_path: Path,
) -> None:
    with writing(tmp_path, "build", 1_600_000_000_000):
        second = run(
            """
            import sys
            from pathlib import Path
            from visavis.core.problems import ProblemsError
            from visavis.store.locks import writing
            try:
                with writing(Path(sys.argv[1]), "build", 0): pass
            except ProblemsError as error:
                print(error)
            """,
            tmp_path,
        )
        assert (
            f"locked: This project is being written by process {os.getpid()} (visavis build)"
            in second.stdout
        )
        assert "since 2020-09-13T12:26:40Z" in second.stdout
    killed = run(
        """
        import sys
        from pathlib import Path
        from visavis.store import crash
        from visavis.store.locks import writing
        with writing(Path(sys.argv[1]), "build", 0): crash.point("here")
        """,
        tmp_path,
        VISAVIS_CRASH_AT="here",
    )
    assert killed.returncode == -signal.SIGKILL
    with writing(tmp_path, "build", 0):
        pass
