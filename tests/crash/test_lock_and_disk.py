"""Two builds at once, and a disk without room: a clear word, and the last build still answers."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / "flow"))

from shopfolder import SECOND, at, everything, orders, rows, run, shop
from test_crash import NOW, visavis_build

from visavis.core.problems import ProblemsError
from visavis.store.locks import writing
from visavis.store.warehouse import Warehouse


def test_the_second_of_two_builds_says_who_holds_the_lock(tmp_path: Path) -> None:
    root = shop(tmp_path)
    run(root)
    with writing(root / ".visavis", "build", at(NOW)):
        second = visavis_build(root)
        assert second.returncode == 1
        assert f"process {os.getpid()}" in second.stderr
        assert "visavis build" in second.stderr
        # readers need no lock
        assert rows(root, "select count(*) from people") == [(2,)]
    assert visavis_build(root).returncode == 0


def no_room(*_: Any) -> int:
    import duckdb

    words = os.strerror(28)
    raise duckdb.IOException(f'IO Error: Could not write file "x.parquet": {words}')


@pytest.mark.parametrize("what", ["engine", "python"])
def test_a_full_disk_is_a_problem_and_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    root = shop(tmp_path)
    run(root)
    old = everything(root)
    orders(root, 2, SECOND)
    with monkeypatch.context() as patched:
        if what == "engine":
            patched.setattr(Warehouse, "write_parquet", no_room)
        else:
            patched.setattr(os, "fsync", _raise_enospc)
        with pytest.raises(ProblemsError) as full:
            run(root)
    assert [p.code for p in full.value.problems] == ["disk-full"]
    assert everything(root) == old
    assert run(root)["people"] == 4


def _raise_enospc(_: int) -> None:
    raise OSError(28, os.strerror(28))


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own with 1 MB, where the machine lets us make one."""
    target = tmp_path / "disk"
    target.mkdir()
    mount = shutil.which("mount")
    command = [mount or "", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(target)]
    if mount is None or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("no file system can be mounted here")
    yield target
    subprocess.run(["umount", "-l", str(target)], check=True)


def test_a_disk_that_really_fills_up(tmp_path: Path, small_disk: Path) -> None:
    root = shop(tmp_path / "shop", visavis_yml=f"name: Shop\nstate: {small_disk / 'state'}\n")
    run(root)
    old = everything(root)
    many = [f"{n},c{n},c{n}@x{n % 7}.co,2024-03-20T10:00:00,T1,{n}.5" for n in range(100, 60_000)]
    orders(root, 2, many)
    second = visavis_build(root)
    assert second.returncode == 1, second.stderr
    assert "disk-full" in second.stderr
    assert everything(root) == old
    orders(root, 2, SECOND)
    assert visavis_build(root).returncode == 0
    assert rows(root, "select count(*) from people") == [(4,)]
